//! Limits of a resource group from a quota. Pure.
//!
//! StarRocks limits a group on each node: memory as a share of the node's, CPU time as a
//! weight against other groups. A quota is therefore spread evenly over all nodes.

use std::fmt;

use akili_crds::TenantQuotaSpec;

/// Minimum share of memory, in hundredths of a percent.
const MIN_MEMORY: u64 = 1;
/// Maximum share of memory, in hundredths of a percent.
const ALL_MEMORY: u64 = 10_000;
const MIN_WEIGHT: u64 = 1;
const GB: u64 = 1 << 30;

/// Total of all nodes that run queries, including those that are down: a restart of a node
/// changes no limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Nodes {
    /// Number of nodes.
    pub count: u64,
    /// CPU cores of all nodes.
    pub cores: u64,
    /// Memory for queries of all nodes, in bytes.
    pub memory: u64,
}

/// Limits of a group's queries on each node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Weight of CPU time against other groups: the number of cores of each node.
    pub cpu_weight: u64,
    /// Share of memory, in hundredths of a percent.
    pub memory: u64,
}

impl Limits {
    /// Returns the share of memory in StarRocks' syntax: `16.66%`.
    pub fn mem_limit(&self) -> String {
        format!("{}.{:02}%", self.memory / 100, self.memory % 100)
    }

    /// Parses the share of memory that StarRocks shows, in hundredths of a percent.
    pub fn parse_mem_limit(shown: &str) -> Option<u64> {
        let percent: f64 = shown.trim().strip_suffix('%')?.parse().ok()?;
        let hundredths = (percent * 100.0).round();
        // Other values aren't shares.
        (0.0..=10_000.0)
            .contains(&hundredths)
            .then_some(hundredths as u64)
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (weight, memory) = (self.cpu_weight, self.mem_limit());
        write!(f, "cpu_weight {weight} and mem_limit {memory}")
    }
}

/// Returns the limits for a quota, and a message for each limit that was clamped.
pub fn limits(quota: &TenantQuotaSpec, nodes: Nodes) -> (Limits, Vec<String>) {
    let count = nodes.count.max(1);
    let max_weight = (nodes.cores / count).max(MIN_WEIGHT);
    let cpu = positive(quota.max_compute_cpu);
    let memory = positive(quota.max_compute_memory_gb);
    // Rounded to the nearest: a weight is relative.
    let weight = (2 * cpu + count) / (2 * count);
    // Rounded down: a limit must not be exceeded.
    let share = u128::from(memory) * u128::from(GB) * u128::from(ALL_MEMORY);
    let share = share / u128::from(nodes.memory.max(1));
    let share = u64::try_from(share).unwrap_or(u64::MAX);
    let limits = Limits {
        cpu_weight: weight.clamp(MIN_WEIGHT, max_weight),
        memory: share.clamp(MIN_MEMORY, ALL_MEMORY),
    };
    let clamped = [
        (weight != limits.cpu_weight).then(|| {
            let bound = bound(weight < MIN_WEIGHT);
            format!(
                "maxComputeCpu {cpu} on {count} nodes with {max_weight} cores each becomes \
                 cpu_weight {}, the {bound} that StarRocks accepts",
                limits.cpu_weight
            )
        }),
        (share != limits.memory).then(|| {
            let bound = bound(share < MIN_MEMORY);
            format!(
                "maxComputeMemoryGb {memory} on {count} nodes with {} GB in total becomes \
                 mem_limit {}, the {bound} that StarRocks accepts",
                nodes.memory / GB,
                limits.mem_limit()
            )
        }),
    ];
    (limits, clamped.into_iter().flatten().collect())
}

fn bound(is_minimum: bool) -> &'static str {
    if is_minimum { "minimum" } else { "maximum" }
}

fn positive(limit: i64) -> u64 {
    u64::try_from(limit).unwrap_or(0)
}

/// Parses a size that StarRocks shows, such as `64.000GB`, into bytes.
pub fn parse_size(shown: &str) -> Option<u64> {
    let shown = shown.trim();
    let unit = shown.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = shown.split_at(unit);
    let number: f64 = number.trim().parse().ok()?;
    let power = ["B", "KB", "MB", "GB", "TB", "PB"]
        .iter()
        .position(|it| *it == unit)?;
    let bytes = number * 1024_f64.powi(i32::try_from(power).ok()?);
    (bytes >= 0.0).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODES: Nodes = Nodes {
        count: 3,
        cores: 48,
        memory: 192 * GB,
    };

    fn of(cpu: i64, memory: i64) -> (Limits, Vec<String>) {
        let quota = TenantQuotaSpec {
            max_compute_cpu: cpu,
            max_compute_memory_gb: memory,
            ..TenantQuotaSpec::default()
        };
        limits(&quota, NODES)
    }

    #[test]
    fn quota_is_spread_over_all_nodes() {
        for (cpu, memory, cpu_weight, mem_limit, reason) in [
            (8, 32, 3, "16.66%", "the defaults"),
            (48, 192, 16, "100.00%", "all that there is"),
            (3, 1, 1, "0.52%", "little"),
            (7, 96, 2, "50.00%", "CPU to the nearest, memory down"),
        ] {
            let (limits, clamped) = of(cpu, memory);
            assert_eq!(limits.cpu_weight, cpu_weight, "{reason}");
            assert_eq!(limits.mem_limit(), mem_limit, "{reason}");
            assert!(clamped.is_empty(), "{reason}: {clamped:?}");
        }
    }

    #[test]
    fn limit_out_of_range_is_clamped_with_message() {
        for (cpu, memory, message) in [
            (
                64,
                32,
                "maxComputeCpu 64 on 3 nodes with 16 cores each becomes cpu_weight 16, the \
                 maximum that StarRocks accepts",
            ),
            (
                0,
                32,
                "maxComputeCpu 0 on 3 nodes with 16 cores each becomes cpu_weight 1, the \
                 minimum that StarRocks accepts",
            ),
            (
                8,
                500,
                "maxComputeMemoryGb 500 on 3 nodes with 192 GB in total becomes mem_limit \
                 100.00%, the maximum that StarRocks accepts",
            ),
            (
                8,
                0,
                "maxComputeMemoryGb 0 on 3 nodes with 192 GB in total becomes mem_limit 0.01%, \
                 the minimum that StarRocks accepts",
            ),
        ] {
            assert_eq!(of(cpu, memory).1, [message]);
        }
        let (limits, clamped) = of(1_000_000, 1_000_000_000);
        assert_eq!((limits.cpu_weight, limits.memory), (16, ALL_MEMORY));
        assert_eq!(clamped.len(), 2);
    }

    #[test]
    fn shown_shares_and_sizes_are_parsed() {
        for (shown, read) in [
            ("20.0%", Some(2000)),
            ("16.669999999999998%", Some(1667)),
            ("0.01%", Some(1)),
            ("20", None),
            ("many%", None),
            ("-1%", None),
        ] {
            assert_eq!(Limits::parse_mem_limit(shown), read, "{shown}");
        }
        for (shown, read) in [
            ("64.000GB", Some(64 * GB)),
            ("1.5 TB", Some(1536 * GB)),
            ("0.000B", Some(0)),
            ("", None),
            ("64", None),
        ] {
            assert_eq!(parse_size(shown), read, "{shown}");
        }
    }
}
