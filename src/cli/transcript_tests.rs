//! Transcripts of a store in which something was done, and of text that wants to be structure.

use std::collections::BTreeMap;

use pulldown_cmark::{Event, Options, Parser, Tag};

use super::super::journal::tests::options;
use super::*;
use crate::domain::actor::Actor;
use crate::domain::alert::{Alert, AlertBatch, AlertKey, AlertStatus, BatchOrigin};
use crate::domain::chat::{Author, ChatMessage, Conversation, MessageState};
use crate::domain::incident::{DEFAULT_REOPEN_WITHIN, IncidentCommand};
use crate::store::{INGEST_LEASE, LeaseOutcome, Store};

/// Tries to begin a heading, a table, a link, code, HTML and an emphasis, and to clear the screen.
const HOSTILE: &str = "x\n# Forged\n| a | b |\n[click](http://evil) <b>`code` **bold** ~~~ ``` \u{1b}[2J";

/// A store with one incident that was noted on and asked about.
fn store(directory: &Path) -> PathBuf {
    let path = directory.join("aiops.db");
    let store = Store::open(&path, options()).unwrap();
    let pairs = [("alertname", "DiskFull"), ("severity", "critical"), ("path", HOSTILE)];
    let alert = Alert {
        key: AlertKey { source: "am".into(), fingerprint: "f".to_owned(), starts_at: Timestamp::from_millis(500) },
        status: AlertStatus::Firing,
        ends_at: None,
        labels: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        annotations: BTreeMap::new(),
        generator_url: None,
    };
    let batch =
        AlertBatch { source: "am".into(), origin: BatchOrigin::Webhook, alerts: vec![alert], digest: "0".repeat(64) };
    crate::cli::wait(async {
        let lease = store.acquire_lease(INGEST_LEASE, "1@test", Duration::from_secs(60)).await.unwrap();
        let LeaseOutcome::Held(fence) = lease else { panic!("{lease:?}") };
        store.ingest(fence, batch, DEFAULT_REOPEN_WITHIN).await.unwrap();
        let (id, ada) = (IncidentId(1), store.person());
        store.incident_command(id, IncidentCommand::Acknowledge, &ada).await.unwrap();
        let note = format!("PGPASSWORD=hunter2 was in {HOSTILE}");
        store.incident_command(id, IncidentCommand::Note(note), &ada).await.unwrap();
        let conversation = Conversation::Incident(id);
        let asked = Author::Person { name: "ada".to_owned() };
        let question = ChatMessage::draft(conversation, asked, "why?".to_owned(), MessageState::Complete);
        store.say(question, &ada).await.unwrap();
        let text = format!("See [E7] and [sop:disk.md#n1]. Again [E7].\n```\n````` {HOSTILE}");
        let model = Author::Model { name: "m".to_owned() };
        let answer = ChatMessage::draft(conversation, model, text, MessageState::Complete);
        store.say(answer, &Actor::engine("assistant")).await.unwrap();
    })
    .unwrap();
    path
}

fn args(with_secrets: bool, output: Option<PathBuf>) -> TranscriptArgs {
    TranscriptArgs { incident: IncidentId(1), with_secrets, output }
}

fn transcript(path: &Path, args: &TranscriptArgs) -> String {
    let mut out = Vec::new();
    assert_eq!(run(args, path, |_| Ok(None), Format::Text, &mut out).unwrap(), Exit::Done);
    String::from_utf8(out).unwrap()
}

/// The headings of a page, and the links, pieces of code and of HTML in its lines, as a reader of Markdown finds them.
fn structure(page: &str) -> (Vec<String>, Vec<String>) {
    let (mut headings, mut foreign, mut inside) = (Vec::new(), Vec::new(), false);
    for event in Parser::new_ext(page, Options::all()) {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                inside = true;
                headings.push(String::new());
            }
            Event::End(pulldown_cmark::TagEnd::Heading(_)) => inside = false,
            Event::Text(text) if inside => headings.last_mut().unwrap().push_str(&text),
            event @ (Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::HtmlBlock | Tag::Strikethrough)
            | Event::Html(_)
            | Event::InlineHtml(_)
            | Event::Code(_)) => foreign.push(format!("{event:?}")),
            _ => {}
        }
    }
    (headings, foreign)
}

#[test]
fn a_transcript_has_what_a_post_mortem_needs_and_no_structure_from_outside() {
    let directory = tempfile::tempdir().unwrap();
    let path = store(directory.path());
    let page = transcript(&path, &args(false, None));
    let (headings, foreign) = structure(&page);
    let wanted = ["To be written", "Alerts", "Timeline (UTC)", "Actions", "Conversation with the assistant", "Record"];
    assert_eq!(headings[1..], wanted, "{page}");
    assert!(headings[0].starts_with("Incident 1: DiskFull"), "{}", headings[0]);
    // The one piece of code is of this program.
    assert_eq!(foreign, ["Code(Borrowed(\"aiops journal verify\"))"], "{page}");
    assert!(!page.contains('\u{1b}'));
    for words in ["**acknowledged**", "still firing", "Cites: attempt 7, SOP disk.md\\#n1", "each as it was written"] {
        assert!(page.contains(words), "{words} is missing in {page}");
    }
}

#[test]
fn secrets_go_unless_they_are_wanted() {
    let directory = tempfile::tempdir().unwrap();
    let path = store(directory.path());
    assert!(!transcript(&path, &args(false, None)).contains("hunter2"));
    assert!(transcript(&path, &args(true, None)).contains("hunter2"));
}

#[test]
fn a_file_is_new_and_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = store(directory.path());
    let output = directory.path().join("incident.md");
    let said = transcript(&path, &args(false, Some(output.clone())));
    assert!(said.starts_with("Wrote the transcript of #1"), "{said}");
    assert_eq!(fs::metadata(&output).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(&output).unwrap().starts_with("# Incident 1"));
    let again = run(&args(false, Some(output)), &path, |_| Ok(None), Format::Text, &mut Vec::new());
    assert!(again.unwrap_err().to_string().contains("already"));
}

#[test]
fn programs_get_the_page_in_an_object() {
    let directory = tempfile::tempdir().unwrap();
    let path = store(directory.path());
    let mut out = Vec::new();
    run(&args(false, None), &path, |_| Ok(None), Format::Json, &mut out).unwrap();
    let object: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(object["incident"], 1);
    assert_eq!(object["markdown"].as_str().unwrap(), transcript(&path, &args(false, None)));
}

#[test]
fn an_incident_that_is_not_there_is_refused_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let path = store(directory.path());
    let missing = TranscriptArgs { incident: IncidentId(9), ..args(false, None) };
    let error = run(&missing, &path, |_| Ok(None), Format::Text, &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("incidents list"), "{error}");
    let absent = directory.path().join("absent.db");
    assert!(
        run(&args(false, None), &absent, |_| Ok(None), Format::Text, &mut Vec::new())
            .unwrap_err()
            .to_string()
            .contains("--db")
    );
    assert!(!absent.exists());
}

#[test]
fn spans_and_times_are_as_people_write_them() {
    assert_eq!(span(Duration::from_secs(7)), "7 s");
    assert_eq!(span(Duration::from_secs(90)), "1 min 30 s");
    assert_eq!(span(Duration::from_secs(3 * 3600 + 60)), "3 h 1 min");
    assert_eq!(time(Timestamp::from_millis(1_772_331_240_123)), "2026-03-01 02:14:00Z");
}
