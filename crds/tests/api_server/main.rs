//! The definitions and the chart's admission policies in a real API server, without root.
//!
//! Needs the programs etcd and kube-apiserver in the folder `KUBEBUILDER_ASSETS`, or `make up`,
//! which builds them. Without them the tests are reported as ignored.

mod control_plane;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use akili_crds::{Connection, Tenant, TenantQuota};
use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams,
};
use kube::{Client, ResourceExt};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};

use control_plane::{ControlPlane, programs};

const ID: &str = "550e8400-e29b-41d4-a716-446655440000";

/// Time for the API server to compile a definition or a policy.
const TIMEOUT: Duration = Duration::from_secs(60);

type Test = fn(Client) -> futures::future::BoxFuture<'static, Result<()>>;

macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        [$((stringify!($name), (|client| Box::pin($name(client))) as Test)),*]
    };
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let tests = tests![
        tenant_with_an_invalid_name_is_rejected,
        tenant_archived_stays_archived,
        tenant_id_is_set_once,
        quota_applied_empty_owns_no_field,
        tenant_with_an_id_is_not_deleted,
        connection_in_a_suspended_namespace_is_rejected,
    ];
    let folder = programs();
    let listed = arguments.list || folder.is_none();
    let plane = match folder
        .filter(|_| !listed)
        .map(|it| prepare(&it))
        .transpose()
    {
        Ok(plane) => plane.map(Arc::new),
        Err(error) => {
            eprintln!("no API server: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let trials = tests.map(|(name, test)| {
        let plane = plane.clone();
        let run = move || match run(plane.as_deref(), test) {
            Ok(()) => Ok(()),
            Err(error) => Err(Failed::from(format!("{error:#}"))),
        };
        Trial::test(name, run).with_ignored_flag(listed)
    });
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}

/// Starts a control plane with the definitions and the policies.
#[tokio::main]
async fn prepare(programs: &Path) -> Result<ControlPlane> {
    let plane = ControlPlane::start(programs).await?;
    let client = plane.client()?;
    install_definitions(&client).await?;
    install_policies(&client).await?;
    Ok(plane)
}

#[tokio::main]
async fn run(plane: Option<&ControlPlane>, test: Test) -> Result<()> {
    let plane = plane.context("etcd and kube-apiserver are needed in KUBEBUILDER_ASSETS")?;
    test(plane.client()?).await
}

async fn install_definitions(client: &Client) -> Result<()> {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in akili_crds::definitions() {
        let name = definition.name_any();
        api.patch(&name, &apply("test"), &Patch::Apply(&definition))
            .await?;
        let established = || async {
            let definition = api.get(&name).await?;
            let conditions = definition.status.and_then(|status| status.conditions);
            let is_true = |type_: &str| {
                let mut all = conditions.iter().flatten();
                all.any(|it| it.type_ == type_ && it.status == "True")
            };
            Ok(is_true("Established"))
        };
        eventually(&format!("{name} is established"), established).await?;
    }
    Ok(())
}

/// Applies the webhook and the policies of the chart.
async fn install_policies(client: &Client) -> Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../manifests/akili-operator.yaml");
    for object in serde_saphyr::from_multiple::<Value>(&fs::read_to_string(file)?)? {
        let kind = object["kind"].as_str().unwrap_or_default();
        let is_policy = kind.starts_with("ValidatingAdmissionPolicy");
        let is_webhook = kind == "MutatingWebhookConfiguration";
        if is_policy || is_webhook {
            let kind = GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", kind);
            let api = Api::<DynamicObject>::all_with(client.clone(), &ApiResource::from_gvk(&kind));
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            // The webhook is validated and not registered: nothing would answer for it.
            let params = PatchParams {
                dry_run: is_webhook,
                ..apply("test")
            };
            api.patch(name, &params, &Patch::Apply(&object)).await?;
        }
    }
    Ok(())
}

async fn tenant_with_an_invalid_name_is_rejected(client: Client) -> Result<()> {
    let rejected = create_tenant(&client, "a.b", json!({})).await;
    ensure_rejected(rejected, 422, "a tenant's name has 3 to 63 characters")
}

async fn tenant_archived_stays_archived(client: Client) -> Result<()> {
    let tenant = create_tenant(&client, "archived", json!({"state": "Archived"})).await?;
    for state in ["Active", "Suspended"] {
        let patched = patch_spec(&client, &tenant, json!({"state": state})).await;
        ensure_rejected(patched, 422, "an archived tenant stays archived")?;
    }
    Ok(())
}

async fn tenant_id_is_set_once(client: Client) -> Result<()> {
    let tenant = create_tenant(&client, "imported", json!({})).await?;
    let tenant = patch_spec(&client, &tenant, json!({"id": ID})).await?;
    for id in [json!("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), Value::Null] {
        let patched = patch_spec(&client, &tenant, json!({"id": id})).await;
        ensure_rejected(patched, 422, "can't be changed or removed")?;
    }
    Ok(())
}

/// The operator applies an empty spec, which the defaults fill. So the first GitOps apply has
/// no conflict, and a second manager has one.
async fn quota_applied_empty_owns_no_field(client: Client) -> Result<()> {
    let quotas: Api<TenantQuota> = Api::all(client);
    let quota = |spec: Value| {
        let kind = json!({"apiVersion": "akili.io/v1alpha1", "kind": "TenantQuota"});
        let mut quota = kind;
        quota["metadata"] = json!({"name": "quota-owner"});
        quota["spec"] = spec;
        quota
    };
    let apply_as = |manager: &'static str, spec: Value| {
        let quota = quota(spec);
        let quotas = quotas.clone();
        async move {
            quotas
                .patch("quota-owner", &apply(manager), &Patch::Apply(quota))
                .await
        }
    };
    let new = apply_as("akili-operator", json!({})).await?;
    ensure!(new.spec.max_products == 100, "{:?}", new.spec);
    let changed = apply_as("argocd-controller", json!({"maxProducts": 7})).await?;
    ensure!(changed.spec.max_products == 7, "{:?}", changed.spec);
    let again = apply_as("akili-operator", json!({})).await?;
    ensure!(again.spec.max_products == 7, "{:?}", again.spec);
    let other = apply_as("kustomize-controller", json!({"maxProducts": 8})).await;
    ensure_rejected(other, 409, "conflict with \"argocd-controller\"")
}

async fn tenant_with_an_id_is_not_deleted(client: Client) -> Result<()> {
    let tenants: Api<Tenant> = Api::all(client.clone());
    create_tenant(&client, "kept", json!({})).await?;
    let status = json!({"status": {"id": ID}});
    let params = PatchParams::default();
    tenants
        .patch_status("kept", &params, &Patch::Merge(status))
        .await?;
    let dry = DeleteParams::default().dry_run();
    let refused = || async { Ok(tenants.delete("kept", &dry).await.is_err()) };
    eventually("the policy is active", refused).await?;
    let deleted = tenants.delete("kept", &DeleteParams::default()).await;
    ensure_rejected(deleted, 403, "tenant kept still holds resources")
}

async fn connection_in_a_suspended_namespace_is_rejected(client: Client) -> Result<()> {
    let labels = json!({
        "akili.io/tenant": "acme", "akili.io/tenant-id": ID, "akili.io/state": "SUSPENDED",
    });
    let namespace = json!({"metadata": {"name": "tenant-acme", "labels": labels}});
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let params = PostParams::default();
    namespaces
        .create(&params, &serde_json::from_value(namespace)?)
        .await?;
    let connections: Api<Connection> = Api::namespaced(client, "tenant-acme");
    let connection: Connection = serde_json::from_value(json!({
        "apiVersion": "akili.io/v1alpha1", "kind": "Connection", "metadata": {"name": "db"},
        "spec": {"connectorType": "postgres", "config": {}},
    }))?;
    let dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let refused = || async { Ok(connections.create(&dry, &connection).await.is_err()) };
    eventually("the policy is active", refused).await?;
    let created = connections.create(&params, &connection).await;
    ensure_rejected(created, 403, "Tenant 'acme' is suspended and read-only")
}

async fn create_tenant(client: &Client, name: &str, mut spec: Value) -> kube::Result<Tenant> {
    spec["displayName"] = json!("Acme");
    let tenant = json!({
        "apiVersion": "akili.io/v1alpha1", "kind": "Tenant",
        "metadata": {"name": name}, "spec": spec,
    });
    let tenant = serde_json::from_value(tenant).map_err(kube::Error::SerdeError)?;
    let tenants: Api<Tenant> = Api::all(client.clone());
    tenants.create(&PostParams::default(), &tenant).await
}

async fn patch_spec(client: &Client, tenant: &Tenant, spec: Value) -> kube::Result<Tenant> {
    let tenants: Api<Tenant> = Api::all(client.clone());
    let patch = Patch::Merge(json!({"spec": spec}));
    let params = PatchParams::default();
    tenants.patch(&tenant.name_any(), &params, &patch).await
}

fn apply(manager: &str) -> PatchParams {
    PatchParams::apply(manager)
}

/// Checks that the API server rejected a request with this code and text.
fn ensure_rejected<T>(answer: kube::Result<T>, code: u16, text: &str) -> Result<()> {
    match answer {
        Err(kube::Error::Api(status)) => {
            ensure!(
                status.code == code && status.message.contains(text),
                "{} {}, not {code} {text}",
                status.code,
                status.message
            );
            Ok(())
        }
        Err(error) => bail!("no rejection but {error}"),
        Ok(_) => bail!("accepted, although {text}"),
    }
}

async fn eventually<F>(what: &str, mut holds: impl FnMut() -> F) -> Result<()>
where
    F: Future<Output = Result<bool>>,
{
    let began = Instant::now();
    while !holds().await? {
        ensure!(began.elapsed() < TIMEOUT, "not after {TIMEOUT:?}: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
