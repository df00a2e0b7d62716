//! Effects: whether a step that changed something, and a run as a whole, made it better.
//!
//! Owns: what is watched and for how long, what counts as a sign, and the verdict. Does not: ask any source (the engine does,
//! with [`question_of`]), or store.
//!
//! Invariants: nothing is judged before its watch is over, and each thing once. The same story and facts give the same verdict.
//! A verdict always has its evidence. What ended before anything was done is nobody's effect.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::event::RunEvent;
use super::evidence::Proof;
use super::item::{Basis, Item, ItemId, ItemKind, ItemState};
use super::reading::Reading;
use super::story::{Done, Ending, Told, done};
use super::{Run, RunState};
use crate::domain::alert::AlertKey;
use crate::domain::id::AttemptId;
use crate::domain::procedure::SectionRole;
use crate::domain::time::Timestamp;

/// So long after its end a step or a run is watched: three times the five minutes for which alert rules usually look back, so
/// that an alert has the time to end, and to come again.
pub const WATCH: Duration = Duration::from_secs(15 * 60);

/// A metric that is asked for later than so long after the end of a watch says nothing about what was watched.
pub const GRACE: Duration = Duration::from_secs(5 * 60);

/// A metric is worse when it has gone further from its threshold by more than this share of how far it was before.
const WORSE_BY: f64 = 0.1;

/// What came of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effectiveness {
    /// It became better, and nothing contradicts that.
    Proven,
    /// It did not, or nothing says so.
    NotProven,
    /// It became worse.
    Worse,
}

impl Effectiveness {
    /// A few words for screens and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::NotProven => "not proven",
            Self::Worse => "worse",
        }
    }
}

/// Something that was seen while it was watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "sign", rename_all = "snake_case")]
pub enum Sign {
    /// The alert ended. Good.
    AlertEnded {
        /// When.
        at: Timestamp,
    },
    /// The alert had ended before anything was done. Neither.
    AlertEndedBefore {
        /// When.
        at: Timestamp,
    },
    /// The alert fired to the end of the watch. Contradicts.
    AlertFires,
    /// The alert ended and fired again. Bad.
    AlertAgain {
        /// Since when.
        since: Timestamp,
    },
    /// Another alert of the incident began, and was not over at the end of the watch. Bad.
    OtherAlert {
        /// Its fingerprint.
        fingerprint: String,
        /// Since when.
        since: Timestamp,
    },
    /// The SOP's own verification went well. Good.
    Verified {
        /// The verifying step.
        item: ItemId,
        /// Its attempt; `None` when a person said so.
        attempt: Option<AttemptId>,
    },
    /// The SOP's own verification failed. Contradicts.
    Unverified {
        /// The verifying step.
        item: ItemId,
        /// Its attempt.
        attempt: Option<AttemptId>,
    },
    /// A metric moved back over its threshold. Good.
    MetricBack {
        /// The query.
        query: String,
        /// What it was when it decided.
        before: Reading,
        /// What it is.
        now: Reading,
        /// The threshold, with its comparison.
        threshold: String,
    },
    /// A metric is on the same side of its threshold. Contradicts.
    MetricSame {
        /// The query.
        query: String,
        /// What it was when it decided.
        before: Reading,
        /// What it is.
        now: Reading,
        /// The threshold, with its comparison.
        threshold: String,
    },
    /// A metric went further away from its threshold. Bad.
    MetricWorse {
        /// The query.
        query: String,
        /// What it was when it decided.
        before: Reading,
        /// What it is.
        now: Reading,
        /// The threshold, with its comparison.
        threshold: String,
    },
    /// Nothing was changed, so that nothing can be an effect. Contradicts.
    NothingDone,
}

/// What a sign weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    Good,
    Neither,
    Contradicts,
    Bad,
}

impl Sign {
    const fn weight(&self) -> Weight {
        match self {
            Self::AlertEnded { .. } | Self::Verified { .. } | Self::MetricBack { .. } => Weight::Good,
            Self::AlertEndedBefore { .. } => Weight::Neither,
            Self::AlertFires | Self::Unverified { .. } | Self::MetricSame { .. } | Self::NothingDone => {
                Weight::Contradicts
            }
            Self::AlertAgain { .. } | Self::OtherAlert { .. } | Self::MetricWorse { .. } => Weight::Bad,
        }
    }

    /// What was seen, as a clause. May contain foreign text.
    #[must_use]
    pub fn words(&self) -> String {
        let cited = |attempt: &Option<AttemptId>| attempt.map_or_else(String::new, |attempt| format!(" [E{attempt}]"));
        match self {
            Self::AlertEnded { at } => format!("the alert ended at {}", at.to_minute()),
            Self::AlertEndedBefore { at } => format!("the alert had ended before, at {}", at.to_minute()),
            Self::AlertFires => "the alert still fires".to_owned(),
            Self::AlertAgain { since } => format!("the alert fires again since {}", since.to_minute()),
            Self::OtherAlert { fingerprint, since } => {
                format!("alert {fingerprint} of the incident fires since {}", since.to_minute())
            }
            Self::Verified { item, attempt } => format!("step {item} verified it{}", cited(attempt)),
            Self::Unverified { item, attempt } => format!("step {item} did not verify it{}", cited(attempt)),
            Self::MetricBack { query, before, now, threshold } => {
                format!("{query} went from {before} to {now}, no longer {threshold}")
            }
            Self::MetricSame { query, before, now, threshold } => {
                format!("{query} was {before} and is {now}, still {threshold}")
            }
            Self::MetricWorse { query, before, now, threshold } => {
                format!("{query} went from {before} to {now}, further from {threshold}")
            }
            Self::NothingDone => "nothing was changed".to_owned(),
        }
    }
}

/// What came of a step, or of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// The step; `None` for the whole run.
    pub item: Option<ItemId>,
    /// What came of it.
    pub verdict: Effectiveness,
    /// What that rests on, in order of what is looked at: alerts, verification, metrics. Empty when nothing was seen.
    pub signs: Vec<Sign>,
    /// When what is judged began.
    pub since: Timestamp,
    /// When its watch was over.
    pub until: Timestamp,
}

impl Effect {
    /// The verdict and its evidence, as a sentence without the final stop. May contain foreign text.
    #[must_use]
    pub fn words(&self, run: &Run) -> String {
        let what = self.item.and_then(|item| run.item(item)).map_or_else(
            || "the effect of the whole run".to_owned(),
            |item| format!("the effect of step {} \"{}\"", item.id, item.title),
        );
        let signs: Vec<String> = self.signs.iter().map(Sign::words).collect();
        let evidence = if signs.is_empty() { "nothing tells".to_owned() } else { signs.join("; ") };
        let verdict = match self.verdict {
            Effectiveness::Proven => "is proven",
            Effectiveness::NotProven => "is not proven",
            Effectiveness::Worse => "is that it became worse",
        };
        format!("{what} {verdict}: {evidence}")
    }
}

/// Something that is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// The step; `None` for the whole run.
    pub item: Option<ItemId>,
    /// When the first of what could have an effect began; `None` when a run changed nothing.
    pub acted: Option<Timestamp>,
    /// When it began.
    pub since: Timestamp,
    /// When it ended, and the watch began.
    pub ended: Timestamp,
}

impl Watch {
    /// When it is over.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.ended.plus(WATCH)
    }
}

/// A firing of an alert of the incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    /// Which.
    pub key: AlertKey,
    /// When it ended; `None` while it is on.
    pub ends_at: Option<Timestamp>,
}

/// What a query says now that decided a question of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// For which moment.
    pub at: Timestamp,
    /// The values; all have to say the same.
    pub values: Vec<Reading>,
}

/// What is known around a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Every firing of an alert of the incident.
    pub firings: Vec<Firing>,
    /// Attempts that may have changed something: whose risk is above reading.
    pub changing: BTreeSet<AttemptId>,
    /// What the query of [`question_of`] says now; `None` when there is none or it cannot be asked.
    pub measured: Option<Measured>,
}

/// Whether doing `item` could make anything better: it stands where the document mitigates, or its command may change
/// something. A question never does.
#[must_use]
pub fn acts(item: &Item, attempt: Option<AttemptId>, changing: &BTreeSet<AttemptId>) -> bool {
    let is_question = matches!(item.kind, ItemKind::Decision { .. } | ItemKind::Wait { .. });
    !is_question
        && (item.role == Some(SectionRole::Mitigation) || attempt.is_some_and(|attempt| changing.contains(&attempt)))
}

/// What acted, in the order in which it ended: a failed command may have changed something as well.
fn acting<'a>(run: &'a Run, did: &'a [Done], changing: &'a BTreeSet<AttemptId>) -> impl Iterator<Item = &'a Done> {
    did.iter().filter(|done| run.item(done.item).is_some_and(|item| acts(item, done.attempt, changing)))
}

/// Everything of a run that is watched and not judged yet: each step that acted, from its last end, and the run, once it is
/// over.
#[must_use]
pub fn watches(run: &Run, story: &[Told], changing: &BTreeSet<AttemptId>) -> Vec<Watch> {
    let did = done(story);
    let mut watches: Vec<Watch> = Vec::new();
    for done in acting(run, &did, changing) {
        let watch = Watch { item: Some(done.item), acted: Some(done.began), since: done.began, ended: done.ended };
        match watches.iter_mut().find(|known| known.item == watch.item) {
            Some(known) => known.ended = done.ended,
            None => watches.push(watch),
        }
    }
    if let RunState::Ended { at, .. } = run.state {
        let acted = acting(run, &did, changing).map(|done| done.began).min();
        watches.push(Watch { item: None, acted, since: run.started_at, ended: at });
    }
    watches.retain(|watch| run.effects.iter().all(|effect| effect.item != watch.item));
    watches
}

/// The comparison that a run was decided on with a query, whose moving back is a sign: the last one.
#[must_use]
pub fn question_of(run: &Run) -> Option<&Proof> {
    run.plan.items.iter().rev().find_map(|item| match &item.state {
        ItemState::Decided {
            basis: Basis::Evidence { proof: proof @ Proof::Number { query: Some(_), .. } }, ..
        } => Some(proof),
        _ => None,
    })
}

/// The verdict on `watch`; `None` before it is over.
#[must_use]
pub fn judge(run: &Run, story: &[Told], watch: Watch, known: &Surroundings, now: Timestamp) -> Option<Effect> {
    (now >= watch.until()).then(|| so_far(run, story, watch, known))
}

/// The verdict on `watch` as it would be now.
#[must_use]
pub fn so_far(run: &Run, story: &[Told], watch: Watch, known: &Surroundings) -> Effect {
    let mut signs = Vec::new();
    match watch.acted {
        None => signs.push(Sign::NothingDone),
        Some(acted) => {
            of_alerts(run, watch, acted, &known.firings, &mut signs);
            of_verification(run, story, watch, &mut signs);
            signs.extend(of_metric(run, story, watch, known.measured.as_ref()));
        }
    }
    let has = |weight| signs.iter().any(|sign: &Sign| sign.weight() == weight);
    let verdict = if has(Weight::Bad) {
        Effectiveness::Worse
    } else if has(Weight::Good) && !has(Weight::Contradicts) {
        Effectiveness::Proven
    } else {
        Effectiveness::NotProven
    };
    Effect { item: watch.item, verdict, signs, since: watch.since, until: watch.until() }
}

fn of_alerts(run: &Run, watch: Watch, acted: Timestamp, firings: &[Firing], signs: &mut Vec<Sign>) {
    let (key, until) = (&run.plan.alert, watch.until());
    let is_same = |other: &AlertKey| other.source == key.source && other.fingerprint == key.fingerprint;
    // What happened after the watch is not looked at, however late it is judged.
    let over = |firing: &Firing| firing.ends_at.filter(|at| *at <= until);
    let own = firings.iter().find(|firing| firing.key == *key);
    let again = firings.iter().find(|firing| {
        is_same(&firing.key)
            && firing.key.starts_at > key.starts_at.max(acted)
            && firing.key.starts_at <= until
            && over(firing).is_none()
    });
    match (again, own.map(over)) {
        (Some(again), _) => signs.push(Sign::AlertAgain { since: again.key.starts_at }),
        (None, Some(Some(at))) if at >= acted => signs.push(Sign::AlertEnded { at }),
        (None, Some(Some(at))) => signs.push(Sign::AlertEndedBefore { at }),
        (None, Some(None)) => signs.push(Sign::AlertFires),
        (None, None) => {}
    }
    let others = firings.iter().filter(|firing| {
        !is_same(&firing.key) && firing.key.starts_at > acted && firing.key.starts_at <= until && over(firing).is_none()
    });
    signs.extend(
        others.map(|firing| Sign::OtherAlert {
            fingerprint: firing.key.fingerprint.clone(),
            since: firing.key.starts_at,
        }),
    );
}

/// The last end of each verifying step after what is watched. A wait for the alert's end is told by the alert.
fn of_verification(run: &Run, story: &[Told], watch: Watch, signs: &mut Vec<Sign>) {
    let did = done(story);
    // Of a run all of it counts that came behind what acted first.
    let from = match watch.item {
        Some(_) => watch.ended,
        None => watch.acted.unwrap_or(watch.ended),
    };
    let mut last: Vec<&Done> = Vec::new();
    for done in did.iter().filter(|done| done.ended >= from && done.ended <= watch.until() && verifies(run, done)) {
        last.retain(|known| known.item != done.item);
        last.push(done);
    }
    signs.extend(last.into_iter().map(|done| match done.ending {
        Ending::Well => Sign::Verified { item: done.item, attempt: done.attempt },
        Ending::Badly => Sign::Unverified { item: done.item, attempt: done.attempt },
    }));
}

fn verifies(run: &Run, done: &Done) -> bool {
    run.item(done.item).is_some_and(|item| {
        item.role == Some(SectionRole::Verify)
            && match item.kind {
                ItemKind::Command | ItemKind::Manual | ItemKind::Poll { .. } => true,
                // A query has a result whatever it is: only a question about it says more.
                ItemKind::Query { .. } | ItemKind::Wait { .. } | ItemKind::Decision { .. } => false,
            }
    })
}

fn of_metric(run: &Run, story: &[Told], watch: Watch, measured: Option<&Measured>) -> Option<Sign> {
    let Proof::Number { query: Some(query), value, operator, threshold, .. } = question_of(run)? else { return None };
    // It has to be decided before what is watched, and measured after it.
    let decided = story.iter().rev().find_map(|told| match &told.event {
        RunEvent::Decided { basis: Basis::Evidence { proof: Proof::Number { query: Some(found), .. } }, .. } => {
            (found == query).then_some(told.at)
        }
        _ => None,
    })?;
    let measured = measured.filter(|seen| seen.at >= watch.ended && seen.at <= watch.until().plus(GRACE))?;
    if watch.acted.is_none_or(|acted| decided > acted) {
        return None;
    }
    let now = *measured.values.first()?;
    let holds = |value: Reading| comparison(operator, value.0, threshold.0);
    let before = holds(*value)?;
    let same = measured.values.iter().map(|value| holds(*value)).collect::<Option<Vec<bool>>>()?;
    let distance = |value: Reading| (value.0 - threshold.0).abs();
    let worst = measured.values.iter().copied().max_by(|a, b| distance(*a).total_cmp(&distance(*b)))?;
    let (query, before_value) = (query.clone(), *value);
    let far = distance(before_value) * (1.0 + WORSE_BY);
    let threshold = format!("{} {threshold}", if before { operator.clone() } else { format!("not {operator}") });
    Some(if same.iter().all(|holds| *holds != before) {
        Sign::MetricBack { query, before: before_value, now, threshold }
    } else if same.iter().all(|holds| *holds == before) && distance(worst) > far {
        Sign::MetricWorse { query, before: before_value, now: worst, threshold }
    } else {
        Sign::MetricSame { query, before: before_value, now, threshold }
    })
}

fn comparison(operator: &str, value: f64, threshold: f64) -> Option<bool> {
    if value.is_nan() {
        return None;
    }
    match operator {
        ">" => Some(value > threshold),
        ">=" => Some(value >= threshold),
        "<" => Some(value < threshold),
        "<=" => Some(value <= threshold),
        // Equal to the last bit, as the question was decided.
        "=" => Some(value.to_bits() == threshold.to_bits()),
        "!=" => Some(value.to_bits() != threshold.to_bits()),
        _ => None,
    }
}
