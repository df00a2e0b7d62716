//! Prompts and the shape of lines in a shell session.
//!
//! Owns: what is a prompt, whether a command goes on in the next line, what a table of output looks like.
//! Does not: divide blocks (see `commands`).

use super::words;

/// A prompt at the beginning of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prompt {
    /// Bytes up to the command.
    pub(super) length: usize,
}

/// The longest text that can be a prompt with host and directory.
const MAX_PROMPT: usize = 80;

/// A prompt that cannot be mistaken: `$ `, `user@host:~$ `, `[user@host ~]# `, `sh-4.4# `, `PS> `.
pub(super) fn find(line: &str) -> Option<Prompt> {
    let indent = line.len() - line.trim_start().len();
    let text = line.get(indent..)?.trim_end_matches(['\n', '\r']);
    if let Some(rest) = text.strip_prefix('$') {
        let spaces = rest.len() - rest.trim_start().len();
        return (spaces > 0 || rest.is_empty()).then_some(Prompt { length: indent + 1 + spaces });
    }
    let window_end = (0..=text.len().min(MAX_PROMPT)).rev().find(|at| text.is_char_boundary(*at))?;
    let window = text.get(..window_end)?;
    let mark = window.match_indices(['$', '#', '%']).map(|(at, _)| at).find(|at| {
        matches!(text.as_bytes().get(at + 1), Some(b' ') | None) && is_prompt_name(text.get(..*at).unwrap_or_default())
    })?;
    let rest = text.get(mark + 1..)?;
    Some(Prompt { length: indent + mark + 1 + (rest.len() - rest.trim_start().len()) })
}

/// `user@host:~`, `[user@host dir]`, `sh-4.4`, `bash-5.1`.
fn is_prompt_name(name: &str) -> bool {
    let bare = name.trim_end();
    if let Some(inner) = bare.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.contains('@') || inner.split(' ').count() == 2;
    }
    let version = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if bare.strip_prefix("sh-").or_else(|| bare.strip_prefix("bash-")).is_some_and(version) {
        return true;
    }
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '@' | ':' | '~' | '/' | '.' | '_' | '-' | '(' | ')');
    bare.contains('@') && (bare.contains(':') || bare.contains('~')) && bare.chars().all(allowed)
}

/// A `# ` before what is surely a command: a root prompt, if a comment is out of the question.
pub(super) fn find_root(line: &str) -> Option<Prompt> {
    let indent = line.len() - line.trim_start().len();
    let rest = line.get(indent..)?.strip_prefix("# ")?;
    words::is_surely_command(rest).then_some(Prompt { length: indent + 2 })
}

/// Whether `command` ends in a shell as root, whose prompt is `# `.
pub(super) fn opens_root_shell(command: &str) -> bool {
    let command = command.trim();
    let shell_at_end = command.ends_with("bash") || command.ends_with("/sh") || command.ends_with(" sh");
    (command.contains("debug node/") && !command.contains(" -- "))
        || command.starts_with("chroot ")
        || command.contains("sudo -i")
        || command.contains("sudo su")
        || command == "su -"
        || command.contains(" rsh ")
        || (command.contains(" exec ") && shell_at_end)
}

/// Follows a command line by line and knows whether it goes on in the next one: after a backslash, a pipe or `&&` at the
/// end, in an open quote, or in a here-document.
#[derive(Default)]
pub(super) struct Continuation {
    quote: Option<u8>,
    heredoc: Option<String>,
    connected: bool,
}

impl Continuation {
    /// Reads one more line.
    pub(super) fn feed(&mut self, line: &str) {
        if let Some(delimiter) = &self.heredoc {
            if line.trim() == delimiter {
                self.heredoc = None;
            }
            return;
        }
        self.connected = ["\\", "|", "&&"].iter().any(|mark| line.trim_end().ends_with(mark));
        let bytes = line.as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            match (self.quote, byte) {
                (None | Some(b'"'), b'\\') => at += 1,
                (None, b'\'' | b'"') => self.quote = Some(*byte),
                (Some(quote), byte) if quote == *byte => self.quote = None,
                (None, b'#') if at > 0 && bytes.get(at - 1) == Some(&b' ') => return,
                (None, b'<') if self.heredoc.is_none() => {
                    let rest = line.get(at..).unwrap_or_default();
                    self.heredoc = heredoc_delimiter(rest);
                    at += rest.bytes().take_while(|byte| *byte == b'<').count() - 1;
                }
                (Some(_) | None, _) => {}
            }
            at += 1;
        }
    }

    /// Whether the next line belongs to the command.
    pub(super) fn goes_on(&self) -> bool {
        self.quote.is_some() || self.heredoc.is_some() || self.connected
    }
}

fn heredoc_delimiter(rest: &str) -> Option<String> {
    let after = rest.strip_prefix("<<").filter(|after| !after.starts_with('<'))?;
    let word = after.trim_start_matches(['-', ' ']).split_whitespace().next()?;
    let delimiter = word.trim_matches(['\'', '"', '\\']);
    (!delimiter.is_empty()).then(|| delimiter.to_owned())
}

/// Whether a line is the head of a table of output: at least two words in capitals, set apart by two spaces or a tab.
pub(super) fn is_table_head(line: &str) -> bool {
    let cells: Vec<&str> = line.trim().split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    let heading = |cell: &&str| {
        cell.chars().any(|c| c.is_ascii_uppercase())
            && cell.chars().all(|c| {
                c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, ' ' | '-' | '_' | '(' | ')' | '%' | '/')
            })
    };
    cells.len() >= 2 && cells.iter().all(heading)
}

/// Whether `script` only sets variables or the directory.
pub(super) fn only_sets(script: &str) -> bool {
    let line = script.trim();
    let assigned = line.strip_prefix("export ").unwrap_or(line);
    let only_words = assigned.contains("$(") || assigned.split_whitespace().all(words::is_assignment);
    (words::is_assignment(assigned) && only_words) || line.starts_with("cd ")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("$ ls", Some(2))]
    #[case("  $  ls", Some(5))]
    #[case("$NS", None)]
    #[case("$(date)", None)]
    #[case("ann@web1:~$ ls", Some(12))]
    #[case("[root@web1 ~]# ls", Some(15))]
    #[case("sh-5.1$ ls", Some(8))]
    #[case("echo a@b:c # comment", None)]
    #[case("Total: 5 # of pods", None)]
    #[case("", None)]
    fn prompts(#[case] line: &str, #[case] length: Option<usize>) {
        assert_eq!(find(line).map(|prompt| prompt.length), length);
    }

    #[rstest]
    #[case("# systemctl status x", true)]
    #[case("# find all the files", false)]
    #[case("# find /var -size +1M", true)]
    #[case("# look at it", false)]
    #[case("#systemctl", false)]
    fn root_prompts(#[case] line: &str, #[case] expected: bool) {
        assert_eq!(find_root(line).is_some(), expected);
    }

    #[rstest]
    #[case("a \\", true)]
    #[case("a |", true)]
    #[case("echo 'a", true)]
    #[case("echo \"it's\"", false)]
    #[case("cat <<EOF", true)]
    #[case("cat <<EOF\nx\nEOF", false)]
    #[case("cat <<<x", false)]
    #[case("cat <<'EOF' >f\nit's\nEOF", false)]
    #[case("ls # it's", false)]
    #[case("a 'b\nc'", false)]
    fn unfinished(#[case] script: &str, #[case] expected: bool) {
        let mut continuation = Continuation::default();
        script.lines().for_each(|line| continuation.feed(line));
        assert_eq!(continuation.goes_on(), expected);
    }

    #[rstest]
    #[case("NAME   READY   STATUS", true)]
    #[case("NAME", false)]
    #[case("kubectl  get", false)]
    fn table_heads(#[case] line: &str, #[case] expected: bool) {
        assert_eq!(is_table_head(line), expected);
    }

    #[rstest]
    #[case("A=1", true)]
    #[case("export A=1 B=2", true)]
    #[case("A=$(oc get x)", true)]
    #[case("cd /tmp", true)]
    #[case("A=1 ls", false)]
    #[case("ls", false)]
    fn settings(#[case] script: &str, #[case] expected: bool) {
        assert_eq!(only_sets(script), expected);
    }
}
