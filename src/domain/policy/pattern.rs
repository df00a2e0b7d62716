//! Patterns over words: a glob for one word, a list of globs for a command.
//!
//! Owns: matching parsed words, never prefixes of a line. Does not: parse a line.
//!
//! Invariant: a command that is hidden behind a program that runs others (`sudo`, `env`, `xargs`, …) or in code for an
//! interpreter is never taken for one that does not match; at worst nobody can tell.

use super::condition::Truth;

/// Matches any number of words where it stands as a whole word of a pattern.
const ANY_WORDS: &str = "**";

/// Programs that run another program which their own words name. What is missing here lets a tightening pattern be
/// dodged by a wrapper, so that it is longer than it needs to be.
const RUNNERS: &[&str] = &[
    "busybox",
    "chpst",
    "chroot",
    "chrt",
    "command",
    "crictl",
    "doas",
    "docker",
    "env",
    "exec",
    "find",
    "firejail",
    "flock",
    "ionice",
    "ip",
    "kubectl",
    "ltrace",
    "nerdctl",
    "nice",
    "nohup",
    "nsenter",
    "oc",
    "parallel",
    "pkexec",
    "podman",
    "proot",
    "prlimit",
    "rsh",
    "run0",
    "runuser",
    "script",
    "setarch",
    "setpriv",
    "setsid",
    "softlimit",
    "ssh",
    "stdbuf",
    "strace",
    "su",
    "sudo",
    "systemd-run",
    "taskset",
    "time",
    "timeout",
    "toybox",
    "unbuffer",
    "unshare",
    "watch",
    "xargs",
];

/// Programs that run code out of their arguments or their input.
const INTERPRETERS: &[&str] = &[
    "ash", "awk", "bash", "bpftrace", "csh", "dash", "ed", "eval", "ex", "fish", "gawk", "gdb", "ksh", "lua", "make",
    "mawk", "node", "perl", "php", "pwsh", "python", "python2", "python3", "ruby", "sed", "sh", "source", "tcsh", "vi",
    "vim", "zsh",
];

/// Whether `word` matches `glob`: `*` is any text, `?` is one character, anything else is itself. The whole word counts.
#[must_use]
pub fn glob(glob: &str, word: &str) -> bool {
    let (glob, word): (Vec<char>, Vec<char>) = (glob.chars().collect(), word.chars().collect());
    let (mut g, mut w) = (0, 0);
    // Where the last star stands, and how far the word had come there: only that one needs to be tried again.
    let mut retry: Option<(usize, usize)> = None;
    while w < word.len() {
        match glob.get(g) {
            Some('*') => {
                retry = Some((g, w));
                g += 1;
            }
            Some(c) if *c == '?' || *c == word[w] => {
                g += 1;
                w += 1;
            }
            _ => match retry {
                Some((star, at)) => {
                    retry = Some((star, at + 1));
                    g = star + 1;
                    w = at + 1;
                }
                None => return false,
            },
        }
    }
    glob.iter().skip(g).all(|c| *c == '*')
}

/// A pattern for a command: one glob a word, `**` for any number of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandPattern(pub Vec<String>);

impl CommandPattern {
    /// Whether the words of one stage match.
    ///
    /// `Yes` only when exactly these words match from the first to the last. `Perhaps` when they match under a path of the
    /// program, behind a program that runs others, or when the program runs code that nobody has read.
    #[must_use]
    pub fn matches(&self, argv: &[String]) -> Truth {
        if words(&self.0, argv) {
            return Truth::Yes;
        }
        if words(&self.0, &by_name(argv)) {
            return Truth::Perhaps;
        }
        let Some(program) = argv.first().map(|program| name_of(program)) else { return Truth::No };
        if INTERPRETERS.contains(&program) {
            return Truth::Perhaps;
        }
        if RUNNERS.contains(&program) {
            let inner = |at: usize| self.matches(argv.get(at..).unwrap_or_default());
            // The words behind it may also be one text for a shell (`ssh host "rm x"`, `watch "rm x"`).
            let texts = argv.iter().skip(1).filter(|word| word.contains(char::is_whitespace));
            let in_text = texts.map(|text| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
            let any = (1..argv.len()).any(|at| inner(at) != Truth::No)
                || in_text.into_iter().any(|words| (0..words.len()).any(|at| self.matches(&words[at..]) != Truth::No));
            return if any { Truth::Perhaps } else { Truth::No };
        }
        Truth::No
    }

    /// The pattern as one text, for people.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.join(" ")
    }
}

fn name_of(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// The same words with the bare name of the program.
fn by_name(argv: &[String]) -> Vec<String> {
    let mut argv = argv.to_vec();
    if let Some(program) = argv.first_mut() {
        *program = name_of(program).to_owned();
    }
    argv
}

/// Whether all of `argv` matches all of `globs`.
fn words(globs: &[String], argv: &[String]) -> bool {
    // The same walk as in `glob`, over words.
    let (mut g, mut w) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while w < argv.len() {
        match globs.get(g) {
            Some(any) if any == ANY_WORDS => {
                retry = Some((g, w));
                g += 1;
            }
            Some(one) if glob(one, &argv[w]) => {
                g += 1;
                w += 1;
            }
            _ => match retry {
                Some((any, at)) => {
                    retry = Some((any, at + 1));
                    g = any + 1;
                    w = at + 1;
                }
                None => return false,
            },
        }
    }
    globs.iter().skip(g).all(|glob| glob == ANY_WORDS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("rm", "rm", true)]
    #[case("rm", "rmdir", false)]
    #[case("rm*", "rmdir", true)]
    #[case("*", "", true)]
    #[case("?", "", false)]
    #[case("a*b*c", "axxbyyc", true)]
    #[case("a*b*c", "axxbyy", false)]
    #[case("-*r*", "-fr", true)]
    #[case("prod-?", "prod-ä", true)]
    #[case("[a]", "a", false)]
    fn a_glob_matches_whole_words(#[case] pattern: &str, #[case] word: &str, #[case] expected: bool) {
        assert_eq!(glob(pattern, word), expected);
    }

    #[rstest]
    #[case("rm **", "rm -rf /", Truth::Yes)]
    #[case("rm", "rm -rf /", Truth::No)]
    #[case("rm **", "rmdir /x", Truth::No)]
    #[case("rm **", "/bin/rm -rf /", Truth::Perhaps)]
    #[case("rm **", "./rm -rf /", Truth::Perhaps)]
    #[case("rm **", "sudo -n rm -rf /", Truth::Perhaps)]
    #[case("rm **", "env A=1 nice /bin/rm x", Truth::Perhaps)]
    #[case("rm **", "find / -exec rm {} ;", Truth::Perhaps)]
    #[case("rm **", "kubectl exec p -- rm x", Truth::Perhaps)]
    #[case("rm **", "grep rm x", Truth::No)]
    #[case("rm **", "python3 x.py", Truth::Perhaps)]
    #[case("rm **", "sudo python3 x.py", Truth::Perhaps)]
    #[case("kubectl ** delete **", "kubectl -n a delete pod x", Truth::Yes)]
    #[case("kubectl ** delete **", "kubectl get pod x", Truth::No)]
    #[case("** --force **", "git push --force origin", Truth::Yes)]
    fn a_pattern_matches_words_and_sees_through_wrappers(
        #[case] pattern: &str,
        #[case] argv: &str,
        #[case] expected: Truth,
    ) {
        let split = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(CommandPattern(split(pattern)).matches(&split(argv)), expected);
    }

    #[test]
    fn a_command_in_one_text_for_a_remote_shell_is_found() {
        let pattern = CommandPattern(vec!["rm".to_owned(), "**".to_owned()]);
        let argv = ["ssh", "db-9", "cd /srv; rm -rf x"].map(str::to_owned);
        assert_eq!(pattern.matches(&argv), Truth::Perhaps);
    }

    proptest! {
        #[test]
        fn a_word_matches_itself_and_every_star_is_optional(word in "[a-z/.-]{0,12}", at in 0_usize..13) {
            prop_assert!(glob(&word, &word));
            let at = at.min(word.len());
            let starred = format!("{}*{}", &word[..at], &word[at..]);
            prop_assert!(glob(&starred, &word));
        }
    }
}
