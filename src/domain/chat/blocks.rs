//! The fenced blocks of a message: what a command can be proposed from, numbered the same for screen and engine.
//!
//! Invariant: total; any text gives a list, in time linear in its length for text of the size of a message.
//! Does not: judge whether a block is a command.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// A fenced block of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FencedBlock {
    /// The first word after the opening fence (`sh`); empty when there is none. Foreign text.
    pub language: String,
    /// What stands between the fences. Foreign text.
    pub code: String,
}

/// The fenced blocks of `markdown`, in order; the position in this list is the number of a block. Blocks that are only
/// indented do not count.
#[must_use]
pub fn fenced(markdown: &str) -> Vec<FencedBlock> {
    let mut blocks = Vec::new();
    let mut open: Option<FencedBlock> = None;
    for event in Parser::new(markdown) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                let language = info.split_whitespace().next().unwrap_or_default().to_owned();
                open = Some(FencedBlock { language, code: String::new() });
            }
            Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
            Event::Text(text) => {
                if let Some(block) = &mut open {
                    block.code.push_str(&text);
                }
            }
            _ => {}
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_counted_wherever_they_stand() {
        let text = "Do:\n\n```sh title\ndu -xh /\n```\n\n1. then\n\n   ~~~\n   b\n   ~~~\n\n    indented\n\n> ```sql\n> select 1\n";
        let found = fenced(text);
        let seen: Vec<_> = found.iter().map(|block| (block.language.as_str(), block.code.as_str())).collect();
        assert_eq!(seen, [("sh", "du -xh /\n"), ("", "b\n"), ("sql", "select 1\n")]);
    }

    #[test]
    fn text_without_fences_has_none() {
        assert_eq!(fenced("`sh` and ``` in a line"), []);
    }
}
