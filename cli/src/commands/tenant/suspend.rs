//! `akili tenant suspend`

use akili_crds::{State, Tenant};
use clap::Args;
use kube::{Client, ResourceExt};

use super::change::{self, Change, Target, called};
use super::find::find;
use crate::failure::Failure;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  akili tenant suspend acme-corp\n  akili tenant suspend acme-corp --confirm --wait --timeout 30s"
)]
pub struct Arguments {
    #[command(flatten)]
    target: Target,
}

pub async fn run(arguments: Arguments, client: Client) -> Result<(), Failure> {
    let target = &arguments.target;
    let tenant = find(&client, &target.slug).await?;
    change::refuse_archived(&tenant, "suspend")?;
    Change::to(State::Suspended, "suspended")
        .confirm(&client, &tenant, target, would(&tenant))
        .await
}

fn would(tenant: &Tenant) -> String {
    format!(
        "would make {} read-only in every plane and end its sessions and running jobs; no \
         data is lost, and `akili tenant reactivate {}` reverts it",
        called(tenant),
        tenant.name_any()
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::acme;
    use super::*;

    #[test]
    fn announcement_names_tenant_and_effect() {
        assert_eq!(
            would(&acme()),
            "would make tenant acme-corp (Acme Corporation) read-only in every plane and end its \
             sessions and running jobs; no data is lost, and `akili tenant reactivate acme-corp` \
             reverts it"
        );
    }
}
