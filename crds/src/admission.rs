//! Rules of the admission webhook.

use serde_json::Value;

use crate::lifecycle::effective;
use crate::problem::Problem;
use crate::quota::{Demand, Size, excess};
use crate::tenant_quota::Usage;
use crate::{Phase, Tenant, TenantQuotaSpec};

/// Kinds of objects that tenants create.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `DataProduct`.
    DataProduct,
    /// `Connection`.
    Connection,
}

impl Kind {
    /// Returns the word for sentences.
    pub fn word(self) -> &'static str {
        match self {
            Self::DataProduct => "Product",
            Self::Connection => "Connection",
        }
    }
}

/// A request to create or update an object, as the API server sends it to the webhook: before
/// validation against the schema, so the fields of the objects may have any type. The rules
/// ignore unreadable fields, because the schema rejects them.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Kind of the object.
    pub kind: Kind,
    /// Namespace of the object.
    pub namespace: &'a str,
    /// Name of the object; empty if the API server generates one.
    pub name: &'a str,
    /// The object as requested.
    pub object: &'a Value,
    /// The object before an update; none for a create.
    pub old: Option<&'a Value>,
}

/// Live facts on which the rules depend.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Tenant of the request's namespace, if there is one.
    pub tenant: Option<&'a Tenant>,
    /// The tenant's limits.
    pub limits: &'a TenantQuotaSpec,
    /// The tenant's usage.
    pub used: &'a Usage,
    /// True if an object of the request's kind and name exists.
    pub exists: bool,
}

/// Admits or rejects a request.
///
/// # Errors
/// The problem with which the webhook rejects the request.
pub fn decide(request: &Request<'_>, facts: &Facts<'_>) -> Result<(), Problem> {
    if request.old.is_some_and(is_being_deleted) {
        return Ok(());
    }
    let tenant = facts
        .tenant
        .filter(|tenant| is_of(tenant, request.namespace));
    let Some((tenant, slug)) = tenant.and_then(|it| Some((it, it.metadata.name.as_deref()?)))
    else {
        return Err(Problem::tenant_not_found(request.namespace));
    };
    match effective(tenant.spec.state, tenant.phase()) {
        Phase::Active => {}
        Phase::Provisioning => return Err(Problem::tenant_not_ready(slug)),
        Phase::Suspended => return Err(Problem::tenant_suspended(slug)),
        Phase::Archived => return Err(Problem::tenant_archived(slug)),
    }
    if request.old.is_none() && facts.exists {
        return Err(Problem::already_exists(request.kind.word(), request.name));
    }
    for demand in demands(request) {
        let Some(excess) = excess(facts.limits, facts.used, demand) else {
            continue;
        };
        return Err(match demand {
            Demand::Compute(_) => Problem::pipeline_too_large(slug, request.name, &excess),
            _ => Problem::quota_exceeded(slug, &excess),
        });
    }
    Ok(())
}

/// An object that is being deleted must be able to go in every state of the tenant. Only the
/// old object proves a deletion: a client can create an object with a `deletionTimestamp`, which
/// the API server removes after the webhook.
fn is_being_deleted(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

/// A Tenant without a namespace in its status was re-applied a moment ago and has no other.
fn is_of(tenant: &Tenant, namespace: &str) -> bool {
    let its_own = tenant.status.as_ref().and_then(|it| it.namespace.as_ref());
    its_own.is_none_or(|its_own| its_own == namespace)
}

/// Returns what a request adds to the tenant's usage, in the order of the checks.
fn demands(request: &Request<'_>) -> Vec<Demand> {
    let mut demands = Vec::new();
    let is_new = request.old.is_none();
    match request.kind {
        Kind::Connection if is_new => demands.push(Demand::Connection),
        Kind::DataProduct if is_new => demands.push(Demand::Product),
        _ => {}
    }
    if request.kind == Kind::DataProduct && is_deployed(request.object) {
        let was_deployed = request.old.is_some_and(is_deployed);
        let before = request.old.map(resources);
        if !was_deployed {
            demands.push(Demand::Storage);
        }
        if !was_deployed || before != Some(resources(request.object)) {
            demands.push(Demand::Compute(Size::of(resources(request.object))));
        }
    }
    demands
}

fn is_deployed(product: &Value) -> bool {
    product["spec"]["deployed"] == true
}

fn resources(product: &Value) -> &Value {
    &product["spec"]["pipeline"]["resources"]
}

#[cfg(test)]
mod tests;
