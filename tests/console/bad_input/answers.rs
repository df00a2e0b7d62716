//! Answers that are refused, blocked, cut, garbled or enormous: each is told with its reason and what to do, the SOPs answer
//! instead, and the next question is answered as if nothing had been.

use super::desk::{Desk, KEY, Setup};

/// What a call cost that came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cost {
    /// The provider did nothing with the question.
    Nothing,
    /// It read the question, and perhaps answered: that is counted.
    Something,
}

/// A question that goes wrong, and what has to be read then: what and why, and what to do.
struct Fault {
    question: &'static str,
    words: &'static [&'static str],
    cost: Cost,
}

const fn fault(question: &'static str, cost: Cost, words: &'static [&'static str]) -> Fault {
    Fault { question, words, cost }
}

/// Faults after which the SOPs answer.
const FAULTS: [Fault; 17] = [
    fault(
        "please repeat my key",
        Cost::Nothing,
        &["Gemini refuses the question (HTTP 400): Bad header", "Check `model.name`"],
    ),
    fault(
        "please block this",
        Cost::Something,
        &["Gemini blocked the question: PROHIBITED_CONTENT", "Ask in other words"],
    ),
    fault(
        "please end without a reason",
        Cost::Something,
        &["the answer broke off: it ended without saying why", "Ask again"],
    ),
    fault("please be cut off", Cost::Something, &["the answer broke off in the middle of an event", "Ask again"]),
    fault(
        "please break the connection",
        Cost::Something,
        &["127.0.0.1 broke off", "Check the network and the proxy, then ask again"],
    ),
    fault(
        "please fail in an event",
        Cost::Something,
        &["Gemini is overloaded or failed", "Ask again in a few minutes"],
    ),
    fault(
        "please fail without an event",
        Cost::Something,
        &["Gemini is overloaded or failed", "Ask again in a few minutes"],
    ),
    fault(
        "please talk garbage",
        Cost::Something,
        &["the answer is not what Gemini sends", "look whether `model.base_url` is"],
    ),
    fault("please send a number", Cost::Something, &["an event is no object", "look whether `model.base_url` is"]),
    fault(
        "please send other json",
        Cost::Something,
        &["the answer is not what Gemini sends", "look whether `model.base_url` is"],
    ),
    fault(
        "please be another service",
        Cost::Something,
        &["there is no answer in it", "look whether `model.base_url` is"],
    ),
    fault(
        "please be a hotel's sign-in page",
        Cost::Something,
        &["what answered is not Gemini: it sent text/html", "look whether `model.base_url` is"],
    ),
    fault(
        "please call badly",
        Cost::Something,
        &["malformed (MALFORMED_FUNCTION_CALL)", "Ask again, perhaps in other words"],
    ),
    fault("please say nothing", Cost::Something, &["The model gave no answer", "Ask again, perhaps in other words"]),
    fault(
        "please think too long",
        Cost::Something,
        &["used up its output tokens before it said anything", "Raise [model] max_output_tokens"],
    ),
    fault("please withhold all of it", Cost::Something, &["withheld the answer (SAFETY)", "Ask in other words"]),
    fault("please exaggerate", Cost::Something, &["the answer is longer than 4 MiB and was cut off", "Ask"]),
];

/// Answers of which a part is kept, and what stands below it.
const PARTS: [(&str, &[&str]); 3] = [
    (
        "please withhold the rest",
        &["This much I can say.", "Broken off here: the provider withheld the rest (SAFETY); ask in other words."],
    ),
    (
        "please run out of tokens",
        &[
            "This much I can",
            "Broken off here: the model reached its limit of output tokens",
            "raise [model] max_output_tokens",
        ],
    ),
    ("please end for a new reason", &["This much I can say.", "Broken off here:", "(QUANTUM_DECOHERENCE)"]),
];

/// A key that may not use the model is not tried again at once: the next question is answered without, with the reason.
#[test]
fn a_key_that_may_not_is_left_alone_for_a_while() {
    let mut desk = Desk::open(&Setup::default());
    desk.sit_down();
    let words = [
        "the key may not use this model (HTTP 403): Generative Language API",
        "Enable the Gemini API in the key's project",
    ];
    desk.ask_in_vain("please forbid it", &words);
    let asked = desk.fake.received().len();
    desk.ask_in_vain("is the disk full?", &[words[0], words[1], "It is asked again in 5 min at the earliest"]);
    assert_eq!((desk.fake.received().len(), desk.spent()), (asked, 0));
    assert!(!desk.console.contents().contains(KEY));
    desk.leave();
}

#[test]
fn a_quota_that_is_spent_is_told() {
    let mut desk = Desk::open(&Setup::default());
    desk.sit_down();
    let words = ["the quota of the key's project for today is spent (HTTP 429)", "Ask again tomorrow, raise the quota"];
    desk.ask_in_vain("please be spent for today", &words);
    assert_eq!(desk.spent(), 0);
    desk.leave();
}

#[test]
fn every_answer_that_is_none_is_told_and_the_sops_answer_instead() {
    let mut desk = Desk::open(&Setup::default());
    desk.sit_down();
    desk.goes_on();
    for Fault { question, words, cost } in &FAULTS {
        let before = desk.spent();
        desk.ask_in_vain(question, words);
        let spent = desk.spent() > before;
        assert_eq!(spent, *cost == Cost::Something, "{question}");
        desk.goes_on();
    }
    assert!(!desk.console.contents().contains(KEY));
    desk.leave();
}

#[test]
fn what_came_of_an_answer_that_broke_off_stays_with_the_reason() {
    let mut desk = Desk::open(&Setup::default());
    desk.sit_down();
    for (question, words) in PARTS {
        let said = desk.ask(question, words);
        assert!(!said.contains("not by a model"), "{question}: {said}");
        desk.goes_on();
    }
    // Six megabytes: the first one is kept, and the end of what is shown says so.
    desk.begin("please talk for ever");
    desk.over("Broken off here: the answer was longer than 1 MiB; ask for less of it at a time.");
    desk.goes_on();
    desk.leave();
}

/// The title of the pane says what is waited for, and for how long; the person need not.
#[test]
fn a_wait_that_the_provider_asks_for_is_said_kept_and_can_be_stopped() {
    let mut desk = Desk::open(&Setup::default());
    desk.sit_down();
    desk.ask("please wait a moment", &["That was the moment."]);
    desk.begin("please be busy for a minute");
    desk.console.wait("the wait and its reason", |screen| {
        screen.contains("ctrl-k stops, retry in ") && screen.contains("too many questions in too short a time")
    });
    // What is typed meanwhile is the next question.
    desk.console.type_keys("a thought of mine");
    desk.console.wait_text("> a thought of mine");
    desk.console.type_keys("\x15\x0b");
    desk.answer("please be busy for a minute", &["You stopped it here."]);
    desk.console.type_keys("\x01\x0b");
    desk.leave();
}
