//! Statements as text. StarRocks prepares none of those that the operator sends, so
//! whatever is not fixed is quoted here: pure.

use std::fmt;

/// A statement. One that holds a secret is shown as `…`.
#[derive(Clone, PartialEq, Eq)]
pub struct Statement {
    text: String,
    secret: bool,
}

impl Statement {
    /// A statement that anybody may see.
    pub fn open(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            secret: false,
        }
    }

    /// A statement that nobody may see but StarRocks.
    pub fn secret(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            secret: true,
        }
    }

    /// What is sent.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Whether it holds a secret, which an answer may quote.
    pub fn is_secret(&self) -> bool {
        self.secret
    }
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.secret { "…" } else { &self.text })
    }
}

/// A name, of whatever.
pub fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', "''"))
}

/// The user of this name, wherever it comes from; as StarRocks shows it, too.
pub fn user(name: &str) -> String {
    format!("{}@'%'", literal(name))
}

/// `('key' = 'value', …)`
pub fn properties<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pairs = pairs.into_iter();
    let pairs = pairs.map(|(key, value)| format!("{} = {}", literal(key), literal(value)));
    format!("({})", pairs.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_stays_one_word() {
        for (text, quoted) in [
            ("acme", "'acme'"),
            ("it's", "'it''s'"),
            (r"a\", r"'a\\'"),
            (r"\' OR 1", r"'\\'' OR 1'"),
            ("", "''"),
        ] {
            assert_eq!(literal(text), quoted);
        }
        assert_eq!(identifier("a`; DROP"), "`a``; DROP`");
        assert_eq!(user("tenant_1"), "'tenant_1'@'%'");
        assert_eq!(
            properties([("a", "1"), ("b", "it's")]),
            "('a' = '1', 'b' = 'it''s')"
        );
    }

    #[test]
    fn a_secret_is_not_shown() {
        let statement = Statement::secret("ALTER USER x IDENTIFIED BY 'hunter2'");
        assert_eq!(format!("{statement:?}"), "…");
    }
}
