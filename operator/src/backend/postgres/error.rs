//! What PostgreSQL answered, or that it didn't, as the operator's own error.

use crate::error::{Class, Error, LOGIN_REFUSED, UNREACHABLE};

/// The operator's error for a failed statement; `doing` says what it was for.
pub fn explain(doing: &str, error: &sqlx::Error) -> Error {
    let answer = error.as_database_error();
    let (class, reason, advice) = match error {
        sqlx::Error::Database(answer) => sort(answer.code().as_deref().unwrap_or_default()),
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => DOWN,
        sqlx::Error::Tls(_) | sqlx::Error::Configuration(_) => (
            Class::Operator,
            "ConnectionRefused",
            "check postgres.caFile and the server's certificate",
        ),
        _ => (Class::Transient, "UnexpectedAnswer", "it is tried again"),
    };
    let said = answer.map_or_else(|| error.to_string(), |answer| answer.message().to_owned());
    Error::new(
        class,
        reason,
        format!("PostgreSQL: {doing}: {said}; {advice}"),
    )
}

/// A class, a reason and the next step.
type Sorted = (Class, &'static str, &'static str);

const DOWN: Sorted = (
    Class::Transient,
    UNREACHABLE,
    "check that the server runs and accepts connections; it is tried again",
);

/// Sorts by SQLSTATE.
fn sort(code: &str) -> Sorted {
    match code {
        // Somebody holds a lock; the sessions of a login are still ending.
        "55P03" | "55006" => (Class::Pending, "Locked", "it is tried again"),
        "40001" | "40P01" => (Class::Transient, "Conflict", "it is tried again"),
        "57014" => (
            Class::Transient,
            "TooSlow",
            "see to an index on tenant_id, and one for each foreign key; it is tried again",
        ),
        // The server stops, starts, or has no connection left.
        "57P01" | "57P02" | "57P03" | "53300" => DOWN,
        _ if code.starts_with("08") => DOWN,
        _ if code.starts_with("28") => (
            Class::Operator,
            LOGIN_REFUSED,
            "check postgres.user and postgres.password",
        ),
        "3D000" => (Class::Operator, "NoSuchDatabase", "check postgres.database"),
        // A function, schema, table or column that isn't there; a right that is missing.
        "42883" | "3F000" | "42P01" | "42703" | "42501" => (
            Class::Operator,
            "BootstrapNeeded",
            "run the output of `akili-operator bootstrap-sql` as a superuser",
        ),
        // The registry's own rules, such as that archived is for ever.
        "23514" => (Class::Invalid, "RegistryRefused", "nothing was changed"),
        // A table without tenant_id refers to a tenant's rows.
        "23503" | "23001" => (
            Class::Invalid,
            "RowsInUse",
            "delete the rows that refer to the tenant's",
        ),
        "2BP01" => (
            Class::Invalid,
            "RoleInUse",
            "drop or reassign what the message names",
        ),
        _ => (Class::Operator, "Refused", "see the server's log"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_a_class() {
        for (code, class, reason) in [
            ("55P03", Class::Pending, "Locked"),
            ("40001", Class::Transient, "Conflict"),
            ("57014", Class::Transient, "TooSlow"),
            ("08006", Class::Transient, UNREACHABLE),
            ("57P01", Class::Transient, UNREACHABLE),
            ("57P03", Class::Transient, UNREACHABLE),
            ("53300", Class::Transient, UNREACHABLE),
            ("28P01", Class::Operator, LOGIN_REFUSED),
            ("28000", Class::Operator, LOGIN_REFUSED),
            ("3D000", Class::Operator, "NoSuchDatabase"),
            ("42883", Class::Operator, "BootstrapNeeded"),
            ("42501", Class::Operator, "BootstrapNeeded"),
            ("23514", Class::Invalid, "RegistryRefused"),
            ("23503", Class::Invalid, "RowsInUse"),
            ("2BP01", Class::Invalid, "RoleInUse"),
            ("22023", Class::Operator, "Refused"),
        ] {
            let (found, why, _) = sort(code);
            assert_eq!((found, why), (class, reason), "{code}");
        }
    }

    #[test]
    fn no_connection_is_transient_and_says_what_to_check() {
        let error = explain("reading tenants", &sqlx::Error::PoolTimedOut);
        assert_eq!((error.class, error.reason), (Class::Transient, UNREACHABLE));
        assert!(error.message.starts_with("PostgreSQL: reading tenants: "));
        assert!(error.message.contains("check that the server runs"));
    }
}
