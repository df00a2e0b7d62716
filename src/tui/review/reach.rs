//! What a review says beside the action itself: what its words name, what a look-up has found, what undoes it, who edited it.
//!
//! Owns: the words. Invariant: nothing of it is in the digest; when it changes, the lines are laid out anew and have to be read
//! anew. Times stand as they were when the review was laid out, so that no clock redraws it.

use super::{Layouter, Tone};
use crate::domain::action::proposal::Proposal;
use crate::domain::action::reach::seen::{FRESH_FOR, Found, Looked};
use crate::domain::action::reach::{self, Part, Says};
use crate::domain::action::spec::{ActionSpec, Invocation};
use crate::domain::procedure::undo::Undo;
use crate::domain::time::Timestamp;
use crate::engine::backend::Beside;

/// Objects that are named; the rest is counted.
const NAMED: usize = 20;

impl Layouter {
    /// What it touches: by its words, and by what somebody looked up.
    pub(super) fn touches(&mut self, proposal: &Proposal, looked: &Looked, now: Timestamp) {
        let reach = reach::of(&proposal.spec);
        let mut name = "Touches";
        for part in &reach.parts {
            let (words, tone) = said(part);
            self.prose(std::mem::take(&mut name), &words, tone);
        }
        match looked {
            Looked::Never => {}
            Looked::NotYet => self.prose(name, "which objects there are now: nobody has looked it up", Tone::Warning),
            Looked::Waits(id) => {
                let words = format!("which objects there are now: proposal {id} looks it up, after a yes of its own");
                self.prose(name, &words, Tone::Warning);
            }
            Looked::Runs => self.prose(name, "which objects there are now: it is being looked up", Tone::Warning),
            Looked::Found(found) => self.found(name, found, now),
            Looked::Failed { why, at } => {
                let words = format!("which objects there are now: the look-up failed ({why}), at {}", at.to_minute());
                self.prose(name, &words, Tone::Warning);
            }
        }
    }

    fn found(&mut self, name: &str, found: &Found, now: Timestamp) {
        let objects = if found.total == 1 { "object" } else { "objects" };
        let minutes = found.age(now).as_secs() / 60;
        let colon = if found.total == 0 { "" } else { ":" };
        let age = format!("seen {}, {minutes} min before this review", found.at.to_minute());
        self.prose(name, &format!("touches {} {objects} ({age}){colon}", found.total), Tone::Plain);
        let shown = found.names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        if !shown.is_empty() {
            self.prose("", &shown, Tone::Foreign);
        }
        let more = found.total.saturating_sub(NAMED);
        if more > 0 {
            self.prose("", &format!("and {more} more, which are not named here"), Tone::Warning);
        }
        if found.other_lines > 0 {
            let words = format!("{} lines of the answer name no object; read its output", found.other_lines);
            self.prose("", &words, Tone::Warning);
        }
        if let Some(kubeconfig) = &found.kubeconfig {
            let of = if kubeconfig.is_empty() { "the usual kubeconfig" } else { kubeconfig.as_str() };
            let words = format!("it was seen with {of}, not with that of this command: is it the same cluster?");
            self.prose("", &words, Tone::Warning);
        }
        if found.is_old(now) {
            let limit = FRESH_FOR.as_secs() / 60;
            self.prose("", &format!("that is older than {limit} min: look it up again"), Tone::Warning);
        }
    }

    /// What undoes it.
    pub(super) fn undo(&mut self, beside: &Beside) {
        match &beside.undo {
            None => {}
            Some(Undo::Silent) => self.prose("Undo", "the SOP says nothing of undoing this", Tone::Warning),
            Some(Undo::NoDocument) => self.prose("Undo", "no SOP says how to undo this", Tone::Warning),
            Some(Undo::Said { heading, lines, more }) => {
                self.prose("Undo", &format!("the SOP says, under \"{heading}\":"), Tone::Label);
                for line in lines {
                    self.prose("", line, Tone::Plain);
                }
                if *more > 0 {
                    self.prose("", &format!("and {more} more, which the SOP has"), Tone::Label);
                }
            }
        }
    }

    /// Bytes for bash have no words that could be marked: all of them count as typed by whoever edited them.
    pub(super) fn typed_bytes(&mut self, spec: &ActionSpec) {
        if let (Some(edited), Invocation::Bash { .. }) = (&spec.edited, &spec.invocation) {
            let words = format!("All of these lines count as typed by {}:", self.visible(&edited.by));
            self.label(&words);
        }
    }

    /// Who put other words in the place of those that were proposed.
    pub(super) fn edited(&mut self, proposal: &Proposal) {
        if let Some(edited) = &proposal.spec.edited {
            let words = format!(
                "{} edited proposal {} into this; it is not what the {} says",
                edited.by,
                edited.from,
                if proposal.spec.step.answer().is_some() { "answer" } else { "SOP" }
            );
            self.prose("Edited", &words, Tone::Warning);
        }
    }
}

/// What the words of one program say.
fn said(part: &Part) -> (String, Tone) {
    let on = part.host.as_ref().map(|host| format!(", on {host}")).unwrap_or_default();
    match &part.says {
        Says::Untold(why) => (format!("cannot be told ({}{on}): {why}", part.program), Tone::Warning),
        Says::Named(things) => {
            let things = things.iter().map(|things| match things.names.as_slice() {
                [] => things.what.clone(),
                names => {
                    let more = names.len().saturating_sub(NAMED);
                    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
                    let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
                    format!("{}: {shown}{rest}", things.what)
                }
            });
            (format!("named: {}{on}", things.collect::<Vec<_>>().join("; ")), Tone::Plain)
        }
    }
}
