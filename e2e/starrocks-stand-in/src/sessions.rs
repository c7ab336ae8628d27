//! Sessions and the list of connections.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use tokio::sync::Notify;

use super::state::{INTERNAL_CATALOG, Identity};

/// State of one connection.
#[derive(Clone, Debug)]
pub struct Session {
    /// Connection id, the argument of KILL.
    pub id: u32,
    /// User that logged in.
    pub user: Identity,
    /// Active roles; a role that was revoked since has no effect.
    pub roles: BTreeSet<String>,
    /// Current catalog.
    pub catalog: String,
    /// Current database.
    pub database: Option<String>,
}

impl Session {
    /// Returns the session as it is after the login.
    pub fn new(id: u32, user: Identity, roles: BTreeSet<String>) -> Self {
        Self {
            id,
            user,
            roles,
            catalog: INTERNAL_CATALOG.to_owned(),
            database: None,
        }
    }
}

/// All authenticated connections.
#[derive(Default)]
pub struct Sessions {
    live: Mutex<BTreeMap<u32, Live>>,
}

/// A connection as other sessions see it.
#[derive(Clone)]
pub struct Live {
    /// State at the start of the last statement.
    pub session: Session,
    /// Address of the client.
    pub peer: String,
    /// Time of the login.
    pub began: Timestamp,
    /// Last statement and its start.
    pub last: Option<(String, Timestamp)>,
    /// Notified to end the connection.
    pub end: Arc<Notify>,
}

impl Sessions {
    /// Adds a connection to the list; the returned handle is notified when the connection
    /// is killed.
    pub fn add(&self, session: &Session, peer: String) -> Arc<Notify> {
        let end = Arc::new(Notify::new());
        let live = Live {
            session: session.clone(),
            peer,
            began: Timestamp::now(),
            last: None,
            end: end.clone(),
        };
        self.lock().insert(session.id, live);
        end
    }

    /// Records the statement that a connection starts.
    pub fn record(&self, session: &Session, statement: &str) {
        if let Some(live) = self.lock().get_mut(&session.id) {
            live.session = session.clone();
            live.last = Some((statement.to_owned(), Timestamp::now()));
        }
    }

    /// Removes a connection from the list.
    pub fn remove(&self, id: u32) {
        self.lock().remove(&id);
    }

    pub fn get(&self, id: u32) -> Option<Live> {
        self.lock().get(&id).cloned()
    }

    /// Returns all connections by id.
    pub fn all(&self) -> Vec<Live> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
