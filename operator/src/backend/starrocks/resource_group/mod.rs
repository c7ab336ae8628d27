//! The resource group's plane: the tenant's share of StarRocks' CPU and memory.

mod diff;
mod size;

use std::collections::BTreeMap;

use akili_crds::condition::types;
use akili_crds::tenant::{ResourceGroupName, Resources};
use async_trait::async_trait;

use self::diff::{Group, Held, Step};
use self::size::{Nodes, Size, size};
use super::client::{Client, Record};
use super::sql::{identifier, properties, text};
use crate::backend::{Backend, Desired, Effect, Notice, TenantKey};
use crate::error::Error;

/// The resource group's plane.
pub struct ResourceGroup {
    client: Client,
}

impl ResourceGroup {
    /// The plane of this StarRocks.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Compute nodes do the work where there are any: a cluster with shared data.
    async fn nodes(&self) -> Result<Nodes, Error> {
        let doing = "looking at the nodes";
        let mut nodes = self.client.query(doing, "SHOW BACKENDS").await?;
        nodes.extend(self.client.query(doing, "SHOW COMPUTE NODES").await?);
        Ok(Nodes::of(&nodes))
    }
}

#[async_trait]
impl Backend for ResourceGroup {
    type Held = Held;
    type Observed = Held;
    type Step = Step;

    fn name(&self) -> &'static str {
        "resource-group"
    }

    fn condition(&self) -> &'static str {
        types::RESOURCE_GROUP_READY
    }

    fn name_resources(&self, tenant: &TenantKey, resources: &mut Resources) {
        resources.resource_group = Some(ResourceGroupName {
            name: tenant.id.starrocks_name(),
        });
    }

    /// Three statements, however many tenants there are.
    async fn list(&self, tenants: &[TenantKey]) -> Result<BTreeMap<TenantKey, Held>, Error> {
        let nodes = self.nodes().await?;
        let all = "SHOW VERBOSE RESOURCE GROUPS ALL";
        let rows = self.client.query("listing resource groups", all).await?;
        let held = |tenant: &TenantKey| Held {
            nodes: nodes.clone(),
            group: group(&rows, &tenant.id.starrocks_name()),
        };
        Ok(tenants.iter().map(|it| (it.clone(), held(it))).collect())
    }

    async fn observe(&self, _: &TenantKey, held: Held) -> Result<Held, Error> {
        Ok(held)
    }

    /// Groups carry the tenant's id: nobody else's have such a name.
    fn foreign_owner(&self, _: &TenantKey, _: &Held) -> Option<String> {
        None
    }

    fn diff(&self, tenant: &TenantKey, desired: &Desired, held: &Held) -> Vec<Step> {
        diff::diff(&tenant.id.starrocks_name(), desired, held)
    }

    /// What a query may use decides about no access.
    fn effect(_: &Step) -> Effect {
        Effect::Neutral
    }

    async fn apply(&self, tenant: &TenantKey, step: &Step) -> Result<(), Error> {
        let name = tenant.id.starrocks_name();
        let group = identifier(&name);
        let doing = format!("sizing resource group {name}");
        let sql = match step {
            Step::Create(size) => {
                // By its user, for a session can lay down its roles.
                let user = text(&name);
                let limits = limits(size);
                format!(
                    "CREATE RESOURCE GROUP IF NOT EXISTS {group} TO (user = {user}) WITH ({limits})"
                )
            }
            Step::Resize(size) => {
                format!("ALTER RESOURCE GROUP {group} WITH ({})", limits(size))
            }
            Step::Drop => format!("DROP RESOURCE GROUP {group}"),
        };
        self.client.execute(&doing, &sql).await
    }

    fn notice(&self, desired: &Desired, held: &Held) -> Option<Notice> {
        let clamped = size(diff::limits(desired)?, &held.nodes)?.clamped?;
        Some(Notice {
            reason: "Clamped",
            message: clamped,
        })
    }
}

/// One way to CPU time at a time: the other is laid down in the same statement.
fn limits(size: &Size) -> String {
    let (cpu, memory) = (size.cpu_weight.to_string(), size.memory());
    properties([
        ("cpu_weight", cpu.as_str()),
        ("exclusive_cpu_cores", "0"),
        ("mem_limit", &memory),
    ])
}

/// The group of this name, a row a classifier.
fn group(rows: &[Record], name: &str) -> Option<Group> {
    let column = |row: &Record, name: &str| row.get(name).cloned().unwrap_or_default();
    let rows: Vec<&Record> = rows
        .iter()
        .filter(|row| column(row, "name") == name)
        .collect();
    let first = rows.first()?;
    let classifiers = rows.iter().map(|row| column(row, "classifiers"));
    Some(Group {
        cpu_weight: column(first, "cpu_weight"),
        exclusive_cpu_cores: column(first, "exclusive_cpu_cores"),
        memory: size::hundredths_of_percent(&column(first, "mem_limit")),
        users: classifiers.map(|text| diff::user_of(&text)).collect(),
    })
}
