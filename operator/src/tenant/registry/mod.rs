//! The registry: the table in PostgreSQL whose row decides a tenant's id, state and times. The
//! registry is not one of the planes.
//!
//! - [`row`]: the row, and what follows from it; pure.
//! - [`owner`]: which cluster manages the tenants of this registry.

pub mod owner;
pub mod row;

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use akili_crds::names::InvalidTenantId;
use akili_crds::{Slug, TenantId};
use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use sqlx::postgres::PgRow;
use sqlx::{Row as _, query};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::row::{Row, check_id, id_taken};
use super::retention;
use crate::backend::TenantKey;
use crate::backend::postgres::client::{Client, parse_phase};
use crate::backend::postgres::error::explain;
use crate::error::{Error, Reason};

/// Times as seconds since 1970: Kubernetes writes no fractions of a second.
const COLUMNS: &str = "id::text, state, \
     extract(epoch FROM suspended_at)::bigint AS suspended_at, \
     extract(epoch FROM archived_at)::bigint AS archived_at, \
     extract(epoch FROM purge_after)::bigint AS purge_after, \
     extract(epoch FROM purged_at)::bigint AS purged_at, \
     floor(extract(epoch FROM now()))::bigint AS read_at";

/// The registry as the Tenant controller uses it.
#[async_trait]
pub trait Rows: Send + Sync {
    /// # Errors
    /// `ForeignInstallation` if another cluster owns the registry.
    fn refuse_foreign(&self) -> Result<(), Error>;

    /// Returns the tenant's row. Creates it if there is none, with `seed` as its id if given.
    ///
    /// # Errors
    /// `RegistryUnavailable` if PostgreSQL doesn't answer; `IdConflict` if `seed` isn't the
    /// tenant's id, or is another tenant's.
    async fn enroll(&self, slug: &Slug, seed: Option<TenantId>) -> Result<Row, Error>;

    /// Returns the tenant's row, if there is one.
    async fn row(&self, slug: &Slug) -> Result<Option<Row>, Error>;

    /// Archives the row, with a purge date `retention` from now. An archived row isn't changed.
    async fn archive(&self, slug: &Slug, retention: Duration) -> Result<(), Error>;

    /// Moves the purge date of an archived row to `retention` after it was archived.
    async fn keep_for(&self, slug: &Slug, retention: Duration) -> Result<(), Error>;

    /// Records that an archived tenant was purged: its row becomes a tombstone.
    async fn bury(&self, tenant: &TenantKey) -> Result<(), Error>;
}

const READING: &str = "reading the registry";

/// The interval for retries while the registry can't be used.
const RETRY: Duration = Duration::from_secs(3);

/// The registry of one installation.
pub struct Registry {
    database: Client,
    kube_system: Uuid,
    standing: RwLock<Standing>,
}

/// Right of this cluster to use the registry.
#[derive(Clone, Debug, PartialEq)]
enum Standing {
    /// The registry wasn't read yet, for this reason.
    Unknown(String),
    /// This cluster owns the registry.
    Ours,
    /// The cluster whose kube-system has this uid owns the registry.
    Foreign(Uuid),
}

impl Registry {
    /// Creates the registry of the cluster whose kube-system namespace has this uid. All calls fail
    /// until [`keep`](Self::keep) has reached the database.
    pub fn new(database: Client, kube_system: Uuid) -> Self {
        Self {
            database,
            kube_system,
            standing: RwLock::new(Standing::Unknown("the registry was not reached yet".into())),
        }
    }

    /// Checks periodically whether this replica could take over, and passes the result to `ready`.
    /// Never returns.
    pub async fn stand_by(&self, every: Duration, ready: impl Fn(bool)) {
        loop {
            self.check(every, self.owner(), &ready).await;
        }
    }

    /// Creates or upgrades the registry's tables, claims them for this cluster, and checks
    /// periodically whether another cluster has taken them over, until `stop`. Passes each result to
    /// `ready`.
    pub async fn keep(&self, every: Duration, ready: impl Fn(bool), stop: CancellationToken) {
        self.set(Standing::Unknown(
            "the registry's tables aren't prepared yet".into(),
        ));
        let work = async {
            loop {
                let prepared = self.standing() == Standing::Ours;
                let prepare = async {
                    if !prepared {
                        self.prepare().await?;
                    }
                    self.owner().await
                };
                self.check(every, prepare, &ready).await;
            }
        };
        stop.run_until_cancelled(work).await;
    }

    /// Records the result of a check, and waits until the next one is due.
    async fn check(
        &self,
        every: Duration,
        check: impl Future<Output = Result<Standing, Error>>,
        ready: impl Fn(bool),
    ) {
        let pause = match check.await {
            Ok(Standing::Ours) => {
                self.record(Standing::Ours);
                every
            }
            Ok(other) => {
                self.record(other);
                RETRY
            }
            // An outage changes no owner.
            Err(_) if self.standing() == Standing::Ours => RETRY,
            Err(error) => {
                self.record(Standing::Unknown(error.message));
                RETRY
            }
        };
        ready(self.standing() == Standing::Ours);
        tokio::time::sleep(pause).await;
    }

    /// Migrates the tables; only the leader may.
    async fn prepare(&self) -> Result<(), Error> {
        let doing = "preparing the registry";
        let mut connection = self.database.connection(doing).await?;
        // Without the advisory lock that migrations take by default: any tenant could hold it, and
        // so keep the operator from starting.
        let migrated = sqlx::migrate!()
            .set_locking(false)
            .run(&mut connection)
            .await;
        migrated.map_err(|error| explain(doing, &error.into()))?;
        owner::claim(&self.database, self.kube_system).await
    }

    async fn owner(&self) -> Result<Standing, Error> {
        Ok(match owner::owner(&self.database).await? {
            Some(other) if other != self.kube_system => Standing::Foreign(other),
            _ => Standing::Ours,
        })
    }

    fn standing(&self) -> Standing {
        self.standing
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, standing: Standing) {
        *self
            .standing
            .write()
            .unwrap_or_else(PoisonError::into_inner) = standing;
    }

    /// Stores the standing, and logs a change.
    fn record(&self, found: Standing) {
        if self.standing() == found {
            return;
        }
        match &found {
            Standing::Ours => tracing::info!("the registry is ready"),
            Standing::Unknown(why) => tracing::error!(why, "the registry isn't ready"),
            Standing::Foreign(owner) => {
                tracing::error!(error = %owner::foreign(*owner), "no tenant is reconciled")
            }
        }
        self.set(found);
    }

    fn require_ours(&self) -> Result<(), Error> {
        match self.standing() {
            Standing::Ours => Ok(()),
            Standing::Foreign(owner) => Err(owner::foreign(owner)),
            Standing::Unknown(why) => Err(Error::new(Reason::RegistryUnavailable, why)),
        }
    }
}

#[async_trait]
impl Rows for Registry {
    fn refuse_foreign(&self) -> Result<(), Error> {
        match self.standing() {
            Standing::Foreign(owner) => Err(owner::foreign(owner)),
            Standing::Ours | Standing::Unknown(_) => Ok(()),
        }
    }

    async fn enroll(&self, slug: &Slug, seed: Option<TenantId>) -> Result<Row, Error> {
        self.require_ours()?;
        if let Some(row) = self.row(slug).await? {
            return check_id(slug, row, seed);
        }
        let id = seed.unwrap_or_else(TenantId::random);
        // Does nothing on a conflict of the slug, whose row is read then, or of the id alone.
        let insert =
            query("INSERT INTO akili.tenants (slug, id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(slug.as_str())
                .bind(id.uuid());
        let inserted = self.database.execute("enrolling a tenant", insert).await;
        inserted.map_err(unavailable)?;
        match self.row(slug).await? {
            Some(row) => check_id(slug, row, seed),
            None => Err(id_taken(id)),
        }
    }

    async fn row(&self, slug: &Slug) -> Result<Option<Row>, Error> {
        let select = query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM akili.tenants WHERE slug = $1"
        )))
        .bind(slug.as_str());
        let rows = self.database.fetch(READING, select).await;
        rows.map_err(unavailable)?.first().map(parse).transpose()
    }

    async fn archive(&self, slug: &Slug, retention: Duration) -> Result<(), Error> {
        let archive = query(
            "UPDATE akili.tenants \
             SET state = 'ARCHIVED', archived_at = date_trunc('second', now()), \
                 purge_after = date_trunc('second', now()) + make_interval(secs => $2) \
             WHERE slug = $1 AND state <> 'ARCHIVED'",
        )
        .bind(slug.as_str())
        .bind(seconds(retention));
        let archived = self.database.execute("archiving a tenant", archive).await;
        archived.map(drop).map_err(unavailable)
    }

    async fn keep_for(&self, slug: &Slug, retention: Duration) -> Result<(), Error> {
        let keep = query(
            "UPDATE akili.tenants SET purge_after = archived_at + make_interval(secs => $2) \
             WHERE slug = $1 AND state = 'ARCHIVED' AND purged_at IS NULL",
        )
        .bind(slug.as_str())
        .bind(seconds(retention));
        let kept = self.database.execute("changing a retention", keep).await;
        kept.map(drop).map_err(unavailable)
    }

    async fn bury(&self, tenant: &TenantKey) -> Result<(), Error> {
        let bury = query(
            "UPDATE akili.tenants SET purged_at = date_trunc('second', now()) \
             WHERE id = $1 AND state = 'ARCHIVED' AND purged_at IS NULL",
        )
        .bind(tenant.id.uuid());
        let buried = self.database.execute("recording a purge", bury).await;
        buried.map(drop).map_err(unavailable)
    }
}

/// Returns whole seconds: Kubernetes writes no fractions.
fn seconds(retention: Duration) -> f64 {
    retention.min(retention::LONGEST).as_secs() as f64
}

fn parse(row: &PgRow) -> Result<Row, Error> {
    let text = |column: &str| row.try_get::<String, _>(column).map_err(unexpected);
    let time = |column: &str| -> Result<Option<Time>, Error> {
        let seconds: Option<i64> = row.try_get(column).map_err(unexpected)?;
        let time = seconds.map(|seconds| Timestamp::from_second(seconds).map(Time));
        time.transpose()
            .map_err(|error| unexpected(sqlx::Error::Decode(error.into())))
    };
    Ok(Row {
        id: text("id")?
            .parse()
            .map_err(|error: InvalidTenantId| unexpected(sqlx::Error::Decode(error.into())))?,
        state: parse_phase(&text("state")?)?,
        suspended_at: time("suspended_at")?,
        archived_at: time("archived_at")?,
        purge_after: time("purge_after")?,
        purged_at: time("purged_at")?,
        read_at: time("read_at")?.map_or(Timestamp::UNIX_EPOCH, |time| time.0),
    })
}

fn unexpected(error: sqlx::Error) -> Error {
    unavailable(explain(READING, &error))
}

/// Gives every error of the registry the same reason: callers only need to know that it can't be
/// used now.
fn unavailable(error: Error) -> Error {
    Error {
        reason: Reason::RegistryUnavailable,
        ..error
    }
}
