//! What a reconcile says of a tenant: its next status. Pure.

use akili_crds::condition::{Statement, conditions, types};
use akili_crds::tenant::Resources;
use akili_crds::{Phase, Tenant, TenantStatus, lifecycle};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::registry::Row;
use crate::backend::{Outcome, TenantKey};
use crate::error::{Class, Error};

/// What became of one plane.
pub struct Report {
    /// The plane's name in metrics.
    pub plane: &'static str,
    /// The type of the condition that speaks of it.
    pub condition: &'static str,
    /// How far it got.
    pub outcome: Outcome,
}

impl Report {
    /// Why it didn't get there, if it didn't.
    pub fn error(&self) -> Option<&Error> {
        self.outcome.result.as_ref().err()
    }
}

/// The status after every plane was taken towards `target`; these are the tenant's
/// names there.
pub fn status(
    tenant: &Tenant,
    key: &TenantKey,
    resources: &Resources,
    row: Option<&Row>,
    target: Phase,
    reports: &[Report],
    now: &Time,
) -> TenantStatus {
    let old = tenant.status.clone().unwrap_or_default();
    let reached = reports.iter().all(|report| report.error().is_none());
    let current = old.phase.unwrap_or(Phase::Provisioning);
    let mut statements = vec![ready(key, target, reports)];
    statements.extend(progress(reports));
    statements.extend(reports.iter().map(|report| plane_statement(key, report)));
    let time =
        |of: fn(&Row) -> Option<&Time>, old: Option<Time>| row.map_or(old, |row| of(row).cloned());
    TenantStatus {
        phase: Some(lifecycle::next_phase(current, target, reached)),
        suspended_at: time(|row| row.suspended_at.as_ref(), old.suspended_at),
        archived_at: time(|row| row.archived_at.as_ref(), old.archived_at),
        purge_after: time(|row| row.purge_after.as_ref(), old.purge_after),
        purged_at: time(|row| row.purged_at.as_ref(), old.purged_at),
        ..named(tenant, key, resources, &statements, now)
    }
}

/// The status of a tenant that has its id and as yet nothing else.
pub fn begun(
    tenant: &Tenant,
    key: &TenantKey,
    resources: &Resources,
    target: Phase,
    now: &Time,
) -> TenantStatus {
    let message = format!("tenant {} is being made {target}", key.slug);
    let statement = |type_, status| Statement {
        type_,
        status,
        reason: "Progressing",
        message: message.clone(),
    };
    let statements = [
        statement(types::READY, false),
        statement(types::RECONCILING, true),
    ];
    TenantStatus {
        phase: Some(Phase::Provisioning),
        ..named(tenant, key, resources, &statements, now)
    }
}

/// What follows from who the tenant is, with these statements as its conditions.
fn named(
    tenant: &Tenant,
    key: &TenantKey,
    resources: &Resources,
    statements: &[Statement],
    now: &Time,
) -> TenantStatus {
    let generation = tenant.metadata.generation;
    let old = tenant
        .status
        .as_ref()
        .map_or(&[][..], |status| &status.conditions);
    TenantStatus {
        observed_generation: generation,
        id: Some(key.id.to_string()),
        namespace: Some(key.id.namespace()),
        resources: Some(resources.clone()),
        conditions: conditions(old, statements, generation.unwrap_or_default(), now),
        ..TenantStatus::default()
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

fn ready(key: &TenantKey, target: Phase, reports: &[Report]) -> Statement {
    let late: Vec<&str> = reports
        .iter()
        .filter(|report| report.error().is_some())
        .map(|report| report.condition)
        .collect();
    let (reason, message) = match reports.iter().find_map(Report::error) {
        None => (
            "Reached",
            format!("tenant {} is {target} in every plane", key.slug),
        ),
        Some(error) => (
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
fn progress(reports: &[Report]) -> Option<Statement> {
    let errors = || reports.iter().filter_map(Report::error);
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

fn plane_statement(key: &TenantKey, report: &Report) -> Statement {
    let (status, reason, message) = match &report.outcome.result {
        Err(error) => (false, error.reason, error.message.clone()),
        Ok(Some(notice)) => (true, notice.reason, notice.message.clone()),
        Ok(None) => (
            true,
            "Converged",
            format!("holds what tenant {} should have", key.slug),
        ),
    };
    Statement {
        type_: report.condition,
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
        Outcome {
            changed: vec![],
            result: Ok(None),
        }
    }

    fn failed(class: Class) -> Outcome {
        Outcome {
            changed: vec![],
            result: Err(Error::new(
                class,
                "Unreachable",
                "db:5432 refused the connection",
            )),
        }
    }

    fn reports(postgres: Outcome) -> [Report; 2] {
        [
            ("kubernetes", types::NAMESPACE_READY, converged()),
            ("postgres", types::POSTGRES_READY, postgres),
        ]
        .map(|(plane, condition, outcome)| Report {
            plane,
            condition,
            outcome,
        })
    }

    #[test]
    fn a_tenant_is_active_once_every_plane_has_converged() {
        let (mut tenant, key) = tenant();
        let late = status(
            &tenant,
            &key,
            &Resources::default(),
            None,
            Phase::Active,
            &reports(failed(Class::Transient)),
            &at(1),
        );
        assert_eq!(late.phase, Some(Phase::Provisioning));
        assert!(is_true(&late.conditions, types::RECONCILING));
        assert!(!is_true(&late.conditions, types::READY));

        tenant.status = Some(late);
        let done = status(
            &tenant,
            &key,
            &Resources::default(),
            None,
            Phase::Active,
            &reports(converged()),
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
            &Resources::default(),
            None,
            Phase::Active,
            &reports(converged()),
            &at(1),
        ));
        let down = status(
            &tenant,
            &key,
            &Resources::default(),
            None,
            Phase::Active,
            &reports(failed(Class::Transient)),
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
    fn what_only_a_person_can_mend_is_stalled() {
        let (tenant, key) = tenant();
        let status = status(
            &tenant,
            &key,
            &Resources::default(),
            None,
            Phase::Active,
            &reports(failed(Class::Invalid)),
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
            &Resources::default(),
            None,
            Phase::Active,
            &reports(converged()),
            &at(1),
        );
        tenant.status = Some(first.clone());
        let second = status(
            &tenant,
            &key,
            &Resources::default(),
            None,
            Phase::Active,
            &reports(converged()),
            &at(9),
        );
        assert_eq!(first, second);
    }

    #[test]
    fn a_tenant_that_was_begun_has_its_names() {
        let (tenant, key) = tenant();
        let begun = begun(&tenant, &key, &Resources::default(), Phase::Active, &at(1));
        assert_eq!(begun.phase, Some(Phase::Provisioning));
        assert_eq!(begun.id, Some(key.id.to_string()));
        assert_eq!(begun.namespace, Some(key.id.namespace()));
        assert!(is_true(&begun.conditions, types::RECONCILING));
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
