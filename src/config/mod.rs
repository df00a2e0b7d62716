//! The configuration: defaults < TOML file < file of the profile < environment `AIOPS_*` < flags, validated once.
//!
//! Owns: what can be configured, its ranges and defaults. Invariants: a [`Config`] is valid as a whole, so nobody checks
//! it again; every mistake is reported, not only the first, each with file, line, key and what is allowed; secrets are
//! places until someone fetches them. Does not: fetch secrets, open the store, or read the file again later.

mod budget;
mod document;
mod environment;
mod forms;
mod handed;
mod journal;
mod keep;
mod load;
mod mistake;
mod model;
mod paths;
mod places;
pub mod policy;
mod profile;
mod reader;
mod redact;
mod scopes;
mod secret;
mod secrets;
mod sources;
mod target;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use environment::{CONFIG_VARIABLE, Environment, HANDED_VARIABLE, LOG_VARIABLE, PROFILE_VARIABLE};
pub use handed::SecretSection;
pub use load::{Loaded, Request, file_of, load};
pub use mistake::{ConfigError, Mistake, Origin, Warning};
pub use places::{NoHome, Places};
pub use profile::Profile;
pub use reader::{Effective, FlagValue};
pub use secret::{COMMAND_TIME_LIMIT, Secret, SecretError, SecretSource};
pub use secrets::look_at_secrets;
pub use target::{ContainerSection, TargetSection};

use crate::domain::chat::Thinking;
use crate::domain::chat::budget::Budget;
use crate::domain::id::SourceId;
use crate::domain::keeping::Retention;
use crate::domain::scope::Limits;

/// From where a configuration was read, so that another process of this program reads the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigOrigin {
    /// The file, absolute; `None` when there is none. A profile's file lies beside it.
    pub file: Option<PathBuf>,
    /// The profile; `None` without one.
    pub profile: Option<String>,
}

/// Everything that can be configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// From where it was read.
    pub origin: ConfigOrigin,
    /// `[store]`
    pub store: StoreSection,
    /// `[keep]`
    pub keep: KeepSection,
    /// `[receiver]`
    pub receiver: ReceiverSection,
    /// `[[alertmanager]]`, names unique; empty when alerts only come by webhook.
    pub alertmanagers: Vec<AlertmanagerSection>,
    /// `[[prometheus]]`, names unique; empty when no metrics can be asked.
    pub prometheus: Vec<PrometheusSection>,
    /// `[[logs]]`, names unique.
    pub logs: Vec<LogsSection>,
    /// `[sops]`
    pub sops: SopsSection,
    /// `[incidents]`
    pub incidents: IncidentsSection,
    /// `[run]`
    pub run: RunSection,
    /// `[policy]`
    pub policy: PolicySection,
    /// `[scopes]`
    pub scopes: Limits,
    /// `[[target]]` for hosts, in order; empty when everything runs on this host.
    pub targets: Vec<TargetSection>,
    /// `[[target]]` with `kind = "container"`, in order.
    pub containers: Vec<ContainerSection>,
    /// `[[secret]]`, names unique; empty when no command is given one.
    pub secrets: Vec<SecretSection>,
    /// `[model]`
    pub model: ModelSection,
    /// `[journal]`
    pub journal: JournalSection,
    /// `[redact]`
    pub redact: RedactSection,
    /// `[budget]`
    pub budget: BudgetSection,
    /// `[console]`
    pub console: ConsoleSection,
    /// `[log]`
    pub log: LogSection,
}

/// The local file in which everything is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSection {
    /// The SQLite file. Absolute.
    pub path: PathBuf,
}

/// How the store is kept well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepSection {
    /// Whether a backup is made every hour.
    pub backups: bool,
    /// Which of them are kept: 0 to 1,000 of each kind; the newest always is.
    pub retention: Retention,
    /// Bytes that the store may take up with outputs and backups: 64 MiB to 16 TiB.
    pub budget: u64,
    /// Outputs are kept at least this long, whatever the budget says: 1 day to 10 years.
    pub outputs_for: Duration,
    /// Details of alerts are kept at least this long after their incident was resolved: 1 day to 10 years.
    pub details_for: Duration,
    /// Bytes of ballast, given up when an outcome could not be stored otherwise: 0 to 1 GiB.
    pub ballast: u64,
}

/// The HTTP receiver for webhooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverSection {
    /// Whether this process listens at all.
    pub enabled: bool,
    /// Where; loopback unless there is a token.
    pub listen: SocketAddr,
    /// What senders have to present.
    pub token: Option<Secret>,
    /// Largest body of one delivery, in bytes: 64 KiB to 64 MiB.
    pub body_limit: u64,
    /// Most bytes of all bodies that are held at a time: at least `body_limit`, at most 1 GiB.
    pub in_flight_limit: u64,
}

/// One Alertmanager that is asked for its alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertmanagerSection {
    /// Its name in rows, URLs and the journal; unique.
    pub name: SourceId,
    /// Base URL without a slash at its end.
    pub url: String,
    /// How this program proves who it is.
    pub login: Login,
    /// How often it is asked: 5 seconds to 1 hour.
    pub interval: Duration,
    /// How long an answer may take: 1 second to 1 minute, never longer than `interval`.
    pub timeout: Duration,
}

/// One Prometheus that is asked for metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrometheusSection {
    /// Its name in rows and the journal; unique.
    pub name: SourceId,
    /// Base URL without a slash at its end.
    pub url: String,
    /// How this program proves who it is.
    pub login: Login,
    /// How long an answer may take: 1 second to 2 minutes.
    pub timeout: Duration,
}

/// Log files that are asked under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogsSection {
    /// Its name in rows; unique.
    pub name: SourceId,
    /// The files. Absolute; they need not exist.
    pub files: Vec<PathBuf>,
}

/// How a client proves who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// It does not.
    Anonymous,
    /// With a bearer token.
    Bearer(Secret),
    /// With a user and a password.
    Basic {
        /// The user; without colons.
        username: String,
        /// The password.
        password: Secret,
    },
}

/// Where SOPs are read from, besides those in the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SopsSection {
    /// Directories, searched in this order. Absolute; one that is missing was warned about.
    pub directories: Vec<PathBuf>,
}

/// How alerts become incidents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentsSection {
    /// How long after its end an incident opens again instead of a new one: 0 to 7 days.
    pub reopen_within: Duration,
    /// How long a resolved incident stays in the queue: 0 to 30 days.
    pub show_resolved_for: Duration,
}

/// How commands run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSection {
    /// After this time a command is ended: 1 second to 1 day.
    pub time_limit: Duration,
    /// Working directory. Absolute; when it is missing that was warned about.
    pub directory: PathBuf,
    /// `PATH` for commands: absolute directories.
    pub path: String,
    /// Names of variables that are handed through from the console's environment, when they are set.
    pub pass_env: Vec<String>,
    /// Name of this host as a target, which a person types to approve what is dangerous.
    pub target_name: String,
    /// Whether commands of risk `Read` are kept from writing where the kernel can do that.
    pub confine_reads: bool,
    /// A run of an SOP stops for a look after this long: 1 minute to 30 days.
    pub look_after: Duration,
    /// A run of an SOP stops for a look after so many commands: 1 to 10,000.
    pub look_after_commands: u32,
    /// The KUBECONFIG of commands of risk `Read`, as a rule one whose account may only read. Absolute.
    pub kubeconfig_read: Option<PathBuf>,
}

/// Where the files of the policy are, besides that of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySection {
    /// The file of the team. Absolute; one that is named has to be there.
    pub team: Option<PathBuf>,
    /// The person's own file, beside the configuration in its default place; it need not be there.
    pub user: PathBuf,
}

/// The language model that the assistant asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelSection {
    /// Whether any model is asked at all.
    pub enabled: bool,
    /// Its name (`gemini-3.8-flash`).
    pub name: String,
    /// Base URL without version and without a slash at its end; https, or on this host.
    pub base_url: String,
    /// Version of the interface (`v1`, `v1beta`).
    pub api_version: String,
    /// The key, or a token where `vertex` is set; without it no model is asked.
    pub key: Option<Secret>,
    /// Where the model is asked at Vertex instead of AI Studio.
    pub vertex: Option<Vertex>,
    /// How long the model may think.
    pub thinking: Thinking,
    /// Most tokens of an answer, thinking included: 256 to 65,536.
    pub max_output_tokens: u32,
    /// How long the first event of an answer may take: 1 second to 5 minutes.
    pub first_token_timeout: Duration,
    /// How long an answer may pause: 1 second to 5 minutes.
    pub idle_timeout: Duration,
}

/// How the journal is kept from being changed unnoticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalSection {
    /// Where its heads are kept.
    pub anchor: AnchorPlace,
    /// How often at least, while something happens: 1 minute to 1 day.
    pub every: Duration,
}

/// Where heads of the journal are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnchorPlace {
    /// Nowhere.
    Off,
    /// In this host's syslog.
    Syslog,
    /// In this host's systemd journal.
    Journald,
    /// In a file. Absolute.
    File(PathBuf),
}

/// What leaves for a model by no name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedactSection {
    /// Domains all of whose hosts are one's own, in lower case, without a dot before them.
    pub domains: Vec<String>,
}

/// What may be spent on models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetSection {
    /// The limits: 0 to 1,000 US dollars each.
    pub limits: Budget,
    /// A file of prices that goes over the built-in table (`assets/models.toml` has its form). Absolute.
    pub prices: Option<PathBuf>,
}

/// A place at Vertex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vertex {
    /// The project.
    pub project: String,
    /// The location (`europe-west1`, `global`).
    pub location: String,
}

/// How the console looks and behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleSection {
    /// The colours.
    pub theme: Theme,
    /// A file with colours of one's own, worn instead of `theme`.
    pub theme_file: Option<PathBuf>,
    /// How many colours are sent.
    pub colors: Colors,
    /// How the terminal draws characters of ambiguous width.
    pub ambiguous: Ambiguous,
    /// A file of key bindings that go over the built-in ones.
    pub keymap: Option<PathBuf>,
    /// Whether only ASCII is drawn.
    pub ascii: Ascii,
    /// Whether times are shown in UTC rather than in local time.
    pub utc: bool,
    /// Whether the console listens to the mouse, which the terminal then cannot select text with.
    pub mouse: bool,
}

/// The colours of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// For dark terminals.
    Dark,
    /// For light terminals.
    Light,
    /// For dark terminals, with more contrast.
    HighContrast,
    /// For light terminals, with more contrast.
    HighContrastLight,
    /// For dark terminals and colour-blind eyes.
    ColourBlind,
    /// For light terminals and colour-blind eyes.
    ColourBlindLight,
    /// The sixteen colours of the terminal.
    Sixteen,
}

/// How many colours are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colors {
    /// As the environment tells.
    Auto,
    /// 24 bits.
    TrueColor,
    /// The palette of 256.
    Palette256,
    /// The sixteen of the terminal.
    Palette16,
    /// None.
    None,
}

/// How the terminal draws characters whose width depends on the font (East Asian Width "A", UAX #11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ambiguous {
    /// Perhaps in two columns under a Chinese, Japanese or Korean locale, else in one.
    Auto,
    /// In one column.
    Narrow,
    /// In two columns.
    Wide,
}

/// Whether only ASCII is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ascii {
    /// When the locale is not UTF-8, and on the Linux console, whose fonts are small.
    Auto,
    /// Always.
    Only,
    /// Never; the terminal is trusted with Unicode.
    Off,
}

/// What is logged, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSection {
    /// What is logged.
    pub level: LogLevel,
    /// What the log lets pass: [`LOG_VARIABLE`] as it is set, not checked yet, else the level.
    pub filter: String,
    /// The file. Absolute.
    pub path: PathBuf,
}

/// From which urgency on something is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// What failed.
    Error,
    /// And what is doubtful.
    Warn,
    /// And what happened.
    Info,
    /// And why.
    Debug,
    /// And everything else.
    Trace,
}

impl LogLevel {
    /// All levels by the names that the configuration knows.
    pub const NAMES: &'static [(&'static str, Self)] = &[
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
    ];

    /// The name of the level.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}
