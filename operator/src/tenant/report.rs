//! What a reconcile says of a tenant: its next status. Pure.

use akili_crds::condition::{Statement, conditions, types};
use akili_crds::tenant::{PostgresNames, Resources};
use akili_crds::{Phase, Tenant, TenantStatus, lifecycle};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::registry::Row;
use crate::backend::{Outcome, TenantKey};
use crate::error::{Class, Error};

/// One plane's condition type and what became of the plane.
pub type Plane = (&'static str, Outcome);

/// The status after the planes were taken towards `target`.
pub fn status(
    tenant: &Tenant,
    key: &TenantKey,
    row: Option<&Row>,
    target: Phase,
    planes: &[Plane],
    now: &Time,
) -> TenantStatus {
    let old = tenant.status.clone().unwrap_or_default();
    let reached = planes
        .iter()
        .all(|(_, outcome)| matches!(outcome, Outcome::Converged { .. }));
    let current = old.phase.unwrap_or(Phase::Provisioning);
    let mut statements = vec![ready(key, target, planes)];
    statements.extend(progress(planes));
    statements.extend(
        planes
            .iter()
            .map(|(type_, outcome)| plane_statement(type_, key, outcome)),
    );
    let time =
        |of: fn(&Row) -> Option<&Time>, old: Option<Time>| row.map_or(old, |row| of(row).cloned());
    TenantStatus {
        observed_generation: tenant.metadata.generation,
        phase: Some(lifecycle::next_phase(current, target, reached)),
        id: Some(key.id.to_string()),
        namespace: Some(key.id.namespace()),
        suspended_at: time(|row| row.suspended_at.as_ref(), old.suspended_at),
        archived_at: time(|row| row.archived_at.as_ref(), old.archived_at),
        purge_after: time(|row| row.purge_after.as_ref(), old.purge_after),
        purged_at: time(|row| row.purged_at.as_ref(), old.purged_at),
        resources: Some(Resources {
            postgres: Some(PostgresNames {
                role: key.id.postgres_role(),
            }),
            ..Resources::default()
        }),
        conditions: conditions(
            &old.conditions,
            &statements,
            tenant.metadata.generation.unwrap_or_default(),
            now,
        ),
    }
}

/// The status of a tenant that can't even be begun with.
pub fn blocked(tenant: &Tenant, error: &Error, now: &Time) -> TenantStatus {
    let old = tenant.status.clone().unwrap_or_default();
    let mut statements = vec![Statement {
        type_: types::READY,
        status: false,
        reason: error.reason,
        message: error.message.clone(),
    }];
    statements.extend(attention(error));
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

fn ready(key: &TenantKey, target: Phase, planes: &[Plane]) -> Statement {
    let late: Vec<&str> = failures(planes).map(|(type_, _)| type_).collect();
    let (reason, message) = match failures(planes).next() {
        None => (
            "Reached",
            format!("tenant {} is {target} in every plane", key.slug),
        ),
        Some((_, error)) => (
            error.reason,
            format!(
                "tenant {} isn't {target} everywhere: see {}",
                key.slug,
                late.join(", ")
            ),
        ),
    };
    Statement {
        type_: types::READY,
        status: late.is_empty(),
        reason,
        message,
    }
}

/// `Stalled` where nothing will get better by itself, else `Reconciling`, else nothing.
fn progress(planes: &[Plane]) -> Option<Statement> {
    let errors = || failures(planes).map(|(_, error)| error);
    errors()
        .find(|error| error.class == Class::Invalid)
        .or_else(|| errors().next())
        .and_then(attention)
}

fn attention(error: &Error) -> Option<Statement> {
    let type_ = if error.class == Class::Invalid {
        types::STALLED
    } else {
        types::RECONCILING
    };
    Some(Statement {
        type_,
        status: true,
        reason: error.reason,
        message: error.message.clone(),
    })
}

fn failures(planes: &[Plane]) -> impl Iterator<Item = (&'static str, &Error)> {
    planes.iter().filter_map(|(type_, outcome)| match outcome {
        Outcome::Failed(error) => Some((*type_, error)),
        Outcome::Converged { .. } => None,
    })
}

fn plane_statement(type_: &'static str, key: &TenantKey, outcome: &Outcome) -> Statement {
    let (status, reason, message) = match outcome {
        Outcome::Failed(error) => (false, error.reason, error.message.clone()),
        Outcome::Converged {
            notice: Some(notice),
            ..
        } => (true, notice.reason, notice.message.clone()),
        Outcome::Converged { notice: None, .. } => (
            true,
            "Converged",
            format!("holds what tenant {} should have", key.slug),
        ),
    };
    Statement {
        type_,
        status,
        reason,
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use akili_crds::condition::is_true;
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
        Outcome::Converged {
            changed: vec![],
            notice: None,
        }
    }

    fn failed(class: Class) -> Outcome {
        Outcome::Failed(Error::new(
            class,
            "Unreachable",
            "db:5432 refused the connection",
        ))
    }

    fn planes(postgres: Outcome) -> [Plane; 2] {
        [
            (types::NAMESPACE_READY, converged()),
            (types::POSTGRES_READY, postgres),
        ]
    }

    #[test]
    fn a_tenant_is_active_once_every_plane_has_converged() {
        let (mut tenant, key) = tenant();
        let late = status(
            &tenant,
            &key,
            None,
            Phase::Active,
            &planes(failed(Class::Transient)),
            &at(1),
        );
        assert_eq!(late.phase, Some(Phase::Provisioning));
        assert!(is_true(&late.conditions, types::RECONCILING));
        assert!(!is_true(&late.conditions, types::READY));

        tenant.status = Some(late);
        let done = status(
            &tenant,
            &key,
            None,
            Phase::Active,
            &planes(converged()),
            &at(2),
        );
        assert_eq!(done.phase, Some(Phase::Active));
        assert!(is_true(&done.conditions, types::READY));
        assert!(!is_true(&done.conditions, types::RECONCILING));
        assert_eq!(done.observed_generation, Some(3));
    }

    #[test]
    fn an_active_tenant_whose_backend_is_down_stays_active_and_is_not_ready() {
        let (mut tenant, key) = tenant();
        tenant.status = Some(status(
            &tenant,
            &key,
            None,
            Phase::Active,
            &planes(converged()),
            &at(1),
        ));
        let down = status(
            &tenant,
            &key,
            None,
            Phase::Active,
            &planes(failed(Class::Transient)),
            &at(2),
        );
        assert_eq!(down.phase, Some(Phase::Active));
        let postgres = down
            .conditions
            .iter()
            .find(|c| c.type_ == types::POSTGRES_READY)
            .unwrap();
        assert_eq!(
            (postgres.status.as_str(), postgres.reason.as_str()),
            ("False", "Unreachable")
        );
        assert!(is_true(&down.conditions, types::NAMESPACE_READY));
    }

    #[test]
    fn what_only_a_person_can_mend_is_stalled() {
        let (tenant, key) = tenant();
        let status = status(
            &tenant,
            &key,
            None,
            Phase::Active,
            &planes(failed(Class::Invalid)),
            &at(1),
        );
        assert!(is_true(&status.conditions, types::STALLED));
        assert!(!is_true(&status.conditions, types::RECONCILING));
    }

    #[test]
    fn a_second_report_of_the_same_is_the_same() {
        let (mut tenant, key) = tenant();
        let first = status(
            &tenant,
            &key,
            None,
            Phase::Active,
            &planes(converged()),
            &at(1),
        );
        tenant.status = Some(first.clone());
        let second = status(
            &tenant,
            &key,
            None,
            Phase::Active,
            &planes(converged()),
            &at(9),
        );
        assert_eq!(first, second);
    }

    #[test]
    fn a_tenant_that_waits_for_the_registry_says_so() {
        let (tenant, _) = tenant();
        let error = Error::new(Class::Transient, "RegistryUnavailable", "db:5432 refused");
        let status = blocked(&tenant, &error, &at(1));
        assert_eq!((status.phase, status.id), (Some(Phase::Provisioning), None));
        assert_eq!(status.conditions[0].reason, "RegistryUnavailable");
    }
}
