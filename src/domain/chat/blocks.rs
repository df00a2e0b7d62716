//! Code blocks of a message: how they are counted, and the command in one of them.
//!
//! Owns: the numbers by which screens and engine mean the same block, and which blocks can be proposed. Does not: build an
//! action (see `action::build`) or decide what may run.
//!
//! Invariant: a block counts only when its Markdown fence does, from 0 in the order of the text; indented code does not.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::domain::incident::Refusal;
use crate::domain::procedure::Shell;
use crate::domain::sop::{BlockCommand, commands_of};

/// A fenced block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FencedBlock {
    /// The first word behind the fence, in lower case; empty when there is none.
    pub language: String,
    /// Its lines, without fences and without the marks of the list or quote it stands in.
    pub text: String,
    /// Whether a closing fence ends it. Without one the message may have been cut in the middle of a command.
    pub is_closed: bool,
}

/// The fenced blocks of `markdown`, in order.
#[must_use]
pub fn fenced(markdown: &str) -> Vec<FencedBlock> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_GFM;
    let mut blocks = Vec::new();
    let mut open: Option<FencedBlock> = None;
    for (event, range) in Parser::new_ext(markdown, options).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                let language = info.split([' ', ',', '\t']).next().unwrap_or_default().to_ascii_lowercase();
                let is_closed = is_closed(markdown.get(range).unwrap_or_default());
                open = Some(FencedBlock { language, text: String::new(), is_closed });
            }
            Event::Text(text) => {
                if let Some(block) = &mut open {
                    block.text.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
            _ => {}
        }
    }
    blocks
}

/// Whether the last line of a block's source is a fence that closes the first one.
fn is_closed(source: &str) -> bool {
    let Some((first, rest)) = source.trim_end().split_once('\n') else { return false };
    let Some(mark) = first.chars().next() else { return false };
    let length = first.chars().take_while(|c| *c == mark).count();
    // The block may stand in a list or a quote.
    let last = rest.rsplit('\n').next().unwrap_or_default().trim_start_matches([' ', '\t', '>']).trim_end();
    last.chars().all(|c| c == mark) && last.chars().count() >= length
}

/// The command in block number `block` of `markdown`.
///
/// # Errors
/// A [`Refusal`] when there is no such block, or none that could be run.
pub fn command(markdown: &str, block: usize) -> Result<BlockCommand, Refusal> {
    const AGAIN: &str = "Ask for one command in a block of its own";
    let refused = |why: String, remedy: &str| Err(Refusal::new("Not proposed", why, remedy));
    let Some(found) = fenced(markdown).into_iter().nth(block) else {
        return refused("the answer has no such code block".to_owned(), "Choose a block that is on the screen");
    };
    if !found.is_closed {
        return refused("the answer broke off inside this block, so the command may be cut".to_owned(), AGAIN);
    }
    let mut commands = commands_of(&found.language, &found.text);
    let command = match (commands.pop(), commands.is_empty()) {
        (Some(command), true) => command,
        (Some(_), false) => return refused("the block holds several commands".to_owned(), AGAIN),
        (None, _) if found.text.trim().is_empty() => return refused("the block is empty".to_owned(), AGAIN),
        (None, _) if found.language.is_empty() => {
            return refused("the block does not look like a command".to_owned(), AGAIN);
        }
        (None, _) => return refused(format!("the block is marked as {}, no command", found.language), AGAIN),
    };
    match command.shell {
        Shell::Sh => Ok(command),
        Shell::Sql | Shell::Promql | Shell::Other => {
            refused("the block is no shell command".to_owned(), "Run it by hand where its language is spoken")
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const ANSWER: &str = "Look first:\n\n```sh\n$ df -h /srv\n```\n\n1. then\n\n   ```bash\n   du -sh \\\n     /srv\n   ```\n\n\
                          > ```\n> kubectl get pods\n> ```\n\n    indented\n\n```yaml\na: b\n```\n";

    #[test]
    fn blocks_are_counted_by_their_fences() {
        let blocks = fenced(ANSWER);
        let seen: Vec<(&str, &str)> =
            blocks.iter().map(|block| (block.language.as_str(), block.text.as_str())).collect();
        let expected =
            [("sh", "$ df -h /srv\n"), ("bash", "du -sh \\\n  /srv\n"), ("", "kubectl get pods\n"), ("yaml", "a: b\n")];
        assert_eq!(seen, expected);
        assert!(blocks.iter().all(|block| block.is_closed));
    }

    #[rstest]
    #[case(0, "df -h /srv")]
    #[case(1, "du -sh \\\n  /srv")]
    #[case(2, "kubectl get pods")]
    fn prompts_and_indentation_are_removed(#[case] block: usize, #[case] script: &str) {
        assert_eq!(command(ANSWER, block).unwrap().script, script);
    }

    #[rstest]
    #[case::other_language(ANSWER, 3, "yaml")]
    #[case::no_such(ANSWER, 4, "no such")]
    #[case::cut("```sh\nrm -rf /srv", 0, "broke off")]
    #[case::cut_with_line_end("```sh\nrm -rf /srv\n", 0, "broke off")]
    #[case::cut_in_the_fence("````sh\nrm -rf /srv\n```", 0, "broke off")]
    #[case::several("```console\n$ df -h\n/dev/sda1 10G\n$ id\n```", 0, "several")]
    #[case::empty("```sh\n\n```", 0, "empty")]
    #[case::query("```sql\nselect 1;\n```", 0, "no shell command")]
    #[case::prose("```\nThis is what I see.\n```", 0, "does not look like")]
    fn what_cannot_be_proposed_says_why(#[case] text: &str, #[case] block: usize, #[case] part: &str) {
        let refusal = command(text, block).unwrap_err();
        assert!(refusal.why.contains(part), "{refusal}");
    }
}
