//! What an entry is about, besides what happened: which action, from where, how dangerous, under which policy, and who had
//! a hand in its words.
//!
//! Owns: [`About`], which stands beside every entry that concerns an action or a model, so that no reader has to look for
//! the proposal first. Invariant: it is hashed with the entry. Does not: hold large texts.

use serde::{Deserialize, Serialize};

use crate::domain::action::risk::Risk;
use crate::domain::action::spec::{ActionSpec, Invocation, Origin, Piece};
use crate::domain::digest::sha256_hex;
use crate::domain::id::{AttemptId, MessageId, NodeId, ProposalId, SopId};

/// What an entry is about. A field is missing where it does not apply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The proposal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<ProposalId>,
    /// The attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<AttemptId>,
    /// The step that the action comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepPlace>,
    /// Digest of the action, with what it is tied to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Where it acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// How much harm it can do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// Why the risk is what it is, one rule each. May hold foreign text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// SHA-256 of the policy that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The model that wrote words of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelPart>,
    /// Where its words from outside came from, each once, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tainted: Vec<Origin>,
}

/// A step, by its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepPlace {
    /// The document, or `answer:` and the number of a message.
    pub sop: SopId,
    /// The command node in it.
    pub node: NodeId,
    /// SHA-256 of the document or of the message's text.
    pub revision: String,
}

/// A model, and what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelPart {
    /// Its name, as it was asked for.
    pub name: String,
    /// SHA-256 of the whole request body: the prompt with everything that was sent along.
    pub prompt: String,
    /// The message that holds its answer, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<MessageId>,
}

impl About {
    /// What an entry about this action says, besides numbers.
    #[must_use]
    pub fn action(spec: &ActionSpec, digest: &str) -> Self {
        Self {
            step: Some(StepPlace {
                sop: spec.step.sop.clone(),
                node: spec.step.node.clone(),
                revision: spec.step.revision.clone(),
            }),
            digest: Some(digest.to_owned()),
            target: Some(spec.target.name().to_owned()),
            risk: Some(spec.risk),
            rules: spec.risk_reasons.clone(),
            tainted: tainted(spec),
            ..Self::default()
        }
    }

    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The hash by which entries name a text of a policy.
    #[must_use]
    pub fn hash_of_policy(text: &str) -> String {
        sha256_hex(text.as_bytes())
    }
}

/// Where the words of a command from outside came from, each source once, in the order of the words.
fn tainted(spec: &ActionSpec) -> Vec<Origin> {
    let mut sources = tainted_words(&spec.invocation);
    // Bytes for bash have no pieces: all of them count as typed by whoever edited them.
    if spec.edited.is_some() && !sources.contains(&Origin::Operator) {
        sources.push(Origin::Operator);
    }
    sources
}

fn tainted_words(invocation: &Invocation) -> Vec<Origin> {
    let mut sources: Vec<Origin> = Vec::new();
    let mut note = |piece: &Piece| {
        if piece.origin.is_outside() && !sources.contains(&piece.origin) {
            sources.push(piece.origin.clone());
        }
    };
    match invocation {
        Invocation::Argv { script } => script
            .parts
            .iter()
            .flat_map(|(_, pipeline)| &pipeline.stages)
            .flat_map(|stage| &stage.argv)
            .flat_map(|word| &word.pieces)
            .for_each(&mut note),
        Invocation::Bash { values, .. } => values.values().for_each(&mut note),
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::action::spec::{Connector, Pipeline, Script, Stage, Word};

    #[test]
    fn sources_of_words_are_named_once_each() {
        let word = |text: &str, origin: Origin| Word::new(text, origin);
        let argv = vec![
            word("du", Origin::Sop),
            word("/srv", Origin::Label("mountpoint".to_owned())),
            word("/srv", Origin::Label("mountpoint".to_owned())),
            word("-h", Origin::Operator),
        ];
        let stage = Stage::new(argv);
        let script = Script::new(vec![(Connector::Always, Pipeline::new(vec![stage]))]);
        let found = tainted_words(&Invocation::Argv { script });
        assert_eq!(found, [Origin::Label("mountpoint".to_owned()), Origin::Operator]);
    }

    #[test]
    fn an_empty_one_is_known_as_such_and_missing_fields_are_read() {
        assert!(About::default().is_empty());
        assert_eq!(serde_json::from_str::<About>("{}").unwrap(), About::default());
        assert_eq!(serde_json::to_string(&About::default()).unwrap(), "{}");
        let policy = Some(About::hash_of_policy("[[rule]]"));
        assert!(!About { policy, ..About::default() }.is_empty());
    }
}
