//! What `aiops doctor` looks at of other places: hosts, containers, metrics and logs.
//!
//! Owns: the list of these checks. Does not: judge; `adapters::ways` does.

use std::sync::Arc;

use super::doctor::Network;
use super::{SSH_ENV, console, sources};
use crate::adapters::ways::{self, Beyond, Surroundings};
use crate::cli::doctor::Check;
use crate::config::{Config, ContainerSection, PrometheusSection, TargetSection};
use crate::domain::action::choice::HOST;
use crate::domain::action::target::SshHost;
use crate::domain::checkup::Finding;
use crate::engine::ports::SourceError;

/// Every check of another place that the configuration names; of what it does not name there is none.
pub(super) fn checks(config: &Arc<Config>, network: Network) -> Vec<Check> {
    let beyond = match network {
        Network::Online => Beyond::Asked,
        Network::Offline => Beyond::LeftAlone,
    };
    let surroundings = surroundings(config);
    let mut checks: Vec<Check> = config.prometheus.iter().map(prometheus).collect();
    if !config.targets.is_empty() {
        let surroundings = surroundings.clone();
        checks.push(Check::new("ssh", move || ways::ssh_client(&surroundings)));
    }
    // One check each, so that none waits for another.
    for target in config.targets.clone() {
        let surroundings = surroundings.clone();
        checks.push(Check::new("target", move || host(&target, &surroundings, beyond)));
    }
    if !config.containers.is_empty() {
        let target = |section: &ContainerSection| {
            (section.context.clone(), section.namespaces.iter().find(|name| !name.contains('*')).cloned())
        };
        let targets: Vec<_> = config.containers.iter().map(target).collect();
        let surroundings = surroundings.clone();
        checks.push(Check::new("kubectl", move || ways::kubectl(&targets, &surroundings, beyond)));
    }
    if !config.logs.is_empty() {
        let config = Arc::clone(config);
        checks.push(Check::new("logs", move || {
            let files = config.logs.iter().flat_map(|section| ways::log_files(section.name.as_str(), &section.files));
            files.chain([ways::journalctl(&surroundings)]).collect()
        }));
    }
    checks
}

/// What commands on this host get that reach another place.
fn surroundings(config: &Config) -> Surroundings {
    let names = config.run.pass_env.iter().map(String::as_str).chain(SSH_ENV);
    let env = names.filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?))).collect();
    Surroundings { path: config.run.path.clone(), env }
}

fn host(target: &TargetSection, surroundings: &Surroundings, beyond: Beyond) -> Vec<Finding> {
    let plain = target.hosts.iter().filter(|host| !host.contains('*'));
    let is_one = !target.ssh.contains(HOST);
    let logins: Vec<String> =
        if is_one { vec![target.ssh.clone()] } else { plain.map(|host| target.ssh.replace(HOST, host)).collect() };
    let config = target.ssh_config.as_deref();
    let mut findings = Vec::new();
    if !is_one && target.hosts.iter().any(|host| host.contains('*')) {
        findings.push(ways::ssh_pattern(&target.hosts.join(", "), &target.ssh, config));
    }
    for login in logins {
        match SshHost::parse(&login) {
            Ok(host) => {
                let config = config.map(|path| path.display().to_string());
                let host = SshHost { port: target.port, config, ..host };
                findings.extend(ways::ssh_host(&host, surroundings, beyond));
            }
            Err(why) => findings.push(Finding::fail(format!("{login}: {why}"), "Correct target.hosts")),
        }
    }
    findings
}

fn prometheus(section: &PrometheusSection) -> Check {
    let section = section.clone();
    Check::new("metrics", move || {
        let name = format!("{} ({})", section.name, section.url);
        vec![match console::block_on(sources::ready(section)) {
            Ok(Ok(latency)) => Finding::ok(format!("{name} is ready, after {} ms", latency.as_millis())),
            Ok(Err(SourceError { what, remedy })) => Finding::fail(what, remedy),
            Err(error) => Finding::fail(format!("{name} could not be asked: {error}"), "Raise the limit of threads"),
        }]
    })
}
