//! Goals of a wait, whether a tenant has reached one, and what is missing. Pure.

use std::fmt;

use akili_crds::condition::{find, types};
use akili_crds::{Phase, Tenant};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

/// State to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// This phase.
    Status(Phase),
    /// This phase, and Ready: every plane is in this state now.
    Everywhere(Phase),
    /// The purge is complete.
    Purged,
}

impl Goal {
    /// Parses the argument of `tenant wait --for`.
    ///
    /// # Errors
    /// Lists the valid words.
    pub fn parse(word: &str) -> Result<Self, String> {
        let statuses = Phase::ALL.into_iter().map(Self::Status);
        statuses
            .chain([Self::Purged])
            .find(|goal| goal.to_string().eq_ignore_ascii_case(word))
            .ok_or_else(|| {
                "expected one of PROVISIONING, ACTIVE, SUSPENDED, ARCHIVED, PURGED".to_owned()
            })
    }

    /// Returns true if the tenant has reached the goal. A status of an older spec doesn't count,
    /// except for a purge, which is permanent.
    pub fn is_reached(self, tenant: &Tenant) -> bool {
        let status = tenant.status.as_ref();
        let phase = tenant.phase();
        let is_stale = is_stale(tenant, status.and_then(|status| status.observed_generation));
        match self {
            Self::Status(wanted) => !is_stale && phase == wanted,
            Self::Everywhere(wanted) => !is_stale && phase == wanted && tenant.is_ready(),
            Self::Purged => tenant.is_purged(),
        }
    }

    /// Returns a line for each plane that has not reached the goal, or one for the whole tenant.
    pub fn obstacles(self, tenant: &Tenant) -> Vec<String> {
        let status = tenant.status.clone().unwrap_or_default();
        if status
            .observed_generation
            .is_none_or(|seen| is_stale(tenant, Some(seen)))
        {
            return vec![
                "the operator has not reconciled it yet; check that the operator is running".into(),
            ];
        }
        if let Some(state) = self.contradiction(tenant) {
            return vec![state];
        }
        let of = |type_| find(&status.conditions, type_);
        let is_late = |condition: &&Condition| {
            condition.status != "True" || is_stale(tenant, condition.observed_generation)
        };
        let mut late: Vec<&Condition> = match self {
            Self::Purged => of(types::PURGED).into_iter().collect(),
            _ => types::PLANES.into_iter().filter_map(of).collect(),
        };
        late.retain(is_late);
        if late.is_empty() {
            late.extend(of(types::READY).filter(is_late));
        }
        late.into_iter().map(line).collect()
    }

    /// Returns the state in the tenant's spec, if that is not the goal's.
    fn contradiction(self, tenant: &Tenant) -> Option<String> {
        let wanted = match self {
            Self::Status(Phase::Provisioning) => return None,
            Self::Status(phase) | Self::Everywhere(phase) => phase,
            Self::Purged => Phase::Archived,
        };
        let state = tenant.spec.state;
        (Phase::from(state) != wanted).then(|| format!("its spec.state is {state:?}"))
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(phase) | Self::Everywhere(phase) => phase.fmt(f),
            Self::Purged => f.pad("PURGED"),
        }
    }
}

/// Returns true if the observed generation is older than the spec.
pub fn is_stale(tenant: &Tenant, observed: Option<i64>) -> bool {
    observed.is_some_and(|observed| Some(observed) < tenant.metadata.generation)
}

/// Renders a condition in one line.
pub fn line(condition: &Condition) -> String {
    let Condition {
        type_,
        status,
        reason,
        message,
        ..
    } = condition;
    format!("{type_}={status} {reason}: {message}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Returns a tenant at generation 3 whose operator has observed the generation `seen`.
    fn tenant(state: &str, phase: &str, seen: i64, conditions: &[(&str, &str, &str)]) -> Tenant {
        let conditions: Vec<_> = conditions
            .iter()
            .map(|(type_, status, reason)| {
                json!({
                    "type": type_, "status": status, "reason": reason, "message": "…",
                    "observedGeneration": seen, "lastTransitionTime": "2026-03-16T10:00:00Z",
                })
            })
            .collect();
        serde_json::from_value(json!({
            "apiVersion": "akili.io/v1alpha1", "kind": "Tenant",
            "metadata": {"name": "acme-corp", "generation": 3},
            "spec": {"displayName": "Acme Corporation", "state": state},
            "status": {"phase": phase, "observedGeneration": seen, "conditions": conditions},
        }))
        .unwrap()
    }

    const READY: (&str, &str, &str) = ("Ready", "True", "Reached");
    const LATE: (&str, &str, &str) = ("Ready", "False", "Unavailable");

    #[test]
    fn goal_is_parsed_in_either_case() {
        assert_eq!(Goal::parse("purged"), Ok(Goal::Purged));
        assert_eq!(Goal::parse("ACTIVE"), Ok(Goal::Status(Phase::Active)));
        assert!(Goal::parse("gone").unwrap_err().contains("PURGED"));
    }

    #[test]
    fn status_of_an_older_spec_reaches_no_goal() {
        let suspended = Goal::Everywhere(Phase::Suspended);
        for (goal, state, phase, seen, conditions, reached, reason) in [
            (
                suspended,
                "Suspended",
                "SUSPENDED",
                3,
                &[READY][..],
                true,
                "",
            ),
            (
                suspended,
                "Suspended",
                "SUSPENDED",
                2,
                &[READY],
                false,
                "of an older spec",
            ),
            (
                suspended,
                "Suspended",
                "ACTIVE",
                3,
                &[READY],
                false,
                "another status",
            ),
            (
                suspended,
                "Suspended",
                "SUSPENDED",
                3,
                &[LATE],
                false,
                "a plane has fallen back",
            ),
            (
                Goal::Status(Phase::Active),
                "Active",
                "ACTIVE",
                3,
                &[LATE],
                true,
                "still ACTIVE",
            ),
            (
                Goal::Purged,
                "Archived",
                "ARCHIVED",
                3,
                &[READY],
                false,
                "not begun",
            ),
            (
                Goal::Purged,
                "Archived",
                "ARCHIVED",
                3,
                &[("Purged", "False", "Purging")],
                false,
                "",
            ),
            (
                Goal::Purged,
                "Archived",
                "ARCHIVED",
                3,
                &[("Purged", "True", "Purged")],
                true,
                "",
            ),
        ] {
            let tenant = tenant(state, phase, seen, conditions);
            assert_eq!(goal.is_reached(&tenant), reached, "{goal} {reason}");
        }
    }

    #[test]
    fn tenant_without_status_is_provisioning() {
        let mut tenant = tenant("Active", "ACTIVE", 3, &[]);
        tenant.status = None;
        assert!(Goal::Status(Phase::Provisioning).is_reached(&tenant));
        assert!(!Goal::Status(Phase::Active).is_reached(&tenant));
    }

    #[test]
    fn planes_that_are_late_are_named_with_their_reason() {
        let suspended = Goal::Everywhere(Phase::Suspended);
        let namespace = ("NamespaceReady", "True", "Converged");
        let postgres = ("PostgresReady", "False", "Unavailable");
        for (goal, state, seen, conditions, obstacles) in [
            (
                suspended,
                "Suspended",
                3,
                &[LATE, namespace, postgres][..],
                &["PostgresReady=False Unavailable: …"][..],
            ),
            (
                suspended,
                "Suspended",
                3,
                &[("Ready", "False", "RegistryUnavailable")],
                &["Ready=False RegistryUnavailable: …"],
            ),
            (
                suspended,
                "Suspended",
                2,
                &[LATE],
                &["the operator has not reconciled it yet; check that the operator is running"],
            ),
            (
                suspended,
                "Active",
                3,
                &[READY],
                &["its spec.state is Active"],
            ),
            (
                Goal::Purged,
                "Archived",
                3,
                &[READY, postgres, ("Purged", "False", "Purging")],
                &["Purged=False Purging: …"],
            ),
        ] {
            let tenant = tenant(state, "ACTIVE", seen, conditions);
            assert_eq!(goal.obstacles(&tenant), obstacles);
        }
    }
}
