//! Connections to StarRocks. Everything goes by the text protocol, and no session is
//! reset, for StarRocks knows neither prepared DDL nor COM_RESET_CONNECTION.

use mysql_async::prelude::Queryable;
use mysql_async::{
    Conn, Error as MysqlError, OptsBuilder, Pool, PoolConstraints, PoolOpts, Row, SslOpts,
};

use super::binding::Address;
use super::error::{ACCESS_DENIED, NO_SUCH_CONNECTION, explain, unexpected};
use super::sql::{Statement, identifier};
use crate::backend::access::Access;
use crate::error::Error;
use crate::metrics::Metrics;
use crate::password::Password;

/// How many tenants are looked at at the same time where that takes a statement each.
pub const AT_A_TIME: usize = 8;

/// The catalog of StarRocks' own tables.
pub const INTERNAL_CATALOG: &str = "default_catalog";

/// The operator's way to StarRocks.
#[derive(Clone)]
pub struct Client {
    access: Access,
    pool: Pool,
    options: OptsBuilder,
    encrypted: bool,
}

/// What became of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// It was refused: the password is another.
    Refused,
    /// It came about, with these roles in use.
    Accepted(Vec<String>),
    /// It failed otherwise, which says nothing about the password: too many
    /// connections, perhaps.
    Unknown,
}

impl Client {
    /// A client that connects when it is first used. Room for as many tenants at a
    /// time as `concurrency` says in both planes, beside those that are audited.
    pub fn new(
        address: &Address,
        user: &str,
        password: &Password,
        concurrency: u16,
        metrics: Metrics,
    ) -> Self {
        let most = 2 * usize::from(concurrency.max(1)) + AT_A_TIME;
        let pool = PoolOpts::new()
            .with_constraints(PoolConstraints::new(0, most).unwrap_or_default())
            .with_reset_connection(false);
        let tls = address.ca.as_ref().map(|ca| {
            SslOpts::default()
                .with_root_certs(vec![ca.clone().into_bytes().into()])
                .with_disable_built_in_roots(true)
        });
        let options = OptsBuilder::default()
            .ip_or_hostname(address.host.clone())
            .tcp_port(address.port)
            .prefer_socket(false)
            .pool_opts(pool)
            .ssl_opts(tls);
        let own = options
            .clone()
            .user(Some(user))
            .pass(Some(password.expose()));
        Self {
            access: Access::new("starrocks", "StarRocks", metrics),
            pool: Pool::new(own),
            options,
            encrypted: address.ca.is_some(),
        }
    }

    /// Whether the connections are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Runs statements one after the other in a catalog, for what `doing` says.
    pub async fn run(
        &self,
        doing: &str,
        catalog: &str,
        statements: &[Statement],
    ) -> Result<(), Error> {
        let failed = |error: &_, secret| explain(doing, error, secret);
        let run = async {
            let mut connection = self.connection(doing).await?;
            // A session that others used before may be in any catalog.
            let here = format!("SET CATALOG {}", identifier(catalog));
            let set = connection.query_drop(here).await;
            set.map_err(|error| failed(&error, false))?;
            for statement in statements {
                let done = connection.query_drop(statement.expose()).await;
                done.map_err(|error| failed(&error, statement.is_secret()))?;
            }
            Ok(())
        };
        self.access.call(doing, run).await
    }

    /// The named columns of all rows of a statement that needs no catalog. NULL is "".
    pub async fn rows<const N: usize>(
        &self,
        doing: &str,
        statement: &str,
        columns: [&str; N],
    ) -> Result<Vec<[String; N]>, Error> {
        let query = async {
            let mut connection = self.connection(doing).await?;
            let rows: Result<Vec<Row>, _> = connection.query(statement).await;
            let rows = rows.map_err(|error| explain(doing, &error, false))?;
            rows.iter().map(|row| cut(doing, row, columns)).collect()
        };
        self.access.call(doing, query).await
    }

    /// Ends a connection of whomever; it may be gone already.
    pub async fn kill(&self, id: &str) -> Result<(), Error> {
        let doing = "ending a tenant's connections";
        let id: u64 = id
            .parse()
            .map_err(|_| unexpected(doing, "a connection has no number"))?;
        let kill = async {
            let mut connection = self.connection(doing).await?;
            match connection.query_drop(format!("KILL {id}")).await {
                Err(MysqlError::Server(error)) if error.code == NO_SUCH_CONNECTION => Ok(()),
                done => done.map_err(|error| explain(doing, &error, false)),
            }
        };
        self.access.call(doing, kill).await
    }

    /// Tries to log in as another.
    pub async fn log_in_as(&self, user: &str, password: &Password) -> Result<Login, Error> {
        let doing = "logging in as a tenant";
        let options = self.options.clone();
        let options = options.user(Some(user)).pass(Some(password.expose()));
        let try_it = async {
            let mut connection = match Conn::new(options).await {
                Ok(connection) => connection,
                Err(MysqlError::Server(error)) if error.code == ACCESS_DENIED => {
                    return Ok(Login::Refused);
                }
                Err(MysqlError::Server(_)) => return Ok(Login::Unknown),
                Err(error) => return Err(explain(doing, &error, true)),
            };
            let roles = connection.query_first("SELECT current_role()").await;
            // Whatever becomes of the farewell.
            let _ = connection.disconnect().await;
            Ok(roles.map_or(Login::Unknown, |roles: Option<String>| {
                let roles = roles.unwrap_or_default();
                Login::Accepted(roles.split(", ").map(str::to_owned).collect())
            }))
        };
        self.access.call(doing, try_it).await
    }

    async fn connection(&self, doing: &str) -> Result<Conn, Error> {
        let connection = self.pool.get_conn().await;
        connection.map_err(|error| explain(doing, &error, false))
    }
}

fn cut<const N: usize>(doing: &str, row: &Row, columns: [&str; N]) -> Result<[String; N], Error> {
    let mut texts = [const { String::new() }; N];
    for (text, column) in texts.iter_mut().zip(columns) {
        let value = row.get_opt::<Option<String>, _>(column);
        let value = value.and_then(Result::ok);
        let value =
            value.ok_or_else(|| unexpected(doing, &format!("no readable column {column}")))?;
        *text = value.unwrap_or_default();
    }
    Ok(texts)
}
