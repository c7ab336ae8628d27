//! The table of requests and answers that the demonstration prints.

use std::fmt::Display;
use std::process::Output;

use akili_testbed::command::{stderr, stdout};
use anyhow::{Result, ensure};
use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};

const DEFAULT_WIDTH: u16 = 110;

/// A request, its answer, and whether the answer is the expected one.
#[derive(Clone)]
pub struct Line {
    pub plane: &'static str,
    pub asked: String,
    pub answered: String,
    pub holds: bool,
}

/// Prints the table.
///
/// # Errors
/// If an answer is unexpected.
pub fn show(lines: &[Line]) -> Result<()> {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(["plane", "asked", "answered", ""]);
    for Line {
        plane,
        asked,
        answered,
        holds,
    } in lines
    {
        let verdict = if *holds { "OK" } else { "FAIL" };
        table.add_row([plane, asked.as_str(), answered, verdict]);
    }
    if table.width().is_none() {
        table.set_width(DEFAULT_WIDTH);
    }
    println!("{table}");
    let failed = lines.iter().filter(|line| !line.holds).count();
    ensure!(failed == 0, "{failed} of {} proofs failed", lines.len());
    Ok(())
}

/// Returns the line of a request that must succeed.
pub fn permitted<T: Display, E: Display>(
    plane: &'static str,
    asked: String,
    answer: Result<T, E>,
) -> Line {
    Line {
        plane,
        asked,
        holds: answer.is_ok(),
        answered: answer.map_or_else(|error| error.to_string(), |answer| answer.to_string()),
    }
}

/// Returns the line of a request that must be rejected with this word.
pub fn rejected<T: Display, E: Display>(
    plane: &'static str,
    asked: String,
    answer: Result<T, E>,
    because: &str,
) -> Line {
    let answer = answer.map_or_else(|error| error.to_string(), |answer| answer.to_string());
    Line {
        plane,
        asked,
        holds: answer.contains(because),
        answered: shorten(answer),
    }
}

/// Returns the line of a program that must fail and print this word.
pub fn rejected_output(plane: &'static str, asked: String, answer: &Output, because: &str) -> Line {
    Line {
        plane,
        asked,
        answered: first_line(answer),
        holds: !answer.status.success() && stderr(answer).contains(because),
    }
}

/// Returns the first line of a program's output.
pub fn first_line(answer: &Output) -> String {
    let all = stdout(answer) + &stderr(answer);
    all.lines().next().unwrap_or_default().to_owned()
}

/// Shortens a long error: to S3's error code, to the first clause of the webhook's message,
/// or to StarRocks' text before the list of roles.
fn shorten(answer: String) -> String {
    if answer.contains("AccessDenied") {
        return "AccessDenied".into();
    }
    let end = match answer.split_once("denied the request: ") {
        Some((_, message)) => message.split([':', '.']).next(),
        None => answer.split(';').next(),
    };
    end.unwrap_or_default().to_owned()
}
