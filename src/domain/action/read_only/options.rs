//! Reading argument lists the way GNU `getopt_long` does, against a list of known options.
//!
//! Owns: options, their values, operands. Invariant: what is not listed is an error, abbreviations of long options too; so a
//! list of harmless options decides, never a list of harmful ones.

/// What a program accepts when it only looks.
#[derive(Clone, Copy)]
pub(super) struct Options {
    /// Letters as for `getopt`: `a` is a flag, `n:` takes a value, `c::` takes one only when it is joined to the letter.
    pub(super) short: &'static str,
    /// Long options without dashes: `all` is a flag, `lines=` takes a value, `color?` takes one only after `=`.
    pub(super) long: &'static [&'static str],
}

/// An argument list taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Arguments<'a> {
    /// Options in order, without dashes, and their values.
    pub(super) options: Vec<(&'a str, Option<&'a str>)>,
    /// Everything else, in order.
    pub(super) operands: Vec<&'a str>,
}

impl<'a> Arguments<'a> {
    /// Whether one of the options `names` is given.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.options.iter().any(|(name, _)| names.contains(name))
    }

    /// The values of the options `names`.
    pub(super) fn values(&self, names: &'static [&'static str]) -> impl Iterator<Item = &'a str> {
        self.options.iter().filter(|(name, _)| names.contains(name)).filter_map(|(_, value)| *value)
    }
}

/// Takes `words` (without the program's name) apart.
///
/// # Errors
/// The first word that is not known to be harmless.
pub(super) fn parse<'a>(options: &Options, words: &[&'a str]) -> Result<Arguments<'a>, String> {
    let mut arguments = Arguments::default();
    let mut rest = words.iter().copied();
    while let Some(word) = rest.next() {
        if word == "--" {
            arguments.operands.extend(rest);
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            let (name, joined) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (long, None),
            };
            let value = match (takes_long(options, name), joined) {
                (Some(Takes::Nothing), None) | (Some(Takes::Joined), None) => None,
                (Some(Takes::Joined | Takes::Value), Some(value)) => Some(value),
                (Some(Takes::Value), None) => Some(rest.next().ok_or_else(|| word.to_owned())?),
                (Some(Takes::Nothing), Some(_)) | (None, _) => return Err(word.to_owned()),
            };
            arguments.options.push((name, value));
        } else if word.len() > 1 && word.starts_with('-') {
            cluster(options, word, &mut rest, &mut arguments)?;
        } else {
            arguments.operands.push(word);
        }
    }
    Ok(arguments)
}

/// Reads letters behind one dash, such as `-xn5`.
fn cluster<'a>(
    options: &Options,
    word: &'a str,
    rest: &mut impl Iterator<Item = &'a str>,
    arguments: &mut Arguments<'a>,
) -> Result<(), String> {
    let unknown = || word.to_owned();
    let mut at = 1;
    while let Some(letter) = word.get(at..).and_then(|tail| tail.chars().next()) {
        let end = at + letter.len_utf8();
        let name = word.get(at..end).ok_or_else(unknown)?;
        let tail = word.get(end..).filter(|tail| !tail.is_empty());
        match takes_short(options, letter).ok_or_else(unknown)? {
            Takes::Nothing => arguments.options.push((name, None)),
            Takes::Joined => {
                arguments.options.push((name, tail));
                return Ok(());
            }
            Takes::Value => {
                let value = match tail {
                    Some(tail) => tail,
                    None => rest.next().ok_or_else(unknown)?,
                };
                arguments.options.push((name, Some(value)));
                return Ok(());
            }
        }
        at = end;
    }
    Ok(())
}

/// What belongs to an option.
#[derive(Clone, Copy)]
enum Takes {
    Nothing,
    Value,
    Joined,
}

fn takes_short(options: &Options, letter: char) -> Option<Takes> {
    if letter == ':' {
        return None;
    }
    let (_, after) = options.short.split_once(letter)?;
    Some(match after {
        after if after.starts_with("::") => Takes::Joined,
        after if after.starts_with(':') => Takes::Value,
        _ => Takes::Nothing,
    })
}

fn takes_long(options: &Options, name: &str) -> Option<Takes> {
    options.long.iter().find_map(|known| match known.strip_prefix(name)? {
        "" => Some(Takes::Nothing),
        "=" => Some(Takes::Value),
        "?" => Some(Takes::Joined),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const SOME: Options = Options { short: "abn:c::5", long: &["all", "lines=", "color?"] };

    #[rstest]
    #[case(&["-ab", "x"], &[("a", None), ("b", None)], &["x"])]
    #[case(&["-n5", "-n", "6", "-an7"], &[("n", Some("5")), ("n", Some("6")), ("a", None), ("n", Some("7"))], &[])]
    #[case(&["-c", "x", "-cy"], &[("c", None), ("c", Some("y"))], &["x"])]
    #[case(&["--all", "--lines=5", "--lines", "6", "--color", "--color=x"],
        &[("all", None), ("lines", Some("5")), ("lines", Some("6")), ("color", None), ("color", Some("x"))], &[])]
    #[case(&["x", "-a", "-", "--", "-z"], &[("a", None)], &["x", "-", "-z"])]
    #[case(&["-5"], &[("5", None)], &[])]
    fn known_arguments(#[case] words: &[&str], #[case] options: &[(&str, Option<&str>)], #[case] operands: &[&str]) {
        let arguments = parse(&SOME, words).unwrap();
        assert_eq!((arguments.options.as_slice(), arguments.operands.as_slice()), (options, operands));
    }

    #[rstest]
    #[case(&["-z"])]
    #[case(&["-az"])]
    #[case(&["--al"])]
    #[case(&["--all=x"])]
    #[case(&["--lines"])]
    #[case(&["-n"])]
    #[case(&["-:"])]
    #[case(&["-é"])]
    fn unknown_arguments(#[case] words: &[&str]) {
        assert!(parse(&SOME, words).is_err());
    }
}
