//! Statements about databases, tables and what is in them.

use super::{
    parser::Parser,
    statement::{Condition, Literal, Projection, Statement, TableName, Value, ValueKind},
    system::variable,
};
use crate::starrocks_stand_in::{error::SqlResult, state::ColumnType};

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

/// `SELECT {* | COUNT(*) | column, …} FROM name [WHERE …] [LIMIT n]`, or
/// `SELECT {literal | @@variable | function()} [[AS] name], … [LIMIT n]`
pub fn select(parser: &mut Parser) -> SqlResult<Statement> {
    let columns = if parser.accept_sign('*') {
        Projection::All
    } else {
        let values = parser.list(value)?;
        if !parser.accept("FROM") {
            limit(parser)?;
            return Ok(Statement::SelectValues { values });
        }
        let columns = projection(values).ok_or_else(|| parser.unexpected("columns or COUNT(*)"))?;
        return rows_of(parser, columns);
    };
    parser.expect(&["FROM"])?;
    rows_of(parser, columns)
}

/// `column = value`, `column IN (value, …)`, `column LIKE 'pattern'`, `column IS [NOT] NULL`
pub fn condition(parser: &mut Parser) -> SqlResult<Condition> {
    let column = parser.identifier()?;
    if parser.accept_sign('=') {
        Ok(Condition::Equal(column, literal(parser)?))
    } else if parser.accept("IN") {
        Ok(Condition::In(column, parser.bracketed(literal)?))
    } else if parser.accept("LIKE") {
        Ok(Condition::Like(column, parser.text()?))
    } else {
        parser.expect(&["IS"])?;
        let is = !parser.accept("NOT");
        parser.expect(&["NULL"])?;
        Ok(Condition::Null { column, is })
    }
}

/// A number, a text, TRUE, FALSE or NULL.
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

fn rows_of(parser: &mut Parser, columns: Projection) -> SqlResult<Statement> {
    let table = qualified(parser, 3)?;
    let conditions = conditions(parser)?;
    let limit = limit(parser)?;
    Ok(Statement::Select {
        columns,
        table,
        conditions,
        limit,
    })
}

fn conditions(parser: &mut Parser) -> SqlResult<Vec<Condition>> {
    if !parser.accept("WHERE") {
        return Ok(Vec::new());
    }
    let mut conditions = vec![condition(parser)?];
    while parser.accept("AND") {
        conditions.push(condition(parser)?);
    }
    Ok(conditions)
}

fn limit(parser: &mut Parser) -> SqlResult<Option<usize>> {
    match parser.accept("LIMIT") {
        true => parser.integer().map(Some),
        false => Ok(None),
    }
}

fn qualified(parser: &mut Parser, at_most: usize) -> SqlResult<TableName> {
    let mut name = vec![parser.identifier()?];
    while name.len() < at_most && parser.accept_sign('.') {
        name.push(parser.identifier()?);
    }
    Ok(name)
}

fn value(parser: &mut Parser) -> SqlResult<Value> {
    let value = bare_value(parser)?;
    parser.accept("AS");
    let name = parser.accept_text().or_else(|| parser.identifier().ok());
    Ok(match name {
        Some(name) => Value { name, ..value },
        None => value,
    })
}

fn bare_value(parser: &mut Parser) -> SqlResult<Value> {
    if parser.accept_sign('@') {
        let name = variable(parser)?;
        return Ok(Value {
            name: format!("@@{name}"),
            kind: ValueKind::Variable(name),
        });
    }
    // Keywords that are functions, with brackets and without.
    for keyword in ["CURRENT_USER", "CURRENT_ROLE", "DATABASE", "SCHEMA"] {
        if parser.accept(keyword) {
            if parser.accept_sign('(') {
                parser.expect_sign(')')?;
            }
            let kind = ValueKind::Function(keyword.to_lowercase());
            return Ok(Value {
                name: format!("{keyword}()"),
                kind,
            });
        }
    }
    let Ok(name) = parser.identifier() else {
        let literal = literal(parser)?;
        let name = literal.clone().unwrap_or_else(|| "NULL".to_owned());
        return Ok(Value {
            name,
            kind: ValueKind::Literal(literal),
        });
    };
    if !parser.accept_sign('(') {
        return Ok(Value {
            kind: ValueKind::Column(name.clone()),
            name,
        });
    }
    if name.eq_ignore_ascii_case("count") {
        parser.expect_sign('*')?;
    }
    parser.expect_sign(')')?;
    let function = name.to_lowercase();
    Ok(Value {
        name: format!("{name}()"),
        kind: ValueKind::Function(function),
    })
}

fn projection(values: Vec<Value>) -> Option<Projection> {
    if let [
        Value {
            kind: ValueKind::Function(function),
            ..
        },
    ] = values.as_slice()
        && function == "count"
    {
        return Some(Projection::Count);
    }
    let column = |value: Value| match value.kind {
        ValueKind::Column(column) => Some((column, value.name)),
        _ => None,
    };
    values
        .into_iter()
        .map(column)
        .collect::<Option<_>>()
        .map(Projection::Columns)
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
