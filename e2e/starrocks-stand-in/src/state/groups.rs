//! Resource groups.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Limits;

/// Number of backends in SHOW BACKENDS.
pub const BACKENDS: usize = 3;
/// CPU cores of each backend.
pub const CORES: u32 = 16;
/// Memory of each backend for queries, in GB.
pub const MEMORY_GB: u32 = 64;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    pub id: u64,
    pub limits: Limits,
    pub classifiers: Vec<Classifier>,
}

/// Conditions that assign a query to a resource group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Classifier {
    pub id: u64,
    /// User of the query.
    pub user: Option<String>,
    /// An active role of the query's user.
    pub role: Option<String>,
    /// In upper case, sorted.
    pub query_types: Vec<String>,
    /// Databases of the internal catalog that the query reads.
    pub databases: Vec<String>,
}

impl Group {
    pub(super) fn built_in() -> BTreeMap<String, Self> {
        let group = |id, cpu_weight, mem_limit, spill| Self {
            id,
            limits: Limits {
                cpu_weight: Some(cpu_weight),
                mem_limit: Some(mem_limit),
                spill_mem_limit_threshold: Some(spill),
                ..Limits::default()
            },
            classifiers: Vec::new(),
        };
        BTreeMap::from([
            ("default_wg".to_owned(), group(2, CORES, 1.0, 1.0)),
            ("default_mv_wg".to_owned(), group(3, 1, 0.8, 0.8)),
        ])
    }

    /// Returns whether every cluster has a group of this name.
    pub fn is_built_in(name: &str) -> bool {
        ["default_wg", "default_mv_wg"].contains(&name)
    }
}

impl Classifier {
    /// Returns the classifier as StarRocks shows it. The weight ranks matching
    /// classifiers.
    pub fn shown(&self) -> String {
        let types = self.query_types.len();
        let weight = f64::from(u8::from(self.user.is_some()) + u8::from(self.role.is_some()))
            + if types > 0 {
                1.0 + 0.1 / types as f64
            } else {
                0.0
            }
            + 10.0 * self.databases.len() as f64;
        let mut shown = format!("(id={}, weight={weight:?}", self.id);
        if let Some(user) = &self.user {
            shown += &format!(", user={user}");
        }
        if let Some(role) = &self.role {
            shown += &format!(", role={role}");
        }
        if types > 0 {
            shown += &format!(", query_type in ({})", self.query_types.join(", "));
        }
        if !self.databases.is_empty() {
            shown += &format!(", db='{}'", self.databases.join(","));
        }
        shown + ")"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classifier_is_shown_with_weight() {
        let mut classifier = Classifier {
            id: 7,
            user: Some("a".to_owned()),
            ..Default::default()
        };
        assert_eq!(classifier.shown(), "(id=7, weight=1.0, user=a)");
        classifier.query_types = vec!["SELECT".to_owned()];
        assert_eq!(
            classifier.shown(),
            "(id=7, weight=2.1, user=a, query_type in (SELECT))"
        );
    }
}
