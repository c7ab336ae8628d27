//! Runs the built `akili` against an API server and shows all that it did.

use std::fmt::Write;
use std::fs;
use std::process::{Command, Output, Stdio};

use axum::http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api_server::{ApiServer, failure};

pub const ID: &str = "550e8400-e29b-41d4-a716-446655440000";
pub const NAMESPACE: &str = "tenant-550e8400-e29b-41d4-a716-446655440000";

const GROUP: &str = "/apis/akili.io/v1alpha1";

/// `akili` with a kubeconfig of its own and the API server that it names.
pub struct Akili {
    pub server: ApiServer,
    home: TempDir,
}

impl Akili {
    /// Starts with these objects in the API server.
    pub fn with(objects: impl IntoIterator<Item = Value>) -> Self {
        let akili = Self {
            server: ApiServer::start(),
            home: tempfile::tempdir().unwrap(),
        };
        for object in objects {
            akili.server.put(&path(&object), object);
        }
        let server = format!("http://{}", akili.server.address);
        akili.configure(&server, NAMESPACE);
        akili
    }

    /// Writes the kubeconfig.
    pub fn configure(&self, server: &str, namespace: &str) {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "akili",
            "clusters": [{"name": "akili", "cluster": {"server": server}}],
            "users": [{"name": "dev", "user": {"token": "secret"}}],
            "contexts": [{"name": "akili", "context": {
                "cluster": "akili", "user": "dev", "namespace": namespace,
            }}],
        });
        fs::write(self.home.path().join("config"), config.to_string()).unwrap();
    }

    /// Removes the kubeconfig.
    pub fn forget_cluster(&self) {
        fs::remove_file(self.home.path().join("config")).unwrap();
    }

    /// Answers such requests with a failure of this code and reason.
    pub fn refuse(
        self,
        method: Method,
        path: &str,
        code: u16,
        reason: &str,
        message: &str,
    ) -> Self {
        let path = format!("{GROUP}/{path}");
        self.server
            .refuse(method, &path, failure(code, reason, message));
        self
    }

    /// Answers such requests as the admission webhook does.
    pub fn deny(self, path: &str, code: u16, reason: &str, title: &str, detail: &str) -> Self {
        let message =
            format!("admission webhook \"admission.akili.io\" denied the request: {detail}");
        let mut status = failure(code, reason, &message);
        status["details"] = json!({"causes": [{"reason": title, "message": detail}]});
        let path = format!("{GROUP}/namespaces/{NAMESPACE}/{path}");
        self.server.refuse(Method::POST, &path, status);
        self
    }

    /// Reports these objects to the next watch on tenants.
    pub fn change(self, objects: impl IntoIterator<Item = Value>) -> Self {
        let tenants = format!("{GROUP}/tenants");
        self.server.change(&tenants, objects.into_iter().collect());
        self
    }

    /// Never answers lists and watches of tenants.
    pub fn hang(self) -> Self {
        self.server.hang(Method::GET, &format!("{GROUP}/tenants"));
        self
    }

    /// Runs `akili` and returns the command, stdout, stderr, the exit code and the writing
    /// requests that the API server received.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        let mut shown = format!("$ akili {}\n", quoted(arguments));
        for (title, text) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            let text = String::from_utf8_lossy(text);
            if !text.is_empty() {
                let text = text
                    .replace(&self.server.address.to_string(), "ADDRESS")
                    .replace(&*self.home.path().to_string_lossy(), "HOME");
                writeln!(shown, "--- {title}\n{}", text.trim_end()).unwrap();
            }
        }
        for write in self.server.take_writes() {
            writeln!(shown, "--- request\n{write}").unwrap();
        }
        let code = output.status.code().unwrap_or(-1);
        shown + &format!("--- exit code {code}\n\n")
    }

    /// Runs several commands, one after the other.
    pub fn run_all(&self, commands: &[&[&str]]) -> String {
        commands.iter().map(|command| self.run(command)).collect()
    }

    fn output(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_akili"))
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("KUBECONFIG", self.home.path().join("config"))
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }
}

fn quoted(arguments: &[&str]) -> String {
    let quoted = arguments.iter().map(|argument| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-=._/*".contains(c);
        match argument.chars().all(is_plain) && !argument.is_empty() {
            true => (*argument).to_owned(),
            false => format!("'{argument}'"),
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// Returns the path of an object's URL.
fn path(object: &Value) -> String {
    let metadata = &object["metadata"];
    let name = metadata["name"].as_str().unwrap();
    let kind = object["kind"].as_str().unwrap().to_lowercase();
    match metadata["namespace"].as_str() {
        Some(namespace) => format!("{GROUP}/namespaces/{namespace}/{kind}s/{name}"),
        None if kind == "namespace" => format!("/api/v1/namespaces/{name}"),
        None => format!("{GROUP}/{kind}s/{name}"),
    }
}

/// Returns a Tenant that was seen at its newest generation, with these conditions: type,
/// status, reason, message.
pub fn tenant(state: &str, phase: &str, conditions: &[(&str, &str, &str, &str)]) -> Value {
    let conditions: Vec<Value> = conditions
        .iter()
        .map(|(type_, status, reason, message)| {
            json!({
                "type": type_, "status": status, "reason": reason, "message": message,
                "observedGeneration": 3, "lastTransitionTime": "2026-03-16T10:00:05Z",
            })
        })
        .collect();
    json!({
        "apiVersion": "akili.io/v1alpha1", "kind": "Tenant",
        "metadata": {
            "name": "acme-corp", "generation": 3, "resourceVersion": "1",
            "creationTimestamp": "2026-03-16T10:00:00Z",
        },
        "spec": {"displayName": "Acme Corporation", "state": state},
        "status": {
            "phase": phase, "id": ID, "namespace": NAMESPACE, "observedGeneration": 3,
            "conditions": conditions,
        },
    })
}

pub const READY: (&str, &str, &str, &str) = (
    "Ready",
    "True",
    "Reached",
    "every plane is as the spec wants it",
);

/// Returns the Tenant acme-corp, ACTIVE.
pub fn active() -> Value {
    tenant("Active", "ACTIVE", &[READY])
}

/// Returns the Tenant acme-corp, ARCHIVED until June.
pub fn archived() -> Value {
    let mut tenant = tenant("Archived", "ARCHIVED", &[READY]);
    tenant["status"]["purgeAfter"] = json!("2026-06-14T10:00:00Z");
    tenant
}

/// Returns a Tenant without a status.
pub fn new_tenant(name: &str) -> Value {
    json!({
        "apiVersion": "akili.io/v1alpha1", "kind": "Tenant",
        "metadata": {"name": name, "generation": 1, "resourceVersion": "1",
                     "creationTimestamp": "2026-03-17T08:30:00Z"},
        "spec": {"displayName": "New Tenant", "state": "Active"},
    })
}

/// Returns the TenantQuota of acme-corp.
pub fn quota() -> Value {
    json!({
        "apiVersion": "akili.io/v1alpha1", "kind": "TenantQuota",
        "metadata": {"name": "acme-corp"},
        "spec": {"maxConnections": 20, "maxProducts": 100},
        "status": {
            "measuredAt": "2026-03-16T10:00:00Z",
            "used": {
                "products": 98, "storageBytes": 550_077_936_435_i64, "connections": 1,
                "pods": {"cpu": 0.25, "memoryBytes": 0}, "queries": {"cpu": 4.0},
            },
        },
    })
}

/// Returns the namespace of acme-corp.
pub fn namespace() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": NAMESPACE, "labels": {"akili.io/tenant": "acme-corp"}},
    })
}
