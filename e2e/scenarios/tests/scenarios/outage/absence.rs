//! In which way a backend is away.

use std::fmt;

use akili_scenarios::platform::{Backend, Platform};
use anyhow::Result;

/// A way not to be of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// The server is down.
    Stopped,
    /// It runs, and nobody hears from it.
    Silent,
    /// It runs, and refuses the operator's own login.
    LockedOut,
}

impl Absence {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Stopped, Self::Silent, Self::LockedOut];

    /// Takes the backend away.
    pub async fn begin(self, platform: &Platform, backend: Backend) -> Result<()> {
        match self {
            Self::Stopped => platform.testbed.stop(backend.component()).await,
            Self::Silent => platform.drop_packets_to(backend).await,
            Self::LockedOut => platform.lock_operator_out(backend).await,
        }
    }

    /// Gives it back.
    pub async fn end(self, platform: &Platform, backend: Backend) -> Result<()> {
        match self {
            Self::Stopped => platform.testbed.start(backend.component()).await,
            Self::Silent => platform.testbed.restore_network().await,
            Self::LockedOut => platform.let_operator_in(backend).await,
        }
    }

    /// The reason that people are told.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Stopped | Self::Silent => "Unreachable",
            Self::LockedOut => "LoginRefused",
        }
    }
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopped => "stopped",
            Self::Silent => "silent",
            Self::LockedOut => "locked-out",
        })
    }
}
