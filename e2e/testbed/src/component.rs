//! The lifecycle of a component (prepare, start, wait until ready, stop), and starting
//! all components in the order of their needs.

use std::{collections::HashSet, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use async_trait::async_trait;
use futures::{StreamExt, stream::FuturesUnordered};
use nix::sys::signal::Signal;
use tokio::time::Instant;

use super::{
    layout,
    process::{Daemon, Process},
    progress::Progress,
    setup_command,
};

/// Limit for a freshly started component to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(90);
/// Limit for a component that was already running to become ready.
const ADOPT_TIMEOUT: Duration = Duration::from_secs(20);
/// Time between the stop signal and SIGKILL.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// A server of the testbed.
///
/// To add one, implement this and list it in [`super::components`].
#[async_trait]
pub trait Component: Send + Sync {
    /// Name in messages, of the log file, and in the mark of the process.
    fn name(&self) -> &'static str;

    /// Names of the components that must be ready before this one is started.
    fn needs(&self) -> &'static [&'static str] {
        &[]
    }

    /// Writes the component's files and returns the program to run. Called only while the
    /// component isn't running; files of an earlier, possibly interrupted run may be
    /// present.
    async fn prepare(&self) -> Result<Daemon>;

    /// Checks once whether the component is ready; the error is the reason why not.
    async fn ready(&self) -> Result<()>;

    /// Creates what the component needs once it is ready. Called at each `up`, so it must
    /// be idempotent.
    async fn initialize(&self) -> Result<()> {
        Ok(())
    }

    /// Signal that requests a fast shutdown.
    fn stop_signal(&self) -> Signal {
        Signal::SIGTERM
    }

    /// Removes what the component leaves outside the state directory. Called once its
    /// process has ended, in order or not.
    async fn clean_up(&self) -> Result<()> {
        Ok(())
    }
}

/// Start of a component: by this command or before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartOutcome {
    Started,
    AlreadyRunning,
}

/// Starts a component unless it is already ready, and returns once it is.
pub async fn start(component: &dyn Component) -> Result<StartOutcome> {
    let name = component.name();
    let outcome = if adopt(component).await? {
        StartOutcome::AlreadyRunning
    } else {
        let daemon = component.prepare().await;
        daemon
            .with_context(|| format!("can't prepare {name}"))?
            .spawn(name)?;
        wait_until_ready(component, READY_TIMEOUT).await?;
        StartOutcome::Started
    };
    component
        .initialize()
        .await
        .with_context(|| format!("can't initialize {name}"))?;
    Ok(outcome)
}

/// Returns true if the component runs and becomes ready. A process that runs without
/// becoming ready is stopped: an interrupted `down` may have signalled it, or its files
/// may be lost.
async fn adopt(component: &dyn Component) -> Result<bool> {
    if Process::of(component.name()).is_none() {
        return Ok(false);
    }
    if wait_until_ready(component, ADOPT_TIMEOUT).await.is_ok() {
        return Ok(true);
    }
    stop(component).await?;
    Ok(false)
}

/// Starts all components, each as soon as the ones it needs are ready.
pub async fn start_all(
    components: &[Box<dyn Component>],
    progress: &Progress,
) -> Result<Vec<StartOutcome>> {
    let mut waiting: Vec<&dyn Component> = components.iter().map(Box::as_ref).collect();
    let mut serving = HashSet::new();
    let mut starting = FuturesUnordered::new();
    let mut outcomes = Vec::new();
    loop {
        let can_start =
            |component: &dyn Component| component.needs().iter().all(|it| serving.contains(it));
        let startable: Vec<_> = waiting
            .extract_if(.., |component| can_start(*component))
            .collect();
        starting.extend(
            startable
                .into_iter()
                .map(|component| start_with_progress(component, progress)),
        );
        let Some(started) = starting.next().await else {
            break;
        };
        let (name, outcome) = started?;
        serving.insert(name);
        outcomes.push(outcome);
    }
    if let Some(component) = waiting.first() {
        bail!(
            "{} needs {:?}, which no component provides",
            component.name(),
            component.needs()
        );
    }
    Ok(outcomes)
}

/// Stops a component's process, if it runs.
pub async fn stop(component: &dyn Component) -> Result<()> {
    match Process::of(component.name()) {
        Some(process) => process.end(component.stop_signal(), STOP_TIMEOUT).await,
        None => Ok(()),
    }
}

async fn start_with_progress(
    component: &dyn Component,
    progress: &Progress,
) -> Result<(&'static str, StartOutcome)> {
    let step = progress.step(component.name());
    let outcome = start(component).await?;
    step.done(match outcome {
        StartOutcome::Started => "ready",
        StartOutcome::AlreadyRunning => "already running",
    });
    Ok((component.name(), outcome))
}

async fn wait_until_ready(component: &dyn Component, timeout: Duration) -> Result<()> {
    let name = component.name();
    let began = Instant::now();
    loop {
        let tried = tokio::time::timeout(Duration::from_secs(5), component.ready()).await;
        let reason = match tried.unwrap_or_else(|_| bail!("no answer within 5 s")) {
            Ok(()) if Process::of(name).is_some() => return Ok(()),
            Ok(()) => anyhow!("another program answers on its address"),
            Err(reason) => reason,
        };
        let log = || {
            let path = layout::log_file(name);
            format!(
                "The end of {}:\n{}",
                path.display(),
                setup_command::last_lines_of(&path, 20)
            )
        };
        // A new process becomes the leader of its session a moment after its start.
        if began.elapsed() > Duration::from_secs(1) && Process::of(name).is_none() {
            bail!("{name} ended right after its start ({reason:#}). {}", log());
        }
        if began.elapsed() > timeout {
            bail!(
                "{name} isn't ready after {timeout:?}: {reason:#}. {}",
                log()
            );
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
