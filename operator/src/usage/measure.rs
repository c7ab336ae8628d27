//! Measures periodically how much each tenant stores: a few tenants at a time, page by page, the
//! most overdue tenant first.
//!
//! A tenant over its limit is measured more often, so that it may write again soon after it has
//! deleted something. A measurement that failed continues at the same page in its next run. One
//! whose tenant was archived, or whose process lost the Lease, ends before the next page.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use akili_crds::TenantQuota;
use akili_crds::quota::Limit;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use kube::runtime::reflector::ObjectRef;
use rand::RngExt;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::context::Work;
use super::state::Measured;
use crate::backend::TenantKey;
use crate::backend::object_store::measure::Measurement;
use crate::backoff::Readable;
use crate::error::Error;

/// How many tenants are measured at the same time.
const AT_A_TIME: usize = 2;

/// How often the schedule is checked for overdue tenants.
const TICK: Duration = Duration::from_secs(1);

/// The interval for a tenant over its limit, if measuring takes no time.
const OVER: Duration = Duration::from_secs(60);

/// How soon a failed measurement continues.
const RETRY: Duration = Duration::from_secs(10);

/// The pause before the next measurement is at least this many times as long as the last one took:
/// no tenant takes more than its share, however much it stores.
const REST: u32 = 4;

/// Measures tenants and sends the quota of each after its run. Never returns.
pub async fn run(work: &Work, measured: &UnboundedSender<ObjectRef<Readable<TenantQuota>>>) {
    // The quotas' status says when each tenant was measured last.
    let _ = work.quotas.wait_until_ready().await;
    let mut schedule = Schedule::default();
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < AT_A_TIME
            && let Some(run) = schedule.next(work)
        {
            running.push(measure(work, run));
        }
        let ended = tokio::select! {
            Some(run) = running.next() => run,
            () = tokio::time::sleep(TICK) => continue,
        };
        let (slug, failed) = (ended.key.slug.clone(), ended.outcome == RunOutcome::Failed);
        schedule.record(work, ended);
        // The receiver is dropped only when the controller stops.
        let _ = measured.send(ObjectRef::new(slug.as_str()));
        if failed {
            // Don't try one tenant after the other against a gateway that doesn't answer.
            tokio::time::sleep(TICK).await;
        }
    }
}

/// One run of a tenant's measurement, as far as it got.
struct Run {
    key: TenantKey,
    measurement: Measurement,
    /// How long the measurement took, earlier failed runs included.
    took: Duration,
    /// Pages read in this run.
    pages: u64,
    outcome: RunOutcome,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RunOutcome {
    /// Everything was read.
    Done,
    /// A page couldn't be read; the next run continues there.
    Failed,
    /// The tenant was archived or deleted meanwhile.
    Unwanted,
}

impl RunOutcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unwanted => "unwanted",
        }
    }
}

async fn measure(work: &Work, mut run: Run) -> Run {
    let (began, before) = (Instant::now(), run.measurement.pages);
    let leadership = work.context.leadership.clone();
    let read = leadership.during(read(work, &run.key, &mut run.measurement));
    run.outcome = match read.await {
        Ok(end) => end,
        Err(error) => {
            tracing::debug!(%error, tenant = run.key.slug.as_str(), "failed to measure the storage of a tenant");
            RunOutcome::Failed
        }
    };
    run.took += began.elapsed();
    run.pages = run.measurement.pages - before;
    run
}

async fn read(
    work: &Work,
    key: &TenantKey,
    measurement: &mut Measurement,
) -> Result<RunOutcome, Error> {
    while !measurement.is_done() {
        if work.measurable(key.slug.as_str()).as_ref() != Some(key) {
            return Ok(RunOutcome::Unwanted);
        }
        measurement.read_page(work.context.objects.as_ref()).await?;
    }
    Ok(RunOutcome::Done)
}

/// The order in which tenants are measured.
#[derive(Default)]
struct Schedule {
    last: HashMap<String, Last>,
    running: HashSet<String>,
}

/// A tenant's last run.
struct Last {
    at: Instant,
    /// How long the measurement took.
    took: Duration,
    /// A random factor of the pause, which spreads tenants over time.
    jitter: f64,
    /// The unfinished measurement, if the run failed.
    halfway: Option<Measurement>,
}

impl Schedule {
    /// Returns the most overdue tenant, if any is due, and marks it as running.
    fn next(&mut self, work: &Work) -> Option<Run> {
        let quotas = work.quotas.state();
        let quotas = quotas.iter().filter_map(|quota| quota.0.as_ref().ok());
        let mut overdue: Vec<(Duration, &str)> = quotas
            .filter_map(|quota| {
                let slug = quota.metadata.name.as_deref()?;
                let overdue = self.overdue(slug, quota, work.context.measure_interval)?;
                Some((overdue, slug))
            })
            .collect();
        overdue.sort_unstable_by(|a, b| b.cmp(a));
        let mut tenants = overdue.into_iter();
        let key = tenants.find_map(|(_, slug)| work.measurable(slug))?;
        self.running.insert(key.slug.to_string());
        let last = self.last.remove(key.slug.as_str());
        let (took, halfway) = last.map_or_else(Default::default, |last| {
            let took = last.halfway.as_ref().map_or(Duration::ZERO, |_| last.took);
            (took, last.halfway)
        });
        Some(Run {
            measurement: halfway.unwrap_or_else(|| Measurement::new(&key)),
            key,
            took,
            pages: 0,
            outcome: RunOutcome::Unwanted,
        })
    }

    /// Returns for how long the tenant has been due; none if it isn't due yet.
    fn overdue(&self, slug: &str, quota: &TenantQuota, interval: Duration) -> Option<Duration> {
        if self.running.contains(slug) {
            return None;
        }
        let status = quota.status.as_ref();
        let used = status.and_then(|status| status.used.as_ref());
        let is_over = used.is_some_and(|used| Limit::Storage.is_exceeded(&quota.spec, used));
        let measured_at = status.and_then(|status| status.measured_at.as_ref());
        let (waited, pause) = match (self.last.get(slug), measured_at) {
            (Some(last), _) => (last.at.elapsed(), last.pause(interval, is_over)),
            (None, Some(at)) => {
                let waited = Timestamp::now().duration_since(at.0);
                (
                    waited.try_into().unwrap_or_default(),
                    pause(interval, is_over),
                )
            }
            (None, None) => (Duration::MAX, Duration::ZERO),
        };
        waited.checked_sub(pause)
    }

    fn record(&mut self, work: &Work, run: Run) {
        let slug = run.key.slug.to_string();
        work.context
            .metrics
            .measured(run.outcome.as_str(), run.pages);
        if run.outcome == RunOutcome::Done {
            let (bytes, at) = (run.measurement.bytes, Timestamp::now());
            tracing::debug!(tenant = slug, bytes, took = ?run.took, "measured");
            work.storage.insert(run.key, Measured { bytes, at });
        }
        self.running.remove(&slug);
        let last = Last {
            at: Instant::now(),
            took: run.took,
            jitter: rand::rng().random_range(0.9..1.1),
            halfway: (run.outcome == RunOutcome::Failed).then_some(run.measurement),
        };
        self.last.insert(slug, last);
        self.forget(work);
    }

    /// Forgets tenants whose quotas were deleted.
    fn forget(&mut self, work: &Work) {
        if self.last.len() > work.quotas.len() {
            let is_there = |slug: &str| work.quotas.get(&ObjectRef::new(slug)).is_some();
            self.last.retain(|slug, _| is_there(slug));
            work.storage.retain(|key| is_there(key.slug.as_str()));
        }
    }
}

impl Last {
    fn pause(&self, interval: Duration, is_over: bool) -> Duration {
        match self.halfway {
            Some(_) => RETRY.min(interval),
            None => pause(interval, is_over)
                .max(REST * self.took)
                .mul_f64(self.jitter),
        }
    }
}

fn pause(interval: Duration, is_over: bool) -> Duration {
    if is_over {
        OVER.min(interval)
    } else {
        interval
    }
}
