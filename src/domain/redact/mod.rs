//! What may leave this machine: secrets are removed, names of hosts, people and addresses are replaced by tokens.
//!
//! Owns: finding secrets (`detect` and the tables in `rules`), tokens and their way back ([`Pseudonyms`], [`Restorer`]),
//! the values that must never leave ([`Canaries`]), and the walk through a serialised body ([`redact_body`]).
//!
//! Invariants:
//! - A secret becomes `[REDACTED:kind]`; no finding, error or `Debug` holds a value.
//! - Redacting twice gives what redacting once gave.
//! - What holds no secret comes back as it was: `restore(redact(text)) == text`.
//! - A body that cannot be read, or in which a canary stands, is refused.
//!
//! Does not: send anything, or decide whether names are to be kept; the caller says so with [`Names`].

mod assign;
mod backward;
mod body;
mod canary;
mod cut;
mod detect;
mod encoded;
mod keyed;
mod literal;
mod manifest;
mod names;
mod nearby;
mod pseudonym;
mod restore;
mod rules;
mod text;
mod trace;
mod value;

use std::fmt;
use std::ops::Range;

use serde::Serialize;

pub use body::{Blocked, RedactedBody, redact_body};
pub use canary::Canaries;
pub use names::{is_public_suffix, own_domain};
pub use pseudonym::{NameKind, PREAMBLE, Pseudonyms};
pub use restore::Restorer;
pub use text::{RedactedBytes, RedactedText, redact_bytes, redact_text};

/// How every placeholder of a secret begins.
const PLACEHOLDER_START: &str = "[REDACTED:";

/// What was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A password of any sort.
    Password,
    /// A key of a service.
    ApiKey,
    /// A token that lets its bearer in.
    Token,
    /// Another secret.
    Secret,
    /// A private key, whole or in part.
    PrivateKey,
    /// The value of a cookie.
    Cookie,
    /// A password's hash, which can be guessed offline.
    Hash,
    /// A signature that makes a URL valid.
    Signature,
    /// A URL that is a secret itself.
    Webhook,
    /// An SNMP community.
    Community,
    /// The seed of one-time passwords.
    Seed,
    /// A value of a Kubernetes Secret.
    SecretData,
    /// A host; replaced by a token and restored.
    Host,
    /// An IP address; replaced by a token and restored.
    Address,
    /// A person's account; replaced by a token and restored.
    User,
    /// A mail address; replaced by a token and restored.
    Mail,
    /// Text that looked like a token that was never given out; replaced by one of its own, so that it stays what it is.
    Lookalike,
}

impl Kind {
    /// The name in `[REDACTED:name]` and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::ApiKey => "api-key",
            Self::Token => "token",
            Self::Secret => "secret",
            Self::PrivateKey => "private-key",
            Self::Cookie => "cookie",
            Self::Hash => "hash",
            Self::Signature => "signature",
            Self::Webhook => "webhook",
            Self::Community => "community",
            Self::Seed => "seed",
            Self::SecretData => "secret-data",
            Self::Host => "host",
            Self::Address => "address",
            Self::User => "user",
            Self::Mail => "mail",
            Self::Lookalike => "lookalike",
        }
    }

    /// True for what is removed for good; false for what a token stands for.
    #[must_use]
    pub const fn is_secret(self) -> bool {
        !matches!(self, Self::Host | Self::Address | Self::User | Self::Mail | Self::Lookalike)
    }

    /// What stands in place of a secret of this kind.
    fn placeholder(self) -> String {
        format!("{PLACEHOLDER_START}{self}]")
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One replacement: by which rule, what kind, and where in the input. Never the value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable name of the rule.
    pub rule: &'static str,
    /// What was replaced.
    pub kind: Kind,
    /// Bytes of the input.
    pub span: Range<usize>,
}

/// What happens to names of hosts, people and addresses.
#[derive(Debug)]
pub enum Names<'a> {
    /// They stay.
    Keep,
    /// Tokens of this conversation stand for them.
    Replace(&'a mut Pseudonyms),
}
