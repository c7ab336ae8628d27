//! Whether the cluster is fit for the operator: for `check`.

use std::collections::BTreeSet;

use akili_crds::TenantId;
use akili_kafka_admin::{Mechanism, Operation};
use async_trait::async_trait;

use super::client::Client;
use super::login::login;
use crate::backend::preflight::{Check, Preflight};
use crate::error::{Class, Error, Reason};
use crate::password::{self, Password};

/// What the operator does with the cluster: topics, and who may do what.
const NEEDED: [Operation; 3] = [Operation::Alter, Operation::Create, Operation::Describe];

/// The user that `check` makes for a moment.
const PROBE: &str = "akili-operator-check";

/// What the cluster says about itself and about the operator's user.
struct Facts {
    authorizer: bool,
    /// What the operator's user may not do.
    missing: BTreeSet<Operation>,
    /// Whether somebody who has no ACL is let through; unknown if it couldn't be tried.
    open: Option<bool>,
}

#[async_trait]
impl Preflight for Client {
    fn connection(&self) -> &'static str {
        "Kafka connection"
    }

    async fn preflight(&self) -> Result<Vec<Check>, Error> {
        let rights = self.rights().await?;
        // A cluster that doesn't say refuses what may not be done.
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
            Some(self.lets_anybody_through().await?)
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
    /// Whether a user without any ACL is told that a topic isn't there, of which no ACL
    /// speaks, rather than that it may not know.
    async fn lets_anybody_through(&self) -> Result<bool, Error> {
        let password = password::random();
        let credential = login(&password);
        self.set_login(PROBE, credential, password.clone()).await?;
        let tried = self.try_as_probe(&password).await;
        self.delete_login(PROBE, Mechanism::Sha256).await?;
        tried
    }

    async fn try_as_probe(&self, password: &Password) -> Result<bool, Error> {
        let probe = self.log_in_as(PROBE, password);
        let probe = probe.map_err(|error| Error::new(Reason::Refused, error))?;
        let nobodys = format!("{PROBE}-{}", TenantId::random());
        match probe.has_topic(&nobodys).await {
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
                "there is none, so that everybody may do everything; set the brokers' \
                 authorizer.class.name"
                    .into()
            }),
        ),
        Check::must(
            "Kafka privileges",
            (!missing.is_empty()).then(|| {
                format!(
                    "the operator's user may not {} the cluster; make it a super user (super.users)",
                    missing.join(", ")
                )
            }),
        ),
    ];
    checks.extend(facts.open.map(|open| {
        Check::must(
            "Kafka topics without ACL",
            open.then(|| {
                "are open to everybody; set the brokers' allow.everyone.if.no.acl.found to \
                 false, and delete ACLs of User:* on all topics"
                    .into()
            }),
        )
    }));
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit() -> Facts {
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
    fn a_fit_cluster_has_no_problem() {
        assert_eq!(problems(&fit()), [""; 0]);
    }

    #[test]
    fn each_problem_says_what_to_do() {
        for (facts, hint) in [
            (
                Facts {
                    authorizer: false,
                    open: None,
                    ..fit()
                },
                "authorizer.class.name",
            ),
            (
                Facts {
                    missing: [Operation::Alter].into(),
                    open: None,
                    ..fit()
                },
                "may not Alter the cluster; make it a super user",
            ),
            (
                Facts {
                    open: Some(true),
                    ..fit()
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
