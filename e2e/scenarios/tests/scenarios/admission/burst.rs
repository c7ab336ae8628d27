//! Many concurrent requests while replicas start and stop.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use akili_scenarios::platform::Platform;
use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;

use super::tenant::{Answer, PRODUCT, Tenant};

const CLIENTS: usize = 16;
const REQUESTS: usize = 300;
const LIMIT: usize = 100;

/// Longer than a replica takes to stop.
const STOP_TIME: Duration = Duration::from_secs(10);

pub async fn concurrent_creations_stop_exactly_at_the_limit() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_replicas(2).await?;
    let tenant = Tenant::activate(&platform, "burst").await?;
    let pod = platform.pods()?.pop().context("there is no replica")?;

    let next = AtomicUsize::new(0);
    let clients = (0..CLIENTS).map(|_| async {
        let client = tenant.another_client().await?;
        let mut answers = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= REQUESTS {
                return anyhow::Ok(answers);
            }
            if number == LIMIT / 2 {
                end_gracefully(&platform, &pod)?;
            }
            answers.push(client.create(PRODUCT, &format!("burst-{number}")).await?);
        }
    });
    let began = Instant::now();
    let answers = try_join_all(clients).await?;
    let answers: Vec<Answer> = answers.into_iter().flatten().collect();
    let made = answers.iter().filter(|answer| answer.is_ok()).count();
    let by_webhook = answers.iter().filter(|answer| answer.code == 429).count();
    let by_quota = answers.iter().filter(|answer| is_backstop(answer)).count();
    println!(
        "{REQUESTS} requests of {CLIENTS} clients in {:?}: {made} made, {by_webhook} refused by \
         the webhook, {by_quota} by the namespace's quota",
        began.elapsed()
    );
    for answer in &answers {
        ensure!(
            answer.is_ok() || answer.said() == (429, "QuotaExceeded") || is_backstop(answer),
            "{answer:?}"
        );
    }
    let there = tenant.count(PRODUCT).await?;
    ensure!(
        made == LIMIT && there == LIMIT,
        "{made} created, {there} exist"
    );
    is_counted(&tenant, LIMIT).await?;

    let made = answers.iter().filter(|answer| answer.is_ok());
    for answer in made.take(10) {
        let name = answer.body["metadata"]["name"]
            .as_str()
            .context("no name")?;
        let deleted = tenant.delete(PRODUCT, name).await?;
        ensure!(deleted.is_ok(), "{deleted:?}");
    }
    is_counted(&tenant, LIMIT - 10).await?;
    let mut again = 0;
    for number in 0..20 {
        let answer = tenant.create(PRODUCT, &format!("again-{number}")).await?;
        again += usize::from(answer.is_ok());
    }
    ensure!(again == 10, "10 were deleted, {again} created");
    Ok(())
}

/// Replicas stop while others start, and every request is answered.
pub async fn rollout_loses_no_admission_request() -> Result<()> {
    let platform = Platform::install().await?;
    let _operator = platform.start_replicas(2).await?;
    let tenant = Tenant::activate(&platform, "rollout").await?;
    let roll_out = async {
        platform.roll_out().await?;
        // The last stopping replica still exists.
        tokio::time::sleep(STOP_TIME).await;
        Ok(())
    };
    ensure_all_are_answered("a rollout", &tenant, roll_out).await
}

/// Sends requests continuously while a future runs; every request must be answered.
pub async fn ensure_all_are_answered(
    what: &str,
    tenant: &Tenant<'_>,
    happens: impl Future<Output = Result<()>>,
) -> Result<()> {
    let over = AtomicBool::new(false);
    let clients = (0..4).map(|_| async {
        let client = tenant.another_client().await?;
        let (mut asked, mut longest) = (0, Duration::ZERO);
        while !over.load(Ordering::Relaxed) {
            let began = Instant::now();
            let answer = client.try_create(PRODUCT, "would-be").await?;
            ensure!(answer.is_ok(), "after {asked} answers: {answer:?}");
            longest = longest.max(began.elapsed());
            asked += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok((asked, longest))
    });
    let happens = async {
        let happened = happens.await;
        over.store(true, Ordering::Relaxed);
        happened
    };
    let (answers, ()) = tokio::try_join!(try_join_all(clients), happens)?;
    let asked: usize = answers.iter().map(|(asked, _)| asked).sum();
    let longest = answers.into_iter().map(|(_, longest)| longest).max();
    let longest = longest.unwrap_or_default();
    println!("{what}: {asked} requests answered, the slowest after {longest:?}");
    ensure!(asked > 100, "only {asked} requests");
    Ok(())
}

fn end_gracefully(platform: &Platform, pod: &str) -> Result<()> {
    let end = ["delete", "pod", pod, "--wait=false"];
    platform.of_operator(&end).map(drop)
}

fn is_backstop(answer: &Answer) -> bool {
    answer.said() == (403, "Forbidden") && answer.message().contains("exceeded quota")
}

/// Waits until the namespace's ResourceQuota and the webhook count this many objects: one
/// more object is accepted or rejected accordingly.
async fn is_counted(tenant: &Tenant<'_>, count: usize) -> Result<()> {
    let counted = || Ok(tenant.counted(PRODUCT)? == count.to_string());
    let what = format!("{count} are counted");
    tenant.platform.eventually(&what, counted).await?;
    let code = if count < LIMIT { 201 } else { 429 };
    tenant.until(PRODUCT, code).await
}
