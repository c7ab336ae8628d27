//! Bypassing admission protection, as an admin can.

use std::future::Future;

use anyhow::Result;
use serde_json::json;

use super::Platform;

/// The webhook's registration. Without it the API server doesn't call the operator, and
/// the other protections stand alone.
pub const WEBHOOK: &str = "mutatingwebhookconfiguration/akili-admission";
/// The webhook's Service. Without it the API server can't reach the operator.
pub const WEBHOOK_SERVICE: &str = "service/akili-operator-webhook";

impl Platform {
    /// Deletes Tenants and namespaces that the policy protects; the policy only warns
    /// meanwhile. Each deletion is a list of arguments of `kubectl delete`, which doesn't
    /// wait for the end.
    pub async fn delete_protected(&self, deletions: &[&[&str]]) -> Result<()> {
        self.set_policy_action("Warn")?;
        let mut deleted = Ok(());
        for deletion in deletions {
            let delete = [&["delete", "--wait=false"], *deletion].concat();
            // The API server notices the changed policy a little later.
            let done = || Ok(self.try_kubectl(&delete)?.status.success());
            let what = format!("kubectl {}", delete.join(" "));
            deleted = deleted.and(self.eventually(&what, done).await);
        }
        self.set_policy_action("Deny")?;
        deleted
    }

    /// Runs a future while an object of the release is deleted, and restores the release
    /// afterwards in any case.
    pub async fn without<T>(
        &self,
        object: &str,
        doing: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.of_operator(&["delete", object])?;
        let done = doing.await;
        let repaired = self.repair_release().await;
        // The first error is the more useful one.
        let done = done?;
        repaired.map(|()| done)
    }

    /// Reinstalls deleted objects of the release, with one replica of the operator, and
    /// waits until the API server can verify its webhook.
    async fn repair_release(&self) -> Result<()> {
        let mut values = self.values()?;
        values["replicas"] = json!(1);
        self.install_chart(&values)?;
        let bundle = ".webhooks[0].clientConfig.caBundle";
        self.eventually("the webhook can be verified", || {
            let name = "akili-admission";
            let bundle = self.field("MutatingWebhookConfiguration", "", name, bundle)?;
            Ok(!bundle.is_empty())
        })
        .await
    }

    fn set_policy_action(&self, action: &str) -> Result<()> {
        let binding = "akili-tenant-deletion";
        let actions = json!({"spec": {"validationActions": [action]}});
        self.patch("ValidatingAdmissionPolicyBinding", "", binding, &actions)
            .map(drop)
    }
}
