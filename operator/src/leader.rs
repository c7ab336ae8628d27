//! One operator works at a time: the one that holds the Lease.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client};
use kube_lease_manager::{LeaseManagerBuilder, LeaseManagerError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Reason, api_server};

const NAME: &str = "akili-operator";

/// The lease that this process has taken.
#[derive(Clone)]
pub struct Leadership {
    leases: Api<Lease>,
    identity: String,
    duration: Duration,
    /// When the lease runs out, as far as this process knows. By the clock on the wall,
    /// which goes on while the process is frozen or its machine is paused.
    until: Arc<Mutex<Timestamp>>,
}

impl Leadership {
    /// The leadership of this holder of the lease in the operator's namespace.
    pub fn new(client: Client, namespace: &str, identity: String, duration: Duration) -> Self {
        Self {
            leases: Api::namespaced(client, namespace),
            identity,
            duration,
            until: Arc::new(Mutex::new(Timestamp::MIN)),
        }
    }

    /// Looks at the lease, live: what this process remembers of it may be old.
    ///
    /// # Errors
    /// `LeaseLost`: another leads, or nobody can say so now.
    pub async fn confirm(&self) -> Result<(), Error> {
        let lease = self.leases.get(NAME).await.map_err(api_server)?;
        let until = ours_until(&lease, &self.identity, self.duration);
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
        if self.is_remembered() {
            return Ok(());
        }
        Err(lost())
    }

    /// Works for as long as the lease holds, as it was seen last. The clock is looked at
    /// each time before the work goes on: what was on its way when the process was frozen
    /// or cut off is given up where it was.
    ///
    /// # Errors
    /// The work's own; those of [`confirm`](Self::confirm).
    pub async fn during<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        if !self.is_remembered() {
            self.confirm().await?;
        }
        let mut work = pin!(work);
        poll_fn(|context| match self.is_remembered() {
            true => work.as_mut().poll(context),
            false => Poll::Ready(Err(lost())),
        })
        .await
    }

    fn is_remembered(&self) -> bool {
        Timestamp::now() < *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lost() -> Error {
    Error::new(
        Reason::LeaseLost,
        format!("the Lease {NAME} isn't held by this process any more"),
    )
}

/// What comes with the lease: knowing when it is lost, and giving it back.
pub struct Tenure {
    /// Work goes on only while this process has it.
    pub leadership: Leadership,
    lost: CancellationToken,
    over: CancellationToken,
    task: JoinHandle<()>,
}

impl Tenure {
    /// Waits until the lease has run out without being renewed, or is another's.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Gives the lease back, so that another can lead at once.
    pub async fn end(self) {
        self.over.cancel();
        if tokio::time::timeout(self.leadership.duration, self.task)
            .await
            .is_err()
        {
            tracing::warn!("the lease wasn't given back: another leads once it has run out");
        }
    }
}

/// Waits until this process holds the lease; nothing where `stop` came first.
///
/// The lease holds for `duration`, whole seconds, without being renewed. From then on a
/// live look at it, again and again, shows that it is still ours: the lease manager says
/// nothing when its renewals fail.
///
/// # Errors
/// The API server refuses the Lease, or doesn't answer.
pub async fn lead(
    client: Client,
    namespace: &str,
    duration: Duration,
    stop: &CancellationToken,
) -> Result<Option<Tenure>, Error> {
    let identity = identity();
    let manager = LeaseManagerBuilder::new(client.clone(), NAME)
        .with_namespace(namespace)
        .with_identity(identity.clone())
        .with_duration(duration.as_secs())
        .with_grace(duration.as_secs() / 3)
        .build()
        .await
        .map_err(|error| unavailable(error, namespace))?;
    let (mut leading, task) = manager.watch().await;
    tracing::info!(identity, "waiting for the lease");
    tokio::select! {
        () = stop.cancelled() => return Ok(None),
        _ = leading.wait_for(|leading| *leading) => {}
    }
    tracing::info!(identity, "leading");
    let leadership = Leadership::new(client, namespace, identity, duration);
    leadership.confirm().await?;
    let (lost, over) = (CancellationToken::new(), CancellationToken::new());
    let watched = (leadership.clone(), lost.clone(), over.clone());
    let task = tokio::spawn(async move {
        let (leadership, lost, over) = watched;
        over.run_until_cancelled(keep_watch(&leadership, &lost))
            .await;
        // Dropping the receiver is what gives the lease back.
        drop(leading);
        let _ = task.await;
    });
    Ok(Some(Tenure {
        leadership,
        lost,
        over,
        task,
    }))
}

fn unavailable(error: LeaseManagerError, namespace: &str) -> Error {
    let why = match error {
        LeaseManagerError::KubeError(error) => api_server(error),
        other => Error::new(Reason::NoLease, other),
    };
    let message = format!(
        "the Lease {NAME} in namespace {namespace} can't be had: {why}; check the configuration key namespace and the rights of the operator's ServiceAccount"
    );
    Error { message, ..why }
}

/// The pod's name, which people know it by, and what sets this process apart from
/// others in the pod.
fn identity() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| NAME.to_owned());
    format!("{host}_{}", uuid::Uuid::new_v4())
}

async fn keep_watch(leadership: &Leadership, lost: &CancellationToken) {
    let look_every = leadership.duration / 5;
    while !lost.is_cancelled() {
        tokio::time::sleep(look_every).await;
        // Without an answer what is remembered counts, until it has run out.
        let _ = tokio::time::timeout(look_every, leadership.confirm()).await;
        if !leadership.is_remembered() {
            tracing::error!("the lease is lost: all work stops");
            lost.cancel();
        }
    }
}

/// Until when this lease says that `identity` leads; long ago, if it doesn't.
fn ours_until(lease: &Lease, identity: &str, duration: Duration) -> Timestamp {
    let ours = lease
        .spec
        .as_ref()
        .filter(|spec| spec.holder_identity.as_deref() == Some(identity));
    let renewed = ours.and_then(|spec| spec.renew_time.as_ref());
    renewed
        .and_then(|renewed| renewed.0.checked_add(duration).ok())
        .unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::coordination::v1::LeaseSpec;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

    #[test]
    fn a_lease_is_ours_while_it_names_us_and_was_renewed_in_time() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let lease = |holder: &str| Lease {
            spec: Some(LeaseSpec {
                holder_identity: Some(holder.into()),
                renew_time: Some(MicroTime(at(100))),
                ..LeaseSpec::default()
            }),
            ..Lease::default()
        };
        let until = |lease: &Lease| ours_until(lease, "me", Duration::from_secs(15));
        assert_eq!(until(&lease("me")), at(115));
        assert_eq!(until(&lease("other")), Timestamp::MIN, "another's");
        assert_eq!(until(&Lease::default()), Timestamp::MIN, "nobody's");
    }
}
