//! Who did something: a person at a terminal, the engine, or a model.

use serde::{Deserialize, Serialize};

/// The author of a journal entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// A person, as the operating system knows them. Environment variables such as `USER` are not believed.
    Person(Person),
    /// The program itself, in the named part (`ingest`, `runner`, `store`).
    Engine {
        /// Which part of the engine.
        part: String,
    },
}

/// The identity of a person, from the kernel and the SSH connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Real user id of the process.
    pub uid: u32,
    /// Login name of `uid` in the password database, or the number when it has none.
    pub name: String,
    /// Audit login uid (`/proc/self/loginuid`); absent when the kernel has none set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_uid: Option<u32>,
    /// Address and port of the other end, from `SSH_CONNECTION`; claimed, not proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_peer: Option<String>,
    /// Controlling terminal (`/dev/pts/3`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tty: Option<String>,
}

impl Actor {
    /// The engine part `part` as an actor.
    #[must_use]
    pub fn engine(part: &str) -> Self {
        Self::Engine { part: part.to_owned() }
    }

    /// A short name for screens: the person's login name or the engine's part.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::Person(person) => &person.name,
            Self::Engine { part } => part,
        }
    }
}
