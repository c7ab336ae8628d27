//! Many concurrent tenants: the time to provision them, and the load of provisioning and
//! of idle audits.

use std::time::{Duration, Instant};

use akili_scenarios::platform::{Platform, tenant_yaml, text_at};
use anyhow::{Result, bail, ensure};
use serde_json::json;

const TENANTS: u64 = 200;
const TIMEOUT: Duration = Duration::from_secs(300);

/// Long enough for the tenth audit, which checks each tenant separately, to run after the
/// measurement.
const AUDIT_INTERVAL: Duration = Duration::from_secs(25);

/// The backends by metrics label, and whether they can list all tenants at once: Ceph
/// returns the policies of one user, StarRocks the grants of one role.
const BACKENDS: [(&str, bool); 5] = [
    ("kubernetes", true),
    ("postgres", true),
    ("object-store", false),
    ("kafka", true),
    ("starrocks", false),
];

pub async fn two_hundred_tenants_converge_and_then_idle_cheaply() -> Result<()> {
    let platform = Platform::install().await?;
    let mut values = platform.values()?;
    values["config"]["auditInterval"] = json!(format!("{}s", AUDIT_INTERVAL.as_secs()));
    platform.configure(&values)?;
    let _operator = platform.start_operator().await?;
    let costs = Costs::begin(&platform)?;

    let all: Vec<String> = (0..TENANTS)
        .map(|number| tenant_yaml(&format!("scale-{number}")))
        .collect();
    let file = platform.file("tenants.yaml", &all.join("---\n"))?;
    let began = Instant::now();
    platform.kubectl(&["apply", "-f", &file])?;
    until_all_are_active(&platform).await?;
    println!(
        "{TENANTS} tenants applied at once are ACTIVE after {:?}",
        began.elapsed()
    );
    let memory = platform.operators_memory()?;
    println!("the operator (a debug build) has {} MiB", memory >> 20);
    for (backend, calls) in costs.so_far(&platform)? {
        let each = calls as f64 / TENANTS as f64;
        println!("{backend}: {each:.1} calls a tenant");
    }
    audit_lists_and_writes_nothing(&platform).await
}

async fn until_all_are_active(platform: &Platform) -> Result<()> {
    let began = Instant::now();
    loop {
        let tenants = platform.list("Tenant", "", "")?;
        let phases = tenants
            .iter()
            .map(|tenant| text_at(tenant, ".status.phase"));
        let active = phases.filter(|phase| phase == "ACTIVE").count();
        if active as u64 == TENANTS {
            return Ok(());
        }
        if began.elapsed() > TIMEOUT {
            bail!("only {active} of {TENANTS} are ACTIVE after {TIMEOUT:?}");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Runs after the reconciles of the tenants that have just become ACTIVE.
async fn audit_lists_and_writes_nothing(platform: &Platform) -> Result<()> {
    tokio::time::sleep(2 * AUDIT_INTERVAL).await;
    let (mark, costs) = (platform.audit_mark()?, Costs::begin(platform)?);
    let written = platform.footprint()?;
    tokio::time::sleep(AUDIT_INTERVAL + AUDIT_INTERVAL / 10).await;
    for (backend, calls) in costs.so_far(platform)? {
        println!("an audit of {TENANTS} tenants: {calls} calls of {backend}");
        let lists = BACKENDS
            .iter()
            .any(|(name, lists)| *name == backend && *lists);
        ensure!(
            !lists || calls < TENANTS,
            "{backend} was called for each tenant"
        );
    }
    for request in platform.operators_requests_since(mark)? {
        ensure!(
            ["get", "list", "watch"].contains(&request.verb.as_str())
                || request.resource == "leases",
            "an audit wrote: {request:?}"
        );
    }
    let now = platform.footprint()?;
    ensure!(now == written, "an audit wrote: {written:?}, then {now:?}");
    Ok(())
}

/// Numbers of the operator's calls at a point in time.
struct Costs(Vec<(&'static str, u64)>);

impl Costs {
    fn begin(platform: &Platform) -> Result<Self> {
        let calls = |(backend, _)| Ok((backend, platform.backend_calls(backend)?));
        Ok(Self(
            BACKENDS.into_iter().map(calls).collect::<Result<_>>()?,
        ))
    }

    fn so_far(&self, platform: &Platform) -> Result<Vec<(&'static str, u64)>> {
        let now = Self::begin(platform)?;
        let pairs = now.0.into_iter().zip(&self.0);
        Ok(pairs
            .map(|((backend, now), (_, then))| (backend, now - then))
            .collect())
    }
}
