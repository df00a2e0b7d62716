//! Fence repair: finds code fences that were never closed, and where the document has to be cut so that they end.
//!
//! Owns: the decision where to cut. Does not: read blocks (see `blocks`). A document is cut into chunks that are read one
//! by one, because Markdown lets an open fence swallow everything behind it.

use crate::domain::sop::front_matter::Lines;

/// More repairs than this are not tried: the document is no Markdown. Keeps the work linear.
const MAX_REPAIRS: usize = 64;

/// The fewest characters of a fence (CommonMark 4.5).
const MIN_FENCE: usize = 3;

/// Where a document is cut and which fences were left open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Repair {
    /// First bytes of the chunks after the first one, ascending.
    pub(super) cuts: Vec<usize>,
    /// First bytes of the lines of the fences that were left open, ascending.
    pub(super) unclosed: Vec<usize>,
}

struct Open {
    mark: u8,
    length: usize,
    at: usize,
    /// The first line inside that looks like a heading of level 2 or deeper after an empty line. Level 1 is not looked
    /// for: `# text` is a comment in most code.
    heading: Option<usize>,
}

/// Looks at the fences of `text` from byte `start` on.
///
/// A fence counts as left open when another one with a language begins inside it, or when the text ends. It then ends
/// before the first heading inside it, else before that other fence, else with the text.
pub(super) fn repair(text: &str, start: usize) -> Repair {
    let mut repair = Repair::default();
    let mut open: Option<Open> = None;
    let mut lines = Lines::new(text, start);
    let mut after_blank = true;
    loop {
        let Some(line) = lines.next() else {
            let Some(left_open) = open.take() else { break };
            repair.unclosed.push(left_open.at);
            match left_open.heading {
                Some(heading) if repair.cuts.len() < MAX_REPAIRS => {
                    repair.cuts.push(heading);
                    lines = Lines::new(text, heading);
                    after_blank = true;
                    continue;
                }
                _ => break,
            }
        };
        let fence = fence_of(line.text);
        match (&mut open, fence) {
            (None, Some(fence)) => {
                open = Some(Open { mark: fence.mark, length: fence.length, at: line.start, heading: None });
            }
            (Some(opened), Some(fence)) if fence.mark == opened.mark && fence.length >= opened.length => {
                if fence.bare {
                    open = None;
                } else if repair.cuts.len() < MAX_REPAIRS {
                    let cut = opened.heading.unwrap_or(line.start);
                    repair.unclosed.push(opened.at);
                    repair.cuts.push(cut);
                    lines = Lines::new(text, cut);
                    open = None;
                }
            }
            (Some(opened), _) if opened.heading.is_none() && after_blank && is_deep_heading(line.text) => {
                opened.heading = Some(line.start);
            }
            (Some(_) | None, _) => {}
        }
        after_blank = line.text.trim().is_empty();
    }
    repair
}

struct Fence {
    mark: u8,
    length: usize,
    /// Nothing stands behind it: only such a fence can close.
    bare: bool,
}

/// The fence that `line` is, at any indentation and behind a list mark.
fn fence_of(line: &str) -> Option<Fence> {
    let text = without_list_mark(line.trim_start());
    let mark = text.bytes().next().filter(|byte| matches!(byte, b'`' | b'~'))?;
    let length = text.bytes().take_while(|byte| *byte == mark).count();
    let info = text.get(length..)?.trim();
    // Backticks in the info string make it inline code (CommonMark 4.5).
    (length >= MIN_FENCE && !(mark == b'`' && info.contains('`'))).then_some(Fence {
        mark,
        length,
        bare: info.is_empty(),
    })
}

fn without_list_mark(line: &str) -> &str {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = if digits > 0 {
        line.get(digits..).and_then(|rest| rest.strip_prefix(['.', ')']))
    } else {
        line.strip_prefix(['-', '*', '+'])
    };
    match rest {
        Some(rest) if rest.starts_with(' ') => rest.trim_start(),
        Some(_) | None => line,
    }
}

fn is_deep_heading(line: &str) -> bool {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    (2..=6).contains(&level) && line.as_bytes().get(level) == Some(&b' ')
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::closed("```\na\n```\n")]
    #[case::closed_by_longer("```\na\n`````\n")]
    #[case::in_list("1. ```sh\n   a\n   ```\n2. b\n")]
    #[case::nested_in_longer("````md\n```sh\na\n```\n````\n")]
    #[case::other_mark("~~~md\n```sh\n~~~\n")]
    #[case::inline("```a``` and ```b```\n")]
    #[case::comment_in_code("```sh\n\n# not a heading\na\n```\n")]
    fn nothing_to_repair(#[case] text: &str) {
        assert_eq!(repair(text, 0), Repair::default());
    }

    #[rstest]
    #[case::to_the_end("a\n```sh\nls\n", "```sh", &[])]
    #[case::before_heading("```sh\nls\n\n## Next\n\ntext\n", "```sh", &["## Next"])]
    #[case::before_heading_when_the_next_fence_turns("```\nls\n\n## Next\n\n```sh\nid\n```\n", "```\nls", &["## Next"])]
    #[case::before_next_fence("```sh\nls\n```sh\nid\n```\n", "```sh\nls", &["```sh\nid"])]
    fn repairs(#[case] text: &str, #[case] opened: &str, #[case] cuts: &[&str]) {
        let found = repair(text, 0);
        assert_eq!(found.unclosed, [text.find(opened).unwrap()]);
        assert_eq!(found.cuts, cuts.iter().map(|cut| text.find(cut).unwrap()).collect::<Vec<_>>());
    }

    #[test]
    fn several_are_repaired_in_order() {
        let found = repair("```sh\na\n\n## B\n\n```sh\nb\n\n## C\n", 0);
        assert_eq!(found, Repair { cuts: vec![9, 24], unclosed: vec![0, 15] });
    }
}
