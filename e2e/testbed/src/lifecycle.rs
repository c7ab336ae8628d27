//! The testbed's life: up, down, and what it looks like in between.

use std::time::Duration;

use anyhow::{Result, bail};
use nix::{sys::signal::Signal, unistd::geteuid};

use super::{
    component::{self, Arrival},
    components, kernel,
    layout::{self, NODE_ADDRESS},
    lock::Lock,
    packages, pki, postgres,
    process::{self, Process},
    progress::Progress,
    silence, state, tools, wanted_components,
};

/// Installs, builds and starts what is missing, whatever was there before: nothing,
/// a running testbed, or what an interruption or a SIGKILL of all left behind.
pub async fn up() -> Result<()> {
    require_root()?;
    let progress = Progress::new();
    let mut _lock = Lock::take(&progress).await?;
    end_interrupted_commands().await?;
    state::finish_discarding()?;
    if state::outlived_a_boot()? {
        state::discard()?;
        _lock = Lock::take(&progress).await?;
    }
    state::remember_boot()?;

    let packages = async {
        packages::install_missing(&progress).await?;
        tools::fetch_missing(&progress).await
    };
    tokio::try_join!(packages, tools::build_missing(&progress))?;
    kernel::remember_settings()?;
    kernel::add_node_address().await?;
    pki::create_authority()?;
    let arrivals = component::bring_all_up(&wanted_components(), &progress).await?;

    let adopted = arrivals.iter().all(|arrival| *arrival == Arrival::Adopted);
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

/// Ends what [`up`] started and removes what it and they left in the machine.
pub async fn down() -> Result<()> {
    require_root()?;
    let progress = Progress::new();
    let _lock = Lock::take(&progress).await?;
    end_interrupted_commands().await?;

    for component in components().iter().rev() {
        let step = progress.step(component.name());
        component::take_down(component.as_ref()).await?;
        component.clean_up().await?;
        step.done("ended");
    }
    silence::end().await?;
    kernel::remove_node_address().await?;
    kernel::restore_settings()?;
    state::discard()?;
    println!("The testbed is down; nothing is left of it but Debian packages and built tools.");
    Ok(())
}

/// Prints each component's state; fails unless all of them serve.
pub async fn status() -> Result<()> {
    let mut serving = true;
    for component in wanted_components() {
        let name = component.name();
        let state = match Process::of(name) {
            None => {
                serving = false;
                "not running".to_owned()
            }
            Some(process) => {
                let age = humantime::format_duration(Duration::from_secs(
                    process.age().unwrap_or_default().as_secs(),
                ));
                let state = format!("process {:<7} for {age}", process.id());
                match component.ready().await {
                    Ok(()) => state,
                    Err(why_not) => {
                        serving = false;
                        format!("{state}, not ready: {why_not:#}")
                    }
                }
            }
        };
        println!("{name:<24} {state}");
    }
    if !serving {
        bail!("the testbed isn't up; run `make up`");
    }
    Ok(())
}

/// Prints shell commands that make `kubectl` and `psql` use the testbed.
pub fn environment() {
    println!("export KUBECONFIG={}", layout::admin_kubeconfig().display());
    println!("export PATH={}:$PATH", tools::directory().display());
    for (variable, value) in postgres::libpq_environment() {
        println!("export {variable}={value}");
    }
    println!("# Kubernetes' node and the backends are at {NODE_ADDRESS}.");
}

/// A command that outlived a killed `up` would work on the same files as this one.
async fn end_interrupted_commands() -> Result<()> {
    for process in Process::all_of(process::SETUP) {
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
