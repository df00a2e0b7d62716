//! Splits a script into words and operators, the way bash does, as long as bash would expand nothing.
//!
//! Owns: quoting, blanks, comments, operators, redirections. Does not: put values into words (see `values`).
//! One pass, no recursion.

use super::Stop;
use crate::domain::action::spec::{Connector, Redirect};
use crate::domain::procedure::params::ParamUse;

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Text of the script, quotes and backslashes removed.
    Literal(String),
    /// The parameter at this position of the uses.
    Value(usize),
}

/// A word before values are put into it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RawWord {
    /// Its parts in order; none is the empty word.
    pub(super) parts: Vec<Part>,
}

impl RawWord {
    fn push(&mut self, c: char) {
        if let Some(Part::Literal(text)) = self.parts.last_mut() {
            text.push(c);
        } else {
            self.parts.push(Part::Literal(c.to_string()));
        }
    }

    /// The text of the script in it, without values.
    pub(super) fn literal(&self) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Literal(text) => text.as_str(),
                Part::Value(_) => "",
            })
            .collect()
    }

    /// Whether a parameter is a part of it.
    pub(super) fn has_value(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Value(_)))
    }
}

/// What a script is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(RawWord),
    Redirects(Vec<Redirect>),
    Pipe,
    /// A connector, and how it is written.
    Connector(Connector, &'static str),
    Newline,
    End,
}

pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    uses: &'a [ParamUse],
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(text: &'a str, uses: &'a [ParamUse]) -> Self {
        Self { text, at: 0, uses }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    /// The parameter that begins at the present byte.
    fn use_here(&self) -> Option<usize> {
        self.uses.binary_search_by_key(&self.at, |used| used.span.start).ok()
    }

    pub(super) fn next_token(&mut self) -> Result<Token, Stop> {
        while self.take(" ") || self.take("\t") || self.take("\\\n") {}
        if self.use_here().is_some() {
            return self.word();
        }
        match self.peek() {
            None => Ok(Token::End),
            Some('#') => {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
                self.next_after_comment()
            }
            Some('\n') => {
                self.at += 1;
                Ok(Token::Newline)
            }
            Some(';' | '&' | '|') => self.operator(),
            Some('>') => self.redirect(""),
            Some('<') => Stop::outside("it reads from a file or a here-document"),
            Some('(' | ')') => Stop::outside("it uses parentheses"),
            Some(_) => self.word(),
        }
    }

    /// A comment reaches to the end of its line.
    fn next_after_comment(&mut self) -> Result<Token, Stop> {
        if self.take("\n") { Ok(Token::Newline) } else { Ok(Token::End) }
    }

    fn operator(&mut self) -> Result<Token, Stop> {
        if self.take("&&") {
            Ok(Token::Connector(Connector::AndThen, "&&"))
        } else if self.take("||") {
            Ok(Token::Connector(Connector::OrElse, "||"))
        } else if self.take("&>>") || self.take("&>") {
            self.null_file()?;
            Ok(Token::Redirects(vec![Redirect::OutToNull, Redirect::ErrToOut]))
        } else if self.take("|&") {
            Stop::outside("it uses |&")
        } else if ["|\\\n", "&\\\n", ";\\\n"].iter().any(|continued| self.rest().starts_with(continued)) {
            Stop::outside("a line is continued inside or after an operator")
        } else if self.take("|") {
            Ok(Token::Pipe)
        } else if self.take(";;") || self.take(";&") {
            Stop::outside("it uses a sign that belongs into a case")
        } else if self.take(";") {
            Ok(Token::Connector(Connector::Always, ";"))
        } else {
            Stop::outside("it starts something in the background with &")
        }
    }

    /// Reads a redirection whose descriptor is `descriptor` (empty when none is written).
    fn redirect(&mut self, descriptor: &str) -> Result<Token, Stop> {
        if !self.take(">") {
            return Stop::outside("it reads from a file or a here-document");
        }
        if self.take("&") {
            let redirect = match descriptor {
                "" | "1" if self.take("2") => Redirect::OutToErr,
                "2" if self.take("1") => Redirect::ErrToOut,
                _ => return Stop::outside("it redirects to another descriptor"),
            };
            return if self.at_delimiter() {
                Ok(Token::Redirects(vec![redirect]))
            } else {
                Stop::outside("it redirects to a file")
            };
        }
        self.take(">");
        let redirect = match descriptor {
            "" | "1" => Redirect::OutToNull,
            "2" => Redirect::ErrToNull,
            _ => return Stop::outside("it redirects another descriptor"),
        };
        self.null_file()?;
        Ok(Token::Redirects(vec![redirect]))
    }

    /// Reads the name /dev/null and nothing else.
    fn null_file(&mut self) -> Result<(), Stop> {
        while self.take(" ") || self.take("\t") {}
        if self.use_here().is_none() && self.take("/dev/null") && self.at_delimiter() {
            Ok(())
        } else {
            Stop::outside("it redirects to a file")
        }
    }

    /// Whether a word cannot go on here.
    fn at_delimiter(&self) -> bool {
        self.use_here().is_none() && self.peek().is_none_or(is_metacharacter)
    }

    fn word(&mut self) -> Result<Token, Stop> {
        let start = self.at;
        let mut word = RawWord::default();
        loop {
            if let Some(index) = self.use_here() {
                self.value(index, &mut word)?;
                continue;
            }
            let Some(c) = self.peek() else { return Ok(Token::Word(word)) };
            if matches!(c, '<' | '>') {
                // A continued line may stand inside the number; quotes or backslashes make it a word.
                let before = self.text.get(start..self.at).unwrap_or_default().replace("\\\n", "");
                if is_descriptor(&before) {
                    return self.redirect(&before);
                }
            }
            if is_metacharacter(c) {
                return Ok(Token::Word(word));
            }
            match c {
                '\\' => self.backslash(&mut word)?,
                '\'' => self.single_quotes(&mut word)?,
                '"' => self.double_quotes(&mut word)?,
                '$' => self.dollar(&mut word, Quoting::Bare)?,
                _ => {
                    check_plain(c, self.rest())?;
                    word.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }

    /// Takes the parameter `index`, which begins here.
    fn value(&mut self, index: usize, word: &mut RawWord) -> Result<(), Stop> {
        let Some(used) = self.uses.get(index) else { return Stop::outside("it uses a parameter in an unusual way") };
        let plain = used.surface.strip_prefix(['$', '<', '{']).unwrap_or_default();
        let operators = ['\'', '"', '\\', '`', '$', '\n', ';', '|', '&', '<', '('];
        if plain.is_empty() || plain.contains(operators) || used.span.end != self.at + used.surface.len() {
            return Stop::outside("it uses a parameter in an unusual way");
        }
        word.parts.push(Part::Value(index));
        self.at = used.span.end;
        Ok(())
    }

    fn backslash(&mut self, word: &mut RawWord) -> Result<(), Stop> {
        self.at += 1;
        if self.use_here().is_some() {
            return Stop::outside("a backslash stands before a parameter");
        }
        match self.peek() {
            None => Stop::outside("it ends with a backslash"),
            Some('\n') => {
                self.at += 1;
                Ok(())
            }
            Some(c) => {
                word.push(c);
                self.at += c.len_utf8();
                Ok(())
            }
        }
    }

    fn single_quotes(&mut self, word: &mut RawWord) -> Result<(), Stop> {
        self.at += 1;
        word.parts.push(Part::Literal(String::new()));
        loop {
            if let Some(index) = self.use_here() {
                self.value(index, word)?;
                continue;
            }
            let Some(c) = self.peek() else { return Stop::broken("a single quote is not closed") };
            self.at += c.len_utf8();
            if c == '\'' {
                return Ok(());
            }
            word.push(c);
        }
    }

    fn double_quotes(&mut self, word: &mut RawWord) -> Result<(), Stop> {
        self.at += 1;
        word.parts.push(Part::Literal(String::new()));
        loop {
            if let Some(index) = self.use_here() {
                self.value(index, word)?;
                continue;
            }
            let Some(c) = self.peek() else { return Stop::broken("a double quote is not closed") };
            match c {
                '"' => {
                    self.at += 1;
                    return Ok(());
                }
                '\\' => self.quoted_backslash(word)?,
                '$' => self.dollar(word, Quoting::Double)?,
                '`' => return Stop::outside("it uses the output of a command (`…`)"),
                _ => {
                    word.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }

    /// In double quotes a backslash is only special before `$`, a backtick, `"`, a backslash and a new line.
    fn quoted_backslash(&mut self, word: &mut RawWord) -> Result<(), Stop> {
        self.at += 1;
        if self.use_here().is_some() {
            return Stop::outside("a backslash stands before a parameter");
        }
        match self.peek() {
            Some('\n') => self.at += 1,
            Some(c @ ('$' | '`' | '"' | '\\')) => {
                word.push(c);
                self.at += 1;
            }
            _ => word.push('\\'),
        }
        Ok(())
    }

    /// A `$` that is no parameter is itself only where nothing could be expanded.
    fn dollar(&mut self, word: &mut RawWord, quoting: Quoting) -> Result<(), Stop> {
        self.at += 1;
        match (self.peek(), quoting) {
            (None | Some(' ' | '\t' | '\n' | ';' | '|' | '&'), _) | (Some('"'), Quoting::Double) => {
                word.push('$');
                Ok(())
            }
            (Some('('), _) => Stop::outside("it uses the output of a command or arithmetic ($(…))"),
            (Some('\'' | '"'), _) => Stop::outside("it uses $'…' or $\"…\""),
            (Some(_), _) => Stop::outside("it uses a shell variable that is no parameter"),
        }
    }
}

/// What stands around a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quoting {
    Bare,
    Double,
}

/// Whether `text` is a descriptor number when a redirection follows.
fn is_descriptor(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The characters that end a word (bash manual, "Definitions").
const fn is_metacharacter(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>')
}

/// Refuses unquoted characters that bash would expand.
fn check_plain(c: char, rest: &str) -> Result<(), Stop> {
    match c {
        '*' | '?' | '[' => Stop::outside("it uses a file name pattern (*, ? or [) without quotes"),
        '~' => Stop::outside("it uses ~"),
        '`' => Stop::outside("it uses the output of a command (`…`)"),
        // Bash leaves `{}` alone, and with no other `{` nothing else can expand.
        '{' if !rest.starts_with("{}") => Stop::outside("it uses { } without quotes"),
        _ => Ok(()),
    }
}
