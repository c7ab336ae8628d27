//! An outage of a backend while tenants are created: the other planes continue, the
//! condition reports the reason, the backend is called rarely, and after the outage no
//! manual step is needed.

mod absence;

use std::time::{Duration, Instant};

use akili_scenarios::platform::{Backend, Platform, tenant_yaml, text_at};
use anyhow::{Context, Result, ensure};
use serde_json::json;

use absence::Absence;

/// A tenant that exists before the outage.
const EXISTING: &str = "existing";
/// Number of tenants created during the outage.
const NEW_TENANTS: usize = 5;
/// The operator's timeout of a call. Calls that started before the outage was noticed
/// finish within this time.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// Time after a call during which the operator doesn't call an unavailable backend again,
/// less the time until the call is seen.
const QUIET_TIME: Duration = Duration::from_millis(2500);

pub async fn postgres_outage_delays_new_tenants_until_its_end() -> Result<()> {
    ensure_survived(Backend::PostgreSql).await
}

pub async fn object_store_outage_leaves_other_planes_working() -> Result<()> {
    ensure_survived(Backend::ObjectStore).await
}

pub async fn kafka_outage_leaves_other_planes_working() -> Result<()> {
    ensure_survived(Backend::Kafka).await
}

pub async fn starrocks_outage_leaves_other_planes_working() -> Result<()> {
    ensure_survived(Backend::StarRocks).await
}

pub async fn operator_starts_with_only_the_registry_available() -> Result<()> {
    let platform = Platform::install().await?;
    let down = [Backend::ObjectStore, Backend::Kafka, Backend::StarRocks];
    for backend in down {
        platform.testbed.stop(backend.component()).await?;
    }
    let _operator = platform.start_operator().await?;
    create(&platform, &["early".to_owned()])?;
    ensure_delayed(&platform, "early", &down, Absence::Stopped).await?;
    for backend in down {
        platform.testbed.start(backend.component()).await?;
    }
    platform.wait_active("early")
}

async fn ensure_survived(backend: Backend) -> Result<()> {
    let platform = Platform::install().await?;
    if !platform.testbed.has(backend.component()) {
        println!("{backend:?} isn't on the testbed: skipped");
        return Ok(());
    }
    // Retries go through every plane and would fill the queue of a debug build.
    let mut values = platform.values()?;
    values["config"]["auditInterval"] = json!("4s");
    platform.configure(&values)?;
    let _operator = platform.start_operator().await?;
    platform.activate(EXISTING)?;
    for absence in Absence::ALL {
        one_absence(&platform, backend, absence)
            .await
            .with_context(|| format!("{backend:?} {absence}"))?;
    }
    platform.ensure_no_secret_leaks(&[EXISTING])?;
    // The next scenario's operator would reconcile these tenants too.
    platform.delete_protected(&[&["tenants", "--all"]]).await
}

async fn one_absence(platform: &Platform, backend: Backend, absence: Absence) -> Result<()> {
    let name = |number| format!("{}-{absence}-{number}", backend.metric());
    let slugs: Vec<String> = (0..NEW_TENANTS).map(name).collect();
    absence.begin(platform, backend).await?;
    create(platform, &slugs)?;
    ensure_delayed(platform, EXISTING, &[backend], absence).await?;
    let noticed = tokio::time::Instant::now();
    for slug in &slugs {
        match backend {
            Backend::PostgreSql => ensure_waiting_for_the_registry(platform, slug).await?,
            _ => ensure_delayed(platform, slug, &[backend], absence).await?,
        }
    }
    let phase = platform.status(EXISTING, "phase")?;
    ensure!(phase == "ACTIVE", "the outage changed the phase to {phase}");

    tokio::time::sleep_until(noticed + CALL_TIMEOUT).await;
    let before = platform.backend_calls(backend.metric())?;
    let began = Instant::now();
    let calls = || anyhow::Ok(platform.backend_calls(backend.metric())? - before);
    platform
        .eventually("the backend is called again", || Ok(calls()? > 0))
        .await?;
    let waited = began.elapsed();
    tokio::time::sleep(QUIET_TIME).await;
    let calls = calls()?;
    println!(
        "{backend:?} {absence}: {calls} calls in {:.1?}, the first after {waited:.1?}, of {} tenants",
        began.elapsed(),
        NEW_TENANTS + 1
    );
    ensure!(calls == 1, "{calls} calls: one is permitted");

    absence.end(platform, backend).await?;
    let began = Instant::now();
    for slug in slugs.iter().map(String::as_str).chain([EXISTING]) {
        platform
            .eventually(&format!("{slug} is ready"), || {
                Ok(platform.reason(slug, "Ready")? == "Reached"
                    && platform.status(slug, "phase")? == "ACTIVE")
            })
            .await?;
    }
    println!(
        "{backend:?} {absence}: all are ready {:.1?} after its end",
        began.elapsed()
    );
    Ok(())
}

fn create(platform: &Platform, slugs: &[String]) -> Result<()> {
    let tenants: Vec<String> = slugs.iter().map(|slug| tenant_yaml(slug)).collect();
    platform.apply(&tenants.join("---\n"))
}

/// Checks that the conditions of the unavailable backend report the reason with a next
/// step, and all others are true.
async fn ensure_delayed(
    platform: &Platform,
    slug: &str,
    away: &[Backend],
    absence: Absence,
) -> Result<()> {
    let late = || away.iter().flat_map(|backend| backend.conditions());
    let expected = Backend::ALL.iter().flat_map(|it| it.conditions());
    let expected: Vec<_> = expected
        .map(|condition| {
            let is_late = late().any(|late| late == condition);
            let reason = if is_late {
                absence.reason()
            } else {
                "Converged"
            };
            format!("{condition}: {reason}")
        })
        .collect();
    let reasons = || -> Result<Vec<String>> {
        let tenant = platform.get("Tenant", "", slug)?;
        let conditions = tenant["status"]["conditions"].as_array();
        let conditions = conditions.into_iter().flatten();
        let line = |it| format!("{}: {}", text_at(it, "type"), text_at(it, "reason"));
        Ok(conditions.map(line).collect())
    };
    platform
        .eventually(&format!("{slug} reports {expected:?}"), || {
            let reasons = reasons()?;
            Ok(expected.iter().all(|line| reasons.contains(line)))
        })
        .await
        .with_context(|| format!("{:?}", reasons()))?;
    for condition in late() {
        let message = platform.message(slug, condition)?;
        ensure!(message.contains("check "), "no next step: {message}");
    }
    Ok(())
}

async fn ensure_waiting_for_the_registry(platform: &Platform, slug: &str) -> Result<()> {
    platform
        .eventually(&format!("{slug} waits for the registry"), || {
            Ok(platform.reason(slug, "Ready")? == "RegistryUnavailable")
        })
        .await
}
