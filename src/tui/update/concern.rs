//! The alert that the steps are for: remembered with the first look at an incident, changed by the person alone.
//!
//! Invariant: an alert that joins the incident changes nothing. Where the remembered one is no longer to be found, the
//! person is told which one stands in its place. Does not: draw it.

use crate::domain::alert::AlertKey;
use crate::domain::id::IncidentId;
use crate::tui::concern;
use crate::tui::intent::Intent;
use crate::tui::keymap::Context;
use crate::tui::msg::Effect;
use crate::tui::ui::{Model, ToastLevel};

/// After a load: keeps to the alert that was shown. `before` is the incident that was on the screen until then.
pub(super) fn follow(model: &mut Model, before: Option<IncidentId>, effects: &mut Vec<Effect>) {
    let Some(record) = model.facts.detail().map(|detail| &detail.record) else { return };
    let (incident, alerts) = (record.incident.id, &record.alerts);
    let Some(newest) = concern::newest(alerts) else { return };
    let known = model.ui.sop.alerts.get(&incident);
    let found = known.and_then(|key| concern::find(alerts, key));
    let (now, gone) = match found {
        // Whoever comes back to an incident looks at what is the matter now.
        Some(alert) if before != Some(incident) && !concern::fires(alert) => (newest, false),
        Some(alert) => (alert, false),
        None => (newest, known.is_some() && before == Some(incident)),
    };
    let (key, name) = (now.key(), concern::name(alerts, now));
    model.ui.sop.alerts.insert(incident, key);
    if gone {
        let name = name.unwrap_or_else(|| "the newest one".to_owned());
        let text = format!("The alert that the steps were for is gone; they are for {name} now. Look at the values.");
        super::toast(model, ToastLevel::Refused, text, effects);
    }
}

/// The next alert that fires, the oldest after the newest.
pub(super) fn next(model: &mut Model, effects: &mut Vec<Effect>) {
    let next = model.facts.detail().and_then(|detail| {
        let firing: Vec<AlertKey> =
            detail.record.alerts.iter().filter(|alert| concern::fires(alert)).map(|alert| alert.key()).collect();
        let here = concern::alert(model).map(|alert| alert.key());
        let at = firing.iter().position(|key| Some(key) == here.as_ref());
        let next = at.map_or(0, |at| (at + 1) % firing.len().max(1));
        let next = firing.get(next).filter(|key| Some(*key) != here.as_ref())?.clone();
        Some((detail.record.incident.id, next))
    });
    match next {
        Some((incident, key)) => {
            model.ui.sop.alerts.insert(incident, key);
            super::want_load(model, effects);
        }
        None => {
            let text = "No other alert of this incident fires.".to_owned();
            super::toast(model, ToastLevel::Refused, text, effects);
        }
    }
}

/// Why nothing can be run for the alert that the steps are for: it fires no more, while others do.
pub(super) fn refusal(model: &Model) -> String {
    match model.ui.keymap.key_for(Context::Sop, Intent::NextAlert) {
        Some(key) => format!("This alert fires no more, others of the incident do: {key} in the SOP goes to the next."),
        None => "This alert fires no more, others of the incident do: `next alert` in the palette.".to_owned(),
    }
}
