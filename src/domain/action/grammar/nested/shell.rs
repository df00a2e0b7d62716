//! Values in commands that another shell reads: behind `ssh`, in `sh -c`.
//!
//! Owns: quotes for that shell. Invariant: the other shell sees the words that its author wrote, with each value whole in one of
//! them. Where the text is outside the grammar only plain values may stand in it.

use std::collections::BTreeMap;

use super::super::assembly::{Assembly, Written};
use super::super::expand::{Bound, Cooked};
use super::super::lexer::Quoting;
use super::super::session::Surroundings;
use super::super::values::{BadValue, Depth, NOT_PLAIN, is_plain};
use super::super::words;
use crate::domain::action::print;
use crate::domain::procedure::Span;
use crate::domain::procedure::params::ParamUse;

/// Writes the values in `parts`, which a shell reads joined by blanks, the first of them from its byte `from` on.
pub(super) fn write(parts: &mut [&mut Cooked], from: usize, depth: Depth) -> Vec<BadValue> {
    let text = Text::of(parts, from);
    if text.uses.is_empty() {
        return Vec::new();
    }
    let written = match text.read(depth) {
        Reading::Inside(written) => written,
        Reading::Bad(bad) => return text.named(bad),
        Reading::Outside => BTreeMap::new(),
    };
    let mut bad = Vec::new();
    let holes = parts.iter_mut().flat_map(|word| word.iter_mut()).filter(|bit| bit.hole.is_some());
    for (bit, used) in holes.zip(&text.uses) {
        let new = match written.get(&used.name) {
            Some(written) => quoted(written),
            None if is_plain(&bit.piece.text) => Ok(bit.piece.text.clone()),
            None => Err(NOT_PLAIN.to_owned()),
        };
        match (new, &bit.hole) {
            (Ok(text), _) => bit.piece.text = text,
            (Err(problem), Some(name)) => bad.push(BadValue { name: name.clone(), problem }),
            (Err(_), None) => {}
        }
    }
    bad
}

/// The text for the other shell, with a place for each value.
struct Text {
    script: String,
    uses: Vec<ParamUse>,
    values: BTreeMap<String, crate::domain::action::spec::Piece>,
    /// What the parameters are called outside, in the same order.
    names: Vec<String>,
}

/// What came of reading it.
enum Reading {
    Inside(BTreeMap<String, Written>),
    Bad(Vec<BadValue>),
    Outside,
}

impl Text {
    fn of(parts: &[&mut Cooked], from: usize) -> Self {
        let mut text = Self { script: String::new(), uses: Vec::new(), values: BTreeMap::new(), names: Vec::new() };
        for (at, word) in parts.iter().enumerate() {
            if at > 0 {
                text.script.push(' ');
            }
            let mut skip = if at == 0 { from } else { 0 };
            for bit in word.iter() {
                match &bit.hole {
                    None => {
                        let kept = bit.piece.text.get(skip.min(bit.piece.text.len())..).unwrap_or_default();
                        text.script.push_str(kept);
                        skip = skip.saturating_sub(bit.piece.text.len());
                    }
                    Some(hole) => {
                        // Each place has a name of its own, so that one value may stand in different quotes.
                        let name = format!("v{}", text.uses.len());
                        let surface = format!("<{name}>");
                        let start = text.script.len();
                        text.script.push_str(&surface);
                        let span = Span { start, end: text.script.len() };
                        text.values.insert(name.clone(), bit.piece.clone());
                        text.uses.push(ParamUse { name, surface, span });
                        text.names.push(hole.clone());
                    }
                }
            }
        }
        text
    }

    fn read(&self, depth: Depth) -> Reading {
        let Some(deeper) = depth.deeper() else { return Reading::Outside };
        if words::strange_character(&self.script).is_some() {
            return Reading::Outside;
        }
        // Nothing is known of the other side: neither its variables nor its directories.
        let elsewhere = Surroundings { directory: String::new(), ..Surroundings::default() };
        let bound = Bound { uses: &self.uses, values: &self.values };
        let mut assembly = Assembly::new(bound, &elsewhere, deeper);
        match assembly.read(&self.script) {
            Err(_) => Reading::Outside,
            Ok(()) if !assembly.bad.is_empty() => Reading::Bad(assembly.bad),
            // A variable of the other shell is split by it, wherever its value came from.
            Ok(()) if assembly.sets_anything() => Reading::Outside,
            Ok(()) => Reading::Inside(assembly.written),
        }
    }

    /// The same with the names that the parameters have outside.
    fn named(&self, bad: Vec<BadValue>) -> Vec<BadValue> {
        let name = |inner: &str| {
            let at = self.uses.iter().position(|used| used.name == inner);
            at.and_then(|at| self.names.get(at)).cloned()
        };
        bad.into_iter().filter_map(|bad| Some(BadValue { name: name(&bad.name)?, ..bad })).collect()
    }
}

/// A value as the other shell reads it back.
fn quoted(written: &Written) -> Result<String, String> {
    let text = &written.text;
    if text.contains('\\') {
        // fish reads a backslash in single quotes in another way than the other shells do.
        return Err("it contains a backslash, which not every shell reads in the same way".to_owned());
    }
    Ok(match written.quoting {
        Quoting::Bare if is_plain(text) => text.clone(),
        Quoting::Bare => print::quoted_always(text),
        Quoting::Single => text.replace('\'', r"'\''"),
        Quoting::Double => {
            let mut escaped = String::with_capacity(text.len());
            for c in text.chars() {
                if matches!(c, '"' | '$' | '`') {
                    escaped.push('\\');
                }
                escaped.push(c);
            }
            escaped
        }
    })
}
