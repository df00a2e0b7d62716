//! Profiles: several configurations of one person, each with its own file, database and log.
//!
//! Owns: which names a profile can have and where its files lie. Invariant: a name is one harmless path component.

use std::fmt;
use std::path::{Path, PathBuf};

use super::environment::PROFILE_VARIABLE;
use super::load::Request;
use super::mistake::{ConfigError, Mistake, Origin};
use super::places::Places;

/// Longest name of a profile, in characters: it stands in the header of the console.
const LONGEST: usize = 32;

/// The name of a profile: 1 to 32 of `a-z`, `0-9`, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile(String);

impl Profile {
    /// The profile that the command line or the environment names.
    pub(super) fn of(request: &Request) -> Result<Option<Self>, ConfigError> {
        let flag = || Origin::Flag { flag: "--profile".to_owned() };
        let variable = || Origin::Environment { variable: PROFILE_VARIABLE.to_owned() };
        let (name, origin) = match (&request.profile, request.environment.get(PROFILE_VARIABLE)) {
            (Some(name), _) => (name.as_str(), flag()),
            (None, Some(name)) => (name, variable()),
            (None, None) => return Ok(None),
        };
        let usable = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        if name.is_empty() || name.len() > LONGEST || !name.chars().all(usable) {
            let problem = format!("{name:?} cannot be the name of a profile");
            let allowed = format!("1 to {LONGEST} of the characters a-z, 0-9, - and _");
            return Err(ConfigError { mistakes: vec![Mistake { origin, key: String::new(), problem, allowed }] });
        }
        Ok(Some(Self(name.to_owned())))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The profile's file: `config.NAME.toml` beside `config.toml`.
    #[must_use]
    pub fn file_beside(&self, base: &Path) -> PathBuf {
        let stem = base.file_stem().unwrap_or_default().to_string_lossy();
        base.with_file_name(format!("{stem}.{}.toml", self.0))
    }

    /// The directories of this profile.
    #[must_use]
    pub fn places(&self, base: &Places) -> Places {
        let own = |directory: &Path| directory.join("profiles").join(&self.0);
        Places { data: own(&base.data), state: own(&base.state), ..base.clone() }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
