//! Conditions of a rule, and whether they hold for a request.
//!
//! Owns: each condition with the reason that a person reads. Does not: say what follows from it (see `layer`).
//!
//! Invariant: what cannot be known is [`Truth::Perhaps`]. Whoever tightens takes that for yes, whoever loosens for no.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::calendar::{Calendar, Days, Hours};
use super::pattern::{CommandPattern, glob};
use super::request::{Kind, Place, PlaceKind, Request, Words};
use crate::domain::action::risk::Risk;
use crate::domain::alert::Severity;

/// Whether something is so, as far as anybody can tell. The order is that of certainty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Truth {
    /// It is not.
    No,
    /// Nobody can tell, or it is so for a part.
    Perhaps,
    /// It is.
    Yes,
}

impl Truth {
    /// Yes or no.
    #[must_use]
    pub const fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    /// What is so for several parts: yes for all, no for none, else perhaps. For no parts at all: no.
    #[must_use]
    pub fn over(parts: impl IntoIterator<Item = Self>) -> Self {
        let (mut least, mut most, mut any) = (Self::Yes, Self::No, false);
        for part in parts {
            (least, most, any) = (least.min(part), most.max(part), true);
        }
        match (any, least, most) {
            (false, ..) | (true, _, Self::No) => Self::No,
            (true, Self::Yes, _) => Self::Yes,
            _ => Self::Perhaps,
        }
    }
}

impl std::ops::Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Perhaps => Self::Perhaps,
            Self::Yes => Self::No,
        }
    }
}

/// The form in which a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Word by word, without a shell.
    Argv,
    /// Exact bytes through a shell.
    Script,
}

/// Where a person, a place and a moment stand, as one layer and those above it see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The person by name; `None` when nobody or more than one is meant.
    pub person: Option<String>,
    /// The person's roles.
    pub roles: BTreeSet<String>,
    /// People whom it may be, as far as is known.
    pub perhaps: BTreeSet<String>,
    /// Their roles.
    pub perhaps_roles: BTreeSet<String>,
    /// The environments of the request; never empty.
    pub environments: BTreeSet<String>,
}

/// What a request has to be like. A list holds when one of its items does; an empty one does not ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Kinds of action.
    pub kind: Vec<Kind>,
    /// Forms of a command.
    pub form: Vec<Form>,
    /// Risks.
    pub risk: Vec<Risk>,
    /// Patterns over the words of each stage.
    pub argv: Vec<CommandPattern>,
    /// Globs over names of targets.
    pub target: Vec<String>,
    /// Kinds of places.
    pub target_kind: Vec<PlaceKind>,
    /// Globs over Kubernetes contexts.
    pub context: Vec<String>,
    /// Globs over Kubernetes namespaces.
    pub namespace: Vec<String>,
    /// Environments.
    pub environment: Vec<String>,
    /// Roles of the person.
    pub roles: Vec<String>,
    /// People by name.
    pub people: Vec<String>,
    /// Severities of the incident.
    pub severity: Vec<Severity>,
    /// Hours of the day.
    pub hours: Vec<Hours>,
    /// Days of the week.
    pub days: Option<Days>,
    /// From this moment on (inclusive) and before that one.
    pub window: Option<(i64, i64)>,
}

/// Which facts of a request are given. An example names only those that matter to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// Kind of action.
    Kind,
    /// Risk.
    Risk,
    /// Words.
    Words,
    /// Name and kind of the target.
    Target,
    /// Kubernetes context.
    Context,
    /// Kubernetes namespace.
    Namespace,
    /// Environments.
    Environment,
    /// The person and their roles.
    Person,
    /// Severity.
    Severity,
    /// The moment.
    Time,
}

/// Whether one condition holds, and why.
struct Looked {
    fact: Fact,
    holds: Truth,
    because: String,
}

impl Conditions {
    /// Whether all conditions hold, and what decided that. `given` says which facts the request really has, `otherwise` what
    /// conditions over others come out as.
    #[must_use]
    pub fn hold(
        &self,
        request: &Request,
        standing: &Standing,
        calendar: &Calendar,
        (given, otherwise): (impl Fn(Fact) -> bool, Truth),
    ) -> (Truth, String) {
        let looked = self.look(request, standing, calendar);
        // The first condition that holds least decides.
        let mut decides: Option<Looked> = None;
        for mut one in looked {
            if !given(one.fact) {
                one.holds = otherwise;
            }
            if decides.as_ref().is_none_or(|known| one.holds < known.holds) {
                decides = Some(one);
            }
        }
        decides.map_or_else(
            || (Truth::Yes, "it holds for everything".to_owned()),
            |one| match one.holds {
                Truth::Yes => (Truth::Yes, "every condition holds".to_owned()),
                holds => (holds, one.because),
            },
        )
    }

    fn look(&self, request: &Request, standing: &Standing, calendar: &Calendar) -> Vec<Looked> {
        let mut looked = Vec::new();
        let mut add = |fact, asked: bool, holds: Truth, because: String| {
            if asked {
                looked.push(Looked { fact, holds, because });
            }
        };
        add(
            Fact::Kind,
            !self.kind.is_empty(),
            Truth::of(self.kind.contains(&request.kind)),
            format!("the kind of action is {}", word(&request.kind)),
        );
        let (form, form_words) = self.form(&request.words);
        add(Fact::Words, !self.form.is_empty(), form, form_words);
        add(
            Fact::Risk,
            !self.risk.is_empty(),
            Truth::of(self.risk.contains(&request.risk)),
            format!("its risk is {}", request.risk.name()),
        );
        let (argv, argv_words) = self.argv(&request.words);
        add(Fact::Words, !self.argv.is_empty(), argv, argv_words);
        // Clusters that a command names are told by their contexts.
        let hosts =
            request.places.iter().enumerate().filter(|(at, place)| *at == 0 || place.kind != PlaceKind::Kubernetes);
        let names: Vec<&str> = hosts.map(|(_, place)| place.name.as_str()).collect();
        let target = Truth::over(names.iter().map(|name| any_glob(&self.target, name)));
        add(Fact::Target, !self.target.is_empty(), target, format!("it acts on {}", names.join(", ")));
        let kinds: Vec<PlaceKind> = request.places.iter().map(|place| place.kind).collect();
        let kind = Truth::over(kinds.iter().map(|kind| Truth::of(self.target_kind.contains(kind))));
        // A script can act anywhere.
        let kind = if matches!(request.words, Words::Script(_)) { Truth::Perhaps } else { kind };
        let kind_words = format!("it acts on {}", kinds.iter().map(word).collect::<Vec<_>>().join(", "));
        add(Fact::Target, !self.target_kind.is_empty(), kind, kind_words);
        let contexts = request.places.iter().map(|place| (place.kind, place.context.as_deref()));
        let (context, context_words) = cluster(&self.context, contexts, &request.words, "context");
        add(Fact::Context, !self.context.is_empty(), context, context_words);
        let namespaces = request.places.iter().map(|place| (place.kind, place.namespace.as_deref()));
        let (namespace, namespace_words) = cluster(&self.namespace, namespaces, &request.words, "namespace");
        add(Fact::Namespace, !self.namespace.is_empty(), namespace, namespace_words);
        looked.extend(self.look_around(request, standing, calendar));
        looked
    }

    /// The conditions over environment, person, incident and time.
    fn look_around(&self, request: &Request, standing: &Standing, calendar: &Calendar) -> Vec<Looked> {
        let mut looked = Vec::new();
        let mut add = |fact, asked: bool, holds: Truth, because: String| {
            if asked {
                looked.push(Looked { fact, holds, because });
            }
        };
        let names = |set: &BTreeSet<String>| set.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let environment = standing.environments.iter().map(|name| Truth::of(self.environment.contains(name)));
        add(
            Fact::Environment,
            !self.environment.is_empty(),
            Truth::over(environment),
            format!("the environment is {}", names(&standing.environments)),
        );
        let roles = amid(&self.roles, &standing.roles, &standing.perhaps_roles);
        let role_words = match standing.roles.is_empty() {
            true => "the person has no role here".to_owned(),
            false => format!("the person's roles are {}", names(&standing.roles)),
        };
        add(Fact::Person, !self.roles.is_empty(), roles, role_words);
        let surely: BTreeSet<String> = standing.person.iter().cloned().collect();
        let person_words = match &standing.person {
            Some(name) => format!("the person is {name}"),
            None => "the policy does not know the person".to_owned(),
        };
        let person = amid(&self.people, &surely, &standing.perhaps);
        add(Fact::Person, !self.people.is_empty(), person, person_words);
        let severity = request.severity.map_or(Truth::Perhaps, |severity| Truth::of(self.severity.contains(&severity)));
        let severity_words = match request.severity {
            Some(severity) => format!("the incident's severity is {}", word(&severity)),
            None => "it is for no incident, so that there is no severity".to_owned(),
        };
        add(Fact::Severity, !self.severity.is_empty(), severity, severity_words);
        let moment = calendar.at(request.at);
        let hours = self.hours.iter().any(|hours| hours.contain(moment.minute_of_day));
        add(Fact::Time, !self.hours.is_empty(), Truth::of(hours), format!("it is {}", moment.text));
        let day = self.days.as_ref().is_none_or(|days| days.contain(moment.weekday));
        add(Fact::Time, self.days.is_some(), Truth::of(day), format!("it is {}", moment.text));
        let millis = request.at.as_millis();
        let inside = self.window.is_none_or(|(from, to)| (from..to).contains(&millis));
        add(Fact::Time, self.window.is_some(), Truth::of(inside), format!("it is {}", moment.text));
        looked
    }

    fn form(&self, words: &Words) -> (Truth, String) {
        let (form, shown) = match words {
            Words::None => return (Truth::No, "it is no command".to_owned()),
            Words::Argv(_) => (Form::Argv, "it runs word by word"),
            Words::Script(_) => (Form::Script, "it is a script for a shell"),
        };
        (Truth::of(self.form.contains(&form)), shown.to_owned())
    }

    fn argv(&self, words: &Words) -> (Truth, String) {
        match words {
            Words::None => (Truth::No, "it is no command".to_owned()),
            Words::Script(_) => (Truth::Perhaps, "it is a script for a shell, which may run anything".to_owned()),
            Words::Argv(stages) => {
                let best = |argv: &Vec<String>| {
                    self.argv.iter().map(|pattern| pattern.matches(argv)).max().unwrap_or(Truth::No)
                };
                let holds = Truth::over(stages.iter().map(best));
                let shown = stages.iter().map(|argv| argv.join(" ")).collect::<Vec<_>>().join(" | ");
                let because = match holds {
                    Truth::No => format!("no pattern matches the words {shown}"),
                    Truth::Perhaps => format!("a pattern may match a part of {shown}"),
                    Truth::Yes => format!("a pattern matches {shown}"),
                };
                (holds, because)
            }
        }
    }
}

/// Whether one of `wanted` is in `surely`, or else in `perhaps`.
fn amid(wanted: &[String], surely: &BTreeSet<String>, perhaps: &BTreeSet<String>) -> Truth {
    if wanted.iter().any(|name| surely.contains(name)) {
        Truth::Yes
    } else if wanted.iter().any(|name| perhaps.contains(name)) {
        Truth::Perhaps
    } else {
        Truth::No
    }
}

fn any_glob(globs: &[String], text: &str) -> Truth {
    Truth::of(globs.iter().any(|pattern| glob(pattern, text)))
}

/// A condition over what a Kubernetes place is called in one respect.
fn cluster<'a>(
    globs: &[String],
    places: impl Iterator<Item = (PlaceKind, Option<&'a str>)>,
    words: &Words,
    what: &str,
) -> (Truth, String) {
    if matches!(words, Words::Script(_)) {
        return (Truth::Perhaps, format!("it is a script for a shell, which may use any {what}"));
    }
    let clusters: Vec<Option<&str>> =
        places.filter(|(kind, _)| *kind == PlaceKind::Kubernetes).map(|(_, name)| name).collect();
    let each = clusters.iter().map(|name| name.map_or(Truth::Perhaps, |name| any_glob(globs, name)));
    let holds = Truth::over(each);
    let because = match clusters.as_slice() {
        [] => "it acts on no cluster".to_owned(),
        names if names.contains(&None) => format!("nobody can tell which {what} it uses"),
        names => format!("the {what} is {}", names.iter().copied().flatten().collect::<Vec<_>>().join(", ")),
    };
    (holds, because)
}

/// The word that stands for a value in files.
pub(super) fn word<T: Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Which environment a place or an alert belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvironmentRule {
    /// Its name.
    pub name: String,
    /// Globs over names of targets.
    pub targets: Vec<String>,
    /// Globs over Kubernetes contexts.
    pub contexts: Vec<String>,
    /// Globs over values of alert labels, by name of the label.
    pub labels: BTreeMap<String, String>,
}

impl EnvironmentRule {
    /// Whether a place belongs to it.
    #[must_use]
    pub fn names(&self, place: &Place) -> bool {
        let of = |globs: &[String], text: &str| globs.iter().any(|pattern| glob(pattern, text));
        of(&self.targets, &place.name) || place.context.as_ref().is_some_and(|context| of(&self.contexts, context))
    }
}
