//! Proposals out of answers.
//!
//! Owns: which messages a command may be taken from, and for which incident. Does not: relax anything: the command goes through
//! the same grammar, risk, review and grant as that of an SOP, with its words marked as the assistant's.

use std::collections::BTreeMap;

use super::{LocalBackend, Written};
use crate::domain::action::spec::{Execution, StepRef};
use crate::domain::alert::AlertKey;
use crate::domain::chat::blocks;
use crate::domain::chat::{Author, ChatMessage, MessageState};
use crate::domain::id::{IncidentId, MessageId};
use crate::domain::incident::Refusal;
use crate::engine::backend::{BackendError, Done};

const WHAT: &str = "Not proposed";
/// Characters of the command that stand in the title.
const TITLE: usize = 60;

impl LocalBackend {
    /// Proposes the command in block number `block` of an answer.
    ///
    /// # Errors
    /// When the message is none of an answer about that incident, the block is no single command, its parameters need values,
    /// or the rules say no.
    pub(in crate::engine) async fn propose_from_chat(
        &self,
        incident: IncidentId,
        alert: AlertKey,
        message: MessageId,
        block: usize,
        values: BTreeMap<String, String>,
    ) -> Result<Done, BackendError> {
        let found = self.store.message(message).await?;
        let found = found.ok_or_else(|| refused("there is no such message", "Choose one that is on the screen"))?;
        check(&found, incident)?;
        let command = blocks::command(&found.text, block)?;
        let (alert, subject) = self.subject(incident, alert).await?;
        let title = title(&command.script);
        let written = Written {
            step: StepRef::of_answer(message, block, &found.text, title),
            script: &command.script,
            shell: command.shell,
            mode: Execution::of(command.interactive),
            place: None,
        };
        self.store_proposal(incident, written, &alert, subject, &values).await
    }
}

/// The beginning of the command, with a mark when it goes on. Letters of every terminal: it is shown on all of them.
fn title(script: &str) -> String {
    let script = script.trim_end();
    let first_line = script.lines().next().unwrap_or_default();
    let beginning: String = first_line.chars().take(TITLE).collect();
    let mark = if beginning.len() < script.len() { " ..." } else { "" };
    format!("assistant: {}{mark}", beginning.trim_end())
}

fn refused(why: &str, remedy: &str) -> BackendError {
    Refusal::new(WHAT, why, remedy).into()
}

/// Whether a command may be taken from `message` for `incident`.
fn check(message: &ChatMessage, incident: IncidentId) -> Result<(), BackendError> {
    match message.author {
        Author::Model { .. } | Author::Fallback { .. } => {}
        Author::Person { .. } => return Err(refused("it is a question, not an answer", "Choose a block of an answer")),
    }
    if matches!(message.state, MessageState::Failed { .. }) {
        return Err(refused("that answer failed", "Ask again"));
    }
    // What was said about one incident may be wrong for another one.
    if message.conversation.incident().is_some_and(|about| about != incident) {
        return Err(refused("the answer is about another incident", "Go to that incident, or ask again here"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_says_when_the_command_goes_on() {
        let exactly = "x".repeat(TITLE);
        assert_eq!(title("df -h\n"), "assistant: df -h");
        assert_eq!(title(&exactly), format!("assistant: {exactly}"));
        assert_eq!(title(&format!("{exactly}y")), format!("assistant: {exactly} ..."));
        assert_eq!(title("df -h \\\n  /srv\n"), "assistant: df -h \\ ...");
    }
}
