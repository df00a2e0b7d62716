//! `kill -9` at random moments of the real program: of the process that approves, of its supervisor, or of a process of
//! the step. Each step writes its number into a ledger when it acts.
//!
//! What has to hold afterwards: no step acted twice; what was acknowledged is in the journal, which is whole; and of the
//! steps whose processes had all ended while their supervisor lived, nearly all have a known end.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use aiops::domain::action::attempt::Outcome;
use aiops::domain::id::JournalSeq;
use aiops::domain::journal::Payload;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::headless::{Headless, Proposer, TARGET, lines};
use crate::support::{Draw, full_or, is_alive, say};

/// How many are killed, all three kinds together: all of them, and what is done every time.
const KILLS: (usize, usize) = (1_000, 90);
/// So many homes are used at the same time, each by one thread.
const HOMES: usize = 3;

/// So many steps may end as unknown however few there are: of 1,353, three did.
const BY_CHANCE: usize = 3;

/// What the step does: it takes a while, acts, and takes a while again. The ledger is on the disk before it goes on.
const STEP: &str = "sleep 0.0$(( $1 * 7 % 10 ))\n\
                    printf '%s\\n' \"$1\" | dd of=\"$LEDGER\" oflag=append conv=notrunc,fsync status=none\n\
                    sleep 0.0$(( $1 * 3 % 10 ))\n\
                    echo \"$1\" >> \"$LEDGER.ends\"";

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Victim {
    /// The process that approves and follows the action.
    Console,
    Supervisor,
    /// Any process that the supervisor has started, or that such a one has.
    Child,
}

const VICTIMS: [Victim; 3] = [Victim::Console, Victim::Supervisor, Victim::Child];

impl Victim {
    /// Longest delay between the moment at which it is there and the kill: what it takes to its end, and a little more.
    const fn within(self) -> Duration {
        Duration::from_millis(match self {
            Self::Console => 400,
            Self::Supervisor => 260,
            Self::Child => 180,
        })
    }
}

/// What is known of one step from outside.
struct Trial {
    number: usize,
    proposal: i64,
    victim: Victim,
    /// Whether the victim was there to be killed.
    killed: bool,
    /// Whether all processes of the step had ended when the supervisor was killed.
    ended_before: bool,
    /// Whether the program had said that it was started.
    started: bool,
    /// The end that the program has printed, if it came to that.
    told: Option<serde_json::Value>,
}

/// What became of all steps of one home.
#[derive(Default)]
struct Count {
    kills: BTreeMap<Victim, usize>,
    trials: usize,
    acted: usize,
    acknowledged: usize,
    outcomes: BTreeMap<String, usize>,
    /// Steps whose processes had all ended while their supervisor lived, and how many of them are unknown.
    finished: usize,
    unknown: usize,
}

#[test]
fn no_step_runs_twice_and_nothing_acknowledged_is_lost_wherever_it_is_killed() {
    let begun = Instant::now();
    let kills = full_or(KILLS);
    let each = kills.div_ceil(HOMES * VICTIMS.len());
    let counts: Vec<Count> = std::thread::scope(|scope| {
        let homes: Vec<_> = (0..HOMES).map(|home| scope.spawn(move || in_one_home(home, each))).collect();
        homes.into_iter().map(|home| home.join().unwrap()).collect()
    });
    let mut all = Count::default();
    for count in counts {
        count.kills.into_iter().for_each(|(victim, more)| *all.kills.entry(victim).or_default() += more);
        count.outcomes.into_iter().for_each(|(name, more)| *all.outcomes.entry(name).or_default() += more);
        all.trials += count.trials;
        all.acted += count.acted;
        all.acknowledged += count.acknowledged;
        all.finished += count.finished;
        all.unknown += count.unknown;
    }
    let killed: usize = all.kills.values().sum();
    say(&format!(
        "random kills: {killed} ({:?}; the full count is {}) in {} steps, {:?}: 0 double executions of {} that acted, 0 of {} \
         acknowledged records lost, {} unknown of {} whose processes had ended while the supervisor lived; ends {:?}",
        all.kills,
        KILLS.0,
        all.trials,
        begun.elapsed(),
        all.acted,
        all.acknowledged,
        all.unknown,
        all.finished,
        all.outcomes
    ));
    assert!(killed >= kills, "{killed}");
    // One in a hundred; of few steps a few more can be hit by chance.
    let allowed = (all.finished / 100).max(BY_CHANCE);
    assert!(all.unknown <= allowed, "{} of {} are unknown", all.unknown, all.finished);
}

/// Kills `each` of every kind in a home of its own.
fn in_one_home(home: usize, each: usize) -> Count {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut draw = Draw::new(u64::try_from(home).unwrap() + 1);
    let scene = Headless::new(STEP);
    let proposer = runtime.block_on(scene.proposer());
    let mut trials: Vec<Trial> = Vec::new();
    for victim in VICTIMS {
        let mut killed = 0;
        while killed < each {
            let trial = runtime.block_on(one(&scene, &proposer, trials.len() + 1, victim, &mut draw));
            killed += usize::from(trial.killed);
            trials.push(trial);
            assert!(trials.len() < 20 * each.max(10), "the moments are too late for {victim:?}");
        }
    }
    // What a person does next; it takes up what the killed ones have left.
    let waited = scene.run(&["runs", "wait"]);
    assert!(waited.status.success(), "{}", String::from_utf8_lossy(&waited.stderr));
    judge(&scene, &trials, &runtime.block_on(journal(&proposer)))
}

/// One step: proposed, approved by the real program, and somebody killed on the way.
async fn one(scene: &Headless, proposer: &Proposer, number: usize, victim: Victim, draw: &mut Draw) -> Trial {
    let proposal = proposer.propose(number).await;
    let id = proposal.id.to_string();
    let words = ["runs", "approve", &id, "--digest", &proposal.digest, "--target", TARGET, "--json"];
    let mut console = scene.aiops(&words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let after = Duration::from_micros(draw.below(victim.within().as_micros().try_into().unwrap()));
    let (killed, ended_before) = match victim {
        Victim::Console => {
            std::thread::sleep(after);
            let lives = console.try_wait().unwrap().is_none();
            console.kill().unwrap();
            (lives, false)
        }
        Victim::Supervisor => kill_supervisor(&mut console, after, || scene.has_ended(number)),
        Victim::Child => (kill_child(&mut console, after, draw), false),
    };
    let told = heard(&mut console);
    let started = !told.is_empty();
    let told = told.into_iter().find(|run| run["state"] == "ended");
    Trial { number, proposal: proposal.id.0, victim, killed, ended_before, started, told }
}

/// Every whole line that the program has printed, when it has ended.
fn heard(console: &mut Child) -> Vec<serde_json::Value> {
    let mut text = Vec::new();
    console.stdout.take().unwrap().read_to_end(&mut text).unwrap();
    console.wait().unwrap();
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    lines(&text[..whole])
}

/// Waits for the supervisor that `console` starts; `None` when it has ended without one.
fn supervisor_of(console: &mut Child) -> Option<i32> {
    let parent = i32::try_from(console.id()).unwrap();
    loop {
        if let Some(pid) = children(parent).into_iter().next() {
            return Some(pid);
        }
        if console.try_wait().unwrap().is_some() {
            return None;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Kills the supervisor `after` it appeared. Says whether it was there to be killed, and whether all processes of the step
/// had ended by then; `has_ended` says whether the step has come to its last line.
fn kill_supervisor(console: &mut Child, after: Duration, has_ended: impl Fn() -> bool) -> (bool, bool) {
    let Some(supervisor) = supervisor_of(console) else { return (false, false) };
    std::thread::sleep(after);
    let pid = Pid::from_raw(supervisor);
    // It stands still while it is looked at, so that it is dead as of that moment.
    if !is_alive(supervisor) || kill(pid, Signal::SIGSTOP).is_err() {
        return (false, false);
    }
    let ended = has_ended() && descendants(supervisor).into_iter().all(|pid| !is_alive(pid));
    (kill(pid, Signal::SIGKILL).is_ok(), ended)
}

/// Kills one of the step's processes `after` its supervisor appeared; says whether there was one.
fn kill_child(console: &mut Child, after: Duration, draw: &mut Draw) -> bool {
    let Some(supervisor) = supervisor_of(console) else { return false };
    std::thread::sleep(after);
    let living: Vec<i32> = descendants(supervisor).into_iter().filter(|pid| is_alive(*pid)).collect();
    let Some(pid) = living.get(usize::try_from(draw.below(living.len().max(1) as u64)).unwrap()) else { return false };
    kill(Pid::from_raw(*pid), Signal::SIGKILL).is_ok()
}

/// The children of a process, of all its threads (proc(5)).
fn children(pid: i32) -> Vec<i32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<_>>()).collect()
}

fn descendants(pid: i32) -> Vec<i32> {
    let mut found = children(pid);
    let mut at = 0;
    while at < found.len() {
        found.extend(children(found[at]));
        at += 1;
    }
    found
}

impl Headless {
    /// Whether the step with this number has come to its last line.
    fn has_ended(&self, number: usize) -> bool {
        let ends = std::fs::read_to_string(self.path().join("ledger.ends")).unwrap_or_default();
        ends.lines().any(|end| end == number.to_string())
    }
}

/// What the journal has of one proposal.
#[derive(Default)]
struct Story {
    granted: usize,
    /// Each intent with its attempt.
    intents: Vec<i64>,
    /// Each recorded end.
    ends: Vec<Outcome>,
}

/// What the journal has of every proposal.
async fn journal(proposer: &Proposer) -> BTreeMap<i64, Story> {
    let (mut stories, mut of_attempt): (BTreeMap<i64, Story>, BTreeMap<i64, i64>) = Default::default();
    let mut after = JournalSeq(0);
    loop {
        let entries = proposer.store.read_view(move |reader| reader.entries(after, PAGE)).await.unwrap();
        let Some(last) = entries.last() else { return stories };
        after = last.seq;
        for entry in &entries {
            match serde_json::from_str(&entry.payload).unwrap() {
                Payload::Granted { proposal, .. } => stories.entry(proposal.0).or_default().granted += 1,
                Payload::IntentStored { attempt, proposal, .. } => {
                    of_attempt.insert(attempt.0, proposal.0);
                    stories.entry(proposal.0).or_default().intents.push(attempt.0);
                }
                Payload::Ended { attempt, outcome, .. } => {
                    stories.entry(of_attempt[&attempt.0]).or_default().ends.push(outcome);
                }
                _ => {}
            }
        }
    }
}

/// Entries that are read at a time.
const PAGE: u32 = 5_000;

/// Compares what happened with what is recorded; fails on any difference that nobody may see.
fn judge(scene: &Headless, trials: &[Trial], journal: &BTreeMap<i64, Story>) -> Count {
    assert!(scene.run(&["journal", "verify"]).status.success(), "the chain is broken");
    assert!(scene.json(&["runs", "list", "--limit", "10000"]).iter().all(|run| run["state"] != "running"));
    let mut lines: BTreeMap<String, usize> = BTreeMap::new();
    scene.ledger().into_iter().for_each(|line| *lines.entry(line).or_default() += 1);
    let mut count = Count { trials: trials.len(), ..Count::default() };
    let nothing = Story::default();
    for trial in trials {
        let story = journal.get(&trial.proposal).unwrap_or(&nothing);
        let acted = lines.remove(&trial.number.to_string()).unwrap_or(0);
        assert!(acted <= 1, "step {} acted {acted} times", trial.number);
        count.acted += acted;
        *count.kills.entry(trial.victim).or_default() += usize::from(trial.killed);
        trial.compare(story, acted);
        count.acknowledged += usize::from(trial.started) + usize::from(trial.told.is_some());
        let Some(outcome) = story.ends.first() else { continue };
        *count.outcomes.entry(outcome.label()).or_default() += 1;
        let began = !matches!(outcome, Outcome::NotStarted { .. });
        let supervisor_lived = trial.victim != Victim::Supervisor || !trial.killed || trial.ended_before;
        if began && supervisor_lived {
            count.finished += 1;
            count.unknown += usize::from(matches!(outcome, Outcome::Unknown { .. }));
        }
    }
    assert!(lines.is_empty(), "nobody approved these: {lines:?}");
    count
}

impl Trial {
    /// Fails when what is recorded of this step is not what is known from outside.
    fn compare(&self, story: &Story, acted: usize) {
        let Story { granted, intents, ends } = story;
        let what = format!("step {}, {:?} killed: {}", self.number, self.victim, self.killed);
        assert!(*granted <= 1 && intents.len() <= *granted, "{what}: granted {granted}, intents {intents:?}");
        assert_eq!(ends.len(), intents.len(), "{what}: every attempt has one end");
        if self.started || acted > 0 {
            assert_eq!((*granted, intents.len()), (1, 1), "{what}: it was started");
        }
        let Some(end) = ends.first() else { return };
        if matches!(end, Outcome::NotStarted { .. }) {
            assert_eq!(acted, 0, "{what}: {end:?}");
        }
        // Of a step that was itself tampered with, exit 0 says nothing.
        if end.succeeded() && !(self.victim == Victim::Child && self.killed) {
            assert_eq!(acted, 1, "{what}: {end:?}");
        }
        if let Some(told) = &self.told {
            let mut recorded = serde_json::to_value(end).unwrap();
            recorded.as_object_mut().unwrap().retain(|name, value| told["attempt"][name.as_str()] != *value);
            assert_eq!(recorded, serde_json::json!({}), "{what}: what was printed is not what is recorded: {told}");
        }
    }
}
