use serde_json::json;

use super::*;
use crate::tenant_quota::Compute;

#[test]
fn pipeline_size_is_its_limits_or_the_defaults() {
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
fn storage_is_over_above_the_limit() {
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
fn excess_names_amount_and_limit() {
    for (limit, used, max, title, detail) in [
        (
            Limit::Connections,
            20.0,
            20,
            "Connection limit reached",
            "Tenant 'acme-corp' has 20/20 connections. Delete existing connections or request a quota increase.",
        ),
        (
            Limit::Storage,
            550_077_936_435.0,
            500,
            "Storage limit reached",
            "Tenant 'acme-corp' uses 512.3/500 GB of storage. Delete data or request a quota increase.",
        ),
        (
            Limit::Storage,
            500.0 * real(GB) + 1.0,
            500,
            "Storage limit reached",
            "Tenant 'acme-corp' uses 500.1/500 GB of storage. Delete data or request a quota increase.",
        ),
        (
            Limit::Cpu,
            12.0,
            8,
            "Compute limit reached",
            "Product 'customer-orders' asks for 12 CPU, tenant 'acme-corp' has 8. Ask for less or request a quota increase.",
        ),
        (
            Limit::Memory,
            32.0 * real(GB) + 1.0,
            32,
            "Compute limit reached",
            "Product 'customer-orders' asks for 32.01 GB of memory, tenant 'acme-corp' has 32. Ask for less or request a quota increase.",
        ),
    ] {
        let excess = Excess { limit, used, max };
        assert_eq!(excess.title(), title);
        let written = excess.detail_of_pipeline("acme-corp", "customer-orders");
        assert_eq!(written, detail);
    }
}

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
fn limit_is_exceeded_above_it_not_at_it() {
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
fn limit_of_zero_is_exceeded_by_one() {
    let used = Usage {
        connections: Some(1),
        ..Usage::default()
    };
    assert!(Limit::Connections.is_exceeded(&limits(), &used));
}

#[test]
fn queries_have_the_full_limits_of_compute() {
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
fn usage_unmeasured_is_a_dash_not_zero() {
    for limit in Limit::ALL {
        assert_eq!(limit.share(&limits(), &Usage::default()), None);
        let figures = limit.figures(&limits(), &Usage::default());
        assert!(figures.starts_with("-/"), "{figures}");
    }
}

#[test]
fn detail_of_usage_matches_the_problems() {
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
