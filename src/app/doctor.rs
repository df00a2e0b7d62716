//! What `aiops doctor` looks at: each check with what the configuration says of it.
//!
//! Owns: the list of checks. Does not: judge; the parts that are looked at do.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::{attempts_root, console, sources, store_options};
use crate::adapters::checkup;
use crate::cli::doctor::Check;
use crate::config::{Config, Loaded, look_at_secrets};
use crate::domain::checkup::Finding;
use crate::engine::library::Library;
use crate::engine::ports::SourceError;
use crate::store;
use crate::tui::terminal::check_terminal;

/// Variables that hold the key of the model, the first that is set counts.
const MODEL_KEYS: [&str; 2] = ["GEMINI_API_KEY", "GOOGLE_API_KEY"];
/// Where the model is asked.
const MODEL_HOST: &str = "generativelanguage.googleapis.com";

/// Whether services on the network may be asked that are not sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    /// They may.
    Online,
    /// They may not.
    Offline,
}

/// Every check of an installation with this configuration.
pub(super) fn checks(loaded: &Loaded, network: Network) -> Vec<Check> {
    let config = Arc::new(loaded.config.clone());
    let mut checks = vec![configuration(loaded), secrets(loaded.clone())];
    checks.extend(sources(&config));
    let of = |area, look: fn(&Config) -> Vec<Finding>| {
        let config = Arc::clone(&config);
        Check::new(area, move || look(&config))
    };
    checks.extend([
        of("receiver", receiver),
        of("database", |config| store::check_database(&config.store.path)),
        of("attempts", |config| checkup::directory("output", Path::new(&attempts_root(&config.store.path)))),
        of("log", |config| checkup::directory("log", config.log.path.parent().unwrap_or(Path::new("/")))),
        Check::new("terminal", || check_terminal(&console::environment())),
        Check::new("time", checkup::clock),
        Check::new("logout", checkup::logout),
        Check::new("model", move || model(&console::environment(), network)),
        of("programs", programs),
    ]);
    checks
}

fn configuration(loaded: &Loaded) -> Check {
    let mut findings: Vec<Finding> =
        loaded.warnings.iter().map(|warning| Finding::warn(warning.to_string(), "See `aiops config check`")).collect();
    findings.extend(loaded.files.iter().map(|file| Finding::ok(format!("{} is valid", file.display()))));
    if loaded.files.is_empty() {
        findings.push(Finding::ok("there is no file; the defaults and the environment are valid"));
    }
    Check::new("config", move || findings)
}

fn secrets(loaded: Loaded) -> Check {
    Check::new("secrets", move || {
        let warnings = look_at_secrets(&loaded);
        if warnings.is_empty() {
            return vec![Finding::ok("every secret that is named can be fetched")];
        }
        let fix = "Do what stands there; the console starts without it and tries again";
        warnings.iter().map(|warning| Finding::fail(warning.to_string(), fix)).collect()
    })
}

/// One check for each Alertmanager, so that none waits for another.
fn sources(config: &Arc<Config>) -> Vec<Check> {
    if config.alertmanagers.is_empty() {
        let what = "no Alertmanager is asked; alerts come by webhook only";
        let fix = "Add [[alertmanager]] with its url: what a webhook misses is found out that way";
        return vec![Check::new("source", move || vec![Finding::warn(what, fix)])];
    }
    let check = |section: &crate::config::AlertmanagerSection| {
        let section = section.clone();
        Check::new("source", move || {
            let name = format!("{} ({})", section.name, section.url);
            let asked = console::block_on(sources::probe(section));
            let failed = |SourceError { what, remedy }| Finding::fail(what, remedy);
            vec![match asked {
                Ok(Ok(probe)) => checkup::answer(&name, probe.latency, probe.skew_ms),
                Ok(Err(error)) => failed(error),
                Err(error) => {
                    Finding::fail(format!("{name} could not be asked: {error}"), "Raise the limit of threads")
                }
            }]
        })
    };
    config.alertmanagers.iter().map(check).collect()
}

fn receiver(config: &Config) -> Vec<Finding> {
    if !config.receiver.enabled {
        return vec![Finding::ok("switched off (receiver.enabled)")];
    }
    let options = store_options();
    let holder = store::receiver_of(&config.store.path, &options.identity, &options.now);
    checkup::port(config.receiver.listen, holder.as_deref())
}

fn model(environment: &BTreeMap<String, String>, network: Network) -> Vec<Finding> {
    let set = MODEL_KEYS.iter().find(|name| environment.get(**name).is_some_and(|value| !value.is_empty()));
    let mut findings = vec![match set {
        Some(name) => Finding::ok(format!("{name} is set; the key itself is not tried")),
        None => Finding::warn("no key for a model is set", format!("Export {} to ask one", MODEL_KEYS[0])),
    }];
    findings.extend((network == Network::Online).then(|| checkup::reach(MODEL_HOST, 443)));
    findings
}

fn programs(config: &Config) -> Vec<Finding> {
    let library = Library::load(&config.sops.directories);
    let called = library.programs();
    checkup::programs(&config.run.path, called.iter().map(|(name, sops)| (name.as_str(), sops.len())))
}
