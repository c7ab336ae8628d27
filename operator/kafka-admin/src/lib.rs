//! Kafka admin requests that rdkafka doesn't offer: ACLs, SCRAM credentials and the names
//! of consumer groups.
//!
//! librdkafka implements them. [`Admin`] sends them on the native handle of rdkafka's safe
//! [`AdminClient`], on a thread that may block. Native objects are created, read and freed
//! within one call; C never calls back into this crate. The README explains why the
//! `unsafe` code is sound.
#![expect(
    unsafe_code,
    reason = "no crate offers a safe interface to these requests of librdkafka"
)]
#![deny(clippy::undocumented_unsafe_blocks, unsafe_op_in_unsafe_fn)]
#![allow(
    missing_docs,
    reason = "the variants and fields carry Kafka's own names"
)]

mod acl_binding;
mod connection;
mod error;
mod group;
mod memory;
mod native;
mod request;
mod scram_request;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::admin::AdminClient;
use rdkafka::client::ClientContext;
use rdkafka::types::RDKafkaErrorCode;

pub use akili_core::kafka::acl::{Acl, Operation, Pattern, Permission, Resource};
pub use akili_core::kafka::scram::{Mechanism, ScramCredential};
pub use error::Error;

use request::Requests;

/// Admin client for ACLs, SCRAM credentials and consumer group names.
pub struct Admin<C: ClientContext + 'static> {
    client: Arc<AdminClient<C>>,
    timeout: Duration,
}

impl<C: ClientContext + 'static> Admin<C> {
    /// Creates an admin client that shares the connections of `client`. Each request times
    /// out after `timeout`: whole milliseconds, at most an hour.
    pub fn new(client: Arc<AdminClient<C>>, timeout: Duration) -> Self {
        Self { client, timeout }
    }

    /// Returns the ACLs of a principal, such as `User:somebody`, or all ACLs.
    ///
    /// # Errors
    /// The client's user may not describe ACLs, or no broker answered.
    pub async fn acls(&self, principal: Option<&str>) -> Result<BTreeSet<Acl>, Error> {
        let principal = principal.map(str::to_owned);
        self.send("describing ACLs", move |requests| {
            acl_binding::describe(requests, principal.as_deref())
        })
        .await
    }

    /// Creates ACLs; existing ones stay.
    ///
    /// # Errors
    /// Names the ACLs that were rejected; the others are created.
    pub async fn create_acls(&self, acls: BTreeSet<Acl>) -> Result<(), Error> {
        self.send("creating ACLs", move |requests| {
            acl_binding::create(requests, &acls)
        })
        .await
    }

    /// Deletes exactly these ACLs; missing ones are ignored.
    ///
    /// # Errors
    /// Names the ACLs whose deletion was rejected; the others are deleted.
    pub async fn delete_acls(&self, acls: BTreeSet<Acl>) -> Result<(), Error> {
        self.send("deleting ACLs", move |requests| {
            acl_binding::delete(requests, &acls)
        })
        .await
    }

    /// Returns the operations on the cluster that the client's user is allowed; `None` if
    /// the cluster doesn't report them.
    ///
    /// # Errors
    /// No broker answered.
    pub async fn cluster_rights(&self) -> Result<Option<BTreeSet<Operation>>, Error> {
        self.send("describing the cluster", acl_binding::cluster_rights)
            .await
    }

    /// Returns the names of all consumer groups.
    ///
    /// # Errors
    /// The client's user may not list groups, or a broker didn't answer.
    pub async fn groups(&self) -> Result<BTreeSet<String>, Error> {
        self.send("listing groups", group::list).await
    }

    /// Returns the SCRAM credentials of these users, or of all users if `users` is empty.
    /// A user without credentials is absent from the map.
    ///
    /// # Errors
    /// The client's user may not describe credentials, a user is named twice, or no broker
    /// answered.
    pub async fn scram_credentials(
        &self,
        users: &[&str],
    ) -> Result<BTreeMap<String, BTreeSet<ScramCredential>>, Error> {
        let users: Vec<_> = users.iter().map(|user| (*user).to_owned()).collect();
        self.send("describing SCRAM credentials", move |requests| {
            scram_request::describe(requests, &users)
        })
        .await
    }

    /// Sets a user's password with a random salt. The broker receives only the salted hash.
    ///
    /// # Errors
    /// The broker rejects it: too few or too many iterations, or a missing privilege.
    pub async fn set_scram_credential(
        &self,
        user: &str,
        credential: ScramCredential,
        password: &str,
    ) -> Result<(), Error> {
        let (user, password) = (user.to_owned(), password.to_owned());
        self.send("setting a SCRAM credential", move |requests| {
            scram_request::set(requests, &user, credential, &password)
        })
        .await
    }

    /// Deletes a user's password for a mechanism, if the user has one.
    ///
    /// # Errors
    /// The broker rejects the deletion.
    pub async fn delete_scram_credential(
        &self,
        user: &str,
        mechanism: Mechanism,
    ) -> Result<(), Error> {
        let user = user.to_owned();
        self.send("deleting a SCRAM credential", move |requests| {
            scram_request::delete(requests, &user, mechanism)
        })
        .await
    }

    /// Returns the last connection error since the previous call, if there was one. Errors
    /// are reported only if the client's `enabled_events` includes 8.
    pub fn connection_error(&self) -> Option<Error> {
        // SAFETY: the handle is valid as long as the client exists.
        unsafe { connection::last_error(self.client.inner().native_ptr()) }
    }

    async fn send<T: Send + 'static>(
        &self,
        operation: &'static str,
        send: impl FnOnce(&Requests<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (client, timeout) = (self.client.clone(), self.timeout);
        let answer =
            tokio::task::spawn_blocking(move || send(&Requests::new(&client, operation, timeout)));
        answer
            .await
            .unwrap_or_else(|error| Err(Error::new(operation, RDKafkaErrorCode::Fail, error)))
    }
}
