//! Current CPU and memory use of queries by resource group: one statement for all tenants.

use std::collections::BTreeMap;

use akili_crds::tenant_quota::Compute;
use async_trait::async_trait;

use super::client::Client;
use super::error::unexpected;
use crate::error::Error;

/// Source of the current use.
#[async_trait]
pub trait Loads: Send + Sync {
    /// Returns the use by resource group. A group without running queries is absent.
    async fn loads(&self) -> Result<BTreeMap<String, Compute>, Error>;
}

#[async_trait]
impl Loads for Client {
    /// StarRocks returns a row for each node on which a group has running queries. The
    /// values are estimates, and about a second old at most.
    async fn loads(&self) -> Result<BTreeMap<String, Compute>, Error> {
        let operation = "reading the use of resource groups";
        let show = "SHOW USAGE RESOURCE GROUPS";
        let columns = ["Name", "BEInUseCpuCores", "BEInUseMemBytes"];
        let rows = self.rows(operation, show, columns).await?;
        sum(rows).ok_or_else(|| unexpected(operation, "a value isn't a number"))
    }
}

fn sum(rows: Vec<[String; 3]>) -> Option<BTreeMap<String, Compute>> {
    let mut groups: BTreeMap<String, Compute> = BTreeMap::new();
    for [group, cores, bytes] in rows {
        let load = groups.entry(group).or_default();
        let (cores, bytes): (f64, i64) = (cores.parse().ok()?, bytes.parse().ok()?);
        load.cpu = Some(load.cpu.unwrap_or_default() + cores);
        load.memory_bytes = Some(load.memory_bytes.unwrap_or_default().saturating_add(bytes));
    }
    Some(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn use_of_group_is_summed_over_nodes() {
        let row = |row: [&str; 3]| row.map(str::to_owned);
        let loads = sum(vec![
            row(["tenant_1", "0.25", "100"]),
            row(["default_wg", "3.112", "39"]),
            row(["tenant_1", "1.5", "7"]),
        ]);
        let loads = loads.unwrap();
        assert_eq!(
            loads["tenant_1"],
            Compute {
                cpu: Some(1.75),
                memory_bytes: Some(107)
            }
        );
        assert_eq!(loads.len(), 2);
        assert_eq!(sum(vec![row(["tenant_1", "much", "1"])]), None);
    }
}
