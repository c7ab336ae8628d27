//! The next status of a Tenant. Pure.

use akili_crds::condition::{Statement, conditions, types};
use akili_crds::lifecycle::Data;
use akili_crds::tenant::Resources;
use akili_crds::{Phase, State, Tenant, TenantStatus, lifecycle};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::registry::row::{RegistryLookup, Row, archived_permanently};
use crate::backend::{Outcome, Shortfall, StatusReason, TenantKey};
use crate::error::{Class, Error, Reason};

/// The outcome of converging one plane.
pub struct PlaneOutcome {
    /// The plane's name in metrics.
    pub plane: &'static str,
    /// The type of the plane's condition.
    pub condition: &'static str,
    /// True if the plane had converged to exactly this desired state before, as far as this process
    /// knows: its steps repair what somebody changed by hand.
    pub had_converged: bool,
    /// The applied steps.
    pub changed: Vec<String>,
    pub outcome: Outcome,
}

impl PlaneOutcome {
    /// Returns why the plane didn't converge, if it didn't.
    pub fn shortfall(&self) -> Option<Shortfall<'_>> {
        self.outcome.shortfall()
    }
}

/// The tenant that a reconcile works on.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The Tenant as the reconcile read it.
    pub tenant: &'a Tenant,
    pub key: &'a TenantKey,
    /// Its names in every plane.
    pub resources: &'a Resources,
    pub registry: &'a RegistryLookup,
    /// The phase that every plane converges to.
    pub target: Phase,
}

impl<'a> Subject<'a> {
    /// Returns the tenant's row, if it was read.
    pub fn row(&self) -> Option<&'a Row> {
        self.registry.row()
    }

    /// Returns why the tenant isn't ARCHIVED yet although every plane is closed: its row must be
    /// archived first, and the registry didn't answer.
    pub fn unarchived(&self) -> Option<&'a Error> {
        let arriving = self.tenant.phase() != Phase::Archived;
        let archives = self.target == Phase::Archived && arriving;
        self.registry.error().filter(|_| archives)
    }

    /// Returns whether the row is archived although the Tenant, perhaps restored from a backup,
    /// wants another state.
    pub fn is_overruled(&self) -> bool {
        let archived = self.row().is_some_and(|row| row.state == Phase::Archived);
        archived && self.tenant.spec.state != State::Archived
    }

    /// Returns why the tenant isn't ready although every plane has converged.
    pub fn obstacle(&self) -> Option<Error> {
        match self.is_overruled() {
            true => Some(archived_permanently(&self.key.slug)),
            false => self.unarchived().cloned(),
        }
    }

    /// Returns what happens to the tenant's data; it is kept while the Tenant asks for another
    /// state than Archived.
    pub fn data(&self) -> Data {
        if self.is_overruled() {
            return Data::Kept;
        }
        let reached = self.tenant.phase();
        let time = |time: &Time| time.0;
        match (self.row(), &self.tenant.status) {
            (Some(row), _) => {
                let after = row.purge_after.as_ref().map(time);
                let purged = row.purged_at.as_ref().map(time);
                lifecycle::data(reached, after, purged, row.read_at)
            }
            (None, Some(status)) if self.target == Phase::Archived => {
                let after = status.purge_after.as_ref().map(time);
                after.map_or(Data::Kept, Data::KeptUntil)
            }
            (None, _) => Data::Kept,
        }
    }
}

/// Returns the status after a reconcile of every plane, or after a page of the purge.
pub fn status(subject: &Subject<'_>, outcomes: &[PlaneOutcome], now: &Time) -> TenantStatus {
    let old = subject.tenant.status.clone().unwrap_or_default();
    let data = subject.data();
    let late = outcomes.iter().any(|outcome| outcome.shortfall().is_some());
    let reached = !late && subject.unarchived().is_none();
    let current = old.phase.unwrap_or(Phase::Provisioning);
    let mut statements = vec![ready(subject, data, outcomes)];
    statements.extend(progress(subject, outcomes));
    let planes = outcomes.iter();
    statements.extend(planes.map(|outcome| plane_statement(subject.key, data, outcome)));
    statements.extend(data_statement(subject.key, data, outcomes));
    TenantStatus {
        phase: Some(lifecycle::next_phase(current, subject.target, reached)),
        ..named(subject, &statements, now)
    }
}

/// Returns the first status of a new tenant, which has its id and names.
pub fn begun(subject: &Subject<'_>, now: &Time) -> TenantStatus {
    let message = format!(
        "tenant {} is being provisioned to become {}",
        subject.key.slug, subject.target
    );
    let statement = |type_, status| Statement {
        type_,
        status,
        reason: StatusReason::Progressing.as_str(),
        message: message.clone(),
    };
    let statements = [
        statement(types::READY, false),
        statement(types::RECONCILING, true),
    ];
    TenantStatus {
        phase: Some(Phase::Provisioning),
        ..named(subject, &statements, now)
    }
}

/// Returns the status of a purged tenant, without the per-backend conditions.
pub fn purged(subject: &Subject<'_>, now: &Time) -> TenantStatus {
    let slug = &subject.key.slug;
    let message = format!("all data of tenant {slug} was deleted; its name can't be used again");
    let statement = |type_| Statement {
        type_,
        status: true,
        reason: StatusReason::Purged.as_str(),
        message: message.clone(),
    };
    TenantStatus {
        phase: Some(Phase::Archived),
        ..named(subject, &[types::READY, types::PURGED].map(statement), now)
    }
}

/// Returns the status of a purged tenant whose spec was changed since, which has no effect.
pub fn acknowledged(tenant: &Tenant) -> TenantStatus {
    let mut status = tenant.status.clone().unwrap_or_default();
    status.observed_generation = tenant.metadata.generation;
    for condition in &mut status.conditions {
        condition.observed_generation = tenant.metadata.generation;
    }
    status
}

/// Returns a status with the tenant's id, names and times, and these conditions.
fn named(subject: &Subject<'_>, statements: &[Statement], now: &Time) -> TenantStatus {
    let generation = subject.tenant.metadata.generation;
    let old = subject.tenant.status.clone().unwrap_or_default();
    let time = |of: fn(&Row) -> Option<&Time>, old: Option<Time>| {
        subject.row().map_or(old, |row| of(row).cloned())
    };
    let conditions = conditions(
        &old.conditions,
        statements,
        generation.unwrap_or_default(),
        now,
    );
    TenantStatus {
        observed_generation: generation,
        id: Some(subject.key.id.to_string()),
        namespace: Some(subject.key.id.namespace()),
        resources: Some(subject.resources.clone()),
        suspended_at: time(|row| row.suspended_at.as_ref(), old.suspended_at),
        archived_at: time(|row| row.archived_at.as_ref(), old.archived_at),
        purge_after: time(|row| row.purge_after.as_ref(), old.purge_after),
        purged_at: time(|row| row.purged_at.as_ref(), old.purged_at),
        conditions,
        ..TenantStatus::default()
    }
}

/// Returns the status of a tenant whose reconcile can't begin because of this error.
pub fn blocked(tenant: &Tenant, error: &Error, now: &Time) -> TenantStatus {
    let old = tenant.status.clone().unwrap_or_default();
    let mut statements = vec![Statement {
        type_: types::READY,
        status: false,
        reason: error.reason.as_str(),
        message: error.message.clone(),
    }];
    statements.push(attention(error.into()));
    TenantStatus {
        observed_generation: tenant.metadata.generation,
        phase: Some(old.phase.unwrap_or(Phase::Provisioning)),
        conditions: conditions(
            &old.conditions,
            &statements,
            tenant.metadata.generation.unwrap_or_default(),
            now,
        ),
        ..old
    }
}

fn ready(subject: &Subject<'_>, data: Data, outcomes: &[PlaneOutcome]) -> Statement {
    let (slug, target) = (&subject.key.slug, subject.target);
    let late: Vec<&str> = outcomes
        .iter()
        .filter(|outcome| outcome.shortfall().is_some())
        .map(|outcome| outcome.condition)
        .collect();
    let error = outcomes.iter().find_map(PlaneOutcome::shortfall);
    let (reason, message) = match (error, data) {
        (None, _) => match subject.obstacle() {
            Some(error) => (error.reason.as_str(), error.message),
            None => (
                StatusReason::Reached.as_str(),
                format!("tenant {slug} is {target} in every plane"),
            ),
        },
        (Some(error), Data::Purging) => (
            error.reason.as_str(),
            format!("tenant {slug} is being purged: see {}", late.join(", ")),
        ),
        (Some(error), _) => (
            error.reason.as_str(),
            format!(
                "tenant {slug} isn't {target} in every plane yet: see {}",
                late.join(", ")
            ),
        ),
    };
    Statement {
        type_: types::READY,
        status: late.is_empty() && subject.obstacle().is_none(),
        reason,
        message,
    }
}

/// Returns the condition `Purged` of an archived tenant whose data isn't purged yet.
fn data_statement(key: &TenantKey, data: Data, outcomes: &[PlaneOutcome]) -> Option<Statement> {
    let slug = &key.slug;
    let (reason, message) = match data {
        Data::Kept | Data::Purged => return None,
        Data::KeptUntil(after) => (
            StatusReason::Kept.as_str(),
            format!("tenant {slug}'s data is kept until {after}; spec.retention changes that"),
        ),
        Data::Purging => {
            let left = outcomes.iter().filter_map(|outcome| {
                let error = outcome.shortfall()?;
                Some(format!("{}: {}", outcome.condition, error.message))
            });
            (
                Reason::Purging.as_str(),
                left.collect::<Vec<_>>().join("; "),
            )
        }
    };
    Some(Statement {
        type_: types::PURGED,
        status: false,
        reason,
        message,
    })
}

/// Returns `Stalled` if an error needs somebody to change something, else `Reconciling` if there is
/// any error, else nothing.
fn progress(subject: &Subject<'_>, outcomes: &[PlaneOutcome]) -> Option<Statement> {
    let obstacle = subject.obstacle();
    let planes = || outcomes.iter().filter_map(PlaneOutcome::shortfall);
    let all = || planes().chain(obstacle.as_ref().map(Shortfall::from));
    all()
        .find(|it| it.reason.class() == Class::Invalid)
        .or_else(|| all().next())
        .map(attention)
}

fn attention(shortfall: Shortfall<'_>) -> Statement {
    let type_ = if shortfall.reason.class() == Class::Invalid {
        types::STALLED
    } else {
        types::RECONCILING
    };
    Statement {
        type_,
        status: true,
        reason: shortfall.reason.as_str(),
        message: shortfall.message.to_owned(),
    }
}

fn plane_statement(key: &TenantKey, data: Data, outcome: &PlaneOutcome) -> Statement {
    let (status, reason, message) = match &outcome.outcome {
        Outcome::Failed(Error { reason, message }) | Outcome::Pending { reason, message } => {
            (false, reason.as_str(), message.clone())
        }
        Outcome::Converged { .. } if data == Data::Purging => (
            true,
            StatusReason::Purged.as_str(),
            format!("everything of tenant {} was deleted", key.slug),
        ),
        Outcome::Converged {
            notice: Some(notice),
        } => (true, notice.reason.as_str(), notice.message.clone()),
        Outcome::Converged { notice: None } => (
            true,
            StatusReason::Converged.as_str(),
            "converged".to_owned(),
        ),
    };
    Statement {
        type_: outcome.condition,
        status,
        reason,
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use akili_crds::condition::{find, is_true};
    use akili_crds::{TenantId, TenantSpec};
    use jiff::Timestamp;

    fn at(second: i64) -> Time {
        Time(Timestamp::from_second(second).unwrap())
    }

    fn tenant() -> (Tenant, TenantKey) {
        let spec: TenantSpec = serde_json::from_str(r#"{"displayName": "Acme"}"#).unwrap();
        let mut tenant = Tenant::new("acme", spec);
        tenant.metadata.generation = Some(3);
        (
            tenant,
            TenantKey {
                slug: "acme".parse().unwrap(),
                id: TenantId::random(),
            },
        )
    }

    fn converged() -> Outcome {
        Outcome::Converged { notice: None }
    }

    fn failed(reason: Reason) -> Outcome {
        Outcome::Failed(Error::new(reason, "db:5432 refused the connection"))
    }

    fn outcomes(postgres: Outcome) -> [PlaneOutcome; 2] {
        [
            ("kubernetes", types::NAMESPACE_READY, converged()),
            ("postgres", types::POSTGRES_READY, postgres),
        ]
        .map(|(plane, condition, outcome)| PlaneOutcome {
            plane,
            condition,
            had_converged: false,
            changed: vec![],
            outcome,
        })
    }

    fn subject<'a>(
        tenant: &'a Tenant,
        key: &'a TenantKey,
        resources: &'a Resources,
    ) -> Subject<'a> {
        Subject {
            tenant,
            key,
            resources,
            registry: &RegistryLookup::NotNeeded,
            target: Phase::Active,
        }
    }

    fn next(
        tenant: &Tenant,
        key: &TenantKey,
        outcomes: &[PlaneOutcome],
        now: &Time,
    ) -> TenantStatus {
        status(&subject(tenant, key, &Resources::default()), outcomes, now)
    }

    #[test]
    fn tenant_is_active_once_every_plane_has_converged() {
        let (mut tenant, key) = tenant();
        let late = next(
            &tenant,
            &key,
            &outcomes(failed(Reason::Unreachable)),
            &at(1),
        );
        assert_eq!(late.phase, Some(Phase::Provisioning));
        assert!(is_true(&late.conditions, types::RECONCILING));
        assert!(!is_true(&late.conditions, types::READY));

        tenant.status = Some(late);
        let done = next(&tenant, &key, &outcomes(converged()), &at(2));
        assert_eq!(done.phase, Some(Phase::Active));
        assert!(is_true(&done.conditions, types::READY));
        assert!(!is_true(&done.conditions, types::RECONCILING));
        assert_eq!(done.observed_generation, Some(3));
    }

    #[test]
    fn active_tenant_with_backend_down_is_active_but_not_ready() {
        let (mut tenant, key) = tenant();
        tenant.status = Some(next(&tenant, &key, &outcomes(converged()), &at(1)));
        let down = next(
            &tenant,
            &key,
            &outcomes(failed(Reason::Unreachable)),
            &at(2),
        );
        assert_eq!(down.phase, Some(Phase::Active));
        let postgres = find(&down.conditions, types::POSTGRES_READY).unwrap();
        assert_eq!(
            (postgres.status.as_str(), postgres.reason.as_str()),
            ("False", "Unreachable")
        );
        assert!(is_true(&down.conditions, types::NAMESPACE_READY));
    }

    #[test]
    fn invalid_error_makes_the_tenant_stalled() {
        let (tenant, key) = tenant();
        let status = next(
            &tenant,
            &key,
            &outcomes(failed(Reason::OwnedByAnother)),
            &at(1),
        );
        assert!(is_true(&status.conditions, types::STALLED));
        assert!(!is_true(&status.conditions, types::RECONCILING));
    }

    #[test]
    fn status_is_unchanged_when_outcomes_are_unchanged() {
        let (mut tenant, key) = tenant();
        let first = next(&tenant, &key, &outcomes(converged()), &at(1));
        tenant.status = Some(first.clone());
        let second = next(&tenant, &key, &outcomes(converged()), &at(9));
        assert_eq!(first, second);
    }

    #[test]
    fn first_status_has_id_and_names() {
        let (tenant, key) = tenant();
        let resources = Resources::default();
        let begun = begun(&subject(&tenant, &key, &resources), &at(1));
        assert_eq!(begun.phase, Some(Phase::Provisioning));
        assert_eq!(begun.id, Some(key.id.to_string()));
        assert_eq!(begun.namespace, Some(key.id.namespace()));
        assert!(is_true(&begun.conditions, types::RECONCILING));
    }

    #[test]
    fn blocked_status_reports_the_registry_error() {
        let (tenant, _) = tenant();
        let error = Error::new(Reason::RegistryUnavailable, "db:5432 refused");
        let status = blocked(&tenant, &error, &at(1));
        assert_eq!((status.phase, status.id), (Some(Phase::Provisioning), None));
        assert_eq!(status.conditions[0].reason, "RegistryUnavailable");
    }
}
