//! The next status of a TenantQuota, and the warnings that it gives rise to. Pure.

use std::time::Duration;

use akili_crds::condition::{Statement, conditions, types};
use akili_crds::quota::Limit;
use akili_crds::tenant_quota::{Summary, Usage};
use akili_crds::{TenantQuota, TenantQuotaSpec, TenantQuotaStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use super::state::Measured;
use crate::backend::StatusReason;

/// The levels at which people are warned, in percent of a limit, and the event's reason.
const LEVELS: [(u8, &str); 3] = [
    (80, "UsageAt80Percent"),
    (95, "UsageAt95Percent"),
    (100, "UsageAt100Percent"),
];

/// Observed usage of a tenant.
pub struct Known {
    /// Counted objects and compute, without storage; none if there is no such tenant, or it is purged.
    pub used: Option<Usage>,
    /// The storage, if it was measured since this process became the leader.
    pub measured: Option<Measured>,
    /// For how long the written measurement is kept while newer ones find the same.
    pub keep: Duration,
}

/// A warning that usage has reached a level of a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// CamelCase, one of [`LEVELS`].
    pub reason: &'static str,
    /// Names the limit: events with the same action would be counted as one.
    pub action: String,
    pub note: String,
}

/// Returns the next status, and a warning for each limit whose usage has risen to a higher level.
/// The old status holds the usage before, so a restart repeats no warning.
pub fn status(quota: &TenantQuota, known: &Known, now: &Time) -> (TenantQuotaStatus, Vec<Warning>) {
    let old = quota.status.clone().unwrap_or_default();
    let (limits, slug) = (&quota.spec, &quota.name_any());
    let generation = quota.metadata.generation;
    let Some(counted) = &known.used else {
        let nothing = TenantQuotaStatus {
            observed_generation: generation,
            ..TenantQuotaStatus::default()
        };
        return (nothing, vec![]);
    };
    let before = old.used.clone().unwrap_or_default();
    let (storage_bytes, measured_at) = storage(&old, known);
    let used = Usage {
        storage_bytes,
        queries: counted.queries.clone().or(before.queries.clone()),
        ..counted.clone()
    };
    let warnings = warnings(slug, limits, &before, &used);
    let exceeded = exceeded(slug, limits, &used);
    let generation_or_none = generation.unwrap_or_default();
    let status = TenantQuotaStatus {
        observed_generation: generation,
        summary: Some(Summary::of(limits, &used)),
        used: Some(used),
        measured_at,
        conditions: conditions(&old.conditions, &[exceeded], generation_or_none, now),
    };
    (status, warnings)
}

/// Returns how much is stored and when that was measured: the values already written, unless a
/// newer measurement differs, or has confirmed them for longer than `keep`.
fn storage(old: &TenantQuotaStatus, known: &Known) -> (Option<i64>, Option<Time>) {
    let written = old.used.as_ref().and_then(|used| used.storage_bytes);
    let Some(Measured { bytes, at }) = known.measured else {
        return (written, old.measured_at.clone());
    };
    let stands = old.measured_at.as_ref().is_some_and(|then| {
        let age = at.duration_since(then.0);
        // Another leader may have measured since.
        age.is_negative() || written == Some(bytes) && age.unsigned_abs() < known.keep
    });
    match stands {
        true => (written, old.measured_at.clone()),
        false => (Some(bytes), Some(Time(at))),
    }
}

fn exceeded(slug: &str, limits: &TenantQuotaSpec, used: &Usage) -> Statement {
    let over = || {
        Limit::ALL
            .into_iter()
            .filter(|it| it.is_exceeded(limits, used))
    };
    let details: Vec<String> = over().map(|it| it.detail(slug, limits, used)).collect();
    let (reason, message) = match over().next() {
        None => (
            StatusReason::WithinLimits,
            format!("Tenant '{slug}' is within its limits."),
        ),
        Some(first) => (reason(first), details.join(" ")),
    };
    Statement {
        type_: types::EXCEEDED,
        status: !details.is_empty(),
        reason: reason.as_str(),
        message,
    }
}

fn reason(limit: Limit) -> StatusReason {
    match limit {
        Limit::Products => StatusReason::ProductsExceeded,
        Limit::Connections => StatusReason::ConnectionsExceeded,
        Limit::Storage => StatusReason::StorageExceeded,
        Limit::Cpu => StatusReason::CpuExceeded,
        Limit::Memory => StatusReason::MemoryExceeded,
    }
}

fn warnings(slug: &str, limits: &TenantQuotaSpec, before: &Usage, used: &Usage) -> Vec<Warning> {
    let warn = |limit: Limit| {
        let level = |used: &Usage| {
            let share = limit.share(limits, used).unwrap_or_default();
            let reached = |(percent, _): &&(u8, _)| share * 100.0 >= f64::from(*percent);
            LEVELS.iter().rev().find(reached)
        };
        let (percent, reason) = level(used)?;
        let known = level(before).map_or(0, |(percent, _)| *percent);
        (*percent > known).then(|| Warning {
            reason,
            action: format!("Warn{}", limit.name()),
            note: format!("{percent} % reached: {}", limit.detail(slug, limits, used)),
        })
    };
    Limit::ALL.into_iter().filter_map(warn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use akili_crds::condition::find;
    use akili_crds::quota::GB;
    use jiff::Timestamp;

    const KEEP: Duration = Duration::from_secs(3600);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn quota(max_storage_gb: i64, status: Option<TenantQuotaStatus>) -> TenantQuota {
        let limits = TenantQuotaSpec {
            max_storage_gb,
            ..TenantQuotaSpec::default()
        };
        let mut quota = TenantQuota::new("acme", limits);
        quota.metadata.generation = Some(3);
        quota.status = status;
        quota
    }

    fn known(products: i64, measured: Option<(i64, i64)>) -> Known {
        Known {
            used: Some(Usage {
                products: Some(products),
                connections: Some(0),
                ..Usage::default()
            }),
            measured: measured.map(|(bytes, second)| Measured {
                bytes,
                at: at(second),
            }),
            keep: KEEP,
        }
    }

    fn next(quota: &TenantQuota, known: &Known) -> (TenantQuotaStatus, Vec<&'static str>) {
        let (status, warnings) = status(quota, known, &Time(at(9000)));
        let reasons = warnings.iter().map(|warning| warning.reason);
        (status, reasons.collect())
    }

    #[test]
    fn usage_not_measured_is_absent() {
        let (status, _) = next(&quota(500, None), &known(3, None));
        let used = status.used.unwrap();
        assert_eq!((used.products, used.connections), (Some(3), Some(0)));
        assert_eq!((used.storage_bytes, used.pods), (None, None));
        assert_eq!(status.measured_at, None);
        assert_eq!(status.observed_generation, Some(3));
    }

    #[test]
    fn unchanged_usage_writes_the_same_status_without_warning() {
        let known = known(85, Some((490 * GB, 1000)));
        let (first, warnings) = next(&quota(500, None), &known);
        assert_eq!(warnings, ["UsageAt80Percent", "UsageAt95Percent"]);
        let (second, warnings) = next(&quota(500, Some(first.clone())), &known);
        assert_eq!(second, first);
        assert_eq!(warnings, Vec::<&str>::new());
    }

    #[test]
    fn warning_is_given_when_a_level_is_crossed_upwards() {
        for (before, now, expected, reason) in [
            (0, 79, None, "below"),
            (79, 80, Some("UsageAt80Percent"), "reached"),
            (80, 94, None, "warned before"),
            (94, 96, Some("UsageAt95Percent"), "the next"),
            (10, 100, Some("UsageAt100Percent"), "only the highest"),
            (100, 130, None, "warned before"),
            (100, 70, None, "less"),
            (70, 81, Some("UsageAt80Percent"), "again, after it was less"),
        ] {
            let (status, _) = next(&quota(500, None), &known(before, None));
            let (_, warnings) = next(&quota(500, Some(status)), &known(now, None));
            assert_eq!(warnings, Vec::from_iter(expected), "{reason}");
        }
        // Nothing was known before: a restart doesn't warn again, a new tenant is warned.
        let (_, first) = next(&quota(500, None), &known(99, None));
        assert_eq!(first, ["UsageAt95Percent"]);
    }

    #[test]
    fn warning_names_limit_usage_and_what_to_do() {
        let (_, warnings) = status(
            &quota(500, None),
            &known(0, Some((480 * GB, 1))),
            &Time(at(2)),
        );
        assert_eq!(
            warnings,
            [Warning {
                reason: "UsageAt95Percent",
                action: "WarnStorage".into(),
                note: "95 % reached: Tenant 'acme' uses 480.0/500 GB of storage. Delete data or \
                       request a quota increase."
                    .into(),
            }]
        );
    }

    #[test]
    fn exceeded_lists_the_limits_and_ends_with_them() {
        let (within, _) = next(&quota(1, None), &known(100, Some((GB, 1))));
        let condition = find(&within.conditions, types::EXCEEDED).unwrap();
        assert_eq!(condition.reason, "WithinLimits", "a limit may be reached");
        assert_eq!(condition.status, "False");

        let over = known(101, Some((GB + 1, 2)));
        let (over, _) = next(&quota(1, Some(within)), &over);
        let condition = find(&over.conditions, types::EXCEEDED).unwrap();
        assert_eq!(condition.status, "True");
        assert_eq!(condition.reason, "ProductsExceeded");
        assert_eq!(
            condition.message,
            "Tenant 'acme' has 101/100 products. Delete existing products or request a quota \
             increase. Tenant 'acme' uses 1.1/1 GB of storage. Delete data or request a quota \
             increase."
        );
        let (again, _) = next(&quota(2, Some(over)), &known(100, None));
        let condition = find(&again.conditions, types::EXCEEDED).unwrap();
        assert_eq!(condition.status, "False");
    }

    #[test]
    fn measurement_is_written_if_it_differs_or_after_a_while() {
        let (written, _) = next(&quota(500, None), &known(0, Some((5, 1000))));
        let keep = KEEP.as_secs().cast_signed();
        for (measured, bytes, second, reason) in [
            (None, 5, 1000, "none since this process leads"),
            (Some((5, 1900)), 5, 1000, "the same"),
            (Some((6, 1900)), 6, 1900, "more"),
            (Some((0, 1900)), 0, 1900, "nothing"),
            (Some((5, 1000 + keep)), 5, 1000 + keep, "the same for long"),
            (Some((7, 900)), 5, 1000, "another leader has measured since"),
        ] {
            let (status, _) = next(&quota(500, Some(written.clone())), &known(0, measured));
            assert_eq!(status.used.unwrap().storage_bytes, Some(bytes), "{reason}");
            assert_eq!(status.measured_at, Some(Time(at(second))), "{reason}");
        }
    }

    #[test]
    fn quota_without_tenant_reports_no_usage() {
        let (before, _) = next(&quota(500, None), &known(3, Some((5, 1000))));
        let gone = Known {
            used: None,
            ..known(0, None)
        };
        let (status, warnings) = next(&quota(500, Some(before)), &gone);
        let nothing = TenantQuotaStatus {
            observed_generation: Some(3),
            ..TenantQuotaStatus::default()
        };
        assert_eq!((status, warnings), (nothing, vec![]));
    }
}
