//! API server in memory, for tests: stores applied objects and records requests.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use crate::backend::fake::{Fault, Faults};

/// API server that stores objects by the path of their URL.
#[derive(Clone, Default)]
pub struct ApiServer(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Value>,
    requests: Vec<String>,
    faults: Arc<Faults>,
}

impl ApiServer {
    /// Creates a server whose writes, except those of events, fail as planned.
    pub fn failing(faults: &Arc<Faults>) -> Self {
        let server = Self::default();
        server.0.lock().unwrap().faults = faults.clone();
        server
    }

    /// Returns a client of the server.
    pub fn client(&self) -> Client {
        let server = self.clone();
        let service = tower::service_fn(move |request| {
            let server = server.clone();
            async move { Ok::<_, Infallible>(server.answer(request).await) }
        });
        Client::new(service, "default")
    }

    /// Stores an object.
    pub fn put(&self, path: &str, object: Value) {
        self.0.lock().unwrap().objects.insert(path.into(), object);
    }

    /// Removes the object at this path.
    pub fn remove(&self, path: &str) {
        self.0.lock().unwrap().objects.remove(path);
    }

    /// Returns the object at this path.
    pub fn get(&self, path: &str) -> Option<Value> {
        self.0.lock().unwrap().objects.get(path).cloned()
    }

    /// Returns all objects, by path.
    pub fn objects(&self) -> BTreeMap<String, Value> {
        self.0.lock().unwrap().objects.clone()
    }

    /// Returns the requests since the last call: method and path.
    pub fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().requests)
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let path = head.uri.path().to_owned();
        let (fault, (status, answer)) = {
            let mut state = self.0.lock().unwrap();
            state.requests.push(format!("{} {path}", head.method));
            let counts = head.method != Method::GET && !path.contains("/events");
            let fault = counts.then(|| state.faults.next()).flatten();
            let answer = match fault {
                None => state.handle(&head.method, &path, body),
                Some(fault) => {
                    if fault.takes_effect() {
                        state.handle(&head.method, &path, body);
                    }
                    busy()
                }
            };
            (fault, answer)
        };
        if !fault.is_none_or(Fault::is_answered) {
            std::future::pending::<()>().await;
        }
        let answer = Body::from(answer.to_string().into_bytes());
        Response::builder().status(status).body(answer).unwrap()
    }
}

impl State {
    fn handle(&mut self, method: &Method, path: &str, body: Value) -> (StatusCode, Value) {
        match *method {
            Method::GET => self.objects.get(path).map_or_else(not_found, ok),
            Method::DELETE => {
                let removed = self.objects.remove(path);
                if let Some(namespace) = path.strip_prefix("/api/v1") {
                    let content = format!("{namespace}/");
                    self.objects.retain(|path, _| !path.contains(&content));
                }
                removed.as_ref().map_or_else(not_found, ok)
            }
            Method::POST => {
                let name = body["metadata"]["name"].as_str().unwrap_or("event");
                self.objects.insert(format!("{path}/{name}"), body.clone());
                ok(&body)
            }
            _ => {
                let object_path = path.trim_end_matches("/status");
                let object = self.objects.entry(object_path.into()).or_default();
                merge(object, body);
                set_quota_usage(object);
                ok(object)
            }
        }
    }
}

fn ok(object: &Value) -> (StatusCode, Value) {
    (StatusCode::OK, object.clone())
}

fn not_found() -> (StatusCode, Value) {
    let status = json!({
        "kind": "Status", "status": "Failure", "reason": "NotFound", "message": "", "code": 404,
    });
    (StatusCode::NOT_FOUND, status)
}

fn busy() -> (StatusCode, Value) {
    let status = json!({
        "kind": "Status", "status": "Failure", "reason": "ServiceUnavailable",
        "message": "injected fault", "code": 503,
    });
    (StatusCode::SERVICE_UNAVAILABLE, status)
}

fn merge(object: &mut Value, patch: Value) {
    match (object, patch) {
        (Value::Object(object), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(object.entry(key).or_insert(Value::Null), value);
            }
        }
        (object, patch) => *object = patch,
    }
}

/// Sets the usage of a quota, as the controller manager does.
fn set_quota_usage(object: &mut Value) {
    if object["kind"] == "ResourceQuota" {
        object["status"]["used"] = object["spec"]["hard"].clone();
    }
}
