//! What `suspend`, `reactivate`, `archive` and `purge` have in common: one field of the
//! tenant's spec is set, and may be waited for.

use std::time::Duration;

use akili_crds::{Phase, Slug, State, Tenant};
use clap::Args;
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

use super::goal::Goal;
use super::wait;
use crate::commands::{FIELD_MANAGER, gitops};
use crate::failure::Failure;

/// How a tenant is changed.
#[derive(Args)]
pub struct Options {
    /// Wait until this is reached in every plane
    #[arg(long)]
    pub wait: bool,
    /// How long to wait
    #[arg(long, default_value = "2m", value_parser = humantime::parse_duration)]
    pub timeout: Duration,
    /// With `server`: let the API server check everything, and change nothing
    #[arg(long, value_parser = ["server"], conflicts_with = "wait")]
    pub dry_run: Option<String>,
}

/// A change of one field of a tenant's spec.
pub struct Change {
    /// The field.
    pub field: &'static str,
    /// What it is to be.
    pub value: Value,
    /// What is done to the tenant: a participle.
    pub done: &'static str,
    /// What the tenant comes to.
    pub goal: Goal,
}

impl Change {
    /// Of `spec.state`.
    pub fn to(state: State, done: &'static str) -> Self {
        Self {
            field: "state",
            value: json!(state),
            done,
            goal: Goal::Everywhere(state.into()),
        }
    }

    /// Makes it. What it `would` do is said instead where that is given.
    pub async fn make(
        &self,
        client: &Client,
        slug: &Slug,
        tenant: &Tenant,
        would: Option<String>,
        options: &Options,
    ) -> Result<(), Failure> {
        if self.goal.is_reached(tenant) {
            println!("tenant {slug} is {} already", self.goal);
            return Ok(());
        }
        if self.is_asked_for(tenant) {
            println!("tenant {slug} is being {} already", self.done);
        } else {
            let dry = options.dry_run.is_some();
            if let Some(would) = would.filter(|_| !dry) {
                return Err(Failure::usage(would).hint("add --confirm to go on"));
            }
            if let Some(warning) = gitops::warning(tenant, "tenant", self.field) {
                eprintln!("{warning}");
            }
            self.patch(client, slug, dry).await?;
            let is = if dry { "would be" } else { "is being" };
            println!("tenant {slug} {is} {}", self.done);
        }
        if options.wait {
            wait::until(client, slug, self.goal, options.timeout).await?;
        }
        Ok(())
    }

    fn is_asked_for(&self, tenant: &Tenant) -> bool {
        json!(tenant.spec)[self.field] == self.value
    }

    async fn patch(&self, client: &Client, slug: &Slug, dry: bool) -> Result<(), Failure> {
        let params = PatchParams {
            dry_run: dry,
            field_manager: Some(FIELD_MANAGER.into()),
            ..PatchParams::default()
        };
        let patch = Patch::Merge(json!({"spec": {self.field: self.value}}));
        let tenants: Api<Tenant> = Api::all(client.clone());
        let patched = tenants.patch(slug.as_str(), &params, &patch).await;
        patched
            .map(drop)
            .map_err(|error| Failure::about_tenant(slug.as_str(), &error))
    }
}

/// The tenant as people know it: its name, and in brackets the one for people.
pub fn called(tenant: &Tenant) -> String {
    format!(
        "tenant {} ({})",
        tenant.name_any(),
        tenant.spec.display_name
    )
}

/// Refuses an archived tenant: nothing leads out of that.
pub fn refuse_archived(tenant: &Tenant) -> Result<(), Failure> {
    let status = tenant.status.as_ref();
    if tenant.spec.state != State::Archived && tenant.phase() != Phase::Archived {
        return Ok(());
    }
    let purged = status.and_then(|status| status.purged_at.as_ref());
    let due = status.and_then(|status| status.purge_after.as_ref());
    let data = match (purged, due) {
        (Some(purged), _) => format!("was purged at {}", purged.0),
        (None, Some(due)) => format!("is kept until {}", due.0),
        (None, None) => "is kept until its retention is over".into(),
    };
    Err(Failure::failed(format!(
        "{} is archived, and that is for ever",
        called(tenant)
    ))
    .hint(format!(
        "its data {data}; to go on, create a tenant of another name"
    )))
}

#[cfg(test)]
mod tests {
    use super::super::tests::acme;
    use super::*;

    #[test]
    fn nothing_leads_out_of_archived() {
        let mut tenant = acme();
        assert_eq!(refuse_archived(&tenant), Ok(()));
        tenant.spec.state = State::Archived;
        assert_eq!(
            refuse_archived(&tenant).unwrap_err().to_string(),
            "error: tenant acme-corp (Acme Corporation) is archived, and that is for ever\n\
             hint: its data is kept until 2026-06-14T10:00:00Z; to go on, create a tenant of \
             another name"
        );
        // Another object of that name says so.
        tenant.spec.state = State::Active;
        tenant.status.as_mut().unwrap().phase = Some(Phase::Archived);
        assert!(refuse_archived(&tenant).is_err());
    }

    #[test]
    fn what_the_spec_says_already_is_not_asked_for_again() {
        let tenant = acme();
        for (change, asked) in [
            (Change::to(State::Active, "reactivated"), true),
            (Change::to(State::Suspended, "suspended"), false),
        ] {
            assert_eq!(change.is_asked_for(&tenant), asked, "{}", change.done);
        }
    }
}
