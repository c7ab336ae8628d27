//! Tenants in the middle of every transition, whose desired state is changed afterwards.

use akili_scenarios::platform::{Platform, tenant_yaml, text_at};
use anyhow::{Result, ensure};

const STATES: [&str; 3] = ["Active", "Suspended", "Archived"];

/// The transitions in which the leader is interrupted: name, state before, and new state.
const TRANSITIONS: [(&str, Option<&str>, &str); 3] = [
    ("created", None, "Active"),
    ("suspended", Some("Active"), "Suspended"),
    ("reactivated", Some("Suspended"), "Active"),
];

/// One tenant per transition and per state that is desired afterwards.
pub struct Tenants(Vec<Tenant>);

struct Tenant {
    slug: String,
    before: Option<&'static str>,
    meanwhile: &'static str,
    afterwards: &'static str,
}

impl Tenants {
    /// Returns tenants with names that are unique for scenario and round.
    pub fn of_round(scenario: &str, round: usize) -> Self {
        let of_transition = |(name, before, meanwhile)| {
            STATES.map(|afterwards| Tenant {
                slug: format!("{name}-{scenario}-{}-{round}", afterwards.to_lowercase()),
                before,
                meanwhile,
                afterwards,
            })
        };
        Self(TRANSITIONS.into_iter().flat_map(of_transition).collect())
    }

    /// Creates the tenants in their state before the transition.
    pub async fn create(&self, platform: &Platform) -> Result<()> {
        let there = self.0.iter().filter(|it| it.before.is_some());
        apply(platform, there.map(|it| (&*it.slug, it.before)))?;
        for tenant in self.0.iter().filter(|it| it.before.is_some()) {
            let phase = tenant.before.unwrap_or_default().to_uppercase();
            wait(platform, &tenant.slug, &phase).await?;
        }
        Ok(())
    }

    /// Starts all transitions at once.
    pub fn start_transitions(&self, platform: &Platform) -> Result<()> {
        apply(
            platform,
            self.0.iter().map(|it| (&*it.slug, Some(it.meanwhile))),
        )
    }

    /// Prints the progress of the transitions.
    pub fn print_progress(&self, platform: &Platform) -> Result<()> {
        let columns = "custom-columns=NAME:.metadata.name,WANTED:.spec.state,\
                       PHASE:.status.phase,NOT:.status.conditions[?(@.status==\"False\")].type";
        println!("{}", platform.kubectl(&["get", "tenants", "-o", columns])?);
        Ok(())
    }

    /// Sets the state that is desired afterwards.
    pub fn revoke_transitions(&self, platform: &Platform) -> Result<()> {
        apply(
            platform,
            self.0.iter().map(|it| (&*it.slug, Some(it.afterwards))),
        )
    }

    /// Waits until each tenant has its final state in every plane.
    pub async fn wait_until_settled(&self, platform: &Platform) -> Result<()> {
        for tenant in &self.0 {
            let (slug, wanted) = (&tenant.slug, tenant.afterwards);
            let phase = wanted.to_uppercase();
            wait(platform, slug, &phase).await?;
            if wanted == "Archived" {
                let role = platform.status(slug, "resources.postgres.role")?;
                let login = format!("SELECT rolcanlogin FROM pg_roles WHERE rolname = '{role}'");
                let login = platform.superuser(&login)?;
                ensure!(login.trim() != "t", "{slug} is archived and can log in");
            } else {
                platform.wait_until_logins_work(slug).await?;
            }
            let row = format!("SELECT state FROM akili.tenants WHERE slug = '{slug}'");
            let row = platform.superuser(&row)?;
            ensure!(row.trim() == phase, "{slug}: its row has {row}");
            let label = format!("akili.io/tenant={slug}");
            let namespaces = platform.list("Namespace", "", &format!("labelSelector={label}"))?;
            let label = ".metadata.labels.akili\\.io/state";
            let labels = namespaces.iter().map(|it| text_at(it, label));
            let labels = labels.collect::<Vec<_>>().join(" ");
            ensure!(labels == phase, "{slug}: its namespace has {labels}");
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
