//! Processes that outlive the command that started them.
//!
//! Every daemon carries a mark in its environment, and so does whatever it
//! starts. The mark is how it is found again: it is there from the first instant
//! of the process and goes with it, so neither an interruption nor a number used
//! again for another process can make the testbed lose one or end a stranger's.

use std::{
    ffi::OsString,
    fs,
    os::unix::{ffi::OsStrExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::{Pid, User},
};

use super::{files, layout, setup_command};

/// The variable that holds the mark.
pub(super) const MARK: &str = "AKILI_TESTBED_COMPONENT";
/// The mark of commands that end by themselves.
pub(super) const SETUP: &str = "setup";
const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program to run as a component of the testbed.
pub struct Daemon {
    program: PathBuf,
    arguments: Vec<OsString>,
    user: Option<&'static str>,
}

/// A process that the testbed started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process(Pid);

impl Daemon {
    /// A program by its absolute path.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            user: None,
        }
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds `--name=value`.
    pub fn flag(self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        let mut argument = OsString::from(format!("--{name}="));
        argument.push(value);
        self.arg(argument)
    }

    /// Runs it as this user instead of root.
    pub fn run_by(mut self, user: &'static str) -> Self {
        self.user = Some(user);
        self
    }

    /// Starts it in a session of its own, with the log of `component`.
    ///
    /// Its environment is empty but for the search path and the mark: proxies and
    /// certificates that a developer has set are none of its business.
    pub fn spawn(self, component: &str) -> Result<()> {
        let log = layout::log_file(component);
        files::create_directory(&layout::state("logs"))?;
        let output = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)?;
        // `setsid` spares us a fork of our own, which would be unsafe code. It
        // returns once the daemon exists.
        let mut setsid = Command::new("/usr/bin/setsid");
        setsid
            .arg("--fork")
            .arg(&self.program)
            .args(&self.arguments);
        setsid
            .env_clear()
            .env("PATH", SEARCH_PATH)
            .env(MARK, component);
        setsid
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        if let Some(name) = self.user {
            let user =
                User::from_name(name)?.with_context(|| format!("there is no user {name}"))?;
            setsid.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        let status = setsid
            .status()
            .with_context(|| format!("can't start {component}"))?;
        if !status.success() {
            bail!(
                "can't start {component}: {status}\n{}",
                setup_command::last_lines_of(&log, 20)
            );
        }
        Ok(())
    }
}

impl Process {
    /// The process of a component, if it runs: the one that leads the session.
    pub fn of(component: &str) -> Option<Self> {
        Self::all_of(component)
            .into_iter()
            .find(|process| process.session() == Some(process.0))
    }

    /// Every process that carries the mark of a component, its children included.
    pub fn all_of(component: &str) -> Vec<Self> {
        let mark = format!("{MARK}={component}");
        all()
            .filter(|process| process.has_in_environment(mark.as_bytes()))
            .collect()
    }

    /// Every process of this program whose working directory is this one.
    pub fn all_of_program(program: &Path, directory: &Path) -> Vec<Self> {
        let is_one = |process: &Self| {
            let link = |name| fs::read_link(format!("/proc/{}/{name}", process.id()));
            link("exe").is_ok_and(|exe| exe == program)
                && link("cwd").is_ok_and(|there| there == directory)
        };
        all().filter(is_one).collect()
    }

    /// Every process in a container whose file system is kept below this directory.
    pub fn all_in_containers_of(directory: &Path) -> Vec<Self> {
        let changes = format!("upperdir={}/", directory.display());
        let lives_there = |process: &Self| {
            let mounts = fs::read_to_string(format!("/proc/{}/mountinfo", process.id()));
            let mounts = mounts.unwrap_or_default();
            let root = mounts
                .lines()
                .find(|mount| mount.split(' ').nth(4) == Some("/"));
            root.is_some_and(|root| root.contains(&changes))
        };
        all().filter(lives_there).collect()
    }

    /// Its number.
    pub fn id(self) -> i32 {
        self.0.as_raw()
    }

    /// How long it has been running.
    pub fn age(self) -> Option<Duration> {
        let since_boot = fs::read_to_string("/proc/uptime").ok()?;
        let since_boot: f64 = since_boot.split_whitespace().next()?.parse().ok()?;
        // The 22nd field is the start in ticks, of which Linux shows 100 a second.
        let started: f64 = self.status_field(22)?.parse().ok()?;
        Duration::try_from_secs_f64(since_boot - started / 100.0).ok()
    }

    /// Asks it to end with `signal`, then makes it, and returns when it is gone.
    pub async fn end(self, signal: Signal, patience: Duration) -> Result<()> {
        self.signal(signal)?;
        let asked = Instant::now();
        while self.is_running() {
            if asked.elapsed() > patience {
                self.signal(Signal::SIGKILL)?;
            }
            if asked.elapsed() > patience + Duration::from_secs(10) {
                bail!("process {} doesn't end, not even by SIGKILL", self.id());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    fn signal(self, signal: Signal) -> Result<()> {
        match kill(self.0, signal) {
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(error) => {
                Err(error).with_context(|| format!("can't send {signal} to process {}", self.id()))
            }
        }
    }

    /// A zombie counts as ended: its parent will notice, or not. But not while it has
    /// other threads, which keep its sockets open.
    fn is_running(self) -> bool {
        let has_threads = || {
            self.status_field(20)
                .is_some_and(|number| number != "1" && number != "0")
        };
        self.status_field(3)
            .is_some_and(|state| (state != "Z" && state != "X") || has_threads())
    }

    fn session(self) -> Option<Pid> {
        Some(Pid::from_raw(self.status_field(6)?.parse().ok()?))
    }

    fn has_in_environment(self, assignment: &[u8]) -> bool {
        let environment = fs::read(format!("/proc/{}/environ", self.id())).unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|entry| entry == assignment)
    }

    /// A field of `/proc/<pid>/stat`, counted from 1 as proc(5) does, after the name.
    fn status_field(self, number: usize) -> Option<String> {
        let status = fs::read_to_string(format!("/proc/{}/stat", self.id())).ok()?;
        // The second field is the name in brackets and may hold anything.
        let after_name = &status[status.rfind(')')? + 1..];
        after_name
            .split_whitespace()
            .nth(number - 3)
            .map(str::to_owned)
    }
}

fn all() -> impl Iterator<Item = Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let name = entry.file_name();
        let id = std::str::from_utf8(name.as_bytes()).ok()?.parse().ok()?;
        Some(Process(Pid::from_raw(id)))
    })
}
