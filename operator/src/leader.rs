//! One operator works at a time: the one that holds the Lease.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client};
use kube_lease_manager::{LeaseManagerBuilder, LeaseManagerError};
use tokio_util::sync::CancellationToken;

use crate::error::{Class, Error};

const NAME: &str = "akili-operator";

/// The lease that this process has taken.
#[derive(Clone)]
pub struct Leadership {
    leases: Api<Lease>,
    identity: String,
    duration: Duration,
}

impl Leadership {
    /// The leadership of this holder of the lease in the operator's namespace.
    pub fn new(client: Client, namespace: &str, identity: String, duration: Duration) -> Self {
        Self {
            leases: Api::namespaced(client, namespace),
            identity,
            duration,
        }
    }

    /// Looks at the lease, live: what this process remembers of it may be old.
    ///
    /// # Errors
    /// `LeaseLost`: another leads, or nobody can say so now.
    pub async fn confirm(&self) -> Result<(), Error> {
        let lease = self.leases.get(NAME).await?;
        if is_ours(&lease, &self.identity, self.duration, Timestamp::now()) {
            return Ok(());
        }
        Err(Error::new(
            Class::Conflict,
            "LeaseLost",
            format!("the Lease {NAME} isn't held by this process any more"),
        ))
    }
}

/// Waits until this process holds the lease; nothing where `stop` came first.
///
/// The lease holds for `duration`, whole seconds, without being renewed. From then
/// on a live look at it, again and again, shows that it is still ours; once none has
/// for the lease's duration, `stop` is cancelled: the lease manager says nothing
/// when its renewals fail.
///
/// # Errors
/// The API server refuses the Lease, or doesn't answer.
pub async fn lead(
    client: Client,
    namespace: &str,
    duration: Duration,
    stop: &CancellationToken,
) -> Result<Option<Leadership>, Error> {
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
    let (watched, stop) = (leadership.clone(), stop.clone());
    tokio::spawn(async move {
        // The receiver is dropped at the end: that releases the lease.
        keep_watch(&watched, &stop).await;
        drop(leading);
        let _ = task.await;
    });
    Ok(Some(leadership))
}

fn unavailable(error: LeaseManagerError, namespace: &str) -> Error {
    let why = match error {
        LeaseManagerError::KubeError(error) => Error::from(error),
        other => Error::new(Class::Transient, "NoLease", other),
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

async fn keep_watch(leadership: &Leadership, stop: &CancellationToken) {
    let look_every = leadership.duration / 5;
    let mut seen = Instant::now();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(look_every) => {}
        }
        let look = tokio::time::timeout(look_every, leadership.confirm()).await;
        if matches!(look, Ok(Ok(()))) {
            seen = Instant::now();
        }
        if seen.elapsed() >= leadership.duration {
            tracing::error!("the lease is lost: all work stops");
            stop.cancel();
        }
    }
}

/// Whether this lease says that `identity` leads now.
fn is_ours(lease: &Lease, identity: &str, duration: Duration, now: Timestamp) -> bool {
    let Some(spec) = &lease.spec else {
        return false;
    };
    let renewed = spec.renew_time.as_ref().map(|time| time.0);
    spec.holder_identity.as_deref() == Some(identity)
        && renewed.is_some_and(|renewed| now.duration_since(renewed).unsigned_abs() < duration)
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
        let is_ours = |lease: &Lease, who, now| is_ours(lease, who, Duration::from_secs(15), now);
        assert!(is_ours(&lease("me"), "me", at(114)));
        assert!(!is_ours(&lease("me"), "me", at(115)), "too old");
        assert!(!is_ours(&lease("other"), "me", at(101)), "another's");
        assert!(!is_ours(&Lease::default(), "me", at(101)), "nobody's");
    }
}
