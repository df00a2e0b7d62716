//! The whole assistant over a real store, with the real redaction and the real client, before a tapped stand-in.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aiops::adapters::gemini::{Endpoint, Gemini, Key, Patience, Settings};
use aiops::adapters::host::SystemClock;
use aiops::config::{Secret, SecretSource};
use aiops::domain::action::attempt::ProcessId;
use aiops::domain::action::build::{BuildRequest, Reads, build};
use aiops::domain::action::grant::{Approval, Grant};
use aiops::domain::action::spec::{Execution, StepRef, Target};
use aiops::domain::action::subject::Subject;
use aiops::domain::actor::{Actor, Person};
use aiops::domain::alert::{Alert, AlertBatch, AlertKey, AlertStatus, BatchOrigin, Labels};
use aiops::domain::chat::budget::Budget;
use aiops::domain::chat::prices::Prices;
use aiops::domain::chat::{ChatMessage, Conversation, Thinking};
use aiops::domain::id::IncidentId;
use aiops::domain::incident::IncidentCommand;
use aiops::domain::procedure::Shell;
use aiops::domain::time::Timestamp;
use aiops::engine::ask::{AnswerEvent, Ask, Prepared, Route};
use aiops::engine::assistant::{Assistant, Brain, Parts};
use aiops::engine::library::Library;
use aiops::engine::outbound::{Outbound, OwnNames, Redaction};
use aiops::engine::ports::{ActionRunner, Clock, GivenUp, Probe, RunError};
use aiops::engine::runner::Runner;
use aiops::store::{INGEST_LEASE, Identity, LeaseOutcome, OpenOptions, Store};

use crate::wire::Tap;

/// Where text comes from that goes into a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Label,
    Annotation,
    Sop,
    Command,
    Output,
    Note,
    Question,
    Earlier,
}

impl Origin {
    pub(crate) const ALL: [Self; 8] = [
        Self::Label,
        Self::Annotation,
        Self::Sop,
        Self::Command,
        Self::Output,
        Self::Note,
        Self::Question,
        Self::Earlier,
    ];
}

/// What stands at each of those places; nothing in particular where it is not named.
#[derive(Clone, Debug, Default)]
pub(crate) struct Planted(pub(crate) Vec<(Origin, String)>);

impl Planted {
    fn at(&self, origin: Origin) -> String {
        let texts: Vec<&str> =
            self.0.iter().filter(|(planted, _)| *planted == origin).map(|(_, text)| text.as_str()).collect();
        texts.join(" ")
    }
}

/// Says that it started what was approved, and has this output.
struct Said(Vec<u8>);

impl ActionRunner for Said {
    fn run(&self, _: Grant, _: &str) -> Result<ProcessId, RunError> {
        Ok(ProcessId { pid: 1, start_ticks: 1, boot_id: "boot".to_owned() })
    }

    fn probe(&self, _: &str) -> Probe {
        let supervisor = ProcessId { pid: 1, start_ticks: 1, boot_id: "boot".to_owned() };
        Probe::Running { supervisor, output_bytes: self.0.len() as u64 }
    }

    fn cancel(&self, _: &str) -> Result<(), RunError> {
        Ok(())
    }

    fn give_up(&self, _: &str) -> Result<GivenUp, RunError> {
        Ok(GivenUp::NeverBegan)
    }

    fn output(&self, _: &str, offset: u64, limit: usize) -> Result<Vec<u8>, RunError> {
        Ok(self.0.iter().skip(usize::try_from(offset).unwrap()).take(limit).copied().collect())
    }
}

/// An assistant about incident 1, in which everything is planted but question and earlier conversation.
pub(crate) struct Stack {
    assistant: Assistant,
    store: Store,
    library: Arc<Library>,
    actor: Actor,
    _directory: tempfile::TempDir,
}

/// What came of a question.
pub(crate) struct Heard {
    pub(crate) route: Route,
    /// Why the fallback answered, when it did.
    pub(crate) text: String,
    pub(crate) message: ChatMessage,
}

impl Stack {
    /// `secrets` are the program's own; the first one is the key of the model.
    pub(crate) async fn new(tap: &Tap, secrets: &[&str], planted: &Planted) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let person = Person { uid: 1000, name: "ada".to_owned(), login_uid: None, ssh_peer: None, tty: None };
        let actor = Actor::Person(person.clone());
        let identity = Identity { host: "console".to_owned(), boot_id: "boot".to_owned(), pid: 2, person };
        let now = Arc::new(|| (SystemClock.now(), SystemClock.monotonic()));
        let store = Store::open(&directory.path().join("aiops.db"), OpenOptions { identity, now }).unwrap();
        let sops = directory.path().join("sops");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let root = directory.path().join("attempts").display().to_string();
        let processes = Arc::new(Said(planted.at(Origin::Output).into_bytes()));
        let runner = Runner::new(store.clone(), processes, Arc::clone(&clock), actor.clone(), root);
        let own: Vec<Vec<u8>> = secrets.iter().map(|secret| secret.as_bytes().to_vec()).collect();
        let redaction = Redaction::new(
            Arc::new(move || own.clone()),
            OwnNames { hosts: vec!["console".to_owned()], ..OwnNames::default() },
        );
        let prices = Arc::new(|| Ok(Prices::bundled()));
        let outbound = Outbound::new(
            store.clone(),
            Arc::clone(&clock),
            Arc::new(redaction),
            prices,
            Budget::default(),
            actor.clone(),
        );
        let model = Arc::new(model(tap, directory.path(), secrets[0]));
        let brain = Brain::Model { model, max_output_tokens: 1_000, thinking: Thinking::Low };
        let parts =
            Parts { store: store.clone(), runner: runner.clone(), outbound, brain, clock, actor: actor.clone() };
        let assistant = Assistant::new(parts);
        write_sop(&sops, &planted.at(Origin::Sop));
        let library = Arc::new(Library::only(&[sops]));
        let stack = Self { assistant, store, library, actor, _directory: directory };
        stack.fire(planted).await;
        stack.run(&runner, &planted.at(Origin::Command)).await;
        let note = IncidentCommand::Note(format!("looked at it {}", planted.at(Origin::Note)));
        stack.store.incident_command(IncidentId(1), note, &stack.actor).await.unwrap();
        stack
    }

    async fn fire(&self, planted: &Planted) {
        let held = self.store.acquire_lease(INGEST_LEASE, "test", Duration::from_secs(60)).await.unwrap();
        let LeaseOutcome::Held(fence) = held else { panic!("{held:?}") };
        let pair = |name: &str, value: String| (name.to_owned(), value);
        let alert = Alert {
            key: key(),
            status: AlertStatus::Firing,
            ends_at: None,
            labels: BTreeMap::from([
                pair("alertname", "Leak".to_owned()),
                pair("detail", planted.at(Origin::Label)),
                pair("instance", "db:9100".to_owned()),
            ]),
            annotations: BTreeMap::from([pair("summary", planted.at(Origin::Annotation))]),
            generator_url: None,
        };
        let (source, origin, digest) = ("am".into(), BatchOrigin::Webhook, "0".repeat(64));
        let batch = AlertBatch { source, origin, alerts: vec![alert], digest };
        self.store.ingest(fence, batch, Duration::from_secs(60)).await.unwrap();
    }

    /// Proposes and approves a command with these words.
    async fn run(&self, runner: &Runner, words: &str) {
        let (labels, typed) = (Labels::new(), BTreeMap::new());
        let spec = build(BuildRequest {
            reads: Reads::default(),
            incident: IncidentId(1),
            subject: Subject::new(key(), &labels, []),
            step: StepRef { sop: "leak".into(), node: "n".into(), revision: "r".to_owned(), title: String::new() },
            script: &format!("echo '{}'", words.replace('\'', "")),
            shell: Shell::Sh,
            mode: Execution::Supervised,
            labels: &labels,
            typed: &typed,
            target: Target::ThisHost { name: "here".to_owned() },
            cwd: "/",
            env: BTreeMap::new(),
            time_limit: Duration::from_secs(60),
        })
        .unwrap();
        let proposal = self.store.propose(spec, &self.actor).await.unwrap();
        let approval = Approval {
            digest: proposal.digest.clone(),
            typed_target: Some("here".to_owned()),
            rendered: String::new(),
            terminal: (80, 24),
        };
        runner.approve(proposal.id, approval, Some("r".to_owned())).await.unwrap();
    }

    /// Asks about the incident and waits for the end.
    pub(crate) async fn ask(&self, question: &str) -> Heard {
        let conversation = Conversation::Incident(IncidentId(1));
        let ask = Ask { conversation, question: question.to_owned(), sop: None, node: None, alert: None };
        let Prepared { id, route } = self.assistant.prepare(ask, Arc::clone(&self.library)).await.unwrap();
        let mut answer = self.assistant.answer(id).await.unwrap();
        let mut text = String::new();
        loop {
            match answer.recv().await.expect("the answer has no end") {
                AnswerEvent::Text(piece) => text.push_str(&piece),
                AnswerEvent::Done(message) => return Heard { route, text, message: *message },
                AnswerEvent::Lost { why } => panic!("{why}"),
                AnswerEvent::Fallback { .. }
                | AnswerEvent::Broken(_)
                | AnswerEvent::Retrying { .. }
                | AnswerEvent::Thought(_) => {}
            }
        }
    }
}

fn key() -> AlertKey {
    AlertKey { source: "am".into(), fingerprint: "f".to_owned(), starts_at: Timestamp::from_millis(1_000_000_000) }
}

/// The real client, which reads its key from a file.
fn model(tap: &Tap, directory: &Path, key: &str) -> Gemini {
    let file = directory.join("key");
    std::fs::write(&file, key).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let key = Key::new(Secret::new("model.key", SecretSource::File(file)));
    let endpoint = Endpoint::studio(&tap.url(), "v1").unwrap();
    let settings = Settings {
        model: "gemini-3.8-flash".to_owned(),
        endpoint,
        patience: Patience::default(),
        retries: Default::default(),
    };
    Gemini::new(settings, key)
}

fn write_sop(directory: &Path, planted: &str) {
    std::fs::create_dir_all(directory).unwrap();
    let text = format!(
        "+++\ntitle = \"Leak\"\nalerts = [\"Leak\"]\n+++\n\n# Leak\n\n## Mitigation\n\n1. Look at {planted} first.\n\n   \
         ```sh\n   df -h\n   ```\n"
    );
    std::fs::write(directory.join("leak.md"), text).unwrap();
}
