//! What PostgreSQL answered, or that it didn't, as the operator's own error.

use crate::error::{Error, Reason};

/// The operator's error for a failed statement; `doing` says what it was for.
pub fn explain(doing: &str, error: &sqlx::Error) -> Error {
    let answer = error.as_database_error();
    let (reason, advice) = match error {
        sqlx::Error::Database(answer) => sort(answer.code().as_deref().unwrap_or_default()),
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => DOWN,
        sqlx::Error::Tls(_) | sqlx::Error::Configuration(_) => (
            Reason::ConnectionRefused,
            "check postgres.caFile and the server's certificate",
        ),
        _ => (Reason::UnexpectedAnswer, "it is tried again"),
    };
    let said = answer.map_or_else(|| error.to_string(), |answer| answer.message().to_owned());
    Error::new(reason, format!("PostgreSQL: {doing}: {said}; {advice}"))
}

/// A class, a reason and the next step.
type Sorted = (Reason, &'static str);

const DOWN: Sorted = (
    Reason::Unreachable,
    "check that the server runs and accepts connections; it is tried again",
);

/// Sorts by SQLSTATE.
fn sort(code: &str) -> Sorted {
    match code {
        // Somebody holds a lock; the sessions of a login are still ending.
        "55P03" | "55006" => (Reason::Locked, "it is tried again"),
        "40001" | "40P01" => (Reason::Conflict, "it is tried again"),
        "57014" => (
            Reason::TooSlow,
            "see to an index on tenant_id, and one for each foreign key; it is tried again",
        ),
        // The server stops, starts, or has no connection left.
        "57P01" | "57P02" | "57P03" | "53300" => DOWN,
        _ if code.starts_with("08") => DOWN,
        _ if code.starts_with("28") => (
            Reason::LoginRefused,
            "check postgres.user and postgres.password",
        ),
        "3D000" => (Reason::NoSuchDatabase, "check postgres.database"),
        // A function, schema, table or column that isn't there; a right that is missing.
        "42883" | "3F000" | "42P01" | "42703" | "42501" => (
            Reason::BootstrapNeeded,
            "run the output of `akili-operator bootstrap-sql` as a superuser",
        ),
        // The registry's own rules, such as that archived is for ever.
        "23514" => (Reason::RegistryRefused, "nothing was changed"),
        // A table without tenant_id refers to a tenant's rows.
        "23503" | "23001" => (
            Reason::RowsInUse,
            "delete the rows that refer to the tenant's",
        ),
        "2BP01" => (Reason::RoleInUse, "drop or reassign what the message names"),
        _ => (Reason::Refused, "see the server's log"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Class;

    #[test]
    fn answers_have_a_class() {
        for (code, class, reason) in [
            ("55P03", Class::Pending, Reason::Locked),
            ("40001", Class::Transient, Reason::Conflict),
            ("57014", Class::Transient, Reason::TooSlow),
            ("08006", Class::Transient, Reason::Unreachable),
            ("57P01", Class::Transient, Reason::Unreachable),
            ("57P03", Class::Transient, Reason::Unreachable),
            ("53300", Class::Transient, Reason::Unreachable),
            ("28P01", Class::Operator, Reason::LoginRefused),
            ("28000", Class::Operator, Reason::LoginRefused),
            ("3D000", Class::Operator, Reason::NoSuchDatabase),
            ("42883", Class::Operator, Reason::BootstrapNeeded),
            ("42501", Class::Operator, Reason::BootstrapNeeded),
            ("23514", Class::Invalid, Reason::RegistryRefused),
            ("23503", Class::Invalid, Reason::RowsInUse),
            ("2BP01", Class::Invalid, Reason::RoleInUse),
            ("22023", Class::Operator, Reason::Refused),
        ] {
            let (found, _) = sort(code);
            assert_eq!((found.class(), found), (class, reason), "{code}");
        }
    }

    #[test]
    fn no_connection_is_transient_and_says_what_to_check() {
        let error = explain("reading tenants", &sqlx::Error::PoolTimedOut);
        assert_eq!(
            (error.class(), error.reason),
            (Class::Transient, Reason::Unreachable)
        );
        assert!(error.message.starts_with("PostgreSQL: reading tenants: "));
        assert!(error.message.contains("check that the server runs"));
    }
}
