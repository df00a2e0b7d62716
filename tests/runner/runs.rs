//! A run over the whole engine: real store, real processes, a person who approves; and consoles that come and go meanwhile.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aiops::domain::action::grant::Approval;
use aiops::domain::action::proposal::Proposal;
use aiops::domain::action::spec::Target;
use aiops::domain::actor::{Actor, Person};
use aiops::domain::alert::Labels;
use aiops::domain::id::{RunId, SopId, SourceId};
use aiops::domain::run::decide::RunCommand;
use aiops::domain::run::deviation::Deviation;
use aiops::domain::run::effect::{Effectiveness, WATCH};
use aiops::domain::run::event::{Change, RunEvent, RunResult};
use aiops::domain::run::evidence::Sample;
use aiops::domain::run::item::{Basis, ItemId, ItemKind, ItemState};
use aiops::domain::run::reading::Reading;
use aiops::domain::run::{Run, RunState};
use aiops::domain::time::Timestamp;
use aiops::engine::backend::{Backend as _, BackendError, Command, Done};
use aiops::engine::library::Library;
use aiops::engine::local::{LocalBackend, RunSettings};
use aiops::engine::ports::{BoxFuture, Clock, Instant, MetricSource, Range, RangeQuery, SourceError};
use aiops::engine::run::RunEngine;
use aiops::engine::runner::Runner;

use crate::engine::{Console, INCIDENT, Scene};
use crate::support::{PATIENCE, runner};

/// Answers every query with one value, or with why it cannot.
struct Metrics(Result<f64, &'static str>);

impl MetricSource for Metrics {
    fn id(&self) -> SourceId {
        "prometheus".into()
    }

    fn instant<'a>(&'a self, _: &'a str, _: Timestamp) -> BoxFuture<'a, Result<Instant, SourceError>> {
        let answer = match self.0 {
            Ok(value) => {
                let samples = vec![Sample { labels: Labels::new(), value: Reading(value) }];
                Ok(Instant { samples, warnings: Vec::new() })
            }
            Err(what) => Err(SourceError { what: what.to_owned(), remedy: "Look at it".to_owned() }),
        };
        Box::pin(async move { answer })
    }

    fn range<'a>(&'a self, _: &'a RangeQuery) -> BoxFuture<'a, Result<Range, SourceError>> {
        Box::pin(async { Ok(Range { series: Vec::new(), warnings: Vec::new() }) })
    }
}

/// A console with a run engine, and the documents of a directory.
pub(crate) struct Desk {
    pub(crate) console: Console,
    pub(crate) backend: LocalBackend,
    pub(crate) engine: RunEngine,
}

impl Desk {
    fn of(scene: &Scene, sops: &Path, metrics: Result<f64, &'static str>) -> Self {
        Self::of_person("ada", scene, sops, metrics)
    }

    /// The console of somebody else.
    pub(crate) fn of_person(name: &str, scene: &Scene, sops: &Path, metrics: Result<f64, &'static str>) -> Self {
        let uid = if name == "ada" { 1000 } else { 1001 };
        let person = Person { uid, name: name.to_owned(), login_uid: None, ssh_peer: None, tty: None };
        let actor = Actor::Person(person);
        let clock: Arc<dyn Clock> = Arc::new(scene.clock.clone());
        let store = scene.store();
        let root = scene.attempts().display().to_string();
        let runner = Runner::new(store.clone(), Arc::new(runner()), clock.clone(), actor.clone(), root);
        let console = Console { store, runner };
        let settings = RunSettings {
            reads: aiops::domain::action::build::Reads::default(),
            target: Target::ThisHost { name: "bastion".to_owned() },
            directory: "/".to_owned(),
            env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            terminal_env: BTreeMap::new(),
            time_limit: Duration::from_secs(60),
        };
        let library = Arc::new(Library::load(&[sops.to_owned()]));
        let backend = LocalBackend::new(console.store.clone(), library, console.runner.clone(), settings, actor);
        let source: Arc<dyn MetricSource> = Arc::new(Metrics(metrics));
        let engine = RunEngine::new(console.store.clone(), backend.clone(), vec![source], clock);
        Self { console, backend, engine }
    }

    pub(crate) async fn start(&self, sop: &str) -> Result<Done, BackendError> {
        let detail = self.console.store.detail(INCIDENT).await.unwrap().unwrap();
        let alert = detail.alerts[0].key();
        self.backend.send(Command::StartRun { incident: INCIDENT, alert, sop: SopId::from(sop) }).await
    }

    pub(crate) async fn run(&self) -> Run {
        self.console.store.read_view(|reader| reader.run_of(INCIDENT)).await.unwrap().unwrap()
    }

    pub(crate) async fn say(&self, command: RunCommand) -> Result<Done, BackendError> {
        self.backend.send(Command::Run { run: RunId(1), command }).await
    }

    /// Lets the engine work until the run is as `wanted` says.
    pub(crate) async fn until(&self, what: &str, wanted: impl Fn(&Run) -> bool) -> Run {
        let end = std::time::Instant::now() + PATIENCE;
        loop {
            self.engine.round().await.unwrap();
            let run = self.run().await;
            if wanted(&run) {
                return run;
            }
            assert!(std::time::Instant::now() < end, "waited in vain until {what}: {run:#?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn waiting(&self) -> Vec<Proposal> {
        self.console.store.tray().await.unwrap()
    }

    /// Approves the only proposal that waits.
    pub(crate) async fn approve(&self) {
        let mut waiting = self.waiting().await;
        let proposal = waiting.pop().unwrap();
        assert!(waiting.is_empty(), "one step at a time: {waiting:?}");
        let approval = Approval {
            digest: proposal.digest.clone(),
            typed_target: Some("bastion".to_owned()),
            rendered: String::new(),
            terminal: (80, 24),
        };
        let done = self.backend.send(Command::Approve { proposal: proposal.id, approval }).await.unwrap();
        assert!(matches!(done, Done::Started(_)), "{done:?}");
    }
}

pub(crate) fn states(run: &Run) -> String {
    run.plan.items.iter().map(|item| item.state.name()).collect::<Vec<_>>().join(" ")
}

fn reason(run: &Run) -> String {
    match &run.state {
        RunState::Stopped { reason, .. } => reason.words(),
        other => panic!("the run is {}", other.name()),
    }
}

/// A document whose second step writes a line to `ledger` when the disk is full.
pub(crate) fn document(sops: &Path, ledger: &Path) {
    let text = format!(
        "# Full\n\n## Diagnosis\n\n1. See how full it is:\n\n   ```sh\n   echo /dev/sda1 98%\n   ```\n\n2. Is usage above 95 \
         %?\n   - If yes, note it:\n     ```sh\n     tee -a {}\n     ```\n   - Otherwise, restart the service.\n",
        ledger.display()
    );
    std::fs::write(sops.join("Full.md"), text).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_proposes_each_step_by_itself_and_runs_none_without_a_yes() {
    let (scene, sops) = (Scene::new().await, tempfile::tempdir().unwrap());
    let ledger = sops.path().join("ledger");
    document(sops.path(), &ledger);
    let desk = Desk::of(&scene, sops.path(), Err("unused"));
    desk.start("Full.md").await.unwrap();
    let why = desk.start("Full.md").await.unwrap_err().to_string();
    assert!(why.contains("run 1 of \"Full\" is on"), "{why}");

    desk.until("the first step is proposed", |run| states(run).starts_with("proposed")).await;
    for _ in 0..5 {
        desk.engine.round().await.unwrap();
    }
    assert_eq!(desk.waiting().await.len(), 1, "one proposal, however often the engine looks");
    assert_eq!(desk.waiting().await[0].asked_by, "run");
    assert!(desk.console.attempts().await.is_empty());

    desk.approve().await;
    let run = desk.until("the question is decided", |run| states(run).starts_with("done decided proposed")).await;
    let ItemState::Decided { basis: Basis::Evidence { proof }, .. } = &run.plan.items[1].state else { panic!() };
    assert_eq!(proof.words(), "98 against > 95");
    assert!(!ledger.exists(), "nothing runs without a yes");
    desk.approve().await;
    let run = desk.until("it is complete", |run| run.state.is_over()).await;
    assert!(ledger.exists());
    assert!(matches!(run.state, RunState::Ended { result: RunResult::Completed, .. }), "{:?}", run.state);

    let events = desk.console.store.read_view(|reader| reader.run_events(RunId(1))).await.unwrap();
    let RunEvent::Started { plan, owner } = events[0].event.clone() else { panic!("{events:?}") };
    let mut again = Run::new(RunId(1), INCIDENT, *plan, owner, events[0].at);
    events.iter().for_each(|row| again.apply(&row.event, row.at));
    assert_eq!(again, run, "the row is the fold of the events");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_out_does_not_wait_for_a_yes_any_more() {
    let (scene, sops) = (Scene::new().await, tempfile::tempdir().unwrap());
    document(sops.path(), &sops.path().join("ledger"));
    let desk = Desk::of(&scene, sops.path(), Err("unused"));
    desk.start("Full.md").await.unwrap();
    desk.until("the first step is proposed", |run| states(run).starts_with("proposed")).await;
    let first = desk.waiting().await.pop().unwrap();
    let pause = RunCommand::Pause;
    desk.say(pause).await.unwrap();
    assert_eq!(desk.waiting().await.len(), 1, "what is paused is not left out");
    desk.say(RunCommand::Resume).await.unwrap();
    let item = desk.run().await.plan.items[0].id;
    desk.say(RunCommand::Change(Change::Skip { item, reason: "known".to_owned() })).await.unwrap();
    assert!(desk.waiting().await.iter().all(|waiting| waiting.id != first.id));
    let approval = Approval {
        digest: first.digest.clone(),
        typed_target: Some("bastion".to_owned()),
        rendered: String::new(),
        terminal: (80, 24),
    };
    let refused = desk.backend.send(Command::Approve { proposal: first.id, approval }).await.unwrap_err();
    assert!(refused.to_string().contains("its step is not to run any more"), "{refused}");
    assert!(desk.console.attempts().await.is_empty());

    desk.until("the question is asked", |run| states(run).starts_with("skipped current")).await;
    desk.say(RunCommand::Change(Change::Repeat { item })).await.unwrap();
    desk.until("it is proposed before the question", |run| states(run).starts_with("skipped proposed pending")).await;
    desk.approve().await;
    desk.until("its output decides", |run| states(run).starts_with("skipped done decided proposed")).await;
    desk.say(RunCommand::Abandon { reason: "enough".to_owned() }).await.unwrap();
    assert_eq!(desk.waiting().await, [], "nothing of a run that was ended waits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_goes_on_days_later_in_another_process() {
    let (scene, sops) = (Scene::new().await, tempfile::tempdir().unwrap());
    document(sops.path(), &sops.path().join("ledger"));
    let first = Desk::of(&scene, sops.path(), Err("unused"));
    first.start("Full.md").await.unwrap();
    first.until("the first step is proposed", |run| states(run).starts_with("proposed")).await;
    drop(first);
    scene.clock.advance(Duration::from_secs(3 * 24 * 60 * 60));
    let later = Desk::of(&scene, sops.path(), Err("unused"));
    later.console.store.expire(scene.clock.now()).await.unwrap();
    let run = later.until("the overdue proposal is noticed", |run| run.state.name() == "stopped").await;
    assert!(reason(&run).contains("nobody approved it in time"), "{}", reason(&run));
    later.say(RunCommand::Change(Change::Skip { item: ItemId(1), reason: "seen".to_owned() })).await.unwrap();
    let run = later.until("the question is asked", |run| states(run).starts_with("skipped current")).await;
    assert!(reason(&run).contains("no step of the SOP measures"), "{}", reason(&run));
    later.say(RunCommand::Change(Change::Repeat { item: ItemId(1) })).await.unwrap();
    later.say(RunCommand::Resume).await.unwrap_err();
    let ItemKind::Decision { forks, .. } = run.plan.items[1].kind.clone() else { panic!("{run:?}") };
    let basis = Basis::Person { name: String::new(), why: "df says so".to_owned() };
    let run = later.run().await;
    let question = run.plan.items.iter().find(|item| matches!(item.kind, ItemKind::Decision { .. })).unwrap().id;
    later.say(RunCommand::Decide { item: question, branch: forks[1].node.clone(), basis }).await.unwrap();
    let run = later.until("the repeated step is proposed", |run| states(run).contains("proposed")).await;
    assert_eq!(states(&run), "skipped proposed decided pending pending");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_consoles_that_drive_one_run_say_everything_once() {
    let (scene, sops) = (Scene::new().await, tempfile::tempdir().unwrap());
    document(sops.path(), &sops.path().join("ledger"));
    let desks: Vec<Desk> = (0..4).map(|_| Desk::of(&scene, sops.path(), Err("unused"))).collect();
    desks[0].start("Full.md").await.unwrap();
    let rounds: Vec<_> = desks
        .iter()
        .map(|desk| {
            let engine = desk.engine.clone();
            tokio::spawn(async move {
                for _ in 0..20 {
                    engine.round().await.unwrap();
                }
            })
        })
        .collect();
    for round in rounds {
        round.await.unwrap();
    }
    assert_eq!(desks[0].waiting().await.len(), 1);
    let events = desks[0].console.store.read_view(|reader| reader.run_events(RunId(1))).await.unwrap();
    let proposed = events.iter().filter(|row| matches!(row.event, RunEvent::Proposed { .. })).count();
    assert_eq!((proposed, events.len()), (1, 2), "{events:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_decides_and_one_that_cannot_be_asked_hands_over() {
    let text = "# Lag\n\n## Diagnosis\n\n1. See the lag:\n   ```promql\n   lag{job=\"<alertname>\"}\n   ```\n2. Is the lag \
                above 5 seconds?\n   - If yes, restart it.\n   - Otherwise, restart the other.\n";
    let (scene, sops) = (Scene::new().await, tempfile::tempdir().unwrap());
    std::fs::write(sops.path().join("Lag.md"), text).unwrap();
    let desk = Desk::of(&scene, sops.path(), Ok(7.5));
    desk.start("Lag.md").await.unwrap();
    let run = desk.until("the branch is taken", |run| states(run).starts_with("done decided current")).await;
    let ItemState::Decided { basis, .. } = &run.plan.items[1].state else { panic!("{run:?}") };
    assert_eq!(basis.words(), "7.5 against > 5: lag{job=\"Disk\"}");
    assert!(desk.waiting().await.is_empty() && desk.console.attempts().await.is_empty(), "a query is no process");

    let (scene, silent) = (Scene::new().await, tempfile::tempdir().unwrap());
    std::fs::write(silent.path().join("Lag.md"), text).unwrap();
    let desk = Desk::of(&scene, silent.path(), Err("it refused the connection"));
    desk.start("Lag.md").await.unwrap();
    let run = desk.until("it hands over", |run| run.state.name() == "stopped").await;
    assert!(reason(&run).contains("it refused the connection"), "{}", reason(&run));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_changed_and_values_that_are_needed_hand_over() {
    let (scene, sops) = (Scene::new().await, tempfile::tempdir().unwrap());
    std::fs::write(sops.path().join("A.md"), "# A\n\n## Diagnosis\n\n1. See:\n   ```sh\n   stat <file>\n   ```\n")
        .unwrap();
    let desk = Desk::of(&scene, sops.path(), Err("unused"));
    desk.start("A.md").await.unwrap();
    let run = desk.until("it needs a value", |run| run.state.name() == "stopped").await;
    assert!(reason(&run).contains("values are needed for <file>"), "{}", reason(&run));
    std::fs::write(sops.path().join("A.md"), "# A\n\n## Diagnosis\n\n1. See:\n   ```sh\n   true\n   ```\n").unwrap();
    desk.say(RunCommand::Change(Change::Repeat { item: ItemId(1) })).await.unwrap_err();
    desk.say(RunCommand::Resume).await.unwrap();
    let run = desk.run().await;
    assert_eq!(states(&run), "current");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_as_written_does_not_deviate_and_the_end_of_the_alert_proves_its_effect() {
    let (scene, sops) = (Scene::new().await, tempfile::tempdir().unwrap());
    document(sops.path(), &sops.path().join("ledger"));
    let desk = Desk::of(&scene, sops.path(), Err("unused"));
    desk.start("Full.md").await.unwrap();
    desk.until("the first step is proposed", |run| states(run).starts_with("proposed")).await;
    scene.clock.advance(Duration::from_secs(10));
    desk.approve().await;
    desk.until("the second is", |run| states(run).starts_with("done decided proposed")).await;
    scene.clock.advance(Duration::from_secs(10));
    desk.approve().await;
    let run = desk.until("it is complete", |run| run.state.is_over()).await;
    assert_eq!(run.deviations, []);
    scene.clock.advance(Duration::from_secs(60));
    scene.end_alert().await;
    scene.clock.advance(Duration::from_secs(60));
    desk.engine.round().await.unwrap();
    assert_eq!(desk.run().await.effects, [], "nothing is judged before its watch is over");
    scene.clock.advance(WATCH);
    let run = desk.until("all of it is judged", |run| run.effects.iter().any(|effect| effect.item.is_none())).await;
    let verdicts: Vec<_> = run.effects.iter().map(|effect| (effect.item, effect.verdict)).collect();
    assert_eq!(verdicts, [(Some(ItemId(3)), Effectiveness::Proven), (None, Effectiveness::Proven)]);
    let told = desk.console.store.detail(INCIDENT).await.unwrap().unwrap().timeline;
    assert!(told.iter().any(|row| row.what.contains("is proven: the alert ended at")), "{told:?}");
    let watched = desk.console.store.read_view(|reader| reader.watched_runs()).await.unwrap();
    assert!(watched.is_empty(), "{watched:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_against_the_output_is_found_once_by_whichever_console_reads_it() {
    let (scene, sops) = (Scene::new().await, tempfile::tempdir().unwrap());
    document(sops.path(), &sops.path().join("ledger"));
    let (desk, other) = (Desk::of(&scene, sops.path(), Err("unused")), Desk::of(&scene, sops.path(), Err("unused")));
    desk.start("Full.md").await.unwrap();
    desk.until("the first step is proposed", |run| states(run).starts_with("proposed")).await;
    // Paused, so that the engine does not answer first.
    desk.say(RunCommand::Pause).await.unwrap();
    desk.approve().await;
    let run = desk.until("it has run", |run| states(run).starts_with("done")).await;
    let ItemKind::Decision { forks, .. } = run.plan.items[1].kind.clone() else { panic!("{run:?}") };
    let basis = Basis::Person { name: String::new(), why: "I think so".to_owned() };
    desk.say(RunCommand::Decide { item: ItemId(2), branch: forks[1].node.clone(), basis }).await.unwrap();
    desk.until("it is found", |run| !run.deviations.is_empty()).await;
    for _ in 0..3 {
        other.engine.round().await.unwrap();
        desk.engine.round().await.unwrap();
    }
    let run = desk.run().await;
    let [Deviation::WrongBranch { item: ItemId(2), evident, proof, .. }] = run.deviations.as_slice() else {
        panic!("{:?}", run.deviations)
    };
    assert_eq!((evident, proof.words().as_str()), (&forks[0].node, "98 against > 95"));
}
