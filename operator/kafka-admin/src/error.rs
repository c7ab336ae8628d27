//! Errors of admin requests.

use std::fmt;

use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};

/// A failed request, or the failed entries of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    /// The request, or the entry of it that failed first, such as an ACL or a user.
    pub subject: String,
    /// The broker's code, or librdkafka's own when no broker answered.
    pub code: RDKafkaErrorCode,
    /// The broker's or librdkafka's message.
    pub message: String,
    /// Number of further entries that failed.
    pub others: usize,
}

impl Error {
    /// Creates the error of a single subject.
    pub fn new(
        subject: impl fmt::Display,
        code: RDKafkaErrorCode,
        message: impl fmt::Display,
    ) -> Self {
        Self {
            subject: subject.to_string(),
            code,
            message: message.to_string(),
            others: 0,
        }
    }

    /// Returns the first error of a request's entries and counts the others.
    ///
    /// # Errors
    /// At least one entry failed.
    pub(crate) fn first_of(errors: impl IntoIterator<Item = Self>) -> Result<(), Self> {
        let mut errors = errors.into_iter();
        match errors.next() {
            None => Ok(()),
            Some(first) => Err(Self {
                others: errors.count(),
                ..first
            }),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.message)?;
        match self.others {
            0 => Ok(()),
            others => write!(f, " (and {others} more)"),
        }
    }
}

/// Returns the code of an error number; `None` for 0, which means success. A number that
/// librdkafka has no name for, because the broker is newer, is an unknown error.
pub(crate) fn code(number: i32) -> Option<RDKafkaErrorCode> {
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
    fn code_unknown_number_is_unknown_error() {
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
    fn error_names_first_entry_and_counts_the_others() {
        let error = |subject: &str| Error::new(subject, RDKafkaErrorCode::SecurityDisabled, "no");
        assert_eq!(Error::first_of([]), Ok(()));
        let one = Error::first_of([error("a")]).unwrap_err();
        assert_eq!(one.to_string(), "a: no");
        let three = Error::first_of(["a", "b", "c"].map(error)).unwrap_err();
        assert_eq!(three.to_string(), "a: no (and 2 more)");
    }
}
