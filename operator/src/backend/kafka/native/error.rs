//! What was refused.

use std::fmt;

use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};

/// Why one thing failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What it is about: the request, or an entry of it such as an ACL or a user.
    pub about: String,
    /// The broker's code, or the library's own when there was no answer.
    pub code: RDKafkaErrorCode,
    /// What the broker, or the library, says of it.
    pub text: String,
}

/// A request that failed, or the entries of it that did.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Refused {
    /// The one that tells the kind of the error.
    pub first: Refusal,
    /// The others.
    pub others: Vec<Refusal>,
}

impl Refused {
    /// A single one.
    pub(super) fn one(
        about: impl fmt::Display,
        code: RDKafkaErrorCode,
        text: impl fmt::Display,
    ) -> Self {
        Self {
            first: Refusal {
                about: about.to_string(),
                code,
                text: text.to_string(),
            },
            others: Vec::new(),
        }
    }

    /// An error, if something was refused.
    pub(super) fn unless_none(refusals: impl IntoIterator<Item = Refusal>) -> Result<(), Self> {
        let mut refusals = refusals.into_iter();
        match refusals.next() {
            None => Ok(()),
            Some(first) => Err(Self {
                first,
                others: refusals.collect(),
            }),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.about, self.text)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        match self.others.len() {
            0 => Ok(()),
            others => write!(f, " (and {others} more)"),
        }
    }
}

/// The code of an error; none if the number says that there is no error. A number that
/// the library has no name for, for the broker may be newer, is an unknown error.
pub(super) fn code(number: i32) -> Option<RDKafkaErrorCode> {
    if number == 0 {
        return None;
    }
    let known = RDKafkaRespErr::try_from(number);
    Some(known.map_or(RDKafkaErrorCode::Unknown, RDKafkaErrorCode::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_code() {
        for (number, expected) in [
            (0, None),
            (-185, Some(RDKafkaErrorCode::OperationTimedOut)),
            (31, Some(RDKafkaErrorCode::ClusterAuthorizationFailed)),
            (91, Some(RDKafkaErrorCode::ResourceNotFound)),
            (-1, Some(RDKafkaErrorCode::Unknown)),
            (12_345, Some(RDKafkaErrorCode::Unknown)),
        ] {
            assert_eq!(code(number), expected, "{number}");
        }
    }

    #[test]
    fn an_error_names_the_first_entry_and_counts_the_others() {
        let refusal = |about: &str| Refusal {
            about: about.to_owned(),
            code: RDKafkaErrorCode::SecurityDisabled,
            text: "no".to_owned(),
        };
        assert_eq!(Refused::unless_none([]), Ok(()));
        let one = Refused::unless_none([refusal("a")]).unwrap_err();
        assert_eq!(one.to_string(), "a: no");
        let three = Refused::unless_none(["a", "b", "c"].map(refusal)).unwrap_err();
        assert_eq!(three.to_string(), "a: no (and 2 more)");
    }
}
