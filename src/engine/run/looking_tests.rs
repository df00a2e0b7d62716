//! Which log a question is about, and when a count is one.

use super::*;
use crate::engine::ports::{BoxFuture, LogLine, LogLines, SourceError};

struct Log(&'static str, LogLines);

impl LogSource for Log {
    fn id(&self) -> crate::domain::id::SourceId {
        self.0.into()
    }

    fn lines<'a>(&'a self, _: &'a LogQuery) -> BoxFuture<'a, Result<LogLines, SourceError>> {
        Box::pin(async { Ok(self.1.clone()) })
    }
}

fn log(name: &'static str, lines: &[&str], more: bool, problems: &[&str]) -> Arc<dyn LogSource> {
    let line = |text: &&str| LogLine { at: None, place: String::new(), text: (*text).to_owned() };
    let lines = lines.iter().map(line).collect();
    let problems = problems.iter().map(|text| (*text).to_owned()).collect();
    Arc::new(Log(name, LogLines { lines, more, problems }))
}

fn question(text: &str) -> LineCount {
    match Condition::parse(text) {
        Some(Condition::Lines(question)) => question,
        other => panic!("{other:?}"),
    }
}

fn which(logs: &[Arc<dyn LogSource>], text: &str) -> Result<String, String> {
    let labels = Labels::from([("service".to_owned(), "Web".to_owned())]);
    source_of(logs, &question(text), &labels).map(|log| log.id().0)
}

#[test]
fn a_log_is_found_by_its_name_or_by_being_the_only_one() {
    let two = [log("web", &[], false, &[]), log("db", &[], false, &[])];
    assert_eq!(which(&two, "the db log shows `x`"), Ok("db".to_owned()));
    assert_eq!(which(&two, "the log of <service> shows `x`"), Ok("web".to_owned()));
    assert_eq!(which(&two[..1], "the log shows `x`"), Ok("web".to_owned()));
    assert!(which(&two, "the log shows `x`").unwrap_err().ends_with("web, db"));
    assert!(which(&two, "the cache log shows `x`").unwrap_err().contains("\"cache\""));
    assert!(which(&[], "the log shows `x`").unwrap_err().contains("[[logs]]"));
}

#[tokio::test]
async fn a_count_is_one_of_whole_answers_and_minds_the_case() {
    let asked = question("the log shows `Oops`");
    let until = Timestamp::from_millis(10_000_000);
    let counted = async |log: Arc<dyn LogSource>| count_lines(log.as_ref(), &asked, until).await;
    let found = counted(log("web", &["an Oops", "an oops"], true, &[])).await.unwrap();
    assert_eq!((found.lines, found.at_least, found.until.since(found.from)), (1, true, asked.span()));
    let error = counted(log("web", &["an Oops"], false, &["/x cannot be read."])).await.unwrap_err();
    assert_eq!(error, "not all of the log web can be counted: /x cannot be read");
}

struct Silent;

impl LogSource for Silent {
    fn id(&self) -> crate::domain::id::SourceId {
        "silent".into()
    }

    fn lines<'a>(&'a self, _: &'a LogQuery) -> BoxFuture<'a, Result<LogLines, SourceError>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_does_not_answer_is_not_waited_for() {
    let asked = question("the log shows `x`");
    let error = count_lines(&Silent, &asked, Timestamp::from_millis(10_000_000)).await.unwrap_err();
    assert_eq!(error, "the log silent did not answer within 5 s");
}
