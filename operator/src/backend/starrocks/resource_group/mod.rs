//! The resource group plane: what a tenant's queries may use, from its quota.
//!
//! - [`size`]: from a quota to limits; pure.
//! - [`diff`]: what is to be done for one tenant; pure.
//!
//! Queries come to their group by their user: a tenant can leave its role, and databases
//! of external catalogs classify nothing.

pub mod diff;
pub mod size;

use std::collections::{BTreeMap, BTreeSet};

use akili_crds::condition::types;
use akili_crds::tenant::{ResourceGroupName, Resources};
use async_trait::async_trait;

use self::diff::{Classifier, Group, Observed, Step};
use self::size::{Limits, Nodes};
use super::client::{Client, INTERNAL_CATALOG};
use super::error::unexpected;
use super::sql::{Statement, identifier, literal, properties};
use crate::backend::{Backend, Desired, Effect, Notice, StatusReason, TenantKey};
use crate::error::{Error, Reason};

/// The columns of SHOW VERBOSE RESOURCE GROUPS that say what a group is.
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
    /// The plane of this StarRocks.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    async fn groups(&self) -> Result<BTreeMap<String, Group>, Error> {
        let doing = "listing resource groups";
        let show = "SHOW VERBOSE RESOURCE GROUPS ALL";
        let mut groups = BTreeMap::new();
        for [name, weight, exclusive, memory, classifiers] in
            self.client.rows(doing, show, COLUMNS).await?
        {
            // One row a classifier.
            let group = groups.entry(name).or_insert_with(|| Group {
                limits: read_limits(&weight, &exclusive, &memory),
                classifiers: BTreeSet::new(),
            });
            group.classifiers.extend(read_classifier(&classifiers));
        }
        Ok(groups)
    }

    async fn nodes(&self) -> Result<Nodes, Error> {
        let doing = "looking at the nodes";
        let columns = ["CpuCores", "MemLimit"];
        let (backends, compute_nodes) = tokio::try_join!(
            self.client.rows(doing, "SHOW BACKENDS", columns),
            self.client.rows(doing, "SHOW COMPUTE NODES", columns),
        )?;
        let mut nodes = Nodes::default();
        for [cores, memory] in backends.into_iter().chain(compute_nodes) {
            let size = |shown: &str| {
                size::read_size(shown)
                    .ok_or_else(|| unexpected(doing, &format!("{shown:?} is no size")))
            };
            let cores: u64 = cores.parse().unwrap_or(0);
            // One that never was up says nothing.
            if cores > 0 {
                nodes.count += 1;
                nodes.cores += cores;
                nodes.memory += size(&memory)?;
            }
        }
        if nodes.memory == 0 {
            return Err(Error::new(
                Reason::NoNodes,
                "StarRocks: no backend or compute node says what cores and memory it has; \
                 start one; it is tried again",
            ));
        }
        Ok(nodes)
    }

    async fn alter(&self, tenant: &TenantKey, how: &str) -> Result<(), Error> {
        let group = identifier(&tenant.id.starrocks_name());
        let alter = Statement::open(format!("ALTER RESOURCE GROUP {group} {how}"));
        let doing = "changing a resource group";
        self.client.run(doing, INTERNAL_CATALOG, &[alter]).await
    }
}

/// None if the group has cores of its own, which exclude a weight.
fn read_limits(weight: &str, exclusive: &str, memory: &str) -> Option<Limits> {
    let none = ["", "0", "null"].contains(&exclusive);
    let (cpu_weight, memory) = (weight.parse().ok()?, Limits::read_mem_limit(memory)?);
    none.then_some(Limits { cpu_weight, memory })
}

/// `(id=7, weight=1.0, user=tenant_1)`; without an id there is none.
fn read_classifier(shown: &str) -> Option<Classifier> {
    let inside = shown.trim().strip_prefix("(id=")?.strip_suffix(')')?;
    let (id, rest) = inside.split_once(", ")?;
    let id = id.parse().ok().filter(|id| *id > 0)?;
    // The weight follows from the conditions.
    let conditions = rest
        .split_once(", ")
        .map_or("", |(_, conditions)| conditions);
    Some(Classifier {
        id,
        conditions: conditions.to_owned(),
    })
}

/// The user that a group's queries come from.
fn classifier(tenant: &TenantKey) -> String {
    format!("(user = {})", literal(&tenant.id.starrocks_name()))
}

fn written(limits: &Limits) -> [(&'static str, String); 2] {
    let weight = limits.cpu_weight.to_string();
    [("cpu_weight", weight), ("mem_limit", limits.mem_limit())]
}

#[async_trait]
impl Backend for ResourceGroup {
    type Held = Observed;
    type Observed = Observed;
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

    /// Groups carry the tenant's id: nobody else's have such a name.
    fn foreign_owner(
        &self,
        _tenant: &TenantKey,
        _desired: &Desired,
        _observed: &Observed,
    ) -> Option<String> {
        None
    }

    fn diff(&self, tenant: &TenantKey, desired: &Desired, observed: &Observed) -> Vec<Step> {
        diff::diff(tenant, desired, observed)
    }

    /// A group lets nobody in, and keeps nobody out.
    fn effect(_step: &Step) -> Effect {
        Effect::Neutral
    }

    async fn apply(&self, tenant: &TenantKey, step: &Step) -> Result<(), Error> {
        match step {
            Step::Create(limits) => {
                let limits = written(limits);
                let create = format!(
                    "CREATE RESOURCE GROUP IF NOT EXISTS {} TO {} WITH {}",
                    identifier(&tenant.id.starrocks_name()),
                    classifier(tenant),
                    properties(limits.iter().map(|(key, value)| (*key, value.as_str())))
                );
                let doing = "creating a resource group";
                let create = [Statement::open(create)];
                self.client.run(doing, INTERNAL_CATALOG, &create).await
            }
            Step::Limit(limits) => {
                let [weight, memory] = written(limits);
                // Old and new limits are judged together.
                let limits = [("exclusive_cpu_cores", "0".to_owned()), weight, memory];
                let limits = limits.iter().map(|(key, value)| (*key, value.as_str()));
                let how = format!("WITH {}", properties(limits));
                self.alter(tenant, &how).await
            }
            Step::Classify => {
                let how = format!("ADD {}", classifier(tenant));
                self.alter(tenant, &how).await
            }
            Step::Drop(classifiers) => {
                let ids: Vec<_> = classifiers.iter().map(|it| it.id.to_string()).collect();
                let how = format!("DROP ({})", ids.join(", "));
                self.alter(tenant, &how).await
            }
            Step::DropGroup => {
                let group = identifier(&tenant.id.starrocks_name());
                let drop = [Statement::open(format!("DROP RESOURCE GROUP {group}"))];
                let doing = "dropping a resource group";
                self.client.run(doing, INTERNAL_CATALOG, &drop).await
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
    fn what_starrocks_shows_of_a_group_is_read() {
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
            assert_eq!(read_limits(weight, exclusive, memory), read);
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
            assert_eq!(read_classifier(shown), read, "{shown}");
        }
    }
}
