//! Requests to the API server as an admin, without a `kubectl` process per request.

use std::sync::{Mutex, PoisonError, mpsc};

use anyhow::{Context, Result, bail, ensure};
use futures::future::BoxFuture;
use http::{Method, Request};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use super::Platform;

/// Kinds that scenarios use: kind, resource and path of the API group.
const KINDS: [(&str, &str, &str); 20] = [
    ("Tenant", "tenants", "/apis/akili.io/v1alpha1"),
    ("TenantQuota", "tenantquotas", "/apis/akili.io/v1alpha1"),
    ("Connection", "connections", "/apis/akili.io/v1alpha1"),
    ("DataProduct", "dataproducts", "/apis/akili.io/v1alpha1"),
    ("ConfigMap", "configmaps", "/api/v1"),
    ("Event", "events", "/api/v1"),
    ("LimitRange", "limitranges", "/api/v1"),
    ("Namespace", "namespaces", "/api/v1"),
    ("Pod", "pods", "/api/v1"),
    ("ResourceQuota", "resourcequotas", "/api/v1"),
    ("Secret", "secrets", "/api/v1"),
    ("ServiceAccount", "serviceaccounts", "/api/v1"),
    ("Deployment", "deployments", "/apis/apps/v1"),
    ("Lease", "leases", "/apis/coordination.k8s.io/v1"),
    (
        "NetworkPolicy",
        "networkpolicies",
        "/apis/networking.k8s.io/v1",
    ),
    (
        "RoleBinding",
        "rolebindings",
        "/apis/rbac.authorization.k8s.io/v1",
    ),
    (
        "ClusterRole",
        "clusterroles",
        "/apis/rbac.authorization.k8s.io/v1",
    ),
    (
        "ClusterRoleBinding",
        "clusterrolebindings",
        "/apis/rbac.authorization.k8s.io/v1",
    ),
    (
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
        "/apis/admissionregistration.k8s.io/v1",
    ),
    (
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
        "/apis/admissionregistration.k8s.io/v1",
    ),
];

/// Content types of the requests that change an object.
const MERGE: &str = "application/merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

/// Client, and the runtime of its connections. Scenarios have runtimes of their own, which
/// can't block on a future.
static API: Mutex<Option<(Runtime, Client)>> = Mutex::new(None);

/// Response of the API server.
struct Answer {
    code: u16,
    body: String,
}

impl Platform {
    /// Returns an object, if it exists. The namespace of a cluster-scoped object is empty.
    pub fn find(&self, kind: &str, namespace: &str, name: &str) -> Result<Option<Value>> {
        let uri = path(kind, namespace, name)?;
        let answer = self.ask(Method::GET, &uri, "", String::new())?;
        if answer.code == 404 {
            return Ok(None);
        }
        answer.json(&uri).map(Some)
    }

    /// Returns an object.
    ///
    /// # Errors
    /// If the object doesn't exist.
    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Result<Value> {
        let found = self.find(kind, namespace, name)?;
        found.with_context(|| format!("there is no {kind} {namespace}/{name}"))
    }

    /// Returns a field of an object, such as `.status.phase`; see [`text_at`].
    pub fn field(&self, kind: &str, namespace: &str, name: &str, place: &str) -> Result<String> {
        Ok(text_at(&self.get(kind, namespace, name)?, place))
    }

    /// Returns the objects selected by a query such as `labelSelector=a=b`; of all
    /// namespaces if the namespace is empty.
    pub fn list(&self, kind: &str, namespace: &str, query: &str) -> Result<Vec<Value>> {
        let uri = format!("{}?{query}", path(kind, namespace, "")?);
        let mut answer = self.ask(Method::GET, &uri, "", String::new())?.json(&uri)?;
        match answer["items"].take() {
            Value::Array(items) => Ok(items),
            _ => bail!("{uri} is no list"),
        }
    }

    /// Changes an object by a merge patch.
    pub fn patch(&self, kind: &str, namespace: &str, name: &str, patch: &Value) -> Result<Value> {
        let uri = path(kind, namespace, name)?;
        self.ask(Method::PATCH, &uri, MERGE, patch.to_string())?
            .json(&uri)
    }

    /// Deletes an object without a grace period, if it exists; returns at once.
    pub fn delete_now(&self, kind: &str, namespace: &str, name: &str) -> Result<()> {
        let uri = path(kind, namespace, name)?;
        let now = json!({"gracePeriodSeconds": 0}).to_string();
        let answer = self.ask(Method::DELETE, &uri, "application/json", now)?;
        if answer.code == 404 {
            return Ok(());
        }
        answer.json(&uri).map(drop)
    }

    /// Applies the objects of one or more YAML documents as an admin, on the server's side.
    pub fn apply(&self, yaml: &str) -> Result<()> {
        let documents: Vec<Value> = serde_saphyr::from_multiple(yaml)?;
        let objects = documents.into_iter().flat_map(|mut document| {
            match document.get_mut("items").map(Value::take) {
                Some(Value::Array(items)) => items,
                _ => vec![document],
            }
        });
        objects.into_iter().try_for_each(|object| {
            let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let metadata = &object["metadata"];
            let (namespace, name) = (word(&metadata["namespace"]), word(&metadata["name"]));
            let uri = path(&word(&object["kind"]), &namespace, &name)?;
            let apply = format!("{uri}?fieldManager=scenarios&force=true");
            let answer = self.ask(Method::PATCH, &apply, APPLY, object.to_string())?;
            answer.json(&uri).map(drop)
        })
    }

    /// Returns the response to a GET of this path, as text.
    pub fn raw(&self, path: &str) -> Result<String> {
        let answer = self.ask(Method::GET, path, "", String::new())?;
        let Answer { code, body } = answer;
        ensure!((200..300).contains(&code), "{path}: {code} {body}");
        Ok(body)
    }

    fn ask(&self, method: Method, uri: &str, type_: &str, body: String) -> Result<Answer> {
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header("content-type", type_)
            .body(Body::from(body.into_bytes()))?;
        let uri = uri.to_owned();
        self.wait_for(|client| {
            Box::pin(async move {
                let answer = client.send(request).await.context(uri)?;
                let (head, body) = answer.into_parts();
                Ok(Answer {
                    code: head.status.as_u16(),
                    body: String::from_utf8_lossy(&body.collect_bytes().await?).into_owned(),
                })
            })
        })
    }

    /// Runs a request in the client's runtime and blocks until its response.
    pub(super) fn wait_for<T: Send + 'static>(
        &self,
        ask: impl FnOnce(Client) -> BoxFuture<'static, Result<T>>,
    ) -> Result<T> {
        let (send, receive) = mpsc::channel();
        {
            let mut api = API.lock().unwrap_or_else(PoisonError::into_inner);
            if api.is_none() {
                *api = Some(connect(self.testbed.clone())?);
            }
            let (runtime, client) = api.as_ref().context("no client")?;
            let answer = ask(client.clone());
            runtime.spawn(async move {
                // The receiver below waits for the response.
                let _ = send.send(answer.await);
            });
        }
        receive.recv().context("no answer")?
    }
}

/// Creates a client in a runtime of its own, which runs in another thread.
fn connect(testbed: akili_testbed::Testbed) -> Result<(Runtime, Client)> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let (send, receive) = mpsc::channel();
    runtime.spawn(async move {
        let _ = send.send(testbed.another_admin().await);
    });
    let client = receive.recv().context("no client")??;
    Ok((runtime, client))
}

impl Answer {
    fn json(&self, uri: &str) -> Result<Value> {
        let value: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let said = value["message"].as_str().unwrap_or(&self.body);
        ensure!(
            (200..300).contains(&self.code),
            "{uri}: {} {said}",
            self.code
        );
        Ok(value)
    }
}

/// Returns the path of an object, or of all objects of a kind if the name is empty. The
/// kind is given by its name or its resource.
fn path(kind: &str, namespace: &str, name: &str) -> Result<String> {
    let same = |(it, plural, _): &&(&str, &str, &str)| {
        it.eq_ignore_ascii_case(kind) || plural.eq_ignore_ascii_case(kind)
    };
    let found = KINDS.iter().find(same);
    let (_, plural, group) = found.with_context(|| format!("where is a {kind}?"))?;
    let namespace = match namespace {
        "" => String::new(),
        namespace => format!("/namespaces/{namespace}"),
    };
    let name = match name {
        "" => String::new(),
        name => format!("/{name}"),
    };
    Ok(format!("{group}{namespace}/{plural}{name}"))
}

/// Returns the text at a place, in the syntax of kubectl's JSONPath: fields, and elements
/// by number or by type as in `.status.conditions[?(@.type=="Ready")].reason`. A missing
/// field is an empty text.
pub fn text_at(value: &Value, place: &str) -> String {
    let found = steps(place)
        .iter()
        .try_fold(value, |value, step| at(value, step));
    match found {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn at<'a>(value: &'a Value, step: &str) -> Option<&'a Value> {
    match value {
        Value::Array(elements) => match step.parse::<usize>() {
            Ok(index) => elements.get(index),
            Err(_) => elements.iter().find(|element| element["type"] == step),
        },
        other => other.get(step),
    }
}

fn steps(place: &str) -> Vec<String> {
    let mut steps = vec![String::new()];
    let mut rest = place;
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        match (character, steps.last_mut()) {
            ('[', _) => {
                let (inside, after) = rest.split_once(']').unwrap_or((rest, ""));
                let type_ = inside.strip_prefix("?(@.type==\"");
                let type_ = type_.and_then(|it| it.strip_suffix("\")"));
                steps.push(type_.unwrap_or(inside).to_owned());
                rest = after;
            }
            ('.', _) => steps.push(String::new()),
            // A dot in a name is written `\.`.
            ('\\', Some(step)) if rest.starts_with('.') => {
                step.push('.');
                rest = &rest[1..];
            }
            (other, Some(step)) => step.push(other),
            (_, None) => {}
        }
    }
    steps.retain(|step| !step.is_empty());
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_at_finds_fields_elements_and_dotted_names() {
        let object = json!({
            "status": {"conditions": [{"type": "Ready", "reason": "Reached"}], "phase": "ACTIVE"},
            "data": {"tls.crt": "pem"},
            "count": 3,
        });
        for (place, text) in [
            (".status.phase", "ACTIVE"),
            (".status.conditions[?(@.type==\"Ready\")].reason", "Reached"),
            (".status.conditions[0].type", "Ready"),
            (".status.conditions[?(@.type==\"Stalled\")].reason", ""),
            (".data.tls\\.crt", "pem"),
            (".count", "3"),
            (".nothing.there", ""),
        ] {
            assert_eq!(text_at(&object, place), text, "{place}");
        }
    }
}
