//! The file as TOML has it. Unknown keys are errors.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};

use crate::domain::action::risk::Risk;
use crate::domain::alert::Severity;
use crate::domain::policy::condition::Form;
use crate::domain::policy::decision::{Demand, Scope, Verdict};
use crate::domain::policy::request::{Kind, PlaceKind};

/// A whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileForm {
    pub(super) version: i64,
    #[serde(default)]
    pub(super) time_zone: Option<String>,
    #[serde(default)]
    pub(super) default: Option<Verdict>,
    #[serde(default)]
    pub(super) default_environment: Option<String>,
    #[serde(default)]
    pub(super) person: Vec<PersonForm>,
    #[serde(default)]
    pub(super) environment: Vec<EnvironmentForm>,
    #[serde(default)]
    pub(super) freeze: Vec<FreezeForm>,
    #[serde(default)]
    pub(super) forbidden: Vec<ForbiddenForm>,
    #[serde(default)]
    pub(super) rule: Vec<RuleForm>,
}

/// `[[person]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonForm {
    pub(super) name: String,
    #[serde(default)]
    pub(super) uid: Option<u32>,
    #[serde(default)]
    pub(super) login_uid: Option<u32>,
    #[serde(default)]
    pub(super) ssh_key: Option<String>,
    #[serde(default)]
    pub(super) roles: Vec<String>,
}

/// `[[environment]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EnvironmentForm {
    pub(super) name: String,
    #[serde(default)]
    pub(super) targets: Vec<String>,
    #[serde(default)]
    pub(super) contexts: Vec<String>,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
}

/// `[[freeze]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FreezeForm {
    #[serde(deserialize_with = "moment")]
    from: i64,
    #[serde(deserialize_with = "moment")]
    to: i64,
    reason: String,
    #[serde(default)]
    when: WhenForm,
    #[serde(default)]
    unless: Option<WhenForm>,
}

/// `[[forbidden]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ForbiddenForm {
    name: String,
    reason: String,
    #[serde(deserialize_with = "patterns")]
    argv: Vec<Vec<String>>,
    #[serde(default)]
    form: Vec<Form>,
    #[serde(default)]
    r#match: Vec<Example>,
    #[serde(default)]
    no_match: Vec<Example>,
}

/// `[[rule]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleForm {
    pub(super) name: String,
    #[serde(default)]
    pub(super) reason: String,
    pub(super) effect: Verdict,
    #[serde(default)]
    pub(super) demands: Vec<Demand>,
    #[serde(default)]
    pub(super) max_scope: Option<Scope>,
    #[serde(default)]
    pub(super) when: WhenForm,
    #[serde(default)]
    pub(super) unless: Option<WhenForm>,
    #[serde(default)]
    pub(super) r#match: Vec<Example>,
    #[serde(default)]
    pub(super) no_match: Vec<Example>,
}

/// `when` and `unless`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WhenForm {
    pub(super) kind: Vec<Kind>,
    pub(super) form: Vec<Form>,
    pub(super) risk: Vec<Risk>,
    #[serde(deserialize_with = "patterns")]
    pub(super) argv: Vec<Vec<String>>,
    pub(super) target: Vec<String>,
    pub(super) target_kind: Vec<PlaceKind>,
    pub(super) context: Vec<String>,
    pub(super) namespace: Vec<String>,
    pub(super) environment: Vec<String>,
    pub(super) roles: Vec<String>,
    pub(super) people: Vec<String>,
    pub(super) severity: Vec<Severity>,
    pub(super) hours: Vec<String>,
    pub(super) days: Vec<String>,
}

/// An example of a request: a command line, or the facts that matter.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Example {
    /// A command line.
    Line(String),
    /// Some facts.
    Facts(Box<FactsForm>),
}

/// The facts of an example.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FactsForm {
    pub(super) line: Option<String>,
    pub(super) kind: Option<Kind>,
    pub(super) risk: Option<Risk>,
    pub(super) target: Option<String>,
    pub(super) context: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) person: Option<String>,
    pub(super) roles: Option<Vec<String>>,
    pub(super) severity: Option<Severity>,
    pub(super) at: Option<String>,
}

impl ForbiddenForm {
    pub(super) fn into_rule(self) -> RuleForm {
        let Self { name, reason, argv, form, r#match, no_match } = self;
        let when = WhenForm { argv, form, ..WhenForm::default() };
        let (demands, max_scope, unless) = (Vec::new(), None, None);
        RuleForm { name, reason, effect: Verdict::Forbid, demands, max_scope, when, unless, r#match, no_match }
    }
}

impl FreezeForm {
    /// The rule that it is, and from when to when it holds. Reads go on unless it names risks itself.
    pub(super) fn into_rule(self) -> (RuleForm, Option<(i64, i64)>) {
        let Self { from, to, reason, mut when, unless } = self;
        if when.risk.is_empty() {
            when.risk = vec![Risk::Change, Risk::Destroy, Risk::Unknown];
        }
        let name = format!("freeze: {reason}");
        let rule = RuleForm {
            name,
            reason,
            effect: Verdict::Forbid,
            demands: Vec::new(),
            max_scope: None,
            when,
            unless,
            r#match: Vec::new(),
            no_match: Vec::new(),
        };
        (rule, Some((from, to)))
    }
}

/// One pattern, or a list of patterns.
fn patterns<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMore {
        One(Vec<String>),
        More(Vec<Vec<String>>),
    }
    let expected = "argv has to be a list of words, or a list of such lists";
    Ok(match OneOrMore::deserialize(deserializer).map_err(|_| de::Error::custom(expected))? {
        OneOrMore::One(words) if words.is_empty() => return Err(de::Error::custom(expected)),
        OneOrMore::One(words) => vec![words],
        OneOrMore::More(patterns) => patterns,
    })
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = String::deserialize(deserializer)?;
    super::moment(&text)
        .ok_or_else(|| de::Error::custom(format!("{text:?} is no moment such as \"2026-12-20T00:00:00+01:00\"")))
}
