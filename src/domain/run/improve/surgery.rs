//! Edits of a document as lines.
//!
//! Owns: finding the item of a list that a node stands in, taking items out, moving and putting them in, numbering what comes
//! behind, and following these numbers where the text names a step. Does not: decide what is edited, or trust itself: whoever
//! calls it has the result parsed.
//!
//! Invariant: lines that no edit concerns stay byte for byte.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Document, NewStep, Place, SopEdit};
use crate::domain::id::NodeId;
use crate::domain::procedure::{NodeKind, SectionRole, Shell};

/// An item of a list with numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ListItem {
    /// Its lines, blank ones at the end left out; from 0.
    pub(super) lines: Range<usize>,
    /// Its number as written.
    pub(super) number: u64,
}

/// A list with numbers that begins at column 0, in one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NumberedList {
    /// Its items, in order.
    pub(super) items: Vec<ListItem>,
    /// What its section is for.
    pub(super) role: SectionRole,
}

/// What stands at a place of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    /// The item with this number of the list, from 0.
    Old(usize),
    /// A step that is put in.
    New(&'a NewStep),
}

/// A list as it is to be.
#[derive(Clone, Debug)]
pub(super) struct Plan<'a> {
    /// As it is.
    pub(super) list: NumberedList,
    /// As it is to be.
    pub(super) order: Vec<Entry<'a>>,
}

impl Plan<'_> {
    /// The number of the item that was `number` before; `None` when it is gone. Numbers go on from the first one.
    fn now(&self, number: u64) -> Option<u64> {
        let item = self.list.items.iter().position(|item| item.number == number)?;
        let at = self.order.iter().position(|entry| *entry == Entry::Old(item))?;
        Some(self.first() + u64::try_from(at).unwrap_or(u64::MAX))
    }

    /// The number of its first item.
    pub(super) fn first(&self) -> u64 {
        self.list.items.first().map_or(1, |item| item.number)
    }

    fn renumbers(&self) -> bool {
        self.list.items.iter().any(|item| self.now(item.number) != Some(item.number))
    }
}

/// All that a set of edits changes.
#[derive(Clone, Debug, Default)]
pub(super) struct Plans<'a> {
    /// Lists, by the line of their first item.
    pub(super) lists: BTreeMap<usize, Plan<'a>>,
    /// Lines in place of one, by its number; an empty list takes it out.
    replaced: BTreeMap<usize, Vec<String>>,
    /// A section for verification goes before this line.
    pub(super) verification: Option<(usize, Vec<&'a NewStep>)>,
}

/// A document under the knife.
pub(super) struct Surgery<'a> {
    document: Document<'a>,
    lines: Vec<&'a str>,
    /// Whether each line stands in a fence, the fences included.
    code: Vec<bool>,
}

impl<'a> Surgery<'a> {
    /// Begins on `document`.
    pub(super) fn new(document: Document<'a>) -> Self {
        let lines: Vec<&str> = document.source.split_inclusive('\n').collect();
        let mut fence: Option<String> = None;
        let mut code = Vec::with_capacity(lines.len());
        for line in &lines {
            let mark: String = line.trim_start().chars().take_while(|c| matches!(c, '`' | '~')).collect();
            let marks = mark.len() >= 3;
            code.push(marks || fence.is_some());
            match &fence {
                Some(open) if marks && mark.starts_with(open.as_str()) && line.trim() == mark => fence = None,
                None if marks => fence = Some(mark),
                Some(_) | None => {}
            }
        }
        Self { document, lines, code }
    }

    /// What `edits` change, all of them together.
    ///
    /// # Errors
    /// Why one of them cannot be made, as a clause.
    pub(super) fn plan(&self, edits: &[&'a SopEdit]) -> Result<Plans<'a>, String> {
        let mut plans = Plans::default();
        for edit in edits {
            match edit {
                SopEdit::Command { node, script } => self.command(node, script, &mut plans)?,
                SopEdit::Limit { node, from, to } => self.limit(node, from, to, &mut plans)?,
                SopEdit::Remove { node } => {
                    let (plan, item) = self.entry(node, &mut plans)?;
                    if plan.order.len() == 1 {
                        return Err("it is the only step of its list".to_owned());
                    }
                    plan.order.retain(|entry| *entry != Entry::Old(item));
                }
                SopEdit::Move { node, before } => {
                    let (list, other) = self.entry(before, &mut plans).map(|(plan, item)| (plan.list.clone(), item))?;
                    let (plan, item) = self.entry(node, &mut plans)?;
                    if plan.list != list || item == other {
                        return Err("the two steps do not stand in the same list".to_owned());
                    }
                    plan.order.retain(|entry| *entry != Entry::Old(item));
                    let at = plan.order.iter().position(|entry| *entry == Entry::Old(other));
                    let at = at.ok_or("the step that it is to stand before is taken out")?;
                    plan.order.insert(at, Entry::Old(item));
                }
                SopEdit::Insert { place: Place::After(node), step } => {
                    let (plan, item) = self.entry(node, &mut plans)?;
                    let at = plan.order.iter().position(|entry| *entry == Entry::Old(item));
                    plan.order.insert(at.map_or(plan.order.len(), |at| at + 1), Entry::New(step));
                }
                SopEdit::Insert { place: Place::NewVerification, step } => {
                    let line = self.before_rollback();
                    plans.verification.get_or_insert((line, Vec::new())).1.push(step);
                }
            }
        }
        Ok(plans)
    }

    /// The document as `plans` say.
    ///
    /// # Errors
    /// When the text names steps in a way that cannot be followed, as a clause.
    pub(super) fn text(&self, plans: &Plans<'a>) -> Result<String, String> {
        let mut text = String::with_capacity(self.document.source.len());
        let mut at = 0;
        while at < self.lines.len() {
            self.verification(plans, at, &mut text);
            match plans.lists.get(&at) {
                Some(plan) => {
                    self.list(plans, plan, &mut text)?;
                    at = plan.list.items.last().map_or(at + 1, |item| item.lines.end);
                }
                None => {
                    self.line(plans, at, None, &mut text)?;
                    at += 1;
                }
            }
        }
        self.verification(plans, self.lines.len(), &mut text);
        Ok(text)
    }

    fn line_of(&self, id: &NodeId) -> Result<usize, String> {
        let procedure = self.document.procedure;
        let node = procedure.index_of(id).and_then(|at| procedure.nodes.get(at));
        let line = node.and_then(|node| usize::try_from(node.line).ok()).and_then(|line| line.checked_sub(1));
        line.ok_or_else(|| "the document does not have it any more".to_owned())
    }

    /// The plan of the list that `id` stands in, and the item.
    fn entry<'p>(&self, id: &NodeId, plans: &'p mut Plans<'a>) -> Result<(&'p mut Plan<'a>, usize), String> {
        let line = self.line_of(id)?;
        let list = self.list_at(line).ok_or("it does not stand in a list with numbers that is written in one piece")?;
        let item = list.items.iter().position(|item| item.lines.contains(&line));
        let item = item.ok_or("it stands in no item of a list with numbers")?;
        let start = list.items.first().map_or(line, |item| item.lines.start);
        let order = (0..list.items.len()).map(Entry::Old).collect();
        Ok((plans.lists.entry(start).or_insert(Plan { list, order }), item))
    }

    /// The list around `line`: items at column 0 whose numbers go up by one, with indented and blank lines between.
    pub(super) fn list_at(&self, line: usize) -> Option<NumberedList> {
        let mut start = line;
        while !self.is_end(start) && start > 0 {
            start -= 1;
        }
        let mut items: Vec<ListItem> = Vec::new();
        for at in start.max(usize::from(self.is_end(start)) + start)..self.lines.len() {
            if self.is_end(at) {
                break;
            }
            if let Some((number, _)) = self.number_at(at) {
                items.push(ListItem { lines: at..at + 1, number });
            } else if !self.lines[at].trim().is_empty() {
                items.last_mut()?.lines.end = at + 1;
            }
        }
        let goes_on = items.windows(2).all(|pair| pair[0].number.checked_add(1) == Some(pair[1].number));
        let around = items.first()?.lines.start..items.last()?.lines.end;
        (goes_on && around.contains(&line)).then(|| NumberedList { items, role: self.role_at(line) })
    }

    /// Whether a list ends at this line: text at column 0 that is no item.
    fn is_end(&self, at: usize) -> bool {
        let Some(line) = self.lines.get(at) else { return true };
        // Inside a fence that is indented, a line may begin anywhere.
        let starts_here = !line.starts_with([' ', '\t']) && !line.trim().is_empty();
        starts_here && self.number_at(at).is_none()
    }

    /// The number that the line begins with, and the columns before its text.
    fn number_at(&self, at: usize) -> Option<(u64, usize)> {
        let line = self.lines.get(at).filter(|_| !self.code.get(at).copied().unwrap_or(false))?;
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        let number = line.get(..digits)?.parse().ok()?;
        let rest = line.get(digits..)?.strip_prefix(['.', ')'])?;
        let blanks = rest.bytes().take_while(|byte| *byte == b' ').count();
        (blanks > 0).then_some((number, digits + 1 + blanks))
    }

    /// What the innermost section around the line is for.
    fn role_at(&self, line: usize) -> SectionRole {
        let offset: usize = self.lines.iter().take(line).map(|line| line.len()).sum();
        let sections = self.document.procedure.nodes.iter().rev();
        let mut around = sections.filter(|node| node.span.start <= offset && offset < node.span.end);
        around
            .find_map(|node| match node.kind {
                NodeKind::Section { role, .. } => Some(role),
                _ => None,
            })
            .unwrap_or(SectionRole::Other)
    }

    fn command(&self, id: &NodeId, script: &str, plans: &mut Plans<'a>) -> Result<(), String> {
        let procedure = self.document.procedure;
        let node = procedure.index_of(id).and_then(|at| procedure.nodes.get(at));
        let node = node.ok_or("the document does not have it any more")?;
        let first = self.line_of(id)?;
        let span = self.document.source.get(node.span.start..node.span.end).unwrap_or_default();
        let line_start: usize = self.lines.iter().take(first).map(|line| line.len()).sum();
        let lead = self.document.source.get(line_start..node.span.start).unwrap_or_default();
        let indent: String = lead.chars().map(|c| if c.is_whitespace() { c } else { ' ' }).collect();
        let mut lines = script.lines().enumerate().map(|(at, line)| {
            let lead = if at == 0 { lead } else { &indent };
            format!("{lead}{line}{}", self.ending())
        });
        for at in first..first + span.trim_end_matches('\n').split('\n').count() {
            let taken = if at == first { lines.by_ref().collect() } else { Vec::new() };
            if plans.replaced.insert(at, taken).is_some() {
                return Err("two edits change the same line".to_owned());
            }
        }
        Ok(())
    }

    fn limit(&self, id: &NodeId, from: &str, to: &str, plans: &mut Plans<'a>) -> Result<(), String> {
        let line = self.line_of(id)?;
        let list = self.list_at(line).ok_or("it does not stand in a list with numbers that is written in one piece")?;
        let item = list.items.iter().find(|item| item.lines.contains(&line)).ok_or("it stands in no item")?;
        let mut lines = item.lines.clone();
        let at = lines.find(|at| !self.code[*at] && self.lines[*at].contains(from));
        let at = at.ok_or("the time is not written on one line")?;
        let line = self.lines[at].replacen(from, to, 1);
        match plans.replaced.insert(at, vec![line]) {
            Some(_) => Err("two edits change the same line".to_owned()),
            None => Ok(()),
        }
    }

    /// Where a section for verification goes: before what undoes, escalates or refers, else at the end.
    fn before_rollback(&self) -> usize {
        let behind = |role| matches!(role, SectionRole::Rollback | SectionRole::Escalation | SectionRole::Reference);
        let mut nodes = self.document.procedure.nodes.iter();
        let section = nodes.find(|node| matches!(node.kind, NodeKind::Section { role, .. } if behind(role)));
        section.map_or(self.lines.len(), |node| usize::try_from(node.line).unwrap_or(1).saturating_sub(1))
    }

    fn ending(&self) -> &'static str {
        if self.lines.first().is_some_and(|line| line.ends_with("\r\n")) { "\r\n" } else { "\n" }
    }

    fn verification(&self, plans: &Plans<'a>, at: usize, text: &mut String) {
        let Some((_, steps)) = plans.verification.as_ref().filter(|(line, _)| *line == at) else { return };
        let end = self.ending();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push_str(end);
        }
        if !text.is_empty() && !text.ends_with(&format!("{end}{end}")) {
            text.push_str(end);
        }
        text.push_str(&format!("{} Verification{end}{end}", "#".repeat(usize::from(self.level()))));
        let blocks: Vec<String> = (1..).zip(steps).map(|(number, step)| written(step, number, end)).collect();
        text.push_str(&blocks.join(end));
        if at < self.lines.len() {
            text.push_str(end);
        }
    }

    /// The level of the sections beside each other.
    pub(super) fn level(&self) -> u8 {
        let mut nodes = self.document.procedure.nodes.iter();
        let acts = |role| matches!(role, SectionRole::Diagnosis | SectionRole::Mitigation | SectionRole::Rollback);
        let level = nodes.find_map(|node| match node.kind {
            NodeKind::Section { role, level } if acts(role) => Some(level),
            _ => None,
        });
        level.unwrap_or(2)
    }

    fn list(&self, plans: &Plans<'a>, plan: &Plan<'a>, text: &mut String) -> Result<(), String> {
        let items = &plan.list.items;
        let loose = items.windows(2).any(|pair| pair[0].lines.end < pair[1].lines.start);
        let end = self.ending();
        for (at, entry) in plan.order.iter().enumerate() {
            if at > 0 {
                if !text.ends_with('\n') {
                    text.push_str(end);
                }
                // A step with a fence is set off, also in a list that is written tightly.
                let before = plan.order.get(at - 1);
                let new = matches!(entry, Entry::New(_)) || matches!(before, Some(Entry::New(_)));
                text.push_str(if loose || (new && items.len() == 1) { end } else { "" });
            }
            let number = plan.first() + u64::try_from(at).unwrap_or(u64::MAX);
            match entry {
                Entry::New(step) => text.push_str(&written(step, number, end)),
                Entry::Old(item) => {
                    let item = items.get(*item).ok_or("a list lost an item")?;
                    for line in item.lines.clone() {
                        self.line(plans, line, Some((item, number)), text)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// A line as it is to be, in an item that has this number now.
    fn line(
        &self,
        plans: &Plans<'a>,
        at: usize,
        item: Option<(&ListItem, u64)>,
        text: &mut String,
    ) -> Result<(), String> {
        let own = [self.lines[at].to_owned()];
        let lines = plans.replaced.get(&at).map_or(&own[..], Vec::as_slice);
        for line in lines {
            let followed = if self.code[at] { line.clone() } else { self.followed(plans, at, line)? };
            match item {
                Some((item, number)) if item.number != number => {
                    let is_first = at == item.lines.start;
                    text.push_str(&renumbered(&followed, is_first, item.number, number));
                }
                Some(_) | None => text.push_str(&followed),
            }
        }
        Ok(())
    }

    fn followed(&self, plans: &Plans<'a>, at: usize, line: &str) -> Result<String, String> {
        let changed = plans.lists.values().any(Plan::renumbers);
        if !changed {
            return Ok(line.to_owned());
        }
        // "step 4 of the" and "diagnosis" may stand on two lines.
        let next = self.lines.get(at + 1).map_or("", |next| next.trim_start());
        follow(line, next, self.role_at(at), plans, at + 1)
    }
}

/// A step as lines of a list.
fn written(step: &NewStep, number: u64, end: &str) -> String {
    let lead = format!("{number}. ");
    let indent = " ".repeat(lead.len());
    let language = match step.shell {
        Shell::Promql => "promql",
        Shell::Sh | Shell::Sql | Shell::Other => "sh",
    };
    let mut fence = "```".to_owned();
    while step.script.contains(&fence) {
        fence.push('`');
    }
    let mut text = format!("{lead}{}{end}{end}{indent}{fence}{language}{end}", step.title);
    for line in step.script.lines() {
        text.push_str(&format!("{indent}{line}{end}"));
    }
    text.push_str(&format!("{indent}{fence}{end}"));
    text
}

/// A line of an item that has another number now; what stands below it keeps its distance from the number.
fn renumbered(line: &str, is_first: bool, before: u64, now: u64) -> String {
    let (before, now) = (before.to_string(), now.to_string());
    if is_first {
        return line.strip_prefix(&before).map_or_else(|| line.to_owned(), |rest| format!("{now}{rest}"));
    }
    match now.len().cmp(&before.len()) {
        std::cmp::Ordering::Greater if line.starts_with(' ') => {
            format!("{}{line}", " ".repeat(now.len() - before.len()))
        }
        std::cmp::Ordering::Less => {
            let less = " ".repeat(before.len() - now.len());
            line.strip_prefix(&less).filter(|rest| rest.starts_with(' ')).unwrap_or(line).to_owned()
        }
        std::cmp::Ordering::Greater | std::cmp::Ordering::Equal => line.to_owned(),
    }
}

/// Words behind "step 3 of the" and the sections that they name.
const SECTIONS: [(&str, SectionRole); 4] = [
    ("diagnosis", SectionRole::Diagnosis),
    ("mitigation", SectionRole::Mitigation),
    ("verification", SectionRole::Verify),
    ("rollback", SectionRole::Rollback),
];

/// `text`, which goes on with `next` and stands in a section for `own`, with the numbers that steps have now.
///
/// # Errors
/// When it names a step that is gone, or several at once.
pub(super) fn follow(
    text: &str,
    next: &str,
    own: SectionRole,
    plans: &Plans<'_>,
    line: usize,
) -> Result<String, String> {
    let lower = text.to_ascii_lowercase();
    let mut done = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(found) = lower.get(at..).and_then(|rest| rest.find("step")).map(|found| at + found) {
        let word = found + "step".len();
        let plural = usize::from(lower[word..].starts_with('s'));
        let start = word + plural + 1;
        let alone = !lower[..found].ends_with(|c: char| c.is_alphanumeric());
        let digits = lower.get(start..).unwrap_or_default().bytes().take_while(u8::is_ascii_digit).count();
        if !alone || digits == 0 || !lower[word + plural..].starts_with(' ') {
            done.push_str(&text[at..word]);
            at = word;
            continue;
        }
        let end = start + digits;
        let behind = format!("{} {}", lower[end..].trim(), next.to_ascii_lowercase());
        let behind = behind.trim_start();
        let behind = behind.strip_prefix("of the ").or_else(|| behind.strip_prefix("in the ")).unwrap_or_default();
        let role = SECTIONS.iter().find(|(word, _)| behind.starts_with(word)).map_or(own, |(_, role)| *role);
        let mut lists = plans.lists.values().filter(|plan| plan.list.role == role && plan.renumbers());
        done.push_str(&text[at..start]);
        let number = lower[start..end].parse::<u64>().unwrap_or(0);
        match (lists.next(), lists.next()) {
            (Some(_), Some(_)) => {
                return Err(format!("line {line} names a step, and several lists would be renumbered"));
            }
            (Some(_), None) if plural == 1 => return Err(format!("line {line} names several steps at once")),
            (Some(plan), None) if plan.list.items.iter().any(|item| item.number == number) => {
                let now = plan.now(number).ok_or_else(|| format!("line {line} refers to it"))?;
                done.push_str(&now.to_string());
            }
            (Some(_) | None, None) | (None, Some(_)) => done.push_str(&text[start..end]),
        }
        at = end;
    }
    done.push_str(&text[at..]);
    Ok(done)
}
