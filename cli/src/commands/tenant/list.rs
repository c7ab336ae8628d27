//! `akili tenant list`

use std::collections::BTreeMap;

use akili_crds::{Tenant, TenantQuota};
use clap::Args;
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt};

use crate::document::Document;
use crate::failure::Failure;
use crate::output::{Form, Output, render};

#[derive(Args)]
#[command(
    after_help = "Examples:\n  akili tenant list\n  akili tenant list --state SUSPENDED --json"
)]
pub struct Arguments {
    /// List only tenants with this status
    #[arg(long, ignore_case = true, value_parser = ["PROVISIONING", "ACTIVE", "SUSPENDED", "ARCHIVED"])]
    state: Option<String>,
    #[command(flatten)]
    pub output: Output,
}

pub async fn run(arguments: Arguments, client: Client) -> Result<(), Failure> {
    let about = |error: kube::Error| Failure::about_tenant("*", &error);
    let tenants: Api<Tenant> = Api::all(client.clone());
    let quotas: Api<TenantQuota> = Api::all(client);
    let all = ListParams::default();
    let quotas: BTreeMap<String, TenantQuota> = quotas
        .list(&all)
        .await
        .map_err(about)?
        .into_iter()
        .map(|quota| (quota.name_any(), quota))
        .collect();
    let wanted = |document: &Document| {
        arguments
            .state
            .as_ref()
            .is_none_or(|state| state.eq_ignore_ascii_case(document.status.as_str()))
    };
    let found: Vec<(Tenant, Document)> = tenants
        .list(&all)
        .await
        .map_err(about)?
        .into_iter()
        .map(|tenant| {
            let document = Document::new(&tenant, quotas.get(&tenant.name_any()));
            (tenant, document)
        })
        .filter(|(_, document)| wanted(document))
        .collect();
    let form = arguments.output.form().unwrap_or(Form::Table);
    if found.is_empty() && form != Form::Json {
        eprintln!("no tenants");
        return Ok(());
    }
    let documents: Vec<&Document> = found.iter().map(|(_, document)| document).collect();
    println!("{}", render(form, &found, &documents)?);
    Ok(())
}
