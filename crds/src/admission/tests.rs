//! Table of the documented answers.

use serde_json::json;

use super::*;
use crate::State;
use crate::problem::ProblemType::{
    self, AlreadyExists, QuotaExceeded, TenantArchived, TenantNotFound, TenantNotReady,
    TenantSuspended,
};
use crate::quota::GB;
use Kind::{Connection, DataProduct};

const NAMESPACE: &str = "tenant-550e8400-e29b-41d4-a716-446655440000";

fn tenant(wanted: State, reached: Option<Phase>) -> Tenant {
    serde_json::from_value(json!({
        "apiVersion": "akili.io/v1alpha1", "kind": "Tenant", "metadata": {"name": "acme-corp"},
        "spec": {"displayName": "Acme", "state": wanted},
        "status": {"phase": reached, "namespace": NAMESPACE},
    }))
    .unwrap()
}

/// A request and its facts; the defaults are an ACTIVE tenant with room for one more.
struct Case {
    kind: Kind,
    object: Value,
    old: Option<Value>,
    tenant: Option<Tenant>,
    used: Usage,
    exists: bool,
}

fn create(kind: Kind, object: Value) -> Case {
    Case {
        kind,
        object,
        old: None,
        tenant: Some(tenant(State::Active, Some(Phase::Active))),
        used: Usage {
            products: Some(99),
            connections: Some(19),
            storage_bytes: Some(500 * GB),
            ..Usage::default()
        },
        exists: false,
    }
}

fn update(kind: Kind, old: Value, object: Value) -> Case {
    Case {
        old: Some(old),
        ..create(kind, object)
    }
}

impl Case {
    fn answer(&self) -> Result<(), Problem> {
        let request = Request {
            kind: self.kind,
            namespace: NAMESPACE,
            name: "customer-orders",
            object: &self.object,
            old: self.old.as_ref(),
        };
        let facts = Facts {
            tenant: self.tenant.as_ref(),
            limits: &TenantQuotaSpec::default(),
            used: &self.used,
            exists: self.exists,
        };
        decide(&request, &facts)
    }

    fn used(self, used: Usage) -> Self {
        Self { used, ..self }
    }
}

fn product(deployed: bool, cpu: &str, memory: &str) -> Value {
    let resources = json!({"limits": {"cpu": cpu, "memory": memory}});
    json!({"spec": {"deployed": deployed, "pipeline": {"resources": resources}}})
}

fn check(case: &Case, expected: Option<(ProblemType, &str, &str)>, reason: &str) {
    match (case.answer(), expected) {
        (Ok(()), None) => {}
        (Err(problem), Some((type_, title, detail))) => assert_eq!(
            (
                problem.type_,
                problem.title.as_str(),
                problem.detail.as_str()
            ),
            (type_, title, detail),
            "{reason}"
        ),
        (answer, expected) => panic!("{reason}: {answer:?}, not {expected:?}"),
    }
}

#[test]
fn request_is_decided_by_the_state_of_the_tenant() {
    let not_ready = (
        TenantNotReady,
        "Tenant not ready",
        "Tenant 'acme-corp' is being provisioned. Try again once it is ACTIVE.",
    );
    let suspended = (
        TenantSuspended,
        "Tenant suspended",
        "Tenant 'acme-corp' is suspended and read-only. Ask an administrator to reactivate it.",
    );
    let archived = (
        TenantArchived,
        "Tenant archived",
        "Tenant 'acme-corp' is archived. This is permanent: all access is revoked.",
    );
    let not_found = (
        TenantNotFound,
        "Tenant not found",
        "Namespace 'tenant-550e8400-e29b-41d4-a716-446655440000' belongs to no tenant. Use the namespace in the status of your Tenant, or ask an administrator to re-apply the Tenant.",
    );
    let mut of_another = tenant(State::Active, Some(Phase::Active));
    of_another.status.as_mut().unwrap().namespace = Some("tenant-of-another".into());
    for (tenant, expected, reason) in [
        (
            Some(tenant(State::Active, None)),
            Some(not_ready),
            "no status yet",
        ),
        (
            Some(tenant(State::Active, Some(Phase::Provisioning))),
            Some(not_ready),
            "provisioning",
        ),
        (
            Some(tenant(State::Active, Some(Phase::Active))),
            None,
            "open",
        ),
        (
            Some(tenant(State::Active, Some(Phase::Suspended))),
            Some(suspended),
            "not yet open again",
        ),
        (
            Some(tenant(State::Suspended, Some(Phase::Active))),
            Some(suspended),
            "closed at once",
        ),
        (
            Some(tenant(State::Suspended, Some(Phase::Provisioning))),
            Some(suspended),
            "closed at once",
        ),
        (
            Some(tenant(State::Archived, Some(Phase::Active))),
            Some(archived),
            "closed at once",
        ),
        (
            Some(tenant(State::Active, Some(Phase::Archived))),
            Some(archived),
            "permanent",
        ),
        (None, Some(not_found), "no Tenant"),
        (
            Some(of_another),
            Some(not_found),
            "another namespace's Tenant",
        ),
    ] {
        for kind in [DataProduct, Connection] {
            let made = Case {
                tenant: tenant.clone(),
                ..create(kind, json!({}))
            };
            check(&made, expected, reason);
            let changed = Case {
                tenant: tenant.clone(),
                ..update(kind, json!({}), json!({}))
            };
            check(&changed, expected, reason);
            let gone = json!({"metadata": {"deletionTimestamp": "2026-03-16T10:00:00Z"}});
            let deleted = Case {
                tenant: tenant.clone(),
                ..update(kind, gone.clone(), gone.clone())
            };
            check(&deleted, None, "an object that is being deleted can go");
            let pretended = Case {
                tenant: tenant.clone(),
                ..create(kind, gone)
            };
            check(
                &pretended,
                expected,
                "a create with a deletionTimestamp is no deletion",
            );
        }
    }
}

#[test]
fn create_of_an_existing_name_is_rejected() {
    let taken = |kind| Case {
        exists: true,
        ..create(kind, json!({}))
    };
    check(
        &taken(DataProduct),
        Some((
            AlreadyExists,
            "Product exists",
            "Product 'customer-orders' already exists. Change it, or choose another name.",
        )),
        "a product of that name",
    );
    check(
        &taken(Connection),
        Some((
            AlreadyExists,
            "Connection exists",
            "Connection 'customer-orders' already exists. Change it, or choose another name.",
        )),
        "a connection of that name",
    );
    let changed = Case {
        exists: true,
        ..update(DataProduct, json!({}), json!({}))
    };
    check(&changed, None, "an update needs an existing object");
    let full = Usage {
        products: Some(100),
        ..Usage::default()
    };
    assert_eq!(
        taken(DataProduct).used(full).answer().unwrap_err().type_,
        AlreadyExists,
        "one more wouldn't help"
    );
}

#[test]
fn create_beyond_a_count_limit_is_rejected() {
    let products = |count| Usage {
        products: Some(count),
        ..Usage::default()
    };
    let connections = |count| Usage {
        connections: Some(count),
        ..Usage::default()
    };
    let limit_of_products = |detail| (QuotaExceeded, "Product limit reached", detail);
    for (case, expected, reason) in [
        (create(DataProduct, json!({})), None, "the last one"),
        (
            create(DataProduct, json!({})).used(products(100)),
            Some(limit_of_products(
                "Tenant 'acme-corp' has 100/100 products. Delete existing products or request a quota increase.",
            )),
            "one too many",
        ),
        (
            create(DataProduct, json!({})).used(products(120)),
            Some(limit_of_products(
                "Tenant 'acme-corp' has 120/100 products. Delete existing products or request a quota increase.",
            )),
            "the limit was lowered",
        ),
        (
            update(DataProduct, json!({}), json!({})).used(products(120)),
            None,
            "an update adds none",
        ),
        (
            create(Connection, json!({})).used(products(100)),
            None,
            "each has its own limit",
        ),
        (
            create(Connection, json!({})).used(connections(20)),
            Some((
                QuotaExceeded,
                "Connection limit reached",
                "Tenant 'acme-corp' has 20/20 connections. Delete existing connections or request a quota increase.",
            )),
            "one too many",
        ),
        (
            create(DataProduct, json!({})).used(connections(20)),
            None,
            "each has its own limit",
        ),
    ] {
        check(&case, expected, reason);
    }
}

#[test]
fn deploy_beyond_storage_or_compute_is_rejected() {
    let draft = || product(false, "1", "1Gi");
    let deployed = || product(true, "1", "1Gi");
    let full = || Usage {
        storage_bytes: Some(550_077_936_435),
        ..Usage::default()
    };
    let storage = (
        QuotaExceeded,
        "Storage limit reached",
        "Tenant 'acme-corp' uses 512.3/500 GB of storage. Delete data or request a quota increase.",
    );
    let compute = |detail| (QuotaExceeded, "Compute limit reached", detail);
    let cpu = compute(
        "Product 'customer-orders' asks for 12 CPU, tenant 'acme-corp' has 8. Ask for less or request a quota increase.",
    );
    let memory = compute(
        "Product 'customer-orders' asks for 64 GB of memory, tenant 'acme-corp' has 32. Ask for less or request a quota increase.",
    );
    let large = |deployed| product(deployed, "12", "1Gi");
    for (case, expected, reason) in [
        (
            update(DataProduct, draft(), deployed()),
            None,
            "the limit is reached, not passed",
        ),
        (
            update(DataProduct, draft(), deployed()).used(full()),
            Some(storage),
            "over",
        ),
        (
            create(DataProduct, deployed()).used(full()),
            Some(storage),
            "deployed from the beginning",
        ),
        (
            create(DataProduct, draft()).used(full()),
            None,
            "a draft stores no data",
        ),
        (
            update(DataProduct, deployed(), draft()).used(full()),
            None,
            "undeploying frees resources",
        ),
        (
            update(DataProduct, deployed(), deployed()).used(full()),
            None,
            "it was deployed before",
        ),
        (
            update(DataProduct, deployed(), product(true, "2", "1Gi")).used(full()),
            None,
            "already deployed",
        ),
        (
            update(DataProduct, draft(), large(true)),
            Some(cpu),
            "larger than the quota",
        ),
        (
            create(DataProduct, large(true)),
            Some(cpu),
            "deployed from the beginning",
        ),
        (
            update(DataProduct, deployed(), large(true)),
            Some(cpu),
            "made larger while deployed",
        ),
        (
            update(DataProduct, large(true), large(true)),
            None,
            "the quota was lowered since",
        ),
        (
            update(DataProduct, draft(), large(false)),
            None,
            "a draft runs nothing",
        ),
        (
            update(DataProduct, draft(), product(true, "8", "32Gi")),
            None,
            "just as large",
        ),
        (
            update(DataProduct, draft(), product(true, "8", "64Gi")),
            Some(memory),
            "larger in memory",
        ),
        (
            update(DataProduct, draft(), product(true, "lots", "1Gi")),
            None,
            "the schema rejects unreadable quantities",
        ),
        (
            create(Connection, large(true)).used(full()),
            None,
            "a connection has no pods",
        ),
    ] {
        check(&case, expected, reason);
    }
}

#[test]
fn malformed_object_is_left_to_the_schema() {
    for object in [
        json!(null),
        json!([]),
        json!({"spec": 1}),
        json!({"spec": {"deployed": "true", "pipeline": []}}),
        json!({"spec": {"deployed": true, "pipeline": {"resources": "large"}}}),
        json!({"metadata": "x", "spec": {"deployed": true, "pipeline": 7}}),
    ] {
        for kind in [DataProduct, Connection] {
            check(&create(kind, object.clone()), None, &object.to_string());
            check(
                &update(kind, object.clone(), json!({})),
                None,
                &object.to_string(),
            );
        }
    }
}
