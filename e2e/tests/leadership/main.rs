//! A leader that doesn't know that it leads no longer: whatever it was about to do when
//! that began, it does nothing of it afterwards.

mod tenants;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

use akili_e2e::platform::{AUDIT_INTERVAL, Backend, LEASE_DURATION, Platform, Request};
use akili_e2e::testbed::layout;
use anyhow::{Context, Result, ensure};

use tenants::Tenants;

/// How long after it was told the leader is interrupted: one tenant's move takes about
/// the second of them.
const INSTANTS: [Duration; 3] = [
    Duration::from_millis(40),
    Duration::from_millis(250),
    Duration::from_millis(700),
];

#[tokio::test]
async fn a_leader_that_was_frozen_does_nothing_of_what_it_was_about_to_do() -> Result<()> {
    let platform = Platform::install().await?;
    for (round, instant) in INSTANTS.into_iter().enumerate() {
        frozen(&platform, &Tenants::of_round("frozen", round), instant)
            .await
            .with_context(|| format!("frozen after {instant:?}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn a_leader_that_is_cut_off_stops_before_another_begins() -> Result<()> {
    let platform = Platform::install().await?;
    for (round, instant) in INSTANTS.into_iter().enumerate() {
        cut_off(&platform, &Tenants::of_round("cut-off", round), instant)
            .await
            .with_context(|| format!("cut off after {instant:?}"))?;
    }
    Ok(())
}

async fn frozen(platform: &Platform, tenants: &Tenants, instant: Duration) -> Result<()> {
    let _operator = platform.start_replicas(2).await?;
    tenants.make(platform).await?;
    let old = platform.leader()?.context("no replica leads")?;
    let moves = || tenants.begin_moves(platform);
    platform.freeze_pod_after(&old, moves, instant).await?;
    let began = Instant::now();
    tenants.show(platform)?;
    another_leads(platform, &old).await?;
    tenants.change_their_mind(platform)?;
    tenants.are_as_wanted(platform).await?;

    ensure!(
        platform.restarts_of(&old)? == 0,
        "{old} was killed while it was frozen"
    );
    let before = Writes::of(platform, &old).await?;
    platform.thaw_pod(&old).await?;
    println!("thawed after {:.1?}", began.elapsed());
    platform
        .eventually("the old leader has stopped", || {
            Ok(platform.restarts_of(&old)? == 1)
        })
        .await?;
    before.are_put_right(platform).await?;
    tenants.are_as_wanted(platform).await
}

async fn cut_off(platform: &Platform, tenants: &Tenants, instant: Duration) -> Result<()> {
    let _operator = platform.start_replicas(2).await?;
    tenants.make(platform).await?;
    let old = platform.leader()?.context("no replica leads")?;
    let address = platform.address_of(&old)?;
    tenants.begin_moves(platform)?;
    tokio::time::sleep(instant).await;
    platform.testbed.cut_off(&address).await?;
    tenants.show(platform)?;
    another_leads(platform, &old).await?;
    let by_old = writes_from(&address)?;
    tenants.change_their_mind(platform)?;
    tenants.are_as_wanted(platform).await?;
    ensure!(
        writes_from(&address)? == by_old,
        "the old leader wrote to the object store while another led"
    );

    let before = Writes::of(platform, &old).await?;
    platform.testbed.end_silence().await?;
    tokio::time::sleep(2 * AUDIT_INTERVAL).await;
    before.are_all(platform).await?;
    tenants.are_as_wanted(platform).await
}

async fn another_leads(platform: &Platform, old: &str) -> Result<()> {
    let began = Instant::now();
    platform
        .eventually("another replica leads", || {
            Ok(platform.leader()?.is_some_and(|now| now != old))
        })
        .await?;
    println!(
        "another leads after {:.1?}, with a lease of {LEASE_DURATION:?}",
        began.elapsed()
    );
    Ok(())
}

/// What was written when all was as wanted.
struct Writes<'a> {
    old: &'a str,
    footprint: BTreeMap<&'static str, String>,
    acls: BTreeSet<String>,
    mark: usize,
}

impl<'a> Writes<'a> {
    async fn of(platform: &Platform, old: &'a str) -> Result<Self> {
        let mut footprint = platform.footprint()?;
        // What Kafka's own client was told to send, nobody can take back: it is put right.
        footprint.remove(Backend::Kafka.metric());
        Ok(Self {
            old,
            footprint,
            acls: acls(platform).await?,
            mark: platform.audit_mark()?,
        })
    }

    /// What a thread was about to send when it was frozen, nobody can take back: a call
    /// each at most. Whoever leads puts it right.
    async fn are_put_right(&self, platform: &Platform) -> Result<()> {
        const CALLS: usize = 8;
        tokio::time::sleep(3 * AUDIT_INTERVAL).await;
        let requests = platform.operators_requests_since(self.mark)?;
        let late = requests.iter().filter(|it| self.is_write(it)).count();
        println!("{late} late writes of the old leader to Kubernetes");
        ensure!(late <= CALLS, "the old leader still works: {requests:?}");
        let now = acls(platform).await?;
        let changed: Vec<_> = self.acls.symmetric_difference(&now).collect();
        ensure!(changed.is_empty(), "Kafka's ACLs stay changed: {changed:?}");
        Ok(())
    }

    fn is_write(&self, request: &Request) -> bool {
        let reads = ["get", "list", "watch"].contains(&request.verb.as_str());
        request.pod == self.old && !reads && request.resource != "leases"
    }

    /// Nothing was written since, to any backend; and to Kubernetes nothing by the old
    /// leader but its candidacy.
    async fn are_all(&self, platform: &Platform) -> Result<()> {
        let began = Instant::now();
        let mut now = Self::of(platform, self.old).await?;
        while now.acls != self.acls && began.elapsed() < 5 * AUDIT_INTERVAL {
            tokio::time::sleep(AUDIT_INTERVAL / 4).await;
            now = Self::of(platform, self.old).await?;
        }
        let changed: Vec<_> = self.acls.symmetric_difference(&now.acls).collect();
        ensure!(changed.is_empty(), "Kafka's ACLs stay changed: {changed:?}");
        ensure!(
            self.footprint == now.footprint,
            "{:?} became {:?}",
            self.footprint,
            now.footprint
        );
        for request in platform.operators_requests_since(self.mark)? {
            ensure!(
                !self.is_write(&request),
                "the old leader still writes: {request:?}"
            );
        }
        Ok(())
    }
}

async fn acls(platform: &Platform) -> Result<BTreeSet<String>> {
    let acls = platform.kafka_admin()?.access.acls(None).await?;
    Ok(acls.iter().map(ToString::to_string).collect())
}

/// How many requests from this address that aren't reads the object store has answered.
fn writes_from(address: &str) -> Result<usize> {
    let log = fs::read(layout::log_file(Backend::ObjectStore.component()))?;
    let log = String::from_utf8_lossy(&log);
    let from = format!(": {address} - ");
    let theirs = log.lines().filter(|line| line.contains(&from));
    let reads = |line: &&str| line.contains("\"GET ") || line.contains("\"HEAD ");
    Ok(theirs.filter(|line| !reads(line)).count())
}
