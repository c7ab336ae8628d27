//! The object store, with an ordinary S3 client and the keys of the Secret
//! `akili-object-store`.

use akili_scenarios::platform::{ObjectTenant, Platform};
use anyhow::Result;
use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::list_objects_v2::{ListObjectsV2Error, ListObjectsV2Output};

use super::operation::{Held, Operation, Plane, State};
use crate::access_matrix::Answer;

/// A tenant's client, beside another tenant's objects.
pub struct Objects {
    tenant: ObjectTenant,
    other: ObjectTenant,
    operator: Client,
}

impl Objects {
    /// Creates the clients; both tenants have an object.
    pub async fn open(platform: &Platform, own: &str, other: &str) -> Result<Self> {
        let plane = Self {
            tenant: platform.object_store_of(own)?,
            other: platform.object_store_of(other)?,
            operator: platform.operators_object_store()?,
        };
        for tenant in [&plane.tenant, &plane.other] {
            let name = format!("{}first", tenant.prefix);
            let put = tenant.client.put_object().bucket(&tenant.bucket).key(name);
            put.send().await?;
        }
        Ok(plane)
    }

    async fn put(&self, name: &str) -> Result<Answer> {
        let put = self.tenant.client.put_object().bucket(&self.tenant.bucket);
        answer(put.key(name).send().await)
    }

    async fn get(&self, name: &str) -> Result<Answer> {
        let get = self.tenant.client.get_object().bucket(&self.tenant.bucket);
        answer(get.key(name).send().await)
    }

    async fn list(
        &self,
        prefix: &str,
        by: &Client,
    ) -> Result<ListObjectsV2Output, SdkError<ListObjectsV2Error>> {
        let list = by.list_objects_v2().bucket(&self.tenant.bucket);
        list.prefix(prefix).send().await
    }

    async fn held_below(&self, prefix: &str) -> Result<String> {
        let listed = self.list(prefix, &self.operator).await?;
        Ok(format!("{:?}", listed.contents()))
    }
}

#[async_trait]
impl Plane for Objects {
    fn name(&self) -> &'static str {
        "object store"
    }

    async fn attempt(&self, operation: Operation) -> Result<Answer> {
        let (own, other) = (&self.tenant.prefix, &self.other.prefix);
        match operation {
            Operation::OwnRead => self.get(&format!("{own}first")).await,
            Operation::OwnWrite => self.put(&format!("{own}new")).await,
            Operation::OwnDelete => {
                let delete = self.tenant.client.delete_object();
                let delete = delete.bucket(&self.tenant.bucket);
                answer(delete.key(format!("{own}new")).send().await)
            }
            Operation::OthersRead => self.get(&format!("{other}first")).await,
            Operation::OthersWrite => self.put(&format!("{other}forged")).await,
            Operation::OthersList => answer(self.list(other, &self.tenant.client).await),
            Operation::CreateOutside => self.put("outside").await,
        }
    }

    async fn held(&self) -> Result<Held> {
        Ok(Held {
            own: self.held_below(&self.tenant.prefix).await?,
            other: self.held_below(&self.other.prefix).await?,
        })
    }

    fn rejections(&self, _: Operation, state: State) -> &'static [&'static str] {
        match state {
            State::Archived => &["UserSuspended"],
            _ => &["AccessDenied"],
        }
    }
}

/// Returns the answer; fails if there was none.
fn answer<T, E>(heard: Result<T, SdkError<E>>) -> Result<Answer>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match heard {
        Ok(_) => Ok(Answer::Done(String::new())),
        Err(error) => match error.code() {
            Some(code) => Ok(Answer::Rejected(code.to_owned().into())),
            None => Err(error.into()),
        },
    }
}
