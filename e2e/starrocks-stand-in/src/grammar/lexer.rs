//! Splits a statement's text into tokens.

use crate::error::{SqlError, SqlResult};

/// A token and its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    /// Line of the first character, from 1.
    pub line: usize,
    /// Column of the first character, from 0.
    pub column: usize,
}

/// Kinds of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A keyword or an unquoted name.
    Word(String),
    /// A name in backticks; they are removed.
    Name(String),
    /// A text in single or double quotes; quotes and escapes are resolved.
    Text(String),
    /// Digits, optionally with a decimal point.
    Number(String),
    /// Any other character.
    Sign(char),
    /// End of the text.
    End,
}

impl Kind {
    /// Returns the token as error messages show it.
    pub fn shown(&self) -> String {
        match self {
            Self::Word(text) | Self::Name(text) | Self::Number(text) => text.clone(),
            Self::Text(text) => format!("'{text}'"),
            Self::Sign(sign) => sign.to_string(),
            Self::End => "<EOF>".to_owned(),
        }
    }
}

/// Returns the tokens of a statement; the last one is [`Kind::End`].
pub fn tokens(text: &str) -> SqlResult<Vec<Token>> {
    let mut lexer = Lexer {
        rest: text.chars().collect(),
        at: 0,
        line: 1,
        column: 0,
    };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blanks();
        let (line, column) = (lexer.line, lexer.column);
        let kind = lexer.kind()?;
        let ended = kind == Kind::End;
        tokens.push(Token { kind, line, column });
        if ended {
            return Ok(tokens);
        }
    }
}

struct Lexer {
    rest: Vec<char>,
    at: usize,
    line: usize,
    column: usize,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.rest.get(self.at + ahead).copied()
    }

    fn take(&mut self) -> Option<char> {
        let taken = self.peek(0)?;
        self.at += 1;
        if taken == '\n' {
            (self.line, self.column) = (self.line + 1, 0);
        } else {
            self.column += 1;
        }
        Some(taken)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(next) = self.peek(0).filter(|next| wanted(*next)) {
            taken.push(next);
            self.take();
        }
        taken
    }

    /// Skips blanks and comments.
    fn skip_blanks(&mut self) {
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(blank), _) if blank.is_whitespace() => {
                    self.take();
                }
                (Some('-'), Some('-')) => {
                    self.take_while(|next| next != '\n');
                }
                (Some('/'), Some('*')) => {
                    while self.take().is_some() {
                        if (self.peek(0), self.peek(1)) == (Some('*'), Some('/')) {
                            self.at += 2;
                            self.column += 2;
                            break;
                        }
                    }
                }
                _ => return,
            }
        }
    }

    fn kind(&mut self) -> SqlResult<Kind> {
        let Some(first) = self.peek(0) else {
            return Ok(Kind::End);
        };
        match first {
            '\'' | '"' | '`' => self.quoted(first),
            first if first.is_ascii_digit() => {
                let number = self.take_while(|next| next.is_ascii_digit() || next == '.');
                // `2fast` is a name, as in StarRocks.
                let letters = self.take_while(is_letter);
                Ok(if letters.is_empty() {
                    Kind::Number(number)
                } else {
                    Kind::Name(number + &letters)
                })
            }
            first if is_letter(first) => {
                let word = self.take_while(|next| is_letter(next) || next.is_ascii_digit());
                Ok(Kind::Word(word))
            }
            sign => {
                self.take();
                Ok(Kind::Sign(sign))
            }
        }
    }

    fn quoted(&mut self, quote: char) -> SqlResult<Kind> {
        let (line, column) = (self.line, self.column);
        self.take();
        let mut text = String::new();
        loop {
            let Some(next) = self.take() else {
                return Err(SqlError::syntax(
                    line,
                    column,
                    &quote.to_string(),
                    "a closing quote",
                ));
            };
            match next {
                next if next == quote && self.peek(0) == Some(quote) => {
                    self.take();
                    text.push(quote);
                }
                next if next == quote => break,
                '\\' if quote != '`' => text.extend(self.take().map(unescaped)),
                next => text.push(next),
            }
        }
        Ok(if quote == '`' {
            Kind::Name(text)
        } else {
            Kind::Text(text)
        })
    }
}

fn is_letter(character: char) -> bool {
    character.is_alphanumeric() && !character.is_ascii_digit() || matches!(character, '_' | '$')
}

fn unescaped(character: char) -> char {
    match character {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        '0' => '\0',
        'Z' => '\u{1a}',
        other => other,
    }
}
