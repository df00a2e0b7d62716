//! What the fake says: scenarios as data, chosen by the words of the request.
//!
//! Owns: reading scenarios, choosing one, filling in what stands in the request. Does not: speak HTTP.

use serde::Deserialize;

/// The scenarios of the demo.
const DEMO: &str = include_str!("../../../assets/demo/conversation.toml");

/// All scenarios, in order; the first that fits is used.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    #[serde(rename = "scenario")]
    scenarios: Vec<Scenario>,
}

/// What is answered to certain requests.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name; unique.
    pub(super) name: String,
    /// Every one of these stands somewhere in the last user turn, whatever the case.
    #[serde(default)]
    when: Vec<String>,
    /// One of these stands in the last paragraph of that turn; no matter which, and no matter whether when there is none.
    #[serde(default)]
    asked: Vec<String>,
    /// Answers, one request after the other; the last one stays.
    #[serde(rename = "reply")]
    pub(super) replies: Vec<Reply>,
}

/// One answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Reply {
    /// A streamed answer.
    Answer(Speech),
    /// An HTTP error.
    Error(Fault),
    /// Nothing, for ever.
    Hang {},
    /// The prompt is blocked.
    Blocked {
        /// The service's word for why.
        reason: String,
    },
    /// Bytes that are no answer, with HTTP 200.
    Raw { content_type: String, text: String },
}

/// A streamed answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Speech {
    /// What is said, with `{question}` and `{fact:NAME|otherwise}` filled in.
    pub(super) text: String,
    /// So many times over.
    pub(super) repeat: usize,
    /// A summary of the thinking that comes first.
    pub(super) thoughts: String,
    /// A function that is called at the end.
    pub(super) call: Option<Call>,
    /// The reason to finish; `CONTINUATION` also issues a token.
    pub(super) finish: String,
    /// Which chunks say the reason.
    pub(super) finish_in: FinishIn,
    /// Characters of a chunk.
    pub(super) chunk: usize,
    /// Milliseconds between chunks.
    pub(super) pause_ms: u64,
    /// How it ends.
    pub(super) ending: Ending,
}

impl Default for Speech {
    fn default() -> Self {
        Self {
            text: String::new(),
            repeat: 1,
            thoughts: String::new(),
            call: None,
            finish: "STOP".to_owned(),
            finish_in: FinishIn::Last,
            chunk: 40,
            pause_ms: 0,
            ending: Ending::Whole,
        }
    }
}

/// A function that the model calls.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) args: toml::Table,
}

/// Which chunks say why the answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FinishIn {
    /// The last one.
    Last,
    /// Every one from the first on, as was recorded once.
    All,
}

/// How a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ending {
    /// As it should.
    Whole,
    /// Without a reason.
    Silent,
    /// In the middle of an event.
    Cut,
    /// The connection breaks.
    Broken,
    /// It stops and stays open.
    Hang,
    /// With an error in an event.
    ErrorEvent,
    /// With an error that is no event.
    BareError,
    /// With an event that is no JSON.
    Garbage,
}

/// An HTTP error.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault {
    /// HTTP status.
    pub(super) code: u16,
    /// The service's word for it.
    pub(super) status: String,
    pub(super) message: String,
    /// `RetryInfo.retryDelay`.
    pub(super) retry_delay: Option<String>,
    /// `QuotaFailure.violations[].quotaId`.
    pub(super) quota: Option<String>,
    /// Whether the error stands in a list.
    #[serde(default)]
    pub(super) in_list: bool,
}

/// Why a script cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// It is no TOML of this shape.
    #[error("the script cannot be read: {0}")]
    Shape(String),
    /// A scenario says nothing.
    #[error("the scenario {0} has no reply")]
    Empty(String),
    /// Two scenarios have one name.
    #[error("there are two scenarios with the name {0}")]
    Twice(String),
}

impl Script {
    /// Reads scenarios from TOML.
    ///
    /// # Errors
    /// [`ScriptError`].
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let script: Self = toml::from_str(text).map_err(|error| ScriptError::Shape(error.to_string()))?;
        for (index, scenario) in script.scenarios.iter().enumerate() {
            if scenario.replies.is_empty() {
                return Err(ScriptError::Empty(scenario.name.clone()));
            }
            if script.scenarios[..index].iter().any(|other| other.name == scenario.name) {
                return Err(ScriptError::Twice(scenario.name.clone()));
            }
        }
        Ok(script)
    }

    /// The conversation of the demo.
    ///
    /// # Errors
    /// Never, as long as the file that is compiled in can be read; a test sees to that.
    pub fn demo() -> Result<Self, ScriptError> {
        Self::parse(DEMO)
    }

    /// The scenarios of both, those of `self` first.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.scenarios.extend(other.scenarios);
        self
    }

    /// The scenario for a request whose last user turn says `turn`.
    pub(super) fn choose(&self, turn: &str) -> Option<&Scenario> {
        let turn = turn.to_lowercase();
        let question = last_paragraph(&turn);
        self.scenarios.iter().find(|scenario| {
            scenario.when.iter().all(|word| turn.contains(&word.to_lowercase()))
                && (scenario.asked.is_empty()
                    || scenario.asked.iter().any(|word| question.contains(&word.to_lowercase())))
        })
    }
}

/// The question itself: what stands behind the last blank line.
fn last_paragraph(turn: &str) -> &str {
    let turn = turn.trim_end();
    turn.rsplit_once("\n\n").map_or(turn, |(_, last)| last)
}

/// `text` with what it takes from the request: `{question}` is the last paragraph of `turn`, `{fact:NAME|otherwise}` the value
/// that stands behind `NAME` in it (`mountpoint=/srv`, `mountpoint: "/srv"`), or `otherwise`.
pub(super) fn filled(text: &str, turn: &str) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        filled.push_str(&rest[..at]);
        let inner = rest[at + 1..].split_once('}');
        let value = inner.and_then(|(name, behind)| Some((value_of(name, turn)?, behind)));
        match value {
            Some((value, behind)) => {
                filled.push_str(&value);
                rest = behind;
            }
            None => {
                filled.push('{');
                rest = &rest[at + 1..];
            }
        }
    }
    filled.push_str(rest);
    filled
}

fn value_of(name: &str, turn: &str) -> Option<String> {
    if name == "question" {
        return Some(last_paragraph(turn).to_owned());
    }
    let (name, otherwise) = name.strip_prefix("fact:")?.split_once('|')?;
    Some(fact(name, turn).unwrap_or(otherwise).to_owned())
}

/// The value that stands behind `name` in `text`, up to a blank or a quote.
fn fact<'a>(name: &str, text: &'a str) -> Option<&'a str> {
    const QUOTES: [char; 4] = ['"', '\'', '`', '*'];
    text.match_indices(name).find_map(|(at, _)| {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '<' | '$')) {
            return None;
        }
        let behind = text[at + name.len()..].trim_start_matches(QUOTES).trim_start_matches(' ');
        let value = behind.strip_prefix(['=', ':'])?.trim_start_matches(' ').trim_start_matches(QUOTES);
        let ends = |c: char| c.is_whitespace() || QUOTES.contains(&c) || matches!(c, ',' | ';' | '|' | ')' | '}');
        let value = &value[..value.find(ends).unwrap_or(value.len())];
        (!value.is_empty()).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn scenarios_are_chosen_by_the_words_of_the_request() {
        let script = Script::parse(
            "[[scenario]]\nname = \"a\"\nwhen = [\"disk\"]\nasked = [\"why\", \"cause\"]\n[[scenario.reply]]\nkind = \"hang\"\n\
             [[scenario]]\nname = \"b\"\nwhen = [\"DISK\", \"full\"]\n[[scenario.reply]]\nkind = \"hang\"\n",
        )
        .unwrap();
        let chosen = |turn: &str| script.choose(turn).map(|scenario| scenario.name.as_str());
        assert_eq!(chosen("The Disk is full.\n\nWhy?"), Some("a"));
        assert_eq!(chosen("The disk is full. Why?\n\nWhat now?\n"), Some("b"));
        assert_eq!(chosen("disk\n\nwhat now"), None);
    }

    #[rstest]
    #[case("mountpoint=/srv/a b", "/srv/a")]
    #[case("- mountpoint: /srv/a\n", "/srv/a")]
    #[case("{\"mountpoint\":\"/srv/a\"}", "/srv/a")]
    #[case("`mountpoint` = `/srv/a`", "/srv/a")]
    #[case("run df <mountpoint>, my_mountpoint=/x, mountpoint = /srv/a, more", "/srv/a")]
    #[case("the mountpoint is /srv", "-")]
    #[case("mountpoint=", "-")]
    fn facts_are_found_in_the_request(#[case] turn: &str, #[case] expected: &str) {
        assert_eq!(filled("df {fact:mountpoint|-}", turn), format!("df {expected}"));
    }

    #[test]
    fn other_braces_stay() {
        assert_eq!(filled("${x} {question} {fact:a} {", "context\n\nwhy é?\n"), "${x} why é? {fact:a} {");
    }

    #[test]
    fn the_demo_has_an_answer_to_everything() {
        let script = Script::demo().unwrap();
        for turn in ["DiskFull\n\nwhy?", "WorkerCrashLoop\n\nwhat now?", "CertificateExpiringSoon\n\nhelp", "hello"] {
            assert!(script.choose(turn).is_some(), "{turn}");
        }
    }

    #[test]
    fn the_demos_commands_suit_the_request_and_need_no_shell() {
        let script = Script::demo().unwrap();
        let context = "alert DiskFull\nmountpoint: /srv/log-archive\nunit: worker.service\n\nwhat should I do?";
        let mut commands = Vec::new();
        for scenario in &script.scenarios {
            for reply in &scenario.replies {
                let Reply::Answer(speech) = reply else { panic!("{} is no answer", scenario.name) };
                let text = filled(&speech.text, context);
                assert!(!text.contains("{fact"), "{text}");
                let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("\n```").next().unwrap().to_owned());
                commands.extend(blocks);
            }
        }
        assert!(commands.len() > 5 && commands.iter().any(|command| command.contains("/srv/log-archive")));
        for command in &commands {
            let parsed = crate::domain::action::grammar::parse(command, &[], &Default::default());
            assert!(matches!(parsed, Ok(crate::domain::action::grammar::Parsed::Argv(_))), "{command}: {parsed:?}");
        }
        let chosen = script.choose(context).unwrap();
        assert_eq!(chosen.name, "disk: act");
    }

    #[test]
    fn mistakes_in_a_script_are_named() {
        let reply = "[[scenario.reply]]\nkind = \"hang\"\n";
        let twice = format!("[[scenario]]\nname = \"a\"\n{reply}[[scenario]]\nname = \"a\"\n{reply}");
        assert_eq!(Script::parse(&twice).unwrap_err(), ScriptError::Twice("a".to_owned()));
        let empty = "[[scenario]]\nname = \"a\"\nreply = []\n";
        assert_eq!(Script::parse(empty).unwrap_err(), ScriptError::Empty("a".to_owned()));
        assert!(matches!(Script::parse("x = 1").unwrap_err(), ScriptError::Shape(_)));
    }
}
