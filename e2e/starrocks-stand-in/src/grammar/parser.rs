//! The cursor that the rules move over a statement's tokens.

use super::{
    lexer::{Kind, Token, tokens},
    reserved::is_reserved,
};
use crate::error::{SqlError, SqlResult};

/// A place in a statement.
pub struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    /// The beginning of a statement.
    pub fn new(statement: &str) -> SqlResult<Self> {
        Ok(Self {
            tokens: tokens(statement)?,
            at: 0,
        })
    }

    /// Moves over a keyword, if it is the next token.
    pub fn accept(&mut self, keyword: &str) -> bool {
        let accepted = self.is_next(keyword);
        self.at += usize::from(accepted);
        accepted
    }

    /// Moves over keywords, if all of them follow.
    pub fn accept_all(&mut self, keywords: &[&str]) -> bool {
        let began = self.at;
        let accepted = keywords.iter().all(|keyword| self.accept(keyword));
        if !accepted {
            self.at = began;
        }
        accepted
    }

    /// Moves over a sign, if it is the next token.
    pub fn accept_sign(&mut self, sign: char) -> bool {
        let accepted = *self.next() == Kind::Sign(sign);
        self.at += usize::from(accepted);
        accepted
    }

    /// Moves over keywords.
    pub fn expect(&mut self, keywords: &[&str]) -> SqlResult<()> {
        keywords
            .iter()
            .try_for_each(|keyword| match self.accept(keyword) {
                true => Ok(()),
                false => Err(self.unexpected(&format!("'{keyword}'"))),
            })
    }

    /// Moves over a sign.
    pub fn expect_sign(&mut self, sign: char) -> SqlResult<()> {
        match self.accept_sign(sign) {
            true => Ok(()),
            false => Err(self.unexpected(&format!("'{sign}'"))),
        }
    }

    /// The statement ends here, with a semicolon or without.
    pub fn expect_end(&mut self) -> SqlResult<()> {
        self.accept_sign(';');
        match self.next() {
            Kind::End => Ok(()),
            _ => Err(self.unexpected("<EOF>, ';'")),
        }
    }

    /// A name: a word that isn't reserved, or anything in backticks.
    pub fn identifier(&mut self) -> SqlResult<String> {
        let name = match self.next() {
            Kind::Word(word) if !is_reserved(word) => word.clone(),
            Kind::Name(name) => name.clone(),
            _ => return Err(self.unexpected("a legal identifier")),
        };
        self.at += 1;
        Ok(name)
    }

    /// A name that may be written as a text too.
    pub fn identifier_or_text(&mut self) -> SqlResult<String> {
        match self.next() {
            Kind::Text(_) => self.text(),
            _ => self.identifier(),
        }
    }

    /// A text in quotes.
    pub fn text(&mut self) -> SqlResult<String> {
        let Kind::Text(text) = self.next() else {
            return Err(self.unexpected("SINGLE_QUOTED_TEXT, DOUBLE_QUOTED_TEXT"));
        };
        let text = text.clone();
        self.at += 1;
        Ok(text)
    }

    /// A text in quotes, if it is the next token.
    pub fn accept_text(&mut self) -> Option<String> {
        self.text().ok()
    }

    /// A number as it is written, if it is the next token.
    pub fn accept_number(&mut self) -> Option<String> {
        let Kind::Number(number) = self.next() else {
            return None;
        };
        let number = number.clone();
        self.at += 1;
        Some(number)
    }

    /// A whole number.
    pub fn integer<N: std::str::FromStr>(&mut self) -> SqlResult<N> {
        let integer = match self.next() {
            Kind::Number(number) => number.parse().ok(),
            _ => None,
        };
        let integer = integer.ok_or_else(|| self.unexpected("INTEGER_VALUE"))?;
        self.at += 1;
        Ok(integer)
    }

    /// Items with commas between them, one at least.
    pub fn list<T>(&mut self, item: impl Fn(&mut Self) -> SqlResult<T>) -> SqlResult<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.accept_sign(',') {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// The same in brackets.
    pub fn bracketed<T>(&mut self, item: impl Fn(&mut Self) -> SqlResult<T>) -> SqlResult<Vec<T>> {
        self.expect_sign('(')?;
        let items = self.list(item)?;
        self.expect_sign(')')?;
        Ok(items)
    }

    /// `'key' = 'value', …` in brackets.
    pub fn properties(&mut self) -> SqlResult<Vec<(String, String)>> {
        self.bracketed(|parser| {
            let key = parser.text()?;
            parser.expect_sign('=')?;
            Ok((key, parser.text()?))
        })
    }

    /// `IF NOT EXISTS`, if it follows.
    pub fn if_not_exists(&mut self) -> bool {
        self.accept_all(&["IF", "NOT", "EXISTS"])
    }

    /// `IF EXISTS`, if it follows.
    pub fn if_exists(&mut self) -> bool {
        self.accept_all(&["IF", "EXISTS"])
    }

    /// The refusal of the next token.
    pub fn unexpected(&self, expected: &str) -> SqlError {
        let token = &self.tokens[self.at.min(self.tokens.len() - 1)];
        SqlError::syntax(token.line, token.column, &token.kind.shown(), expected)
    }

    fn is_next(&self, keyword: &str) -> bool {
        matches!(self.next(), Kind::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    fn next(&self) -> &Kind {
        self.tokens
            .get(self.at)
            .map_or(&Kind::End, |token| &token.kind)
    }
}
