//! A tenant's row in the registry, and what follows from it. Pure.

use std::time::Duration;

use akili_crds::{Phase, Slug, TenantId, lifecycle};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::error::{Error, Reason};

/// A tenant's row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The tenant's id, which never changes.
    pub id: TenantId,
    /// The state that was reached; ARCHIVED is permanent.
    pub state: Phase,
    /// When the tenant was suspended.
    pub suspended_at: Option<Time>,
    /// When the tenant was archived.
    pub archived_at: Option<Time>,
    /// When its data will be purged.
    pub purge_after: Option<Time>,
    /// When its data was purged.
    pub purged_at: Option<Time>,
    /// When this row was read, by the clock that wrote the other times.
    pub read_at: Timestamp,
}

impl Row {
    /// Returns when the tenant's data will be purged if its Tenant asks for this retention; none
    /// while it isn't archived.
    pub fn purge_after(&self, retention: Option<Duration>) -> Option<Timestamp> {
        let (archived, written) = (self.archived_at.as_ref()?, self.purge_after.as_ref()?);
        Some(lifecycle::purge_after(archived.0, retention, written.0))
    }
}

/// Result of reading the tenant's row.
#[derive(Clone, Debug)]
pub enum RegistryLookup {
    /// The tenant is already in its desired state, which needs no row.
    NotNeeded,
    /// The row was read.
    Found(Row),
    /// The registry did not answer; suspending and archiving proceed in the other backends.
    Unavailable(Error),
}

impl RegistryLookup {
    /// Returns the row, if it was read.
    pub fn row(&self) -> Option<&Row> {
        match self {
            Self::Found(row) => Some(row),
            Self::NotNeeded | Self::Unavailable(_) => None,
        }
    }

    /// Returns why the row couldn't be read, if it was needed.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Unavailable(error) => Some(error),
            Self::NotNeeded | Self::Found(_) => None,
        }
    }
}

impl From<Option<Row>> for RegistryLookup {
    fn from(row: Option<Row>) -> Self {
        row.map_or(Self::NotNeeded, Self::Found)
    }
}

/// Checks that `seed`, the id that the Tenant asks for, is the row's.
///
/// # Errors
/// `IdConflict` if it is another one.
pub fn check_id(slug: &Slug, row: Row, seed: Option<TenantId>) -> Result<Row, Error> {
    if seed.is_some_and(|seed| seed != row.id) {
        return Err(conflict(format!(
            "tenant {slug} has the id {} in the registry: set spec.id to that, or leave it out",
            row.id
        )));
    }
    Ok(row)
}

/// Creates the error of a Tenant that asks for an id that another tenant has.
pub fn id_taken(id: TenantId) -> Error {
    conflict(format!(
        "spec.id {id} belongs to another tenant: choose another, or leave it out"
    ))
}

fn conflict(message: String) -> Error {
    Error::new(Reason::IdConflict, message)
}

/// Creates the error of a Tenant whose name belonged to a purged tenant.
pub fn retired(slug: &Slug) -> Error {
    Error::new(
        Reason::SlugRetired,
        format!(
            "the tenant named {slug} was purged, and its name can't be used again: choose another"
        ),
    )
}

/// Creates the error of a Tenant that wants to be something else than archived, although the
/// registry says that it is.
pub fn archived_permanently(slug: &Slug) -> Error {
    Error::new(
        Reason::TenantArchived,
        format!(
            "tenant {slug} is archived permanently: set spec.state to Archived, or choose another name"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_id_accepts_only_the_own_id() {
        let slug: Slug = "acme".parse().unwrap();
        let row = Row {
            id: TenantId::random(),
            state: Phase::Active,
            suspended_at: None,
            archived_at: None,
            purge_after: None,
            purged_at: None,
            read_at: Timestamp::UNIX_EPOCH,
        };
        let reason = |seed| check_id(&slug, row.clone(), seed).err().map(|e| e.reason);
        assert_eq!(reason(None), None);
        assert_eq!(reason(Some(row.id)), None);
        assert_eq!(reason(Some(TenantId::random())), Some(Reason::IdConflict));
    }
}
