//! Storage that a tenant uses below its prefix, added up page by page.
//!
//! Every version of an object counts, and every part of an unfinished upload: all of them
//! take up space. The owner marker belongs to the platform and doesn't count, so that a
//! tenant without objects uses 0 bytes. A measurement isn't a snapshot: objects written or
//! deleted meanwhile may count or not.

use std::mem::take;

use akili_core::object_store::model::{Cursor, Listed, Size, Upload};
use akili_core::object_store::policy::marker_key;
use async_trait::async_trait;

use crate::backend::TenantKey;
use crate::error::Error;

/// Listings of the gateway; each call returns one page.
#[async_trait]
pub trait Listing: Send + Sync {
    /// Lists versions of objects below the prefix.
    async fn versions(&self, prefix: &str, after: Option<&Cursor>) -> Result<Listed<Size>, Error>;

    /// Lists unfinished uploads below the prefix.
    async fn uploads(&self, prefix: &str, after: Option<&Cursor>) -> Result<Listed<Upload>, Error>;

    /// Lists the parts of an upload; none if the upload has ended meanwhile.
    async fn parts(&self, upload: &Upload, after: Option<&Cursor>) -> Result<Listed<Size>, Error>;
}

/// A measurement in progress: sums, and the position of the next page.
#[derive(Clone, Debug)]
pub struct Measurement {
    prefix: String,
    marker: String,
    next: Next,
    /// Bytes counted so far.
    pub bytes: i64,
    /// Pages read so far.
    pub pages: u64,
}

/// Next page to list.
#[derive(Clone, Debug)]
enum Next {
    Versions(Option<Cursor>),
    Uploads(Option<Cursor>),
    Parts {
        of: Upload,
        after: Option<Cursor>,
        /// Other uploads of the page, whose parts aren't counted yet.
        others: Vec<Upload>,
        /// Where the next page of uploads begins, if there is one.
        next_uploads: Option<Cursor>,
    },
    Nothing,
}

impl Measurement {
    /// Creates a measurement of the tenant's prefix that has read nothing yet.
    pub fn new(tenant: &TenantKey) -> Self {
        Self {
            prefix: tenant.id.object_prefix(),
            marker: marker_key(tenant.id),
            next: Next::Versions(None),
            bytes: 0,
            pages: 0,
        }
    }

    /// Returns whether every page was read.
    pub fn is_done(&self) -> bool {
        matches!(self.next, Next::Nothing)
    }

    /// Reads one page. After an error the next call reads the same page again.
    pub async fn read_page(&mut self, listing: &dyn Listing) -> Result<(), Error> {
        self.next = match &mut self.next {
            Next::Versions(after) => {
                let page = listing.versions(&self.prefix, after.as_ref()).await?;
                // Counts nothing outside the prefix, even if a gateway lists it.
                let counts = |it: &&Size| it.key.starts_with(&self.prefix) && it.key != self.marker;
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
                next_uploads,
            } => {
                let page = listing.parts(of, after.as_ref()).await?;
                self.bytes += sum(page.items.iter());
                match page.next {
                    None => parts_of(take(others), take(next_uploads)),
                    more => Next::Parts {
                        of: of.clone(),
                        after: more,
                        others: take(others),
                        next_uploads: take(next_uploads),
                    },
                }
            }
            Next::Nothing => return Ok(()),
        };
        self.pages += 1;
        Ok(())
    }
}

fn parts_of(mut uploads: Vec<Upload>, next_uploads: Option<Cursor>) -> Next {
    match (uploads.pop(), next_uploads) {
        (Some(of), next_uploads) => Next::Parts {
            of,
            after: None,
            others: uploads,
            next_uploads,
        },
        (None, Some(cursor)) => Next::Uploads(Some(cursor)),
        (None, None) => Next::Nothing,
    }
}

fn sum<'a>(items: impl Iterator<Item = &'a Size>) -> i64 {
    items.map(|it| it.bytes.max(0)).sum()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::error::Reason;

    const ID: &str = "550e8400-e29b-41d4-a716-446655440000";

    /// A bucket that lists two entries per page. Every other call fails.
    #[derive(Default)]
    struct Bucket {
        versions: Vec<(String, i64)>,
        uploads: Vec<(String, Vec<i64>)>,
        calls: Mutex<Vec<String>>,
    }

    impl Bucket {
        fn page<T>(
            &self,
            what: &str,
            all: Vec<T>,
            after: Option<&Cursor>,
        ) -> Result<Listed<T>, Error> {
            let begin = after.map_or(0, |after| after.id.parse().unwrap());
            let mut calls = self.calls.lock().unwrap();
            calls.push(format!("{what} {begin}"));
            if calls.len() % 2 == 1 {
                return Err(Error::new(Reason::Unreachable, "injected fault"));
            }
            let more = (begin + 2 < all.len()).then(|| Cursor {
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
        async fn versions(&self, _: &str, after: Option<&Cursor>) -> Result<Listed<Size>, Error> {
            let all = self.versions.iter().cloned();
            self.page(
                "versions",
                all.map(|(key, bytes)| Size { key, bytes }).collect(),
                after,
            )
        }

        async fn uploads(&self, _: &str, after: Option<&Cursor>) -> Result<Listed<Upload>, Error> {
            let all = self.uploads.iter().map(|(key, _)| Upload {
                key: key.clone(),
                id: key.clone(),
            });
            self.page("uploads", all.collect(), after)
        }

        async fn parts(
            &self,
            upload: &Upload,
            after: Option<&Cursor>,
        ) -> Result<Listed<Size>, Error> {
            let (_, parts) = self
                .uploads
                .iter()
                .find(|(key, _)| *key == upload.key)
                .unwrap();
            let all = parts.iter().map(|bytes| Size {
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

    /// Measures until done, in spite of failing pages; returns the number of failures as well.
    async fn measure(bucket: &Bucket) -> (Measurement, usize) {
        let (mut measurement, mut failures) = (measurement(), 0);
        while !measurement.is_done() {
            if measurement.read_page(bucket).await.is_err() {
                failures += 1;
            }
        }
        (measurement, failures)
    }

    #[tokio::test]
    async fn empty_prefix_uses_nothing() {
        let (measured, _) = measure(&Bucket::default()).await;
        assert_eq!((measured.bytes, measured.pages), (0, 2));
    }

    #[tokio::test]
    async fn versions_and_upload_parts_below_the_prefix_count() {
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
            calls: Mutex::default(),
        };
        let (measured, failures) = measure(&bucket).await;
        assert_eq!(measured.bytes, 12 + 30 + 100);
        assert_eq!((measured.pages, failures), (9, 9));
    }

    #[tokio::test]
    async fn failed_page_is_listed_again_and_no_other() {
        let objects = (0..5).map(|n| (format!("tenant-{ID}/{n}"), 1)).collect();
        let bucket = Bucket {
            versions: objects,
            ..Bucket::default()
        };
        let (measured, _) = measure(&bucket).await;
        assert_eq!(measured.bytes, 5);
        let pages = ["versions 0", "versions 2", "versions 4", "uploads 0"];
        let twice: Vec<&str> = pages.into_iter().flat_map(|it| [it, it]).collect();
        assert_eq!(*bucket.calls.lock().unwrap(), twice);
    }
}
