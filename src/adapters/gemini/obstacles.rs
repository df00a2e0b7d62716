//! What stands in the way of the next question, as far as the answers before it tell: failures in a row, a wait that the
//! provider asked for, a key that it does not accept.
//!
//! Owns: when each of them begins and ends. Pure: the time is handed in, as the time since any fixed moment. Does not: fetch
//! keys; it knows a refused one by its hash only.

use std::time::Duration;

use super::breaker::{Admission, Breaker};
use super::retry::Retry;
use crate::engine::ports::{ModelError, ModelErrorKind, Unavailable};

/// A wait that a provider asks for is kept for so long at most: a wrong header must not silence the model for ever.
pub(super) const LONGEST_REST: Duration = Duration::from_secs(24 * 3_600);

/// A key that is accepted and may not use the model is tried again after this long, since what it may do can be changed
/// without changing the key. One that is not accepted never becomes good.
pub(super) const PERMISSION_TRIED_AGAIN: Duration = Duration::from_secs(5 * 60);

/// What stands in the way.
#[derive(Debug, Default)]
pub(super) struct Obstacles {
    breaker: Breaker,
    /// The last failure that the breaker counted.
    last: Option<ModelError>,
    rest: Option<Rest>,
    refused: Option<RefusedKey>,
}

/// A wait that the provider asked for.
#[derive(Debug)]
struct Rest {
    until: Duration,
    error: ModelError,
}

/// A key that the provider does not want.
#[derive(Debug)]
struct RefusedKey {
    /// Its SHA-256.
    digest: String,
    error: ModelError,
    /// From when on it is tried again all the same.
    again: Option<Duration>,
}

impl Obstacles {
    /// Why no question should be sent at `now`, whatever the key; changes nothing.
    pub(super) fn look(&self, now: Duration) -> Option<Unavailable> {
        if let Some(Rest { until, error }) = self.rest.as_ref().filter(|rest| rest.until > now) {
            return Some(Unavailable::of(error, Some(*until - now)));
        }
        self.breaker.look(now).map(|left| self.breaker_open(left))
    }

    /// Lets a question through at `now`, or says why not. An open breaker lets one through every 30 seconds.
    pub(super) fn admit(&mut self, now: Duration) -> Result<(), Unavailable> {
        if let Some(why) = self.look(now) {
            return Err(why);
        }
        match self.breaker.admit(now) {
            Admission::Open | Admission::Probe => Ok(()),
            Admission::Refused(left) => Err(self.breaker_open(left)),
        }
    }

    fn breaker_open(&self, left: Duration) -> Unavailable {
        let because = self.last.as_ref().map(|error| format!(", the last time because {}", error.what));
        let what = format!("Gemini failed several times in a row{}", because.unwrap_or_default());
        let remedy = self.last.as_ref().map(|error| error.remedy.clone()).unwrap_or_default();
        Unavailable { what, remedy, again_in: Some(left) }
    }

    /// Whether a key was refused, so that it is worth looking whether there is another one by now.
    pub(super) const fn has_refused_key(&self) -> bool {
        self.refused.is_some()
    }

    /// Why the key with hash `digest` should not be tried at `now`.
    pub(super) fn look_at_key(&self, digest: &str, now: Duration) -> Option<Unavailable> {
        let refused = self.refused.as_ref().filter(|refused| refused.digest == digest)?;
        match refused.again {
            Some(again) if again <= now => None,
            again => Some(Unavailable::of(&refused.error, again.map(|again| again - now))),
        }
    }

    /// The key with hash `digest` was refused at `now`.
    pub(super) fn refuse_key(&mut self, digest: String, error: ModelError, now: Duration) {
        let again = (error.kind == ModelErrorKind::Permission).then(|| now + PERMISSION_TRIED_AGAIN);
        self.refused = Some(RefusedKey { digest, error, again });
    }

    /// The provider asked at `now`, by an answer that failed so, for a wait.
    pub(super) fn asked_to_wait(&mut self, error: &ModelError, retry: Retry, now: Duration) {
        if let Retry::After(wait) = retry {
            self.rest = Some(Rest { until: now + wait.min(LONGEST_REST), error: error.clone() });
        }
    }

    /// A question ended at `now`.
    pub(super) fn ended(&mut self, result: Result<(), &ModelError>, now: Duration) {
        let Err(error) = result else {
            *self = Self::default();
            return;
        };
        match error.kind {
            ModelErrorKind::Unserved | ModelErrorKind::Unreachable | ModelErrorKind::Garbled => {
                self.breaker.failed(now);
                self.last = Some(error.clone());
            }
            // A refusal is an answer.
            ModelErrorKind::Key
            | ModelErrorKind::Permission
            | ModelErrorKind::Refused
            | ModelErrorKind::Quota
            | ModelErrorKind::Blocked => self.breaker.answered(),
            // That nobody asked is no news of the provider.
            ModelErrorKind::BreakerOpen => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::adapters::gemini::breaker::FAILURES;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn error(kind: ModelErrorKind) -> ModelError {
        ModelError { kind, what: "it went wrong".to_owned(), remedy: "Do this".to_owned() }
    }

    fn left(found: Option<Unavailable>) -> Option<Duration> {
        found.and_then(|found| found.again_in)
    }

    #[test]
    fn looking_at_an_open_breaker_does_not_use_up_its_probe() {
        let mut obstacles = Obstacles::default();
        for _ in 0..FAILURES {
            assert_eq!(obstacles.look(at(0)), None);
            obstacles.ended(Err(&error(ModelErrorKind::Unserved)), at(0));
        }
        let why = obstacles.look(at(10)).unwrap();
        assert!(
            why.what.contains("Gemini failed several times in a row, the last time because it went wrong"),
            "{why}"
        );
        assert_eq!((why.remedy.as_str(), why.again_in), ("Do this", Some(at(20))));
        assert_eq!((obstacles.look(at(30)), obstacles.look(at(30))), (None, None));
        assert_eq!(obstacles.admit(at(30)), Ok(()));
        assert_eq!(left(obstacles.look(at(31))), Some(at(29)), "one probe at a time");
        obstacles.ended(Ok(()), at(32));
        assert_eq!(obstacles.look(at(32)), None);
    }

    #[test]
    fn a_wait_that_was_asked_for_is_kept_to_its_end_and_no_longer_than_a_day() {
        let mut obstacles = Obstacles::default();
        obstacles.asked_to_wait(&error(ModelErrorKind::Quota), Retry::Soon, at(0));
        assert_eq!(obstacles.look(at(0)), None);
        obstacles.asked_to_wait(&error(ModelErrorKind::Quota), Retry::After(at(54)), at(100));
        assert_eq!(left(obstacles.look(at(130))), Some(at(24)));
        assert!(obstacles.admit(at(153)).is_err());
        assert_eq!(obstacles.admit(at(154)), Ok(()));
        obstacles.asked_to_wait(&error(ModelErrorKind::Quota), Retry::After(Duration::MAX), at(0));
        assert_eq!(left(obstacles.look(at(0))), Some(LONGEST_REST));
    }

    #[rstest]
    #[case::not_accepted(ModelErrorKind::Key, None)]
    #[case::not_permitted(ModelErrorKind::Permission, Some(PERMISSION_TRIED_AGAIN))]
    fn a_refused_key_is_not_tried_again_but_another_is(#[case] kind: ModelErrorKind, #[case] again: Option<Duration>) {
        let mut obstacles = Obstacles::default();
        assert!(!obstacles.has_refused_key());
        obstacles.refuse_key("a".to_owned(), error(kind), at(7));
        obstacles.ended(Err(&error(kind)), at(7));
        assert!(obstacles.has_refused_key());
        let why = obstacles.look_at_key("a", at(7)).unwrap();
        assert_eq!((why.what.as_str(), why.again_in), ("it went wrong", again));
        assert_eq!(obstacles.look_at_key("b", at(7)), None);
        let later = obstacles.look_at_key("a", at(7) + PERMISSION_TRIED_AGAIN);
        assert_eq!(later.is_some(), again.is_none());
        obstacles.ended(Ok(()), at(8));
        assert_eq!(obstacles.look_at_key("a", at(8)), None);
    }
}
