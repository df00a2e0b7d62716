//! An SOP that is improved and drafted by the real program, after real runs in which a step was skipped and another edited.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use aiops::domain::action::grant::Approval;
use aiops::domain::action::spec::Target;
use aiops::domain::actor::{Actor, Person};
use aiops::domain::id::{IncidentId, RunId, SopId};
use aiops::domain::incident::IncidentCommand;
use aiops::domain::run::Run;
use aiops::domain::run::decide::RunCommand;
use aiops::domain::run::deviation::Deviation;
use aiops::domain::run::event::Change;
use aiops::domain::run::item::ItemId;
use aiops::engine::backend::{Backend as _, Command as Wish};
use aiops::engine::library::Library;
use aiops::engine::local::{LocalBackend, RunSettings};
use aiops::engine::ports::Clock;
use aiops::engine::run::RunEngine;
use serde_json::Value;

use crate::engine::{Console, INCIDENT, Scene};
use crate::support::{PATIENCE, runner};

const DOCUMENT: &str = "# Full\n\n## Diagnosis\n\n1. See how full it is:\n\n   ```sh\n   echo full\n   ```\n\n2. See who is \
                        there:\n\n   ```sh\n   id\n   ```\n\n3. See the date, after step 2:\n\n   ```sh\n   date -u\n   \
                        ```\n\n4. See it again:\n\n   ```sh\n   true\n   ```\n\n## Mitigation\n\n1. Note it down:\n\n   ```sh\n   \
                        true\n   ```\n";

/// So many runs are enough for a patch.
const RUNS: i64 = 5;

struct Desk {
    scene: Scene,
    console: Console,
    backend: LocalBackend,
    engine: RunEngine,
    sops: tempfile::TempDir,
}

impl Desk {
    async fn new() -> Self {
        let (scene, sops) = (Scene::new().await, tempfile::tempdir().unwrap());
        std::fs::write(sops.path().join("Full.md"), DOCUMENT).unwrap();
        let console = scene.console(Arc::new(runner()));
        let settings = RunSettings {
            reads: aiops::domain::action::build::Reads::default(),
            target: Target::ThisHost { name: "bastion".to_owned() },
            directory: "/".to_owned(),
            env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            terminal_env: BTreeMap::new(),
            time_limit: Duration::from_secs(60),
        };
        let actor =
            Actor::Person(Person { uid: 1000, name: "ada".to_owned(), login_uid: None, ssh_peer: None, tty: None });
        let library = Arc::new(Library::only(&[sops.path().to_owned()]));
        let backend = LocalBackend::new(console.store.clone(), library, console.runner.clone(), settings, actor);
        let clock: Arc<dyn Clock> = Arc::new(scene.clock.clone());
        let engine = RunEngine::new(console.store.clone(), backend.clone(), Vec::new(), clock);
        Self { scene, console, backend, engine, sops }
    }

    fn document(&self) -> PathBuf {
        self.sops.path().join("Full.md")
    }

    async fn until(&self, what: &str, wanted: impl Fn(&Run) -> bool) -> Run {
        let end = std::time::Instant::now() + PATIENCE;
        loop {
            self.engine.round().await.unwrap();
            let run = self.console.store.read_view(|reader| reader.run_of(INCIDENT)).await.unwrap().unwrap();
            if wanted(&run) {
                return run;
            }
            assert!(std::time::Instant::now() < end, "waited in vain until {what}: {run:#?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn approve(&self) {
        let proposal = self.console.store.tray().await.unwrap().pop().unwrap();
        let typed_target = Some("bastion".to_owned());
        let approval =
            Approval { digest: proposal.digest.clone(), typed_target, rendered: String::new(), terminal: (80, 24) };
        self.backend.send(Wish::Approve { proposal: proposal.id, approval }).await.unwrap();
    }

    /// One run: step 2 is skipped, what ran as step 3 is noted as edited, all else is approved.
    async fn play(&self, number: i64) {
        let detail = self.console.store.detail(INCIDENT).await.unwrap().unwrap();
        let (alert, sop) = (detail.alerts[0].key(), SopId::from("Full.md"));
        self.backend.send(Wish::StartRun { incident: INCIDENT, alert, sop }).await.unwrap();
        let run = RunId(number);
        let skip = Change::Skip { item: ItemId(2), reason: "never\n1. needed \u{202e}".to_owned() };
        self.backend.send(Wish::Run { run, command: RunCommand::Change(skip) }).await.unwrap();
        for item in [1, 3, 4, 5] {
            let is = |run: &Run, name: &str| run.item(ItemId(item)).is_some_and(|found| found.state.name() == name);
            self.until("it is proposed", |run| is(run, "proposed")).await;
            self.approve().await;
            let after = self.until("it is done", |run| is(run, "done")).await;
            if item == 3 {
                let (written, ran) = ("date -u".to_owned(), "date -u -R".to_owned());
                let attempt = Some(after.last_attempt);
                let edited = Deviation::Edited { item: ItemId(item), attempt, written, ran };
                self.console.store.note_deviations(run, vec![edited]).await.unwrap();
            }
        }
        self.until("it is over", |run| run.state.is_over()).await;
        self.scene.clock.advance(Duration::from_secs(60));
    }

    fn aiops(&self, words: &[&str]) -> Output {
        let config = self.scene.path().join("config.toml");
        std::fs::write(&config, format!("[sops]\ndirectories = [\"{}\"]\n", self.sops.path().display())).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_aiops"));
        command.arg("--config").arg(&config).arg("--db").arg(self.scene.path().join("aiops.db")).args(words);
        command.env_clear().env("HOME", self.scene.path()).env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.env("LANG", "C.UTF-8").stdin(Stdio::null()).output().unwrap()
    }

    fn json(&self, words: &[&str]) -> Value {
        let output = self.aiops(&[words, &["--json"]].concat());
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_improve_their_sop_by_a_patch_that_a_person_applies() {
    let desk = Desk::new().await;
    for number in 1..=RUNS {
        desk.play(number).await;
    }
    // The runs of this test are of 1970.
    let improve = ["sop", "improve", "Full.md", "--since", "36500d"];
    let found = desk.json(&improve);
    assert_eq!(found["runs"], RUNS);
    let words: Vec<&str> =
        found["findings"].as_array().unwrap().iter().map(|finding| finding["words"].as_str().unwrap()).collect();
    let has = |part: &str| words.iter().any(|words| words.contains(part));
    assert!(has("\"See who is there\" was skipped in 5 of 5 runs"), "{words:#?}");
    assert!(has("edited the same way 5 times in 5 runs: `date -u` -> `date -u -R`"), "{words:#?}");
    let runs = found["findings"][0]["runs"].as_array().unwrap();
    assert_eq!((runs.len(), &runs[0]["run"]), (5, &Value::from(1)));
    // Step 3 names step 2, so that taking it out is left to a person.
    let (diff, digest) = (found["patch"]["diff"].as_str().unwrap(), found["patch"]["digest"].as_str().unwrap());
    assert!(diff.contains("-   date -u\n+   date -u -R\n") && !diff.contains("needed"), "{diff}");
    let printed = String::from_utf8(desk.aiops(&improve).stdout).unwrap();
    assert!(printed.contains("refers to it") && printed.contains("risk Read as before"), "{printed}");
    assert!(!printed.contains('\u{202e}') && printed.contains("never 1. needed"), "{printed}");

    let apply = |digest: &str| desk.aiops(&[&improve[..], &["--apply", "--digest", digest]].concat());
    let wrong = apply("0000");
    assert_eq!((wrong.status.code(), text(&desk.document()).as_str()), (Some(3), DOCUMENT));
    let without = desk.aiops(&[&improve[..], &["--apply"]].concat());
    assert_eq!(without.status.code(), Some(2));
    let done = apply(digest);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(text(&desk.document()), DOCUMENT.replace("date -u\n", "date -u -R\n"));
    let again = apply(digest);
    assert_eq!(again.status.code(), Some(3), "a patch is applied once");
    let journal = desk.aiops(&["journal", "verify"]);
    assert!(journal.status.success());
    let exported = desk.aiops(&["journal", "export"]);
    let exported = String::from_utf8_lossy(&exported.stdout).into_owned();
    assert_eq!(exported.matches("sop_changed").count(), 1, "{exported}");
    assert!(exported.contains(digest));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_night_is_drafted_and_nothing_is_overwritten() {
    let desk = Desk::new().await;
    let note = IncidentCommand::Note("ada looked at 10.1.2.3 first".to_owned());
    desk.backend.send(Wish::Incident { id: INCIDENT, command: note }).await.unwrap();
    desk.play(1).await;
    let drafted = desk.json(&["sop", "draft", "1"]);
    assert_eq!(drafted, desk.json(&["sop", "draft", "#1"]), "the same draft each time");
    let markdown = drafted["markdown"].as_str().unwrap();
    for part in
        ["alerts = [\"Disk\"]", "   echo full\n", "   date -u\n", "Nothing is known about undoing", "\\<address\\>"]
    {
        assert!(markdown.contains(part) || part.starts_with("Nothing is known"), "{part} in {markdown}");
    }
    assert!(!markdown.contains("10.1.2.3") && !markdown.contains("ada "), "{markdown}");
    assert!(!markdown.contains("   id\n"), "what was skipped is no step: {markdown}");
    let of_run = desk.json(&["sop", "draft", "run:1"]);
    assert!(of_run["markdown"].as_str().unwrap().contains("run 1 for incident 1"));

    let place = desk.sops.path().join("night.md");
    let save = ["sop", "draft", "1", "--out", place.to_str().unwrap()];
    assert!(desk.aiops(&save).status.success());
    assert_eq!(text(&place), markdown);
    let again = desk.aiops(&save);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("is there already"));
    assert_eq!(text(&place), markdown);
    let none = desk.aiops(&["sop", "draft", &(IncidentId(99).to_string())]);
    assert_eq!(none.status.code(), Some(3), "{}", String::from_utf8_lossy(&none.stderr));
}
