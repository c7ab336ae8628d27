//! Rejections by the API server itself, independent of the operator: writes that a
//! tenant's state forbids, even without the webhook, and deletions by mistake.

use std::process::Output;

use akili_scenarios::platform::{AUDIT_INTERVAL, BUCKET, Kind, Platform, WEBHOOK, object_of};
use akili_testbed::command::{stderr, succeed};
use anyhow::{Result, ensure};

/// Kinds that tenants create, with their names in kubectl.
const KINDS: [(&str, &str); 2] = [("Connection", "connection"), ("DataProduct", "dataproduct")];

pub async fn permitted_creations_depend_on_the_tenants_state() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    let alone = rejects_forbidden_writes(&platform);
    platform.without(WEBHOOK, alone).await
}

async fn rejects_forbidden_writes(platform: &Platform) -> Result<()> {
    platform.activate("burgher")?;
    let burgher = Tenant::of(platform, "burgher")?;
    for (kind, name) in KINDS {
        succeed(&burgher.create(kind, "kept")?)?;
        succeed(&burgher.create(kind, "new")?)?;
        succeed(&burgher.as_user(&["delete", name, "new"])?)?;
    }

    succeed(&platform.akili(&["tenant", "suspend", "burgher", "--confirm", "--wait"])?)?;
    let suspended = "TenantSuspended: Tenant 'burgher' is suspended";
    for (kind, name) in KINDS {
        burgher.eventually_rejected(kind, suspended).await?;
        let change = ["annotate", name, "kept", "akili.io/run-requested-at=now"];
        refused(&burgher.as_user(&change)?, suspended)?;
        refused(
            &burgher.as_user(&["delete", name, "kept"])?,
            "cannot delete resource",
        )?;
        burgher.as_admin(&["delete", name, "kept"])?;
    }

    succeed(&platform.akili(&["tenant", "reactivate", "burgher", "--wait"])?)?;
    platform
        .eventually("the tenant creates a connection again", || {
            Ok(burgher.create("Connection", "again")?.status.success())
        })
        .await?;

    succeed(&platform.akili(&["tenant", "archive", "burgher", "--confirm", "--wait"])?)?;
    refused(
        &burgher.create("Connection", "new")?,
        "cannot create resource",
    )?;
    let file = platform.file(
        "connection.json",
        &object_of("Connection", "new").to_string(),
    )?;
    let by_admin = platform.try_kubectl(&["create", "-n", &burgher.namespace, "-f", &file])?;
    refused(&by_admin, "TenantArchived: Tenant 'burgher' is archived")
}

pub async fn provisioning_tenant_creates_nothing() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_operator().await?;
    let alone = rejects_until_provisioned(&platform);
    platform.without(WEBHOOK, alone).await
}

async fn rejects_until_provisioned(platform: &Platform) -> Result<()> {
    platform.keep_provisioning("comer").await?;
    let tenant = Tenant::of(platform, "comer")?;
    for (kind, _) in KINDS {
        tenant
            .eventually_rejected(kind, "TenantNotReady: Tenant 'comer' is being provisioned")
            .await?;
    }
    let mut admin = platform.starrocks_of_operator().await?;
    admin.query("DROP CATALOG tenant_comer_catalog").await?;
    platform.wait_active("comer")
}

pub async fn unconfirmed_deletion_is_rejected_and_loses_no_data() -> Result<()> {
    let platform = Platform::install().await?;
    platform.create("typo")?;
    platform.kubectl(&["delete", "tenant", "typo"])?;

    let _operator = platform.start_operator().await?;
    platform.activate("globex")?;
    let namespace = platform.status("globex", "namespace")?;
    let instead = "archive the tenant (`akili tenant archive ";
    let delete = ["delete", "tenant", "globex", "--dry-run=server"];
    platform
        .eventually("the Tenant is protected", || {
            Ok(!platform.try_kubectl(&delete)?.status.success())
        })
        .await?;
    for delete in [
        &["delete", "tenant", "globex"][..],
        &["delete", "tenants", "--all"],
        &["delete", "--raw", "/apis/akili.io/v1alpha1/tenants"],
    ] {
        let answer = platform.try_kubectl(delete)?;
        println!("{}", stderr(&answer));
        refused(&answer, instead)?;
    }
    let delete = ["delete", "namespace", &namespace];
    refused(&platform.try_kubectl(&delete)?, "belongs to tenant globex")?;
    let other = format!("policies-{}", std::process::id());
    platform.kubectl(&["create", "namespace", &other])?;
    platform.kubectl(&["delete", "namespace", &other, "--wait=false"])?;

    let key = platform.key_of("globex")?;
    let inventory = || platform.inventory(&key, BUCKET, &Kind::ALL);
    let before = inventory().await?;
    platform.delete_protected(&[&["tenant", "globex"]]).await?;
    let get = ["get", "tenant", "globex", "--ignore-not-found"];
    ensure!(
        platform.kubectl(&get)?.is_empty(),
        "the Tenant still exists"
    );
    tokio::time::sleep(2 * AUDIT_INTERVAL).await;
    before.ensure_unchanged(&inventory().await?)?;

    platform.activate("globex")?;
    let again = platform.key_of("globex")?;
    ensure!(again == key, "{key:?} became {again:?}");
    before.ensure_unchanged(&inventory().await?)
}

/// A tenant's namespace and its users.
struct Tenant<'a> {
    platform: &'a Platform,
    id: String,
    namespace: String,
}

impl<'a> Tenant<'a> {
    fn of(platform: &'a Platform, slug: &str) -> Result<Self> {
        Ok(Self {
            platform,
            id: platform.status(slug, "id")?,
            namespace: platform.status(slug, "namespace")?,
        })
    }

    fn as_user(&self, arguments: &[&str]) -> Result<Output> {
        self.platform
            .as_user_of(&self.id, &self.namespace, arguments)
    }

    fn as_admin(&self, arguments: &[&str]) -> Result<String> {
        let there = ["-n", &self.namespace];
        self.platform.kubectl(&[arguments, &there].concat())
    }

    fn create(&self, kind: &str, name: &str) -> Result<Output> {
        let file = self
            .platform
            .file("object.json", &object_of(kind, name).to_string())?;
        self.as_user(&["create", "-f", &file])
    }

    /// Waits for the rejection; the API server notices a namespace's changed labels a
    /// little later.
    async fn eventually_rejected(&self, kind: &str, why: &str) -> Result<()> {
        let file = self
            .platform
            .file("object.json", &object_of(kind, "new").to_string())?;
        let create = ["create", "--dry-run=server", "-f", &file];
        self.platform
            .eventually(&format!("{kind}: {why}"), || {
                Ok(stderr(&self.as_user(&create)?).contains(why))
            })
            .await?;
        refused(&self.create(kind, "new")?, why)
    }
}

fn refused(answer: &Output, why: &str) -> Result<()> {
    let said = stderr(answer);
    ensure!(
        !answer.status.success() && said.contains("(Forbidden)") && said.contains(why),
        "the answer is {said:?}, not {why:?}"
    );
    Ok(())
}
