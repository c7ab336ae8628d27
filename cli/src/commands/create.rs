//! Creates objects in a tenant's namespace: the one of the current context.

use std::fmt::Debug;

use akili_crds::Tenant;
use akili_crds::names::LABEL_TENANT;
use clap::Args;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, PostParams};
use kube::{Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::commands::FIELD_MANAGER;
use crate::failure::Failure;

/// Options of every `create` in a tenant's namespace.
#[derive(Args)]
pub struct Options {
    /// Print the object, or the problem, as akili's own JSON document
    #[arg(long)]
    pub json: bool,
    /// With `server`: validate on the API server without creating anything
    #[arg(long, value_parser = ["server"])]
    dry_run: Option<String>,
}

/// Creates the object and prints the outcome: `shown` with `--json`, else one line.
pub async fn create<K>(
    client: &Client,
    object: &K,
    shown: &Value,
    options: &Options,
) -> Result<(), Failure>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    K: Clone + Debug + DeserializeOwned + Serialize,
{
    let params = PostParams {
        dry_run: options.dry_run.is_some(),
        field_manager: Some(FIELD_MANAGER.into()),
    };
    let there: Api<K> = Api::default_namespaced(client.clone());
    let what = format!("{} {}", K::kind(&()), object.name_any());
    match there.create(&params, object).await {
        Ok(_) if options.json => println!("{shown:#}"),
        Ok(_) if params.dry_run => println!("{what} would be created"),
        Ok(_) => println!("{what} created"),
        Err(error) => {
            let (slug, tenant) = whose(client).await;
            return Err(Failure::about_part(&what, &slug, tenant.as_ref(), &error));
        }
    }
    Ok(())
}

/// Returns slug and Tenant of the current namespace, as far as the user is allowed to read them.
async fn whose(client: &Client) -> (String, Option<Tenant>) {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace = namespaces.get_opt(client.default_namespace()).await;
    let namespace = namespace.ok().flatten();
    let slug = namespace.and_then(|it| it.labels().get(LABEL_TENANT).cloned());
    let Some(slug) = slug else {
        return (String::new(), None);
    };
    let tenants: Api<Tenant> = Api::all(client.clone());
    let tenant = tenants.get_opt(&slug).await.ok().flatten();
    (slug, tenant)
}
