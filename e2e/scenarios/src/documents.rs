//! Commands and outputs shown in the documents, for comparison with real ones.

use std::fs;

use anyhow::{Context, Result};
use regex::Regex;

use akili_testbed::command::repository;

/// A command in a `console` block and its documented output.
#[derive(Debug, PartialEq, Eq)]
pub struct Example {
    pub command: String,
    /// Lines up to the next command.
    pub output: String,
}

/// Returns the commands of a document's `console` blocks in order.
///
/// # Errors
/// If the document can't be read.
pub fn commands(document: &str) -> Result<Vec<Example>> {
    let text = fs::read_to_string(repository(document))?;
    let mut examples: Vec<Example> = Vec::new();
    for line in blocks(&text, "console").flat_map(str::lines) {
        match (line.strip_prefix("$ "), examples.last_mut()) {
            (Some(command), _) => examples.push(Example {
                command: command.to_owned(),
                output: String::new(),
            }),
            (None, Some(last)) => last.output += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    Ok(examples)
}

/// Returns a document's first `text` block that contains `part`.
///
/// # Errors
/// If there is no such block.
pub fn text_with(document: &str, part: &str) -> Result<String> {
    let text = fs::read_to_string(repository(document))?;
    let found = blocks(&text, "text").find(|block| block.contains(part));
    found
        .map(str::to_owned)
        .with_context(|| format!("{document} has no text block with {part:?}"))
}

fn blocks<'a>(text: &'a str, language: &str) -> impl Iterator<Item = &'a str> {
    let fence = format!("```{language}\n");
    let blocks: Vec<&str> = text.split(&fence).skip(1).collect();
    blocks
        .into_iter()
        .filter_map(|rest| rest.split("```").next())
}

/// Returns a text with placeholders for ids, times and ages, which differ in each run.
///
/// # Errors
/// Never: the expressions are fixed.
pub fn lasting(text: &str) -> Result<String> {
    let mut text = text.to_owned();
    for (differs, instead) in [
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "{id}"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "{time}"),
        (r"(?m)\b(\d+[smhd])+$", "{age}"),
        (r"(?m)[ \t]+$", ""),
    ] {
        text = Regex::new(differs)?
            .replace_all(&text, instead)
            .into_owned();
    }
    Ok(text)
}
