//! What every part of the testbed has in common, and how all of them come up.

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

/// How long a component may take from its start until it serves.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long a component that runs already may take until it serves.
const PATIENCE_WITH_RUNNING: Duration = Duration::from_secs(20);
/// How long a component may take to end before it is made to.
const PATIENCE_AT_END: Duration = Duration::from_secs(15);
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// A server that is a part of the testbed.
///
/// To add one, implement this and list it in [`super::components`].
#[async_trait]
pub trait Component: Send + Sync {
    /// What it is called: in messages, as its log file, and as its mark.
    fn name(&self) -> &'static str;

    /// Those that must serve before this one is started.
    fn needs(&self) -> &'static [&'static str] {
        &[]
    }

    /// Lays out its files and says what to run. Called while it isn't running,
    /// whatever an earlier life of it left behind.
    async fn prepare(&self) -> Result<Daemon>;

    /// Asks it once; the error says why it can't serve yet.
    async fn ready(&self) -> Result<()>;

    /// Completes it once it serves. Called at each `up`, so it must be repeatable.
    async fn complete(&self) -> Result<()> {
        Ok(())
    }

    /// What asks it to end, and soon.
    fn stop_signal(&self) -> Signal {
        Signal::SIGTERM
    }

    /// Removes what it leaves in the machine outside the state directory. Called
    /// once it has ended, however that came about.
    async fn clean_up(&self) -> Result<()> {
        Ok(())
    }
}

/// Whether a component was started or found running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It wasn't running before.
    Started,
    /// It was running already.
    Adopted,
}

/// Starts a component unless it serves already, and returns once it does.
pub async fn bring_up(component: &dyn Component) -> Result<Arrival> {
    let name = component.name();
    let arrival = if adopt(component).await? {
        Arrival::Adopted
    } else {
        let daemon = component.prepare().await;
        daemon
            .with_context(|| format!("can't prepare {name}"))?
            .spawn(name)?;
        until_ready(component, PATIENCE).await?;
        Arrival::Started
    };
    component
        .complete()
        .await
        .with_context(|| format!("can't complete {name}"))?;
    Ok(arrival)
}

/// Whether it runs and serves. One that runs and doesn't is ended: a `down` that
/// was killed may have asked it to end, or it may have lost its files.
async fn adopt(component: &dyn Component) -> Result<bool> {
    if Process::of(component.name()).is_none() {
        return Ok(false);
    }
    if until_ready(component, PATIENCE_WITH_RUNNING).await.is_ok() {
        return Ok(true);
    }
    take_down(component).await?;
    Ok(false)
}

/// Starts all of them, each as soon as those that it needs serve.
pub async fn bring_all_up(
    components: &[Box<dyn Component>],
    progress: &Progress,
) -> Result<Vec<Arrival>> {
    let mut waiting: Vec<&dyn Component> = components.iter().map(Box::as_ref).collect();
    let mut serving = HashSet::new();
    let mut starting = FuturesUnordered::new();
    let mut arrivals = Vec::new();
    loop {
        let can_start =
            |component: &dyn Component| component.needs().iter().all(|it| serving.contains(it));
        let startable: Vec<_> = waiting
            .extract_if(.., |component| can_start(*component))
            .collect();
        starting.extend(
            startable
                .into_iter()
                .map(|component| bring_up_visibly(component, progress)),
        );
        let Some(started) = starting.next().await else {
            break;
        };
        let (name, arrival) = started?;
        serving.insert(name);
        arrivals.push(arrival);
    }
    if let Some(component) = waiting.first() {
        bail!(
            "{} needs {:?}, which no component provides",
            component.name(),
            component.needs()
        );
    }
    Ok(arrivals)
}

/// Ends a component's process, if it runs.
pub async fn take_down(component: &dyn Component) -> Result<()> {
    match Process::of(component.name()) {
        Some(process) => process.end(component.stop_signal(), PATIENCE_AT_END).await,
        None => Ok(()),
    }
}

async fn bring_up_visibly(
    component: &dyn Component,
    progress: &Progress,
) -> Result<(&'static str, Arrival)> {
    let step = progress.step(component.name());
    let arrival = bring_up(component).await?;
    step.done(match arrival {
        Arrival::Started => "ready",
        Arrival::Adopted => "already running",
    });
    Ok((component.name(), arrival))
}

async fn until_ready(component: &dyn Component, patience: Duration) -> Result<()> {
    let name = component.name();
    let began = Instant::now();
    loop {
        let tried = tokio::time::timeout(Duration::from_secs(5), component.ready()).await;
        let why_not = match tried.unwrap_or_else(|_| bail!("no answer within 5 s")) {
            Ok(()) if Process::of(name).is_some() => return Ok(()),
            Ok(()) => anyhow!("another program answers in its place"),
            Err(why_not) => why_not,
        };
        let log = || {
            let path = layout::log_file(name);
            format!(
                "The end of {}:\n{}",
                path.display(),
                setup_command::last_lines_of(&path, 20)
            )
        };
        // A new process needs an instant to become the leader of its session.
        if began.elapsed() > Duration::from_secs(1) && Process::of(name).is_none() {
            bail!(
                "{name} ended right after its start ({why_not:#}). {}",
                log()
            );
        }
        if began.elapsed() > patience {
            bail!(
                "{name} isn't ready after {patience:?}: {why_not:#}. {}",
                log()
            );
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
}
