//! State of StarRocks for one tenant's catalog, and the steps that change it. Pure.

use std::collections::BTreeSet;
use std::fmt;

use super::super::model::Login;
use super::grants::{Edge, Grant, Grantee, Privileges, Summary};
use crate::Credential;

/// A tenant's objects as bulk statements show them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Held {
    /// Comment of the catalog with the tenant's name, if it exists.
    pub comment: Option<String>,
    /// Privileges of the tenant's role, if it exists.
    pub role: Option<Privileges>,
    /// Privileges granted directly to the tenant's user, if it exists.
    pub user: Option<Privileges>,
    /// Holders of the tenant's role, and the roles that its role and its user hold.
    pub edges: BTreeSet<Edge>,
    /// Connections of the tenant's user if that user no longer exists. Connections of an
    /// existing user come and go and are not recorded.
    pub connections: BTreeSet<String>,
}

/// Everything that the diff of one tenant needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    pub held: Held,
    pub catalog: Catalog,
    /// Content of the tenant's Secret, if it exists.
    pub credential: Option<Credential>,
    /// True if the tenant has a key to the object store for the catalog to use.
    pub has_object_key: bool,
    /// Outcome of a login with the Secret's password, if the user exists.
    pub login: Option<Login>,
}

/// The catalog with a tenant's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Catalog {
    Missing,
    /// Belongs to the tenant.
    Own {
        /// True if the properties are the desired ones.
        current: bool,
    },
    /// Belongs to somebody else; holds its comment.
    Foreign(String),
}

/// A change in StarRocks. Every step is idempotent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Revokes a role from its holder.
    RevokeRole(Edge),
    /// Revokes privileges.
    Revoke(BTreeSet<Grant>, Grantee),
    /// Drops the tenant's user.
    DropUser,
    /// Kills the connections of the tenant's user.
    KillConnections,
    /// Drops the tenant's role, with all its privileges.
    DropRole,
    /// Creates or completes the tenant's Secret.
    WriteCredential,
    /// Creates the tenant's Secret for the object store.
    WriteObjectKey,
    /// Drops the catalog, with all privileges on it; its tables stay.
    DropCatalog,
    CreateCatalog,
    CreateRole,
    /// Grants privileges to the tenant's role.
    Grant(BTreeSet<Grant>),
    /// Creates the tenant's user, with its role and the Secret's password.
    CreateUser,
    /// Sets the Secret's password.
    SetPassword,
    /// Grants the role to the user and makes it the user's default role.
    GrantRole,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RevokeRole(edge) => {
                return write!(f, "revoke role {} from {}", edge.role, edge.holder);
            }
            Self::Revoke(grants, from) => {
                return write!(f, "revoke {} from {from}", Summary(grants));
            }
            Self::DropUser => "drop the user",
            Self::KillConnections => "kill the user's connections",
            Self::DropRole => "drop the role",
            Self::WriteCredential => "write Secret akili-starrocks",
            Self::WriteObjectKey => "write Secret akili-object-store",
            Self::DropCatalog => "drop the catalog",
            Self::CreateCatalog => "create the catalog",
            Self::CreateRole => "create the role",
            Self::Grant(grants) => return write!(f, "grant {}", Summary(grants)),
            Self::CreateUser => "create the user with the password of Secret akili-starrocks",
            Self::SetPassword => "set the password of Secret akili-starrocks",
            Self::GrantRole => "grant the role to the user",
        })
    }
}
