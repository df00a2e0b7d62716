//! A conversation as lines: what was stored, and the question that is being answered.
//!
//! Owns: which lines there are, in entries; entries that did not change are not laid out again. Does not: scroll or draw.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::colours::{ColourJob, Colours};
use super::sheet::{Extent, Sheet};
use super::text::{Breaks, Line, Paper, Role, Span, flow};
use super::view::{Phase, Thoughts, Turn};
use crate::domain::chat::statements::{BlockStart, SourceCheck};
use crate::domain::chat::{Author, ChatMessage, MessageState};
use crate::domain::excerpt;
use crate::domain::id::{MessageId, SopId};
use crate::domain::text::visible_in;

/// Stands at the left of a statement that has no source. Every terminal has it.
pub const UNSUPPORTED: &str = "?";

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// How many older messages there are.
    Earlier,
    /// A stored message.
    Message(MessageId),
    /// The question with this number, not stored yet as far as is known.
    Question(u64),
    /// What the model thought about it.
    Thoughts(u64),
    /// What the model thought before the stored answer with this number.
    ThoughtsOf(MessageId),
    /// Its answer, as far as it has come.
    Answer(u64),
}

/// The text of an entry.
#[derive(Clone, Debug)]
enum Body {
    /// Of a person: as it was typed.
    Plain { text: String, lines: Vec<Line> },
    /// Of a model or the program.
    Markdown(Box<Sheet>),
}

/// A message, or a part of one.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Which.
    pub key: Key,
    /// What the answer was given to read; `None` as long as that is not known.
    pub sources: Option<Vec<SopId>>,
    /// Where its statements begin that have no source, ascending; see [`Line::at`].
    unsupported: Vec<BlockStart>,
    head: Vec<Line>,
    body: Body,
    foot: Vec<Line>,
}

/// What an entry is to say.
struct Wanted<'a> {
    key: Key,
    head: Vec<(String, Role)>,
    text: &'a str,
    kind: Kind,
    foot: Vec<(String, Role)>,
    sources: Option<Vec<SopId>>,
    unsupported: &'a [BlockStart],
}

impl<'a> Wanted<'a> {
    /// A text as it was typed below a heading.
    const fn plain(key: Key, head: Vec<(String, Role)>, text: &'a str) -> Self {
        Self { key, head, text, kind: Kind::Plain, foot: Vec::new(), sources: None, unsupported: &[] }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Markdown,
    /// More of it will come.
    Arriving,
}

/// The lines of a conversation.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    paper: Option<Paper>,
    entries: Vec<Entry>,
}

impl Entry {
    /// Number of its lines, the empty one behind it included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.head.len() + self.body_len() + self.foot.len() + 1
    }

    /// Whether it has no line; there is always one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn body_len(&self) -> usize {
        match &self.body {
            Body::Plain { lines, .. } => lines.len(),
            Body::Markdown(sheet) => sheet.len(),
        }
    }

    /// The laid-out text of a model or the program.
    #[must_use]
    pub fn sheet(&self) -> Option<&Sheet> {
        match &self.body {
            Body::Plain { .. } => None,
            Body::Markdown(sheet) => Some(sheet),
        }
    }

    /// Whether `line` is the first one of a statement that has no source.
    #[must_use]
    pub fn is_unsupported(&self, line: &Line) -> bool {
        line.at.is_some_and(|at| self.unsupported.binary_search(&at).is_ok())
    }

    /// Where each statement can be marked: at its own first line, else at the nearest one above it. What is laid out as it
    /// arrives is cut into blocks more simply than the whole is read, so that the two may differ inside raw HTML.
    fn marked(unsupported: &[BlockStart], body: &Body) -> Vec<BlockStart> {
        let Body::Markdown(sheet) = body else { return Vec::new() };
        let begins: BTreeSet<BlockStart> = sheet.lines(0).filter_map(|line| line.at).collect();
        let nearest = unsupported.iter().filter_map(|at| begins.range(..=*at).next_back().or(begins.first()).copied());
        nearest.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Its lines from number `from` on, without the empty one behind it.
    pub(super) fn lines(&self, from: usize) -> impl Iterator<Item = &Line> {
        let (plain, sheet) = match &self.body {
            Body::Plain { lines, .. } => (&lines[..], None),
            Body::Markdown(sheet) => (&[][..], Some(sheet)),
        };
        let behind_head = from.saturating_sub(self.head.len());
        let behind_body = behind_head.saturating_sub(self.body_len());
        let sheet = sheet.into_iter().flat_map(move |sheet| sheet.lines(behind_head));
        let body = plain.iter().skip(behind_head).chain(sheet);
        self.head.iter().skip(from).chain(body).chain(self.foot.iter().skip(behind_body))
    }
}

impl Transcript {
    /// Number of lines.
    #[must_use]
    pub fn len(&self) -> usize {
        // The empty line behind the last entry is none.
        self.entries.iter().map(Entry::len).sum::<usize>().saturating_sub(1)
    }

    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether there is anything that a model thought.
    #[must_use]
    pub fn has_thoughts(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry.key, Key::Thoughts(_) | Key::ThoughtsOf(_)))
    }

    /// The entry of `key`.
    #[must_use]
    pub fn entry(&self, key: Key) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The lines from number `top` on, each with its entry; `None` for the empty line behind an entry.
    pub fn window(&self, top: usize) -> impl Iterator<Item = (&Entry, Option<&Line>)> {
        let (mut first, mut skip) = (0, top);
        while let Some(entry) = self.entries.get(first).filter(|entry| skip >= entry.len()) {
            skip -= entry.len();
            first += 1;
        }
        self.entries.iter().skip(first).enumerate().flat_map(move |(number, entry)| {
            let from = if number == 0 { skip } else { 0 };
            let lines = entry.lines(from).map(Some).chain([None]);
            lines.map(move |line| (entry, line))
        })
    }

    /// Every line with its number.
    pub fn numbered(&self) -> impl Iterator<Item = (usize, &Entry, &Line)> {
        self.window(0).enumerate().filter_map(|(number, (entry, line))| line.map(|line| (number, entry, line)))
    }

    /// The entry that line `line` belongs to, and which line of it that is.
    #[must_use]
    pub fn locate(&self, line: usize) -> Option<(Key, usize)> {
        let mut left = line;
        for entry in &self.entries {
            if left < entry.len() {
                return Some((entry.key, left));
            }
            left -= entry.len();
        }
        None
    }

    /// Where a line of an entry stands.
    #[must_use]
    pub fn position(&self, key: Key, line: usize) -> Option<usize> {
        let mut before = 0;
        for entry in &self.entries {
            if entry.key == key {
                return Some(before + line.min(entry.len() - 1));
            }
            before += entry.len();
        }
        None
    }

    /// Where line `line` stands in a way that does not depend on the width of the lines: its message, and how many letters and
    /// digits of that stand before it. `None` for what is not stored.
    #[must_use]
    pub fn anchor(&self, line: usize) -> Option<Anchor> {
        let (key, within) = self.locate(line)?;
        let (message, part) = match key {
            Key::Message(id) => (id, Part::Text),
            Key::ThoughtsOf(id) => (id, Part::Thoughts),
            Key::Earlier | Key::Question(_) | Key::Thoughts(_) | Key::Answer(_) => return None,
        };
        let letters = self.entry(key)?.lines(0).take(within).map(letters).sum();
        Some(Anchor { message, part, letters })
    }

    /// The line that holds what stands at `anchor`; `None` when its message is not here.
    #[must_use]
    pub fn line_of(&self, anchor: Anchor) -> Option<usize> {
        let key = match anchor.part {
            Part::Text => Key::Message(anchor.message),
            Part::Thoughts => Key::ThoughtsOf(anchor.message),
        };
        let entry = self.entry(key)?;
        let mut before = 0;
        let within = entry.lines(0).take_while(|line| {
            before += letters(line);
            before <= anchor.letters
        });
        self.position(key, within.count())
    }

    /// Shows this conversation from now on. Entries that did not change are kept, those that grew are laid out where they
    /// did.
    pub(in crate::tui) fn follow(&mut self, messages: &Messages<'_>, paper: Paper, colours: &Colours) {
        let mut old = if self.paper == Some(paper) { std::mem::take(&mut self.entries) } else { Vec::new() };
        self.paper = Some(paper);
        self.entries = wanted(messages).into_iter().map(|wanted| entry(wanted, &mut old, paper, colours)).collect();
    }

    /// Colours have come: the blocks that were waiting for them get them.
    pub(in crate::tui) fn recolour(&mut self, job: &ColourJob, colours: &Colours) {
        let Some(paper) = self.paper else { return };
        for entry in &mut self.entries {
            if let Body::Markdown(sheet) = &mut entry.body
                && sheet.has(job)
            {
                **sheet = sheet.again(paper, colours);
            }
        }
    }
}

/// A place in a conversation, whatever the width of its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Which message.
    pub message: MessageId,
    /// Which part of it.
    pub part: Part,
    /// Letters and digits of it that stand before: signs and spaces depend on where lines are broken.
    pub letters: usize,
}

/// A part of a stored message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// What it says.
    Text,
    /// What the model thought before.
    Thoughts,
}

/// Letters and digits of a line.
fn letters(line: &Line) -> usize {
    line.spans.iter().flat_map(|span| span.text.chars()).filter(|c| c.is_alphanumeric()).count()
}

/// What a transcript is made of.
pub(in crate::tui) struct Messages<'a> {
    /// What is stored, oldest first.
    pub(in crate::tui) stored: &'a [ChatMessage],
    /// How many older ones there are.
    pub(in crate::tui) earlier: usize,
    /// The question being answered, if it belongs here.
    pub(in crate::tui) turn: Option<&'a Turn>,
    /// Whether thoughts are shown in full.
    pub(in crate::tui) thoughts: Thoughts,
    /// The key that unfolds thoughts; `None` while none does.
    pub(in crate::tui) thoughts_key: Option<String>,
    /// Login name of the person at the console.
    pub(in crate::tui) person: &'a str,
    /// Times as people read them, to the minute.
    pub(in crate::tui) minute: &'a dyn Fn(crate::domain::time::Timestamp) -> String,
}

fn wanted<'a>(messages: &Messages<'a>) -> Vec<Wanted<'a>> {
    let mut wanted = Vec::new();
    if messages.earlier > 0 {
        let words = match messages.earlier {
            1 => "1 earlier message is stored and not shown".to_owned(),
            earlier => format!("{earlier} earlier messages are stored and not shown"),
        };
        let head = vec![(words, Role::Muted)];
        wanted.push(Wanted::plain(Key::Earlier, head, ""));
    }
    let Some(turn) = messages.turn else {
        wanted.extend(messages.stored.iter().flat_map(|message| stored(message, messages)));
        return wanted;
    };
    let is_new = |message: &&ChatMessage| Some(message.id) > turn.after;
    let (new, old): (Vec<_>, Vec<_>) = messages.stored.iter().partition(is_new);
    wanted.extend(old.into_iter().flat_map(|message| stored(message, messages)));
    let (questions, answers): (Vec<_>, Vec<_>) =
        new.into_iter().partition(|message| matches!(message.author, Author::Person { .. }));
    // Others may write in the same conversation meanwhile.
    let stored_already = questions.iter().any(|message| message.text.trim() == turn.question);
    if !stored_already && turn.phase.is_asked() {
        // As it will be headed when it is stored: nothing is to change then.
        let head = vec![(format!("{} {}", messages.person, (messages.minute)(turn.at)), Role::Author)];
        let key = Key::Question(turn.number);
        wanted.push(Wanted::plain(key, head, &turn.question));
    }
    wanted.extend(questions.into_iter().flat_map(|message| stored(message, messages)));
    let is_new = |message: &&ChatMessage| !answers.iter().any(|answer| answer.id == message.id);
    let finished = [&turn.broken, &turn.finished].into_iter().flatten().filter(is_new).collect::<Vec<_>>();
    let broken = turn.broken.as_ref().map(|message| message.id);
    let is_over = turn.finished.is_some() || answers.iter().any(|answer| Some(answer.id) != broken);
    let arriving = arriving(turn).filter(|_| turn.phase.is_busy() || !is_over);
    // Once an answer is stored, be it a broken one, its thoughts come with it.
    if broken.is_none() && (arriving.is_some() || (answers.is_empty() && finished.is_empty())) {
        wanted.extend(thoughts(Key::Thoughts(turn.number), &turn.thoughts, messages));
    }
    wanted.extend(answers.into_iter().chain(finished).flat_map(|message| stored(message, messages)));
    wanted.extend(arriving);
    wanted
}

/// What a stored message is to say: what was thought before it, if anything, and its text.
fn stored<'a>(message: &'a ChatMessage, messages: &Messages<'_>) -> impl Iterator<Item = Wanted<'a>> + use<'a> {
    let thoughts = thoughts(Key::ThoughtsOf(message.id), &message.thoughts, messages);
    thoughts.into_iter().chain([text_of(message, messages)])
}

fn text_of<'a>(message: &'a ChatMessage, messages: &Messages<'_>) -> Wanted<'a> {
    let at = (messages.minute)(message.at);
    let (mut head, kind) = match &message.author {
        Author::Person { name } => (vec![(format!("{name} {at}"), Role::Author)], Kind::Plain),
        Author::Model { name } => (vec![(format!("{name} {at}"), Role::Author)], Kind::Markdown),
        Author::Fallback { why } => (vec![(format!("aiops {at}"), Role::Author), fallback(why)], Kind::Markdown),
    };
    let mut foot = match &message.state {
        MessageState::Complete => Vec::new(),
        MessageState::Cut { reason } => vec![(format!("Broken off here: {reason}."), Role::Warning)],
        MessageState::Failed { reason } => vec![(format!("No answer: {reason}"), Role::Bad)],
    };
    let check = message.source_check.as_ref().filter(|check| !check.unsupported.is_empty());
    foot.extend(check.map(|check| (sum(check), Role::Muted)));
    let unsupported = check.map_or(&[][..], |check| &check.unsupported);
    head.retain(|(words, _)| !words.is_empty());
    let sources = matches!(message.author, Author::Model { .. }).then(|| message.sources.clone());
    Wanted { key: Key::Message(message.id), head, text: &message.text, kind, foot, sources, unsupported }
}

/// How many statements of an answer have no source, with the sign that they have at their left.
fn sum(check: &SourceCheck) -> String {
    let (without, all) = (check.unsupported.len(), check.statements);
    match all {
        1 => format!("{UNSUPPORTED} its one statement has no source"),
        _ if without == 1 => format!("{UNSUPPORTED} 1 of {all} statements has no source"),
        _ => format!("{UNSUPPORTED} {without} of {all} statements have no source"),
    }
}

fn fallback(why: &str) -> (String, Role) {
    (format!("Answered from SOPs and history, not by a model: {why}"), Role::Warning)
}

/// What the model thought: one line, or all of it.
fn thoughts<'a>(of: Key, thoughts: &'a str, messages: &Messages<'_>) -> Option<Wanted<'a>> {
    if thoughts.is_empty() {
        return None;
    }
    let (does, text) = match messages.thoughts {
        Thoughts::Folded => ("shows", ""),
        Thoughts::Unfolded => ("hides", thoughts),
    };
    let size = if text.is_empty() { format!(", {}", size(thoughts.len())) } else { String::new() };
    let key = messages.thoughts_key.as_ref().map(|key| format!(" ({key} {does} them)")).unwrap_or_default();
    let words = format!("thoughts{size}{key}");
    let head = vec![(words, Role::Muted)];
    Some(Wanted::plain(of, head, text))
}

fn arriving(turn: &Turn) -> Option<Wanted<'_>> {
    let mut head = Vec::new();
    let (author, why) = match &turn.fallback {
        Some(why) => ("aiops", Some(why)),
        None => (turn.model.as_deref().unwrap_or("aiops"), None),
    };
    head.push((author.to_owned(), Role::Author));
    head.extend(why.map(|why| fallback(why)));
    let (kind, foot) = match &turn.phase {
        Phase::Preparing | Phase::Looking(_) => return None,
        Phase::Asking | Phase::Retrying { .. } | Phase::Thinking if turn.text.is_empty() && why.is_none() => {
            return None;
        }
        Phase::Asking | Phase::Retrying { .. } | Phase::Thinking | Phase::Answering => (Kind::Arriving, None),
        Phase::Stopped => (Kind::Markdown, Some(("You stopped it here.".to_owned(), Role::Warning))),
        Phase::Over(None) => (Kind::Markdown, None),
        Phase::Over(Some(why)) => (Kind::Markdown, Some((why.clone(), Role::Bad))),
    };
    let foot = foot.into_iter().collect();
    Some(Wanted { key: Key::Answer(turn.number), head, text: &turn.text, kind, foot, sources: None, unsupported: &[] })
}

/// The size of a text in rounded steps, so that a growing one does not repaint with every word.
pub(in crate::tui) fn size(bytes: usize) -> String {
    let hundreds = bytes.div_ceil(100);
    format!("{}.{} kB", hundreds / 10, hundreds % 10)
}

/// Of a message so many bytes are laid out at most: what a model can say in one answer, and more than anyone reads. Laying
/// out takes time in which no key is answered.
const LAID_OUT: usize = 256 * 1024;

/// The part of `text` that is laid out, and how many bytes that leaves out.
fn laid_out(text: &str) -> (&str, usize) {
    let shown = &text[..text.floor_char_boundary(LAID_OUT)];
    (shown, text.len() - shown.len())
}

/// The entry of `wanted`, from what there was before as far as that goes.
fn entry(mut wanted: Wanted<'_>, old: &mut [Entry], paper: Paper, colours: &Colours) -> Entry {
    let missing;
    (wanted.text, missing) = laid_out(wanted.text);
    let cut =
        (missing > 0).then(|| (format!("Cut here: {missing} more bytes are stored and not shown."), Role::Warning));
    let lines = |(words, role): (String, Role)| {
        // A reason may quote whatever it was that failed.
        let words = excerpt::of(words);
        let span = Span::new(visible_in(&words, paper.repertoire), role);
        flow(&[span], paper.width, &[], &[], Breaks::AtSpaces)
    };
    let head: Vec<Line> = wanted.head.into_iter().flat_map(lines).collect();
    let foot: Vec<Line> = cut.into_iter().chain(wanted.foot).flat_map(lines).collect();
    let body = match wanted.kind {
        Kind::Plain => plain(wanted.key, wanted.text, old, paper),
        Kind::Markdown | Kind::Arriving => {
            Body::Markdown(Box::new(sheet(wanted.key, wanted.text, wanted.kind, old, paper, colours)))
        }
    };
    let unsupported = Entry::marked(wanted.unsupported, &body);
    Entry { key: wanted.key, sources: wanted.sources, unsupported, head, body, foot }
}

fn plain(key: Key, text: &str, old: &mut [Entry], paper: Paper) -> Body {
    let same = |entry: &&mut Entry| {
        entry.key == key && matches!(&entry.body, Body::Plain { text: known, .. } if known == text)
    };
    if let Some(entry) = old.iter_mut().find(same) {
        return std::mem::replace(&mut entry.body, Body::Plain { text: String::new(), lines: Vec::new() });
    }
    let lines = text.trim_end().split('\n').flat_map(|line| {
        let span = Span::new(visible_in(&line.replace('\t', "    "), paper.repertoire), Role::Text);
        flow(&[span], paper.width, &[], &[], Breaks::AtSpaces)
    });
    let lines = if text.is_empty() { Vec::new() } else { lines.collect() };
    Body::Plain { text: text.to_owned(), lines }
}

fn sheet(key: Key, text: &str, kind: Kind, old: &mut [Entry], paper: Paper, colours: &Colours) -> Sheet {
    // What came piece by piece is the message that is stored in the end; its lines are the same.
    let related = |entry: &Entry| entry.key == key || matches!((entry.key, key), (Key::Answer(_), Key::Message(_)));
    for entry in old.iter_mut().filter(|entry| related(entry)) {
        let Body::Markdown(known) = &mut entry.body else { continue };
        let more = match known.source() {
            (known, Extent::Whole) if known == text && kind != Kind::Arriving => "",
            (known, Extent::Begun) => match text.strip_prefix(known) {
                Some(more) => more,
                None => continue,
            },
            _ => continue,
        };
        let mut kept = std::mem::replace(&mut **known, Sheet::new(paper));
        if !more.is_empty() {
            kept.push(more, colours);
        }
        if kind == Kind::Markdown && kept.source().1 == Extent::Begun {
            kept.finish(colours);
        }
        return kept;
    }
    match kind {
        Kind::Arriving => {
            let mut sheet = Sheet::new(paper);
            sheet.push(text, colours);
            sheet
        }
        Kind::Markdown | Kind::Plain => Sheet::whole(text, paper, colours),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::chat::Conversation;
    use crate::domain::text::Repertoire;
    use crate::domain::time::Timestamp;

    #[test]
    fn of_an_endless_answer_the_beginning_is_shown_and_the_rest_is_counted() {
        let answer = ChatMessage {
            id: MessageId(1),
            conversation: Conversation::General,
            at: Timestamp::default(),
            author: Author::Model { name: "m".to_owned() },
            text: format!("first words\n\n{}last words", "ä\n\n".repeat(LAID_OUT / 4)),
            state: MessageState::Complete,
            usage: None,
            sources: Vec::new(),
            thoughts: String::new(),
            source_check: None,
        };
        let missing = answer.text.len() - answer.text.floor_char_boundary(LAID_OUT);
        let messages = Messages {
            stored: std::slice::from_ref(&answer),
            earlier: 0,
            turn: None,
            thoughts: Thoughts::Folded,
            thoughts_key: None,
            person: "ada",
            minute: &|_| String::new(),
        };
        let mut transcript = Transcript::default();
        let paper = Paper { width: 80, repertoire: Repertoire::Unicode };
        transcript.follow(&messages, paper, &Colours::default());
        let shown: Vec<String> = transcript.numbered().map(|(_, _, line)| line.plain()).collect();
        assert!(shown.iter().any(|line| line == "first words"));
        assert!(!shown.iter().any(|line| line.contains("last words")));
        assert_eq!(shown.last().unwrap(), &format!("Cut here: {missing} more bytes are stored and not shown."));
    }
}
