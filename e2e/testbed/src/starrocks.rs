//! StarRocks: the stand-in, or a real one named by the environment.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::{Context, Result};
use async_trait::async_trait;
use mysql_async::{Conn, Opts, OptsBuilder, SslOpts, prelude::Queryable};

use super::{
    component::Component,
    files,
    layout::{self, NODE_ADDRESS, STARROCKS_PORT},
    pki::{self, Subject},
    process::Daemon,
    secret,
};
use akili_starrocks_stand_in::{self as stand_in, Configuration};

/// Variable that names a real StarRocks: `mysql://user:password@host:port`.
const URL_VARIABLE: &str = "AKILI_STARROCKS_URL";
/// Login of the operator.
const OPERATOR: &str = "akili_operator";
/// Statements that an administrator of StarRocks runs once for the operator, as `root`:
/// the privileges that StarRocks' documentation demands for the operator's statements.
const PREPARATION: [&str; 4] = [
    "GRANT user_admin TO USER akili_operator",
    "GRANT CREATE EXTERNAL CATALOG, CREATE RESOURCE GROUP, OPERATE ON SYSTEM TO USER akili_operator",
    "GRANT USAGE, DROP ON ALL CATALOGS TO USER akili_operator",
    "GRANT ALTER, DROP ON ALL RESOURCE GROUPS TO USER akili_operator",
];

/// Returns whether a real StarRocks is used in place of the stand-in.
pub fn is_external() -> bool {
    std::env::var_os(URL_VARIABLE).is_some()
}

/// Returns the password of the stand-in's admin, `root`.
pub fn root_password() -> Result<String> {
    Ok(StarRocksHandle::of("root")?.password)
}

/// StarRocks' address and the operator's login.
#[derive(Clone)]
pub struct StarRocksHandle {
    pub host: String,
    pub port: u16,
    /// CA certificate of the server; none for a real StarRocks that is configured
    /// without.
    pub ca_path: Option<PathBuf>,
    pub user: String,
    pub password: String,
}

impl StarRocksHandle {
    /// Returns the handle; creates the password at the first call.
    pub(super) fn load() -> Result<Self> {
        let Ok(url) = std::env::var(URL_VARIABLE) else {
            return Self::of(OPERATOR);
        };
        let opts = Opts::from_url(&url).with_context(|| format!("{URL_VARIABLE} is no URL"))?;
        let user = opts
            .user()
            .with_context(|| format!("{URL_VARIABLE} names no user"))?;
        Ok(Self {
            host: opts.ip_or_hostname().to_owned(),
            port: opts.tcp_port(),
            ca_path: None,
            user: user.to_owned(),
            password: opts.pass().unwrap_or_default().to_owned(),
        })
    }

    /// Returns the connection options of this login. Sessions are never reset, because
    /// StarRocks doesn't know that command.
    pub fn options(&self, user: &str, password: &str) -> OptsBuilder {
        let pool = mysql_async::PoolOpts::new().with_reset_connection(false);
        let tls = self
            .ca_path
            .as_ref()
            .map(|ca_path| SslOpts::default().with_root_certs(vec![ca_path.clone().into()]));
        OptsBuilder::default()
            .ip_or_hostname(self.host.clone())
            .tcp_port(self.port)
            .user(Some(user))
            .pass(Some(password))
            .prefer_socket(false)
            .pool_opts(pool)
            .ssl_opts(tls)
    }

    fn of(user: &str) -> Result<Self> {
        let file = directory().join(format!("{user}.password"));
        if !file.exists() {
            files::write_secret(&file, secret::random()?)?;
        }
        Ok(Self {
            host: NODE_ADDRESS.to_owned(),
            port: STARROCKS_PORT,
            ca_path: Some(pki::authority_certificate()),
            user: user.to_owned(),
            password: files::read(&file)?,
        })
    }

    async fn connect(&self) -> Result<Conn> {
        let connection = Conn::new(self.options(&self.user, &self.password)).await;
        connection.with_context(|| format!("{} can't log in", self.user))
    }
}

impl std::fmt::Debug for StarRocksHandle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "StarRocks at {}:{} for {}",
            self.host, self.port, self.user
        )
    }
}

/// The stand-in as a component: this program, started with `serve-starrocks-stand-in`.
pub struct StandIn;

#[async_trait]
impl Component for StandIn {
    fn name(&self) -> &'static str {
        "starrocks-stand-in"
    }

    async fn prepare(&self) -> Result<Daemon> {
        StarRocksHandle::of("root")?;
        let program = directory().join("testbed");
        let current = std::env::current_exe()?;
        // A copy, because the next build replaces the original. Tests, which restart the
        // component, are other programs and keep the copy.
        if current.file_name() == program.file_name() {
            std::fs::copy(current, &program).context("can't copy this program")?;
        }
        Ok(Daemon::new(program).arg("serve-starrocks-stand-in"))
    }

    async fn ready(&self) -> Result<()> {
        let connection = StarRocksHandle::of("root")?.connect().await?;
        Ok(connection.disconnect().await?)
    }

    async fn initialize(&self) -> Result<()> {
        let operator = StarRocksHandle::of(OPERATOR)?;
        let mut root = StarRocksHandle::of("root")?.connect().await?;
        let password = &operator.password;
        root.query_drop(format!(
            "CREATE USER IF NOT EXISTS {OPERATOR} IDENTIFIED BY '{password}'"
        ))
        .await?;
        for statement in PREPARATION {
            root.query_drop(statement)
                .await
                .with_context(|| statement)?;
        }
        root.query_drop(format!("SET DEFAULT ROLE user_admin TO {OPERATOR}"))
            .await?;
        Ok(root.disconnect().await?)
    }
}

/// Serves as the stand-in until the process ends.
pub async fn serve() -> Result<()> {
    let served = pki::issue(
        "starrocks-stand-in",
        &Subject {
            common_name: "starrocks-stand-in",
            organization: None,
            names: &[NODE_ADDRESS],
        },
    )?;
    let root = StarRocksHandle::of("root")?;
    let address: SocketAddr = format!("{NODE_ADDRESS}:{STARROCKS_PORT}").parse()?;
    stand_in::serve(Configuration {
        address,
        certificate: served.certificate,
        key: served.key,
        state: directory().join("state.json"),
        root_password: root.password,
    })
    .await
}

fn directory() -> PathBuf {
    layout::state("starrocks-stand-in")
}
