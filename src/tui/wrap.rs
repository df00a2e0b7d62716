//! Breaking spelled text into lines of a width.

use crate::domain::text;

/// Where a line may be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// At spaces where there are any; spaces at a break are dropped.
    AtSpaces,
    /// After spaces where there are any, else anywhere; nothing is dropped.
    AfterSpaces,
    /// Anywhere between two characters; nothing is dropped.
    Anywhere,
}

/// The lines of `line`, which has been spelled for the terminal, none wider than `width`. One empty line for no text.
pub(crate) fn wrap(line: &str, width: usize, breaks: Break) -> Vec<String> {
    wrap_hanging(line, (width, width), breaks)
}

/// The same where the first line has another width than those that go on with it: these leave room for a sign.
pub(crate) fn wrap_hanging(line: &str, (first, others): (usize, usize), breaks: Break) -> Vec<String> {
    let mut wrapped = Vec::new();
    let mut rest = line;
    loop {
        let width = if wrapped.is_empty() { first } else { others };
        let (head, tail) = text::split_at_width(rest, width);
        if tail.is_empty() || head.is_empty() {
            wrapped.push(rest.to_owned());
            return wrapped;
        }
        match breaks {
            Break::Anywhere => {
                wrapped.push(head.to_owned());
                rest = tail;
            }
            Break::AfterSpaces => {
                let at = behind_last_space(head, tail);
                wrapped.push(rest[..at].to_owned());
                rest = &rest[at..];
            }
            Break::AtSpaces => {
                let at = if tail.starts_with(' ') {
                    head.len()
                } else {
                    head.rfind(' ').filter(|at| *at > 0).map_or(head.len(), |at| at + 1)
                };
                wrapped.push(rest[..at].trim_end().to_owned());
                rest = rest[at..].trim_start();
            }
        }
    }
}

/// Where `head` ends when what goes on in `tail` is to begin with a word; its own end when it has no word before that.
fn behind_last_space(head: &str, tail: &str) -> usize {
    if tail.starts_with(' ') {
        return head.len();
    }
    let behind = head.rfind(' ').map_or(0, |at| at + 1);
    if head[..behind].trim_start().is_empty() { head.len() } else { behind }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_breaks_at_spaces_and_commands_anywhere() {
        assert_eq!(wrap("one two three", 8, Break::AtSpaces), ["one two", "three"]);
        assert_eq!(wrap("one two three", 5, Break::Anywhere), ["one t", "wo th", "ree"]);
        assert_eq!(wrap("abcdefgh", 3, Break::AtSpaces), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 3, Break::AtSpaces), [""]);
    }
    #[test]
    fn commands_break_after_spaces_and_lose_nothing() {
        let broken = |line: &str, width| wrap(line, width, Break::AfterSpaces);
        assert_eq!(broken("find /srv -name x", 10), ["find /srv ", "-name x"]);
        assert_eq!(broken("find /srv -name x", 9), ["find /srv", " -name x"]);
        assert_eq!(broken("abcdefgh ij", 3), ["abc", "def", "gh ", "ij"]);
        assert_eq!(broken("    abcdef", 6), ["    ab", "cdef"], "an indent is no word");
        for width in 1..30 {
            assert_eq!(broken("a  bcd   'e f'  g ", width).concat(), "a  bcd   'e f'  g ");
        }
    }

    #[test]
    fn lines_that_go_on_can_be_narrower_than_the_first() {
        assert_eq!(wrap_hanging("abcdefgh", (4, 3), Break::Anywhere), ["abcd", "efg", "h"]);
    }
}
