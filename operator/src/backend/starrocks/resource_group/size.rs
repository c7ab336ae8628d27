//! From a quota to the limits of a resource group: pure.
//!
//! StarRocks limits what a group uses on each node: memory as a share of the node's, CPU
//! time as a weight against other groups'. So a quota is spread evenly over all nodes.

use akili_crds::TenantQuotaSpec;

/// The smallest share of memory, in hundredths of a percent.
const LEAST_MEMORY: u64 = 1;
/// All memory, likewise.
const ALL_MEMORY: u64 = 10_000;
/// The smallest weight.
const LEAST_WEIGHT: u64 = 1;
const GB: u64 = 1 << 30;

/// The nodes that run queries, all together, whether or not they are up just now: a
/// restart changes nobody's limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Nodes {
    /// How many there are.
    pub count: u64,
    /// Their CPU cores.
    pub cores: u64,
    /// Their memory for queries, in bytes.
    pub memory: u64,
}

/// What the queries of a group may use on each node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// The share of CPU time against other groups: so many cores of each node.
    pub cpu_weight: u64,
    /// The share of memory, in hundredths of a percent.
    pub memory: u64,
}

impl Limits {
    /// The share of memory as StarRocks takes it: `16.66%`.
    pub fn mem_limit(&self) -> String {
        format!("{}.{:02}%", self.memory / 100, self.memory % 100)
    }

    /// The share of memory that StarRocks shows, in hundredths of a percent.
    pub fn read_mem_limit(shown: &str) -> Option<u64> {
        let percent: f64 = shown.trim().strip_suffix('%')?.parse().ok()?;
        let hundredths = (percent * 100.0).round();
        // Anything else isn't a share.
        (0.0..=10_000.0)
            .contains(&hundredths)
            .then_some(hundredths as u64)
    }
}

/// The limits for a quota, and what people should know of how they differ from it.
pub fn limits(quota: &TenantQuotaSpec, nodes: Nodes) -> (Limits, Vec<String>) {
    let count = nodes.count.max(1);
    let most = (nodes.cores / count).max(LEAST_WEIGHT);
    let cpu = positive(quota.max_compute_cpu);
    let memory = positive(quota.max_compute_memory_gb);
    // To the nearest: it is relative.
    let weight = (2 * cpu + count) / (2 * count);
    // Rounded down: it is a limit.
    let share = u128::from(memory) * u128::from(GB) * u128::from(ALL_MEMORY);
    let share = share / u128::from(nodes.memory.max(1));
    let share = u64::try_from(share).unwrap_or(u64::MAX);
    let limits = Limits {
        cpu_weight: weight.clamp(LEAST_WEIGHT, most),
        memory: share.clamp(LEAST_MEMORY, ALL_MEMORY),
    };
    let clamped = [
        (weight != limits.cpu_weight).then(|| {
            let bound = bound(weight < LEAST_WEIGHT);
            format!(
                "maxComputeCpu {cpu} on {count} nodes with {most} cores each becomes cpu_weight \
                 {}, the {bound} that StarRocks takes",
                limits.cpu_weight
            )
        }),
        (share != limits.memory).then(|| {
            let bound = bound(share < LEAST_MEMORY);
            format!(
                "maxComputeMemoryGb {memory} on {count} nodes with {} GB together becomes \
                 mem_limit {}, the {bound} that StarRocks takes",
                nodes.memory / GB,
                limits.mem_limit()
            )
        }),
    ];
    (limits, clamped.into_iter().flatten().collect())
}

fn bound(least: bool) -> &'static str {
    if least { "least" } else { "most" }
}

fn positive(limit: i64) -> u64 {
    u64::try_from(limit).unwrap_or(0)
}

/// A size as StarRocks shows it, in bytes: `64.000GB`.
pub fn read_size(shown: &str) -> Option<u64> {
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
    fn a_quota_is_spread_over_all_nodes() {
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
    fn what_starrocks_does_not_take_is_clamped_and_said() {
        for (cpu, memory, said) in [
            (
                64,
                32,
                "maxComputeCpu 64 on 3 nodes with 16 cores each becomes cpu_weight 16, the most \
                 that StarRocks takes",
            ),
            (
                0,
                32,
                "maxComputeCpu 0 on 3 nodes with 16 cores each becomes cpu_weight 1, the least \
                 that StarRocks takes",
            ),
            (
                8,
                500,
                "maxComputeMemoryGb 500 on 3 nodes with 192 GB together becomes mem_limit \
                 100.00%, the most that StarRocks takes",
            ),
            (
                8,
                0,
                "maxComputeMemoryGb 0 on 3 nodes with 192 GB together becomes mem_limit 0.01%, \
                 the least that StarRocks takes",
            ),
        ] {
            assert_eq!(of(cpu, memory).1, [said]);
        }
        let (limits, clamped) = of(1_000_000, 1_000_000_000);
        assert_eq!((limits.cpu_weight, limits.memory), (16, ALL_MEMORY));
        assert_eq!(clamped.len(), 2);
    }

    #[test]
    fn what_starrocks_shows_is_read() {
        for (shown, read) in [
            ("20.0%", Some(2000)),
            ("16.669999999999998%", Some(1667)),
            ("0.01%", Some(1)),
            ("20", None),
            ("many%", None),
            ("-1%", None),
        ] {
            assert_eq!(Limits::read_mem_limit(shown), read, "{shown}");
        }
        for (shown, read) in [
            ("64.000GB", Some(64 * GB)),
            ("1.5 TB", Some(1536 * GB)),
            ("0.000B", Some(0)),
            ("", None),
            ("64", None),
        ] {
            assert_eq!(read_size(shown), read, "{shown}");
        }
    }
}
