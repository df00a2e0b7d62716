//! Breaking spelled text into lines of a width.

use crate::domain::text;

/// Where a line may be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// At spaces where there are any; spaces at a break are dropped.
    AtSpaces,
    /// Anywhere between two characters; nothing is dropped.
    Anywhere,
}

/// The lines of `line`, which has been spelled for the terminal, none wider than `width`. One empty line for no text.
pub(crate) fn wrap(line: &str, width: usize, breaks: Break) -> Vec<String> {
    let mut wrapped = Vec::new();
    let mut rest = line;
    loop {
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
}
