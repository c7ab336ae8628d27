//! One operator works at a time: the one that holds the Lease.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client};
use kube_lease_manager::LeaseManagerBuilder;
use tokio_util::sync::CancellationToken;

const NAME: &str = "akili-operator";
/// Waits until this process holds the lease; false where `stop` came first.
///
/// The lease holds for `duration`, whole seconds, without being renewed. From then on a live look at the lease, again and again, shows that it is still
/// ours; once none has for the lease's duration, `stop` is cancelled: the lease
/// manager says nothing when its renewals fail.
///
/// # Errors
/// The API server refuses the Lease.
pub async fn lead(
    client: Client,
    namespace: &str,
    duration: Duration,
    stop: &CancellationToken,
) -> Result<bool, kube_lease_manager::LeaseManagerError> {
    let identity = format!("{NAME}-{}", uuid::Uuid::new_v4());
    let manager = LeaseManagerBuilder::new(client.clone(), NAME)
        .with_namespace(namespace)
        .with_identity(identity.clone())
        .with_duration(duration.as_secs())
        .with_grace(duration.as_secs() / 3)
        .build()
        .await?;
    let (mut leading, task) = manager.watch().await;
    tracing::info!(identity, "waiting for the lease");
    tokio::select! {
        () = stop.cancelled() => return Ok(false),
        _ = leading.wait_for(|leading| *leading) => {}
    }
    tracing::info!(identity, "leading");
    let leases: Api<Lease> = Api::namespaced(client, namespace);
    let stop = stop.clone();
    tokio::spawn(async move {
        // The receiver is dropped at the end: that releases the lease.
        keep_watch(&leases, &identity, duration, &stop).await;
        drop(leading);
        let _ = task.await;
    });
    Ok(true)
}

async fn keep_watch(
    leases: &Api<Lease>,
    identity: &str,
    duration: Duration,
    stop: &CancellationToken,
) {
    let look_every = duration / 5;
    let mut seen = Instant::now();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(look_every) => {}
        }
        let look = tokio::time::timeout(look_every, leases.get(NAME)).await;
        if let Ok(Ok(lease)) = look
            && is_ours(&lease, identity, duration, Timestamp::now())
        {
            seen = Instant::now();
        }
        if seen.elapsed() >= duration {
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
