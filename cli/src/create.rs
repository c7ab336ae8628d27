//! How something is made in a tenant's namespace, which is the one of the kubeconfig's
//! context; and what is said if it is refused.

use std::fmt::Debug;

use akili_crds::names::LABEL_TENANT;
use akili_crds::problem::Problem;
use akili_crds::{Phase, Tenant};
use clap::Args;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, PostParams};
use kube::core::Status;
use kube::{Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::commands::FIELD_MANAGER;
use crate::failure::Failure;
use crate::output;

/// How it is made.
#[derive(Args)]
pub struct Options {
    /// Print akili's document of it, or of the problem
    #[arg(long)]
    json: bool,
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
        Ok(_) if options.json => println!("{}", output::json(shown)?),
        Ok(_) if params.dry_run => println!("{what} would be created"),
        Ok(_) => println!("{what} created"),
        Err(kube::Error::Api(answer)) => {
            let failure = match problem(client, &answer).await {
                Some(problem) => Failure::problem(problem),
                None => Failure::answered(&what, &answer),
            };
            return Err(if options.json {
                failure.in_json()
            } else {
                failure
            });
        }
        Err(error) => return Err(Failure::no_answer(&error)),
    }
    Ok(())
}

/// The problem that the answer speaks of, as far as the user may know the tenant.
async fn problem(client: &Client, answer: &Status) -> Option<Problem> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace = namespaces.get_opt(client.default_namespace()).await;
    let namespace = namespace.ok().flatten();
    let slug = namespace.and_then(|it| it.labels().get(LABEL_TENANT).cloned());
    let slug = slug.unwrap_or_default();
    let tenants: Api<Tenant> = Api::all(client.clone());
    let tenant = tenants.get_opt(&slug).await.ok().flatten();
    let phase = tenant.and_then(|tenant| tenant.status?.phase);
    Problem::of_answer(answer, &slug, phase.unwrap_or(Phase::Active))
}
