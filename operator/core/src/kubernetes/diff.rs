//! Steps from the objects that exist for a tenant to the desired ones. Pure.

use akili_crds::Phase;
use akili_crds::names::LABEL_STATE;
use jiff::SignedDuration;
use kube::core::DynamicObject;
use serde_json::Value;

use super::model::{Manifest, ObjectRef, Observed, Step};
use super::objects::{Rule, namespace_ref, quota_ref, rules};
use super::settings::Settings;
use crate::{Desired, TenantKey};

/// Age at which a ResourceQuota without usage is replaced. A quota that was created before
/// the controller manager knew the resources that the quota limits stays without usage for
/// minutes; a new one has its usage at once.
const STALE_QUOTA_AGE: SignedDuration = SignedDuration::from_secs(10);

/// Returns the steps to take, in order; empty when converged.
pub fn diff(
    settings: &Settings,
    tenant: &TenantKey,
    desired: &Desired,
    observed: &Observed,
) -> Vec<Step> {
    if *desired == Desired::Absent {
        return purge(observed);
    }
    let desired = &keep_active(tenant, desired, observed);
    let step = |rule: Rule| match rule {
        Rule::Absent(object) => observed.find(&object).map(|_| Step::Delete(object)),
        Rule::Present(manifest) => match observed.find(&manifest.object) {
            None => Some(Step::Apply(manifest)),
            Some(found) => change(manifest, found),
        },
    };
    let steps: Vec<Step> = rules(settings, tenant, desired)
        .into_iter()
        .filter_map(step)
        .collect();
    if steps.is_empty() && !has_usage(observed.find(&quota_ref(tenant))) {
        return vec![
            replace_stale_quota(settings, tenant, desired, observed).unwrap_or(Step::AwaitQuota),
        ];
    }
    steps
}

/// Keeps the state ACTIVE of a namespace whose tenant's phase is not ACTIVE yet. The
/// namespace gets that state once every plane is open, and the phase follows: after an
/// interruption in between the namespace stays open.
fn keep_active(tenant: &TenantKey, desired: &Desired, observed: &Observed) -> Desired {
    let namespace = observed.find(&namespace_ref(tenant));
    let labels = namespace.and_then(|namespace| namespace.metadata.labels.as_ref());
    let state = labels.and_then(|labels| labels.get(LABEL_STATE));
    match desired {
        Desired::Writable { limits, growth, .. }
            if state.is_some_and(|it| it == Phase::Active.as_str()) =>
        {
            Desired::Writable {
                limits: limits.clone(),
                reached: Phase::Active,
                growth: *growth,
            }
        }
        desired => desired.clone(),
    }
}

/// Returns the steps that delete the cluster-scoped objects; a namespace takes its content
/// along. Objects that are being deleted are awaited.
fn purge(observed: &Observed) -> Vec<Step> {
    let cluster_scoped = observed.objects.iter();
    let cluster_scoped = cluster_scoped.filter(|(object, _)| object.namespace.is_none());
    let step = |(object, content): &(ObjectRef, DynamicObject)| {
        if content.metadata.deletion_timestamp.is_some() {
            Step::AwaitDeletion(object.clone())
        } else {
            Step::Delete(object.clone())
        }
    };
    let (mut steps, waits): (Vec<_>, Vec<_>) = cluster_scoped
        .map(step)
        .partition(|step| matches!(step, Step::Delete(_)));
    steps.extend(waits);
    steps
}

/// Returns the step that gives an existing object its desired content, if they differ.
fn change(manifest: Manifest, found: &DynamicObject) -> Option<Step> {
    let found = serde_json::to_value(found).unwrap_or_default();
    let other_role = manifest
        .fields
        .get("roleRef")
        .is_some_and(|role| !includes(&found["roleRef"], role));
    let exists = |pointer: &&str| found.pointer(pointer).is_some();
    if other_role || manifest.forbidden.iter().any(exists) {
        Some(Step::Replace(manifest))
    } else if includes(&found, &manifest.fields) {
        None
    } else {
        Some(Step::Apply(manifest))
    }
}

/// Returns whether `found` has every field of `desired`; lists must have the same length.
fn includes(found: &Value, desired: &Value) -> bool {
    match (found, desired) {
        (Value::Object(found), Value::Object(desired)) => desired
            .iter()
            .all(|(key, value)| found.get(key).is_some_and(|f| includes(f, value))),
        (Value::Array(found), Value::Array(desired)) => {
            found.len() == desired.len() && found.iter().zip(desired).all(|(f, d)| includes(f, d))
        }
        // The API server does not return an empty selector.
        (found, Value::Object(desired)) if desired.is_empty() => found.is_null(),
        _ => found == desired,
    }
}

/// Returns whether the quota's usage has every resource that the quota limits.
fn has_usage(quota: Option<&DynamicObject>) -> bool {
    let Some(quota) = quota else { return false };
    let (hard, used) = (&quota.data["spec"]["hard"], &quota.data["status"]["used"]);
    hard.as_object()
        .is_some_and(|hard| hard.keys().all(|key| used.get(key).is_some()))
}

/// Returns the step that replaces a quota that has had no usage for too long.
fn replace_stale_quota(
    settings: &Settings,
    tenant: &TenantKey,
    desired: &Desired,
    observed: &Observed,
) -> Option<Step> {
    let quota = quota_ref(tenant);
    let created = observed
        .find(&quota)?
        .metadata
        .creation_timestamp
        .as_ref()?
        .0;
    if observed.at.duration_since(created) < STALE_QUOTA_AGE {
        return None;
    }
    rules(settings, tenant, desired)
        .into_iter()
        .find_map(|rule| match rule {
            Rule::Present(manifest) if manifest.object == quota => Some(Step::Replace(manifest)),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use akili_crds::{TenantId, TenantQuotaSpec};
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::fixtures::all_states;
    use crate::kubernetes::settings::Egress;
    use crate::{Effect, Growth};

    fn settings() -> Settings {
        Settings {
            service_account: "akili-operator".into(),
            namespace: "akili-system".into(),
            egress: vec![Egress {
                cidr: "10.1.0.0/16".into(),
                ports: vec![5432],
            }],
        }
    }

    fn acme() -> TenantKey {
        TenantKey {
            slug: "acme".parse().unwrap(),
            id: TenantId::random(),
        }
    }

    /// Returns a cluster in the desired state, with the quota's usage.
    fn cluster(tenant: &TenantKey, desired: &Desired) -> Observed {
        let mut observed = Observed::default();
        apply(
            &mut observed,
            &diff(&settings(), tenant, desired, &Observed::default()),
        );
        set_usage(&mut observed, tenant);
        observed
    }

    /// Applies the steps as the API server would.
    fn apply(observed: &mut Observed, steps: &[Step]) {
        for step in steps {
            let (object, content) = match step {
                Step::Apply(manifest) | Step::Replace(manifest) => (
                    &manifest.object,
                    Some(serde_json::from_value(manifest.fields.clone()).unwrap()),
                ),
                Step::Delete(object) => (object, None),
                Step::AwaitQuota | Step::AwaitDeletion(_) => continue,
            };
            observed.objects.retain(|(other, _)| other != object);
            observed
                .objects
                .extend(content.map(|content| (object.clone(), content)));
        }
    }

    fn quota<'a>(observed: &'a mut Observed, tenant: &TenantKey) -> &'a mut DynamicObject {
        let quota = quota_ref(tenant);
        &mut observed
            .objects
            .iter_mut()
            .find(|(object, _)| *object == quota)
            .unwrap()
            .1
    }

    fn set_usage(observed: &mut Observed, tenant: &TenantKey) {
        let quota = quota(observed, tenant);
        quota.data["status"]["used"] = quota.data["spec"]["hard"].clone();
    }

    fn displayed(steps: &[Step]) -> Vec<String> {
        steps.iter().map(|step| step.to_string()).collect()
    }

    #[test]
    fn every_state_converges_from_every_other() {
        let tenant = acme();
        for from in &all_states() {
            for to in &all_states() {
                let mut observed = cluster(&tenant, from);
                let steps = diff(&settings(), &tenant, to, &observed);
                apply(&mut observed, &steps);
                set_usage(&mut observed, &tenant);
                let left = displayed(&diff(&settings(), &tenant, to, &observed));
                assert_eq!(left, Vec::<String>::new(), "{from:?} → {to:?}");
            }
        }
    }

    #[test]
    fn purge_deletes_cluster_scoped_objects_and_awaits_them() {
        let tenant = acme();
        let [.., archived] = all_states();
        let mut observed = cluster(&tenant, &archived);
        let steps = diff(&settings(), &tenant, &Desired::Absent, &observed);
        let (namespace, role) = (tenant.id.namespace(), tenant.id.cluster_role());
        assert_eq!(
            displayed(&steps),
            [
                format!("delete Namespace {namespace}"),
                format!("delete ClusterRole {role}"),
                format!("delete ClusterRoleBinding {role}"),
            ]
        );
        apply(&mut observed, &steps[1..]);
        let now = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::UNIX_EPOCH);
        observed.objects[0].1.metadata.deletion_timestamp = Some(now);
        let steps = diff(&settings(), &tenant, &Desired::Absent, &observed);
        assert_eq!(
            displayed(&steps),
            [format!("wait for the deletion of Namespace {namespace}")]
        );
        observed.objects.clear();
        assert_eq!(
            diff(&settings(), &tenant, &Desired::Absent, &observed),
            vec![]
        );
    }

    #[test]
    fn suspending_removes_writer_binding_and_pods() {
        let tenant = acme();
        let [active, suspended, archived] = all_states();
        let steps = diff(&settings(), &tenant, &suspended, &cluster(&tenant, &active));
        assert_eq!(
            displayed(&steps),
            [
                format!("apply Namespace {}", tenant.id.namespace()),
                "apply ResourceQuota akili".into(),
                "delete RoleBinding akili-tenant-writer".into(),
            ]
        );
        let steps = diff(
            &settings(),
            &tenant,
            &archived,
            &cluster(&tenant, &suspended),
        );
        assert_eq!(
            displayed(&steps[2..]),
            [
                "delete RoleBinding akili-tenant-reader",
                "delete RoleBinding akili-tenant-author"
            ]
        );
    }

    #[test]
    fn namespace_stays_closed_until_other_planes_are_open() {
        let tenant = acme();
        let [_, suspended, _] = all_states();
        let opening = Desired::Writable {
            limits: TenantQuotaSpec::default(),
            reached: Phase::Suspended,
            growth: Growth::Allowed,
        };
        let steps = diff(
            &settings(),
            &tenant,
            &opening,
            &cluster(&tenant, &suspended),
        );
        assert_eq!(
            displayed(&steps),
            [
                "replace ResourceQuota akili",
                "apply RoleBinding akili-tenant-writer"
            ]
        );
    }

    #[test]
    fn changed_state_label_is_drift() {
        let tenant = acme();
        let [active, ..] = all_states();
        let mut observed = cluster(&tenant, &active);
        let (_, namespace) = &mut observed.objects[0];
        let labels = namespace.metadata.labels.as_mut().unwrap();
        labels.insert(LABEL_STATE.into(), "SUSPENDED".into());
        let steps = diff(&settings(), &tenant, &active, &observed);
        assert_eq!(
            displayed(&steps),
            [format!("apply Namespace {}", tenant.id.namespace())]
        );
        assert_eq!(steps[0].effect(), Effect::Opens);
    }

    #[test]
    fn group_bindings_open_and_deletions_close() {
        let tenant = acme();
        let [active, suspended, _] = all_states();
        let effects = |from: &Observed, to: &Desired| -> Vec<(String, Effect)> {
            diff(&settings(), &tenant, to, from)
                .into_iter()
                .map(|step| (step.to_string(), step.effect()))
                .filter(|(_, effect)| *effect != Effect::Neutral)
                .collect()
        };
        let opened = effects(&Observed::default(), &suspended);
        assert_eq!(
            opened,
            [
                format!("apply ClusterRoleBinding {}", tenant.id.cluster_role()),
                "apply RoleBinding akili-tenant-reader".into(),
                "apply RoleBinding akili-tenant-author".into(),
            ]
            .map(|step| (step, Effect::Opens))
        );
        let closed = effects(&cluster(&tenant, &active), &suspended);
        assert_eq!(
            closed,
            [(
                "delete RoleBinding akili-tenant-writer".into(),
                Effect::Closes
            )]
        );
    }

    #[test]
    fn binding_to_another_role_is_replaced() {
        let tenant = acme();
        let [active, ..] = all_states();
        let mut observed = cluster(&tenant, &active);
        for (reference, object) in &mut observed.objects {
            if reference.name == "akili-tenant-reader" {
                object.data["roleRef"]["name"] = json!("admin");
            }
        }
        let steps = diff(&settings(), &tenant, &active, &observed);
        assert_eq!(
            displayed(&steps),
            ["replace RoleBinding akili-tenant-reader"]
        );
    }

    #[test]
    fn second_subject_of_a_binding_is_drift() {
        let tenant = acme();
        let [active, ..] = all_states();
        let mut observed = cluster(&tenant, &active);
        for (reference, object) in &mut observed.objects {
            if reference.name == "akili-tenant-writer" {
                let intruder = json!({"kind": "Group", "name": "system:authenticated"});
                object.data["subjects"]
                    .as_array_mut()
                    .unwrap()
                    .push(intruder);
            }
        }
        let steps = diff(&settings(), &tenant, &active, &observed);
        assert_eq!(displayed(&steps), ["apply RoleBinding akili-tenant-writer"]);
    }

    #[test]
    fn quota_without_usage_is_replaced_after_ten_seconds() {
        let tenant = acme();
        let [active, ..] = all_states();
        let mut observed = cluster(&tenant, &active);
        let created = Timestamp::from_second(1_000).unwrap();
        let stale = quota(&mut observed, &tenant);
        stale.data["status"] = json!({});
        stale.metadata.creation_timestamp = Some(
            k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(created),
        );

        observed.at = Timestamp::from_second(1_009).unwrap();
        let steps = diff(&settings(), &tenant, &active, &observed);
        assert_eq!(steps, [Step::AwaitQuota]);

        observed.at = Timestamp::from_second(1_010).unwrap();
        let steps = diff(&settings(), &tenant, &active, &observed);
        assert_eq!(displayed(&steps), ["replace ResourceQuota akili"]);
    }
}
