//! Reading log files: spans, bounds, rotation, and files that are none.

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
    assert_eq!(time_of(line).map(|(at, _)| at), expected.map(at));
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

fn span(from: &str) -> LogQuery {
    LogQuery { from: Some(at(from)), until: Some(at("2036-01-01T00:00:00Z")), limit: 10, ..LogQuery::default() }
}

#[tokio::test]
async fn a_span_that_begins_in_the_rotated_file_is_read_there_too() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.log");
    std::fs::write(&file, "2026-03-01T02:12:00Z three\n").unwrap();
    std::fs::write(directory.path().join("a.log.1"), "2026-03-01T02:10:00Z one\n2026-03-01T02:11:00Z two\n").unwrap();
    std::fs::write(directory.path().join("a.log.old"), "2026-03-01T02:11:30Z not rotated\n").unwrap();
    std::fs::write(directory.path().join("b.log.1"), "2026-03-01T02:11:30Z of another\n").unwrap();
    let lines = ask(vec![file.clone()], span("2026-03-01T02:10:30Z")).await.unwrap();
    assert_eq!((texts(&lines), lines.more), (vec!["two", "three"], false));
    // What begins in the file itself needs no other one.
    let lines = ask(vec![file.clone()], span("2026-03-01T02:12:00Z")).await.unwrap();
    assert_eq!(texts(&lines), ["three"]);
    // Right after the rotation there is nothing in it yet.
    std::fs::write(&file, "").unwrap();
    let lines = ask(vec![file.clone()], span("2026-03-01T02:10:30Z")).await.unwrap();
    assert_eq!((texts(&lines), lines.problems.len()), (vec!["two"], 0));
    std::fs::rename(directory.path().join("a.log.1"), directory.path().join("a.log.1.gz")).unwrap();
    std::fs::write(&file, "2026-03-01T02:12:00Z three\n").unwrap();
    let lines = ask(vec![file], span("2026-03-01T02:10:30Z")).await.unwrap();
    assert!(lines.more && lines.problems[0].contains("a.log.1.gz is compressed"), "{lines:?}");
}

#[tokio::test]
async fn lines_of_a_span_are_not_guessed_when_they_do_not_say_when_they_are_from() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.log");
    std::fs::write(&file, "Mar  1 02:10:00 host x: one\n").unwrap();
    let error = ask(vec![file.clone()], span("2026-03-01T02:10:30Z")).await.unwrap_err().to_string();
    assert!(error.contains("begin with no date and time that can be read"), "{error}");
    let all = ask(vec![file], LogQuery { limit: 10, ..LogQuery::default() }).await.unwrap();
    assert_eq!((all.lines.len(), all.problems.len()), (1, 0), "without a span they are what they are");
    let read = |text: &str, clock| fitting(text.as_bytes(), "x", &span("2026-03-01T02:00:00Z"), 10, clock);
    let without = "2026-03-01 02:10:00,5 one\n";
    assert!(read(without, HostClock::Other).problem.unwrap().contains("say no zone"));
    assert!(read(without, HostClock::Utc).problem.is_none());
    assert!(read("2026-03-01T02:10:00+01:00 one\n", HostClock::Other).problem.is_none());
}

#[tokio::test]
async fn a_pipe_that_nobody_writes_to_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let error = ask(vec![pipe], LogQuery { limit: 10, ..LogQuery::default() }).await.unwrap_err().to_string();
    assert!(error.contains("is no plain file"), "{error}");
}

#[tokio::test]
async fn bytes_that_a_terminal_would_obey_are_read_as_what_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.log");
    std::fs::write(&file, b"2026-03-01T02:10:00Z \x1b]52;c;x\x07 \xff\xfe \x00 end\n").unwrap();
    let lines = ask(vec![file], span("2026-03-01T02:00:00Z")).await.unwrap();
    let text = &lines.lines[0].text;
    assert!(text.contains('\u{1b}') && text.contains('\u{fffd}') && text.ends_with("end"), "{text:?}");
    assert!(!crate::domain::text::visible(text).contains('\u{1b}'));
}
