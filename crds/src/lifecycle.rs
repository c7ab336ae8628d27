//! Which phase a tenant is in, given where it was, what is wanted, and whether
//! every plane has reached that.

use crate::tenant::{Phase, State};

/// What every plane is to hold for the tenant now: the phase that is wanted, or,
/// where the registry's row is already further down the ratchet, that.
pub fn target(wanted: State, row: Option<Phase>) -> Phase {
    match row {
        Some(Phase::Archived) => Phase::Archived,
        _ => wanted.into(),
    }
}

/// The state that admission and the namespace's label speak of: the more
/// restrictive of what is wanted and what has been reached. So a tenant is closed
/// from the moment it is asked for, and open only when every plane is.
pub fn effective(wanted: State, reached: Phase) -> Phase {
    reached.max(wanted.into())
}

/// The phase after a reconcile. It changes when all planes have converged.
pub fn next_phase(current: Phase, target: Phase, all_converged: bool) -> Phase {
    if all_converged { target } else { current }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Phase::{Active, Archived, Provisioning, Suspended};

    #[test]
    fn the_phase_changes_when_every_plane_has_converged() {
        for current in [Provisioning, Active, Suspended, Archived] {
            for target in [Active, Suspended, Archived] {
                assert_eq!(next_phase(current, target, true), target);
                assert_eq!(next_phase(current, target, false), current);
            }
        }
    }

    #[test]
    fn what_is_effective_is_the_more_restrictive_of_wanted_and_reached() {
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
    fn the_row_is_the_ratchet() {
        assert_eq!(target(State::Active, Some(Archived)), Archived);
        assert_eq!(target(State::Active, Some(Suspended)), Active);
        assert_eq!(target(State::Active, None), Active);
        assert_eq!(target(State::Suspended, None), Suspended);
    }
}
