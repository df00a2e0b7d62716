//! Where a person is in the console: what comes back after a lost connection.
//!
//! Owns: what is remembered and its form in the file. Invariants: no approval and nothing that is typed in a review or for a
//! step is remembered: a name typed half must not wait for its second half. Does not: read or write the file (see
//! `keeping`), or put anything back (see `update`).

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::alert::AlertKey;
use crate::domain::chat::Conversation;
use crate::domain::id::{IncidentId, NodeId, ProposalId, SopId};
use crate::domain::time::Timestamp;
use crate::tui::chat::draft::LONGEST;
use crate::tui::chat::transcript::Anchor;
use crate::tui::chat::view::{Follow, Mode};
use crate::tui::layout::Pane;
use crate::tui::ui::{Model, Overlay};
use crate::tui::zone::Shown;

/// A place that is older than this is not gone back to: another shift has begun.
pub const KEPT_FOR: Duration = Duration::from_secs(12 * 3_600);

/// The form of the file; another one is not read.
const FORM: u32 = 1;

/// Drafts of at most so many conversations are remembered.
const MOST_DRAFTS: usize = 64;

/// The alerts that steps are for are remembered of at most so many incidents.
const MOST_ALERTS: usize = 64;

/// Where a person is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    form: u32,
    /// When it was noted.
    pub at: Timestamp,
    /// Which pane keys go to.
    pub focus: Pane,
    /// UTC or local times.
    pub zone: Shown,
    /// The incident under the cursor.
    pub selected: Option<IncidentId>,
    /// Words that rows must contain.
    pub filter: String,
    /// Whether these were being typed.
    pub filtering: bool,
    /// Documents chosen for incidents.
    pub chosen: Vec<(IncidentId, SopId)>,
    /// The alerts that steps were for, of the newest incidents.
    #[serde(default)]
    pub alerts: Vec<(IncidentId, AlertKey)>,
    /// The document chosen while there was no incident.
    pub browsing: Option<SopId>,
    /// The document that was read, and where.
    pub reading: Option<Reading>,
    /// Rows that the output was scrolled up from its end.
    pub output_up: usize,
    /// Where the conversation was read; `None` at its end.
    #[serde(default)]
    pub chat: Option<Anchor>,
    /// Questions typed and not sent.
    pub drafts: Vec<(Conversation, String)>,
    /// Whether a question was being typed.
    pub asking: bool,
    /// The proposal whose review was open. It opens unread, and nothing is approved by it.
    pub review: Option<ProposalId>,
}

/// A place in a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Which.
    pub sop: SopId,
    /// The node under the cursor.
    pub node: Option<NodeId>,
    /// First visible line.
    pub top: usize,
    /// Folded nodes.
    pub folded: Vec<NodeId>,
}

impl Place {
    /// Where the person is now.
    #[must_use]
    pub fn of(model: &Model, at: Timestamp) -> Self {
        let ui = &model.ui;
        let sorted: BTreeMap<IncidentId, SopId> =
            ui.sop.chosen.iter().map(|(incident, sop)| (*incident, sop.clone())).collect();
        Self {
            form: FORM,
            at,
            focus: ui.focus,
            zone: ui.settings.zone.shown(),
            selected: ui.queue.selected,
            filter: ui.queue.filter.clone(),
            filtering: ui.queue.editing.is_some(),
            chosen: sorted.into_iter().collect(),
            alerts: alerts(model),
            browsing: ui.sop.browsing.clone(),
            reading: reading(model),
            output_up: ui.output.up,
            chat: match ui.chat.follow {
                Follow::End => None,
                Follow::Not { .. } => ui.chat.transcript.anchor(ui.chat.top),
            },
            drafts: drafts(model),
            asking: ui.chat.mode == Mode::Typing,
            review: match &ui.overlay {
                Some(Overlay::Review(review)) if !review.sent => Some(review.proposal),
                _ => None,
            },
        }
    }

    /// What remains of it when the person has left by themselves: what they typed and did not send.
    #[must_use]
    pub fn left(self) -> Option<Self> {
        let nothing = Self {
            focus: Pane::Incidents,
            selected: None,
            filter: String::new(),
            filtering: false,
            chosen: Vec::new(),
            alerts: Vec::new(),
            browsing: None,
            reading: None,
            output_up: 0,
            chat: None,
            asking: false,
            review: None,
            ..self
        };
        (!nothing.drafts.is_empty()).then_some(nothing)
    }

    /// Whether it is the same place, whenever it was noted.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Self { at: other.at, ..self.clone() } == *other
    }

    /// The bytes of the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Nothing in it can fail to be written as JSON: no map, no number that is none.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads the file; `None` when it is not of this form, too old, or of a time to come.
    #[must_use]
    pub fn from_bytes(bytes: &[u8], now: Timestamp) -> Option<Self> {
        let place: Self = serde_json::from_slice(bytes).ok()?;
        let fresh = place.at <= now && now.since(place.at) <= KEPT_FOR;
        let fits = place.drafts.iter().all(|(_, text)| text.len() <= LONGEST);
        (place.form == FORM && fresh && fits).then_some(place)
    }
}

fn reading(model: &Model) -> Option<Reading> {
    let view = &model.ui.sop;
    let sop = view.document.clone()?;
    let document = model.facts.sop.as_ref().filter(|document| document.procedure.sop == sop)?;
    let node = document.procedure.nodes.get(view.cursor).map(|node| node.id.clone());
    let mut folded: Vec<NodeId> = view.folded.iter().cloned().collect();
    folded.sort();
    Some(Reading { sop, node, top: view.top, folded })
}

fn alerts(model: &Model) -> Vec<(IncidentId, AlertKey)> {
    let sorted: BTreeMap<IncidentId, AlertKey> =
        model.ui.sop.alerts.iter().map(|(incident, key)| (*incident, key.clone())).collect();
    sorted.into_iter().rev().take(MOST_ALERTS).collect()
}

fn drafts(model: &Model) -> Vec<(Conversation, String)> {
    let drafts = model.ui.chat.drafts.iter().filter(|(_, draft)| !draft.is_empty());
    let sorted: BTreeMap<Conversation, String> =
        drafts.map(|(conversation, draft)| (*conversation, draft.text())).collect();
    // Those of the newest incidents.
    sorted.into_iter().rev().take(MOST_DRAFTS).collect()
}
