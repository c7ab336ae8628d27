//! Tenants from an admin's view.

use std::collections::BTreeMap;
use std::process::Output;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::Platform;
use super::api::text_at;
use akili_testbed::command::succeed;

impl Platform {
    /// Returns a field of the Tenant's status.
    pub fn status(&self, slug: &str, field: &str) -> Result<String> {
        self.field("Tenant", "", slug, &format!(".status.{field}"))
    }

    /// Returns the reason of a Tenant's condition; empty if the condition doesn't exist.
    pub fn reason(&self, slug: &str, type_: &str) -> Result<String> {
        self.status(slug, &format!("conditions[?(@.type==\"{type_}\")].reason"))
    }

    /// Returns the message of a Tenant's condition; empty if the condition doesn't exist.
    pub fn message(&self, slug: &str, type_: &str) -> Result<String> {
        self.status(slug, &format!("conditions[?(@.type==\"{type_}\")].message"))
    }

    /// Returns the decoded entries of a Secret in the tenant's namespace.
    pub fn secret_of(&self, slug: &str, secret: &str) -> Result<BTreeMap<String, String>> {
        let namespace = self.status(slug, "namespace")?;
        let mut secret = self.get("Secret", &namespace, secret)?;
        let data: BTreeMap<String, String> = serde_json::from_value(secret["data"].take())?;
        let clear = |(name, value): (String, String)| {
            let value = String::from_utf8(BASE64_STANDARD.decode(value)?)?;
            Ok((name, value))
        };
        data.into_iter().map(clear).collect()
    }

    /// Returns a decoded entry of a Secret in the tenant's namespace.
    pub fn secret_entry(&self, slug: &str, secret: &str, entry: &str) -> Result<String> {
        let value = self.secret_of(slug, secret)?.remove(entry);
        value.with_context(|| format!("{slug}'s Secret {secret} has no {entry}"))
    }

    /// Runs `kubectl` in a namespace as a user of the tenant with this id; a failure is
    /// part of the output.
    pub fn as_user_of(&self, id: &str, namespace: &str, arguments: &[&str]) -> Result<Output> {
        let group = format!("--as-group=akili:tenant:{id}");
        let who_and_where = ["--as=somebody", &group, "-n", namespace];
        self.try_kubectl(&[&who_and_where, arguments].concat())
    }

    /// Creates a tenant with `akili`.
    pub fn create(&self, slug: &str) -> Result<()> {
        let name = format!("Tenant {slug}");
        succeed(&self.akili(&["tenant", "create", slug, "--display-name", &name])?).map(drop)
    }

    /// Creates a tenant and returns the time until it is ACTIVE.
    pub fn time_to_active(&self, slug: &str) -> Result<Duration> {
        self.create(slug)?;
        let began = Instant::now();
        self.wait_active(slug)?;
        Ok(began.elapsed())
    }

    /// Waits with `akili` until the tenant is ACTIVE.
    pub fn wait_active(&self, slug: &str) -> Result<()> {
        const UNTIL_ACTIVE: [&str; 4] = ["--for", "ACTIVE", "--timeout", "60s"];
        let wait = [&["tenant", "wait", slug][..], &UNTIL_ACTIVE].concat();
        succeed(&self.akili(&wait)?)
            .with_context(|| self.end_of_log())
            .map(drop)
    }

    /// Patches fields of the spec of a Tenant or TenantQuota, as an admin.
    pub fn patch_spec(&self, resource: &str, slug: &str, fields: &Value) -> Result<()> {
        self.patch(resource, "", slug, &json!({"spec": fields}))
            .map(drop)
    }

    /// Returns the messages of a Tenant's or TenantQuota's events, oldest first. `more`
    /// is an additional field selector, such as `,type=Warning`. Events of an earlier
    /// object of the same name are excluded.
    pub fn events_of(&self, resource: &str, slug: &str, more: &str) -> Result<Vec<String>> {
        let uid = self.field(resource, "", slug, ".metadata.uid")?;
        let query = format!("fieldSelector=involvedObject.uid={uid}{more}");
        let mut events = self.list("Event", "default", &query)?;
        events.sort_by_key(|event| text_at(event, ".metadata.creationTimestamp"));
        let notes = events.iter().map(|event| text_at(event, ".message"));
        Ok(notes.collect())
    }

    /// Waits until an event of the Tenant or TenantQuota contains this: events are
    /// published after the steps that they report.
    pub async fn until_event(&self, resource: &str, slug: &str, said: &str) -> Result<()> {
        let says = || {
            let events = self.events_of(resource, slug, "")?;
            Ok(events.iter().any(|event| event.contains(said)))
        };
        let what = format!("an event of {slug} says {said:?}");
        self.eventually(&what, says).await
    }

    /// Sets `spec.state` and waits until the tenant has reached this phase in every
    /// plane.
    pub async fn change_state(&self, slug: &str, state: &str, phase: &str) -> Result<()> {
        self.patch_spec("tenant", slug, &json!({"state": state}))?;
        self.until_reached(slug, phase).await
    }

    /// Waits until the tenant has reached this phase in every plane.
    pub async fn until_reached(&self, slug: &str, phase: &str) -> Result<()> {
        self.eventually(&format!("{slug} is {phase}"), || {
            Ok(self.status(slug, "phase")? == phase && self.reason(slug, "Ready")? == "Reached")
        })
        .await
    }

    /// Creates a tenant that stays PROVISIONING because a foreign catalog has its
    /// catalog's name; returns once all other planes have converged.
    pub async fn keep_provisioning(&self, slug: &str) -> Result<()> {
        self.create_foreign_catalog(&format!("tenant_{slug}_catalog"))
            .await?;
        self.apply(&tenant_yaml(slug))?;
        self.eventually("all planes but StarRocks converge", || {
            Ok(self.reason(slug, "CatalogReady")? == "OwnedByAnother"
                && self.reason(slug, "NamespaceReady")? == "Converged")
        })
        .await
    }

    /// Applies a Tenant and waits until it is ACTIVE.
    pub fn activate(&self, slug: &str) -> Result<()> {
        self.apply(&tenant_yaml(slug))?;
        self.wait_active(slug)
    }
}

/// Returns a minimal `DataProduct` or `Connection`.
pub fn object_of(kind: &str, name: &str) -> Value {
    let spec = match kind {
        "Connection" => json!({"connectorType": "postgres", "config": {"host": "db.example.com"}}),
        _ => json!({"namespace": "sales"}),
    };
    json!({
        "apiVersion": "akili.io/v1alpha1", "kind": kind,
        "metadata": {"name": name}, "spec": spec,
    })
}

/// Returns the YAML of a minimal Tenant.
pub fn tenant_yaml(slug: &str) -> String {
    format!(
        "apiVersion: akili.io/v1alpha1\nkind: Tenant\nmetadata:\n  name: {slug}\nspec:\n  displayName: Tenant {slug}\n"
    )
}
