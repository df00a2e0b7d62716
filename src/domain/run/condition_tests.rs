//! The grammar of conditions, what is left to a person, and what evidence makes of the rest.

use rstest::rstest;

use super::*;
use crate::domain::alert::Labels;
use crate::domain::id::AttemptId;
use crate::domain::run::evidence::{OutputText, Sample};

fn compare(operator: Operator, value: f64, dimension: Dimension) -> Condition {
    Condition::Compare { operator, threshold: Quantity { value: Reading(value), dimension } }
}

#[rstest]
#[case("usage is above 95 %", compare(Operator::Above, 95.0, Dimension::Percent))]
#[case("Is usage above 95 %?", compare(Operator::Above, 95.0, Dimension::Percent))]
#[case("the usage of the disk is over 95%", compare(Operator::Above, 95.0, Dimension::Percent))]
#[case("the lag exceeds 5 s", compare(Operator::Above, 5.0, Dimension::Time))]
#[case("it is 95 % or more", compare(Operator::AtLeast, 95.0, Dimension::Percent))]
#[case("free space is less than 2 GiB", compare(Operator::Below, 2_147_483_648.0, Dimension::Size))]
#[case("the count is not above 10", compare(Operator::AtMost, 10.0, Dimension::Plain))]
#[case("the number of replicas is at least 3", compare(Operator::AtLeast, 3.0, Dimension::Plain))]
#[case("latency > 250 ms", compare(Operator::Above, 0.25, Dimension::Time))]
#[case("the value is 0", compare(Operator::Equal, 0.0, Dimension::Plain))]
#[case("the value is not 0", compare(Operator::Other, 0.0, Dimension::Plain))]
#[case("it says `Evicted`", Condition::Says(vec!["Evicted".to_owned()]))]
#[case("the output shows \"no route\" or `timeout`", Condition::Says(vec!["no route".to_owned(), "timeout".to_owned()]))]
#[case("it does not say `Evicted`", Condition::Not(Box::new(Condition::Says(vec!["Evicted".to_owned()]))))]
#[case("the state is `active`", Condition::Is(vec!["active".to_owned()]))]
#[case("the command fails", Condition::Not(Box::new(Condition::Succeeded)))]
#[case("it does not fail", Condition::Succeeded)]
#[case("the check succeeded", Condition::Succeeded)]
#[case("the exit code is 2", Condition::Exit(2))]
#[case("the exit status is non-zero", Condition::Not(Box::new(Condition::Exit(0))))]
fn conditions_that_are_understood(#[case] text: &str, #[case] expected: Condition) {
    assert_eq!(Condition::parse(text), Some(expected), "{text}");
}

#[rstest]
#[case("usage is above 95 % and the disk is local")]
#[case("usage is above 95 % for more than five minutes")]
#[case("the count is above 75 % of the limit")]
#[case("most pods are above 90 %")]
#[case("usage is between 80 and 90 %")]
#[case("usage isn't above 95 %")]
#[case("the rotated logs are the bulk of the space")]
#[case("it says Insufficient cpu")]
#[case("it says `A` and `B`")]
#[case("the service fails")]
#[case("the disk is full")]
#[case("step 6 of the diagnosis is above 5")]
#[case("above 95 %")]
#[case("it is above ninety")]
#[case("usage is above 1,5 %")]
#[case("usage is above 10 apples")]
#[case("unless usage is above 95 %")]
#[case("the exit code is 300")]
#[case("it says `")]
#[case("")]
fn conditions_that_are_for_a_person(#[case] text: &str) {
    assert_eq!(Condition::parse(text), None, "{text}");
}

fn of_output(condition: &str, text: &str) -> Result<bool, String> {
    let (outcome, output) = (Outcome::Exited { code: 0 }, OutputText { text: text.to_owned(), whole: true });
    let facts = Facts::Attempt { attempt: AttemptId(1), outcome: &outcome, output: Some(&output) };
    evaluate(&Condition::parse(condition).unwrap(), &facts).map(|finding| finding.holds)
}

const DF: &str = "Filesystem Size Used Avail Use% Mounted on\n/dev/sda1 40G 39G 1.0G 98% /srv/data\n";

#[test]
fn a_number_with_its_unit_is_found_in_the_output() {
    assert_eq!(of_output("usage is above 95 %", DF), Ok(true));
    assert_eq!(of_output("usage is above 98 %", DF), Ok(false));
    assert_eq!(of_output("the value is above 3", "4\n"), Ok(true));
    assert_eq!(of_output("the value is above 3", "value: 4\n"), Ok(true));
}

#[test]
fn numbers_that_do_not_agree_are_for_a_person() {
    let two = format!("{DF}/dev/sdb1 40G 1G 39G 3% /\n");
    assert!(of_output("usage is above 95 %", &two).unwrap_err().contains("do not agree"));
    // All of them on one side: whichever is meant, the answer is the same.
    assert_eq!(of_output("usage is above 99 %", &two), Ok(false));
    assert!(of_output("the value is above 3", "4 of 7\n").unwrap_err().contains("2 numbers"));
    assert!(of_output("usage is above 95 %", "full\n").unwrap_err().contains("no number"));
    assert!(of_output("the value is above 3", "").is_err());
}

#[test]
fn a_cut_output_answers_nothing() {
    let (outcome, output) = (Outcome::Exited { code: 0 }, OutputText { text: "Evicted".to_owned(), whole: false });
    let facts = Facts::Attempt { attempt: AttemptId(1), outcome: &outcome, output: Some(&output) };
    assert!(evaluate(&Condition::parse("it says `Evicted`").unwrap(), &facts).is_err());
    let none = Facts::Attempt { attempt: AttemptId(1), outcome: &outcome, output: None };
    assert!(evaluate(&Condition::parse("it says `Evicted`").unwrap(), &none).is_err());
    // How it ended is known all the same.
    assert!(evaluate(&Condition::Succeeded, &none).unwrap().holds);
}

#[test]
fn only_an_exit_status_says_how_a_command_ended() {
    for outcome in [Outcome::TimedOut, Outcome::Cancelled, Outcome::Unknown { reason: String::new() }] {
        let facts = Facts::Attempt { attempt: AttemptId(1), outcome: &outcome, output: None };
        assert!(evaluate(&Condition::Succeeded, &facts).is_err(), "{outcome:?}");
        assert!(evaluate(&Condition::Succeeded.negated(), &facts).is_err(), "{outcome:?}");
    }
}

fn of_metric(condition: &str, values: &[f64]) -> Result<Finding, String> {
    let samples: Vec<Sample> =
        values.iter().map(|value| Sample { labels: Labels::new(), value: Reading(*value) }).collect();
    let facts = Facts::Metric { query: "up", samples: &samples };
    evaluate(&Condition::parse(condition).unwrap(), &facts)
}

#[test]
fn a_metric_is_compared_with_the_threshold_and_all_of_it_is_kept() {
    let finding = of_metric("the value is above 3", &[4.5]).unwrap();
    assert!(finding.holds);
    let Proof::Number { query, value, threshold, operator, values } = finding.proof else { panic!("a number") };
    assert_eq!((query.as_deref(), value, threshold), (Some("up"), Reading(4.5), Reading(3.0)));
    assert_eq!((operator.as_str(), values), (">", 1));
    assert!(of_metric("the value is above 3", &[f64::INFINITY]).unwrap().holds);
    assert!(!of_metric("the value is above 3", &[1.0, 2.0]).unwrap().holds);
}

#[test]
fn no_result_no_number_and_series_that_disagree_are_no_evidence() {
    assert!(of_metric("the value is above 3", &[]).unwrap_err().contains("no result"));
    assert!(of_metric("the value is above 3", &[f64::NAN]).unwrap_err().contains("not a number"));
    assert!(of_metric("the value is above 3", &[2.0, 4.0]).unwrap_err().contains("do not agree"));
    assert!(of_metric("usage is above 3 %", &[0.04]).unwrap_err().contains("unit"));
}
