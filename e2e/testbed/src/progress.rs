//! Progress output on standard error.
//!
//! A terminal gets one spinner per step. Elsewhere there are plain lines: one when a step
//! has ended, and one every few seconds while a long step runs.

use std::{
    io::IsTerminal,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;

const FIRST_UPDATE: Duration = Duration::from_secs(2);
const UPDATE_INTERVAL: Duration = Duration::from_secs(15);

/// Progress of one command.
pub struct Progress {
    terminal: Option<MultiProgress>,
    began: Instant,
}

/// A running step. Dropping it without [`Step::done`] means failure; the error explains
/// the cause.
pub struct Step {
    what: String,
    began: Instant,
    detail: Arc<Mutex<String>>,
    display: Display,
}

enum Display {
    Spinner(MultiProgress, ProgressBar),
    Lines(JoinHandle<()>),
}

impl Progress {
    /// Chooses spinners or lines, depending on whether standard error is a terminal.
    pub fn new() -> Self {
        let terminal = std::io::stderr().is_terminal().then(MultiProgress::new);
        Self {
            terminal,
            began: Instant::now(),
        }
    }

    /// Returns the time since the start of the command, such as `1.2 s`.
    pub fn elapsed(&self) -> String {
        seconds(self.began)
    }

    /// Starts a step; `what` is a noun: "etcd", "Debian packages".
    pub fn step(&self, what: impl Into<String>) -> Step {
        let (what, began, detail) = (what.into(), Instant::now(), Arc::<Mutex<String>>::default());
        let display = match &self.terminal {
            Some(steps) => {
                let style = ProgressStyle::with_template("{spinner} {prefix} {msg} {elapsed}");
                let bar = ProgressBar::new_spinner().with_prefix(what.clone());
                let bar = steps.add(
                    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner())),
                );
                bar.enable_steady_tick(Duration::from_millis(100));
                Display::Spinner(steps.clone(), bar)
            }
            None => Display::Lines(tokio::spawn(print_updates(
                what.clone(),
                began,
                detail.clone(),
            ))),
        };
        Step {
            what,
            began,
            detail,
            display,
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Step {
    /// Shows how far the step is.
    pub fn detail(&self, detail: impl Into<String>) {
        let detail = detail.into();
        if let Display::Spinner(_, bar) = &self.display {
            bar.set_message(detail.clone());
        }
        *self.detail.lock().unwrap_or_else(PoisonError::into_inner) = detail;
    }

    /// Ends the step with success; `how` is a participle: "ready", "installed".
    pub fn done(self, how: &str) {
        let line = format!("{} {how} ({})", self.what, seconds(self.began));
        match &self.display {
            Display::Spinner(steps, _) => drop(steps.println(line)),
            Display::Lines(_) => eprintln!("{line}"),
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        match &self.display {
            Display::Spinner(_, bar) => bar.finish_and_clear(),
            Display::Lines(updates) => updates.abort(),
        }
    }
}

async fn print_updates(what: String, began: Instant, detail: Arc<Mutex<String>>) {
    tokio::time::sleep(FIRST_UPDATE).await;
    loop {
        let detail = detail
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let detail = if detail.is_empty() {
            detail
        } else {
            format!(" {detail}")
        };
        eprintln!("{what} …{detail} ({})", seconds(began));
        tokio::time::sleep(UPDATE_INTERVAL).await;
    }
}

fn seconds(since: Instant) -> String {
    format!("{:.1} s", since.elapsed().as_secs_f64())
}
