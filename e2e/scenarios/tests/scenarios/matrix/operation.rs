//! Tenant states, operations and planes of the matrix.

use std::fmt;

use anyhow::Result;
use async_trait::async_trait;

use crate::access_matrix::Answer;

/// A state of a tenant's lifecycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Active,
    Suspended,
    /// ACTIVE after a suspension.
    Reactivated,
    Archived,
}

impl State {
    /// Returns the value of `spec.state` and the resulting phase.
    pub fn wanted(self) -> (&'static str, &'static str) {
        match self {
            Self::Active | Self::Reactivated => ("Active", "ACTIVE"),
            Self::Suspended => ("Suspended", "SUSPENDED"),
            Self::Archived => ("Archived", "ARCHIVED"),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reactivated => "ACTIVE again",
            _ => self.wanted().1,
        })
    }
}

/// An operation of a tenant with its own credentials, in every plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Reads its own data.
    OwnRead,
    /// Adds data of its own.
    OwnWrite,
    /// Deletes the added data.
    OwnDelete,
    /// Reads the other tenant's data by name.
    OthersRead,
    /// Changes the other tenant's data.
    OthersWrite,
    /// Lists the other tenant's data.
    OthersList,
    /// Creates an object outside of all tenants.
    CreateOutside,
}

impl Operation {
    pub const ALL: [Self; 7] = [
        Self::OwnRead,
        Self::OwnWrite,
        Self::OwnDelete,
        Self::OthersRead,
        Self::OthersWrite,
        Self::OthersList,
        Self::CreateOutside,
    ];

    /// Returns whether a tenant in this state may perform the operation.
    pub fn is_permitted(self, state: State) -> bool {
        match state {
            State::Active | State::Reactivated => {
                matches!(self, Self::OwnRead | Self::OwnWrite | Self::OwnDelete)
            }
            State::Suspended => self == Self::OwnRead,
            State::Archived => false,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OwnRead => "own read",
            Self::OwnWrite => "own write",
            Self::OwnDelete => "own delete",
            Self::OthersRead => "other's read",
            Self::OthersWrite => "other's write",
            Self::OthersList => "other's list",
            Self::CreateOutside => "create outside",
        })
    }
}

/// Data of both tenants in a plane, as an admin sees it.
#[derive(Debug, PartialEq, Eq)]
pub struct Held {
    /// The tenant under test.
    pub own: String,
    /// The other tenant.
    pub other: String,
}

/// A tenant in one plane, with clients created from its own credentials while it was
/// ACTIVE, beside another tenant. Both have data there.
#[async_trait]
pub trait Plane: Send + Sync {
    /// Name in the table.
    fn name(&self) -> &'static str;

    /// Performs the operation. An error means that the operation could not be performed.
    async fn attempt(&self, operation: Operation) -> Result<Answer>;

    /// Returns all data of both tenants.
    async fn held(&self) -> Result<Held>;

    /// Returns texts that identify a rejection for want of rights in this state. Any other
    /// failure proves nothing.
    fn rejections(&self, operation: Operation, state: State) -> &'static [&'static str];
}
