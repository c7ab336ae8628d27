//! SCRAM-SHA-256 credential of a tenant's password. Pure.

use sha2::{Digest, Sha256};

use super::scram::{Mechanism, ScramCredential};
use crate::Password;

/// Kafka's minimum of iterations, and the default of its tools.
const MIN_ITERATIONS: i32 = 4096;
/// Default of other tools.
const OTHER_DEFAULT: i32 = 8192;
/// Number of iteration counts to choose from.
const CHOICES: u32 = 8190;

/// Domain separator: other hashes of the password differ.
const LABEL: &[u8] = b"akili.io: SCRAM iterations\0";

/// Returns the credential that Kafka shows for a user whose password the operator set.
///
/// Kafka shows only the mechanism and the number of iterations. The operator derives that
/// number from the password, and avoids the defaults of tools, so that the number shows
/// which password was set. A password that was set by hand, or a Secret that was changed,
/// doesn't match (except once in thousands of times). No mark is needed that a crash could
/// prevent. The number reveals 13 of the password's 256 bits.
pub fn login(password: &Password) -> ScramCredential {
    let digest = Sha256::new()
        .chain_update(LABEL)
        .chain_update(password.expose().as_bytes())
        .finalize();
    let number = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) % CHOICES;
    let iterations = MIN_ITERATIONS + 1 + number.cast_signed();
    ScramCredential {
        mechanism: Mechanism::Sha256,
        iterations: iterations + i32::from(iterations >= OTHER_DEFAULT),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn iterations(password: &str) -> i32 {
        login(&Password::from(password.to_owned())).iterations
    }

    #[test]
    fn iterations_of_password_stay_the_same_in_every_release() {
        for (password, expected) in [("right", 5808), ("wrong", 8230)] {
            assert_eq!(iterations(password), expected);
        }
    }

    #[test]
    fn iterations_are_valid_and_no_tools_default() {
        let numbers: BTreeSet<i32> = (0..50_000).map(|n| iterations(&n.to_string())).collect();
        assert_eq!(numbers.first(), Some(&(MIN_ITERATIONS + 1)));
        assert_eq!(numbers.last(), Some(&12_287));
        assert!(!numbers.contains(&OTHER_DEFAULT));
        assert!(numbers.len() > 8_000, "{} differ", numbers.len());
    }
}
