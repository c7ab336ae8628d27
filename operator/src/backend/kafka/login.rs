//! The login of a tenant: SCRAM-SHA-256.

use akili_kafka_admin::{Mechanism, ScramCredential};
use sha2::{Digest, Sha256};

use crate::password::Password;

/// The fewest iterations that Kafka takes, and how many its tools use.
const FEWEST: i32 = 4096;
/// How many other tools use.
const CUSTOMARY: i32 = 8192;
/// How many numbers of iterations there are to choose from.
const CHOICES: u32 = 8190;

/// Distinguishes this use of the password from others.
const LABEL: &[u8] = b"akili.io: SCRAM iterations\0";

/// What Kafka shows of a user that has this password and was made by the operator.
///
/// Kafka shows the mechanism and the number of iterations, and nothing else. So that
/// number says which password was set: it is derived from it, and never one that tools
/// use of their own accord. A password that somebody set by hand, or a Secret that was
/// changed, doesn't fit then (but once in thousands of times), and no mark is needed that
/// a crash could keep from being written. It tells 13 bits of the 256 that there are.
pub fn login(password: &Password) -> ScramCredential {
    let digest = Sha256::new()
        .chain_update(LABEL)
        .chain_update(password.expose().as_bytes())
        .finalize();
    let number = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) % CHOICES;
    let iterations = FEWEST + 1 + number.cast_signed();
    ScramCredential {
        mechanism: Mechanism::Sha256,
        iterations: iterations + i32::from(iterations >= CUSTOMARY),
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
    fn a_password_has_the_same_number_in_every_release() {
        for (password, expected) in [("right", 5808), ("wrong", 8230)] {
            assert_eq!(iterations(password), expected);
        }
    }

    #[test]
    fn numbers_are_those_that_kafka_takes_and_no_tool_uses() {
        let numbers: BTreeSet<i32> = (0..50_000).map(|n| iterations(&n.to_string())).collect();
        assert_eq!(numbers.first(), Some(&(FEWEST + 1)));
        assert_eq!(numbers.last(), Some(&12_287));
        assert!(!numbers.contains(&CUSTOMARY));
        assert!(numbers.len() > 8_000, "{} differ", numbers.len());
    }
}
