//! What a tenant tries, and what comes of it.

use std::fmt;

use akili_testbed::command::stderr;
use anyhow::Result;
use async_trait::async_trait;

/// A state of a tenant's life in which it tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it begins.
    Active,
    /// After that.
    Suspended,
    /// ACTIVE once more.
    Reactivated,
    /// For ever.
    Archived,
}

impl State {
    /// What `spec.state` says, and the phase that comes of it.
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

/// What a tenant tries with its own credentials, in every plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// To read what it has.
    OwnRead,
    /// To write beside that.
    OwnWrite,
    /// To delete what it wrote.
    OwnDelete,
    /// To read what the other has, by its name.
    OthersRead,
    /// To change that.
    OthersWrite,
    /// To list what the other has.
    OthersList,
    /// To create something that would be nobody's.
    CreateOutside,
}

impl Deed {
    /// All of them, in this order.
    pub const ALL: [Self; 7] = [
        Self::OwnRead,
        Self::OwnWrite,
        Self::OwnDelete,
        Self::OthersRead,
        Self::OthersWrite,
        Self::OthersList,
        Self::CreateOutside,
    ];

    /// Whether a tenant in this state may.
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

impl fmt::Display for Deed {
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

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was done, or something was shown.
    Done,
    /// Nothing was there to see, or to change.
    Nothing,
    /// It was refused: with these words.
    Refused(String),
}

impl Answer {
    /// What a client's answer comes to.
    pub fn of<T, E: fmt::Display>(answer: std::result::Result<T, E>) -> Self {
        match answer {
            Ok(_) => Self::Done,
            Err(error) => Self::Refused(error.to_string()),
        }
    }

    /// The same of a client that is a program; what it prints is what is seen.
    pub fn of_program(output: &std::process::Output) -> Self {
        match (output.status.success(), output.stdout.is_empty()) {
            (true, true) => Self::Nothing,
            (true, false) => Self::Done,
            (false, _) => Self::Refused(stderr(output).trim().to_owned()),
        }
    }
}

/// What both tenants have in a plane, as an admin sees it.
#[derive(Debug, PartialEq, Eq)]
pub struct Held {
    /// The tenant that tries.
    pub own: String,
    /// The other.
    pub other: String,
}

/// A tenant in one plane, with the ways in that its own credentials gave it while it was
/// ACTIVE, beside another tenant. Both have something there.
#[async_trait]
pub trait Plane: Send + Sync {
    /// As the table calls it.
    fn name(&self) -> &'static str;

    /// Tries it. An error means that it could not even be tried.
    async fn attempt(&self, deed: Deed) -> Result<Answer>;

    /// All that the tenants have.
    async fn held(&self) -> Result<Held>;

    /// Words of which a refusal for want of rights has one, in this state; any other
    /// failure proves nothing.
    fn refusals(&self, deed: Deed, state: State) -> &'static [&'static str];
}
