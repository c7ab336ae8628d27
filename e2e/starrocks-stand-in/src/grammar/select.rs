//! Grammar of SELECT and of conditions on rows.

use super::{
    parser::Parser,
    statement::{Condition, Projection, Statement, Value, ValueKind},
    terms::{literal, qualified, variable},
};
use crate::error::SqlResult;

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
        return select_rows(parser, columns);
    };
    parser.expect(&["FROM"])?;
    select_rows(parser, columns)
}

fn select_rows(parser: &mut Parser, columns: Projection) -> SqlResult<Statement> {
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
    // Keywords that are functions, with or without brackets.
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

fn limit(parser: &mut Parser) -> SqlResult<Option<usize>> {
    match parser.accept("LIMIT") {
        true => parser.integer().map(Some),
        false => Ok(None),
    }
}

/// `[WHERE condition AND …]`
pub fn conditions(parser: &mut Parser) -> SqlResult<Vec<Condition>> {
    if !parser.accept("WHERE") {
        return Ok(Vec::new());
    }
    let mut conditions = vec![condition(parser)?];
    while parser.accept("AND") {
        conditions.push(condition(parser)?);
    }
    Ok(conditions)
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
