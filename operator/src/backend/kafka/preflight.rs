//! Checks of the cluster for `akili-operator check`.

use akili_core::kafka::login::login;
use std::collections::BTreeSet;

use akili_crds::TenantId;
use akili_kafka_admin::{Mechanism, Operation};
use async_trait::async_trait;

use super::client::Client;
use crate::backend::preflight::{Check, Preflight};
use crate::error::{Class, Error, Reason};
use crate::password::{self, Password};

/// Cluster operations that the operator needs for topics, ACLs and credentials.
const NEEDED: [Operation; 3] = [Operation::Alter, Operation::Create, Operation::Describe];

/// User that `check` creates temporarily.
const PROBE: &str = "akili-operator-check";

/// State of the cluster and of the operator's user.
struct Facts {
    authorizer: bool,
    /// Operations that the operator's user lacks.
    missing: BTreeSet<Operation>,
    /// True if a user without ACLs is authorized; `None` if that couldn't be tried.
    open: Option<bool>,
}

#[async_trait]
impl Preflight for Client {
    fn connection(&self) -> &'static str {
        "Kafka connection"
    }

    async fn preflight(&self) -> Result<Vec<Check>, Error> {
        let rights = self.rights().await?;
        // If the cluster doesn't report rights, requests fail later with the missing one.
        let missing = rights.map_or_else(BTreeSet::new, |rights| {
            let missing = NEEDED.into_iter();
            missing.filter(|right| !rights.contains(right)).collect()
        });
        let authorizer = match self.acls(None).await {
            Err(error) if error.reason == Reason::NoAuthorizer => false,
            Err(error) if error.class() == Class::Transient => return Err(error),
            _ => true,
        };
        let open = if authorizer && missing.is_empty() {
            Some(self.authorizes_without_acl().await?)
        } else {
            None
        };
        Ok(judge(&Facts {
            authorizer,
            missing,
            open,
        }))
    }
}

impl Client {
    /// Returns whether Kafka authorizes a user without ACLs to describe a topic without ACLs:
    /// the answer is then "unknown topic" instead of "not authorized".
    async fn authorizes_without_acl(&self) -> Result<bool, Error> {
        let password = password::random();
        let credential = login(&password);
        self.set_login(PROBE, credential, password.clone()).await?;
        let authorized = self.probe(&password).await;
        self.delete_login(PROBE, Mechanism::Sha256).await?;
        authorized
    }

    async fn probe(&self, password: &Password) -> Result<bool, Error> {
        let probe = self.log_in_as(PROBE, password);
        let probe = probe.map_err(|error| Error::new(Reason::Refused, error))?;
        let unused = format!("{PROBE}-{}", TenantId::random());
        match probe.has_topic(&unused).await {
            Ok(_) => Ok(true),
            Err(error) if error.reason == Reason::PrivilegeMissing => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn judge(facts: &Facts) -> Vec<Check> {
    let missing: Vec<_> = facts.missing.iter().map(|it| format!("{it:?}")).collect();
    let mut checks = vec![
        Check::must(
            "Kafka authorizer",
            (!facts.authorizer).then(|| {
                "none is configured, so every user may do everything; set authorizer.class.name on \
                 the brokers"
                    .into()
            }),
        ),
        Check::must(
            "Kafka privileges",
            (!missing.is_empty()).then(|| {
                format!(
                    "the operator's user lacks {} on the cluster; make it a super user (super.users)",
                    missing.join(", ")
                )
            }),
        ),
    ];
    checks.extend(facts.open.map(|open| {
        Check::must(
            "Kafka topics without ACL",
            open.then(|| {
                "are open to every user; set allow.everyone.if.no.acl.found=false on the brokers, \
                 and delete ACLs of User:* on all topics"
                    .into()
            }),
        )
    }));
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suitable() -> Facts {
        Facts {
            authorizer: true,
            missing: BTreeSet::new(),
            open: Some(false),
        }
    }

    fn problems(facts: &Facts) -> Vec<String> {
        let checks = judge(facts).into_iter();
        checks.filter_map(|check| check.problem).collect()
    }

    #[test]
    fn suitable_cluster_has_no_problem() {
        assert_eq!(problems(&suitable()), [""; 0]);
    }

    #[test]
    fn each_problem_has_next_step() {
        for (facts, hint) in [
            (
                Facts {
                    authorizer: false,
                    open: None,
                    ..suitable()
                },
                "authorizer.class.name",
            ),
            (
                Facts {
                    missing: [Operation::Alter].into(),
                    open: None,
                    ..suitable()
                },
                "lacks Alter on the cluster; make it a super user",
            ),
            (
                Facts {
                    open: Some(true),
                    ..suitable()
                },
                "allow.everyone.if.no.acl.found",
            ),
        ] {
            let problems = problems(&facts);
            assert!(
                problems.len() == 1 && problems[0].contains(hint),
                "{problems:?}"
            );
        }
    }
}
