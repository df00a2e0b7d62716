//! What a person may ask of an incident, and when it makes sense.
//!
//! Owns: the commands and their refusals. Does not: undo (see `undo`, which needs the history) or apply events.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::event::IncidentEvent;
use super::standing::{Suppression, Until};
use super::{Incident, IncidentState, Refusal};
use crate::domain::actor::Actor;
use crate::domain::time::Timestamp;

/// Longest note or reason in characters: the journal keeps it whole, and it is to be read in a timeline.
pub const TEXT_CHARACTERS: usize = 4_000;

/// Longest name of an owner in characters; login names have at most 32 (useradd(8)), directory services use more.
pub const NAME_CHARACTERS: usize = 64;

/// A suppression by time lasts at most this long: nothing is to be forgotten for ever.
pub const LONGEST_SUPPRESSION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Who is to work on an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignee {
    /// Whoever says so.
    Me,
    /// The person with this login name.
    Person(String),
    /// Nobody.
    Nobody,
}

/// What a person may ask of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentCommand {
    /// "I have seen it and work on it."
    Acknowledge,
    /// Take that back.
    Unacknowledge,
    /// Say who works on it.
    Assign(Assignee),
    /// Write something down: 1 to [`TEXT_CHARACTERS`] characters.
    Note(String),
    /// "It is over", with the reason: 1 to [`TEXT_CHARACTERS`] characters.
    Resolve(String),
    /// "It is not over."
    Reopen,
    /// "I do not want to see it for now."
    Suppress(Until),
    /// "I want to see it again."
    Unsuppress,
}

/// Decides what a person's command does to an incident.
///
/// # Errors
/// A [`Refusal`] when the state does not allow it or the command changes nothing.
pub fn decide(
    incident: &Incident,
    command: &IncidentCommand,
    actor: &Actor,
    now: Timestamp,
) -> Result<IncidentEvent, Refusal> {
    let by = actor.label().to_owned();
    let before = Some(Box::new(incident.standing()));
    match command {
        IncidentCommand::Acknowledge => {
            may_acknowledge(incident)?;
            Ok(IncidentEvent::Acknowledged { by, before })
        }
        IncidentCommand::Unacknowledge => match incident.state {
            IncidentState::Acknowledged => Ok(IncidentEvent::Unacknowledged { by, before }),
            IncidentState::Open => Err(nothing("nobody has acknowledged it", "Acknowledge it first")),
            IncidentState::Resolved => Err(is_resolved(incident)),
        },
        IncidentCommand::Assign(assignee) => {
            let to = owner(assignee, &by)?;
            unresolved(incident)?;
            if incident.owner == to {
                let whose = to.map_or_else(|| "nobody owns it".to_owned(), |name| format!("{name} owns it already"));
                return Err(nothing(&whose, "Nothing needs to be done"));
            }
            Ok(IncidentEvent::Assigned { by, to, before })
        }
        IncidentCommand::Note(text) => Ok(IncidentEvent::Noted { by, text: prose("Not noted", text)? }),
        IncidentCommand::Resolve(reason) => {
            let reason = prose("Not resolved", reason)?;
            unresolved(incident)?;
            Ok(IncidentEvent::ResolvedBy { by, reason, before })
        }
        IncidentCommand::Reopen => {
            may_reopen(incident)?;
            Ok(IncidentEvent::ReopenedBy { by, before })
        }
        IncidentCommand::Suppress(until) => {
            unresolved(incident)?;
            may_suppress(incident, *until, now)?;
            Ok(IncidentEvent::Suppressed { by, until: *until, before })
        }
        IncidentCommand::Unsuppress => match &incident.suppressed {
            Some(_) => Ok(IncidentEvent::Unsuppressed { by, before }),
            None => Err(nothing("it is not suppressed", "Nothing needs to be done")),
        },
    }
}

fn nothing(why: &str, remedy: &str) -> Refusal {
    Refusal::new("Nothing changed", why, remedy)
}

fn may_acknowledge(incident: &Incident) -> Result<(), Refusal> {
    match incident.state {
        IncidentState::Open => Ok(()),
        IncidentState::Acknowledged => {
            let who = incident.acknowledged_by.as_deref().or(incident.owner.as_deref()).unwrap_or("someone");
            let why = format!("{who} has already acknowledged it");
            Err(Refusal::new("Not acknowledged", why, "Nothing needs to be done"))
        }
        IncidentState::Resolved => Err(is_resolved(incident)),
    }
}

/// An incident of which nothing fires is over whatever people say; it must not be opened.
pub(super) fn may_reopen(incident: &Incident) -> Result<(), Refusal> {
    let refuse = |why: &str, remedy: &str| Err(Refusal::new("Not reopened", why, remedy));
    match (incident.state, incident.firing) {
        (IncidentState::Resolved, 0) => {
            refuse("none of its alerts fires any more", "It opens again by itself when one of them fires again")
        }
        (IncidentState::Resolved, _) => Ok(()),
        (IncidentState::Open | IncidentState::Acknowledged, _) => {
            refuse("it is not resolved", "Nothing needs to be done")
        }
    }
}

fn may_suppress(incident: &Incident, until: Until, now: Timestamp) -> Result<(), Refusal> {
    let refuse = |why: String, remedy: &str| Err(Refusal::new("Not suppressed", why, remedy));
    if let Until::Time(end) = until {
        if end <= now {
            return refuse(format!("{} is over already", end.to_minute()), "Name a span of time, such as 2h");
        }
        if end > now.plus(LONGEST_SUPPRESSION) {
            return refuse("that is longer than 30 days".to_owned(), "Name a shorter span of time, such as 2d");
        }
    }
    match &incident.suppressed {
        Some(Suppression { by, until: known }) if *known == until => {
            refuse(format!("{by} has suppressed it {} already", known.describe()), "Nothing needs to be done")
        }
        _ => Ok(()),
    }
}

fn unresolved(incident: &Incident) -> Result<(), Refusal> {
    if incident.state == IncidentState::Resolved { Err(is_resolved(incident)) } else { Ok(()) }
}

fn is_resolved(incident: &Incident) -> Refusal {
    let remedy = if incident.firing > 0 {
        "Undo the resolution or reopen it first"
    } else {
        "It opens again by itself when its alert fires again"
    };
    match &incident.resolved_by {
        Some(by) => nothing(&format!("{by} has resolved this incident"), remedy),
        None => nothing("this incident is resolved", remedy),
    }
}

/// The login name of an assignee. `me` is whoever asks.
fn owner(assignee: &Assignee, me: &str) -> Result<Option<String>, Refusal> {
    let name = match assignee {
        Assignee::Me => me,
        Assignee::Nobody => return Ok(None),
        Assignee::Person(name) => name.trim(),
    };
    let unusable = |c: char| c.is_control() || c.is_whitespace();
    if name.is_empty() || name.chars().count() > NAME_CHARACTERS || name.chars().any(unusable) {
        let why = format!("a login name has 1 to {NAME_CHARACTERS} characters and no spaces");
        return Err(Refusal::new("Not assigned", why, "Name the person by the name they log in with"));
    }
    Ok(Some(name.to_owned()))
}

/// A note or a reason without the white space around it.
fn prose(what: &str, text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    let length = text.chars().count();
    if length == 0 {
        return Err(Refusal::new(what, "there is no text", "Write a few words"));
    }
    if length > TEXT_CHARACTERS {
        let why = format!("the text has {length} characters, and at most {TEXT_CHARACTERS} are kept");
        return Err(Refusal::new(what, why, "Write less, or say where the whole of it lies"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::tests::incident;
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn ann() -> Actor {
        Actor::engine("ann")
    }

    fn after(incident: &Incident, command: &IncidentCommand) -> Result<Incident, Refusal> {
        let event = decide(incident, command, &ann(), NOW)?;
        let mut next = incident.clone();
        next.stand(incident.standing().after(&event, NOW));
        Ok(next)
    }

    fn in_state(state: IncidentState) -> Incident {
        incident(state, (state == IncidentState::Resolved).then_some(1))
    }

    #[rstest]
    #[case(IncidentCommand::Acknowledge, [true, false, false])]
    #[case(IncidentCommand::Unacknowledge, [false, true, false])]
    #[case(IncidentCommand::Assign(Assignee::Me), [true, true, false])]
    #[case(IncidentCommand::Assign(Assignee::Nobody), [false, false, false])]
    #[case(IncidentCommand::Note("x".to_owned()), [true, true, true])]
    #[case(IncidentCommand::Resolve("x".to_owned()), [true, true, false])]
    #[case(IncidentCommand::Reopen, [false, false, true])]
    #[case(IncidentCommand::Suppress(Until::Changed), [true, true, false])]
    #[case(IncidentCommand::Unsuppress, [false, false, false])]
    fn each_state_allows_what_makes_sense(#[case] command: IncidentCommand, #[case] allowed: [bool; 3]) {
        let states = [IncidentState::Open, IncidentState::Acknowledged, IncidentState::Resolved];
        for (state, allowed) in states.into_iter().zip(allowed) {
            let decided = decide(&in_state(state), &command, &ann(), NOW);
            assert_eq!(decided.is_ok(), allowed, "{command:?} in {state:?}: {decided:?}");
            if let Err(refusal) = decided {
                assert!(!refusal.why.is_empty() && !refusal.remedy.is_empty());
            }
        }
    }

    #[test]
    fn acknowledging_takes_on_what_nobody_owns_and_leaves_an_owner() {
        let open = in_state(IncidentState::Open);
        let mine = after(&open, &IncidentCommand::Acknowledge).unwrap();
        assert_eq!((mine.owner.as_deref(), mine.acknowledged_by.as_deref()), (Some("ann"), Some("ann")));
        let again = after(&mine, &IncidentCommand::Unacknowledge).unwrap();
        assert_eq!(again.standing(), open.standing());

        let bobs = after(&open, &IncidentCommand::Assign(Assignee::Person("bob".to_owned()))).unwrap();
        let seen = after(&bobs, &IncidentCommand::Acknowledge).unwrap();
        assert_eq!((seen.owner.as_deref(), seen.acknowledged_by.as_deref()), (Some("bob"), Some("ann")));
        let again = after(&seen, &IncidentCommand::Unacknowledge).unwrap();
        assert_eq!(again.standing(), bobs.standing());
    }

    #[test]
    fn resolving_while_it_fires_is_possible_and_said_so() {
        let open = in_state(IncidentState::Open);
        let over = after(&open, &IncidentCommand::Resolve("  false alarm\n".to_owned())).unwrap();
        assert_eq!((over.state, over.resolved_by.as_deref()), (IncidentState::Resolved, Some("ann")));
        assert!(over.fires_although_resolved());
        let event = decide(&open, &IncidentCommand::Resolve(" false alarm ".to_owned()), &ann(), NOW).unwrap();
        assert_eq!(event.describe(), "resolved by hand: false alarm");
        assert_eq!(event.tell(&over), "Resolved #1, although 1 alert of it still fires.");
    }

    #[test]
    fn what_no_longer_fires_cannot_be_opened_by_hand() {
        let mut over = in_state(IncidentState::Resolved);
        assert!(decide(&over, &IncidentCommand::Reopen, &ann(), NOW).is_ok());
        over.firing = 0;
        let refusal = decide(&over, &IncidentCommand::Reopen, &ann(), NOW).unwrap_err();
        assert!(refusal.why.contains("fires any more"), "{refusal}");
    }

    #[rstest]
    #[case(Until::Time(NOW), Some("over already"))]
    #[case(Until::Time(NOW.plus(Duration::from_secs(60))), None)]
    #[case(Until::Time(NOW.plus(LONGEST_SUPPRESSION)), None)]
    #[case(Until::Time(NOW.plus(LONGEST_SUPPRESSION).plus(Duration::from_millis(1))), Some("30 days"))]
    #[case(Until::Changed, None)]
    fn a_suppression_ends(#[case] until: Until, #[case] refused: Option<&str>) {
        let decided = after(&in_state(IncidentState::Open), &IncidentCommand::Suppress(until));
        match refused {
            Some(why) => assert!(decided.unwrap_err().why.contains(why)),
            None => {
                let suppressed = decided.unwrap();
                let twice = after(&suppressed, &IncidentCommand::Suppress(until)).unwrap_err();
                assert!(twice.why.contains("already"), "{twice}");
                assert_eq!(after(&suppressed, &IncidentCommand::Unsuppress).unwrap().suppressed, None);
            }
        }
    }

    #[rstest]
    #[case("bob", Some("bob"))]
    #[case(" bob ", Some("bob"))]
    #[case("", None)]
    #[case("bob smith", None)]
    #[case("bob\u{1b}[2J", None)]
    #[case(&"b".repeat(65), None)]
    fn owners_have_login_names(#[case] name: &str, #[case] expected: Option<&str>) {
        let open = in_state(IncidentState::Open);
        let assigned = after(&open, &IncidentCommand::Assign(Assignee::Person(name.to_owned())));
        assert_eq!(assigned.ok().and_then(|incident| incident.owner).as_deref(), expected);
    }

    #[test]
    fn texts_have_bounds() {
        let open = in_state(IncidentState::Open);
        let note = |text: &str| decide(&open, &IncidentCommand::Note(text.to_owned()), &ann(), NOW);
        assert!(note(&"ä".repeat(TEXT_CHARACTERS)).is_ok());
        assert!(note(&"ä".repeat(TEXT_CHARACTERS + 1)).unwrap_err().why.contains("4001"));
        assert!(note(" \n ").unwrap_err().why.contains("no text"));
        assert!(decide(&open, &IncidentCommand::Resolve(String::new()), &ann(), NOW).is_err());
    }
}
