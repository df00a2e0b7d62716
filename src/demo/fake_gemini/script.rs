//! What the fake says: scenarios as data, chosen by the words of the request.
//!
//! Owns: reading scenarios, choosing one, filling in what stands in the request. Does not: speak HTTP.

use serde::Deserialize;

/// The scenarios of the demo.
pub(super) const DEMO: &str = include_str!("../../../assets/demo/conversation.toml");

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
    /// One of these in the question says that it is about this, wherever it is asked. None for what is about nothing.
    #[serde(default)]
    about: Vec<String>,
    /// Every one of these stands somewhere in what the user said, whatever the case.
    #[serde(default)]
    when: Vec<String>,
    /// One of these stands in the last paragraph of that; no matter which, and no matter whether when there is none.
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

    /// The scenario for a request in which the user `said` this, the question last. What the question is about by its own words
    /// goes before what was said with it: about a disk may be asked beside a certificate.
    pub(super) fn choose(&self, said: &str) -> Option<&Scenario> {
        let said = said.to_lowercase();
        let question = last_paragraph(&said);
        let stands_in = |text: &str, word: &String| text.contains(&word.to_lowercase());
        let is_asked = |scenario: &&Scenario| {
            scenario.asked.is_empty() || scenario.asked.iter().any(|word| stands_in(question, word))
        };
        let is_about = |scenario: &Scenario| scenario.about.iter().any(|word| stands_in(question, word));
        let applies = |scenario: &Scenario| scenario.when.iter().all(|word| stands_in(&said, word));
        let asked = || self.scenarios.iter().filter(is_asked);
        asked()
            .find(|scenario| is_about(scenario) && applies(scenario))
            .or_else(|| asked().find(|scenario| is_about(scenario)))
            .or_else(|| asked().find(|scenario| applies(scenario)))
    }
}

/// The question itself: what stands behind the last blank line.
fn last_paragraph(said: &str) -> &str {
    let said = said.trim_end();
    said.rsplit_once("\n\n").map_or(said, |(_, last)| last)
}

/// `text` with what it takes from the request: `{question}` is the last paragraph of what was `said`, `{fact:NAME|otherwise}` the value
/// that stands behind `NAME` in it (`mountpoint=/srv`, `mountpoint: "/srv"`), or `otherwise`.
pub(super) fn filled(text: &str, said: &str) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        filled.push_str(&rest[..at]);
        let inner = rest[at + 1..].split_once('}');
        let value = inner.and_then(|(name, behind)| Some((value_of(name, said)?, behind)));
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

fn value_of(name: &str, said: &str) -> Option<String> {
    if name == "question" {
        return Some(last_paragraph(said).to_owned());
    }
    let (name, otherwise) = name.strip_prefix("fact:")?.split_once('|')?;
    Some(fact(name, said).unwrap_or(otherwise).to_owned())
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
    fn a_later_question_is_about_what_was_said_before() {
        let script = Script::demo().unwrap();
        let said =
            "  label alertname = DiskFull\n\nThe engineer asked:\n\nwhy?\n\nThe engineer asks:\n\nhow do I fix it?";
        assert_eq!(script.choose(said).unwrap().name, "disk: act");
    }

    #[rstest]
    #[case("DiskFull", "how do I undo that?", "disk: undo")]
    #[case("DiskFull", "did it help?", "disk: check")]
    #[case("DiskFull", "what should I do?", "disk: act")]
    #[case("DiskFull", "what is left to do?", "disk: act")]
    #[case("DiskFull", "why is it full?", "disk: why")]
    #[case("DiskFull", "hm", "no words for it")]
    #[case("WorkerCrashLooping", "can I restore the new settings?", "crash loop: undo")]
    #[case("WorkerCrashLooping", "has that worked?", "crash loop: check")]
    #[case("WorkerCrashLooping", "how do I fix this?", "crash loop: act")]
    #[case("WorkerCrashLooping", "why does it crash?", "crash loop: why")]
    #[case("CertificateExpiringSoon", "is it fixed?", "certificate: check")]
    #[case("CertificateExpiringSoon", "renew it", "certificate: act")]
    #[case("CertificateExpiringSoon", "until when?", "certificate: why")]
    #[case("CertificateExpiringSoon", "is the certificate ok", "certificate: check")]
    #[case("CertificateExpiringSoon", "restart the worker please", "crash loop: act")]
    #[case("CertificateExpiringSoon", "how full is the disk?", "disk: why")]
    #[case("CertificateExpiringSoon", "tell me a joke", "no words for it")]
    #[case("WorkerCrashLooping", "is the certificate ok", "certificate: check")]
    #[case("WorkerCrashLooping", "did the worker fill the disk?", "crash loop: why")]
    #[case("DiskFull", "roll back the worker", "crash loop: undo")]
    #[case("DiskFull", "until when is the certificate valid?", "certificate: why")]
    #[case("Else", "what should I do?", "no words for it")]
    #[case("Else", "what should I do about the disk?", "disk: act")]
    fn the_words_of_the_question_choose_and_then_the_incident(
        #[case] alert: &str,
        #[case] question: &str,
        #[case] expected: &str,
    ) {
        let script = Script::demo().unwrap();
        let said = format!("  label alertname = {alert}\n  label severity = high\n\nThe engineer asks:\n\n{question}");
        assert_eq!(script.choose(&said).unwrap().name, expected);
    }

    #[test]
    fn without_an_incident_the_stand_in_says_so() {
        let script = Script::demo().unwrap();
        assert_eq!(script.choose("Now: x\n\nThe engineer asks:\n\nwhat now?").unwrap().name, "anything");
    }

    #[test]
    fn a_value_that_is_not_known_is_asked_for() {
        let script = Script::demo().unwrap();
        for scenario in &script.scenarios {
            let [Reply::Answer(speech)] = scenario.replies.as_slice() else { panic!("{}", scenario.name) };
            let text = filled(&speech.text, "is the certificate ok");
            for block in text.split("```sh\n").skip(1) {
                let command = block.split("\n```").next().unwrap();
                assert!(command == "df -h /var/tmp" || command.contains('<'), "{command}");
            }
        }
    }

    /// Whoever proposes a command of an answer proposes what stands in the SOP, with the incident's values.
    #[test]
    fn the_demos_commands_are_those_of_the_sops_and_need_no_shell() {
        let script = Script::demo().unwrap();
        let context = "  label mountpoint = /srv/a\n  label config_file = /etc/w.toml\n  label log_file = /log/w.log\n  \
                       label status_file = /run/w.toml\n  label filepath = /pki/c.pem\n\nwhat should I do?";
        let sops = [
            include_str!("../../../sops/disk-full.md").replace("<mountpoint>", "/srv/a"),
            include_str!("../../../sops/worker-crash-loop.md")
                .replace("<config_file>", "/etc/w.toml")
                .replace("<log_file>", "/log/w.log")
                .replace("<status_file>", "/run/w.toml"),
            include_str!("../../../sops/certificate-expiring.md").replace("<certificate_file>", "/pki/c.pem"),
        ];
        let lines: Vec<&str> = sops.iter().flat_map(|sop| sop.lines().map(str::trim)).collect();
        let mut commands = 0;
        for scenario in &script.scenarios {
            for reply in &scenario.replies {
                let Reply::Answer(speech) = reply else { panic!("{} is no answer", scenario.name) };
                let text = filled(&speech.text, context);
                assert!(!text.contains("{fact"), "{text}");
                for block in text.split("```sh\n").skip(1) {
                    let command = block.split("\n```").next().unwrap();
                    assert!(lines.contains(&command), "{}: {command}", scenario.name);
                    let parsed = crate::domain::action::grammar::parse(command, &[], &Default::default());
                    let argv = matches!(parsed, Ok(crate::domain::action::grammar::Parsed::Argv(_)));
                    assert!(argv, "{command}: {parsed:?}");
                    commands += 1;
                }
            }
        }
        assert!(commands > 12, "{commands}");
    }
}
