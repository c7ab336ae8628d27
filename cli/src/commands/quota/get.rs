//! `akili quota get`

use std::io::{IsTerminal, stdout};

use akili_crds::Slug;
use clap::{Args, ValueEnum};
use kube::Client;

use super::shown;
use crate::failure::Failure;
use crate::output;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  akili quota get acme-corp\n  akili quota get acme-corp --json"
)]
pub struct Arguments {
    /// The tenant's name
    slug: Slug,
    /// Form of the output; json is akili's own document, yaml the Kubernetes object
    #[arg(short, long, value_enum, default_value = "table")]
    output: Form,
    /// The same as --output json
    #[arg(long, conflicts_with = "output")]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    Table,
    Json,
    Yaml,
}

pub async fn run(arguments: Arguments, client: Client) -> Result<(), Failure> {
    let quota = super::find(&client, &arguments.slug).await?;
    let text = match arguments.output {
        _ if arguments.json => output::json(&shown::document(&quota))?,
        Form::Json => output::json(&shown::document(&quota))?,
        Form::Yaml => output::yaml(&quota)?,
        Form::Table => shown::table(&quota, stdout().is_terminal()),
    };
    println!("{text}");
    Ok(())
}
