//! Deliveries: what one delivery of an alert means, given what is known of its fingerprint.
//!
//! Owns: deduplication, firings that follow one another, and deliveries that arrive late or out of order.
//! Does not: decide which incident an alert belongs to (see [`super::correlate`]) or remember anything.
//!
//! Invariant: of one fingerprint of one source at most one firing is on at any time. Whoever follows the verdicts keeps it.

use crate::domain::alert::{Alert, AlertStatus, BatchOrigin};
use crate::domain::time::Timestamp;

/// How the end of a firing became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndedBy {
    /// The source said so.
    Source,
    /// It was missing from the complete set that the source gave: an inference, which a later delivery may correct.
    Absence,
    /// The same alert began to fire anew.
    Successor,
}

/// What is known of one firing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownFiring {
    /// When it began.
    pub starts_at: Timestamp,
    /// `None` while it fires, otherwise how its end became known.
    pub ended: Option<EndedBy>,
    /// When it was last delivered.
    pub last_seen: Timestamp,
}

/// What a delivery means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Nothing new about this firing.
    Repeat(Which),
    /// A firing begins that was not known.
    Begin,
    /// A firing begins, and with it the leading one is over.
    Supersede,
    /// The firing with exactly this start is on again: its end was inferred wrongly, or the source counts it as one.
    Revive,
    /// This firing is over.
    End(Which),
    /// It is over and was never seen to fire: remember that, so that its late beginning is not taken for news.
    Remember,
}

/// Which of the known firings a verdict is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Which {
    /// The one with exactly the delivered start.
    Exact,
    /// The one that fires; if none does, the one that began last.
    Leading,
}

/// Decides what a delivery of `alert` means.
///
/// `exact` is the known firing with the same start; `leading` is the one of the same source and fingerprint that fires, or,
/// if none does, the one that began last (it may be the same as `exact`). Alertmanager moves the start of a live alert back when it merges the alerts of two
/// Prometheus servers; therefore an earlier start while another firing is on is the same firing, not an older one.
#[must_use]
pub fn judge(alert: &Alert, origin: BatchOrigin, exact: Option<KnownFiring>, leading: Option<KnownFiring>) -> Verdict {
    match alert.status {
        AlertStatus::Firing => judge_firing(alert.key.starts_at, origin, exact, leading),
        AlertStatus::Resolved => judge_resolved(alert, exact, leading),
    }
}

fn judge_firing(
    starts_at: Timestamp,
    origin: BatchOrigin,
    exact: Option<KnownFiring>,
    leading: Option<KnownFiring>,
) -> Verdict {
    let Some(leading) = leading else { return Verdict::Begin };
    if let Some(exact) = exact {
        let Some(ended) = exact.ended else { return Verdict::Repeat(Which::Exact) };
        if leading.ended.is_none() {
            return Verdict::Repeat(Which::Leading);
        }
        // Nothing fires, so the leading one is the last: only its end can have been inferred wrongly.
        let corrected = ended == EndedBy::Absence && leading.starts_at == exact.starts_at;
        return if corrected || is_newer_than(origin, leading.last_seen) {
            Verdict::Revive
        } else {
            Verdict::Repeat(Which::Exact)
        };
    }
    if starts_at > leading.starts_at {
        return if leading.ended.is_none() { Verdict::Supersede } else { Verdict::Begin };
    }
    if leading.ended.is_none() {
        Verdict::Repeat(Which::Leading)
    } else if is_newer_than(origin, leading.last_seen) {
        Verdict::Begin
    } else {
        Verdict::Remember
    }
}

fn judge_resolved(alert: &Alert, exact: Option<KnownFiring>, leading: Option<KnownFiring>) -> Verdict {
    match (exact, leading) {
        (Some(exact), _) if exact.ended.is_none() => Verdict::End(Which::Exact),
        (Some(_), _) => Verdict::Repeat(Which::Exact),
        (None, Some(leading)) if leading.ended.is_none() => {
            let began_later = alert.key.starts_at > leading.starts_at;
            let covers = alert.ends_at.is_some_and(|end| end >= leading.starts_at);
            if began_later || covers { Verdict::End(Which::Leading) } else { Verdict::Remember }
        }
        (None, _) => Verdict::Remember,
    }
}

/// Whether the source was asked after `last_seen`, so that its answer counts more than the order of arrival.
fn is_newer_than(origin: BatchOrigin, last_seen: Timestamp) -> bool {
    match origin {
        BatchOrigin::Webhook => false,
        BatchOrigin::Reconcile { as_of, .. } => as_of > last_seen,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::alert::{AlertKey, Labels};

    const WEBHOOK: BatchOrigin = BatchOrigin::Webhook;

    fn reconcile(as_of: i64) -> BatchOrigin {
        BatchOrigin::Reconcile { as_of: Timestamp::from_millis(as_of), known_since: None }
    }

    fn known(starts_at: i64, ended: Option<EndedBy>, last_seen: i64) -> KnownFiring {
        let (starts_at, last_seen) = (Timestamp::from_millis(starts_at), Timestamp::from_millis(last_seen));
        KnownFiring { starts_at, ended, last_seen }
    }

    fn delivery(starts_at: i64, ends_at: Option<i64>) -> Alert {
        Alert {
            key: AlertKey {
                source: "am".into(),
                fingerprint: "f".to_owned(),
                starts_at: Timestamp::from_millis(starts_at),
            },
            status: if ends_at.is_some() { AlertStatus::Resolved } else { AlertStatus::Firing },
            ends_at: ends_at.map(Timestamp::from_millis),
            labels: Labels::new(),
            annotations: Labels::new(),
            generator_url: None,
        }
    }

    #[rstest]
    // Firing deliveries.
    #[case::first(delivery(10, None), WEBHOOK, None, None, Verdict::Begin)]
    #[case::again(
        delivery(10, None),
        WEBHOOK,
        Some(known(10, None, 20)),
        Some(known(10, None, 20)),
        Verdict::Repeat(Which::Exact)
    )]
    #[case::late(
        delivery(10, None),
        WEBHOOK,
        Some(known(10, Some(EndedBy::Source), 20)),
        Some(known(10, Some(EndedBy::Source), 20)),
        Verdict::Repeat(Which::Exact)
    )]
    #[case::end_was_inferred(
        delivery(10, None),
        WEBHOOK,
        Some(known(10, Some(EndedBy::Absence), 20)),
        Some(known(10, Some(EndedBy::Absence), 20)),
        Verdict::Revive
    )]
    #[case::the_source_says_it_fires(
        delivery(10, None),
        reconcile(30),
        Some(known(10, Some(EndedBy::Source), 20)),
        Some(known(10, Some(EndedBy::Source), 20)),
        Verdict::Revive
    )]
    #[case::the_answer_is_older_than_the_end(
        delivery(10, None),
        reconcile(15),
        Some(known(10, Some(EndedBy::Source), 20)),
        Some(known(10, Some(EndedBy::Source), 20)),
        Verdict::Repeat(Which::Exact)
    )]
    #[case::new_firing(delivery(50, None), WEBHOOK, None, Some(known(10, Some(EndedBy::Source), 20)), Verdict::Begin)]
    #[case::new_firing_before_the_end_of_the_old(
        delivery(50, None),
        WEBHOOK,
        None,
        Some(known(10, None, 20)),
        Verdict::Supersede
    )]
    #[case::start_moved_back(
        delivery(5, None),
        WEBHOOK,
        None,
        Some(known(10, None, 20)),
        Verdict::Repeat(Which::Leading)
    )]
    #[case::older_than_an_ended_one(
        delivery(5, None),
        WEBHOOK,
        None,
        Some(known(10, Some(EndedBy::Source), 20)),
        Verdict::Remember
    )]
    #[case::older_but_the_source_says_it_fires(
        delivery(5, None),
        reconcile(30),
        None,
        Some(known(10, Some(EndedBy::Source), 20)),
        Verdict::Begin
    )]
    #[case::superseded_one_again(
        delivery(10, None),
        WEBHOOK,
        Some(known(10, Some(EndedBy::Successor), 20)),
        Some(known(50, None, 60)),
        Verdict::Repeat(Which::Leading)
    )]
    #[case::a_later_one_while_an_earlier_one_is_on(
        delivery(50, None),
        WEBHOOK,
        Some(known(50, Some(EndedBy::Source), 60)),
        Some(known(10, None, 70)),
        Verdict::Repeat(Which::Leading)
    )]
    // Ends.
    #[case::end(
        delivery(10, Some(30)),
        WEBHOOK,
        Some(known(10, None, 20)),
        Some(known(10, None, 20)),
        Verdict::End(Which::Exact)
    )]
    #[case::end_again(
        delivery(10, Some(30)),
        WEBHOOK,
        Some(known(10, Some(EndedBy::Source), 20)),
        Some(known(10, Some(EndedBy::Source), 20)),
        Verdict::Repeat(Which::Exact)
    )]
    #[case::end_without_beginning(delivery(10, Some(30)), WEBHOOK, None, None, Verdict::Remember)]
    #[case::end_of_a_later_one_we_missed(
        delivery(50, Some(60)),
        WEBHOOK,
        None,
        Some(known(10, None, 20)),
        Verdict::End(Which::Leading)
    )]
    #[case::end_with_a_start_moved_back(
        delivery(5, Some(60)),
        WEBHOOK,
        None,
        Some(known(10, None, 20)),
        Verdict::End(Which::Leading)
    )]
    #[case::late_end_of_an_older_one(delivery(5, Some(8)), WEBHOOK, None, Some(known(10, None, 20)), Verdict::Remember)]
    fn deliveries(
        #[case] alert: Alert,
        #[case] origin: BatchOrigin,
        #[case] exact: Option<KnownFiring>,
        #[case] leading: Option<KnownFiring>,
        #[case] expected: Verdict,
    ) {
        assert_eq!(judge(&alert, origin, exact, leading), expected);
    }
}
