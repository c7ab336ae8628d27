//! SQL text. StarRocks can't prepare the statements that the operator sends, so everything
//! variable is quoted here. Pure.

use std::fmt;

/// A statement. Debug shows `…` if it contains a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Statement {
    text: String,
    secret: bool,
}

impl Statement {
    /// Creates a statement without secrets.
    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            secret: false,
        }
    }

    /// Creates a statement that contains a secret.
    pub fn secret(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            secret: true,
        }
    }

    /// Returns the text to send.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Returns whether the statement contains a secret, which an error message may quote.
    pub fn is_secret(&self) -> bool {
        self.secret
    }
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.secret { "…" } else { &self.text })
    }
}

/// Quotes an identifier.
pub fn quote_identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Quotes a string.
pub fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', "''"))
}

/// Returns the user of this name from any host, as statements take and StarRocks shows it.
pub fn user(name: &str) -> String {
    format!("{}@'%'", quote_literal(name))
}

/// Returns `('key' = 'value', …)`.
pub fn properties<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pairs = pairs.into_iter();
    let pairs =
        pairs.map(|(key, value)| format!("{} = {}", quote_literal(key), quote_literal(value)));
    format!("({})", pairs.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_stays_one_token() {
        for (text, quoted) in [
            ("acme", "'acme'"),
            ("it's", "'it''s'"),
            (r"a\", r"'a\\'"),
            (r"\' OR 1", r"'\\'' OR 1'"),
            ("", "''"),
        ] {
            assert_eq!(quote_literal(text), quoted);
        }
        assert_eq!(quote_identifier("a`; DROP"), "`a``; DROP`");
        assert_eq!(user("tenant_1"), "'tenant_1'@'%'");
        assert_eq!(
            properties([("a", "1"), ("b", "it's")]),
            "('a' = '1', 'b' = 'it''s')"
        );
    }

    #[test]
    fn secret_statement_debug_hides_text() {
        let statement = Statement::secret("ALTER USER x IDENTIFIED BY 'hunter2'");
        assert_eq!(format!("{statement:?}"), "…");
    }
}
