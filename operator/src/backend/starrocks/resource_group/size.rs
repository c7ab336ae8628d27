//! From a tenant's quota to the limits of its resource group. Pure.

use akili_crds::TenantQuotaSpec;

use crate::backend::starrocks::client::Record;

/// All of a node's memory, in hundredths of a percent.
const WHOLE: u32 = 10_000;
const GIGABYTE: f64 = (1_u64 << 30) as f64;

/// The nodes that run queries; each runs its part of every query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Nodes {
    /// How many there are.
    pub count: u32,
    /// The cores of the smallest.
    pub cores: u32,
    /// The memory of the smallest, in bytes.
    pub memory: u64,
}

/// The limits of a resource group, on each node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    /// From 1 to a node's cores.
    pub cpu_weight: u32,
    /// Share of a node's memory, in hundredths of a percent.
    pub memory_share: u32,
    /// Where the quota can't be had as it is: what is given instead.
    pub clamped: Option<String>,
}

impl Size {
    /// The memory as StarRocks takes it, such as `16.66%`.
    pub fn memory(&self) -> String {
        format!(
            "{}.{:02}%",
            self.memory_share / 100,
            self.memory_share % 100
        )
    }
}

impl Nodes {
    /// The nodes in the rows of `SHOW BACKENDS` and `SHOW COMPUTE NODES` that are alive.
    pub fn of(rows: &[Record]) -> Self {
        let alive = rows.iter().filter(|row| column(row, "Alive") == "true");
        let alive: Vec<&Record> = alive.collect();
        let cores = alive
            .iter()
            .filter_map(|row| column(row, "CpuCores").parse().ok());
        let memory = alive
            .iter()
            .filter_map(|row| bytes(column(row, "MemLimit")));
        Self {
            count: u32::try_from(alive.len()).unwrap_or(u32::MAX),
            cores: cores.min().unwrap_or_default(),
            memory: memory.min().unwrap_or_default(),
        }
    }
}

/// The group's limits; nothing where no node is alive that says how large it is.
pub fn size(quota: &TenantQuotaSpec, nodes: &Nodes) -> Option<Size> {
    if nodes.count == 0 || nodes.cores == 0 || nodes.memory == 0 {
        return None;
    }
    let count = i64::from(nodes.count);
    let cpu = quota.max_compute_cpu.saturating_add(count - 1) / count;
    let cpu_weight = cpu.clamp(1, i64::from(nodes.cores));
    let all_memory = f64::from(nodes.count) * nodes.memory as f64;
    let wanted = quota.max_compute_memory_gb as f64 * GIGABYTE / all_memory * f64::from(WHOLE);
    let memory_share = wanted.floor().clamp(1.0, f64::from(WHOLE));

    let mut clamped = Vec::new();
    if cpu != cpu_weight {
        clamped.push(format!(
            "maxComputeCpu {} is given as cpu_weight {cpu_weight} of {} cores on each of {count} nodes",
            quota.max_compute_cpu, nodes.cores
        ));
    }
    if wanted < 1.0 || wanted > f64::from(WHOLE) {
        clamped.push(format!(
            "maxComputeMemoryGb {} is given as {}% of each of {count} nodes' memory",
            quota.max_compute_memory_gb,
            memory_share / 100.0
        ));
    }
    Some(Size {
        cpu_weight: cpu_weight as u32,
        memory_share: memory_share as u32,
        clamped: (!clamped.is_empty()).then(|| clamped.join("; ")),
    })
}

/// What StarRocks says of a limit, such as `20.0%` or `7.000000000000001%`.
pub fn hundredths_of_percent(text: &str) -> u32 {
    let percent: f64 = text.trim_end_matches('%').parse().unwrap_or_default();
    (percent * 100.0).round() as u32
}

fn column<'a>(row: &'a Record, name: &str) -> &'a str {
    row.get(name).map(String::as_str).unwrap_or_default()
}

/// A size as StarRocks writes it, such as `64.000GB` or `512.5 MB`.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let unit = match text[digits.len()..].trim() {
        "TB" => 40,
        "GB" => 30,
        "MB" => 20,
        "KB" => 10,
        _ => 0,
    };
    let number: f64 = digits.parse().ok()?;
    Some((number * (1_u64 << unit) as f64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes() -> Nodes {
        Nodes {
            count: 3,
            cores: 16,
            memory: 64 << 30,
        }
    }

    fn quota(cpu: i64, memory: i64) -> TenantQuotaSpec {
        TenantQuotaSpec {
            max_compute_cpu: cpu,
            max_compute_memory_gb: memory,
            ..TenantQuotaSpec::default()
        }
    }

    #[test]
    fn a_quota_is_shared_out_among_the_nodes() {
        for (cpu, memory, weight, share) in [
            (8, 32, 3, "16.66%"),
            (1, 1, 1, "0.52%"),
            (48, 192, 16, "100.00%"),
        ] {
            let size = size(&quota(cpu, memory), &nodes()).unwrap();
            assert_eq!((size.cpu_weight, size.memory().as_str()), (weight, share));
            assert_eq!(size.clamped, None, "{cpu} {memory}");
        }
    }

    #[test]
    fn what_cannot_be_had_is_clamped_and_said() {
        let large = size(&quota(100, 1000), &nodes()).unwrap();
        assert_eq!((large.cpu_weight, large.memory_share), (16, WHOLE));
        assert_eq!(
            large.clamped.unwrap(),
            "maxComputeCpu 100 is given as cpu_weight 16 of 16 cores on each of 3 nodes; \
             maxComputeMemoryGb 1000 is given as 100% of each of 3 nodes' memory"
        );
        let none = size(&quota(0, 0), &nodes()).unwrap();
        assert_eq!((none.cpu_weight, none.memory_share), (1, 1));
        assert!(none.clamped.unwrap().contains("maxComputeMemoryGb 0"));
    }

    #[test]
    fn without_a_node_nothing_can_be_said() {
        assert_eq!(size(&quota(8, 32), &Nodes::default()), None);
    }

    #[test]
    fn sizes_are_read_as_starrocks_writes_them() {
        assert_eq!(bytes("64.000GB"), Some(64 << 30));
        assert_eq!(bytes("0.5 MB"), Some(512 << 10));
        assert_eq!(bytes(""), None);
        assert_eq!(hundredths_of_percent("7.000000000000001%"), 700);
        assert_eq!(hundredths_of_percent("16.66%"), 1666);
    }
}
