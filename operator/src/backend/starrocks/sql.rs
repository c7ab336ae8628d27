//! How names and texts are written in StarRocks' SQL. Pure.

/// An identifier, in backquotes.
pub fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text, in quotes.
pub fn text(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
    format!("'{escaped}'")
}

/// Properties, such as `'type' = 'iceberg', 'a' = 'b'`.
pub fn properties<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pairs = pairs.into_iter();
    let pairs = pairs.map(|(key, value)| format!("{} = {}", text(key), text(value)));
    pairs.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_quotation_is_escaped() {
        assert_eq!(identifier("a`b"), "`a``b`");
        assert_eq!(text(r"it's \"), r"'it\'s \\'");
        assert_eq!(
            properties([("a", "1"), ("b", "'")]),
            r"'a' = '1', 'b' = '\''"
        );
    }
}
