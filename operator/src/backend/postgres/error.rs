//! Errors of PostgreSQL as errors of the operator: reason and advice by SQLSTATE.

use crate::error::{Error, Reason};

/// Returns the operator's error for a failed statement of `operation`.
pub fn explain(operation: &str, error: &sqlx::Error) -> Error {
    let answer = error.as_database_error();
    let (reason, advice) = match error {
        sqlx::Error::Database(answer) => classify(answer.code().as_deref().unwrap_or_default()),
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => DOWN,
        sqlx::Error::Tls(_) | sqlx::Error::Configuration(_) => (
            Reason::ConnectionRefused,
            "check postgres.caFile and the server's certificate",
        ),
        _ => (Reason::UnexpectedAnswer, "retrying"),
    };
    let cause = answer.map_or_else(|| error.to_string(), |answer| answer.message().to_owned());
    Error::new(
        reason,
        format!("PostgreSQL: {operation}: {cause}; {advice}"),
    )
}

/// A reason and the advice for it.
type Classified = (Reason, &'static str);

const DOWN: Classified = (
    Reason::Unreachable,
    "check that the server runs and accepts connections; retrying",
);

/// Classifies an error by its SQLSTATE.
fn classify(code: &str) -> Classified {
    match code {
        // Another session holds a lock, or sessions of the login are still ending.
        "55P03" | "55006" => (Reason::Locked, "retrying"),
        "40001" | "40P01" => (Reason::Conflict, "retrying"),
        "57014" => (
            Reason::TooSlow,
            "create an index on tenant_id, and one for each foreign key; retrying",
        ),
        // The server is stopping or starting, or has no free connection.
        "57P01" | "57P02" | "57P03" | "53300" => DOWN,
        _ if code.starts_with("08") => DOWN,
        _ if code.starts_with("28") => (
            Reason::LoginRefused,
            "check postgres.user and postgres.password",
        ),
        "3D000" => (Reason::NoSuchDatabase, "check postgres.database"),
        // A function, schema, table, column or privilege is missing.
        "42883" | "3F000" | "42P01" | "42703" | "42501" => (
            Reason::BootstrapNeeded,
            "run the output of `akili-operator bootstrap-sql` as a superuser",
        ),
        // A check constraint of the registry, such as that archived is permanent.
        "23514" => (Reason::RegistryRefused, "nothing was changed"),
        // A table without tenant_id refers to a tenant's rows.
        "23503" | "23001" => (
            Reason::RowsInUse,
            "delete the rows that refer to the tenant's",
        ),
        "2BP01" => (
            Reason::RoleInUse,
            "drop or reassign the objects in the message",
        ),
        _ => (Reason::Refused, "check the server's log"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Class;

    #[test]
    fn sqlstate_determines_class_and_reason() {
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
            let (found, _) = classify(code);
            assert_eq!((found.class(), found), (class, reason), "{code}");
        }
    }

    #[test]
    fn connection_timeout_is_transient_with_advice() {
        let error = explain("reading tenants", &sqlx::Error::PoolTimedOut);
        assert_eq!(
            (error.class(), error.reason),
            (Class::Transient, Reason::Unreachable)
        );
        assert!(error.message.starts_with("PostgreSQL: reading tenants: "));
        assert!(error.message.contains("check that the server runs"));
    }
}
