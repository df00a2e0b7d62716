//! Words that are only known when a command runs: what `xargs` reads, what `find` finds.
//!
//! Owns: whether a command stays a read whatever these words are. Does not: judge the command itself.
//!
//! Invariant: a word that nobody has seen may begin with `-`, and may hold anything that a language gives a meaning. So it
//! is harmless only where neither can matter.

use super::Risk;
use super::judge::Finding;

/// Programs that only look with any options and operands there are. `sort -o`, `date -s`, `dmesg -C`, `uniq IN OUT` and
/// `file -C` are why others are not here.
#[rustfmt::skip]
const ONLY_LOOK: [&str; 36] = [
    "b2sum", "basename", "cat", "cksum", "df", "dirname", "du", "echo", "egrep", "fgrep", "getent", "grep", "groups", "head", "id", "ls",
    "md5sum", "nl", "od", "pgrep", "pidof", "printf", "ps", "readlink", "realpath", "sha1sum", "sha224sum", "sha256sum", "sha384sum",
    "sha512sum", "stat", "sum", "tac", "tail", "wc", "which",
];

/// Programs that put words together and read them again, as a shell does.
const READ_AGAIN: [&str; 8] = ["eval", "parallel", "runuser", "ssh", "su", "watch", "oc", "knife"];

/// Where such words come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nobody knows: the output of another program.
    Never,
    /// Paths below a directory that the command line names: they do not begin with `-`.
    AsPaths,
}

/// The `finding` of `words`, in which `mark` stands for such a word, raised where it would be a read only by luck.
pub(super) fn judged(finding: Finding, words: &[&str], mark: &str, seen: Seen) -> Finding {
    let name = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let program = words.first().map(|word| name(word)).unwrap_or_default();
    if finding.risk > Risk::Read || ONLY_LOOK.contains(&program.as_str()) {
        return finding;
    }
    let again = words.iter().any(|word| READ_AGAIN.contains(&name(word).as_str()));
    let inside = words.iter().any(|word| word.contains(mark) && *word != mark);
    match seen {
        Seen::Never => {
            Finding::of(Risk::Unknown, &program, "what it is given is only known when it runs, and may be an option")
        }
        Seen::AsPaths if again || inside => {
            Finding::of(Risk::Unknown, &program, "a path stands where it would be read as more than a path")
        }
        Seen::AsPaths => finding,
    }
}
