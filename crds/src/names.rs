//! All external names of a tenant. No other module builds them.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Label of a namespace: the tenant's slug.
pub const LABEL_TENANT: &str = "akili.io/tenant";
/// Label of a namespace: the tenant's id; the mark of ownership.
pub const LABEL_TENANT_ID: &str = "akili.io/tenant-id";
/// Label of a namespace: the effective state, in the words of [`crate::Phase`].
pub const LABEL_STATE: &str = "akili.io/state";
/// Annotation of a credential Secret: hash of the password that the backend accepted.
pub const ANNOTATION_APPLIED: &str = "akili.io/applied";
/// Annotation of a Tenant: existing objects that it adopts, `topics`.
pub const ANNOTATION_ADOPT: &str = "akili.io/adopt";

/// Longest slug that appears unshortened in a catalog's name: StarRocks allows 64 characters.
const LONGEST_IN_CATALOG: usize = 49;
/// Characters kept of a longer slug; a hash of the whole slug follows.
const SHORTENED_IN_CATALOG: usize = 40;

/// The name of a `Tenant`: `^[a-z][a-z0-9-]{2,62}$`, not ending in a hyphen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(String);

/// A word that isn't a valid slug.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "\"{0}\" can't be a tenant's name: 3 to 63 characters, lower-case letters, digits and hyphens, \
     beginning with a letter and not ending with a hyphen, such as acme-corp"
)]
pub struct InvalidSlug(String);

impl Slug {
    /// Returns the slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the prefix of the tenant's topics, consumer groups and transactional ids: `{slug}.`.
    /// A slug has no dot, so no prefix begins with another.
    pub fn topic_prefix(&self) -> String {
        format!("{self}.")
    }

    /// Returns the Iceberg catalog in StarRocks: `tenant_{slug with - as _}_catalog`, with a long
    /// slug shortened.
    pub fn catalog(&self) -> String {
        let slug = self.0.replace('-', "_");
        if slug.len() <= LONGEST_IN_CATALOG {
            return format!("tenant_{slug}_catalog");
        }
        let hash = Sha256::digest(self.0.as_bytes());
        format!(
            "tenant_{}_{hash:.8x}_catalog",
            &slug[..SHORTENED_IN_CATALOG]
        )
    }
}

impl FromStr for Slug {
    type Err = InvalidSlug;

    fn from_str(word: &str) -> Result<Self, InvalidSlug> {
        let begins_with_letter = word.starts_with(|c: char| c.is_ascii_lowercase());
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let valid = (3..=63).contains(&word.len())
            && begins_with_letter
            && word.chars().all(allowed)
            && !word.ends_with('-');
        if valid {
            Ok(Self(word.to_owned()))
        } else {
            Err(InvalidSlug(word.to_owned()))
        }
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Id of a tenant: a UUID that isn't nil, in lower case with hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(Uuid);

/// A word that isn't a valid tenant id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("\"{0}\" can't be a tenant's id: a lower-case canonical UUID that isn't nil is needed")]
pub struct InvalidTenantId(String);

impl TenantId {
    /// Creates a random id (UUID version 4).
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// Returns the id as a UUID.
    pub fn uuid(&self) -> Uuid {
        self.0
    }

    /// Returns the Kubernetes namespace: `tenant-{id}`.
    pub fn namespace(&self) -> String {
        format!("tenant-{self}")
    }

    /// Returns the group of the tenant's users, which the API server derives from the `tenant_id`
    /// claim of their token: `akili:tenant:{id}`.
    pub fn group(&self) -> String {
        format!("akili:tenant:{self}")
    }

    /// Returns the ClusterRole and ClusterRoleBinding that allow the group to read its own Tenant.
    pub fn cluster_role(&self) -> String {
        format!("akili-tenant-{self}")
    }

    /// Returns the PostgreSQL login role: `tenant_{32 hex digits}`.
    pub fn postgres_role(&self) -> String {
        format!("tenant_{}", self.0.simple())
    }

    /// Returns the prefix in the platform's bucket: `tenant-{id}/`.
    pub fn object_prefix(&self) -> String {
        format!("tenant-{self}/")
    }

    /// Returns the user of the object store: `tenant-{id}`.
    pub fn object_store_user(&self) -> String {
        format!("tenant-{self}")
    }

    /// Returns the access key of that user: the id's 32 hex digits. Only the secret key is secret.
    pub fn object_store_access_key(&self) -> String {
        self.0.simple().to_string()
    }

    /// Returns the Kafka user, whose principal is `User:tenant-{id}`.
    pub fn kafka_user(&self) -> String {
        format!("tenant-{self}")
    }

    /// Returns the role, user and resource group of StarRocks: `tenant_{32 hex digits}`.
    pub fn starrocks_name(&self) -> String {
        format!("tenant_{}", self.0.simple())
    }
}

impl FromStr for TenantId {
    type Err = InvalidTenantId;

    fn from_str(word: &str) -> Result<Self, InvalidTenantId> {
        match Uuid::try_parse(word) {
            Ok(id) if !id.is_nil() && id.to_string() == word => Ok(Self(id)),
            _ => Err(InvalidTenantId(word.to_owned())),
        }
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "550e8400-e29b-41d4-a716-446655440000";

    #[test]
    fn slug_is_3_to_63_characters_and_begins_with_a_letter() {
        let longest = "a".repeat(63);
        for good in ["abc", "acme-corp", "a--b", "a1-2", longest.as_str()] {
            assert_eq!(good.parse::<Slug>().unwrap().as_str(), good);
        }
        let too_long = "a".repeat(64);
        for (bad, reason) in [
            ("ab", "too short"),
            ("", "empty"),
            ("1acme", "begins with a digit"),
            ("-acme", "begins with a hyphen"),
            ("a.b", "has a dot"),
            ("Acme", "has a capital"),
            ("acme-", "ends with a hyphen"),
            ("a_b_c", "has an underscore"),
            ("äcme", "is not ASCII"),
            (too_long.as_str(), "too long"),
        ] {
            assert_eq!(
                bad.parse::<Slug>(),
                Err(InvalidSlug(bad.into())),
                "{reason}"
            );
        }
    }

    #[test]
    fn id_is_a_lower_case_canonical_uuid() {
        assert_eq!(ID.parse::<TenantId>().unwrap().to_string(), ID);
        for (bad, reason) in [
            ("550E8400-E29B-41D4-A716-446655440000", "upper case"),
            ("550e8400e29b41d4a716446655440000", "no hyphens"),
            ("{550e8400-e29b-41d4-a716-446655440000}", "braces"),
            ("00000000-0000-0000-0000-000000000000", "nil"),
            ("acme", "not a UUID"),
        ] {
            assert!(bad.parse::<TenantId>().is_err(), "{reason}");
        }
    }

    #[test]
    fn catalog_name_has_the_slug_and_at_most_64_characters() {
        let long = "a".repeat(63);
        let neighbour = format!("{}b", "a".repeat(62));
        for (slug, catalog) in [
            ("acme", "tenant_acme_catalog".to_owned()),
            ("acme-2", "tenant_acme_2_catalog".into()),
            ("a--b", "tenant_a__b_catalog".into()),
            (&long[..49], format!("tenant_{}_catalog", &long[..49])),
            (&long, format!("tenant_{}_7d3e74a0_catalog", &long[..40])),
            (
                &neighbour,
                format!("tenant_{}_0085f9f5_catalog", &long[..40]),
            ),
        ] {
            let slug: Slug = slug.parse().unwrap();
            assert_eq!(slug.catalog(), catalog);
            assert!(slug.catalog().len() <= 64);
        }
    }

    #[test]
    fn names_carry_the_id() {
        let id: TenantId = ID.parse().unwrap();
        assert_eq!(id.namespace(), format!("tenant-{ID}"));
        assert_eq!(id.group(), format!("akili:tenant:{ID}"));
        assert_eq!(id.cluster_role(), format!("akili-tenant-{ID}"));
        assert_eq!(
            id.postgres_role(),
            "tenant_550e8400e29b41d4a716446655440000"
        );
        assert_eq!(id.starrocks_name(), id.postgres_role());
        assert_eq!(id.object_prefix(), format!("tenant-{ID}/"));
        assert_eq!(id.object_store_user(), format!("tenant-{ID}"));
        assert_eq!(id.kafka_user(), format!("tenant-{ID}"));
    }
}
