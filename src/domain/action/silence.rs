//! Silences: alerts that somebody is not to be notified of for a while.
//!
//! Owns: what a silence is, as a person types it, which alerts it mutes, and the words of the command that makes it. Does
//! not: talk to an Alertmanager.
//!
//! A silence goes through the gate as the command of this program that makes it. So its matchers are shown word by word and
//! hashed, its grant is spent once, its end is recorded, and after a crash it is `Unknown` and not made a second time.
//!
//! Invariant: a silence that could mute everything is none: at least one matcher does not match an absent label.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::handed::HandedSecret;
use super::spec::{Origin, Piece, Word};
use crate::domain::alert::Labels;
use crate::domain::id::SourceId;
use crate::domain::time::parse_span;

/// The longest silence: who needs more changes the rule.
pub const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The shortest silence: Alertmanager looks at groups about so often.
pub const SHORTEST: Duration = Duration::from_secs(60);
/// Characters of a comment at most.
pub const COMMENT_CHARACTERS: usize = 500;

/// How a label is matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchOperator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`, for the whole value.
    Regex,
    /// `!~`, for the whole value.
    NotRegex,
}

impl MatchOperator {
    /// As it is written.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }
}

/// A condition on one label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matcher {
    /// Name of the label.
    pub name: String,
    /// How.
    pub operator: MatchOperator,
    /// With what. Foreign text when it comes from an alert.
    pub value: String,
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.name, self.operator.sign(), self.value)
    }
}

impl Matcher {
    /// Reads one: `alertname=DiskFull`, `instance=~db-.*`.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let end = text.find(['=', '!']).ok_or_else(|| format!("{text:?} is no matcher: write label=value."))?;
        let (name, rest) = text.split_at(end);
        let operators = [MatchOperator::Regex, MatchOperator::NotRegex, MatchOperator::NotEqual, MatchOperator::Equal];
        let operator = operators.into_iter().find(|operator| rest.starts_with(operator.sign()));
        let operator = operator.ok_or_else(|| format!("{text:?} is no matcher: use =, !=, =~ or !~."))?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_name) || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(format!("{name:?} is no name of a label."));
        }
        let value = rest.get(operator.sign().len()..).unwrap_or_default().to_owned();
        let matcher = Self { name: name.to_owned(), operator, value };
        matcher.test().map(|_| ())?;
        Ok(matcher)
    }

    /// Whether a value fits, as a function.
    fn test(&self) -> Result<impl Fn(&str) -> bool + '_, String> {
        let regex = match self.operator {
            MatchOperator::Equal | MatchOperator::NotEqual => None,
            MatchOperator::Regex | MatchOperator::NotRegex => {
                let whole = format!("^(?:{})$", self.value);
                let regex = Regex::new(&whole);
                Some(regex.map_err(|_| format!("{:?} is no regular expression that can be judged here.", self.value))?)
            }
        };
        Ok(move |value: &str| {
            let fits = regex.as_ref().map_or(value == self.value, |regex| regex.is_match(value));
            match self.operator {
                MatchOperator::Equal | MatchOperator::Regex => fits,
                MatchOperator::NotEqual | MatchOperator::NotRegex => !fits,
            }
        })
    }
}

/// A silence that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// All of these hold for what is muted; never empty.
    pub matchers: Vec<Matcher>,
    /// For how long, from when it is made: [`SHORTEST`] to [`LONGEST`].
    pub span: Duration,
    /// Why, for others.
    pub comment: String,
}

impl Silence {
    /// A silence, if it is one.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence with what to do.
    pub fn new(matchers: Vec<Matcher>, span: Duration, comment: &str) -> Result<Self, String> {
        if !(SHORTEST..=LONGEST).contains(&span) {
            return Err("A silence lasts between one minute and seven days.".to_owned());
        }
        let mut limits = false;
        for matcher in &matchers {
            limits |= !matcher.test()?("");
        }
        if !limits {
            return Err("This would mute everything: name a label and the value that it has to have.".to_owned());
        }
        let comment: String = comment.trim().chars().take(COMMENT_CHARACTERS).collect();
        let comment = if comment.is_empty() { "made with aiops".to_owned() } else { comment };
        Ok(Self { matchers, span, comment })
    }

    /// Reads what a person types: a span and matchers, in words that may be quoted (`2h alertname=DiskFull "job=a b"`).
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn parse(text: &str, comment: &str) -> Result<Self, String> {
        let words = words(text)?;
        let (span, matchers) = words.split_first().ok_or("Type a span of time and matchers: 2h alertname=DiskFull")?;
        let span = parse_span(span).ok_or_else(|| format!("{span:?} is no span of time such as 30m or 2h."))?;
        let matchers = matchers.iter().map(|word| Matcher::parse(word)).collect::<Result<_, _>>()?;
        Self::new(matchers, span, comment)
    }

    /// Whether an alert with these labels is muted.
    #[must_use]
    pub fn mutes(&self, labels: &Labels) -> bool {
        let value = |name: &str| labels.get(name).map_or("", String::as_str);
        self.matchers.iter().all(|matcher| matcher.test().is_ok_and(|test| test(value(&matcher.name))))
    }

    /// What a person would type for the alert with `labels` and no other: every label by which alerts differ.
    #[must_use]
    pub fn proposed(labels: &Labels) -> String {
        let quoted = |(name, value): (&String, &String)| {
            let word = format!("{name}={value}");
            if word.contains([' ', '"', '\\']) {
                format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
            } else {
                word
            }
        };
        let matchers: Vec<String> = labels.iter().filter(|(_, value)| !value.is_empty()).map(quoted).collect();
        format!("2h {}", matchers.join(" "))
    }
}

/// Words with double quotes and backslashes in them.
fn words(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quoted, mut begun) = (Vec::new(), String::new(), false, false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => (quoted, begun) = (!quoted, true),
            '\\' if quoted => word.extend(chars.next()),
            c if c.is_whitespace() && !quoted => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            c => {
                word.push(c);
                begun = true;
            }
        }
    }
    if quoted {
        return Err("A quotation mark is not closed.".to_owned());
    }
    if begun {
        words.push(word);
    }
    Ok(words)
}

/// Something that is done to the silences of an Alertmanager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SilenceAction {
    /// Make one.
    Create(Silence),
    /// End one now.
    Expire {
        /// Its number, as Alertmanager gave it.
        id: String,
    },
}

/// Which Alertmanager, and by which program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilencePlace {
    /// Absolute path of this program.
    pub program: String,
    /// The file of its configuration, absolute; `None` without one.
    pub config: Option<String>,
    /// The profile of its configuration.
    pub profile: Option<String>,
    /// What it has to know of the person's environment to find the rest of its configuration.
    pub env: BTreeMap<String, String>,
    /// The secret that the Alertmanager wants, as it is handed to the program; `None` when it wants none.
    pub secret: Option<HandedSecret>,
    /// Name of the Alertmanager in the configuration.
    pub source: SourceId,
    /// Its URL; no credentials in it. What was shown is what is asked, whatever the configuration says by then.
    pub url: String,
}

impl SilenceAction {
    /// The words of the command that does it. What a person typed or an alert says stands behind `=` in a word of its own.
    #[must_use]
    pub fn command(&self, place: &SilencePlace, by: &str) -> Vec<Word> {
        let own = |text: &str| Word::new(text, Origin::Sop);
        let given = |option: &str, value: &str| Word {
            pieces: vec![
                Piece { text: format!("{option}="), origin: Origin::Sop },
                Piece { text: value.to_owned(), origin: Origin::Operator },
            ],
        };
        let mut words = vec![own(&place.program)];
        words.extend(place.config.as_ref().map(|config| own(&format!("--config={config}"))));
        words.extend(place.profile.as_ref().map(|profile| own(&format!("--profile={profile}"))));
        words.push(own("silence"));
        words.push(own(match self {
            Self::Create(_) => "create",
            Self::Expire { .. } => "expire",
        }));
        words.push(own(&format!("--source={}", place.source)));
        words.push(own(&format!("--url={}", place.url)));
        match self {
            Self::Create(silence) => {
                words.extend(silence.matchers.iter().map(|matcher| given("--matcher", &matcher.to_string())));
                words.push(given("--for", &format!("{}s", silence.span.as_secs())));
                words.push(own(&format!("--by={by}")));
                words.push(given("--comment", &silence.comment));
            }
            Self::Expire { id } => words.push(given("--id", id)),
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn typed(text: &str) -> Result<Silence, String> {
        Silence::parse(text, "why")
    }

    #[test]
    fn what_is_typed_mutes_what_it_says() {
        let silence = typed(r#"2h alertname=DiskFull instance=~"db-.*" team!=web"#).unwrap();
        assert_eq!(silence.span, Duration::from_secs(7_200));
        assert!(silence.mutes(&labels(&[("alertname", "DiskFull"), ("instance", "db-1")])));
        for other in [
            labels(&[("alertname", "DiskFull"), ("instance", "web-1")]),
            labels(&[("alertname", "DiskFull"), ("instance", "xdb-1")]),
            labels(&[("alertname", "DiskFull"), ("instance", "db-1"), ("team", "web")]),
            labels(&[("instance", "db-1")]),
        ] {
            assert!(!silence.mutes(&other), "{other:?}");
        }
    }

    #[test]
    fn what_would_mute_everything_or_nothing_known_is_refused() {
        for wrong in [
            "",
            "2h",
            "2h instance=~.*",
            "2h instance!=x",
            "2h instance=",
            "8d alertname=A",
            "1s alertname=A",
            "soon alertname=A",
            "2h alertname",
            "2h 1x=A",
            "2h a b=c",
            "2h alertname=~(",
            "2h \"alertname=A",
        ] {
            assert!(typed(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_proposal_for_an_alert_mutes_that_alert() {
        let alert = labels(&[("alertname", "Disk \"full\""), ("path", r"C:\x y"), ("empty", "")]);
        let silence = typed(&Silence::proposed(&alert)).unwrap();
        assert_eq!(silence.matchers.len(), 2);
        assert!(silence.mutes(&alert));
        assert!(!silence.mutes(&labels(&[("alertname", "Disk \"full\"")])));
    }

    #[test]
    fn words_from_outside_are_no_options() {
        let silence = typed(r#"2h "alertname=--url=http://evil""#).unwrap();
        let place = SilencePlace {
            program: "/usr/bin/aiops".to_owned(),
            config: Some("/etc/aiops/config.toml".to_owned()),
            profile: Some("prod".to_owned()),
            env: BTreeMap::new(),
            secret: None,
            source: "am".into(),
            url: "http://am:9093".to_owned(),
        };
        let words: Vec<String> = SilenceAction::Create(silence).command(&place, "ada").iter().map(Word::text).collect();
        assert_eq!(
            words,
            [
                "/usr/bin/aiops",
                "--config=/etc/aiops/config.toml",
                "--profile=prod",
                "silence",
                "create",
                "--source=am",
                "--url=http://am:9093",
                "--matcher=alertname=--url=http://evil",
                "--for=7200s",
                "--by=ada",
                "--comment=why"
            ]
        );
    }
}
