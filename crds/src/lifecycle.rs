//! Phases of a tenant and the fate of its data, as pure functions of spec, status and registry.

use std::time::Duration;

use jiff::Timestamp;

use crate::tenant::{Phase, State, Tenant};

/// Returns the phase that every plane should reach: ARCHIVED if the registry's row is archived,
/// else the wanted one. Archiving is permanent.
pub fn target(wanted: State, row: Option<Phase>) -> Phase {
    match row {
        Some(Phase::Archived) => Phase::Archived,
        _ => wanted.into(),
    }
}

/// Returns the effective state, which admission and the namespace's label use: the more
/// restrictive of the wanted and the reached one. So a tenant is closed as soon as the spec says
/// so, and open only when every plane is open.
pub fn effective(wanted: State, reached: Phase) -> Phase {
    reached.max(wanted.into())
}

/// Returns the phase after a reconcile: the target once all planes have converged.
pub fn next_phase(current: Phase, target: Phase, all_converged: bool) -> Phase {
    if all_converged { target } else { current }
}

/// State of a tenant's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// Kept: the tenant isn't archived.
    Kept,
    /// Kept until this time.
    KeptUntil(Timestamp),
    /// Being purged.
    Purging,
    /// Deleted in every plane.
    Purged,
}

/// Returns the state of a tenant's data. The purge starts after `purge_after`, and only once every
/// plane is closed, which is when the phase `reached` is ARCHIVED.
pub fn data(
    reached: Phase,
    purge_after: Option<Timestamp>,
    purged_at: Option<Timestamp>,
    now: Timestamp,
) -> Data {
    match (purged_at, purge_after) {
        (Some(_), _) => Data::Purged,
        (None, None) => Data::Kept,
        (None, Some(after)) if reached == Phase::Archived && after <= now => Data::Purging,
        (None, Some(after)) => Data::KeptUntil(after),
    }
}

/// Returns whether some of the tenant's data may be deleted already, as far as its status
/// says: it is ARCHIVED, and its retention was over before `now`.
pub fn purge_may_have_begun(tenant: &Tenant, now: Timestamp) -> bool {
    let status = tenant.status.as_ref();
    let after = status.and_then(|status| status.purge_after.as_ref());
    tenant.phase() == Phase::Archived && after.is_some_and(|after| after.0 <= now)
}

/// Returns when an archived tenant's data is purged: `archived_at` plus `spec.retention` if that is
/// set, else the time `written` at archiving. A later change of the platform's default has no
/// effect.
pub fn purge_after(
    archived_at: Timestamp,
    retention: Option<Duration>,
    written: Timestamp,
) -> Timestamp {
    retention.map_or(written, |retention| {
        let seconds = i64::try_from(retention.as_secs()).unwrap_or(i64::MAX);
        let whole = jiff::SignedDuration::from_secs(seconds);
        archived_at.checked_add(whole).unwrap_or(Timestamp::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use Phase::{Active, Archived, Provisioning, Suspended};

    #[test]
    fn phase_changes_when_every_plane_has_converged() {
        for current in [Provisioning, Active, Suspended, Archived] {
            for target in [Active, Suspended, Archived] {
                assert_eq!(next_phase(current, target, true), target);
                assert_eq!(next_phase(current, target, false), current);
            }
        }
    }

    #[test]
    fn effective_state_is_the_more_restrictive_one() {
        for (wanted, reached, effective_, reason) in [
            (State::Active, Provisioning, Provisioning, "not yet usable"),
            (State::Active, Active, Active, "open"),
            (
                State::Active,
                Suspended,
                Suspended,
                "opens only when the phase is reached",
            ),
            (State::Suspended, Active, Suspended, "closed at once"),
            (State::Suspended, Provisioning, Suspended, "closed at once"),
            (State::Archived, Active, Archived, "closed at once"),
            (State::Archived, Suspended, Archived, "closed at once"),
            (State::Suspended, Archived, Archived, "never back"),
        ] {
            assert_eq!(effective(wanted, reached), effective_, "{reason}");
        }
    }

    #[test]
    fn target_of_an_archived_row_is_archived() {
        assert_eq!(target(State::Active, Some(Archived)), Archived);
        assert_eq!(target(State::Active, Some(Suspended)), Active);
        assert_eq!(target(State::Active, None), Active);
        assert_eq!(target(State::Suspended, None), Suspended);
    }

    #[test]
    fn data_is_kept_until_due_and_every_plane_is_closed() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let (then, now) = (Some(at(100)), at(100));
        for (reached, purge_after, purged_at, expected, reason) in [
            (Active, None, None, Data::Kept, "it lives"),
            (
                Archived,
                Some(at(101)),
                None,
                Data::KeptUntil(at(101)),
                "too early",
            ),
            (
                Active,
                then,
                None,
                Data::KeptUntil(now),
                "a plane is still open",
            ),
            (Archived, then, None, Data::Purging, "over"),
            (Archived, then, then, Data::Purged, "done"),
            (Provisioning, then, then, Data::Purged, "done before"),
        ] {
            assert_eq!(
                data(reached, purge_after, purged_at, now),
                expected,
                "{reason}"
            );
        }
    }

    #[test]
    fn purge_time_moves_only_with_spec_retention() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let hours = |hours: u64| Some(Duration::from_secs(3600 * hours));
        assert_eq!(purge_after(at(0), None, at(7)), at(7));
        assert_eq!(purge_after(at(0), hours(1), at(7)), at(3600));
        assert_eq!(purge_after(at(5), hours(0), at(7)), at(5));
        assert_eq!(
            purge_after(at(5), Some(Duration::MAX), at(7)),
            Timestamp::MAX
        );
    }
}
