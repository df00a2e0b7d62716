//! A home with one incident, an SOP whose command writes into a ledger, and the real program as a script calls it.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use aiops::adapters::host::{self, Host, SystemClock};
use aiops::adapters::process::ProcessRunner;
use aiops::domain::action::attempt::Outcome;
use aiops::domain::action::proposal::Proposal;
use aiops::domain::action::spec::Target;
use aiops::domain::actor::Actor;
use aiops::domain::alert::{Alert, AlertBatch, AlertKey, AlertStatus, BatchOrigin};
use aiops::domain::id::{IncidentId, NodeId, SopId};
use aiops::domain::procedure::NodeKind;
use aiops::domain::time::Timestamp;
use aiops::engine::backend::{Backend as _, Command as Wish, Done};
use aiops::engine::library::Library;
use aiops::engine::local::{LocalBackend, RunSettings};
use aiops::engine::ports::Clock as _;
use aiops::engine::runner::Runner;
use aiops::store::{INGEST_LEASE, Identity, LeaseOutcome, OpenOptions, Store};

/// The name that is typed to approve the command, which nobody knows to be harmless.
pub(crate) const TARGET: &str = "box";
/// The document.
const SOP: &str = "ledger.md";
/// How long this process may ingest; it does so once.
const LEASE: Duration = Duration::from_secs(60);

/// A home, and what its command writes.
pub(crate) struct Headless {
    directory: tempfile::TempDir,
    config: PathBuf,
}

/// Proposes, in this process: starting the program for that would only cost time.
pub(crate) struct Proposer {
    backend: LocalBackend,
    /// The store of the home, opened by this process.
    pub(crate) store: Store,
    alert: AlertKey,
    node: NodeId,
}

impl Headless {
    /// A home whose command runs the shell script `body` with a number as `$1`; `$LEDGER` names the ledger.
    pub(crate) fn new(body: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path();
        let (script, ledger) = (place.join("step"), place.join("ledger"));
        std::fs::write(&script, format!("#!/bin/sh\nLEDGER={}\n{body}\n", ledger.display())).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
        let sops = place.join("sops");
        std::fs::create_dir_all(&sops).unwrap();
        let text = format!(
            "+++\ntitle = \"Ledger\"\nalerts = [\"Ledger\"]\n+++\n\n# Ledger\n\n## Mitigation\n\n1. Write it down:\n\n   ```sh\n   \
             {} <number>\n   ```\n",
            script.display()
        );
        std::fs::write(sops.join(SOP), text).unwrap();
        let config = place.join("config.toml");
        let settings = format!("[sops]\ndirectories = [\"{}\"]\n[run]\ntarget_name = \"{TARGET}\"\n", sops.display());
        std::fs::write(&config, settings).unwrap();
        Self { directory, config }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path().join("data").join("aiops.db")
    }

    /// Below it every attempt has its directory.
    pub(crate) fn attempts(&self) -> PathBuf {
        self.path().join("data").join("attempts")
    }

    /// The lines of the ledger.
    pub(crate) fn ledger(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path().join("ledger")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The program, with nothing of the environment of whoever runs the tests.
    pub(crate) fn aiops(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aiops"));
        command.arg("--config").arg(&self.config).args(words).env_clear().stdin(Stdio::null());
        command.env("HOME", self.path()).env("AIOPS_DB", self.database()).env("LANG", "C.UTF-8");
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.aiops(words).output().unwrap()
    }

    /// What the program prints with `--json`, line by line; it has to do what it is asked.
    pub(crate) fn json(&self, words: &[&str]) -> Vec<serde_json::Value> {
        let output = self.run(&[words, &["--json"]].concat());
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        lines(&output.stdout)
    }

    /// Opens the store and lets the one alert fire. Has to be called within a tokio runtime.
    pub(crate) async fn proposer(&self) -> Proposer {
        let store = open(&self.database());
        let alert = fire(&store).await;
        self.proposer_with(store, alert)
    }

    fn proposer_with(&self, store: Store, alert: AlertKey) -> Proposer {
        let library = Library::only(&[self.path().join("sops")]);
        let document = library.get(&SOP.into()).unwrap();
        let is_command = |kind: &NodeKind| matches!(kind, NodeKind::Command { .. });
        let node = document.procedure.nodes.iter().find(|node| is_command(&node.kind)).unwrap().id.clone();
        let actor = Actor::Person(host::person());
        let processes = Arc::new(ProcessRunner::new(env!("CARGO_BIN_EXE_aiops").into()));
        let root = self.attempts().display().to_string();
        let runner = Runner::new(store.clone(), processes, Arc::new(SystemClock), actor.clone(), root);
        let settings = RunSettings {
            reads: aiops::domain::action::build::Reads::default(),
            target: Target::ThisHost { name: TARGET.to_owned() },
            directory: "/".to_owned(),
            env: BTreeMap::from([("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())]),
            terminal_env: BTreeMap::new(),
            time_limit: Duration::from_secs(60),
        };
        let backend = LocalBackend::new(store.clone(), Arc::new(library), runner, settings, actor);
        Proposer { backend, store, alert, node }
    }
}

impl Proposer {
    /// Proposes the command with this number.
    pub(crate) async fn propose(&self, number: usize) -> Proposal {
        let wish = Wish::Propose {
            incident: IncidentId(1),
            alert: self.alert.clone(),
            sop: SopId::from(SOP),
            node: self.node.clone(),
            values: BTreeMap::from([("number".to_owned(), number.to_string())]),
        };
        look_at_effects(&self.store, &Actor::Person(host::person())).await;
        match self.backend.send(wish).await.unwrap() {
            Done::Proposed(proposal) => *proposal,
            other => panic!("{other:?}"),
        }
    }
}

/// Says of every attempt of which nobody knows how it ended that its effect was looked at, as these tests do at their end.
pub(crate) async fn look_at_effects(store: &Store, actor: &Actor) {
    let facts = store.read_view(|reader| reader.doubt_facts(IncidentId(1))).await.unwrap();
    let is_known = |id| facts.checked.iter().any(|checked| checked.attempt == id);
    for past in &facts.attempts {
        if matches!(past.ended, Some((Outcome::Unknown { .. }, _))) && !is_known(past.id) {
            store.effect_checked(past.id, "the ledger is counted".to_owned(), actor).await.unwrap();
        }
    }
}

/// The store at `path`, opened by this process as the program does it.
pub(crate) fn open(path: &Path) -> Store {
    let Host { name, boot_id, pid } = Host::detect();
    let identity = Identity { host: name, boot_id, pid, person: host::person() };
    let now = Arc::new(|| (SystemClock.now(), SystemClock.monotonic()));
    Store::open(path, OpenOptions { identity, now }).unwrap()
}

/// Lets an alert fire in an empty store.
async fn fire(store: &Store) -> AlertKey {
    let held = store.acquire_lease(INGEST_LEASE, "test", LEASE).await.unwrap();
    let LeaseOutcome::Held(fence) = held else { panic!("{held:?}") };
    let key =
        AlertKey { source: "am".into(), fingerprint: "f".to_owned(), starts_at: Timestamp::from_millis(1_000_000_000) };
    let alert = Alert {
        key: key.clone(),
        status: AlertStatus::Firing,
        ends_at: None,
        labels: BTreeMap::from([("alertname".to_owned(), "Ledger".to_owned())]),
        annotations: BTreeMap::new(),
        generator_url: None,
    };
    let (origin, digest) = (BatchOrigin::Webhook, "0".repeat(64));
    let batch = AlertBatch { source: "am".into(), origin, alerts: vec![alert], digest };
    store.ingest(fence, batch, LEASE).await.unwrap();
    key
}

/// One value for each line.
pub(crate) fn lines(bytes: &[u8]) -> Vec<serde_json::Value> {
    let text = std::str::from_utf8(bytes).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
