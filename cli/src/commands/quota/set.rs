//! `akili quota set`

use akili_crds::quota::Limit;
use akili_crds::{Slug, TenantQuota};
use clap::{Args, value_parser};
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Map, Value, json};

use super::find::find_quota;
use crate::commands::FIELD_MANAGER;
use crate::commands::gitops;
use crate::failure::Failure;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  akili quota set acme-corp --max-products 200\n  akili quota set acme-corp --max-storage-gb 1000 --dry-run=server"
)]
pub struct Arguments {
    /// Name of the tenant
    slug: Slug,
    #[command(flatten)]
    limits: Limits,
    /// With `server`: validate on the API server without changing anything
    #[arg(long, value_parser = ["server"])]
    dry_run: Option<String>,
}

/// New limits: whole numbers from 0. Limits that aren't named stay.
#[derive(Args)]
#[group(required = true, multiple = true)]
struct Limits {
    /// Maximum number of data products
    #[arg(long, value_parser = value_parser!(i64).range(0..))]
    max_products: Option<i64>,
    /// Maximum number of connections
    #[arg(long, value_parser = value_parser!(i64).range(0..))]
    max_connections: Option<i64>,
    /// Maximum storage in GB of 2^30 bytes
    #[arg(long, value_parser = value_parser!(i64).range(0..))]
    max_storage_gb: Option<i64>,
    /// Maximum CPU cores of all pods together, and again of all queries
    #[arg(long, value_parser = value_parser!(i64).range(0..))]
    max_compute_cpu: Option<i64>,
    /// Maximum memory of all pods together, and again of all queries, in GB of 2^30 bytes
    #[arg(long, value_parser = value_parser!(i64).range(0..))]
    max_compute_memory_gb: Option<i64>,
}

impl Limits {
    /// Returns the named fields of the spec and their new values.
    fn fields(&self) -> Map<String, Value> {
        let limits = [
            (Limit::Products, self.max_products),
            (Limit::Connections, self.max_connections),
            (Limit::Storage, self.max_storage_gb),
            (Limit::Cpu, self.max_compute_cpu),
            (Limit::Memory, self.max_compute_memory_gb),
        ];
        limits
            .into_iter()
            .filter_map(|(limit, max)| Some((limit.field().to_owned(), json!(max?))))
            .collect()
    }
}

pub async fn run(arguments: Arguments, client: Client) -> Result<(), Failure> {
    let Arguments {
        slug,
        limits,
        dry_run,
    } = arguments;
    let (before, fields) = (find_quota(&client, &slug).await?, limits.fields());
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

/// Describes the change: `Products 100 → 200`.
fn change(before: &TenantQuota, after: &TenantQuota) -> String {
    let changes = Limit::ALL.into_iter().filter_map(|limit| {
        let (old, new) = (limit.max(&before.spec), limit.max(&after.spec));
        (old != new).then(|| format!("{} {old} → {new}", limit.heading()))
    });
    match changes.collect::<Vec<_>>() {
        none if none.is_empty() => "unchanged".into(),
        changes => changes.join(", "),
    }
}

/// Returns a warning for each limit that is below the usage.
fn lowered(quota: &TenantQuota) -> Vec<String> {
    let used = quota.status.clone().unwrap_or_default().used;
    let used = used.unwrap_or_default();
    let over = Limit::ALL.into_iter();
    let over = over.filter(|limit| limit.is_exceeded(&quota.spec, &used));
    over.map(|limit| {
        let effect = match limit {
            Limit::Products => "existing products stay, new ones are rejected",
            Limit::Connections => "existing connections stay, new ones are rejected",
            Limit::Storage => "existing data stays, new data is rejected",
            Limit::Cpu | Limit::Memory => "running pods stay, new ones are rejected",
        };
        format!(
            "warning: {} {} is below the current {}: {effect}",
            limit.field(),
            limit.max(&quota.spec),
            limit.amount(&used)
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
    fn only_named_limits_are_changed() {
        let fields = parse(&["--max-products", "200", "--max-storage-gb=0"]).unwrap();
        assert_eq!(
            json!(fields),
            json!({"maxProducts": 200, "maxStorageGb": 0})
        );
        assert!(parse(&[]).is_err(), "nothing is named");
        assert!(parse(&["--max-products=-1"]).is_err(), "less than none");
    }

    #[test]
    fn limit_below_the_usage_is_a_warning() {
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
                "warning: maxProducts 50 is below the current 98: existing products stay, new ones are \
              rejected"
            ]
        );
        assert_eq!(change(&quota(98), &quota(50)), "Products 98 → 50");
        assert_eq!(change(&quota(50), &quota(50)), "unchanged");
    }
}
