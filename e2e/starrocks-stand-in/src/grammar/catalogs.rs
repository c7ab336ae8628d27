//! Grammar of statements on external catalogs.

use super::{parser::Parser, statement::Statement};
use crate::error::SqlResult;

/// `CREATE EXTERNAL CATALOG [IF NOT EXISTS] name [COMMENT '…'] PROPERTIES (…)`
pub fn create(parser: &mut Parser) -> SqlResult<Statement> {
    let if_not_exists = parser.if_not_exists();
    let name = parser.identifier_or_text()?;
    let comment = match parser.accept("COMMENT") {
        true => Some(parser.text()?),
        false => None,
    };
    parser.expect(&["PROPERTIES"])?;
    let properties = parser.properties()?;
    Ok(Statement::CreateCatalog {
        name,
        if_not_exists,
        comment,
        properties,
    })
}

/// `DROP CATALOG [IF EXISTS] name`
pub fn drop(parser: &mut Parser) -> SqlResult<Statement> {
    let if_exists = parser.if_exists();
    let name = parser.identifier_or_text()?;
    Ok(Statement::DropCatalog { name, if_exists })
}
