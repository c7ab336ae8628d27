//! The properties of a tenant's Iceberg catalog. Pure.

use std::collections::BTreeMap;

use akili_crds::names::LABEL_TENANT_ID;
use sha2::{Digest, Sha256};

use crate::backend::TenantKey;
use crate::backend::object_store::binding::Address;
use crate::secret::Password;

/// What every tenant's catalog is made of.
#[derive(Clone, Debug)]
pub struct Template {
    /// The admin's properties, in which {id} and {slug} are the tenant's.
    pub properties: BTreeMap<String, String>,
    /// Where its files are.
    pub object_store: Address,
}

impl Template {
    /// This tenant's properties; the key of the object store is its own, so the catalog
    /// reaches no other's files.
    pub fn fill(&self, tenant: &TenantKey, secret_key: &Password) -> BTreeMap<String, String> {
        let (id, slug) = (tenant.id.to_string(), tenant.slug.as_str());
        let filled = self.properties.iter().map(|(key, value)| {
            let value = value.replace("{id}", &id).replace("{slug}", slug);
            (key.clone(), value)
        });
        let Address {
            endpoint,
            region,
            bucket,
            ..
        } = &self.object_store;
        let warehouse = format!("s3://{bucket}/{}warehouse/", tenant.id.object_prefix());
        let own = [
            ("type", "iceberg"),
            ("iceberg.catalog.warehouse", &warehouse),
            ("aws.s3.endpoint", endpoint),
            ("aws.s3.region", region),
            ("aws.s3.enable_path_style_access", "true"),
            ("aws.s3.access_key", &tenant.id.object_store_access_key()),
            ("aws.s3.secret_key", secret_key.expose()),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
        filled.chain(own).collect()
    }
}

/// The comment of a catalog: whose it is, and a hash of its properties, since StarRocks
/// shows no secret.
pub fn comment(tenant: &TenantKey, properties: &BTreeMap<String, String>) -> String {
    let mut hash = Sha256::new();
    for (key, value) in properties {
        for part in [key, value] {
            hash.update(part.len().to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    let hash: String = hash.finalize()[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{} {hash}", mark(tenant))
}

/// How the comment of a tenant's catalog begins.
pub fn mark(tenant: &TenantKey) -> String {
    format!("{LABEL_TENANT_ID}={}", tenant.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acme() -> TenantKey {
        TenantKey {
            slug: "acme".parse().unwrap(),
            id: "550e8400-e29b-41d4-a716-446655440000".parse().unwrap(),
        }
    }

    #[test]
    fn a_tenants_catalog_reaches_its_own_prefix_with_its_own_key() {
        let uri = "https://iceberg.example.com/{slug}?tenant={id}";
        let template = Template {
            properties: [("iceberg.catalog.uri".to_owned(), uri.to_owned())].into(),
            object_store: Address {
                endpoint: "https://s3".into(),
                region: "us-east-1".into(),
                bucket: "akili".into(),
                ca: None,
            },
        };
        let key = Password::from("hunter2".to_owned());
        let properties = template.fill(&acme(), &key);
        assert_eq!(
            properties["iceberg.catalog.uri"],
            "https://iceberg.example.com/acme?tenant=550e8400-e29b-41d4-a716-446655440000"
        );
        assert_eq!(
            properties["iceberg.catalog.warehouse"],
            "s3://akili/tenant-550e8400-e29b-41d4-a716-446655440000/warehouse/"
        );
        let comment = comment(&acme(), &properties);
        assert!(comment.starts_with(&mark(&acme())) && !comment.contains("hunter2"));
        let other = template.fill(&acme(), &Password::from("other".to_owned()));
        assert_ne!(
            comment,
            super::comment(&acme(), &other),
            "another key shows"
        );
    }
}
