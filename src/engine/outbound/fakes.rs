//! A simple redactor for tests: secrets begin with `SECRET-`, hosts with `host-`.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::{Blocked, Redacted, Redactor, Restore, Tokens};

/// The token of the first host.
pub(crate) const TOKEN: &str = "NAMEQX1";

/// Replaces `host-7` by [`TOKEN`] and back, and finds `canaries` in plain text.
#[derive(Default)]
pub(crate) struct FakeRedactor {
    pub(crate) canaries: Mutex<Vec<String>>,
}

struct FakeTokens {
    learned: BTreeMap<String, String>,
}

struct FakeRestore {
    held: String,
}

impl Redactor for FakeRedactor {
    fn begin(&self) -> Box<dyn Tokens> {
        Box::new(FakeTokens { learned: BTreeMap::new() })
    }

    fn naming_labels(&self) -> &[&'static str] {
        &["instance"]
    }

    fn preamble(&self) -> &'static str {
        "NAMEQX1 is a placeholder."
    }

    fn find_own_secret(&self, bytes: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(bytes);
        let canaries = self.canaries.lock().unwrap();
        canaries.iter().any(|canary| text.contains(canary.as_str())).then(|| "the API key".to_owned())
    }
}

impl Tokens for FakeTokens {
    fn learn(&mut self, labels: &BTreeMap<String, String>) {
        self.learned.extend(labels.clone());
    }

    fn redact(&mut self, json: &[u8]) -> Result<Redacted, Blocked> {
        let text = std::str::from_utf8(json).map_err(|_| Blocked::Unreadable("it is no text".to_owned()))?;
        if text.contains("UNREADABLE") {
            return Err(Blocked::Unreadable("a part of it cannot be read".to_owned()));
        }
        let count = text.matches("host-7").count();
        let replaced = if count > 0 { BTreeMap::from([("host".to_owned(), count)]) } else { BTreeMap::new() };
        Ok(Redacted { body: text.replace("host-7", TOKEN).into_bytes(), replaced })
    }

    fn restorer(&self) -> Box<dyn Restore> {
        Box::new(FakeRestore { held: String::new() })
    }
}

impl Restore for FakeRestore {
    fn push(&mut self, piece: &str) -> String {
        self.held.push_str(piece);
        let whole = self.held.replace(TOKEN, "host-7");
        let keep = (1..TOKEN.len()).rev().find(|length| whole.ends_with(&TOKEN[..*length])).unwrap_or(0);
        let (out, held) = whole.split_at(whole.len() - keep);
        let out = out.to_owned();
        self.held = held.to_owned();
        out
    }

    fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}
