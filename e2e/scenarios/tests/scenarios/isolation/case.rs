//! Attempts of a login in SQL.

use akili_scenarios::platform::{Login, Platform};
use akili_testbed::command::{stderr, stdout};
use anyhow::{Result, ensure};

use super::test_schema::TestSchema;
use crate::access_matrix::{self, Answer, Cause, Client, Expected};

/// SQL and its expected outcome.
pub type Case = access_matrix::Case<String>;

/// Returns a case that must print exactly these lines.
pub fn prints(what: impl Into<String>, sql: impl Into<String>, lines: &'static str) -> Case {
    Case::new(what, sql.into(), Expected::Prints(lines))
}

/// Returns a case that must fail with this text.
pub fn rejected(what: impl Into<String>, sql: impl Into<String>, text: &'static str) -> Case {
    let cause = Cause::Text(vec![text]);
    Case::new(what, sql.into(), Expected::Rejected(cause))
}

/// A login, and the word in the rows that it must never see.
#[derive(Clone, Copy)]
pub struct SqlClient<'a> {
    pub platform: &'a Platform,
    pub schema: &'a TestSchema<'a>,
    pub login: &'a Login,
    pub hidden: &'a str,
}

impl Client<String> for SqlClient<'_> {
    async fn attempt(&mut self, sql: String) -> Result<Answer> {
        let answer = self.platform.as_login(self.login, &sql)?;
        let shown = stdout(&answer) + &stderr(&answer);
        ensure!(!shown.contains(self.hidden), "hidden rows are in {shown:?}");
        Ok(Answer::of_program(&answer))
    }

    async fn protected_data(&mut self) -> Result<String> {
        self.schema.rows_of_others()
    }

    async fn reset(&mut self) -> Result<()> {
        self.schema.fill()
    }
}
