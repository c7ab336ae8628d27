//! Calls to the gateway: S3, the admin API, and the user policies of IAM.

use akili_core::object_store::model::Marker;
use akili_core::object_store::policy::{self, NAME, marker_key};
use akili_core::object_store::user::{self, OP_MASK, User};
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

use super::error::GatewayError;
use super::service_binding::ConnectionInfo;
use super::signed::{Pairs, Signer, https};
use crate::backend::TenantKey;
use crate::backend::call::Caller;
use crate::error::Error;
use crate::metrics::Metrics;
use crate::password::Password;

/// Maximum length of an owner marker that is read.
const MAX_MARKER_BYTES: i64 = 100;

/// Client of the object store's gateway.
#[derive(Clone)]
pub struct Client {
    caller: Caller,
    pub(super) s3: aws_sdk_s3::Client,
    signer: Signer,
    access_key: String,
    pub(super) bucket: String,
}

/// A user of the admin API.
#[derive(Debug, Deserialize)]
pub struct Account {
    /// Name of the user.
    pub user_id: String,
    /// Rights to the admin API.
    pub caps: Vec<Capability>,
}

/// A right to the admin API.
#[derive(Debug, Deserialize)]
pub struct Capability {
    /// Resource of the admin API, such as `users`.
    pub r#type: String,
    /// `*`, `read` or `write`.
    pub perm: String,
}

impl Client {
    /// Creates a client that connects on first use.
    ///
    /// # Errors
    /// The certificate authority can't be parsed.
    pub fn new(
        gateway: &ConnectionInfo,
        access_key: &Password,
        secret_key: &Password,
        metrics: Metrics,
    ) -> anyhow::Result<Self> {
        let connector = https(gateway.ca.as_deref())?;
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
            .endpoint_url(&gateway.endpoint)
            .region(Region::new(gateway.region.clone()))
            .credentials_provider(keys.clone())
            .force_path_style(true)
            // Older gateways reject the newer checksums.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            // The operator has its own retries and timeouts.
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .build();
        Ok(Self {
            caller: Caller::new("object-store", "object store", metrics),
            s3: aws_sdk_s3::Client::from_conf(s3),
            signer: Signer::new(connector, gateway, keys),
            access_key: access_key.expose().to_owned(),
            bucket: gateway.bucket.clone(),
        })
    }

    /// Returns the name of the bucket that all tenants share.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Returns whether public access to the bucket is blocked, regardless of access lists.
    pub async fn is_bucket_protected(&self) -> Result<bool, Error> {
        let path = format!("/{}", self.bucket);
        // The root element of the gateway's answer differs from that of S3, and the S3 client
        // rejects it.
        let operation = format!("reading the public access block of bucket {}", self.bucket);
        let get = self.signer.send("GET", &path, &[("publicAccessBlock", "")]);
        let answer = self.call(&operation, get).await?;
        let answer = String::from_utf8_lossy(&answer);
        let is = |name: &str, value| answer.contains(&format!("<{name}>{value}</{name}>"));
        Ok(is("IgnorePublicAcls", true)
            && is("BlockPublicPolicy", true)
            && is("RestrictPublicBuckets", true)
            && is("BlockPublicAcls", false))
    }

    /// Blocks public access to the bucket.
    pub async fn protect_bucket(&self) -> Result<(), Error> {
        let block = PublicAccessBlockConfiguration::builder()
            .ignore_public_acls(true)
            .block_public_policy(true)
            .restrict_public_buckets(true)
            // With `true` the gateway rejects ordinary uploads too.
            .block_public_acls(false)
            .build();
        let protect = self
            .s3
            .put_public_access_block()
            .bucket(&self.bucket)
            .public_access_block_configuration(block)
            .send();
        let operation = format!("blocking public access to bucket {}", self.bucket);
        let protect = async { protect.await.map(drop).map_err(GatewayError::from) };
        self.call(&operation, protect).await
    }

    /// Returns the tenant's user with its policies, if the user exists. One call.
    pub async fn user(&self, tenant: &TenantKey) -> Result<Option<User>, Error> {
        let user = tenant.id.object_store_user();
        let get = async {
            let answer = self.admin("GET", "metadata/user", &[("key", &user)]).await;
            let parse = |answer: Vec<u8>| user::parse(&answer).map_err(GatewayError::NoAnswer);
            absent_if("NoSuchKey", answer)?.map(parse).transpose()
        };
        self.call(&format!("reading user {user}"), get).await
    }

    /// Creates the tenant's user, without rights and keys. An existing user stays.
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
        self.call(&format!("creating user {user}"), create).await
    }

    /// Resets the user's operation mask and bucket limit.
    pub async fn repair_user(&self, tenant: &TenantKey) -> Result<(), Error> {
        let spec = [("op-mask", OP_MASK), ("max-buckets", "-1")];
        self.change_user("POST", tenant, &spec, None).await
    }

    /// Suspends the user, or ends its suspension.
    pub async fn set_suspended(&self, tenant: &TenantKey, suspended: bool) -> Result<(), Error> {
        let suspended = if suspended { "true" } else { "false" };
        let change = [("suspended", suspended)];
        self.change_user("POST", tenant, &change, None).await
    }

    /// Sets the user's access key with this secret key. Does not send the secret in a query
    /// of the admin API, because the gateway logs queries.
    pub async fn set_key(&self, tenant: &TenantKey, secret: &Password) -> Result<(), Error> {
        let user = tenant.id.object_store_user();
        let access_key = tenant.id.object_store_access_key();
        let query = [("key", user.as_str())];
        let set = async {
            let entry = self.admin("GET", "metadata/user", &query).await?;
            let entry =
                user::with_key(&entry, &access_key, secret).map_err(GatewayError::NoAnswer)?;
            let put = self.signer.put("/admin/metadata/user", &query, &entry);
            put.await.map(drop)
        };
        self.call(&format!("setting the key of user {user}"), set)
            .await
    }

    /// Removes a key from the user.
    pub async fn remove_key(&self, tenant: &TenantKey, access_key: &str) -> Result<(), Error> {
        let key = [("key", ""), ("key-type", "s3"), ("access-key", access_key)];
        // The gateway's code for a key that no longer exists.
        let gone = Some("InvalidAccessKeyId");
        self.change_user("DELETE", tenant, &key, gone).await
    }

    /// Removes a subuser with its keys.
    pub async fn remove_subuser(&self, tenant: &TenantKey, name: &str) -> Result<(), Error> {
        let subuser = [("subuser", name), ("purge-keys", "true")];
        let gone = Some("NoSuchSubUser");
        self.change_user("DELETE", tenant, &subuser, gone).await
    }

    /// Removes a right to the admin API from the user.
    pub async fn remove_capability(&self, tenant: &TenantKey, cap: &str) -> Result<(), Error> {
        let capability = [("caps", ""), ("user-caps", cap)];
        self.change_user("DELETE", tenant, &capability, None).await
    }

    /// Changes the tenant's user. An error with the code `done` means that the change was
    /// made before.
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
                Err(error) if done.is_some_and(|word| error.has_code(word)) => Ok(()),
                answer => answer.map(drop),
            }
        };
        self.call(&format!("changing user {user}"), send).await
    }

    /// Sets the user's policy.
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

    /// Deletes a policy of the user.
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
        let operation = format!("deleting policy {name} of user {user}");
        self.call(&operation, delete).await
    }

    /// Sets the policy that lets the operator's own user list the parts of tenants' uploads.
    pub(super) async fn allow_own_user_to_list_parts(&self) -> Result<(), GatewayError> {
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

    /// Reads the owner marker of the tenant's prefix. One call.
    pub async fn marker(&self, tenant: &TenantKey) -> Result<Marker, Error> {
        let name = marker_key(tenant.id);
        let get = self.s3.get_object().bucket(&self.bucket).key(&name).send();
        let read = async {
            let object = match get.await.map_err(GatewayError::from) {
                Ok(object) => object,
                Err(error) if error.has_code("NoSuchKey") => return Ok(Marker::Missing),
                Err(error) => return Err(error),
            };
            if object
                .content_length()
                .is_none_or(|length| length > MAX_MARKER_BYTES)
            {
                return Ok(Marker::Foreign("a content that is too long".into()));
            }
            let content = object.body.collect().await;
            let content = content
                .map_err(|error| GatewayError::no_answer(&error))?
                .to_vec();
            let content = String::from_utf8_lossy(&content);
            Ok(if content.trim() == tenant.id.to_string() {
                Marker::Own
            } else {
                Marker::Foreign(content.into_owned())
            })
        };
        self.call(&format!("reading {name}"), read).await
    }

    /// Writes the owner marker of the tenant's prefix.
    pub async fn write_marker(&self, tenant: &TenantKey) -> Result<(), Error> {
        let name = marker_key(tenant.id);
        let put = self
            .s3
            .put_object()
            .bucket(&self.bucket)
            .key(&name)
            .body(ByteStream::from(tenant.id.to_string().into_bytes()))
            .send();
        let put = async { put.await.map(drop).map_err(GatewayError::from) };
        self.call(&format!("writing {name}"), put).await
    }

    /// Deletes the tenant's user. Its objects stay in the bucket.
    pub async fn delete_user(&self, tenant: &TenantKey) -> Result<(), Error> {
        self.change_user("DELETE", tenant, &[], Some("NoSuchUser"))
            .await
    }

    /// Returns the operator's own user; `None` if it may not read users.
    pub async fn own_account(&self) -> Result<Option<Account>, Error> {
        self.call("reading the operator's own user", self.account())
            .await
    }

    async fn account(&self) -> Result<Option<Account>, GatewayError> {
        let query = [("access-key", self.access_key.as_str())];
        let answer = self.admin("GET", "user", &query).await;
        parse(absent_if("AccessDenied", answer)?)
    }

    /// Returns the name of the user that owns the bucket, if the bucket exists.
    pub async fn bucket_owner(&self) -> Result<Option<String>, Error> {
        #[derive(Deserialize)]
        struct Bucket {
            owner: String,
        }
        let get = async {
            let query = [("bucket", self.bucket.as_str())];
            let answer = self.admin("GET", "bucket", &query).await;
            let bucket: Option<Bucket> = parse(absent_if("NoSuchBucket", answer)?)?;
            Ok(bucket.map(|bucket| bucket.owner))
        };
        let operation = format!("reading the owner of bucket {}", self.bucket);
        self.call(&operation, get).await
    }

    async fn admin(
        &self,
        method: &str,
        what: &str,
        query: Pairs<'_>,
    ) -> Result<Vec<u8>, GatewayError> {
        self.signer
            .send(method, &format!("/admin/{what}"), query)
            .await
    }

    pub(super) async fn call<T>(
        &self,
        operation: &str,
        call: impl Future<Output = Result<T, GatewayError>>,
    ) -> Result<T, Error> {
        let explained = async { call.await.map_err(|error| error.explain(operation)) };
        self.caller.call(operation, explained).await
    }
}

/// Returns `None` if the gateway answered with this error code.
fn absent_if(
    code: &str,
    answer: Result<Vec<u8>, GatewayError>,
) -> Result<Option<Vec<u8>>, GatewayError> {
    match answer {
        Err(error) if error.has_code(code) => Ok(None),
        answer => answer.map(Some),
    }
}

fn parse<T: for<'de> Deserialize<'de>>(answer: Option<Vec<u8>>) -> Result<Option<T>, GatewayError> {
    let parsed = answer.map(|answer| serde_json::from_slice(&answer));
    // The error may quote the answer, which contains a secret key.
    parsed
        .transpose()
        .map_err(|_| GatewayError::NoAnswer("the admin API's answer has an unexpected form".into()))
}
