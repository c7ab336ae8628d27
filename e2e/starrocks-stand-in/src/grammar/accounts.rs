//! Grammar of statements on roles and users.

use super::{
    parser::Parser,
    statement::{Password, Roles, Statement},
};
use crate::{error::SqlResult, state::Identity};

/// `CREATE ROLE [IF NOT EXISTS] name, …`
pub fn create_roles(parser: &mut Parser) -> SqlResult<Statement> {
    let if_not_exists = parser.if_not_exists();
    let names = parser.list(Parser::identifier_or_text)?;
    Ok(Statement::CreateRoles {
        names,
        if_not_exists,
    })
}

/// `DROP ROLE [IF EXISTS] name, …`
pub fn drop_roles(parser: &mut Parser) -> SqlResult<Statement> {
    let if_exists = parser.if_exists();
    let names = parser.list(Parser::identifier_or_text)?;
    Ok(Statement::DropRoles { names, if_exists })
}

/// `CREATE USER [IF NOT EXISTS] user [IDENTIFIED …] [DEFAULT ROLE role, …]`
pub fn create_user(parser: &mut Parser) -> SqlResult<Statement> {
    let if_not_exists = parser.if_not_exists();
    let user = user(parser)?;
    let password = password(parser)?;
    let default_roles = match parser.accept_all(&["DEFAULT", "ROLE"]) {
        true => parser.list(Parser::identifier_or_text)?,
        false => Vec::new(),
    };
    Ok(Statement::CreateUser {
        user,
        if_not_exists,
        password,
        default_roles,
    })
}

/// `ALTER USER [IF EXISTS] user {IDENTIFIED … | DEFAULT ROLE {NONE | ALL | role, …}}`
pub fn alter_user(parser: &mut Parser) -> SqlResult<Statement> {
    let if_exists = parser.if_exists();
    let user = user(parser)?;
    let password = password(parser)?;
    let default_roles = match password.is_none() && parser.accept_all(&["DEFAULT", "ROLE"]) {
        true => Some(choice(parser)?),
        false => None,
    };
    if password.is_none() && default_roles.is_none() {
        return Err(parser.unexpected("'IDENTIFIED', 'DEFAULT'"));
    }
    Ok(Statement::AlterUser {
        user,
        if_exists,
        password,
        default_roles,
    })
}

/// `DROP USER [IF EXISTS] user`
pub fn drop_user(parser: &mut Parser) -> SqlResult<Statement> {
    let if_exists = parser.if_exists();
    let user = user(parser)?;
    Ok(Statement::DropUser { user, if_exists })
}

/// `SET DEFAULT ROLE {NONE | ALL | role, …} TO user`
pub fn set_default_role(parser: &mut Parser) -> SqlResult<Statement> {
    let roles = choice(parser)?;
    parser.expect(&["TO"])?;
    let user = user(parser)?;
    Ok(Statement::SetDefaultRole { roles, user })
}

/// `SET ROLE {DEFAULT | NONE | ALL | role, …}`
pub fn set_role(parser: &mut Parser) -> SqlResult<Statement> {
    let roles = match parser.accept("DEFAULT") {
        true => Roles::Default,
        false => choice(parser)?,
    };
    Ok(Statement::SetRole { roles })
}

/// `name[@host]`, where the host is `%` unless it is given.
pub fn user(parser: &mut Parser) -> SqlResult<Identity> {
    let name = parser.identifier_or_text()?;
    let host = match parser.accept_sign('@') {
        true => parser.identifier_or_text()?,
        false => "%".to_owned(),
    };
    Ok(Identity { name, host })
}

fn choice(parser: &mut Parser) -> SqlResult<Roles> {
    if parser.accept("NONE") {
        Ok(Roles::None)
    } else if parser.accept("ALL") {
        Ok(Roles::All)
    } else {
        Ok(Roles::These(parser.list(Parser::identifier_or_text)?))
    }
}

/// `IDENTIFIED BY [PASSWORD] '…'` or `IDENTIFIED WITH mysql_native_password {BY | AS} '…'`
fn password(parser: &mut Parser) -> SqlResult<Option<Password>> {
    if !parser.accept("IDENTIFIED") {
        return Ok(None);
    }
    let hashed = if parser.accept("BY") {
        parser.accept("PASSWORD")
    } else {
        parser.expect(&["WITH", "mysql_native_password"])?;
        let hashed = parser.accept("AS");
        if !hashed {
            parser.expect(&["BY"])?;
        }
        hashed
    };
    let text = parser.text()?;
    Ok(Some(match hashed {
        true => Password::Hash(text),
        false => Password::Plain(text),
    }))
}
