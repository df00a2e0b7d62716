//! Reads layers from TOML, and checks every example that stands with a rule.
//!
//! Owns: the form of the file, and what is wrong with it in words that name the line. Does not: open files.
//!
//! Invariant: what is not understood refuses the whole file. A key that is misspelt, a role that nobody has or an example
//! that comes out otherwise would be a rule that silently is not there.

mod examples;
mod wire;

use std::collections::BTreeSet;

use super::Policy;
use super::calendar::{Calendar, Days, Hours};
use super::condition::{Conditions, EnvironmentRule};
use super::decision::{Answer, Rank, Scope, Verdict};
use super::layer::{Body, DEFAULT_ENVIRONMENT, Layer, PersonRule, Rule, Rules};
use super::pattern::CommandPattern;
use super::request::Kind;
use crate::domain::action::risk::Risk;
use crate::domain::digest::sha256_hex;
use crate::domain::time::Timestamp;
use wire::{FileForm, FreezeForm, RuleForm, WhenForm};

/// Looks a time zone up by its IANA name.
pub type Zones<'a> = &'a dyn Fn(&str) -> Option<jiff::tz::TimeZone>;

/// A file as somebody read it, or why it could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Whose it is.
    pub rank: Rank,
    /// Its path.
    pub place: String,
    /// Its text, or why there is none, as a clause.
    pub text: Result<String, String>,
}

impl Policy {
    /// Reads `sources`. Never fails: a file with a mistake becomes a layer that fails closed.
    #[must_use]
    pub fn read(mut sources: Vec<Source>, zones: Zones<'_>) -> Self {
        sources.sort_by_key(|source| source.rank);
        let mut layers: Vec<Layer> = Vec::new();
        for Source { rank, place, text } in sources {
            let hash = sha256_hex(text.as_ref().unwrap_or_else(|problem| problem).as_bytes());
            let body = match text.and_then(|text| rules(&text, &layers, zones)) {
                Ok(rules) => Body::Rules(Box::new(rules)),
                Err(problem) => Body::Broken(problem),
            };
            layers.push(Layer { rank, place, hash, body });
        }
        Self::of(layers)
    }
}

/// Names that rules may use, those of stronger layers included.
struct Names {
    people: BTreeSet<String>,
    roles: BTreeSet<String>,
    environments: BTreeSet<String>,
}

/// Reads one file, below the layers `above`.
fn rules(text: &str, above: &[Layer], zones: Zones<'_>) -> Result<Rules, String> {
    let form: FileForm = toml::from_str(text).map_err(|error| {
        let line =
            error.span().map_or(1, |span| 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count());
        format!("line {line}: {}", error.message())
    })?;
    if form.version != 1 {
        return Err(format!("version is {}, and this program reads version 1", form.version));
    }
    let calendar = match form.time_zone.as_deref() {
        None => Calendar::default(),
        Some(name) => Calendar::fixed(name).or_else(|| zones(name).map(Calendar::of)).ok_or_else(|| {
            format!("time_zone: {name:?} is neither UTC, nor an offset such as +01:00, nor a known zone")
        })?,
    };
    let people = form.person.into_iter().map(person).collect::<Result<Vec<_>, _>>()?;
    check_people(&people)?;
    let environments: Vec<EnvironmentRule> = form
        .environment
        .into_iter()
        .map(|form| EnvironmentRule {
            name: form.name,
            targets: form.targets,
            contexts: form.contexts,
            labels: form.labels,
        })
        .collect();
    let mut rules = Rules {
        default: form.default.unwrap_or(Verdict::Allow),
        default_environment: form.default_environment,
        people,
        environments,
        rules: Vec::new(),
        calendar,
    };
    let names = Names::of(&rules, above);
    let mut used = BTreeSet::new();
    let forbidden = form.forbidden.into_iter().map(wire::ForbiddenForm::into_rule);
    let freezes = form.freeze.into_iter().map(FreezeForm::into_rule);
    for (rule, window) in
        freezes.chain(forbidden.map(|rule| (rule, None))).chain(form.rule.into_iter().map(|rule| (rule, None)))
    {
        if !used.insert(rule.name.clone()) {
            return Err(format!("rule {:?}: there is another rule of this name", rule.name));
        }
        let name = rule.name.clone();
        let read =
            read_rule(rule, window, &names, &rules.calendar).map_err(|problem| format!("rule {name:?}: {problem}"))?;
        rules.rules.push(read);
    }
    Ok(rules)
}

fn person(form: wire::PersonForm) -> Result<PersonRule, String> {
    let wire::PersonForm { name, uid, login_uid, ssh_key, roles } = form;
    if uid.is_none() && login_uid.is_none() && ssh_key.is_none() {
        return Err(format!("person {name:?}: one of uid, login_uid and ssh_key has to tell who it is"));
    }
    if ssh_key.as_ref().is_some_and(|key| !key.starts_with("SHA256:") || key.len() != 50) {
        return Err(format!(
            "person {name:?}: ssh_key has to be a fingerprint as `ssh-keygen -lf KEY` prints it: SHA256:…"
        ));
    }
    Ok(PersonRule { name, uid, login_uid, ssh_key, roles: roles.into_iter().collect() })
}

/// Two people that one identity could be for certain would be nobody.
fn check_people(people: &[PersonRule]) -> Result<(), String> {
    for (at, one) in people.iter().enumerate() {
        for other in people.iter().skip(at + 1).filter(|other| other.name != one.name) {
            let same = (&one.uid, &one.login_uid, &one.ssh_key) == (&other.uid, &other.login_uid, &other.ssh_key);
            if same {
                return Err(format!(
                    "people {:?} and {:?} cannot be told apart: where an account is shared, give each one an ssh_key or a login_uid",
                    one.name, other.name
                ));
            }
        }
    }
    Ok(())
}

impl Names {
    fn of(rules: &Rules, above: &[Layer]) -> Self {
        let all = || above.iter().filter_map(Layer::rules).chain(std::iter::once(rules));
        let mut environments: BTreeSet<String> =
            all().flat_map(|rules| &rules.environments).map(|environment| environment.name.clone()).collect();
        environments.insert(DEFAULT_ENVIRONMENT.to_owned());
        environments.extend(all().filter_map(|rules| rules.default_environment.clone()));
        Self {
            people: all().flat_map(|rules| &rules.people).map(|person| person.name.clone()).collect(),
            roles: all().flat_map(|rules| &rules.people).flat_map(|person| person.roles.iter().cloned()).collect(),
            environments,
        }
    }
}

fn read_rule(form: RuleForm, window: Option<(i64, i64)>, names: &Names, calendar: &Calendar) -> Result<Rule, String> {
    let RuleForm { name, reason, effect, demands, max_scope, when, unless, r#match, no_match } = form;
    let mut conditions = conditions(when, names).map_err(|problem| format!("when: {problem}"))?;
    conditions.window = window;
    if effect == Verdict::Allow && (conditions.risk != [Risk::Query] && conditions.kind != [Kind::Query]) {
        return Err("only queries can be allowed: add kind = [\"query\"] to its conditions, or say ask".to_owned());
    }
    if effect == Verdict::Forbid && !demands.is_empty() {
        return Err("what is forbidden cannot demand anything: say ask, or remove demands".to_owned());
    }
    let unless =
        unless.map(|form| self::conditions(form, names)).transpose().map_err(|problem| format!("unless: {problem}"))?;
    if unless.as_ref().is_some_and(|unless| *unless == Conditions::default()) {
        return Err("unless: an exception without conditions would switch the rule off".to_owned());
    }
    let says =
        Answer { verdict: effect, demands: demands.into_iter().collect(), scope: max_scope.unwrap_or(Scope::RunReads) };
    let rule = Rule { name, reason, says, when: conditions, unless };
    if !rule.when.argv.is_empty() && r#match.is_empty() {
        return Err("a rule over words needs an example that it matches: match = [\"…\"]".to_owned());
    }
    examples::check(&rule, &r#match, &no_match, calendar)?;
    Ok(rule)
}

fn conditions(form: WhenForm, names: &Names) -> Result<Conditions, String> {
    let known = |what: &str, wanted: &[String], there: &BTreeSet<String>| {
        let missing = wanted.iter().find(|name| !there.contains(*name));
        missing.map_or(Ok(()), |name| Err(format!("there is no {what} {name:?} in this file or a stronger one")))
    };
    known("role", &form.roles, &names.roles)?;
    known("person", &form.people, &names.people)?;
    known("environment", &form.environment, &names.environments)?;
    let hours = form
        .hours
        .iter()
        .map(|text| Hours::parse(text).ok_or_else(|| format!("hours: {text:?} is not of the form 22:00-06:00")));
    let days = match form.days.as_slice() {
        [] => None,
        items => {
            Some(Days::parse(items).ok_or("days: each has to be mon, tue, wed, thu, fri, sat or sun, or mon-fri")?)
        }
    };
    let argv: Vec<CommandPattern> = form.argv.into_iter().map(CommandPattern).collect();
    if argv.iter().any(|pattern| pattern.0.is_empty()) {
        return Err("argv: a pattern needs at least one word".to_owned());
    }
    Ok(Conditions {
        kind: form.kind,
        form: form.form,
        risk: form.risk,
        argv,
        target: form.target,
        target_kind: form.target_kind,
        context: form.context,
        namespace: form.namespace,
        environment: form.environment,
        roles: form.roles,
        people: form.people,
        severity: form.severity,
        hours: hours.collect::<Result<_, _>>()?,
        days,
        window: None,
    })
}

/// Reads a moment of a freeze window.
fn moment(text: &str) -> Option<i64> {
    Timestamp::parse_rfc3339(text).map(Timestamp::as_millis)
}
