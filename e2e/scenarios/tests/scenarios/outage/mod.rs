//! A backend that is away while tenants are created: the other planes go on, people hear
//! why this one doesn't, it is left alone, and when it is back nobody has to do anything.

mod absence;

use std::time::{Duration, Instant};

use akili_scenarios::platform::{Backend, Platform, tenant_yaml};
use anyhow::{Context, Result, ensure};
use serde_json::json;

use absence::Absence;

/// A tenant that was there before.
const PATIENT: &str = "patient";
/// How many come meanwhile.
const NEWCOMERS: usize = 5;
/// How long a backend's calls are counted.
const COUNTED: Duration = Duration::from_secs(9);
/// How long the operator leaves a backend alone that is away.
const PAUSE: Duration = Duration::from_secs(3);

pub async fn while_postgresql_is_away_new_tenants_wait_for_the_registry() -> Result<()> {
    is_survived(Backend::PostgreSql).await
}

pub async fn while_the_object_store_is_away_the_other_planes_go_on() -> Result<()> {
    is_survived(Backend::ObjectStore).await
}

pub async fn while_kafka_is_away_the_other_planes_go_on() -> Result<()> {
    is_survived(Backend::Kafka).await
}

pub async fn while_starrocks_is_away_the_other_planes_go_on() -> Result<()> {
    is_survived(Backend::StarRocks).await
}

pub async fn the_operator_starts_while_every_backend_but_the_registry_is_down() -> Result<()> {
    let platform = Platform::install().await?;
    let down = [Backend::ObjectStore, Backend::Kafka, Backend::StarRocks];
    for backend in down {
        platform.testbed.stop(backend.component()).await?;
    }
    let _operator = platform.start_operator().await?;
    create(&platform, &["early".to_owned()])?;
    is_late(&platform, "early", &down, Absence::Stopped).await?;
    for backend in down {
        platform.testbed.start(backend.component()).await?;
    }
    platform.wait_active("early")
}

async fn is_survived(backend: Backend) -> Result<()> {
    let platform = Platform::install().await?;
    if !platform.testbed.has(backend.component()) {
        println!("{backend:?} isn't on the testbed: nobody takes it away");
        return Ok(());
    }
    // So that retries, which go through every plane, don't fill the queue of a debug build.
    let mut values = platform.values()?;
    values["config"]["auditInterval"] = json!("8s");
    platform.install_chart(&values)?;
    let _operator = platform.start_operator().await?;
    platform.activate(PATIENT)?;
    for absence in Absence::ALL {
        one_absence(&platform, backend, absence)
            .await
            .with_context(|| format!("{backend:?} {absence}"))?;
    }
    platform.shows_no_secret(&[PATIENT])?;
    // The next one's operator would look after these too.
    platform.delete_protected(&[&["tenants", "--all"]]).await?;
    platform.install_chart(&platform.values()?)
}

async fn one_absence(platform: &Platform, backend: Backend, absence: Absence) -> Result<()> {
    let name = |number| format!("{}-{absence}-{number}", backend.metric());
    let newcomers: Vec<String> = (0..NEWCOMERS).map(name).collect();
    absence.begin(platform, backend).await?;
    create(platform, &newcomers)?;
    is_late(platform, PATIENT, &[backend], absence).await?;
    for newcomer in &newcomers {
        match backend {
            Backend::PostgreSql => waits_for_the_registry(platform, newcomer).await?,
            _ => is_late(platform, newcomer, &[backend], absence).await?,
        }
    }
    let phase = platform.status(PATIENT, "phase")?;
    ensure!(
        phase == "ACTIVE",
        "an outage isn't a change of phase: {phase}"
    );

    let calls = platform.backend_calls(backend.metric())?;
    tokio::time::sleep(COUNTED).await;
    let calls = platform.backend_calls(backend.metric())? - calls;
    let allowed = COUNTED.as_secs() / PAUSE.as_secs() + 1;
    println!(
        "{backend:?} {absence}: {calls} calls in {COUNTED:?}, of {} tenants",
        NEWCOMERS + 1
    );
    ensure!(
        (1..=allowed).contains(&calls),
        "{calls} calls: it is to be asked now and then, {allowed} times at most"
    );

    absence.end(platform, backend).await?;
    let began = Instant::now();
    for slug in newcomers.iter().map(String::as_str).chain([PATIENT]) {
        platform
            .eventually(&format!("{slug} is well"), || {
                Ok(platform.reason(slug, "Ready")? == "Reached"
                    && platform.status(slug, "phase")? == "ACTIVE")
            })
            .await?;
    }
    println!(
        "{backend:?} {absence}: all are well {:.1?} after it is back",
        began.elapsed()
    );
    Ok(())
}

fn create(platform: &Platform, slugs: &[String]) -> Result<()> {
    let tenants: Vec<String> = slugs.iter().map(|slug| tenant_yaml(slug)).collect();
    platform.apply(&tenants.join("---\n"))
}

/// The conditions of those that are away say why, with a next step; all others are met.
async fn is_late(
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
    let reasons = "{range .status.conditions[*]}{.type}: {.reason}{\"\\n\"}{end}";
    let reasons = format!("jsonpath={reasons}");
    let told = || platform.kubectl(&["get", "tenant", slug, "-o", &reasons]);
    platform
        .eventually(&format!("{slug} says {expected:?}"), || {
            let told = told()?;
            Ok(expected.iter().all(|line| told.contains(line)))
        })
        .await
        .with_context(|| format!("{:?}", told()))?;
    for condition in late() {
        let message = platform.message(slug, condition)?;
        ensure!(message.contains("check "), "no next step: {message}");
    }
    Ok(())
}

async fn waits_for_the_registry(platform: &Platform, slug: &str) -> Result<()> {
    platform
        .eventually(&format!("{slug} waits for the registry"), || {
            Ok(platform.reason(slug, "Ready")? == "RegistryUnavailable")
        })
        .await
}
