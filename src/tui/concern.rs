//! Which alert of an incident the steps are for, and how it is told from the others.
//!
//! Owns: finding it among the loaded alerts, and its name. Invariant: as long as that alert is there, no other one takes its
//! place, whatever joins the incident. Does not: choose another one (see `update`).

use crate::domain::alert::{AlertKey, AlertStatus};
use crate::engine::backend::AlertRow;
use crate::tui::ui::Model;

/// Labels named at most; a title has one line.
const LABELS: usize = 2;

/// The alert that the steps of the incident on the screen are for; `None` when it has none.
#[must_use]
pub fn alert(model: &Model) -> Option<&AlertRow> {
    let record = &model.facts.detail()?.record;
    let chosen = model.ui.sop.alerts.get(&record.incident.id);
    chosen.and_then(|key| find(&record.alerts, key)).or_else(|| newest(&record.alerts))
}

/// The alert with this key, or a later firing of the same alert: that one has the same labels.
#[must_use]
pub fn find<'a>(alerts: &'a [AlertRow], key: &AlertKey) -> Option<&'a AlertRow> {
    let same = |alert: &&AlertRow| alert.source == key.source && alert.fingerprint == key.fingerprint;
    let of_key = alerts.iter().find(|alert| same(alert) && alert.starts_at == key.starts_at);
    let again = alerts.iter().find(|alert| same(alert) && fires(alert));
    match of_key {
        Some(alert) if fires(alert) => Some(alert),
        over => again.or(over).or_else(|| alerts.iter().find(same)),
    }
}

/// The one that a person sees first: the newest that fires, else the newest.
#[must_use]
pub fn newest(alerts: &[AlertRow]) -> Option<&AlertRow> {
    alerts.iter().find(|alert| fires(alert)).or_else(|| alerts.first())
}

/// Whether the source still sees its condition.
#[must_use]
pub fn fires(alert: &AlertRow) -> bool {
    alert.status == AlertStatus::Firing
}

/// The values by which `alert` differs from the others: `/srv/zz`; `None` when there is no difference. Foreign text.
#[must_use]
pub fn name(alerts: &[AlertRow], alert: &AlertRow) -> Option<String> {
    let differs = |name: &str, value: &String| alerts.iter().any(|other| other.labels.get(name) != Some(value));
    let telling: Vec<&str> = alert
        .labels
        .iter()
        .filter(|(name, value)| differs(name, value))
        .map(|(_, value)| value.as_str())
        .take(LABELS)
        .collect();
    (!telling.is_empty()).then(|| telling.join(" "))
}

/// `1 of 2 alerts: /srv/zz`, or that it fires no more; `None` when there is only one and it fires. Foreign text.
#[must_use]
pub fn words(model: &Model) -> Option<String> {
    let record = &model.facts.detail()?.record;
    let alert = alert(model)?;
    let alertname = || alert.labels.get("alertname").cloned().unwrap_or_default();
    let name = name(&record.alerts, alert).unwrap_or_else(alertname);
    if !fires(alert) {
        return (record.incident.firing > 0).then(|| format!("fires no more: {name}"));
    }
    let loaded = record.alerts.iter().filter(|alert| fires(alert)).count();
    let firing = loaded.max(usize::try_from(record.incident.firing).unwrap_or(usize::MAX));
    let at = record.alerts.iter().filter(|other| fires(other)).position(|other| other.key() == alert.key())?;
    (firing > 1).then(|| format!("{} of {firing} alerts: {name}", at + 1))
}
