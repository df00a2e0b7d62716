//! What a check of the installation found, in words for the person who has to mend it.
//!
//! Owns: the vocabulary. Does not: look at anything.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nothing needs to be done.
    Ok,
    /// It works, but not everything will.
    Warn,
    /// It does not work.
    Fail,
}

impl Level {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was found. May hold foreign text.
    pub what: String,
    /// What to do about it; empty when nothing needs to be done.
    pub fix: String,
}

impl Finding {
    /// Nothing needs to be done.
    #[must_use]
    pub fn ok(what: impl Into<String>) -> Self {
        Self { level: Level::Ok, what: what.into(), fix: String::new() }
    }

    /// It works, but not everything will.
    #[must_use]
    pub fn warn(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { level: Level::Warn, what: what.into(), fix: fix.into() }
    }

    /// It does not work.
    #[must_use]
    pub fn fail(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { level: Level::Fail, what: what.into(), fix: fix.into() }
    }
}
