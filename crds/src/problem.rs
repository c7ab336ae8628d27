//! Problem documents: the platform's rejections, for people and programs.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::quota::Excess;

/// Reason for a rejection. The name is also the `reason` of the API server's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ProblemType {
    /// The request exceeds one of the tenant's limits.
    QuotaExceeded,
    /// The tenant is being provisioned.
    TenantNotReady,
    /// The tenant is suspended.
    TenantSuspended,
    /// The tenant is archived.
    TenantArchived,
    /// The namespace belongs to no tenant.
    TenantNotFound,
    /// An object of this kind and name already exists.
    AlreadyExists,
}

impl ProblemType {
    /// All types.
    pub const ALL: [Self; 6] = [
        Self::QuotaExceeded,
        Self::TenantNotReady,
        Self::TenantSuspended,
        Self::TenantArchived,
        Self::TenantNotFound,
        Self::AlreadyExists,
    ];

    /// Returns the type as written in the document.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QuotaExceeded => "QuotaExceeded",
            Self::TenantNotReady => "TenantNotReady",
            Self::TenantSuspended => "TenantSuspended",
            Self::TenantArchived => "TenantArchived",
            Self::TenantNotFound => "TenantNotFound",
            Self::AlreadyExists => "AlreadyExists",
        }
    }

    /// Returns the HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::QuotaExceeded => 429,
            Self::TenantNotReady | Self::AlreadyExists => 409,
            Self::TenantSuspended | Self::TenantArchived | Self::TenantNotFound => 403,
        }
    }
}

impl fmt::Display for ProblemType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A rejection and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{detail}")]
pub struct Problem {
    /// Type, for programs.
    #[serde(rename = "type")]
    pub type_: ProblemType,
    /// Title of a few words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// One or two sentences: the object concerned and the next step.
    pub detail: String,
}

impl Problem {
    /// Creates a problem of this type.
    pub fn new(type_: ProblemType, title: &str, detail: String) -> Self {
        Self {
            type_,
            title: title.to_owned(),
            status: type_.status(),
            detail,
        }
    }

    /// Creates the problem of a request that exceeds a limit.
    pub fn quota_exceeded(slug: &str, excess: &Excess) -> Self {
        Self::new(
            ProblemType::QuotaExceeded,
            excess.title(),
            excess.detail(slug),
        )
    }

    /// Creates the problem of a product whose pipeline exceeds a limit.
    pub fn pipeline_too_large(slug: &str, product: &str, excess: &Excess) -> Self {
        Self::new(
            ProblemType::QuotaExceeded,
            excess.title(),
            excess.detail_of_pipeline(slug, product),
        )
    }

    /// Creates the problem of a tenant that is being provisioned.
    pub fn tenant_not_ready(slug: &str) -> Self {
        Self::new(
            ProblemType::TenantNotReady,
            "Tenant not ready",
            format!("Tenant '{slug}' is being provisioned. Try again once it is ACTIVE."),
        )
    }

    /// Creates the problem of a suspended tenant.
    pub fn tenant_suspended(slug: &str) -> Self {
        Self::new(
            ProblemType::TenantSuspended,
            "Tenant suspended",
            format!(
                "Tenant '{slug}' is suspended and read-only. Ask an administrator to reactivate it."
            ),
        )
    }

    /// Creates the problem of an archived tenant.
    pub fn tenant_archived(slug: &str) -> Self {
        Self::new(
            ProblemType::TenantArchived,
            "Tenant archived",
            format!("Tenant '{slug}' is archived. This is permanent: all access is revoked."),
        )
    }

    /// Creates the problem of a namespace that belongs to no tenant, or to one that is gone.
    pub fn tenant_not_found(namespace: &str) -> Self {
        Self::new(
            ProblemType::TenantNotFound,
            "Tenant not found",
            format!(
                "Namespace '{namespace}' belongs to no tenant. Use the namespace in the status of \
                 your Tenant, or ask an administrator to re-apply the Tenant."
            ),
        )
    }

    /// Creates the problem of an object that exists. `kind` is the word for it, such as Product.
    pub fn already_exists(kind: &str, name: &str) -> Self {
        Self::new(
            ProblemType::AlreadyExists,
            &format!("{kind} exists"),
            format!("{kind} '{name}' already exists. Change it, or choose another name."),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quota::Limit;
    use serde_json::json;

    #[test]
    fn problem_serializes_to_the_documented_json() {
        let excess = Excess {
            limit: Limit::Products,
            used: 100.0,
            max: 100,
        };
        let document = json!({
            "type": "QuotaExceeded", "title": "Product limit reached", "status": 429,
            "detail": "Tenant 'acme-corp' has 100/100 products. Delete existing products or request a quota increase.",
        });
        let problem = Problem::quota_exceeded("acme-corp", &excess);
        assert_eq!(serde_json::to_value(&problem).unwrap(), document);
        let read: Problem = serde_json::from_value(document).unwrap();
        assert_eq!(read, problem);
    }

    #[test]
    fn problem_type_serializes_as_its_name() {
        for type_ in ProblemType::ALL {
            assert_eq!(serde_json::to_value(type_).unwrap(), type_.as_str());
        }
    }
}
