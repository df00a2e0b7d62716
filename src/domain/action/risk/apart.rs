//! The words of a command taken apart by what is known of its program.
//!
//! Owns: telling the command, its options and its operands from each other, for whoever wants to say what a command touches.
//! Does not: judge. A command with a word that is not known is not taken apart.

use super::judge;
use super::options::Style;

/// A command taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::domain::action) struct Apart<'a> {
    /// The program's bare name.
    pub(in crate::domain::action) name: &'a str,
    /// The words that name its command, joined by blanks; empty for a program without commands.
    pub(in crate::domain::action) command: String,
    /// Options with dashes, in order, with their values.
    pub(in crate::domain::action) options: Vec<(String, Option<&'a str>)>,
    /// Operands behind the command's name, those behind `--` left out.
    pub(in crate::domain::action) operands: Vec<&'a str>,
    /// Operands behind `--`; `None` without one.
    pub(in crate::domain::action) behind_dashes: Option<Vec<&'a str>>,
    /// Its options are not told apart: all of its words are operands.
    pub(in crate::domain::action) is_raw: bool,
    /// How many operands stand before another command that it runs.
    pub(in crate::domain::action) wraps: Option<usize>,
}

impl<'a> Apart<'a> {
    /// Whether one of the options `names` is given.
    pub(in crate::domain::action) fn has(&self, names: &[&str]) -> bool {
        self.options.iter().any(|(name, _)| names.contains(&name.as_str()))
    }

    /// The values of the options `names`.
    pub(in crate::domain::action) fn values<'b>(&'b self, names: &'b [&'b str]) -> impl Iterator<Item = &'a str> + 'b {
        self.options.iter().filter(|(name, _)| names.contains(&name.as_str())).filter_map(|(_, value)| *value)
    }
}

/// Takes `words`, the program first, apart; `None` when the program or one of its words is not known.
pub(in crate::domain::action) fn apart<'a>(words: &[&'a str]) -> Option<Apart<'a>> {
    let (program, words) = words.split_first()?;
    let (name, Some(tool), true) = judge::program_of(program) else { return None };
    let (rule, length, arguments) = judge::meaning(tool, words).ok()?;
    let cut = arguments.before_dashes.clamp(length, arguments.operands.len().max(length));
    let (before, behind) = arguments.operands.split_at_checked(cut)?;
    let (command, operands) = before.split_at_checked(length)?;
    Some(Apart {
        name,
        command: command.join(" "),
        operands: operands.to_vec(),
        behind_dashes: arguments.has_dashes().then(|| behind.to_vec()),
        options: arguments.options.iter().map(|given| (given.name.clone(), given.value)).collect(),
        is_raw: tool.style == Style::Raw,
        wraps: rule.wraps,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("systemctl restart -q nginx sshd", "restart", &["nginx", "sshd"], None)]
    #[case("kubectl -n shop delete pod a b", "delete", &["pod", "a", "b"], None)]
    #[case("kubectl exec api-1 -- rm -f /x", "exec", &["api-1"], Some(&["rm", "-f", "/x"][..]))]
    #[case("mkdir -- -x", "", &[], Some(&["-x"][..]))]
    #[case("rm -f -- -x", "", &["-f", "--", "-x"], None)]
    #[case("timeout 5 rm x", "", &["5", "rm", "x"], None)]
    fn words_are_told_apart(
        #[case] line: &str,
        #[case] command: &str,
        #[case] operands: &[&str],
        #[case] behind: Option<&[&str]>,
    ) {
        let words: Vec<&str> = line.split(' ').collect();
        let found = apart(&words).unwrap();
        assert_eq!((found.command.as_str(), found.operands.as_slice()), (command, operands));
        assert_eq!(found.behind_dashes.as_deref(), behind);
    }

    #[rstest]
    #[case("./rm x")]
    #[case("no-such-program x")]
    #[case("mkdir --no-such-option x")]
    #[case("kubectl no-such-command")]
    fn what_is_not_known_is_not_taken_apart(#[case] line: &str) {
        assert_eq!(apart(&line.split(' ').collect::<Vec<_>>()), None);
    }
}
