//! Connections to StarRocks, over MySQL's protocol as far as StarRocks has it: statements
//! as text, and no session is ever reset.

use std::collections::BTreeMap;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, Pool, PoolConstraints, PoolOpts, Row, SslOpts};

use super::binding::Address;
use super::error::{WRONG_PASSWORD, explain};
use super::sql::identifier;
use crate::backend::access::Access;
use crate::error::Error;
use crate::metrics::Metrics;
use crate::secret::Password;

/// How many connections the operator has at most.
const CONNECTIONS: usize = 8;

/// A row: its values by the names of their columns. NULL is an empty text.
pub type Record = BTreeMap<String, String>;

/// A client of the platform's StarRocks. Clones share its connections.
#[derive(Clone)]
pub struct Client {
    access: Access,
    pool: Pool,
    address: Address,
}

impl Client {
    /// A client that connects when it is first used.
    pub fn new(address: &Address, user: &str, password: &Password, metrics: Metrics) -> Self {
        let constraints = PoolConstraints::new(0, CONNECTIONS).unwrap_or_default();
        let pool = PoolOpts::new()
            .with_constraints(constraints)
            .with_reset_connection(false);
        let options = options(address, user, password).pool_opts(pool);
        Self {
            access: Access::new("starrocks", "StarRocks", metrics),
            pool: Pool::new(options),
            address: address.clone(),
        }
    }

    /// Where it is, and whether the connection is encrypted.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The rows that a statement answers with.
    pub async fn query(&self, doing: &str, sql: &str) -> Result<Vec<Record>, Error> {
        let query = async {
            let mut connection = self.pool.get_conn().await?;
            connection.query::<Row, _>(sql).await
        };
        let rows = self.access.call(doing, async {
            query.await.map_err(|error| explain(doing, &error, false))
        });
        Ok(rows.await?.iter().map(record).collect())
    }

    /// Runs a statement.
    pub async fn execute(&self, doing: &str, sql: &str) -> Result<(), Error> {
        self.run(doing, None, &[sql.to_owned()], false).await
    }

    /// Runs a statement that has a secret in it.
    pub async fn execute_secret(&self, doing: &str, sql: &str) -> Result<(), Error> {
        self.run(doing, None, &[sql.to_owned()], true).await
    }

    /// Runs statements one after the other, with names of databases and tables meaning
    /// this catalog's.
    pub async fn execute_in(
        &self,
        doing: &str,
        catalog: &str,
        statements: &[String],
    ) -> Result<(), Error> {
        self.run(doing, Some(catalog), statements, false).await
    }

    async fn run(
        &self,
        doing: &str,
        catalog: Option<&str>,
        statements: &[String],
        has_secret: bool,
    ) -> Result<(), Error> {
        let run = async {
            let mut connection = self.pool.get_conn().await?;
            let done = run_all(&mut connection, catalog, statements).await;
            if done.is_err() && catalog.is_some() {
                // Nobody else is to get a session that is in this catalog.
                connection.disconnect().await?;
            }
            done
        };
        let done = self.access.call(doing, async {
            run.await
                .map_err(|error| explain(doing, &error, has_secret))
        });
        done.await
    }

    /// Whether this login is let in.
    pub async fn accepts(&self, user: &str, password: &Password) -> Result<bool, Error> {
        let doing = "logging in as a tenant";
        let options = options(&self.address, user, password);
        let login = async {
            match Conn::new(options).await {
                Ok(connection) => connection.disconnect().await.map(|()| true),
                Err(mysql_async::Error::Server(said)) if said.code == WRONG_PASSWORD => Ok(false),
                Err(error) => Err(error),
            }
        };
        let login = self.access.call(doing, async {
            login.await.map_err(|error| explain(doing, &error, true))
        });
        login.await
    }
}

async fn run_all(
    connection: &mut Conn,
    catalog: Option<&str>,
    statements: &[String],
) -> Result<(), mysql_async::Error> {
    if let Some(catalog) = catalog {
        let set = format!("SET CATALOG {}", identifier(catalog));
        connection.query_drop(set).await?;
    }
    for statement in statements {
        connection.query_drop(statement).await?;
    }
    if catalog.is_some() {
        connection.query_drop("SET CATALOG default_catalog").await?;
    }
    Ok(())
}

fn options(address: &Address, user: &str, password: &Password) -> OptsBuilder {
    let tls = address.ca.as_ref().map(|ca| {
        let authority = ca.clone().into_bytes().into();
        SslOpts::default().with_root_certs(vec![authority])
    });
    OptsBuilder::default()
        .ip_or_hostname(&address.host)
        .tcp_port(address.port)
        .user(Some(user))
        .pass(Some(password.expose()))
        .prefer_socket(false)
        .ssl_opts(tls)
}

fn record(row: &Row) -> Record {
    let columns = row.columns_ref().iter().enumerate();
    let values = columns.map(|(index, column)| {
        let value: Option<String> = row.get_opt(index).and_then(Result::ok).flatten();
        (column.name_str().into_owned(), value.unwrap_or_default())
    });
    values.collect()
}
