//! How long an archived tenant's data is kept: `spec.retention`.

use std::time::Duration;

use akili_crds::Tenant;

use crate::error::{Error, Reason};

/// The longest retention: PostgreSQL's timestamps have an end.
pub const LONGEST: Duration = Duration::from_secs(1000 * 365 * 24 * 3600);

/// Returns `spec.retention`, at most [`LONGEST`]; none if it is absent.
///
/// # Errors
/// `InvalidRetention` if it is no duration.
pub fn retention(tenant: &Tenant) -> Result<Option<Duration>, Error> {
    let Some(text) = &tenant.spec.retention else {
        return Ok(None);
    };
    let duration: kube::core::Duration = text.parse().map_err(|error| {
        Error::new(
            Reason::InvalidRetention,
            format!("spec.retention {text}: {error}"),
        )
    })?;
    Ok(Some(Duration::from(duration).min(LONGEST)))
}
