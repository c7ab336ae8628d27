//! Grammar of statements on databases, tables and rows.

use super::{
    parser::Parser,
    select::conditions,
    statement::Statement,
    terms::{literal, qualified},
};
use crate::{error::SqlResult, state::ColumnType};

/// `USE [catalog.]database`
pub fn use_database(parser: &mut Parser) -> SqlResult<Statement> {
    let database = qualified(parser, 2)?;
    Ok(Statement::Use { database })
}

/// `SHOW DATABASES [{FROM | IN} catalog]`
pub fn show_databases(parser: &mut Parser) -> SqlResult<Statement> {
    let catalog = match parser.accept("FROM") || parser.accept("IN") {
        true => Some(parser.identifier()?),
        false => None,
    };
    Ok(Statement::ShowDatabases { catalog })
}

/// `SHOW TABLES [{FROM | IN} [catalog.]database]`
pub fn show_tables(parser: &mut Parser) -> SqlResult<Statement> {
    let database = match parser.accept("FROM") || parser.accept("IN") {
        true => Some(qualified(parser, 2)?),
        false => None,
    };
    Ok(Statement::ShowTables { database })
}

/// `CREATE DATABASE [IF NOT EXISTS] [catalog.]name`
pub fn create_database(parser: &mut Parser) -> SqlResult<Statement> {
    let if_not_exists = parser.if_not_exists();
    let database = qualified(parser, 2)?;
    Ok(Statement::CreateDatabase {
        database,
        if_not_exists,
    })
}

/// `DROP DATABASE [IF EXISTS] [catalog.]name [FORCE]`
pub fn drop_database(parser: &mut Parser) -> SqlResult<Statement> {
    let if_exists = parser.if_exists();
    let database = qualified(parser, 2)?;
    parser.accept("FORCE");
    Ok(Statement::DropDatabase {
        database,
        if_exists,
    })
}

/// `CREATE TABLE [IF NOT EXISTS] name (column type, …)`
pub fn create_table(parser: &mut Parser) -> SqlResult<Statement> {
    let if_not_exists = parser.if_not_exists();
    let table = qualified(parser, 3)?;
    let columns = parser.bracketed(|parser| Ok((parser.identifier()?, column_type(parser)?)))?;
    Ok(Statement::CreateTable {
        table,
        if_not_exists,
        columns,
    })
}

/// `DROP TABLE [IF EXISTS] name [FORCE]`
pub fn drop_table(parser: &mut Parser) -> SqlResult<Statement> {
    let if_exists = parser.if_exists();
    let table = qualified(parser, 3)?;
    parser.accept("FORCE");
    Ok(Statement::DropTable { table, if_exists })
}

/// `INSERT INTO name [(column, …)] VALUES (value, …), …`
pub fn insert(parser: &mut Parser) -> SqlResult<Statement> {
    parser.expect(&["INTO"])?;
    let table = qualified(parser, 3)?;
    let columns = match parser.accept("VALUES") {
        true => None,
        false => {
            let columns = parser.bracketed(Parser::identifier)?;
            parser.expect(&["VALUES"])?;
            Some(columns)
        }
    };
    let rows = parser.list(|parser| parser.bracketed(literal))?;
    Ok(Statement::Insert {
        table,
        columns,
        rows,
    })
}

/// `DELETE FROM name [WHERE …]`
pub fn delete(parser: &mut Parser) -> SqlResult<Statement> {
    parser.expect(&["FROM"])?;
    let table = qualified(parser, 3)?;
    let conditions = conditions(parser)?;
    Ok(Statement::Delete { table, conditions })
}

fn column_type(parser: &mut Parser) -> SqlResult<ColumnType> {
    for name in ["BOOLEAN", "TINYINT", "SMALLINT", "INT", "INTEGER", "BIGINT"] {
        if parser.accept(name) {
            return Ok(ColumnType::Integer);
        }
    }
    for name in ["FLOAT", "DOUBLE"] {
        if parser.accept(name) {
            return Ok(ColumnType::Float);
        }
    }
    for name in ["VARCHAR", "CHAR", "DECIMAL"] {
        if parser.accept(name) {
            if parser.accept_sign('(') {
                parser.list(Parser::integer::<u32>)?;
                parser.expect_sign(')')?;
            }
            return Ok(ColumnType::Text);
        }
    }
    for name in ["STRING", "DATE", "DATETIME"] {
        if parser.accept(name) {
            return Ok(ColumnType::Text);
        }
    }
    Err(parser.unexpected("a type"))
}
