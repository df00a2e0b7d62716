//! The first row: name, health of each source, counts by severity, time.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::Run;
use crate::domain::alert::Severity;
use crate::domain::text;
use crate::engine::backend::{HealthState, SourceHealth};
use crate::tui::theme::Styles;
use crate::tui::ui::Model;

/// `HH:MM UTC` and a space before it.
const CLOCK: u16 = 10;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, styles: &Styles) {
    let header = &model.facts.snapshot.header;
    let mut run = Run::new(buffer, area);
    run.put("aiops", styles.title_focused).put(" ", styles.text);
    run.fit(&text::visible(&model.ui.settings.name), 20, styles.dim).put("  ", styles.text);
    if header.sources.is_empty() {
        run.put(styles.glyphs.hollow, styles.dim).put(" no source", styles.dim).put("  ", styles.text);
    }
    for source in &header.sources {
        let (mark, style) = health(source, styles);
        run.put(mark, style).put(" ", styles.text);
        run.fit(&name(source), 18, styles.text).put("  ", styles.text);
    }
    match &header.receiver {
        Some(lease) if !lease.is_self => {
            run.put("receiving: ", styles.dim)
                .fit(&text::visible(&lease.holder), 20, styles.dim)
                .put("  ", styles.text);
        }
        _ => {}
    }
    let counts = counts(model);
    let width = counts.iter().map(|(words, _)| text::width(words) + 1).sum::<usize>();
    run.right(u16::try_from(width).unwrap_or(u16::MAX).saturating_add(CLOCK));
    for (words, severity) in &counts {
        let style = severity.map_or(styles.text, |severity| styles.severity(severity));
        run.put(words, style).put(" ", styles.text);
    }
    run.right(CLOCK).put(" ", styles.text).put(&clock(model), styles.dim);
}

fn health<'a>(source: &SourceHealth, styles: &'a Styles) -> (&'a str, ratatui::style::Style) {
    match source.state {
        HealthState::Ok => (styles.glyphs.filled, styles.good),
        HealthState::Waiting => (styles.glyphs.hollow, styles.dim),
        HealthState::Degraded => (styles.glyphs.half, styles.pending),
        HealthState::Down => (styles.glyphs.cross, styles.bad),
    }
}

fn name(source: &SourceHealth) -> String {
    let words = match source.state {
        HealthState::Ok | HealthState::Waiting => "",
        HealthState::Degraded => " degraded",
        HealthState::Down => " down",
    };
    let channel = if source.channel == source.source.as_str() { "" } else { source.channel.as_str() };
    let separator = if channel.is_empty() { "" } else { " " };
    format!("{}{separator}{}{words}", text::visible(source.source.as_str()), text::visible(channel))
}

fn counts(model: &Model) -> Vec<(String, Option<Severity>)> {
    let header = &model.facts.snapshot.header;
    let mut counts = Vec::new();
    for severity in Severity::ALL {
        let count = header.unresolved[usize::from(severity.rank())];
        if count > 0 && severity < Severity::Info {
            counts.push((format!("{count} {}", severity.sign().trim()), Some(severity)));
        }
    }
    counts.push((format!("{} open", header.unresolved_total()), None));
    if header.quarantined > 0 {
        counts.push((format!("{} unreadable", header.quarantined), Some(Severity::Warning)));
    }
    counts
}

fn clock(model: &Model) -> String {
    let stamp = model.ui.now.to_rfc3339();
    format!("{} UTC", stamp.get(11..16).unwrap_or("--:--"))
}
