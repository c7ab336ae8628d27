//! The tables of a clinic with rows of two tenants.

use akili_scenarios::platform::Platform;
use anyhow::Result;

/// Tables that tenants share.
pub const TABLES: [&str; 4] = ["patients", "visits", "tickets", "readings"];

/// Word in every row of the tenant under test.
pub const ALPHA: &str = "alpha";

/// Word in every row of the other tenant.
pub const BRAVO: &str = "bravo";

/// Word in every row of the superuser's own tables.
pub const CLASSIFIED: &str = "classified";

/// Password of the clinic's logins.
pub const PASSWORD: &str = "testbed";

/// The clinic's tables and the two tenants.
pub struct TestSchema<'a> {
    platform: &'a Platform,
    /// Id of the tenant under test.
    pub own: String,
    /// Id of the other tenant.
    pub other: String,
}

impl<'a> TestSchema<'a> {
    /// Creates the tables with rows of both tenants.
    pub fn create(platform: &'a Platform, own: &str, other: &str) -> Result<Self> {
        let schema = Self {
            platform,
            own: platform.status(own, "id")?,
            other: platform.status(other, "id")?,
        };
        platform.superuser(include_str!("test_schema.sql"))?;
        schema.fill()?;
        // The planner's statistics could leak rows too.
        platform.superuser("ANALYZE patients")?;
        Ok(schema)
    }

    /// Restores the original rows.
    pub fn fill(&self) -> Result<()> {
        let Self { own, other, .. } = self;
        self.platform.superuser(&format!(
            "TRUNCATE {tables};
             INSERT INTO patients VALUES ('{own}', 1, '{ALPHA}'), ('{other}', 1, '{BRAVO}'), ('{other}', 2, '{BRAVO}');
             INSERT INTO visits VALUES ('{own}', 1, '{ALPHA}'), ('{other}', 1, '{BRAVO}');
             INSERT INTO tickets VALUES ('{own}', 1, '{ALPHA}'), ('{other}', 2, '{BRAVO}');
             INSERT INTO readings VALUES ('{own}', '2026-03-16', '{ALPHA}'), ('{other}', '2026-03-16', '{BRAVO}')",
            tables = TABLES.join(", ")
        ))?;
        Ok(())
    }

    /// Returns all rows that don't belong to the tenant under test, as a superuser sees
    /// them.
    pub fn rows_of_others(&self) -> Result<String> {
        let of = |table| {
            let own = &self.own;
            format!("SELECT '{table}' || {table} FROM {table} WHERE tenant_id <> '{own}'")
        };
        let all = TABLES.map(of).join(" UNION ALL ");
        self.platform.superuser(&format!("{all} ORDER BY 1"))
    }
}
