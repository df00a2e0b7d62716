//! The examples of a rule: requests that it has to hold for, and others that it must not.
//!
//! An example names the facts that matter to it. Conditions over others do not count, and make no exception, so that
//! a rule for production can be tried with a command line alone.

use std::collections::{BTreeMap, BTreeSet};

use super::moment;
use super::wire::{Example, FactsForm};
use crate::domain::action::grammar::{self, Parsed};
use crate::domain::action::risk::Risk;
use crate::domain::alert::Labels;
use crate::domain::policy::calendar::Calendar;
use crate::domain::policy::condition::{Fact, Standing, Truth};
use crate::domain::policy::layer::Rule;
use crate::domain::policy::request::{Circumstances, Identity, Kind, Place, Request, Words};
use crate::domain::time::Timestamp;

/// Checks every example of `rule`.
///
/// # Errors
/// The first that comes out otherwise, or cannot be read.
pub(super) fn check(rule: &Rule, matching: &[Example], others: &[Example], calendar: &Calendar) -> Result<(), String> {
    for (examples, expected) in [(matching, true), (others, false)] {
        for example in examples {
            let tried = Tried::of(example)?;
            let (holds, because) =
                rule.holds(&tried.request, &tried.standing, calendar, |fact| tried.given.contains(&fact));
            if (holds != Truth::No) != expected {
                let (list, came) = if expected { ("match", "does not") } else { ("no_match", "does") };
                return Err(format!("the example {} in {list} {came} match: {because}", tried.shown));
            }
        }
    }
    Ok(())
}

/// An example as a request.
struct Tried {
    request: Request,
    standing: Standing,
    given: BTreeSet<Fact>,
    shown: String,
}

impl Tried {
    fn of(example: &Example) -> Result<Self, String> {
        let none = FactsForm::default();
        let (line, facts, shown) = match example {
            Example::Line(line) => (Some(line.as_str()), &none, format!("{line:?}")),
            Example::Facts(facts) => {
                let shown = facts.line.as_deref().map_or("of facts".to_owned(), |line| format!("{line:?}"));
                (facts.line.as_deref(), facts.as_ref(), shown)
            }
        };
        let mut given = BTreeSet::new();
        let mut note = |fact, there: bool| {
            if there {
                given.insert(fact);
            }
        };
        note(Fact::Words, line.is_some());
        note(Fact::Kind, facts.kind.is_some() || line.is_some());
        note(Fact::Risk, facts.risk.is_some());
        note(Fact::Target, facts.target.is_some());
        note(Fact::Context, facts.context.is_some() || line.is_some());
        note(Fact::Namespace, facts.namespace.is_some() || line.is_some());
        note(Fact::Environment, facts.environment.is_some());
        note(Fact::Person, facts.person.is_some() || facts.roles.is_some());
        note(Fact::Severity, facts.severity.is_some());
        note(Fact::Time, facts.at.is_some());
        let words = line.map_or(Ok(Words::None), words)?;
        let at = match &facts.at {
            None => 0,
            Some(text) => {
                moment(text).ok_or_else(|| format!("at: {text:?} is no moment such as 2026-03-01T02:14:00Z"))?
            }
        };
        let standing = Standing {
            person: facts.person.clone(),
            roles: facts.roles.iter().flatten().cloned().collect(),
            environments: facts.environment.iter().cloned().collect(),
            ..Standing::default()
        };
        let request = request(facts, words, Timestamp::from_millis(at));
        Ok(Self { request, standing, given, shown })
    }
}

fn request(facts: &FactsForm, words: Words, at: Timestamp) -> Request {
    let target = Place::this_host(facts.target.as_deref().unwrap_or_default());
    let circumstances = Circumstances { labels: Labels::new(), severity: facts.severity, by: Identity::default(), at };
    let mut request = Request::of_words(words, facts.risk.unwrap_or(Risk::Unknown), target, circumstances);
    request.kind = facts.kind.unwrap_or(Kind::Command);
    for place in request.places.iter_mut().filter(|place| place.context.is_none() && facts.context.is_some()) {
        place.context.clone_from(&facts.context);
    }
    for place in request.places.iter_mut().filter(|place| place.namespace.is_none() && facts.namespace.is_some()) {
        place.namespace.clone_from(&facts.namespace);
    }
    request
}

fn words(line: &str) -> Result<Words, String> {
    match grammar::parse(line, &[], &BTreeMap::new()) {
        Ok(Parsed::Argv(script)) => Ok(Words::of_script(&script)),
        Ok(Parsed::Outside { .. }) => Ok(Words::Script(line.to_owned())),
        Err(error) => Err(format!("the example {line:?} is no command: {error}")),
    }
}
