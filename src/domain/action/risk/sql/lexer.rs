//! Cutting SQL into words, names, texts and signs, as each server does.
//!
//! Invariant: where servers differ (comments inside comments, backslashes in texts), a text is read as the one in question reads
//! it, or refused.

use super::Dialect;

/// A part of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or keyword in capital letters.
    Word(String),
    /// A quoted name: never a keyword.
    Name(String),
    Text,
    Sign(char),
    /// A command of the client program, to the end of its line, without what marks it.
    Client(String),
}

/// Reads a text into its parts.
pub(super) struct Lexer<'a> {
    rest: &'a str,
    dialect: Dialect,
    /// Whether the line has had nothing yet.
    begin: bool,
    /// Whether a statement has begun that no `;` has ended yet.
    open: bool,
}

impl<'a> Lexer<'a> {
    /// At the beginning of `text`.
    pub(super) const fn new(text: &'a str, dialect: Dialect) -> Self {
        Self { rest: text, dialect, begin: true, open: false }
    }

    /// The parts of the text.
    ///
    /// # Errors
    /// What keeps it from being read as the server would read it.
    pub(super) fn tokens(mut self) -> Result<Vec<Token>, String> {
        let mut tokens = Vec::new();
        while let Some(c) = self.rest.chars().next() {
            if self.skipped(c)? {
                continue;
            }
            let token = self.token(c)?;
            self.begin = false;
            self.open = match &token {
                Token::Sign(';') => false,
                Token::Client(_) => self.open,
                Token::Word(_) | Token::Name(_) | Token::Text | Token::Sign(_) => true,
            };
            tokens.push(token);
        }
        Ok(tokens)
    }

    /// Takes blanks and comments away.
    fn skipped(&mut self, c: char) -> Result<bool, String> {
        let mysql = self.dialect == Dialect::Mysql;
        if c == '\n' {
            self.begin = true;
            self.advance(1);
        } else if c.is_ascii_whitespace() || c == '\u{b}' {
            self.advance(c.len_utf8());
        } else if (self.rest.starts_with("--") && !mysql) || self.rest.starts_with("-- ") || (mysql && c == '#') {
            self.advance(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*!") || self.rest.starts_with("/*+") || self.rest.starts_with("/*M!") {
            return Err("it has a comment that the server runs".to_owned());
        } else if self.rest.starts_with("/*") {
            self.comment()?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Only PostgreSQL counts comments inside comments; where the others would see the end differently, it is refused.
    fn comment(&mut self) -> Result<(), String> {
        let end = self.rest.find("*/").ok_or("a comment has no end")?;
        if self.rest.get(2..end).is_some_and(|inside| inside.contains("/*")) {
            return Err("it has a comment inside a comment".to_owned());
        }
        self.advance(end + 2);
        Ok(())
    }

    fn token(&mut self, c: char) -> Result<Token, String> {
        match c {
            '\'' => {
                self.quoted('\'', self.dialect == Dialect::Mysql)?;
                Ok(Token::Text)
            }
            '"' if self.dialect == Dialect::Mysql => {
                self.quoted('"', true)?;
                Ok(Token::Text)
            }
            // An operator there.
            '`' if self.dialect == Dialect::Postgres => {
                self.advance(1);
                Ok(Token::Sign(c))
            }
            '"' | '`' => Ok(Token::Name(self.quoted(c, false)?.to_ascii_uppercase())),
            '[' if self.dialect == Dialect::Sqlite => {
                let end = self.rest.find(']').ok_or("a quoted name has no end")?;
                let name = self.rest.get(1..end).unwrap_or_default().to_ascii_uppercase();
                self.advance(end + 1);
                Ok(Token::Name(name))
            }
            '$' if self.dialect == Dialect::Postgres => self.dollar(),
            '\\' => {
                self.advance(1);
                Ok(Token::Client(format!("\\{}", self.line())))
            }
            '.' if self.begin && !self.open && self.dialect == Dialect::Sqlite => Ok(Token::Client(self.line())),
            c if is_of_name(c) => self.word(),
            c => {
                self.advance(c.len_utf8());
                Ok(Token::Sign(c))
            }
        }
    }

    fn word(&mut self) -> Result<Token, String> {
        let end = self.rest.find(|c: char| !(is_of_name(c) || c == '$')).unwrap_or(self.rest.len());
        let word = self.rest.get(..end).unwrap_or_default().to_ascii_uppercase();
        self.advance(end);
        // E'…' has backslashes; U&'…', B'…', X'…' and N'…' are texts too.
        if self.rest.starts_with('\'') && matches!(word.as_str(), "E" | "B" | "X" | "N" | "U") {
            self.quoted('\'', word == "E" || self.dialect == Dialect::Mysql)?;
            return Ok(Token::Text);
        }
        Ok(Token::Word(word))
    }

    /// `$$…$$`, `$tag$…$tag$`, or the number of a parameter.
    fn dollar(&mut self) -> Result<Token, String> {
        let tail = self.rest.get(1..).unwrap_or_default();
        let tag = tail.find(|c: char| !is_of_name(c)).unwrap_or(tail.len());
        if !tail.get(tag..).is_some_and(|rest| rest.starts_with('$')) {
            self.advance(1);
            return Ok(Token::Sign('$'));
        }
        let mark = self.rest.get(..tag + 2).unwrap_or_default().to_owned();
        self.advance(mark.len());
        let end = self.rest.find(&mark).ok_or("a quoted text has no end")?;
        self.advance(end + mark.len());
        Ok(Token::Text)
    }

    /// A doubled quote stands for one.
    fn quoted(&mut self, quote: char, backslashes: bool) -> Result<String, String> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' if backslashes => {
                    chars.next();
                }
                c if c == quote => match chars.next_if(|(_, next)| *next == quote) {
                    Some(_) => text.push(quote),
                    None => {
                        self.advance(at + c.len_utf8());
                        return Ok(text);
                    }
                },
                c => text.push(c),
            }
        }
        Err("a quoted text has no end".to_owned())
    }

    fn line(&mut self) -> String {
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        let line = self.rest.get(..end).unwrap_or_default().trim().to_owned();
        self.advance(end);
        line
    }

    fn advance(&mut self, by: usize) {
        self.rest = self.rest.get(by..).unwrap_or_default();
    }
}

/// Whether a name can hold `c`. To all servers every character beyond ASCII is a letter.
const fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}
