//! The calls that the operator makes to the gateway: S3, its admin API, and IAM's
//! policies of users.

use aws_credential_types::Credentials;
use aws_sdk_s3::config::{
    BehaviorVersion, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::PublicAccessBlockConfiguration;
use aws_smithy_runtime_api::client::http::http_client_fn;
use serde::Deserialize;
use serde_json::Value;

use super::binding::Address;
use super::diff::Marker;
use super::error::Failure;
use super::policy::{self, NAME, marker};
use super::signed::{Pairs, Signer, https};
use super::user::{self, OP_MASK, User};
use crate::backend::TenantKey;
use crate::backend::access::Access;
use crate::error::Error;
use crate::metrics::Metrics;
use crate::password::Password;

/// The longest content of a marker that is looked at.
const LONGEST_MARKER: i64 = 100;

/// The operator's way to the object store.
#[derive(Clone)]
pub struct Client {
    access: Access,
    pub(super) s3: aws_sdk_s3::Client,
    signer: Signer,
    access_key: String,
    pub(super) bucket: String,
}

/// The operator's own user, or another's.
#[derive(Debug, Deserialize)]
pub struct Account {
    /// Its name.
    pub user_id: String,
    /// What it may do in the admin API.
    pub caps: Vec<Capability>,
}

/// A right to the admin API.
#[derive(Debug, Deserialize)]
pub struct Capability {
    /// To what, such as `users`.
    pub r#type: String,
    /// `*`, `read` or `write`.
    pub perm: String,
}

impl Client {
    /// A client that connects when it is first used.
    ///
    /// # Errors
    /// The certificate authority isn't one.
    pub fn new(
        address: &Address,
        access_key: &Password,
        secret_key: &Password,
        metrics: Metrics,
    ) -> anyhow::Result<Self> {
        let connector = https(address.ca.as_deref())?;
        let keys = Credentials::new(
            access_key.expose(),
            secret_key.expose(),
            None,
            None,
            "configuration",
        );
        let shared = connector.clone();
        let s3 = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http_client_fn(move |_, _| shared.clone()))
            .endpoint_url(&address.endpoint)
            .region(Region::new(address.region.clone()))
            .credentials_provider(keys.clone())
            .force_path_style(true)
            // Older gateways know no others.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            // Both are for the operator to decide.
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .build();
        Ok(Self {
            access: Access::new("object-store", "object store", metrics),
            s3: aws_sdk_s3::Client::from_conf(s3),
            signer: Signer::new(connector, address, keys),
            access_key: access_key.expose().to_owned(),
            bucket: address.bucket.clone(),
        })
    }

    /// The bucket that all tenants share.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Whether the bucket is closed to the public, whatever access lists say.
    pub async fn is_protected(&self) -> Result<bool, Error> {
        let path = format!("/{}", self.bucket);
        // The gateway's answer begins with another element than S3's, which the S3
        // client doesn't take.
        let doing = format!("looking at bucket {}", self.bucket);
        let look = self.signer.send("GET", &path, &[("publicAccessBlock", "")]);
        let answer = self.call(&doing, look).await?;
        let answer = String::from_utf8_lossy(&answer);
        let is = |name: &str, value| answer.contains(&format!("<{name}>{value}</{name}>"));
        Ok(is("IgnorePublicAcls", true)
            && is("BlockPublicPolicy", true)
            && is("RestrictPublicBuckets", true)
            && is("BlockPublicAcls", false))
    }

    /// Closes the bucket to the public.
    pub async fn protect(&self) -> Result<(), Error> {
        let block = PublicAccessBlockConfiguration::builder()
            .ignore_public_acls(true)
            .block_public_policy(true)
            .restrict_public_buckets(true)
            // The gateway would refuse ordinary uploads too.
            .block_public_acls(false)
            .build();
        let protect = self
            .s3
            .put_public_access_block()
            .bucket(&self.bucket)
            .public_access_block_configuration(block)
            .send();
        let doing = format!("closing bucket {} to the public", self.bucket);
        let protect = async { protect.await.map(drop).map_err(Failure::from) };
        self.call(&doing, protect).await
    }

    /// The tenant's user, with its policies, if there is one. One call.
    pub async fn user(&self, tenant: &TenantKey) -> Result<Option<User>, Error> {
        let user = tenant.id.object_store_user();
        let look = async {
            let answer = self.admin("GET", "metadata/user", &[("key", &user)]).await;
            let parse = |answer: Vec<u8>| user::parse(&answer).map_err(Failure::NoAnswer);
            absent_if("NoSuchKey", answer)?.map(parse).transpose()
        };
        self.call(&format!("reading user {user}"), look).await
    }

    /// Makes the tenant's user, which has no right and no key. One that is there stays.
    pub async fn create_user(&self, tenant: &TenantKey) -> Result<(), Error> {
        let user = tenant.id.object_store_user();
        let name = format!("Akili tenant {}", tenant.slug);
        let query = [
            ("uid", user.as_str()),
            ("display-name", &name),
            ("max-buckets", "-1"),
            ("generate-key", "false"),
        ];
        let create = async {
            let answer = self.admin("PUT", "user", &query).await;
            absent_if("UserAlreadyExists", answer).map(drop)
        };
        self.call(&format!("making user {user}"), create).await
    }

    /// Makes the user's mask and its number of buckets what they should be.
    pub async fn mend_user(&self, tenant: &TenantKey) -> Result<(), Error> {
        let sound = [("op-mask", OP_MASK), ("max-buckets", "-1")];
        self.change_user("POST", tenant, &sound, None).await
    }

    /// Lets the user in, or not.
    pub async fn suspend(&self, tenant: &TenantKey, suspended: bool) -> Result<(), Error> {
        let suspended = if suspended { "true" } else { "false" };
        let change = [("suspended", suspended)];
        self.change_user("POST", tenant, &change, None).await
    }

    /// Gives the user its access key with this secret key. Not by a query of the admin
    /// API, which the gateway writes into its log.
    pub async fn set_key(&self, tenant: &TenantKey, secret: &Password) -> Result<(), Error> {
        let user = tenant.id.object_store_user();
        let access_key = tenant.id.object_store_access_key();
        let query = [("key", user.as_str())];
        let set = async {
            let entry = self.admin("GET", "metadata/user", &query).await?;
            let entry = user::with_key(&entry, &access_key, secret).map_err(Failure::NoAnswer)?;
            let put = self.signer.put("/admin/metadata/user", &query, &entry);
            put.await.map(drop)
        };
        self.call(&format!("setting the key of user {user}"), set)
            .await
    }

    /// Takes a key from the user.
    pub async fn remove_key(&self, tenant: &TenantKey, access_key: &str) -> Result<(), Error> {
        let key = [("key", ""), ("key-type", "s3"), ("access-key", access_key)];
        // What the gateway says of a key that is gone already.
        let gone = Some("InvalidAccessKeyId");
        self.change_user("DELETE", tenant, &key, gone).await
    }

    /// Takes a subuser from the user, with its keys.
    pub async fn remove_subuser(&self, tenant: &TenantKey, name: &str) -> Result<(), Error> {
        let subuser = [("subuser", name), ("purge-keys", "true")];
        let gone = Some("NoSuchSubUser");
        self.change_user("DELETE", tenant, &subuser, gone).await
    }

    /// Takes a right to the admin API from the user.
    pub async fn remove_capability(&self, tenant: &TenantKey, cap: &str) -> Result<(), Error> {
        let capability = [("caps", ""), ("user-caps", cap)];
        self.change_user("DELETE", tenant, &capability, None).await
    }

    /// Changes what there is of the tenant's user, unless this word says that it was
    /// done before.
    async fn change_user(
        &self,
        method: &str,
        tenant: &TenantKey,
        change: Pairs<'_>,
        done: Option<&str>,
    ) -> Result<(), Error> {
        let user = tenant.id.object_store_user();
        let query = [&[("uid", user.as_str())], change].concat();
        let send = async {
            match self.admin(method, "user", &query).await {
                Err(failure) if done.is_some_and(|word| failure.is(word)) => Ok(()),
                answer => answer.map(drop),
            }
        };
        self.call(&format!("changing user {user}"), send).await
    }

    /// Gives the user its policy.
    pub async fn put_policy(&self, tenant: &TenantKey, document: &Value) -> Result<(), Error> {
        let (user, document) = (tenant.id.object_store_user(), document.to_string());
        let form = [
            ("Action", "PutUserPolicy"),
            ("UserName", user.as_str()),
            ("PolicyName", NAME),
            ("PolicyDocument", &document),
        ];
        let put = async { self.signer.post(&form).await.map(drop) };
        self.call(&format!("setting the policy of user {user}"), put)
            .await
    }

    /// Takes a policy from the user.
    pub async fn delete_policy(&self, tenant: &TenantKey, name: &str) -> Result<(), Error> {
        let user = tenant.id.object_store_user();
        let form = [
            ("Action", "DeleteUserPolicy"),
            ("UserName", user.as_str()),
            ("PolicyName", name),
        ];
        let delete = async {
            let answer = self.signer.post(&form).await;
            absent_if("NoSuchEntity", answer).map(drop)
        };
        let doing = format!("taking policy {name} from user {user}");
        self.call(&doing, delete).await
    }

    /// Lets the operator's own user see the parts of uploads that others began.
    pub(super) async fn let_itself_list_parts(&self) -> Result<(), Failure> {
        let own = self.account().await?;
        let own = own.map(|account| account.user_id).unwrap_or_default();
        let document = policy::measuring(&self.bucket).to_string();
        let form = [
            ("Action", "PutUserPolicy"),
            ("UserName", own.as_str()),
            ("PolicyName", policy::MEASURING),
            ("PolicyDocument", &document),
        ];
        self.signer.post(&form).await.map(drop)
    }

    /// Whose the tenant's prefix is. One call.
    pub async fn marker(&self, tenant: &TenantKey) -> Result<Marker, Error> {
        let name = marker(tenant.id);
        let get = self.s3.get_object().bucket(&self.bucket).key(&name).send();
        let look = async {
            let object = match get.await.map_err(Failure::from) {
                Ok(object) => object,
                Err(failure) if failure.is("NoSuchKey") => return Ok(Marker::Missing),
                Err(failure) => return Err(failure),
            };
            if object
                .content_length()
                .is_none_or(|length| length > LONGEST_MARKER)
            {
                return Ok(Marker::Another("something else".into()));
            }
            let content = object.body.collect().await;
            let content = content
                .map_err(|error| Failure::no_answer(&error))?
                .to_vec();
            let content = String::from_utf8_lossy(&content);
            Ok(if content.trim() == tenant.id.to_string() {
                Marker::Own
            } else {
                Marker::Another(content.into_owned())
            })
        };
        self.call(&format!("reading {name}"), look).await
    }

    /// Says that the tenant's prefix is the tenant's.
    pub async fn write_marker(&self, tenant: &TenantKey) -> Result<(), Error> {
        let name = marker(tenant.id);
        let put = self
            .s3
            .put_object()
            .bucket(&self.bucket)
            .key(&name)
            .body(ByteStream::from(tenant.id.to_string().into_bytes()))
            .send();
        let put = async { put.await.map(drop).map_err(Failure::from) };
        self.call(&format!("writing {name}"), put).await
    }

    /// Deletes the tenant's user. What it uploaded is the bucket's.
    pub async fn delete_user(&self, tenant: &TenantKey) -> Result<(), Error> {
        self.change_user("DELETE", tenant, &[], Some("NoSuchUser"))
            .await
    }

    /// The operator's own user; none if it may not even look.
    pub async fn own_account(&self) -> Result<Option<Account>, Error> {
        self.call("reading the operator's own user", self.account())
            .await
    }

    async fn account(&self) -> Result<Option<Account>, Failure> {
        let query = [("access-key", self.access_key.as_str())];
        let answer = self.admin("GET", "user", &query).await;
        read(absent_if("AccessDenied", answer)?)
    }

    /// The name of the user that owns the bucket, if there is a bucket.
    pub async fn owner(&self) -> Result<Option<String>, Error> {
        #[derive(Deserialize)]
        struct Bucket {
            owner: String,
        }
        let look = async {
            let query = [("bucket", self.bucket.as_str())];
            let answer = self.admin("GET", "bucket", &query).await;
            let bucket: Option<Bucket> = read(absent_if("NoSuchBucket", answer)?)?;
            Ok(bucket.map(|bucket| bucket.owner))
        };
        let doing = format!("asking whose bucket {} is", self.bucket);
        self.call(&doing, look).await
    }

    async fn admin(&self, method: &str, what: &str, query: Pairs<'_>) -> Result<Vec<u8>, Failure> {
        self.signer
            .send(method, &format!("/admin/{what}"), query)
            .await
    }

    pub(super) async fn call<T>(
        &self,
        doing: &str,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Error> {
        let explained = async { call.await.map_err(|failure| failure.explain(doing)) };
        self.access.call(doing, explained).await
    }
}

/// That it isn't there, if that is what the gateway says with this word.
fn absent_if(word: &str, answer: Result<Vec<u8>, Failure>) -> Result<Option<Vec<u8>>, Failure> {
    match answer {
        Err(failure) if failure.is(word) => Ok(None),
        answer => answer.map(Some),
    }
}

fn read<T: for<'de> Deserialize<'de>>(answer: Option<Vec<u8>>) -> Result<Option<T>, Failure> {
    let read = answer.map(|answer| serde_json::from_slice(&answer));
    // Its words may quote the answer, in which there is a key.
    read.transpose()
        .map_err(|_| Failure::NoAnswer("an answer that isn't as the admin API's is".into()))
}
