//! Reading argument lists the way programs do, against tables of known options.
//!
//! Owns: options, their values, what each raises the risk to, operands. Invariant: what is not in a table is an error,
//! abbreviations of long options too; so a list of known options decides, never a list of harmful ones.

use super::Risk;

/// How a program reads its arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Style {
    /// GNU `getopt_long`: `-xn5`, `--name=value`, `--name value`.
    #[default]
    Gnu,
    /// As `Gnu`, and a flag may have a value too (`--watch=false`): pflag and kingpin.
    Go,
    /// Whole words behind one dash or two, no clusters: Go's `flag`, OpenSSL, Java.
    Words,
    /// No options: every word is an operand, and a check of its own reads them.
    Raw,
}

/// Where options end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// They may stand anywhere before `--`.
    End,
    /// This many operands end them, since what follows is another command.
    Operand(usize),
}

/// What belongs to an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
    /// A value only when it is joined to the option.
    Joined,
}

/// One option, with dashes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    name: String,
    takes: Takes,
    /// With it a command is at least this.
    raises: Risk,
    /// Only with this value; a `*` at the end stands for any rest.
    only: Option<String>,
}

/// Options of a program or of one of its commands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table(Vec<Known>);

impl Table {
    /// Adds options that raise a command to `raises`, written as words: `--all`, `-n=` and `--lines=` (take a value),
    /// `--color?` (takes one only when joined), `-X=:GET` (only with this value).
    pub(super) fn add(&mut self, words: &str, raises: Risk) {
        for word in words.split_whitespace() {
            let (shape, only) = match word.split_once(':') {
                Some((shape, only)) if !shape.is_empty() => (shape, Some(only.to_owned())),
                _ => (word, None),
            };
            let (name, takes) = match (shape.strip_suffix('='), shape.strip_suffix('?')) {
                (Some(name), _) => (name, Takes::Value),
                (None, Some(name)) => (name, Takes::Joined),
                (None, None) => (shape, Takes::Nothing),
            };
            self.0.push(Known { name: name.to_owned(), takes, raises, only });
        }
    }

    /// Options that take no value.
    #[cfg(test)]
    pub(super) fn flags(&self) -> Vec<String> {
        self.0.iter().filter(|known| known.takes == Takes::Nothing).map(|known| known.name.clone()).collect()
    }

    fn find(&self, name: &str) -> Option<&Known> {
        self.0.iter().find(|known| known.name == name)
    }

    /// What the option `name` with `value` raises a command to; a rule for this value goes before one for any.
    fn raises(&self, name: &str, value: Option<&str>) -> Option<Risk> {
        let named = || self.0.iter().filter(|known| known.name == name);
        let exact = named().filter(|known| known.only.as_deref().is_some_and(|only| fits(only, value)));
        let any = named().filter(|known| known.only.is_none());
        let raised = |known: &mut dyn Iterator<Item = &Known>| known.map(|known| known.raises).max();
        // With rules for other values only, this value is not known.
        raised(&mut { exact }).or_else(|| raised(&mut { any })).or_else(|| named().next().map(|_| Risk::Unknown))
    }

    /// An option that is described in two ways that differ in whether a value follows: one of them would let the next word go
    /// unseen.
    pub(super) fn contradiction(&self) -> Option<&str> {
        self.0
            .iter()
            .find(|known| self.0.iter().any(|other| other.name == known.name && other.takes != known.takes))
            .map(|known| known.name.as_str())
    }

    /// Whether the option takes the next word for its value.
    pub(super) fn takes_next(&self, name: &str) -> Option<bool> {
        self.find(name).map(|known| known.takes == Takes::Value)
    }
}

fn fits(pattern: &str, value: Option<&str>) -> bool {
    let value = value.unwrap_or_default();
    match pattern.strip_suffix('*') {
        Some(start) => value.starts_with(start),
        None => value == pattern,
    }
}

/// One option as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given<'a> {
    /// With dashes; one dash with [`Style::Words`].
    pub(super) name: String,
    pub(super) value: Option<&'a str>,
    /// What it raises the command to.
    pub(super) raises: Risk,
}

/// An argument list taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Arguments<'a> {
    /// Options in order.
    pub(super) options: Vec<Given<'a>>,
    /// Everything else, in order.
    pub(super) operands: Vec<&'a str>,
    /// How many of the operands stand before `--`; all of them without one.
    pub(super) before_dashes: usize,
}

impl<'a> Arguments<'a> {
    /// Whether one of the options `names` is given.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.options.iter().any(|given| names.contains(&given.name.as_str()))
    }

    /// The values of the options `names`.
    pub(super) fn values<'b>(&'b self, names: &'b [&'b str]) -> impl Iterator<Item = &'a str> + 'b {
        self.options.iter().filter(|given| names.contains(&given.name.as_str())).filter_map(|given| given.value)
    }

    /// Whether `--` was given.
    pub(super) fn has_dashes(&self) -> bool {
        self.before_dashes < usize::MAX
    }
}

/// Reads argument lists of one shape.
#[derive(Clone, Copy)]
pub(super) struct Reader<'t> {
    /// Tables in the order in which they are asked.
    pub(super) tables: [Option<&'t Table>; 2],
    pub(super) style: Style,
    pub(super) until: Until,
}

impl Reader<'_> {
    /// Takes `words` (without the program's name) apart.
    ///
    /// # Errors
    /// The first word that is not known.
    pub(super) fn read<'a>(&self, words: &[&'a str]) -> Result<Arguments<'a>, String> {
        let mut arguments = Arguments { before_dashes: usize::MAX, ..Arguments::default() };
        if self.style == Style::Raw {
            arguments.operands = words.to_vec();
            return Ok(arguments);
        }
        let mut rest = words.iter().copied();
        while let Some(word) = rest.next() {
            if word == "--" {
                arguments.before_dashes = arguments.operands.len();
                arguments.operands.extend(rest);
                break;
            } else if self.style == Style::Words && word.len() > 1 && word.starts_with('-') {
                let name = word.trim_start_matches('-');
                let dashes = word.len() - name.len();
                if dashes > 2 || name.is_empty() {
                    return Err(word.to_owned());
                }
                arguments.options.push(self.long(word, &format!("-{name}"), &mut rest)?);
            } else if word.starts_with("--") {
                arguments.options.push(self.long(word, word, &mut rest)?);
            } else if word.len() > 1 && word.starts_with('-') {
                self.cluster(word, &mut rest, &mut arguments)?;
            } else {
                arguments.operands.push(word);
                if self.until == Until::Operand(arguments.operands.len()) {
                    arguments.operands.extend(rest);
                    break;
                }
            }
        }
        Ok(arguments)
    }

    fn takes(&self, name: &str) -> Option<Takes> {
        self.tables.iter().flatten().find_map(|table| table.find(name)).map(|known| known.takes)
    }

    fn given<'a>(&self, name: &str, value: Option<&'a str>) -> Given<'a> {
        let raises = self.tables.iter().flatten().find_map(|table| table.raises(name, value));
        Given { name: name.to_owned(), value, raises: raises.unwrap_or(Risk::Unknown) }
    }

    /// One long option: `word` as written, `dashed` with the dashes that the table has.
    fn long<'a>(
        &self,
        word: &'a str,
        dashed: &str,
        rest: &mut impl Iterator<Item = &'a str>,
    ) -> Result<Given<'a>, String> {
        let unknown = || word.to_owned();
        let name = dashed.split('=').next().unwrap_or(dashed);
        let joined = word.split_once('=').map(|(_, value)| value);
        let value = match (self.takes(name).ok_or_else(unknown)?, joined) {
            (Takes::Nothing | Takes::Joined, None) => None,
            (Takes::Nothing, Some(value)) if self.style != Style::Gnu => Some(value),
            (Takes::Joined | Takes::Value, Some(value)) => Some(value),
            (Takes::Value, None) => Some(rest.next().ok_or_else(unknown)?),
            (Takes::Nothing, Some(_)) => return Err(unknown()),
        };
        Ok(self.given(name, value))
    }

    /// Reads letters behind one dash, such as `-xn5`.
    fn cluster<'a>(
        &self,
        word: &'a str,
        rest: &mut impl Iterator<Item = &'a str>,
        arguments: &mut Arguments<'a>,
    ) -> Result<(), String> {
        let unknown = || word.to_owned();
        let mut at = 1;
        while let Some(letter) = word.get(at..).and_then(|tail| tail.chars().next()) {
            let end = at + letter.len_utf8();
            let name = format!("-{letter}");
            let tail = word.get(end..).filter(|tail| !tail.is_empty());
            let value = match self.takes(&name).ok_or_else(unknown)? {
                Takes::Nothing => {
                    arguments.options.push(self.given(&name, None));
                    at = end;
                    continue;
                }
                Takes::Joined => tail,
                Takes::Value => Some(match tail {
                    // pflag takes `-n=x` for `-n x`.
                    Some(tail) if self.style == Style::Go => tail.strip_prefix('=').unwrap_or(tail),
                    Some(tail) => tail,
                    None => rest.next().ok_or_else(unknown)?,
                }),
            };
            arguments.options.push(self.given(&name, value));
            return Ok(());
        }
        Ok(())
    }

    /// The first `most` operands, where only some options are known: what is not known is taken for a flag. Only good for
    /// finding out which command is meant; [`Reader::read`] has to confirm it.
    ///
    /// `takes_next` says of an option that this reader does not know whether its value follows.
    pub(super) fn guess<'a>(&self, words: &[&'a str], most: usize, takes_next: impl Fn(&str) -> bool) -> Vec<&'a str> {
        let mut operands = Vec::new();
        let mut rest = words.iter().copied();
        while let Some(word) = rest.next() {
            if word == "--" || operands.len() == most {
                break;
            }
            if word.len() < 2 || !word.starts_with('-') || self.style == Style::Raw {
                operands.push(word);
                continue;
            }
            let short = self.style != Style::Words && !word.starts_with("--");
            let name = match (self.style, short) {
                (Style::Words, _) => format!("-{}", word.trim_start_matches('-')),
                (_, true) => word.chars().take(2).collect(),
                (_, false) => word.to_owned(),
            };
            let joined = if short { word.chars().nth(2).is_some() } else { word.contains('=') };
            let value_follows = self.takes(&name).map_or_else(|| takes_next(&name), |takes| takes == Takes::Value);
            if !joined && value_follows {
                rest.next();
            }
        }
        operands
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn read<'a>(style: Style, until: Until, words: &[&'a str]) -> Result<Arguments<'a>, String> {
        let mut table = Table::default();
        table.add("-a -b -n= -c? --all --lines= --color? -5 -out= -v", Risk::Read);
        table.add("--force", Risk::Destroy);
        table.add("-X=", Risk::Unknown);
        table.add("-X=:GET -X=:P*", Risk::Read);
        Reader { tables: [Some(&table), None], style, until }.read(words)
    }

    #[rstest]
    #[case(&["-ab", "x"], &[("-a", None), ("-b", None)], &["x"])]
    #[case(&["-n5", "-n", "6", "-an7"], &[("-n", Some("5")), ("-n", Some("6")), ("-a", None), ("-n", Some("7"))], &[])]
    #[case(&["-c", "x", "-cy"], &[("-c", None), ("-c", Some("y"))], &["x"])]
    #[case(&["--all", "--lines=5", "--lines", "6", "--color", "--color=x"],
        &[("--all", None), ("--lines", Some("5")), ("--lines", Some("6")), ("--color", None), ("--color", Some("x"))], &[])]
    #[case(&["x", "-a", "-", "--", "-z"], &[("-a", None)], &["x", "-", "-z"])]
    #[case(&["-5"], &[("-5", None)], &[])]
    fn known_arguments(#[case] words: &[&str], #[case] options: &[(&str, Option<&str>)], #[case] operands: &[&str]) {
        let arguments = read(Style::Gnu, Until::End, words).unwrap();
        let given: Vec<(&str, Option<&str>)> =
            arguments.options.iter().map(|given| (given.name.as_str(), given.value)).collect();
        assert_eq!((given.as_slice(), arguments.operands.as_slice()), (options, operands));
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
        assert!(read(Style::Gnu, Until::End, words).is_err());
    }

    #[test]
    fn styles_differ() {
        let words = read(Style::Words, Until::End, &["--out=x", "-out", "y", "-v", "z"]).unwrap();
        assert_eq!(words.values(&["-out"]).collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(words.operands, ["z"]);
        assert!(read(Style::Words, Until::End, &["-vout", "x"]).is_err());
        let go = read(Style::Go, Until::End, &["--all=false", "-n=x"]).unwrap();
        assert_eq!(go.values(&["-n", "--all"]).collect::<Vec<_>>(), ["false", "x"]);
        let stopped = read(Style::Gnu, Until::Operand(1), &["-a", "x", "-z"]).unwrap();
        assert_eq!(stopped.operands, ["x", "-z"]);
        assert_eq!(read(Style::Raw, Until::End, &["-q", "--"]).unwrap().operands, ["-q", "--"]);
    }

    #[test]
    fn options_raise_by_their_value() {
        let raised = |words: &[&str]| {
            read(Style::Gnu, Until::End, words).unwrap().options.iter().map(|given| given.raises).max()
        };
        assert_eq!(raised(&["-a", "--force"]), Some(Risk::Destroy));
        assert_eq!(raised(&["-XGET"]), Some(Risk::Read));
        assert_eq!(raised(&["-X", "PUT"]), Some(Risk::Read));
        assert_eq!(raised(&["-X", "DELETE"]), Some(Risk::Unknown));
    }
}
