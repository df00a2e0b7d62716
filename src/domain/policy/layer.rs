//! One file of a policy: people, environments and rules, and what they say of a request.
//!
//! Owns: how rules of one layer become its answer. Does not: read files (see `read`), or join layers (see `mod`).
//!
//! Within a layer the strictest rule that holds counts; where none holds for certain, the layer's default counts too. So a
//! rule that may hold tightens, but never lets anything pass that the default would not.

use std::collections::BTreeSet;

use super::calendar::Calendar;
use super::condition::{Conditions, EnvironmentRule, Fact, Standing, Truth};
use super::decision::{Answer, LayerReport, Rank, RuleReport, Verdict};
use super::pattern::glob;
use super::request::{Identity, Request, Words};
use crate::domain::action::risk::Risk;

/// The environment of a place that no layer names: the one in which the most can break.
pub const DEFAULT_ENVIRONMENT: &str = "production";

/// A person as a policy knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRule {
    /// Their name.
    pub name: String,
    /// Their user id, if it has to be this.
    pub uid: Option<u32>,
    /// Their audit login uid, if it has to be this.
    pub login_uid: Option<u32>,
    /// Fingerprint of their key, if it has to be this.
    pub ssh_key: Option<String>,
    /// Their roles.
    pub roles: BTreeSet<String>,
}

impl PersonRule {
    /// Whether it is `who`: perhaps, when something that would tell is not known.
    fn is(&self, who: &Identity) -> Truth {
        let same = |login: u32| who.login_uid.map_or(Truth::Perhaps, |known| Truth::of(known == login));
        let opened = |key: &String| who.ssh_key.as_ref().map_or(Truth::Perhaps, |known| Truth::of(known == key));
        let uid = self.uid.map_or(Truth::Yes, |uid| Truth::of(uid == who.uid));
        let login = self.login_uid.map_or(Truth::Yes, same);
        let key = self.ssh_key.as_ref().map_or(Truth::Yes, opened);
        uid.min(login).min(key)
    }
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, unique in its file.
    pub name: String,
    /// Why it is there, for whoever is stopped by it.
    pub reason: String,
    /// What it says.
    pub says: Answer,
    /// When it holds.
    pub when: Conditions,
    /// When it does not, all the same.
    pub unless: Option<Conditions>,
}

impl Rule {
    /// Whether it holds for a request, and why. Conditions over facts that are not `given` do not count, and
    /// make no exception.
    #[must_use]
    pub fn holds(
        &self,
        request: &Request,
        standing: &Standing,
        calendar: &Calendar,
        given: impl Fn(Fact) -> bool + Copy,
    ) -> (Truth, String) {
        let (when, because) = self.when.hold(request, standing, calendar, (given, Truth::Yes));
        if when == Truth::No {
            return (when, because);
        }
        match self.unless.as_ref().map(|unless| unless.hold(request, standing, calendar, (given, Truth::No))) {
            None | Some((Truth::No, _)) => (when, because),
            Some((Truth::Yes, _)) => (Truth::No, "its exception holds".to_owned()),
            Some((Truth::Perhaps, why)) => (Truth::Perhaps, format!("its exception may hold: {why}")),
        }
    }
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// What it says where no rule holds for certain.
    pub default: Verdict,
    /// The environment of places that neither it nor a stronger layer names; `None` leaves that to those.
    pub default_environment: Option<String>,
    /// People.
    pub people: Vec<PersonRule>,
    /// Environments.
    pub environments: Vec<EnvironmentRule>,
    /// Rules, in the order of the file.
    pub rules: Vec<Rule>,
    /// How it counts hours and days.
    pub calendar: Calendar,
}

/// What a file is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// It was read.
    Rules(Box<Rules>),
    /// It was not: reads are asked for, everything else is forbidden.
    Broken(String),
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Whose it is.
    pub rank: Rank,
    /// The file.
    pub place: String,
    /// SHA-256 of its bytes, or of what kept it from being read.
    pub hash: String,
    /// What is in it.
    pub body: Body,
}

impl Layer {
    /// Its rules; `None` when it is broken.
    #[must_use]
    pub fn rules(&self) -> Option<&Rules> {
        match &self.body {
            Body::Rules(rules) => Some(rules),
            Body::Broken(_) => None,
        }
    }

    /// What it says of `request`, where `standing` is as it and the layers above it see it.
    #[must_use]
    pub fn judge(&self, request: &Request, standing: &Standing) -> LayerReport {
        let report = |answer, rules, fallback, problem| LayerReport {
            rank: self.rank,
            place: self.place.clone(),
            answer,
            rules,
            fallback,
            problem,
            person: standing.person.clone(),
        };
        match &self.body {
            Body::Broken(problem) => {
                let verdict = closed(request.risk);
                report(Answer::plain(verdict), Vec::new(), Some(verdict), problem.clone())
            }
            Body::Rules(rules) => {
                let reports: Vec<RuleReport> =
                    rules.rules.iter().map(|rule| look(rule, request, standing, rules)).collect();
                let surely = reports.iter().any(|rule| rule.holds == Truth::Yes);
                let fallback = (!surely).then_some(rules.default);
                let begin = Answer::plain(fallback.unwrap_or(Verdict::Allow));
                let holding = reports.iter().filter(|rule| rule.holds != Truth::No);
                let answer = holding.fold(begin, |answer, rule| answer.join(rule.says.clone()));
                report(answer, reports, fallback, String::new())
            }
        }
    }
}

/// What a file that cannot be read says: it fails closed.
const fn closed(risk: Risk) -> Verdict {
    match risk {
        Risk::Query | Risk::Read => Verdict::Ask,
        Risk::Change | Risk::Destroy | Risk::Unknown => Verdict::Forbid,
    }
}

fn look(rule: &Rule, request: &Request, standing: &Standing, rules: &Rules) -> RuleReport {
    let (holds, because) = rule.holds(request, standing, &rules.calendar, |_| true);
    RuleReport { rule: rule.name.clone(), holds, because, says: rule.says.clone(), reason: rule.reason.clone() }
}

/// Where a request stands, as `layers` together see it.
#[must_use]
pub fn standing(layers: &[Layer], request: &Request) -> Standing {
    let known = || layers.iter().filter_map(Layer::rules);
    let Who { person, roles, perhaps, perhaps_roles } = who(layers, &request.by);
    let default =
        known().filter_map(|rules| rules.default_environment.as_deref()).next().unwrap_or(DEFAULT_ENVIRONMENT);
    let mapped = || known().flat_map(|rules| &rules.environments);
    let mut environments = BTreeSet::new();
    for place in &request.places {
        let names: Vec<String> = mapped().filter(|rule| rule.names(place)).map(|rule| rule.name.clone()).collect();
        if names.is_empty() {
            environments.insert(default.to_owned());
        }
        environments.extend(names);
    }
    if matches!(request.words, Words::Script(_)) && mapped().any(|rule| !rule.contexts.is_empty()) {
        // It may use any cluster.
        environments.insert(default.to_owned());
    }
    // Labels are written by others: they say where else it may matter, never where it does not.
    let by_labels = mapped().filter(|environment| {
        environment
            .labels
            .iter()
            .any(|(name, pattern)| request.labels.get(name).is_some_and(|value| glob(pattern, value)))
    });
    environments.extend(by_labels.map(|environment| environment.name.clone()));
    Standing { person, roles, perhaps, perhaps_roles, environments }
}

/// Whom an identity belongs to.
struct Who {
    person: Option<String>,
    roles: BTreeSet<String>,
    perhaps: BTreeSet<String>,
    perhaps_roles: BTreeSet<String>,
}

/// The person whom `who` is: nobody for certain when more than one name fits.
fn who(layers: &[Layer], who: &Identity) -> Who {
    let people = || layers.iter().filter_map(Layer::rules).flat_map(|rules| &rules.people);
    let fitting = |least: Truth| people().filter(move |person| person.is(who) >= least);
    let names = |least| fitting(least).map(|person| person.name.clone()).collect::<BTreeSet<_>>();
    let roles = |least| fitting(least).flat_map(|person| person.roles.iter().cloned()).collect::<BTreeSet<_>>();
    let mut certain = names(Truth::Yes);
    let (person, roles_of) =
        if certain.len() == 1 { (certain.pop_first(), roles(Truth::Yes)) } else { (None, BTreeSet::new()) };
    Who { person, roles: roles_of, perhaps: names(Truth::Perhaps), perhaps_roles: roles(Truth::Perhaps) }
}
