//! Connections to StarRocks. All statements use the text protocol, and no session is reset,
//! because StarRocks supports neither prepared DDL nor COM_RESET_CONNECTION.

use akili_core::starrocks::model::Login;
use akili_core::starrocks::sql::{Statement, quote_identifier};
use mysql_async::prelude::Queryable;
use mysql_async::{
    Conn, Error as MysqlError, OptsBuilder, Pool, PoolConstraints, PoolOpts, Row, SslOpts,
};

use super::error::{ACCESS_DENIED, NO_SUCH_CONNECTION, explain, unexpected};
use super::service_binding::ConnectionInfo;
use crate::backend::call::Caller;
use crate::error::Error;
use crate::metrics::Metrics;
use crate::password::Password;

/// Number of tenants that are observed at the same time if each takes a statement.
pub const OBSERVE_CONCURRENCY: usize = 8;

/// The operator's StarRocks client. Clones share its connections.
#[derive(Clone)]
pub struct Client {
    caller: Caller,
    pool: Pool,
    options: OptsBuilder,
    encrypted: bool,
}

impl Client {
    /// Creates a client that connects on first use. The pool has room for `concurrency`
    /// tenants in each of the two planes, and for those that are audited.
    pub fn new(
        connection: &ConnectionInfo,
        user: &str,
        password: &Password,
        concurrency: u16,
        metrics: Metrics,
    ) -> Self {
        let max_connections = 2 * usize::from(concurrency.max(1)) + OBSERVE_CONCURRENCY;
        let pool = PoolOpts::new()
            .with_constraints(PoolConstraints::new(0, max_connections).unwrap_or_default())
            .with_reset_connection(false);
        let tls = connection.ca.as_ref().map(|ca| {
            SslOpts::default()
                .with_root_certs(vec![ca.clone().into_bytes().into()])
                .with_disable_built_in_roots(true)
        });
        let options = OptsBuilder::default()
            .ip_or_hostname(connection.host.clone())
            .tcp_port(connection.port)
            .prefer_socket(false)
            .pool_opts(pool)
            .ssl_opts(tls);
        let own = options
            .clone()
            .user(Some(user))
            .pass(Some(password.expose()));
        Self {
            caller: Caller::new("starrocks", "StarRocks", metrics),
            pool: Pool::new(own),
            options,
            encrypted: connection.ca.is_some(),
        }
    }

    /// Returns whether connections use TLS.
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Runs statements in order with this session catalog; `operation` names the operation in
    /// errors.
    pub async fn run(
        &self,
        operation: &str,
        catalog: &str,
        statements: &[Statement],
    ) -> Result<(), Error> {
        let failed = |error: &_, secret| explain(operation, error, secret);
        let run = async {
            let mut connection = self.connection(operation).await?;
            // A pooled session may still be in another catalog.
            let set_catalog = format!("SET CATALOG {}", quote_identifier(catalog));
            let set = connection.query_drop(set_catalog).await;
            set.map_err(|error| failed(&error, false))?;
            for statement in statements {
                let done = connection.query_drop(statement.expose()).await;
                done.map_err(|error| failed(&error, statement.is_secret()))?;
            }
            Ok(())
        };
        self.caller.call(operation, run).await
    }

    /// Returns the named columns of all rows of a statement that needs no session catalog.
    /// NULL becomes "".
    pub async fn rows<const N: usize>(
        &self,
        operation: &str,
        statement: &str,
        columns: [&str; N],
    ) -> Result<Vec<[String; N]>, Error> {
        let query = async {
            let mut connection = self.connection(operation).await?;
            let rows: Result<Vec<Row>, _> = connection.query(statement).await;
            let rows = rows.map_err(|error| explain(operation, &error, false))?;
            rows.iter()
                .map(|row| columns_of(operation, row, columns))
                .collect()
        };
        self.caller.call(operation, query).await
    }

    /// Kills a connection; succeeds if it no longer exists.
    pub async fn kill(&self, id: &str) -> Result<(), Error> {
        let operation = "killing a tenant's connections";
        let id: u64 = id
            .parse()
            .map_err(|_| unexpected(operation, "the id of a connection isn't a number"))?;
        let kill = async {
            let mut connection = self.connection(operation).await?;
            match connection.query_drop(format!("KILL {id}")).await {
                Err(MysqlError::Server(error)) if error.code == NO_SUCH_CONNECTION => Ok(()),
                done => done.map_err(|error| explain(operation, &error, false)),
            }
        };
        self.caller.call(operation, kill).await
    }

    /// Tries to log in as a tenant's user, and returns the outcome.
    pub async fn log_in_as(&self, user: &str, password: &Password) -> Result<Login, Error> {
        let operation = "logging in as a tenant";
        let options = self.options.clone();
        let options = options.user(Some(user)).pass(Some(password.expose()));
        let log_in = async {
            let mut connection = match Conn::new(options).await {
                Ok(connection) => connection,
                Err(MysqlError::Server(error)) if error.code == ACCESS_DENIED => {
                    return Ok(Login::Rejected);
                }
                Err(MysqlError::Server(_)) => return Ok(Login::Unknown),
                Err(error) => return Err(explain(operation, &error, true)),
            };
            let roles = connection.query_first("SELECT current_role()").await;
            // Errors while disconnecting don't matter.
            let _ = connection.disconnect().await;
            Ok(roles.map_or(Login::Unknown, |roles: Option<String>| {
                let roles = roles.unwrap_or_default();
                Login::Accepted(roles.split(", ").map(str::to_owned).collect())
            }))
        };
        self.caller.call(operation, log_in).await
    }

    async fn connection(&self, operation: &str) -> Result<Conn, Error> {
        let connection = self.pool.get_conn().await;
        connection.map_err(|error| explain(operation, &error, false))
    }
}

/// Returns the named columns of a row as text.
fn columns_of<const N: usize>(
    operation: &str,
    row: &Row,
    columns: [&str; N],
) -> Result<[String; N], Error> {
    let mut texts = [const { String::new() }; N];
    for (text, column) in texts.iter_mut().zip(columns) {
        let value = row.get_opt::<Option<String>, _>(column);
        let value = value.and_then(Result::ok);
        let value =
            value.ok_or_else(|| unexpected(operation, &format!("no readable column {column}")))?;
        *text = value.unwrap_or_default();
    }
    Ok(texts)
}
