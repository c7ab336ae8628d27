//! Getting past what refuses requests, as an admin can who has to.

use std::future::Future;

use anyhow::Result;
use serde_json::json;

use super::Platform;

const BINDING: &str = "validatingadmissionpolicybinding/akili-tenant-deletion";

/// Without it nobody asks the operator's webhook: what stands behind it is alone.
pub const WEBHOOK: &str = "mutatingwebhookconfiguration/akili-admission";
/// Without it nobody reaches the operator's webhook.
pub const WEBHOOK_SERVICE: &str = "service/akili-operator-webhook";

impl Platform {
    /// Deletes Tenants and namespaces that the policy protects: meanwhile it only
    /// warns. Each is what `kubectl delete` is told; nothing waits until they are gone.
    pub async fn delete_protected(&self, deletions: &[&[&str]]) -> Result<()> {
        self.policy_does("Warn")?;
        let mut deleted = Ok(());
        for deletion in deletions {
            let delete = [&["delete", "--wait=false"], *deletion].concat();
            // The API server hears of the policy a little later.
            let done = || Ok(self.try_kubectl(&delete)?.status.success());
            let what = format!("kubectl {}", delete.join(" "));
            deleted = deleted.and(self.eventually(&what, done).await);
        }
        self.policy_does("Deny")?;
        deleted
    }

    /// Does something while an object of the release is deleted, which is there again
    /// afterwards, however that went.
    pub async fn without<T>(
        &self,
        object: &str,
        doing: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.of_operator(&["delete", object])?;
        let done = doing.await;
        let repaired = self.repair_release();
        // What failed first says more.
        let done = done?;
        repaired.map(|()| done)
    }

    /// What somebody has deleted of the release is there again, and the operator runs.
    fn repair_release(&self) -> Result<()> {
        let mut values = self.values()?;
        values["replicas"] = json!(1);
        self.install_chart(&values)
    }

    fn policy_does(&self, action: &str) -> Result<()> {
        let patch = format!(r#"{{"spec":{{"validationActions":["{action}"]}}}}"#);
        self.kubectl(&["patch", BINDING, "--type=merge", "-p", &patch])
            .map(drop)
    }
}
