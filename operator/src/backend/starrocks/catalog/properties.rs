//! The properties of a tenant's catalog, and the comment that says whose it is and what
//! it was made with: pure.
//!
//! StarRocks shows secrets only masked, and can't be asked for a hash. So the comment has
//! one of all properties, the key to the object store included, with a salt of its own: a
//! key that was changed shows.

use std::collections::BTreeMap;
use std::fmt;

use akili_crds::TenantId;
use akili_crds::names::{ANNOTATION_APPLIED, LABEL_TENANT_ID};
use rand::distr::{Alphanumeric, SampleString};
use sha2::{Digest, Sha256};

use crate::backend::TenantKey;
use crate::backend::object_store::service_binding::ConnectionInfo;
use crate::password::Password;

/// The directory below a tenant's prefix that its tables are in.
const WAREHOUSE: &str = "warehouse/";
/// Letters and digits of a salt.
const SALT: usize = 16;
/// What stands for the middle of a secret that is shown.
const MASK: &str = "******";

/// What every catalog is made of.
#[derive(Clone, Debug)]
pub struct Template {
    /// The admin's properties, in which {id} and {slug} are the tenant's.
    pub properties: BTreeMap<String, String>,
    /// Where the tables are.
    pub objects: ConnectionInfo,
}

/// The properties of one catalog, in clear. Shown as `…`.
#[derive(Clone, PartialEq, Eq)]
pub struct Properties(BTreeMap<String, String>);

impl Template {
    /// The properties of this tenant's catalog, with the secret of its own key to the
    /// object store.
    pub fn fill(&self, tenant: &TenantKey, key: &Password) -> Properties {
        let id = tenant.id.to_string();
        let fill = |value: &String| {
            let value = value.replace("{id}", &id);
            value.replace("{slug}", tenant.slug.as_str())
        };
        let admins = self.properties.iter();
        let admins = admins.map(|(key, value)| (key.clone(), fill(value)));
        let objects = &self.objects;
        let encrypted = !objects.endpoint.starts_with("http://");
        let own = [
            ("type", "iceberg".to_owned()),
            (
                "iceberg.catalog.warehouse",
                format!(
                    "s3://{}/{}{WAREHOUSE}",
                    objects.bucket,
                    tenant.id.object_prefix()
                ),
            ),
            ("aws.s3.endpoint", objects.endpoint.clone()),
            ("aws.s3.enable_ssl", encrypted.to_string()),
            ("aws.s3.enable_path_style_access", "true".into()),
            ("aws.s3.region", objects.region.clone()),
            ("aws.s3.access_key", tenant.id.object_store_access_key()),
            ("aws.s3.secret_key", key.expose().to_owned()),
        ];
        let own = own.map(|(key, value)| (key.to_owned(), value));
        Properties(admins.chain(own).collect())
    }
}

impl Properties {
    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.0.iter();
        all.map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether SHOW CREATE CATALOG shows these, as far as it shows them at all.
    pub fn agree_with(&self, shown: &str) -> bool {
        let shown: BTreeMap<&str, &str> = shown.lines().filter_map(shown_property).collect();
        let agrees = |(key, value): (&str, &str)| {
            // How these are shown isn't documented.
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

/// `"key"  =  "value"`, in a line of its own, the first after `PROPERTIES (`.
fn shown_property(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=')?;
    Some((in_quotes(key)?, in_quotes(value)?))
}

fn in_quotes(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('"')?;
    Some(rest.rsplit_once('"')?.0)
}

/// The comment of a tenant's catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Whose it is.
    pub tenant: TenantId,
    salt: String,
    hash: String,
}

impl Comment {
    /// The comment for a catalog that is made with these properties.
    pub fn new(tenant: TenantId, properties: &Properties) -> Self {
        let salt = Alphanumeric.sample_string(&mut rand::rng(), SALT);
        let hash = properties.hash(&salt);
        Self { tenant, salt, hash }
    }

    /// The comment that a catalog has, if it is one of ours.
    pub fn read(text: &str) -> Option<Self> {
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

    /// Whether the catalog was made with these.
    pub fn fits(&self, properties: &Properties) -> bool {
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
            objects: ConnectionInfo {
                endpoint: "http://s3:7480".into(),
                region: "us-east-1".into(),
                bucket: "akili".into(),
                ca: None,
            },
        };
        template.fill(&tenant(), &Password::from(key.to_owned()))
    }

    #[test]
    fn a_catalog_reaches_the_tenants_own_prefix_with_its_own_key() {
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
    fn a_comment_fits_what_the_catalog_was_made_with() {
        let comment = Comment::new(tenant().id, &filled("one"));
        let read = Comment::read(&comment.to_string()).unwrap();
        assert_eq!(read, comment);
        assert!(read.fits(&filled("one")));
        assert!(!read.fits(&filled("another")));
        assert_ne!(Comment::new(tenant().id, &filled("one")), comment, "salted");
        for other in ["", "a catalog", "akili.io/tenant-id=x akili.io/applied=a.b"] {
            assert_eq!(Comment::read(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_shown_agrees_as_far_as_it_is_shown() {
        let show = |properties: &Properties| {
            let line = |(key, value): (&str, &str)| match key {
                "aws.s3.secret_key" => format!("\"{key}\"  =  \"se******et\""),
                _ => format!("\"{key}\"  =  \"{value}\""),
            };
            let lines: Vec<_> = properties.iter().map(line).collect();
            let lines = lines.join(",\n");
            format!("CREATE EXTERNAL CATALOG `c`\nCOMMENT \"a = b\"\nPROPERTIES ({lines}\n)")
        };
        let wanted = filled("secret");
        assert!(wanted.agree_with(&show(&wanted)));
        let mut other = wanted.clone();
        other
            .0
            .insert("iceberg.catalog.uri".into(), "https://elsewhere".into());
        assert!(!wanted.agree_with(&show(&other)));
        other.0.remove("iceberg.catalog.uri");
        assert!(!wanted.agree_with(&show(&other)));
    }
}
