//! Grammar of statements on resource groups.

use super::{
    parser::Parser,
    select::condition,
    statement::{Condition, GroupChange, Statement},
};
use crate::error::SqlResult;

/// `CREATE RESOURCE GROUP [IF NOT EXISTS] name [TO (…), …] WITH ('…' = '…', …)`
pub fn create(parser: &mut Parser) -> SqlResult<Statement> {
    let if_not_exists = parser.if_not_exists();
    let name = parser.identifier()?;
    let classifiers = match parser.accept("TO") {
        true => parser.list(classifier)?,
        false => Vec::new(),
    };
    parser.expect(&["WITH"])?;
    let limits = parser.properties()?;
    Ok(Statement::CreateGroup {
        name,
        if_not_exists,
        classifiers,
        limits,
    })
}

/// `ALTER RESOURCE GROUP name {WITH (…) | ADD (…), … | DROP (id, …) | DROP ALL}`
pub fn alter(parser: &mut Parser) -> SqlResult<Statement> {
    let name = parser.identifier()?;
    let change = if parser.accept("WITH") {
        GroupChange::Limits(parser.properties()?)
    } else if parser.accept("ADD") {
        GroupChange::Add(parser.list(classifier)?)
    } else if parser.accept_all(&["DROP", "ALL"]) {
        GroupChange::DropAll
    } else if parser.accept("DROP") {
        GroupChange::Drop(parser.bracketed(Parser::integer)?)
    } else {
        return Err(parser.unexpected("'ADD', 'DROP', 'WITH'"));
    };
    Ok(Statement::AlterGroup { name, change })
}

/// `DROP RESOURCE GROUP [IF EXISTS] name`
pub fn drop(parser: &mut Parser) -> SqlResult<Statement> {
    let if_exists = parser.if_exists();
    let name = parser.identifier()?;
    Ok(Statement::DropGroup { name, if_exists })
}

/// `SHOW [VERBOSE] RESOURCE {GROUP name | GROUPS [ALL]}`, `SHOW USAGE RESOURCE GROUPS`
pub fn show(parser: &mut Parser) -> SqlResult<Statement> {
    if parser.accept_all(&["USAGE", "RESOURCE", "GROUPS"]) {
        return Ok(Statement::ShowGroupUsage);
    }
    let verbose = parser.accept("VERBOSE");
    parser.expect(&["RESOURCE"])?;
    if parser.accept("GROUP") {
        let name = parser.identifier()?;
        return Ok(Statement::ShowGroup { name, verbose });
    }
    parser.expect(&["GROUPS"])?;
    Ok(Statement::ShowGroups {
        all: parser.accept("ALL"),
        verbose,
    })
}

/// `(key = '…', key IN ('…', …), …)`
fn classifier(parser: &mut Parser) -> SqlResult<Vec<Condition>> {
    parser.bracketed(condition)
}
