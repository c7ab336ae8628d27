//! Attempts with an ordinary S3 client.

use akili_scenarios::platform::ObjectTenant;
use anyhow::{Context, Result, anyhow, bail};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use futures::future::LocalBoxFuture;

use crate::access_matrix::{
    AccessMatrix, Answer, Attempt, Cause, Client, Expected, Failure, check,
};

/// One of many calls. Boxed, because together they would exceed a thread's stack.
type Call<'a, T> = LocalBoxFuture<'a, Result<T>>;

/// The access matrix of the object store, beside another tenant.
pub struct Matrix<'a> {
    matrix: AccessMatrix,
    other: OtherTenant<'a>,
}

impl<'a> Matrix<'a> {
    pub fn new(other: &'a ObjectTenant) -> Self {
        Self {
            matrix: AccessMatrix::default(),
            other: OtherTenant(other),
        }
    }

    /// Starts a section of the printed list.
    pub fn title(&mut self, who: &str) {
        self.matrix.title(who);
    }

    /// Makes a call that must succeed, and returns its answer.
    pub fn may<'b, T, E>(
        &'b mut self,
        what: &'b str,
        call: impl Future<Output = Result<T, SdkError<E>>> + 'b,
    ) -> Call<'b, T>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        Box::pin(async move {
            let answer = call.await;
            let outcome = match &answer {
                Ok(_) => Ok("done"),
                Err(error) => Err(anyhow!("{}", describe(error))),
            };
            self.matrix.record(what, outcome);
            answer.with_context(|| format!("{what}: the following cases depend on it"))
        })
    }

    /// Makes a call that must be rejected for want of rights.
    pub fn may_not<'b, T, E: 'b>(
        &'b mut self,
        what: &'b str,
        call: impl Future<Output = Result<T, SdkError<E>>> + 'b,
    ) -> Call<'b, ()> {
        self.rejected(what, async {
            match call.await {
                Ok(_) => Ok(200),
                Err(error) => status(&error),
            }
        })
    }

    /// Makes a call that must be rejected with the HTTP status 403.
    pub fn rejected<'b>(
        &'b mut self,
        what: &'b str,
        call: impl Future<Output = Result<u16>> + 'b,
    ) -> Call<'b, ()> {
        let attempt: Attempt<'b> = Box::pin(async {
            Ok(match call.await? {
                200 => Answer::Done(String::new()),
                status => Answer::Rejected(Failure {
                    code: Some(status.to_string()),
                    text: format!("HTTP status {status}"),
                }),
            })
        });
        Box::pin(async move {
            let expected = Expected::Rejected(Cause::Code("403".to_owned()));
            let outcome = check(&mut self.other, attempt, &expected).await;
            self.matrix.record(what, outcome);
            Ok(())
        })
    }

    /// Records a condition that must be true.
    pub fn holds(&mut self, what: &str, holds: bool) {
        let outcome = if holds {
            Ok("true")
        } else {
            Err(anyhow!("false"))
        };
        self.matrix.record(what, outcome);
    }

    /// Prints all outcomes; fails if one was unexpected.
    pub fn finish(self) -> Result<()> {
        self.matrix.finish()
    }
}

/// The other tenant, whose objects must stay unchanged.
struct OtherTenant<'a>(&'a ObjectTenant);

impl<'f> Client<Attempt<'f>> for OtherTenant<'_> {
    async fn attempt(&mut self, attempt: Attempt<'f>) -> Result<Answer> {
        attempt.await
    }

    /// Returns the names, hashes, times and tags of all objects. Only the tenant itself
    /// may read its objects' tags, not even the bucket's owner.
    async fn protected_data(&mut self) -> Result<String> {
        let ObjectTenant {
            client,
            bucket,
            prefix,
        } = self.0;
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
}

/// Returns the HTTP status of an error.
fn status<E>(error: &SdkError<E>) -> Result<u16> {
    match error.raw_response() {
        Some(answer) => Ok(answer.status().as_u16()),
        None => bail!("no answer"),
    }
}

fn describe<E: ProvideErrorMetadata>(error: &SdkError<E>) -> String {
    let status = status(error).unwrap_or_default();
    format!("{status} {}", error.code().unwrap_or_default())
}
