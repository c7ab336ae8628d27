//! Checks of the cluster for `akili-operator check`.

use std::collections::BTreeSet;

use akili_core::starrocks::catalog::grants::Privileges;
use akili_core::starrocks::sql::quote_literal;
use async_trait::async_trait;

use super::client::Client;
use super::error::unexpected;
use crate::backend::preflight::{Check, Preflight};
use crate::error::{Error, Reason};

/// Oldest supported version: the first that calls a group's weight `cpu_weight`.
const MIN_VERSION: [u32; 3] = [3, 3, 5];

/// Privileges and objects that the operator's user needs besides the role `user_admin`.
const NEEDED: [(&str, &str); 7] = [
    ("CREATE EXTERNAL CATALOG", "SYSTEM"),
    ("CREATE RESOURCE GROUP", "SYSTEM"),
    ("OPERATE", "SYSTEM"),
    ("USAGE", "ALL CATALOGS"),
    ("DROP", "ALL CATALOGS"),
    ("ALTER", "ALL RESOURCE GROUPS"),
    ("DROP", "ALL RESOURCE GROUPS"),
];

/// Role that manages users: it has GRANT on SYSTEM, which can't be granted otherwise.
const USER_ADMIN: &str = "user_admin";

/// Built-in roles with all of [`NEEDED`]; SHOW GRANTS doesn't list their privileges.
const ADMINS: [&str; 2] = ["root", "db_admin"];

/// State of the cluster and of the operator's user.
#[derive(Clone)]
struct Facts {
    version: String,
    encrypted: bool,
    /// The operator's user in SQL syntax.
    user: String,
    /// Default roles of the operator's user.
    roles: BTreeSet<String>,
    /// Privileges and objects granted to the user or to those roles.
    granted: BTreeSet<(String, String)>,
    /// For each node, true if it is alive; `None` if the user may not list nodes.
    nodes: Option<Vec<bool>>,
}

#[async_trait]
impl Preflight for Client {
    fn connection(&self) -> &'static str {
        "StarRocks connection"
    }

    async fn preflight(&self) -> Result<Vec<Check>, Error> {
        let operation = "describing the server";
        let about =
            "SELECT current_version() AS version, current_user() AS user, current_role() AS role";
        let about = self
            .rows(operation, about, ["version", "user", "role"])
            .await?;
        let none = || unexpected(operation, "it returned no row");
        let [version, user, roles] = about.into_iter().next().ok_or_else(none)?;
        let roles: BTreeSet<String> = roles.split(", ").map(str::to_owned).collect();
        let mut lines = self
            .rows(operation, "SHOW GRANTS", ["Catalog", "Grants"])
            .await?;
        for role in roles.iter().filter(|role| *role != "NONE") {
            let show = format!("SHOW GRANTS FOR ROLE {}", quote_literal(role));
            lines.extend(self.rows(operation, &show, ["Catalog", "Grants"]).await?);
        }
        let granted = Privileges::parse(&lines).grants.into_iter();
        Ok(judge(&Facts {
            version,
            encrypted: self.is_encrypted(),
            user,
            roles,
            granted: granted.map(|it| (it.privilege, it.object)).collect(),
            nodes: self.nodes_alive().await?,
        }))
    }
}

impl Client {
    async fn nodes_alive(&self) -> Result<Option<Vec<bool>>, Error> {
        let mut alive = Vec::new();
        for show in ["SHOW BACKENDS", "SHOW COMPUTE NODES"] {
            match self.rows("listing nodes", show, ["Alive"]).await {
                Ok(nodes) => alive.extend(nodes.iter().map(|[alive]| alive == "true")),
                Err(error) if error.reason == Reason::PrivilegeMissing => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(Some(alive))
    }
}

fn judge(facts: &Facts) -> Vec<Check> {
    let Facts {
        version,
        user,
        roles,
        ..
    } = facts;
    let [major, minor, patch] = MIN_VERSION;
    let mut checks = vec![
        Check::must(
            "StarRocks version",
            numbers(version)
                .is_none_or(|version| version < MIN_VERSION)
                .then(|| {
                    format!("{version} is too old; use {major}.{minor}.{patch} or later")
                }),
        ),
        Check::must(
            "StarRocks user administration",
            (!roles.contains(USER_ADMIN) && !roles.contains("root")).then(|| {
                format!(
                    "the operator's user lacks the default role {USER_ADMIN}; run GRANT {USER_ADMIN} TO \
                     USER {user}, and SET DEFAULT ROLE {USER_ADMIN} TO {user}"
                )
            }),
        ),
        Check::must("StarRocks privileges", missing_privileges(facts)),
        Check::should(
            "StarRocks encryption",
            (!facts.encrypted).then(|| {
                "passwords and keys are sent in clear text; configure a certificate on the frontend \
                 and set starrocks.caFile"
                    .into()
            }),
        ),
    ];
    checks.extend(facts.nodes.as_deref().map(nodes));
    checks
}

fn missing_privileges(facts: &Facts) -> Option<String> {
    if ADMINS.iter().any(|admin| facts.roles.contains(*admin)) {
        return None;
    }
    let has = |(privilege, object): &(&str, &str)| {
        let needed = ((*privilege).to_owned(), (*object).to_owned());
        facts.granted.contains(&needed)
    };
    let missing = NEEDED.iter().filter(|needed| !has(needed));
    let grants: Vec<_> = missing
        .map(|(privilege, object)| format!("GRANT {privilege} ON {object} TO USER {}", facts.user))
        .collect();
    (!grants.is_empty()).then(|| {
        format!(
            "the operator's user lacks privileges; run {}",
            grants.join("; ")
        )
    })
}

fn nodes(alive: &[bool]) -> Check {
    let (all, up) = (alive.len(), alive.iter().filter(|alive| **alive).count());
    let problem = format!("{up} of {all} are alive; check SHOW BACKENDS and SHOW COMPUTE NODES");
    if up == 0 {
        Check::must("StarRocks nodes", Some(problem))
    } else {
        Check::should("StarRocks nodes", (up < all).then_some(problem))
    }
}

/// Parses the version numbers: `3.5.0-stand-in` gives 3, 5, 0.
fn numbers(version: &str) -> Option<[u32; 3]> {
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some([next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suitable() -> Facts {
        let needed = NEEDED.iter();
        Facts {
            version: "3.5.0-stand-in".into(),
            encrypted: true,
            user: "'op'@'%'".into(),
            roles: [USER_ADMIN.to_owned()].into(),
            granted: needed
                .map(|(privilege, object)| ((*privilege).to_owned(), (*object).to_owned()))
                .collect(),
            nodes: Some(vec![true; 3]),
        }
    }

    fn changed(change: impl Fn(&mut Facts)) -> Facts {
        let mut facts = suitable();
        change(&mut facts);
        facts
    }

    fn problems(facts: &Facts) -> Vec<String> {
        let checks = judge(facts).into_iter();
        checks.filter_map(|check| check.problem).collect()
    }

    #[test]
    fn suitable_cluster_has_no_problem() {
        assert_eq!(problems(&suitable()), [""; 0]);
        let root = changed(|it| {
            it.roles = ["root".to_owned()].into();
            it.granted.clear();
        });
        assert_eq!(problems(&root), [""; 0]);
    }

    #[test]
    fn each_problem_has_next_step() {
        for (facts, hint) in [
            (
                changed(|it| it.version = "3.3.4 1a2b".into()),
                "3.3.4 1a2b is too old; use 3.3.5 or later",
            ),
            (changed(|it| it.version = "main".into()), "main is too old"),
            (
                changed(|it| it.roles = ["NONE".to_owned()].into()),
                "GRANT user_admin TO USER 'op'@'%', and SET DEFAULT ROLE user_admin TO 'op'@'%'",
            ),
            (
                changed(|it| {
                    it.granted.remove(&("DROP".into(), "ALL CATALOGS".into()));
                }),
                "run GRANT DROP ON ALL CATALOGS TO USER 'op'@'%'",
            ),
            (changed(|it| it.encrypted = false), "starrocks.caFile"),
            (
                changed(|it| it.nodes = Some(vec![true, false])),
                "1 of 2 are alive",
            ),
            (changed(|it| it.nodes = Some(vec![])), "0 of 0 are alive"),
        ] {
            let problems = problems(&facts);
            assert!(
                problems.len() == 1 && problems[0].contains(hint),
                "{problems:?}"
            );
        }
    }
}
