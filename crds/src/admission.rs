//! What of a tenant's requests is let in: the rules of the admission webhook.

use serde_json::Value;

use crate::lifecycle::effective;
use crate::problem::Problem;
use crate::quota::{Demand, Size, excess};
use crate::tenant_quota::Usage;
use crate::{Phase, Tenant, TenantQuotaSpec};

/// What a tenant makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A data product.
    DataProduct,
    /// A connection.
    Connection,
}

impl Kind {
    /// The word for it in sentences.
    pub fn word(self) -> &'static str {
        match self {
            Self::DataProduct => "Product",
            Self::Connection => "Connection",
        }
    }
}

/// A request to make or change something, as the API server passes it on: before the
/// schema was looked at, so nothing is sure about the objects' fields. Whatever can't be
/// read as the rules need it is left to the schema, which refuses it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What is made or changed.
    pub kind: Kind,
    /// The namespace that it is in.
    pub namespace: &'a str,
    /// Its name; empty where the API server is to make one up.
    pub name: &'a str,
    /// What it is to be.
    pub object: &'a Value,
    /// What it was before; none where it is made.
    pub old: Option<&'a Value>,
}

/// What the rules go by, as it is at the moment of the request.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The Tenant of the request's namespace; none where there is none.
    pub tenant: Option<&'a Tenant>,
    /// What it may use.
    pub limits: &'a TenantQuotaSpec,
    /// What it uses.
    pub used: &'a Usage,
    /// Whether something of the request's kind and name is there already.
    pub exists: bool,
}

/// Lets the request in, or says why not.
///
/// # Errors
/// The problem to answer with.
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

/// What is being deleted must be able to go, whatever the tenant's state. Only of the old
/// object is that sure: whoever makes one can write a `deletionTimestamp` into it, and the
/// API server takes it out again behind the webhook.
fn is_being_deleted(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

/// One that has no id yet, since it was applied again a moment ago, has no other namespace.
fn is_of(tenant: &Tenant, namespace: &str) -> bool {
    let its_own = tenant.status.as_ref().and_then(|it| it.namespace.as_ref());
    its_own.is_none_or(|its_own| its_own == namespace)
}

/// What a request adds to what the tenant uses, in the order in which it is refused.
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
