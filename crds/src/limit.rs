//! A tenant's limits one by one: how much there may be, how much there is, and how to
//! say so.

use crate::TenantQuotaSpec;
use crate::quota::{GB, Violation, decimals, quantity, real, tenths_of_gb};
use crate::tenant_quota::{Summary, Usage};

/// One of a tenant's limits. That of compute is the one of its pods: what its queries
/// use comes and goes, and the resource group bounds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Data products.
    Products,
    /// Connections.
    Connections,
    /// GB of objects.
    Storage,
    /// Cores of pods.
    Cpu,
    /// GB of memory of pods.
    Memory,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Products,
        Self::Connections,
        Self::Storage,
        Self::Cpu,
        Self::Memory,
    ];

    /// The word for it: the beginning of reasons and events.
    pub fn word(self) -> &'static str {
        match self {
            Self::Products => "Products",
            Self::Connections => "Connections",
            Self::Storage => "Storage",
            Self::Cpu => "Cpu",
            Self::Memory => "Memory",
        }
    }

    /// What it is counted in, for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Products => "Products",
            Self::Connections => "Connections",
            Self::Storage => "Storage GB",
            Self::Cpu => "CPU",
            Self::Memory => "Memory GB",
        }
    }

    /// How much there may be, as the quota has it.
    pub fn max(self, limits: &TenantQuotaSpec) -> i64 {
        match self {
            Self::Products => limits.max_products,
            Self::Connections => limits.max_connections,
            Self::Storage => limits.max_storage_gb,
            Self::Cpu => limits.max_compute_cpu,
            Self::Memory => limits.max_compute_memory_gb,
        }
    }

    /// How much there is, in the limit's own unit; nothing where it wasn't measured yet.
    pub fn used(self, used: &Usage) -> Option<f64> {
        let gb = |bytes: i64| real(bytes) / real(GB);
        let pods = used.pods.as_ref();
        match self {
            Self::Products => used.products.map(real),
            Self::Connections => used.connections.map(real),
            Self::Storage => used.storage_bytes.map(gb),
            Self::Cpu => pods?.cpu,
            Self::Memory => pods?.memory_bytes.map(gb),
        }
    }

    /// How much of what there may be there is: 1 where the limit is reached. Nothing where
    /// it wasn't measured yet, or nothing may be there and nothing is.
    pub fn share(self, limits: &TenantQuotaSpec, used: &Usage) -> Option<f64> {
        let (used, max) = (self.used(used)?, real(self.max(limits)));
        (used > 0.0 || max > 0.0).then_some(used / max)
    }

    /// Whether there is more than there may be.
    pub fn is_exceeded(self, limits: &TenantQuotaSpec, used: &Usage) -> bool {
        self.share(limits, used).is_some_and(|share| share > 1.0)
    }

    /// How much there is of how much: `98/100`, and `-/100` where it wasn't measured yet.
    pub fn figures(self, limits: &TenantQuotaSpec, used: &Usage) -> String {
        let pods = used.pods.as_ref();
        let amount = match self {
            Self::Products => used.products.map(|it| it.to_string()),
            Self::Connections => used.connections.map(|it| it.to_string()),
            Self::Storage => used.storage_bytes.map(tenths_of_gb),
            Self::Cpu => pods.and_then(|it| it.cpu).map(decimals),
            Self::Memory => pods.and_then(|it| it.memory_bytes).map(tenths_of_gb),
        };
        let amount = amount.unwrap_or_else(|| "-".into());
        format!("{amount}/{}", self.max(limits))
    }

    /// How much there is of how much, and what to do about it, in two sentences.
    pub fn detail(self, slug: &str, limits: &TenantQuotaSpec, used: &Usage) -> String {
        let limit = self.max(limits);
        let figures = self.figures(limits, used);
        match self {
            Self::Products => Violation::Products {
                used: used.products.unwrap_or_default(),
                limit,
            }
            .detail(slug),
            Self::Connections => Violation::Connections {
                used: used.connections.unwrap_or_default(),
                limit,
            }
            .detail(slug),
            Self::Storage => Violation::Storage {
                used: used.storage_bytes.unwrap_or_default(),
                limit,
            }
            .detail(slug),
            Self::Cpu => format!(
                "The pods of tenant '{slug}' may use {figures} CPU. Wait for runs to end or \
                 request a quota increase."
            ),
            Self::Memory => format!(
                "The pods of tenant '{slug}' may use {figures} GB of memory. Wait for runs to end \
                 or request a quota increase."
            ),
        }
    }
}

impl Usage {
    /// The same with what queries use where pods' use is: both have the full limits of
    /// compute.
    #[must_use]
    pub fn of_queries(&self) -> Self {
        Self {
            pods: self.queries.clone(),
            ..self.clone()
        }
    }
}

/// A whole amount, such as bytes, that Kubernetes writes like this: `1Gi`, `1500M`. Nothing
/// if it can't be read.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float that is too large becomes the largest number"
)]
pub fn whole(text: &str) -> Option<i64> {
    quantity(text).map(|amount| amount as i64)
}

impl Summary {
    /// The figures of all limits.
    pub fn of(limits: &TenantQuotaSpec, used: &Usage) -> Self {
        let figures = |limit: Limit| limit.figures(limits, used);
        Self {
            products: figures(Limit::Products),
            connections: figures(Limit::Connections),
            storage_gb: figures(Limit::Storage),
            cpu: figures(Limit::Cpu),
            memory_gb: figures(Limit::Memory),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenant_quota::Compute;

    fn limits() -> TenantQuotaSpec {
        TenantQuotaSpec {
            max_connections: 0,
            ..TenantQuotaSpec::default()
        }
    }

    fn used() -> Usage {
        Usage {
            products: Some(101),
            connections: Some(0),
            storage_bytes: Some(550_077_936_435),
            pods: Some(Compute {
                cpu: Some(0.25),
                memory_bytes: Some(32 * GB),
            }),
            queries: None,
        }
    }

    #[test]
    fn a_limit_is_exceeded_by_more_than_it_and_not_by_reaching_it() {
        for (limit, share, exceeded, figures) in [
            (Limit::Products, Some(1.01), true, "101/100"),
            (Limit::Connections, None, false, "0/0"),
            (Limit::Storage, Some(1.0246), true, "512.3/500"),
            (Limit::Cpu, Some(0.03125), false, "0.25/8"),
            (Limit::Memory, Some(1.0), false, "32.0/32"),
        ] {
            let found = limit.share(&limits(), &used());
            let near = |found: f64| share.is_some_and(|share: f64| (found - share).abs() < 1e-4);
            assert!(found.is_none_or(near) && found.is_some() == share.is_some());
            assert_eq!(limit.is_exceeded(&limits(), &used()), exceeded, "{limit:?}");
            assert_eq!(limit.figures(&limits(), &used()), figures);
        }
    }

    #[test]
    fn what_is_there_although_nothing_may_be_is_too_much() {
        let used = Usage {
            connections: Some(1),
            ..Usage::default()
        };
        assert!(Limit::Connections.is_exceeded(&limits(), &used));
    }

    #[test]
    fn queries_have_the_full_limits_of_compute_again() {
        let queries = Compute {
            cpu: Some(2.0),
            memory_bytes: None,
        };
        let used = Usage {
            queries: Some(queries),
            ..used()
        };
        let used = used.of_queries();
        assert_eq!(Limit::Cpu.figures(&limits(), &used), "2/8");
        assert_eq!(Limit::Memory.figures(&limits(), &used), "-/32");
    }

    #[test]
    fn what_was_not_measured_is_no_zero() {
        for limit in Limit::ALL {
            assert_eq!(limit.share(&limits(), &Usage::default()), None);
            let figures = limit.figures(&limits(), &Usage::default());
            assert!(figures.starts_with("-/"), "{figures}");
        }
    }

    #[test]
    fn whole_amounts_are_read_as_kubernetes_writes_them() {
        assert_eq!((whole("2Gi"), whole("lots")), (Some(2 << 30), None));
    }

    #[test]
    fn the_words_are_those_of_the_answers_to_requests() {
        let detail = |limit: Limit| limit.detail("acme-corp", &limits(), &used());
        assert_eq!(
            detail(Limit::Storage),
            "Tenant 'acme-corp' uses 512.3/500 GB of storage. Delete data or request a quota increase."
        );
        assert_eq!(
            detail(Limit::Memory),
            "The pods of tenant 'acme-corp' may use 32.0/32 GB of memory. Wait for runs to end or request a quota increase."
        );
    }
}
