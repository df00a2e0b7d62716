//! What a stage has another host do.
//!
//! Owns: the remote text of an `ssh`, and its words. Does not: run it or judge it.

use super::{Parsed, nested, parse};
use crate::domain::action::spec::{Script, Stage, Word};

/// The command that `ssh` hands to the shell of another host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// The host as the stage names it (`host`, `user@host`).
    pub host: String,
    /// Exactly the text that the other shell reads: `ssh` joins its words by blanks.
    pub text: String,
    /// Its words, if it is inside the grammar; `None` when only a shell can tell what it does.
    pub script: Option<Script>,
}

/// What `stage` has another host do; `None` when it is no `ssh` with a command.
#[must_use]
pub fn remote(stage: &Stage) -> Option<Remote> {
    let texts: Vec<String> = stage.argv.iter().map(Word::text).collect();
    let (host, command) = nested::ssh_command(&texts)?;
    let text = texts.get(command..)?.join(" ");
    let script = match parse(&text, &[], &std::collections::BTreeMap::new()) {
        Ok(Parsed::Argv(script)) => Some(script),
        Ok(Parsed::Outside { .. }) | Err(_) => None,
    };
    Some(Remote { host: texts.get(host)?.clone(), text, script })
}

/// The words of the command that `stage` has another host run; `None` when it has none, or none that can be told.
#[must_use]
pub fn remote_script(stage: &Stage) -> Option<Script> {
    remote(stage)?.script
}
