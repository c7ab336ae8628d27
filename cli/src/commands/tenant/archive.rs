//! `akili tenant archive`

use akili_crds::{State, Tenant};
use clap::Args;
use kube::Client;

use super::change::{Change, Target, called};
use super::find::find;
use crate::failure::Failure;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  akili tenant archive acme-corp\n  akili tenant archive acme-corp --confirm --wait"
)]
pub struct Arguments {
    #[command(flatten)]
    target: Target,
}

pub async fn run(arguments: Arguments, client: Client) -> Result<(), Failure> {
    let target = &arguments.target;
    let tenant = find(&client, &target.slug).await?;
    Change::to(State::Archived, "archived")
        .confirm(&client, &tenant, target, would(&tenant))
        .await
}

fn would(tenant: &Tenant) -> String {
    let data = match tenant.spec.retention.as_deref() {
        Some(retention) if is_zero(retention) => {
            format!("its data is purged at once, because spec.retention is {retention}")
        }
        Some(retention) => format!("its data is kept for {retention} and then purged"),
        None => "its data is kept for the platform's retention and then purged".into(),
    };
    format!(
        "would archive {}: all access in every plane is revoked permanently; {data}",
        called(tenant)
    )
}

fn is_zero(duration: &str) -> bool {
    !duration.contains(|c: char| ('1'..='9').contains(&c))
}

#[cfg(test)]
mod tests {
    use super::super::tests::acme;
    use super::*;

    #[test]
    fn announcement_names_tenant_and_retention() {
        for (retention, data) in [
            (None, "is kept for the platform's retention and then purged"),
            (Some("720h"), "is kept for 720h and then purged"),
            (Some("10m"), "is kept for 10m and then purged"),
            (
                Some("0s"),
                "is purged at once, because spec.retention is 0s",
            ),
            (
                Some("0h0.0s"),
                "is purged at once, because spec.retention is 0h0.0s",
            ),
        ] {
            let mut tenant = acme();
            tenant.spec.retention = retention.map(str::to_owned);
            assert_eq!(
                would(&tenant),
                format!(
                    "would archive tenant acme-corp (Acme Corporation): all access in every \
                     plane is revoked permanently; its data {data}"
                )
            );
        }
    }
}
