//! What `akili_guard.coverage` found: what to repair, and what a human must see to.

use std::fmt;

/// One row of `akili_guard.coverage`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The relation's oid; none for a schema or a function.
    pub id: Option<u32>,
    /// Its name, qualified and quoted.
    pub name: String,
    /// `table`, `view`, `materialized view`, `foreign table`, `function` or `schema`.
    pub kind: String,
    /// `code` or `code:object`; empty for a table that lacks nothing.
    pub gaps: Vec<String>,
}

/// What the findings come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// How many tenant-scoped tables there are.
    pub tables: usize,
    /// Tables to be protected, or to be protected again.
    pub repairs: Vec<Repair>,
    /// What the operator can't repair.
    pub gaps: Vec<Gap>,
}

/// A table whose protection is incomplete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// The table's oid, for `akili_guard.protect_table`.
    pub table: u32,
    /// Its name, qualified and quoted.
    pub name: String,
    /// What is missing or changed, such as `policy:akili_state`.
    pub missing: Vec<String>,
}

/// Something that breaks isolation, or would if somebody were granted it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The object's name, qualified and quoted.
    pub name: String,
    /// The object's kind, in words.
    pub kind: String,
    /// `code` or `code:object`.
    pub code: String,
}

impl Coverage {
    /// Sorts the findings into repairs and gaps.
    pub fn of(findings: Vec<Finding>) -> Self {
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
                gaps.into_iter().partition(|gap| repairable(gap));
            if let (Some(table), false) = (id, missing.is_empty()) {
                coverage.repairs.push(Repair {
                    table,
                    name: name.clone(),
                    missing,
                });
            }
            coverage.gaps.extend(others.into_iter().map(|code| Gap {
                name: name.clone(),
                kind: kind.clone(),
                code,
            }));
        }
        coverage
    }

    /// The gaps for a condition's message: the first few, and how many more.
    pub fn summary(&self) -> String {
        const SHOWN: usize = 3;
        let shown: Vec<String> = self.gaps.iter().take(SHOWN).map(Gap::to_string).collect();
        match self.gaps.len().saturating_sub(SHOWN) {
            0 => shown.join("; "),
            more => format!("{}; and {more} more", shown.join("; ")),
        }
    }
}

/// Whether `akili_guard.protect_table` sees to it.
fn repairable(gap: &str) -> bool {
    matches!(
        gap,
        "rls_disabled" | "rls_not_forced" | "grant_missing" | "grant_excess"
    ) || gap.starts_with("policy:")
        || gap.starts_with("trigger:")
}

/// What is wrong, and what to do about it.
impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, kind, code } = self;
        let (code, object) = code.split_once(':').unwrap_or((code, ""));
        write!(f, "{kind} {name}: ")?;
        match code {
            "foreign_key" => write!(
                f,
                "foreign key {object} doesn't pair tenant_id with tenant_id, so it is closed to tenants; \
                 add tenant_id to both sides of the key"
            ),
            "foreign_policy" => write!(
                f,
                "permissive policy {object} isn't ours; drop it or make it restrictive"
            ),
            "owned_by_tenant" => write!(f, "belongs to a tenants' role; give it another owner"),
            "tenant_id_type" => write!(f, "tenant_id is not a uuid, so it isn't protected"),
            "unsupported_kind" => write!(
                f,
                "can't have row-level security; keep tenants and services away from it"
            ),
            "unsafe_view" => write!(
                f,
                "reads every tenant's rows; set security_invoker = true on it"
            ),
            "unsafe_function" => write!(
                f,
                "SECURITY DEFINER of an owner whom no policy binds; revoke EXECUTE from PUBLIC or change the owner"
            ),
            "schema_missing" => write!(f, "doesn't exist; correct postgres.tenantSchemas"),
            "schema_not_allowed" => write!(
                f,
                "isn't one that the DBA allowed; run `akili-operator bootstrap-sql` and its output again"
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
    fn a_table_that_lacks_nothing_is_only_counted() {
        let coverage = Coverage::of(vec![finding(1, "table", &[]), finding(2, "table", &[])]);
        assert_eq!(
            coverage,
            Coverage {
                tables: 2,
                ..Coverage::default()
            }
        );
    }

    #[test]
    fn what_can_be_repaired_is_apart_from_what_cannot() {
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
        let coverage = Coverage::of(vec![
            finding(1, "table", &gaps),
            finding(2, "view", &["unsafe_view"]),
        ]);

        let repaired = Repair {
            table: 1,
            name: "public.t1".into(),
            missing: missing.map(str::to_owned).to_vec(),
        };
        assert_eq!(coverage.repairs, [repaired]);
        let codes: Vec<&str> = coverage.gaps.iter().map(|gap| gap.code.as_str()).collect();
        assert_eq!(codes, ["foreign_key:orders_customer_fkey", "unsafe_view"]);
    }

    #[test]
    fn a_gap_says_what_to_do() {
        for (code, kind, hint) in [
            ("foreign_key:fk", "table", "foreign key fk doesn't pair"),
            (
                "foreign_policy:p",
                "table",
                "permissive policy p isn't ours",
            ),
            ("owned_by_tenant", "table", "give it another owner"),
            ("tenant_id_type", "table", "not a uuid"),
            ("unsupported_kind", "materialized view", "keep tenants"),
            ("unsafe_view", "view", "security_invoker = true"),
            ("unsafe_function", "function", "revoke EXECUTE"),
            ("schema_missing", "schema", "postgres.tenantSchemas"),
            ("schema_not_allowed", "schema", "bootstrap-sql"),
            ("schema_create", "schema", "REVOKE CREATE"),
            ("of_a_later_release", "table", "of_a_later_release"),
        ] {
            let said = Coverage::of(vec![finding(1, kind, &[code])]).summary();
            assert!(said.starts_with(&format!("{kind} public.t1: ")), "{said}");
            assert!(said.contains(hint), "{said}");
        }
    }

    #[test]
    fn a_summary_stays_short() {
        let many = (1..=5)
            .map(|id| finding(id, "view", &["unsafe_view"]))
            .collect();
        let said = Coverage::of(many).summary();
        assert!(
            said.contains("public.t3") && !said.contains("public.t4"),
            "{said}"
        );
        assert!(said.ends_with("; and 2 more"), "{said}");
    }
}
