//! `akili tenant get`

use akili_crds::Slug;
use clap::Args;
use kube::Client;

use super::find::fetch;
use crate::failure::Failure;
use crate::output::{Output, render};

#[derive(Args)]
#[command(
    after_help = "Examples:\n  akili tenant get acme-corp\n  akili tenant get acme-corp --json"
)]
pub struct Arguments {
    /// Name of the tenant
    slug: Slug,
    #[command(flatten)]
    pub output: Output,
}

pub async fn run(arguments: Arguments, client: Client) -> Result<(), Failure> {
    let (tenant, document) = fetch(&client, &arguments.slug).await?;
    let text = match arguments.output.form() {
        None => document.lines(),
        Some(form) => {
            let shown = serde_json::json!(document);
            render(form, &[(tenant, document)], &shown)?
        }
    };
    println!("{text}");
    Ok(())
}
