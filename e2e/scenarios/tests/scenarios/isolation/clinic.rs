//! A clinic's tables, with rows of two tenants: what is read and written here.

use akili_scenarios::platform::Platform;
use anyhow::Result;

/// The tables that tenants share.
pub const TABLES: [&str; 4] = ["patients", "visits", "tickets", "readings"];

/// The word in every row of the tenant that asks.
pub const ALPHA: &str = "alpha";

/// The word in every row of the other tenant.
pub const BRAVO: &str = "bravo";

/// The word in every row of the superuser's own tables.
pub const CLASSIFIED: &str = "classified";

/// The password of the clinic's own logins.
pub const PASSWORD: &str = "testbed";

/// The clinic's database, and its two tenants.
pub struct Clinic<'a> {
    platform: &'a Platform,
    /// The id of the tenant that asks.
    pub own: String,
    /// The id of the other tenant.
    pub other: String,
}

impl<'a> Clinic<'a> {
    /// Makes the tables, with rows of both tenants.
    pub fn open(platform: &'a Platform, own: &str, other: &str) -> Result<Self> {
        let clinic = Self {
            platform,
            own: platform.status(own, "id")?,
            other: platform.status(other, "id")?,
        };
        platform.superuser(include_str!("clinic.sql"))?;
        clinic.fill()?;
        // What the planner remembers of the rows is something to peep at, too.
        platform.superuser("ANALYZE patients")?;
        Ok(clinic)
    }

    /// Puts the rows back as they were.
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

    /// Every row that isn't the asking tenant's, as a superuser sees it.
    pub fn rows_of_others(&self) -> Result<String> {
        let of = |table| {
            let own = &self.own;
            format!("SELECT '{table}' || {table} FROM {table} WHERE tenant_id <> '{own}'")
        };
        let all = TABLES.map(of).join(" UNION ALL ");
        self.platform.superuser(&format!("{all} ORDER BY 1"))
    }
}
