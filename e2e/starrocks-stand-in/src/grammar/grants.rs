//! Grammar of GRANT, REVOKE and SHOW GRANTS.

use super::{
    accounts::user,
    parser::Parser,
    statement::{Grantee, Statement, Target},
};
use crate::{
    error::SqlResult,
    privileges::{Object, Privilege},
};

/// `GRANT role, … TO {[USER] user | ROLE role}` or
/// `GRANT privilege, … ON object TO {[USER] user | ROLE role} [WITH GRANT OPTION]`
pub fn grant(parser: &mut Parser) -> SqlResult<Statement> {
    let Some(privileges) = privileges(parser)? else {
        let roles = parser.list(Parser::identifier_or_text)?;
        parser.expect(&["TO"])?;
        let to = grantee(parser)?;
        return Ok(Statement::GrantRoles { roles, to });
    };
    parser.expect(&["ON"])?;
    let on = targets(parser)?;
    parser.expect(&["TO"])?;
    let to = grantee(parser)?;
    let grantable = parser.accept_all(&["WITH", "GRANT", "OPTION"]);
    Ok(Statement::GrantPrivileges {
        privileges,
        on,
        to,
        grantable,
    })
}

/// `REVOKE role, … FROM {[USER] user | ROLE role}` or
/// `REVOKE privilege, … ON object FROM {[USER] user | ROLE role}`
pub fn revoke(parser: &mut Parser) -> SqlResult<Statement> {
    let Some(privileges) = privileges(parser)? else {
        let roles = parser.list(Parser::identifier_or_text)?;
        parser.expect(&["FROM"])?;
        let from = grantee(parser)?;
        return Ok(Statement::RevokeRoles { roles, from });
    };
    parser.expect(&["ON"])?;
    let on = targets(parser)?;
    parser.expect(&["FROM"])?;
    let from = grantee(parser)?;
    Ok(Statement::RevokePrivileges {
        privileges,
        on,
        from,
    })
}

/// `SHOW GRANTS [FOR {[USER] user | ROLE role}]`
pub fn show(parser: &mut Parser) -> SqlResult<Statement> {
    let of = match parser.accept("FOR") {
        true => Some(grantee(parser)?),
        false => None,
    };
    Ok(Statement::ShowGrants { of })
}

fn grantee(parser: &mut Parser) -> SqlResult<Grantee> {
    if parser.accept("ROLE") {
        return Ok(Grantee::Role(parser.identifier_or_text()?));
    }
    parser.accept("USER");
    Ok(Grantee::User(user(parser)?))
}

/// Returns `None` if roles follow instead. ALL means all privileges of the object.
fn privileges(parser: &mut Parser) -> SqlResult<Option<Vec<Privilege>>> {
    if parser.accept("ALL") {
        parser.accept("PRIVILEGES");
        return Ok(Some(vec![Privilege::All]));
    }
    let Some(first) = privilege(parser) else {
        return Ok(None);
    };
    let mut privileges = vec![first];
    while parser.accept_sign(',') {
        let next = privilege(parser);
        privileges.push(next.ok_or_else(|| parser.unexpected("a privilege"))?);
    }
    Ok(Some(privileges))
}

fn privilege(parser: &mut Parser) -> Option<Privilege> {
    Privilege::NAMED.iter().copied().find(|privilege| {
        let words: Vec<_> = privilege.name().split(' ').collect();
        parser.accept_all(&words)
    })
}

fn targets(parser: &mut Parser) -> SqlResult<Vec<Target>> {
    if parser.accept("SYSTEM") {
        Ok(vec![Target::Everywhere(Object::System)])
    } else if parser.accept("CATALOG") {
        let names = parser.list(Parser::identifier_or_text)?;
        let of = |name| Target::Everywhere(Object::Catalog(Some(name)));
        Ok(names.into_iter().map(of).collect())
    } else if parser.accept_all(&["RESOURCE", "GROUP"]) {
        let names = parser.list(Parser::identifier_or_text)?;
        let of = |name| Target::Everywhere(Object::Group(Some(name)));
        Ok(names.into_iter().map(of).collect())
    } else if parser.accept("DATABASE") {
        let names = parser.list(Parser::identifier_or_text)?;
        Ok(names
            .into_iter()
            .map(|name| Target::Database(Some(name)))
            .collect())
    } else if parser.accept("TABLE") {
        parser.list(table)
    } else if parser.accept("ALL") {
        Ok(vec![all(parser)?])
    } else {
        Err(parser.unexpected("'SYSTEM', 'CATALOG', 'RESOURCE', 'DATABASE', 'TABLE', 'ALL'"))
    }
}

fn table(parser: &mut Parser) -> SqlResult<Target> {
    let first = parser.identifier_or_text()?;
    Ok(match parser.accept_sign('.') {
        true => Target::Table {
            database: Some(first),
            table: Some(parser.identifier_or_text()?),
        },
        false => Target::TableHere(first),
    })
}

/// `ALL {CATALOGS | RESOURCE GROUPS | DATABASES | TABLES IN {ALL DATABASES | DATABASE name}}`
fn all(parser: &mut Parser) -> SqlResult<Target> {
    if parser.accept("CATALOGS") {
        Ok(Target::Everywhere(Object::Catalog(None)))
    } else if parser.accept_all(&["RESOURCE", "GROUPS"]) {
        Ok(Target::Everywhere(Object::Group(None)))
    } else if parser.accept("DATABASES") {
        Ok(Target::Database(None))
    } else if parser.accept("TABLES") {
        parser.expect(&["IN"])?;
        let database = match parser.accept("DATABASE") {
            true => Some(parser.identifier_or_text()?),
            false => parser.expect(&["ALL", "DATABASES"]).map(|()| None)?,
        };
        Ok(Target::Table {
            database,
            table: None,
        })
    } else {
        Err(parser.unexpected("'CATALOGS', 'RESOURCE', 'DATABASES', 'TABLES'"))
    }
}
