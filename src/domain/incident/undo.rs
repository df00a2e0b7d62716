//! Taking back the last own change of an incident.
//!
//! Owns: what can be taken back, by whom, and for how long. Nothing is erased: what comes of it is one more event that puts
//! the incident where it stood, or marks a note as retracted.
//!
//! Invariant: it is refused when the incident does not stand exactly where the change left it, whoever moved it since: a
//! person or its alerts.

use std::collections::HashSet;
use std::time::Duration;

use super::command::may_reopen;
use super::event::{IncidentEvent, Past};
use super::{Incident, IncidentState, Refusal};
use crate::domain::actor::Actor;
use crate::domain::time::Timestamp;

/// A change can be taken back for this long.
pub const UNDO_WITHIN: Duration = Duration::from_secs(10 * 60);

/// So many entries of the journal are looked at: nobody does more to one incident within [`UNDO_WITHIN`].
pub const ENTRIES_LOOKED_AT: u32 = 100;

const WHAT: &str = "Nothing was taken back";

/// Decides what taking back the last change of `actor` does. `history` is what people did to the incident, newest first.
///
/// # Errors
/// A [`Refusal`] when there is nothing of this person that could be taken back, or when someone else or the alerts changed
/// the incident since.
pub fn undo(incident: &Incident, history: &[Past], actor: &Actor, now: Timestamp) -> Result<IncidentEvent, Refusal> {
    let past = last_change(history, actor, now)?;
    let to = match &past.event {
        IncidentEvent::Noted { .. } => None,
        event => {
            let Some(before) = event.before() else {
                return Err(refuse("an older version made that change and did not keep what was before", BY_HAND));
            };
            if before.after(event, past.at) != incident.standing() {
                return Err(refuse("the incident has changed since", BY_HAND));
            }
            if incident.state == IncidentState::Resolved && before.state != IncidentState::Resolved {
                may_reopen(incident).map_err(|refusal| Refusal { what: WHAT.to_owned(), ..refusal })?;
            }
            Some(Box::new(before.clone()))
        }
    };
    Ok(IncidentEvent::Undone { by: actor.label().to_owned(), of: past.seq, what: past.event.describe(), to })
}

const BY_HAND: &str = "Look at the timeline and change it by hand";

fn refuse(why: impl Into<String>, remedy: &str) -> Refusal {
    Refusal::new(WHAT, why, remedy)
}

/// The newest change that was not taken back yet, which has to be by this person and recent. Notes of others change nothing
/// and are passed over.
fn last_change<'a>(history: &'a [Past], actor: &Actor, now: Timestamp) -> Result<&'a Past, Refusal> {
    let taken_back: HashSet<_> = history
        .iter()
        .filter_map(|past| if let IncidentEvent::Undone { of, .. } = &past.event { Some(*of) } else { None })
        .collect();
    let mut changes = history.iter().filter(|past| {
        let own = is_same(&past.actor, actor);
        match &past.event {
            IncidentEvent::Undone { to, .. } => !own && to.is_some(),
            IncidentEvent::Noted { .. } => own && !taken_back.contains(&past.seq),
            _ => !taken_back.contains(&past.seq),
        }
    });
    let Some(past) = changes.next() else {
        if history.iter().any(|past| is_same(&past.actor, actor)) {
            return Err(refuse(
                "nothing of yours is left to take back",
                "The timeline shows what was done and taken back",
            ));
        }
        return Err(refuse("you have changed nothing of this incident", "Choose the incident that you changed"));
    };
    if !is_same(&past.actor, actor) {
        let why = format!("{} has changed it since: {}", past.actor.label(), past.event.describe());
        return Err(refuse(why, BY_HAND));
    }
    if now.since(past.at) > UNDO_WITHIN {
        let minutes = UNDO_WITHIN.as_secs() / 60;
        return Err(refuse(format!("your last change is more than {minutes} minutes old"), BY_HAND));
    }
    Ok(past)
}

/// Whether two actors are the same person: by user id, since names can be given to others.
fn is_same(one: &Actor, other: &Actor) -> bool {
    match (one, other) {
        (Actor::Person(one), Actor::Person(other)) => one.uid == other.uid && one.name == other.name,
        (Actor::Engine { part: one }, Actor::Engine { part: other }) => one == other,
        (Actor::Person(_), Actor::Engine { .. }) | (Actor::Engine { .. }, Actor::Person(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::incident;
    use super::super::{Assignee, IncidentCommand, Until, decide};
    use super::*;
    use crate::domain::actor::Person;
    use crate::domain::id::JournalSeq;

    fn person(uid: u32, name: &str) -> Actor {
        Actor::Person(Person { uid, name: name.to_owned(), login_uid: None, ssh_peer: None, tty: None })
    }

    /// An incident and what was done to it, newest first.
    struct World {
        incident: Incident,
        history: Vec<Past>,
        now: Timestamp,
    }

    impl World {
        fn new() -> Self {
            let now = Timestamp::from_millis(1_000_000);
            Self { incident: incident(IncidentState::Open, None), history: Vec::new(), now }
        }

        fn happen(&mut self, actor: &Actor, event: IncidentEvent) {
            self.incident.stand(self.incident.standing().after(&event, self.now));
            let seq = JournalSeq(i64::try_from(self.history.len()).unwrap() + 1);
            let (incident, at) = (self.incident.id, self.now);
            self.history.insert(0, Past { seq, incident, at, actor: actor.clone(), event });
            self.now = self.now.plus(Duration::from_secs(1));
        }

        fn act(&mut self, actor: &Actor, command: &IncidentCommand) {
            let event = decide(&self.incident, command, actor, self.now).unwrap();
            self.happen(actor, event);
        }

        fn undo(&mut self, actor: &Actor) -> Result<(), Refusal> {
            let event = undo(&self.incident, &self.history, actor, self.now)?;
            self.happen(actor, event);
            Ok(())
        }
    }

    #[test]
    fn changes_are_taken_back_one_by_one_to_where_it_began() {
        let (mut world, ann) = (World::new(), person(1, "ann"));
        let commands = [
            IncidentCommand::Acknowledge,
            IncidentCommand::Assign(Assignee::Person("bob".to_owned())),
            IncidentCommand::Note("look at the disk".to_owned()),
            IncidentCommand::Suppress(Until::Changed),
            IncidentCommand::Resolve("done".to_owned()),
        ];
        let mut standings = Vec::new();
        for command in &commands {
            standings.push(world.incident.standing());
            world.act(&ann, command);
        }
        for expected in standings.into_iter().rev() {
            world.undo(&ann).unwrap();
            assert_eq!(world.incident.standing(), expected);
        }
        assert!(world.undo(&ann).unwrap_err().why.contains("nothing of yours is left"));
    }

    #[test]
    fn what_another_person_did_since_is_in_the_way_but_not_a_note() {
        let (mut world, ann, bob) = (World::new(), person(1, "ann"), person(2, "bob"));
        world.act(&ann, &IncidentCommand::Acknowledge);
        world.act(&bob, &IncidentCommand::Note("me too".to_owned()));
        world.undo(&ann).unwrap();
        world.act(&ann, &IncidentCommand::Acknowledge);
        world.act(&bob, &IncidentCommand::Assign(Assignee::Me));
        assert!(world.undo(&ann).unwrap_err().why.contains("bob has changed it since: took it on"));
        world.undo(&bob).unwrap();
        assert!(world.undo(&ann).unwrap_err().why.contains("bob has changed it since"), "bob was there last");
    }

    #[test]
    fn only_for_ten_minutes() {
        let (mut world, ann) = (World::new(), person(1, "ann"));
        world.act(&ann, &IncidentCommand::Acknowledge);
        world.now = world.history[0].at.plus(UNDO_WITHIN);
        assert!(undo(&world.incident, &world.history, &ann, world.now).is_ok());
        world.now = world.now.plus(Duration::from_millis(1));
        assert!(world.undo(&ann).unwrap_err().why.contains("10 minutes old"));
    }

    #[test]
    fn what_the_alerts_did_since_is_in_the_way() {
        let (mut world, ann) = (World::new(), person(1, "ann"));
        world.act(&ann, &IncidentCommand::Acknowledge);
        world.incident.stand(world.incident.standing().after(&IncidentEvent::Resolved, world.now));
        assert!(world.undo(&ann).unwrap_err().why.contains("has changed since"));

        let mut world = World::new();
        world.act(&ann, &IncidentCommand::Resolve("x".to_owned()));
        world.incident.firing = 0;
        assert!(world.undo(&ann).unwrap_err().why.contains("fires any more"));
    }

    #[test]
    fn a_note_of_another_person_is_not_mine_and_names_alone_make_nobody_the_same() {
        let (mut world, ann, other) = (World::new(), person(1, "ann"), person(2, "ann"));
        world.act(&ann, &IncidentCommand::Note("x".to_owned()));
        assert!(world.undo(&other).unwrap_err().why.contains("you have changed nothing"));
        world.undo(&ann).unwrap();
        let Some(Past { event: IncidentEvent::Undone { of, to, what, .. }, .. }) = world.history.first() else {
            panic!("{:?}", world.history)
        };
        assert_eq!((*of, to, what.as_str()), (JournalSeq(1), &None, "note: x"));
    }

    #[test]
    fn entries_of_older_versions_cannot_be_taken_back() {
        let (mut world, ann) = (World::new(), person(1, "ann"));
        world.happen(&ann, IncidentEvent::Acknowledged { by: "ann".to_owned(), before: None });
        assert!(world.undo(&ann).unwrap_err().why.contains("older version"));
    }
}
