//! Selection of rows and columns.

use crate::{
    error::{SqlError, SqlResult},
    grammar::statement::Condition,
};

/// Returns the positions of the named columns.
pub fn positions<'a>(
    columns: &[String],
    names: impl Iterator<Item = &'a String>,
) -> SqlResult<Vec<usize>> {
    names.map(|name| position(columns, name)).collect()
}

fn position(columns: &[String], name: &str) -> SqlResult<usize> {
    let found = columns
        .iter()
        .position(|column| column.eq_ignore_ascii_case(name));
    found.ok_or_else(|| SqlError::unknown_column(name))
}

/// Returns a predicate that is true for rows that meet all conditions.
pub fn filter<'a>(
    columns: &[String],
    conditions: &'a [Condition],
) -> SqlResult<impl Fn(&Vec<Option<String>>) -> bool + use<'a>> {
    let mut placed = Vec::new();
    for condition in conditions {
        let (Condition::Equal(column, _)
        | Condition::In(column, _)
        | Condition::Like(column, _)
        | Condition::Null { column, .. }) = condition;
        placed.push((position(columns, column)?, condition));
    }
    Ok(move |row: &Vec<Option<String>>| {
        placed
            .iter()
            .all(|(position, condition)| match (condition, &row[*position]) {
                (Condition::Null { is, .. }, value) => value.is_none() == *is,
                // NULL matches nothing, not even NULL.
                (_, None) | (Condition::Equal(_, None), _) => false,
                (Condition::Equal(_, wanted), value) => wanted == value,
                (Condition::In(_, wanted), value) => wanted.contains(value),
                (Condition::Like(_, pattern), Some(value)) => is_like(value, pattern),
            })
    })
}

/// Returns whether the value matches the pattern: `%` any characters, `_` one character,
/// `\` escapes the next one.
fn is_like(value: &str, pattern: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => value.is_empty(),
        Some('%') => {
            let mut ends = value.char_indices().map(|(at, _)| at).chain([value.len()]);
            ends.any(|at| is_like(&value[at..], rest.as_str()))
        }
        Some(wanted) => {
            let (wanted, any) = match wanted {
                '_' => ('_', true),
                '\\' => (rest.next().unwrap_or('\\'), false),
                other => (other, false),
            };
            let mut value = value.chars();
            value.next().is_some_and(|first| any || first == wanted)
                && is_like(value.as_str(), rest.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn like_supports_wildcards_and_escapes() {
        let table = [
            ("tenant_1", "tenant%", true),
            ("tenant_1", "%_1", true),
            ("tenant_1", "tenant", false),
            ("tenant_1", "tenant\\_1", true),
            ("tenantX1", "tenant\\_1", false),
            ("tenantX1", "tenant_1", true),
            ("", "%", true),
        ];
        for (value, pattern, like) in table {
            assert_eq!(is_like(value, pattern), like, "{value} LIKE {pattern}");
        }
    }
}
