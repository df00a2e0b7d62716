//! A breaker: after three failures in a row nobody is kept waiting for a fourth; every 30 seconds one question is let through to
//! see whether it is better.
//!
//! Owns: the states and their changes. Pure: the time is handed in, as the time since any fixed moment.

use std::time::Duration;

/// So many failures in a row open it.
pub const FAILURES: u32 = 3;

/// An open breaker lets one question through this often.
pub const PROBE_EVERY: Duration = Duration::from_secs(30);

/// Counts failures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Questions go through; so many failed in a row.
    Closed { failures: u32 },
    /// Only probes go through, the next one from then on.
    Open { probe_from: Duration },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

/// The answer to whether a question may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Open,
    /// It may, as the one that finds out; until its end is known, and for 30 seconds, no other may. A probe that is never
    /// ended, because the person stopped it, costs nothing but that time.
    Probe,
    /// It may not; the next one may after this time.
    Refused(Duration),
}

impl Breaker {
    /// Whether a question may be asked at `now`.
    pub fn admit(&mut self, now: Duration) -> Admission {
        match &mut self.state {
            State::Closed { .. } => Admission::Open,
            State::Open { probe_from } if *probe_from <= now => {
                *probe_from = now + PROBE_EVERY;
                Admission::Probe
            }
            State::Open { probe_from } => Admission::Refused(probe_from.saturating_sub(now)),
        }
    }

    /// How long no question may be asked at `now`; `None` when one may. Changes nothing.
    #[must_use]
    pub fn look(&self, now: Duration) -> Option<Duration> {
        match self.state {
            State::Open { probe_from } if probe_from > now => Some(probe_from - now),
            State::Open { .. } | State::Closed { .. } => None,
        }
    }

    /// The provider answered, be it with a refusal.
    pub fn answered(&mut self) {
        self.state = State::default();
    }

    /// The provider did not answer, at `now`.
    pub fn failed(&mut self, now: Duration) {
        let failures = match self.state {
            State::Closed { failures } => failures + 1,
            State::Open { .. } => FAILURES,
        };
        self.state = if failures >= FAILURES {
            State::Open { probe_from: now + PROBE_EVERY }
        } else {
            State::Closed { failures }
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn three_failures_in_a_row_open_it_and_a_good_probe_closes_it() {
        let mut breaker = Breaker::default();
        breaker.failed(at(1));
        breaker.failed(at(2));
        breaker.answered();
        for second in [3, 4] {
            breaker.failed(at(second));
            assert_eq!(breaker.admit(at(second)), Admission::Open);
        }
        breaker.failed(at(5));
        assert_eq!(breaker.admit(at(5)), Admission::Refused(at(30)));
        assert_eq!(breaker.admit(at(34)), Admission::Refused(at(1)));
        assert_eq!(breaker.admit(at(35)), Admission::Probe);
        assert_eq!(breaker.admit(at(36)), Admission::Refused(at(29)), "one probe at a time");
        breaker.failed(at(37));
        assert_eq!(breaker.admit(at(66)), Admission::Refused(at(1)));
        assert_eq!(breaker.admit(at(67)), Admission::Probe);
        breaker.answered();
        assert_eq!(breaker.admit(at(67)), Admission::Open);
    }

    #[test]
    fn a_probe_that_was_stopped_is_followed_by_another() {
        let mut breaker = Breaker::default();
        for _ in 0..FAILURES {
            breaker.failed(at(0));
        }
        assert_eq!(breaker.admit(at(30)), Admission::Probe);
        assert_eq!(breaker.admit(at(60)), Admission::Probe);
    }

    proptest! {
        #[test]
        fn an_open_breaker_never_lets_two_through_within_thirty_seconds(steps in prop::collection::vec(0_u64..40, 1..60)) {
            let mut breaker = Breaker::default();
            for _ in 0..FAILURES {
                breaker.failed(at(0));
            }
            let (mut now, mut last) = (0, None);
            for step in steps {
                now += step;
                if breaker.admit(at(now)) == Admission::Probe {
                    prop_assert!(last.is_none_or(|last| now - last >= 30));
                    prop_assert!(now >= 30);
                    last = Some(now);
                }
            }
        }
    }
}
