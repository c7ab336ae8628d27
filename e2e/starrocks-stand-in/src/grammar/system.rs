//! Statements about sessions.

use super::{parser::Parser, select::literal, statement::Statement};
use crate::error::SqlResult;

/// `KILL [CONNECTION | QUERY] id`
pub fn kill(parser: &mut Parser) -> SqlResult<Statement> {
    let connection = !parser.accept("QUERY");
    if connection {
        parser.accept("CONNECTION");
    }
    let id = parser.integer()?;
    Ok(Statement::Kill { connection, id })
}

/// `SET {NAMES charset [COLLATE collation] | [GLOBAL | SESSION | LOCAL] variable = value}, …`
///
/// Clients say such things when they connect; none of them changes anything here.
pub fn set_variables(parser: &mut Parser) -> SqlResult<Statement> {
    parser.list(assignment)?;
    Ok(Statement::SetVariables)
}

fn assignment(parser: &mut Parser) -> SqlResult<()> {
    if parser.accept("NAMES") {
        parser.identifier_or_text()?;
        if parser.accept("COLLATE") {
            parser.identifier_or_text()?;
        }
        return Ok(());
    }
    if parser.accept_sign('@') {
        variable(parser)?;
    } else {
        let _ = parser.accept("GLOBAL") || parser.accept("SESSION") || parser.accept("LOCAL");
        parser.identifier()?;
    }
    parser.expect_sign('=')?;
    if parser.accept_sign('@') {
        variable(parser)?;
    } else if !(parser.accept("DEFAULT") || parser.accept("ON") || parser.accept("OFF")) {
        literal(parser)?;
    }
    Ok(())
}

/// What follows the first `@`: a name of the user's, or `@[scope.]name`.
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
