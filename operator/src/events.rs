//! Publishing of Kubernetes Events.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event, Recorder};

/// Publishes an event on an object. A failure is logged: events are best effort.
pub async fn publish(recorder: &Recorder, regarding: &ObjectReference, event: &Event) {
    if let Err(error) = recorder.publish(event, regarding).await {
        tracing::warn!(%error, object = regarding.name, reason = event.reason, "failed to publish event");
    }
}
