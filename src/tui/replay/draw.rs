//! Drawing a replay. Changes nothing.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use super::rows::{self, HEAD, Part, RowKind};
use super::{Motion, Replay};
use crate::domain::journal::Kind;
use crate::domain::journal::tape::Moment;
use crate::domain::text;
use crate::tui::layout::SMALLEST;
use crate::tui::look::Look;

/// Says on every screen what this is.
const BANNER: &str = " REPLAY ";

/// Keys and what they do, those that matter most first: as many as fit.
const KEYS: [(&str, &str); 7] = [
    ("q", "leave"),
    ("space", "play/pause"),
    ("arrows", "step"),
    ("[ ]", "decision"),
    ("+ -", "speed"),
    ("PgDn", "scroll"),
    ("z", "zone"),
];

/// Draws the whole screen into `buffer`.
pub(super) fn draw(buffer: &mut Buffer, replay: &Replay, look: &Look) {
    let area = buffer.area;
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let words = format!("{BANNER}needs {}x{}; q leaves", SMALLEST.0, SMALLEST.1);
        put(buffer, (0, 0), area.width, &words, look.styles.attention);
        return;
    }
    head(buffer, replay, look);
    let parts = rows::parts((area.width, area.height));
    list(buffer, parts.list, replay, look);
    divider(buffer, parts.list, parts.moment, look);
    moment(buffer, parts.moment, replay, look);
    keys(buffer, look);
}

/// Writes `line`, cut to `width` columns; returns the column after it.
fn put(buffer: &mut Buffer, (x, y): (u16, u16), width: u16, line: &str, style: Style) -> u16 {
    if width == 0 || !buffer.area.contains((x, y).into()) {
        return x;
    }
    buffer.set_stringn(x, y, line, usize::from(width), style).0
}

fn head(buffer: &mut Buffer, replay: &Replay, look: &Look) {
    let width = buffer.area.width;
    let incident = &replay.tape.incident;
    let x = put(buffer, (0, 0), width, BANNER, look.styles.attention);
    let words = " nothing here can act.  ";
    let x = put(buffer, (x, 0), width - x, words, look.styles.muted);
    let (words, style) = match &replay.tape.broken {
        None => ("Entries as they were written.".to_owned(), look.styles.good),
        Some(broken) => (format!("NOT AS WRITTEN at entry {}: {}", broken.seq, broken.reason), look.styles.bad),
    };
    let words = look.fit(&look.visible(&words), usize::from(width - x)).into_owned();
    put(buffer, (x, 0), width - x, &words, style);
    let scene = replay.tape.scene(replay.index);
    let owner = scene.owner.as_deref().unwrap_or("nobody");
    let standing = format!(" {}, owner {owner}, {} firing", scene.state.name(), scene.firing);
    let standing = look.visible(&standing);
    let room = width.saturating_sub(u16::try_from(text::width(&standing)).unwrap_or(width));
    let title = format!("#{} {}", incident.id, incident.title);
    let title = look.fit(&look.visible(&title), usize::from(room)).into_owned();
    let x = put(buffer, (0, 1), room, &title, look.styles.title);
    put(buffer, (x, 1), width - x, &standing, look.styles.text);
    position(buffer, replay, look);
}

fn position(buffer: &mut Buffer, replay: &Replay, look: &Look) {
    let width = buffer.area.width;
    let moments = &replay.tape.moments;
    let at = moments.get(replay.index).map_or_else(String::new, |moment| replay.zone.full(moment.at));
    let number = if moments.is_empty() { 0 } else { replay.index + 1 };
    let x = put(buffer, (0, HEAD - 1), width, &format!("{at}  {number} of {}  ", moments.len()), look.styles.text);
    let (words, style) = match replay.motion {
        Motion::Playing => (format!("playing, {} times as fast", replay.factor()), look.styles.attention),
        Motion::Paused => (format!("paused, {} times as fast", replay.factor()), look.styles.muted),
    };
    put(buffer, (x, HEAD - 1), width - x, &words, style);
}

/// The moments around the one that is shown.
fn list(buffer: &mut Buffer, part: Part, replay: &Replay, look: &Look) {
    let moments = &replay.tape.moments;
    let height = usize::from(part.height);
    let top = replay.index.saturating_sub(height / 2).min(moments.len().saturating_sub(height));
    for ((index, moment), y) in moments.iter().enumerate().skip(top).zip(part.y..part.y + part.height) {
        let is_here = index == replay.index;
        let gutter = if is_here { look.glyphs.cursor } else { " " };
        let x = put(buffer, (part.x, y), 1, gutter, look.styles.cursor);
        let end = part.x + part.width;
        let x = put(buffer, (x, y), end - x, &format!("{} ", replay.zone.second(moment.at)), look.styles.muted);
        let mark = if moment.is_decision() { look.glyphs.decision } else { " " };
        let x = put(buffer, (x, y), end - x, mark, look.styles.attention) + 1;
        let line = format!("{} {}", moment.who(), moment.telling().words);
        let line = look.fit(&look.visible(&line), usize::from(end.saturating_sub(x))).into_owned();
        put(buffer, (x, y), end.saturating_sub(x), &line, style_of(moment, is_here, look));
    }
}

const fn style_of_kind(kind: Kind, look: &Look) -> Style {
    match kind {
        Kind::Decision => look.styles.text,
        Kind::Action => look.styles.command,
        Kind::Talk | Kind::Record => look.styles.muted,
    }
}

fn style_of(moment: &Moment, is_here: bool, look: &Look) -> Style {
    if is_here { look.styles.selected } else { style_of_kind(moment.telling().kind, look) }
}

/// Between the list and the moment.
fn divider(buffer: &mut Buffer, list: Part, moment: Part, look: &Look) {
    let border = look.glyphs.border;
    if moment.x > list.x {
        for y in list.y..list.y + list.height {
            put(buffer, (list.width, y), 1, border.vertical_left, look.styles.border);
        }
    } else {
        let line = border.horizontal_top.repeat(usize::from(list.width));
        put(buffer, (0, list.y + list.height), list.width, &line, look.styles.border);
    }
}

fn moment(buffer: &mut Buffer, part: Part, replay: &Replay, look: &Look) {
    let lines = rows::of_moment(replay, part.width, look.repertoire);
    let height = usize::from(part.height);
    let top = replay.scrolled.min(lines.len().saturating_sub(height.max(1)));
    for ((kind, line), y) in lines.iter().skip(top).zip(part.y..part.y + part.height) {
        let style = match kind {
            RowKind::Title => look.styles.heading,
            RowKind::Fact => look.styles.muted,
            RowKind::Command => look.styles.command,
            RowKind::Quoted => look.styles.output,
            RowKind::Alarm => look.styles.bad,
        };
        put(buffer, (part.x, y), part.width, line, style);
    }
    if top + height < lines.len() {
        let words = format!("{} {} more rows", look.glyphs.more_below, lines.len() - top - height);
        let x = part.x + part.width.saturating_sub(u16::try_from(text::width(&words)).unwrap_or(0));
        put(buffer, (x, part.y + part.height - 1), part.width, &words, look.styles.attention);
    }
}

fn keys(buffer: &mut Buffer, look: &Look) {
    let (width, y) = (buffer.area.width, buffer.area.height - 1);
    let mut x = 0;
    for (key, words) in KEYS {
        let room = width.saturating_sub(x);
        if key.len() + words.len() + 3 > usize::from(room) {
            break;
        }
        x = put(buffer, (x, y), room, key, look.styles.key);
        x = put(buffer, (x + 1, y), room, words, look.styles.key_help) + 2;
    }
}
