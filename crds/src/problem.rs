//! The problem document: how the platform says no, to people and to programs alike.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::quota::Excess;

/// Why a request is refused. The name is the `reason` of the API server's answer too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ProblemType {
    /// It asks for more than the tenant may use.
    QuotaExceeded,
    /// The tenant is still being made.
    TenantNotReady,
    /// The tenant is suspended.
    TenantSuspended,
    /// The tenant is archived.
    TenantArchived,
    /// The namespace is no tenant's.
    TenantNotFound,
    /// What it makes is there already.
    AlreadyExists,
}

impl ProblemType {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::QuotaExceeded,
        Self::TenantNotReady,
        Self::TenantSuspended,
        Self::TenantArchived,
        Self::TenantNotFound,
        Self::AlreadyExists,
    ];

    /// The type as it is written.
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

    /// The HTTP status that goes with it.
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

/// Why a request is refused, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{detail}")]
pub struct Problem {
    /// For programs.
    #[serde(rename = "type")]
    pub type_: ProblemType,
    /// In a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// In a sentence or two: the object concerned and the next step.
    pub detail: String,
}

impl Problem {
    /// A problem of this type, in these words.
    pub fn new(type_: ProblemType, title: &str, detail: String) -> Self {
        Self {
            type_,
            title: title.to_owned(),
            status: type_.status(),
            detail,
        }
    }

    /// The tenant asks for more than it may use.
    pub fn quota_exceeded(slug: &str, excess: &Excess) -> Self {
        Self::new(
            ProblemType::QuotaExceeded,
            excess.title(),
            excess.detail(slug),
        )
    }

    /// A product's pipeline asks for more than the tenant may use.
    pub fn pipeline_too_large(slug: &str, product: &str, excess: &Excess) -> Self {
        Self::new(
            ProblemType::QuotaExceeded,
            excess.title(),
            excess.detail_of_pipeline(slug, product),
        )
    }

    /// The tenant is still being made.
    pub fn tenant_not_ready(slug: &str) -> Self {
        Self::new(
            ProblemType::TenantNotReady,
            "Tenant not ready",
            format!("Tenant '{slug}' is still being made. Try again once it is ACTIVE."),
        )
    }

    /// The tenant is suspended.
    pub fn tenant_suspended(slug: &str) -> Self {
        Self::new(
            ProblemType::TenantSuspended,
            "Tenant suspended",
            format!(
                "Tenant '{slug}' is suspended: what it has can be read and not changed. Ask an \
                 administrator to reactivate it."
            ),
        )
    }

    /// The tenant is archived.
    pub fn tenant_archived(slug: &str) -> Self {
        Self::new(
            ProblemType::TenantArchived,
            "Tenant archived",
            format!("Tenant '{slug}' is archived, and that is for ever: nobody has access."),
        )
    }

    /// The namespace is no tenant's, or that of one that is gone.
    pub fn tenant_not_found(namespace: &str) -> Self {
        Self::new(
            ProblemType::TenantNotFound,
            "Tenant not found",
            format!(
                "There is no tenant of namespace '{namespace}'. Use the namespace that the status \
                 of your Tenant names, or ask an administrator to apply the Tenant again."
            ),
        )
    }

    /// What is to be made is there already. `kind` is the word for it, such as Product.
    pub fn already_exists(kind: &str, name: &str) -> Self {
        Self::new(
            ProblemType::AlreadyExists,
            &format!("{kind} exists"),
            format!("{kind} '{name}' exists already. Change it, or choose another name."),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quota::Limit;
    use serde_json::json;

    #[test]
    fn the_document_is_the_one_that_the_platform_promises() {
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
    fn a_type_is_written_one_way() {
        for type_ in ProblemType::ALL {
            assert_eq!(serde_json::to_value(type_).unwrap(), type_.as_str());
        }
    }
}
