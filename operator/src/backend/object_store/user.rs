//! A tenant's user, as the gateway's metadata shows it: pure.

use std::collections::BTreeMap;

use aws_smithy_types::base64;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::password::Password;

/// The attribute that holds the policies of a user.
const POLICIES: &str = "user.rgw.user-policy";

/// What a user that was made without more may do, within its policies.
pub const OP_MASK: &str = "read, write, delete";

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct User {
    /// Whether it can't get in.
    pub suspended: bool,
    /// Whether it can make no bucket, has no other mask than the usual one, and isn't
    /// exempt from all rules.
    pub sound: bool,
    /// SHA-256, in hex, of its secret keys, by access key.
    pub keys: BTreeMap<String, String>,
    /// Its subusers' names.
    pub subusers: Vec<String>,
    /// Its rights to the admin API, such as `users=read`.
    pub capabilities: Vec<String>,
    /// Its policies' documents, by name.
    pub policies: BTreeMap<String, String>,
}

/// Reads the answer to `GET /admin/metadata/user`.
///
/// # Errors
/// It isn't what a gateway answers; says what is missing, and nothing of what is there.
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
        sound: data.max_buckets < 0 && data.op_mask == OP_MASK && !data.system && !data.admin,
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

/// The same answer with this secret key for this access key, all else as it was: for
/// `PUT /admin/metadata/user`.
///
/// # Errors
/// As [`parse`].
pub fn with_key(answer: &[u8], access_key: &str, secret: &Password) -> Result<Value, String> {
    let mut entry: Value = serde_json::from_slice(answer).map_err(|error| unexpected(&error))?;
    let data = &mut entry["data"];
    let user = data["user_id"].clone();
    let keys = data["keys"]
        .as_array_mut()
        .ok_or("it has no list of keys")?;
    keys.retain(|key| key["access_key"] != access_key);
    keys.push(json!({
        "user": user, "access_key": access_key, "secret_key": secret.expose(),
    }));
    Ok(entry)
}

/// Where an answer is wrong: the error itself may quote what it found there.
fn unexpected(error: &serde_json::Error) -> String {
    format!(
        "unexpected at line {} column {}",
        error.line(),
        error.column()
    )
}

/// The gateway stores policies as Ceph stores any map: how many there are, then name
/// and document of each, each after its length. Numbers have 32 bits, little-endian.
fn decode(attribute: &str) -> Result<BTreeMap<String, String>, String> {
    let bytes = base64::decode(attribute).map_err(|_| format!("{POLICIES} isn't Base64"))?;
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
    /// Only there if it is true.
    #[serde(default)]
    system: bool,
    /// Only there if it is true.
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

/// What is left of a secret key once it is read.
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

    /// What Ceph 16.2 answers, without what isn't looked at.
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
    fn a_user_is_read_with_its_policies_and_without_its_secret() {
        let expected = User {
            suspended: false,
            sound: true,
            keys: [("a".into(), Password::from("right".to_owned()).sha256())].into(),
            subusers: vec![],
            capabilities: vec![],
            policies: [("akili".into(), "{}".into())].into(),
        };
        assert_eq!(parsed(|_| ()), expected);
        assert!(!format!("{expected:?}").contains("right"));
    }

    #[test]
    fn a_key_is_set_and_all_else_stays() {
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
    fn what_a_tenant_must_not_have_is_seen() {
        assert!(parsed(|data| data["suspended"] = json!(1)).suspended);
        for (key, value) in [
            ("max_buckets", json!(1000)),
            ("op_mask", json!("read")),
            ("system", json!(true)),
            ("admin", json!(true)),
        ] {
            assert!(!parsed(|data| data[key] = value.clone()).sound, "{key}");
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
    fn an_answer_that_is_cut_off_shows_nothing_of_it() {
        let whole = answer().to_string();
        let end = whole.find("right").unwrap() + 3;
        let error = parse(&whole.as_bytes()[..end]).unwrap_err();
        assert!(!error.contains("rig"), "{error}");
        for attribute in ["", "!", "AQAAAA==", "AQAAAAUAAABha2w=", "AQAAAP////8="] {
            assert!(decode(attribute).is_err(), "{attribute}");
        }
    }
}
