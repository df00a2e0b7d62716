//! The step tree, with the state of each step.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::marks::marks;
use super::paint::{Run, put};
use crate::domain::run::RunState;
use crate::domain::text;
use crate::tui::concern;
use crate::tui::intent::Intent;
use crate::tui::keymap::Context;
use crate::tui::layout::{Area, Pane};
use crate::tui::look::Look;
use crate::tui::output_lines;
use crate::tui::sop_lines::{self, LineClass};
use crate::tui::steer;
use crate::tui::theme::Styles;
use crate::tui::ui::Model;
use crate::tui::wrap::{Break, wrap};

pub(super) fn draw(buffer: &mut Buffer, area: Area, model: &Model, look: &Look) {
    title(buffer, area, model, look);
    let Some(document) = &model.facts.sop else { return empty(buffer, area, model, look) };
    let marks = marks(model, &document.procedure.sop);
    let view = &model.ui.sop;
    let (body, values_row) = sop_lines::split(area.body);
    let lines = view.lines(document, usize::from(body.width), look.repertoire);
    let focused = model.ui.focus == Pane::Sop;
    let find = view.sought.map(|_| look.visible(&view.find)).unwrap_or_default();
    let visible = lines.iter().skip(view.top).take(usize::from(body.height));
    for (line, y) in visible.zip(body.y..) {
        let row = Rect { y, height: 1, ..body };
        let under_cursor = line.node == view.cursor;
        let mut run = Run::new(buffer, row, look);
        let cursor = match (under_cursor, focused) {
            (true, true) => look.glyphs.cursor,
            (true, false) => look.glyphs.cursor_elsewhere,
            (false, _) => " ",
        };
        run.put(cursor, if focused { look.styles.cursor } else { look.styles.muted });
        let id = &document.procedure.nodes[line.node].id;
        match marks.get(id).filter(|_| line.first) {
            Some(came) => run.put(came.glyph(look), came.style(look)),
            None => run.put(" ", look.styles.text),
        };
        run.put(" ", look.styles.text).put(&" ".repeat(line.indent), look.styles.text);
        let style = class_style(line.class, look);
        run.put(&line.lead, if line.class == LineClass::Command { look.styles.muted } else { style });
        let found = if under_cursor { Styles::under_cursor(look.styles.found) } else { look.styles.found };
        run.marked(&line.text, &output_lines::matches(&line.text, &find), style, found);
    }
    let Some(row) = values_row else { return };
    let labels = concern::alert(model).map(|alert| &alert.labels);
    let values = labels.map(|labels| sop_lines::values(&document.procedure, view.cursor, labels)).unwrap_or_default();
    // Why a run stands still matters more than what a command would be filled in with.
    let stands = steer::run_of_document(model).is_some_and(|run| run.state != RunState::Active);
    match steer::line(model).filter(|_| stands || values.is_empty()) {
        Some(line) => {
            let mut run = Run::new(buffer, row, look);
            run.put(&" ".repeat(sop_lines::GUTTER), look.styles.text);
            let room = run.room();
            run.fit(&look.visible(&line), room, look.styles.attention);
        }
        None => draw_values(buffer, row, &values, look),
    }
}

/// `mountpoint = /srv (label mountpoint)  file: asked for`: what a proposal would fill in, before anything is proposed.
fn draw_values(buffer: &mut Buffer, row: Rect, values: &[sop_lines::Value], look: &Look) {
    let mut run = Run::new(buffer, row, look);
    run.put(&" ".repeat(sop_lines::GUTTER), look.styles.text);
    for value in values {
        run.put(&look.visible(&value.surface), look.styles.muted);
        match &value.bound {
            Some((text, label)) => {
                run.put(" = ", look.styles.muted);
                let room = run.room();
                run.fit(&look.visible(text), room, look.styles.foreign);
                let origin = if *label == value.name {
                    " (label)  ".to_owned()
                } else {
                    format!(" (label {})  ", look.visible(label))
                };
                let room = run.room();
                run.fit(&origin, room, look.styles.muted);
            }
            None => {
                run.put(": will be asked for  ", look.styles.attention);
            }
        }
    }
}

fn class_style(class: LineClass, look: &Look) -> Style {
    match class {
        LineClass::Section => look.styles.heading,
        LineClass::Step | LineClass::Note => look.styles.text,
        LineClass::Command => look.styles.command,
        LineClass::Output => look.styles.muted,
        LineClass::Decision => look.styles.attention,
        LineClass::Branch => look.styles.attention,
        LineClass::Warning => look.styles.warning,
    }
}

fn title(buffer: &mut Buffer, area: Area, model: &Model, look: &Look) {
    let focused = model.ui.focus == Pane::Sop;
    let mut run = Run::new(buffer, area.title, look);
    run.put("2 SOP ", look.pane_title(focused));
    let Some(document) = &model.facts.sop else { return };
    let procedure = &document.procedure;
    run.fit(&look.visible(&procedure.title), 40, look.pane_title(focused));
    let why = model.facts.detail().and_then(|detail| {
        detail.matches.iter().find(|found| found.sop == procedure.sop).map(|found| found.why.clone())
    });
    if let Some(shown) = steer::run(model) {
        // Also when it is a run of another document: of an incident one is on at a time.
        let elsewhere = if shown.plan.sop == procedure.sop { "" } else { " of another SOP" };
        run.put(&format!("  {}{elsewhere}", steer::title(shown)), look.styles.attention);
    }
    let problems = procedure.diagnostics.len();
    if problems > 0 {
        let words = if problems == 1 { "problem" } else { "problems" };
        run.put(&format!("  {problems} {words}"), look.styles.warning);
        if let Some(key) = model.ui.keymap.key_for(Context::Sop, Intent::Details) {
            run.put(&format!(" ({})", look.visible(&key)), look.styles.muted);
        }
    }
    // Before everything else: what a command is run for must not be what falls off a narrow pane.
    if let Some(words) = concern::words(model) {
        run.put("  ", look.styles.text);
        let key = model.ui.keymap.key_for(Context::Sop, Intent::NextAlert).map(|key| format!(" ({key})"));
        let key = key.unwrap_or_default();
        let room = run.room().saturating_sub(u16::try_from(text::width(&key)).unwrap_or(u16::MAX));
        run.fit(&look.visible(&words), room, look.styles.attention).put(&key, look.styles.muted);
    }
    if let Some(edit) = &model.ui.sop.editing {
        let room = run.room().saturating_sub(3);
        run.put("  /", look.styles.key).field(edit, room);
        return;
    }
    if let Some(sought) = model.ui.sop.sought {
        run.put("  ", look.styles.text).sought(&look.visible(&model.ui.sop.find), sought, procedure.nodes.len());
    }
    if let Some(title) = hidden_incident(model) {
        // The queue is not on the screen: say what this is for.
        run.put("  for ", look.styles.muted);
        let room = run.room();
        run.fit(&look.visible(title), room, look.styles.text);
    } else if let Some(why) = why {
        let room = run.room();
        run.fit(&format!("  {}", look.visible(&why)), room, look.styles.muted);
    }
}

/// The title of the incident, when no other pane shows it.
fn hidden_incident(model: &Model) -> Option<&str> {
    let alone = model.layout().is_some_and(|layout| layout.queue.is_none());
    model.facts.detail().filter(|_| alone).map(|detail| detail.record.incident.title.as_str())
}

fn empty(buffer: &mut Buffer, area: Area, model: &Model, look: &Look) {
    let (first, second) = match &model.facts.sop_trouble {
        Some(trouble) => (trouble.as_str(), "s lists all SOPs."),
        None if model.facts.detail().is_some() => ("No SOP fits this incident.", "s lists all SOPs."),
        None => ("No SOP is open.", "s lists all SOPs; they work with no network."),
    };
    let body = Rect { x: area.body.x + 1, width: area.body.width.saturating_sub(2), ..area.body };
    let visible = [first, second].map(|line| look.visible(line));
    let lines = visible.iter().flat_map(|line| wrap(line, usize::from(body.width).max(8), Break::AtSpaces));
    for (line, y) in lines.zip(body.y + 1..body.bottom()) {
        put(buffer, body.x, y, body.width, &line, look.styles.muted);
    }
}
