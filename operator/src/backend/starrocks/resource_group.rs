//! Resource group plane: limits of a tenant's queries, from its quota.
//!
//! A classifier assigns queries to the group by user. Roles don't work, because a tenant can
//! leave its role; nor do databases, because those of external catalogs classify nothing.

use std::collections::{BTreeMap, BTreeSet};

use akili_core::starrocks::model::INTERNAL_CATALOG;
use akili_core::starrocks::resource_group::diff::diff;
use akili_core::starrocks::resource_group::model::{Classifier, Group, Observed, Step};
use akili_core::starrocks::resource_group::size::{self, Limits, Nodes};
use akili_core::starrocks::sql::{Statement, properties, quote_identifier, quote_literal};
use akili_crds::condition::types;
use akili_crds::tenant::{ResourceGroupName, Resources};
use async_trait::async_trait;

use super::client::Client;
use super::error::unexpected;
use crate::backend::{Backend, Desired, Effect, Notice, StatusReason, TenantKey};
use crate::error::{Error, Reason};

/// Columns of SHOW VERBOSE RESOURCE GROUPS that describe a group.
const COLUMNS: [&str; 5] = [
    "name",
    "cpu_weight",
    "exclusive_cpu_cores",
    "mem_limit",
    "classifiers",
];

/// The resource group plane.
pub struct ResourceGroup {
    client: Client,
}

impl ResourceGroup {
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    async fn groups(&self) -> Result<BTreeMap<String, Group>, Error> {
        let operation = "listing resource groups";
        let show = "SHOW VERBOSE RESOURCE GROUPS ALL";
        let mut groups = BTreeMap::new();
        for [name, weight, exclusive, memory, classifiers] in
            self.client.rows(operation, show, COLUMNS).await?
        {
            // StarRocks returns a row for each classifier.
            let group = groups.entry(name).or_insert_with(|| Group {
                limits: parse_limits(&weight, &exclusive, &memory),
                classifiers: BTreeSet::new(),
            });
            group.classifiers.extend(parse_classifier(&classifiers));
        }
        Ok(groups)
    }

    async fn nodes(&self) -> Result<Nodes, Error> {
        let operation = "listing nodes";
        let columns = ["CpuCores", "MemLimit"];
        let (backends, compute_nodes) = tokio::try_join!(
            self.client.rows(operation, "SHOW BACKENDS", columns),
            self.client.rows(operation, "SHOW COMPUTE NODES", columns),
        )?;
        let mut nodes = Nodes::default();
        for [cores, memory] in backends.into_iter().chain(compute_nodes) {
            let size = |shown: &str| {
                size::parse_size(shown)
                    .ok_or_else(|| unexpected(operation, &format!("{shown:?} isn't a size")))
            };
            let cores: u64 = cores.parse().unwrap_or(0);
            // A node that has never been up shows no cores.
            if cores > 0 {
                nodes.count += 1;
                nodes.cores += cores;
                nodes.memory += size(&memory)?;
            }
        }
        if nodes.memory == 0 {
            return Err(Error::new(
                Reason::NoNodes,
                "StarRocks: no backend or compute node reports its cores and memory; start one; \
                 retrying",
            ));
        }
        Ok(nodes)
    }

    async fn alter(&self, tenant: &TenantKey, change: &str) -> Result<(), Error> {
        let group = quote_identifier(&tenant.id.starrocks_name());
        let alter = Statement::plain(format!("ALTER RESOURCE GROUP {group} {change}"));
        let operation = "changing a resource group";
        self.client.run(operation, INTERNAL_CATALOG, &[alter]).await
    }
}

/// Parses the limits of a group; `None` if it has exclusive cores instead of a weight.
fn parse_limits(weight: &str, exclusive: &str, memory: &str) -> Option<Limits> {
    let none = ["", "0", "null"].contains(&exclusive);
    let (cpu_weight, memory) = (weight.parse().ok()?, Limits::parse_mem_limit(memory)?);
    none.then_some(Limits { cpu_weight, memory })
}

/// Parses `(id=7, weight=1.0, user=tenant_1)`; without an id the group has no classifier.
fn parse_classifier(shown: &str) -> Option<Classifier> {
    let inside = shown.trim().strip_prefix("(id=")?.strip_suffix(')')?;
    let (id, rest) = inside.split_once(", ")?;
    let id = id.parse().ok().filter(|id| *id > 0)?;
    // StarRocks derives the weight from the conditions.
    let conditions = rest
        .split_once(", ")
        .map_or("", |(_, conditions)| conditions);
    Some(Classifier {
        id,
        conditions: conditions.to_owned(),
    })
}

/// Returns the classifier of the tenant's user.
fn classifier(tenant: &TenantKey) -> String {
    format!("(user = {})", quote_literal(&tenant.id.starrocks_name()))
}

/// Returns the limits as properties of a group.
fn limit_properties(limits: &Limits) -> [(&'static str, String); 2] {
    let weight = limits.cpu_weight.to_string();
    [("cpu_weight", weight), ("mem_limit", limits.mem_limit())]
}

#[async_trait]
impl Backend for ResourceGroup {
    const NAME: &'static str = "resource-group";
    const CONDITION: &'static str = types::RESOURCE_GROUP_READY;

    type Held = Observed;
    type Observed = Observed;
    type Step = Step;

    fn name_resources(&self, tenant: &TenantKey, resources: &mut Resources) {
        resources.resource_group = Some(ResourceGroupName {
            name: tenant.id.starrocks_name(),
        });
    }

    async fn list(&self, tenants: &[TenantKey]) -> Result<BTreeMap<TenantKey, Observed>, Error> {
        let (nodes, mut groups) = tokio::try_join!(self.nodes(), self.groups())?;
        let held = |tenant: &TenantKey| {
            let group = groups.remove(&tenant.id.starrocks_name());
            (tenant.clone(), Observed { nodes, group })
        };
        Ok(tenants.iter().map(held).collect())
    }

    async fn observe(
        &self,
        _tenant: &TenantKey,
        _desired: &Desired,
        held: Observed,
    ) -> Result<Observed, Error> {
        Ok(held)
    }

    fn diff(&self, tenant: &TenantKey, desired: &Desired, observed: &Observed) -> Vec<Step> {
        diff(tenant, desired, observed)
    }

    /// A group neither grants nor revokes access.
    fn effect(_step: &Step) -> Effect {
        Effect::Neutral
    }

    async fn apply(&self, tenant: &TenantKey, step: &Step) -> Result<(), Error> {
        match step {
            Step::Create(limits) => {
                let limits = limit_properties(limits);
                let create = format!(
                    "CREATE RESOURCE GROUP IF NOT EXISTS {} TO {} WITH {}",
                    quote_identifier(&tenant.id.starrocks_name()),
                    classifier(tenant),
                    properties(limits.iter().map(|(key, value)| (*key, value.as_str())))
                );
                let operation = "creating a resource group";
                let create = [Statement::plain(create)];
                self.client.run(operation, INTERNAL_CATALOG, &create).await
            }
            Step::Limit(limits) => {
                let [weight, memory] = limit_properties(limits);
                // StarRocks validates old and new limits together.
                let limits = [("exclusive_cpu_cores", "0".to_owned()), weight, memory];
                let limits = limits.iter().map(|(key, value)| (*key, value.as_str()));
                let change = format!("WITH {}", properties(limits));
                self.alter(tenant, &change).await
            }
            Step::Classify => {
                let change = format!("ADD {}", classifier(tenant));
                self.alter(tenant, &change).await
            }
            Step::DropClassifiers(classifiers) => {
                let ids: Vec<_> = classifiers.iter().map(|it| it.id.to_string()).collect();
                let change = format!("DROP ({})", ids.join(", "));
                self.alter(tenant, &change).await
            }
            Step::DropGroup => {
                let group = quote_identifier(&tenant.id.starrocks_name());
                let drop = [Statement::plain(format!("DROP RESOURCE GROUP {group}"))];
                let operation = "dropping a resource group";
                self.client.run(operation, INTERNAL_CATALOG, &drop).await
            }
        }
    }

    fn notice(&self, desired: &Desired, observed: &Observed) -> Option<Notice> {
        let quota = match desired {
            Desired::Writable { limits, .. } | Desired::ReadOnly(limits) => limits,
            Desired::NoAccess | Desired::Absent => return None,
        };
        let (_, clamped) = size::limits(quota, observed.nodes);
        (!clamped.is_empty()).then(|| Notice {
            reason: StatusReason::Clamped,
            message: format!("StarRocks: {}", clamped.join("; ")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_groups_and_classifiers_are_parsed() {
        let limits = Limits {
            cpu_weight: 3,
            memory: 1666,
        };
        for (weight, exclusive, memory, read) in [
            ("3", "0", "16.66%", Some(limits)),
            ("3", "null", "16.66%", Some(limits)),
            ("0", "2", "16.66%", None),
            ("3", "0", "", None),
        ] {
            assert_eq!(parse_limits(weight, exclusive, memory), read);
        }
        for (shown, read) in [
            (
                "(id=7, weight=1.0, user=tenant_1)",
                Some((7, "user=tenant_1")),
            ),
            (
                "(id=8, weight=2.1, user=a, query_type in (SELECT))",
                Some((8, "user=a, query_type in (SELECT)")),
            ),
            ("(id=0, weight=0.0)", None),
            ("", None),
        ] {
            let read = read.map(|(id, conditions)| Classifier {
                id,
                conditions: conditions.to_owned(),
            });
            assert_eq!(parse_classifier(shown), read, "{shown}");
        }
    }
}
