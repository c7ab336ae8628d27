//! Properties of a tenant's catalog, and the comment that records its owner and a hash of
//! those properties. Pure.
//!
//! StarRocks shows secrets only masked and offers no hash of them. The comment therefore
//! holds a salted hash of all properties, including the key to the object store: a changed
//! key becomes visible.

use std::collections::BTreeMap;
use std::fmt;

use akili_crds::TenantId;
use akili_crds::names::{ANNOTATION_APPLIED, LABEL_TENANT_ID};
use sha2::{Digest, Sha256};

use crate::{Password, TenantKey};

/// Directory of the tables within a tenant's prefix.
const WAREHOUSE: &str = "warehouse/";
/// Length of a salt, which consists of letters and digits.
pub const SALT_LENGTH: usize = 16;
/// Replacement for the middle of a secret in StarRocks' output.
const MASK: &str = "******";

/// Template of every tenant's catalog.
#[derive(Clone, Debug)]
pub struct Template {
    /// The admin's properties; {id} and {slug} are replaced with the tenant's.
    pub properties: BTreeMap<String, String>,
    pub object_store: ObjectStoreLocation,
}

/// Location of all tenants' tables.
#[derive(Clone, Debug)]
pub struct ObjectStoreLocation {
    pub endpoint: String,
    pub region: String,
    pub bucket: String,
}

/// Properties of one catalog in clear text. Debug shows `…`.
#[derive(Clone, PartialEq, Eq)]
pub struct Properties(BTreeMap<String, String>);

impl Template {
    /// Returns the properties of this tenant's catalog; `key` is the secret of its own key
    /// to the object store.
    pub fn fill(&self, tenant: &TenantKey, key: &Password) -> Properties {
        let id = tenant.id.to_string();
        let fill = |value: &String| {
            let value = value.replace("{id}", &id);
            value.replace("{slug}", tenant.slug.as_str())
        };
        let admins = self.properties.iter();
        let admins = admins.map(|(key, value)| (key.clone(), fill(value)));
        let store = &self.object_store;
        let encrypted = !store.endpoint.starts_with("http://");
        let own = [
            ("type", "iceberg".to_owned()),
            (
                "iceberg.catalog.warehouse",
                format!(
                    "s3://{}/{}{WAREHOUSE}",
                    store.bucket,
                    tenant.id.object_prefix()
                ),
            ),
            ("aws.s3.endpoint", store.endpoint.clone()),
            ("aws.s3.enable_ssl", encrypted.to_string()),
            ("aws.s3.enable_path_style_access", "true".into()),
            ("aws.s3.region", store.region.clone()),
            ("aws.s3.access_key", tenant.id.object_store_access_key()),
            ("aws.s3.secret_key", key.expose().to_owned()),
        ];
        let own = own.map(|(key, value)| (key.to_owned(), value));
        Properties(admins.chain(own).collect())
    }
}

impl Properties {
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.0.iter();
        all.map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Returns whether the output of SHOW CREATE CATALOG agrees with these properties, as
    /// far as it shows them.
    pub fn agree_with(&self, shown: &str) -> bool {
        let shown: BTreeMap<&str, &str> = shown.lines().filter_map(shown_property).collect();
        let agrees = |(key, value): (&str, &str)| {
            // StarRocks doesn't document how it escapes these characters.
            value.contains(['"', '\\', '\n'])
                || shown
                    .get(key)
                    .is_some_and(|shown| *shown == value || shown.contains(MASK))
        };
        self.iter().all(agrees)
    }

    fn hash(&self, salt: &str) -> String {
        let mut hash = Sha256::new().chain_update(salt);
        for (key, value) in self.iter() {
            for part in [key, value] {
                hash.update([0]);
                hash.update(part);
            }
        }
        format!("{:x}", hash.finalize())
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Parses `"key"  =  "value"`: one property a line, the first after `PROPERTIES (`.
fn shown_property(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=')?;
    Some((in_quotes(key)?, in_quotes(value)?))
}

fn in_quotes(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('"')?;
    Some(rest.rsplit_once('"')?.0)
}

/// Comment of a tenant's catalog: owner and salted hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    pub tenant: TenantId,
    salt: String,
    hash: String,
}

impl Comment {
    /// Creates the comment of a catalog with these properties. `salt` must be fresh and
    /// random.
    pub fn new(tenant: TenantId, properties: &Properties, salt: String) -> Self {
        let hash = properties.hash(&salt);
        Self { tenant, salt, hash }
    }

    /// Parses the comment of a catalog; `None` if the operator didn't create it.
    pub fn parse(text: &str) -> Option<Self> {
        let (tenant, applied) = text.split_once(' ')?;
        let tenant = tenant.strip_prefix(LABEL_TENANT_ID)?.strip_prefix('=')?;
        let applied = applied
            .strip_prefix(ANNOTATION_APPLIED)?
            .strip_prefix('=')?;
        let (salt, hash) = applied.split_once('.')?;
        Some(Self {
            tenant: tenant.parse().ok()?,
            salt: salt.to_owned(),
            hash: hash.to_owned(),
        })
    }

    /// Returns whether the catalog was created with these properties.
    pub fn matches(&self, properties: &Properties) -> bool {
        self.hash == properties.hash(&self.salt)
    }
}

impl fmt::Display for Comment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tenant, salt, hash } = self;
        write!(
            f,
            "{LABEL_TENANT_ID}={tenant} {ANNOTATION_APPLIED}={salt}.{hash}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant() -> TenantKey {
        TenantKey {
            slug: "acme".parse().unwrap(),
            id: "550e8400-e29b-41d4-a716-446655440000".parse().unwrap(),
        }
    }

    fn filled(key: &str) -> Properties {
        let properties = [
            ("iceberg.catalog.type", "rest"),
            ("iceberg.catalog.uri", "https://iceberg/{slug}/{id}"),
        ];
        let template = Template {
            properties: properties
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            object_store: ObjectStoreLocation {
                endpoint: "http://s3:7480".into(),
                region: "us-east-1".into(),
                bucket: "akili".into(),
            },
        };
        template.fill(&tenant(), &Password::from(key.to_owned()))
    }

    #[test]
    fn filled_template_uses_own_prefix_and_own_key() {
        let properties: Vec<_> = filled("secret").0.into_iter().collect();
        let id = "550e8400-e29b-41d4-a716-446655440000";
        let expected = [
            ("aws.s3.access_key", "550e8400e29b41d4a716446655440000"),
            ("aws.s3.enable_path_style_access", "true"),
            ("aws.s3.enable_ssl", "false"),
            ("aws.s3.endpoint", "http://s3:7480"),
            ("aws.s3.region", "us-east-1"),
            ("aws.s3.secret_key", "secret"),
            ("iceberg.catalog.type", "rest"),
            ("iceberg.catalog.uri", &format!("https://iceberg/acme/{id}")),
            (
                "iceberg.catalog.warehouse",
                &format!("s3://akili/tenant-{id}/warehouse/"),
            ),
            ("type", "iceberg"),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(properties, expected);
    }

    #[test]
    fn comment_matches_only_the_properties_of_its_catalog() {
        let salted = |salt: &str| Comment::new(tenant().id, &filled("one"), salt.to_owned());
        let comment = salted("a");
        let parsed = Comment::parse(&comment.to_string()).unwrap();
        assert_eq!(parsed, comment);
        assert!(parsed.matches(&filled("one")));
        assert!(!parsed.matches(&filled("another")));
        assert_ne!(salted("b").hash, comment.hash, "salted");
        for other in ["", "a catalog", "akili.io/tenant-id=x akili.io/applied=a.b"] {
            assert_eq!(Comment::parse(other), None, "{other}");
        }
    }

    #[test]
    fn shown_properties_agree_unless_one_differs() {
        let show = |properties: &Properties| {
            let line = |(key, value): (&str, &str)| match key {
                "aws.s3.secret_key" => format!("\"{key}\"  =  \"se******et\""),
                _ => format!("\"{key}\"  =  \"{value}\""),
            };
            let lines: Vec<_> = properties.iter().map(line).collect();
            let lines = lines.join(",\n");
            format!("CREATE EXTERNAL CATALOG `c`\nCOMMENT \"a = b\"\nPROPERTIES ({lines}\n)")
        };
        let desired = filled("secret");
        assert!(desired.agree_with(&show(&desired)));
        let mut other = desired.clone();
        other
            .0
            .insert("iceberg.catalog.uri".into(), "https://elsewhere".into());
        assert!(!desired.agree_with(&show(&other)));
        other.0.remove("iceberg.catalog.uri");
        assert!(!desired.agree_with(&show(&other)));
    }
}
