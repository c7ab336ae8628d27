//! Leader election: only the process that holds the Lease reconciles.

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

/// The Lease as this process knows it.
#[derive(Clone)]
pub struct Leadership {
    leases: Api<Lease>,
    identity: String,
    duration: Duration,
    /// When the Lease expires, as far as this process knows. Wall-clock time, which also passes
    /// while the process is frozen or its machine is paused.
    until: Arc<Mutex<Timestamp>>,
}

impl Leadership {
    /// Creates the leadership of the holder `identity`, with the Lease in `namespace`.
    pub fn new(client: Client, namespace: &str, identity: String, duration: Duration) -> Self {
        Self {
            leases: Api::namespaced(client, namespace),
            identity,
            duration,
            until: Arc::new(Mutex::new(Timestamp::MIN)),
        }
    }

    /// Reads the Lease live: what this process remembers may be outdated.
    ///
    /// # Errors
    /// `LeaseLost` if another process holds the Lease, or it has expired; the API server's.
    pub async fn confirm(&self) -> Result<(), Error> {
        let lease = self.leases.get(NAME).await.map_err(api_server)?;
        let until = expiry(&lease, &self.identity, self.duration);
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
        if self.is_remembered() {
            return Ok(());
        }
        Err(lost())
    }

    /// Runs `work` for as long as the Lease holds, as it was read last. The clock is checked each
    /// time before the work continues: work in flight when the process was frozen or cut off is
    /// abandoned at that point.
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
        format!("this process no longer holds the Lease {NAME}"),
    )
}

/// The time during which this process holds the Lease.
pub struct Tenure {
    /// Guards all work.
    pub leadership: Leadership,
    lost: CancellationToken,
    over: CancellationToken,
    task: JoinHandle<()>,
}

impl Tenure {
    /// Waits until the Lease has expired, or another process holds it.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Releases the Lease, so that another replica can take over at once.
    pub async fn end(self) {
        self.over.cancel();
        if tokio::time::timeout(self.leadership.duration, self.task)
            .await
            .is_err()
        {
            tracing::warn!(
                "failed to release the lease: another replica takes over once it has expired"
            );
        }
    }
}

/// Waits until this process holds the Lease; returns none if `stop` comes first.
///
/// Without a renewal the Lease expires after `duration`, in whole seconds. While this process holds
/// it, it also reads it live again and again: the lease manager doesn't report failed renewals.
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
    tracing::info!(identity, "acquired lease");
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
        "failed to acquire the Lease {NAME} in namespace {namespace}: {why}; check the configuration key namespace and the rights of the operator's ServiceAccount"
    );
    Error { message, ..why }
}

/// Returns the pod's name, which people recognize, and a random part that distinguishes this process
/// from earlier ones in the same pod.
fn identity() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| NAME.to_owned());
    format!("{host}_{}", uuid::Uuid::new_v4())
}

async fn keep_watch(leadership: &Leadership, lost: &CancellationToken) {
    let interval = leadership.duration / 5;
    while !lost.is_cancelled() {
        tokio::time::sleep(interval).await;
        // Without an answer the remembered Lease counts, until it has expired.
        let _ = tokio::time::timeout(interval, leadership.confirm()).await;
        if !leadership.is_remembered() {
            tracing::error!("lost the lease: abandoning all reconciles");
            lost.cancel();
        }
    }
}

/// Returns when the Lease of `identity` expires; a time long ago if another holds it.
fn expiry(lease: &Lease, identity: &str, duration: Duration) -> Timestamp {
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
    fn lease_expires_after_its_last_renewal_by_this_holder() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let lease = |holder: &str| Lease {
            spec: Some(LeaseSpec {
                holder_identity: Some(holder.into()),
                renew_time: Some(MicroTime(at(100))),
                ..LeaseSpec::default()
            }),
            ..Lease::default()
        };
        let until = |lease: &Lease| expiry(lease, "me", Duration::from_secs(15));
        assert_eq!(until(&lease("me")), at(115));
        assert_eq!(until(&lease("other")), Timestamp::MIN, "held by another");
        assert_eq!(until(&Lease::default()), Timestamp::MIN, "held by nobody");
    }
}
