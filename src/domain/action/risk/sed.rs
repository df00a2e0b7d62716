//! Programs of `sed`.
//!
//! Owns: reading the commands of a program. `e` runs programs, `w` and `W` write files, `r` and `R` read them; what cannot be
//! read to its end is `Unknown`.

use super::Risk;
use super::judge::{self, Call, Finding};

/// `sed [-i[SUFFIX]] [-e PROGRAM…] [PROGRAM] [FILE…]`
pub(super) fn check(call: &Call<'_>) -> Finding {
    let given: Vec<&str> = call.arguments.values(&["-e", "--expression"]).collect();
    let (programs, files) = match (given.as_slice(), call.operands) {
        ([], []) => return call.finding(Risk::Unknown, "it has no program"),
        ([], [program, files @ ..]) => (vec![*program], files),
        (given, files) => (given.to_vec(), files),
    };
    // Pieces are joined by line ends, so that one may go on in the next.
    let text = programs.join("\n");
    let program = match (Reader { rest: &text }).read() {
        Ok(Does::Looks) => call.reads(),
        Ok(Does::Writes) => call.finding(Risk::Change, "its program writes a file"),
        Ok(Does::Runs) => call.finding(Risk::Unknown, "its program runs other programs"),
        Err(why) => call.finding(Risk::Unknown, &why),
    };
    program.or_higher(judge::files(call.name, files))
}

/// The most that a program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Does {
    Looks,
    Writes,
    Runs,
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = self.rest.get(c.len_utf8()..).unwrap_or_default();
        Some(c)
    }

    fn skip(&mut self, of: &[char]) {
        self.rest = self.rest.trim_start_matches(of);
    }

    fn line(&mut self) -> &'a str {
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        line
    }

    fn read(mut self) -> Result<Does, String> {
        let mut does = Does::Looks;
        let mut open = 0_usize;
        loop {
            self.skip(&[' ', '\t', '\n', ';']);
            if self.rest.is_empty() {
                return if open == 0 { Ok(does) } else { Err("its program has an open {".to_owned()) };
            }
            self.addresses()?;
            self.skip(&[' ', '\t', '!']);
            let command = self.next().ok_or("its program ends with an address")?;
            match command {
                '{' => open += 1,
                '}' => open = open.checked_sub(1).ok_or("its program has a } too many")?,
                '#' => {
                    self.line();
                }
                '=' | 'd' | 'D' | 'g' | 'G' | 'h' | 'H' | 'n' | 'N' | 'p' | 'P' | 'x' | 'z' | 'F' => {}
                'q' | 'Q' | 'l' | 'L' => self.skip(&[' ', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']),
                'a' | 'i' | 'c' => self.text(),
                ':' | 'b' | 't' | 'T' => self.label(),
                'r' | 'R' => {
                    let path = self.line().trim();
                    if judge::is_device(path) {
                        return Err(format!("it reads {path}"));
                    }
                }
                'w' | 'W' => does = does.max(written(self.line())),
                'y' => {
                    let delimiter = self.next().ok_or("its y command has no end")?;
                    self.part(delimiter)?;
                    self.part(delimiter)?;
                }
                's' => does = does.max(self.substitution()?),
                'e' => {
                    self.line();
                    does = Does::Runs;
                }
                other => return Err(format!("{other:?} is no command of sed that is known")),
            }
        }
    }

    /// `N`, `$`, `/RE/flags`, `\cREc`, `N~M`, `,+N`.
    fn addresses(&mut self) -> Result<(), String> {
        loop {
            match self.peek() {
                Some(c) if c.is_ascii_digit() || matches!(c, '$' | ',' | '~' | '+') => {
                    self.next();
                }
                Some(' ') => self.skip(&[' ']),
                Some('/') => {
                    self.next();
                    self.part('/')?;
                    self.skip(&['I', 'M']);
                }
                Some('\\') => {
                    self.next();
                    let delimiter = self.next().ok_or("its program ends in an address")?;
                    self.part(delimiter)?;
                    self.skip(&['I', 'M']);
                }
                _ => return Ok(()),
            }
        }
    }

    /// Up to the delimiter, which a backslash takes the meaning from; in brackets it has none in GNU sed's regular expressions
    /// only when escaped, so a delimiter in brackets is refused.
    fn part(&mut self, delimiter: char) -> Result<&'a str, String> {
        if matches!(delimiter, '\n' | '\\') {
            return Err("its delimiter is a line end or a backslash".to_owned());
        }
        let begin = self.rest;
        let mut bracket = false;
        while let Some(c) = self.next() {
            match c {
                '\\' => {
                    self.next();
                }
                '[' => bracket = true,
                ']' => bracket = false,
                c if c == delimiter && bracket => return Err("a delimiter stands inside brackets".to_owned()),
                c if c == delimiter => {
                    let length = begin.len() - self.rest.len() - c.len_utf8();
                    return Ok(begin.get(..length).unwrap_or_default());
                }
                _ => {}
            }
        }
        Err("a delimiter is missing in its program".to_owned())
    }

    fn substitution(&mut self) -> Result<Does, String> {
        let delimiter = self.next().ok_or("its s command has no end")?;
        self.part(delimiter)?;
        self.part(delimiter)?;
        let mut does = Does::Looks;
        loop {
            match self.peek() {
                Some('g' | 'p' | 'i' | 'I' | 'm' | 'M' | '0'..='9') => {
                    self.next();
                }
                Some('e') => {
                    self.next();
                    does = Does::Runs;
                }
                Some('w') => {
                    self.next();
                    return Ok(does.max(written(self.line())));
                }
                None | Some(' ' | '\t' | ';' | '\n' | '}' | '#') => return Ok(does),
                Some(other) => return Err(format!("{other:?} is no flag of s that is known")),
            }
        }
    }

    /// The text of `a`, `i` and `c`: to the end of the line, and further after a backslash.
    fn text(&mut self) {
        while self.line().ends_with('\\') {}
    }

    fn label(&mut self) {
        let end = self.rest.find([';', '\n', '}']).unwrap_or(self.rest.len());
        self.rest = self.rest.get(end..).unwrap_or_default();
    }
}

fn written(line: &str) -> Does {
    match line.trim() {
        "/dev/null" | "/dev/stdout" | "/dev/stderr" => Does::Looks,
        _ => Does::Writes,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1p", Ok(Does::Looks))]
    #[case("/a/,/b/!d", Ok(Does::Looks))]
    #[case("s/a/b/g;s|/x|/y|I", Ok(Does::Looks))]
    #[case("$!{h;d}", Ok(Does::Looks))]
    #[case(":a;N;$!ba;s/\\n/ /g", Ok(Does::Looks))]
    #[case("1a\\\ne rm\n2p", Ok(Does::Looks))]
    #[case("s/w/e/", Ok(Does::Looks))]
    #[case("y/abc/xyz/", Ok(Does::Looks))]
    #[case("w /tmp/x", Ok(Does::Writes))]
    #[case("s/a/b/w /tmp/x", Ok(Does::Writes))]
    #[case("w /dev/stdout", Ok(Does::Looks))]
    #[case("1e id", Ok(Does::Runs))]
    #[case("e", Ok(Does::Runs))]
    #[case("s/a/b/e", Ok(Does::Runs))]
    #[case("s/a/b/ge", Ok(Does::Runs))]
    #[case("s,a,b,pe", Ok(Does::Runs))]
    #[case("/x/{s/a/b/e}", Ok(Does::Runs))]
    #[case("1!e", Ok(Does::Runs))]
    fn programs(#[case] program: &str, #[case] expected: Result<Does, String>) {
        assert_eq!(Reader { rest: program }.read(), expected, "{program}");
    }

    #[rstest]
    #[case("s/a/b")]
    #[case("s/[/]/b/;e/")]
    #[case("k")]
    #[case("{p")]
    #[case("p}")]
    #[case("s/a/b/x")]
    fn programs_that_are_not_read(#[case] program: &str) {
        assert!(Reader { rest: program }.read().is_err(), "{program}");
    }
}
