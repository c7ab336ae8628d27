//! The generic driver: converges any backend to the desired state, and detects drift.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use akili_crds::Tenant;
use akili_crds::tenant::Resources;
use async_trait::async_trait;

use super::{Backend, Convergence, Desired, Drift, Effect, Guard, Outcome, Plane, TenantKey};
use crate::error::{Error, Reason};

/// A backend, with a hash of what it held for each tenant when the tenant last converged.
pub struct Driver<B> {
    backend: Arc<B>,
    converged: Mutex<BTreeMap<TenantKey, u64>>,
    /// Number of objects that were deleted of each tenant that is being purged.
    deleted: Mutex<BTreeMap<TenantKey, usize>>,
}

impl<B: Backend> Driver<B> {
    /// Creates the driver of a backend; no tenant has converged yet.
    pub fn new(backend: Arc<B>) -> Self {
        Self {
            backend,
            converged: Mutex::default(),
            deleted: Mutex::default(),
        }
    }

    async fn converge_steps(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
        guard: &dyn Guard,
        changed: &mut Vec<String>,
    ) -> Result<Outcome, Error> {
        self.last_converged().remove(tenant);
        let backend = self.backend.as_ref();
        let (before, hash) = self.observe(tenant, desired).await?;
        if let Some(owner) = backend.foreign_owner(tenant, desired, &before) {
            return Err(Error::new(Reason::OwnedByAnother, owner));
        }
        let steps = backend.diff(tenant, desired, &before);
        if steps.is_empty() {
            self.mark_converged(tenant, hash);
            let notice = backend.notice(desired, &before);
            return Ok(Outcome::Converged { notice });
        }
        let mut may_open = false;
        for step in &steps {
            match (desired, B::effect(step)) {
                (Desired::Absent, _) => guard.permit_destroying().await?,
                (_, Effect::Closes) => guard.permit_closing().await?,
                (_, Effect::Opens) if !may_open => {
                    guard.permit_opening().await?;
                    may_open = true;
                }
                (_, Effect::Opens | Effect::Neutral) => {}
            }
            if let Some(pending) = B::awaits(step) {
                return Ok(pending);
            }
            backend.apply(tenant, step).await?;
            changed.push(step.to_string());
            self.add_deleted(tenant, B::deletes(step));
        }
        let (after, hash) = self.observe(tenant, desired).await?;
        let left = backend.diff(tenant, desired, &after);
        if let Some(step) = left.first() {
            return Ok(self.pending(tenant, desired, step));
        }
        self.mark_converged(tenant, hash);
        let notice = backend.notice(desired, &after);
        Ok(Outcome::Converged { notice })
    }

    fn pending(&self, tenant: &TenantKey, desired: &Desired, step: &B::Step) -> Outcome {
        let (reason, so_far) = match (desired, self.deleted().get(tenant)) {
            (Desired::Absent, Some(deleted)) => {
                (Reason::Purging, format!("; {deleted} deleted so far"))
            }
            (Desired::Absent, None) => (Reason::Purging, String::new()),
            _ => (Reason::NotYetEffective, String::new()),
        };
        Outcome::pending(
            reason,
            format!("not complete for tenant {}: {step}{so_far}", tenant.slug),
        )
    }

    fn mark_converged(&self, tenant: &TenantKey, hash: u64) {
        self.last_converged().insert(tenant.clone(), hash);
        self.deleted().remove(tenant);
    }

    fn add_deleted(&self, tenant: &TenantKey, deleted: usize) {
        if deleted > 0 {
            *self.deleted().entry(tenant.clone()).or_default() += deleted;
        }
    }

    async fn observe(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
    ) -> Result<(B::Observed, u64), Error> {
        let mut all = self.backend.list(std::slice::from_ref(tenant)).await?;
        let held = all.remove(tenant).ok_or_else(|| {
            Error::new(
                Reason::NotObserved,
                format!(
                    "the list of the backend {} lacks tenant {}",
                    B::NAME,
                    tenant.slug
                ),
            )
        })?;
        let hash = hash(&held);
        Ok((self.backend.observe(tenant, desired, held).await?, hash))
    }

    fn deleted(&self) -> MutexGuard<'_, BTreeMap<TenantKey, usize>> {
        self.deleted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last_converged(&self) -> MutexGuard<'_, BTreeMap<TenantKey, u64>> {
        self.converged
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<B: Backend> Plane for Driver<B> {
    fn name(&self) -> &'static str {
        B::NAME
    }

    fn condition(&self) -> &'static str {
        B::CONDITION
    }

    fn name_resources(&self, tenant: &TenantKey, resources: &mut Resources) {
        self.backend.name_resources(tenant, resources);
    }

    async fn adopt(&self, tenant: &Tenant, key: &TenantKey) -> Result<(), Error> {
        self.backend.adopt(tenant, key).await
    }

    async fn converge(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
        guard: &dyn Guard,
    ) -> Convergence {
        let mut changed = Vec::new();
        let result = self
            .converge_steps(tenant, desired, guard, &mut changed)
            .await;
        Convergence {
            changed,
            outcome: result.unwrap_or_else(Outcome::from),
        }
    }

    async fn audit(&self, tenants: &BTreeSet<TenantKey>) -> Drift {
        let known: Vec<TenantKey> = {
            let mut converged = self.last_converged();
            converged.retain(|tenant, _| tenants.contains(tenant));
            converged.keys().cloned().collect()
        };
        if known.is_empty() {
            return Drift::default();
        }
        let (found, error) = match self.backend.list(&known).await {
            Ok(found) => (found, None),
            Err(error) => (BTreeMap::new(), Some(error)),
        };
        let mut converged = self.last_converged();
        let is_unchanged = |tenant: &TenantKey| {
            let now = found.get(tenant).map(hash);
            // A tenant that is being reconciled meanwhile is observed by that reconcile.
            converged.get(tenant).is_none_or(|then| now == Some(*then))
        };
        let tenants: Vec<TenantKey> = known
            .into_iter()
            .filter(|tenant| !is_unchanged(tenant))
            .collect();
        for tenant in &tenants {
            converged.remove(tenant);
        }
        Drift { tenants, error }
    }
}

fn hash(held: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    held.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use akili_crds::TenantId;

    use super::*;
    use crate::backend::fake::{Fake, Fault, RecordingGuard, all_states, failing_reason};

    /// Timeout of a reconcile whose step never answers.
    const TIMEOUT: Duration = Duration::from_millis(20);

    fn tenant() -> TenantKey {
        TenantKey {
            slug: "acme".parse().unwrap(),
            id: TenantId::random(),
        }
    }

    async fn converge(backend: &Arc<Fake>, desired: &Desired) -> Convergence {
        converge_with(backend, desired, &RecordingGuard::default()).await
    }

    async fn converge_with(
        backend: &Arc<Fake>,
        desired: &Desired,
        guard: &RecordingGuard,
    ) -> Convergence {
        Driver::new(backend.clone())
            .converge(&tenant(), desired, guard)
            .await
    }

    #[tokio::test]
    async fn converged_backend_is_not_written_again() {
        for desired in all_states() {
            let backend = Arc::new(Fake::default());
            converge(&backend, &desired).await;
            let writes = backend.writes();
            let again = converge(&backend, &desired).await;
            assert!(again.outcome.is_converged() && again.changed.is_empty());
            assert_eq!(backend.writes(), writes, "{desired:?}");
        }
    }

    #[tokio::test]
    async fn foreign_object_is_not_changed() {
        let backend = Arc::new(Fake::owned_by("another tenant"));
        let outcome = converge(&backend, &Desired::NoAccess).await;
        assert_eq!(failing_reason(&outcome), Some(Reason::OwnedByAnother));
        assert_eq!(backend.writes(), 0);
    }

    #[tokio::test]
    async fn step_without_effect_is_pending() {
        let backend = Arc::new(Fake::default());
        backend.fail_at(0, Fault::Ignored);
        let outcome = converge(&backend, &all_states()[0]).await;
        assert_eq!(failing_reason(&outcome), Some(Reason::NotYetEffective));
        assert!(matches!(outcome.outcome, Outcome::Pending { .. }));
        assert!(
            !outcome.changed.is_empty(),
            "the applied steps are reported"
        );
    }

    /// Every transition × each of its steps × every fault: after a retry the backend holds the
    /// same as without the fault, and was written to as often, plus the repeated call.
    #[tokio::test]
    async fn retry_after_a_fault_repeats_only_the_failed_step() {
        let mut cases = 0;
        for from in all_states() {
            for to in all_states() {
                let reference = Arc::new(Fake::holding(&from));
                converge(&reference, &to).await;
                for step in 0..reference.writes() {
                    for fault in [Fault::Before, Fault::After, Fault::NoAnswer] {
                        let backend = Arc::new(Fake::holding(&from));
                        backend.fail_at(step, fault);
                        let first = tokio::time::timeout(TIMEOUT, converge(&backend, &to)).await;
                        let failed = !first.is_ok_and(|outcome| outcome.outcome.is_converged());
                        assert!(failed, "{from:?} → {to:?}, step {step}, {fault:?}");
                        let second = converge(&backend, &to).await;
                        assert_eq!(failing_reason(&second), None);
                        assert_eq!(backend.held(), reference.held());
                        assert!(backend.writes() <= reference.writes() + 1);
                        cases += 1;
                    }
                }
            }
        }
        assert_eq!(
            cases, 36,
            "every step of the six transitions failed once per fault"
        );
    }

    #[tokio::test]
    async fn guard_permits_opening_once_and_each_closing_step() {
        let [writable, _, none] = all_states();
        let backend = Arc::new(Fake::holding(&none));

        let refusing = RecordingGuard::refusing(Reason::TenantArchived);
        let outcome = converge_with(&backend, &writable, &refusing).await;
        assert_eq!(failing_reason(&outcome), Some(Reason::TenantArchived));
        assert_eq!((backend.writes(), refusing.asked()), (0, (1, 0)));

        let guard = RecordingGuard::default();
        converge_with(&backend, &writable, &guard).await;
        assert_eq!((backend.writes(), guard.asked()), (3, (1, 0)));

        let refusing = RecordingGuard::refusing(Reason::LeaseLost);
        let outcome = converge_with(&backend, &none, &refusing).await;
        assert_eq!(failing_reason(&outcome), Some(Reason::LeaseLost));
        assert_eq!((backend.writes(), refusing.asked()), (3, (0, 1)));

        let guard = RecordingGuard::default();
        converge_with(&backend, &none, &guard).await;
        assert_eq!((backend.writes(), guard.asked()), (6, (0, 3)));
    }

    #[tokio::test]
    async fn purge_deletes_pages_asks_before_each_and_shows_progress() {
        let [writable, ..] = all_states();
        let backend = Arc::new(Fake::holding(&writable));
        backend.fill(5);
        let refusing = RecordingGuard::refusing(Reason::RetentionNotOver);
        let outcome = converge_with(&backend, &Desired::Absent, &refusing).await;
        assert_eq!(failing_reason(&outcome), Some(Reason::RetentionNotOver));
        assert_eq!((backend.writes(), refusing.asked_to_destroy()), (0, 1));

        let (driver, guard) = (Driver::new(backend.clone()), RecordingGuard::default());
        let tenant = tenant();
        let purge = async || driver.converge(&tenant, &Desired::Absent, &guard).await;
        let first = purge().await;
        assert_eq!(
            first.changed,
            ["take login", "take read", "take write", "delete 2"]
        );
        assert_eq!(
            first.outcome,
            Outcome::pending(
                Reason::Purging,
                "not complete for tenant acme: delete 2; 2 deleted so far"
            )
        );
        assert_eq!(failing_reason(&purge().await), Some(Reason::Purging));
        let last = purge().await;
        assert_eq!(
            (last.changed.as_slice(), last.outcome.is_converged()),
            (&["delete 1".to_owned()][..], true)
        );
        assert_eq!((guard.asked_to_destroy(), guard.asked()), (6, (0, 0)));
    }

    #[tokio::test]
    async fn only_changed_tenants_have_drifted() {
        let (backend, tenant) = (Arc::new(Fake::default()), tenant());
        let (driver, known) = (Driver::new(backend.clone()), [tenant.clone()].into());
        let desired = &all_states()[0];
        let drifted = async || driver.audit(&known).await.tenants;
        assert_eq!(drifted().await, [], "the tenant never converged");

        driver
            .converge(&tenant, desired, &RecordingGuard::default())
            .await;
        assert_eq!(drifted().await, []);

        backend.lose("write");
        assert_eq!(drifted().await, std::slice::from_ref(&tenant));
        assert_eq!(drifted().await, [], "the drift was reported");

        let repaired = driver
            .converge(&tenant, desired, &RecordingGuard::default())
            .await;
        assert_eq!(repaired.changed, ["give write"]);
        assert_eq!(driver.audit(&BTreeSet::new()).await.tenants, []);
        backend.lose("write");
        assert_eq!(drifted().await, [], "a deleted tenant is forgotten");
    }

    #[tokio::test]
    async fn silent_backend_reports_every_tenant_as_drifted() {
        let (backend, tenant) = (Arc::new(Fake::default()), tenant());
        let (driver, known) = (Driver::new(backend.clone()), [tenant.clone()].into());
        driver
            .converge(&tenant, &all_states()[0], &RecordingGuard::default())
            .await;
        backend.go_silent();
        let drift = driver.audit(&known).await;
        assert_eq!((drift.tenants, drift.error.is_some()), (vec![tenant], true));
        let again = driver.audit(&known).await;
        assert_eq!((again.tenants.len(), again.error.is_some()), (0, false));
    }
}
