//! The client against the stand-in on loopback: every way in which an answer can come, fail, or be stopped.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use rstest::rstest;

use super::*;
use crate::config::{Secret, SecretSource};
use crate::demo::fake_gemini::{FakeGemini, Script};
use crate::domain::chat::{FinishReason, ModelRequest, Role, Thinking, Turn, Usage};
use crate::engine::outbound::Cleared;
use crate::engine::ports::{Model, ModelError, ModelErrorKind, ModelEvent};
use retry::RetryPolicy;

const KEY: &str = "test-key-4711";
const FAULTS: &str = include_str!("../../../tests/gemini/scenarios/faults.toml");

/// For answers that never come: silence is noticed soon.
const SHORT: Patience = Patience { first: Duration::from_secs(1), idle: Duration::from_secs(1) };
/// For answers that stop in the middle; they may begin late on a busy machine.
const SILENT: Patience = Patience { first: Duration::from_secs(60), idle: Duration::from_secs(1) };
const LONG: Patience = Patience { first: Duration::from_secs(60), idle: Duration::from_secs(60) };

/// A key on the first line of a file, as a person would keep it.
struct KeyFile(tempfile::NamedTempFile);

impl KeyFile {
    fn new(key: &str) -> Self {
        let file = Self(tempfile::NamedTempFile::new().unwrap());
        file.set(key);
        file
    }

    fn set(&self, key: &str) {
        std::fs::write(self.0.path(), format!("{key}\n")).unwrap();
    }

    fn key(&self) -> Key {
        Key::new(Secret::new("model.key", SecretSource::File(self.0.path().to_owned())))
    }
}

fn client_at(base: &str, key: &KeyFile, patience: Patience) -> Gemini {
    let endpoint = Endpoint::studio(base, "v1beta").unwrap();
    let retries = RetryPolicy { attempts: 2 };
    let settings = Settings { model: "gemini-3.8-flash".to_owned(), endpoint, patience, retries };
    Gemini::with_chance(settings, key.key(), Arc::new(|| 0.0))
}

struct Fixture {
    fake: FakeGemini,
    key: KeyFile,
    client: Gemini,
}

impl Fixture {
    async fn new(patience: Patience) -> Self {
        let fake = FakeGemini::start(Script::parse(FAULTS).unwrap(), KEY, 0).await.unwrap();
        let key = KeyFile::new(KEY);
        let client = client_at(&fake.base_url(), &key, patience);
        Self { fake, key, client }
    }

    async fn ask(&self, question: &str) -> Said {
        ask(&self.client, question).await
    }
}

fn body(client: &Gemini, question: &str) -> Cleared {
    let turns = vec![Turn { role: Role::User, text: question.to_owned() }];
    let request = ModelRequest::new("Be brief.".to_owned(), turns, 900, Thinking::Low).unwrap();
    Cleared::for_test(client.encode(&request).unwrap()).covering(1)
}

/// Everything that was said, and how it ended.
#[derive(Debug, Default)]
struct Said {
    text: String,
    thoughts: String,
    retries: Vec<(Duration, String)>,
    usage: Option<Usage>,
    done: Option<(FinishReason, String)>,
    error: Option<ModelError>,
}

async fn ask(client: &Gemini, question: &str) -> Said {
    let mut said = Said::default();
    let mut stream = match client.stream(body(client, question)).await {
        Ok(stream) => stream,
        Err(error) => return Said { error: Some(error), ..said },
    };
    while let Some(event) = stream.next().await {
        assert!(said.done.is_none() && said.error.is_none(), "nothing comes behind the end");
        match event {
            Ok(ModelEvent::Text(text)) => said.text.push_str(&text),
            Ok(ModelEvent::Thought(text)) => said.thoughts.push_str(&text),
            Ok(ModelEvent::Usage(usage)) => said.usage = Some(usage),
            Ok(ModelEvent::Done { reason, model }) => said.done = Some((reason, model)),
            Ok(ModelEvent::Retrying { after, why }) => said.retries.push((after, why)),
            Err(error) => said.error = Some(error),
        }
    }
    said
}

#[tokio::test]
async fn an_answer_comes_whole_and_the_body_was_sent_as_it_was_cleared() {
    let fixture = Fixture::new(LONG).await;
    let said = fixture.ask("mountpoint=/srv\n\nplease answer plainly").await;
    assert_eq!(said.text, "WAL files grew since 02:14 — see `df`: 97 % 📈 full. Mountpoint /srv.");
    assert_eq!(said.thoughts, "The question is é simple.");
    assert_eq!(said.done, Some((FinishReason::Stop, "gemini-3.8-flash".to_owned())));
    let usage = said.usage.unwrap();
    assert!(usage.prompt > 0 && usage.output > 0 && usage.thoughts > 0 && usage.output < 60, "{usage:?}");

    let received = fixture.fake.received();
    let [request] = received.as_slice() else { panic!("one request is expected: {received:?}") };
    assert_eq!(request.path, "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse");
    assert_eq!(request.key.as_deref(), Some(KEY));
    let cleared = body(&fixture.client, "mountpoint=/srv\n\nplease answer plainly");
    assert_eq!(request.body, cleared.body());
    assert!(!format!("{:?}", fixture.client).contains(KEY));
}

#[rstest]
#[case("please say stop at once", "It says STOP in its first chunk and goes on.", FinishReason::Stop)]
#[case("please end for a new reason", "This much I can say.", FinishReason::Other("QUANTUM_DECOHERENCE".to_owned()))]
#[case("please withhold the rest", "This much I can say.", FinishReason::Withheld("SAFETY".to_owned()))]
#[case("please run out of tokens", "This much I can", FinishReason::Length)]
#[case("please call badly", "", FinishReason::Malformed("MALFORMED_FUNCTION_CALL".to_owned()))]
#[case("please look it up", "", FinishReason::Malformed("UNEXPECTED_TOOL_CALL".to_owned()))]
#[tokio::test]
async fn every_ending_is_told(#[case] question: &str, #[case] text: &str, #[case] reason: FinishReason) {
    let said = Fixture::new(LONG).await.ask(question).await;
    assert_eq!((said.text.as_str(), said.done.map(|(reason, _)| reason)), (text, Some(reason)));
    assert_eq!(said.error, None);
}

#[rstest]
#[case("please be spent for today", ModelErrorKind::Quota, "for today is spent", 0)]
#[case("please be overloaded", ModelErrorKind::Unserved, "overloaded", 1)]
#[case("please block this", ModelErrorKind::Blocked, "PROHIBITED_CONTENT", 0)]
#[case("please be a hotel's sign-in page", ModelErrorKind::Garbled, "text/html", 0)]
#[case("please repeat my key", ModelErrorKind::Refused, "[the key]", 0)]
#[tokio::test]
async fn failures_before_the_first_word_are_told(
    #[case] question: &str,
    #[case] kind: ModelErrorKind,
    #[case] part: &str,
    #[case] retries: usize,
) {
    let fixture = Fixture::new(LONG).await;
    let said = fixture.ask(question).await;
    let error = said.error.unwrap();
    assert_eq!((error.kind, said.retries.len()), (kind, retries), "{error}");
    assert!(error.what.contains(part) && !error.to_string().contains(KEY), "{error}");
    assert_eq!(fixture.fake.received().len(), retries + 1);
    assert_eq!(said.text, "");
}

#[rstest]
#[case("please end without a reason", ModelErrorKind::Garbled, "without saying why")]
#[case("please be cut off", ModelErrorKind::Garbled, "broke off in the middle of an event")]
#[case("please break the connection", ModelErrorKind::Unreachable, "broke off")]
#[case("please fail in an event", ModelErrorKind::Unserved, "overloaded")]
#[case("please fail without an event", ModelErrorKind::Unserved, "overloaded")]
#[case("please talk garbage", ModelErrorKind::Garbled, "not what Gemini sends")]
#[case("please fall silent", ModelErrorKind::Unreachable, "said nothing")]
#[tokio::test]
async fn failures_in_the_middle_keep_what_had_come_and_are_not_tried_again(
    #[case] question: &str,
    #[case] kind: ModelErrorKind,
    #[case] part: &str,
) {
    let fixture = Fixture::new(if question.contains("silent") { SILENT } else { LONG }).await;
    let said = fixture.ask(question).await;
    let error = said.error.unwrap();
    assert_eq!((error.kind, said.retries.len()), (kind, 0), "{error}");
    assert!(error.what.contains(part), "{error}");
    assert!(said.text.starts_with("It begins"), "{}", said.text);
    assert_eq!((said.done, fixture.fake.received().len()), (None, 1));
}

#[tokio::test]
async fn a_wait_that_is_asked_for_is_kept_and_can_be_cut_short() {
    let fixture = Fixture::new(LONG).await;
    let cleared = body(&fixture.client, "please be busy for a minute");
    let mut stream = fixture.client.stream(cleared).await.unwrap();
    let Some(Ok(ModelEvent::Retrying { after, why })) = stream.next().await else { panic!("it has to wait") };
    assert_eq!(after, Duration::from_secs(54));
    assert!(why.contains("too many questions"), "{why}");
    drop(stream);
    assert_eq!(fixture.fake.received().len(), 1);
}

#[tokio::test]
async fn what_is_worth_it_is_sent_again_byte_for_byte() {
    let fixture = Fixture::new(LONG).await;
    let said = fixture.ask("please recover").await;
    assert_eq!((said.text.as_str(), said.retries.len()), ("Recovered.", 1));
    let received = fixture.fake.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0], received[1]);
}

#[tokio::test]
async fn an_answer_in_two_parts_is_one_answer_and_its_usage_is_added_up() {
    let fixture = Fixture::new(LONG).await;
    let said = fixture.ask("please continue later").await;
    assert_eq!(said.text, "The first half, and the second.");
    assert_eq!(said.done.unwrap().0, FinishReason::Stop);
    let received = fixture.fake.received();
    let [first, second] = received.as_slice() else { panic!("two requests are expected") };
    let common = first.body.len() - 1;
    assert_eq!(first.body[..common], second.body[..common]);
    assert!(second.body[common..].starts_with(b",\"continuationToken\":\""));
    let once = fixture.ask("please continue later").await.usage.unwrap();
    assert_eq!(said.usage.unwrap().prompt, 2 * once.prompt, "the second time only one call is needed");
}

#[tokio::test]
async fn without_a_reservation_an_answer_is_not_continued() {
    let fixture = Fixture::new(LONG).await;
    let cleared = body(&fixture.client, "please continue later").covering(0);
    let events: Vec<_> = fixture.client.stream(cleared).await.unwrap().collect().await;
    let Some(Ok(ModelEvent::Done { reason: FinishReason::Other(why), .. })) = events.last() else {
        panic!("it ends: {events:?}")
    };
    assert!(why.contains("reserved"), "{why}");
    assert_eq!(fixture.fake.received().len(), 1);
}

#[tokio::test]
async fn an_enormous_answer_is_cut_with_a_reason() {
    let said = Fixture::new(LONG).await.ask("please talk for ever").await;
    let error = said.error.unwrap();
    assert_eq!(error.kind, ModelErrorKind::Garbled);
    assert!(error.what.contains("longer than 4 MiB"), "{error}");
    assert!(said.text.len() > 1024 * 1024 && said.text.len() <= exchange::LONGEST_ANSWER);
}

#[tokio::test]
async fn hostile_text_arrives_as_it_is_for_others_to_make_harmless() {
    let said = Fixture::new(LONG).await.ask("please be hostile").await;
    assert!(said.text.starts_with("\u{1b}]52;c;") && said.text.contains('\u{202e}'));
    assert_eq!(said.done.unwrap().0, FinishReason::Stop);
}

#[tokio::test]
async fn silence_is_noticed_and_three_failures_open_the_breaker() {
    let fixture = Fixture::new(SHORT).await;
    for _ in 0..breaker::FAILURES {
        let error = fixture.ask("please never answer").await.error.unwrap();
        assert_eq!(error.kind, ModelErrorKind::Unreachable);
        assert!(error.what.contains("said nothing for 1 s"), "{error}");
    }
    let asked = fixture.fake.received().len();
    let error = fixture.ask("please answer plainly").await.error.unwrap();
    assert_eq!((error.kind, fixture.fake.received().len()), (ModelErrorKind::BreakerOpen, asked));
}

#[tokio::test]
async fn a_bad_key_is_named_and_a_new_one_is_fetched() {
    let fixture = Fixture::new(LONG).await;
    fixture.key.set("wrong");
    let error = fixture.ask("please answer plainly").await.error.unwrap();
    assert_eq!(error.kind, ModelErrorKind::Key);
    assert!(error.what.contains("API key not valid") && error.remedy.contains("GEMINI_API_KEY"), "{error}");
    fixture.key.set(KEY);
    assert!(fixture.ask("please answer plainly").await.done.is_some());
    // A key that worked and no longer does may have been replaced: it is fetched again within the same question.
    let replaced = FakeGemini::start(Script::parse(FAULTS).unwrap(), "newer", 0).await.unwrap();
    let client = client_at(&replaced.base_url(), &fixture.key, LONG);
    assert_eq!(ask(&client, "please answer plainly").await.error.unwrap().kind, ModelErrorKind::Key);
    fixture.key.set("newer");
    assert!(ask(&client, "please answer plainly").await.done.is_some());
}

#[tokio::test]
async fn without_a_key_nothing_is_sent() {
    let fixture = Fixture::new(LONG).await;
    fixture.key.set("");
    let error = fixture.ask("hello").await.error.unwrap();
    assert_eq!(error.kind, ModelErrorKind::Key);
    assert!(error.what.starts_with("model.key: no key from file "), "{error}");
    assert_eq!(fixture.fake.received(), []);
    fixture.key.set("key with \u{7f}");
    assert_eq!(fixture.ask("hello").await.error.unwrap().kind, ModelErrorKind::Key);
    assert_eq!(fixture.fake.received(), []);
}

#[tokio::test]
async fn nobody_at_the_address_is_unreachable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let key = KeyFile::new(KEY);
    let said = ask(&client_at(&base, &key, LONG), "hello").await;
    let error = said.error.unwrap();
    assert_eq!((error.kind, said.retries.len()), (ModelErrorKind::Unserved, 1));
    assert!(error.what.contains("refused the connection"), "{error}");
}

/// A server of one connection: sends `answer`, then tells what it read until the other side closed.
fn one_connection(answer: &'static str) -> (String, std::thread::JoinHandle<Vec<u8>>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut read = Vec::new();
        let mut buffer = [0; 4096];
        while !read.ends_with(b"}") {
            let count = stream.read(&mut buffer).unwrap();
            read.extend_from_slice(&buffer[..count]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        // Ends when the client closes its side; a reset says the same.
        while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
        read
    });
    (base, thread)
}

#[tokio::test]
async fn stopping_ends_the_request() {
    let (base, server) = one_connection(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 100000\r\n\r\n\
         data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"one\"}]}}]}\r\n\r\n",
    );
    let key = KeyFile::new(KEY);
    let client = client_at(&base, &key, LONG);
    let mut stream = client.stream(body(&client, "hello")).await.unwrap();
    assert_eq!(stream.next().await, Some(Ok(ModelEvent::Text("one".to_owned()))));
    drop(stream);
    // The server's thread only ends when the connection does.
    tokio::task::spawn_blocking(move || server.join().unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_redirect_does_not_carry_the_key_away() {
    let elsewhere = FakeGemini::start(Script::parse(FAULTS).unwrap(), KEY, 0).await.unwrap();
    let answer =
        format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {}/\r\ncontent-length: 0\r\n\r\n", elsewhere.base_url());
    let (base, server) = one_connection(Box::leak(answer.into_boxed_str()));
    let key = KeyFile::new(KEY);
    let client = client_at(&base, &key, LONG);
    let error = ask(&client, "hello").await.error.unwrap();
    assert_eq!(error.kind, ModelErrorKind::Refused);
    assert!(error.what.contains("redirects"), "{error}");
    drop(client);
    let sent = tokio::task::spawn_blocking(move || server.join().unwrap()).await.unwrap();
    let sent = String::from_utf8(sent).unwrap().to_lowercase();
    assert!(sent.contains(&format!("x-goog-api-key: {KEY}")) && sent.matches(KEY).count() == 1, "{sent}");
    assert_eq!(elsewhere.received(), []);
}

#[tokio::test]
async fn vertex_is_asked_with_a_bearer_token() {
    let fake = FakeGemini::start(Script::parse(FAULTS).unwrap(), KEY, 0).await.unwrap();
    let key = KeyFile::new(KEY);
    let endpoint = Endpoint::vertex(&fake.base_url(), "v1", "ops", "europe-west1").unwrap();
    let model = "gemini-2.5-flash-lite".to_owned();
    let settings = Settings { model, endpoint, patience: LONG, retries: RetryPolicy::default() };
    let client = Gemini::new(settings, key.key());
    assert_eq!(ask(&client, "please answer plainly").await.error, None);
    let received = fake.received();
    assert!(received[0].path.starts_with("/v1/projects/ops/locations/europe-west1/publishers/google/models/"));
    assert_eq!(received[0].key.as_deref(), Some(KEY));
}

#[tokio::test]
async fn a_look_at_the_model_says_what_is_in_the_way_and_asks_it_nothing() {
    const PATIENCE: Duration = Duration::from_secs(60);
    let fixture = Fixture::new(LONG).await;
    let found = fixture.client.probe(PATIENCE).await;
    assert!(matches!(found, Ok(Probed::Described { .. })), "{found:?}");
    assert_eq!(fixture.fake.received().len(), 1);
    assert_eq!(fixture.fake.received()[0].path, "/v1beta/models/gemini-3.8-flash");

    let wrong = KeyFile::new("another-key");
    let error = client_at(&fixture.fake.base_url(), &wrong, LONG).probe(PATIENCE).await.unwrap_err();
    assert!(error.kind == ModelErrorKind::Key && !error.to_string().contains("another-key"), "{error}");

    let endpoint = Endpoint::studio(&fixture.fake.base_url(), "v1beta").unwrap();
    let settings =
        Settings { model: "gemini-none".to_owned(), endpoint, patience: LONG, retries: RetryPolicy::default() };
    let error = Gemini::new(settings, fixture.key.key()).probe(PATIENCE).await.unwrap_err();
    assert!(error.kind == ModelErrorKind::Refused && error.what.contains("gemini-none"), "{error}");

    let endpoint = Endpoint::vertex("https://eu-aiplatform.googleapis.com", "v1", "ops", "eu").unwrap();
    let settings = Settings { model: "m".to_owned(), endpoint, patience: LONG, retries: RetryPolicy::default() };
    let expected = Probed::NotOffered { host: "eu-aiplatform.googleapis.com".to_owned(), port: 443 };
    assert_eq!(Gemini::new(settings, fixture.key.key()).probe(PATIENCE).await, Ok(expected));
}

#[tokio::test]
async fn a_look_at_the_model_ends_when_nobody_answers() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", silent.local_addr().unwrap());
    let key = KeyFile::new(KEY);
    let error = client_at(&base, &key, LONG).probe(Duration::from_millis(50)).await.unwrap_err();
    assert!(error.kind == ModelErrorKind::Unreachable && error.what.contains("did not answer"), "{error}");
}
