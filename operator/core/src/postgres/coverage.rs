//! Protection of tenant-scoped tables: which the operator repairs, and which gaps need a
//! human. Pure.

use std::collections::BTreeSet;
use std::fmt;

use super::model::Finding;

/// Findings, sorted by who resolves them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Number of tenant-scoped tables.
    pub tables: usize,
    /// Oids of the tables whose protection is complete.
    pub protected: BTreeSet<u32>,
    /// Tables that the operator protects or repairs.
    pub repairs: Vec<Repair>,
    /// Gaps that the operator can't repair.
    pub gaps: Vec<Gap>,
}

/// A table whose protection is incomplete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// The table's oid, for `akili_guard.protect_table`.
    pub table: u32,
    /// Its name, qualified and quoted.
    pub name: String,
    /// Missing or changed parts, such as `policy:akili_state`.
    pub missing: Vec<String>,
}

/// Something that breaks isolation, or would once a tenant is granted access to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The object's name, qualified and quoted.
    pub name: String,
    /// The object's kind, as in [`Finding::kind`].
    pub kind: String,
    /// `code` or `code:object`.
    pub code: String,
}

impl Coverage {
    /// Sorts the findings into repairs and gaps.
    pub fn from_findings(findings: Vec<Finding>) -> Self {
        let mut coverage = Self::default();
        for Finding {
            id,
            name,
            kind,
            gaps,
        } in findings
        {
            coverage.tables += usize::from(kind == "table");
            let (missing, others): (Vec<_>, Vec<_>) =
                gaps.into_iter().partition(|gap| is_repairable(gap));
            match id {
                Some(table) if !missing.is_empty() => coverage.repairs.push(Repair {
                    table,
                    name: name.clone(),
                    missing,
                }),
                Some(table) if kind == "table" => drop(coverage.protected.insert(table)),
                _ => {}
            }
            coverage.gaps.extend(others.into_iter().map(|code| Gap {
                name: name.clone(),
                kind: kind.clone(),
                code,
            }));
        }
        coverage
    }

    /// Returns the text of a condition message: the first gaps, and the number of others.
    pub fn summary(&self) -> String {
        const SHOWN: usize = 3;
        let shown: Vec<String> = self.gaps.iter().take(SHOWN).map(Gap::to_string).collect();
        match self.gaps.len().saturating_sub(SHOWN) {
            0 => shown.join("; "),
            more => format!("{}; and {more} more", shown.join("; ")),
        }
    }
}

/// Returns whether `akili_guard.protect_table` repairs the gap.
fn is_repairable(gap: &str) -> bool {
    matches!(
        gap,
        "rls_disabled" | "rls_not_forced" | "grant_missing" | "grant_excess"
    ) || gap.starts_with("policy:")
        || gap.starts_with("trigger:")
}

/// Displays the problem and its remedy.
impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, kind, code } = self;
        let (code, object) = code.split_once(':').unwrap_or((code, ""));
        write!(f, "{kind} {name}: ")?;
        match code {
            "foreign_key" => write!(
                f,
                "foreign key {object} doesn't pair tenant_id with tenant_id, so the table is closed to \
                 tenants; add tenant_id to both sides of the key"
            ),
            "foreign_policy" => write!(
                f,
                "permissive policy {object} isn't managed by the operator; drop it or make it restrictive"
            ),
            "owned_by_tenant" => write!(f, "is owned by a tenants' role; change its owner"),
            "tenant_id_type" => write!(
                f,
                "tenant_id is not a uuid, so the table isn't protected; change the column's type"
            ),
            "unsupported_kind" => write!(
                f,
                "can't have row-level security; revoke access from tenants and services"
            ),
            "unsafe_view" => write!(
                f,
                "returns every tenant's rows; set security_invoker = true on it"
            ),
            "unsafe_function" => write!(
                f,
                "is SECURITY DEFINER and its owner bypasses row-level security; revoke EXECUTE from PUBLIC or change the owner"
            ),
            "schema_missing" => write!(
                f,
                "doesn't exist; create it or correct postgres.tenantSchemas"
            ),
            "schema_not_allowed" => write!(
                f,
                "isn't in akili_guard.tenant_schemas; run the output of `akili-operator bootstrap-sql` again"
            ),
            "schema_create" => write!(
                f,
                "tenants may create objects in it; REVOKE CREATE ON SCHEMA {name} FROM PUBLIC"
            ),
            other => write!(f, "{other}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(id: u32, kind: &str, gaps: &[&str]) -> Finding {
        Finding {
            id: Some(id),
            name: format!("public.t{id}"),
            kind: kind.into(),
            gaps: gaps.iter().map(|&gap| gap.into()).collect(),
        }
    }

    #[test]
    fn fully_protected_tables_are_only_counted() {
        let coverage =
            Coverage::from_findings(vec![finding(1, "table", &[]), finding(2, "table", &[])]);
        assert_eq!(
            coverage,
            Coverage {
                tables: 2,
                protected: [1, 2].into(),
                ..Coverage::default()
            }
        );
    }

    #[test]
    fn findings_are_split_into_repairs_and_gaps() {
        let missing = [
            "grant_excess",
            "grant_missing",
            "policy:akili_state",
            "rls_disabled",
            "rls_not_forced",
            "trigger:akili_refuse_truncate",
        ];
        let mut gaps = vec!["foreign_key:orders_customer_fkey"];
        gaps.extend(missing);
        let coverage = Coverage::from_findings(vec![
            finding(1, "table", &gaps),
            finding(2, "view", &["unsafe_view"]),
            finding(3, "table", &[]),
        ]);

        let repaired = Repair {
            table: 1,
            name: "public.t1".into(),
            missing: missing.map(str::to_owned).to_vec(),
        };
        assert_eq!(coverage.repairs, [repaired]);
        assert_eq!(coverage.protected, [3].into());
        let codes: Vec<&str> = coverage.gaps.iter().map(|gap| gap.code.as_str()).collect();
        assert_eq!(codes, ["foreign_key:orders_customer_fkey", "unsafe_view"]);
    }

    #[test]
    fn gap_names_its_remedy() {
        for (code, kind, hint) in [
            ("foreign_key:fk", "table", "foreign key fk doesn't pair"),
            (
                "foreign_policy:p",
                "table",
                "permissive policy p isn't managed",
            ),
            ("owned_by_tenant", "table", "change its owner"),
            ("tenant_id_type", "table", "not a uuid"),
            ("unsupported_kind", "materialized view", "revoke access"),
            ("unsafe_view", "view", "security_invoker = true"),
            ("unsafe_function", "function", "revoke EXECUTE"),
            ("schema_missing", "schema", "postgres.tenantSchemas"),
            ("schema_not_allowed", "schema", "bootstrap-sql"),
            ("schema_create", "schema", "REVOKE CREATE"),
            ("of_a_later_release", "table", "of_a_later_release"),
        ] {
            let summary = Coverage::from_findings(vec![finding(1, kind, &[code])]).summary();
            assert!(
                summary.starts_with(&format!("{kind} public.t1: ")),
                "{summary}"
            );
            assert!(summary.contains(hint), "{summary}");
        }
    }

    #[test]
    fn summary_shows_three_gaps_and_counts_the_rest() {
        let findings = (1..=5)
            .map(|id| finding(id, "view", &["unsafe_view"]))
            .collect();
        let summary = Coverage::from_findings(findings).summary();
        assert!(
            summary.contains("public.t3") && !summary.contains("public.t4"),
            "{summary}"
        );
        assert!(summary.ends_with("; and 2 more"), "{summary}");
    }
}
