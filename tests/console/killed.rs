//! `kill -9` at every place between the yes and the stored end, of the real console, of its supervisor, or of both: the
//! command runs at most once, the next start tells what is known of it, and a start after that tells the same.
//!
//! The command appends a line to a file when it begins, so that its executions can be counted. The places are those of
//! the program's failpoints, which only builds with debug assertions have.

use std::sync::Arc;

use aiops::adapters::host::{self, Host, SystemClock};
use aiops::domain::action::grant::Approval;
use aiops::domain::actor::Actor;
use aiops::domain::id::ProposalId;
use aiops::engine::ports::Clock as _;
use aiops::store::{CommandError, Identity, OpenOptions, Store};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rstest::rstest;

use super::demo::F8;
use super::pipeline::eventually;
use super::pty::Console;
use super::scene::Scene;

/// Names the place to the program; `stop:` before the name stops it there instead.
const FAILPOINT: &str = "AIOPS_FAILPOINT";

/// Who dies at the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dies {
    /// The console; its supervisor, if there is one, lives on.
    Console,
    /// The supervisor; the console lives on and has to find out.
    Supervisor,
    /// Both, before either finds out about the other.
    Both,
}

/// When the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// At once.
    AtOnce,
    /// Once the first console has shown that it runs.
    Watched,
    /// After the kill: the next console finds it running, if anyone knows of it.
    Later,
}

/// A place, who dies there, and what has to be true afterwards.
struct Case {
    /// `None`: while the command runs.
    place: Option<&'static str>,
    dies: Dies,
    ends: Ends,
    /// How often the command ran in the end.
    runs: usize,
    /// What the next start says of it in the end.
    says: &'static str,
    /// What the journal may have of it.
    stories: &'static [Story],
    /// A part of the reason, where an outcome has one.
    reason: &'static str,
}

impl Case {
    /// Lets it happen, starts the console again, and a third time.
    fn check(&self) {
        let scene = Scene::new();
        if self.ends == Ends::AtOnce {
            scene.release();
        }
        self.happen(&scene);
        let mut console = scene.start();
        if self.ends == Ends::Later && self.dies == Dies::Console {
            console.wait_text("Attempt 1 running");
            scene.release();
        }
        let screen = console.wait_text(self.says);
        self.assert_true(&scene, &screen);
        assert_no_second_use(&scene, self.stories != [APPROVED]);
        // There is no review to open, and what is proposed anew waits for a yes of its own.
        assert!(!screen.contains("to approve"), "{screen}");
        console.type_keys("A");
        if story(&scene).last().is_some_and(|last| last == "ended unknown") {
            look_at_the_effect(&mut console);
            console.type_keys("r");
            console.wait_text("1 action to approve");
        } else {
            Scene::propose_slow_fix(&mut console);
        }
        assert_eq!(waiting(&scene), ["2"]);
        leave(console);

        let console = scene.start();
        console.wait_text("1 action to approve");
        let screen = console.wait_text(self.says);
        self.assert_true(&scene, &screen);
        leave(console);
        self.assert_true(&scene, &screen);
        scene.assert_journal_is_whole();
    }

    /// Approves the command and lets those die that are to die.
    fn happen(&self, scene: &Scene) {
        let place =
            self.place.map(|place| if self.dies == Dies::Both { format!("stop:{place}") } else { place.to_owned() });
        let mut console = scene.start_with(&[(FAILPOINT, &place.unwrap_or_default())]);
        scene.read_slow_fix(&mut console);
        console.type_keys(F8);
        if self.ends == Ends::Watched || self.place.is_none() {
            console.wait_text("Attempt 1 running");
            eventually("the ledger", || scene.starts() > 0);
        }
        if self.ends == Ends::Watched {
            scene.release();
        }
        match self.dies {
            Dies::Console => {}
            Dies::Supervisor => {
                if self.place.is_none() {
                    kill(Pid::from_raw(scene.supervisor()), Signal::SIGKILL).unwrap();
                }
                let screen = console.wait_text(self.says);
                self.assert_true(scene, &screen);
                console.signal(Signal::SIGKILL);
            }
            Dies::Both => {
                let supervisor =
                    if self.place.is_none() { Pid::from_raw(scene.supervisor()) } else { stopped_supervisor(scene) };
                console.signal(Signal::SIGKILL);
                kill(supervisor, Signal::SIGKILL).unwrap();
            }
        }
        console.wait_exit();
    }

    fn assert_true(&self, scene: &Scene, screen: &str) {
        assert!(self.says.contains("exit 0") || !screen.contains("exit 0"), "nobody saw it succeed\n{screen}");
        assert_eq!(scene.starts(), self.runs, "{screen}");
        let story = story(scene);
        assert!(self.stories.iter().any(|allowed| story == *allowed), "{story:?}\n{screen}");
        let reason = reason(scene);
        assert!(reason.contains(self.reason), "{reason:?}\n{screen}");
    }
}

/// Asks the rules themselves, as another console of the same person would: the first proposal can neither be approved again
/// nor, when its grant is `spent`, be started again.
fn assert_no_second_use(scene: &Scene, spent: bool) {
    let Host { name, boot_id, pid } = Host::detect();
    let identity = Identity { host: name, boot_id, pid, person: host::person() };
    let now = Arc::new(|| (SystemClock.now(), SystemClock.monotonic()));
    let store = Store::open(&scene.home.database(), OpenOptions { identity, now }).unwrap();
    let (id, actor) = (ProposalId(1), Actor::Person(host::person()));
    let asking = async {
        let proposal = store.proposal(id).await.unwrap().unwrap();
        let approval = Approval {
            digest: proposal.digest.clone(),
            typed_target: Some("box".to_owned()),
            rendered: String::new(),
            terminal: (120, 40),
        };
        let revision = Some(proposal.spec.step.revision.clone());
        let again = store.approve(id, approval, revision.clone(), &actor).await;
        assert!(matches!(again, Err(CommandError::Refused(_))), "{again:?}");
        if spent {
            let again = store.start(id, revision, "/nonexistent", &actor).await;
            assert!(matches!(again, Err(CommandError::Refused(_))), "{again:?}");
        }
    };
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(asking);
}

/// What nobody knows the end of is not proposed again before a person has said what they saw of its effect.
fn look_at_the_effect(console: &mut Console) {
    console.type_keys("2");
    console.type_keys("/started\r");
    console.type_keys("r");
    console.wait_text("Not proposed: nobody knows how attempt 1");
    console.type_keys("V");
    console.wait_text("What did you look at");
    console.type_keys("the ledger has it once\r");
    console.wait_text("Noted what you saw of attempt 1");
}

/// Leaves the console as a person does.
fn leave(mut console: Console) {
    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0, "{}", console.contents());
}

/// What the journal has of the first action, in order.
fn story(scene: &Scene) -> Vec<String> {
    let kinds = "json_extract(payload, '$.type') || coalesce(' ' || json_extract(payload, '$.outcome.outcome'), '')";
    let first = "coalesce(json_extract(payload, '$.proposal.id'), json_extract(payload, '$.proposal'), \
                 json_extract(payload, '$.attempt')) = 1";
    let looked = "json_extract(payload, '$.type') <> 'effect_checked'";
    column(scene, &format!("SELECT {kinds} FROM journal WHERE {first} AND {looked} ORDER BY seq"))
}

/// Why the attempt ended as it did; empty when there is no reason or no attempt.
fn reason(scene: &Scene) -> String {
    column(scene, "SELECT coalesce(json_extract(outcome, '$.reason'), '') FROM attempt").concat()
}

/// The proposals that wait for a yes.
fn waiting(scene: &Scene) -> Vec<String> {
    column(scene, "SELECT CAST(id AS TEXT) FROM proposal WHERE state = 0 ORDER BY id")
}

/// Reads a column of text through a connection of its own.
fn column(scene: &Scene, query: &str) -> Vec<String> {
    let database = rusqlite::Connection::open(scene.home.database()).unwrap();
    let mut statement = database.prepare(query).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// The supervisor of the scene's attempt once it has stopped itself.
fn stopped_supervisor(scene: &Scene) -> Pid {
    let find = || scene.supervisors().into_iter().find(|pid| is_stopped(*pid));
    eventually("the stopped supervisor", || find().is_some());
    Pid::from_raw(find().unwrap())
}

/// Whether a process is stopped (proc(5)).
fn is_stopped(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, fields)| fields.trim_start().starts_with('T'))
}

/// Kinds of journal entries, with the outcome of the last.
type Story = &'static [&'static str];

fn owned(story: Story) -> Vec<String> {
    story.iter().map(|word| (*word).to_owned()).collect()
}

const APPROVED: Story = &["proposed", "granted"];
const NOT_STARTED: Story = &["proposed", "granted", "intent_stored", "ended not_started"];
const LOST: Story = &["proposed", "granted", "intent_stored", "ended unknown"];
const LOST_RUNNING: Story = &["proposed", "granted", "intent_stored", "spawned", "ended unknown"];
const DONE: Story = &["proposed", "granted", "intent_stored", "spawned", "ended exited"];

#[rstest]
#[case::before_the_intent("grant-stored")]
#[case::before_the_intent_is_committed("intent-written")]
fn a_console_killed_before_the_intent_has_started_nothing(#[case] place: &'static str) {
    Case {
        place: Some(place),
        dies: Dies::Console,
        ends: Ends::AtOnce,
        runs: 0,
        says: "approved action 1",
        stories: &[APPROVED],
        reason: "",
    }
    .check();
}

#[rstest]
#[case::before_the_start_is_stored("spawn-known", Ends::Later)]
#[case::after_the_start_is_stored("spawn-stored", Ends::Later)]
#[case::before_the_end_is_stored("end-read", Ends::Watched)]
#[case::after_the_end_is_stored("end-stored", Ends::Watched)]
fn a_console_killed_after_the_start_loses_nothing(#[case] place: &'static str, #[case] ends: Ends) {
    let (dies, says) = (Dies::Console, "Attempt 1 exit 0");
    Case { place: Some(place), dies, ends, runs: 1, says, stories: &[DONE], reason: "" }.check();
}

#[test]
fn a_supervisor_killed_before_it_takes_the_attempt_has_started_nothing() {
    Case {
        place: Some("claim-due"),
        dies: Dies::Supervisor,
        ends: Ends::AtOnce,
        runs: 0,
        says: "Attempt 1 not started",
        stories: &[NOT_STARTED],
        reason: "Nothing of it ran",
    }
    .check();
}

/// Whether the console has seen the claim and stored the start before the end is a race, in both cases.
#[rstest]
fn a_supervisor_killed_before_the_command_begins_leaves_it_unknown(#[values(Dies::Supervisor, Dies::Both)] dies: Dies) {
    let stories: &[Story] = &[LOST, LOST_RUNNING];
    let (says, reason) = ("Attempt 1 unknown", "its supervisor disappeared before it recorded an end; check");
    Case { place: Some("claimed"), dies, ends: Ends::AtOnce, runs: 0, says, stories, reason }.check();
}

#[rstest]
fn a_supervisor_killed_while_the_command_runs_leaves_it_unknown(#[values(Dies::Supervisor, Dies::Both)] dies: Dies) {
    let (says, reason) = ("Attempt 1 unknown", "and may have left process ");
    Case { place: None, dies, ends: Ends::Later, runs: 1, says, stories: &[LOST_RUNNING], reason }.check();
}

#[rstest]
fn a_supervisor_killed_before_it_has_noted_the_end_leaves_it_unknown(
    #[values(Dies::Supervisor, Dies::Both)] dies: Dies,
) {
    let (place, says) = (Some("action-ended"), "Attempt 1 unknown");
    let reason = "its supervisor disappeared before it recorded an end; check";
    Case { place, dies, ends: Ends::Watched, runs: 1, says, stories: &[LOST_RUNNING], reason }.check();
}

#[rstest]
fn a_supervisor_killed_before_the_noted_end_is_on_the_disk_loses_nothing(
    #[values(Dies::Supervisor, Dies::Both)] dies: Dies,
) {
    let (place, says) = (Some("outcome-drafted"), "Attempt 1 exit 0");
    Case { place, dies, ends: Ends::Watched, runs: 1, says, stories: &[DONE], reason: "" }.check();
}

/// All at the same time: each of them waits until a start that nobody confirmed counts as lost.
#[test]
fn a_start_that_nobody_confirmed_is_given_up() {
    let case = |place: &'static str, dies, outcome: &'static str| {
        let (says, story, reason) = match outcome {
            "unknown" => ("Attempt 1 unknown", &[LOST], "its directory is missing; check the effect by hand"),
            _ => ("Attempt 1 not started", &[NOT_STARTED], "nothing of it ran, propose the step again"),
        };
        Case { place: Some(place), dies, ends: Ends::AtOnce, runs: 0, says, stories: story, reason }.check();
    };
    std::thread::scope(|scope| {
        scope.spawn(|| case("intent-stored", Dies::Console, "unknown"));
        scope.spawn(|| case("directory-made", Dies::Console, "not started"));
        scope.spawn(|| case("job-written", Dies::Console, "not started"));
        scope.spawn(|| case("claim-due", Dies::Both, "not started"));
        scope.spawn(a_supervisor_that_dies_with_its_console_or_not_is_told_truthfully);
        scope.spawn(another_console_gives_up_what_a_killed_one_has_not_started);
        scope.spawn(a_stopped_console_starts_nothing_after_another_has_given_it_up);
    });
}

/// A supervisor that has just been started belongs to the terminal of its console for a moment, and the end of the console
/// is the end of that terminal: it may or may not come to take the attempt.
fn a_supervisor_that_dies_with_its_console_or_not_is_told_truthfully() {
    let scene = Scene::new();
    let mut console = scene.start_with(&[(FAILPOINT, "supervisor-started")]);
    scene.read_slow_fix(&mut console);
    console.type_keys(F8);
    console.wait_exit();
    let console = scene.start();
    let screen = console.wait("what became of it", |screen| {
        screen.contains("Attempt 1 running") || screen.contains("Attempt 1 not started")
    });
    scene.release();
    if screen.contains("Attempt 1 running") {
        console.wait_text("Attempt 1 exit 0");
        assert_eq!((scene.starts(), story(&scene)), (1, owned(DONE)));
    } else {
        assert_eq!((scene.starts(), story(&scene)), (0, owned(NOT_STARTED)));
    }
    leave(console);
    scene.assert_journal_is_whole();
}

/// A console that meets `place`, with the review read, and one beside it that shows the same incident.
fn two_consoles(scene: &Scene, place: &str) -> (Console, Console) {
    let mut first = scene.start_with(&[(FAILPOINT, place)]);
    scene.read_slow_fix(&mut first);
    let second = scene.start();
    second.wait_text("1 action to approve");
    (first, second)
}

fn another_console_gives_up_what_a_killed_one_has_not_started() {
    let scene = Scene::new();
    let (mut first, second) = two_consoles(&scene, "intent-stored");
    first.type_keys(F8);
    first.wait_exit();
    second.wait_text("Attempt 1 starting");
    second.wait_text("Attempt 1 unknown");
    assert_eq!((scene.starts(), story(&scene)), (0, owned(LOST)));
    leave(second);
    scene.assert_journal_is_whole();
}

fn a_stopped_console_starts_nothing_after_another_has_given_it_up() {
    let scene = Scene::new();
    scene.release();
    let (mut first, second) = two_consoles(&scene, "stop:job-written");
    first.type_keys(F8);
    second.wait_text("Attempt 1 not started");
    assert!(is_stopped(first.pid()));
    first.signal(Signal::SIGCONT);
    first.wait_text("Attempt 1 not started");
    leave(first);
    assert_eq!((scene.starts(), story(&scene)), (0, owned(NOT_STARTED)));
    leave(second);
    scene.assert_journal_is_whole();
}

#[rstest]
#[case::before_the_start_is_stored("spawn-known")]
#[case::after_the_start_is_stored("spawn-stored")]
fn another_console_takes_over_what_a_killed_one_has_started(#[case] place: &str) {
    let scene = Scene::new();
    let (mut first, second) = two_consoles(&scene, place);
    first.type_keys(F8);
    first.wait_exit();
    second.wait_text("Attempt 1 running");
    scene.release();
    second.wait_text("Attempt 1 exit 0");
    second.wait_text("finished");
    assert_eq!((scene.starts(), story(&scene)), (1, owned(DONE)));
    leave(second);
    scene.assert_journal_is_whole();
}

#[test]
fn the_intent_is_stored_before_there_is_a_supervisor() {
    let scene = Scene::new();
    let mut console = scene.start_with(&[(FAILPOINT, "stop:job-written")]);
    scene.read_slow_fix(&mut console);
    console.type_keys(F8);
    eventually("the stop", || is_stopped(console.pid()));
    // Through a connection of its own: what it reads is committed, and a commit is on the disk before it is over.
    assert_eq!(story(&scene), ["proposed", "granted", "intent_stored"]);
    assert_eq!(column(&scene, "SELECT CAST(state AS TEXT) FROM attempt"), ["0"]);
    assert_eq!(scene.supervisors(), Vec::<i32>::new());
    console.signal(Signal::SIGCONT);
    console.wait_text("Attempt 1 running");
    assert_eq!(scene.supervisors(), [scene.supervisor()]);
    scene.release();
    console.wait_text("Attempt 1 exit 0");
    assert_eq!((scene.starts(), story(&scene)), (1, owned(DONE)));
}
