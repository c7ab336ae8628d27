//! `AdmissionReview`: reads what the API server asks and builds the answer. Pure.

use akili_crds::Problem;
use akili_crds::admission::{Kind, Request};
use kube::core::admission::{AdmissionRequest, AdmissionResponse, AdmissionReview, Operation};
use kube::core::response::{StatusCause, StatusDetails};
use kube::core::{DynamicObject, Status};
use serde_json::Value;

/// A request for a product or a connection that the API server asks about.
pub struct Question {
    asked: AdmissionRequest<DynamicObject>,
    kind: Kind,
    object: Value,
    old: Option<Value>,
}

/// The decision about a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Allowed,
    Refused(Problem),
    /// The facts couldn't be read, for this reason: the request is rejected and can be retried.
    Undecided(String),
}

impl Verdict {
    /// Returns the verdict as a metric's label, from a closed list.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Allowed => "Allowed",
            Self::Refused(problem) => problem.type_.as_str(),
            Self::Undecided(_) => "Undecided",
        }
    }

    fn status(&self) -> Status {
        match self {
            Self::Allowed => Status::default(),
            Self::Refused(problem) => {
                let status = Status::failure(&problem.detail, problem.type_.as_str());
                let cause = StatusCause {
                    reason: problem.title.clone(),
                    message: problem.detail.clone(),
                    field: String::new(),
                };
                status
                    .with_code(problem.status)
                    .with_details(details(vec![cause]))
            }
            Self::Undecided(why) => {
                let message = format!("the request can't be decided now, try again: {why}");
                Status::failure(&message, "ServiceUnavailable").with_code(503)
            }
        }
    }
}

/// Never sets `retryAfterSeconds`: clients would retry in a loop by themselves.
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

impl Question {
    /// Reads an `AdmissionReview` of a product or a connection that is created or updated. The
    /// chart's rules send no others. Nothing in the spec is read here: its schema wasn't validated
    /// yet.
    ///
    /// # Errors
    /// A text that says what else the body is.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let review: AdmissionReview<DynamicObject> =
            serde_json::from_slice(body).map_err(|error| error.to_string())?;
        // Keeps the version of the question, which the answer must have too.
        let asked: AdmissionRequest<_> = review.try_into().map_err(|_| "it has no request")?;
        let kind = match asked.resource.resource.as_str() {
            "dataproducts" => Kind::DataProduct,
            "connections" => Kind::Connection,
            other => return Err(format!("it asks about {other}")),
        };
        let value = |object: &Option<DynamicObject>| {
            serde_json::to_value(object).map_err(|error| error.to_string())
        };
        let old = match asked.operation {
            Operation::Create => None,
            Operation::Update => Some(value(&asked.old_object)?),
            Operation::Delete | Operation::Connect => {
                return Err(format!("its operation is {:?}", asked.operation));
            }
        };
        Ok(Self {
            object: value(&asked.object)?,
            old,
            kind,
            asked,
        })
    }

    /// Returns the request in the form that the rules take. The name is empty where the API server
    /// will generate one.
    pub fn request(&self) -> Request<'_> {
        Request {
            kind: self.kind,
            namespace: self.asked.namespace.as_deref().unwrap_or_default(),
            name: &self.asked.name,
            object: &self.object,
            old: self.old.as_ref(),
        }
    }

    /// Builds the answer. The object is never changed.
    pub fn answer(&self, verdict: &Verdict) -> AdmissionReview<DynamicObject> {
        let mut response = AdmissionResponse::from(&self.asked);
        response.allowed = *verdict == Verdict::Allowed;
        response.result = verdict.status();
        response.into_review()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn question(operation: &str, resource: &str) -> Result<Question, String> {
        let review = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {
                "uid": "705ab4f5", "operation": operation,
                "kind": {"group": "akili.io", "version": "v1alpha1", "kind": "DataProduct"},
                "resource": {"group": "akili.io", "version": "v1alpha1", "resource": resource},
                "namespace": "tenant-1", "name": "orders", "dryRun": true,
                "userInfo": {"username": "dev@acme-corp.com"},
                "object": {"spec": 7, "metadata": {"deletionTimestamp": "2026-03-16T10:00:00Z"}},
                "oldObject": null,
            },
        });
        Question::read(review.to_string().as_bytes())
    }

    fn answer(verdict: &Verdict) -> Value {
        let question = question("CREATE", "dataproducts").unwrap();
        serde_json::to_value(question.answer(verdict)).unwrap()
    }

    #[test]
    fn question_is_read_with_an_object_of_any_spec() {
        let created = question("CREATE", "dataproducts").unwrap();
        let request = created.request();
        assert_eq!(
            (request.kind, request.namespace, request.name),
            (Kind::DataProduct, "tenant-1", "orders")
        );
        assert!(request.old.is_none());
        assert_eq!(request.object["spec"], 7);
        assert!(request.object["metadata"]["deletionTimestamp"].is_string());
        let updated = question("UPDATE", "connections").unwrap();
        assert!(updated.request().old.is_some());
        for (operation, resource) in [("DELETE", "dataproducts"), ("CREATE", "pods")] {
            assert!(
                question(operation, resource).is_err(),
                "{operation} {resource}"
            );
        }
    }

    #[test]
    fn answer_with_a_problem_has_everything_a_client_needs() {
        let problem = Problem::tenant_not_ready("acme");
        let detail = problem.detail.clone();
        let title = problem.title.clone();
        assert_eq!(
            answer(&Verdict::Refused(problem)),
            json!({
                "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
                "response": {"uid": "705ab4f5", "allowed": false, "status": {
                    "status": "Failure", "code": 409, "reason": "TenantNotReady", "message": detail,
                    "details": {"causes": [{"reason": title, "message": detail}]},
                }},
            })
        );
    }

    #[test]
    fn answer_rejects_what_could_not_be_decided() {
        let undecided = answer(&Verdict::Undecided("timed out".into()));
        assert_eq!(undecided["response"]["allowed"], false);
        assert_eq!(undecided["response"]["status"]["code"], 503);
        let allowed = answer(&Verdict::Allowed);
        assert_eq!(
            allowed["response"],
            json!({"uid": "705ab4f5", "allowed": true, "status": {}})
        );
    }
}
