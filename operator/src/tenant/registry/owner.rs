//! The installation that owns the registry: a rebuilt or a staging cluster must not manage
//! production's tenants. A cluster is identified by the uid of its kube-system namespace.

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client, ResourceExt};
use sqlx::{Row, query};
use uuid::Uuid;

use crate::backend::postgres::client::Client as Database;
use crate::backend::postgres::error::explain;
use crate::error::{Error, Reason, api_server};

/// Returns this cluster's identity.
///
/// # Errors
/// The API server's; `NoIdentity` if the uid is no UUID.
pub async fn kube_system_uid(client: &Client) -> Result<Uuid, Error> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let uid = namespaces
        .get("kube-system")
        .await
        .map_err(api_server)?
        .uid()
        .unwrap_or_default();
    uid.parse().map_err(|error| {
        Error::new(
            Reason::NoIdentity,
            format!("the uid of namespace kube-system isn't a UUID: {error}"),
        )
    })
}

/// Records this cluster as the owner, unless there is one already.
pub async fn claim(database: &Database, kube_system: Uuid) -> Result<(), Error> {
    let claim = query(
        "INSERT INTO akili.installation (kube_system_uid) VALUES ($1) ON CONFLICT DO NOTHING",
    )
    .bind(kube_system);
    database.execute("claiming the registry", claim).await?;
    Ok(())
}

/// Returns the cluster that owns the registry; none before an operator has prepared it.
pub async fn owner(database: &Database) -> Result<Option<Uuid>, Error> {
    let doing = "reading the owner of the registry";
    let owner = query("SELECT kube_system_uid FROM akili.installation");
    let rows = database.fetch(doing, owner).await?;
    let uid = rows.first().map(|row| row.try_get("kube_system_uid"));
    uid.transpose().map_err(|error| explain(doing, &error))
}

/// Makes this cluster the owner. An operator of the previous owner that still runs stops
/// reconciling tenants.
pub async fn take_over(database: &Database, kube_system: Uuid) -> Result<(), Error> {
    let take = query("UPDATE akili.installation SET kube_system_uid = $1, since = now()")
        .bind(kube_system);
    database.execute("taking over the registry", take).await?;
    Ok(())
}

/// Creates the error of an operator whose cluster doesn't own the registry.
pub fn foreign(owner: Uuid) -> Error {
    Error::new(
        Reason::ForeignInstallation,
        format!(
            "the tenants belong to the cluster whose kube-system has the uid {owner}: use another \
             database, or once that cluster is gone run `akili-operator check --take-over`"
        ),
    )
}
