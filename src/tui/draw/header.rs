//! The first row: name, health of each source, counts by severity, time.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::Run;
use crate::domain::alert::Severity;
use crate::domain::{self, text};
use crate::engine::backend::{HealthState, SourceHealth, TroubleEffect};
use crate::tui::look::Look;
use crate::tui::pages;
use crate::tui::steer;
use crate::tui::ui::Model;
use crate::tui::waiting;

/// Columns that are kept for the name and for the first source.
const FOR_SOURCES: usize = 30;
/// The same when that source does not work: then its whole name and what is wrong matter more than how many incidents of
/// low severity there are.
const FOR_TROUBLE: usize = 44;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, look: &Look) {
    let clock = clock(model);
    let clock_width = text::width(&clock) + 1;
    let first = pages::by_urgency(&model.facts.snapshot.header.sources).first().map(|source| source.state);
    let kept = match first {
        Some(HealthState::Down | HealthState::Degraded) => FOR_TROUBLE,
        Some(HealthState::Ok | HealthState::Waiting) | None => FOR_SOURCES,
    };
    let room = usize::from(area.width).saturating_sub(kept + clock_width);
    let counts = fitting(counts(model), room);
    let wanted = counts.iter().map(|(words, _)| text::width(words) + 1).sum::<usize>() + clock_width;
    let right = u16::try_from(wanted).unwrap_or(u16::MAX).min(area.width);
    // One column stays free, so that what is cut on the left does not run into the counts.
    let left = Rect { width: (area.width - right).saturating_sub(1), ..area };
    draw_sources(buffer, left, model, look);
    let mut run = Run::new(buffer, Rect { x: area.right() - right, width: right, ..area }, look);
    for (words, severity) in &counts {
        let style = severity.map_or(look.styles.text, |severity| look.styles.severity(severity));
        run.put(words, style).put(" ", look.styles.text);
    }
    run.put(" ", look.styles.text).put(&clock, look.styles.muted);
}

/// Leaves out counts of lower severities until the rest fits in `room`; the total says that there are more.
fn fitting(mut counts: Vec<(String, Option<Severity>)>, room: usize) -> Vec<(String, Option<Severity>)> {
    let width = |counts: &[(String, Option<Severity>)]| -> usize {
        counts.iter().map(|(words, _)| text::width(words) + 1).sum()
    };
    while width(&counts) > room {
        let lowest = counts
            .iter()
            .enumerate()
            .filter(|(_, (words, severity))| severity.is_some() && !words.ends_with(UNREADABLE));
        // The most urgent one stays in any case.
        let Some((at, _)) = lowest.skip(1).max_by_key(|(_, (_, severity))| severity.map(Severity::rank)) else { break };
        counts.remove(at);
    }
    counts
}

/// Deliveries that could not be read.
const UNREADABLE: &str = " unreadable";

fn draw_sources(buffer: &mut Buffer, area: Rect, model: &Model, look: &Look) {
    let header = &model.facts.snapshot.header;
    let mut run = Run::new(buffer, area, look);
    run.put("aiops", look.styles.brand).put(" ", look.styles.text);
    run.fit(&look.visible(&model.ui.settings.name), 20, look.styles.muted).put("  ", look.styles.text);
    if let Some(trouble) = &model.facts.snapshot.trouble {
        // Before everything else: no alert that is not on the screen is on its way to it.
        run.put(look.glyphs.failed, look.styles.bad).put(" ", look.styles.text);
        run.put(words_of(trouble.effect), look.styles.bad).put("  ", look.styles.text);
    }
    if header.scopes > 0 {
        // Something may start without a question: that is never hidden behind what is less important.
        run.put(&yeses(header.scopes), look.styles.attention).put("  ", look.styles.text);
    }
    if !model.facts.snapshot.policy.complaints.is_empty() {
        run.put(look.glyphs.failed, look.styles.bad).put(" ", look.styles.text);
        run.put("policy broken", look.styles.bad).put("  ", look.styles.text);
    }
    if header.sources.is_empty() {
        run.put(look.glyphs.down, look.styles.muted).put(" no source  ", look.styles.muted);
    }
    let sources = pages::by_urgency(&header.sources);
    let count = sources.len();
    for (number, source) in sources.into_iter().enumerate() {
        // One that does not fit is counted: nothing vanishes without a sign. The worst one stays in any case.
        let left_out = format!("+{}", count - number);
        let rest = if number + 1 == count { 0 } else { text::width(&left_out) + 2 };
        if number > 0 && usize::from(run.room()) < 2 + text::width(&name(source, look)) + rest {
            run.put(&left_out, look.styles.muted).put("  ", look.styles.text);
            break;
        }
        let (mark, style) = match &model.facts.snapshot.trouble {
            // What it was noted as last says nothing while nothing can be noted.
            Some(_) => (look.glyphs.down, look.styles.muted),
            None => health(source, look),
        };
        run.put(mark, style).put(" ", look.styles.text);
        let room = run.room().saturating_sub(u16::try_from(rest).unwrap_or(0));
        run.fit(&name(source, look), room, look.styles.text).put("  ", look.styles.text);
    }
    super::chat::header(&mut run, model, look);
    if let Some((shown, left)) = waiting(model) {
        run.put(&format!("run {} waits {left}  ", shown.id), look.styles.attention);
    }
    if let Some(lease) = header.receiver.as_ref().filter(|lease| !lease.is_self) {
        run.put("received by ", look.styles.muted).fit(&look.visible(&lease.holder), 24, look.styles.muted);
    }
}

/// How many yeses cover more than one command.
fn yeses(count: u32) -> String {
    if count == 1 { "1 wider yes".to_owned() } else { format!("{count} wider yeses") }
}

/// The run of the incident on the screen, when it waits, and for how long at most.
fn waiting(model: &Model) -> Option<(&domain::run::Run, String)> {
    let shown = steer::run(model)?;
    let item = waiting::item(shown)?;
    Some((shown, waiting::left(item, model.ui.now).unwrap_or_default()))
}

const fn words_of(effect: TroubleEffect) -> &'static str {
    match effect {
        TroubleEffect::Refused => "alerts are refused",
        TroubleEffect::NotReceiving => "not receiving",
    }
}

fn health<'a>(source: &SourceHealth, look: &'a Look) -> (&'a str, ratatui::style::Style) {
    match source.state {
        HealthState::Ok => (look.glyphs.up, look.styles.good),
        HealthState::Waiting => (look.glyphs.down, look.styles.muted),
        HealthState::Degraded => (look.glyphs.waiting, look.styles.attention),
        HealthState::Down => (look.glyphs.failed, look.styles.bad),
    }
}

fn name(source: &SourceHealth, look: &Look) -> String {
    let words = match source.state {
        HealthState::Ok | HealthState::Waiting => "",
        HealthState::Degraded => " degraded",
        HealthState::Down => " down",
    };
    let channel = if source.channel == source.source.as_str() { "" } else { source.channel.as_str() };
    let separator = if channel.is_empty() { "" } else { " " };
    format!("{}{separator}{}{words}", look.visible(source.source.as_str()), look.visible(channel))
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
        counts.push((format!("{}{UNREADABLE}", header.quarantined), Some(Severity::Warning)));
    }
    counts
}

fn clock(model: &Model) -> String {
    let zone = &model.ui.settings.zone;
    format!("{} {}", zone.minute(model.ui.now), zone.name(model.ui.now))
}
