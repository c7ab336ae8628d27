//! `akili tenant archive`

use akili_crds::{Slug, State, Tenant};
use clap::Args;
use kube::Client;

use super::change::{Change, Options, called};
use crate::failure::Failure;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  akili tenant archive acme-corp\n  akili tenant archive acme-corp --confirm --wait"
)]
pub struct Arguments {
    /// The tenant's name
    slug: Slug,
    /// Do it; without this, the command says what it would do
    #[arg(long)]
    confirm: bool,
    #[command(flatten)]
    options: Options,
}

pub async fn run(arguments: Arguments, client: Client) -> Result<(), Failure> {
    let slug = &arguments.slug;
    let tenant = super::find(&client, slug).await?;
    let would = (!arguments.confirm).then(|| would(&tenant));
    Change::to(State::Archived, "archived")
        .make(&client, slug, &tenant, would, &arguments.options)
        .await
}

fn would(tenant: &Tenant) -> String {
    let data = match tenant.spec.retention.as_deref() {
        Some(retention) if is_zero(retention) => {
            format!("its data is purged at once, as spec.retention is {retention}")
        }
        Some(retention) => format!("its data is kept for {retention} and then purged"),
        None => "its data is kept for the platform's retention and then purged".into(),
    };
    format!(
        "would archive {}: no access for anybody in any plane, for ever; {data}",
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
    fn what_would_happen_is_said_of_that_very_tenant_and_its_data() {
        for (retention, data) in [
            (None, "is kept for the platform's retention and then purged"),
            (Some("720h"), "is kept for 720h and then purged"),
            (Some("10m"), "is kept for 10m and then purged"),
            (Some("0s"), "is purged at once, as spec.retention is 0s"),
            (
                Some("0h0.0s"),
                "is purged at once, as spec.retention is 0h0.0s",
            ),
        ] {
            let mut tenant = acme();
            tenant.spec.retention = retention.map(str::to_owned);
            assert_eq!(
                would(&tenant),
                format!(
                    "would archive tenant acme-corp (Acme Corporation): no access for anybody in \
                     any plane, for ever; its data {data}"
                )
            );
        }
    }
}
