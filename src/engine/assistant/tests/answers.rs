//! What the fallback finds in the bundled SOPs.

use std::collections::BTreeMap;
use std::sync::Arc;

use rstest::rstest;

use super::proposals::run;
use super::support::{Bench, Heard, NOW, about_incident, general};
use crate::domain::chat::blocks;
use crate::domain::chat::citation::Source;
use crate::domain::id::{NodeId, SopId};
use crate::engine::ask::Ask;
use crate::engine::assistant::citations::{self, Given};
use crate::engine::assistant::material::Material;
use crate::engine::assistant::offline::{self, LocalAnswer};
use crate::engine::library::Library;

fn answer(ask: Ask, library: &Arc<Library>) -> LocalAnswer {
    let material = Material {
        sop: ask.sop.as_ref().and_then(|id| library.get(id)),
        ask,
        incident: None,
        attempts: Vec::new(),
        outputs: BTreeMap::new(),
        similar: Vec::new(),
        named: Vec::new(),
        routed: Vec::new(),
        chat: Vec::new(),
        earlier: 0,
        people: Vec::new(),
        has_sent: false,
        library: Arc::clone(library),
        now: NOW,
    };
    offline::answer(&material)
}

fn asked(question: &str, shown: Option<&str>) -> Ask {
    Ask { sop: shown.map(SopId::from), ..general(question) }
}

/// The text and all commands of the passage that is cited first.
fn first_passage(answer: &LocalAnswer, library: &Library) -> (String, String) {
    let first = citations::find(&answer.text).into_iter().next();
    let Some(Source::Sop { sop, node }) = first else { panic!("{}", answer.text) };
    let document = library.get(&sop).unwrap();
    let index = document.procedure.index_of(&node.unwrap_or_else(|| NodeId::from(""))).unwrap();
    let passages: Vec<&str> = answer.text.split("**").filter(|part| part.contains("[sop:")).collect();
    let block = blocks::fenced(passages[0]).into_iter().map(|block| block.text).collect();
    (document.procedure.nodes[index].text.clone(), block)
}

#[rstest]
#[case("which step frees space?", Some("bundled/disk-full.md"), "rotated logs", "-delete")]
#[case("how do I free space on the disk?", None, "rotated logs", "-delete")]
#[case("how do I see how full the disk is?", None, "how full the filesystem is", "df -h")]
#[case(
    "how do I roll back?",
    Some("bundled/worker-crash-loop.md"),
    "stop it before anything is exchanged",
    "systemctl stop"
)]
#[case("what does exit 137 mean?", Some("bundled/worker-crash-loop.md"), "memory ran out", "oom-kill")]
#[case("are there files that are deleted but still open?", None, "deleted but still open", "lsof +L1")]
#[case("which directories are the biggest?", Some("bundled/disk-full.md"), "directories that hold the most", "du -xh")]
#[case("why does the worker crash, where are its last messages?", None, "its messages", "journalctl")]
fn questions_find_the_step(
    #[case] question: &str,
    #[case] shown: Option<&str>,
    #[case] step: &str,
    #[case] command: &str,
) {
    let library = Arc::new(Library::bundled());
    let answer = answer(asked(question, shown), &library);
    let (text, block) = first_passage(&answer, &library);
    assert!(text.contains(step), "{question}: {text}\n{}", answer.text);
    assert!(block.contains(command), "{question}: {block}\n{}", answer.text);
}

#[test]
fn every_citation_is_good() {
    let library = Arc::new(Library::bundled());
    for question in ["disk", "certificate expires when?", "5xx errors", "target down", "crash loop memory"] {
        let answer = answer(asked(question, None), &library);
        let given = Given { sops: &answer.sources, library: &library, evidence: Vec::new(), incident: false };
        assert_eq!(citations::remark(&answer.text, &given), None);
        let count = citations::find(&answer.text).len();
        assert!((1..=6).contains(&count), "{question}: {count}");
    }
}

#[test]
fn words_that_no_sop_knows_get_an_honest_answer() {
    let library = Arc::new(Library::bundled());
    let answer = answer(asked("xyzzy plugh?", None), &library);
    assert!(answer.text.contains("No SOP has anything on these words") && answer.sources.is_empty(), "{}", answer.text);
}

#[test]
fn the_same_question_gets_the_same_answer() {
    let library = Arc::new(Library::bundled());
    let ask = || answer(asked("which step frees space?", None), &library);
    assert_eq!(ask(), ask());
}

#[tokio::test]
async fn the_sop_that_fits_the_alert_is_preferred() {
    let bench = Bench::without_model();
    bench.fire("WorkerCrashLoop").await;
    let prepared = bench.prepare(about_incident("how do I see its state?")).await;
    let heard = Heard::all(bench.assistant.answer(prepared.id).await.unwrap(), prepared).await;
    assert!(heard.text.contains("[sop:bundled/worker-crash-loop.md#"), "{}", heard.text);
    assert_eq!(heard.message.sources[0].as_str(), "bundled/worker-crash-loop.md");
}

/// The fallback's answer to a question about an incident of this alert.
async fn about(alertname: &str, question: &str) -> (Bench, String) {
    let bench = Bench::without_model();
    bench.fire(alertname).await;
    let text = told(&bench, question).await;
    (bench, text)
}

async fn told(bench: &Bench, question: &str) -> String {
    let prepared = bench.prepare(about_incident(question)).await;
    Heard::all(bench.assistant.answer(prepared.id).await.unwrap(), prepared).await.text
}

/// Places of `parts` in `text`, which have to be there in this order.
fn in_order(text: &str, parts: &[&str]) {
    let places: Vec<usize> =
        parts.iter().map(|part| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"))).collect();
    assert!(places.is_sorted(), "{parts:?}: {text}");
}

#[rstest]
#[case("what should I do now?", &["TLS certificate that a server presents", "Until the end nothing is broken", "-enddate"])]
#[case("is this urgent?", &["Until the end nothing is broken", "TLS certificate that a server presents", "-enddate"])]
#[case("xyzzy plugh?", &["TLS certificate that a server presents", "Until the end nothing is broken", "-enddate"])]
#[tokio::test]
async fn a_question_in_no_words_of_the_sop_is_answered_from_it(#[case] question: &str, #[case] parts: &[&str]) {
    let (_bench, text) = about("CertificateExpiringSoon", question).await;
    in_order(&text, parts);
    assert!(!text.contains("choose an SOP") && !text.contains("No SOP has anything"), "{text}");
    assert!(!text.replace("bundled/certificate-expiring.md", "").contains("[sop:bundled/"), "{text}");
}

#[tokio::test]
async fn the_next_step_is_the_first_that_was_not_run() {
    let bench = Bench::without_model();
    bench.fire("DiskFull").await;
    let text = told(&bench, "what now?").await;
    assert!(text.contains("df -h") && !text.contains("df -i"), "{text}");
    run(&bench, "bundled/disk-full.md", "df -h", &[]).await;
    let text = told(&bench, "what now?").await;
    let passages = text.split("Run for this incident").next().unwrap();
    assert!(!passages.contains("df -h"), "{text}");
    assert_eq!(passages.matches("```sh").count(), 1, "{text}");
}

#[tokio::test]
async fn what_others_did_is_answered_from_the_history() {
    let (bench, text) = about("CertificateExpiringSoon", "what did others do about this?").await;
    in_order(&text, &["Nothing has been run for this incident yet, and the same alert has not come before.", "[sop:"]);
    assert!(!text.replace("bundled/certificate-expiring.md", "").contains("[sop:bundled/"), "{text}");
    bench.deliver("old", &[("alertname", "CertificateExpiringSoon"), ("cluster", "old")]).await;
    let text = told(&bench, "what was done last time?").await;
    in_order(
        &text,
        &["Nothing has been run for this incident yet.", "Earlier incidents", "CertificateExpiringSoon old", "[sop:"],
    );
}

#[rstest]
// Two words of another SOP, and more than the own one has.
#[case("how do I see which pods are pending?", "[sop:bundled/pods-pending.md#", true)]
// One word is chance.
#[case("is anything pending?", "[sop:bundled/pods-pending.md#", false)]
// The own one has these words as well.
#[case("until when is the certificate valid?", "[sop:bundled/http-5xx-rate.md#", false)]
#[tokio::test]
async fn other_sops_are_quoted_only_where_they_are_meant(
    #[case] question: &str,
    #[case] cited: &str,
    #[case] expected: bool,
) {
    let (_bench, text) = about("CertificateExpiringSoon", question).await;
    assert_eq!(text.contains(cited), expected, "{text}");
}

#[tokio::test]
async fn an_incident_without_an_sop_is_told_to_get_one() {
    let (_bench, text) = about("NobodyKnowsThis", "xyzzy plugh?").await;
    assert!(text.contains("choose an SOP for the incident"), "{text}");
}
