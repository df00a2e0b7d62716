//! Suggestions for a run: asked of the model through the same way out as every question, else counted from history.
//!
//! Owns: what is gathered for it, reading the answer with names put back, the message that keeps it, and handing it to the run. Does
//! not: change the run: a person takes each suggestion or leaves it.
//!
//! Invariants: what is refused is told in the message and changes nothing. Names are put back in each text of the answer by itself,
//! after it was read, so that no value can become part of its form. A command reaches a proposal from the message alone, as every
//! command of an answer does.

use std::sync::Arc;

use super::answering::{STOPPED, Said, Sender, call, note_refused};
use super::citations::Given as Sources;
use super::hearing::{Heard, Kept, Manner};
use super::material::Material;
use super::{Assistant, Plan, Ready, words};
use crate::domain::actor::Actor;
use crate::domain::alert::{AlertKey, Labels};
use crate::domain::chat::citation;
use crate::domain::chat::{Author, ChatMessage, Conversation, MessageDraft, MessageState, Usage, blocks};
use crate::domain::id::{RunId, SopId};
use crate::domain::incident::Refusal;
use crate::domain::procedure::Shell;
use crate::domain::run::Run;
use crate::domain::run::decide::RunCommand;
use crate::domain::run::statistics::RunStory;
use crate::domain::run::suggestion::experience::{self, CITE};
use crate::domain::run::suggestion::reading::{self, Given, Idea, LONGEST};
use crate::domain::run::suggestion::{Draft, caution};
use crate::engine::ask::{AnswerEvent, Ask};
use crate::engine::backend::BackendError;
use crate::engine::outbound::Inspected;
use crate::store::{Store, UnderWay};

/// The part of the engine that asks models.
const PART: &str = "assistant";

/// What suggestions for a run are made from, besides what every answer is.
pub(super) struct Matter {
    /// The run as it was when it was gathered.
    pub(super) run: Run,
    /// The runs of its SOP.
    pub(super) stories: Vec<RunStory>,
}

impl Matter {
    /// Reads it.
    ///
    /// # Errors
    /// When there is no such run, it is over, or the store cannot be read.
    pub(super) async fn gather(id: RunId, store: &Store) -> Result<Self, BackendError> {
        let read = store.read_view(move |reader| {
            let Some(run) = reader.run(id)? else { return Ok(None) };
            let stories = reader.run_stories(&run.plan.sop)?;
            Ok(Some(Self { run, stories }))
        });
        let refused = |why: String, remedy: &str| Err(Refusal::new("Not asked", why, remedy).into());
        match read.await? {
            None => refused(format!("there is no run {id} of an SOP"), "Look at the incident's run"),
            Some(matter) if matter.run.state.is_over() => refused(format!("run {id} is over"), "Begin another one"),
            Some(matter) => Ok(matter),
        }
    }

    /// The question, as the conversation of the incident keeps it.
    pub(super) fn ask(&self) -> Ask {
        let run = &self.run;
        let alert: AlertKey = run.plan.alert.clone();
        Ask {
            conversation: Conversation::Incident(run.incident),
            question: format!("How should run {} go on? Suggest changes of its plan.", run.id),
            sop: Some(run.plan.sop.clone()),
            node: None,
            alert: Some(alert),
        }
    }

    /// Names of people that stand in the run.
    pub(super) fn names(&self) -> Vec<Labels> {
        let assigned = self.run.plan.items.iter().filter_map(|item| item.assigned.as_ref());
        assigned.chain([&self.run.owner]).map(|name| Labels::from([("user".to_owned(), name.clone())])).collect()
    }
}

/// How it was answered.
struct Outcome {
    message: MessageDraft,
    suggests: Suggests,
}

/// What is handed to the run.
enum Suggests {
    /// Ideas of this model.
    Ideas { name: String, ideas: Vec<Idea> },
    /// What history says.
    Drafts(Vec<Draft>),
}

/// Answers, stores the answer, and hands what it suggests to the run.
pub(super) async fn run(assistant: Assistant, ready: Ready, matter: Arc<Matter>, under_way: UnderWay, sender: Sender) {
    let Ready { material, plan, .. } = ready;
    let outcome = match plan {
        Plan::Local { why, held } => {
            note_refused(&assistant, held.as_ref(), &material).await;
            local(&material, &matter, why)
        }
        Plan::Model { inspected, sources } => {
            let kept = Kept::new(assistant.inner.parts.store.clone(), under_way.question());
            match by_model(&assistant, &inspected, sources, &material, &matter, kept, &sender).await {
                Ok(outcome) => outcome,
                Err(why) => {
                    let _ = sender.send(AnswerEvent::Fallback { why: why.clone() }).await;
                    local(&material, &matter, why)
                }
            }
        }
    };
    // Whoever asked may have gone; it is stored all the same.
    let _ = sender.send(AnswerEvent::Text(outcome.message.text.clone())).await;
    let event = match keep(&assistant, &matter, under_way, outcome).await {
        Ok(message) => AnswerEvent::Done(Box::new(message)),
        Err(why) => AnswerEvent::Lost { why },
    };
    let _ = sender.send(event).await;
}

/// Stores the message, then what it suggests: a command is named by the message that it stands in.
async fn keep(
    assistant: &Assistant,
    matter: &Matter,
    under_way: UnderWay,
    outcome: Outcome,
) -> Result<ChatMessage, String> {
    let store = &assistant.inner.parts.store;
    let stored = store.answered(under_way, outcome.message).await;
    let message = stored.map_err(|error| format!("The answer could not be stored: {error}"))?;
    let (drafts, part) = match outcome.suggests {
        Suggests::Drafts(drafts) => (drafts, "history"),
        Suggests::Ideas { name, ideas } => {
            let mut block = 0;
            let mut drafts = Vec::new();
            for idea in ideas {
                let brings = usize::from(idea.command().is_some());
                drafts.push(idea.into_draft(&name, message.id, block));
                block += brings;
            }
            (drafts, PART)
        }
    };
    if drafts.is_empty() {
        return Ok(message);
    }
    let is_history = part == "history";
    match store.run_command(matter.run.id, RunCommand::Suggest(drafts), &Actor::engine(part)).await {
        Ok(_) => Ok(message),
        // History says the same as before, and that waits already.
        Err(crate::store::CommandError::Refused(_)) if is_history => Ok(message),
        Err(error) => Err(format!("Nothing is suggested: {error}. The run has gone on meanwhile; ask again")),
    }
}

/// What the model suggests.
///
/// # Errors
/// Why history has to answer, as a sentence with what to do about it.
async fn by_model(
    assistant: &Assistant,
    inspected: &Inspected,
    sources: Vec<SopId>,
    material: &Arc<Material>,
    matter: &Arc<Matter>,
    kept: Kept,
    sender: &Sender,
) -> Result<Outcome, String> {
    let Said { heard, verdict } = call(assistant, inspected, kept, Manner::Held { longest: LONGEST }, sender).await?;
    let Heard { text, thoughts, usage, name, .. } = heard;
    let conversation = material.ask.conversation;
    let message = move |said: String, state| {
        let draft = ChatMessage::draft(conversation, Author::Model { name: name.clone() }, said, state);
        (
            name.clone(),
            MessageDraft {
                usage: usage as Option<Usage>,
                sources: sources.clone(),
                thoughts: thoughts.clone(),
                ..draft
            },
        )
    };
    match verdict.map_err(|broken| broken.why)? {
        MessageState::Complete => {}
        MessageState::Cut { reason } if reason == STOPPED => {
            let (name, message) = message(String::new(), MessageState::Cut { reason });
            return Ok(Outcome { message, suggests: Suggests::Ideas { name, ideas: Vec::new() } });
        }
        MessageState::Cut { reason } | MessageState::Failed { reason } => {
            return Err(format!("The model's suggestions were refused: the answer is not whole ({reason}). Ask again"));
        }
    }
    // Each text by itself: a name that is put back cannot end it.
    let restorers = (0..TEXTS).map(|_| inspected.restorer()).collect::<Vec<_>>();
    let (of, matter) = (Arc::clone(material), Arc::clone(matter));
    let read = tokio::task::spawn_blocking(move || {
        let mut restorers = restorers.into_iter();
        let restore = |text: &str| match restorers.next() {
            Some(mut one) => {
                let begun = one.push(text);
                begun + &one.finish()
            }
            None => text.to_owned(),
        };
        read(&text, &of, &matter, restore).map(|read| (said(&matter.run, &read), read))
    });
    let read = read.await.map_err(|error| format!("The answer could not be read: {error}. Ask again"))?;
    let (text, read) = read.map_err(|why| {
        format!("The model's suggestions were refused, and nothing was changed: {why}. Ask again, or go on by yourself")
    })?;
    let (name, message) = message(text, MessageState::Complete);
    Ok(Outcome { message, suggests: Suggests::Ideas { name, ideas: read.ideas } })
}

/// Texts of an answer of the longest kind that is read: each suggestion has a title, a command, a name, a reason and citations.
const TEXTS: usize = 1 + crate::domain::run::suggestion::MOST * 24;

/// Reads an answer against what the model was given. Reads documents: not for a thread that others wait for.
fn read(
    text: &str,
    material: &Material,
    matter: &Matter,
    restore: impl FnMut(&str) -> String,
) -> Result<reading::Read, String> {
    let sops: Vec<SopId> = material.sop.iter().map(|document| document.procedure.sop.clone()).collect();
    let sources = Sources::new(material, &sops);
    let has = |cite: &str| {
        cite == CITE || citation::first(&format!("[{cite}]")).is_some_and(|found| sources.has(&found.source))
    };
    let data = data(material);
    let document = material.sop.as_ref().map(|document| document.source.as_str()).unwrap_or_default();
    let given = Given { run: &matter.run, people: &material.people, has: &has, data: &data, document };
    let mut read = reading::read(text, &given, restore)?;
    // What the gate would find in the message has to be what was read here.
    let whole = said(&matter.run, &read);
    let mut block = 0;
    let mut ideas = Vec::new();
    for idea in std::mem::take(&mut read.ideas) {
        match idea.command().map(|command| (command.to_owned(), blocks::command(&whole, block))) {
            None => ideas.push(idea),
            Some((command, found)) => {
                block += 1;
                match found {
                    Ok(found) if found.script.trim() == command && found.shell == Shell::Sh => ideas.push(idea),
                    _ => read.refused.push(format!("\"{command}\" is not one command that could be proposed")),
                }
            }
        }
    }
    read.ideas = ideas;
    Ok(read)
}

/// Every text that machines or others wrote and that is in the context: of the alerts, the timeline and the outputs.
fn data(material: &Material) -> Vec<String> {
    let mut data = Vec::new();
    if let Some(detail) = &material.incident {
        for alert in &detail.alerts {
            data.extend(alert.labels.values().chain(alert.annotations.values()).cloned());
        }
        data.push(detail.incident.title.clone());
    }
    data.extend(material.outputs.values().map(|output| String::from_utf8_lossy(output).into_owned()));
    data
}

/// The answer in Markdown, one paragraph for each suggestion; the command of each in a block of its own, in order.
fn said(run: &Run, read: &reading::Read) -> String {
    let mut parts = Vec::new();
    for (number, idea) in read.ideas.iter().enumerate() {
        let what = harmless(&idea.advice().words(run));
        let cites: Vec<String> = idea.cites().iter().map(|cite| format!("[{}]", harmless(cite))).collect();
        parts.push(format!("**{}.** {what}: {} {}", number + 1, harmless(idea.why()), cites.join(" ")));
        if let Some(command) = idea.command() {
            let (risk, _) = caution::risk_of(command);
            parts.push(format!("```sh\n{command}\n```"));
            parts.push(format!(
                "Its risk is {}; it is proposed when you take this, and not run without your yes.",
                risk.name()
            ));
        }
    }
    match (read.ideas.is_empty(), read.none.is_empty()) {
        (true, true) => parts.push("Nothing is suggested.".to_owned()),
        (true, false) => parts.push(format!("Nothing is suggested: {}", harmless(&read.none))),
        (false, _) => parts.push(TAKE.to_owned()),
    }
    if !read.refused.is_empty() {
        let refused: Vec<String> = read.refused.iter().map(|why| format!("- {}", harmless(why))).collect();
        parts.push(format!("> aiops refused of this answer:\n\n{}", refused.join("\n")));
    }
    parts.join("\n\n")
}

/// What to do with suggestions.
const TAKE: &str =
    "Nothing is changed yet: look at each with its difference to the plan in the run's box, and take or leave it.";

/// One line that is no Markdown of its own: it could open a block and so shift the commands behind it.
fn harmless(text: &str) -> String {
    words::one_line(text).replace('`', "'")
}

/// What history says, when no model does.
fn local(material: &Material, matter: &Matter, why: String) -> Outcome {
    let found = experience::of(&matter.run, &matter.stories);
    let mut parts: Vec<String> = Vec::new();
    for (number, draft) in found.drafts.iter().enumerate() {
        let what = harmless(&draft.advice.words(&matter.run));
        parts.push(format!("**{}.** {what}: {}", number + 1, harmless(&draft.why)));
    }
    parts.push(if found.drafts.is_empty() { found.none.clone() } else { TAKE.to_owned() });
    let author = Author::Fallback { why };
    let text = parts.join("\n\n");
    let message = ChatMessage::draft(material.ask.conversation, author, text, MessageState::Complete);
    Outcome { message, suggests: Suggests::Drafts(found.drafts) }
}
