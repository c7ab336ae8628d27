//! The operator's process.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{OPERATOR_PASSWORD, PATIENCE, Platform};
use crate::command::binary;

/// How often the operator looks at every tenant and table on the testbed.
pub const AUDIT_INTERVAL: Duration = Duration::from_secs(2);

/// The operator's process; ends with the value.
pub struct Operator(Child);

impl Platform {
    /// Starts the operator with the rights of its own ServiceAccount; returns once it
    /// leads and has reached its registry.
    pub async fn start_operator(&self) -> Result<Operator> {
        let kubeconfig = self.operators_kubeconfig().await?;
        let log = File::options().create(true).append(true).open(self.log())?;
        let before = log.metadata()?.len().try_into()?;
        let child = self
            .operator_command()?
            .arg("run")
            .env("KUBECONFIG", &kubeconfig)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let operator = Operator(child);
        self.eventually("the operator works", || {
            Ok(fs::read_to_string(self.log())?[before..].contains("the registry is ready"))
        })
        .await?;
        Ok(operator)
    }

    /// Runs `akili-operator check` as an admin, whether or not it succeeds.
    pub fn check(&self, arguments: &[&str]) -> Result<Output> {
        Ok(self
            .operator_command()?
            .arg("check")
            .args(arguments)
            .output()?)
    }

    /// The same with one setting changed.
    pub fn check_with(&self, variable: &str, value: &str) -> Result<Output> {
        let mut command = self.operator_command()?;
        Ok(command.arg("check").env(variable, value).output()?)
    }

    /// Runs `kubectl` with the token of the operator's ServiceAccount.
    pub async fn kubectl_as_operator(&self, arguments: &[&str]) -> Result<Output> {
        Ok(Command::new(self.testbed.kubectl())
            .arg("--kubeconfig")
            .arg(self.operators_kubeconfig().await?)
            .args(arguments)
            .output()?)
    }

    /// The operator's log.
    pub fn log(&self) -> PathBuf {
        self.folder.join("operator.log")
    }

    pub(super) fn end_of_log(&self) -> String {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(10).collect();
        format!("the operator's log, newest first:\n{}", lines.join("\n"))
    }

    fn operator_command(&self) -> Result<Command> {
        let database = self.testbed.postgres();
        let interval = format!("{}s", AUDIT_INTERVAL.as_secs());
        let mut command = Command::new(binary("akili-operator")?);
        command
            .env("KUBECONFIG", self.testbed.kubeconfig())
            .env("AKILI_AUDIT_INTERVAL", interval)
            .env("AKILI_LEASE_DURATION", "3s")
            .env("AKILI_HEALTH_ADDRESS", "127.0.0.1:18080")
            .env("AKILI_POSTGRES__HOST", database.host)
            .env("AKILI_POSTGRES__PORT", database.port.to_string())
            .env("AKILI_POSTGRES__DATABASE", database.database)
            .env("AKILI_POSTGRES__CA_FILE", &database.ca_path)
            .env("AKILI_POSTGRES__PASSWORD", OPERATOR_PASSWORD);
        Ok(command)
    }

    async fn operators_kubeconfig(&self) -> Result<PathBuf> {
        let kubeconfig = self.folder.join("operator.kubeconfig");
        self.testbed
            .service_account_kubeconfig("akili-system", "akili-operator", &kubeconfig)
            .await?;
        Ok(kubeconfig)
    }
}

impl Operator {
    /// SIGKILL.
    pub fn kill(mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// SIGTERM, as the kubelet does it: it ends by itself, soon and well.
    pub fn stop(mut self) -> Result<()> {
        let status = self.terminate()?;
        ensure!(status.success(), "the operator ended with {status}");
        Ok(())
    }

    fn terminate(&mut self) -> Result<ExitStatus> {
        let process = Pid::from_raw(self.0.id().try_into()?);
        kill(process, Signal::SIGTERM)?;
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("the operator didn't end within {PATIENCE:?} of SIGTERM")
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        if !matches!(self.0.try_wait(), Ok(Some(_))) && self.terminate().is_err() {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}
