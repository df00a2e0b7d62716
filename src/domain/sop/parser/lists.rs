//! List stitching: numbered lists that Markdown sees as several, because a fence at column 0 stands between their items.
//!
//! Owns: which lists belong together, by the continuity of their numbers. Does not: change any text or span.

use super::blocks::{Block, BlockKind};

/// How many lists that wait to be continued are remembered; documents do not nest deeper at column 0.
const REMEMBERED: usize = 4;

/// Gives each block between the parts of one list to the item before it, and counts the items through.
pub(super) fn stitch(blocks: &mut [Block]) {
    let mut lists: Vec<Counted> = Vec::new();
    for index in 0..blocks.len() {
        let Some(block) = blocks.get(index) else { break };
        if block.parent.is_some() {
            continue;
        }
        match block.kind {
            BlockKind::Heading { .. } => lists.clear(),
            BlockKind::List { first: Some(first) } => {
                match lists.iter().rposition(|list| list.goes_on_with(first)) {
                    Some(at) => {
                        lists.truncate(at + 1);
                        join(blocks, &mut lists, index, first);
                    }
                    None => {
                        lists.push(Counted {
                            index,
                            last_item: index,
                            first,
                            next: first,
                            items: 0,
                            only_code_since: true,
                        });
                        lists.drain(..lists.len().saturating_sub(REMEMBERED));
                    }
                }
                count(blocks, index, &mut lists);
            }
            BlockKind::Code { .. } => {}
            _ => lists.iter_mut().for_each(|list| list.only_code_since = false),
        }
    }
}

/// A numbered list and how far it has come.
struct Counted {
    index: usize,
    last_item: usize,
    first: u64,
    next: u64,
    /// Items so far; a list that is written `1.` throughout is counted as one item until it is joined.
    items: u64,
    only_code_since: bool,
}

impl Counted {
    /// Whether a list that begins with `first` continues this one. A list written `1.` throughout starts again with 1.
    fn goes_on_with(&self, first: u64) -> bool {
        let lazy = self.items == 1 && first == self.first && first <= 1 && self.only_code_since;
        self.items > 0 && (first == self.next || lazy)
    }
}

/// Hangs what stands between the last of `lists` and the list at `index` on the last item, and makes both one list.
fn join(blocks: &mut [Block], lists: &mut [Counted], index: usize, first: u64) {
    let Some(list) = lists.last_mut() else { return };
    for block in blocks.get_mut(list.last_item + 1..index).unwrap_or_default() {
        if block.parent.is_none() {
            block.parent = Some(list.last_item);
        }
    }
    if let Some(block) = blocks.get_mut(index) {
        block.parent = Some(list.index);
    }
    if first != list.next {
        list.items = 0;
    }
}

/// Numbers the items of the list at `index` on from those that the last of `lists` has.
fn count(blocks: &mut [Block], index: usize, lists: &mut [Counted]) {
    let Some(list) = lists.last_mut() else { return };
    list.only_code_since = true;
    let mut at = index + 1;
    // The list ends with the next block outside; nothing else can be at the top before that.
    while let Some(block) = blocks.get_mut(at).filter(|block| block.parent.is_some()) {
        if block.parent == Some(index)
            && let BlockKind::Item { number } = &mut block.kind
        {
            *number = Some(list.next);
            list.next = list.next.saturating_add(1);
            list.items += 1;
            list.last_item = at;
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::blocks;
    use super::*;

    /// Top-level blocks after stitching, and the numbers of all items.
    fn stitched(text: &str) -> (usize, Vec<u64>) {
        let mut all = Vec::new();
        blocks::read(text, 0, text.len(), &mut all);
        stitch(&mut all);
        let numbers = all.iter().filter_map(|block| match block.kind {
            BlockKind::Item { number } => number,
            _ => None,
        });
        (all.iter().filter(|block| block.parent.is_none()).count(), numbers.collect())
    }

    #[rstest]
    #[case::fence("1. a\n```\nx\n```\n2. b\n```\ny\n```\n", 2, &[1, 2])]
    #[case::paragraph_and_fence("1. a\n\ntext\n\n```\nx\n```\n\n2. b\n", 1, &[1, 2])]
    #[case::always_one("1. a\n```\nx\n```\n1. b\n```\ny\n```\n1. c\n", 1, &[1, 2, 3])]
    #[case::one_list("1. a\n1. b\n", 1, &[1, 2])]
    #[case::new_list("1. a\n2. b\n\ntext\n\n1. c\n", 3, &[1, 2, 1])]
    #[case::heading_between("1. a\n\n# H\n\n2. b\n", 3, &[1, 2])]
    #[case::two_lists("1. a\n\ntext\n\n1. b\n", 3, &[1, 1])]
    #[case::list_inside("1. a\n\ntext\n\n1. x\n2. y\n\ntext\n\n2. b\n", 1, &[1, 1, 2, 2])]
    #[case::gap("1. a\n\ntext\n\n5. b\n", 3, &[1, 5])]
    #[case::starting_at_zero("0. a\n\ntext\n\n1. b\n", 1, &[0, 1])]
    fn lists(#[case] text: &str, #[case] top: usize, #[case] numbers: &[u64]) {
        assert_eq!(stitched(text), (top, numbers.to_vec()));
    }

    #[test]
    fn parents_stay_before_children() {
        let text = "1. a\n```\nx\n```\n2. b\n\n- p\n\n3. c\n";
        let mut all = Vec::new();
        blocks::read(text, 0, text.len(), &mut all);
        stitch(&mut all);
        for (index, block) in all.iter().enumerate() {
            assert!(block.parent.is_none_or(|parent| parent < index), "{all:#?}");
        }
        assert_eq!(all.iter().filter(|block| block.parent.is_none()).count(), 1);
    }
}
