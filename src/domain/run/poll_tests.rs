//! Which sentences are polls, when it is time to look, and what is noted.

use rstest::rstest;

use super::*;

fn read(text: &str) -> Option<(String, Option<u64>, Option<u64>)> {
    let found = Sentence::of_wait(text)?;
    Some((found.condition, found.every.map(|span| span.as_secs()), found.at_most.map(|span| span.as_secs())))
}

#[rstest]
#[case("Wait until the lag is below 5 seconds.", "the lag is below 5 seconds", None, None)]
#[case("Wait until the lag is below 5 s, at most ten minutes:", "the lag is below 5 s", None, Some(600))]
#[case(
    "Wait until it says `Ready, yes` (looking every 30 s), up to 1 h",
    "it says `Ready, yes`",
    Some(30),
    Some(3_600)
)]
#[case("Wait until the queue is below 1,000 for at most 90s", "the queue is below 1,000", None, Some(90))]
fn sentences_with_their_times_are_read(
    #[case] text: &str,
    #[case] condition: &str,
    #[case] every: Option<u64>,
    #[case] at_most: Option<u64>,
) {
    assert_eq!(read(text), Some((condition.to_owned(), every, at_most)));
}

#[rstest]
#[case("Wait until all pods are fine")]
#[case("Wait until the lag is below 5 s, unless it is night")]
#[case("Wait until the lag is below 5 s, at most 10 things")]
#[case("Wait until the lag is below 5 s, at most 10 min, up to 20 min")]
#[case("Wait until the lag is below 5 s, every 0 s")]
#[case("Wait 5 minutes")]
fn everything_else_is_for_a_person(#[case] text: &str) {
    assert_eq!(read(text), None);
}

fn poll(every: u64, at_most: u64) -> Poll {
    let (every, at_most) = (Duration::from_secs(every), Duration::from_secs(at_most));
    Poll { condition: "it is 0".to_owned(), of: PollOf::Lines, every, at_most }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn seen(seconds: i64, value: Option<f64>) -> Seen {
    Seen { at: at(seconds), value: value.map(Reading), trouble: String::new(), attempt: None }
}

#[test]
fn it_is_looked_at_once_in_an_interval_and_at_the_end_whichever_process_does() {
    let poll = poll(15, 40);
    let waiting = |seen| ItemState::Waiting { since: at(0), until: Some(at(40)), seen };
    assert!(poll.is_due(&waiting(Vec::new()), None, at(0)));
    assert!(!poll.is_due(&waiting(Vec::new()), Some(at(0)), at(14)));
    assert!(poll.is_due(&waiting(Vec::new()), Some(at(0)), at(15)));
    // Another process has nothing but what was noted.
    assert!(!poll.is_due(&waiting(vec![seen(30, Some(1.0))]), None, at(39)));
    assert!(poll.is_due(&waiting(vec![seen(30, Some(1.0))]), None, at(40)), "the end is looked at in any case");
    assert!(poll.is_last(at(40), at(40)) && !poll.is_last(at(39), at(40)));
    assert!(!poll.is_due(&ItemState::Pending, None, at(40)));
}

#[test]
fn what_is_noted_is_bounded_however_wild_a_value_is() {
    let poll = poll(1, 3_600);
    let mut noted: Vec<Seen> = Vec::new();
    for second in 0..=3_600 {
        let look = seen(second, Some(if second % 2 == 0 { 0.0 } else { 100.0 }));
        if poll.is_worth_noting(&noted, &look) {
            noted.push(look);
        }
    }
    println!("3601 looks, {} noted", noted.len());
    assert!(noted.len() <= MOST_SEEN as usize + 1, "{}", noted.len());
    let mut calm: Vec<Seen> = Vec::new();
    for second in 0..=3_600 {
        let look = seen(second, Some(50.0));
        if poll.is_worth_noting(&calm, &look) {
            calm.push(look);
        }
    }
    assert!((2..=MOST_SEEN as usize / 4 + 1).contains(&calm.len()), "{}", calm.len());
    assert!(poll.is_worth_noting(&calm, &seen(4_000, None)), "that nothing is known is news");
}
