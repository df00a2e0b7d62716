//! Log files: the newest lines of a span of time that contain a text.
//!
//! Owns: reading from the end within bounds, and the times at the beginning of lines. Does not: follow files or unpack
//! rotated ones.
//!
//! Invariants: of each file at most [`MOST_READ`] bytes are read, of each line at most [`MOST_LINE`] are kept, and both are
//! said. A file that is a pipe or a device is not opened: reading it could wait for ever.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::domain::id::SourceId;
use crate::domain::time::Timestamp;
use crate::engine::ports::{BoxFuture, LogLine, LogLines, LogQuery, LogSource, SourceError};

/// Bytes read of one file at most, from its end: about 80,000 lines, some ten milliseconds.
pub const MOST_READ: u64 = 8 * 1024 * 1024;
/// Bytes kept of one line.
pub const MOST_LINE: usize = 16 * 1024;
/// Lines answered at most, whatever is asked for.
const MOST_LINES: usize = 10_000;

/// Log files under one name.
#[derive(Clone, Debug)]
pub struct LogFiles {
    id: SourceId,
    files: Vec<PathBuf>,
}

impl LogFiles {
    /// These files, absolute.
    #[must_use]
    pub const fn new(id: SourceId, files: Vec<PathBuf>) -> Self {
        Self { id, files }
    }
}

impl LogSource for LogFiles {
    fn id(&self) -> SourceId {
        self.id.clone()
    }

    fn lines<'a>(&'a self, query: &'a LogQuery) -> BoxFuture<'a, Result<LogLines, SourceError>> {
        let (files, query, id) = (self.files.clone(), query.clone(), self.id.clone());
        Box::pin(async move {
            let asked = files.len();
            // A file system that does not answer must not stop the others.
            let read = tokio::task::spawn_blocking(move || read_all(&files, &query)).await;
            let lines = read.map_err(|error| SourceError {
                what: format!("the files of {id} could not be read: {error}"),
                remedy: "Look into the log of aiops".to_owned(),
            })?;
            match lines.problems.first() {
                Some(problem) if lines.problems.len() == asked => Err(SourceError {
                    what: format!("nothing of {id} can be read: {problem}"),
                    remedy: "Check `files` of these [[logs]] and who may read them".to_owned(),
                }),
                _ => Ok(lines),
            }
        })
    }
}

fn read_all(files: &[PathBuf], query: &LogQuery) -> LogLines {
    let mut answer = LogLines::default();
    let limit = query.limit.min(MOST_LINES);
    for file in files {
        match read_file(file, query, limit) {
            Ok((lines, more)) => {
                answer.lines.extend(lines);
                answer.more |= more;
            }
            Err(problem) => answer.problems.push(problem),
        }
    }
    // Stable: lines without a time stay where their file has them.
    answer.lines.sort_by_key(|line| line.at);
    let surplus = answer.lines.len().saturating_sub(limit);
    answer.more |= surplus > 0;
    answer.lines.drain(..surplus);
    answer
}

/// The newest lines of one file that fit, and whether there may be more; `Err` is a sentence.
fn read_file(path: &Path, query: &LogQuery, limit: usize) -> Result<(VecDeque<LogLine>, bool), String> {
    let place = path.display().to_string();
    let failed = |error: &std::io::Error| format!("{place} cannot be read: {error}.");
    let metadata = std::fs::metadata(path).map_err(|error| failed(&error))?;
    if !metadata.is_file() {
        return Err(format!("{place} is no plain file."));
    }
    let mut file = File::open(path).map_err(|error| failed(&error))?;
    let length = file.metadata().map_err(|error| failed(&error))?.len();
    let start = length.saturating_sub(MOST_READ);
    file.seek(SeekFrom::Start(start)).map_err(|error| failed(&error))?;
    let mut bytes = Vec::new();
    // What is appended meanwhile is for the next question.
    file.take(length - start).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    let whole = if start == 0 { &bytes[..] } else { after_first_line(&bytes) };
    let (lines, surplus) = fitting(whole, &place, query, limit);
    // What lies before the part that was read may fit, unless the part begins before the span.
    let reaches = first_time(whole).zip(query.from).is_some_and(|(first, from)| first < from);
    Ok((lines, surplus || (start > 0 && !reaches)))
}

/// Without the line that the reading began in the middle of.
fn after_first_line(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
    bytes.get(end..).unwrap_or_default()
}

fn lines_of(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

fn first_time(bytes: &[u8]) -> Option<Timestamp> {
    lines_of(bytes)
        .find_map(|line| time_of(&String::from_utf8_lossy(line.get(..40.min(line.len())).unwrap_or_default())))
}

/// The newest `limit` lines that fit, and whether there were more.
fn fitting(bytes: &[u8], place: &str, query: &LogQuery, limit: usize) -> (VecDeque<LogLine>, bool) {
    let mut kept: VecDeque<LogLine> = VecDeque::new();
    let mut more = false;
    let mut at = None;
    let wanted = query.contains.to_ascii_lowercase();
    for line in lines_of(bytes).filter(|line| !line.is_empty()) {
        let cut = line.get(..MOST_LINE.min(line.len())).unwrap_or_default();
        let mut text = String::from_utf8_lossy(cut).into_owned();
        if cut.len() < line.len() {
            text.push_str(" [cut]");
        }
        at = time_of(&text).or(at);
        let in_span = match at {
            None => query.from.is_none() && query.until.is_none(),
            Some(at) => query.from.is_none_or(|from| from <= at) && query.until.is_none_or(|until| at <= until),
        };
        if !in_span || !(wanted.is_empty() || text.to_ascii_lowercase().contains(&wanted)) {
            continue;
        }
        kept.push_back(LogLine { at, place: place.to_owned(), text });
        if kept.len() > limit {
            kept.pop_front();
            more = true;
        }
    }
    (kept, more)
}

/// The time that a line begins with, perhaps in brackets: RFC 3339, or the same with a space and without a zone, which then
/// counts as UTC. `None` for any other beginning; a time without a year is none, since it may be of any.
fn time_of(line: &str) -> Option<Timestamp> {
    let line = line.trim_start_matches(['[', '"', ' ']);
    let date = line.get(..10)?;
    let shape = date.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-' || byte == b'/',
        _ => byte.is_ascii_digit(),
    });
    if !shape || !matches!(line.as_bytes().get(10), Some(b'T' | b' ')) {
        return None;
    }
    let rest = line.get(11..)?;
    let end = rest.find(|c: char| !matches!(c, '0'..='9' | ':' | '.' | ',')).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(end);
    let clock = clock.trim_end_matches(['.', ',', ':']).replace(',', ".");
    let zone: String = match zone.bytes().next() {
        Some(b'Z') => "Z".to_owned(),
        Some(b'+' | b'-') => zone.chars().take_while(|c| matches!(c, '+' | '-' | ':' | '0'..='9')).collect(),
        _ => "Z".to_owned(),
    };
    let zone = match zone.len() {
        5 if !zone.contains(':') => format!("{}:{}", zone.get(..3)?, zone.get(3..)?),
        _ => zone,
    };
    Timestamp::parse_rfc3339(&format!("{}T{clock}{zone}", date.replace('/', "-")))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[rstest]
    #[case("2026-03-01T02:14:00Z started", Some("2026-03-01T02:14:00Z"))]
    #[case("[2026-03-01T02:14:00.5+01:00] x", Some("2026-03-01T01:14:00.5Z"))]
    #[case("2026-03-01 02:14:00,123 INFO x", Some("2026-03-01T02:14:00.123Z"))]
    #[case("2026/03/01 02:14:00 [error] x", Some("2026-03-01T02:14:00Z"))]
    #[case("2026-03-01T02:14:00+0100 x", Some("2026-03-01T01:14:00Z"))]
    #[case("Mar  1 02:14:00 host x", None)]
    #[case("2026-03-01", None)]
    #[case("2026-13-01 02:14:00 x", None)]
    #[case("  at java.lang.Thread", None)]
    #[case("äöüäöüäöüäöü", None)]
    fn times_at_the_beginning_of_lines(#[case] line: &str, #[case] expected: Option<&str>) {
        assert_eq!(time_of(line), expected.map(at));
    }

    const LOG: &str = "2026-03-01T02:10:00Z one\n2026-03-01T02:11:00Z ERROR two\n  at x\n2026-03-01T02:12:00Z three\n";

    async fn ask(files: Vec<PathBuf>, query: LogQuery) -> Result<LogLines, SourceError> {
        LogFiles::new("app".into(), files).lines(&query).await
    }

    fn texts(lines: &LogLines) -> Vec<&str> {
        lines.lines.iter().map(|line| line.text.split("Z ").last().unwrap()).collect()
    }

    #[tokio::test]
    async fn lines_of_a_span_with_a_text_are_found_the_newest_first_to_stay() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.log");
        std::fs::write(&file, LOG).unwrap();
        let all = ask(vec![file.clone()], LogQuery { limit: 10, ..LogQuery::default() }).await.unwrap();
        assert_eq!((texts(&all), all.more), (vec!["one", "ERROR two", "  at x", "three"], false));
        // A line without a time belongs to the one before it.
        let from = Some(at("2026-03-01T02:10:30Z"));
        let until = Some(at("2026-03-01T02:11:30Z"));
        let span = ask(vec![file.clone()], LogQuery { from, until, limit: 10, ..LogQuery::default() }).await.unwrap();
        assert_eq!(texts(&span), ["ERROR two", "  at x"]);
        let some = LogQuery { contains: "error".to_owned(), limit: 10, ..LogQuery::default() };
        assert_eq!(texts(&ask(vec![file.clone()], some).await.unwrap()), ["ERROR two"]);
        let newest = ask(vec![file], LogQuery { limit: 1, ..LogQuery::default() }).await.unwrap();
        assert_eq!((texts(&newest), newest.more), (vec!["three"], true));
    }

    #[tokio::test]
    async fn several_files_are_one_log_and_one_that_is_missing_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let (one, two) = (directory.path().join("1"), directory.path().join("2"));
        std::fs::write(&one, "2026-03-01T02:10:00Z a\n2026-03-01T02:12:00Z c\n").unwrap();
        std::fs::write(&two, "2026-03-01T02:11:00Z b\n").unwrap();
        let query = || LogQuery { limit: 10, ..LogQuery::default() };
        let missing = directory.path().join("3");
        let lines = ask(vec![one, two, missing.clone()], query()).await.unwrap();
        assert_eq!(texts(&lines), ["a", "b", "c"]);
        assert!(lines.problems[0].contains("cannot be read"), "{lines:?}");
        let error = ask(vec![missing], query()).await.unwrap_err().to_string();
        assert!(error.contains("nothing of app can be read"), "{error}");
        let error = ask(vec![directory.path().to_owned()], query()).await.unwrap_err().to_string();
        assert!(error.contains("is no plain file"), "{error}");
    }

    #[tokio::test]
    async fn a_large_file_is_read_from_its_end_and_that_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.log");
        let line = format!("2026-03-01T02:10:00Z {}\n", "x".repeat(1_000));
        let mut text = line.repeat(usize::try_from(MOST_READ).unwrap() / line.len() + 10);
        text.push_str(&format!("2026-03-01T02:20:00Z last {}\n", "y".repeat(2 * MOST_LINE)));
        std::fs::write(&file, text).unwrap();
        let query = LogQuery { contains: "last".to_owned(), limit: 5, ..LogQuery::default() };
        let lines = ask(vec![file.clone()], query.clone()).await.unwrap();
        assert_eq!((lines.lines.len(), lines.more), (1, true));
        assert!(lines.lines[0].text.len() <= MOST_LINE + 8 && lines.lines[0].text.ends_with("[cut]"));
        // The part that was read begins before the span, so nothing can be missing.
        let from = Some(at("2026-03-01T02:15:00Z"));
        assert!(!ask(vec![file], LogQuery { from, ..query }).await.unwrap().more);
    }
}
