//! Programs of `awk`.
//!
//! Owns: finding what in a program writes or runs. `system(…)`, pipes to and from commands, output into files, `@load`. Does
//! not: understand the rest. A regular expression cannot always be told from a division, so signs that matter are looked for in
//! both: a pipe or a `>` inside of what may be a regular expression makes the program `Unknown`, never harmless.

use super::Risk;
use super::judge::{self, Call, Finding, Input};

/// `awk [-F SEPARATOR] [-v NAME=VALUE] PROGRAM [FILE…]`
pub(super) fn check(call: &Call<'_>) -> Finding {
    let [program, files @ ..] = call.operands else {
        return if call.arguments.has(&["--version", "-V"]) {
            call.reads()
        } else {
            call.finding(Risk::Unknown, "it has no program")
        };
    };
    match tokens(program) {
        Err(why) => call.finding(Risk::Unknown, &why),
        Ok(tokens) => of_tokens(call, &tokens).or_higher(judge::files(call.name, files)),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(String),
}

fn tokens(program: &str) -> Result<Vec<Token>, String> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut rest = program;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' => {
                let (text, length) = string(rest)?;
                tokens.push(Token::Text(text));
                length
            }
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '/' if before_expression(tokens.last()) => {
                tokens.push(Token::Text(String::new()));
                regular_expression(rest)?
            }
            c if c.is_ascii_alphanumeric() || c == '_' => {
                let word: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                let length = word.len();
                tokens.push(Token::Word(word));
                length
            }
            '\n' => {
                tokens.push(Token::Sign("\n".to_owned()));
                1
            }
            c if c.is_whitespace() => c.len_utf8(),
            '@' => return Err("its program loads or calls something by name".to_owned()),
            c => {
                let pair: String = rest.chars().take(2).collect();
                let sign =
                    if matches!(pair.as_str(), "||" | "&&" | ">=" | "<=" | "==" | "!=" | ">>" | "|&" | "++" | "--") {
                        pair
                    } else {
                        c.to_string()
                    };
                let length = sign.len();
                tokens.push(Token::Sign(sign));
                length
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(tokens)
}

/// A slash begins a regular expression where no value stands before it.
fn before_expression(last: Option<&Token>) -> bool {
    match last {
        None => true,
        Some(Token::Sign(sign)) => !matches!(sign.as_str(), ")" | "]" | "++" | "--"),
        Some(Token::Word(word)) => matches!(word.as_str(), "return" | "print" | "printf" | "in" | "do" | "else"),
        Some(Token::Text(_)) => false,
    }
}

fn string(rest: &str) -> Result<(String, usize), String> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((text, at + 1)),
            '\\' => {
                let (_, next) = chars.next().ok_or("a string in its program has no end")?;
                match next {
                    '"' | '\\' | '/' => text.push(next),
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    // Other escapes could spell anything.
                    _ => text.push('\u{fffd}'),
                }
            }
            c => text.push(c),
        }
    }
    Err("a string in its program has no end".to_owned())
}

fn regular_expression(rest: &str) -> Result<usize, String> {
    let mut chars = rest.char_indices().skip(1);
    let mut bracket = false;
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '\n' => break,
            '[' => bracket = true,
            ']' => bracket = false,
            '/' if bracket => return Err("a slash stands inside brackets of a regular expression".to_owned()),
            '/' => return Ok(at + 1),
            _ => {}
        }
    }
    Err("a regular expression in its program has no end".to_owned())
}

fn of_tokens(call: &Call<'_>, tokens: &[Token]) -> Finding {
    let mut finding = call.reads();
    let mut printing = false;
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| tokens.get(at));
        let (next, after) = (tokens.get(at + 1), tokens.get(at + 2));
        match token {
            Token::Word(word) => match word.as_str() {
                "system" => finding = finding.or_higher(system(call, next, after, tokens.get(at + 3))),
                // Into what a `getline` from a command or a file would read, and functions of extensions.
                "getline" if matches!(before, Some(Token::Sign(sign)) if sign.starts_with('|')) => {}
                "print" | "printf" => (printing, depth) = (true, 0),
                _ => {}
            },
            Token::Sign(sign) => match sign.as_str() {
                "|&" => return call.finding(Risk::Unknown, "its program talks to another program or over the network"),
                "|" => finding = finding.or_higher(pipe(call, tokens.get(..at).unwrap_or_default(), next, after)),
                ">>" => finding = finding.or_higher(output(call, next, after)),
                ">" if printing && depth == 0 => finding = finding.or_higher(output(call, next, after)),
                "(" | "[" => depth += 1,
                ")" | "]" => depth = depth.saturating_sub(1),
                ";" | "\n" | "{" | "}" => printing = false,
                _ => {}
            },
            Token::Text(_) => {}
        }
    }
    finding
}

/// `print … > "FILE"`: only a file that is spelled out.
fn output(call: &Call<'_>, next: Option<&Token>, after: Option<&Token>) -> Finding {
    match next {
        Some(Token::Text(path)) if ends(after) => match path.as_str() {
            "/dev/stdout" | "/dev/stderr" | "/dev/null" => call.reads(),
            path if judge::is_device(path) || path.starts_with("/inet") => {
                call.finding(Risk::Unknown, &format!("its program writes to {path}"))
            }
            path if path.starts_with("/proc/") || path.starts_with("/sys/") => {
                call.finding(Risk::Unknown, &format!("its program writes to {path}"))
            }
            path => call.finding(Risk::Change, &format!("its program writes {path}")),
        },
        _ => call.finding(Risk::Unknown, "its program writes files whose names it makes"),
    }
}

/// Whether a statement ends here, so that nothing is joined to what stood before.
fn ends(token: Option<&Token>) -> bool {
    match token {
        None => true,
        Some(Token::Sign(sign)) => matches!(sign.as_str(), ";" | "}" | "\n"),
        Some(_) => false,
    }
}

/// `print | "COMMAND"` and `"COMMAND" | getline`.
fn pipe(call: &Call<'_>, before: &[Token], next: Option<&Token>, after: Option<&Token>) -> Finding {
    match next {
        Some(Token::Word(word)) if word == "getline" => match before {
            // Nothing may be joined to the text.
            [.., Token::Sign(sign), Token::Text(command)] if matches!(sign.as_str(), "{" | ";" | "(" | "\n") => {
                super::shell::text(command, &call.context.inner())
            }
            _ => call.finding(Risk::Unknown, "its program runs what it makes of its input"),
        },
        Some(Token::Text(command)) if ends(after) => super::shell::text(command, &call.context.fed(Input::Content)),
        _ => call.finding(Risk::Unknown, "its program runs what it makes of its input"),
    }
}

/// `system("COMMAND")`; with something appended, at least what stands there.
fn system(call: &Call<'_>, open: Option<&Token>, text: Option<&Token>, close: Option<&Token>) -> Finding {
    match (open, text, close) {
        (Some(Token::Sign(open)), Some(Token::Text(command)), Some(Token::Sign(close)))
            if open == "(" && close == ")" =>
        {
            super::shell::text(command, &call.context.inner())
        }
        _ => call.finding(Risk::Unknown, "its program runs what it makes of its input"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::action::risk::judge::{self, Context};

    #[rstest]
    #[case("{print $1}", Risk::Read)]
    #[case("$3 > 90 { print \"high\", $0 }", Risk::Read)]
    #[case("{print ($3 > 90)}", Risk::Read)]
    #[case("/a|b/ {print $1/2}", Risk::Read)]
    #[case("{print | \"sort -n\"}", Risk::Read)]
    #[case("NR>1{print}", Risk::Read)]
    #[case("{print > \"/tmp/x\"}", Risk::Change)]
    #[case("{print > \"/tmp/\" $1}", Risk::Unknown)]
    #[case("{print >> $1}", Risk::Unknown)]
    #[case("{print > \"/dev/sda\"}", Risk::Unknown)]
    #[case("BEGIN{system(\"rm -r x\")}", Risk::Destroy)]
    #[case("{system($0)}", Risk::Unknown)]
    #[case("{system(\"ls \" $0)}", Risk::Unknown)]
    #[case("{$0 | getline x}", Risk::Unknown)]
    #[case("BEGIN{\"date\" | getline x; print x}", Risk::Read)]
    #[case("{print | \"sh\"}", Risk::Unknown)]
    #[case("{print | $1}", Risk::Unknown)]
    #[case("BEGIN{print |& \"/inet/tcp/0/h/1\"}", Risk::Unknown)]
    #[case("@load \"x\"", Risk::Unknown)]
    #[case("{print \"a}", Risk::Unknown)]
    fn programs(#[case] program: &str, #[case] expected: Risk) {
        let finding = judge::words(&["awk", program, "f"], &Context::default());
        assert_eq!(finding.risk, expected, "{program}: {}", finding.why);
    }
}
