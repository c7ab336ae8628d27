//! Getting past what refuses requests, as an admin can who has to.

use anyhow::Result;
use serde_json::json;

use super::Platform;

const BINDING: &str = "validatingadmissionpolicybinding/akili-tenant-deletion";
const WEBHOOK: &str = "mutatingwebhookconfiguration/akili-admission";

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

    /// Nobody asks the operator's webhook any more: what stands behind it is alone.
    pub fn remove_webhook(&self) -> Result<()> {
        self.kubectl(&["delete", WEBHOOK]).map(drop)
    }

    /// What somebody has deleted of the release is there again, and the operator runs.
    pub fn repair_release(&self) -> Result<()> {
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
