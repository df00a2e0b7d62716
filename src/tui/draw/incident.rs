//! The incident under the cursor: what fires, since when, and what happened.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::paint::{Run, put};
use crate::domain::incident::{Incident, IncidentState, Until};
use crate::engine::backend::{AlertRow, Detail};
use crate::tui::concern;
use crate::tui::duration;
use crate::tui::intent::Intent;
use crate::tui::keymap::Context;
use crate::tui::layout::Area;
use crate::tui::look::Look;
use crate::tui::ui::Model;
use crate::tui::wrap::{Break, wrap};

/// Labels that stand in the title already or say nothing at a glance.
const SHOWN_ELSEWHERE: [&str; 3] = ["alertname", "severity", "prometheus"];
/// Rows that the timeline keeps at least, when there is anything in it.
const TIMELINE_AT_LEAST: usize = 2;
/// Rows that the standing takes at most, beside the title.
const STANDING_AT_MOST: usize = 2;

pub(super) fn draw(buffer: &mut Buffer, area: Area, model: &Model, look: &Look) {
    for x in area.title.x..area.title.right() {
        put(buffer, x, area.title.y, 1, look.glyphs.border.horizontal_top, look.styles.border);
    }
    let mut title = Run::new(buffer, area.title, look);
    let Some(detail) = model.facts.detail() else {
        title.put("Timeline ", look.pane_title(false));
        return;
    };
    let incident = &detail.record.incident;
    title.put("#", look.pane_title(false)).put(&incident.id.to_string(), look.pane_title(false));
    title.put(" ", look.styles.text);
    let standing = standing(detail, model, look);
    let said = wrap(&standing, usize::from(title.room().saturating_sub(1)).max(8), Break::AtSpaces).swap_remove(0);
    title.put(&said, look.styles.muted).put(" ", look.styles.text);

    let mut places = (area.body.y..area.body.bottom()).map(|y| Rect { y, height: 1, ..area.body });
    // What the title has no room for goes on below it.
    let rest = standing[said.len()..].trim_start();
    let rest =
        if rest.is_empty() { Vec::new() } else { wrap(rest, usize::from(area.body.width).max(8), Break::AtSpaces) };
    let rest = cut(rest, STANDING_AT_MOST, look);
    for (line, place) in rest.iter().zip(places.by_ref()) {
        Run::new(buffer, place, look).fit(line, place.width, look.styles.muted);
    }
    let rows = usize::from(area.body.height).saturating_sub(rest.len());
    let timeline = TIMELINE_AT_LEAST.min(detail.record.timeline.len()).min(rows.saturating_sub(2));
    let facts = facts(detail, concern::alert(model), usize::from(area.body.width), rows.saturating_sub(timeline), look);
    for ((line, style), place) in facts.iter().zip(places.by_ref()) {
        Run::new(buffer, place, look).fit(line, place.width, *style);
    }
    timeline_rows(buffer, places, detail, model, look);
}

/// What happened, newest first. An entry that is longer than a line goes on below where there are rows that no other one
/// needs.
fn timeline_rows(buffer: &mut Buffer, places: impl Iterator<Item = Rect>, detail: &Detail, model: &Model, look: &Look) {
    let places: Vec<Rect> = places.collect();
    let entries = detail.record.timeline.iter().take(places.len());
    let mut spare = places.len() - entries.len();
    let mut places = places.into_iter();
    for entry in entries {
        let time = model.ui.settings.zone.second_of(entry.at, model.ui.now);
        let style = if entry.retracted_at.is_some() { look.styles.muted } else { look.styles.text };
        let words = format!("{} ({})", entry.marked(), entry.who);
        let words = look.visible(&words);
        let Some(place) = places.next() else { return };
        let mut run = Run::new(buffer, place, look);
        run.put(&time, look.styles.muted).put(" ", look.styles.text);
        let room = usize::from(run.room()).max(8);
        let lines = wrap(&words, room, Break::AtSpaces);
        let taken = (lines.len() - 1).min(spare);
        spare -= taken;
        // What has no row of its own is cut off the last one that there is.
        let last = lines[taken..].join(" ");
        for (number, line) in lines[..taken].iter().chain([&last]).enumerate() {
            let place = if number == 0 { Some(place) } else { places.next() };
            let Some(place) = place else { return };
            let mut run = Run::new(buffer, place, look);
            let room = u16::try_from(room).unwrap_or(u16::MAX);
            run.right(room).fit(line, room, style);
        }
    }
}

/// Title, summary and labels in at most `rows` rows. Where room is short each has one, then labels before the summary go on
/// below, since values that are cut cannot be used.
fn facts(detail: &Detail, alert: Option<&AlertRow>, width: usize, rows: usize, look: &Look) -> Vec<(String, Style)> {
    // What is beyond the rows is not looked at: four characters a column are more than any spelling needs.
    let most = 4 * width.max(8) * (rows + 2);
    let block = |text: &str| {
        let end = text.char_indices().nth(most).map_or(text.len(), |(end, _)| end);
        wrap(&look.visible(text.get(..end).unwrap_or(text)), width.max(8), Break::AtSpaces)
    };
    let title = vec![look.visible(&detail.record.incident.title).into_owned()];
    let summary = alert.and_then(summary).map(&block).unwrap_or_default();
    let labels = alert.map(labels).filter(|text| !text.is_empty()).map(|text| block(&text)).unwrap_or_default();
    let mut room = rows.saturating_sub(title.len());
    let for_labels = labels.len().min(room.saturating_sub(usize::from(!summary.is_empty())));
    room -= for_labels;
    let for_summary = summary.len().min(room);
    let styled = |lines: Vec<String>, style: Style| lines.into_iter().map(move |line| (line, style));
    styled(title, look.styles.text)
        .chain(styled(cut(summary, for_summary, look), look.styles.text))
        .chain(styled(cut(labels, for_labels, look), look.styles.muted))
        .collect()
}

/// The first `count` of `lines`, with a sign when there are more.
fn cut(mut lines: Vec<String>, count: usize, look: &Look) -> Vec<String> {
    let more = lines.len() > count;
    lines.truncate(count);
    if let Some(last) = lines.last_mut().filter(|_| more) {
        last.push_str(look.glyphs.cut);
    }
    lines
}

fn summary(alert: &AlertRow) -> Option<&str> {
    let named = ["summary", "message", "description"].iter().find_map(|name| alert.annotations.get(*name));
    named.map(String::as_str)
}

fn labels(alert: &AlertRow) -> String {
    let shown = alert.labels.iter().filter(|(name, _)| !SHOWN_ELSEWHERE.contains(&name.as_str()));
    shown.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

/// How it stands, what must not be overlooked first.
fn standing(detail: &Detail, model: &Model, look: &Look) -> String {
    let incident = &detail.record.incident;
    let raw =
        if incident.severity_raw.eq_ignore_ascii_case(incident.severity.name()) || incident.severity_raw.is_empty() {
            String::new()
        } else {
            format!(" ({})", look.visible(&incident.severity_raw))
        };
    let state = look.visible(&state(incident)).into_owned();
    let suppressed = incident.suppressed.as_ref().filter(|suppression| suppression.holds(model.ui.now));
    let suppressed = suppressed.map_or_else(String::new, |found| {
        let until = match found.until {
            Until::Time(end) => format!("until {}", model.ui.settings.zone.minute_of(end, model.ui.now)),
            Until::Changed => "until it changes".to_owned(),
        };
        format!("suppressed {until} by {}, ", look.visible(&found.by))
    });
    let time = match incident.resolved_at {
        Some(at) if incident.state == IncidentState::Resolved => {
            format!("after {}", duration::coarse(at.since(incident.opened_at)))
        }
        _ => format!("for {}", duration::coarse(model.ui.now.since(incident.opened_at))),
    };
    let owner = match &incident.owner {
        Some(owner) if incident.acknowledged_by.as_ref() != Some(owner) => format!(", owner {}", look.visible(owner)),
        _ => String::new(),
    };
    let unlooked = unlooked(detail, model);
    let (severity, firing, total) = (incident.severity.name(), incident.firing, detail.record.alerts_total);
    if incident.fires_although_resolved() {
        // What contradicts the state stands before it: it must not be what falls off a narrow pane.
        return format!(
            "{unlooked}{suppressed}{firing} of {total} still firing, {state}, {time}, {severity}{raw}{owner}"
        );
    }
    format!("{unlooked}{suppressed}{severity}{raw} {state} {time}, {firing}/{total} firing{owner}")
}

/// That an attempt may have done something, and nobody has looked at what; empty when there is none such.
fn unlooked(detail: &Detail, model: &Model) -> String {
    let attempts: Vec<String> = detail.open_doubts().map(|doubt| doubt.attempt.to_string()).collect();
    let Some((first, more)) = attempts.split_first() else { return String::new() };
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    let key = |intent| model.ui.keymap.key_for(Context::Incidents, intent).unwrap_or_default();
    let keys = [Intent::CheckEffect, Intent::EffectChecked].map(key).join("/");
    format!("attempt {first}{more} ended unknown, look at its effect first ({keys}), ")
}

/// Where it stands, and who put it there. May hold foreign text.
fn state(incident: &Incident) -> String {
    match (incident.state, &incident.resolved_by) {
        (IncidentState::Open, _) => "open".to_owned(),
        (IncidentState::Acknowledged, _) => {
            let who = incident.acknowledged_by.as_deref().or(incident.owner.as_deref());
            format!("acknowledged by {}", who.unwrap_or("someone"))
        }
        (IncidentState::Resolved, Some(by)) => format!("resolved by {by}"),
        (IncidentState::Resolved, None) => "resolved".to_owned(),
    }
}
