//! The admin requests that rdkafka doesn't offer: for ACLs, for SCRAM credentials, and
//! for the names of consumer groups.
//!
//! librdkafka has them. They are asked on the native handle of rdkafka's safe
//! [`AdminClient`], on a thread that may wait. What is native is made, read and freed
//! there within one call; no code of ours is called from C.
#![expect(
    unsafe_code,
    reason = "nobody offers a safe interface to these requests of librdkafka"
)]

mod acl;
mod binding;
mod error;
mod group;
mod memory;
mod request;
mod scram;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::admin::AdminClient;
use rdkafka::client::ClientContext;
use rdkafka::types::RDKafkaErrorCode;

pub use acl::{Acl, Operation, Pattern, Permission, Resource};
pub use error::{Refusal, Refused};
pub use scram::{Mechanism, ScramCredential};

use crate::password::Password;
use request::Requests;

/// A client for these requests.
pub struct NativeAdmin<C: ClientContext + 'static> {
    client: Arc<AdminClient<C>>,
    timeout: Duration,
}

impl<C: ClientContext + 'static> NativeAdmin<C> {
    /// On the connections of this client; each request may take that long, to be given in
    /// whole milliseconds and at most an hour.
    pub fn new(client: Arc<AdminClient<C>>, timeout: Duration) -> Self {
        Self { client, timeout }
    }

    /// The ACLs of a principal, such as `User:somebody`, or all there are.
    ///
    /// # Errors
    /// The operator may not see them, or there was no answer.
    pub async fn acls(&self, principal: Option<&str>) -> Result<BTreeSet<Acl>, Refused> {
        let principal = principal.map(str::to_owned);
        self.ask("describing ACLs", move |requests| {
            binding::describe(requests, principal.as_deref())
        })
        .await
    }

    /// Creates ACLs; those that are there already stay.
    ///
    /// # Errors
    /// Names those that were refused; the others are created.
    pub async fn create_acls(&self, acls: BTreeSet<Acl>) -> Result<(), Refused> {
        self.ask("creating ACLs", move |requests| {
            binding::create(requests, &acls)
        })
        .await
    }

    /// Deletes exactly these ACLs, as far as they are there.
    ///
    /// # Errors
    /// Names those that were refused; the others are deleted.
    pub async fn delete_acls(&self, acls: BTreeSet<Acl>) -> Result<(), Refused> {
        self.ask("deleting ACLs", move |requests| {
            binding::delete(requests, &acls)
        })
        .await
    }

    /// What the operator itself may do with the cluster; none if the cluster doesn't say.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn cluster_rights(&self) -> Result<Option<BTreeSet<Operation>>, Refused> {
        self.ask("describing the cluster", binding::cluster_rights)
            .await
    }

    /// The names of all consumer groups.
    ///
    /// # Errors
    /// The operator may not see them, or a broker didn't answer.
    pub async fn groups(&self) -> Result<BTreeSet<String>, Refused> {
        self.ask("listing groups", group::list).await
    }

    /// The SCRAM credentials of these users, or of all if none is named. A user without
    /// any is absent.
    ///
    /// # Errors
    /// The operator may not see them, a user is named twice, or there was no answer.
    pub async fn scram_credentials(
        &self,
        users: &[&str],
    ) -> Result<BTreeMap<String, BTreeSet<ScramCredential>>, Refused> {
        let users: Vec<_> = users.iter().map(|user| (*user).to_owned()).collect();
        self.ask("describing SCRAM credentials", move |requests| {
            scram::describe(requests, &users)
        })
        .await
    }

    /// Sets a user's password, salted at random. The broker gets the salted one only.
    ///
    /// # Errors
    /// It was refused: too few or too many iterations, or no right to.
    pub async fn set_scram_credential(
        &self,
        user: &str,
        credential: ScramCredential,
        password: Password,
    ) -> Result<(), Refused> {
        let user = user.to_owned();
        self.ask("setting a SCRAM credential", move |requests| {
            scram::set(requests, &user, credential, &password)
        })
        .await
    }

    /// Deletes a user's password for a mechanism, if it has one.
    ///
    /// # Errors
    /// It was refused.
    pub async fn delete_scram_credential(
        &self,
        user: &str,
        mechanism: Mechanism,
    ) -> Result<(), Refused> {
        let user = user.to_owned();
        self.ask("deleting a SCRAM credential", move |requests| {
            scram::delete(requests, &user, mechanism)
        })
        .await
    }

    /// What kept the client from the brokers, as far as anything did since this was last
    /// asked. Errors are heard of only if the client's `enabled_events` has 8 in it.
    pub fn trouble(&self) -> Option<Refusal> {
        // SAFETY: the handle is valid as long as the client is there.
        unsafe { trouble::last(self.client.inner().native_ptr()) }
    }

    async fn ask<T: Send + 'static>(
        &self,
        doing: &'static str,
        ask: impl FnOnce(&Requests<'_>) -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Refused> {
        let (client, timeout) = (self.client.clone(), self.timeout);
        let asked =
            tokio::task::spawn_blocking(move || ask(&Requests::new(&client, doing, timeout)));
        asked
            .await
            .unwrap_or_else(|error| Err(Refused::one(doing, RDKafkaErrorCode::Fail, error)))
    }
}
