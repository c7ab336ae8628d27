//! How much each tenant stores, measured again and again: a few tenants at a time, page by
//! page, whoever is most overdue first.
//!
//! A tenant that is over its limit is measured more often, so that it may write again soon
//! after it has deleted something. A measurement that fails goes on, when its turn comes
//! again, where it was; one whose tenant is archived, or whose leader leads no more, ends
//! before the next page.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use akili_crds::limit::Limit;
use akili_crds::{Phase, TenantQuota, lifecycle};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;
use rand::RngExt;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::{Readable, Work};
use crate::backend::TenantKey;
use crate::backend::object_store::measure::Measurement;
use crate::error::Error;
use crate::tenant;

/// How many tenants are measured at the same time.
const AT_A_TIME: usize = 2;

/// How often it is looked who is overdue.
const TICK: Duration = Duration::from_secs(1);

/// How often a tenant that is over its limit is measured, if that takes no time.
const OVER: Duration = Duration::from_secs(60);

/// How soon a measurement that failed goes on.
const RETRY: Duration = Duration::from_secs(10);

/// So many times as long as a measurement took passes before the next: however much a
/// tenant has, it takes no more than its share of a turn.
const REST: u32 = 4;

/// How much a tenant stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Bytes.
    pub bytes: i64,
    /// When that was found.
    pub at: Timestamp,
}

/// What was measured since this process leads.
#[derive(Default)]
pub struct Measurements(Mutex<BTreeMap<TenantKey, Measured>>);

impl Measurements {
    /// The tenant's last one.
    pub fn of(&self, tenant: &TenantKey) -> Option<Measured> {
        self.all().get(tenant).copied()
    }

    /// As if another led from now on.
    #[cfg(test)]
    pub fn forget(&self) {
        self.all().clear();
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<TenantKey, Measured>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Measures tenants, for ever, and sends the quota of each that was.
pub async fn run(work: &Work, measured: &UnboundedSender<ObjectRef<Readable>>) {
    // When each was measured last is in the quotas' status.
    let _ = work.quotas.wait_until_ready().await;
    let mut schedule = Schedule::default();
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < AT_A_TIME
            && let Some(turn) = schedule.next(work)
        {
            running.push(take(work, turn));
        }
        let ended = tokio::select! {
            Some(turn) = running.next() => turn,
            () = tokio::time::sleep(TICK) => continue,
        };
        let (slug, failed) = (ended.key.slug.clone(), ended.end == End::Failed);
        schedule.note(work, ended);
        // Whoever would receive it is stopping.
        let _ = measured.send(ObjectRef::new(slug.as_str()));
        if failed {
            // A gateway that doesn't answer isn't asked by one tenant after the other.
            tokio::time::sleep(TICK).await;
        }
    }
}

/// One tenant's turn: its measurement as far as it got.
struct Turn {
    key: TenantKey,
    measurement: Measurement,
    /// How long it took, earlier turns that failed included.
    took: Duration,
    /// Pages that were read in this turn.
    pages: u64,
    end: End,
}

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// All of it was read.
    Done,
    /// It goes on another time.
    Failed,
    /// Its tenant is no longer to be measured.
    Unwanted,
}

impl End {
    fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unwanted => "unwanted",
        }
    }
}

async fn take(work: &Work, mut turn: Turn) -> Turn {
    let (began, before) = (Instant::now(), turn.measurement.pages);
    let leadership = work.context.leadership.clone();
    let read = leadership.during(read(work, &turn.key, &mut turn.measurement));
    turn.end = match read.await {
        Ok(end) => end,
        Err(error) => {
            tracing::debug!(%error, tenant = turn.key.slug.as_str(), "not measured yet");
            End::Failed
        }
    };
    turn.took += began.elapsed();
    turn.pages = turn.measurement.pages - before;
    turn
}

async fn read(work: &Work, key: &TenantKey, measurement: &mut Measurement) -> Result<End, Error> {
    while !measurement.is_done() {
        if work.measurable(key.slug.as_str()).as_ref() != Some(key) {
            return Ok(End::Unwanted);
        }
        measurement.read_on(work.context.objects.as_ref()).await?;
    }
    Ok(End::Done)
}

impl Work {
    /// Whether there is a tenant that may do anything.
    pub(super) fn has_tenants(&self) -> bool {
        let tenants = self.context.tenants.state();
        let mut slugs = tenants.iter().map(|tenant| tenant.name_any());
        slugs.any(|slug| self.measurable(&slug).is_some())
    }

    /// The tenant of this name, if it has anything and may get more: what an archived one
    /// has doesn't change.
    fn measurable(&self, slug: &str) -> Option<TenantKey> {
        let tenant = self.context.tenants.get(&ObjectRef::new(slug))?;
        let tenant = tenant.0.as_ref().ok()?;
        let effective = lifecycle::effective(tenant.spec.state, tenant::phase(tenant));
        tenant::key(tenant).filter(|_| effective != Phase::Archived)
    }
}

/// Who was measured, and who is next.
#[derive(Default)]
struct Schedule {
    last: HashMap<String, Last>,
    running: HashSet<String>,
}

/// A tenant's last turn.
struct Last {
    at: Instant,
    /// How long its measurement took.
    took: Duration,
    /// By how much its pauses are longer or shorter, so that not all come at once.
    jitter: f64,
    /// What was read before it failed, if it did.
    halfway: Option<Measurement>,
}

impl Schedule {
    /// The tenant that is most overdue, if any is.
    fn next(&mut self, work: &Work) -> Option<Turn> {
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
        Some(Turn {
            measurement: halfway.unwrap_or_else(|| Measurement::new(&key)),
            key,
            took,
            pages: 0,
            end: End::Unwanted,
        })
    }

    /// For how long the tenant should have been measured; nothing if it shouldn't yet.
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

    fn note(&mut self, work: &Work, turn: Turn) {
        let slug = turn.key.slug.to_string();
        work.context.metrics.measured(turn.end.as_str(), turn.pages);
        if turn.end == End::Done {
            let (bytes, at) = (turn.measurement.bytes, Timestamp::now());
            tracing::debug!(tenant = slug, bytes, took = ?turn.took, "measured");
            work.storage.all().insert(turn.key, Measured { bytes, at });
        }
        self.running.remove(&slug);
        let last = Last {
            at: Instant::now(),
            took: turn.took,
            jitter: rand::rng().random_range(0.9..1.1),
            halfway: (turn.end == End::Failed).then_some(turn.measurement),
        };
        self.last.insert(slug, last);
        self.forget(work);
    }

    /// What is known of tenants whose quotas are gone.
    fn forget(&mut self, work: &Work) {
        if self.last.len() > work.quotas.len() {
            let is_there = |slug: &str| work.quotas.get(&ObjectRef::new(slug)).is_some();
            self.last.retain(|slug, _| is_there(slug));
            work.storage
                .all()
                .retain(|key, _| is_there(key.slug.as_str()));
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
