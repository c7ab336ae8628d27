//! How many data products and connections each namespace has, and their names. Every replica keeps
//! these from two watches of metadata only.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use akili_crds::admission::Kind;
use akili_crds::{Connection, DataProduct};
use futures::{Stream, StreamExt};
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, ResourceExt};
use tokio::sync::Notify;

use crate::backoff::watch_backoff;

/// The names of all products and connections. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct ObjectCounts {
    products: Arc<RwLock<Names>>,
    connections: Arc<RwLock<Names>>,
    changed: Arc<Notify>,
}

impl ObjectCounts {
    /// Keeps the counts up to date. Never returns. While the API server doesn't answer, the last
    /// counts stay.
    pub async fn keep(&self, client: Client) {
        let every = watcher::Config::default;
        let products = Api::<PartialObjectMeta<DataProduct>>::all(client.clone());
        let connections = Api::<PartialObjectMeta<Connection>>::all(client);
        tokio::join!(
            follow(&self.products, &self.changed, watcher(products, every())),
            follow(
                &self.connections,
                &self.changed,
                watcher(connections, every())
            ),
        );
    }

    /// Returns whether both kinds were listed once.
    pub fn is_filled(&self) -> bool {
        [Kind::DataProduct, Kind::Connection]
            .into_iter()
            .all(|kind| self.read(kind, |names| names.is_filled))
    }

    /// Waits until an object was created or deleted since the last call. Only one task may wait.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Returns how many objects of this kind the namespace has.
    pub fn of(&self, kind: Kind, namespace: &str) -> i64 {
        let count = self.read(kind, |names| names.known.get(namespace).map(HashSet::len));
        count.unwrap_or_default().try_into().unwrap_or(i64::MAX)
    }

    /// Returns whether the namespace has an object of this kind and name.
    pub fn contains(&self, kind: Kind, namespace: &str, name: &str) -> bool {
        self.read(kind, |names| {
            let there = names.known.get(namespace);
            there.is_some_and(|there| there.contains(name))
        })
    }

    fn read<T>(&self, kind: Kind, read: impl FnOnce(&Names) -> T) -> T {
        let names = match kind {
            Kind::DataProduct => &self.products,
            Kind::Connection => &self.connections,
        };
        read(&names.read().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn follow<K: ResourceExt>(
    names: &RwLock<Names>,
    changed: &Notify,
    events: impl Stream<Item = Result<Event<K>, watcher::Error>>,
) {
    let mut events = std::pin::pin!(events.backoff(watch_backoff()));
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                let mut names = names.write().unwrap_or_else(PoisonError::into_inner);
                names.fold(event);
                changed.notify_one();
            }
            Err(error) => tracing::warn!(%error, "failed to watch products or connections"),
        }
    }
}

/// The names of one kind's objects, by namespace.
#[derive(Debug, Default)]
struct Names {
    known: HashMap<String, HashSet<String>>,
    /// Names of a list that isn't complete yet.
    listed: HashMap<String, HashSet<String>>,
    is_filled: bool,
}

impl Names {
    fn fold<K: ResourceExt>(&mut self, event: Event<K>) {
        let place = |object: &K| (object.namespace().unwrap_or_default(), object.name_any());
        match event {
            Event::Init => self.listed = HashMap::new(),
            Event::InitApply(object) => {
                let (namespace, name) = place(&object);
                self.listed.entry(namespace).or_default().insert(name);
            }
            Event::InitDone => {
                self.known = std::mem::take(&mut self.listed);
                self.is_filled = true;
            }
            Event::Apply(object) => {
                let (namespace, name) = place(&object);
                self.known.entry(namespace).or_default().insert(name);
            }
            Event::Delete(object) => {
                let (namespace, name) = place(&object);
                if let Some(there) = self.known.get_mut(&namespace) {
                    there.remove(&name);
                    // Drop empty namespaces: deleted ones must not pile up.
                    if there.is_empty() {
                        self.known.remove(&namespace);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
impl ObjectCounts {
    /// Creates complete counts with products of these names in this namespace.
    pub fn with_products(namespace: &str, names: &[&str]) -> Self {
        let counts = Self::default();
        let there = names.iter().map(|name| (*name).to_owned()).collect();
        counts.products.write().unwrap().known = [(namespace.to_owned(), there)].into();
        for kind in [&counts.products, &counts.connections] {
            kind.write().unwrap().is_filled = true;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(namespace: &str, name: &str) -> DataProduct {
        let spec = serde_json::from_str(r#"{"namespace": "sales"}"#).unwrap();
        let mut product = DataProduct::new(name, spec);
        product.metadata.namespace = Some(namespace.into());
        product
    }

    fn counts(events: Vec<Event<DataProduct>>) -> ObjectCounts {
        let counts = ObjectCounts::default();
        for event in events {
            counts.products.write().unwrap().fold(event);
        }
        counts
    }

    #[test]
    fn list_counts_once_it_is_complete() {
        let listed = || vec![Event::Init, Event::InitApply(product("a", "one"))];
        let counts_of = |events| {
            let counts = counts(events);
            let filled = counts.read(Kind::DataProduct, |names| names.is_filled);
            (counts.of(Kind::DataProduct, "a"), filled)
        };
        assert_eq!(counts_of(listed()), (0, false));
        let complete = || [listed(), vec![Event::InitDone]].concat();
        assert_eq!(counts_of(complete()), (1, true));
        let again = [complete(), vec![Event::Init]].concat();
        assert_eq!(counts_of(again), (1, true), "the last counts stay");
        let gone = [complete(), vec![Event::Init, Event::InitDone]].concat();
        assert_eq!(
            counts_of(gone),
            (0, true),
            "deleted while the watch was down"
        );
    }

    #[test]
    fn created_and_deleted_objects_count_by_namespace() {
        let counts = counts(vec![
            Event::Init,
            Event::InitApply(product("a", "one")),
            Event::InitDone,
            Event::Apply(product("a", "two")),
            Event::Apply(product("a", "two")),
            Event::Apply(product("b", "one")),
            Event::Delete(product("a", "one")),
            Event::Delete(product("c", "never seen")),
        ]);
        let of = |namespace| counts.of(Kind::DataProduct, namespace);
        assert_eq!((of("a"), of("b"), of("c")), (1, 1, 0));
        assert!(counts.contains(Kind::DataProduct, "a", "two"));
        assert!(!counts.contains(Kind::DataProduct, "a", "one"));
        assert!(!counts.contains(Kind::Connection, "a", "two"));
    }

    #[test]
    fn counts_are_filled_once_both_kinds_are_listed() {
        let counts = counts(vec![Event::Init, Event::InitDone]);
        assert!(!counts.is_filled());
        let mut connections = counts.connections.write().unwrap();
        connections.fold(Event::<Connection>::Init);
        connections.fold(Event::<Connection>::InitDone);
        drop(connections);
        assert!(counts.is_filled());
    }
}
