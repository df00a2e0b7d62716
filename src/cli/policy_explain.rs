//! `aiops policy explain`: every rule that is looked at for a command, which of them decides, and why.
//!
//! Owns: arguments and printing. Does not: decide (see `domain::policy`), read files, or run anything.

use std::collections::BTreeMap;
use std::io::Write;

use clap::Args;
use color_eyre::eyre::{Report, eyre};
use serde::Serialize;

use super::{Exit, Format, harmless_words, json_line};
use crate::domain::action::grammar::{self, Parsed};
use crate::domain::action::risk::{self, Risk};
use crate::domain::action::spec::Invocation;
use crate::domain::alert::{Labels, Severity};
use crate::domain::policy::condition::Truth;
use crate::domain::policy::{Assumed, Circumstances, Decision, Identity, Place, Policy, Request, Verdict};
use crate::domain::time::Timestamp;

/// Which command, and under which circumstances. What is not given is as it is now, for you.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[group(skip)]
pub struct ExplainArgs {
    /// The target that it would act on [default: run.target_name]
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
    /// As if you had this role and no other; can be given several times
    #[arg(long = "as-role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// As if you were this person, as the policy names them
    #[arg(long = "as-person", value_name = "NAME")]
    pub person: Option<String>,
    /// As if it were in this environment and no other
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// For an incident of this severity
    #[arg(long, value_name = "SEVERITY")]
    pub severity: Option<String>,
    /// At this time, such as 2026-12-24T12:00:00+01:00
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at: Option<Timestamp>,
    /// A label of the alert; can be given several times
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    pub labels: Vec<(String, String)>,
    /// The command, after --
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// Who asks, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// What the kernel and sshd say of the person.
    pub by: Identity,
    /// Login name.
    pub login: String,
    /// Name of this host as a target.
    pub host: String,
    /// The moment.
    pub at: Timestamp,
}

fn moment(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| "a time such as 2026-12-24T12:00:00+01:00 is needed".to_owned())
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a name and a value are needed, such as team=payments")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// What is printed for programs.
#[derive(Debug, Serialize)]
struct Explained<'a> {
    command: &'a str,
    risk: Risk,
    risk_reasons: &'a [String],
    identity: &'a Identity,
    #[serde(flatten)]
    decision: &'a Decision,
}

/// Explains `policy` for the command in `args`.
///
/// # Errors
/// When the words are no command, or `out` cannot be written.
pub fn run(
    args: &ExplainArgs,
    policy: &Policy,
    asker: &Asker,
    format: Format,
    out: &mut dyn Write,
) -> Result<Exit, Report> {
    let line = line_of(&args.command);
    let invocation = invocation(&line)?;
    let (risk, reasons) = risk::classify(&invocation);
    let words = super::policy::words_of(&invocation);
    let circumstances = Circumstances {
        labels: args.labels.iter().cloned().collect::<Labels>(),
        severity: args.severity.as_deref().map(Severity::normalise),
        by: asker.by.clone(),
        at: args.at.unwrap_or(asker.at),
    };
    let target = Place::this_host(args.target.as_deref().unwrap_or(&asker.host));
    let request = Request::of_words(words, risk, target, circumstances);
    let assumed = Assumed {
        roles: (!args.roles.is_empty()).then(|| args.roles.iter().cloned().collect()),
        person: args.person.clone(),
        environments: args.environment.iter().cloned().collect(),
    };
    let decision = policy.decide_as(&request, &assumed);
    match format {
        Format::Json => {
            let (identity, risk_reasons) = (&asker.by, reasons.as_slice());
            json_line(out, &Explained { command: &line, risk, risk_reasons, identity, decision: &decision })?;
        }
        Format::Text => {
            let text = text(&line, risk, &reasons, asker, &decision);
            out.write_all(harmless_words(&text).as_bytes())?;
        }
    }
    Ok(match decision.answer.verdict {
        Verdict::Forbid => Exit::Refused,
        Verdict::Allow | Verdict::Ask => Exit::Done,
    })
}

/// One word is a line as it stands in a document; several are words, which are quoted so that they stay what they are.
fn line_of(command: &[String]) -> String {
    match command {
        [line] => line.clone(),
        words => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
    }
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn invocation(line: &str) -> Result<Invocation, Report> {
    match grammar::parse(line, &[], &BTreeMap::new()) {
        Ok(Parsed::Argv(script)) => Ok(Invocation::Argv { script }),
        Ok(Parsed::Outside { reason }) => {
            Ok(Invocation::Bash { script: line.to_owned(), reason, values: BTreeMap::new() })
        }
        Err(error) => Err(eyre!("This is no command that could run: {error}")),
    }
}

fn text(line: &str, risk: Risk, reasons: &[String], asker: &Asker, decision: &Decision) -> String {
    let list = |items: &mut dyn Iterator<Item = String>| {
        let items: Vec<String> = items.collect();
        if items.is_empty() { "none".to_owned() } else { items.join(", ") }
    };
    let mut text = format!("{line}\n\nrisk         {}\n", risk.name());
    for reason in reasons {
        text.push_str(&format!("             {reason}\n"));
    }
    text.push_str(&format!("decision     {}\n", decision.answer.verdict.name()));
    for demand in &decision.answer.demands {
        text.push_str(&format!("             asks for {}\n", demand.words()));
    }
    text.push_str(&format!("you          {} (uid {})", asker.login, asker.by.uid));
    text.push_str(&asker.by.login_uid.map_or_else(String::new, |uid| format!(", login uid {uid}")));
    text.push_str(
        &asker.by.ssh_key.as_ref().map_or_else(|| ", no ssh key known".to_owned(), |key| format!(", key {key}")),
    );
    text.push_str(&format!("\nroles        {}\n", list(&mut decision.roles.iter().cloned())));
    text.push_str(&format!("environment  {}\n", list(&mut decision.environments.iter().cloned())));
    text.push_str(&format!("policy       {}\n", decision.policy));
    for layer in &decision.layers {
        text.push_str(&format!("\n{}: {}: {}\n", layer.rank.name(), layer.place, layer.answer.verdict.name()));
        if !layer.problem.is_empty() {
            text.push_str(&format!("  fails closed: {}\n", layer.problem));
        }
        for rule in &layer.rules {
            let sign = match rule.holds {
                Truth::Yes => "holds",
                Truth::Perhaps => "may hold",
                Truth::No => "no",
            };
            let says =
                if rule.holds == Truth::No { String::new() } else { format!(" -> {}", rule.says.verdict.name()) };
            text.push_str(&format!("  {sign:<9}{}{says}: {}\n", rule.rule, rule.because));
        }
        if let Some(fallback) = layer.fallback.filter(|_| layer.problem.is_empty()) {
            text.push_str(&format!("  {:<9}{}\n", "default", fallback.name()));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::{Rank, Source};

    const RULES: &str = "version = 1\n[[person]]\nname = \"ada\"\nuid = 1000\nroles = [\"sre\"]\n\
        [[rule]]\nname = \"deletes\"\nreason = \"gone is gone\"\neffect = \"forbid\"\n\
        when = { argv = [\"kubectl\", \"**\", \"delete\", \"**\"], environment = [\"production\"] }\n\
        unless = { roles = [\"sre\"] }\nmatch = [\"kubectl delete pod x\"]\n";

    fn asker() -> Asker {
        let by = Identity { uid: 1001, login_uid: None, ssh_key: None };
        Asker { by, login: "bob".to_owned(), host: "web-1".to_owned(), at: Timestamp::from_millis(0) }
    }

    fn explain(args: &ExplainArgs, format: Format) -> (Exit, String) {
        let source = Source { rank: Rank::System, place: "/etc/p.toml".to_owned(), text: Ok(RULES.to_owned()) };
        let policy = Policy::read(vec![source], &|_| None);
        let mut out = Vec::new();
        let exit = run(args, &policy, &asker(), format, &mut out).unwrap();
        (exit, String::from_utf8(out).unwrap())
    }

    fn command(words: &[&str]) -> ExplainArgs {
        ExplainArgs { command: words.iter().map(|word| (*word).to_owned()).collect(), ..ExplainArgs::default() }
    }

    #[test]
    fn people_see_every_rule_and_which_decides() {
        let (exit, text) = explain(&command(&["kubectl", "delete", "pod", "x y"]), Format::Text);
        assert_eq!(exit, Exit::Refused);
        assert!(text.starts_with("kubectl delete pod 'x y'\n"), "{text}");
        assert!(
            text.contains("decision     forbid") && text.contains("holds    deletes -> forbid: every condition holds"),
            "{text}"
        );
        assert!(text.contains("system: /etc/p.toml: forbid") && text.contains("environment  production"), "{text}");
        let (exit, text) = explain(&command(&["df -h | sort"]), Format::Text);
        assert_eq!(exit, Exit::Done);
        assert!(text.contains("no       deletes: no pattern matches the words df -h | sort"), "{text}");
    }

    #[test]
    fn what_would_be_for_others_can_be_asked() {
        let args = |change: fn(&mut ExplainArgs)| {
            let mut args = command(&["kubectl delete pod x"]);
            change(&mut args);
            args
        };
        let verdict = |change| explain(&args(change), Format::Text).0;
        assert_eq!(verdict(|_| {}), Exit::Refused);
        assert_eq!(verdict(|args| args.roles.push("sre".to_owned())), Exit::Done);
        assert_eq!(verdict(|args| args.roles.push("intern".to_owned())), Exit::Refused);
        assert_eq!(verdict(|args| args.environment = Some("staging".to_owned())), Exit::Done);
    }

    #[test]
    fn programs_get_one_object() {
        let (_, json) = explain(&command(&["kubectl delete pod x"]), Format::Json);
        let object: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(object["answer"]["verdict"], "forbid");
        assert_eq!(object["layers"][1]["rules"][0]["rule"], "deletes");
        assert_eq!(object["layers"][1]["rules"][0]["holds"], "yes");
        assert_eq!(object["policy"].as_str().unwrap().len(), 64);
    }

    #[test]
    fn what_a_terminal_would_obey_is_spelled_out() {
        let (_, text) = explain(&command(&["echo", "\u{1b}[2J\u{202e}"]), Format::Text);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
    }
}
