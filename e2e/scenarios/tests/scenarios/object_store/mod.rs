//! Access in the object store, with ordinary clients, the keys of the tenants' Secrets,
//! and every S3 operation that could reach foreign objects.

mod drift;
mod matrix;
mod others;
mod own;
mod rules;
mod sharing;
mod states;

use akili_scenarios::platform::{BUCKET, Platform, tenant_yaml};
use anyhow::{Result, ensure};

use matrix::Matrix;
use others::Neighbours;

pub async fn tenant_accesses_its_own_objects_only() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    // One name is a prefix of the other.
    platform.activate("depot")?;
    platform.activate("depot-2")?;
    let tenant = platform.object_store_of("depot")?;
    let other = platform.object_store_of("depot-2")?;
    let put = other.client.put_object().bucket(BUCKET);
    let put = put
        .key(format!("{}secret", other.prefix))
        .body(b"theirs".to_vec().into());
    put.send().await?;

    let anonymous = platform.anonymous_object_store()?;
    let mut matrix = Matrix::new(&other);
    let both = Neighbours {
        tenant: &tenant,
        other: &other,
        anonymous: &anonymous,
    };
    let tried = while_active(&mut matrix, &platform, &both).await;
    matrix.finish()?;
    tried?;
    drift::ensure_repaired(&platform, "depot", &tenant).await?;

    let mut matrix = Matrix::new(&other);
    let tried = afterwards(&mut matrix, &platform, &both).await;
    matrix.finish()?;
    tried
}

async fn while_active(
    matrix: &mut Matrix<'_>,
    platform: &Platform,
    both: &Neighbours<'_>,
) -> Result<()> {
    own::cases(matrix, both.tenant, both.anonymous).await?;
    both.lists(matrix).await?;
    both.objects(matrix).await?;
    both.gives_away(matrix).await?;
    both.rules(matrix, platform).await
}

async fn afterwards(
    matrix: &mut Matrix<'_>,
    platform: &Platform,
    both: &Neighbours<'_>,
) -> Result<()> {
    both.suspended(matrix, platform).await?;
    both.archived(matrix, platform).await
}

pub async fn foreign_prefix_is_untouched() -> Result<()> {
    const ID: &str = "550e8400-e29b-41d4-a716-446655440000";
    const OWNER: &str = "the archive of 2019";
    let platform = Platform::install().await?;
    let operator = platform.operators_object_store()?;
    let name = |end: &str| format!("tenant-{ID}/{end}");
    for (end, content) in [(".akili-tenant", OWNER), ("ledger", "1 2 3")] {
        let put = operator.put_object().bucket(BUCKET).key(name(end));
        put.body(content.as_bytes().to_vec().into()).send().await?;
    }
    let _operator = platform.start_operator().await?;
    platform.apply(&format!("{}  id: {ID}\n", tenant_yaml("claimed")))?;
    platform
        .eventually("the condition names the prefix's owner", || {
            Ok(platform.reason("claimed", "ObjectStoreReady")? == "OwnedByAnother")
        })
        .await?;
    let message = platform.message("claimed", "ObjectStoreReady")?;
    ensure!(message.contains(OWNER), "{message}");

    for (end, content) in [(".akili-tenant", OWNER), ("ledger", "1 2 3")] {
        let got = operator
            .get_object()
            .bucket(BUCKET)
            .key(name(end))
            .send()
            .await?;
        let got = got.body.collect().await?.to_vec();
        ensure!(got == content.as_bytes(), "{end} was changed");
    }
    let users = platform.testbed.radosgw_admin(&["user", "list"]).await?;
    ensure!(!users.contains(ID), "a user was created: {users}");
    // Without the marker the prefix belongs to the tenant.
    operator
        .delete_object()
        .bucket(BUCKET)
        .key(name(".akili-tenant"))
        .send()
        .await?;
    platform.wait_active("claimed")
}
