//! Tables of cases: what somebody tries, and what must come of it.

use akili_scenarios::platform::{Login, Platform};
use akili_testbed::command::{stderr, stdout};
use anyhow::{Result, ensure};

use super::clinic::Clinic;

/// Something to try in SQL.
pub struct Case {
    what: String,
    sql: String,
    outcome: Outcome,
}

enum Outcome {
    Answers(&'static str),
    Refused(&'static str),
}

/// It succeeds, and prints exactly these lines.
pub fn answers(what: impl Into<String>, sql: impl Into<String>, lines: &'static str) -> Case {
    Case {
        what: what.into(),
        sql: sql.into(),
        outcome: Outcome::Answers(lines),
    }
}

/// It fails, and this is said.
pub fn refused(what: impl Into<String>, sql: impl Into<String>, because: &'static str) -> Case {
    Case {
        what: what.into(),
        sql: sql.into(),
        outcome: Outcome::Refused(because),
    }
}

/// What was tried, and what came of it.
pub struct Matrix<'a> {
    platform: &'a Platform,
    clinic: &'a Clinic<'a>,
    lines: Vec<String>,
    failures: usize,
}

impl<'a> Matrix<'a> {
    /// An empty one.
    pub fn new(platform: &'a Platform, clinic: &'a Clinic<'a>) -> Self {
        Self {
            platform,
            clinic,
            lines: Vec::new(),
            failures: 0,
        }
    }

    /// Lets this login try one case after another, each on the same rows, of which
    /// it must never see those with the hidden word.
    pub fn attempt(
        &mut self,
        who: &str,
        login: &Login,
        hidden: &str,
        cases: Vec<Case>,
    ) -> Result<()> {
        self.lines.push(format!("{who}:"));
        for case in cases {
            let result = self.judge(login, hidden, &case);
            self.failures += usize::from(result.is_err());
            self.lines.push(match result {
                Ok(()) => format!("  ok    {}", case.what),
                Err(why) => format!("  FAIL  {}: {why:#}", case.what),
            });
            self.clinic.fill()?;
        }
        Ok(())
    }

    /// Whatever comes of it, nothing of anybody else is shown or changed.
    fn judge(&self, login: &Login, hidden: &str, case: &Case) -> Result<()> {
        let before = self.clinic.rows_of_others()?;
        let answer = self.platform.as_login(login, &case.sql)?;
        let (lines, complaint) = (stdout(&answer), stderr(&answer));
        let said = format!("{lines}{complaint}");
        match case.outcome {
            Outcome::Answers(wanted) => ensure!(
                answer.status.success() && lines.trim_end() == wanted,
                "answered {said:?}"
            ),
            Outcome::Refused(because) => ensure!(
                !answer.status.success() && complaint.contains(because),
                "answered {said:?}"
            ),
        }
        ensure!(!said.contains(hidden), "it showed {said:?}");
        let after = self.clinic.rows_of_others()?;
        ensure!(before == after, "of the others' rows it left {after}");
        Ok(())
    }

    /// Shows all of it; an error if anything came out otherwise than it must.
    pub fn finish(self) -> Result<()> {
        println!("{}", self.lines.join("\n"));
        ensure!(self.failures == 0, "{} cases failed", self.failures);
        Ok(())
    }
}
