//! The backends: what each holds for a tenant, and the one way to bring it there.

pub mod breaker;
#[cfg(test)]
pub mod fake;
pub mod kafka;
pub mod kubernetes;
pub mod postgres;

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};

use akili_crds::{Phase, Slug, TenantId, TenantQuotaSpec};
use async_trait::async_trait;

use crate::error::{Class, Error};

/// A tenant, as backends know it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TenantKey {
    /// Its name.
    pub slug: Slug,
    /// Its id.
    pub id: TenantId,
}

/// What a backend is to hold for a tenant.
#[derive(Clone, Debug, PartialEq)]
pub enum Desired {
    /// The tenant reads and writes.
    Writable {
        /// Within these limits.
        limits: TenantQuotaSpec,
        /// How far it has got: not ACTIVE until every plane is open.
        reached: Phase,
    },
    /// The tenant reads.
    ReadOnly(TenantQuotaSpec),
    /// The tenant can't get in; its data is kept.
    NoAccess,
}

/// What became of one tenant in one backend.
#[derive(Debug)]
pub struct Outcome {
    /// The steps that were taken, for events; empty if there was nothing to do.
    pub changed: Vec<String>,
    /// That the backend holds what is desired, perhaps with something that people
    /// should know all the same; or why it doesn't.
    pub result: Result<Option<Notice>, Error>,
}

impl Outcome {
    /// The word for it in metrics: `unchanged`, `changed`, or the class of the error.
    pub fn as_str(&self) -> &'static str {
        match &self.result {
            Err(error) => error.class.as_str(),
            Ok(_) if self.changed.is_empty() => "unchanged",
            Ok(_) => "changed",
        }
    }
}

/// Something that people should know although the plane is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// CamelCase, from a closed list, such as `CoverageGap`.
    pub reason: &'static str,
    /// For people.
    pub message: String,
}

/// What a step does to a tenant's access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing that anybody would notice.
    Neutral,
    /// It lets the tenant in, or lets it do more.
    Opens,
    /// It is destructive: it takes away access, sessions or data.
    Closes,
}

/// Asked before a step changes what the tenant may do: whether what this reconcile
/// set out to do is still wanted, and still ours to do.
#[async_trait]
pub trait Guard: Send + Sync {
    /// Asked before the first step that opens.
    ///
    /// # Errors
    /// It may not, or nobody can say so now.
    async fn permit_opening(&self) -> Result<(), Error>;

    /// Asked immediately before each step that closes.
    ///
    /// # Errors
    /// It may not, or nobody can say so now.
    async fn permit_closing(&self) -> Result<(), Error>;
}

/// A backend as the controller sees it.
#[async_trait]
pub trait Plane: Send + Sync {
    /// Its name in metrics, such as `postgres`.
    fn name(&self) -> &'static str;

    /// The condition of the Tenant that speaks of this backend.
    fn condition(&self) -> &'static str;

    /// Brings the backend to what is desired for one tenant: observe, refuse what
    /// another owns, diff, apply, and observe again to be sure.
    async fn converge(&self, tenant: &TenantKey, desired: &Desired, guard: &dyn Guard) -> Outcome;
}

/// One backend. A new one is a folder beside this file and a line where they are listed.
#[async_trait]
pub trait Backend: Send + Sync {
    /// What the backend was found to hold for a tenant; absence is a value.
    type Observed: Debug + Send + Sync;
    /// A change to the backend: idempotent, closed, and without a secret in clear.
    /// Displayed as people read it in an event.
    type Step: Debug + Display + PartialEq + Send + Sync;

    /// Its name in metrics, such as `postgres`.
    fn name(&self) -> &'static str;

    /// The condition of the Tenant that speaks of this backend.
    fn condition(&self) -> &'static str;

    /// Reads what is there for these tenants, and changes nothing.
    async fn observe(
        &self,
        tenants: &[TenantKey],
    ) -> Result<BTreeMap<TenantKey, Self::Observed>, Error>;

    /// Who else owns what is there under the tenant's name, if somebody does.
    fn foreign_owner(&self, tenant: &TenantKey, observed: &Self::Observed) -> Option<String>;

    /// The steps from what is there to what is desired, in order; none when converged.
    fn diff(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
        observed: &Self::Observed,
    ) -> Vec<Self::Step>;

    /// What the step does to the tenant's access, for which the [`Guard`] is asked.
    fn effect(step: &Self::Step) -> Effect;

    /// Takes one step. It may be cut off anywhere: the next reconcile observes and goes on.
    async fn apply(&self, tenant: &TenantKey, step: &Self::Step) -> Result<(), Error>;

    /// Something that people should know although there is nothing to do.
    fn notice(&self, _observed: &Self::Observed) -> Option<Notice> {
        None
    }
}

#[async_trait]
impl<B: Backend> Plane for B {
    fn name(&self) -> &'static str {
        Backend::name(self)
    }

    fn condition(&self) -> &'static str {
        Backend::condition(self)
    }

    async fn converge(&self, tenant: &TenantKey, desired: &Desired, guard: &dyn Guard) -> Outcome {
        let mut changed = Vec::new();
        let result = try_converge(self, tenant, desired, guard, &mut changed).await;
        Outcome { changed, result }
    }
}

async fn try_converge<B: Backend>(
    backend: &B,
    tenant: &TenantKey,
    desired: &Desired,
    guard: &dyn Guard,
    changed: &mut Vec<String>,
) -> Result<Option<Notice>, Error> {
    let before = observe_one(backend, tenant).await?;
    if let Some(owner) = backend.foreign_owner(tenant, &before) {
        return Err(Error::new(Class::Invalid, "OwnedByAnother", owner));
    }
    let steps = backend.diff(tenant, desired, &before);
    if steps.is_empty() {
        return Ok(backend.notice(&before));
    }
    let mut may_open = false;
    for step in &steps {
        match B::effect(step) {
            Effect::Closes => guard.permit_closing().await?,
            Effect::Opens if !may_open => {
                guard.permit_opening().await?;
                may_open = true;
            }
            Effect::Opens | Effect::Neutral => {}
        }
        backend.apply(tenant, step).await?;
        changed.push(step.to_string());
    }
    let after = observe_one(backend, tenant).await?;
    let left = backend.diff(tenant, desired, &after);
    if let Some(step) = left.first() {
        return Err(Error::new(
            Class::Pending,
            "NotYetEffective",
            format!("still to do for tenant {}: {step}", tenant.slug),
        ));
    }
    Ok(backend.notice(&after))
}

async fn observe_one<B: Backend>(backend: &B, tenant: &TenantKey) -> Result<B::Observed, Error> {
    let mut all = backend.observe(std::slice::from_ref(tenant)).await?;
    all.remove(tenant).ok_or_else(|| {
        Error::new(
            Class::Transient,
            "NotObserved",
            format!("nothing was said of tenant {}", tenant.slug),
        )
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use akili_crds::TenantId;

    use super::fake::{Fake, Fault, Watchman, all_states, failing_reason};
    use super::*;

    /// An answer that doesn't come is given up after this long.
    const PATIENCE: Duration = Duration::from_millis(20);

    fn tenant() -> TenantKey {
        TenantKey {
            slug: "acme".parse().unwrap(),
            id: TenantId::random(),
        }
    }

    async fn converge(backend: &Fake, desired: &Desired) -> Outcome {
        backend
            .converge(&tenant(), desired, &Watchman::default())
            .await
    }

    #[tokio::test]
    async fn what_has_converged_is_not_written_again() {
        for desired in all_states() {
            let backend = Fake::default();
            converge(&backend, &desired).await;
            let writes = backend.writes();
            let again = converge(&backend, &desired).await;
            assert!(again.result.is_ok() && again.changed.is_empty());
            assert_eq!(backend.writes(), writes, "{desired:?}");
        }
    }

    #[tokio::test]
    async fn what_another_owns_is_not_touched() {
        let backend = Fake::owned_by("somebody else");
        let outcome = converge(&backend, &Desired::NoAccess).await;
        assert_eq!(failing_reason(&outcome), Some("OwnedByAnother"));
        assert_eq!(backend.writes(), 0);
    }

    #[tokio::test]
    async fn a_step_without_effect_is_not_called_converged() {
        let backend = Fake::default();
        backend.fail_at(0, Fault::Ignored);
        let outcome = converge(&backend, &all_states()[0]).await;
        assert_eq!(outcome.result.unwrap_err().class, Class::Pending);
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
                let reference = Fake::holding(&from);
                converge(&reference, &to).await;
                for step in 0..reference.writes() {
                    for fault in [Fault::Before, Fault::After, Fault::NoAnswer] {
                        let backend = Fake::holding(&from);
                        backend.fail_at(step, fault);
                        let first = tokio::time::timeout(PATIENCE, converge(&backend, &to)).await;
                        let failed = !first.is_ok_and(|outcome| outcome.result.is_ok());
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
        let backend = Fake::holding(&none);

        let refusing = Watchman::refusing("TenantArchived");
        let outcome = backend.converge(&tenant(), &writable, &refusing).await;
        assert_eq!(failing_reason(&outcome), Some("TenantArchived"));
        assert_eq!((backend.writes(), refusing.asked()), (0, (1, 0)));

        let watchman = Watchman::default();
        backend.converge(&tenant(), &writable, &watchman).await;
        assert_eq!((backend.writes(), watchman.asked()), (3, (1, 0)));

        let refusing = Watchman::refusing("LeaseLost");
        let outcome = backend.converge(&tenant(), &none, &refusing).await;
        assert_eq!(failing_reason(&outcome), Some("LeaseLost"));
        assert_eq!((backend.writes(), refusing.asked()), (3, (0, 1)));

        let watchman = Watchman::default();
        backend.converge(&tenant(), &none, &watchman).await;
        assert_eq!((backend.writes(), watchman.asked()), (6, (0, 3)));
    }
}
