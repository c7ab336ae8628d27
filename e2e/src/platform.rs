//! The platform under test: the custom resources, the policies and the bootstrap
//! SQL on the testbed, and the operator as a process with its own rights.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::chart::{self, CHART};
use crate::testbed::{Testbed, layout};

/// The password of the operator's login on the testbed; a word that nothing else
/// contains, so that it can be searched for where it must not be.
pub const OPERATOR_PASSWORD: &str = "canary-of-the-operator";
/// How often the operator looks at every tenant and table on the testbed.
pub const AUDIT_INTERVAL: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(30);

/// The platform on the testbed.
pub struct Platform {
    /// What it stands on.
    pub testbed: Testbed,
    folder: PathBuf,
}

/// A request to the API server.
#[derive(Debug)]
pub struct Request {
    /// Such as `get` or `patch`.
    pub verb: String,
    /// Such as `rolebindings`.
    pub resource: String,
}

/// A way into PostgreSQL.
pub struct Login {
    /// The role.
    pub user: String,
    /// Its password, which needs no escaping in a URL.
    pub password: String,
}

/// The operator's process; ends with the value.
pub struct Operator(Child);

impl Platform {
    /// Installs what an admin and a DBA install. May be done again.
    pub async fn install() -> Result<Self> {
        let testbed = Testbed::connect().await?;
        // A test that stopped it may not have come to its end.
        testbed.start_postgres().await?;
        let folder = std::env::temp_dir().join(format!("akili-platform-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let platform = Self { testbed, folder };
        platform.install_chart()?;
        platform.kubectl(&[
            "wait",
            "--for=condition=Established",
            "crd",
            "--all",
            "--timeout=30s",
        ])?;
        let sql = command(&binary("akili-operator")?, &["bootstrap-sql"])?;
        platform.superuser(&sql)?;
        platform.superuser(&format!(
            "ALTER ROLE akili_operator PASSWORD '{OPERATOR_PASSWORD}'"
        ))?;
        Ok(platform)
    }

    /// The chart without its pods: the operator is a process on this machine.
    fn install_chart(&self) -> Result<()> {
        // What a killed Helm left behind would look like one that is at work.
        let pending = "owner=helm,name=akili-operator,status in (pending-install,pending-upgrade)";
        self.kubectl(&["delete", "secret", "-n", "akili-system", "-l", pending])?;
        let kubeconfig = self.testbed.kubeconfig();
        let host = format!("config.postgres.host={}", self.testbed.postgres().host);
        let installed = chart::helm(&[
            "upgrade",
            "--install",
            "akili-operator",
            CHART,
            "--kubeconfig",
            text(&kubeconfig)?,
            "--namespace",
            "akili-system",
            "--create-namespace",
            // Another checkout may have installed the same without Helm.
            "--take-ownership",
            "--set",
            "replicas=0",
            "--set",
            &host,
        ])?;
        succeed(&installed).map(drop)
    }

    /// Starts the operator with the rights of its own ServiceAccount.
    pub async fn start_operator(&self) -> Result<Operator> {
        let kubeconfig = self.folder.join("operator.kubeconfig");
        self.testbed
            .service_account_kubeconfig("akili-system", "akili-operator", &kubeconfig)
            .await?;
        let log = File::options().create(true).append(true).open(self.log())?;
        let child = self
            .operator_command()?
            .arg("run")
            .env("KUBECONFIG", &kubeconfig)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        Ok(Operator(child))
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

    fn operator_command(&self) -> Result<Command> {
        let database = self.testbed.postgres();
        let mut command = Command::new(binary("akili-operator")?);
        command
            .env("KUBECONFIG", self.testbed.kubeconfig())
            .env(
                "AKILI_AUDIT_INTERVAL",
                format!("{}s", AUDIT_INTERVAL.as_secs()),
            )
            .env("AKILI_LEASE_DURATION", "3s")
            .env("AKILI_HEALTH_ADDRESS", "127.0.0.1:18080")
            .env("AKILI_POSTGRES__HOST", database.host)
            .env("AKILI_POSTGRES__PORT", database.port.to_string())
            .env("AKILI_POSTGRES__DATABASE", database.database)
            .env("AKILI_POSTGRES__CA_FILE", &database.ca_path)
            .env("AKILI_POSTGRES__PASSWORD", OPERATOR_PASSWORD);
        Ok(command)
    }

    /// Runs `kubectl` with the token of the operator's ServiceAccount.
    pub async fn kubectl_as_operator(&self, arguments: &[&str]) -> Result<Output> {
        let kubeconfig = self.folder.join("operator.kubeconfig");
        self.testbed
            .service_account_kubeconfig("akili-system", "akili-operator", &kubeconfig)
            .await?;
        Ok(Command::new(self.testbed.kubectl())
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .args(arguments)
            .output()?)
    }

    /// Where the API server's audit log ends now.
    pub fn audit_mark(&self) -> Result<usize> {
        Ok(fs::read_to_string(layout::audit_log())?.len())
    }

    /// What the operator asked the API server since then.
    pub fn operators_requests_since(&self, mark: usize) -> Result<Vec<Request>> {
        const OPERATOR: &str = "system:serviceaccount:akili-system:akili-operator";
        let log = fs::read_to_string(layout::audit_log())?;
        let events = log[mark..].lines().map(serde_json::from_str::<Value>);
        let mut requests = Vec::new();
        for event in events {
            let event = event.context("the audit log isn't JSON")?;
            if event["user"]["username"] == OPERATOR {
                let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                requests.push(Request {
                    verb: word(&event["verb"]),
                    resource: word(&event["objectRef"]["resource"]),
                });
            }
        }
        Ok(requests)
    }

    /// The operator's log.
    pub fn log(&self) -> PathBuf {
        self.folder.join("operator.log")
    }

    /// Runs `kubectl` as an admin; its output.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        succeed(&self.try_kubectl(arguments)?)
    }

    /// Runs `kubectl` as an admin, whether or not it succeeds.
    pub fn try_kubectl(&self, arguments: &[&str]) -> Result<Output> {
        Ok(Command::new(self.testbed.kubectl())
            .arg("--kubeconfig")
            .arg(self.testbed.kubeconfig())
            .args(arguments)
            .output()?)
    }

    /// Runs `akili` as an admin, whether or not it succeeds.
    pub fn akili(&self, arguments: &[&str]) -> Result<Output> {
        Ok(Command::new(binary("akili")?)
            .env("KUBECONFIG", self.testbed.kubeconfig())
            .args(arguments)
            .output()?)
    }

    /// Runs SQL as a superuser; its output without decoration.
    pub fn superuser(&self, sql: &str) -> Result<String> {
        succeed(&self.psql(&self.testbed.postgres().superuser_url(), sql)?)
    }

    /// Runs SQL as the tenant's login with the password from its Secret.
    pub fn as_tenant(&self, slug: &str, sql: &str) -> Result<Output> {
        self.as_login(&self.login_of(slug)?, sql)
    }

    /// Runs SQL as this login; its output without decoration.
    pub fn as_login(&self, login: &Login, sql: &str) -> Result<Output> {
        let url = self.testbed.postgres().url(&login.user, &login.password);
        self.psql(&url, sql)
    }

    /// The tenant's login, with the password from its Secret.
    pub fn login_of(&self, slug: &str) -> Result<Login> {
        let namespace = self.status(slug, "namespace")?;
        let password = self.kubectl(&[
            "get",
            "secret",
            "akili-postgres",
            "-n",
            &namespace,
            "-o",
            "go-template={{.data.password | base64decode}}",
        ])?;
        let user = self.status(slug, "resources.postgres.role")?;
        Ok(Login { user, password })
    }

    /// A slug that no earlier run has used: tenants outlive a run of the tests.
    pub fn fresh(&self, name: &str) -> String {
        format!("{name}-{}", std::process::id())
    }

    /// A field of the Tenant's status.
    pub fn status(&self, slug: &str, field: &str) -> Result<String> {
        self.kubectl(&[
            "get",
            "tenant",
            slug,
            "-o",
            &format!("jsonpath={{.status.{field}}}"),
        ])
    }

    /// The reason that a condition of the Tenant gives; empty if there is none.
    pub fn reason(&self, slug: &str, type_: &str) -> Result<String> {
        self.status(slug, &format!("conditions[?(@.type==\"{type_}\")].reason"))
    }

    /// Makes a tenant with `akili`.
    pub fn create(&self, slug: &str) -> Result<()> {
        let name = format!("Tenant {slug}");
        succeed(&self.akili(&["tenant", "create", slug, "--display-name", &name])?).map(drop)
    }

    /// How long a new tenant takes until it is ACTIVE.
    pub fn time_to_active(&self, slug: &str) -> Result<Duration> {
        self.create(slug)?;
        let began = Instant::now();
        self.wait_active(slug)?;
        Ok(began.elapsed())
    }

    /// Waits with `akili` until the tenant is ACTIVE.
    pub fn wait_active(&self, slug: &str) -> Result<()> {
        let wait = [
            "tenant",
            "wait",
            slug,
            "--for",
            "ACTIVE",
            "--timeout",
            "60s",
        ];
        succeed(&self.akili(&wait)?)
            .with_context(|| self.end_of_log())
            .map(drop)
    }

    /// Makes a tenant by `kubectl apply` and waits until it is ACTIVE.
    pub fn activate(&self, slug: &str) -> Result<()> {
        let file = self.folder.join(format!("{slug}.yaml"));
        fs::write(&file, tenant_yaml(slug))?;
        self.kubectl(&["apply", "-f", text(&file)?])?;
        self.wait_active(slug)
    }

    /// Tries again until it holds.
    pub async fn eventually(&self, what: &str, holds: impl Fn() -> Result<bool>) -> Result<()> {
        let began = Instant::now();
        while !holds()? {
            if began.elapsed() > PATIENCE {
                bail!("not within {PATIENCE:?}: {what}\n{}", self.end_of_log());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    fn psql(&self, url: &str, sql: &str) -> Result<Output> {
        let ca = &self.testbed.postgres().ca_path;
        Ok(Command::new("/usr/lib/postgresql/15/bin/psql")
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-d",
                url,
                "-c",
                sql,
            ])
            .env("PGSSLROOTCERT", ca)
            .output()?)
    }

    fn end_of_log(&self) -> String {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(10).collect();
        format!("the operator's log, newest first:\n{}", lines.join("\n"))
    }
}

impl Login {
    /// The role and its password.
    pub fn new(user: &str, password: &str) -> Self {
        let [user, password] = [user, password].map(str::to_owned);
        Self { user, password }
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

/// A Tenant of this name.
pub fn tenant_yaml(slug: &str) -> String {
    format!(
        "apiVersion: akili.io/v1alpha1\nkind: Tenant\nmetadata: {{name: {slug}}}\nspec: {{displayName: Tenant {slug}}}\n"
    )
}

/// The output of a command that succeeded, else an error with what it said.
pub fn succeed(output: &Output) -> Result<String> {
    ensure!(
        output.status.success(),
        "{}{}",
        stdout(output),
        stderr(output)
    );
    Ok(stdout(output))
}

/// What a command printed.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a command complained of.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn command(program: &Path, arguments: &[&str]) -> Result<String> {
    succeed(&Command::new(program).args(arguments).output()?)
}

/// The program that was built beside this test.
fn binary(name: &str) -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test
        .ancestors()
        .nth(2)
        .context("the test isn't in a target folder")?;
    let program = folder.join(name);
    ensure!(
        program.exists(),
        "{} isn't built; run `cargo build --workspace`",
        program.display()
    );
    Ok(program)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str()
        .with_context(|| format!("{} isn't UTF-8", path.display()))
}
