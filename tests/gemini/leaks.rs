//! What never leaves, looked for on the wire: from every place that goes into a question, in every spelling.

use std::sync::OnceLock;

use aiops::demo::fake_gemini::{FakeGemini, Script};
use aiops::domain::chat::Author;
use aiops::engine::ask::Route;
use aiops::logging::{self, LogGuard};

use crate::FAULTS;
use crate::stack::{Origin, Planted, Stack};
use crate::wire::{Tap, WAYS, assert_nowhere, spelled};

/// What the program itself holds: the key of the model, the token of the receiver, a password of a source.
const OWN: [&str; 3] = ["AIzaSy-own/key+of~the_program-0\"1", "receiver-t0ken/9f.Q", "am passw0rd & more"];

/// What this process logs, from the first question to the end of the tests.
fn log() -> &'static (tempfile::TempDir, LogGuard) {
    static LOG: OnceLock<(tempfile::TempDir, LogGuard)> = OnceLock::new();
    LOG.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let guard = logging::start(&directory.path().join("log"), "trace").unwrap();
        (directory, guard)
    })
}

fn assert_not_logged(value: &str) {
    let logged = std::fs::read(log().0.path().join("log")).unwrap();
    assert_nowhere(value, &logged, "the log");
}

async fn stand_in() -> (FakeGemini, Tap) {
    log();
    // A second installation fails and the first one stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let fake = FakeGemini::start(Script::parse(FAULTS).unwrap(), OWN[0], 0).await.unwrap();
    let tap = Tap::before(&fake.base_url());
    (fake, tap)
}

/// The bodies that came, and all that was sent but the header with the key, which has to be there once for each.
fn without_key(fake: &FakeGemini, tap: &Tap) -> Vec<u8> {
    let sent = tap.sent();
    let header = format!("x-goog-api-key: {}\r\n", OWN[0]).into_bytes();
    let mut rest = Vec::new();
    let (mut place, mut keys) = (0, 0);
    while place < sent.len() {
        let is_header =
            sent.len() - place >= header.len() && sent[place..place + header.len()].eq_ignore_ascii_case(&header);
        if is_header {
            keys += 1;
            place += header.len();
        } else {
            rest.push(sent[place]);
            place += 1;
        }
    }
    assert_eq!(keys, fake.received().len(), "one key for each request");
    rest
}

/// What a person is shown and what is kept when nothing was sent.
fn assert_refused(why: &str, heard: &crate::stack::Heard, sent: &[u8], place: &str) {
    assert!(
        matches!(&heard.route, Route::Local { why } if why.contains("Nothing was sent")),
        "{place}: {:?}",
        heard.route
    );
    assert!(matches!(&heard.message.author, Author::Fallback { why: said } if said.contains(why)), "{place}");
    assert_eq!(sent, b"", "{place}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_program_holds_never_leaves_from_any_place_in_any_spelling() {
    let (fake, tap) = stand_in().await;
    let mut refused = 0;
    for (number, secret) in OWN.iter().enumerate() {
        for (index, way) in WAYS.iter().enumerate() {
            // Every place with every spelling of the key, and each of the others at a place that changes.
            for (turn, origin) in Origin::ALL.into_iter().enumerate() {
                if number > 0 && turn != (index + number) % Origin::ALL.len() {
                    continue;
                }
                let hidden = format!("see {} there", spelled(secret, way));
                let place = format!("{origin:?}, {way}");
                let planted = match origin {
                    Origin::Question | Origin::Earlier => Planted::default(),
                    _ => Planted(vec![(origin, hidden.clone())]),
                };
                let stack = Stack::new(&tap, &OWN, &planted).await;
                let question = if matches!(origin, Origin::Question | Origin::Earlier) { &hidden } else { "why?" };
                let heard = stack.ask(question).await;
                assert_refused("Nothing was sent", &heard, &tap.sent(), &place);
                if origin == Origin::Earlier {
                    // The refused question stands in the conversation now, and goes with the next one.
                    assert_refused("Nothing was sent", &stack.ask("and now?").await, &tap.sent(), &place);
                }
                refused += 1;
            }
        }
    }
    // The same without a secret gets through, so that it was the secret that was refused.
    let stack = Stack::new(&tap, &OWN, &Planted::default()).await;
    let heard = stack.ask("please answer plainly").await;
    assert!(matches!(heard.message.author, Author::Model { .. }), "{:?}: {}", heard.message.author, heard.text);
    let sent = without_key(&fake, &tap);
    for secret in OWN {
        assert_nowhere(secret, &sent, "what was sent");
        assert_not_logged(secret);
    }
    println!("{refused} questions with an own secret, all refused, nothing on the wire");
}

/// Secrets of others as they stand in texts, one for each place, each with what gives it away.
const OTHERS: [(Origin, &str, &str); 8] = [
    (Origin::Label, "L4bel-Heron-51", "postgres://app:L4bel-Heron-51@db1.corp.internal/x"),
    (Origin::Annotation, "Ann0tation.Stork", "DB_PASSWORD=Ann0tation.Stork"),
    (Origin::Sop, "s0pCrane99Xy", "mysql -uroot -ps0pCrane99Xy"),
    (Origin::Command, "C0mmandEgret77", "curl -u admin:C0mmandEgret77 http://es:9200"),
    (Origin::Output, "0utputIbis4Qz", "{\"user\":\"app\",\"password\":\"0utputIbis4Qz\"}"),
    (Origin::Note, "N0teHeronry-8", "the root password is N0teHeronry-8"),
    (Origin::Question, "Qu3stionPlover", "Authorization: Bearer Qu3stionPlover"),
    (Origin::Earlier, "E4rlierDunlin!", "sshpass -p E4rlierDunlin! ssh web-1"),
];

/// Names, which become tokens on the wire and names again in the answer.
const NAMES: [&str; 4] = ["db1.corp.internal", "ada", "10.20.30.40", "priya@corp.example"];

fn has_word(bytes: &[u8], word: &str) -> bool {
    let inside = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    bytes.windows(word.len()).enumerate().any(|(start, piece)| {
        let before = start.checked_sub(1).and_then(|before| bytes.get(before));
        piece == word.as_bytes() && !inside(before) && !inside(bytes.get(start + word.len()))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_others_and_names_never_leave_and_names_come_back() {
    let (fake, tap) = stand_in().await;
    let mut planted: Vec<_> = OTHERS.iter().map(|(origin, _, text)| (*origin, (*text).to_owned())).collect();
    planted.push((Origin::Output, "from 10.20.30.40 by ada, mail priya@corp.example".to_owned()));
    let stack = Stack::new(&tap, &OWN, &Planted(planted)).await;
    let of = |origin| OTHERS.iter().find(|(other, _, _)| *other == origin).unwrap().2;
    let earlier = stack.ask(&format!("first: {}", of(Origin::Earlier))).await;
    assert!(matches!(earlier.message.author, Author::Model { .. }), "{}", earlier.text);
    let heard = stack.ask(&format!("Which hosts? {}", of(Origin::Question))).await;
    assert!(matches!(heard.message.author, Author::Model { .. }), "{}", heard.text);
    let Route::Model(preview) = &heard.route else { panic!("{:?}", heard.route) };
    let received = fake.received();
    assert_eq!(received.last().unwrap().body, preview.body.to_vec(), "what is shown is what is sent");
    let sent = without_key(&fake, &tap);
    for (_, secret, _) in OTHERS {
        assert_nowhere(secret, &sent, "what was sent");
        assert_nowhere(secret, &preview.body, "the preview");
        assert_not_logged(secret);
    }
    for name in NAMES {
        assert!(!has_word(&preview.body, name), "{name} stands in {}", String::from_utf8_lossy(&preview.body));
    }
    let text = String::from_utf8_lossy(&preview.body).into_owned();
    let words = ["label instance = zqhost", "[REDACTED:password]", "zquser", "zqaddr", "zqmail"];
    assert!(words.iter().all(|word| text.contains(word)), "{text}");
    // The stand-in repeats the question; its tokens were restored before anyone saw them.
    let asked = stack.ask("what about db1.corp.internal and priya@corp.example?").await;
    assert!(asked.text.contains("db1.corp.internal and priya@corp.example"), "{}", asked.text);
    assert!(!asked.text.contains("zq"), "{}", asked.text);
}
