//! The grammar of the supported statements, one rule each, following StarRocks' own
//! grammar. Everything else is a syntax error.

mod accounts;
mod catalogs;
mod grants;
mod groups;
mod lexer;
mod parser;
mod reserved;
mod select;
pub mod statement;
mod system;
mod tables;
mod terms;
#[cfg(test)]
mod tests;

use parser::Parser;
use statement::Statement;

use super::error::SqlResult;

/// Parses one statement.
pub fn parse(text: &str) -> SqlResult<Statement> {
    let mut parser = Parser::new(text)?;
    let statement = statement(&mut parser)?;
    parser.expect_end()?;
    Ok(statement)
}

fn statement(parser: &mut Parser) -> SqlResult<Statement> {
    if parser.accept("CREATE") {
        create(parser)
    } else if parser.accept("DROP") {
        drop(parser)
    } else if parser.accept("ALTER") {
        alter(parser)
    } else if parser.accept("SHOW") {
        show(parser)
    } else if parser.accept("SET") {
        set(parser)
    } else if parser.accept("GRANT") {
        grants::grant(parser)
    } else if parser.accept("REVOKE") {
        grants::revoke(parser)
    } else if parser.accept("KILL") {
        system::kill(parser)
    } else if parser.accept("USE") {
        tables::use_database(parser)
    } else if parser.accept("INSERT") {
        tables::insert(parser)
    } else if parser.accept("DELETE") {
        tables::delete(parser)
    } else if parser.accept("SELECT") {
        select::select(parser)
    } else {
        Err(parser.unexpected(
            "'SELECT', 'SHOW', 'SET', 'CREATE', 'DROP', 'ALTER', 'GRANT', 'REVOKE', 'KILL', \
             'USE', 'INSERT', 'DELETE'",
        ))
    }
}

fn create(parser: &mut Parser) -> SqlResult<Statement> {
    if parser.accept_all(&["EXTERNAL", "CATALOG"]) {
        catalogs::create(parser)
    } else if parser.accept("ROLE") {
        accounts::create_roles(parser)
    } else if parser.accept("USER") {
        accounts::create_user(parser)
    } else if parser.accept_all(&["RESOURCE", "GROUP"]) {
        groups::create(parser)
    } else if parser.accept("DATABASE") || parser.accept("SCHEMA") {
        tables::create_database(parser)
    } else if parser.accept("TABLE") {
        tables::create_table(parser)
    } else {
        Err(parser
            .unexpected("'EXTERNAL', 'ROLE', 'USER', 'RESOURCE', 'DATABASE', 'SCHEMA', 'TABLE'"))
    }
}

fn drop(parser: &mut Parser) -> SqlResult<Statement> {
    if parser.accept("CATALOG") {
        catalogs::drop(parser)
    } else if parser.accept("ROLE") {
        accounts::drop_roles(parser)
    } else if parser.accept("USER") {
        accounts::drop_user(parser)
    } else if parser.accept_all(&["RESOURCE", "GROUP"]) {
        groups::drop(parser)
    } else if parser.accept("DATABASE") || parser.accept("SCHEMA") {
        tables::drop_database(parser)
    } else if parser.accept("TABLE") {
        tables::drop_table(parser)
    } else {
        Err(parser
            .unexpected("'CATALOG', 'ROLE', 'USER', 'RESOURCE', 'DATABASE', 'SCHEMA', 'TABLE'"))
    }
}

fn alter(parser: &mut Parser) -> SqlResult<Statement> {
    if parser.accept("USER") {
        accounts::alter_user(parser)
    } else if parser.accept_all(&["RESOURCE", "GROUP"]) {
        groups::alter(parser)
    } else {
        Err(parser.unexpected("'USER', 'RESOURCE'"))
    }
}

fn show(parser: &mut Parser) -> SqlResult<Statement> {
    if parser.accept("CATALOGS") {
        Ok(Statement::ShowCatalogs)
    } else if parser.accept_all(&["CREATE", "CATALOG"]) {
        let name = parser.identifier()?;
        Ok(Statement::ShowCreateCatalog { name })
    } else if parser.accept("USERS") {
        Ok(Statement::ShowUsers)
    } else if parser.accept("ROLES") {
        Ok(Statement::ShowRoles)
    } else if parser.accept("GRANTS") {
        grants::show(parser)
    } else if parser.accept("BACKENDS") {
        Ok(Statement::ShowBackends)
    } else if parser.accept_all(&["COMPUTE", "NODES"]) {
        Ok(Statement::ShowComputeNodes)
    } else if parser.accept("PROCESSLIST") {
        Ok(Statement::ShowProcesslist { full: false })
    } else if parser.accept_all(&["FULL", "PROCESSLIST"]) {
        Ok(Statement::ShowProcesslist { full: true })
    } else if parser.accept("DATABASES") {
        tables::show_databases(parser)
    } else if parser.accept("TABLES") {
        tables::show_tables(parser)
    } else {
        groups::show(parser)
    }
}

fn set(parser: &mut Parser) -> SqlResult<Statement> {
    if parser.accept("CATALOG") {
        let name = parser.identifier_or_text()?;
        Ok(Statement::SetCatalog { name })
    } else if parser.accept("ROLE") {
        accounts::set_role(parser)
    } else if parser.accept_all(&["DEFAULT", "ROLE"]) {
        accounts::set_default_role(parser)
    } else {
        system::set_variables(parser)
    }
}
