//! Tenants in the middle of every move, of which people want something else afterwards.

use akili_scenarios::platform::{Platform, tenant_yaml, text_at};
use anyhow::{Result, ensure};

const STATES: [&str; 3] = ["Active", "Suspended", "Archived"];

/// The moves that the leader is interrupted in: what the tenant was, and is to become.
const MOVES: [(&str, Option<&str>, &str); 3] = [
    ("created", None, "Active"),
    ("suspended", Some("Active"), "Suspended"),
    ("reactivated", Some("Suspended"), "Active"),
];

/// One for each move and each state that is wanted of it afterwards.
pub struct Tenants(Vec<Tenant>);

struct Tenant {
    slug: String,
    before: Option<&'static str>,
    meanwhile: &'static str,
    afterwards: &'static str,
}

impl Tenants {
    /// With names of their own.
    pub fn of_round(scenario: &str, round: usize) -> Self {
        let of_move = |(name, before, meanwhile)| {
            STATES.map(|afterwards| Tenant {
                slug: format!("{name}-{scenario}-{}-{round}", afterwards.to_lowercase()),
                before,
                meanwhile,
                afterwards,
            })
        };
        Self(MOVES.into_iter().flat_map(of_move).collect())
    }

    /// As they are before.
    pub async fn make(&self, platform: &Platform) -> Result<()> {
        let there = self.0.iter().filter(|it| it.before.is_some());
        apply(platform, there.map(|it| (&*it.slug, it.before)))?;
        for tenant in self.0.iter().filter(|it| it.before.is_some()) {
            let phase = tenant.before.unwrap_or_default().to_uppercase();
            wait(platform, &tenant.slug, &phase).await?;
        }
        Ok(())
    }

    /// Asks for all moves at once.
    pub fn begin_moves(&self, platform: &Platform) -> Result<()> {
        apply(
            platform,
            self.0.iter().map(|it| (&*it.slug, Some(it.meanwhile))),
        )
    }

    /// How far they have got.
    pub fn show(&self, platform: &Platform) -> Result<()> {
        let columns = "custom-columns=NAME:.metadata.name,WANTED:.spec.state,\
                       PHASE:.status.phase,NOT:.status.conditions[?(@.status==\"False\")].type";
        println!("{}", platform.kubectl(&["get", "tenants", "-o", columns])?);
        Ok(())
    }

    /// Asks for what is wanted of them in the end.
    pub fn change_their_mind(&self, platform: &Platform) -> Result<()> {
        apply(
            platform,
            self.0.iter().map(|it| (&*it.slug, Some(it.afterwards))),
        )
    }

    /// Every one of them is in every plane what is wanted in the end.
    pub async fn are_as_wanted(&self, platform: &Platform) -> Result<()> {
        for tenant in &self.0 {
            let (slug, wanted) = (&tenant.slug, tenant.afterwards);
            let phase = wanted.to_uppercase();
            wait(platform, slug, &phase).await?;
            if wanted == "Archived" {
                let role = platform.status(slug, "resources.postgres.role")?;
                let login = format!("SELECT rolcanlogin FROM pg_roles WHERE rolname = '{role}'");
                let login = platform.superuser(&login)?;
                ensure!(login.trim() != "t", "{slug} is archived and gets in");
            } else {
                platform.wait_until_logins_work(slug).await?;
            }
            let row = format!("SELECT state FROM akili.tenants WHERE slug = '{slug}'");
            let row = platform.superuser(&row)?;
            ensure!(row.trim() == phase, "{slug}: its row says {row}");
            let label = format!("akili.io/tenant={slug}");
            let namespaces = platform.list("Namespace", "", &format!("labelSelector={label}"))?;
            let label = ".metadata.labels.akili\\.io/state";
            let labels = namespaces.iter().map(|it| text_at(it, label));
            let labels = labels.collect::<Vec<_>>().join(" ");
            ensure!(labels == phase, "{slug}: its namespace says {labels}");
        }
        Ok(())
    }
}

async fn wait(platform: &Platform, slug: &str, phase: &str) -> Result<()> {
    platform.until_reached(slug, phase).await
}

fn apply<'a>(
    platform: &Platform,
    tenants: impl Iterator<Item = (&'a str, Option<&'a str>)>,
) -> Result<()> {
    let tenants = tenants.map(|(slug, state)| {
        let state = state.unwrap_or("Active");
        format!("{}  state: {state}\n", tenant_yaml(slug))
    });
    let file = platform.file("tenants.yaml", &tenants.collect::<Vec<_>>().join("---\n"))?;
    platform.kubectl(&["apply", "-f", &file]).map(drop)
}
