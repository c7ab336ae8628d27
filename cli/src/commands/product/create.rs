//! `akili product create`

use akili_crds::{DataProduct, DataProductSpec};
use clap::Args;
use kube::Client;
use serde_json::json;

use crate::commands::create::{Options, create};
use crate::failure::Failure;

#[derive(Args)]
#[command(
    after_help = "Example:\n  akili product create --name customer-orders --namespace sales --description \"Orders by customer\""
)]
pub struct Arguments {
    /// Name of the data product, at most 52 characters
    #[arg(long)]
    name: String,
    /// Business domain, such as sales; not a Kubernetes namespace
    #[arg(long, value_name = "DOMAIN")]
    namespace: String,
    /// Description for people
    #[arg(long)]
    description: Option<String>,
    #[command(flatten)]
    pub options: Options,
}

pub async fn run(arguments: Arguments, client: Client) -> Result<(), Failure> {
    let Arguments {
        name,
        namespace,
        description,
        options,
    } = arguments;
    let shown = json!({"name": name, "namespace": namespace, "description": description});
    let spec = DataProductSpec {
        namespace,
        description,
        schedule: None,
        time_zone: None,
        pipeline: None,
        connections: vec![],
        deployed: false,
    };
    create(&client, &DataProduct::new(&name, spec), &shown, &options).await
}
