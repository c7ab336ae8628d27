//! Sessions and planes of a tenant that is closed.

use anyhow::{Result, bail};
use async_trait::async_trait;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// Reads stay permitted.
    Suspended,
    /// No access.
    Archived,
}

impl Closing {
    /// Returns the value of `spec.state` and the resulting phase.
    pub fn wanted(self) -> (&'static str, &'static str) {
        match self {
            Self::Suspended => ("Suspended", "SUSPENDED"),
            Self::Archived => ("Archived", "ARCHIVED"),
        }
    }
}

/// An open session of a tenant, or of a service for the tenant.
#[async_trait]
pub trait Session: Send {
    /// Name in the table.
    fn name(&self) -> String;

    /// Uses the session for all its purposes once the phase is reached, and returns its
    /// fate in the table's words.
    async fn fate(&mut self, closing: Closing) -> Result<String>;
}

/// A tenant in one plane, with clients opened while it was ACTIVE.
#[async_trait]
pub trait Plane: Send {
    /// Name for people.
    fn name(&self) -> &'static str;

    /// Attempts a forbidden operation once and returns whether it was rejected for
    /// missing rights. A failed connection proves nothing.
    async fn is_closed(&mut self, closing: Closing) -> Result<bool>;
}

/// Returns the time from `since` until the plane is closed.
pub async fn until_closed(
    plane: &mut dyn Plane,
    closing: Closing,
    began: Instant,
) -> Result<Duration> {
    const TIMEOUT: Duration = Duration::from_secs(30);
    while !plane.is_closed(closing).await? {
        if began.elapsed() > TIMEOUT {
            bail!("{} isn't closed after {TIMEOUT:?}", plane.name());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(began.elapsed())
}
