//! The access matrix: attempts with a client, each with the outcome that it must have. No
//! attempt may change other tenants' data.

mod answer;

use anyhow::{Result, bail, ensure};
use futures::future::LocalBoxFuture;

pub use answer::{Answer, Failure};

/// An attempt that is a future.
pub type Attempt<'a> = LocalBoxFuture<'a, Result<Answer>>;

/// A client, and the data that its attempts must leave unchanged.
pub trait Client<A> {
    /// Makes an attempt. An error means that the attempt could not be made.
    async fn attempt(&mut self, attempt: A) -> Result<Answer>;

    /// Returns all data that attempts must leave unchanged.
    async fn protected_data(&mut self) -> Result<String>;

    /// Restores the client's own data after an attempt.
    async fn reset(&mut self) -> Result<()> {
        Ok(())
    }
}

/// An attempt and its expected outcome.
pub struct Case<A> {
    what: String,
    attempt: A,
    expected: Expected,
}

impl<A> Case<A> {
    pub fn new(what: impl Into<String>, attempt: A, expected: Expected) -> Self {
        Self {
            what: what.into(),
            attempt,
            expected,
        }
    }
}

/// The outcome that an attempt must have.
#[derive(Debug)]
pub enum Expected {
    Done,
    /// Success with exactly this output.
    Prints(&'static str),
    /// A rejection for this cause; any other failure proves nothing.
    Rejected(Cause),
    /// A rejection for this cause, or an answer without data.
    NoAccess(Cause),
}

/// The cause that identifies a rejection for want of rights.
#[derive(Debug)]
pub enum Cause {
    /// The error has this code.
    Code(String),
    /// The error's text contains one of these.
    Text(Vec<&'static str>),
}

impl Expected {
    /// Returns the word of an expected answer, or an error.
    fn judge(&self, answer: Answer) -> Result<&'static str> {
        match (self, answer) {
            (Self::Done, Answer::Done(_)) => Ok("done"),
            (Self::Prints(wanted), Answer::Done(output)) if output.trim_end() == *wanted => {
                Ok("done")
            }
            (Self::Prints(""), Answer::Nothing) => Ok("done"),
            (Self::NoAccess(_), Answer::Nothing) => Ok("nothing"),
            (Self::Rejected(cause) | Self::NoAccess(cause), Answer::Rejected(failure)) => {
                let matches = match cause {
                    Cause::Code(code) => failure.code.as_ref() == Some(code),
                    Cause::Text(texts) => texts.iter().any(|text| failure.text.contains(text)),
                };
                ensure!(matches, "rejected, but not for {cause:?}: {failure:?}");
                Ok("rejected")
            }
            (_, answer) => bail!("answered {answer:?}"),
        }
    }
}

/// Makes an attempt; returns the word of its outcome, or an error if the outcome is
/// unexpected or protected data has changed.
pub async fn check<A>(
    client: &mut impl Client<A>,
    attempt: A,
    expected: &Expected,
) -> Result<&'static str> {
    let before = client.protected_data().await?;
    let answer = client.attempt(attempt).await?;
    let after = client.protected_data().await?;
    ensure!(before == after, "{before} became {after}");
    expected.judge(answer)
}

/// The attempts and their outcomes.
#[derive(Default)]
pub struct AccessMatrix {
    lines: Vec<String>,
    failures: usize,
}

impl AccessMatrix {
    /// Starts a section of the printed list.
    pub fn title(&mut self, who: &str) {
        self.lines.push(format!("{who}:"));
    }

    /// Checks cases one after the other.
    pub async fn check<A>(
        &mut self,
        who: &str,
        client: &mut impl Client<A>,
        cases: Vec<Case<A>>,
    ) -> Result<()> {
        self.title(who);
        for case in cases {
            let outcome = check(client, case.attempt, &case.expected).await;
            self.record(&case.what, outcome);
            client.reset().await?;
        }
        Ok(())
    }

    pub fn record(&mut self, what: &str, outcome: Result<&str>) {
        self.failures += usize::from(outcome.is_err());
        self.lines.push(match outcome {
            Ok(word) => format!("  {word:8} {what}"),
            Err(error) => format!("  FAIL     {what}: {error:#}"),
        });
    }

    /// Prints all outcomes; fails if one was unexpected.
    pub fn finish(self) -> Result<()> {
        println!("{}", self.lines.join("\n"));
        ensure!(self.failures == 0, "{} cases failed", self.failures);
        Ok(())
    }
}
