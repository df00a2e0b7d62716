//! The queue: one incident a row, most urgent first.
//!
//! Times are the moment at which an incident began, not its age: a column of ages would repaint itself every minute, on
//! every line, for as long as the console is open. The age of the selected one stands below.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::footer::UNREADABLE;
use super::paint::{Run, put};
use crate::domain::incident::{IncidentState, Queue};
use crate::domain::text;
use crate::domain::time::Timestamp;
use crate::engine::backend::{HealthState, QueueRow};
use crate::tui::intent::Intent;
use crate::tui::keymap::Context;
use crate::tui::layout::{Area, Pane};
use crate::tui::look::Look;
use crate::tui::ui::Model;
use crate::tui::wrap::{Break, wrap};
use crate::tui::zone::Zone;

pub(super) fn draw(buffer: &mut Buffer, area: Area, model: &Model, look: &Look) {
    title(buffer, area, model, look);
    let window = &model.facts.snapshot.queue;
    if window.rows.is_empty() {
        return empty(buffer, area, model, look);
    }
    let queue = &model.ui.queue;
    let height = u32::from(area.body.height);
    for line in 0..area.body.height {
        let mut rank = queue.top + u32::from(line);
        let mut skipped = false;
        // The cursor is beyond the page: its row stands on the last (or first) line until the page follows.
        if queue.rank >= queue.top + height && line + 1 == area.body.height || queue.rank < queue.top && line == 0 {
            rank = queue.rank;
            skipped = true;
        }
        let row = rank.checked_sub(window.start).and_then(|at| window.rows.get(usize::try_from(at).ok()?));
        let Some(row) = row else { continue };
        let place = Rect { y: area.body.y + line, height: 1, ..area.body };
        let selected = Some(row.id) == queue.selected;
        draw_row(
            buffer,
            place,
            row,
            Standing {
                selected,
                skipped,
                focused: model.ui.focus == Pane::Incidents,
                now: model.ui.now,
                zone: &model.ui.settings.zone,
                me: &model.ui.settings.person,
            },
            look,
        );
    }
}

/// Columns of an owner's name at most.
const OWNER: usize = 8;
/// An owner's name is shown in rows that have this many columns for title, owner and time.
const OWNER_FROM: u16 = 48;
/// Columns of the letters that stand for an owner where there is less room.
const SIGN: usize = 2;
/// Stands for you among them: no login begins with it.
const MINE: &str = "*";
/// These letters are shown in rows that have this many columns for title, owner and time.
const SIGN_FROM: u16 = 20;

#[derive(Clone, Copy)]
struct Standing<'a> {
    selected: bool,
    skipped: bool,
    /// Whether keys go to the queue.
    focused: bool,
    now: Timestamp,
    zone: &'a Zone,
    /// Login name of the person at the console.
    me: &'a str,
}

fn draw_row(buffer: &mut Buffer, place: Rect, row: &QueueRow, standing: Standing<'_>, look: &Look) {
    let resolved = row.state == IncidentState::Resolved;
    let gutter = match (standing.selected, standing.skipped) {
        (true, false) if !standing.focused => look.glyphs.cursor_elsewhere,
        (true, false) => look.glyphs.cursor,
        (true, true) => look.glyphs.more_below,
        (false, _) => " ",
    };
    let severity = if resolved { look.styles.muted } else { look.styles.severity(row.severity) };
    let title = match (resolved, standing.selected) {
        (true, _) => look.styles.muted,
        (false, true) => look.styles.selected,
        (false, false) => look.styles.text,
    };
    let (state, tone) = match row.state {
        IncidentState::Open => (" ", look.styles.good),
        IncidentState::Acknowledged => (look.glyphs.acknowledged, look.styles.text),
        // A person said that it is over, and it still fires.
        IncidentState::Resolved if row.firing > 0 => ("!", look.styles.warning),
        IncidentState::Resolved => (look.glyphs.done, look.styles.good),
    };
    let time = started(row.opened_at, standing.now, standing.zone);
    let mut run = Run::new(buffer, place, look);
    let cursor = if standing.focused { look.styles.cursor } else { look.styles.muted };
    run.put(gutter, cursor).put(row.severity.sign(), severity).put(" ", look.styles.text);
    run.put(state, tone).put(" ", look.styles.text);
    let owner = row.owner.as_deref().map(|owner| owner_in(owner, run.room(), standing.me, look)).unwrap_or_default();
    let mut tail = u16::try_from(time.len()).unwrap_or(0) + 1;
    if !owner.is_empty() {
        tail += u16::try_from(text::width(&owner)).unwrap_or(0) + 1;
    }
    let room = run.room().saturating_sub(tail);
    run.fit(&look.visible(&row.title), room, title);
    run.right(tail - 1);
    if run.room() > u16::try_from(time.len()).unwrap_or(0) {
        run.put(&owner, look.styles.muted).put(" ", look.styles.text);
    }
    run.put(&time, look.styles.muted);
}

/// Whose a row is: the name where a row has `room`, else its first letters, or that it is yours. What an incident is matters
/// more than whose it is where there is little room; the details below have the whole name.
fn owner_in(owner: &str, room: u16, me: &str, look: &Look) -> String {
    let name = look.visible(owner);
    if room >= OWNER_FROM {
        look.fit(&name, OWNER).into_owned()
    } else if room < SIGN_FROM {
        String::new()
    } else if owner == me {
        MINE.to_owned()
    } else {
        look.fit(&name, SIGN).into_owned()
    }
}

/// `14:02` within the last 20 hours, `21 Nov` before.
fn started(at: Timestamp, now: Timestamp, zone: &Zone) -> String {
    if now.since(at).as_secs() < 20 * 3600 { format!(" {}", zone.minute(at)) } else { zone.day(at) }
}

fn title(buffer: &mut Buffer, area: Area, model: &Model, look: &Look) {
    let focused = model.ui.focus == Pane::Incidents;
    let queue = &model.ui.queue;
    let total = model.facts.snapshot.queue.total;
    let mut run = Run::new(buffer, area.title, look);
    run.put("1 Incidents", look.pane_title(focused));
    if queue.queue != Queue::All {
        run.put(": ", look.pane_title(focused)).put(queue.queue.name(), look.pane_title(focused));
    }
    if total > 0 {
        let height = u32::from(area.body.height);
        let last = (queue.top + height).min(total);
        run.put(&format!("  {}-{last} of {total}", queue.top + 1), look.styles.muted);
    }
    if let Some(edit) = &queue.editing {
        let room = run.room().saturating_sub(3);
        run.put("  /", look.styles.key).field(edit, room);
    } else if !queue.filter.is_empty() {
        run.put("  /", look.styles.key).put(&look.visible(&queue.filter), look.styles.selected);
    } else {
        let room = usize::from(run.room());
        run.put(&fitting(&other_queues(model, room), room), look.styles.muted);
    }
}

/// How many incidents stand in the queues that are not shown, and what is resolved and fires all the same: what must not be
/// overlooked first, as short as `room` columns ask for.
fn other_queues(model: &Model, room: usize) -> Vec<String> {
    let header = &model.facts.snapshot.header;
    let shown = model.ui.queue.queue;
    let mut parts = Vec::new();
    if header.resolved_firing > 0 {
        let count = header.resolved_firing;
        // With the sign that such incidents have in their rows, so that it can be told where there is hardly any room.
        let forms = [format!("{count} resolved but firing"), format!("{count} still firing"), format!("!{count}")];
        parts.extend(forms.into_iter().find(|form| 2 + form.len() <= room));
    }
    for queue in [Queue::Suppressed, Queue::Mine, Queue::Unassigned, Queue::All] {
        let count = header.queues.of(queue);
        // As long as nobody owns anything, all are unassigned: that says nothing.
        let says_nothing =
            count == 0 || (queue == Queue::Unassigned && shown == Queue::All && count == header.queues.all);
        if queue != shown && !says_nothing {
            parts.push(format!("{count} {}", queue.name()));
        }
    }
    parts
}

/// Those of `parts`, whole ones, that fit in `room` columns, each after two spaces: behind one that does not fit a shorter
/// one may.
fn fitting(parts: &[String], room: usize) -> String {
    let mut line = String::new();
    for part in parts {
        if line.len() + 2 + part.len() > room {
            continue;
        }
        line.push_str("  ");
        line.push_str(part);
    }
    line
}

fn empty(buffer: &mut Buffer, area: Area, model: &Model, look: &Look) {
    let lines = if let Some(trouble) = &model.ui.trouble {
        vec![UNREADABLE.to_owned(), trouble.clone()]
    } else if model.ui.queue.filter.is_empty() && model.ui.queue.queue != Queue::All {
        let key = model.ui.keymap.key_for(Context::Incidents, Intent::NextQueue).unwrap_or_default();
        vec![in_no_queue(model.ui.queue.queue).to_owned(), format!("{key} shows the next queue.")]
    } else if model.ui.queue.filter.is_empty() {
        let alerts = "Alerts appear here as they arrive. 2 opens the SOPs.".to_owned();
        ["No incident is open.".to_owned(), alerts].into_iter().chain(worries(model)).collect()
    } else {
        vec![format!("No incident contains \"{}\".", model.ui.queue.filter), "Esc shows all again.".to_owned()]
    };
    let body = Rect { x: area.body.x + 1, y: area.body.y + 1, width: area.body.width.saturating_sub(2), ..area.body };
    let wrapped =
        lines.iter().flat_map(|line| wrap(&look.visible(line), usize::from(body.width).max(8), Break::AtSpaces));
    for (line, y) in wrapped.zip(body.y..area.body.bottom()) {
        put(buffer, body.x, y, body.width, &line, look.styles.muted);
    }
}

const fn in_no_queue(queue: Queue) -> &'static str {
    match queue {
        Queue::All => "No incident is open.",
        Queue::Mine => "No incident is yours.",
        Queue::Unassigned => "No incident is without an owner.",
        Queue::Suppressed => "No incident is suppressed.",
    }
}

/// Why the queue may be empty although something is wrong: an empty queue must not look like a quiet night then.
fn worries(model: &Model) -> Vec<String> {
    let sources = &model.facts.snapshot.header.sources;
    let worries = sources.iter().filter_map(|source| {
        let state = match source.state {
            HealthState::Ok => return None,
            HealthState::Waiting => "is waiting",
            HealthState::Degraded => "is degraded",
            HealthState::Down => "is down",
        };
        Some(format!("{} {} {state}. {}", source.source, source.channel, source.detail))
    });
    worries.flat_map(|worry| [String::new(), worry]).collect()
}
