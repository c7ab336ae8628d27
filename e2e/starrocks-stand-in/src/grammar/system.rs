//! Grammar of statements on sessions.

use super::{
    parser::Parser,
    statement::Statement,
    terms::{literal, variable},
};
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
/// Clients send such statements when they connect; they have no effect here.
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
