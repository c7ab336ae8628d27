//! `AdmissionReview`, version v1: what the API server asks, and what it is answered. Pure.

use akili_crds::Problem;
use akili_crds::admission::{Kind, Request};
use kube::core::Status;
use kube::core::response::{StatusCause, StatusDetails};
use serde::Deserialize;
use serde_json::{Value, json};

/// What the API server sends. The objects are taken as they are: their schema was not
/// looked at yet.
#[derive(Debug, Deserialize)]
pub struct Review {
    /// The request that it asks about.
    pub request: Asked,
}

/// A request that the API server asks about.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    uid: String,
    resource: Resource,
    #[serde(default)]
    namespace: String,
    /// Absent where the API server is to make one up.
    #[serde(default)]
    name: String,
    operation: Operation,
    #[serde(default)]
    object: Value,
    #[serde(default)]
    old_object: Value,
}

#[derive(Debug, Deserialize)]
struct Resource {
    resource: Plural,
}

/// The chart's rules send no others.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Plural {
    DataProducts,
    Connections,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
enum Operation {
    Create,
    Update,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It goes on.
    Allowed,
    /// It is refused.
    Refused(Problem),
    /// It can't be decided now, for this reason; so it doesn't go on either.
    Undecided(String),
}

impl Verdict {
    /// The word for it in metrics, from a closed list.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Allowed => "Allowed",
            Self::Refused(problem) => problem.type_.as_str(),
            Self::Undecided(_) => "Undecided",
        }
    }

    fn status(&self) -> Option<Status> {
        match self {
            Self::Allowed => None,
            Self::Refused(problem) => {
                let status = Status::failure(&problem.detail, problem.type_.as_str());
                let cause = StatusCause {
                    reason: problem.title.clone(),
                    message: problem.detail.clone(),
                    field: String::new(),
                };
                Some(
                    status
                        .with_code(problem.status)
                        .with_details(details(vec![cause])),
                )
            }
            Self::Undecided(why) => {
                let message = format!("this can't be decided now, try again: {why}");
                Some(Status::failure(&message, "ServiceUnavailable").with_code(503))
            }
        }
    }
}

/// Never with `retryAfterSeconds`: clients would ask again and again by themselves.
fn details(causes: Vec<StatusCause>) -> StatusDetails {
    StatusDetails {
        name: String::new(),
        group: String::new(),
        kind: String::new(),
        uid: String::new(),
        causes,
        retry_after_seconds: 0,
    }
}

impl Asked {
    /// The request, as the rules want it.
    pub fn request(&self) -> Request<'_> {
        Request {
            kind: match self.resource.resource {
                Plural::DataProducts => Kind::DataProduct,
                Plural::Connections => Kind::Connection,
            },
            namespace: &self.namespace,
            name: &self.name,
            object: &self.object,
            old: (self.operation == Operation::Update).then_some(&self.old_object),
        }
    }

    /// The answer to it. Nothing is ever changed in the object.
    pub fn answer(&self, verdict: &Verdict) -> Value {
        let mut response = json!({"uid": self.uid, "allowed": *verdict == Verdict::Allowed});
        if let Some(status) = verdict.status() {
            response["status"] = json!(status);
        }
        json!({
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "response": response,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(operation: &str, resource: &str) -> Result<Review, serde_json::Error> {
        serde_json::from_value(json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {
                "uid": "705ab4f5", "operation": operation,
                "resource": {"group": "akili.io", "version": "v1alpha1", "resource": resource},
                "namespace": "tenant-1", "name": "orders", "dryRun": true,
                "userInfo": {"username": "dev@acme-corp.com"},
                "object": {"spec": 7}, "oldObject": null,
            },
        }))
    }

    #[test]
    fn a_request_is_read_whatever_its_object_looks_like() {
        let review = asked("CREATE", "dataproducts").unwrap();
        let request = review.request.request();
        assert_eq!(
            (request.kind, request.namespace, request.name),
            (Kind::DataProduct, "tenant-1", "orders")
        );
        assert!(request.old.is_none());
        let review = asked("UPDATE", "connections").unwrap();
        assert!(review.request.request().old.is_some());
        for (operation, resource) in [("DELETE", "dataproducts"), ("CREATE", "pods")] {
            assert!(
                asked(operation, resource).is_err(),
                "{operation} {resource}"
            );
        }
    }

    #[test]
    fn a_problem_is_answered_with_all_that_a_client_needs() {
        let review = asked("CREATE", "dataproducts").unwrap();
        let problem = Problem::tenant_not_ready("acme");
        let detail = "Tenant 'acme' is being provisioned. Try again once it is ACTIVE.";
        assert_eq!(
            review.request.answer(&Verdict::Refused(problem)),
            json!({
                "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
                "response": {"uid": "705ab4f5", "allowed": false, "status": {
                    "status": "Failure", "code": 409, "reason": "TenantNotReady", "message": detail,
                    "details": {"causes": [{"reason": "Tenant not ready", "message": detail}]},
                }},
            })
        );
    }

    #[test]
    fn what_cannot_be_decided_is_not_let_in() {
        let review = asked("CREATE", "dataproducts").unwrap();
        let answer = review
            .request
            .answer(&Verdict::Undecided("timed out".into()));
        assert_eq!(answer["response"]["allowed"], false);
        assert_eq!(answer["response"]["status"]["code"], 503);
        let answer = review.request.answer(&Verdict::Allowed);
        assert_eq!(
            answer["response"],
            json!({"uid": "705ab4f5", "allowed": true})
        );
    }
}
