//! A small Kubernetes API server: objects in memory, get, list, watch, create and merge patch.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// A server on a free port of this machine. Stops when dropped.
pub struct ApiServer {
    pub address: SocketAddr,
    contents: Arc<Mutex<Contents>>,
    _runtime: Runtime,
}

#[derive(Default)]
struct Contents {
    /// Objects by the path of their URL.
    objects: BTreeMap<String, Value>,
    /// Answers in place of the server's own, by method and path.
    answers: BTreeMap<(Method, String), Answer>,
    /// Objects that the next watch reports, by the path of the watched collection.
    changes: BTreeMap<String, Vec<Value>>,
    writes: Vec<String>,
}

#[derive(Clone)]
enum Answer {
    Status(Value),
    None,
}

impl ApiServer {
    pub fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let contents = Arc::<Mutex<Contents>>::default();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(contents.clone());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            contents,
            _runtime: runtime,
        }
    }

    pub fn put(&self, path: &str, object: Value) {
        lock(&self.contents).objects.insert(path.into(), object);
    }

    /// Answers such requests with a failure `Status`.
    pub fn refuse(&self, method: Method, path: &str, status: Value) {
        let answer = Answer::Status(status);
        lock(&self.contents)
            .answers
            .insert((method, path.into()), answer);
    }

    /// Never answers such requests.
    pub fn hang(&self, method: Method, path: &str) {
        lock(&self.contents)
            .answers
            .insert((method, path.into()), Answer::None);
    }

    /// Reports these objects to the next watch of this collection, one after the other.
    pub fn change(&self, collection: &str, objects: Vec<Value>) {
        lock(&self.contents)
            .changes
            .insert(collection.into(), objects);
    }

    /// Returns the writing requests since the last call.
    pub fn take_writes(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.contents).writes)
    }
}

/// Returns a failure `Status` as the API server sends it.
pub fn failure(code: u16, reason: &str, message: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "code": code, "reason": reason, "message": message,
    })
}

fn lock(contents: &Mutex<Contents>) -> MutexGuard<'_, Contents> {
    contents.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(
    State(contents): State<Arc<Mutex<Contents>>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Response {
    let path = uri.path().to_owned();
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let query: BTreeMap<_, _> = query.into_owned().collect();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let scripted = {
        let mut contents = lock(&contents);
        if method != Method::GET {
            contents.writes.push(format!("{method} {uri}\n{body:#}"));
        }
        contents
            .answers
            .get(&(method.clone(), path.clone()))
            .cloned()
    };
    match scripted {
        Some(Answer::Status(status)) => return reply(status),
        Some(Answer::None) => std::future::pending().await,
        None => {}
    }
    let mut contents = lock(&contents);
    let is_dry = query.contains_key("dryRun");
    if query.contains_key("watch") {
        return watch(contents.changes.remove(&path).unwrap_or_default());
    }
    match method.as_str() {
        "POST" => contents.create(&path, body, is_dry),
        "PATCH" => contents.patch(&path, &body, is_dry),
        _ => contents.get(&path, query.get("fieldSelector").map(String::as_str)),
    }
}

impl Contents {
    fn get(&self, path: &str, selector: Option<&str>) -> Response {
        if let Some(object) = self.objects.get(path) {
            return reply(object.clone());
        }
        let (parent, name) = path.rsplit_once('/').unwrap_or_default();
        if is_collection(path) {
            let wanted = selector.and_then(|it| it.strip_prefix("metadata.name="));
            let inside = self.objects.iter().filter(|(of, _)| {
                let name = of.strip_prefix(path).and_then(|it| it.strip_prefix('/'));
                name.is_some_and(|name| wanted.is_none_or(|wanted| wanted == name))
            });
            let items: Vec<&Value> = inside.map(|(_, object)| object).collect();
            return reply(json!({
                "apiVersion": "akili.io/v1alpha1", "kind": "List",
                "metadata": {"resourceVersion": "1"}, "items": items,
            }));
        }
        let message = format!("{} \"{name}\" not found", resource(parent));
        reply(failure(404, "NotFound", &message))
    }

    fn create(&mut self, path: &str, mut object: Value, is_dry: bool) -> Response {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let key = format!("{path}/{name}");
        if self.objects.contains_key(&key) {
            let message = format!("{} \"{name}\" already exists", resource(path));
            return reply(failure(409, "AlreadyExists", &message));
        }
        object["metadata"]["creationTimestamp"] = json!("2026-03-16T10:00:00Z");
        object["metadata"]["generation"] = json!(1);
        if !is_dry {
            self.objects.insert(key, object.clone());
        }
        (StatusCode::CREATED, object.to_string()).into_response()
    }

    fn patch(&mut self, path: &str, patch: &Value, is_dry: bool) -> Response {
        let Some(object) = self.objects.get(path) else {
            return self.get(path, None);
        };
        let mut object = object.clone();
        merge(&mut object, patch);
        let generation = object["metadata"]["generation"]
            .as_i64()
            .unwrap_or_default();
        object["metadata"]["generation"] = json!(generation + 1);
        if !is_dry {
            self.objects.insert(path.into(), object.clone());
        }
        reply(object)
    }
}

fn is_collection(path: &str) -> bool {
    ["/tenants", "/tenantquotas"]
        .iter()
        .any(|it| path.ends_with(it))
}

/// Returns the resource of a collection's path, with its group, such as `tenants.akili.io`.
fn resource(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    let group = if path.starts_with("/apis/") {
        ".akili.io"
    } else {
        ""
    };
    format!("{name}{group}")
}

fn merge(object: &mut Value, patch: &Value) {
    match patch {
        Value::Object(fields) if object.is_object() => {
            for (field, value) in fields {
                merge(&mut object[field], value);
            }
        }
        other => *object = other.clone(),
    }
}

fn reply(body: Value) -> Response {
    let code = body["code"].as_u64().and_then(|it| u16::try_from(it).ok());
    let code = code.and_then(|it| StatusCode::from_u16(it).ok());
    (code.unwrap_or(StatusCode::OK), body.to_string()).into_response()
}

fn watch(objects: Vec<Value>) -> Response {
    let events = objects.into_iter().map(|object| {
        let type_ = match object["metadata"]["deletionTimestamp"] {
            Value::Null => "MODIFIED",
            _ => "DELETED",
        };
        Ok::<_, Infallible>(format!("{}\n", json!({"type": type_, "object": object})))
    });
    let events = stream::iter(events.collect::<Vec<_>>()).chain(stream::pending());
    Body::from_stream(events).into_response()
}
