//! SCRAM credentials: what users prove to know, without telling it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CString, c_int};

use rdkafka::types::{RDKafkaAdminOp as Kind, RDKafkaErrorCode};
use rdkafka_sys::rd_kafka_ScramMechanism_t as NativeMechanism;
use rdkafka_sys::{
    rd_kafka_AlterUserScramCredentials, rd_kafka_AlterUserScramCredentials_result_response_error,
    rd_kafka_AlterUserScramCredentials_result_responses, rd_kafka_DescribeUserScramCredentials,
    rd_kafka_DescribeUserScramCredentials_result_descriptions,
    rd_kafka_ScramCredentialInfo_iterations, rd_kafka_ScramCredentialInfo_t,
    rd_kafka_UserScramCredentialAlteration_destroy, rd_kafka_UserScramCredentialAlteration_t,
    rd_kafka_UserScramCredentialDeletion_new, rd_kafka_UserScramCredentialUpsertion_new,
    rd_kafka_UserScramCredentialsDescription_error,
    rd_kafka_UserScramCredentialsDescription_scramcredentialinfo,
    rd_kafka_UserScramCredentialsDescription_scramcredentialinfo_count,
    rd_kafka_UserScramCredentialsDescription_t, rd_kafka_UserScramCredentialsDescription_user,
    rd_kafka_event_AlterUserScramCredentials_result,
    rd_kafka_event_DescribeUserScramCredentials_result,
};

use super::error::{Refusal, Refused};
use super::memory::{Owned, c_text, entries, text};
use super::request::{Requests, refusal};
use crate::password::Password;

// As rdkafka-sys declares it, except that it returns the number that it does in C: a
// broker may send one that its enum doesn't have.
unsafe extern "C" {
    fn rd_kafka_ScramCredentialInfo_mechanism(
        credential: *const rd_kafka_ScramCredentialInfo_t,
    ) -> c_int;
}

/// What is known of a user's password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScramCredential {
    /// The mechanism that it is for.
    pub mechanism: Mechanism,
    /// How often it is hashed; Kafka takes 4096 to 16384.
    pub iterations: i32,
}

/// A SCRAM mechanism. `Unknown` is one that librdkafka has no name for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the words are Kafka's own")]
pub enum Mechanism {
    Sha256,
    Sha512,
    Unknown,
}

impl Mechanism {
    fn native(self) -> NativeMechanism {
        match self {
            Self::Sha256 => NativeMechanism::RD_KAFKA_SCRAM_MECHANISM_SHA_256,
            Self::Sha512 => NativeMechanism::RD_KAFKA_SCRAM_MECHANISM_SHA_512,
            Self::Unknown => NativeMechanism::RD_KAFKA_SCRAM_MECHANISM_UNKNOWN,
        }
    }

    fn of(number: c_int) -> Self {
        match number {
            1 => Self::Sha256,
            2 => Self::Sha512,
            _ => Self::Unknown,
        }
    }
}

pub fn describe(
    requests: &Requests<'_>,
    users: &[String],
) -> Result<BTreeMap<String, BTreeSet<ScramCredential>>, Refused> {
    let users = users.iter().map(|user| c_text(user, user));
    let users = users.collect::<Result<Vec<CString>, _>>()?;
    let mut pointers: Vec<_> = users.iter().map(|user| user.as_ptr()).collect();
    let (first, count) = (pointers.as_mut_ptr(), pointers.len());
    let answer = requests.ask(
        Kind::RD_KAFKA_ADMIN_OP_DESCRIBEUSERSCRAMCREDENTIALS,
        rd_kafka_event_DescribeUserScramCredentials_result,
        // SAFETY: all of it is valid; the names are copied.
        |to| unsafe {
            rd_kafka_DescribeUserScramCredentials(to.kafka, first, count, to.options, to.queue);
        },
    )?;
    let list = rd_kafka_DescribeUserScramCredentials_result_descriptions;
    // SAFETY: the answer and all in it is valid until it goes.
    let (found, refusals): (BTreeMap<_, _>, Vec<_>) = unsafe {
        let described = entries(answer.as_ptr(), list);
        let refused = described.iter().filter_map(|user| refusal_of(*user));
        let found = described.iter().map(|user| read(*user));
        (
            found
                .filter(|(_, credentials)| !credentials.is_empty())
                .collect(),
            refused.collect(),
        )
    };
    let refusals = refusals.into_iter();
    let unexpected = refusals.filter(|one| one.code != RDKafkaErrorCode::ResourceNotFound);
    Refused::unless_none(unexpected)?;
    Ok(found)
}

pub fn set(
    requests: &Requests<'_>,
    user: &str,
    credential: ScramCredential,
    password: &Password,
) -> Result<(), Refused> {
    let (name, password) = (c_text(user, user)?, password.expose().as_bytes());
    // SAFETY: name and password are copied. With an empty salt the library makes one from
    // its cryptographic random numbers.
    let alteration = unsafe {
        rd_kafka_UserScramCredentialUpsertion_new(
            name.as_ptr(),
            credential.mechanism.native(),
            credential.iterations,
            password.as_ptr(),
            password.len(),
            std::ptr::null(),
            0,
        )
    };
    Refused::unless_none(alter(requests, user, alteration)?)
}

pub fn delete(requests: &Requests<'_>, user: &str, mechanism: Mechanism) -> Result<(), Refused> {
    let name = c_text(user, user)?;
    // SAFETY: the name is copied.
    let alteration =
        unsafe { rd_kafka_UserScramCredentialDeletion_new(name.as_ptr(), mechanism.native()) };
    let refusal = alter(requests, user, alteration)?;
    Refused::unless_none(refusal.filter(|one| one.code != RDKafkaErrorCode::ResourceNotFound))
}

/// Asks for one alteration; what it is refused with, if it is.
fn alter(
    requests: &Requests<'_>,
    user: &str,
    alteration: *mut rd_kafka_UserScramCredentialAlteration_t,
) -> Result<Option<Refusal>, Refused> {
    // SAFETY: it was made for us, and is ours to destroy.
    let alteration =
        unsafe { Owned::new(alteration, rd_kafka_UserScramCredentialAlteration_destroy) };
    let alteration = alteration
        .ok_or_else(|| Refused::one(user, RDKafkaErrorCode::InvalidArgument, "no alteration"))?;
    let mut first = alteration.as_ptr();
    let answer = requests.ask(
        Kind::RD_KAFKA_ADMIN_OP_ALTERUSERSCRAMCREDENTIALS,
        rd_kafka_event_AlterUserScramCredentials_result,
        // SAFETY: all of it is valid; the alteration is copied.
        |to| unsafe {
            rd_kafka_AlterUserScramCredentials(to.kafka, &raw mut first, 1, to.options, to.queue);
        },
    )?;
    let list = rd_kafka_AlterUserScramCredentials_result_responses;
    // SAFETY: the answer and all in it is valid until it goes.
    unsafe {
        let results = entries(answer.as_ptr(), list);
        requests.expect(results.len(), 1)?;
        let error = rd_kafka_AlterUserScramCredentials_result_response_error;
        Ok(results.iter().find_map(|one| refusal(user, error(*one))))
    }
}

/// What a user of an answer is refused with, if it is.
///
/// # Safety
/// It is valid.
unsafe fn refusal_of(
    described: *const rd_kafka_UserScramCredentialsDescription_t,
) -> Option<Refusal> {
    // SAFETY: as promised.
    unsafe {
        let user = text(rd_kafka_UserScramCredentialsDescription_user(described));
        refusal(
            user,
            rd_kafka_UserScramCredentialsDescription_error(described),
        )
    }
}

/// A user of an answer, and its credentials.
///
/// # Safety
/// It is valid.
unsafe fn read(
    described: *const rd_kafka_UserScramCredentialsDescription_t,
) -> (String, BTreeSet<ScramCredential>) {
    let count = rd_kafka_UserScramCredentialsDescription_scramcredentialinfo_count;
    let nth = rd_kafka_UserScramCredentialsDescription_scramcredentialinfo;
    // SAFETY: as promised; there are so many credentials, which live as long.
    unsafe {
        let user = text(rd_kafka_UserScramCredentialsDescription_user(described));
        let credentials = (0..count(described)).map(|index| {
            let credential = nth(described, index);
            ScramCredential {
                mechanism: Mechanism::of(rd_kafka_ScramCredentialInfo_mechanism(credential)),
                iterations: rd_kafka_ScramCredentialInfo_iterations(credential),
            }
        });
        (user, credentials.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mechanisms_number_is_the_protocols() {
        for mechanism in [Mechanism::Sha256, Mechanism::Sha512, Mechanism::Unknown] {
            assert_eq!(Mechanism::of(mechanism.native() as c_int), mechanism);
        }
        assert_eq!(
            Mechanism::of(3),
            Mechanism::Unknown,
            "newer than the library"
        );
    }
}
