//! The backends: what each holds for a tenant, and the one way to bring it there.

pub mod kubernetes;
pub mod postgres;

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};

use akili_crds::{Slug, TenantId, TenantQuotaSpec};
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
    /// The tenant reads and writes, within these limits.
    Writable(TenantQuotaSpec),
    /// The tenant reads.
    ReadOnly(TenantQuotaSpec),
    /// The tenant can't get in; its data is kept.
    NoAccess,
}

/// What became of one tenant in one backend.
#[derive(Debug)]
pub enum Outcome {
    /// The backend holds what is desired; `changed` says what had to be done.
    Converged {
        /// The steps that were taken, for events; empty if there was nothing to do.
        changed: Vec<String>,
        /// Something that people should know although the plane is ready.
        notice: Option<Notice>,
    },
    /// The backend didn't get there.
    Failed(Error),
}

/// Something that people should know although the plane is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// CamelCase, from a closed list, such as `CoverageGap`.
    pub reason: &'static str,
    /// For people.
    pub message: String,
}

/// One backend. A new one is a folder beside this file and a line where they are listed.
#[async_trait]
pub trait Backend: Send + Sync {
    /// What the backend was found to hold for a tenant; absence is a value.
    type Observed: Debug + Send + Sync;
    /// A change to the backend: idempotent, closed, and without a secret in clear.
    /// Displayed as people read it in an event.
    type Step: Debug + Display + PartialEq + Send + Sync;

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

    /// Takes one step. It may be cut off anywhere: the next reconcile observes and goes on.
    async fn apply(&self, tenant: &TenantKey, step: &Self::Step) -> Result<(), Error>;

    /// Something that people should know although there is nothing to do.
    fn notice(&self, _observed: &Self::Observed) -> Option<Notice> {
        None
    }
}

/// Brings one backend to what is desired for one tenant: observe, refuse what
/// another owns, diff, apply, and observe again to be sure.
pub async fn converge<B: Backend>(backend: &B, tenant: &TenantKey, desired: &Desired) -> Outcome {
    match try_converge(backend, tenant, desired).await {
        Ok((changed, notice)) => Outcome::Converged { changed, notice },
        Err(error) => Outcome::Failed(error),
    }
}

async fn try_converge<B: Backend>(
    backend: &B,
    tenant: &TenantKey,
    desired: &Desired,
) -> Result<(Vec<String>, Option<Notice>), Error> {
    let before = observe_one(backend, tenant).await?;
    if let Some(owner) = backend.foreign_owner(tenant, &before) {
        return Err(Error::new(Class::Invalid, "OwnedByAnother", owner));
    }
    let steps = backend.diff(tenant, desired, &before);
    if steps.is_empty() {
        return Ok((vec![], backend.notice(&before)));
    }
    for step in &steps {
        backend.apply(tenant, step).await?;
    }
    let after = observe_one(backend, tenant).await?;
    let left = backend.diff(tenant, desired, &after);
    if let Some(step) = left.first() {
        return Err(Error::new(
            Class::Pending,
            "NotYetEffective",
            format!(
                "{step} was done for tenant {} but isn't effective yet",
                tenant.slug
            ),
        ));
    }
    let changed = steps.iter().map(|step| step.to_string()).collect();
    Ok((changed, backend.notice(&after)))
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
    use super::*;
    use std::sync::Mutex;

    /// A backend that holds one word.
    #[derive(Default)]
    struct Word {
        held: Mutex<String>,
        owner: Option<&'static str>,
        deaf: bool,
        writes: Mutex<u32>,
    }

    #[derive(Debug, PartialEq)]
    struct Write(&'static str);

    impl Display for Write {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "write {}", self.0)
        }
    }

    #[async_trait]
    impl Backend for Word {
        type Observed = String;
        type Step = Write;

        fn condition(&self) -> &'static str {
            "WordReady"
        }

        async fn observe(
            &self,
            tenants: &[TenantKey],
        ) -> Result<BTreeMap<TenantKey, String>, Error> {
            let held = self.held.lock().unwrap().clone();
            Ok(tenants.iter().map(|t| (t.clone(), held.clone())).collect())
        }

        fn foreign_owner(&self, _: &TenantKey, _: &String) -> Option<String> {
            self.owner.map(str::to_owned)
        }

        fn diff(&self, _: &TenantKey, desired: &Desired, observed: &String) -> Vec<Write> {
            let word = match desired {
                Desired::Writable(_) => "write",
                Desired::ReadOnly(_) => "read",
                Desired::NoAccess => "none",
            };
            if observed == word {
                vec![]
            } else {
                vec![Write(word)]
            }
        }

        async fn apply(&self, _: &TenantKey, step: &Write) -> Result<(), Error> {
            *self.writes.lock().unwrap() += 1;
            if !self.deaf {
                step.0.clone_into(&mut self.held.lock().unwrap());
            }
            Ok(())
        }
    }

    fn tenant() -> TenantKey {
        TenantKey {
            slug: "acme".parse().unwrap(),
            id: TenantId::random(),
        }
    }

    #[tokio::test]
    async fn what_has_converged_is_not_written_again() {
        let backend = Word::default();
        let first = converge(&backend, &tenant(), &Desired::NoAccess).await;
        assert!(matches!(first, Outcome::Converged { changed, .. } if changed == ["write none"]));
        let second = converge(&backend, &tenant(), &Desired::NoAccess).await;
        assert!(matches!(second, Outcome::Converged { changed, .. } if changed.is_empty()));
        assert_eq!(*backend.writes.lock().unwrap(), 1);
    }

    #[tokio::test]
    async fn what_another_owns_is_not_touched() {
        let backend = Word {
            owner: Some("the namespace is another's"),
            ..Word::default()
        };
        let outcome = converge(&backend, &tenant(), &Desired::NoAccess).await;
        assert!(matches!(outcome, Outcome::Failed(e) if e.reason == "OwnedByAnother"));
        assert_eq!(*backend.writes.lock().unwrap(), 0);
    }

    #[tokio::test]
    async fn a_step_without_effect_is_not_called_converged() {
        let backend = Word {
            deaf: true,
            ..Word::default()
        };
        let outcome = converge(&backend, &tenant(), &Desired::NoAccess).await;
        assert!(matches!(outcome, Outcome::Failed(e) if e.class == Class::Pending));
    }
}
