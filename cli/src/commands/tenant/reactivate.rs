//! `akili tenant reactivate`

use akili_crds::{Slug, State};
use clap::Args;
use kube::Client;

use super::change::{self, Change, Options};
use super::find::find;
use crate::failure::Failure;

#[derive(Args)]
#[command(after_help = "Example:\n  akili tenant reactivate acme-corp --wait")]
pub struct Arguments {
    /// Name of the tenant
    slug: Slug,
    #[command(flatten)]
    options: Options,
}

pub async fn run(arguments: Arguments, client: Client) -> Result<(), Failure> {
    let slug = &arguments.slug;
    let tenant = find(&client, slug).await?;
    change::refuse_archived(&tenant, "reactivate")?;
    Change::to(State::Active, "reactivated")
        .make(&client, slug, &tenant, &arguments.options)
        .await
}
