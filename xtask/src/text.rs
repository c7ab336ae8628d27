//! Wording that docs/style.md rules out, in code, messages, charts, SQL and documents.

use anyhow::Result;
use ra_ap_rustc_lexer::{LiteralKind, TokenKind};
use regex::{Regex, RegexBuilder};

use crate::source::{self, Token};

/// Longest name of a test.
const LONGEST_TEST_NAME: usize = 60;

/// Texts that are not checked: generated ones (their source is), released migrations
/// (installed databases hold their checksums), and the lists of the rules themselves.
const EXEMPT: &[&str] = &[
    "Cargo.lock",
    "LICENSE",
    "charts/akili-operator/files/",
    "charts/akili-operator/values.schema.json",
    "crds/yaml/",
    "docs/style.md",
    "manifests/akili-operator.yaml",
    "operator/migrations/",
    "xtask/src/text.rs",
];

/// Kinds of files that hold text; Rust files are taken apart.
const TEXTS: &[&str] = &[
    "json", "md", "rs", "sh", "snap", "sql", "svg", "toml", "tpl", "txt", "yaml", "yml",
];

/// Files without a kind that hold text: make's, containers', and shell scripts.
const NAMED_TEXTS: &[&str] = &[
    "Containerfile",
    "Makefile",
    "build-cache",
    "build-packages",
    "image-files",
    "run",
    "test",
];

/// An idiom, and what to write instead.
type Rule = (&'static str, &'static str);

const PHRASES: &[Rule] = &[
    (r"whoever|whomever|whomsoever", "name the actor"),
    (r"whatever", "name the thing; \"any\""),
    (r"newcomers?", "\"new tenant\", \"newly created …\""),
    (r"for ever", "\"permanently\", \"never\" with a verb"),
    (r"of which|of whom", "two sentences"),
    (r"so many", "the number, or \"N\""),
    (
        r"is to be|are to be|was to be",
        "\"must be\", \"should be\", or the present tense",
    ),
    (
        r"as it should be|as they should be",
        "\"as specified\", \"converged\"",
    ),
    (r"what is to be", "name the thing"),
    (r"patience", "\"timeout\""),
    (r"deeds?", "\"operation\", \"request\""),
    (
        r"told|tells?|telling",
        "\"report\", \"publish\", \"say\", or what happened",
    ),
    (r"goes on|go on|going on|went on|gone on", "\"continue\""),
    (
        r"(be|is|are|been|being) let in|lets? in",
        "\"admit\", \"accept\"",
    ),
    (
        r"look again|looks again|looked at again",
        "\"observe again\", \"re-check\"",
    ),
    (r"takes? a step", "\"reconcile\""),
    (r"leads? them", "name the action"),
    (r"it may\.", "name the action that is allowed"),
];

/// Words that no name may hold.
const NAMES: &[Rule] = &[
    ("patience", "timeout"),
    ("tell", "publish, report"),
    ("tells", "publishes, reports"),
    ("told", "reported, published"),
    ("whoever", "the actor"),
    ("whomever", "the actor"),
    ("whatever", "any, or the thing"),
    ("newcomer", "new, created"),
    ("newcomers", "new, created"),
    ("deed", "operation"),
    ("deeds", "operations"),
];

/// First words of a documentation comment that hide its subject.
const OPENINGS: &str = r"^(It|They|What|Whatever|Whoever|Whomever|Whether|Of which|Of whom)\b";

/// Lines that are read as one text: a comment, a literal, a document.
#[derive(Debug, Default)]
struct Passage {
    lines: Vec<(usize, String)>,
    is_doc: bool,
}

struct Rules {
    /// All phrases, since few texts hold any.
    any: Regex,
    phrases: Vec<(Regex, &'static str)>,
    opening: Regex,
}

/// Returns a line for each place that a rule of docs/style.md rules out.
pub fn findings() -> Result<Vec<String>> {
    let rules = Rules::new()?;
    let mut findings = Vec::new();
    for file in source::files("")? {
        if EXEMPT.iter().any(|start| file.starts_with(start)) {
            continue;
        }
        if !is_text(&file) {
            continue;
        }
        let text = source::read(&file)?;
        let found = if file.ends_with(".rs") {
            rules.of_rust(&text)
        } else {
            rules.of_text(&text)
        };
        let lines = found
            .into_iter()
            .map(|(line, what)| format!("{file}:{line}: {what}"));
        findings.extend(lines);
    }
    Ok(findings)
}

fn is_text(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    match name.rsplit_once('.') {
        Some((_, kind)) => TEXTS.contains(&kind),
        None => NAMED_TEXTS.contains(&name),
    }
}

impl Rules {
    fn new() -> Result<Self> {
        let compile = |words: &str| {
            // Lines may break between two words.
            let pattern = format!(r"\b(?:{})", words.replace(' ', r"\s+"));
            RegexBuilder::new(&pattern).case_insensitive(true).build()
        };
        let mut phrases = Vec::new();
        for (words, instead) in PHRASES {
            phrases.push((compile(&closed(words))?, *instead));
        }
        let all: Vec<String> = PHRASES.iter().map(|(words, _)| closed(words)).collect();
        Ok(Self {
            any: compile(&all.join("|"))?,
            phrases,
            opening: Regex::new(OPENINGS)?,
        })
    }

    fn of_text(&self, text: &str) -> Vec<(usize, String)> {
        let lines = text.lines().enumerate();
        let lines = lines.map(|(index, line)| {
            let line = line.trim();
            let words = line.trim_start_matches(['#', '>', '-', '*', ' ']);
            (index + 1, words.to_owned())
        });
        self.of_passage(&Passage {
            lines: lines.collect(),
            is_doc: false,
        })
    }

    fn of_rust(&self, text: &str) -> Vec<(usize, String)> {
        let tokens = source::tokens(text);
        let mut found = Vec::new();
        for passage in passages(&tokens) {
            found.extend(self.of_passage(&passage));
        }
        for token in &tokens {
            if matches!(token.kind, TokenKind::Ident) {
                found.extend(of_name(token).map(|what| (token.line, what)));
            }
        }
        found.extend(long_test_names(&source::code(text)));
        found.sort();
        found
    }

    fn of_passage(&self, passage: &Passage) -> Vec<(usize, String)> {
        let mut text = String::new();
        let mut starts = Vec::new();
        for (line, words) in &passage.lines {
            starts.push((text.len(), *line));
            text += words;
            text.push('\n');
        }
        let line_of = |offset: usize| {
            let after = starts.partition_point(|(start, _)| *start <= offset);
            starts
                .get(after.saturating_sub(1))
                .map_or(0, |(_, line)| *line)
        };
        let mut found = Vec::new();
        let phrases = self.any.is_match(&text).then_some(&self.phrases);
        for (regex, instead) in phrases.into_iter().flatten() {
            for hit in regex.find_iter(&text) {
                let words = hit.as_str().replace('\n', " ");
                found.push((
                    line_of(hit.start()),
                    format!("\"{words}\": write {instead}"),
                ));
            }
        }
        if let Some(hit) = self.opening.find(&text).filter(|_| passage.is_doc) {
            let what = format!("comment starts with \"{}\": name the subject", hit.as_str());
            found.push((line_of(0), what));
        }
        found
    }
}

/// Lets a phrase end only where its last word ends.
fn closed(words: &str) -> String {
    if words.ends_with('.') {
        words.to_owned()
    } else {
        format!(r"(?:{words})\b")
    }
}

/// Returns the comments, line by line as one passage each, and the string literals.
fn passages(tokens: &[Token<'_>]) -> Vec<Passage> {
    let mut passages = Vec::new();
    let mut comment = Passage::default();
    for token in tokens {
        match token.kind {
            TokenKind::LineComment { doc_style } => {
                let is_doc = doc_style.is_some();
                let follows = comment
                    .lines
                    .last()
                    .is_some_and(|(line, _)| line + 1 == token.line);
                if !follows || comment.is_doc != is_doc {
                    passages.push(std::mem::take(&mut comment));
                }
                comment.is_doc = is_doc;
                let words = token.text.trim_start_matches(['/', '!']).trim();
                comment.lines.push((token.line, words.to_owned()));
            }
            TokenKind::BlockComment { .. }
            | TokenKind::Literal {
                kind: LiteralKind::Str { .. },
                ..
            }
            | TokenKind::Literal {
                kind: LiteralKind::RawStr { .. },
                ..
            } => {
                let lines = token.text.lines().enumerate();
                let lines = lines.map(|(index, line)| {
                    let words = line.trim().trim_end_matches('\\');
                    (token.line + index, words.to_owned())
                });
                passages.push(Passage {
                    lines: lines.collect(),
                    is_doc: false,
                });
            }
            _ => {}
        }
    }
    passages.push(comment);
    passages
}

/// Returns why a name is ruled out.
fn of_name(token: &Token<'_>) -> Option<String> {
    let words = words(token.text);
    let (word, instead) = NAMES
        .iter()
        .find(|(word, _)| words.iter().any(|part| part == word))?;
    Some(format!(
        "`{}` holds \"{word}\": write {instead}",
        token.text
    ))
}

/// Splits a name in snake or camel case into its words, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in name.chars() {
        if letter == '_' || (letter.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = letter.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| letter != '_') {
            word.extend(letter.to_lowercase());
        }
    }
    words
}

/// Checks the names of functions with a `test` attribute, and of those in `scenarios![…]`.
fn long_test_names(code: &[Token<'_>]) -> Vec<(usize, String)> {
    let mut names = scenarios(code);
    let (mut at, mut is_test) = (0, false);
    while let Some(token) = code.get(at) {
        if let Some((next, attribute)) = source::attribute(code, at) {
            let path = attribute.trim_matches(['[', ']']).split('(').next();
            is_test |= path.is_some_and(|path| path == "test" || path.ends_with("::test"));
            at = next;
            continue;
        }
        if token.text == "fn" {
            names.extend(code.get(at + 1).filter(|_| is_test));
            is_test = false;
        }
        at += 1;
    }
    names.retain(|name| name.text.len() > LONGEST_TEST_NAME);
    let describe = |name: &Token<'_>| {
        let length = name.text.len();
        let what = format!(
            "test name of {length} characters, {LONGEST_TEST_NAME} at most: {}",
            name.text
        );
        (name.line, what)
    };
    names.into_iter().map(describe).collect()
}

/// Returns the last segments of the paths in `scenarios![…]`.
fn scenarios<'a, 'b>(code: &'b [Token<'a>]) -> Vec<&'b Token<'a>> {
    let start = code
        .windows(3)
        .position(|w| [w[0].text, w[1].text, w[2].text] == ["scenarios", "!", "["]);
    let listed = code
        .get(start.map_or(code.len(), |start| start + 3)..)
        .unwrap_or_default();
    let listed = listed
        .split(|token| token.text == "]")
        .next()
        .unwrap_or_default();
    let paths = listed.split(|token| token.text == ",");
    paths.filter_map(<[Token<'_>]>::last).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repository_uses_plain_words() -> Result<()> {
        crate::expect_none(&findings()?);
        Ok(())
    }

    #[test]
    fn rust_reports_idioms_with_their_lines() -> Result<()> {
        let text = "/// It may.\n///\n/// Kept for\n/// ever.\nfn told() { print(\"as it should be\"); }\n\
                    // indeed a fortune teller in the patient's deeds\n#[tokio::test]\n\
                    async fn a_name_of_more_than_sixty_characters_is_reported_by_this_check() {}\n\
                    run(scenarios![a::b, a::a_name_of_more_than_sixty_characters_is_reported_by_this_check,]);";
        let lines: Vec<usize> = Rules::new()?
            .of_rust(text)
            .iter()
            .map(|(line, _)| *line)
            .collect();
        assert_eq!(lines, [1, 1, 3, 5, 5, 6, 8, 9]);
        Ok(())
    }

    #[test]
    fn rust_accepts_plain_words() -> Result<()> {
        let text = "/// Returns what the tenant holds.\n#[test]\nfn tenant_created_becomes_active() { let r = r#\"so: many\"#; }\n";
        assert!(Rules::new()?.of_rust(text).is_empty());
        Ok(())
    }
}
