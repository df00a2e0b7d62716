//! Reads every section: the keys that there are, with their forms, ranges and defaults.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::document::{Document, Presence};
use super::environment::{CONFIG_VARIABLE, Environment, LOG_VARIABLE};
use super::forms::{Address, Choice, Count, Name, SWITCH, Size, Span, UserName, VariableNames, WebAddress};
use super::mistake::{ConfigError, Warning};
use super::paths::{DirectoryPath, DirectoryPaths, FilePath, SearchPath, SecretPlace};
use super::places::Places;
use super::profile::Profile;
use super::reader::{Effective, FlagValue, Reader, Scope};
use super::{
    AlertmanagerSection, Ambiguous, Ascii, Colors, Config, ConfigOrigin, ConsoleSection, IncidentsSection, LogLevel,
    LogSection, Login, PolicySection, ReceiverSection, RunSection, SopsSection, StoreSection, Theme,
};
use crate::domain::id::SourceId;
use crate::domain::incident::DEFAULT_REOPEN_WITHIN;
use crate::domain::run::Limits;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// The port of the receiver: unassigned by IANA, next to those of Prometheus and its exporters.
const DEFAULT_PORT: u16 = 9911;

/// Where commands are looked up: what an interactive login has, and nothing that a user's profile adds.
const DEFAULT_SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What commands see of the console's environment: enough for tools that look for a configuration, no more.
const DEFAULT_PASS_ENV: [&str; 3] = ["HOME", "KUBECONFIG", "LANG"];

/// Keys of `[[alertmanager]]`, for the time when there is no such table.
const ALERTMANAGER_KEYS: &[&str] = &["name", "url", "token", "username", "password", "interval", "timeout"];

/// The name of the only Alertmanager, when it is given none.
const DEFAULT_ALERTMANAGER: &str = "alertmanager";

/// What a configuration is made from.
#[derive(Clone, Debug)]
pub struct Request {
    /// The file named on the command line.
    pub file: Option<PathBuf>,
    /// The profile named on the command line.
    pub profile: Option<String>,
    /// Values given on the command line.
    pub flags: Vec<FlagValue>,
    /// The environment.
    pub environment: Environment,
    /// Where files live by default.
    pub places: Places,
    /// Name of this host, the default of `run.target_name`.
    pub host_name: String,
}

/// A valid configuration, and what to know about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Every value with its origin.
    pub effective: Vec<Effective>,
    /// What a person should know.
    pub warnings: Vec<Warning>,
    /// The files that were read, the strongest last; empty when there is none.
    pub files: Vec<PathBuf>,
    /// The profile; `None` without one.
    pub profile: Option<Profile>,
    /// The directory for what the program remembers of its person.
    pub state: PathBuf,
}

/// The file that would be read last: the profile's, else the one that was named, else the one in the default place.
///
/// # Errors
/// [`ConfigError`] when the profile's name is no name.
pub fn file_of(request: &Request) -> Result<PathBuf, ConfigError> {
    let named = request.file.clone().or_else(|| request.environment.get(CONFIG_VARIABLE).map(PathBuf::from));
    let base = named.unwrap_or_else(|| request.places.config_file());
    Ok(match Profile::of(request)? {
        Some(profile) => profile.file_beside(&base),
        None => base,
    })
}

/// Reads and validates the configuration. Blocks on the file system.
///
/// # Errors
/// [`ConfigError`] with everything that is wrong; when the file is no valid TOML, only with that.
pub fn load(request: &Request) -> Result<Loaded, ConfigError> {
    let profile = Profile::of(request)?;
    let named = request.file.clone().or_else(|| request.environment.get(CONFIG_VARIABLE).map(PathBuf::from));
    let (path, presence) = match named {
        Some(path) => (path, Presence::Required),
        None => (request.places.config_file(), Presence::Optional),
    };
    let document = Document::read(&path, presence)?.unwrap_or_default();
    let (document, places) = match &profile {
        None => (document, request.places.clone()),
        Some(profile) => {
            // A misspelt profile must not silently be the plain configuration.
            let upper = Document::read(&profile.file_beside(&path), Presence::Required)?.unwrap_or_default();
            // Each profile has a database and a log of its own unless it says otherwise itself.
            let base = document.without("store", "path").without("log", "path");
            (base.under(upper), profile.places(&request.places))
        }
    };
    let request = Request { places, ..request.clone() };
    let mut reader = Reader::new(&document, &request.environment, &request.flags);
    let mut config = read(&mut reader, &request);
    config.origin = ConfigOrigin {
        file: std::path::absolute(&path).ok().filter(|_| !document.paths.is_empty()),
        profile: profile.as_ref().map(|profile| profile.as_str().to_owned()),
    };
    let (effective, warnings) = reader.finish()?;
    let state = request.places.state.clone();
    Ok(Loaded { config, effective, warnings, files: document.paths, profile, state })
}

fn read(reader: &mut Reader<'_>, request: &Request) -> Config {
    let home = request.places.home.as_path();
    let targets = super::target::read(reader, home);
    Config {
        origin: ConfigOrigin::default(),
        store: reader.section("store", |section| StoreSection {
            path: section.read("path", &FilePath { home }, request.places.store_file()),
        }),
        receiver: reader.section("receiver", |section| receiver(section, home)),
        keep: reader.section("keep", super::keep::read),
        alertmanagers: alertmanagers(reader, home),
        prometheus: super::sources::prometheus(reader, home),
        logs: super::sources::logs(reader, home),
        sops: reader.section("sops", |section| SopsSection {
            directories: section.read("directories", &DirectoryPaths { home }, Vec::new()),
        }),
        incidents: reader.section("incidents", |section| IncidentsSection {
            reopen_within: section.read("reopen_within", &span(Duration::ZERO, 7 * DAY), DEFAULT_REOPEN_WITHIN),
            show_resolved_for: section.read("show_resolved_for", &span(Duration::ZERO, 30 * DAY), HOUR),
        }),
        run: reader.section("run", |section| run(section, home, &request.host_name)),
        policy: reader.section("policy", |section| PolicySection {
            team: section.read_optional("team", &FilePath { home }),
            user: request.places.config.join("policy.toml"),
        }),
        scopes: reader.section("scopes", super::scopes::read),
        targets: targets.hosts,
        containers: targets.containers,
        secrets: super::handed::read(reader, home),
        model: reader.section("model", |section| super::model::read(section, home)),
        journal: reader.section("journal", |section| super::journal::read(section, home, request.places.anchor_file())),
        redact: reader.section("redact", super::redact::read),
        budget: reader.section("budget", |section| super::budget::read(section, home)),
        console: reader.section("console", |section| console(section, home)),
        log: reader.section("log", |section| log(section, request)),
    }
}

pub(super) const fn span(least: Duration, most: Duration) -> Span {
    Span { least, most }
}

pub(super) fn secret(section: &mut Scope<'_, '_>, key: &'static str, home: &Path) -> Option<super::Secret> {
    let place = SecretPlace { key: section.name(key), home };
    section.read_optional(key, &place)
}

fn receiver(section: &mut Scope<'_, '_>, home: &Path) -> ReceiverSection {
    let default = SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT));
    let body = Size { least: 64 * KIB, most: 64 * MIB };
    let in_flight = Size { least: 64 * KIB, most: 1024 * MIB };
    let receiver = ReceiverSection {
        enabled: section.read("enabled", &SWITCH, true),
        listen: section.read("listen", &Address, default),
        token: secret(section, "token", home),
        body_limit: section.read("body_limit", &body, 4 * MIB),
        in_flight_limit: section.read("in_flight_limit", &in_flight, 32 * MIB),
    };
    if receiver.enabled && !receiver.listen.ip().is_loopback() && !section.is_set("token") {
        let problem = format!("{} can be reached from other hosts, and there is no receiver.token", receiver.listen);
        section.mistake("listen", &problem, "a loopback address, or any address together with receiver.token");
    }
    if receiver.in_flight_limit < receiver.body_limit {
        let problem = "this is less than receiver.body_limit, so that the largest body could never be taken";
        section.mistake("in_flight_limit", problem, "at least receiver.body_limit");
    }
    receiver
}

fn alertmanagers(reader: &mut Reader<'_>, home: &Path) -> Vec<AlertmanagerSection> {
    reader.declare("alertmanager", ALERTMANAGER_KEYS);
    let mut names: Vec<String> = Vec::new();
    let read = reader.tables("alertmanager", ALERTMANAGER_KEYS, |section| {
        let name = section.read("name", &Name { longest: 64 }, DEFAULT_ALERTMANAGER.to_owned());
        if names.contains(&name) {
            let problem = format!("there is another Alertmanager with the name {name}");
            section.mistake("name", &problem, "a name for each, different from all others");
        }
        names.push(name.clone());
        let url = section.read_required("url", &WebAddress);
        let login = login(section, home);
        let interval = section.read("interval", &span(5 * SECOND, HOUR), MINUTE);
        let timeout = section.read("timeout", &span(SECOND, MINUTE), interval.min(10 * SECOND));
        if timeout > interval {
            section.mistake("timeout", "this is longer than the interval", "at most the interval");
        }
        url.map(|url| AlertmanagerSection { name: SourceId(name), url, login, interval, timeout })
    });
    // One without a URL has been reported, and the whole configuration is refused for it.
    read.into_iter().flatten().collect()
}

pub(super) fn login(section: &mut Scope<'_, '_>, home: &Path) -> Login {
    const ALLOWED: &str = "token alone, username and password together, or none of them";
    let set = ["token", "username", "password"].map(|key| section.is_set(key));
    match set {
        [true, true, _] | [true, _, true] => section.mistake("token", "there is a token beside a user", ALLOWED),
        [false, true, false] => section.mistake("username", "there is a user without a password", ALLOWED),
        [false, false, true] => section.mistake("password", "there is a password without a user", ALLOWED),
        _ => {}
    }
    let token = secret(section, "token", home);
    let username = section.read_optional("username", &UserName);
    let password = secret(section, "password", home);
    match (token, username, password) {
        (Some(token), _, _) => Login::Bearer(token),
        (None, Some(username), Some(password)) => Login::Basic { username, password },
        (None, _, _) => Login::Anonymous,
    }
}

fn run(section: &mut Scope<'_, '_>, home: &Path, host_name: &str) -> RunSection {
    let limits = Limits::default();
    RunSection {
        time_limit: section.read("time_limit", &span(SECOND, DAY), 10 * MINUTE),
        directory: section.read("directory", &DirectoryPath { home }, PathBuf::from("/")),
        path: section.read("path", &SearchPath, DEFAULT_SEARCH_PATH.to_owned()),
        pass_env: section.read("pass_env", &VariableNames, DEFAULT_PASS_ENV.map(str::to_owned).to_vec()),
        target_name: section.read("target_name", &Name { longest: 253 }, host_name.to_owned()),
        confine_reads: section.read("confine_reads", &SWITCH, true),
        look_after: section.read("look_after", &span(MINUTE, 30 * DAY), limits.time),
        look_after_commands: section.read("look_after_commands", &Count { least: 1, most: 10_000 }, limits.attempts),
        kubeconfig_read: section.read_optional("kubeconfig_read", &FilePath { home }),
    }
}

fn console(section: &mut Scope<'_, '_>, home: &Path) -> ConsoleSection {
    const ASCII: Choice<Ascii> = Choice(&[("auto", Ascii::Auto), ("true", Ascii::Only), ("false", Ascii::Off)]);
    const THEME: Choice<Theme> = Choice(&[
        ("dark", Theme::Dark),
        ("light", Theme::Light),
        ("high-contrast", Theme::HighContrast),
        ("high-contrast-light", Theme::HighContrastLight),
        ("colour-blind", Theme::ColourBlind),
        ("colour-blind-light", Theme::ColourBlindLight),
        ("sixteen", Theme::Sixteen),
    ]);
    const COLORS: Choice<Colors> = Choice(&[
        ("auto", Colors::Auto),
        ("truecolor", Colors::TrueColor),
        ("256", Colors::Palette256),
        ("16", Colors::Palette16),
        ("none", Colors::None),
    ]);
    const AMBIGUOUS: Choice<Ambiguous> =
        Choice(&[("auto", Ambiguous::Auto), ("narrow", Ambiguous::Narrow), ("wide", Ambiguous::Wide)]);
    ConsoleSection {
        theme: section.read("theme", &THEME, Theme::Dark),
        theme_file: section.read_optional("theme_file", &FilePath { home }),
        colors: section.read("colors", &COLORS, Colors::Auto),
        ambiguous: section.read("ambiguous", &AMBIGUOUS, Ambiguous::Auto),
        keymap: section.read_optional("keymap", &FilePath { home }),
        ascii: section.read("ascii", &ASCII, Ascii::Auto),
        utc: section.read("utc", &SWITCH, true),
        mouse: section.read("mouse", &SWITCH, false),
    }
}

fn log(section: &mut Scope<'_, '_>, request: &Request) -> LogSection {
    let home = request.places.home.as_path();
    let level = section.read("level", &Choice(LogLevel::NAMES), LogLevel::Info);
    LogSection {
        level,
        filter: request.environment.get(LOG_VARIABLE).unwrap_or(level.name()).to_owned(),
        path: section.read("path", &FilePath { home }, request.places.log_file()),
    }
}
