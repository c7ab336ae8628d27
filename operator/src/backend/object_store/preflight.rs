//! Whether the object store is fit for the operator: for `check`.

use async_trait::async_trait;

use super::client::{Account, Capability, Client};
use crate::backend::preflight::{Check, Preflight};
use crate::error::Error;

/// What the operator's user needs of the admin API.
const NEEDED: [&str; 4] = ["users", "buckets", "metadata", "user-policy"];

/// The same, as `radosgw-admin` takes it.
const CAPABILITIES: &str = "users=*;buckets=*;metadata=*;user-policy=*";

#[async_trait]
impl Preflight for Client {
    fn connection(&self) -> &'static str {
        "Object store connection"
    }

    async fn preflight(&self) -> Result<Vec<Check>, Error> {
        let account = self.own_account().await?;
        let lacking = lacking(account.as_ref());
        let mut checks = vec![capabilities(account.as_ref(), &lacking)];
        if let Some(account) = account.filter(|_| lacking.is_empty()) {
            let owner = self.owner().await?;
            checks.push(bucket(self.bucket(), owner.as_deref(), &account.user_id));
            if owner.as_ref() == Some(&account.user_id) {
                checks.push(protection(self.bucket(), self.is_protected().await?));
            }
        }
        Ok(checks)
    }
}

/// The rights that the account doesn't have.
fn lacking(account: Option<&Account>) -> Vec<&'static str> {
    let caps = account.map_or(&[][..], |account| &account.caps);
    let has = |needed: &str| {
        caps.iter()
            .any(|Capability { r#type, perm }| r#type == needed && perm == "*")
    };
    NEEDED.into_iter().filter(|needed| !has(needed)).collect()
}

fn capabilities(account: Option<&Account>, lacking: &[&str]) -> Check {
    let user = account.map_or("…", |account| &account.user_id);
    Check::must(
        "Object store capabilities",
        (!lacking.is_empty()).then(|| {
            format!(
                "the operator's user lacks {}; run radosgw-admin caps add --uid={user} \
                 --caps=\"{CAPABILITIES}\"",
                lacking.join(", ")
            )
        }),
    )
}

fn bucket(name: &str, owner: Option<&str>, user: &str) -> Check {
    Check::must(
        "Object store bucket",
        match owner {
            None => Some(format!(
                "there is no bucket {name}; make it with the keys of {user}, such as by \
                 aws s3api create-bucket --bucket {name}"
            )),
            Some(owner) if owner != user => Some(format!(
                "bucket {name} belongs to {owner}, and not to the operator's user; name another in \
                 objectStore.bucket, or run radosgw-admin bucket chown --bucket={name} --uid={user}"
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
                "not yet; the operator sets the public access block of {name} with the first tenant"
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
    fn what_the_operators_user_lacks_is_named_with_the_command_that_gives_it() {
        let all = account(&NEEDED.map(|needed| (needed, "*")));
        assert_eq!(lacking(Some(&all)), [""; 0]);
        assert_eq!(capabilities(Some(&all), &[]).problem, None);
        let some = account(&[("users", "*"), ("buckets", "read"), ("metadata", "*")]);
        assert_eq!(lacking(Some(&some)), ["buckets", "user-policy"]);
        let problem = capabilities(Some(&some), &lacking(Some(&some))).problem;
        assert!(
            problem
                .unwrap()
                .contains("--uid=akili-operator --caps=\"users=*;")
        );
        assert_eq!(lacking(None), NEEDED);
    }

    #[test]
    fn a_bucket_is_there_and_the_operators_own() {
        let user = "akili-operator";
        assert_eq!(bucket("akili", Some(user), user).problem, None);
        for (owner, said) in [
            (None, "aws s3api create-bucket --bucket akili"),
            (Some("somebody"), "belongs to somebody"),
        ] {
            let problem = bucket("akili", owner, user).problem.unwrap();
            assert!(problem.contains(said), "{problem}");
        }
        assert!(protection("akili", false).tolerable);
    }
}
