//! What `aiops doctor` looks at: each check with what the configuration says of it.
//!
//! Owns: the list of checks. Does not: judge; the parts that are looked at do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{anchors, assistant, attempts_root, console, doctor_ways, model, policy, sources, store_options};
use crate::adapters::checkup;
use crate::adapters::gemini::{Gemini, Probed};
use crate::adapters::host::SystemClock;
use crate::adapters::process;
use crate::cli::doctor::Check;
use crate::config::{Config, Loaded, look_at_secrets};
use crate::demo;
use crate::domain::chat::budget::usd;
use crate::domain::checkup::Finding;
use crate::domain::id::SopId;
use crate::domain::time::Timestamp;
use crate::engine::library::{self, Library};
use crate::engine::ports::{Clock as _, Model as _, ModelErrorKind, SourceError};
use crate::store;
use crate::tui::terminal::check_terminal;

/// The model gets this long to describe itself: less than a check may take.
const DESCRIBED_WITHIN: Duration = Duration::from_millis(2_500);

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
    checks.extend(doctor_ways::checks(&config, network));
    let of = |area, look: fn(&Config) -> Vec<Finding>| {
        let config = Arc::clone(&config);
        Check::new(area, move || look(&config))
    };
    checks.extend([
        of("receiver", receiver),
        of("database", |config| store::check_database(&config.store.path)),
        of("keeping", |config| {
            let retention = config.keep.backups.then_some(config.keep.retention);
            store::check_keeping(&config.store.path, retention, SystemClock.now())
        }),
        of("journal", anchors::check),
        of("attempts", |config| checkup::directory("output", Path::new(&attempts_root(&config.store.path)))),
        of("log", |config| checkup::directory("log", config.log.path.parent().unwrap_or(Path::new("/")))),
        Check::new("terminal", || check_terminal(&console::environment())),
        Check::new("time", checkup::clock),
        Check::new("logout", checkup::logout),
        of(
            "model",
            match network {
                Network::Online => |config| model(config, Network::Online),
                Network::Offline => |config| model(config, Network::Offline),
            },
        ),
        of("reads", reads),
        of("policy", policy::check),
        of("programs", programs),
    ]);
    checks
}

/// Whether what was approved as a read is kept from writing.
fn reads(config: &Config) -> Vec<Finding> {
    let confined = match (config.run.confine_reads, process::reads_can_be_confined()) {
        (true, true) => Finding::ok("commands of risk Read can write to a scratch directory only (Landlock)"),
        (true, false) => Finding::warn(
            "nothing keeps commands of risk Read from writing but the judgement of their words: this kernel has no Landlock",
            "Use Linux 5.13 or newer with landlock among its security modules (/sys/kernel/security/lsm)",
        ),
        (false, _) => Finding::warn(
            "nothing keeps commands of risk Read from writing but the judgement of their words: run.confine_reads is false",
            "Set [run] confine_reads = true",
        ),
    };
    let kubeconfig = config.run.kubeconfig_read.as_ref().map(|path| match std::fs::File::open(path) {
        Ok(_) => Finding::ok(format!("commands of risk Read use {}", path.display())),
        Err(error) => Finding::fail(
            format!("run.kubeconfig_read cannot be read: {}: {error}", path.display()),
            "Put a kubeconfig there whose account may only read, or remove the key",
        ),
    });
    std::iter::once(confined).chain(kubeconfig).collect()
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

/// The model, what it costs and what was spent. The key itself is fetched by the check of the secrets, and tried only online.
fn model(config: &Config, network: Network) -> Vec<Finding> {
    let gemini = match model::gemini(config) {
        Ok(gemini) => gemini,
        Err(error) if config.model.enabled => return vec![Finding::warn(error.what, error.remedy)],
        Err(error) => return vec![Finding::ok(error.what)],
    };
    let now = SystemClock.now();
    let tried = if network == Network::Online { "" } else { "; its key is not tried without --online" };
    let asked = Finding::ok(format!("{} would be asked at {}{tried}", gemini.name(), gemini.destination()));
    let mut findings = vec![asked, price(config, &gemini.name(), now), budget(config, now)];
    findings.extend((network == Network::Online).then(|| described(&gemini)));
    findings
}

/// Whether it is known what the model costs: without a price it is not asked.
fn price(config: &Config, model: &str, now: Timestamp) -> Finding {
    let prices = match assistant::price_source(config)() {
        Ok(prices) => prices,
        Err(error) => return Finding::fail(error, "No model is asked before that is done"),
    };
    match prices.tariff(model, now) {
        Ok(_) => Finding::ok(format!("the price of {model} is known")),
        Err(error) => Finding::fail(error.to_string(), "No model is asked before that is done"),
    }
}

fn budget(config: &Config, now: Timestamp) -> Finding {
    let most = config.budget.limits.per_day;
    match store::spent_today(&config.store.path, now) {
        Ok(spent) => {
            let spent = spent.unwrap_or_default();
            let what = format!("{} of {} were spent today (UTC)", usd(spent), usd(most));
            if spent < most {
                return Finding::ok(what);
            }
            let fix = "Raise budget.per_day, or wait: until then the assistant answers without a model";
            Finding::warn(what, fix)
        }
        Err(error) => Finding::warn(format!("what was spent today is not known: {error}"), "Do what stands there"),
    }
}

/// Whether the model can be reached with its key. Nothing is asked that costs something.
fn described(gemini: &Gemini) -> Finding {
    match console::block_on(gemini.probe(DESCRIBED_WITHIN)) {
        Ok(Ok(Probed::Described { latency })) => {
            Finding::ok(format!("the key is accepted, and {} is there ({} ms)", gemini.name(), latency.as_millis()))
        }
        Ok(Ok(Probed::NotOffered { host, port })) => checkup::reach(&host, port),
        Ok(Err(error)) => match error.kind {
            ModelErrorKind::Key | ModelErrorKind::Permission | ModelErrorKind::Refused => {
                Finding::fail(error.what, error.remedy)
            }
            // The console works without it, and tries again.
            ModelErrorKind::Quota
            | ModelErrorKind::Blocked
            | ModelErrorKind::Unserved
            | ModelErrorKind::Unreachable
            | ModelErrorKind::Garbled
            | ModelErrorKind::BreakerOpen => Finding::warn(error.what, error.remedy),
        },
        Err(error) => {
            Finding::fail(format!("the model could not be looked for: {error}"), "Raise the limit of threads")
        }
    }
}

fn programs(config: &Config) -> Vec<Finding> {
    let library = Library::load(&config.sops.directories);
    let called = library.programs();
    checkup::programs(&config.run.path, used_by(&library, &called))
}

/// Each program with the person's own SOPs that use it. What only the demo brings along is left out: nobody can install it.
fn used_by<'a>(
    library: &Library,
    called: &'a BTreeMap<String, BTreeSet<SopId>>,
) -> impl Iterator<Item = (&'a str, Vec<&'a str>)> {
    called.iter().filter_map(|(name, sops)| {
        let own = sops.iter().filter(|id| library.place(id) != Some(library::IN_THE_BINARY));
        let own: Vec<&str> = own.map(SopId::as_str).collect();
        (!own.is_empty() || name != demo::HOOK_NAME).then_some((name.as_str(), own))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_sops_of_a_program_are_named_and_the_demo_s_program_is_nobodys() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("own.md"), "# Own\n\n1. Look:\n\n```sh\ndf -h\nfrobnicate --all\n```\n")
            .unwrap();
        let library = Library::load(&[home.path().to_owned()]);
        let called = library.programs();
        let used: BTreeMap<&str, Vec<&str>> = used_by(&library, &called).collect();
        assert_eq!(used["frobnicate"], ["own.md"]);
        assert_eq!(used["df"], ["own.md"], "bundled ones use it too and are not named");
        assert_eq!(used["kubectl"], [""; 0]);
        assert!(called.contains_key(demo::HOOK_NAME) && !used.contains_key(demo::HOOK_NAME));
    }
}
