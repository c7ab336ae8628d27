//! What somebody tries with an ordinary client, and what must come of it.

use std::fmt;

use akili_scenarios::platform::ObjectTenant;
use anyhow::{Context, Result, bail, ensure};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use futures::future::LocalBoxFuture;

/// One of many calls: boxed, or together they would take more than a thread's stack.
type Try<'a, T> = LocalBoxFuture<'a, Result<T>>;

/// What was tried, and what came of it. Whatever that is, what the other tenant has
/// must be there as before.
pub struct Matrix<'a> {
    other: &'a ObjectTenant,
    lines: Vec<String>,
    failures: usize,
}

impl<'a> Matrix<'a> {
    /// An empty one.
    pub fn new(other: &'a ObjectTenant) -> Self {
        Self {
            other,
            lines: Vec::new(),
            failures: 0,
        }
    }

    /// Begins a part of the table.
    pub fn title(&mut self, who: &str) {
        self.lines.push(format!("{who}:"));
    }

    /// It works; its answer.
    pub fn may<'b, T, E>(
        &'b mut self,
        what: &'b str,
        call: impl Future<Output = Result<T, SdkError<E>>> + 'b,
    ) -> Try<'b, T>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        Box::pin(async move {
            let answer = call.await;
            let said = match &answer {
                Ok(_) => Ok(()),
                Err(error) => Err(word(error)),
            };
            self.note(what, said);
            answer.with_context(|| format!("{what}: the cases that follow need it"))
        })
    }

    /// It is refused for want of rights, and the other tenant has what it had.
    pub fn may_not<'b, T, E: 'b>(
        &'b mut self,
        what: &'b str,
        call: impl Future<Output = Result<T, SdkError<E>>> + 'b,
    ) -> Try<'b, ()> {
        self.refused(what, async {
            match call.await {
                Ok(_) => Ok(200),
                Err(error) => status(&error),
            }
        })
    }

    /// The same, of a call of which HTTP's status is known.
    pub fn refused<'b>(
        &'b mut self,
        what: &'b str,
        call: impl Future<Output = Result<u16>> + 'b,
    ) -> Try<'b, ()> {
        Box::pin(async move {
            let before = self.others().await?;
            let status = call.await?;
            let after = self.others().await?;
            let result = match status {
                403 if before == after => Ok(()),
                403 => Err(format!("403, but of {before:?} it left {after:?}")),
                other => Err(other.to_string()),
            };
            self.note(&format!("{what}: refused"), result);
            Ok(())
        })
    }

    /// It holds.
    pub fn holds(&mut self, what: &str, holds: bool) {
        self.note(
            what,
            if holds {
                Ok(())
            } else {
                Err("it doesn't hold")
            },
        );
    }

    fn note(&mut self, what: &str, result: Result<(), impl fmt::Display>) {
        self.failures += usize::from(result.is_err());
        self.lines.push(match result {
            Ok(()) => format!("  ok    {what}"),
            Err(why) => format!("  FAIL  {what}, but {why}"),
        });
    }

    /// All that the other tenant has: names, contents' hashes, times and tags. Only
    /// the tenant itself may see its objects' tags, not even the bucket's owner.
    async fn others(&self) -> Result<String> {
        let ObjectTenant {
            client,
            bucket,
            prefix,
        } = self.other;
        let list = client.list_objects_v2().bucket(bucket).prefix(prefix);
        let mut all = String::new();
        for object in list.send().await?.contents() {
            let name = object.key().context("an object has a name")?;
            let tags = client.get_object_tagging().bucket(bucket).key(name);
            let tags = tags.send().await?;
            let (hash, time) = (object.e_tag(), object.last_modified());
            all += &format!("{name} {hash:?} {time:?} {:?}\n", tags.tag_set());
        }
        Ok(all)
    }

    /// Shows all of it; an error if anything came out otherwise than it must.
    pub fn finish(self) -> Result<()> {
        println!("{}", self.lines.join("\n"));
        ensure!(self.failures == 0, "{} cases failed", self.failures);
        Ok(())
    }
}

/// HTTP's status of a refusal.
fn status<E>(error: &SdkError<E>) -> Result<u16> {
    match error.raw_response() {
        Some(answer) => Ok(answer.status().as_u16()),
        None => bail!("no answer"),
    }
}

fn word<E: ProvideErrorMetadata>(error: &SdkError<E>) -> String {
    let status = status(error).unwrap_or_default();
    format!("{status} {}", error.code().unwrap_or_default())
}
