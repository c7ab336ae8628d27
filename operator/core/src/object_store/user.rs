//! A tenant's user, as the gateway's metadata API returns it. Pure.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Password;

/// Attribute that holds the policies of a user.
const POLICIES: &str = "user.rgw.user-policy";

/// Operation mask of a user that was created without one: no limit beyond its policies.
pub const OP_MASK: &str = "read, write, delete";

/// A user of the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct User {
    /// True if the gateway rejects the user's requests.
    pub suspended: bool,
    /// True if the user can't create buckets, has the default operation mask, and isn't a
    /// system or admin user, which are exempt from policies.
    pub matches_spec: bool,
    /// SHA-256, in hex, of each secret key, by access key.
    pub keys: BTreeMap<String, String>,
    /// Names of the user's subusers.
    pub subusers: Vec<String>,
    /// Rights to the admin API, such as `users=read`.
    pub capabilities: Vec<String>,
    /// Policy documents, by name.
    pub policies: BTreeMap<String, String>,
}

/// Parses the answer to `GET /admin/metadata/user`.
///
/// # Errors
/// The answer has another form. The error names the position, and never quotes content.
pub fn parse(answer: &[u8]) -> Result<User, String> {
    let answer: Answer = serde_json::from_slice(answer).map_err(|error| unexpected(&error))?;
    let data = answer.data;
    let policies = data
        .attrs
        .iter()
        .find(|attribute| attribute.key == POLICIES);
    let policies = policies.map(|attribute| decode(&attribute.val));
    Ok(User {
        suspended: data.suspended != 0,
        matches_spec: data.max_buckets < 0
            && data.op_mask == OP_MASK
            && !data.system
            && !data.admin,
        keys: data
            .keys
            .into_iter()
            .map(|key| (key.access_key, key.secret_key.0))
            .collect(),
        subusers: data
            .subusers
            .into_iter()
            .map(|subuser| subuser.id)
            .collect(),
        capabilities: data
            .caps
            .into_iter()
            .map(|cap| format!("{}={}", cap.r#type, cap.perm))
            .collect(),
        policies: policies.transpose()?.unwrap_or_default(),
    })
}

/// Returns the same answer with this secret key for this access key and all else unchanged,
/// for `PUT /admin/metadata/user`.
///
/// # Errors
/// As [`parse`].
pub fn with_key(answer: &[u8], access_key: &str, secret: &Password) -> Result<Value, String> {
    let mut entry: Value = serde_json::from_slice(answer).map_err(|error| unexpected(&error))?;
    let data = &mut entry["data"];
    let user = data["user_id"].clone();
    let keys = data["keys"]
        .as_array_mut()
        .ok_or("the answer has no list of keys")?;
    keys.retain(|key| key["access_key"] != access_key);
    keys.push(json!({
        "user": user, "access_key": access_key, "secret_key": secret.expose(),
    }));
    Ok(entry)
}

/// Returns the position of a parse error. The error itself may quote a secret.
fn unexpected(error: &serde_json::Error) -> String {
    format!(
        "unexpected at line {} column {}",
        error.line(),
        error.column()
    )
}

/// Decodes the policies of a user. The gateway stores them as Ceph encodes any map: the
/// number of entries, then name and document of each, each preceded by its length. Numbers
/// have 32 bits, little-endian.
fn decode(attribute: &str) -> Result<BTreeMap<String, String>, String> {
    let bytes = STANDARD
        .decode(attribute)
        .map_err(|_| format!("{POLICIES} isn't Base64"))?;
    map(&bytes).ok_or_else(|| format!("{POLICIES} isn't a map"))
}

fn map(mut rest: &[u8]) -> Option<BTreeMap<String, String>> {
    let count = number(&mut rest)?;
    (0..count)
        .map(|_| Some((text(&mut rest)?, text(&mut rest)?)))
        .collect()
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (number, others) = rest.split_first_chunk()?;
    *rest = others;
    Some(u32::from_le_bytes(*number))
}

fn text(rest: &mut &[u8]) -> Option<String> {
    let length = usize::try_from(number(rest)?).ok()?;
    let (text, others) = rest.split_at_checked(length)?;
    *rest = others;
    String::from_utf8(text.to_vec()).ok()
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    suspended: u8,
    max_buckets: i64,
    subusers: Vec<Subuser>,
    keys: Vec<Key>,
    caps: Vec<Capability>,
    op_mask: String,
    /// Present only if true.
    #[serde(default)]
    system: bool,
    /// Present only if true.
    #[serde(default)]
    admin: bool,
    #[serde(default)]
    attrs: Vec<Attribute>,
}

#[derive(Deserialize)]
struct Subuser {
    id: String,
}

#[derive(Deserialize)]
struct Key {
    access_key: String,
    secret_key: Digest,
}

/// SHA-256, in hex, of a secret key; the key itself is dropped while parsing.
#[derive(Deserialize)]
#[serde(from = "String")]
struct Digest(String);

impl From<String> for Digest {
    fn from(secret: String) -> Self {
        Self(Password::from(secret).sha256())
    }
}

#[derive(Deserialize)]
struct Capability {
    r#type: String,
    perm: String,
}

#[derive(Deserialize)]
struct Attribute {
    key: String,
    val: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answer of Ceph 16.2, without the fields that are not read.
    fn answer() -> Value {
        json!({"key": "user:tenant-1", "data": {
            "user_id": "tenant-1", "suspended": 0, "max_buckets": -1, "subusers": [],
            "keys": [{"user": "tenant-1", "access_key": "a", "secret_key": "right"}],
            "swift_keys": [], "caps": [], "op_mask": "read, write, delete",
            "attrs": [{"key": POLICIES, "val": "AQAAAAUAAABha2lsaQIAAAB7fQ=="}],
        }})
    }

    fn parsed(change: impl Fn(&mut Value)) -> User {
        let mut answer = answer();
        change(&mut answer["data"]);
        parse(answer.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn user_is_parsed_with_policies_and_without_secret() {
        let expected = User {
            suspended: false,
            matches_spec: true,
            keys: [("a".into(), Password::from("right".to_owned()).sha256())].into(),
            subusers: vec![],
            capabilities: vec![],
            policies: [("akili".into(), "{}".into())].into(),
        };
        assert_eq!(parsed(|_| ()), expected);
        assert!(!format!("{expected:?}").contains("right"));
    }

    #[test]
    fn with_key_replaces_only_the_key() {
        let answer = answer();
        let set = |access_key, secret: &str| {
            let secret = Password::from(secret.to_owned());
            with_key(answer.to_string().as_bytes(), access_key, &secret).unwrap()
        };
        assert_eq!(set("a", "right"), answer);
        let keys = set("b", "new")["data"]["keys"].clone();
        let new = json!({"user": "tenant-1", "access_key": "b", "secret_key": "new"});
        assert_eq!(keys, json!([answer["data"]["keys"][0], new]));
    }

    #[test]
    fn user_parse_detects_every_deviation() {
        assert!(parsed(|data| data["suspended"] = json!(1)).suspended);
        for (key, value) in [
            ("max_buckets", json!(1000)),
            ("op_mask", json!("read")),
            ("system", json!(true)),
            ("admin", json!(true)),
        ] {
            assert!(
                !parsed(|data| data[key] = value.clone()).matches_spec,
                "{key}"
            );
        }
        let more = parsed(|data| {
            data["caps"] = json!([{"type": "users", "perm": "read"}]);
            data["subusers"] = json!([{"id": "tenant-1:sub", "permissions": "full-control"}]);
            data["attrs"] = json!([]);
        });
        assert_eq!(more.capabilities, ["users=read"]);
        assert_eq!(more.subusers, ["tenant-1:sub"]);
        assert_eq!(more.policies, BTreeMap::new());
    }

    #[test]
    fn parse_error_of_truncated_answer_quotes_nothing() {
        let whole = answer().to_string();
        let end = whole.find("right").unwrap() + 3;
        let error = parse(&whole.as_bytes()[..end]).unwrap_err();
        assert!(!error.contains("rig"), "{error}");
        for attribute in ["", "!", "AQAAAA==", "AQAAAAUAAABha2w=", "AQAAAP////8="] {
            assert!(decode(attribute).is_err(), "{attribute}");
        }
    }
}
