//! Types of the PostgreSQL plane: what the database holds for a tenant, and the steps
//! that change it.

use std::fmt;

use akili_crds::Phase;

use crate::Credential;

/// A tenant's registry row and login role, as one query for many tenants returns them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    /// State of the tenant's row in the registry.
    pub state: Phase,
    /// True if the tenant's write gate is closed.
    pub gate_closed: bool,
    /// The tenant's login role, if it exists.
    pub login: Option<Login>,
}

/// Observed state of a tenant in PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// State of the tenant's row in the registry.
    pub state: Phase,
    /// True if every write that was open when the state changed is known to have ended.
    pub gate_closed: bool,
    /// The tenant's login role, if it exists.
    pub login: Option<Login>,
    /// Content of the tenant's Secret, if it exists.
    pub credential: Option<Credential>,
    /// Tables in which the tenant has rows; read only for a purge.
    pub rows: Vec<TableRows>,
}

/// Maximum number of rows that one step deletes from a table.
pub const BATCH: i64 = 10_000;

/// A tenant's rows in one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRows {
    /// The table's oid.
    pub table: u32,
    /// The table's name, qualified and quoted.
    pub name: String,
    /// Number of rows; counted no further than [`BATCH`] + 1.
    pub count: i64,
    /// Oids of the tables that have foreign keys to this one.
    pub referred_by: Vec<u32>,
}

/// A tenant's login role.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Login {
    /// True if the role has LOGIN.
    pub may_login: bool,
    /// True if attributes, membership and settings match the specification.
    pub matches_spec: bool,
    /// SHA-256, in hex, of the stored password verifier.
    pub verifier_sha256: Option<String>,
    /// Open sessions of a role that has NOLOGIN; 0 if it has LOGIN.
    pub sessions: i64,
}

/// One row of `akili_guard.coverage`: an object in a tenants' schema, and its gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The relation's oid; `None` for a schema or a function.
    pub id: Option<u32>,
    /// The object's name, qualified and quoted.
    pub name: String,
    /// `table`, `view`, `materialized view`, `foreign table`, `function` or `schema`.
    pub kind: String,
    /// `code` or `code:object`; empty for a fully protected table.
    pub gaps: Vec<String>,
}

/// A change to PostgreSQL. Every step is idempotent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Create or repair the tenant's Secret.
    WriteCredential,
    /// Create or repair the login role, with LOGIN.
    OpenLogin {
        /// True to set the Secret's password; if not, the role keeps its own.
        set_password: bool,
    },
    /// Repair the login role, with NOLOGIN.
    CloseLogin,
    /// Set the row's state to ACTIVE, which allows writes.
    Activate,
    /// Set the row's state to SUSPENDED, which rejects new writes.
    Suspend,
    /// Terminate the sessions of the tenant's login role.
    EndSessions,
    /// Wait for open writes; terminate the sessions that don't finish.
    CloseGate,
    /// Delete a batch of the tenant's rows from one table.
    DeleteRows(TableRows),
    /// Delete all of the tenant's rows from tables that refer to themselves or to each other.
    DeleteRowsOfCyclicTables(Vec<TableRows>),
    /// Drop the login role.
    DropLogin,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WriteCredential => "write Secret akili-postgres",
            Self::OpenLogin { set_password: true } => {
                "create or repair the login role and set its password from the Secret"
            }
            Self::OpenLogin {
                set_password: false,
            } => "repair the login role",
            Self::CloseLogin => "set the login role to NOLOGIN",
            Self::Activate => "set the tenant's state to ACTIVE",
            Self::Suspend => "set the tenant's state to SUSPENDED",
            Self::EndSessions => "terminate the tenant's sessions",
            Self::CloseGate => "wait for the tenant's open writes",
            Self::DeleteRows(TableRows { name, count, .. }) => {
                let more = if *count > BATCH { "more than " } else { "" };
                return write!(f, "delete {more}{} rows of {name}", BATCH.min(*count));
            }
            Self::DeleteRowsOfCyclicTables(tables) => {
                let names: Vec<_> = tables.iter().map(|rows| rows.name.as_str()).collect();
                return write!(f, "delete all rows of {}", names.join(", "));
            }
            Self::DropLogin => "drop the login role",
        })
    }
}
