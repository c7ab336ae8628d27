//! Steps from the observed to the desired state of a tenant's catalog. Pure.

use std::collections::BTreeSet;

use super::super::model::Login;
use super::super::sql;
use super::grants::{Edge, Grant, Grantee, LAST_TO_GO, Privileges, desired_grants};
use super::model::{Catalog, Held, Observed, Step};
use crate::{Desired, TenantKey};

/// Returns the steps in order; none if StarRocks is in the desired state. Steps that close
/// access come before steps that open it.
pub fn diff(tenant: &TenantKey, desired: &Desired, observed: &Observed) -> Vec<Step> {
    match desired {
        Desired::NoAccess => revoke_access(&observed.held),
        Desired::Absent => {
            let mut steps = revoke_access(&observed.held);
            // A foreign catalog stays.
            let is_own = matches!(observed.catalog, Catalog::Own { .. });
            steps.extend(is_own.then_some(Step::DropCatalog));
            steps
        }
        Desired::Writable { .. } | Desired::ReadOnly(_) => {
            let mut steps = restrict(tenant, desired, &observed.held);
            steps.extend(grant_access(tenant, desired, observed));
            steps
        }
    }
}

/// Returns the steps that end all access: without the user nobody can log in, and without
/// the role there are no privileges. The user is dropped first, or its connections would
/// come back; a connection that is left is then observed.
fn revoke_access(held: &Held) -> Vec<Step> {
    let mut steps = Vec::new();
    if held.user.is_some() {
        steps.push(Step::DropUser);
    }
    if held.user.is_some() || !held.connections.is_empty() {
        steps.push(Step::KillConnections);
    }
    if held.role.is_some() {
        steps.push(Step::DropRole);
    }
    steps
}

/// Returns the steps that revoke what the tenant should not have.
///
/// A running statement keeps the privileges it started with, so connections are killed when
/// the tenant loses write access. The last privilege is revoked only after that: as long as
/// it is granted, an interrupted attempt is observed and repeated.
fn restrict(tenant: &TenantKey, desired: &Desired, held: &Held) -> Vec<Step> {
    let name = tenant.id.starrocks_name();
    let own = own_edge(&name);
    let others = held.edges.iter().filter(|edge| **edge != own);
    let mut steps: Vec<Step> = others.cloned().map(Step::RevokeRole).collect();
    if held
        .user
        .as_ref()
        .is_some_and(|user| user.has_unmanageable_grants)
    {
        steps.push(Step::DropUser);
    }
    if let Some(user) = usable(held.user.as_ref()).filter(|user| !user.grants.is_empty()) {
        let user = user.grants.clone();
        steps.push(Step::Revoke(user, own.holder));
    }
    if held
        .role
        .as_ref()
        .is_some_and(|role| role.has_unmanageable_grants)
    {
        steps.push(Step::DropRole);
    }
    let Some(role) = usable(held.role.as_ref()) else {
        return steps;
    };
    let excess = &role.grants - &desired_grants(tenant, desired);
    let (last, first): (BTreeSet<_>, BTreeSet<_>) = excess
        .into_iter()
        .partition(|grant| grant.privilege == LAST_TO_GO);
    let revoke = |grants: BTreeSet<Grant>| {
        let from = Grantee::Role(name.clone());
        (!grants.is_empty()).then_some(Step::Revoke(grants, from))
    };
    let kills = matches!(desired, Desired::ReadOnly(_)) && !(first.is_empty() && last.is_empty());
    steps.extend(revoke(first));
    steps.extend(kills.then_some(Step::KillConnections));
    steps.extend(revoke(last));
    steps
}

/// Returns the steps that give the tenant what it should have. The Secret is written before
/// its password is set, and the catalog is created before privileges on it are granted.
fn grant_access(tenant: &TenantKey, desired: &Desired, observed: &Observed) -> Vec<Step> {
    let held = &observed.held;
    let mut steps = Vec::new();
    if observed.credential.as_ref().is_none_or(|it| !it.current) {
        steps.push(Step::WriteCredential);
    }
    if !observed.has_object_key {
        steps.push(Step::WriteObjectKey);
    }
    let is_new = observed.catalog != Catalog::Own { current: true };
    if is_new {
        let exists = observed.catalog != Catalog::Missing;
        steps.extend(exists.then_some(Step::DropCatalog));
        steps.push(Step::CreateCatalog);
    }
    let role = usable(held.role.as_ref());
    if role.is_none() {
        steps.push(Step::CreateRole);
    }
    // All privileges are on the catalog, and are lost when it is dropped.
    let granted = role.filter(|_| !is_new).map(|role| &role.grants);
    let mut missing = desired_grants(tenant, desired);
    missing.retain(|grant| granted.is_none_or(|granted| !granted.contains(grant)));
    if !missing.is_empty() {
        steps.push(Step::Grant(missing));
    }
    steps.extend(grant_login(tenant, observed, role.is_some()));
    steps
}

fn grant_login(tenant: &TenantKey, observed: &Observed, had_role: bool) -> Vec<Step> {
    let held = &observed.held;
    if usable(held.user.as_ref()).is_none() {
        return vec![Step::CreateUser];
    }
    let mut steps = Vec::new();
    if observed.credential.is_none() || observed.login == Some(Login::Rejected) {
        steps.push(Step::SetPassword);
    }
    let name = tenant.id.starrocks_name();
    let uses_role = match &observed.login {
        Some(Login::Accepted(roles)) => roles.contains(&name),
        _ => true,
    };
    if !had_role || !uses_role || !held.edges.contains(&own_edge(&name)) {
        steps.push(Step::GrantRole);
    }
    steps
}

/// Returns the privileges unless their holder must be dropped because some of them can't be
/// revoked.
fn usable(held: Option<&Privileges>) -> Option<&Privileges> {
    held.filter(|held| !held.has_unmanageable_grants)
}

/// Returns the only role grant that the tenant's user should have.
fn own_edge(name: &str) -> Edge {
    Edge {
        role: name.to_owned(),
        holder: Grantee::User(sql::user(name)),
    }
}

#[cfg(test)]
mod tests;
