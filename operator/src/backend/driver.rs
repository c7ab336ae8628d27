//! The one way to bring any backend to what is desired, and to see when it is no
//! longer there.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use akili_crds::tenant::Resources;
use async_trait::async_trait;

use super::{Backend, Convergence, Desired, Drift, Effect, Guard, Outcome, Plane, TenantKey};
use crate::error::{Error, Reason};

/// A backend, and for each tenant that was as desired a hash of what it held then.
pub struct Driver<B> {
    backend: Arc<B>,
    settled: Mutex<BTreeMap<TenantKey, u64>>,
    /// How much was deleted of each tenant whose purge goes on.
    deleted: Mutex<BTreeMap<TenantKey, usize>>,
}

impl<B: Backend> Driver<B> {
    /// The backend as a plane; nothing is known yet of any tenant.
    pub fn new(backend: Arc<B>) -> Self {
        Self {
            backend,
            settled: Mutex::default(),
            deleted: Mutex::default(),
        }
    }

    async fn bring(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
        guard: &dyn Guard,
        changed: &mut Vec<String>,
    ) -> Result<Outcome, Error> {
        self.settled().remove(tenant);
        let backend = self.backend.as_ref();
        let (before, hash) = self.look(tenant, desired).await?;
        if let Some(owner) = backend.foreign_owner(tenant, desired, &before) {
            return Err(Error::new(Reason::OwnedByAnother, owner));
        }
        let steps = backend.diff(tenant, desired, &before);
        if steps.is_empty() {
            self.settle(tenant, hash);
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
            self.count(tenant, B::deletes(step));
        }
        let (after, hash) = self.look(tenant, desired).await?;
        let left = backend.diff(tenant, desired, &after);
        if let Some(step) = left.first() {
            return Ok(self.pending(tenant, desired, step));
        }
        self.settle(tenant, hash);
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
            format!("still to do for tenant {}: {step}{so_far}", tenant.slug),
        )
    }

    fn settle(&self, tenant: &TenantKey, hash: u64) {
        self.settled().insert(tenant.clone(), hash);
        self.deleted().remove(tenant);
    }

    fn count(&self, tenant: &TenantKey, deleted: usize) {
        if deleted > 0 {
            *self.deleted().entry(tenant.clone()).or_default() += deleted;
        }
    }

    async fn look(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
    ) -> Result<(B::Observed, u64), Error> {
        let mut all = self.backend.list(std::slice::from_ref(tenant)).await?;
        let held = all.remove(tenant).ok_or_else(|| {
            Error::new(
                Reason::NotObserved,
                format!("nothing was said of tenant {}", tenant.slug),
            )
        })?;
        let hash = hash(&held);
        Ok((self.backend.observe(tenant, desired, held).await?, hash))
    }

    fn deleted(&self) -> MutexGuard<'_, BTreeMap<TenantKey, usize>> {
        self.deleted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settled(&self) -> MutexGuard<'_, BTreeMap<TenantKey, u64>> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<B: Backend> Plane for Driver<B> {
    fn name(&self) -> &'static str {
        self.backend.name()
    }

    fn condition(&self) -> &'static str {
        self.backend.condition()
    }

    fn name_resources(&self, tenant: &TenantKey, resources: &mut Resources) {
        self.backend.name_resources(tenant, resources);
    }

    async fn converge(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
        guard: &dyn Guard,
    ) -> Convergence {
        let mut changed = Vec::new();
        let result = self.bring(tenant, desired, guard, &mut changed).await;
        Convergence {
            changed,
            outcome: result.unwrap_or_else(Outcome::from),
        }
    }

    async fn audit(&self, tenants: &BTreeSet<TenantKey>) -> Drift {
        let known: Vec<TenantKey> = {
            let mut settled = self.settled();
            settled.retain(|tenant, _| tenants.contains(tenant));
            settled.keys().cloned().collect()
        };
        if known.is_empty() {
            return Drift::default();
        }
        let (found, error) = match self.backend.list(&known).await {
            Ok(found) => (found, None),
            Err(error) => (BTreeMap::new(), Some(error)),
        };
        let mut settled = self.settled();
        let as_before = |tenant: &TenantKey| {
            let now = found.get(tenant).map(hash);
            // One that is being worked on meanwhile is looked at by whoever does.
            settled.get(tenant).is_none_or(|then| now == Some(*then))
        };
        let tenants: Vec<TenantKey> = known
            .into_iter()
            .filter(|tenant| !as_before(tenant))
            .collect();
        for tenant in &tenants {
            settled.remove(tenant);
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
    use crate::backend::fake::{Fake, Fault, Watchman, all_states, failing_reason};

    /// An answer that doesn't come is given up after this long.
    const PATIENCE: Duration = Duration::from_millis(20);

    fn tenant() -> TenantKey {
        TenantKey {
            slug: "acme".parse().unwrap(),
            id: TenantId::random(),
        }
    }

    async fn converge(backend: &Arc<Fake>, desired: &Desired) -> Convergence {
        converge_asking(backend, desired, &Watchman::default()).await
    }

    async fn converge_asking(
        backend: &Arc<Fake>,
        desired: &Desired,
        watchman: &Watchman,
    ) -> Convergence {
        Driver::new(backend.clone())
            .converge(&tenant(), desired, watchman)
            .await
    }

    #[tokio::test]
    async fn what_has_converged_is_not_written_again() {
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
    async fn what_another_owns_is_not_touched() {
        let backend = Arc::new(Fake::owned_by("somebody else"));
        let outcome = converge(&backend, &Desired::NoAccess).await;
        assert_eq!(failing_reason(&outcome), Some(Reason::OwnedByAnother));
        assert_eq!(backend.writes(), 0);
    }

    #[tokio::test]
    async fn a_step_without_effect_is_not_called_converged() {
        let backend = Arc::new(Fake::default());
        backend.fail_at(0, Fault::Ignored);
        let outcome = converge(&backend, &all_states()[0]).await;
        assert_eq!(failing_reason(&outcome), Some(Reason::NotYetEffective));
        assert!(matches!(outcome.outcome, Outcome::Pending { .. }));
        assert!(!outcome.changed.is_empty(), "what was done is told");
    }

    /// Every move of a tenant's life × every step of it × every way to fail: tried
    /// again, the backend holds the same as if nothing had failed, and was written to
    /// no more often than that takes, and the failed call repeated.
    #[tokio::test]
    async fn a_step_that_failed_is_repeated_and_nothing_else_is() {
        let mut cases = 0;
        for from in all_states() {
            for to in all_states() {
                let reference = Arc::new(Fake::holding(&from));
                converge(&reference, &to).await;
                for step in 0..reference.writes() {
                    for fault in [Fault::Before, Fault::After, Fault::NoAnswer] {
                        let backend = Arc::new(Fake::holding(&from));
                        backend.fail_at(step, fault);
                        let first = tokio::time::timeout(PATIENCE, converge(&backend, &to)).await;
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
        assert_eq!(cases, 36, "every step of the six moves was made to fail");
    }

    #[tokio::test]
    async fn the_guard_is_asked_once_to_open_and_before_each_step_that_closes() {
        let [writable, _, none] = all_states();
        let backend = Arc::new(Fake::holding(&none));

        let refusing = Watchman::refusing(Reason::TenantArchived);
        let outcome = converge_asking(&backend, &writable, &refusing).await;
        assert_eq!(failing_reason(&outcome), Some(Reason::TenantArchived));
        assert_eq!((backend.writes(), refusing.asked()), (0, (1, 0)));

        let watchman = Watchman::default();
        converge_asking(&backend, &writable, &watchman).await;
        assert_eq!((backend.writes(), watchman.asked()), (3, (1, 0)));

        let refusing = Watchman::refusing(Reason::LeaseLost);
        let outcome = converge_asking(&backend, &none, &refusing).await;
        assert_eq!(failing_reason(&outcome), Some(Reason::LeaseLost));
        assert_eq!((backend.writes(), refusing.asked()), (3, (0, 1)));

        let watchman = Watchman::default();
        converge_asking(&backend, &none, &watchman).await;
        assert_eq!((backend.writes(), watchman.asked()), (6, (0, 3)));
    }

    #[tokio::test]
    async fn a_purge_goes_page_by_page_asks_before_each_and_says_how_far_it_is() {
        let [writable, ..] = all_states();
        let backend = Arc::new(Fake::holding(&writable));
        backend.fill(5);
        let refusing = Watchman::refusing(Reason::RetentionNotOver);
        let outcome = converge_asking(&backend, &Desired::Absent, &refusing).await;
        assert_eq!(failing_reason(&outcome), Some(Reason::RetentionNotOver));
        assert_eq!((backend.writes(), refusing.asked_to_destroy()), (0, 1));

        let (driver, watchman) = (Driver::new(backend.clone()), Watchman::default());
        let tenant = tenant();
        let purge = async || driver.converge(&tenant, &Desired::Absent, &watchman).await;
        let first = purge().await;
        assert_eq!(
            first.changed,
            ["take login", "take read", "take write", "delete 2"]
        );
        assert_eq!(
            first.outcome,
            Outcome::pending(
                Reason::Purging,
                "still to do for tenant acme: delete 2; 2 deleted so far"
            )
        );
        assert_eq!(failing_reason(&purge().await), Some(Reason::Purging));
        let last = purge().await;
        assert_eq!(
            (last.changed.as_slice(), last.outcome.is_converged()),
            (&["delete 1".to_owned()][..], true)
        );
        assert_eq!((watchman.asked_to_destroy(), watchman.asked()), (6, (0, 0)));
    }

    #[tokio::test]
    async fn only_what_is_no_longer_as_it_was_has_drifted() {
        let (backend, tenant) = (Arc::new(Fake::default()), tenant());
        let (driver, known) = (Driver::new(backend.clone()), [tenant.clone()].into());
        let desired = &all_states()[0];
        let drifted = async || driver.audit(&known).await.tenants;
        assert_eq!(drifted().await, [], "nothing is known of it yet");

        driver
            .converge(&tenant, desired, &Watchman::default())
            .await;
        assert_eq!(drifted().await, []);

        backend.lose("write");
        assert_eq!(drifted().await, std::slice::from_ref(&tenant));
        assert_eq!(drifted().await, [], "it was said");

        let repaired = driver
            .converge(&tenant, desired, &Watchman::default())
            .await;
        assert_eq!(repaired.changed, ["give write"]);
        assert_eq!(driver.audit(&BTreeSet::new()).await.tenants, []);
        backend.lose("write");
        assert_eq!(drifted().await, [], "a tenant that is gone is forgotten");
    }

    #[tokio::test]
    async fn where_a_backend_cannot_be_asked_every_tenant_may_have_drifted() {
        let (backend, tenant) = (Arc::new(Fake::default()), tenant());
        let (driver, known) = (Driver::new(backend.clone()), [tenant.clone()].into());
        driver
            .converge(&tenant, &all_states()[0], &Watchman::default())
            .await;
        backend.go_silent();
        let drift = driver.audit(&known).await;
        assert_eq!((drift.tenants, drift.error.is_some()), (vec![tenant], true));
        let again = driver.audit(&known).await;
        assert_eq!((again.tenants.len(), again.error.is_some()), (0, false));
    }
}
