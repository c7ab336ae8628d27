//! `akili tenant suspend`

use akili_crds::{Slug, State, Tenant};
use clap::Args;
use kube::{Client, ResourceExt};

use super::change::{self, Change, Options, called};
use crate::failure::Failure;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  akili tenant suspend acme-corp\n  akili tenant suspend acme-corp --confirm --wait --timeout 30s"
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
    change::refuse_archived(&tenant)?;
    let would = (!arguments.confirm).then(|| would(&tenant));
    Change::to(State::Suspended, "suspended")
        .make(&client, slug, &tenant, would, &arguments.options)
        .await
}

fn would(tenant: &Tenant) -> String {
    format!(
        "would make {} read-only in every plane and end its sessions and running jobs; nothing \
         is lost, and `akili tenant reactivate {}` undoes it",
        called(tenant),
        tenant.name_any()
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::acme;
    use super::*;

    #[test]
    fn what_would_happen_is_said_of_that_very_tenant() {
        assert_eq!(
            would(&acme()),
            "would make tenant acme-corp (Acme Corporation) read-only in every plane and end its \
             sessions and running jobs; nothing is lost, and `akili tenant reactivate acme-corp` \
             undoes it"
        );
    }
}
