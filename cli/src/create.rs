//! How something is made in a tenant's namespace, which is the one of the kubeconfig's
//! context; and what is said if it is refused.

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

/// How it is made.
#[derive(Args)]
pub struct Options {
    /// Print akili's document of it, or of the problem
    #[arg(long)]
    pub json: bool,
    /// With `server`: let the API server check everything, and create nothing
    #[arg(long, value_parser = ["server"])]
    dry_run: Option<String>,
}

/// Makes it, and says so; `shown` is what JSON shows of it.
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

/// The tenant that the namespace is, as far as the user may know it.
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
