//! The story of one reconcile, from top to bottom: what the tenant uses → status → write.

use std::sync::Arc;
use std::time::Duration;

use akili_crds::{TenantQuota, TenantQuotaStatus};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::controller::Action;
use kube::runtime::events::{Event, EventType};
use kube::{Resource, ResourceExt};
use serde_json::json;

use super::context::{Context, Work};
use super::status::{self, Known, Warning};
use crate::backend::kubernetes::FIELD_MANAGER;
use crate::backoff::{Readable, jittered};
use crate::error::{Class, Error, api_server};
use crate::events::publish;

/// How soon a failed reconcile is retried.
const SOON: Duration = Duration::from_secs(1);

/// Quotas without events are reconciled every 10th audit interval.
const AUDITS_PER_RECONCILE: u32 = 10;

/// A measurement that finds as much as the one before is written only once in this many: an idle
/// platform writes little, and people see that it is measured.
const MEASUREMENTS_PER_WRITE: u32 = 4;

/// Reconciles one quota, for as long as this process holds the Lease.
pub async fn reconcile(
    quota: Arc<Readable<TenantQuota>>,
    work: Arc<Work>,
) -> Result<Action, Error> {
    let leadership = work.context.leadership.clone();
    leadership
        .during(reconcile_quota(&quota.name_any(), &work))
        .await
}

/// Writes what one tenant uses into the status of its quota.
pub async fn reconcile_quota(slug: &str, work: &Work) -> Result<Action, Error> {
    let context = &work.context;
    // Live: the last status decides which warnings are new, and the cache may be behind.
    let quotas: Api<TenantQuota> = Api::all(context.client.clone());
    let Some(quota) = quotas.get_opt(slug).await.map_err(api_server)? else {
        return Ok(Action::await_change());
    };

    // 1. Gather what the tenant uses, from what was observed so far.
    let tenant = work.tenant(slug);
    let known = Known {
        used: tenant.as_ref().map(|key| work.used(key)),
        measured: tenant.as_ref().and_then(|key| work.storage.of(key)),
        keep: MEASUREMENTS_PER_WRITE * context.measure_interval,
    };

    // 2. Compute the next status and the warnings. (pure)
    let (status, warnings) = status::status(&quota, &known, &Time(Timestamp::now()));

    // 3. Publish and write. (I/O)
    for warning in &warnings {
        publish_warning(context, &quota, warning).await;
    }
    if quota.status.as_ref() != Some(&status) {
        write_status(context, slug, &status).await?;
    }
    let requeue = AUDITS_PER_RECONCILE * context.audit_interval;
    Ok(Action::requeue(jittered(requeue)))
}

async fn publish_warning(context: &Context, quota: &TenantQuota, warning: &Warning) {
    let event = Event {
        type_: EventType::Warning,
        reason: warning.reason.into(),
        note: Some(warning.note.clone()),
        action: warning.action.clone(),
        secondary: None,
    };
    publish(&context.recorder, &quota.object_ref(&()), &event).await;
}

async fn write_status(
    context: &Context,
    slug: &str,
    status: &TenantQuotaStatus,
) -> Result<(), Error> {
    let quotas: Api<TenantQuota> = Api::all(context.client.clone());
    let patch = json!({
        "apiVersion": TenantQuota::api_version(&()),
        "kind": TenantQuota::kind(&()),
        "status": status,
    });
    let params = PatchParams::apply(FIELD_MANAGER).force();
    quotas
        .patch_status(slug, &params, &Patch::Apply(&patch))
        .await
        .map_err(api_server)?;
    Ok(())
}

/// Requeues a quota whose reconcile returned an error.
pub fn retry(_: Arc<Readable<TenantQuota>>, error: &Error, work: Arc<Work>) -> Action {
    Action::requeue(jittered(match error.class() {
        Class::Conflict | Class::Pending | Class::Transient => SOON,
        Class::Operator | Class::Invalid => work.context.audit_interval,
    }))
}
