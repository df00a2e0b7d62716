//! When a request is worth being sent again, and after how long.
//!
//! Owns: the number of attempts and the waits. Pure: chance is handed in.
//!
//! The waits double from one second on, and each is somewhere between half of that and the whole, so that many consoles
//! that failed together do not come back together. A wait that the provider asks for is kept, and a little is added.

use std::time::Duration;

/// The longest wait that a provider may ask for; beyond it a person should rather know. Gemini asks for up to a minute
/// where a limit per minute was hit.
pub const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// The first wait without a hint.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Without a hint no wait is longer.
const LONGEST_OWN_WAIT: Duration = Duration::from_secs(20);

/// At most this share of a wait that was asked for is added to it.
const ADDED_SHARE: f64 = 0.1;

/// Whether a failure is worth another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same request would fail again.
    Never,
    /// It may go better soon.
    Soon,
    /// It may go better after this time, as the provider says.
    After(Duration),
}

/// How often a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts altogether, from 1.
    pub attempts: u32,
}

impl Default for RetryPolicy {
    /// Four attempts: with the waits between them about seven seconds, which a person at a screen bears.
    fn default() -> Self {
        Self { attempts: 4 }
    }
}

impl RetryPolicy {
    /// How long to wait after attempt number `attempt` (from 1) failed; `None` when it was the last. `chance` is from 0 to 1.
    #[must_use]
    pub fn wait(self, attempt: u32, retry: Retry, chance: f64) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let chance = if chance.is_finite() { chance.clamp(0.0, 1.0) } else { 1.0 };
        match retry {
            Retry::Never => None,
            Retry::Soon => {
                let doubled = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
                Some(doubled.min(LONGEST_OWN_WAIT).mul_f64(0.5 + chance / 2.0))
            }
            Retry::After(asked) if asked > LONGEST_WAIT => None,
            Retry::After(asked) => Some(asked.mul_f64(1.0 + ADDED_SHARE * chance)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(1, Retry::Never, None)]
    #[case(1, Retry::Soon, Some(1_000))]
    #[case(2, Retry::Soon, Some(2_000))]
    #[case(3, Retry::Soon, Some(4_000))]
    #[case(4, Retry::Soon, None)]
    #[case(1, Retry::After(Duration::from_secs(54)), Some(59_400))]
    #[case(3, Retry::After(Duration::ZERO), Some(0))]
    #[case(1, Retry::After(Duration::from_secs(300)), Some(330_000))]
    #[case(1, Retry::After(Duration::from_secs(301)), None)]
    #[case(4, Retry::After(Duration::from_secs(1)), None)]
    fn waits_follow_the_rules(#[case] attempt: u32, #[case] retry: Retry, #[case] expected: Option<u64>) {
        assert_eq!(RetryPolicy::default().wait(attempt, retry, 1.0), expected.map(Duration::from_millis));
    }

    #[test]
    fn own_waits_stop_growing() {
        let policy = RetryPolicy { attempts: u32::MAX };
        assert_eq!(policy.wait(40, Retry::Soon, 1.0), Some(LONGEST_OWN_WAIT));
        assert_eq!(policy.wait(1, Retry::Soon, f64::NAN), Some(FIRST_WAIT));
    }

    proptest! {
        #[test]
        fn chance_spreads_waits_and_never_undercuts_what_was_asked_for(chance in 0.0..=1.0_f64, asked in 0_u64..300) {
            let policy = RetryPolicy::default();
            let own = policy.wait(2, Retry::Soon, chance).unwrap();
            prop_assert!((Duration::from_secs(1)..=Duration::from_secs(2)).contains(&own));
            let asked = Duration::from_secs(asked);
            let kept = policy.wait(1, Retry::After(asked), chance).unwrap();
            prop_assert!(kept >= asked && kept <= asked.mul_f64(1.0 + ADDED_SHARE));
        }
    }
}
