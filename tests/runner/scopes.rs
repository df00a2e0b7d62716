//! Yeses to more than one command: in a console that drives a run, and from the command line.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use aiops::adapters::process::reads_can_be_confined;
use aiops::domain::action::build::Reads;
use aiops::domain::action::grant::Approval;
use aiops::domain::action::spec::{Confinement, Target};
use aiops::domain::actor::Actor;
use aiops::domain::id::{ProposalId, RunId, SopId};
use aiops::domain::run::Run;
use aiops::domain::run::decide::RunCommand;
use aiops::domain::run::event::Change;
use aiops::domain::run::item::ItemId;
use aiops::domain::scope::{Cover, Wish};
use aiops::engine::attention::{Attention, LASTS};
use aiops::engine::backend::{Backend as _, Command, Done};
use aiops::engine::library::Library;
use aiops::engine::local::{LocalBackend, RunSettings};
use aiops::engine::ports::Clock;
use aiops::engine::run::RunEngine;

use crate::engine::{Console, INCIDENT, Scene, person};
use crate::headless::{Headless, TARGET, lines};
use crate::support::{PATIENCE, runner, say, until};

/// A console with a run engine, at which somebody is when the test says so.
struct Desk {
    console: Console,
    backend: LocalBackend,
    engine: RunEngine,
    attention: Attention,
    clock: Arc<dyn Clock>,
}

/// Whether reads can be confined here; a run's reads are covered only then.
fn confinement() -> Confinement {
    if reads_can_be_confined() { Confinement::ReadsOnly } else { Confinement::Free }
}

impl Desk {
    fn of(scene: &Scene, sops: &Path) -> Self {
        let console = scene.console(Arc::new(runner()));
        let settings = RunSettings {
            reads: Reads { confinement: confinement(), ..Reads::default() },
            target: Target::ThisHost { name: "bastion".to_owned() },
            directory: "/".to_owned(),
            env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            terminal_env: BTreeMap::new(),
            time_limit: Duration::from_secs(60),
        };
        let (store, library) = (console.store.clone(), Arc::new(Library::load(&[sops.to_owned()])));
        let actor = Actor::Person(person());
        let backend = LocalBackend::new(store.clone(), library, console.runner.clone(), settings, actor);
        let (attention, clock) = (Attention::default(), Arc::new(scene.clock.clone()) as Arc<dyn Clock>);
        let engine = RunEngine::new(store, backend.clone(), Vec::new(), Arc::clone(&clock));
        let engine = engine.with_attention(attention.clone());
        Self { console, backend, engine, attention, clock }
    }

    async fn start(&self, sop: &str) {
        let detail = self.console.store.detail(INCIDENT).await.unwrap().unwrap();
        let alert = detail.alerts[0].key();
        self.backend.send(Command::StartRun { incident: INCIDENT, alert, sop: SopId::from(sop) }).await.unwrap();
    }

    async fn run(&self) -> Run {
        self.console.store.read_view(|reader| reader.run_of(INCIDENT)).await.unwrap().unwrap()
    }

    fn is_there(&self) {
        self.attention.note(self.clock.monotonic());
    }

    async fn until(&self, wanted: &str) {
        let end = std::time::Instant::now() + PATIENCE;
        loop {
            self.engine.round().await.unwrap();
            let now = states(&self.run().await);
            if now == wanted {
                return;
            }
            assert!(std::time::Instant::now() < end, "waited in vain for {wanted:?}: {now}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What waits goes on waiting, however often the engine looks.
    async fn stays(&self, states_now: &str) {
        for _ in 0..5 {
            self.engine.round().await.unwrap();
        }
        assert_eq!(states(&self.run().await), states_now);
    }

    /// Gives the only proposal that waits a wider yes.
    async fn give(&self, cover: Cover) {
        let mut waiting = self.console.store.tray().await.unwrap();
        let proposal = waiting.pop().unwrap();
        assert!(waiting.is_empty(), "{waiting:?}");
        let approval = Approval {
            digest: proposal.digest.clone(),
            typed_target: None,
            rendered: "as shown".to_owned(),
            terminal: (80, 24),
        };
        let wish = Wish { cover, lasts: None };
        let done = self.backend.send(Command::ApproveWider { proposal: proposal.id, approval, wish }).await.unwrap();
        assert!(matches!(done, Done::Started(_)), "{done:?}");
    }
}

fn states(run: &Run) -> String {
    run.plan.items.iter().map(|item| item.state.name()).collect::<Vec<_>>().join(" ")
}

const READS: &str = "# Reads\n\n## Diagnosis\n\n1. See:\n   ```sh\n   uname -r\n   ```\n2. See more:\n   ```sh\n   df -h \
                     /\n   ```\n3. See it all:\n   ```sh\n   uptime\n   ```\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_of_a_run_start_by_themselves_while_somebody_is_there() {
    if !reads_can_be_confined() {
        say("this kernel has no Landlock: no yes to the reads of a run can be given");
        return;
    }
    let (scene, sops) = (Scene::new().await, tempfile::tempdir().unwrap());
    std::fs::write(sops.path().join("Reads.md"), READS).unwrap();
    let desk = Desk::of(&scene, sops.path());
    desk.start("Reads.md").await;
    desk.until("proposed pending pending").await;
    desk.is_there();
    desk.stays("proposed pending pending").await;
    desk.give(Cover::RunReads).await;
    scene.clock.advance(LASTS);
    desk.until("done proposed pending").await;
    desk.stays("done proposed pending").await;
    assert_eq!(desk.console.attempts().await.len(), 1, "nobody is there");
    desk.is_there();
    desk.until("done done done").await;
    let scopes = desk.console.store.read_view(|reader| reader.scopes(10)).await.unwrap();
    assert_eq!((scopes.len(), scopes[0].left), (1, 18));
    assert!(desk.console.store.live_scopes().await.unwrap().is_empty(), "the run is over");
    assert!(desk.console.store.verify().await.unwrap().ok);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_step_starts_again_and_another_one_asks() {
    let (scene, sops) = (Scene::new().await, tempfile::tempdir().unwrap());
    std::fs::write(sops.path().join("Reads.md"), READS).unwrap();
    let desk = Desk::of(&scene, sops.path());
    desk.is_there();
    desk.start("Reads.md").await;
    desk.until("proposed pending pending").await;
    desk.give(Cover::SameStep).await;
    desk.until("done proposed pending").await;
    desk.stays("done proposed pending").await;
    let reject = desk.console.store.tray().await.unwrap()[0].id;
    desk.backend.send(Command::Reject { proposal: reject }).await.unwrap();
    desk.until("done current pending").await;
    let say = async |command| desk.backend.send(Command::Run { run: RunId(1), command }).await;
    say(RunCommand::Change(Change::Skip { item: ItemId(2), reason: "seen".to_owned() })).await.unwrap();
    say(RunCommand::Change(Change::Repeat { item: ItemId(1) })).await.unwrap();
    if desk.run().await.state.name() != "active" {
        say(RunCommand::Resume).await.unwrap();
    }
    desk.until("done done skipped proposed").await;
    desk.stays("done done skipped proposed").await;
    assert_eq!(desk.console.store.live_scopes().await.unwrap()[0].left, 19);
}

/// A home whose second document has two reads.
async fn home() -> Headless {
    let home = Headless::new("echo \"$1\" >> \"$LEDGER\"; exec sleep \"$1\"");
    drop(home.proposer().await);
    std::fs::write(home.path().join("sops").join("reads.md"), READS).unwrap();
    home
}

/// The exit code, and what was printed last.
fn called(home: &Headless, words: &[&str]) -> (Option<i32>, serde_json::Value) {
    let output = home.run(&[words, &["--json"]].concat());
    let last = lines(&output.stdout).pop();
    (output.status.code(), last.unwrap_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned().into()))
}

fn propose(home: &Headless, step: &str) -> (Option<i32>, serde_json::Value) {
    called(home, &["runs", "propose", "1", step, "--sop", "reads.md", "--use-scope"])
}

#[tokio::test]
async fn a_script_gives_uses_lists_and_revokes_a_yes_to_more() {
    let home = home().await;
    home.json(&["runs", "begin", "1", "reads.md"]);
    let (code, run) = propose(&home, "1");
    assert_eq!((code, &run["state"]), (Some(4), &"waiting".into()), "{run}");
    let cover = if reads_can_be_confined() { "run-reads" } else { "same-step" };
    let offered: Vec<&str> =
        run["wider"].as_array().unwrap().iter().map(|wider| wider["scope"].as_str().unwrap()).collect();
    assert!(offered.contains(&cover), "{run}");
    let digest = run["digest"].as_str().unwrap().to_owned();
    let (code, said) = called(&home, &["runs", "approve", "1", "--digest", "0123", "--scope", cover]);
    assert_eq!(code, Some(3), "{said}");
    assert!(home.json(&["runs", "scopes", "--all"]).is_empty(), "nothing without the digest");

    let words = ["runs", "approve", "1", "--digest", &digest, "--scope", cover, "--for", "45m"];
    let (code, run) = called(&home, &words);
    assert_eq!((code, &run["state"]), (Some(0), &"ended".into()), "{run}");
    let scopes = home.json(&["runs", "scopes"]);
    let scope = &scopes[0];
    assert_eq!((scopes.len(), &scope["uses_left"], &scope["state"]), (1, &20.into(), &"live".into()), "{scope}");
    assert_eq!((&scope["cover"], &scope["run"], &scope["target"]), (&cover.into(), &1.into(), &TARGET.into()));

    // Another step where reads are covered, else the same one.
    let (code, run) = propose(&home, if cover == "run-reads" { "2" } else { "1" });
    assert_eq!((code, &run["state"], &run["id"]), (Some(0), &"ended".into(), &2.into()), "{run}");
    assert_eq!(home.json(&["runs", "scopes"])[0]["uses_left"], 19);
    let text = String::from_utf8(home.run(&["runs", "scopes"]).stdout).unwrap();
    assert!(text.contains("19 of 20 uses left"), "{text}");

    let (code, run) = called(&home, &["runs", "propose", "1", "1", "--value", "number=7", "--use-scope"]);
    assert_eq!((code, &run["state"]), (Some(4), &"waiting".into()), "it is of another document and unknown: {run}");
    assert!(run["wider"].is_null(), "{run}");
    assert_eq!(home.ledger().len(), 0);

    let revoked = home.json(&["runs", "revoke", "1"]);
    assert_eq!(revoked[0]["state"], "revoked");
    assert_eq!(called(&home, &["runs", "revoke", "1"]).0, Some(3));
    assert_eq!(propose(&home, "1").0, Some(4), "each asks again");
    assert!(home.json(&["runs", "scopes"]).is_empty());
    let verified = home.json(&["journal", "verify"]);
    assert_eq!(verified[0]["ok"], true, "{verified:?}");
    let exported = String::from_utf8(home.run(&["journal", "export", "--json"]).stdout).unwrap();
    assert!(exported.contains("\\\"scope\\\":1") || exported.contains("\"scope\":1"), "the uses name their scope");
}

#[tokio::test]
async fn what_runs_is_cancelled_from_the_command_line() {
    let home = home().await;
    let (_, run) = called(&home, &["runs", "propose", "1", "1", "--value", "number=1000"]);
    let digest = run["digest"].as_str().unwrap();
    let (code, said) = called(&home, &["runs", "cancel", "1"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.as_str().unwrap().contains("never started"), "{said}");
    let words = ["runs", "approve", "1", "--digest", digest, "--target", TARGET];
    let mut approving = home.aiops(&words).stdout(Stdio::null()).spawn().unwrap();
    until("it runs", || home.ledger() == ["1000"]);
    let (code, run) = called(&home, &["runs", "cancel", "1"]);
    assert_eq!((code, &run["state"], &run["attempt"]["outcome"]), (Some(0), &"ended".into(), &"cancelled".into()));
    assert_eq!(approving.wait().unwrap().code(), Some(1));
    let (code, said) = called(&home, &["runs", "cancel", "1"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.as_str().unwrap().contains("over already"), "{said}");
    let store = crate::headless::open(&home.database());
    let stored = store.proposal(ProposalId(1)).await.unwrap().unwrap();
    assert_eq!(stored.digest, digest);
    assert!(home.run(&["journal", "verify"]).status.success());
}
