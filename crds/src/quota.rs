//! A tenant's limits against what the tenant uses and asks for.

use serde_json::Value;

use crate::quantity;
use crate::tenant_quota::{Summary, TenantQuotaSpec, Usage};

/// Bytes of a GB: 2^30, everywhere on the platform.
pub const GB: i64 = 1 << 30;

/// CPU limit of a tenant's container whose pipeline names none.
pub const DEFAULT_CPU: &str = "1";
/// Memory limit of a tenant's container whose pipeline names none.
pub const DEFAULT_MEMORY: &str = "1Gi";

/// One of a tenant's limits. The two of compute bound pods: what queries use comes and goes,
/// and the resource group bounds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Data products.
    Products,
    /// Connections.
    Connections,
    /// Storage in GB.
    Storage,
    /// CPU cores of pods.
    Cpu,
    /// Memory of pods in GB.
    Memory,
}

/// More than a limit allows, in use or asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Excess {
    /// The limit.
    pub limit: Limit,
    /// The amount in products, connections, CPU cores or bytes.
    pub used: f64,
    /// The maximum in the limit's own unit, as the quota has it.
    pub max: i64,
}

/// Addition of a request to a tenant's usage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Demand {
    /// A new data product.
    Product,
    /// A new connection.
    Connection,
    /// More stored bytes: a deployed product makes them.
    Storage,
    /// Pods of this size.
    Compute(Size),
}

/// The most that a pipeline's pod may use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// CPU cores.
    pub cpu: f64,
    /// Bytes of memory.
    pub memory: f64,
}

/// Returns the limit that the demand exceeds, or None where there is room. Usage that was not
/// measured yet exceeds nothing.
pub fn excess(limits: &TenantQuotaSpec, used: &Usage, demand: Demand) -> Option<Excess> {
    let over = |limit: Limit, used: f64| Excess {
        limit,
        used,
        max: limit.max(limits),
    };
    match demand {
        Demand::Product => {
            let count = used.products?;
            (count >= limits.max_products).then(|| over(Limit::Products, real(count)))
        }
        Demand::Connection => {
            let count = used.connections?;
            (count >= limits.max_connections).then(|| over(Limit::Connections, real(count)))
        }
        Demand::Storage => is_storage_over(limits, used.storage_bytes).then(|| {
            let bytes = used.storage_bytes.unwrap_or_default();
            over(Limit::Storage, real(bytes))
        }),
        Demand::Compute(Size { cpu, memory }) => {
            if cpu > real(limits.max_compute_cpu) {
                return Some(over(Limit::Cpu, cpu));
            }
            let max = real(limits.max_compute_memory_gb) * real(GB);
            (memory > max).then(|| over(Limit::Memory, memory))
        }
    }
}

/// Returns true if a tenant stores more bytes than its limit. Exactly the limit is allowed,
/// but a limit of 0 allows no storage and is always over.
pub fn is_storage_over(limits: &TenantQuotaSpec, bytes: Option<i64>) -> bool {
    let limit = i128::from(limits.max_storage_gb) * i128::from(GB);
    limit == 0 || bytes.is_some_and(|bytes| i128::from(bytes) > limit)
}

impl Limit {
    /// All limits, in the order in which they are shown.
    pub const ALL: [Self; 5] = [
        Self::Products,
        Self::Connections,
        Self::Storage,
        Self::Cpu,
        Self::Memory,
    ];

    /// Returns the name that begins the reasons and actions of conditions and events.
    pub fn name(self) -> &'static str {
        match self {
            Self::Products => "Products",
            Self::Connections => "Connections",
            Self::Storage => "Storage",
            Self::Cpu => "Cpu",
            Self::Memory => "Memory",
        }
    }

    /// Returns the heading for tables, with the unit.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Products => "Products",
            Self::Connections => "Connections",
            Self::Storage => "Storage GB",
            Self::Cpu => "CPU",
            Self::Memory => "Memory GB",
        }
    }

    /// Returns the field of the quota's spec.
    pub fn field(self) -> &'static str {
        match self {
            Self::Products => "maxProducts",
            Self::Connections => "maxConnections",
            Self::Storage => "maxStorageGb",
            Self::Cpu => "maxComputeCpu",
            Self::Memory => "maxComputeMemoryGb",
        }
    }

    /// Returns the maximum in the limit's own unit, as the quota has it.
    pub fn max(self, limits: &TenantQuotaSpec) -> i64 {
        match self {
            Self::Products => limits.max_products,
            Self::Connections => limits.max_connections,
            Self::Storage => limits.max_storage_gb,
            Self::Cpu => limits.max_compute_cpu,
            Self::Memory => limits.max_compute_memory_gb,
        }
    }

    /// Returns the usage in products, connections, CPU cores or bytes. None if it was not
    /// measured yet.
    fn used(self, used: &Usage) -> Option<f64> {
        let pods = used.pods.as_ref();
        match self {
            Self::Products => used.products.map(real),
            Self::Connections => used.connections.map(real),
            Self::Storage => used.storage_bytes.map(real),
            Self::Cpu => pods?.cpu,
            Self::Memory => pods?.memory_bytes.map(real),
        }
    }

    /// Returns the usage as a share of the maximum: 1 where the limit is reached. None if the
    /// usage was not measured yet, or if usage and maximum are both 0.
    pub fn share(self, limits: &TenantQuotaSpec, used: &Usage) -> Option<f64> {
        let unit = match self {
            Self::Storage | Self::Memory => real(GB),
            _ => 1.0,
        };
        let (used, max) = (self.used(used)? / unit, real(self.max(limits)));
        (used > 0.0 || max > 0.0).then_some(used / max)
    }

    /// Returns true if the usage is above the maximum.
    pub fn is_exceeded(self, limits: &TenantQuotaSpec, used: &Usage) -> bool {
        self.share(limits, used).is_some_and(|share| share > 1.0)
    }

    /// Returns the usage for people, such as `98`, or `-` if it was not measured yet.
    pub fn amount(self, used: &Usage) -> String {
        self.used(used)
            .map_or_else(|| "-".into(), |used| self.format(used))
    }

    /// Returns usage and maximum for people: `98/100`, or `-/100` if it was not measured yet.
    pub fn figures(self, limits: &TenantQuotaSpec, used: &Usage) -> String {
        format!("{}/{}", self.amount(used), self.max(limits))
    }

    /// Returns usage, maximum and what to do, in two sentences.
    pub fn detail(self, slug: &str, limits: &TenantQuotaSpec, used: &Usage) -> String {
        self.sentences(slug, &self.figures(limits, used))
    }

    fn sentences(self, slug: &str, figures: &str) -> String {
        match self {
            Self::Products => format!(
                "Tenant '{slug}' has {figures} products. Delete existing products or request a \
                 quota increase."
            ),
            Self::Connections => format!(
                "Tenant '{slug}' has {figures} connections. Delete existing connections or \
                 request a quota increase."
            ),
            Self::Storage => format!(
                "Tenant '{slug}' uses {figures} GB of storage. Delete data or request a quota \
                 increase."
            ),
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

    /// Amounts of GB have one decimal, CPU cores up to two.
    fn format(self, used: f64) -> String {
        match self {
            Self::Products | Self::Connections => used.to_string(),
            Self::Storage | Self::Memory => format!("{:.1}", ceil(used / real(GB), 10.0)),
            Self::Cpu => ceil(used, 100.0).to_string(),
        }
    }
}

impl Excess {
    /// Returns the title of the problem.
    pub fn title(&self) -> &'static str {
        match self.limit {
            Limit::Products => "Product limit reached",
            Limit::Connections => "Connection limit reached",
            Limit::Storage => "Storage limit reached",
            Limit::Cpu | Limit::Memory => "Compute limit reached",
        }
    }

    /// Returns usage, maximum and what to do, in two sentences.
    pub fn detail(&self, slug: &str) -> String {
        let figures = format!("{}/{}", self.limit.format(self.used), self.max);
        self.limit.sentences(slug, &figures)
    }

    /// Returns the same as [`Self::detail`] for a product whose pipeline asks for the excess.
    pub fn detail_of_pipeline(&self, slug: &str, product: &str) -> String {
        let asked = match self.limit {
            Limit::Cpu => format!("{} CPU", ceil(self.used, 100.0)),
            Limit::Memory => format!("{} GB of memory", ceil(self.used / real(GB), 100.0)),
            _ => return self.detail(slug),
        };
        format!(
            "Product '{product}' asks for {asked}, tenant '{slug}' has {}. Ask for less or \
             request a quota increase.",
            self.max
        )
    }
}

impl Size {
    /// Returns the size of a pod of a pipeline with these `resources`, as its DataProduct has
    /// them: its limits, the namespace's defaults where it has none, and never less than it
    /// requests.
    pub fn of(resources: &Value) -> Self {
        let size = |name: &str, default: &str| {
            let limit = amount(&resources["limits"][name]).or_else(|| quantity::parse(default));
            let request = amount(&resources["requests"][name]);
            limit.into_iter().chain(request).fold(0.0, f64::max)
        };
        Self {
            cpu: size("cpu", DEFAULT_CPU),
            memory: size("memory", DEFAULT_MEMORY),
        }
    }
}

/// An unreadable amount counts as none: the schema rejects it.
fn amount(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => quantity::parse(text),
        other => other.as_f64(),
    }
}

impl Usage {
    /// Returns the same usage with the queries' compute in place of the pods': both have the
    /// full limits of compute.
    #[must_use]
    pub fn of_queries(&self) -> Self {
        Self {
            pods: self.queries.clone(),
            ..self.clone()
        }
    }
}

impl Summary {
    /// Returns the figures of all limits.
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

/// Rounds up to `1 / parts`, so that an amount over a limit is shown as over it.
fn ceil(amount: f64, parts: f64) -> f64 {
    (amount * parts).ceil() / parts
}

#[expect(
    clippy::cast_precision_loss,
    reason = "limits are below 2^53, as the schema has it"
)]
fn real(whole: i64) -> f64 {
    whole as f64
}

#[cfg(test)]
mod tests;
