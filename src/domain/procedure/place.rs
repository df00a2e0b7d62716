//! Where a step of a document says that its commands belong: `on=` in the info string of a code block.
//!
//! Owns: reading it. Does not: know hosts or containers (see `action::choice`), or decide that a command runs there.
//!
//! Invariant: a document can send a command into a container and nowhere else; to another host the alert or a person does.

use super::Span;
use crate::domain::action::container::PREFIX;

/// Begins the attribute of a code block.
const ATTRIBUTE: &str = "on=";

/// The container that the code block around `span` names, in the form of [`crate::domain::action::container`]: for
/// ```` ```sh on=container ```` the one of the alert, else as written behind `on=`. `None` when the block says nothing.
#[must_use]
pub fn said(source: &str, span: Span) -> Option<String> {
    let before = source.get(..span.start)?;
    let info = before.lines().rev().find_map(info_of)?;
    let mut words = info.split([' ', ',', '{', '}', '\t']);
    let place = words.find_map(|word| word.strip_prefix(ATTRIBUTE))?.trim_matches(['"', '\'']);
    match place {
        "container" => Some(PREFIX.to_owned()),
        place if place.starts_with(PREFIX) => Some(place.to_owned()),
        _ => None,
    }
}

/// The info string of `line`, if it is a fence of code. A list mark may stand before it.
fn info_of(line: &str) -> Option<&str> {
    let line = line.trim_start_matches(|c: char| c.is_ascii_whitespace() || c.is_ascii_digit() || "-*+.)>".contains(c));
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let info = line.trim_start_matches(mark);
    (line.len() - info.len() >= 3).then_some(info)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::procedure::NodeKind;
    use crate::domain::sop;

    #[rstest]
    #[case("```sh on=container\ndf -h\n```", Some("container:"))]
    #[case("1. Look:\n   ```bash {on=\"container\"}\n   df -h\n   ```", Some("container:"))]
    #[case("~~~sh on=container:shop/db-0/pg@eu\nls\ndf -h\n~~~", Some("container:shop/db-0/pg@eu"))]
    #[case("```sh\ndf -h\n```", None)]
    #[case("```sh on=web-1\ndf -h\n```", None)]
    #[case("```sh on=container\nls\n```\n\nThen:\n\n```sh\ndf -h\n```", None)]
    #[case("```sh on=container\nls\n```\n\n    df -h\n", None)]
    fn a_block_says_where_its_commands_belong(#[case] text: &str, #[case] expected: Option<&str>) {
        let source = format!("# Disk\n\n{text}\n");
        let procedure = sop::parse(&"a.md".into(), source.as_bytes());
        let node = procedure
            .nodes
            .iter()
            .rev()
            .find(|node| matches!(&node.kind, NodeKind::Command { script, .. } if script.contains("df")));
        assert_eq!(said(&source, node.unwrap().span).as_deref(), expected);
    }
}
