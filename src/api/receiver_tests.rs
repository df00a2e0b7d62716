//! Tests of the receiver over real loopback sockets, with a sink that the test can hold, fail and read.

use std::sync::Mutex;

use rstest::rstest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};

use super::routes::MAX_PATH;
use super::*;
use crate::domain::alert::{AlertBatch, BatchOrigin};
use crate::engine::ports::{DecodeError, Delivery, SinkError, TurnedAway};

/// Long enough for anything that is going to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// Reads bodies that begin with `ok`.
struct Prefix;

impl AlertDecoder for Prefix {
    fn decode(&self, source: &SourceId, body: &[u8]) -> Result<Delivery, DecodeError> {
        if !body.starts_with(b"ok") {
            return Err(DecodeError("it does not begin with ok".to_owned()));
        }
        let digest = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        let batch = AlertBatch { source: source.clone(), origin: BatchOrigin::Webhook, alerts: Vec::new(), digest };
        Ok(Delivery { batch, left_out: 0 })
    }
}

/// What happened, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Began,
    Stored(SourceId, String),
    Quarantined(SourceId, usize, String),
    TurnedAway(SourceId, TurnedAway),
}

/// A sink that stores one delivery for each permit, or fails.
struct FakeSink {
    seen: watch::Sender<Vec<Seen>>,
    permits: Semaphore,
    failure: Mutex<Option<SinkError>>,
}

impl FakeSink {
    fn new(permits: usize) -> Arc<Self> {
        Arc::new(Self { seen: watch::Sender::default(), permits: Semaphore::new(permits), failure: Mutex::default() })
    }

    fn fail(&self, error: Option<SinkError>) {
        *self.failure.lock().unwrap() = error;
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.borrow().clone()
    }

    async fn wait_for(&self, predicate: impl FnMut(&Vec<Seen>) -> bool) {
        let mut seen = self.seen.subscribe();
        tokio::time::timeout(PATIENCE, seen.wait_for(predicate)).await.unwrap().unwrap();
    }

    async fn store(&self, what: Seen) -> Result<(), SinkError> {
        self.seen.send_modify(|seen| seen.push(Seen::Began));
        self.permits.acquire().await.unwrap().forget();
        if let Some(error) = self.failure.lock().unwrap().clone() {
            return Err(error);
        }
        self.seen.send_modify(|seen| seen.push(what));
        Ok(())
    }
}

impl AlertSink for FakeSink {
    fn accept(&self, delivery: Delivery) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(self.store(Seen::Stored(delivery.batch.source, delivery.batch.digest)))
    }

    fn quarantine(&self, source: SourceId, body: Vec<u8>, reason: String) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(self.store(Seen::Quarantined(source, body.len(), reason)))
    }

    fn turned_away(&self, source: SourceId, why: TurnedAway) -> BoxFuture<'_, ()> {
        Box::pin(async move { self.seen.send_modify(|seen| seen.push(Seen::TurnedAway(source, why))) })
    }
}

fn loopback() -> ReceiverConfig {
    ReceiverConfig::new("127.0.0.1:0".parse().unwrap(), "am".into())
}

async fn bind(config: ReceiverConfig, sink: &Arc<FakeSink>) -> Receiver {
    Receiver::bind(config, Arc::new(Prefix), Arc::clone(sink) as Arc<dyn AlertSink>).await.unwrap()
}

/// A request as text; `extra` are header lines, each with its line end.
fn request(method: &str, path: &str, extra: &str, body: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n{extra}\r\n{body}", body.len())
}

fn post(body: &str) -> String {
    request("POST", "/webhook/alertmanager", "", body)
}

async fn connect(receiver: &Receiver) -> TcpStream {
    TcpStream::connect(receiver.local_addr()).await.unwrap()
}

/// Reads one answer: its header, and as much body as it announces. Empty when the connection was closed without one.
async fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    let reading = async {
        while !bytes.ends_with(b"\r\n\r\n") {
            match stream.read(&mut byte).await {
                Ok(0) | Err(_) => return,
                Ok(_) => bytes.push(byte[0]),
            }
        }
        let head = String::from_utf8_lossy(&bytes).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        bytes.extend(body);
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

async fn exchange(receiver: &Receiver, request: &str) -> String {
    let mut stream = connect(receiver).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    answer(&mut stream).await
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

#[rstest]
#[case("POST", "/webhook/alertmanager", "200")]
#[case("POST", "/webhook/alertmanager/eu-1.prod_x", "200")]
#[case("POST", "/webhook/alertmanager/a%20b", "404")]
#[case("POST", "/webhook/alertmanager/a/b", "404")]
#[case("POST", "/webhook/grafana", "404")]
#[case("POST", "/", "404")]
#[case("GET", "/webhook/alertmanager", "405")]
#[case("PUT", "/webhook/alertmanager/x", "405")]
#[case("POST", "/healthz", "405")]
#[case("GET", "/healthz", "200")]
#[tokio::test]
async fn paths_and_methods(#[case] method: &str, #[case] path: &str, #[case] expected: &str) {
    let sink = FakeSink::new(1);
    let receiver = bind(loopback(), &sink).await;
    assert_eq!(status(&exchange(&receiver, &request(method, path, "", "ok")).await), expected);
}

#[tokio::test]
async fn a_delivery_to_a_wrong_path_is_told_and_a_look_is_not() {
    let sink = FakeSink::new(1);
    let receiver = bind(loopback(), &sink).await;
    assert_eq!(status(&exchange(&receiver, &request("GET", "/favicon.ico", "", "")).await), "404");
    let long = format!("/webhook/{}", "x".repeat(500));
    assert_eq!(status(&exchange(&receiver, &request("POST", &long, "", "ok")).await), "404");
    let path = long[..MAX_PATH].to_owned();
    assert_eq!(sink.seen(), [Seen::TurnedAway("am".into(), TurnedAway::WrongPath { path })]);
}

#[tokio::test]
async fn the_path_names_the_source() {
    let sink = FakeSink::new(2);
    let receiver = bind(loopback(), &sink).await;
    exchange(&receiver, &post("ok 1")).await;
    exchange(&receiver, &request("POST", "/webhook/alertmanager/eu", "", "ok 2")).await;
    let stored: Vec<_> = sink.seen().into_iter().filter(|seen| *seen != Seen::Began).collect();
    assert_eq!(stored, [Seen::Stored("am".into(), "ok 1".into()), Seen::Stored("eu".into(), "ok 2".into())]);
}

#[tokio::test]
async fn nothing_is_answered_before_it_is_stored() {
    let sink = FakeSink::new(0);
    let receiver = bind(loopback(), &sink).await;
    let mut stream = connect(&receiver).await;
    stream.write_all(post("ok").as_bytes()).await.unwrap();
    sink.wait_for(|seen| seen.contains(&Seen::Began)).await;
    let early = tokio::time::timeout(Duration::from_millis(50), stream.readable()).await;
    assert!(early.is_err(), "there is an answer although nothing is stored");
    sink.permits.add_permits(1);
    assert_eq!(status(&answer(&mut stream).await), "200");
    assert!(matches!(sink.seen()[..], [Seen::Began, Seen::Stored(..)]));
}

#[rstest]
#[case(SinkError::NotReceiving)]
#[case(SinkError::Unavailable("the disk is full".to_owned()))]
#[tokio::test]
async fn what_is_not_stored_is_to_be_sent_again(#[case] error: SinkError) {
    let sink = FakeSink::new(3);
    let receiver = bind(loopback(), &sink).await;
    sink.fail(Some(error));
    for body in ["ok", "unreadable"] {
        let answer = exchange(&receiver, &post(body)).await;
        assert_eq!(status(&answer), "503");
        assert!(answer.contains("retry-after: 1"), "{answer}");
    }
    sink.fail(None);
    assert_eq!(status(&exchange(&receiver, &post("ok")).await), "200");
}

#[tokio::test]
async fn storing_that_takes_too_long_is_to_be_sent_again() {
    let sink = FakeSink::new(0);
    let receiver = bind(ReceiverConfig { commit_timeout: Duration::from_millis(50), ..loopback() }, &sink).await;
    let answer = exchange(&receiver, &post("ok")).await;
    assert_eq!(status(&answer), "503");
    assert!(answer.contains("takes too long"), "{answer}");
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_put_aside_and_not_sent_again() {
    let sink = FakeSink::new(1);
    let receiver = bind(loopback(), &sink).await;
    assert_eq!(status(&exchange(&receiver, &post("{broken")).await), "202");
    let aside = Seen::Quarantined("am".into(), 7, "it does not begin with ok".to_owned());
    assert_eq!(sink.seen(), [Seen::Began, aside]);
}

#[tokio::test]
async fn a_large_body_is_read_whole() {
    let sink = FakeSink::new(1);
    let receiver = bind(loopback(), &sink).await;
    let body = format!("ok{}", "x".repeat(1024 * 1024));
    assert_eq!(status(&exchange(&receiver, &post(&body)).await), "200");
}

#[tokio::test]
async fn a_body_that_is_too_large_leaves_its_head_and_is_not_sent_again() {
    let sink = FakeSink::new(1);
    let receiver = bind(ReceiverConfig { body_limit: 1_000, ..loopback() }, &sink).await;
    let body = format!("ok{}", "x".repeat(2_000_000));
    assert_eq!(status(&exchange(&receiver, &post(&body)).await), "202");
    let reason = "it is too large: 2000002 bytes, the limit is 1000".to_owned();
    assert_eq!(sink.seen(), [Seen::Began, Seen::Quarantined("am".into(), 1_000, reason)]);
}

#[tokio::test]
async fn a_header_that_does_not_end_costs_the_connection() {
    let sink = FakeSink::new(0);
    let receiver = bind(ReceiverConfig { header_timeout: Duration::from_millis(50), ..loopback() }, &sink).await;
    let mut slow = connect(&receiver).await;
    slow.write_all(b"POST /webhook/alertmanager HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    assert_ne!(status(&answer(&mut slow).await), "200");
    let mut idle = connect(&receiver).await;
    assert_eq!(answer(&mut idle).await, "");
    assert_eq!(sink.seen(), []);
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_to_be_sent_again() {
    let sink = FakeSink::new(0);
    let receiver = bind(ReceiverConfig { body_timeout: Duration::from_millis(50), ..loopback() }, &sink).await;
    let mut slow = connect(&receiver).await;
    slow.write_all(b"POST /webhook/alertmanager HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nok").await.unwrap();
    assert_eq!(status(&answer(&mut slow).await), "503");
    assert_eq!(sink.seen(), []);
}

#[tokio::test]
async fn bytes_in_flight_have_a_budget_and_come_back() {
    let sink = FakeSink::new(0);
    let receiver = bind(ReceiverConfig { in_flight_limit: 100, ..loopback() }, &sink).await;
    let body = format!("ok{}", "x".repeat(58));
    let mut first = connect(&receiver).await;
    first.write_all(post(&body).as_bytes()).await.unwrap();
    sink.wait_for(|seen| seen.contains(&Seen::Began)).await;
    let overload = exchange(&receiver, &post(&body)).await;
    assert_eq!(status(&overload), "503");
    assert!(overload.contains("retry-after: 1"), "{overload}");
    sink.permits.add_permits(2);
    assert_eq!(status(&answer(&mut first).await), "200");
    assert_eq!(status(&exchange(&receiver, &post(&body)).await), "200");
}

#[tokio::test]
async fn connections_beyond_the_limit_are_told_to_come_back() {
    let sink = FakeSink::new(0);
    let receiver = bind(ReceiverConfig { max_connections: 3, ..loopback() }, &sink).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = connect(&receiver).await;
        stream.write_all(post("ok").as_bytes()).await.unwrap();
        held.push(stream);
    }
    sink.wait_for(|seen| seen.len() == 3).await;
    let turned_away = exchange(&receiver, &post("ok")).await;
    assert_eq!(status(&turned_away), "503");
    sink.permits.add_permits(4);
    for stream in &mut held {
        assert_eq!(status(&answer(stream).await), "200");
    }
    drop(held);
    let served = async {
        while status(&exchange(&receiver, &post("ok")).await) != "200" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, served).await.unwrap();
}

#[tokio::test]
async fn a_token_is_asked_for_before_the_body_is_read() {
    let sink = FakeSink::new(2);
    let config = ReceiverConfig { token: Some("open sesame".to_owned().into()), ..loopback() };
    let receiver = bind(config, &sink).await;
    let post = |header: &str| request("POST", "/webhook/alertmanager/eu", header, "ok");
    let refused = exchange(&receiver, &post("")).await;
    assert_eq!(status(&refused), "401");
    assert!(refused.contains("www-authenticate: Bearer"), "{refused}");
    assert_eq!(status(&exchange(&receiver, &post("authorization: Bearer sesame\r\n")).await), "401");
    let away = |why: TurnedAway| Seen::TurnedAway("am".into(), why);
    assert_eq!(sink.seen(), [away(TurnedAway::NoToken), away(TurnedAway::WrongToken)]);
    assert_eq!(status(&exchange(&receiver, &post("authorization: Bearer open sesame\r\n")).await), "200");
    let basic = "authorization: Basic YW06b3BlbiBzZXNhbWU=\r\n";
    assert_eq!(status(&exchange(&receiver, &post(basic)).await), "200");
    assert_eq!(status(&exchange(&receiver, &request("GET", "/healthz", "", "")).await), "200");
}

#[tokio::test]
async fn web_pages_cannot_deliver() {
    let sink = FakeSink::new(1);
    let receiver = bind(loopback(), &sink).await;
    let page = request("POST", "/webhook/alertmanager", "origin: https://evil.example\r\n", "ok");
    assert_eq!(status(&exchange(&receiver, &page).await), "403");
    assert_eq!(sink.seen(), []);
}

#[rstest]
#[case("0.0.0.0:0", None, "no token is set")]
#[case("[::]:0", None, "no token is set")]
#[case("192.0.2.1:0", None, "no token is set")]
#[case("0.0.0.0:0", Some(" "), "token is empty")]
#[case("127.0.0.1:0", Some(""), "token is empty")]
#[case("192.0.2.1:0", Some("long enough"), "does not have that address")]
#[tokio::test]
async fn an_address_is_refused_with_a_remedy(
    #[case] listen: &str,
    #[case] token: Option<&str>,
    #[case] expected: &str,
) {
    let config = ReceiverConfig {
        listen: listen.parse().unwrap(),
        token: token.map(|text| text.to_owned().into()),
        ..loopback()
    };
    let error = Receiver::bind(config, Arc::new(Prefix), FakeSink::new(0)).await.unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
    assert!(error.remedy().contains("receiver."), "{}", error.remedy());
}

#[tokio::test]
async fn any_address_may_be_listened_on_with_a_token() {
    let config = ReceiverConfig {
        listen: "0.0.0.0:0".parse().unwrap(),
        token: Some("open sesame".to_owned().into()),
        ..loopback()
    };
    assert_ne!(bind(config, &FakeSink::new(0)).await.local_addr().port(), 0);
}

#[tokio::test]
async fn a_port_in_use_is_named_and_free_again_after_the_end() {
    let sink = FakeSink::new(0);
    let first = bind(loopback(), &sink).await;
    let address = first.local_addr();
    let second = ReceiverConfig { listen: address, ..loopback() };
    let factory = Receivers::new(second, Arc::new(Prefix));
    let error = factory.open(Arc::clone(&sink) as Arc<dyn AlertSink>).await.err().unwrap();
    assert!(error.what.contains(&address.to_string()) && error.what.contains("another program"), "{error:?}");
    assert!(error.remedy.contains("ss -ltnp") && error.remedy.contains("receiver.listen"), "{error:?}");
    first.shutdown().await;
    let receiver = factory.open(sink).await.unwrap();
    assert_eq!(receiver.place(), address.to_string());
    receiver.close().await;
}

#[tokio::test]
async fn a_shutdown_lets_what_is_in_flight_be_stored() {
    let sink = FakeSink::new(0);
    let receiver = bind(loopback(), &sink).await;
    let address = receiver.local_addr();
    let mut stream = connect(&receiver).await;
    stream.write_all(post("ok").as_bytes()).await.unwrap();
    sink.wait_for(|seen| seen.contains(&Seen::Began)).await;
    let ending = tokio::spawn(receiver.shutdown());
    let closed = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, closed).await.unwrap();
    assert!(!ending.is_finished());
    sink.permits.add_permits(1);
    assert_eq!(status(&answer(&mut stream).await), "200");
    tokio::time::timeout(PATIENCE, ending).await.unwrap().unwrap();
    assert!(matches!(sink.seen()[..], [Seen::Began, Seen::Stored(..)]));
}
