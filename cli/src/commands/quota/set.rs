//! `akili quota set`

use akili_crds::quota::Limit;
use akili_crds::{Slug, TenantQuota};
use clap::{Args, value_parser};
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::{Map, Value, json};

use crate::commands::FIELD_MANAGER;
use crate::commands::gitops;
use crate::failure::Failure;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  akili quota set acme-corp --max-products 200\n  akili quota set acme-corp --max-storage-gb 1000 --dry-run=server"
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

/// Whole numbers from 0; 0 means none at all. What isn't named stays.
#[derive(Args)]
#[group(required = true, multiple = true)]
struct Limits {
    /// Data products
    #[arg(long, value_parser = value_parser!(i64).range(0..))]
    max_products: Option<i64>,
    /// Connections
    #[arg(long, value_parser = value_parser!(i64).range(0..))]
    max_connections: Option<i64>,
    /// Storage, in GB of 2^30 bytes
    #[arg(long, value_parser = value_parser!(i64).range(0..))]
    max_storage_gb: Option<i64>,
    /// CPU cores of all pods together, and again of all queries
    #[arg(long, value_parser = value_parser!(i64).range(0..))]
    max_compute_cpu: Option<i64>,
    /// Memory of all pods together, and again of all queries, in GB of 2^30 bytes
    #[arg(long, value_parser = value_parser!(i64).range(0..))]
    max_compute_memory_gb: Option<i64>,
}

impl Limits {
    /// The fields of the spec that are named, and what they are to be.
    fn fields(&self) -> Map<String, Value> {
        let fields = [
            ("maxProducts", self.max_products),
            ("maxConnections", self.max_connections),
            ("maxStorageGb", self.max_storage_gb),
            ("maxComputeCpu", self.max_compute_cpu),
            ("maxComputeMemoryGb", self.max_compute_memory_gb),
        ];
        let named = fields.into_iter();
        named
            .filter_map(|(field, limit)| Some((field.to_owned(), json!(limit?))))
            .collect()
    }
}

pub async fn run(arguments: Arguments, client: Client) -> Result<(), Failure> {
    let Arguments {
        slug,
        limits,
        dry_run,
    } = arguments;
    let (before, fields) = (super::find(&client, &slug).await?, limits.fields());
    for field in fields.keys() {
        if let Some(warning) = gitops::warning(&before, "the quota of tenant", field) {
            eprintln!("{warning}");
        }
    }
    let params = PatchParams {
        dry_run: dry_run.is_some(),
        field_manager: Some(FIELD_MANAGER.into()),
        ..PatchParams::default()
    };
    let patch = Patch::Merge(json!({"spec": fields}));
    let quotas: Api<TenantQuota> = Api::all(client);
    let patched = quotas.patch(slug.as_str(), &params, &patch).await;
    let after = patched.map_err(|error| Failure::about_quota(slug.as_str(), &error))?;
    for warning in lowered(&after) {
        eprintln!("{warning}");
    }
    let would = if dry_run.is_some() { " would be" } else { "" };
    println!("quota of tenant {slug}{would}: {}", change(&before, &after));
    Ok(())
}

/// What was what, and is now: `Products 100 → 200`.
fn change(before: &TenantQuota, after: &TenantQuota) -> String {
    let changes = Limit::ALL.into_iter().filter_map(|limit| {
        let (old, new) = (limit.max(&before.spec), limit.max(&after.spec));
        (old != new).then(|| format!("{} {old} → {new}", limit.heading()))
    });
    match changes.collect::<Vec<_>>() {
        none if none.is_empty() => "as it was".into(),
        changes => changes.join(", "),
    }
}

/// What is to be said of limits that are below what is used.
fn lowered(quota: &TenantQuota) -> Vec<String> {
    let used = quota.status.clone().unwrap_or_default().used;
    let used = used.unwrap_or_default();
    let over = Limit::ALL.into_iter();
    let over = over.filter(|limit| limit.is_exceeded(&quota.spec, &used));
    over.map(|limit| {
        format!(
            "warning: {} is below what tenant {} uses ({}): nothing is lost, and no more is let in",
            limit.heading(),
            quota.name_any(),
            limit.figures(&quota.spec, &used)
        )
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn parse(arguments: &[&str]) -> Result<Map<String, Value>, clap::Error> {
        let all = [&["set", "acme-corp"], arguments].concat();
        Command::try_parse_from(all).map(|command| command.arguments.limits.fields())
    }

    #[test]
    fn only_the_limits_that_are_named_are_changed() {
        let fields = parse(&["--max-products", "200", "--max-storage-gb=0"]).unwrap();
        assert_eq!(
            json!(fields),
            json!({"maxProducts": 200, "maxStorageGb": 0})
        );
        assert!(parse(&[]).is_err(), "nothing is named");
        assert!(parse(&["--max-products=-1"]).is_err(), "less than none");
    }

    #[test]
    fn what_is_lowered_below_what_is_used_is_said() {
        let quota = |max: i64| -> TenantQuota {
            serde_json::from_value(json!({
                "apiVersion": "akili.io/v1alpha1", "kind": "TenantQuota",
                "metadata": {"name": "acme-corp"}, "spec": {"maxProducts": max},
                "status": {"used": {"products": 98}},
            }))
            .unwrap()
        };
        assert_eq!(lowered(&quota(98)), Vec::<String>::new());
        assert_eq!(
            lowered(&quota(50)),
            [
                "warning: Products is below what tenant acme-corp uses (98/50): nothing is lost, and \
              no more is let in"
            ]
        );
        assert_eq!(change(&quota(98), &quota(50)), "Products 98 → 50");
        assert_eq!(change(&quota(50), &quota(50)), "as it was");
    }
}
