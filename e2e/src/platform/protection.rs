//! Getting past what keeps tenants from being deleted, as an admin can who has to.

use anyhow::Result;

use super::Platform;

const BINDING: &str = "validatingadmissionpolicybinding/akili-tenant-deletion";

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

    fn policy_does(&self, action: &str) -> Result<()> {
        let patch = format!(r#"{{"spec":{{"validationActions":["{action}"]}}}}"#);
        self.kubectl(&["patch", BINDING, "--type=merge", "-p", &patch])
            .map(drop)
    }
}
