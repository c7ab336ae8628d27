//! Which cluster works on the platform's tenants: a rebuilt or a staging one must not
//! work on production's. A cluster is known by the uid of its kube-system namespace.

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client, ResourceExt};
use sqlx::{Row, query};
use uuid::Uuid;

use crate::backend::postgres::client::Client as Database;
use crate::backend::postgres::error::explain;
use crate::error::{Class, Error};

/// This cluster's identity.
///
/// # Errors
/// The API server doesn't say.
pub async fn kube_system_uid(client: &Client) -> Result<Uuid, Error> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let uid = namespaces
        .get("kube-system")
        .await?
        .uid()
        .unwrap_or_default();
    uid.parse().map_err(|error| {
        Error::new(
            Class::Operator,
            "NoIdentity",
            format!("the uid of namespace kube-system isn't a UUID: {error}"),
        )
    })
}

/// Takes the tenants for this cluster, unless they are a cluster's already.
pub async fn claim(database: &Database, kube_system: Uuid) -> Result<(), Error> {
    let claim = query(
        "INSERT INTO akili.installation (kube_system_uid) VALUES ($1) ON CONFLICT DO NOTHING",
    )
    .bind(kube_system);
    database.execute("claiming the tenants", claim).await?;
    Ok(())
}

/// The cluster that works on these tenants; none before the first operator has come.
pub async fn owner(database: &Database) -> Result<Option<Uuid>, Error> {
    let doing = "asking whose the tenants are";
    let owner = query("SELECT kube_system_uid FROM akili.installation");
    let rows = database.fetch(doing, owner).await?;
    let uid = rows.first().map(|row| row.try_get("kube_system_uid"));
    uid.transpose().map_err(|error| explain(doing, &error))
}

/// Takes the tenants for this cluster, whoever's they are. An operator of the other
/// one that still runs stops working on tenants.
pub async fn take_over(database: &Database, kube_system: Uuid) -> Result<(), Error> {
    let take = query("UPDATE akili.installation SET kube_system_uid = $1, since = now()")
        .bind(kube_system);
    database.execute("taking the tenants over", take).await?;
    Ok(())
}

/// The error of an operator whose cluster isn't the one that works on these tenants.
pub fn foreign(owner: Uuid) -> Error {
    Error::new(
        Class::Invalid,
        "ForeignInstallation",
        format!(
            "the tenants belong to the cluster whose kube-system has the uid {owner}: use another \
             database, or once that cluster is gone run `akili-operator check --take-over`"
        ),
    )
}
