//! Failures that may pass: tried again with a wait in between, told while it lasts, and told in the end. Silence is borne for
//! a while only.
//!
//! Each takes some seconds of waiting and no work: all at once, each in a console of its own.

use rcgen::{CertifiedKey, generate_simple_self_signed};

use super::super::receiver::free_port;
use super::desk::{Desk, Setup};

/// A console with `setup` that is asked `question`, and that says `words` in the end.
fn fails(setup: &Setup, question: &str, words: &[&str]) -> Desk {
    let mut desk = Desk::open(setup);
    desk.sit_down();
    desk.ask_in_vain(question, words);
    desk
}

/// What passes is tried again before it is told; then the next question is answered.
fn is_tried_again(question: &str, words: &[&str], times: usize) {
    let mut desk = Desk::open(&Setup::default());
    desk.sit_down();
    desk.begin(question);
    desk.console.wait_text("ctrl-k stops, retry in ");
    desk.fallback(question, words);
    assert!(times == 0 || desk.fake.received().len() == times, "{}", desk.fake.received().len());
    desk.goes_on();
    desk.leave();
}

/// Nobody listens there.
fn refused() {
    let base_url = Some(format!("http://127.0.0.1:{}", free_port()));
    let words = ["127.0.0.1 refused the connection", "Check the network, the proxy and `model.base_url`"];
    let desk = fails(&Setup { base_url, ..Setup::default() }, "is the disk full?", &words);
    assert_eq!(desk.spent(), 0);
    desk.leave();
}

/// What answers does not speak TLS.
fn no_tls() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = Some(format!("https://{}", listener.local_addr().unwrap()));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let words = ["127.0.0.1 could not be connected to", "Check the network and the proxy, then ask again"];
    fails(&Setup { base_url, ..Setup::default() }, "is the disk full?", &words).leave();
}

/// A certificate that nobody vouches for: trying again would be of no use.
fn unknown_certificate() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let server = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key);
    let server = std::sync::Arc::new(server.unwrap());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = Some(format!("https://localhost:{}", listener.local_addr().unwrap().port()));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut connection = rustls::ServerConnection::new(std::sync::Arc::clone(&server)).unwrap();
            // The console refuses.
            while connection.is_handshaking() && connection.complete_io(&mut stream).is_ok() {}
        }
    });
    let words = [
        "localhost has a TLS certificate that is not accepted",
        "Add the CA of your proxy to the system's certificates",
    ];
    let desk = fails(&Setup { base_url, ..Setup::default() }, "is the disk full?", &words);
    assert_eq!(desk.spent(), 0);
    desk.leave();
}

/// Silence before the first word, and in the middle; what is typed meanwhile shows at once.
fn silence() {
    let model = "first_token_timeout = \"4s\"\nidle_timeout = \"4s\"\n".to_owned();
    let mut desk = Desk::open(&Setup { model, ..Setup::default() });
    desk.sit_down();
    for question in ["please never answer", "please fall silent"] {
        let before = desk.spent();
        desk.begin(question);
        desk.console.type_keys("typed meanwhile");
        desk.console.wait_text("> typed meanwhile");
        desk.console.type_keys("\x15");
        desk.fallback(question, &["Gemini said nothing for 4 s", "Ask again; if it stays so, check the network"]);
        assert!(desk.spent() > before, "it may have been answered, and paid for");
        desk.goes_on();
    }
    desk.leave();
}

/// After three failures in a row the service is left alone for a while, which is said, and asked again later.
fn left_alone() {
    let mut desk = Desk::open(&Setup::default());
    desk.sit_down();
    for question in ["please talk garbage", "please be cut off", "please send a number"] {
        desk.ask(question, &["Ask again"]);
    }
    let asked = desk.fake.received().len();
    let words = ["Gemini failed several times in a row, the last time because", "It is asked again in "];
    desk.ask("is the disk full?", &words);
    assert_eq!(desk.fake.received().len(), asked);
    desk.console.wait_text("model offline");
    desk.leave();
}

#[test]
fn failures_that_may_pass_are_tried_again_and_told_in_the_end() {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let words = ["Gemini is overloaded or failed (HTTP 500): An internal error", "Ask again in a few minutes"];
            is_tried_again("please fail inside", &words, 4);
        });
        scope.spawn(|| {
            let words =
                ["Gemini is overloaded or failed (HTTP 503): The model is overloaded", "Ask again in a few minutes"];
            is_tried_again("please be overloaded", &words, 4);
        });
        scope.spawn(|| {
            let words = ["too many questions in too short a time (HTTP 429)", "Wait a minute, then ask again"];
            is_tried_again("please be out of quota", &words, 4);
        });
        scope.spawn(|| is_tried_again("please speak no http", &["127.0.0.1 broke off", "Check the network"], 0));
        scope.spawn(|| is_tried_again("please hang up", &["127.0.0.1 broke off", "Check the network"], 0));
        scope.spawn(|| is_tried_again("please answer half a head", &["127.0.0.1 broke off", "Check the network"], 0));
        scope.spawn(refused);
        scope.spawn(no_tls);
        scope.spawn(unknown_certificate);
        scope.spawn(silence);
        scope.spawn(left_alone);
    });
}
