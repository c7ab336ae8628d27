//! Terms that several statements share: values, variables and qualified names.

use super::{
    parser::Parser,
    statement::{Literal, TableName},
};
use crate::error::SqlResult;

/// Consumes a number, a text, TRUE, FALSE or NULL.
pub fn literal(parser: &mut Parser) -> SqlResult<Literal> {
    if parser.accept("NULL") {
        return Ok(None);
    }
    if parser.accept("TRUE") {
        return Ok(Some("1".to_owned()));
    }
    if parser.accept("FALSE") {
        return Ok(Some("0".to_owned()));
    }
    let sign = if parser.accept_sign('-') { "-" } else { "" };
    let text = if sign.is_empty() {
        parser.accept_text()
    } else {
        None
    };
    match text.or_else(|| {
        parser
            .accept_number()
            .map(|number| format!("{sign}{number}"))
    }) {
        Some(literal) => Ok(Some(literal)),
        None => Err(parser.unexpected("a value")),
    }
}

/// Consumes the rest of a variable after the first `@`: a user variable, or `@[scope.]name`.
pub fn variable(parser: &mut Parser) -> SqlResult<String> {
    if !parser.accept_sign('@') {
        return parser.identifier();
    }
    let name = parser.identifier()?;
    match parser.accept_sign('.') {
        true => parser.identifier(),
        false => Ok(name),
    }
}

/// Consumes `[catalog.][database.]table`, with at most `at_most` parts.
pub fn qualified(parser: &mut Parser, at_most: usize) -> SqlResult<TableName> {
    let mut name = vec![parser.identifier()?];
    while name.len() < at_most && parser.accept_sign('.') {
        name.push(parser.identifier()?);
    }
    Ok(name)
}
