//! Files of the repository, and the tokens of Rust files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ra_ap_rustc_lexer::{FrontmatterAllowed, TokenKind, tokenize};

/// Folders without files of the project.
const IGNORED: [&str; 2] = [".git", "target"];

/// A token of a Rust file.
#[derive(Debug, Clone)]
pub struct Token<'a> {
    pub kind: TokenKind,
    pub text: &'a str,
    /// Line of its first character, from 1.
    pub line: usize,
}

/// Returns the path of a file or folder, given relative to the repository's root.
pub fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(relative)
}

/// Reads a file, given relative to the repository's root.
pub fn read(relative: &str) -> Result<String> {
    fs::read_to_string(path(relative)).with_context(|| format!("reading {relative}"))
}

/// Returns all files below a folder, sorted, relative to the repository's root.
pub fn files(folder: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(path(&folder)).with_context(|| format!("reading {folder}"))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let relative = if folder.is_empty() {
                name.clone()
            } else {
                format!("{folder}/{name}")
            };
            if !entry.file_type()?.is_dir() {
                found.push(relative);
            } else if !IGNORED.contains(&name.as_str()) {
                folders.push(relative);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Splits Rust source into tokens, comments and whitespace included.
pub fn tokens(source: &str) -> Vec<Token<'_>> {
    let (mut start, mut line) = (0, 1);
    let mut tokens = Vec::new();
    for token in tokenize(source, FrontmatterAllowed::No) {
        let end = start + token.len as usize;
        let text = &source[start..end];
        tokens.push(Token {
            kind: token.kind,
            text,
            line,
        });
        line += text.matches('\n').count();
        start = end;
    }
    tokens
}

/// Returns the tokens that the compiler sees: neither comments nor whitespace.
pub fn code(source: &str) -> Vec<Token<'_>> {
    let mut code = tokens(source);
    code.retain(|token| {
        !matches!(
            token.kind,
            TokenKind::Whitespace | TokenKind::LineComment { .. } | TokenKind::BlockComment { .. }
        )
    });
    code
}

/// Returns the index after an attribute `#[…]` that starts here, and its text without spaces.
pub fn attribute(code: &[Token<'_>], start: usize) -> Option<(usize, String)> {
    let mut at = start + 1;
    (code.get(start)?.text == "#").then_some(())?;
    if code.get(at)?.text == "!" {
        at += 1;
    }
    (code.get(at)?.text == "[").then_some(())?;
    let (mut depth, mut text) = (0, String::new());
    while let Some(token) = code.get(at) {
        match token.text {
            "[" => depth += 1,
            "]" => depth -= 1,
            _ => {}
        }
        text += token.text;
        at += 1;
        if depth == 0 {
            return Some((at, text));
        }
    }
    None
}
