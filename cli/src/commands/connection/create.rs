//! `akili connection create`

use akili_crds::connection::SecretReference;
use akili_crds::{Connection, ConnectionSpec};
use clap::Args;
use kube::Client;
use serde_json::{Map, Value, json};

use crate::commands::create::{Options, create};
use crate::failure::Failure;

#[derive(Args)]
#[command(
    after_help = "Example:\n  akili connection create --name orders-db --connector-type postgres --config '{\"host\": \"db.example.com\", \"port\": 5432}' --secret orders-db"
)]
pub struct Arguments {
    /// Name of the connection
    #[arg(long)]
    name: String,
    /// Type: postgres, mysql, s3, kafka, or another word for any server with a host and a port
    #[arg(long, value_name = "TYPE")]
    connector_type: String,
    /// Parameters such as host and port, as a JSON object without secrets
    #[arg(long, value_name = "JSON", value_parser = object)]
    config: Map<String, Value>,
    /// Secret with the credentials, in the same namespace; its label akili.io/connection must be
    /// the connection's name
    #[arg(long)]
    secret: Option<String>,
    #[command(flatten)]
    pub options: Options,
}

pub async fn run(arguments: Arguments, client: Client) -> Result<(), Failure> {
    let Arguments {
        name,
        connector_type,
        config,
        secret,
        options,
    } = arguments;
    let shown = json!({
        "name": name, "connector_type": connector_type, "config": config, "secret": secret,
    });
    let spec = ConnectionSpec {
        connector_type,
        config,
        credentials_secret_ref: secret.map(|name| SecretReference { name }),
    };
    create(&client, &Connection::new(&name, spec), &shown, &options).await
}

fn object(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("not a JSON object: {error}"))
}
