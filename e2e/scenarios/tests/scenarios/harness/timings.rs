//! Time and processor time of each scenario, kept in `target/timings/`.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::processor::{Processes, Seconds, busy};

const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);
/// Number of scenarios that are printed at the end.
const SLOWEST: usize = 10;

/// Timings of the scenarios that this process runs.
#[derive(Clone)]
pub struct Timings(Arc<Mutex<State>>);

struct State {
    processes: Processes,
    file: Option<File>,
    done: Vec<(String, f64, f64)>,
}

/// Time and processor time at the begin of a scenario.
pub struct Begin {
    at: Instant,
    busy: f64,
    seconds: Seconds,
}

impl Timings {
    /// Starts to sample the processes of this machine.
    pub fn start() -> Self {
        let file = create().map_err(|error| eprintln!("can't write timings: {error:#}"));
        let timings = Self(Arc::new(Mutex::new(State {
            processes: Processes::default(),
            file: file.ok(),
            done: Vec::new(),
        })));
        let sampled = timings.clone();
        thread::spawn(move || {
            loop {
                sampled.lock().processes.observe();
                thread::sleep(SAMPLE_INTERVAL);
            }
        });
        timings
    }

    /// Returns the time and processor time used so far.
    pub fn begin(&self) -> Begin {
        let mut state = self.lock();
        state.processes.observe();
        Begin {
            at: Instant::now(),
            busy: busy(),
            seconds: state.processes.seconds(),
        }
    }

    /// Writes what was used since `begin`. A scenario that runs side by side with others is
    /// charged the processor time of all of them.
    pub fn end(&self, name: &str, passed: bool, begin: &Begin) {
        let mut state = self.lock();
        state.processes.observe();
        let used = state.processes.seconds().into_iter();
        let used: Seconds = used
            .map(|(family, now)| (family, now - begin.seconds.get(family).unwrap_or(&0.0)))
            .filter(|(_, used)| *used >= 0.01)
            .collect();
        let wall = begin.at.elapsed().as_secs_f64();
        let processor = used.values().sum();
        let round = |seconds: f64| (seconds * 100.0).round() / 100.0;
        let families = used.iter().map(|(name, used)| (*name, json!(round(*used))));
        let line = json!({
            "scenario": name,
            "passed": passed,
            "wall": round(wall),
            "processor": round(processor),
            "busy": round(busy() - begin.busy),
            "families": Value::Object(families.map(|(name, used)| (name.to_owned(), used)).collect()),
        });
        if let Some(file) = &mut state.file {
            // Missing timings are no reason to fail.
            let _ = writeln!(file, "{line}");
        }
        state.done.push((name.to_owned(), wall, processor));
    }

    /// Prints the slowest scenarios.
    pub fn print_slowest(&self) {
        let mut done = self.lock().done.clone();
        done.sort_by(|one, other| other.1.total_cmp(&one.1));
        println!("slowest scenarios: seconds, seconds of processors");
        for (name, wall, processor) in done.iter().take(SLOWEST) {
            println!("{wall:8.1} {processor:8.1}  {name}");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Creates the file in the target folder, which holds this program.
fn create() -> Result<File> {
    let this = std::env::current_exe()?;
    let target: PathBuf = this
        .ancestors()
        .nth(3)
        .context("no target folder")?
        .join("timings");
    fs::create_dir_all(&target)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    Ok(File::create(target.join(format!("scenarios-{now}.jsonl")))?)
}
