//! The variables `AIOPS_*`: which key each of them sets, and which of them set none.
//!
//! Owns: the names. The rule is `AIOPS_<SECTION>_<KEY>` in upper case (`AIOPS_RECEIVER_LISTEN`), plus the short names in
//! [`SHORT`]. An empty variable counts as not set. The variables of [`GOOGLE`] are those of Google's own clients; they speak
//! to every program, so they only say what neither this program's variables nor its file say.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use super::mistake::{Origin, Warning, nearest};

/// Every variable of this program begins so.
const PREFIX: &str = "AIOPS_";

/// The variable that names the configuration file.
pub const CONFIG_VARIABLE: &str = "AIOPS_CONFIG";

/// The variable that holds a filter for the log, finer than `log.level` (`info,hyper=debug`).
pub const LOG_VARIABLE: &str = "AIOPS_LOG";

/// The variable that names the profile.
pub const PROFILE_VARIABLE: &str = "AIOPS_PROFILE";

/// The variable that names the file with the secret of a source, for the command of this program that was started for it.
pub const HANDED_VARIABLE: &str = "AIOPS_HANDED_SECRET";

/// Short names beside the systematic ones.
const SHORT: [(&str, &str, &str); 3] =
    [("AIOPS_DB", "store", "path"), ("AIOPS_THEME", "console", "theme"), ("AIOPS_ASCII", "console", "ascii")];

/// Variables of Google's own clients, the one that counts first.
const GOOGLE: [(&str, &str, &str); 4] = [
    ("GOOGLE_API_KEY", "model", "key"),
    ("GEMINI_API_KEY", "model", "key"),
    ("GOOGLE_GEMINI_BASE_URL", "model", "base_url"),
    ("GOOGLE_GENAI_API_VERSION", "model", "api_version"),
];

/// Variables that set no key but are known: read by other parts, by tests and by checks.
const OTHERS: [&str; 8] = [
    CONFIG_VARIABLE,
    LOG_VARIABLE,
    PROFILE_VARIABLE,
    HANDED_VARIABLE,
    "AIOPS_CORPORA",
    "AIOPS_GEMINI",
    "AIOPS_REQUIRE_SERVICES",
    "AIOPS_CI_DENY",
];

/// The variables of the process that begin with `AIOPS_`, and those of Google's clients, that are not empty.
///
/// Prints only the names: a value may be a secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, Option<String>>);

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What a variable says.
pub(super) struct Said<'a> {
    pub(super) variable: String,
    /// `None` when it is not UTF-8.
    pub(super) text: Option<&'a str>,
    /// Another variable that says something about the same key.
    pub(super) rival: Option<String>,
}

impl Environment {
    /// Picks the variables of this program out of `all`.
    pub fn of(all: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let ours = all.into_iter().filter_map(|(name, value)| {
            let known = |name: &String| name.starts_with(PREFIX) || GOOGLE.iter().any(|(known, ..)| known == name);
            let name = name.into_string().ok().filter(known)?;
            (!value.is_empty()).then(|| (name, value.into_string().ok()))
        });
        Self(ours.collect())
    }

    /// The variables of this process as they are now.
    #[must_use]
    pub fn of_process() -> Self {
        Self::of(std::env::vars_os())
    }

    /// The value of the variable `name`, when it is set and UTF-8.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_deref()
    }

    /// What is said about `section.key`.
    pub(super) fn about(&self, section: &str, key: &str) -> Option<Said<'_>> {
        let mut names = names(section, key).into_iter().filter(|name| self.0.contains_key(name));
        let variable = names.next()?;
        let text = self.0.get(&variable)?.as_deref();
        Some(Said { text, rival: names.next(), variable })
    }

    /// What a variable of Google's clients says about `section.key`.
    pub(super) fn said_to_all(&self, section: &str, key: &str) -> Option<Said<'_>> {
        let about = GOOGLE.iter().filter(|(_, s, k)| *s == section && *k == key);
        let variable = about.map(|(name, ..)| *name).find(|name| self.0.contains_key(*name))?;
        let text = self.0.get(variable)?.as_deref();
        Some(Said { text, rival: None, variable: variable.to_owned() })
    }

    /// One warning for each variable that is neither in `keys` (section and key) nor otherwise known.
    pub(super) fn unknown(&self, keys: &[(&str, &str)]) -> Vec<Warning> {
        let mut known: Vec<String> = keys.iter().flat_map(|(section, key)| names(section, key)).collect();
        known.extend(OTHERS.map(str::to_owned));
        known.extend(GOOGLE.map(|(name, ..)| name.to_owned()));
        self.0
            .keys()
            .filter(|name| !known.contains(name))
            .map(|name| {
                let hint = match nearest(name, known.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean {near}?"),
                    None => "unset it, or run `aiops config show` for the keys that there are".to_owned(),
                };
                Warning {
                    origin: Origin::Environment { variable: name.clone() },
                    key: String::new(),
                    text: format!("this variable is not known and has no effect; {hint}"),
                }
            })
            .collect()
    }
}

/// The variables that set `section.key`: the short one first, when there is one.
fn names(section: &str, key: &str) -> Vec<String> {
    let short = SHORT.iter().filter(|(_, s, k)| *s == section && *k == key).map(|(name, _, _)| (*name).to_owned());
    let systematic = format!("{PREFIX}{}_{}", section.to_uppercase(), key.to_uppercase());
    short.chain([systematic]).collect()
}
