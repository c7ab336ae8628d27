//! A tenant with many objects, which are measured and then purged.

pub mod measurement;
pub mod purge;

use akili_scenarios::platform::Platform;
use anyhow::Result;

const SLUG: &str = "hoarder";
const OBJECTS: usize = 20_000;
const BYTES: usize = 3;

/// Puts the objects of the tenant, unless an earlier scenario has.
async fn fill(platform: &Platform) -> Result<()> {
    let tenant = platform.object_store_of(SLUG)?;
    let list = tenant.client.list_objects_v2().bucket(&tenant.bucket);
    let mut pages = list.prefix(&tenant.prefix).into_paginator().send();
    let mut count = 0;
    while let Some(page) = pages.next().await {
        count += page?.contents().len();
    }
    if count < OBJECTS {
        platform.put_objects(SLUG, OBJECTS, BYTES).await?;
    }
    Ok(())
}
