//! What is open when a tenant is closed, and what closes.

use anyhow::{Result, bail};
use async_trait::async_trait;
use std::time::{Duration, Instant};

/// How a tenant is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// It reads only.
    Suspended,
    /// It has no access.
    Archived,
}

impl Closing {
    /// What `spec.state` says, and the phase that comes of it.
    pub fn wanted(self) -> (&'static str, &'static str) {
        match self {
            Self::Suspended => ("Suspended", "SUSPENDED"),
            Self::Archived => ("Archived", "ARCHIVED"),
        }
    }
}

/// Something that a tenant, or a service for it, has open at that moment.
#[async_trait]
pub trait Session: Send {
    /// As the table calls it.
    fn name(&self) -> String;

    /// What has become of it once the phase is reached, in the table's words. It is used
    /// for everything that it is good for.
    async fn fate(&mut self, closing: Closing) -> Result<String>;
}

/// A tenant in one plane, by what it opened while it was ACTIVE.
#[async_trait]
pub trait Plane: Send {
    /// As people call it.
    fn name(&self) -> &'static str;

    /// Tries what is forbidden from now on, once. Whether it is refused for want of
    /// rights: a connection that fails proves nothing.
    async fn is_closed(&mut self, closing: Closing) -> Result<bool>;
}

/// How long it takes, from this moment, until the plane is closed.
pub async fn until_closed(
    plane: &mut dyn Plane,
    closing: Closing,
    began: Instant,
) -> Result<Duration> {
    const PATIENCE: Duration = Duration::from_secs(30);
    while !plane.is_closed(closing).await? {
        if began.elapsed() > PATIENCE {
            bail!("{} isn't closed after {PATIENCE:?}", plane.name());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(began.elapsed())
}
