//! What is read of conditions about logs, and what counts decide.

use rstest::rstest;

use super::super::condition::{Condition, evaluate};
use super::super::evidence::{Facts, OutputText};
use super::*;
use crate::domain::action::attempt::Outcome;

fn read(text: &str) -> Option<String> {
    let Some(Condition::Lines(found)) = Condition::parse(text) else { return None };
    let log = found.log.unwrap_or_else(|| "-".to_owned());
    let within = found.within.map_or_else(|| "-".to_owned(), |within| within.as_secs().to_string());
    Some(format!("{log} {:?} {} {} {within}", found.texts, found.operator.sign(), found.threshold))
}

#[rstest]
#[case("the log shows `timeout`", "- [\"timeout\"] > 0 -")]
#[case("If the logs contain `A` or `B`", "- [\"A\", \"B\"] > 0 -")]
#[case("the log shows no `timeout` in the last 5 minutes", "- [\"timeout\"] = 0 300")]
#[case("the log does not show `timeout`", "- [\"timeout\"] = 0 -")]
#[case("the orders log shows `x` more than 10 times in the last hour", "orders [\"x\"] > 10 3600")]
#[case("the log of `orders-api` has at least 3 lines with `x`", "orders-api [\"x\"] >= 3 -")]
#[case("the log of the worker does not show `x` more than 2 times", "worker [\"x\"] <= 2 -")]
#[case("the log shows `x` at least twice", "- [\"x\"] >= 2 -")]
#[case("the journal says `Killed process`", "journal [\"Killed process\"] > 0 -")]
#[case("there are fewer than five `x` lines in the log of orders", "orders [\"x\"] < 5 -")]
#[case("there are no messages with `x` in its logs over the past 10 min", "- [\"x\"] = 0 600")]
#[case("`x` appears more than 1,000 times in the log within the last 2 h", "- [\"x\"] > 1000 7200")]
#[case("Does the log of orders show `x` in the last minute?", "orders [\"x\"] > 0 60")]
#[case("`x` does not appear in the log", "- [\"x\"] = 0 -")]
fn sentences_about_logs_are_read(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(read(text).as_deref(), Some(expected));
}

#[rstest]
#[case("the log shows errors")]
#[case("the log shows `x` often")]
#[case("the log shows `x` 3 times")]
#[case("the log shows `x` and `y`")]
#[case("the log shows `x` in the last 5 things")]
#[case("the log shows `x` in the last 900 days")]
#[case("the log shows `x` in the last 5 minutes and it is slow")]
#[case("the log does not show no `x`")]
#[case("the log shows more than 3 `x` at least 4 times")]
#[case("the old log shows `x`")]
#[case("the catalogue shows `x`")]
#[case("there are `x` in the house")]
fn everything_else_is_for_a_person(#[case] text: &str) {
    assert_eq!(read(text), None);
}

fn lines(lines: u64, at_least: bool) -> Lines {
    let (from, until) = (Timestamp::from_millis(0), Timestamp::from_millis(300_000));
    Lines { source: "orders".into(), from, until, lines, at_least }
}

fn decided(text: &str, found: Lines) -> Result<(bool, String), String> {
    let condition = Condition::parse(text).unwrap();
    let Condition::Lines(question) = condition.clone() else { panic!("{condition:?}") };
    let counted = [Counted { question, result: Ok(found) }];
    evaluate(&condition, &Facts::Lines { counted: &counted }).map(|finding| (finding.holds, finding.proof.words()))
}

#[test]
fn a_count_is_compared_and_all_of_it_is_said() {
    let text = "the log of orders shows `timeout` more than 10 times in the last 5 minutes";
    let words = "17 lines with \"timeout\" against > 10: log orders, 5 min until 1970-01-01 00:05 UTC";
    assert_eq!(decided(text, lines(17, false)), Ok((true, words.to_owned())));
    assert!(!decided(text, lines(10, false)).unwrap().0);
}

#[rstest]
#[case("the log shows `x` more than 10 times", 11, Some(true))]
#[case("the log shows `x` more than 10 times", 10, None)]
#[case("the log shows `x` at least 10 times", 10, Some(true))]
#[case("the log shows `x` fewer than 10 times", 10, Some(false))]
#[case("the log shows `x` fewer than 10 times", 9, None)]
#[case("the log shows no `x`", 0, None)]
#[case("the log shows no `x`", 1, Some(false))]
fn a_count_that_may_be_too_small_decides_only_what_is_settled(
    #[case] text: &str,
    #[case] count: u64,
    #[case] expected: Option<bool>,
) {
    assert_eq!(decided(text, lines(count, true)).ok().map(|(holds, _)| holds), expected);
}

#[test]
fn the_lines_of_an_output_count_when_no_span_is_asked_for() {
    let (outcome, output) = (Outcome::Exited { code: 0 }, "a timeout\nb\nTimeout\nc timeout\n".to_owned());
    let output = OutputText { text: output, whole: true };
    let facts = Facts::Attempt { attempt: AttemptId(4), outcome: &outcome, output: Some(&output) };
    let finding = evaluate(&Condition::parse("the log shows `timeout` more than once").unwrap(), &facts).unwrap();
    assert_eq!((finding.holds, finding.proof.words().as_str()), (true, "2 lines with \"timeout\" against > 1 in [E4]"));
    let spanned = Condition::parse("the log shows `timeout` in the last 5 minutes").unwrap();
    assert!(evaluate(&spanned, &facts).unwrap_err().contains("span of time"));
}

#[rstest]
#[case("journalctl -u orders -n 100", true)]
#[case("kubectl logs deploy/orders | grep x", true)]
#[case("tail -n 5 /var/log/syslog", true)]
#[case("cat /srv/app/current.log", true)]
#[case("ls -l /srv", false)]
fn commands_that_read_logs_are_known(#[case] command: &str, #[case] expected: bool) {
    assert_eq!(reads_log(command), expected);
}
