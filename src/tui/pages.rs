//! Pages of text to read: help, the sources, an incident in full. Shared by drawing and scrolling.
//!
//! Owns: what stands on each line, escaped and wrapped. Does not: colour it, or know how far it was scrolled.

mod comparison_rows;

use ratatui::layout::Rect;

use crate::domain::action::attempt::AttemptState;
use crate::domain::alert::AlertStatus;
use crate::domain::incident::{Incident, Until};
use crate::domain::text;
use crate::engine::backend::{
    AlertRow, Detail, HealthState, QuarantinedBody, SopMatch, SourceHealth, Trouble, TroubleEffect,
};
use crate::tui::glyphs::Glyphs;
use crate::tui::keymap::HelpRow;
use crate::tui::layout;
use crate::tui::output_lines;
use crate::tui::ui::{Model, Page};
use crate::tui::update;
use crate::tui::wrap::{Break, wrap};

/// A line of a page.
pub type Row = Vec<Part>;

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Columns from the left end of the page.
    pub column: usize,
    /// Escaped text.
    pub text: String,
    /// What it is.
    pub tone: Tone,
}

/// What a piece of a page is; the theme decides how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A heading.
    Heading,
    /// A key.
    Key,
    /// The name of a field.
    Label,
    /// Plain text.
    Text,
    /// How a source is.
    Health(HealthState),
}

/// Columns of a page at most; the frame not counted.
const WIDTH: u16 = 92;
/// From this many columns on, help stands in two columns.
const TWO_COLUMNS: usize = 72;
/// So many of the deliveries that could not be read are shown, the newest; `w` shows them as text to select from.
pub(crate) const QUARANTINED: usize = 10;
/// Columns of the names of labels.
const FIELD: usize = 16;

/// The title of a page.
#[must_use]
pub fn title(page: Page) -> &'static str {
    match page {
        Page::Help => "Keys",
        Page::Sources => "Sources",
        Page::Incident => "Incident",
        Page::Restored => "Restored database",
        Page::Comparison => "SOP as written, run as done",
    }
}

/// The box of a page: its frame and a line of hints included.
#[must_use]
pub fn page_box(model: &Model, rows: usize) -> Rect {
    let (columns, lines) = model.ui.size;
    layout::overlay(columns, lines, WIDTH + 4, u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(3))
}

/// How far a page can be scrolled.
#[must_use]
pub fn last_top(model: &Model, page: Page) -> usize {
    let rows = rows(model, page).len();
    rows.saturating_sub(visible_rows(model, rows))
}

/// Lines of a page that fit in its box.
#[must_use]
pub fn visible_rows(model: &Model, rows: usize) -> usize {
    usize::from(page_box(model, rows).height.saturating_sub(3))
}

/// The lines of a page.
#[must_use]
pub fn rows(model: &Model, page: Page) -> Vec<Row> {
    let width = usize::from(model.ui.size.0.saturating_sub(2).min(WIDTH + 4)).saturating_sub(4);
    match page {
        Page::Help => help(model, width),
        Page::Sources => sources(model, width),
        Page::Incident => incident(model, width),
        Page::Restored => restored(model, width),
        Page::Comparison => comparison_rows::of(model, width),
    }
}

/// A line as text, its parts in their columns.
#[must_use]
pub fn text_of(row: &Row) -> String {
    let mut line = String::new();
    for part in row {
        let gap = part.column.saturating_sub(text::width(&line));
        line.extend(std::iter::repeat_n(' ', gap));
        line.push_str(&part.text);
    }
    line
}

fn part(column: usize, text: impl Into<String>, tone: Tone) -> Part {
    Part { column, text: text.into(), tone }
}

fn help(model: &Model, width: usize) -> Vec<Row> {
    let context = update::pane_context(model);
    let middle = width / 2;
    let room = if width < TWO_COLUMNS { width } else { middle - 1 };
    let cut = Glyphs::of(model.ui.settings.repertoire).cut;
    let here = keys(model, update::pane_name(model), &model.ui.keymap.help_here(context), (room, cut));
    let everywhere =
        keys(model, "Everywhere", &model.ui.keymap.help_everywhere(context), (room.max(width - middle), cut));
    if width < TWO_COLUMNS {
        return here.into_iter().chain([Row::new()]).chain(everywhere).collect();
    }
    let mut rows: Vec<Row> = here;
    rows.resize(rows.len().max(everywhere.len()), Row::new());
    for (row, other) in rows.iter_mut().zip(everywhere) {
        row.extend(other.into_iter().map(|part| Part { column: part.column + middle, ..part }));
    }
    rows
}

/// Rows of keys in so many columns; what does not fit ends with the mark.
fn keys(model: &Model, heading: &str, rows: &[HelpRow], (width, cut): (usize, &str)) -> Vec<Row> {
    // A key of the person's own may not be in the terminal's repertoire.
    let shown: Vec<String> = rows.iter().map(|row| visible(model, &row.keys)).collect();
    let column = shown.iter().map(|keys| text::width(keys) + 1).max().unwrap_or(0);
    let fitting = |words: &str, room: usize| {
        if text::width(words) <= room {
            return words.to_owned();
        }
        format!("{}{cut}", text::split_at_width(words, room.saturating_sub(text::width(cut))).0)
    };
    let keys = rows.iter().zip(shown).map(|(row, keys)| {
        let (keys, words) = (fitting(&keys, width), fitting(row.words, width.saturating_sub(column)));
        vec![part(0, keys, Tone::Key), part(column, words, Tone::Text)]
    });
    std::iter::once(vec![part(0, heading, Tone::Heading)]).chain(keys).collect()
}

/// Sources, what does not work first: it must not be what falls off a narrow screen.
#[must_use]
pub fn by_urgency(sources: &[SourceHealth]) -> Vec<&SourceHealth> {
    let urgency = |state: HealthState| match state {
        HealthState::Ok | HealthState::Waiting => 0,
        HealthState::Degraded => 1,
        HealthState::Down => 2,
    };
    let mut sorted: Vec<&SourceHealth> = sources.iter().collect();
    sorted.sort_by_key(|source| std::cmp::Reverse(urgency(source.state)));
    sorted
}

fn sources(model: &Model, width: usize) -> Vec<Row> {
    let header = &model.facts.snapshot.header;
    let trouble = model.facts.snapshot.trouble.as_ref();
    let mut rows = restored(model, width);
    for complaint in &model.facts.snapshot.policy.complaints {
        paragraph(&mut rows, &visible(model, complaint), 0, width, Tone::Health(HealthState::Down));
        rows.push(Row::new());
    }
    if let Some(trouble) = trouble {
        trouble_rows(&mut rows, model, trouble, width);
    }
    for source in by_urgency(&header.sources) {
        let state = match source.state {
            // It may well send: nothing of it gets further than this program.
            HealthState::Ok | HealthState::Waiting if trouble.is_some() => "last known as well",
            HealthState::Ok => "works",
            HealthState::Waiting => "nothing has come yet",
            HealthState::Degraded => "degraded",
            HealthState::Down => "down",
        };
        let name = visible(model, &format!("{} {}", source.source, source.channel));
        let column = text::width(&name) + 1;
        let since = format!("{state} since {}", model.ui.settings.zone.full(source.at));
        let tone = if trouble.is_some() { Tone::Label } else { Tone::Health(source.state) };
        rows.push(vec![part(0, name, Tone::Heading), part(column, since, tone)]);
        if !source.detail.is_empty() {
            paragraph(&mut rows, &visible(model, &source.detail), 2, width, Tone::Text);
        }
        rows.push(Row::new());
    }
    if header.sources.is_empty() {
        let words = "No source has reported yet. The configuration names them: [receiver] listen for webhooks, \
                     [[alertmanager]] url for an Alertmanager to ask. `aiops config show` prints what is set.";
        paragraph(&mut rows, words, 0, width, Tone::Text);
    }
    match &header.receiver {
        // Said above, with the reason.
        Some(_) | None if trouble.is_some() => {}
        Some(lease) if lease.is_self => rows.push(vec![part(0, "This console receives and asks.", Tone::Label)]),
        Some(lease) => {
            let holder = visible(model, &lease.holder);
            let words = format!("{holder} receives and asks. This console takes over when that one ends.");
            paragraph(&mut rows, &words, 0, width, Tone::Label);
        }
        None => rows.push(vec![part(0, "Nobody receives at the moment.", Tone::Label)]),
    }
    if header.quarantined > 0 {
        let deliveries = if header.quarantined == 1 { "delivery" } else { "deliveries" };
        let words = format!(
            "{} {deliveries} could not be read: put aside unchanged in the database, and no alert came of it. Look at what \
             sends to the receiver; only an Alertmanager's webhook, version 4, is understood.",
            header.quarantined
        );
        paragraph(&mut rows, &words, 0, width, Tone::Health(HealthState::Degraded));
    }
    quarantined(&mut rows, model, width);
    rows
}

/// What is lost of a database that was restored when this console opened it; nothing when it was not.
fn restored(model: &Model, width: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for words in model.facts.snapshot.restored.iter().flat_map(|restored| restored.words()) {
        let tone = if rows.is_empty() { Tone::Heading } else { Tone::Text };
        paragraph(&mut rows, &visible(model, &words), 0, width, tone);
        rows.push(Row::new());
    }
    rows
}

/// The newest deliveries that could not be read: when, from whom, why, and how they begin.
fn quarantined(rows: &mut Vec<Row>, model: &Model, width: usize) {
    let bodies = &model.facts.snapshot.quarantined;
    let total = usize::try_from(model.facts.snapshot.header.quarantined).unwrap_or(usize::MAX);
    if !bodies.is_empty() && bodies.len() < total {
        let words = format!("The newest {}:", bodies.len());
        rows.push(vec![part(0, words, Tone::Label)]);
    }
    for QuarantinedBody { source, reason, at, bytes, beginning } in bodies {
        rows.push(Row::new());
        let came = format!("{} {}, {bytes} bytes", model.ui.settings.zone.full(*at), visible(model, source.as_str()));
        paragraph(rows, &came, 0, width, Tone::Heading);
        paragraph(rows, &visible(model, reason), 2, width, Tone::Text);
        for line in output_lines::lines(beginning, model.ui.settings.repertoire) {
            let broken = wrap(&line, width.saturating_sub(4).max(8), Break::Anywhere);
            rows.extend(broken.into_iter().map(|line| vec![part(4, line, Tone::Label)]));
        }
        let rest = bytes.saturating_sub(u64::try_from(beginning.len()).unwrap_or(u64::MAX));
        if rest > 0 {
            let bytes = if rest == 1 { "byte" } else { "bytes" };
            rows.push(vec![part(4, format!("[and {rest} {bytes} more]"), Tone::Text)]);
        }
    }
}

/// That alerts are not stored, since when, why, and what to do.
fn trouble_rows(rows: &mut Vec<Row>, model: &Model, trouble: &Trouble, width: usize) {
    let since = model.ui.settings.zone.full(trouble.since);
    let words = match trouble.effect {
        TroubleEffect::Refused => format!(
            "Alerts are not stored since {since}. Deliveries are answered with 503, so that Alertmanager sends them again; \
             until then they are not on this screen."
        ),
        TroubleEffect::NotReceiving => format!(
            "This console stopped receiving; alerts are not stored since {since}. It begins again by itself when the \
             database can be written. Until then look into Alertmanager itself."
        ),
    };
    paragraph(rows, &words, 0, width, Tone::Health(HealthState::Down));
    paragraph(rows, &visible(model, &trouble.why), 2, width, Tone::Text);
    rows.push(Row::new());
}

fn incident(model: &Model, width: usize) -> Vec<Row> {
    let Some(detail) = model.facts.detail() else {
        let mut rows = vec![vec![part(0, "No incident is selected.", Tone::Text)]];
        document(&mut rows, model, &[], width);
        return rows;
    };
    let (incident, zone) = (&detail.record.incident, &model.ui.settings.zone);
    let mut rows = Vec::new();
    paragraph(&mut rows, &visible(model, &incident.title), 0, width, Tone::Heading);
    field(&mut rows, "severity", &visible(model, &severity(detail)), width);
    field(&mut rows, "state", incident.state.name(), width);
    field(&mut rows, "owner", &visible(model, incident.owner.as_deref().unwrap_or("nobody")), width);
    if let Some(by) = &incident.acknowledged_by {
        field(&mut rows, "acknowledged by", &visible(model, by), width);
    }
    field(&mut rows, "began", &zone.full(incident.opened_at), width);
    if let Some(at) = incident.resolved_at {
        field(&mut rows, "resolved", &resolution(incident, &zone.full(at), model), width);
    }
    if let Some(found) = incident.suppressed.as_ref().filter(|found| found.holds(model.ui.now)) {
        let until = match found.until {
            Until::Time(end) => format!("until {}", zone.full(end)),
            Until::Changed => "until it changes".to_owned(),
        };
        field(&mut rows, "suppressed", &format!("{until}, by {}", visible(model, &found.by)), width);
    }
    for attempt in &detail.record.attempts {
        let state = match attempt.state {
            AttemptState::IntentStored => Some("starting"),
            AttemptState::Running { .. } => Some("running"),
            AttemptState::Ended { .. } => None,
        };
        if let Some(state) = state {
            let who = visible(model, &attempt.approved_by);
            let what = format!("attempt {} ({}), approved by {who}", attempt.id, visible(model, &attempt.step.title));
            field(&mut rows, state, &what, width);
        }
    }
    if incident.reopened > 0 {
        let times = if incident.reopened == 1 { "once".to_owned() } else { format!("{} times", incident.reopened) };
        field(&mut rows, "reopened", &times, width);
    }
    for alert in &detail.record.alerts {
        rows.push(Row::new());
        fields_of(&mut rows, model, alert, width);
    }
    let shown = u32::try_from(detail.record.alerts.len()).unwrap_or(u32::MAX);
    if detail.record.alerts_total > shown {
        let more = match detail.record.alerts_total - shown {
            1 => "and 1 alert more".to_owned(),
            more => format!("and {more} alerts more"),
        };
        rows.push(vec![part(0, more, Tone::Label)]);
    }
    document(&mut rows, model, &detail.matches, width);
    rows.push(Row::new());
    rows.push(vec![part(0, "Timeline", Tone::Heading)]);
    for entry in &detail.record.timeline {
        field(
            &mut rows,
            &zone.second_of(entry.at, model.ui.now),
            &visible(model, &format!("{} ({})", entry.marked(), entry.who)),
            width,
        );
    }
    rows
}

/// When and by whom it was resolved, and whether that is the whole truth.
fn resolution(incident: &Incident, at: &str, model: &Model) -> String {
    let by = incident.resolved_by.as_ref().map(|by| format!(" by {}", visible(model, by))).unwrap_or_default();
    match incident.firing {
        firing if incident.fires_although_resolved() => format!("{at}{by}; {firing} of its alerts still firing"),
        _ => format!("{at}{by}"),
    }
}

/// Which SOP is beside the incident, why, and what was odd when it was read.
fn document(rows: &mut Vec<Row>, model: &Model, matches: &[SopMatch], width: usize) {
    let Some(document) = &model.facts.sop else { return };
    let procedure = &document.procedure;
    rows.push(Row::new());
    paragraph(rows, &format!("SOP: {}", visible(model, &procedure.title)), 0, width, Tone::Heading);
    field(rows, "document", &visible(model, procedure.sop.as_str()), width);
    field(rows, "from", &visible(model, &document.place), width);
    if let Some(found) = matches.iter().find(|found| found.sop == procedure.sop) {
        field(rows, "why", &visible(model, &found.why), width);
    }
    for problem in &procedure.diagnostics {
        field(rows, &format!("line {}", problem.line), &visible(model, &problem.message), width);
    }
}

fn severity(detail: &Detail) -> String {
    let incident = &detail.record.incident;
    if incident.severity_raw.is_empty() || incident.severity_raw.eq_ignore_ascii_case(incident.severity.name()) {
        incident.severity.name().to_owned()
    } else {
        format!("{} (sent as {})", incident.severity.name(), incident.severity_raw)
    }
}

fn fields_of(rows: &mut Vec<Row>, model: &Model, alert: &AlertRow, width: usize) {
    let zone = &model.ui.settings.zone;
    let state = match alert.status {
        AlertStatus::Firing => format!("firing since {}", zone.full(alert.starts_at)),
        AlertStatus::Resolved => {
            let end = alert.ends_at.map(|at| zone.full(at)).unwrap_or_default();
            format!("resolved, {} to {end}", zone.full(alert.starts_at))
        }
    };
    let name = alert.labels.get("alertname").map_or("alert", String::as_str);
    paragraph(rows, &format!("{}: {state}", visible(model, name)), 0, width, Tone::Heading);
    for (name, value) in alert.annotations.iter().chain(&alert.labels) {
        field(rows, &visible(model, name), &visible(model, value), width);
    }
    if let Some(url) = &alert.generator_url {
        field(rows, "rule", &visible(model, url), width);
    }
}

fn visible(model: &Model, foreign: &str) -> String {
    text::visible_in(foreign, model.ui.settings.repertoire).into_owned()
}

/// Prose over as many lines as it takes.
fn paragraph(rows: &mut Vec<Row>, words: &str, column: usize, width: usize, tone: Tone) {
    let lines = wrap(words, width.saturating_sub(column).max(8), Break::AtSpaces);
    rows.extend(lines.into_iter().map(|line| vec![part(column, line, tone)]));
}

/// A name and its value, which goes on below itself.
fn field(rows: &mut Vec<Row>, name: &str, value: &str, width: usize) {
    let column = (text::width(name) + 1).max(FIELD);
    let (first, column) = if column > width / 2 { (None, FIELD) } else { (Some(name), column) };
    if first.is_none() {
        rows.push(vec![part(0, name, Tone::Label)]);
    }
    for (number, line) in wrap(value, width.saturating_sub(column).max(8), Break::AtSpaces).into_iter().enumerate() {
        let name = first.filter(|_| number == 0).map(|name| part(0, name, Tone::Label));
        rows.push(name.into_iter().chain([part(column, line, Tone::Text)]).collect());
    }
}
