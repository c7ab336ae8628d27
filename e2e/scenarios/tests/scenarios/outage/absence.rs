//! Kinds of outages of a backend.

use std::fmt;

use akili_scenarios::platform::{Backend, Platform};
use anyhow::Result;

/// The kind of an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// The server is stopped.
    Stopped,
    /// The server runs, but packets to it are dropped.
    Silent,
    /// The server runs, but rejects the operator's login.
    LockedOut,
}

impl Absence {
    pub const ALL: [Self; 3] = [Self::Stopped, Self::Silent, Self::LockedOut];

    /// Starts the outage.
    pub async fn begin(self, platform: &Platform, backend: Backend) -> Result<()> {
        match self {
            Self::Stopped => platform.testbed.stop(backend.component()).await,
            Self::Silent => platform.drop_packets_to(backend).await,
            Self::LockedOut => platform.lock_out_operator(backend).await,
        }
    }

    /// Ends the outage.
    pub async fn end(self, platform: &Platform, backend: Backend) -> Result<()> {
        match self {
            Self::Stopped => platform.testbed.start(backend.component()).await,
            Self::Silent => platform.testbed.restore_network().await,
            Self::LockedOut => platform.restore_operator_login(backend).await,
        }
    }

    /// Returns the reason of the backend's conditions during the outage.
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
