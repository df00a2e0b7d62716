//! Steps of a run that wait: how long they still do, and what was seen on the way, drawn small.
//!
//! Owns: the words and the small drawing. Does not: draw them on the screen, or ask for anything. The words may hold foreign
//! text, which whoever draws them escapes.
//!
//! Invariant: what is said changes once a minute and with each look that the run has noted, not with every second.

use crate::domain::run::item::{Item, ItemState};
use crate::domain::run::poll::Seen;
use crate::domain::run::{Run, RunState};
use crate::domain::text::Repertoire;
use crate::domain::time::Timestamp;
use crate::tui::duration;

/// Looks that are drawn, the newest.
const DRAWN: usize = 20;
/// Heights, lowest first. Blocks have two columns in some locales, where letters stand in for them.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const LETTERS: [char; 8] = ['_', '.', ':', '-', '=', '+', '*', '#'];

/// The step of a run that waits, when the run goes on.
#[must_use]
pub fn item(run: &Run) -> Option<&Item> {
    let waits = |item: &&Item| matches!(item.state, ItemState::Waiting { .. });
    run.plan.items.iter().find(waits).filter(|_| run.state == RunState::Active)
}

/// How long a step still waits at most; `None` when it does not wait, or for nobody knows how long.
#[must_use]
pub fn left(item: &Item, now: Timestamp) -> Option<String> {
    match &item.state {
        ItemState::Waiting { until: Some(until), .. } => Some(duration::coarse(until.since(now))),
        _ => None,
    }
}

/// A step that waits, in a line: what was seen last, what was seen on the way, how long it still waits, its title. `None`
/// when it does not wait.
#[must_use]
pub fn words(item: &Item, now: Timestamp, repertoire: Repertoire) -> Option<String> {
    let ItemState::Waiting { seen, .. } = &item.state else { return None };
    let mut parts: Vec<String> = Vec::new();
    match seen.last() {
        Some(Seen { value: Some(value), .. }) => parts.push(format!("{value} {}", drawing(seen, repertoire))),
        Some(Seen { trouble, .. }) => parts.push(format!("not known: {trouble}")),
        None => {}
    }
    parts.push(left(item, now).map_or_else(|| "waiting".to_owned(), |left| format!("{left} left")));
    parts.push(item.title.clone());
    Some(parts.join(", "))
}

/// The numbers that were seen, one column each; a look that found nothing out is a blank.
fn drawing(seen: &[Seen], repertoire: Repertoire) -> String {
    let ramp = match repertoire {
        Repertoire::Unicode => BLOCKS,
        Repertoire::Narrow | Repertoire::Ascii => LETTERS,
    };
    let seen = seen.get(seen.len().saturating_sub(DRAWN)..).unwrap_or_default();
    let numbers = || seen.iter().filter_map(|seen| seen.value).map(|value| value.0).filter(|value| value.is_finite());
    let (low, high) =
        numbers().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let column = |seen: &Seen| match seen.value {
        Some(value) if value.0.is_finite() => ramp.get(height(value.0, low, high, ramp.len() - 1)).copied(),
        Some(_) | None => None,
    };
    seen.iter().map(|seen| column(seen).unwrap_or(' ')).collect()
}

/// The height of a value between the lowest and the highest, from 0 to `most`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 7")]
fn height(value: f64, low: f64, high: f64, most: usize) -> usize {
    // Divided first: the distance of two numbers may be more than a number can be.
    let span = high / 2.0 - low / 2.0;
    if span <= 0.0 {
        return most / 2;
    }
    let part = (value / 2.0 - low / 2.0) / span;
    ((part * f64::from(u8::try_from(most).unwrap_or(u8::MAX))).round() as usize).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::run::reading::Reading;

    fn seen(values: &[f64]) -> Vec<Seen> {
        let at = Timestamp::from_millis(0);
        let look = |value: &f64| {
            let value = (!value.is_nan()).then_some(Reading(*value));
            Seen { at, value, trouble: String::new(), attempt: None }
        };
        values.iter().map(look).collect()
    }

    #[test]
    fn numbers_are_drawn_between_the_lowest_and_the_highest() {
        assert_eq!(drawing(&seen(&[0.0, 50.0, 100.0, f64::NAN, 25.0]), Repertoire::Unicode), "▁▅█ ▃");
        assert_eq!(drawing(&seen(&[0.0, 100.0]), Repertoire::Ascii), "_#");
        assert_eq!(drawing(&seen(&[7.0, 7.0]), Repertoire::Ascii), "--");
        assert_eq!(drawing(&seen(&[f64::MIN, f64::INFINITY, f64::MAX]), Repertoire::Narrow), "_ #");
        assert_eq!(drawing(&[], Repertoire::Unicode), "");
        let many: Vec<f64> = (0..1_000).map(f64::from).collect();
        assert_eq!(drawing(&seen(&many), Repertoire::Unicode).chars().count(), DRAWN);
    }
}
