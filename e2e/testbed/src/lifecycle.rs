//! The commands `up`, `down`, `status` and `env`.

use std::time::Duration;

use anyhow::{Result, bail};
use nix::{sys::signal::Signal, unistd::geteuid};

use super::{
    component::{self, StartOutcome},
    components, kernel,
    layout::{self, NODE_ADDRESS},
    lock::Lock,
    marks, packages, pki, postgres,
    process::Process,
    progress::Progress,
    silence, state, tools, wanted_components,
};

/// Installs, builds and starts what is missing. Before, there may be nothing, a running
/// testbed, or the remains of an interruption or of a SIGKILL of all processes.
pub async fn up() -> Result<()> {
    require_root()?;
    let progress = Progress::new();
    let mut _lock = Lock::take(&progress).await?;
    end_interrupted_commands().await?;
    state::finish_discarding()?;
    if state::is_from_earlier_boot()? {
        state::discard()?;
        _lock = Lock::take(&progress).await?;
    }
    state::save_boot_id()?;

    let packages = async {
        packages::install_missing(&progress).await?;
        tools::fetch_missing(&progress).await
    };
    tokio::try_join!(packages, tools::build_missing(&progress))?;
    kernel::save_settings()?;
    kernel::add_node_address().await?;
    // A scenario that was interrupted may still cut off a backend, which would never be ready.
    silence::remove_rules().await?;
    pki::create_authority()?;
    let outcomes = component::start_all(&wanted_components(), &progress).await?;

    let adopted = outcomes
        .iter()
        .all(|outcome| *outcome == StartOutcome::AlreadyRunning);
    let how = if adopted { "was up already" } else { "is up" };
    println!("The testbed {how} ({}).\n", progress.elapsed());
    println!(
        "  export KUBECONFIG={}",
        layout::admin_kubeconfig().display()
    );
    println!("  {}", postgres::psql_line());
    println!(
        "\nKubernetes is at {}; logs are in {}.",
        layout::api_server_url(),
        layout::state("logs").display()
    );
    Ok(())
}

/// Stops the processes that [`up`] started and removes what they left in the machine.
pub async fn down() -> Result<()> {
    require_root()?;
    let progress = Progress::new();
    let _lock = Lock::take(&progress).await?;
    end_interrupted_commands().await?;

    for component in components().iter().rev() {
        let step = progress.step(component.name());
        component::stop(component.as_ref()).await?;
        component.clean_up().await?;
        step.done("stopped");
    }
    silence::remove_rules().await?;
    kernel::remove_node_address().await?;
    kernel::restore_settings()?;
    state::discard()?;
    println!("The testbed is down; only Debian packages and built tools remain.");
    Ok(())
}

/// Prints each component's state; fails unless all are ready.
pub async fn status() -> Result<()> {
    let mut ready = true;
    for component in wanted_components() {
        let name = component.name();
        let state = match Process::of(name) {
            None => {
                ready = false;
                "not running".to_owned()
            }
            Some(process) => {
                let age = humantime::format_duration(Duration::from_secs(
                    process.age().unwrap_or_default().as_secs(),
                ));
                let state = format!("process {:<7} for {age}", process.id());
                match component.ready().await {
                    Ok(()) => state,
                    Err(reason) => {
                        ready = false;
                        format!("{state}, not ready: {reason:#}")
                    }
                }
            }
        };
        println!("{name:<24} {state}");
    }
    if !ready {
        bail!("the testbed isn't up; run `make up`");
    }
    Ok(())
}

pub fn environment() {
    println!("export KUBECONFIG={}", layout::admin_kubeconfig().display());
    println!("export PATH={}:$PATH", tools::directory().display());
    for (variable, value) in postgres::libpq_environment() {
        println!("export {variable}={value}");
    }
    println!("# The Kubernetes node and the backends are at {NODE_ADDRESS}.");
}

/// A command that outlived a killed `up` would work on the same files as this process.
async fn end_interrupted_commands() -> Result<()> {
    for process in Process::all_of(marks::SETUP) {
        process
            .end(Signal::SIGTERM, Duration::from_secs(10))
            .await?;
    }
    Ok(())
}

fn require_root() -> Result<()> {
    if !geteuid().is_root() {
        bail!("the testbed needs root: it runs a kubelet, containers and a packet filter");
    }
    Ok(())
}
