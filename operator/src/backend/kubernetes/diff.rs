//! From what is there to what is wanted. Pure.

use std::fmt;

use akili_crds::Phase;
use akili_crds::names::LABEL_STATE;
use jiff::{SignedDuration, Timestamp};
use kube::core::DynamicObject;
use serde_json::Value;

use super::objects::{Place, Rule, Wanted, namespace_place, quota_place, rules};
use super::{Observed, Settings};
use crate::backend::{Desired, Effect, TenantKey};

/// A quota that was made before the controller manager knew the resources that it
/// counts stays without counts for minutes; made again, it has them at once.
const QUOTA_PATIENCE: SignedDuration = SignedDuration::from_secs(10);

/// A change to the cluster.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Make it, or set its fields.
    Apply(Wanted),
    /// Remove it.
    Delete(Place),
    /// Remove it and make it again, since what differs can't be changed, or another
    /// has set what must not be there.
    Replace(Wanted),
    /// The controller manager hasn't counted yet.
    AwaitQuota,
    /// It was removed, but is still there.
    AwaitEnd(Place),
}

/// The steps from `observed` to `desired`, in order.
pub fn diff(
    settings: &Settings,
    tenant: &TenantKey,
    desired: &Desired,
    observed: &Observed,
) -> Vec<Step> {
    if *desired == Desired::Absent {
        return purge(observed);
    }
    let desired = &as_open(tenant, desired, observed);
    let step = |rule: Rule| match rule {
        Rule::Absent(place) => observed.find(&place).map(|_| Step::Delete(place)),
        Rule::Present(wanted) => match observed.find(&wanted.place) {
            None => Some(Step::Apply(wanted)),
            Some(found) => change(wanted, found),
        },
    };
    let steps: Vec<Step> = rules(settings, tenant, desired)
        .into_iter()
        .filter_map(step)
        .collect();
    if steps.is_empty() && !is_counted(observed.find(&quota_place(tenant))) {
        return vec![stale_quota(settings, tenant, desired, observed).unwrap_or(Step::AwaitQuota)];
    }
    steps
}

/// A namespace is opened once every plane is, and the phase says so next: where that was
/// cut off it stays open.
fn as_open(tenant: &TenantKey, desired: &Desired, observed: &Observed) -> Desired {
    let namespace = observed.find(&namespace_place(tenant));
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

/// What is in the namespace goes with it.
fn purge(observed: &Observed) -> Vec<Step> {
    let of_cluster = observed.objects.iter();
    let of_cluster = of_cluster.filter(|(place, _)| place.namespace.is_none());
    let step = |(place, object): &(Place, DynamicObject)| {
        if object.metadata.deletion_timestamp.is_some() {
            Step::AwaitEnd(place.clone())
        } else {
            Step::Delete(place.clone())
        }
    };
    let (mut steps, waits): (Vec<_>, Vec<_>) = of_cluster
        .map(step)
        .partition(|step| matches!(step, Step::Delete(_)));
    steps.extend(waits);
    steps
}

fn change(wanted: Wanted, found: &DynamicObject) -> Option<Step> {
    let found = serde_json::to_value(found).unwrap_or_default();
    let other_role = wanted
        .fields
        .get("roleRef")
        .is_some_and(|role| !includes(&found["roleRef"], role));
    let in_the_way = |pointer: &&str| found.pointer(pointer).is_some();
    if other_role || wanted.without.iter().any(in_the_way) {
        Some(Step::Replace(wanted))
    } else if includes(&found, &wanted.fields) {
        None
    } else {
        Some(Step::Apply(wanted))
    }
}

/// Whether `found` has everything that `wanted` names; lists are equal in length.
fn includes(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, value)| found.get(key).is_some_and(|f| includes(f, value))),
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(f, w)| includes(f, w))
        }
        // Nothing serialized is left of an empty selector.
        (found, Value::Object(wanted)) if wanted.is_empty() => found.is_null(),
        _ => found == wanted,
    }
}

/// Whether the quota's usage has every key that it limits.
fn is_counted(quota: Option<&DynamicObject>) -> bool {
    let Some(quota) = quota else { return false };
    let (hard, used) = (&quota.data["spec"]["hard"], &quota.data["status"]["used"]);
    hard.as_object()
        .is_some_and(|hard| hard.keys().all(|key| used.get(key).is_some()))
}

fn stale_quota(
    settings: &Settings,
    tenant: &TenantKey,
    desired: &Desired,
    observed: &Observed,
) -> Option<Step> {
    let place = quota_place(tenant);
    let made = observed
        .find(&place)?
        .metadata
        .creation_timestamp
        .as_ref()?
        .0;
    if observed.at.duration_since(made) < QUOTA_PATIENCE {
        return None;
    }
    rules(settings, tenant, desired)
        .into_iter()
        .find_map(|rule| match rule {
            Rule::Present(wanted) if wanted.place == place => Some(Step::Replace(wanted)),
            _ => None,
        })
}

impl Observed {
    /// The object at this place, if it is there.
    pub fn find(&self, place: &Place) -> Option<&DynamicObject> {
        self.objects
            .iter()
            .find(|(at, _)| at == place)
            .map(|(_, object)| object)
    }
}

impl Default for Observed {
    fn default() -> Self {
        Self {
            objects: vec![],
            at: Timestamp::UNIX_EPOCH,
        }
    }
}

impl Step {
    /// Bindings of the tenant's group, and the label that admission goes by, are
    /// what lets its users in.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Apply(wanted) | Self::Replace(wanted) if wanted.lets_tenant_in() => Effect::Opens,
            Self::Delete(_) => Effect::Closes,
            Self::Apply(_) | Self::Replace(_) | Self::AwaitQuota | Self::AwaitEnd(_) => {
                Effect::Neutral
            }
        }
    }
}

impl Wanted {
    fn lets_tenant_in(&self) -> bool {
        let active = self.fields["metadata"]["labels"][LABEL_STATE] == Phase::Active.as_str();
        active || self.fields["subjects"][0]["kind"] == "Group"
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, place) = match self {
            Self::Apply(wanted) => ("apply", &wanted.place),
            Self::Replace(wanted) => ("replace", &wanted.place),
            Self::Delete(place) => ("delete", place),
            Self::AwaitQuota => return f.write_str("await the quota's counts"),
            Self::AwaitEnd(place) => ("await the end of", place),
        };
        write!(f, "{verb} {} {}", place.resource.kind, place.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Growth;
    use crate::backend::fake::all_states;
    use crate::backend::kubernetes::Egress;
    use akili_crds::{TenantId, TenantQuotaSpec};
    use serde_json::json;

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

    /// The cluster after all rules hold, with a quota that was counted.
    fn cluster(tenant: &TenantKey, desired: &Desired) -> Observed {
        let mut observed = Observed::default();
        take(
            &mut observed,
            &diff(&settings(), tenant, desired, &Observed::default()),
        );
        count(&mut observed, tenant);
        observed
    }

    /// What the API server would make of these steps.
    fn take(observed: &mut Observed, steps: &[Step]) {
        for step in steps {
            let (place, object) = match step {
                Step::Apply(wanted) | Step::Replace(wanted) => (
                    &wanted.place,
                    Some(serde_json::from_value(wanted.fields.clone()).unwrap()),
                ),
                Step::Delete(place) => (place, None),
                Step::AwaitQuota | Step::AwaitEnd(_) => continue,
            };
            observed.objects.retain(|(at, _)| at != place);
            observed
                .objects
                .extend(object.map(|object| (place.clone(), object)));
        }
    }

    fn quota<'a>(observed: &'a mut Observed, tenant: &TenantKey) -> &'a mut DynamicObject {
        let place = quota_place(tenant);
        &mut observed
            .objects
            .iter_mut()
            .find(|(at, _)| *at == place)
            .unwrap()
            .1
    }

    fn count(observed: &mut Observed, tenant: &TenantKey) {
        let quota = quota(observed, tenant);
        quota.data["status"]["used"] = quota.data["spec"]["hard"].clone();
    }

    fn names(steps: &[Step]) -> Vec<String> {
        steps.iter().map(|step| step.to_string()).collect()
    }

    #[test]
    fn every_state_is_reached_from_every_other_and_then_nothing_is_left_to_do() {
        let tenant = acme();
        for from in &all_states() {
            for to in &all_states() {
                let mut observed = cluster(&tenant, from);
                let steps = diff(&settings(), &tenant, to, &observed);
                take(&mut observed, &steps);
                count(&mut observed, &tenant);
                let left = names(&diff(&settings(), &tenant, to, &observed));
                assert_eq!(left, Vec::<String>::new(), "{from:?} → {to:?}");
            }
        }
    }

    #[test]
    fn a_purge_removes_what_belongs_to_the_cluster_once_and_waits_for_its_end() {
        let tenant = acme();
        let [.., archived] = all_states();
        let mut observed = cluster(&tenant, &archived);
        let steps = diff(&settings(), &tenant, &Desired::Absent, &observed);
        let (namespace, role) = (tenant.id.namespace(), tenant.id.cluster_role());
        assert_eq!(
            names(&steps),
            [
                format!("delete Namespace {namespace}"),
                format!("delete ClusterRole {role}"),
                format!("delete ClusterRoleBinding {role}"),
            ]
        );
        take(&mut observed, &steps[1..]);
        let now = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::UNIX_EPOCH);
        observed.objects[0].1.metadata.deletion_timestamp = Some(now);
        let steps = diff(&settings(), &tenant, &Desired::Absent, &observed);
        assert_eq!(
            names(&steps),
            [format!("await the end of Namespace {namespace}")]
        );
        observed.objects.clear();
        assert_eq!(
            diff(&settings(), &tenant, &Desired::Absent, &observed),
            vec![]
        );
    }

    #[test]
    fn suspending_takes_the_writer_and_all_pods() {
        let tenant = acme();
        let [active, suspended, archived] = all_states();
        let steps = diff(&settings(), &tenant, &suspended, &cluster(&tenant, &active));
        assert_eq!(
            names(&steps),
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
            names(&steps[2..]),
            [
                "delete RoleBinding akili-tenant-reader",
                "delete RoleBinding akili-tenant-author"
            ]
        );
    }

    #[test]
    fn the_namespace_is_not_opened_before_the_other_planes() {
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
            names(&steps),
            [
                "replace ResourceQuota akili",
                "apply RoleBinding akili-tenant-writer"
            ]
        );
    }

    #[test]
    fn a_state_label_that_was_changed_by_hand_is_drift() {
        let tenant = acme();
        let [active, ..] = all_states();
        let mut observed = cluster(&tenant, &active);
        let (_, namespace) = &mut observed.objects[0];
        let labels = namespace.metadata.labels.as_mut().unwrap();
        labels.insert(LABEL_STATE.into(), "SUSPENDED".into());
        let steps = diff(&settings(), &tenant, &active, &observed);
        assert_eq!(
            names(&steps),
            [format!("apply Namespace {}", tenant.id.namespace())]
        );
        assert_eq!(steps[0].effect(), Effect::Opens);
    }

    #[test]
    fn what_lets_the_tenants_group_in_opens_and_what_is_removed_closes() {
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
    fn a_binding_to_another_role_is_replaced() {
        let tenant = acme();
        let [active, ..] = all_states();
        let mut observed = cluster(&tenant, &active);
        for (place, object) in &mut observed.objects {
            if place.name == "akili-tenant-reader" {
                object.data["roleRef"]["name"] = json!("admin");
            }
        }
        let steps = diff(&settings(), &tenant, &active, &observed);
        assert_eq!(names(&steps), ["replace RoleBinding akili-tenant-reader"]);
    }

    #[test]
    fn a_second_subject_is_drift() {
        let tenant = acme();
        let [active, ..] = all_states();
        let mut observed = cluster(&tenant, &active);
        for (place, object) in &mut observed.objects {
            if place.name == "akili-tenant-writer" {
                let intruder = json!({"kind": "Group", "name": "system:authenticated"});
                object.data["subjects"]
                    .as_array_mut()
                    .unwrap()
                    .push(intruder);
            }
        }
        let steps = diff(&settings(), &tenant, &active, &observed);
        assert_eq!(names(&steps), ["apply RoleBinding akili-tenant-writer"]);
    }

    #[test]
    fn a_quota_without_counts_is_awaited_and_after_ten_seconds_made_again() {
        let tenant = acme();
        let [active, ..] = all_states();
        let mut observed = cluster(&tenant, &active);
        let born = Timestamp::from_second(1_000).unwrap();
        let stale = quota(&mut observed, &tenant);
        stale.data["status"] = json!({});
        stale.metadata.creation_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(born));

        observed.at = Timestamp::from_second(1_009).unwrap();
        let steps = diff(&settings(), &tenant, &active, &observed);
        assert_eq!(steps, [Step::AwaitQuota]);

        observed.at = Timestamp::from_second(1_010).unwrap();
        let steps = diff(&settings(), &tenant, &active, &observed);
        assert_eq!(names(&steps), ["replace ResourceQuota akili"]);
    }
}
