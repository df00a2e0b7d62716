//! Whether somebody is at the console.
//!
//! Owns: when the person last did something there. Does not: know what; the console tells of every key, paste and click.
//!
//! Invariant: who never did anything is not there. A console that runs on in a terminal which nobody looks at, such as a
//! detached one, starts nothing by itself after [`LASTS`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A person counts as being there for this long after their last key: about as long as one follows a slow command.
pub const LASTS: Duration = Duration::from_secs(10 * 60);

/// Never; other values are milliseconds of the monotonic clock, counted from 1.
const NEVER: u64 = 0;

/// When the person at this console last did something. Clones are of the same console.
#[derive(Clone, Debug, Default)]
pub struct Attention(Arc<AtomicU64>);

impl Attention {
    /// They did something at `now` of the monotonic clock.
    pub fn note(&self, now: Duration) {
        self.0.fetch_max(millis(now), Ordering::Relaxed);
    }

    /// Whether they are still there at `now` of the monotonic clock.
    #[must_use]
    pub fn holds(&self, now: Duration) -> bool {
        match self.0.load(Ordering::Relaxed) {
            NEVER => false,
            last => millis(now).saturating_sub(last) < u64::try_from(LASTS.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

fn millis(at: Duration) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lasts_for_a_while_after_the_last_key() {
        let attention = Attention::default();
        assert!(!attention.holds(Duration::ZERO) && !attention.holds(LASTS));
        attention.note(Duration::ZERO);
        assert!(attention.holds(Duration::ZERO) && attention.holds(LASTS - Duration::from_millis(1)));
        assert!(!attention.holds(LASTS));
        let console = attention.clone();
        console.note(Duration::from_secs(5));
        console.note(Duration::from_secs(1));
        assert!(attention.holds(LASTS) && !attention.holds(LASTS + Duration::from_secs(5)));
    }
}
