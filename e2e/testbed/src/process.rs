//! Processes that outlive the command that started them.
//!
//! Every daemon carries a mark in its environment, inherited by its children, and is
//! found again by it. The mark exists from the first instant of the process and
//! disappears with it, so an interruption can't make the testbed lose a process, nor a
//! reused process id make it stop a process that isn't its own.

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

use super::{files, layout, marks::MARK, setup_command};

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
    /// Creates a daemon from the program's absolute path.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            user: None,
        }
    }

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

    pub fn run_by(mut self, user: &'static str) -> Self {
        self.user = Some(user);
        self
    }

    /// Starts the program in its own session; its output goes to the log of `component`.
    ///
    /// The environment holds only the search path and the mark: a developer's proxies and
    /// certificates must not affect components.
    pub fn spawn(self, component: &str) -> Result<()> {
        let log = layout::log_file(component);
        files::create_directory(&layout::state("logs"))?;
        let output = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)?;
        // `setsid` replaces a fork in this process, which would be unsafe code. The
        // command returns once the daemon exists.
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
    /// Returns the process of a component, if it runs: the leader of its session.
    pub fn of(component: &str) -> Option<Self> {
        Self::all_of(component)
            .into_iter()
            .find(|process| process.session() == Some(process.0))
    }

    /// Returns all processes with the mark of a component, children included.
    pub fn all_of(component: &str) -> Vec<Self> {
        let mark = format!("{MARK}={component}");
        all()
            .filter(|process| process.has_in_environment(mark.as_bytes()))
            .collect()
    }

    /// Returns all processes of this program in this working directory.
    pub fn all_of_program(program: &Path, directory: &Path) -> Vec<Self> {
        let is_one = |process: &Self| {
            let link = |name| fs::read_link(format!("/proc/{}/{name}", process.id()));
            link("exe").is_ok_and(|exe| exe == program)
                && link("cwd").is_ok_and(|there| there == directory)
        };
        all().filter(is_one).collect()
    }

    /// Returns all processes in containers whose file system is stored below this
    /// directory.
    pub fn all_in_containers_of(directory: &Path) -> Vec<Self> {
        let changes = format!("upperdir={}/", directory.display());
        let is_contained = |process: &Self| {
            let mounts = fs::read_to_string(format!("/proc/{}/mountinfo", process.id()));
            let mounts = mounts.unwrap_or_default();
            let root = mounts
                .lines()
                .find(|mount| mount.split(' ').nth(4) == Some("/"));
            root.is_some_and(|root| root.contains(&changes))
        };
        all().filter(is_contained).collect()
    }

    pub fn id(self) -> i32 {
        self.0.as_raw()
    }

    /// Returns the time since the start of the process.
    pub fn age(self) -> Option<Duration> {
        let since_boot = fs::read_to_string("/proc/uptime").ok()?;
        let since_boot: f64 = since_boot.split_whitespace().next()?.parse().ok()?;
        // The 22nd field is the start in ticks; Linux reports 100 ticks per second.
        let started: f64 = self.status_field(22)?.parse().ok()?;
        Duration::try_from_secs_f64(since_boot - started / 100.0).ok()
    }

    /// Sends `signal`, then SIGKILL after `timeout`, and returns when the process has
    /// ended.
    pub async fn end(self, signal: Signal, timeout: Duration) -> Result<()> {
        self.signal(signal)?;
        let asked = Instant::now();
        while self.is_running() {
            if asked.elapsed() > timeout {
                self.signal(Signal::SIGKILL)?;
            }
            if asked.elapsed() > timeout + Duration::from_secs(10) {
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

    /// A zombie counts as ended, except while it has other threads, which keep its
    /// sockets open.
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

    /// Returns a field of `/proc/<pid>/stat` after the name, counted from 1 as in
    /// proc(5).
    fn status_field(self, number: usize) -> Option<String> {
        let status = fs::read_to_string(format!("/proc/{}/stat", self.id())).ok()?;
        // The second field is the name in brackets and may contain any character.
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
