//! Reading what a model suggests: one JSON object of a fixed shape, strictly.
//!
//! Owns: the shape (as a schema for the provider, and as the only thing that is read), its limits, and what of it is refused and
//! why. Does not: ask a model, or restore names (the caller does, in each text by itself).
//!
//! Invariants: what does not have the shape is refused as a whole; so is an answer that repeats words of the data as if they were
//! its own instructions, since it does then as somebody else says. A suggestion that cannot be done, or that cites what the model
//! was not given, is refused alone and told. What is refused changes nothing.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Advice, Draft, MOST, Source, WHY_CHARACTERS, check_advice, named, node_of_answer};
use crate::domain::id::MessageId;
use crate::domain::run::Run;
use crate::domain::run::event::Change;
use crate::domain::run::item::{ItemId, ItemKind, ItemState};

/// The longest answer that is read, in bytes: [`MOST`] suggestions with all their words fit in half of it.
pub const LONGEST: usize = 24 * 1024;
/// Longest title of a step, in characters.
const TITLE: usize = 160;
/// Longest command, in bytes.
const COMMAND: usize = 1_000;
/// Citations of one suggestion.
const CITES: usize = 8;
/// Longest citation, in bytes; as in the chat.
const CITE: usize = 512;
/// So many words in a row that stand in the data and not in the SOP are no chance: then a step or a command came from there.
const PLANTED_WORDS: usize = 5;
/// A shorter title counts when all of it stands there, and it has so many words: "check the disk" is said by everybody.
const PLANTED_TITLE: usize = 4;
/// The same of a command: `curl x|sh` is two words.
const PLANTED_COMMAND: usize = 2;

/// What a suggestion is checked against.
pub struct Given<'a> {
    /// The run.
    pub run: &'a Run,
    /// Login names that are known.
    pub people: &'a [String],
    /// Whether the model was given what a citation names.
    pub has: &'a dyn Fn(&str) -> bool,
    /// Texts of alerts, outputs and the like, which are data. Foreign text.
    pub data: &'a [String],
    /// The text of the SOP: its words are no planted ones.
    pub document: &'a str,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// What can be suggested, in order.
    pub ideas: Vec<Idea>,
    /// What was refused, one sentence each. Foreign text.
    pub refused: Vec<String>,
    /// Why nothing is suggested, in the model's words; empty when it did not say. Foreign text.
    pub none: String,
}

/// A suggestion of an answer that is not stored yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idea {
    advice: Advice,
    why: String,
    cites: Vec<String>,
    command: Option<String>,
}

impl Idea {
    /// Why. Foreign text.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }

    /// What it rests on, as it is cited. Foreign text.
    #[must_use]
    pub fn cites(&self) -> &[String] {
        &self.cites
    }

    /// The command that it brings. Foreign text.
    #[must_use]
    pub fn command(&self) -> Option<&str> {
        self.command.as_deref()
    }

    /// What is to be done.
    #[must_use]
    pub const fn advice(&self) -> &Advice {
        &self.advice
    }

    /// The suggestion of the answer that is stored as `message`, whose code block number `block` holds its command.
    #[must_use]
    pub fn into_draft(self, name: &str, message: MessageId, block: usize) -> Draft {
        let advice = match self.advice {
            Advice::Plan { change: Change::Insert { after, title, node: Some(_), kind } } => Advice::Plan {
                change: Change::Insert { after, title, node: Some(node_of_answer(message, block)), kind },
            },
            other => other,
        };
        let source = Source::Model { name: name.to_owned(), message };
        Draft { advice, why: self.why, cites: self.cites, source, command: self.command }
    }
}

/// The shape of an answer, as JSON Schema in the words that providers understand.
#[must_use]
pub fn schema() -> Value {
    let text = |about: &str| json!({"type": "string", "description": about});
    let number = |about: &str| json!({"type": "integer", "description": about});
    json!({
        "type": "object",
        "properties": {
            "suggestions": {
                "type": "array",
                "maxItems": MOST,
                "items": {
                    "type": "object",
                    "properties": {
                        "change": {
                            "type": "string",
                            "enum": ["skip", "insert", "move", "repeat", "assign", "stop", "branch"],
                        },
                        "item": number("number of the step; for all but insert and stop"),
                        "after": number("for insert and move: the step that it comes after; without it, it comes next"),
                        "title": text("for insert: what is to be done, in one sentence"),
                        "command": text("for insert: one command line, when a command does it"),
                        "to": text("for assign: the login name"),
                        "branch": number("for branch: the number of the answer, from 1"),
                        "reason": text("why, in one or two sentences"),
                        "cites": {"type": "array", "items": text("E7, sop:ID#NODE, incident or history")},
                    },
                    "required": ["change", "reason", "cites"],
                },
            },
            "none": text("why there is nothing to suggest; only with no suggestions"),
        },
        "required": ["suggestions"],
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireAnswer {
    suggestions: Vec<Wire>,
    #[serde(default)]
    none: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    change: Kind,
    #[serde(default)]
    item: Option<u32>,
    #[serde(default)]
    after: Option<u32>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    command: Option<String>,
    #[serde(default)]
    to: Option<String>,
    #[serde(default)]
    branch: Option<u32>,
    reason: String,
    cites: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Skip,
    Insert,
    Move,
    Repeat,
    Assign,
    Stop,
    Branch,
}

/// Reads an answer; `restore` puts names back into one text of it.
///
/// # Errors
/// Why all of it is refused, as a clause.
pub fn read(answer: &str, given: &Given<'_>, mut restore: impl FnMut(&str) -> String) -> Result<Read, String> {
    if answer.len() > LONGEST {
        return Err(format!("it has {} bytes, more than {LONGEST}", answer.len()));
    }
    let wire: WireAnswer =
        serde_json::from_str(answer).map_err(|error| format!("it is not what was asked for: {error}"))?;
    if wire.suggestions.len() > MOST {
        return Err(format!("it has {} suggestions, more than {MOST}", wire.suggestions.len()));
    }
    let mut read = Read { none: restored(wire.none.as_deref(), &mut restore).unwrap_or_default(), ..Read::default() };
    if read.none.chars().count() > WHY_CHARACTERS {
        return Err("what it says instead of suggestions is too long".to_owned());
    }
    for (number, wire) in wire.suggestions.into_iter().enumerate() {
        let wire = Wire {
            title: restored(wire.title.as_deref(), &mut restore),
            command: restored(wire.command.as_deref(), &mut restore),
            to: restored(wire.to.as_deref(), &mut restore),
            reason: restore(&wire.reason),
            cites: wire.cites.iter().map(|cite| restore(cite)).collect(),
            ..wire
        };
        if let Some(words) = planted(&wire, given) {
            return Err(format!(
                "its suggestion {} repeats words of the alert or of an output, which are data and may have been planted there: \
                 \"{words}\"",
                number + 1
            ));
        }
        match idea(&wire, given) {
            Ok(idea) if read.ideas.iter().any(|other| other.advice.same_as(&idea.advice)) => {
                read.refused.push(format!("Suggestion {}: it is there twice", number + 1));
            }
            Ok(idea) => read.ideas.push(idea),
            Err(why) => read.refused.push(format!("Suggestion {}: {why}", number + 1)),
        }
    }
    Ok(read)
}

fn restored(text: Option<&str>, restore: &mut impl FnMut(&str) -> String) -> Option<String> {
    text.map(restore)
}

/// One suggestion; the error is why it is refused, as a clause.
fn idea(wire: &Wire, given: &Given<'_>) -> Result<Idea, String> {
    only_its_own(wire)?;
    let why = words("its reason", &wire.reason, WHY_CHARACTERS)?;
    let cites = cited(&wire.cites, given)?;
    let command = match wire.command.as_deref().map(str::trim) {
        None | Some("") => None,
        Some(command) => Some(one_command(command)?),
    };
    let advice = advice(wire, command.is_some(), &why, given)?;
    check_advice(given.run, &advice).map_err(|refusal| refusal.why)?;
    Ok(Idea { advice, why, cites, command })
}

/// What a change of another kind has would be lost without a word.
fn only_its_own(wire: &Wire) -> Result<(), String> {
    let allowed: &[&str] = match wire.change {
        Kind::Skip | Kind::Repeat => &["item"],
        Kind::Insert => &["after", "title", "command"],
        Kind::Move => &["item", "after"],
        Kind::Assign => &["item", "to"],
        Kind::Branch => &["item", "branch"],
        Kind::Stop => &[],
    };
    let has = [
        ("item", wire.item.is_some()),
        ("after", wire.after.is_some()),
        ("title", wire.title.as_ref().is_some_and(|text| !text.is_empty())),
        ("command", wire.command.as_ref().is_some_and(|text| !text.is_empty())),
        ("to", wire.to.as_ref().is_some_and(|text| !text.is_empty())),
        ("branch", wire.branch.is_some()),
    ];
    match has.iter().find(|(name, there)| *there && !allowed.contains(name)) {
        Some((name, _)) => Err(format!("it gives \"{name}\", which this change does not have")),
        None => Ok(()),
    }
}

fn advice(wire: &Wire, brings_command: bool, why: &str, given: &Given<'_>) -> Result<Advice, String> {
    let run = given.run;
    let item = || -> Result<ItemId, String> {
        let id = ItemId(wire.item.ok_or("it names no step")?);
        known(run, id).map(|()| id)
    };
    let plan = |change| Ok(Advice::Plan { change });
    match wire.change {
        Kind::Skip => plan(Change::Skip { item: item()?, reason: why.to_owned() }),
        Kind::Repeat => plan(Change::Repeat { item: item()? }),
        Kind::Move => {
            let item = item()?;
            plan(Change::Move { item, after: after(wire, Some(item), run)? })
        }
        Kind::Insert => {
            let title = words("its title", wire.title.as_deref().unwrap_or_default(), TITLE)?;
            let (node, kind) = if brings_command {
                // The answer has no number before it is stored.
                (Some(node_of_answer(MessageId(0), 0)), ItemKind::Command)
            } else {
                (None, ItemKind::Manual)
            };
            plan(Change::Insert { after: after(wire, None, run)?, title, node, kind })
        }
        Kind::Assign => {
            let to = wire.to.as_deref().unwrap_or_default().trim().to_owned();
            if !given.people.contains(&to) {
                return Err(format!("nobody is known by the login name \"{}\"", short(&to)));
            }
            Ok(Advice::Assign { item: item()?, to })
        }
        Kind::Branch => {
            let item = item()?;
            let Some(ItemKind::Decision { forks, .. }) = run.item(item).map(|item| &item.kind) else {
                return Err(format!("step {item} is no question"));
            };
            let number = wire.branch.ok_or("it names no answer")?;
            let fork = usize::try_from(number).ok().and_then(|number| forks.get(number.checked_sub(1)?));
            let fork = fork.ok_or_else(|| format!("{} has no answer {number}", named(run, item)))?;
            Ok(Advice::Branch { item, branch: fork.node.clone() })
        }
        Kind::Stop => Ok(Advice::Stop),
    }
}

fn known(run: &Run, id: ItemId) -> Result<(), String> {
    run.item(id).map(|_| ()).ok_or_else(|| format!("there is no step {id} in this run"))
}

/// The step that it comes behind: the one that is named, else the last one that was begun, so that it comes next.
fn after(wire: &Wire, moved: Option<ItemId>, run: &Run) -> Result<Option<ItemId>, String> {
    match wire.after {
        Some(number) => known(run, ItemId(number)).map(|()| Some(ItemId(number))),
        None => {
            let mut begun = run.plan.items.iter().rev();
            Ok(begun.find(|item| Some(item.id) != moved && item.state != ItemState::Pending).map(|item| item.id))
        }
    }
}

fn words(what: &str, text: &str, most: usize) -> Result<String, String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.chars().count() {
        0 => Err(format!("{what} is empty")),
        count if count > most => Err(format!("{what} has {count} characters, more than {most}")),
        _ => Ok(text),
    }
}

fn one_command(command: &str) -> Result<String, String> {
    if command.len() > COMMAND {
        return Err(format!("its command has {} bytes, more than {COMMAND}", command.len()));
    }
    // Back quotes would end the block in which the answer shows it, so that another text would be proposed than was read here.
    match command.chars().find(|c| c.is_control() || *c == '`') {
        Some('`') => Err("its command holds a back quote; the grammar has no use for it".to_owned()),
        Some(_) => Err("its command is more than one line, or holds control characters".to_owned()),
        None => Ok(command.to_owned()),
    }
}

fn cited(cites: &[String], given: &Given<'_>) -> Result<Vec<String>, String> {
    if cites.is_empty() {
        return Err("it names nothing that it rests on".to_owned());
    }
    if cites.len() > CITES {
        return Err(format!("it has {} citations, more than {CITES}", cites.len()));
    }
    let plain = |cite: &String| cite.trim().trim_start_matches('[').trim_end_matches(']').to_owned();
    let cites: Vec<String> = cites.iter().map(plain).collect();
    match cites.iter().find(|cite| cite.len() > CITE || !(given.has)(cite)) {
        Some(cite) => Err(format!("it cites \"{}\", which the model was not given", short(cite))),
        None => Ok(cites),
    }
}

/// The beginning of a text that is told back.
fn short(text: &str) -> String {
    const SHORT: usize = 60;
    let beginning: String = text.chars().take(SHORT).collect();
    if beginning.len() < text.len() { format!("{beginning}...") } else { beginning }
}

/// Words in a row of a new step that stand in the data and neither in the SOP nor in the plan: whoever wrote them there wanted them
/// to be done.
fn planted(wire: &Wire, given: &Given<'_>) -> Option<String> {
    let data: Vec<String> = given.data.iter().map(|text| plain(text)).collect();
    let mut trusted = vec![plain(given.document)];
    trusted.extend(given.run.plan.items.iter().map(|item| plain(&item.title)));
    let stands_in = |texts: &[String], part: &str| texts.iter().any(|text| text.contains(part));
    let texts = [(wire.title.as_deref(), PLANTED_TITLE), (wire.command.as_deref(), PLANTED_COMMAND)];
    texts.into_iter().filter_map(|(text, least)| Some((text?, least))).find_map(|(text, least)| {
        let text = plain(text);
        let words: Vec<&str> = text.split_whitespace().collect();
        let length = PLANTED_WORDS.min(words.len());
        if length < least {
            return None;
        }
        let found = words.windows(length).map(|part| part.join(" ")).find(|part| {
            let part = format!(" {part} ");
            stands_in(&data, &part) && !stands_in(&trusted, &part)
        });
        found.map(|part| short(&part))
    })
}

/// Words in lower case with one space around each, so that line breaks and letters do not hide them.
fn plain(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    format!(" {} ", words.join(" "))
}
