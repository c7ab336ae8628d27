//! The PostgreSQL plane: shared tables under row-level security, one login role per tenant.
//!
//! - [`akili_core::postgres`], pure: observed state, steps, and the protection of the tables
//!   that all tenants share.
//! - [`client`]: the statements; [`error`] classifies their failures.
//! - [`bootstrap`]: SQL that the DBA runs once: roles, and functions that need privilege.
//!   Its comments explain how isolation works.
//! - [`protection_loop`]: audits the tables at intervals.
//! - [`service_binding`]: layout of the tenant's Secret.
//! - [`preflight`]: checks of the server for `akili-operator check`.
//! - [`setup`]: builds the plane from the configuration.

pub mod bootstrap;
pub mod client;
pub mod error;
pub mod preflight;
pub mod protection_loop;
pub mod service_binding;
pub mod setup;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use akili_core::postgres::coverage::{Coverage, Repair};
use akili_core::postgres::diff::diff;
use akili_core::postgres::model::{Held, Observed, Step};
use akili_crds::TenantId;
use akili_crds::condition::types;
use akili_crds::tenant::{PostgresNames, Resources};
use async_trait::async_trait;

use self::client::Client;
use crate::backend::credentials::Credentials;
use crate::backend::{Backend, Desired, Effect, Notice, StatusReason, TenantKey};
use crate::error::Error;

/// The PostgreSQL plane.
pub struct Postgres {
    client: Client,
    credentials: Arc<dyn Credentials>,
    tenant_schemas: Vec<String>,
    /// Result of the last [`audit`](Self::audit).
    coverage: RwLock<Coverage>,
    /// Oids of the tables that the last audit left protected.
    protected: Mutex<BTreeSet<u32>>,
}

/// Result of an audit of the tables.
#[derive(Debug, Default)]
pub struct Audit {
    /// Tables that were protected, or whose protection was repaired.
    pub repaired: Vec<Repair>,
    /// Tables that could not be protected now, and why.
    pub failed: Vec<(Repair, Error)>,
    /// How many of the repaired tables an earlier audit had left protected: somebody changed them
    /// since. A new table is no drift.
    pub drifted: usize,
}

impl Postgres {
    /// Creates the plane of a database whose `tenant_schemas` hold the tenants' tables.
    pub fn new(
        client: Client,
        credentials: Arc<dyn Credentials>,
        tenant_schemas: Vec<String>,
    ) -> Self {
        Self {
            client,
            credentials,
            tenant_schemas,
            coverage: RwLock::default(),
            protected: Mutex::default(),
        }
    }

    /// Returns the client of the database.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Checks every table, protects those that need it, and stores the gaps that it couldn't
    /// repair. A table that is in use is left for the next audit.
    pub async fn audit(&self) -> Result<Audit, Error> {
        let mut coverage = self.observe_coverage().await?;
        let mut audit = Audit::default();
        let known = self.protected().clone();
        for repair in std::mem::take(&mut coverage.repairs) {
            match self.client.protect_table(repair.table, &repair.name).await {
                Ok(()) => {
                    audit.drifted += usize::from(known.contains(&repair.table));
                    audit.repaired.push(repair);
                }
                Err(error) => audit.failed.push((repair, error)),
            }
        }
        if !audit.repaired.is_empty() {
            coverage = self.observe_coverage().await?;
        }
        let failed = audit.failed.iter().map(|(repair, _)| repair.table);
        let mut protected = std::mem::take(&mut coverage.protected);
        protected.extend(failed.filter(|table| known.contains(table)));
        *self.protected() = protected;
        *self
            .coverage
            .write()
            .unwrap_or_else(PoisonError::into_inner) = coverage;
        Ok(audit)
    }

    fn protected(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.protected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the result of the last audit, for conditions and metrics.
    pub fn coverage(&self) -> Coverage {
        self.coverage
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn observe_coverage(&self) -> Result<Coverage, Error> {
        Ok(Coverage::from_findings(
            self.client.coverage(&self.tenant_schemas).await?,
        ))
    }

    async fn open_login(&self, tenant: &TenantKey, set_password: bool) -> Result<(), Error> {
        if !set_password {
            self.client.ensure_login(tenant.id, None, true).await?;
            return Ok(());
        }
        let password = &self.credentials.password(tenant).await?;
        let stored = self
            .client
            .ensure_login(tenant.id, Some(password), true)
            .await?;
        match stored {
            Some(stored) => self.credentials.mark(tenant, &password.mark(&stored)).await,
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Backend for Postgres {
    const NAME: &'static str = "postgres";
    const CONDITION: &'static str = types::POSTGRES_READY;

    type Held = Held;
    type Observed = Observed;
    type Step = Step;

    fn name_resources(&self, tenant: &TenantKey, resources: &mut Resources) {
        resources.postgres = Some(PostgresNames {
            role: tenant.id.postgres_role(),
        });
    }

    async fn list(&self, tenants: &[TenantKey]) -> Result<BTreeMap<TenantKey, Held>, Error> {
        let ids: Vec<TenantId> = tenants.iter().map(|tenant| tenant.id).collect();
        let mut held = self.client.tenants(&ids).await?;
        let known = tenants
            .iter()
            .filter_map(|tenant| Some((tenant.clone(), held.remove(&tenant.id)?)));
        Ok(known.collect())
    }

    async fn observe(
        &self,
        tenant: &TenantKey,
        desired: &Desired,
        held: Held,
    ) -> Result<Observed, Error> {
        let (credential, rows) = match desired {
            Desired::Absent => (None, self.client.tenant_rows(tenant.id).await?),
            _ => (self.credentials.read(tenant).await?, Vec::new()),
        };
        Ok(Observed {
            state: held.state,
            gate_closed: held.gate_closed,
            login: held.login,
            credential,
            rows,
        })
    }

    fn diff(&self, _tenant: &TenantKey, desired: &Desired, observed: &Observed) -> Vec<Step> {
        diff(desired, observed)
    }

    fn effect(step: &Step) -> Effect {
        match step {
            Step::WriteCredential => Effect::Neutral,
            Step::OpenLogin { .. } | Step::Activate => Effect::Opens,
            Step::CloseLogin
            | Step::Suspend
            | Step::EndSessions
            | Step::CloseGate
            | Step::DeleteRows(_)
            | Step::DeleteRowsOfCyclicTables(_)
            | Step::DropLogin => Effect::Closes,
        }
    }

    async fn apply(&self, tenant: &TenantKey, step: &Step) -> Result<(), Error> {
        match step {
            Step::WriteCredential => self.credentials.write(tenant).await,
            Step::OpenLogin { set_password } => self.open_login(tenant, *set_password).await,
            Step::CloseLogin => {
                self.client.ensure_login(tenant.id, None, false).await?;
                Ok(())
            }
            Step::Activate => self.client.activate(tenant.id).await,
            Step::Suspend => self.client.suspend(tenant.id).await,
            Step::EndSessions => self.client.end_sessions(tenant.id).await,
            Step::CloseGate => self.client.close_gate(tenant.id).await,
            Step::DeleteRows(rows) => self.client.delete_rows(tenant.id, rows).await,
            Step::DeleteRowsOfCyclicTables(tables) => {
                self.client.delete_rows_together(tenant.id, tables).await
            }
            Step::DropLogin => self.client.drop_login(tenant.id).await,
        }
    }

    fn notice(&self, _desired: &Desired, _observed: &Observed) -> Option<Notice> {
        let coverage = self.coverage();
        (!coverage.gaps.is_empty()).then(|| Notice {
            reason: StatusReason::CoverageGap,
            message: coverage.summary(),
        })
    }
}
