//! The incident under the cursor: what fires, since when, and what happened.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{Run, put};
use crate::domain::incident::IncidentState;
use crate::engine::backend::Detail;
use crate::tui::duration;
use crate::tui::layout::Area;
use crate::tui::look::Look;
use crate::tui::ui::Model;

/// Labels that stand in the title already or say nothing at a glance.
const SHOWN_ELSEWHERE: [&str; 3] = ["alertname", "severity", "prometheus"];

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
    title.put(" ", look.styles.text).put(&standing(detail, model, look), look.styles.muted).put(" ", look.styles.text);

    let mut rows = (area.body.y..area.body.bottom()).map(|y| Rect { y, height: 1, ..area.body });
    if let Some(row) = rows.next() {
        put_line(buffer, row, &incident.title, look.styles.text, look);
    }
    let newest = detail.record.alerts.first();
    let summary = newest
        .and_then(|alert| ["summary", "message", "description"].iter().find_map(|name| alert.annotations.get(*name)));
    if let (Some(summary), Some(row)) = (summary, rows.next()) {
        put_line(buffer, row, summary, look.styles.muted, look);
    }
    if let (Some(alert), Some(row)) = (newest, rows.next()) {
        let labels: Vec<String> = alert
            .labels
            .iter()
            .filter(|(name, _)| !SHOWN_ELSEWHERE.contains(&name.as_str()))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        put_line(buffer, row, &labels.join(" "), look.styles.muted, look);
    }
    for (row, entry) in rows.zip(&detail.record.timeline) {
        let stamp = entry.at.to_rfc3339();
        let mut run = Run::new(buffer, row, look);
        run.put(stamp.get(11..19).unwrap_or(""), look.styles.muted).put(" ", look.styles.text);
        let room = run.room();
        run.fit(&look.visible(&format!("{} ({})", entry.what, entry.who)), room, look.styles.text);
    }
}

fn put_line(buffer: &mut Buffer, row: Rect, line: &str, style: ratatui::style::Style, look: &Look) {
    Run::new(buffer, row, look).fit(&look.visible(line), row.width, style);
}

fn standing(detail: &Detail, model: &Model, look: &Look) -> String {
    let incident = &detail.record.incident;
    let raw =
        if incident.severity_raw.eq_ignore_ascii_case(incident.severity.name()) || incident.severity_raw.is_empty() {
            String::new()
        } else {
            format!(" ({})", look.visible(&incident.severity_raw))
        };
    let state = match incident.state {
        IncidentState::Open => "open".to_owned(),
        IncidentState::Acknowledged => {
            format!("acknowledged by {}", look.visible(incident.owner.as_deref().unwrap_or("someone")))
        }
        IncidentState::Resolved => "resolved".to_owned(),
    };
    let time = match incident.resolved_at {
        Some(at) if incident.state == IncidentState::Resolved => {
            format!("after {}", duration::coarse(at.since(incident.opened_at)))
        }
        _ => format!("for {}", duration::coarse(model.ui.now.since(incident.opened_at))),
    };
    format!(
        "{}{raw} {state} {time}, {} of {} firing",
        incident.severity.name(),
        incident.firing,
        detail.record.alerts_total
    )
}
