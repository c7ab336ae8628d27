//! Errors with StarRocks' texts and codes.

use std::fmt::Display;

/// A rejected statement, sent to the client as an error packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlError {
    /// Error code of MySQL or StarRocks.
    pub code: u16,
    /// SQL state, five characters.
    pub state: &'static str,
    pub message: String,
}

/// Result of a statement or of a part of one.
pub type SqlResult<T> = Result<T, SqlError>;

impl SqlError {
    /// A syntax error. `line` counts from 1, `column` from 0.
    pub fn syntax(line: usize, column: usize, found: &str, expected: &str) -> Self {
        let message = format!(
            "Getting syntax error at line {line}, column {column}. Detail message: Unexpected \
             input '{found}', the most similar input is {{{expected}}}."
        );
        Self::general(message)
    }

    /// An analysis error without its own code.
    pub fn analysis(detail: impl Display) -> Self {
        Self::general(analyzing(detail))
    }

    /// An execution error.
    pub fn general(message: impl Into<String>) -> Self {
        Self::new(1064, "HY000", message)
    }

    /// A name that StarRocks doesn't allow for this kind of object.
    pub fn name(kind: &str, name: &str) -> Self {
        Self::new(
            5063,
            "42000",
            analyzing(format!("Incorrect {kind} name '{name}'")),
        )
    }

    pub fn unknown_catalog(name: &str) -> Self {
        Self::new(
            5078,
            "42000",
            analyzing(format!("Unknown catalog '{name}'")),
        )
    }

    pub fn catalog_exists(name: &str) -> Self {
        Self::new(5514, "42000", format!("Catalog '{name}' already exists"))
    }

    pub fn unknown_database(name: &str) -> Self {
        Self::new(
            5501,
            "3F000",
            analyzing(format!("Unknown database '{name}'")),
        )
    }

    pub fn database_exists(name: &str) -> Self {
        Self::new(
            1007,
            "HY000",
            format!("Can't create database '{name}'; database exists"),
        )
    }

    /// The statement names no database and the session has none.
    pub fn no_database() -> Self {
        Self::new(1046, "3D000", analyzing("No database selected"))
    }

    pub fn unknown_table(name: &str) -> Self {
        Self::new(5502, "42602", analyzing(format!("Unknown table '{name}'")))
    }

    pub fn table_exists(name: &str) -> Self {
        Self::new(
            1050,
            "42S01",
            analyzing(format!("Table '{name}' already exists")),
        )
    }

    pub fn unknown_column(name: &str) -> Self {
        Self::analysis(format!("Column '{name}' cannot be resolved"))
    }

    pub fn unknown_group(name: &str) -> Self {
        Self::new(
            5079,
            "42000",
            analyzing(format!("Unknown resource group '{name}' ")),
        )
    }

    pub fn unknown_connection(id: u32) -> Self {
        Self::new(1094, "HY000", format!("Unknown thread id: {id}"))
    }

    pub fn unknown_variable(name: &str) -> Self {
        Self::new(
            1193,
            "HY000",
            analyzing(format!("Unknown system variable '{name}'")),
        )
    }

    /// A failed login: wrong password, or no such user.
    pub fn login(user: &str, with_password: bool) -> Self {
        let with_password = if with_password { "YES" } else { "NO" };
        let message = format!("Access denied for user '{user}' (using password: {with_password})");
        Self::new(1045, "28000", message)
    }

    /// A command of the protocol that isn't supported.
    pub fn unknown_command() -> Self {
        Self::new(1047, "08S01", "Unknown command")
    }

    /// A request for a prepared statement, which isn't supported.
    pub fn prepared_statement() -> Self {
        let message = "This command is not supported in the prepared statement protocol yet";
        Self::new(1295, "HY000", message)
    }

    /// A privilege that neither the user nor an active role has.
    pub fn denied(privilege: &str, object: &str, active: &[String], inactive: &[String]) -> Self {
        let list = |roles: &[String]| match roles {
            [] => "NONE".to_owned(),
            roles => format!("[{}]", roles.join(", ")),
        };
        let message = format!(
            "Access denied; you need (at least one of) the {privilege} privilege(s) on {object} \
             for this operation. Please ask the admin to grant permission(s) or try activating \
             existing roles using <set [default] role>. Current role(s): {}. Inactivated \
             role(s): {}.",
            list(active),
            list(inactive)
        );
        Self::new(5203, "42000", message)
    }

    fn new(code: u16, state: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            state,
            message: message.into(),
        }
    }
}

fn analyzing(detail: impl Display) -> String {
    format!("Getting analyzing error. Detail message: {detail}.")
}
