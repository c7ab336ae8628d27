//! Checks of the object store, for `akili-operator check`.

use async_trait::async_trait;

use super::client::{Account, Capability, Client};
use crate::backend::preflight::{Check, Preflight};
use crate::error::Error;

/// Capabilities in the admin API that the operator's user needs.
const NEEDED: [&str; 4] = ["users", "buckets", "metadata", "user-policy"];

/// The same capabilities as an argument of `radosgw-admin`.
const CAPABILITIES: &str = "users=*;buckets=*;metadata=*;user-policy=*";

#[async_trait]
impl Preflight for Client {
    fn connection(&self) -> &'static str {
        "Object store connection"
    }

    async fn preflight(&self) -> Result<Vec<Check>, Error> {
        let account = self.own_account().await?;
        let missing = missing_capabilities(account.as_ref());
        let mut checks = vec![capabilities(account.as_ref(), &missing)];
        if let Some(account) = account.filter(|_| missing.is_empty()) {
            let owner = self.bucket_owner().await?;
            checks.push(bucket(self.bucket(), owner.as_deref(), &account.user_id));
            if owner.as_ref() == Some(&account.user_id) {
                checks.push(protection(self.bucket(), self.is_bucket_protected().await?));
            }
        }
        Ok(checks)
    }
}

/// Returns the required capabilities that the account doesn't have.
fn missing_capabilities(account: Option<&Account>) -> Vec<&'static str> {
    let caps = account.map_or(&[][..], |account| &account.caps);
    let has = |needed: &str| {
        caps.iter()
            .any(|Capability { r#type, perm }| r#type == needed && perm == "*")
    };
    NEEDED.into_iter().filter(|needed| !has(needed)).collect()
}

fn capabilities(account: Option<&Account>, missing: &[&str]) -> Check {
    let user = account.map_or("…", |account| &account.user_id);
    Check::must(
        "Object store capabilities",
        (!missing.is_empty()).then(|| {
            format!(
                "the operator's user has no capabilities for {}; run radosgw-admin caps add --uid={user} \
                 --caps=\"{CAPABILITIES}\"",
                missing.join(", ")
            )
        }),
    )
}

fn bucket(name: &str, owner: Option<&str>, user: &str) -> Check {
    Check::must(
        "Object store bucket",
        match owner {
            None => Some(format!(
                "bucket {name} does not exist; create it with the keys of {user}: \
                 aws s3api create-bucket --bucket {name}"
            )),
            Some(owner) if owner != user => Some(format!(
                "bucket {name} belongs to {owner}, not to the operator's user; set objectStore.bucket to \
                 another, or run radosgw-admin bucket chown --bucket={name} --uid={user}"
            )),
            Some(_) => None,
        },
    )
}

fn protection(name: &str, is_protected: bool) -> Check {
    Check::should(
        "Object store bucket is closed to the public",
        (!is_protected).then(|| {
            format!(
                "not yet; the operator sets the public access block of {name} when it provisions the \
                 first tenant"
            )
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(caps: &[(&str, &str)]) -> Account {
        let cap = |(r#type, perm): &(&str, &str)| Capability {
            r#type: (*r#type).to_owned(),
            perm: (*perm).to_owned(),
        };
        Account {
            user_id: "akili-operator".into(),
            caps: caps.iter().map(cap).collect(),
        }
    }

    #[test]
    fn missing_capabilities_are_named_with_the_command() {
        let all = account(&NEEDED.map(|needed| (needed, "*")));
        assert_eq!(missing_capabilities(Some(&all)), [""; 0]);
        assert_eq!(capabilities(Some(&all), &[]).problem, None);
        let some = account(&[("users", "*"), ("buckets", "read"), ("metadata", "*")]);
        assert_eq!(
            missing_capabilities(Some(&some)),
            ["buckets", "user-policy"]
        );
        let problem = capabilities(Some(&some), &missing_capabilities(Some(&some))).problem;
        assert!(
            problem
                .unwrap()
                .contains("--uid=akili-operator --caps=\"users=*;")
        );
        assert_eq!(missing_capabilities(None), NEEDED);
    }

    #[test]
    fn bucket_must_exist_and_belong_to_the_operator() {
        let user = "akili-operator";
        assert_eq!(bucket("akili", Some(user), user).problem, None);
        for (owner, expected) in [
            (None, "aws s3api create-bucket --bucket akili"),
            (Some("somebody"), "belongs to somebody"),
        ] {
            let problem = bucket("akili", owner, user).problem.unwrap();
            assert!(problem.contains(expected), "{problem}");
        }
        assert!(protection("akili", false).tolerable);
    }
}
