//! How much there is below a tenant's prefix, added up page by page.
//!
//! Every version of an object counts, and every part of an upload that was never ended:
//! all of it takes up space. The prefix's marker is the platform's and doesn't count, so
//! that a tenant without any object uses nothing. A measurement isn't a snapshot: what is
//! written or deleted meanwhile may count or not.

use std::mem::take;

use async_trait::async_trait;

use super::diff::Upload;
use super::policy::marker;
use crate::backend::TenantKey;
use crate::error::Error;

/// Where a listing goes on: after this key, and this version, upload or part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    /// An object's key.
    pub key: String,
    /// What of it; empty if it is the key alone that counts.
    pub id: String,
}

/// A page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<After>,
}

/// One version of an object, or one part of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sized {
    /// The object's key.
    pub key: String,
    /// How large it is.
    pub bytes: i64,
}

/// What the gateway lists, a page a call.
#[async_trait]
pub trait Listing: Send + Sync {
    /// Versions of objects below this prefix.
    async fn versions(&self, prefix: &str, after: Option<&After>) -> Result<Listed<Sized>, Error>;

    /// Uploads below this prefix that were begun and not ended.
    async fn uploads(&self, prefix: &str, after: Option<&After>) -> Result<Listed<Upload>, Error>;

    /// The parts of one upload; none if it has ended since.
    async fn parts(&self, upload: &Upload, after: Option<&After>) -> Result<Listed<Sized>, Error>;
}

/// A measurement on its way: sums, and where to go on.
#[derive(Clone, Debug)]
pub struct Measurement {
    prefix: String,
    marker: String,
    next: Next,
    /// Bytes that were found so far.
    pub bytes: i64,
    /// Pages that were read so far.
    pub pages: u64,
}

/// What to list next.
#[derive(Clone, Debug)]
enum Next {
    Versions(Option<After>),
    Uploads(Option<After>),
    Parts {
        of: Upload,
        after: Option<After>,
        /// The other uploads of the page, whose parts aren't counted yet.
        others: Vec<Upload>,
        /// Where the page of uploads after it begins, if there is one.
        then: Option<After>,
    },
    Nothing,
}

impl Measurement {
    /// A measurement of this tenant's prefix, of which nothing was read yet.
    pub fn new(tenant: &TenantKey) -> Self {
        Self {
            prefix: tenant.id.object_prefix(),
            marker: marker(tenant.id),
            next: Next::Versions(None),
            bytes: 0,
            pages: 0,
        }
    }

    /// Whether all of it was read.
    pub fn is_done(&self) -> bool {
        matches!(self.next, Next::Nothing)
    }

    /// Reads one page. After an error the same page is read again.
    ///
    /// # Errors
    /// The listing's own.
    pub async fn read_on(&mut self, listing: &dyn Listing) -> Result<(), Error> {
        self.next = match &mut self.next {
            Next::Versions(after) => {
                let page = listing.versions(&self.prefix, after.as_ref()).await?;
                // Whatever a gateway makes of the question: nothing beside the prefix.
                let counts =
                    |it: &&Sized| it.key.starts_with(&self.prefix) && it.key != self.marker;
                self.bytes += sum(page.items.iter().filter(counts));
                match page.next {
                    Some(after) => Next::Versions(Some(after)),
                    None => Next::Uploads(None),
                }
            }
            Next::Uploads(after) => {
                let mut page = listing.uploads(&self.prefix, after.as_ref()).await?;
                page.items.retain(|it| it.key.starts_with(&self.prefix));
                parts_of(page.items, page.next)
            }
            Next::Parts {
                of,
                after,
                others,
                then,
            } => {
                let page = listing.parts(of, after.as_ref()).await?;
                self.bytes += sum(page.items.iter());
                match page.next {
                    None => parts_of(take(others), take(then)),
                    more => Next::Parts {
                        of: of.clone(),
                        after: more,
                        others: take(others),
                        then: take(then),
                    },
                }
            }
            Next::Nothing => return Ok(()),
        };
        self.pages += 1;
        Ok(())
    }
}

fn parts_of(mut uploads: Vec<Upload>, then: Option<After>) -> Next {
    match (uploads.pop(), then) {
        (Some(of), then) => Next::Parts {
            of,
            after: None,
            others: uploads,
            then,
        },
        (None, Some(then)) => Next::Uploads(Some(then)),
        (None, None) => Next::Nothing,
    }
}

fn sum<'a>(items: impl Iterator<Item = &'a Sized>) -> i64 {
    items.map(|it| it.bytes.max(0)).sum()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::error::Class;

    const ID: &str = "550e8400-e29b-41d4-a716-446655440000";

    /// A bucket that shows two things a page. Every other question isn't answered.
    #[derive(Default)]
    struct Bucket {
        versions: Vec<(String, i64)>,
        uploads: Vec<(String, Vec<i64>)>,
        asked: Mutex<Vec<String>>,
    }

    impl Bucket {
        fn page<T>(
            &self,
            what: &str,
            all: Vec<T>,
            after: Option<&After>,
        ) -> Result<Listed<T>, Error> {
            let begin = after.map_or(0, |after| after.id.parse().unwrap());
            let mut asked = self.asked.lock().unwrap();
            asked.push(format!("{what} {begin}"));
            if asked.len() % 2 == 1 {
                return Err(Error::new(
                    Class::Transient,
                    "Unreachable",
                    "as it was told",
                ));
            }
            let more = (begin + 2 < all.len()).then(|| After {
                key: String::new(),
                id: (begin + 2).to_string(),
            });
            Ok(Listed {
                items: all.into_iter().skip(begin).take(2).collect(),
                next: more,
            })
        }
    }

    #[async_trait]
    impl Listing for Bucket {
        async fn versions(&self, _: &str, after: Option<&After>) -> Result<Listed<Sized>, Error> {
            let all = self.versions.iter().cloned();
            self.page(
                "versions",
                all.map(|(key, bytes)| Sized { key, bytes }).collect(),
                after,
            )
        }

        async fn uploads(&self, _: &str, after: Option<&After>) -> Result<Listed<Upload>, Error> {
            let all = self.uploads.iter().map(|(key, _)| Upload {
                key: key.clone(),
                id: key.clone(),
            });
            self.page("uploads", all.collect(), after)
        }

        async fn parts(
            &self,
            upload: &Upload,
            after: Option<&After>,
        ) -> Result<Listed<Sized>, Error> {
            let (_, parts) = self
                .uploads
                .iter()
                .find(|(key, _)| *key == upload.key)
                .unwrap();
            let all = parts.iter().map(|bytes| Sized {
                key: upload.key.clone(),
                bytes: *bytes,
            });
            self.page(&format!("parts of {}", upload.key), all.collect(), after)
        }
    }

    fn measurement() -> Measurement {
        Measurement::new(&TenantKey {
            slug: "acme".parse().unwrap(),
            id: ID.parse().unwrap(),
        })
    }

    /// Until it is done, however often a page fails; how often one did.
    async fn measure(bucket: &Bucket) -> (Measurement, usize) {
        let (mut measurement, mut failures) = (measurement(), 0);
        while !measurement.is_done() {
            if measurement.read_on(bucket).await.is_err() {
                failures += 1;
            }
        }
        (measurement, failures)
    }

    #[tokio::test]
    async fn a_prefix_without_anything_uses_nothing() {
        let (measured, _) = measure(&Bucket::default()).await;
        assert_eq!((measured.bytes, measured.pages), (0, 2));
    }

    #[tokio::test]
    async fn versions_and_parts_of_unfinished_uploads_count_and_nothing_beside_the_prefix() {
        let below = |name: &str| format!("tenant-{ID}/{name}");
        let bucket = Bucket {
            versions: vec![
                (below(".akili-tenant"), 36),
                (below("a"), 5),
                (below("a"), 7),
                (below("deleted"), 0),
                (format!("tenant-{ID}-2/a"), 1000),
            ],
            uploads: vec![
                (below("one"), vec![10, 10, 10]),
                (below("none"), vec![]),
                (format!("tenant-{ID}-2/two"), vec![1000]),
                (below("three"), vec![100]),
            ],
            asked: Mutex::default(),
        };
        let (measured, failures) = measure(&bucket).await;
        assert_eq!(measured.bytes, 12 + 30 + 100);
        assert_eq!((measured.pages, failures), (9, 9));
    }

    #[tokio::test]
    async fn a_page_that_fails_is_asked_for_again_and_nothing_else() {
        let objects = (0..5).map(|n| (format!("tenant-{ID}/{n}"), 1)).collect();
        let bucket = Bucket {
            versions: objects,
            ..Bucket::default()
        };
        let (measured, _) = measure(&bucket).await;
        assert_eq!(measured.bytes, 5);
        let asked = ["versions 0", "versions 2", "versions 4", "uploads 0"];
        let twice: Vec<&str> = asked.into_iter().flat_map(|it| [it, it]).collect();
        assert_eq!(*bucket.asked.lock().unwrap(), twice);
    }
}
