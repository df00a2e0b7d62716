//! Who chooses whom a program asks over the network.
//!
//! A label, a typed value or a model that names a host makes us send a request to whomever the sender of an alert likes, inside
//! our network too; a name that is looked up is a message to whoever answers for it. So of the programs that ask, the words
//! that name a host must all be the document's.

use super::Risk;
use super::judge::{Context, Finding};
use super::tool::Tool;

/// A finding when a value from outside can name the host that `name` asks with the arguments `words`.
pub(super) fn by_outside(tool: &Tool, name: &str, words: &[&str], context: &Context<'_>) -> Option<Finding> {
    if tool.asks.is_empty() || context.outside.is_empty() {
        return None;
    }
    let naming: Vec<&str> = match (name, words) {
        // The last word is the expression, which the server only evaluates.
        ("promtool", ["query", "instant" | "range", rest @ .., _]) => rest.to_vec(),
        ("promtool", ["check", "config" | "rules", ..]) | ("amtool", ["check-config", ..]) => Vec::new(),
        _ if tool.asks.iter().any(|option| option == "*") => words.to_vec(),
        _ => words
            .iter()
            .enumerate()
            .filter(|(at, word)| names_host(tool, words, *at, word))
            .map(|(_, word)| *word)
            .collect(),
    };
    let word = naming.into_iter().find(|word| context.outside.contains(word))?;
    let why = format!("{word} has a value from outside, which can name the host that is asked");
    Some(Finding::of(Risk::Unknown, name, &why))
}

/// Whether the word at `at` is, or contains, the value of an option that names a host.
fn names_host(tool: &Tool, words: &[&str], at: usize, word: &str) -> bool {
    let before = at.checked_sub(1).and_then(|at| words.get(at));
    let is =
        |option: &&String| before.is_some_and(|word| *word == option.as_str()) || word.starts_with(option.as_str());
    tool.asks.iter().any(|option| is(&option))
}
