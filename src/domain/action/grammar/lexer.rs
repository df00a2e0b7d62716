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
    /// Quotes begin: a word stays here even when nothing is in it.
    Quoted,
    /// The parameter at this position of the uses.
    Parameter(usize, Quoting),
    /// The variable of this name.
    Variable(String, Quoting),
}

/// What stands around a part of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoting {
    /// Nothing.
    Bare,
    /// Double quotes.
    Double,
    /// Single quotes.
    Single,
}

/// A word before values are put into it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RawWord {
    /// Its parts in order; none is the empty word.
    pub(super) parts: Vec<Part>,
    /// Length in bytes of `NAME` when the word is written `NAME=…`, without quotes up to there.
    pub(super) assigns: Option<usize>,
    /// The character just before, when it stands without quotes.
    last_bare: Option<char>,
    /// Whether all of it so far stands without quotes.
    bare: Bare,
}

/// Whether a word has been without quotes, backslashes and values so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Bare {
    #[default]
    SoFar,
    NoLonger,
}

impl RawWord {
    fn push(&mut self, c: char) {
        if let Some(Part::Literal(text)) = self.parts.last_mut() {
            text.push(c);
        } else {
            self.parts.push(Part::Literal(c.to_string()));
        }
    }

    /// Takes a character without quotes.
    fn push_bare(&mut self, c: char) {
        if c == '=' && self.bare == Bare::SoFar && self.assigns.is_none() {
            let name = self.literal();
            if is_name(&name) {
                self.assigns = Some(name.len());
            }
        }
        self.push(c);
        self.last_bare = Some(c);
    }

    /// Notes that what comes is quoted or a value.
    const fn dress(&mut self) {
        self.bare = Bare::NoLonger;
        self.last_bare = None;
    }

    fn is_begun(&self) -> bool {
        !self.parts.is_empty()
    }

    /// The text of the script in it, without values.
    pub(super) fn literal(&self) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Literal(text) => text.as_str(),
                Part::Quoted | Part::Parameter(..) | Part::Variable(..) => "",
            })
            .collect()
    }

    /// What is written when nothing has to be put into it.
    pub(super) fn only_literal(&self) -> Option<String> {
        self.parts.iter().all(|part| matches!(part, Part::Literal(_) | Part::Quoted)).then(|| self.literal())
    }
}

/// Whether `text` can be the name of a shell variable.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
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
            Some('<') => self.input(),
            Some('(' | ')') => Stop::outside("it uses parentheses: a shell of its own, a function or a list"),
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
            return self.input();
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

    fn input(&self) -> Result<Token, Stop> {
        Stop::outside(match self.rest() {
            rest if rest.starts_with("<<<") => "it reads from a text (<<<)",
            rest if rest.starts_with("<<") => "it reads from a here-document (<<)",
            rest if rest.starts_with("<(") => "it uses the output of a command as a file (<(…))",
            _ => "it reads from a file (<)",
        })
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
                self.value(index, &mut word, Quoting::Bare)?;
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
                '~' => self.tilde(&mut word)?,
                _ => {
                    check_plain(c, self.rest())?;
                    word.push_bare(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }

    /// A `~` means the home directory at the start of a word, and behind `=` and `:` in a word that sets a variable or looks so.
    /// Elsewhere it is a character like any other (`HEAD~1`).
    fn tilde(&mut self, word: &mut RawWord) -> Result<(), Stop> {
        let behind = word.last_bare;
        let first_value = word.assigns.is_some_and(|name| word.literal().len() == name + 1);
        let expands = match behind {
            _ if !word.is_begun() => true,
            Some('=') if first_value => true,
            Some('=') if !word.literal().starts_with('-') => return Stop::outside(HOME_IN_DOUBT),
            Some(':') => word.assigns.is_some(),
            _ => false,
        };
        self.at += 1;
        if !expands {
            word.push_bare('~');
            return Ok(());
        }
        let ends = match self.peek() {
            None | Some('/') => true,
            Some(':') => word.assigns.is_some(),
            Some(c) => is_metacharacter(c),
        };
        if !ends || self.use_here().is_some() {
            return Stop::outside(HOME_IN_DOUBT);
        }
        word.parts.push(Part::Variable("HOME".to_owned(), Quoting::Double));
        word.dress();
        Ok(())
    }

    /// Takes the parameter `index`, which begins here.
    fn value(&mut self, index: usize, word: &mut RawWord, quoting: Quoting) -> Result<(), Stop> {
        let Some(used) = self.uses.get(index) else { return Stop::outside("it uses a parameter in an unusual way") };
        let plain = used.surface.strip_prefix(['$', '<', '{']).unwrap_or_default();
        let operators = ['\'', '"', '\\', '`', '$', '\n', ';', '|', '&', '<', '('];
        if plain.is_empty() || plain.contains(operators) || used.span.end != self.at + used.surface.len() {
            return Stop::outside("it uses a parameter in an unusual way");
        }
        word.parts.push(Part::Parameter(index, quoting));
        word.dress();
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
                word.dress();
                word.push(c);
                self.at += c.len_utf8();
                Ok(())
            }
        }
    }

    fn single_quotes(&mut self, word: &mut RawWord) -> Result<(), Stop> {
        self.at += 1;
        word.parts.push(Part::Quoted);
        word.dress();
        loop {
            if let Some(index) = self.use_here() {
                self.value(index, word, Quoting::Single)?;
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
        word.parts.push(Part::Quoted);
        word.dress();
        loop {
            if let Some(index) = self.use_here() {
                self.value(index, word, Quoting::Double)?;
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

    /// A `$` that is no parameter is a variable, or itself where nothing could be expanded.
    fn dollar(&mut self, word: &mut RawWord, quoting: Quoting) -> Result<(), Stop> {
        self.at += 1;
        let rest = self.rest();
        let reason = match rest.chars().next() {
            None => return self.lone_dollar(word),
            Some('"') if quoting == Quoting::Double => return self.lone_dollar(word),
            Some(c) if " \t\n;|&./,:%=+)]}^~".contains(c) => return self.lone_dollar(word),
            Some('(') if rest.starts_with("((") => "it calculates with $((…))",
            Some('(') => "it uses the output of a command ($(…))",
            Some('[') => "it calculates with $[…]",
            Some('\'' | '"') => "it uses $'…' or $\"…\"",
            Some('?') => "it uses the status of the command before ($?)",
            Some('$') => "it uses the number of the shell's process ($$)",
            Some('!') => "it uses the number of a process in the background ($!)",
            Some('@' | '*' | '#' | '-' | '0'..='9') => "it uses an argument or option of the shell ($1, $@, $#, $-)",
            Some('{') => return self.braced_variable(word, quoting),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
                return self.variable(word, length, quoting);
            }
            Some(_) => "it uses a $ in an unusual way",
        };
        Stop::outside(reason)
    }

    fn lone_dollar(&self, word: &mut RawWord) -> Result<(), Stop> {
        if self.use_here().is_some() {
            return Stop::outside("a $ stands before a parameter");
        }
        word.push('$');
        word.dress();
        Ok(())
    }

    /// `${NAME}`; what else braces can hold only a shell evaluates.
    fn braced_variable(&mut self, word: &mut RawWord, quoting: Quoting) -> Result<(), Stop> {
        let inner = self.rest().get(1..).unwrap_or_default();
        let length = inner.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let plain = inner.get(..length).is_some_and(is_name) && inner.as_bytes().get(length) == Some(&b'}');
        if !plain {
            return Stop::outside("it changes or tests a variable with ${…}");
        }
        self.at += 1;
        self.variable(word, length, quoting)?;
        self.at += 1;
        Ok(())
    }

    fn variable(&mut self, word: &mut RawWord, length: usize, quoting: Quoting) -> Result<(), Stop> {
        let name = self.rest().get(..length).unwrap_or_default().to_owned();
        self.at += length;
        word.parts.push(Part::Variable(name, quoting));
        word.dress();
        Ok(())
    }
}

/// Why a `~` is outside that a shell may or may not replace.
const HOME_IN_DOUBT: &str = "it uses ~ in a way that only a shell can tell the meaning of";

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
        '`' => Stop::outside("it uses the output of a command (`…`)"),
        // Bash leaves `{}` alone, and with no other `{` nothing else can expand.
        '{' if !rest.starts_with("{}") => Stop::outside("it uses { } without quotes"),
        _ => Ok(()),
    }
}
