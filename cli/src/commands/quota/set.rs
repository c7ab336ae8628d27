//! `akili quota set`

use akili_crds::{Slug, TenantQuota};
use clap::Args;
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Map, Value, json};

use crate::commands::FIELD_MANAGER;
use crate::failure::Failure;
use crate::gitops;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  akili quota set acme-corp --max-products 200\n  akili quota set acme-corp --max-compute-cpu 16 --max-compute-memory-gb 64 --dry-run=server"
)]
pub struct Arguments {
    /// The tenant's name
    slug: Slug,
    #[command(flatten)]
    limits: Limits,
    /// With `server`: let the API server check everything, and change nothing
    #[arg(long, value_parser = ["server"])]
    dry_run: Option<String>,
}

#[derive(Args)]
#[group(required = true, multiple = true)]
struct Limits {
    /// How many data products; 0 means none at all, as everywhere here
    #[arg(long, value_name = "N")]
    max_products: Option<u32>,
    /// How many connections
    #[arg(long, value_name = "N")]
    max_connections: Option<u32>,
    /// Storage, in GB of 2^30 bytes
    #[arg(long, value_name = "GB")]
    max_storage_gb: Option<u32>,
    /// CPU cores, of all pods together and of all queries together
    #[arg(long, value_name = "CORES")]
    max_compute_cpu: Option<u32>,
    /// Memory, in GB of 2^30 bytes, of all pods together and of all queries together
    #[arg(long, value_name = "GB")]
    max_compute_memory_gb: Option<u32>,
}

pub async fn run(arguments: Arguments, client: Client) -> Result<(), Failure> {
    let Arguments {
        slug,
        limits,
        dry_run,
    } = arguments;
    let old = super::find(&client, &slug).await?;
    let wanted = limits.fields();
    let warnings = wanted
        .keys()
        .filter_map(|field| gitops::warning(&old, field));
    warnings.for_each(|warning| eprintln!("{warning}"));
    let params = PatchParams {
        dry_run: dry_run.is_some(),
        field_manager: Some(FIELD_MANAGER.into()),
        ..PatchParams::default()
    };
    let quotas: Api<TenantQuota> = Api::all(client);
    let patch = Patch::Merge(json!({"spec": wanted}));
    let new = quotas.patch(slug.as_str(), &params, &patch).await;
    let new = new.map_err(|error| Failure::about_tenant(slug.as_str(), &error))?;
    for line in changes(&old, &new, &wanted, params.dry_run) {
        println!("{line}");
    }
    Ok(())
}

impl Limits {
    /// Those that were given, by the fields of the spec.
    fn fields(&self) -> Map<String, Value> {
        let all = [
            ("maxProducts", self.max_products),
            ("maxConnections", self.max_connections),
            ("maxStorageGb", self.max_storage_gb),
            ("maxComputeCpu", self.max_compute_cpu),
            ("maxComputeMemoryGb", self.max_compute_memory_gb),
        ];
        let given = all.into_iter();
        let given = given.filter_map(|(field, limit)| Some((field.to_owned(), json!(limit?))));
        given.collect()
    }
}

/// A line for each field that was to be changed.
fn changes(
    old: &TenantQuota,
    new: &TenantQuota,
    wanted: &Map<String, Value>,
    dry: bool,
) -> Vec<String> {
    let (old, new) = (json!(old.spec), json!(new.spec));
    let line = |field: &String| {
        let (from, to) = (&old[field], &new[field]);
        match (from == to, dry) {
            (true, _) => format!("{field} is {to} already"),
            (false, false) => format!("{field} is {to}, and was {from}"),
            (false, true) => format!("{field} would be {to}, and is {from}"),
        }
    };
    wanted.keys().map(line).collect()
}

#[cfg(test)]
mod tests {
    use akili_crds::TenantQuotaSpec;

    use super::*;

    #[test]
    fn what_was_asked_for_is_told_field_by_field() {
        let quota = |products| {
            let spec = TenantQuotaSpec {
                max_products: products,
                ..TenantQuotaSpec::default()
            };
            TenantQuota::new("acme-corp", spec)
        };
        let wanted = Limits {
            max_products: Some(200),
            max_connections: Some(20),
            max_storage_gb: None,
            max_compute_cpu: None,
            max_compute_memory_gb: None,
        }
        .fields();
        let told = |dry| changes(&quota(100), &quota(200), &wanted, dry);
        let already = "maxConnections is 20 already".to_owned();
        assert_eq!(
            told(false),
            [already.clone(), "maxProducts is 200, and was 100".into()]
        );
        assert_eq!(
            told(true),
            [already, "maxProducts would be 200, and is 100".into()]
        );
    }
}
