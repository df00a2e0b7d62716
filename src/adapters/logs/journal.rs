//! journald, through `journalctl`: the words of the command that reads it, and its output.
//!
//! Owns: which options are used, and the JSON that comes back. Does not: start anything. The command goes through the gate
//! like every other one; it only looks, so one key approves it.

use serde::Deserialize;
use serde_json::Value;

use crate::domain::time::Timestamp;
use crate::engine::ports::{LogLine, LogLines};

/// Lines asked for at most.
pub const MOST_LINES: usize = 5_000;

/// Which entries are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalQuery {
    /// Of this unit only; all when empty.
    pub unit: String,
    /// Not before this.
    pub from: Option<Timestamp>,
    /// Not after this.
    pub until: Option<Timestamp>,
    /// At most so many, the newest.
    pub limit: usize,
}

/// The words of the command. What comes from outside stands in a word of its own, behind `=`, so that it is never an option.
#[must_use]
pub fn words(query: &JournalQuery) -> Vec<String> {
    let mut words = vec!["journalctl".to_owned(), "--no-pager".to_owned(), "--output=json".to_owned()];
    words.push(format!("--lines={}", query.limit.clamp(1, MOST_LINES)));
    // Seconds since the epoch mean the same in every time zone.
    words.extend(query.from.map(|from| format!("--since=@{}", from.as_millis().div_euclid(1_000))));
    words.extend(query.until.map(|until| format!("--until=@{}", until.as_millis().div_euclid(1_000) + 1)));
    if !query.unit.is_empty() {
        words.push(format!("--unit={}", query.unit));
    }
    words
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "__REALTIME_TIMESTAMP")]
    at: Option<String>,
    #[serde(rename = "MESSAGE")]
    message: Option<Value>,
    #[serde(rename = "_SYSTEMD_UNIT")]
    unit: Option<String>,
    #[serde(rename = "SYSLOG_IDENTIFIER")]
    identifier: Option<String>,
}

/// Reads what the command printed: one JSON object a line. Lines that are none are told, not dropped.
#[must_use]
pub fn read(output: &str) -> LogLines {
    let mut lines = LogLines::default();
    for line in output.lines().filter(|line| !line.trim().is_empty()) {
        match serde_json::from_str::<Entry>(line) {
            Ok(entry) => lines.lines.push(line_of(entry)),
            Err(_) => lines.problems.push(line.to_owned()),
        }
    }
    lines
}

fn line_of(entry: Entry) -> LogLine {
    let micros: Option<i64> = entry.at.and_then(|at| at.parse().ok());
    let place = entry.unit.or(entry.identifier).unwrap_or_default();
    LogLine { at: micros.map(|micros| Timestamp::from_millis(micros / 1_000)), place, text: text_of(entry.message) }
}

/// A message is a text, or its bytes when these are no UTF-8, or several of either.
fn text_of(message: Option<Value>) -> String {
    match message {
        Some(Value::String(text)) => text,
        Some(Value::Array(items)) => {
            let bytes: Option<Vec<u8>> =
                items.iter().map(|item| item.as_u64().and_then(|byte| u8::try_from(byte).ok())).collect();
            match bytes {
                Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                None => items.into_iter().map(|item| text_of(Some(item))).collect::<Vec<_>>().join(" "),
            }
        }
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_only_looks_and_takes_no_options_from_outside() {
        let query = JournalQuery {
            unit: "--vacuum-time=1s".to_owned(),
            from: Some(Timestamp::from_millis(1_772_331_240_900)),
            until: Some(Timestamp::from_millis(1_772_331_250_100)),
            limit: 100_000,
        };
        assert_eq!(
            words(&query),
            [
                "journalctl",
                "--no-pager",
                "--output=json",
                "--lines=5000",
                "--since=@1772331240",
                "--until=@1772331251",
                "--unit=--vacuum-time=1s",
            ]
        );
        assert_eq!(words(&JournalQuery::default()).len(), 4);
    }

    #[test]
    fn entries_are_read_whatever_their_message_is() {
        let output = concat!(
            r#"{"__REALTIME_TIMESTAMP":"1772331240123456","MESSAGE":"started","_SYSTEMD_UNIT":"a.service"}"#,
            "\n",
            r#"{"__REALTIME_TIMESTAMP":"1772331240123456","MESSAGE":[104,255,105],"SYSLOG_IDENTIFIER":"b"}"#,
            "\n",
            r#"{"MESSAGE":["x","y"]}"#,
            "\n",
            r#"{"MESSAGE":null}"#,
            "\n-- No entries --\n",
        );
        let lines = read(output);
        let shown: Vec<(&str, &str)> =
            lines.lines.iter().map(|line| (line.place.as_str(), line.text.as_str())).collect();
        assert_eq!(shown, [("a.service", "started"), ("b", "h\u{fffd}i"), ("", "x y"), ("", "")]);
        assert_eq!(lines.lines[0].at, Some(Timestamp::from_millis(1_772_331_240_123)));
        assert_eq!(lines.problems, ["-- No entries --"]);
    }
}
