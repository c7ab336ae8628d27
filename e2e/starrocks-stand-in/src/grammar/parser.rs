//! A cursor over a statement's tokens.

use super::{
    lexer::{Kind, Token, tokens},
    reserved::is_reserved,
};
use crate::error::{SqlError, SqlResult};

/// A position in a statement.
pub struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    /// Creates a parser at the start of a statement.
    pub fn new(statement: &str) -> SqlResult<Self> {
        Ok(Self {
            tokens: tokens(statement)?,
            at: 0,
        })
    }

    /// Consumes a keyword if it is the next token.
    pub fn accept(&mut self, keyword: &str) -> bool {
        let accepted = self.is_next(keyword);
        self.at += usize::from(accepted);
        accepted
    }

    /// Consumes keywords if all of them follow.
    pub fn accept_all(&mut self, keywords: &[&str]) -> bool {
        let began = self.at;
        let accepted = keywords.iter().all(|keyword| self.accept(keyword));
        if !accepted {
            self.at = began;
        }
        accepted
    }

    /// Consumes a sign if it is the next token.
    pub fn accept_sign(&mut self, sign: char) -> bool {
        let accepted = *self.next() == Kind::Sign(sign);
        self.at += usize::from(accepted);
        accepted
    }

    /// Consumes keywords, or returns a syntax error.
    pub fn expect(&mut self, keywords: &[&str]) -> SqlResult<()> {
        keywords
            .iter()
            .try_for_each(|keyword| match self.accept(keyword) {
                true => Ok(()),
                false => Err(self.unexpected(&format!("'{keyword}'"))),
            })
    }

    /// Consumes a sign, or returns a syntax error.
    pub fn expect_sign(&mut self, sign: char) -> SqlResult<()> {
        match self.accept_sign(sign) {
            true => Ok(()),
            false => Err(self.unexpected(&format!("'{sign}'"))),
        }
    }

    /// Consumes the end of the statement and an optional semicolon.
    pub fn expect_end(&mut self) -> SqlResult<()> {
        self.accept_sign(';');
        match self.next() {
            Kind::End => Ok(()),
            _ => Err(self.unexpected("<EOF>, ';'")),
        }
    }

    /// Consumes a name: a word that isn't reserved, or any name in backticks.
    pub fn identifier(&mut self) -> SqlResult<String> {
        let name = match self.next() {
            Kind::Word(word) if !is_reserved(word) => word.clone(),
            Kind::Name(name) => name.clone(),
            _ => return Err(self.unexpected("a legal identifier")),
        };
        self.at += 1;
        Ok(name)
    }

    /// Consumes a name or a quoted text.
    pub fn identifier_or_text(&mut self) -> SqlResult<String> {
        match self.next() {
            Kind::Text(_) => self.text(),
            _ => self.identifier(),
        }
    }

    /// Consumes a quoted text.
    pub fn text(&mut self) -> SqlResult<String> {
        let Kind::Text(text) = self.next() else {
            return Err(self.unexpected("SINGLE_QUOTED_TEXT, DOUBLE_QUOTED_TEXT"));
        };
        let text = text.clone();
        self.at += 1;
        Ok(text)
    }

    /// Consumes a quoted text if it is the next token.
    pub fn accept_text(&mut self) -> Option<String> {
        self.text().ok()
    }

    /// Consumes a number if it is the next token, and returns it as written.
    pub fn accept_number(&mut self) -> Option<String> {
        let Kind::Number(number) = self.next() else {
            return None;
        };
        let number = number.clone();
        self.at += 1;
        Some(number)
    }

    /// Consumes an integer.
    pub fn integer<N: std::str::FromStr>(&mut self) -> SqlResult<N> {
        let integer = match self.next() {
            Kind::Number(number) => number.parse().ok(),
            _ => None,
        };
        let integer = integer.ok_or_else(|| self.unexpected("INTEGER_VALUE"))?;
        self.at += 1;
        Ok(integer)
    }

    /// Consumes one or more items separated by commas.
    pub fn list<T>(&mut self, item: impl Fn(&mut Self) -> SqlResult<T>) -> SqlResult<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.accept_sign(',') {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Consumes one or more items in brackets, separated by commas.
    pub fn bracketed<T>(&mut self, item: impl Fn(&mut Self) -> SqlResult<T>) -> SqlResult<Vec<T>> {
        self.expect_sign('(')?;
        let items = self.list(item)?;
        self.expect_sign(')')?;
        Ok(items)
    }

    /// Consumes `('key' = 'value', …)`.
    pub fn properties(&mut self) -> SqlResult<Vec<(String, String)>> {
        self.bracketed(|parser| {
            let key = parser.text()?;
            parser.expect_sign('=')?;
            Ok((key, parser.text()?))
        })
    }

    /// Consumes `IF NOT EXISTS` if it follows.
    pub fn if_not_exists(&mut self) -> bool {
        self.accept_all(&["IF", "NOT", "EXISTS"])
    }

    /// Consumes `IF EXISTS` if it follows.
    pub fn if_exists(&mut self) -> bool {
        self.accept_all(&["IF", "EXISTS"])
    }

    /// Returns the syntax error for the next token.
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
