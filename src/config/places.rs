//! Where files live when nothing else is said: the XDG base directories.

use std::path::PathBuf;

/// The directories of this user. All of them are absolute; none of them needs to exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The home directory; what `~/` in a configured path stands for.
    pub home: PathBuf,
    /// `$XDG_CONFIG_HOME/aiops`
    pub config: PathBuf,
    /// `$XDG_DATA_HOME/aiops`
    pub data: PathBuf,
    /// `$XDG_STATE_HOME/aiops`
    pub state: PathBuf,
}

/// There is no home directory to start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "No place for files: this user has no home directory, neither in HOME nor in the password database. \
     Set HOME to an absolute directory that this user can write to"
)]
pub struct NoHome;

impl Places {
    /// The directories as `XDG_CONFIG_HOME`, `XDG_DATA_HOME`, `XDG_STATE_HOME` and `HOME` have them now.
    ///
    /// Relative values are ignored, as the XDG specification demands.
    ///
    /// # Errors
    /// [`NoHome`] when there is no home directory.
    pub fn detect() -> Result<Self, NoHome> {
        let base = directories::BaseDirs::new().ok_or(NoHome)?;
        let home = base.home_dir().to_path_buf();
        let state = base.state_dir().map_or_else(|| home.join(".local/state"), PathBuf::from);
        Ok(Self {
            config: base.config_dir().join("aiops"),
            data: base.data_dir().join("aiops"),
            state: state.join("aiops"),
            home,
        })
    }

    /// The configuration file that is read when none is named.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// The store that is used when none is configured.
    #[must_use]
    pub fn store_file(&self) -> PathBuf {
        self.data.join("aiops.db")
    }

    /// The file that heads of the journal are kept in when no other place is configured: in another directory than the
    /// database, which is little, but more than nothing.
    #[must_use]
    pub fn anchor_file(&self) -> PathBuf {
        self.state.join("journal.anchors")
    }

    /// The log that is written when none is configured.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.state.join("aiops.log")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_the_names_that_the_documentation_promises() {
        let places = Places::detect().unwrap();
        assert!(places.home.is_absolute());
        assert!(places.config_file().ends_with("aiops/config.toml"));
        assert!(places.store_file().ends_with("aiops/aiops.db"));
        assert!(places.log_file().ends_with("aiops/aiops.log"));
    }
}
