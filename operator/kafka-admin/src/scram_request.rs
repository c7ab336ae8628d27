//! SCRAM credential requests.

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

use crate::error::Error;
use crate::memory::{Owned, c_text, entries, text};
use crate::request::{Requests, entry_error};
use akili_core::kafka::scram::{Mechanism, ScramCredential};

// As rdkafka-sys declares it, except that it returns C's integer: a broker may send a
// number that the Rust enum of rdkafka-sys doesn't have, which would be undefined behaviour.
unsafe extern "C" {
    fn rd_kafka_ScramCredentialInfo_mechanism(
        credential: *const rd_kafka_ScramCredentialInfo_t,
    ) -> c_int;
}

/// Returns librdkafka's enum value.
fn native_mechanism(mechanism: Mechanism) -> NativeMechanism {
    match mechanism {
        Mechanism::Sha256 => NativeMechanism::RD_KAFKA_SCRAM_MECHANISM_SHA_256,
        Mechanism::Sha512 => NativeMechanism::RD_KAFKA_SCRAM_MECHANISM_SHA_512,
        Mechanism::Unknown => NativeMechanism::RD_KAFKA_SCRAM_MECHANISM_UNKNOWN,
    }
}

/// Returns the mechanism that the protocol gives this number.
fn mechanism_of(number: c_int) -> Mechanism {
    match number {
        1 => Mechanism::Sha256,
        2 => Mechanism::Sha512,
        _ => Mechanism::Unknown,
    }
}

pub fn describe(
    requests: &Requests<'_>,
    users: &[String],
) -> Result<BTreeMap<String, BTreeSet<ScramCredential>>, Error> {
    let users = users.iter().map(|user| c_text(user, user));
    let users = users.collect::<Result<Vec<CString>, _>>()?;
    let mut pointers: Vec<_> = users.iter().map(|user| user.as_ptr()).collect();
    let (first, count) = (pointers.as_mut_ptr(), pointers.len());
    let answer = requests.send(
        Kind::RD_KAFKA_ADMIN_OP_DESCRIBEUSERSCRAMCREDENTIALS,
        rd_kafka_event_DescribeUserScramCredentials_result,
        // SAFETY: all pointers are valid; librdkafka copies the names.
        |to| unsafe {
            rd_kafka_DescribeUserScramCredentials(to.kafka, first, count, to.options, to.queue);
        },
    )?;
    let list = rd_kafka_DescribeUserScramCredentials_result_descriptions;
    // SAFETY: the answer and its contents are valid until it is dropped.
    let (found, errors): (BTreeMap<_, _>, Vec<_>) = unsafe {
        let described = entries(answer.as_ptr(), list);
        let errors = described.iter().filter_map(|user| user_error(*user));
        let found = described.iter().map(|user| read_user(*user));
        (
            found
                .filter(|(_, credentials)| !credentials.is_empty())
                .collect(),
            errors.collect(),
        )
    };
    let errors = errors.into_iter();
    let unexpected = errors.filter(|error| error.code != RDKafkaErrorCode::ResourceNotFound);
    Error::first_of(unexpected)?;
    Ok(found)
}

pub fn set(
    requests: &Requests<'_>,
    user: &str,
    credential: ScramCredential,
    password: &str,
) -> Result<(), Error> {
    let (name, password) = (c_text(user, user)?, password.as_bytes());
    // SAFETY: librdkafka copies name and password. For an empty salt it generates one from
    // its cryptographic random numbers.
    let alteration = unsafe {
        rd_kafka_UserScramCredentialUpsertion_new(
            name.as_ptr(),
            native_mechanism(credential.mechanism),
            credential.iterations,
            password.as_ptr(),
            password.len(),
            std::ptr::null(),
            0,
        )
    };
    Error::first_of(alter(requests, user, alteration)?)
}

pub fn delete(requests: &Requests<'_>, user: &str, mechanism: Mechanism) -> Result<(), Error> {
    let name = c_text(user, user)?;
    let mechanism = native_mechanism(mechanism);
    // SAFETY: librdkafka copies the name.
    let alteration = unsafe { rd_kafka_UserScramCredentialDeletion_new(name.as_ptr(), mechanism) };
    let error = alter(requests, user, alteration)?;
    Error::first_of(error.filter(|error| error.code != RDKafkaErrorCode::ResourceNotFound))
}

/// Requests one alteration and returns the error of its entry, if there is one.
///
/// # Errors
/// The request as a whole failed.
fn alter(
    requests: &Requests<'_>,
    user: &str,
    alteration: *mut rd_kafka_UserScramCredentialAlteration_t,
) -> Result<Option<Error>, Error> {
    // SAFETY: we own the alteration, which librdkafka created for us.
    let alteration =
        unsafe { Owned::new(alteration, rd_kafka_UserScramCredentialAlteration_destroy) };
    let alteration = alteration
        .ok_or_else(|| Error::new(user, RDKafkaErrorCode::InvalidArgument, "no alteration"))?;
    let mut first = alteration.as_ptr();
    let answer = requests.send(
        Kind::RD_KAFKA_ADMIN_OP_ALTERUSERSCRAMCREDENTIALS,
        rd_kafka_event_AlterUserScramCredentials_result,
        // SAFETY: all pointers are valid; librdkafka copies the alteration.
        |to| unsafe {
            rd_kafka_AlterUserScramCredentials(to.kafka, &raw mut first, 1, to.options, to.queue);
        },
    )?;
    let list = rd_kafka_AlterUserScramCredentials_result_responses;
    // SAFETY: the answer and its contents are valid until it is dropped.
    unsafe {
        let results = entries(answer.as_ptr(), list);
        requests.expect_results(results.len(), 1)?;
        let error = rd_kafka_AlterUserScramCredentials_result_response_error;
        Ok(results
            .iter()
            .find_map(|result| entry_error(user, error(*result))))
    }
}

/// Returns the error of one user in an answer.
///
/// # Safety
/// `described` is valid.
unsafe fn user_error(
    described: *const rd_kafka_UserScramCredentialsDescription_t,
) -> Option<Error> {
    // SAFETY: guaranteed by the caller.
    unsafe {
        let user = text(rd_kafka_UserScramCredentialsDescription_user(described));
        entry_error(
            user,
            rd_kafka_UserScramCredentialsDescription_error(described),
        )
    }
}

/// Reads one user of an answer, with its credentials.
///
/// # Safety
/// `described` is valid.
unsafe fn read_user(
    described: *const rd_kafka_UserScramCredentialsDescription_t,
) -> (String, BTreeSet<ScramCredential>) {
    let count = rd_kafka_UserScramCredentialsDescription_scramcredentialinfo_count;
    let nth = rd_kafka_UserScramCredentialsDescription_scramcredentialinfo;
    // SAFETY: guaranteed by the caller; the user has `count` credentials, which live as long.
    unsafe {
        let user = text(rd_kafka_UserScramCredentialsDescription_user(described));
        let credentials = (0..count(described)).map(|index| {
            let credential = nth(described, index);
            ScramCredential {
                mechanism: mechanism_of(rd_kafka_ScramCredentialInfo_mechanism(credential)),
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
    fn mechanism_number_is_the_protocols() {
        for mechanism in [Mechanism::Sha256, Mechanism::Sha512, Mechanism::Unknown] {
            assert_eq!(
                mechanism_of(native_mechanism(mechanism) as c_int),
                mechanism
            );
        }
        assert_eq!(mechanism_of(3), Mechanism::Unknown, "newer than librdkafka");
    }
}
