//! What a tenant may use, against what it uses and asks for.

use serde_json::Value;

use crate::TenantQuotaSpec;
use crate::tenant_quota::Usage;

/// Bytes of a GB, which has 2^30 of them everywhere on the platform.
pub const GB: i64 = 1 << 30;

/// What a container of a tenant may use where its pipeline doesn't say: CPU and memory.
pub const DEFAULT_CPU: &str = "1";
/// See [`DEFAULT_CPU`].
pub const DEFAULT_MEMORY: &str = "1Gi";

/// What a request adds to what a tenant uses.
#[derive(Clone, Debug, PartialEq)]
pub enum Demand<'a> {
    /// A data product that isn't there yet.
    Product,
    /// A connection that isn't there yet.
    Connection,
    /// Bytes, of which a product that runs makes more.
    Storage,
    /// The pods of this product, of this size.
    Compute(&'a str, Size),
}

/// What a request asks for beyond a limit.
#[derive(Clone, Debug, PartialEq)]
pub enum Violation {
    /// No product more.
    Products {
        /// How many there are.
        used: i64,
        /// How many there may be.
        limit: i64,
    },
    /// No connection more.
    Connections {
        /// How many there are.
        used: i64,
        /// How many there may be.
        limit: i64,
    },
    /// No byte more.
    Storage {
        /// Bytes that are there.
        used: i64,
        /// GB that may be there.
        limit: i64,
    },
    /// A pipeline that could never run.
    Cpu {
        /// The product.
        product: String,
        /// Cores that it asks for.
        asked: f64,
        /// Cores that the tenant may use.
        limit: i64,
    },
    /// A pipeline that could never run.
    Memory {
        /// The product.
        product: String,
        /// Bytes that it asks for.
        asked: f64,
        /// GB that the tenant may use.
        limit: i64,
    },
}

/// What a pipeline's pod may use. What can't be read is more than there is of anything.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// Cores.
    pub cpu: f64,
    /// Bytes of memory.
    pub memory: f64,
}

/// What is asked for beyond a limit; nothing where there is room. Of what was not
/// measured yet nobody can say that it is over.
pub fn violation(limits: &TenantQuotaSpec, used: &Usage, demand: &Demand<'_>) -> Option<Violation> {
    match demand {
        Demand::Product => {
            let (used, limit) = (used.products?, limits.max_products);
            (used >= limit).then_some(Violation::Products { used, limit })
        }
        Demand::Connection => {
            let (used, limit) = (used.connections?, limits.max_connections);
            (used >= limit).then_some(Violation::Connections { used, limit })
        }
        Demand::Storage => {
            is_storage_over(limits, used.storage_bytes).then(|| Violation::Storage {
                used: used.storage_bytes.unwrap_or_default(),
                limit: limits.max_storage_gb,
            })
        }
        Demand::Compute(product, size) => {
            let (cpu, memory) = (limits.max_compute_cpu, limits.max_compute_memory_gb);
            let product = (*product).to_owned();
            if size.cpu > real(cpu) {
                let (asked, limit) = (size.cpu, cpu);
                let over = Violation::Cpu {
                    product,
                    asked,
                    limit,
                };
                return Some(over);
            }
            let over = size.memory > real(memory) * real(GB);
            over.then_some(Violation::Memory {
                product,
                asked: size.memory,
                limit: memory,
            })
        }
    }
}

/// Whether a tenant has more bytes than its limit, which it may reach; a limit of 0
/// means none at all, and is over from the beginning.
pub fn is_storage_over(limits: &TenantQuotaSpec, bytes: Option<i64>) -> bool {
    let limit = i128::from(limits.max_storage_gb) * i128::from(GB);
    limit == 0 || bytes.is_some_and(|bytes| i128::from(bytes) > limit)
}

impl Violation {
    /// In a few words.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Products { .. } => "Product limit reached",
            Self::Connections { .. } => "Connection limit reached",
            Self::Storage { .. } => "Storage limit reached",
            Self::Cpu { .. } | Self::Memory { .. } => "Compute limit reached",
        }
    }

    /// In two sentences: how much of what, and what to do about it.
    pub fn detail(&self, slug: &str) -> String {
        let too_large = |product: &str, asked: String, limit: i64| {
            format!(
                "Product '{product}' asks for {asked}, tenant '{slug}' has {limit}. Ask for less \
                 or request a quota increase."
            )
        };
        match self {
            Self::Products { used, limit } => format!(
                "Tenant '{slug}' has {used}/{limit} products. Delete existing products or request \
                 a quota increase."
            ),
            Self::Connections { used, limit } => format!(
                "Tenant '{slug}' has {used}/{limit} connections. Delete existing connections or \
                 request a quota increase."
            ),
            Self::Storage { used, limit } => format!(
                "Tenant '{slug}' uses {}/{limit} GB of storage. Delete data or request a quota \
                 increase.",
                tenths_of_gb(*used)
            ),
            Self::Cpu {
                product,
                asked,
                limit,
            } => too_large(product, format!("{} CPU", decimals(*asked)), *limit),
            Self::Memory {
                product,
                asked,
                limit,
            } => {
                let gb = decimals(*asked / real(GB));
                too_large(product, format!("{gb} GB of memory"), *limit)
            }
        }
    }
}

impl Size {
    /// What the pod of a pipeline with these `resources`, as its DataProduct has them, may
    /// use: its limits, the namespace's defaults where it has none, and never less than it
    /// requests.
    pub fn of(resources: &Value) -> Self {
        let size = |name: &str, default: &str| {
            let limit = amount(&resources["limits"][name]).or_else(|| quantity(default));
            let request = amount(&resources["requests"][name]);
            limit.into_iter().chain(request).fold(0.0, f64::max)
        };
        Self {
            cpu: size("cpu", DEFAULT_CPU),
            memory: size("memory", DEFAULT_MEMORY),
        }
    }
}

/// What isn't readable is left to the schema, which refuses it.
fn amount(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => quantity(text),
        other => other.as_f64(),
    }
}

/// What a pipeline may ask for: quantities as Kubernetes writes them, none of them negative.
pub(crate) const QUANTITY: &str =
    r"^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?$";

/// A quantity as Kubernetes writes it: 2, 500m, 256Mi, 1e3. Nothing, if it is none.
pub fn quantity(text: &str) -> Option<f64> {
    const SUFFIXES: [(&str, f64); 15] = [
        ("Ki", 1024.0),
        ("Mi", 1024.0 * 1024.0),
        ("Gi", 1024.0 * 1024.0 * 1024.0),
        ("Ti", 1024.0 * 1024.0 * 1024.0 * 1024.0),
        ("Pi", 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0),
        ("Ei", 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("E", 1e18),
    ];
    let suffix = SUFFIXES.iter().find(|(suffix, _)| text.ends_with(suffix));
    let (number, unit) = match suffix {
        Some((suffix, unit)) => (text.strip_suffix(suffix).unwrap_or(text), *unit),
        None => (text, 1.0),
    };
    // Rust reads words such as inf and nan too.
    let is_number = number.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
        && number.ends_with(|c: char| c.is_ascii_digit() || c == '.');
    let number = is_number.then(|| number.parse::<f64>().ok()).flatten();
    number
        .map(|number| number * unit)
        .filter(|it| it.is_finite())
}

/// With at most two decimals, rounded up, so that what is over a limit is seen to be.
pub(crate) fn decimals(amount: f64) -> String {
    format!("{}", (amount * 100.0).ceil() / 100.0)
}

/// GB with one decimal, rounded up, so that what is over a limit is seen to be.
pub(crate) fn tenths_of_gb(bytes: i64) -> String {
    let (bytes, gb) = (i128::from(bytes), i128::from(GB));
    let tenths = (bytes * 10 + gb - 1) / gb;
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "limits are below 2^53, as the schema has it"
)]
pub(crate) fn real(whole: i64) -> f64 {
    whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;
    use serde_json::json;

    #[test]
    fn quantities_are_read_as_kubernetes_reads_them() {
        for (text, value) in [
            ("2", 2.0),
            ("500m", 0.5),
            (".5", 0.5),
            ("0", 0.0),
            ("1k", 1000.0),
            ("1e3", 1000.0),
            ("1E3", 1000.0),
            ("2E", 2e18),
            ("1Gi", 1_073_741_824.0),
            ("1.5Gi", 1_610_612_736.0),
            ("256Mi", 268_435_456.0),
        ] {
            assert_eq!(quantity(text), Some(value), "{text}");
        }
        for unreadable in ["", "lots", "inf", "nan", "1 Gi", "Gi", "1kk", "1e999"] {
            assert_eq!(quantity(unreadable), None, "{unreadable}");
        }
    }

    #[test]
    fn what_the_schema_takes_can_be_read() {
        let schema = Regex::new(QUANTITY).unwrap();
        let (signs, numbers) = (
            ["", "+", "-"],
            ["", "0", "12", "1.5", ".5", "1.", ".", "lots"],
        );
        let suffixes = [
            "", "n", "u", "m", "k", "K", "Ki", "M", "Mi", "G", "Gi", "T", "Ti", "P", "Pi", "E",
            "Ei", "e3", "E3", "e-3", "e+3", "e99", "e999", "e", "e1.5", "x", " Gi",
        ];
        let mut taken = 0;
        for sign in signs {
            for number in numbers {
                for suffix in suffixes {
                    let text = format!("{sign}{number}{suffix}");
                    if schema.is_match(&text) {
                        taken += 1;
                        assert!(quantity(&text).is_some_and(|it| it >= 0.0), "{text}");
                    }
                }
            }
        }
        assert_eq!(taken, 2 * 5 * 21);
    }

    #[test]
    fn a_pipeline_is_as_large_as_its_limits_or_the_defaults() {
        let gb = |count: f64| count * 1_073_741_824.0;
        for (resources, cpu, memory, reason) in [
            (json!({}), 1.0, gb(1.0), "the namespace's defaults"),
            (Value::Null, 1.0, gb(1.0), "it has none"),
            (
                json!({"limits": {"cpu": "4", "memory": "8Gi"}}),
                4.0,
                gb(8.0),
                "its limits",
            ),
            (
                json!({"limits": {"memory": "512Mi"}}),
                1.0,
                gb(0.5),
                "each by itself",
            ),
            (
                json!({"requests": {"cpu": "12"}}),
                12.0,
                gb(1.0),
                "no less than it requests",
            ),
            (
                json!({"limits": {"cpu": 12, "memory": {}}, "requests": {"memory": "lots"}}),
                12.0,
                gb(1.0),
                "a number; what the schema refuses doesn't count",
            ),
        ] {
            assert_eq!(Size::of(&resources), Size { cpu, memory }, "{reason}");
        }
    }

    #[test]
    fn storage_is_over_when_it_is_more_than_the_limit() {
        for (limit, bytes, over, reason) in [
            (1, Some(GB), false, "a limit may be reached"),
            (1, Some(GB + 1), true, "one byte more"),
            (1, None, false, "not measured yet"),
            (0, Some(0), true, "none at all"),
            (0, None, true, "none at all"),
            (1_000_000_000, Some(i64::MAX), true, "no overflow"),
        ] {
            let limits = TenantQuotaSpec {
                max_storage_gb: limit,
                ..TenantQuotaSpec::default()
            };
            assert_eq!(is_storage_over(&limits, bytes), over, "{reason}");
        }
    }

    #[test]
    fn a_violation_says_how_much_of_what() {
        let product = || "customer-orders".to_owned();
        for (violation, title, detail) in [
            (
                Violation::Connections {
                    used: 20,
                    limit: 20,
                },
                "Connection limit reached",
                "Tenant 'acme-corp' has 20/20 connections. Delete existing connections or request a quota increase.",
            ),
            (
                Violation::Storage {
                    used: 550_077_936_435,
                    limit: 500,
                },
                "Storage limit reached",
                "Tenant 'acme-corp' uses 512.3/500 GB of storage. Delete data or request a quota increase.",
            ),
            (
                Violation::Storage {
                    used: 500 * GB + 1,
                    limit: 500,
                },
                "Storage limit reached",
                "Tenant 'acme-corp' uses 500.1/500 GB of storage. Delete data or request a quota increase.",
            ),
            (
                Violation::Cpu {
                    product: product(),
                    asked: 12.0,
                    limit: 8,
                },
                "Compute limit reached",
                "Product 'customer-orders' asks for 12 CPU, tenant 'acme-corp' has 8. Ask for less or request a quota increase.",
            ),
            (
                Violation::Memory {
                    product: product(),
                    asked: 32.0 * real(GB) + 1.0,
                    limit: 32,
                },
                "Compute limit reached",
                "Product 'customer-orders' asks for 32.01 GB of memory, tenant 'acme-corp' has 32. Ask for less or request a quota increase.",
            ),
        ] {
            assert_eq!(violation.title(), title);
            assert_eq!(violation.detail("acme-corp"), detail);
        }
    }
}
