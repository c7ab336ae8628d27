//! Generated passwords.

pub use akili_core::Password;
use rand::distr::{Alphanumeric, SampleString};

/// Length of a generated password; with 62 letters and digits about 256 bits.
const LENGTH: usize = 43;

/// Generates a random password of letters and digits.
pub fn random() -> Password {
    Password::from(Alphanumeric.sample_string(&mut rand::rng(), LENGTH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_passwords_are_long_and_differ() {
        let (one, other) = (random(), random());
        assert_eq!(one.expose().len(), LENGTH);
        assert_ne!(one, other);
    }
}
