//! Who is connected.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use tokio::sync::Notify;

use super::state::{INTERNAL_CATALOG, Identity};

/// One connection's own state.
#[derive(Clone, Debug)]
pub struct Session {
    /// The number that KILL takes.
    pub id: u32,
    /// Who logged in.
    pub user: Identity,
    /// The roles that are active, if the user still has them.
    pub roles: BTreeSet<String>,
    /// What SET CATALOG chose.
    pub catalog: String,
    /// What USE chose.
    pub database: Option<String>,
}

impl Session {
    /// As it is right after the login.
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

/// All connections that are logged in.
#[derive(Default)]
pub struct Sessions {
    live: Mutex<BTreeMap<u32, Live>>,
}

/// What others see of a connection.
#[derive(Clone)]
pub struct Live {
    /// As it was when its last statement began.
    pub session: Session,
    /// Where it comes from.
    pub peer: String,
    /// When it logged in.
    pub began: Timestamp,
    /// Its last statement, and when that began.
    pub last: Option<(String, Timestamp)>,
    /// Ends it.
    pub end: Arc<Notify>,
}

impl Sessions {
    /// Lists a connection; what is returned is notified when it is to end.
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

    /// Notes what a connection does now.
    pub fn note(&self, session: &Session, statement: &str) {
        if let Some(live) = self.lock().get_mut(&session.id) {
            live.session = session.clone();
            live.last = Some((statement.to_owned(), Timestamp::now()));
        }
    }

    /// Takes one off the list.
    pub fn remove(&self, id: u32) {
        self.lock().remove(&id);
    }

    /// One of them.
    pub fn get(&self, id: u32) -> Option<Live> {
        self.lock().get(&id).cloned()
    }

    /// All of them, by number.
    pub fn all(&self) -> Vec<Live> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
