//! The common part of `suspend`, `reactivate`, `archive` and `purge`: setting one field of the
//! tenant's spec, and waiting until that is reached.

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

/// Tenant of a verb that asks for confirmation.
#[derive(Args)]
pub struct Target {
    /// Name of the tenant
    pub slug: Slug,
    /// Confirm the change; without it, the command prints what it would do
    #[arg(long)]
    confirm: bool,
    #[command(flatten)]
    options: Options,
}

/// Options of every change of a tenant.
#[derive(Args)]
pub struct Options {
    /// Wait until every plane has reached the new state
    #[arg(long)]
    pub wait: bool,
    /// Maximum time to wait
    #[arg(long, default_value = "2m", value_parser = humantime::parse_duration)]
    pub timeout: Duration,
    /// With `server`: validate on the API server without changing anything
    #[arg(long, value_parser = ["server"], conflicts_with = "wait")]
    pub dry_run: Option<String>,
}

/// A change of one field of a tenant's spec.
pub struct Change {
    /// Name of the field.
    pub field: &'static str,
    /// New value of the field.
    pub value: Value,
    /// Participle for messages, such as suspended.
    pub done: &'static str,
    /// State that the change leads to.
    pub goal: Goal,
}

impl Change {
    /// Creates a change of `spec.state`.
    pub fn to(state: State, done: &'static str) -> Self {
        Self {
            field: "state",
            value: json!(state),
            done,
            goal: Goal::Everywhere(state.into()),
        }
    }

    /// Makes the change if it is confirmed. Otherwise fails with the announcement of what the
    /// command `would` do.
    pub async fn confirm(
        &self,
        client: &Client,
        tenant: &Tenant,
        target: &Target,
        would: String,
    ) -> Result<(), Failure> {
        let options = &target.options;
        let needs_confirmation = !target.confirm && options.dry_run.is_none();
        if needs_confirmation && !self.goal.is_reached(tenant) && !self.is_requested(tenant) {
            return Err(Failure::usage(would).hint("add --confirm to continue"));
        }
        self.make(client, &target.slug, tenant, options).await
    }

    /// Makes the change.
    pub async fn make(
        &self,
        client: &Client,
        slug: &Slug,
        tenant: &Tenant,
        options: &Options,
    ) -> Result<(), Failure> {
        if self.goal.is_reached(tenant) {
            println!("tenant {slug} is already {}", self.goal);
            return Ok(());
        }
        if self.is_requested(tenant) {
            println!("tenant {slug} is already being {}", self.done);
        } else {
            let dry = options.dry_run.is_some();
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

    fn is_requested(&self, tenant: &Tenant) -> bool {
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

/// Returns the tenant's name and display name.
pub fn called(tenant: &Tenant) -> String {
    format!(
        "tenant {} ({})",
        tenant.name_any(),
        tenant.spec.display_name
    )
}

/// Fails if the tenant is archived, which is permanent. `verb` is the refused one.
pub fn refuse_archived(tenant: &Tenant, verb: &str) -> Result<(), Failure> {
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
        "can't {verb} {}: it is archived, which is permanent",
        called(tenant)
    ))
    .hint(format!(
        "its data {data}; create a tenant with another name"
    )))
}

#[cfg(test)]
mod tests {
    use super::super::tests::acme;
    use super::*;

    #[test]
    fn archived_tenant_is_refused() {
        let mut tenant = acme();
        assert_eq!(refuse_archived(&tenant, "suspend"), Ok(()));
        tenant.spec.state = State::Archived;
        assert_eq!(
            refuse_archived(&tenant, "suspend").unwrap_err().to_string(),
            "error: can't suspend tenant acme-corp (Acme Corporation): it is archived, which is permanent\n\
             hint: its data is kept until 2026-06-14T10:00:00Z; create a tenant with \
             another name"
        );
        tenant.spec.state = State::Active;
        tenant.status.as_mut().unwrap().phase = Some(Phase::Archived);
        assert!(refuse_archived(&tenant, "suspend").is_err());
    }

    #[test]
    fn change_that_the_spec_has_is_not_requested_again() {
        let tenant = acme();
        for (change, requested) in [
            (Change::to(State::Active, "reactivated"), true),
            (Change::to(State::Suspended, "suspended"), false),
        ] {
            assert_eq!(change.is_requested(&tenant), requested, "{}", change.done);
        }
    }
}
