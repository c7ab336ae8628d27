//! Showing what is being done and for how long already.
//!
//! A spinner per step on a terminal; elsewhere plain lines, one when a step has
//! ended and one now and then while a long one lasts. All on standard error.

use std::{
    io::IsTerminal,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;

const FIRST_SIGN_OF_LIFE: Duration = Duration::from_secs(2);
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// The steps of one command.
pub struct Progress {
    terminal: Option<MultiProgress>,
    began: Instant,
}

/// A step under way. Dropped without [`Step::done`], it ended without success;
/// the error will say why.
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
    /// Decides by standard error how progress is shown.
    pub fn new() -> Self {
        let terminal = std::io::stderr().is_terminal().then(MultiProgress::new);
        Self {
            terminal,
            began: Instant::now(),
        }
    }

    /// The time since the command began.
    pub fn elapsed(&self) -> String {
        seconds(self.began)
    }

    /// Begins a step; `what` is a noun: "etcd", "Debian packages".
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
            None => Display::Lines(tokio::spawn(show_signs_of_life(
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
    /// Says how far it is.
    pub fn detail(&self, detail: impl Into<String>) {
        let detail = detail.into();
        if let Display::Spinner(_, bar) = &self.display {
            bar.set_message(detail.clone());
        }
        *self.detail.lock().unwrap_or_else(PoisonError::into_inner) = detail;
    }

    /// Ends it with success; `how` is a participle: "ready", "installed".
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
            Display::Lines(signs_of_life) => signs_of_life.abort(),
        }
    }
}

async fn show_signs_of_life(what: String, began: Instant, detail: Arc<Mutex<String>>) {
    tokio::time::sleep(FIRST_SIGN_OF_LIFE).await;
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
        tokio::time::sleep(SIGN_OF_LIFE).await;
    }
}

fn seconds(since: Instant) -> String {
    format!("{:.1} s", since.elapsed().as_secs_f64())
}
