//! Where the policy comes from, plugged into the store, and what `doctor` and `policy explain` ask of it.

use std::io;
use std::sync::OnceLock;

use color_eyre::eyre::Report;
use tokio::sync::watch;

use crate::adapters::host;
use crate::adapters::process;
use crate::cli::policy_explain::{Asker, ExplainArgs};
use crate::cli::{Exit, Format};
use crate::config::Config;
use crate::config::policy::PolicyFiles;
use crate::domain::action::risk::Risk;
use crate::domain::alert::Labels;
use crate::domain::checkup::Finding;
use crate::domain::policy::{Circumstances, Identity, Place, Request, Words};
use crate::engine::policy_watch::{self, PolicyState};
use crate::engine::ports::Clock as _;
use crate::store::{Governance, Store};

/// The key of this session does not change while it lasts.
fn ssh_key() -> Option<String> {
    static KEY: OnceLock<Option<String>> = OnceLock::new();
    KEY.get_or_init(process::key_of_session).clone()
}

/// Makes `store` ask the policy of `config`, and returns what the person has to be told of it.
pub(super) fn govern(store: &Store, config: &Config) -> Vec<String> {
    let files = PolicyFiles::of(&config.policy);
    let complaints = files.complaints();
    for complaint in &complaints {
        tracing::error!(complaint, "the policy fails closed");
    }
    store.govern(Governance { policy: std::sync::Arc::new(move || files.now()), ssh_key: ssh_key() });
    complaints
}

/// How the policy of `config` stands, now and from now on. Has to be called within a tokio runtime.
pub(super) fn watched(config: &Config) -> watch::Receiver<PolicyState> {
    let files = PolicyFiles::of(&config.policy);
    let look = move || PolicyState { hash: files.now().hash(), complaints: files.complaints() };
    // What is so from the beginning is told from the beginning.
    let (sender, receiver) = watch::channel(look());
    tokio::spawn(policy_watch::watch(std::sync::Arc::new(look), sender));
    receiver
}

/// Prints how the policy decides over a command that nobody has proposed.
///
/// # Errors
/// When the command is none, or the output cannot be written.
pub(super) fn explain(args: &ExplainArgs, config: &Config, format: Format) -> Result<Exit, Report> {
    let person = host::person();
    let asker = Asker {
        by: Identity::of(&person, ssh_key()),
        login: person.name,
        host: config.run.target_name.clone(),
        at: host::SystemClock.now(),
    };
    let policy = PolicyFiles::of(&config.policy).now();
    crate::cli::policy_explain::run(args, &policy, &asker, format, &mut io::stdout().lock())
}

/// Prints what the gate says of a command for nobody's incident, now.
///
/// # Errors
/// When the output cannot be written.
pub(super) fn check_command(command: &[String], config: &Config, format: Format) -> Result<Exit, Report> {
    let decide = |words: Words, risk: Risk| {
        let circumstances = Circumstances {
            labels: Labels::new(),
            severity: None,
            by: Identity::of(&host::person(), ssh_key()),
            at: host::SystemClock.now(),
        };
        let request = Request::of_words(words, risk, Place::this_host(&config.run.target_name), circumstances);
        PolicyFiles::of(&config.policy).now().decide(&request).answer.verdict
    };
    crate::cli::policy::check(command, decide, format, &mut io::stdout().lock())
}

/// Whether the files of the policy can be used.
pub(super) fn check(config: &Config) -> Vec<Finding> {
    let files = PolicyFiles::of(&config.policy);
    let policy = files.now();
    let mut findings: Vec<Finding> = policy
        .problems()
        .map(|(layer, problem)| {
            let what = format!("{} cannot be used, so that only reads can be approved: {problem}", layer.place);
            Finding::fail(what, "Do what stands there; assets/policy.toml shows the form")
        })
        .collect();
    findings.extend(policy.layers().iter().filter(|layer| layer.rules().is_some()).map(|layer| {
        let rules = layer.rules().map_or(0, |rules| rules.rules.len());
        Finding::ok(format!(
            "{} ({}): {rules} rules, every example comes out as written",
            layer.place,
            layer.rank.name()
        ))
    }));
    if findings.is_empty() {
        findings.push(Finding::ok("there is no file: every command is asked for, nothing is forbidden"));
    }
    findings
}
