//! Problem documents from answers of the API server. Pure.

use akili_crds::quantity;
use akili_crds::quota::{Excess, Limit};
use akili_crds::{Phase, Problem, ProblemType, Tenant, lifecycle};
use kube::ResourceExt;
use kube::core::Status;

/// Returns the problem in an answer about an object of the tenant `slug`, or None if the platform
/// did not reject the request. A rejection by RBAC is explained by the tenant's state, if its
/// Tenant is known.
pub fn problem(answer: &Status, slug: &str, tenant: Option<&Tenant>) -> Option<Problem> {
    of_webhook(answer)
        .or_else(|| of_policy(answer, slug))
        .or_else(|| of_resource_quota(answer, slug))
        .or_else(|| of_rbac(answer, tenant?))
}

/// The webhook's answer holds the whole problem.
fn of_webhook(answer: &Status) -> Option<Problem> {
    let mut types = ProblemType::ALL.into_iter();
    let type_ = types.find(|type_| type_.as_str() == answer.reason)?;
    let cause = answer.details.as_ref()?.causes.first()?;
    Some(Problem::new(type_, &cause.reason, cause.message.clone()))
}

/// The policy behind the webhook names the type of the problem.
fn of_policy(answer: &Status, slug: &str) -> Option<Problem> {
    let (_, said) = answer.message.split_once("denied request: ")?;
    match said.split_once(": ")?.0 {
        "TenantNotReady" => Some(Problem::tenant_not_ready(slug)),
        "TenantSuspended" => Some(Problem::tenant_suspended(slug)),
        "TenantArchived" => Some(Problem::tenant_archived(slug)),
        _ => None,
    }
}

/// The namespace's ResourceQuota names usage and limit.
fn of_resource_quota<'a>(answer: &'a Status, slug: &str) -> Option<Problem> {
    let (_, said) = answer.message.split_once("exceeded quota: akili, ")?;
    let (said, limits) = said.split_once(", limited: ")?;
    let (_, used) = said.split_once(", used: ")?;
    let amount = |amounts: &'a str, what: &str| {
        let mut amounts = amounts.split(',');
        amounts.find_map(|it| it.strip_prefix(what))
    };
    let counts = [
        (Limit::Products, "count/dataproducts.akili.io="),
        (Limit::Connections, "count/connections.akili.io="),
    ];
    let excess = counts.into_iter().find_map(|(limit, what)| {
        Some(Excess {
            limit,
            used: quantity::parse(amount(used, what)?)?,
            max: quantity::parse_whole(amount(limits, what)?)?,
        })
    })?;
    Some(Problem::quota_exceeded(slug, &excess))
}

/// RBAC gives no reason; the tenant's state is the reason.
fn of_rbac(answer: &Status, tenant: &Tenant) -> Option<Problem> {
    let is_bare = answer.code == 403 && answer.message.contains(" is forbidden: User ");
    let slug = &tenant.name_any();
    match lifecycle::effective(tenant.spec.state, tenant.phase()) {
        _ if !is_bare => None,
        Phase::Active => None,
        Phase::Provisioning => Some(Problem::tenant_not_ready(slug)),
        Phase::Suspended => Some(Problem::tenant_suspended(slug)),
        Phase::Archived => Some(Problem::tenant_archived(slug)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// Returns a `Status` as the API server sends it.
    fn answer(code: u16, reason: &str, message: &str, causes: &Value) -> Status {
        serde_json::from_value(json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "code": code, "reason": reason, "message": message,
            "details": {"causes": causes},
        }))
        .unwrap()
    }

    fn forbidden(message: &str) -> Status {
        answer(403, "Forbidden", message, &json!([]))
    }

    fn tenant(state: &str, phase: &str) -> Tenant {
        serde_json::from_value(json!({
            "apiVersion": "akili.io/v1alpha1", "kind": "Tenant",
            "metadata": {"name": "acme-corp"},
            "spec": {"displayName": "Acme", "state": state}, "status": {"phase": phase},
        }))
        .unwrap()
    }

    #[test]
    fn webhook_429_is_the_documented_problem() {
        let detail = "Tenant 'acme-corp' has 100/100 products. Delete existing products or \
                      request a quota increase.";
        let said = format!("admission webhook \"admission.akili.io\" denied the request: {detail}");
        let causes = json!([{"reason": "Product limit reached", "message": detail}]);
        let answer = answer(429, "QuotaExceeded", &said, &causes);
        let document = json!(problem(&answer, "acme-corp", None));
        assert_eq!(
            document,
            json!({
                "type": "QuotaExceeded", "title": "Product limit reached", "status": 429,
                "detail": detail,
            })
        );
    }

    #[test]
    fn resource_quota_403_is_the_same_problem() {
        for (what, used, title, detail) in [
            (
                "dataproducts",
                "100",
                "Product limit reached",
                "Tenant 'acme-corp' has 100/100 products. Delete existing products or request a quota increase.",
            ),
            (
                "connections",
                "2k",
                "Connection limit reached",
                "Tenant 'acme-corp' has 2000/2000 connections. Delete existing connections or request a quota increase.",
            ),
        ] {
            let answer = forbidden(&format!(
                "{what}.akili.io \"one-more\" is forbidden: exceeded quota: akili, requested: \
                 count/{what}.akili.io=1, used: count/{what}.akili.io={used}, limited: \
                 count/{what}.akili.io={used}"
            ));
            let problem = problem(&answer, "acme-corp", None).unwrap();
            assert_eq!((problem.status, problem.title.as_str()), (429, title));
            assert_eq!(problem.detail, detail);
        }
    }

    #[test]
    fn policy_403_is_the_state_that_it_names() {
        for (word, type_) in [
            ("TenantSuspended", ProblemType::TenantSuspended),
            ("TenantArchived", ProblemType::TenantArchived),
            ("TenantNotReady", ProblemType::TenantNotReady),
        ] {
            let answer = forbidden(&format!(
                "dataproducts.akili.io \"orders\" is forbidden: ValidatingAdmissionPolicy \
                 'akili-state' with binding 'akili-state' denied request: {word}: Tenant …"
            ));
            let problem = problem(&answer, "acme-corp", None).unwrap();
            assert_eq!(problem.type_, type_);
            assert!(problem.detail.starts_with("Tenant 'acme-corp' is "));
        }
    }

    #[test]
    fn rbac_403_is_explained_by_the_tenants_state() {
        let bare = "dataproducts.akili.io is forbidden: User \"dev@acme-corp.com\" cannot create \
                    resource \"dataproducts\" in API group \"akili.io\" in the namespace \
                    \"tenant-550e8400-e29b-41d4-a716-446655440000\"";
        for (state, phase, expected) in [
            ("Archived", "ARCHIVED", Some(ProblemType::TenantArchived)),
            ("Archived", "ACTIVE", Some(ProblemType::TenantArchived)),
            ("Suspended", "SUSPENDED", Some(ProblemType::TenantSuspended)),
            ("Active", "PROVISIONING", Some(ProblemType::TenantNotReady)),
            ("Active", "ACTIVE", None),
        ] {
            let tenant = tenant(state, phase);
            let problem = problem(&forbidden(bare), "acme-corp", Some(&tenant));
            assert_eq!(problem.map(|problem| problem.type_), expected, "{state}");
        }
        assert_eq!(problem(&forbidden(bare), "acme-corp", None), None);
    }

    #[test]
    fn answer_not_of_the_platform_is_no_problem() {
        for answer in [
            answer(
                409,
                "AlreadyExists",
                "tenants.akili.io \"acme\" already exists",
                &json!([]),
            ),
            answer(
                422,
                "Invalid",
                "spec: no",
                &json!([{"reason": "FieldValueInvalid"}]),
            ),
            forbidden("pods \"x\" is forbidden: exceeded quota: other, requested: pods=1"),
            forbidden(
                "namespaces \"x\" is forbidden: ValidatingAdmissionPolicy 'x' with binding 'x' denied request: no",
            ),
        ] {
            let archived = tenant("Archived", "ARCHIVED");
            assert_eq!(
                problem(&answer, "acme-corp", Some(&archived)),
                None,
                "{answer:?}"
            );
        }
    }
}
