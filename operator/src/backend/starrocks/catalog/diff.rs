//! From what StarRocks holds for a tenant's catalog to what it should: pure.

use std::collections::BTreeSet;
use std::fmt;

use super::super::client::Login;
use super::grants::{self, Edge, Grant, Grantee, LAST_TO_GO, Summary, wanted};
use crate::backend::credentials::Credential;
use crate::backend::{Desired, TenantKey};

/// What StarRocks shows of a tenant when many are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Held {
    /// The comment of the catalog that has its name, if there is one.
    pub comment: Option<String>,
    /// What its role was granted, if there is one.
    pub role: Option<grants::Held>,
    /// What its user was granted itself, if there is one.
    pub user: Option<grants::Held>,
    /// Who has its role, and which roles its role and its user have.
    pub edges: BTreeSet<Edge>,
    /// Connections of its user although there is none. Those of one that may have them
    /// come and go.
    pub sessions: BTreeSet<String>,
}

/// What StarRocks holds for a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// What StarRocks shows of it.
    pub held: Held,
    /// Whose the catalog is, and whether it is as it should be.
    pub catalog: Catalog,
    /// What the tenant's Secret says, if there is one.
    pub credential: Option<Credential>,
    /// Whether there is a key to the object store for the catalog to use.
    pub has_object_key: bool,
    /// What became of logging in with the Secret's password, if there is a user.
    pub login: Option<Login>,
}

/// A tenant's catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Catalog {
    /// There is none.
    Missing,
    /// It is the tenant's.
    Own {
        /// Whether its properties are as they should be.
        current: bool,
    },
    /// It is another's: its comment.
    Another(String),
}

/// One thing to do. Every step can be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Take a role from whoever has it.
    RevokeRole(Edge),
    /// Take privileges away.
    Revoke(BTreeSet<Grant>, Grantee),
    /// Drop the tenant's user.
    DropUser,
    /// End the connections of the tenant's user.
    EndConnections,
    /// Drop the tenant's role, with everything that was granted to it.
    DropRole,
    /// Make the tenant's Secret, or mend it.
    WriteCredential,
    /// Make the tenant's Secret for the object store.
    WriteObjectKey,
    /// Drop the catalog, and with it what was granted on it; its tables stay.
    DropCatalog,
    /// Make the catalog.
    CreateCatalog,
    /// Make the tenant's role.
    CreateRole,
    /// Grant privileges to the tenant's role.
    Grant(BTreeSet<Grant>),
    /// Make the tenant's user, with its role and the Secret's password.
    CreateUser,
    /// Let the tenant log in with the Secret's password.
    SetPassword,
    /// Let the tenant's user use its role, from the beginning of each connection.
    GrantRole,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RevokeRole(edge) => {
                return write!(f, "take role {} from {}", edge.role, edge.holder);
            }
            Self::Revoke(grants, from) => {
                return write!(f, "revoke {} from {from}", Summary(grants));
            }
            Self::DropUser => "drop the user",
            Self::EndConnections => "end the tenant's connections",
            Self::DropRole => "drop the role",
            Self::WriteCredential => "write Secret akili-starrocks",
            Self::WriteObjectKey => "write Secret akili-object-store",
            Self::DropCatalog => "drop the catalog",
            Self::CreateCatalog => "create the catalog",
            Self::CreateRole => "create the role",
            Self::Grant(grants) => return write!(f, "grant {}", Summary(grants)),
            Self::CreateUser => "create the user, with the Secret's password",
            Self::SetPassword => "set the Secret's password",
            Self::GrantRole => "let the user use its role",
        })
    }
}

/// What is to be done, in this order; nothing if StarRocks holds what it should.
///
/// What closes comes before what opens.
pub fn diff(tenant: &TenantKey, desired: &Desired, observed: &Observed) -> Vec<Step> {
    match desired {
        Desired::NoAccess => close(&observed.held),
        Desired::Absent => {
            let mut steps = close(&observed.held);
            // Another's stays.
            let is_own = matches!(observed.catalog, Catalog::Own { .. });
            steps.extend(is_own.then_some(Step::DropCatalog));
            steps
        }
        Desired::Writable { .. } | Desired::ReadOnly(_) => {
            let mut steps = restrict(tenant, desired, &observed.held);
            steps.extend(open(tenant, desired, observed));
            steps
        }
    }
}

/// Without a user nobody comes in, and without the role nobody is let anywhere. The user
/// goes first, or its connections would be back; one that is left shows, then.
fn close(held: &Held) -> Vec<Step> {
    let mut steps = Vec::new();
    if held.user.is_some() {
        steps.push(Step::DropUser);
    }
    if held.user.is_some() || !held.sessions.is_empty() {
        steps.push(Step::EndConnections);
    }
    if held.role.is_some() {
        steps.push(Step::DropRole);
    }
    steps
}

/// Takes away what the tenant shouldn't have.
///
/// What a statement began with it keeps to its end, so connections end when the tenant
/// may no longer write. Only after that goes the last privilege: as long as it is there,
/// an attempt that was cut off shows.
fn restrict(tenant: &TenantKey, desired: &Desired, held: &Held) -> Vec<Step> {
    let name = tenant.id.starrocks_name();
    let own = own_edge(&name);
    let others = held.edges.iter().filter(|edge| **edge != own);
    let mut steps: Vec<Step> = others.cloned().map(Step::RevokeRole).collect();
    if held.user.as_ref().is_some_and(|user| user.strange) {
        steps.push(Step::DropUser);
    }
    if let Some(user) = usable(held.user.as_ref()).filter(|user| !user.grants.is_empty()) {
        let user = user.grants.clone();
        steps.push(Step::Revoke(user, own.holder));
    }
    if held.role.as_ref().is_some_and(|role| role.strange) {
        steps.push(Step::DropRole);
    }
    let Some(role) = usable(held.role.as_ref()) else {
        return steps;
    };
    let excess = &role.grants - &wanted(tenant, desired);
    let (last, first): (BTreeSet<_>, BTreeSet<_>) = excess
        .into_iter()
        .partition(|grant| grant.privilege == LAST_TO_GO);
    let revoke = |grants: BTreeSet<Grant>| {
        let from = Grantee::Role(name.clone());
        (!grants.is_empty()).then_some(Step::Revoke(grants, from))
    };
    let ends = matches!(desired, Desired::ReadOnly(_)) && !(first.is_empty() && last.is_empty());
    steps.extend(revoke(first));
    steps.extend(ends.then_some(Step::EndConnections));
    steps.extend(revoke(last));
    steps
}

/// Gives the tenant what it should have. Its password is in the Secret before StarRocks
/// has it, and the catalog is there before anything is granted on it.
fn open(tenant: &TenantKey, desired: &Desired, observed: &Observed) -> Vec<Step> {
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
        let is_there = observed.catalog != Catalog::Missing;
        steps.extend(is_there.then_some(Step::DropCatalog));
        steps.push(Step::CreateCatalog);
    }
    let role = usable(held.role.as_ref());
    if role.is_none() {
        steps.push(Step::CreateRole);
    }
    // All of it is in the catalog, and went with an old one.
    let granted = role.filter(|_| !is_new).map(|role| &role.grants);
    let mut missing = wanted(tenant, desired);
    missing.retain(|grant| granted.is_none_or(|granted| !granted.contains(grant)));
    if !missing.is_empty() {
        steps.push(Step::Grant(missing));
    }
    steps.extend(let_in(tenant, observed, role.is_some()));
    steps
}

fn let_in(tenant: &TenantKey, observed: &Observed, had_role: bool) -> Vec<Step> {
    let held = &observed.held;
    if usable(held.user.as_ref()).is_none() {
        return vec![Step::CreateUser];
    }
    let mut steps = Vec::new();
    if observed.credential.is_none() || observed.login == Some(Login::Refused) {
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

/// What is granted, unless it has to be dropped for what can't be taken from it.
fn usable(held: Option<&grants::Held>) -> Option<&grants::Held> {
    held.filter(|held| !held.strange)
}

/// The one role that the tenant's user should have.
fn own_edge(name: &str) -> Edge {
    Edge {
        role: name.to_owned(),
        holder: Grantee::User(super::super::sql::user(name)),
    }
}

#[cfg(test)]
mod tests;
