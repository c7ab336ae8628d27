//! What a refusal of the API server means: the webhook's, or that of what stands behind it.

use kube::core::Status;

use super::{Problem, ProblemType};
use crate::Phase;
use crate::quota::Violation;

impl Problem {
    /// The problem that an answer to a request in a tenant's namespace speaks of, if it
    /// speaks of one. `slug` and `phase` are the tenant's.
    pub fn of_answer(answer: &Status, slug: &str, phase: Phase) -> Option<Self> {
        of_webhook(answer).or_else(|| {
            let forbidden = answer.code == 403;
            let backstop = || of_policy(answer, slug).or_else(|| of_quota(answer, slug));
            let state = || of_authorization(answer, slug, phase);
            forbidden.then(|| backstop().or_else(state)).flatten()
        })
    }
}

/// The webhook says all of it itself.
fn of_webhook(answer: &Status) -> Option<Problem> {
    let mut types = ProblemType::ALL.into_iter();
    let type_ = types.find(|it| it.as_str() == answer.reason && it.status() == answer.code)?;
    let cause = answer.details.as_ref()?.causes.first()?;
    Some(Problem::new(type_, &cause.reason, cause.message.clone()))
}

/// The ValidatingAdmissionPolicy `akili-state` begins its message with the type.
fn of_policy(answer: &Status, slug: &str) -> Option<Problem> {
    let (_, said) = answer
        .message
        .split_once("'akili-state' denied request: ")?;
    let (type_, _) = said.split_once(": ")?;
    let mut states = [Phase::Provisioning, Phase::Suspended, Phase::Archived].into_iter();
    states.find_map(|state| of_state(slug, state).filter(|it| it.type_.as_str() == type_))
}

/// The namespace's ResourceQuota names what it counts.
fn of_quota(answer: &Status, slug: &str) -> Option<Problem> {
    let (_, said) = answer.message.split_once("exceeded quota: ")?;
    let count = |list: &str, counted: &str| -> Option<i64> {
        let (_, list) = said.split_once(list)?;
        let (list, _) = list.split_once(", limited: ").unwrap_or((list, ""));
        let mut items = list.split(',');
        let item = items.find_map(|item| item.strip_prefix(counted));
        item?.strip_prefix('=')?.parse().ok()
    };
    let both = |counted| Some((count("used: ", counted)?, count("limited: ", counted)?));
    let products = both("count/dataproducts.akili.io");
    let violation = products.map(|(used, limit)| Violation::Products { used, limit });
    let violation = violation.or_else(|| {
        let (used, limit) = both("count/connections.akili.io")?;
        Some(Violation::Connections { used, limit })
    });
    Some(Problem::quota_exceeded(slug, &violation?))
}

/// A tenant that isn't ACTIVE lacks the role that the request needs.
fn of_authorization(answer: &Status, slug: &str, phase: Phase) -> Option<Problem> {
    let by_roles = answer.message.contains("is forbidden: User ");
    by_roles.then(|| of_state(slug, phase)).flatten()
}

fn of_state(slug: &str, phase: Phase) -> Option<Problem> {
    match phase {
        Phase::Provisioning => Some(Problem::tenant_not_ready(slug)),
        Phase::Active => None,
        Phase::Suspended => Some(Problem::tenant_suspended(slug)),
        Phase::Archived => Some(Problem::tenant_archived(slug)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// As the API server has answered.
    fn answer(code: u16, reason: &str, message: &str, details: Value) -> Status {
        serde_json::from_value(json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "code": code, "reason": reason, "message": message, "details": details,
        }))
        .unwrap()
    }

    fn forbidden(message: &str) -> Status {
        let details = json!({"name": "orders", "group": "akili.io", "kind": "dataproducts"});
        answer(403, "Forbidden", message, details)
    }

    #[test]
    fn every_refusal_becomes_the_document_of_its_problem() {
        let limit = "Tenant 'acme-corp' has 100/100 products. Delete existing products or request a quota increase.";
        let reached = json!({
            "type": "QuotaExceeded", "title": "Product limit reached", "status": 429, "detail": limit,
        });
        let by_webhook = answer(
            429,
            "QuotaExceeded",
            &format!("admission webhook \"admission.akili.io\" denied the request: {limit}"),
            json!({"causes": [{"reason": "Product limit reached", "message": limit}]}),
        );
        let by_quota = forbidden(
            "dataproducts.akili.io \"orders\" is forbidden: exceeded quota: akili, requested: \
             count/dataproducts.akili.io=1, used: count/dataproducts.akili.io=100, limited: \
             count/dataproducts.akili.io=100",
        );
        let suspended = json!(Problem::tenant_suspended("acme-corp"));
        let by_policy = forbidden(
            "dataproducts.akili.io \"orders\" is forbidden: ValidatingAdmissionPolicy \
             'akili-state' with binding 'akili-state' denied request: TenantSuspended: Tenant \
             'acme-corp' is suspended: what it has can be read and not changed. Ask an \
             administrator to reactivate it.",
        );
        let by_roles = forbidden(
            "dataproducts.akili.io \"orders\" is forbidden: User \"dev@acme-corp.com\" cannot \
             delete resource \"dataproducts\" in API group \"akili.io\" in the namespace \
             \"tenant-550e8400-e29b-41d4-a716-446655440000\"",
        );
        let archived = json!(Problem::tenant_archived("acme-corp"));
        for (answer, phase, document, reason) in [
            (&by_webhook, Phase::Active, &reached, "the webhook's own"),
            (&by_quota, Phase::Active, &reached, "a burst that passed it"),
            (&by_policy, Phase::Suspended, &suspended, "without webhook"),
            (&by_roles, Phase::Suspended, &suspended, "no writer"),
            (&by_roles, Phase::Archived, &archived, "no role at all"),
        ] {
            let problem = Problem::of_answer(answer, "acme-corp", phase);
            assert_eq!(json!(problem), *document, "{reason}");
        }
    }

    #[test]
    fn both_counts_are_read_of_the_kind_that_is_refused() {
        let by_quota = forbidden(
            "connections.akili.io \"db\" is forbidden: exceeded quota: akili, requested: \
             count/connections.akili.io=1, used: count/connections.akili.io=21, limited: \
             count/connections.akili.io=20",
        );
        let problem = Problem::of_answer(&by_quota, "acme-corp", Phase::Active).unwrap();
        assert_eq!(
            problem.detail,
            "Tenant 'acme-corp' has 21/20 connections. Delete existing connections or request a \
             quota increase."
        );
    }

    #[test]
    fn other_answers_are_left_as_they_are() {
        let denied = "dataproducts.akili.io is forbidden: User \"eve\" cannot create resource \
                      \"dataproducts\" in API group \"akili.io\" in the namespace \"x\"";
        for (answer, reason) in [
            (forbidden(denied), "an active tenant's user without rights"),
            (
                forbidden(
                    "status unknown for quota: akili, resources: count/dataproducts.akili.io",
                ),
                "nothing is counted yet",
            ),
            (
                answer(409, "AlreadyExists", "\"orders\" already exists", json!({})),
                "the API server's own words",
            ),
            (
                answer(429, "TooManyRequests", "too many requests", json!({})),
                "the API server is busy",
            ),
        ] {
            let problem = Problem::of_answer(&answer, "acme-corp", Phase::Active);
            assert_eq!(problem, None, "{reason}");
        }
    }
}
