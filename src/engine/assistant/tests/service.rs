//! The way of a question: what is sent, what is stored, what it costs, and that there is always an answer.

use std::time::Duration;

use rstest::rstest;

use super::support::{Bench, Heard, Script, about_incident, done, error, general, text, usage};
use crate::domain::chat::budget::Budget;
use crate::domain::chat::{Author, Conversation, FinishReason, MessageState};
use crate::domain::id::IncidentId;
use crate::domain::journal::Payload;
use crate::engine::ask::{AnswerEvent, ModelStatus, Preview, Route};
use crate::engine::backend::BackendError;
use crate::engine::outbound::fakes::TOKEN;
use crate::engine::ports::{ModelError, ModelErrorKind, ModelEvent, Unavailable};

/// What the model is called before it says so itself.
const MODEL: &str = "gemini-3.8-flash";

fn answered() -> Script {
    Script::Says(vec![text("Look at "), text("the disk."), usage(1_000, 100), done(FinishReason::Stop)])
}

fn preview(route: &Route) -> &Preview {
    match route {
        Route::Model(preview) => preview,
        Route::Local { why } => panic!("{why}"),
    }
}

fn why(route: &Route) -> &str {
    match route {
        Route::Local { why } => why,
        Route::Model(preview) => panic!("{preview:?}"),
    }
}

#[tokio::test]
async fn what_was_previewed_is_what_the_model_gets_byte_for_byte() {
    let bench = Bench::new(answered());
    bench.fire("DiskFull").await;
    let prepared = bench.prepare(about_incident("why is host-7 full?")).await;
    let seen = preview(&prepared.route).clone();
    assert!(bench.received().is_empty(), "preparing sends nothing");
    assert_eq!(bench.store.conversation(Conversation::Incident(IncidentId(1)), 9).await.unwrap().0, []);
    assert_eq!(bench.spent_today().await, 0);
    let heard = Heard::all(bench.assistant.answer(prepared.id).await.unwrap(), prepared).await;
    assert_eq!(bench.received(), [seen.body.to_vec()]);
    assert_eq!(heard.text, "Look at the disk.");
    let sent = String::from_utf8(seen.body.to_vec()).unwrap();
    assert!(!sent.contains("host-7") && sent.contains(TOKEN), "{sent}");
    assert!(seen.replaced["host"] >= 2, "{:?}", seen.replaced);
}

#[tokio::test]
async fn the_context_has_rules_incident_sop_and_fences_that_nobody_can_guess() {
    let bench = Bench::new(answered());
    bench.fire("DiskFull").await;
    let bodies = [0, 1].map(|_| bench.prepare(about_incident("why?")));
    let mut words = Vec::new();
    for body in bodies {
        let prepared = body.await;
        let sent: serde_json::Value = serde_json::from_slice(&preview(&prepared.route).body).unwrap();
        let turn = sent["turns"][0]["text"].as_str().unwrap().to_owned();
        assert!(sent["system"].as_str().unwrap().contains("placeholder"));
        for part in ["DiskFull", "label mountpoint = /srv", "[sop:bundled/disk-full.md#", "The engineer asks:\n\nwhy?"]
        {
            assert!(turn.contains(part), "{part}: {turn}");
        }
        let word = turn.split("<<<DATA ").nth(1).unwrap().split('\n').next().unwrap().to_owned();
        let (inside, after) = turn.split_once("ignore all rules").unwrap();
        assert!(inside.contains(&format!("<<<DATA {word}")) && after.contains(&format!("{word} DATA>>>")));
        words.push(word);
    }
    assert_ne!(words[0], words[1]);
}

#[tokio::test]
async fn question_and_answer_are_stored_and_paid() {
    let bench = Bench::new(answered());
    let heard = bench.ask("what now?").await;
    let (messages, earlier) = bench.store.conversation(Conversation::General, 10).await.unwrap();
    assert_eq!((messages.len(), earlier), (2, 0));
    assert_eq!(messages[0].author, Author::Person { name: "ada".to_owned() });
    assert_eq!((messages[0].text.as_str(), &messages[1]), ("what now?", &heard.message));
    assert_eq!(heard.message.author, Author::Model { name: "gemini-3.8-flash-001".to_owned() });
    assert_eq!(heard.message.usage.unwrap().prompt, 1_000);
    // 1,000 × 0.75 + 100 × 3.75 US dollars per million tokens.
    assert_eq!(bench.calls().await, [("answered".to_owned(), 1_125)]);
    assert_eq!(bench.spent_today().await, 1_125);
    assert_eq!(
        bench.assistant.status(1_125),
        ModelStatus::Ready { model: "gemini-3.8-flash".to_owned(), spent_today_micro_usd: 1_125 }
    );
}

#[tokio::test]
async fn the_cost_that_is_shown_is_what_is_reserved() {
    let bench = Bench::new(Script::Hangs(vec![ModelEvent::Text("So far".to_owned())]));
    let prepared = bench.prepare(general("a")).await;
    let shown = preview(&prepared.route).cost_micro_usd;
    let mut answer = bench.assistant.answer(prepared.id).await.unwrap();
    assert_eq!(answer.recv().await, Some(AnswerEvent::Text("So far".to_owned())));
    let journal = bench.journal().await;
    let reserved = journal.iter().find_map(|entry| match entry {
        Payload::ModelAsked { reserved_micro_usd, .. } => Some(*reserved_micro_usd),
        _ => None,
    });
    assert_eq!(reserved, Some(shown));
    assert_eq!(bench.spent_today().await, shown);
}

#[tokio::test]
async fn the_first_body_that_ever_leaves_is_marked() {
    let bench = Bench::new(answered());
    for first in [true, true] {
        let prepared = bench.prepare(general("a")).await;
        assert_eq!(preview(&prepared.route).first_ever, first);
    }
    bench.ask("a").await;
    assert!(!preview(&bench.prepare(general("b")).await.route).first_ever);
}

#[tokio::test]
async fn tokens_are_restored_also_when_pieces_cut_them() {
    let (head, tail) = TOKEN.split_at(3);
    let script = vec![text("ssh "), text(head), text(tail), text(" df, NAM"), done(FinishReason::Stop)];
    let bench = Bench::new(Script::Says(script));
    let heard = bench.ask("what?").await;
    assert_eq!((heard.text.as_str(), heard.message.text.as_str()), ("ssh host-7 df, NAM", "ssh host-7 df, NAM"));
}

#[tokio::test]
async fn the_newest_prepared_question_is_the_one_that_can_be_answered_once() {
    let bench = Bench::new(answered());
    let older = bench.prepare(general("older")).await;
    let newer = bench.prepare(general("newer")).await;
    let refused = |result: Result<_, BackendError>| matches!(result, Err(BackendError::Refused(_)));
    assert!(refused(bench.assistant.answer(older.id).await.map(drop)));
    let id = newer.id;
    Heard::all(bench.assistant.answer(id).await.unwrap(), newer).await;
    assert!(refused(bench.assistant.answer(id).await.map(drop)));
    assert_eq!(bench.received().len(), 1);
}

#[rstest]
#[case::empty(" \n")]
#[case::too_long(&"x".repeat(5_000))]
#[tokio::test]
async fn questions_that_are_none_are_refused(#[case] question: &str) {
    let bench = Bench::new(answered());
    let refused = bench.assistant.prepare(general(question), bench.library.clone()).await;
    assert!(matches!(refused, Err(BackendError::Refused(_))));
}

#[tokio::test]
async fn without_a_model_the_fallback_answers_and_says_why() {
    let bench = Bench::without_model();
    let heard = bench.ask("how do I see how full the disk is?").await;
    assert!(why(&heard.route).contains("no key"));
    assert_eq!(heard.message.author, Author::Fallback { why: "There is no key. Set one".to_owned() });
    assert_eq!((heard.text.as_str(), heard.fallback), (heard.message.text.as_str(), None));
    // Why stands once, with the author.
    assert!(!heard.text.contains("There is no key") && heard.text.contains("df -h"), "{}", heard.text);
    assert_eq!(bench.assistant.status(0), ModelStatus::None);
}

#[tokio::test]
async fn a_model_that_would_not_even_be_tried_is_not() {
    let bench = Bench::new(answered());
    *bench.model.unavailable.lock().unwrap() = Some(Unavailable {
        what: "It failed three times".to_owned(),
        remedy: "Look at the network".to_owned(),
        again_in: Some(Duration::from_millis(29_500)),
    });
    let heard = bench.ask("how full is the disk?").await;
    let told = "It failed three times. Look at the network. It is asked again in 30 s at the earliest";
    assert_eq!(why(&heard.route), told, "no preview of what would not be sent");
    assert_eq!(heard.message.author, Author::Fallback { why: told.to_owned() });
    // Why stands once, with the author.
    assert!(!heard.text.contains(told), "{}", heard.text);
    assert!(bench.received().is_empty());
    assert_eq!((bench.spent_today().await, bench.calls().await), (0, Vec::new()), "nothing was reserved");
    // The header does not count seconds.
    let ModelStatus::Offline { why, .. } = bench.assistant.status(0) else { panic!("it cannot be asked") };
    assert_eq!(why, "It failed three times. Look at the network");
    *bench.model.unavailable.lock().unwrap() = None;
    bench.ask("and now?").await;
    assert_eq!(bench.received().len(), 1);
    assert!(matches!(bench.assistant.status(0), ModelStatus::Ready { .. }));
}

#[tokio::test]
async fn a_secret_of_this_program_blocks_the_body() {
    let bench = Bench::new(answered());
    bench.redactor.canaries.lock().unwrap().push("c4nary".to_owned());
    let prepared = bench.prepare(general("is c4nary good?")).await;
    assert!(why(&prepared.route).contains("secret that this program itself holds"));
    let heard = Heard::all(bench.assistant.answer(prepared.id).await.unwrap(), prepared).await;
    assert!(matches!(heard.message.author, Author::Fallback { .. }));
    assert!(bench.received().is_empty());
}

#[tokio::test]
async fn a_secret_that_is_learned_after_the_preview_blocks_it_all_the_same() {
    let bench = Bench::new(answered());
    let prepared = bench.prepare(general("is c4nary good?")).await;
    preview(&prepared.route);
    bench.redactor.canaries.lock().unwrap().push("c4nary".to_owned());
    let heard = Heard::all(bench.assistant.answer(prepared.id).await.unwrap(), prepared).await;
    assert!(heard.fallback.unwrap().contains("secret") && bench.received().is_empty());
    assert_eq!(bench.spent_today().await, 0);
}

#[tokio::test]
async fn what_cannot_be_redacted_is_not_sent() {
    let bench = Bench::new(answered());
    let heard = bench.ask("UNREADABLE").await;
    assert!(why(&heard.route).contains("cannot be read") && bench.received().is_empty());
}

#[tokio::test]
async fn a_question_beyond_the_budget_is_not_sent_and_that_is_on_record() {
    let budget = Budget { per_call: 100_000, per_incident: 100_000, per_day: 10 };
    let bench = Bench::with_budget(answered(), budget);
    let heard = bench.ask("a").await;
    assert!(why(&heard.route).contains("[budget] per_day") && bench.received().is_empty());
    let refused = bench.journal().await.into_iter().filter(|entry| matches!(entry, Payload::BudgetRefused { .. }));
    assert_eq!(refused.count(), 1);
}

#[rstest]
#[case::overloaded(ModelErrorKind::Unserved, 0)]
#[case::key(ModelErrorKind::Key, 0)]
#[case::permission(ModelErrorKind::Permission, 0)]
#[case::quota(ModelErrorKind::Quota, 0)]
#[case::breaker(ModelErrorKind::BreakerOpen, 0)]
#[case::refused(ModelErrorKind::Refused, 0)]
#[case::silent(ModelErrorKind::Unreachable, 1)]
#[case::garbled(ModelErrorKind::Garbled, 1)]
#[tokio::test]
async fn a_call_that_fails_costs_nothing_or_all_and_the_fallback_answers(
    #[case] kind: ModelErrorKind,
    #[case] least: u64,
    #[values(true, false)] in_the_stream: bool,
) {
    let script = if in_the_stream { Script::Says(vec![Err(error(kind))]) } else { Script::Fails(error(kind)) };
    let bench = Bench::new(script);
    let heard = bench.ask("how full is the disk?").await;
    assert!(heard.fallback.unwrap().contains("It did not work. Try again"));
    assert!(matches!(heard.message.author, Author::Fallback { .. }));
    assert_eq!(heard.text, heard.message.text);
    let (_, cost) = bench.calls().await.pop().unwrap();
    assert_eq!(cost.min(1), least, "{cost}");
    assert!(heard.broken.is_none());
}

#[rstest]
#[case::overloaded(ModelErrorKind::Unserved, true)]
#[case::key(ModelErrorKind::Key, true)]
#[case::quota(ModelErrorKind::Quota, true)]
#[case::breaker(ModelErrorKind::BreakerOpen, true)]
#[case::silent(ModelErrorKind::Unreachable, true)]
#[case::refused(ModelErrorKind::Refused, false)]
#[case::garbled(ModelErrorKind::Garbled, false)]
#[case::blocked(ModelErrorKind::Blocked, false)]
#[tokio::test]
async fn only_what_the_next_question_would_meet_too_makes_the_model_offline(
    #[case] kind: ModelErrorKind,
    #[case] offline: bool,
) {
    let bench = Bench::new(Script::Says(vec![Err(error(kind))]));
    bench.ask("how full is the disk?").await;
    assert_eq!(matches!(bench.assistant.status(0), ModelStatus::Offline { .. }), offline);
    // A broken answer is no news of the next one.
    *bench.model.script.lock().unwrap() = Script::Says(vec![text("Half"), Err(error(ModelErrorKind::Unreachable))]);
    bench.ask("how full is the disk?").await;
    assert_eq!(matches!(bench.assistant.status(0), ModelStatus::Offline { .. }), offline);
    *bench.model.script.lock().unwrap() = answered();
    bench.ask("how full is the disk?").await;
    assert!(matches!(bench.assistant.status(0), ModelStatus::Ready { .. }));
}

fn retrying(kind: ModelErrorKind, seconds: u64) -> ModelEvent {
    ModelEvent::Retrying { after: Duration::from_secs(seconds), why: "it is busy".to_owned(), kind }
}

/// Asks, stops once `until` has come, and says what that cost.
async fn stopped_after(bench: &Bench, until: AnswerEvent) -> u64 {
    let mut changes = bench.store.follow();
    let prepared = bench.prepare(general("a")).await;
    let mut answer = bench.assistant.answer(prepared.id).await.unwrap();
    while answer.recv().await.unwrap() != until {}
    drop(answer);
    loop {
        match bench.calls().await.pop() {
            Some((outcome, cost)) => {
                assert_eq!(outcome, "you stopped it");
                return cost;
            }
            None => changes.changed().await.unwrap(),
        }
    }
}

#[rstest]
#[case::all_refused(vec![retrying(ModelErrorKind::Unserved, 1), retrying(ModelErrorKind::Quota, 600)], 600, 0)]
#[case::the_next_is_under_way(vec![retrying(ModelErrorKind::Unserved, 0)], 0, 1)]
#[case::one_was_perhaps_read(vec![retrying(ModelErrorKind::Unreachable, 1), retrying(ModelErrorKind::Unserved, 600)], 600, 1)]
#[tokio::test]
async fn stopping_while_it_waits_costs_nothing_unless_an_attempt_may_have_been_read(
    #[case] events: Vec<ModelEvent>,
    #[case] seconds: u64,
    #[case] least: u64,
) {
    let bench = Bench::new(Script::Hangs(events));
    let last = AnswerEvent::Retrying { seconds, why: "it is busy".to_owned() };
    assert_eq!(stopped_after(&bench, last).await.min(1), least);
}

#[tokio::test]
async fn an_attempt_that_was_perhaps_read_is_paid_whatever_came_of_the_next() {
    let events = vec![Ok(retrying(ModelErrorKind::Unreachable, 0)), Err(error(ModelErrorKind::Unserved))];
    let bench = Bench::new(Script::Says(events));
    bench.ask("a").await;
    assert_ne!(bench.calls().await.pop().unwrap().1, 0);
}

#[rstest]
#[case::said(vec![usage(1_000, 0)], Some(750))]
#[case::not_said(vec![], None)]
#[tokio::test]
async fn a_blocked_question_costs_no_more_than_itself(
    #[case] mut events: Vec<Result<ModelEvent, ModelError>>,
    #[case] cost: Option<u64>,
) {
    events.push(Err(error(ModelErrorKind::Blocked)));
    let bench = Bench::new(Script::Says(events));
    let heard = bench.ask("a").await;
    // Each byte counts as a token, at 0.75 US dollars a million.
    let own = (preview(&heard.route).prompt_tokens * 3).div_ceil(4);
    assert_eq!(bench.calls().await.pop().unwrap().1, cost.unwrap_or(own));
}

#[tokio::test]
async fn a_failure_in_the_middle_leads_to_the_fallback_and_what_came_is_kept() {
    let script = vec![text("Half of an ans"), usage(100, 5), Err(error(ModelErrorKind::Unserved))];
    let bench = Bench::new(Script::Says(script));
    let heard = bench.ask("how full is the disk?").await;
    assert!(heard.fallback.is_some() && !heard.message.text.contains("Half of"));
    let broken = heard.broken.unwrap();
    assert_eq!((broken.text.as_str(), &broken.author), ("Half of an ans", &Author::Model { name: MODEL.to_owned() }));
    assert_eq!(broken.state, MessageState::Cut { reason: "It did not work".to_owned() });
    let (stored, _) = bench.store.conversation(Conversation::General, 9).await.unwrap();
    assert_eq!(stored[1..], [broken, heard.message]);
    let (_, cost) = bench.calls().await.pop().unwrap();
    // 100 tokens of the question, and an answer of which nobody knows how long it would have been: at most 1,000 tokens.
    assert_eq!(cost, 75 + 3_750);
}

#[tokio::test]
async fn a_stream_without_an_end_is_no_answer() {
    let bench = Bench::new(Script::Says(vec![text("Half")]));
    assert!(bench.ask("a").await.fallback.unwrap().contains("broke off"));
}

#[rstest]
#[case(FinishReason::Length, "limit of output tokens")]
#[case(FinishReason::Withheld("SAFETY".to_owned()), "withheld the rest (SAFETY)")]
#[case(FinishReason::Other("TIRED".to_owned()), "TIRED")]
#[tokio::test]
async fn an_answer_that_was_cut_says_so_and_one_without_words_is_none(
    #[case] reason: FinishReason,
    #[case] part: &str,
) {
    let bench = Bench::new(Script::Says(vec![text("Half"), done(reason.clone())]));
    let heard = bench.ask("a").await;
    let MessageState::Cut { reason: told } = &heard.message.state else { panic!("{:?}", heard.message.state) };
    assert!(told.contains(part), "{told}");
    *bench.model.script.lock().unwrap() = Script::Says(vec![text(" "), done(reason)]);
    assert!(bench.ask("b").await.fallback.is_some());
}

#[tokio::test]
async fn stopping_ends_the_call_keeps_what_came_and_pays_what_it_may_have_cost() {
    let bench = Bench::new(Script::Hangs(vec![ModelEvent::Text("So far".to_owned())]));
    let mut changes = bench.store.follow();
    let prepared = bench.prepare(general("a")).await;
    let most = preview(&prepared.route).cost_micro_usd;
    let mut answer = bench.assistant.answer(prepared.id).await.unwrap();
    assert_eq!(answer.recv().await, Some(AnswerEvent::Text("So far".to_owned())));
    drop(answer);
    let message = loop {
        let (messages, _) = bench.store.conversation(Conversation::General, 10).await.unwrap();
        match messages.into_iter().nth(1) {
            Some(message) => break message,
            None => changes.changed().await.unwrap(),
        }
    };
    assert_eq!(message.text, "So far");
    assert_eq!(message.state, MessageState::Cut { reason: "you stopped it".to_owned() });
    assert!(bench.spent_today().await >= most);
}

#[tokio::test]
async fn citations_of_what_was_not_given_are_named_below_the_answer() {
    let script = vec![text("See [sop:bundled/none.md#x]."), done(FinishReason::Stop)];
    let bench = Bench::new(Script::Says(script));
    let heard = bench.ask("a").await;
    assert!(heard.text.contains("point to nothing") && heard.text.contains("`bundled/none.md#x`"), "{}", heard.text);
    assert_eq!(heard.text, heard.message.text);
}

#[tokio::test]
async fn statements_without_a_good_source_are_counted_with_the_answer() {
    let said =
        "The disk is full [incident].\n\nLogs have grown since noon.\n\n- It has crashed twice [E3].\n\nLook at it.";
    let bench = Bench::new(Script::Says(vec![text(said), done(FinishReason::Stop)]));
    bench.fire("DiskFull").await;
    let prepared = bench.prepare(about_incident("why?")).await;
    let heard = Heard::all(bench.assistant.answer(prepared.id).await.unwrap(), prepared).await;
    let check = heard.message.source_check.clone().unwrap();
    assert_eq!(check.statements, 3);
    let begins: Vec<&str> = check.unsupported.iter().map(|at| &heard.message.text[*at..at + 4]).collect();
    assert_eq!(begins, ["Logs", "It h"], "the remark about [E3] below the answer is no statement");
    assert!(heard.message.text.ends_with("`E3`\n"), "{}", heard.message.text);
    let about = Conversation::Incident(IncidentId(1));
    let stored = bench.store.conversation(about, 9).await.unwrap().0.pop();
    assert_eq!(stored, Some(heard.message));
}

#[tokio::test]
async fn thoughts_are_stored_with_their_answer_and_do_not_go_along_with_the_next_question() {
    let thought = |piece: &str| Ok(ModelEvent::Thought(piece.to_owned()));
    let script = vec![thought("Ponder "), thought("host TOK"), text("It is full."), done(FinishReason::Stop)];
    let bench = Bench::new(Script::Says(script));
    let heard = bench.ask("why?").await;
    assert_eq!(heard.message.thoughts, "Ponder host TOK");
    let stored = bench.store.conversation(Conversation::General, 9).await.unwrap().0.pop();
    assert_eq!(stored, Some(heard.message));
    let prepared = bench.prepare(general("and now?")).await;
    let sent = String::from_utf8(preview(&prepared.route).body.to_vec()).unwrap();
    assert!(sent.contains("It is full.") && !sent.contains("Ponder"), "{sent}");
}

#[tokio::test]
async fn earlier_turns_go_along_and_failed_ones_do_not() {
    let bench = Bench::new(answered());
    bench.ask("first question").await;
    *bench.model.script.lock().unwrap() = Script::Fails(error(ModelErrorKind::Unserved));
    bench.ask("second question").await;
    *bench.model.script.lock().unwrap() = answered();
    let prepared = bench.prepare(general("third question")).await;
    let sent: serde_json::Value = serde_json::from_slice(&preview(&prepared.route).body).unwrap();
    let turns: Vec<&str> =
        sent["turns"].as_array().unwrap().iter().map(|turn| turn["text"].as_str().unwrap()).collect();
    assert_eq!(turns.len(), 3);
    assert!(turns[0].contains("first question") && turns[1] == "Look at the disk.");
    assert!(turns[2].contains("second question") && turns[2].contains("third question"));
    assert!(!turns.concat().contains("[sop:bundled"));
}

#[test]
fn a_question_whose_console_was_killed_keeps_what_had_come_and_says_what_counts() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bench = Bench::new(Script::Hangs(vec![ModelEvent::Text("So far".to_owned())]));
    let killed = runtime();
    let (reserved, answer) = killed.block_on(async {
        let prepared = bench.prepare(general("why?")).await;
        let reserved = preview(&prepared.route).cost_micro_usd;
        let mut answer = bench.assistant.answer(prepared.id).await.unwrap();
        assert_eq!(answer.recv().await, Some(AnswerEvent::Text("So far".to_owned())));
        assert_eq!(bench.store.end_lost_answers().await.unwrap(), 0, "it is still heard");
        (reserved, answer)
    });
    // Whatever was under way ends where it stands.
    drop(killed);
    drop(answer);
    runtime().block_on(async {
        assert_eq!(bench.store.end_lost_answers().await.unwrap(), 1);
        assert_eq!(bench.store.end_lost_answers().await.unwrap(), 0);
        let (messages, _) = bench.store.conversation(Conversation::General, 9).await.unwrap();
        let [question, answer] = messages.as_slice() else { panic!("{messages:?}") };
        assert_eq!((question.text.as_str(), answer.text.as_str()), ("why?", "So far"));
        assert_eq!(answer.author, Author::Model { name: MODEL.to_owned() });
        let money = crate::domain::chat::budget::usd(reserved);
        let reason = format!("the console ended while the answer came; up to {money} is counted for it");
        assert_eq!(answer.state, MessageState::Cut { reason });
        assert_eq!(bench.calls().await.pop().unwrap().1, reserved);
        assert_eq!(bench.spent_today().await, reserved);
    });
}

#[tokio::test]
async fn an_answer_that_is_over_leaves_nothing_to_end() {
    let bench = Bench::new(answered());
    bench.ask("a").await;
    *bench.model.script.lock().unwrap() = Script::Says(vec![text("Half"), Err(error(ModelErrorKind::Unreachable))]);
    bench.ask("b").await;
    assert_eq!(bench.store.end_lost_answers().await.unwrap(), 0);
    let (messages, _) = bench.store.conversation(Conversation::General, 9).await.unwrap();
    assert_eq!(messages.len(), 5);
}
