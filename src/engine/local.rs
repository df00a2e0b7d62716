//! The backend in this process: the store, the library and the runner behind the [`Backend`] trait.
//!
//! Owns: putting a snapshot together and routing commands. Does not: decide anything itself.

mod doubting;
mod editing;
mod from_chat;
mod reaching;
mod running;
mod scopes;
mod silencing;
mod sops;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::ask::{Answer, Ask, ChatHistory, ChatQuery, ModelStatus, Prepared, PreparedId};
use super::assistant::Assistant;
use super::backend::{
    Backend, BackendError, Command, Detail, Done, NeededValue, Output, Snapshot, SnapshotQuery, SopDocument, SopMatch,
    Trouble,
};
use super::improving::Improvement;
use super::library::{self, Library, LibraryProblem};
use super::policy_watch::PolicyState;
use super::ports::{BoxFuture, LogSource, SopFiles};
use super::runner::Runner;
use super::search::{Keeper, SearchAnswer, SearchQuery};
use crate::domain::action::attempt::{Attempt, AttemptState, Outcome};
use crate::domain::action::build::{self, BuildError, BuildRequest, Reads};
use crate::domain::action::choice::{self, Choice, Chosen, ContainerRule, Rule};
use crate::domain::action::handed::{self, HandedSecret};
use crate::domain::action::silence::SilencePlace;
use crate::domain::action::spec::{Execution, PROGRAM_REVISION, StepRef, Target};
use crate::domain::action::subject::Subject;
use crate::domain::actor::Actor;
use crate::domain::alert::{AlertKey, Labels};
use crate::domain::id::{IncidentId, NodeId, RunId, SopId};
use crate::domain::incident::Refusal;
use crate::domain::keeping::Restored;
use crate::domain::procedure::variables::RunVariables;
use crate::domain::procedure::{NodeKind, Shell, place};
use crate::domain::run::Limits;
use crate::domain::run::draft::Draft;
use crate::domain::scope;
use crate::store::view::{AlertRow, IncidentDetail};
use crate::store::{Reader, Store, StoreError};

/// Directories of SOPs are looked at this often.
const LOOK_AT_LIBRARY_EVERY: Duration = Duration::from_secs(3);

/// Where and how commands run.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// The host, by the name that people type to approve something dangerous.
    pub target: Target,
    /// Working directory, absolute.
    pub directory: String,
    /// The whole environment that commands get.
    pub env: BTreeMap<String, String>,
    /// What is added to that environment for commands that get the person's terminal.
    pub terminal_env: BTreeMap<String, String>,
    /// How commands run that only read.
    pub reads: Reads,
    /// A command is ended after this long; not one that has the terminal.
    pub time_limit: Duration,
}

impl RunSettings {
    fn env(&self, mode: Execution) -> BTreeMap<String, String> {
        let mut env = self.env.clone();
        match mode {
            Execution::Supervised => {}
            Execution::Interactive => env.extend(self.terminal_env.clone()),
        }
        env
    }
}

/// How commands run on other hosts.
#[derive(Clone, Debug, Default)]
pub struct OtherHosts {
    /// For which alerts they run where.
    pub rules: Vec<Rule>,
    /// What is added for containers of pods.
    pub containers: Vec<ContainerRule>,
    /// The whole environment that the programs get which reach them.
    pub env: BTreeMap<String, String>,
}

/// A command as a document or an answer has it.
struct Written<'a> {
    step: StepRef,
    script: &'a str,
    shell: Shell,
    mode: Execution,
    /// The container that the document names for it.
    place: Option<String>,
}

/// The backend in this process. Cheap to clone.
#[derive(Clone)]
pub struct LocalBackend {
    store: Store,
    library: Arc<RwLock<Arc<Library>>>,
    runner: Runner,
    settings: RunSettings,
    others: OtherHosts,
    secrets: Vec<HandedSecret>,
    actor: Actor,
    assistant: Option<Assistant>,
    changes: watch::Receiver<u64>,
    renewed: Arc<watch::Sender<u64>>,
    keeper: Keeper,
    trouble: watch::Receiver<Option<Trouble>>,
    policy: watch::Receiver<PolicyState>,
    restored: Option<Arc<Restored>>,
    silences: Vec<SilencePlace>,
    scope_limits: scope::Limits,
    logs: Arc<[Arc<dyn LogSource>]>,
    limits: Limits,
    sop_files: Option<Arc<dyn SopFiles>>,
}

impl LocalBackend {
    /// Puts the parts together. Has to be called within a tokio runtime.
    #[must_use]
    pub fn new(store: Store, library: Arc<Library>, runner: Runner, settings: RunSettings, actor: Actor) -> Self {
        let renewed = Arc::new(watch::Sender::new(0));
        let changes = merge(vec![store.follow(), runner.follow(), renewed.subscribe()]);
        let library = Arc::new(RwLock::new(library));
        let keeper = Keeper::new(store.clone());
        let trouble = watch::channel(None).1;
        let policy = watch::channel(PolicyState::default()).1;
        let others = OtherHosts::default();
        let secrets = Vec::new();
        let restored = store.restored().cloned().map(Arc::new);
        Self {
            store,
            library,
            runner,
            settings,
            others,
            secrets,
            actor,
            assistant: None,
            changes,
            renewed,
            keeper,
            trouble,
            policy,
            restored,
            silences: Vec::new(),
            scope_limits: scope::Limits::default(),
            logs: Arc::new([]),
            limits: Limits::default(),
            sop_files: None,
        }
    }

    /// The same with word of what keeps alerts from being stored. Has to be called within a tokio runtime.
    #[must_use]
    pub fn with_trouble(mut self, trouble: watch::Receiver<Option<Trouble>>) -> Self {
        let (counter, changes) = watch::channel(0);
        let counter = Arc::new(counter);
        tokio::spawn(count(self.changes, Arc::clone(&counter)));
        tokio::spawn(count(trouble.clone(), counter));
        self.changes = changes;
        self.trouble = trouble;
        self
    }

    /// The same with word of how the policy stands. Has to be called within a tokio runtime.
    #[must_use]
    pub fn with_policy(mut self, policy: watch::Receiver<PolicyState>) -> Self {
        let (counter, changes) = watch::channel(0);
        let counter = Arc::new(counter);
        tokio::spawn(count(self.changes, Arc::clone(&counter)));
        tokio::spawn(count(policy.clone(), counter));
        self.changes = changes;
        self.policy = policy;
        self
    }

    /// The same with other hosts that alerts choose. Without them a person can still name each that ssh reaches.
    #[must_use]
    pub fn with_other_hosts(mut self, others: OtherHosts) -> Self {
        self.others = others;
        self
    }

    /// The same with secrets for programs.
    #[must_use]
    pub fn with_secrets(mut self, secrets: Vec<HandedSecret>) -> Self {
        self.secrets = secrets;
        self
    }

    /// The same with someone who answers questions. Has to be called within a tokio runtime.
    #[must_use]
    pub fn with_assistant(mut self, assistant: Assistant) -> Self {
        self.changes = merge(vec![self.changes, assistant.follow()]);
        self.assistant = Some(assistant);
        self
    }

    fn assistant(&self) -> Result<&Assistant, BackendError> {
        let refusal = || Refusal::new("Not asked", "there is no assistant in this process", "Look at the SOP");
        self.assistant.as_ref().ok_or_else(|| refusal().into())
    }

    /// Loads the library anew whenever a document below `directories` changes. Runs for ever.
    ///
    /// `late` is a library that was still being read when the backend was made; it is used as soon as it is there. `tell`
    /// gets the problems that the library before did not have, if there are any.
    pub async fn renew_library(
        self,
        directories: Vec<PathBuf>,
        late: Option<oneshot::Receiver<Library>>,
        tell: impl Fn(&[LibraryProblem]) + Send,
    ) {
        if directories.is_empty() {
            return;
        }
        if let Some(late) = late
            && let Ok(library) = late.await
        {
            self.use_library(library, &tell);
        }
        let mut known = None;
        loop {
            let places = directories.clone();
            let Ok(now) = tokio::task::spawn_blocking(move || library::fingerprint(&places)).await else { return };
            if known.as_ref().is_some_and(|known| *known != now) {
                let places = directories.clone();
                let Ok(library) = tokio::task::spawn_blocking(move || Library::load(&places)).await else { return };
                self.use_library(library, &tell);
            }
            known = Some(now);
            tokio::time::sleep(LOOK_AT_LIBRARY_EVERY).await;
        }
    }

    /// Keeps the search index up to date, beginning with what is not indexed. Runs for ever; to be called after the first
    /// frame, since it reads every document.
    pub async fn keep_search_index(self) {
        let renewed = self.renewed.subscribe();
        let keeper = self.keeper.clone();
        keeper.run(move || self.library(), renewed).await;
    }

    fn use_library(&self, library: Library, tell: impl Fn(&[LibraryProblem])) {
        let before = self.library();
        let new: Vec<LibraryProblem> =
            library.problems().iter().filter(|problem| !before.problems().contains(problem)).cloned().collect();
        *self.library.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(library);
        self.renewed.send_modify(|count| *count += 1);
        if !new.is_empty() {
            tell(&new);
        }
    }

    fn library(&self) -> Arc<Library> {
        Arc::clone(&self.library.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn snapshot(&self, query: SnapshotQuery) -> Result<Snapshot, BackendError> {
        let SnapshotQuery { queue, detail, alert, output: wanted_output, chat, quarantined } = query;
        let now = self.store.now();
        let wanted_alert = alert.clone();
        // One transaction, so that the header never counts what the queue does not show.
        let (header, queue, detail, (tray, scopes), chat, spent, quarantined, run) = self
            .store
            .read_view(move |reader| {
                let wanted = wanted_alert.as_ref();
                let run = detail.map(|id| reader.run_of(id)).transpose()?.flatten();
                let detail = detail.map(|id| reader.detail_to_show(id, wanted)).transpose()?.flatten();
                let chat = chat.map(|wanted| history(reader, wanted)).transpose()?;
                let quarantined = if quarantined == 0 { Vec::new() } else { reader.quarantined(quarantined)? };
                let (header, queue) = (reader.header()?, reader.queue(&queue)?);
                let tray = (reader.tray()?, reader.live_scopes()?);
                Ok((header, queue, detail, tray, chat, reader.spent(now, None)?, quarantined, run))
            })
            .await?;
        let mut detail = detail.map(|record| self.with_matches(record, alert.as_ref()));
        if let Some(detail) = &mut detail {
            detail.doubts = self.doubts(&detail.record).await?;
        }
        let beside = self.beside(&tray).await?;
        let output = match wanted_output {
            Some(wanted) => {
                let attempt = detail
                    .as_ref()
                    .and_then(|detail| detail.record.attempts.iter().find(|attempt| attempt.id == wanted.attempt));
                match attempt {
                    Some(attempt) => Some(self.output(attempt, wanted.tail_bytes).await),
                    None => None,
                }
            }
            None => None,
        };
        let model = self.assistant.as_ref().map_or(ModelStatus::None, |assistant| assistant.status(spent.day));
        let trouble = self.trouble.borrow().clone();
        let policy = self.policy.borrow().clone();
        let restored = self.restored.clone();
        Ok(Snapshot {
            header,
            queue,
            detail,
            tray,
            beside,
            scopes,
            scope_limits: self.scope_limits,
            output,
            chat,
            model,
            quarantined,
            run,
            trouble,
            policy,
            restored,
        })
    }

    /// The end of an attempt's output; why it cannot be read stands in its place, so that one missing file does not keep the
    /// queue from being shown.
    async fn output(&self, attempt: &Attempt, tail_bytes: usize) -> Output {
        let read = self.runner.output(attempt, tail_bytes).await;
        let (start, bytes) = read.unwrap_or_else(|error| (0, format!("aiops: {error}\n").into_bytes()));
        Output { attempt: attempt.id, start, bytes }
    }

    /// With the SOPs that fit the alert `wanted`, or the newest one.
    fn with_matches(&self, record: IncidentDetail, wanted: Option<&AlertKey>) -> Detail {
        let none = Labels::new();
        let wanted = wanted.and_then(|key| record.alerts.iter().find(|alert| alert.key() == *key));
        let (labels, annotations) =
            wanted.or(record.alerts.first()).map_or((&none, &none), |alert| (&alert.labels, &alert.annotations));
        let library = self.library();
        let matches = library.route(labels, annotations);
        let matches = matches.into_iter().map(|found| SopMatch { sop: found.sop, why: found.why }).collect();
        Detail { record, matches, doubts: Vec::new() }
    }

    pub(super) async fn propose(
        &self,
        incident: IncidentId,
        alert: AlertKey,
        sop: SopId,
        node: NodeId,
        values: BTreeMap<String, String>,
    ) -> Result<Done, BackendError> {
        const WHAT: &str = "Not proposed";
        let document = self.document(&sop)?;
        let procedure = &document.procedure;
        let found = procedure.index_of(&node).map(|index| (index, &procedure.nodes[index]));
        let Some((index, NodeKind::Command { script, shell, interactive, .. })) =
            found.map(|(index, node)| (index, &node.kind))
        else {
            return Err(Refusal::new(WHAT, "the step is no longer in the SOP", "Look at the SOP again").into());
        };
        let (script, shell): (&str, Shell) = (script, *shell);
        let mode = Execution::of(*interactive);
        let (alert, subject) = self.subject(incident, alert).await?;
        let title = procedure.nodes[index]
            .parent
            .map_or(procedure.title.as_str(), |parent| procedure.nodes[parent].text.as_str())
            .trim_end_matches(':')
            .to_owned();
        let step = StepRef { sop, node, revision: procedure.revision.clone(), title };
        let place = place::said(&document.source, procedure.nodes[index].span);
        let written = Written { step, script, shell, mode, place };
        self.store_proposal(incident, written, &alert, subject, &values).await
    }

    /// Builds the action of a command as it is written somewhere, and stores it as a proposal.
    async fn store_proposal(
        &self,
        incident: IncidentId,
        written: Written<'_>,
        alert: &AlertRow,
        subject: Subject,
        typed: &BTreeMap<String, String>,
    ) -> Result<Done, BackendError> {
        let Written { step, script, shell, mode, place } = written;
        let choice = Choice {
            here: self.settings.target.name().to_owned(),
            directory: self.settings.directory.clone(),
            rules: self.others.rules.clone(),
            containers: self.others.containers.clone(),
        };
        let named = typed.get(choice::TYPED).map(String::as_str).or(place.as_deref());
        let Chosen { target, directory, labels: taken } = choice.of(&subject.hosts, &alert.labels, named)?;
        let mut env = self.settings.env(mode);
        if !target.is_here() {
            env.extend(self.others.env.clone());
        }
        let request = BuildRequest {
            incident,
            subject,
            step,
            script,
            shell,
            mode,
            labels: &alert.labels,
            typed,
            target,
            cwd: &directory,
            env,
            reads: self.settings.reads.clone(),
            time_limit: self.settings.time_limit,
        };
        let run = self.run_variables(incident, &request.step.sop, &request.target).await?;
        let mut spec = build::build_in_run(request, &run).map_err(from_build)?;
        for name in taken {
            spec.labels_used
                .extend(alert.labels.get_key_value(&name).map(|(name, value)| (name.clone(), value.clone())));
        }
        spec.secrets = handed::wanted(&self.secrets, &spec.invocation, &spec.target, spec.mode);
        let verified_by = self.verified_by(&spec.step);
        let proposal = self.store.propose_step(spec, verified_by, &self.actor).await?;
        Ok(Done::Proposed(Box::new(proposal)))
    }

    /// What the steps of `sop` that have succeeded for `incident` on `target` have left to the next one there: a directory
    /// of one host means nothing on another.
    async fn run_variables(
        &self,
        incident: IncidentId,
        sop: &SopId,
        target: &Target,
    ) -> Result<RunVariables, BackendError> {
        let past = self.store.read_view(move |reader: &Reader<'_>| reader.attempts_of(incident)).await?;
        let succeeded = past.iter().filter(|past| {
            let ended = matches!(past.attempt.state, AttemptState::Ended { outcome: Outcome::Exited { code: 0 }, .. });
            ended && past.step.sop == *sop && past.target == *target
        });
        Ok(RunVariables::after(succeeded.map(|past| &past.invocation)))
    }

    /// The revision that a step's document or answer has at this moment; `None` when it is gone.
    pub(super) async fn revision_now(&self, step: StepRef) -> Result<Option<String>, BackendError> {
        if let Some(message) = step.answer() {
            return Ok(self.store.revision_of_answer(message).await?);
        }
        if step.is_of_program() {
            return Ok(Some(PROGRAM_REVISION.to_owned()));
        }
        let library = self.library();
        tokio::task::spawn_blocking(move || library.revision_now(&step.sop))
            .await
            .map_err(|error| BackendError::Failed(format!("The SOP could not be read: {error}")))
    }

    /// The alert that a person wants to act on, and how it differs from the others of the incident.
    async fn subject(&self, incident: IncidentId, key: AlertKey) -> Result<(AlertRow, Subject), BackendError> {
        const WHAT: &str = "Not proposed";
        let wanted = key.clone();
        let read = move |reader: &Reader<'_>| Ok((reader.detail(incident)?, reader.alert(incident, &wanted)?));
        let (record, alert) = self.store.read_view(read).await?;
        let Some(record) = record else {
            return Err(Refusal::new(WHAT, "there is no such incident", "Choose another one").into());
        };
        let Some(alert) = alert else {
            let remedy = "Commands run for an alert; look at the incident and propose the step again";
            return Err(Refusal::new(WHAT, "the alert is gone", remedy).into());
        };
        let subject = Subject::new(key, &alert.labels, record.alerts.iter().map(|alert| &alert.labels));
        Ok((alert, subject))
    }

    fn document(&self, id: &SopId) -> Result<Arc<SopDocument>, BackendError> {
        self.library().get(id).ok_or_else(|| {
            BackendError::Refused(Refusal::new(
                "Not opened",
                format!("there is no SOP {id}"),
                "It may have been moved or renamed; s lists all SOPs",
            ))
        })
    }

    async fn perform(&self, command: Command) -> Result<Done, BackendError> {
        match command {
            Command::Incident { id, command } => {
                Ok(Done::Incident(self.store.incident_command(id, command, &self.actor).await?.said))
            }
            Command::UndoIncident { id } => Ok(Done::Incident(self.store.undo_incident(id, &self.actor).await?.said)),
            Command::Propose { incident, alert, sop, node, values } => {
                self.propose(incident, alert, sop, node, values).await
            }
            Command::ProposeFromChat { incident, alert, message, block, values } => {
                self.propose_from_chat(incident, alert, message, block, values).await
            }
            Command::Approve { proposal, approval } => {
                let revision = self.revision_of(proposal).await?;
                self.runner.approve(proposal, approval, revision).await.map(Done::Started)
            }
            Command::ApproveWider { proposal, approval, wish } => self.approve_wider(proposal, approval, wish).await,
            Command::SpendScope { proposal } => self.spend_scope(proposal).await,
            Command::RevokeScope { scope } => self.revoke_scope(scope).await,
            Command::Edit { proposal, script } => self.edit(proposal, &script).await,
            Command::LookUp { proposal } => self.propose_look_up(proposal).await,
            Command::Reject { proposal } => {
                self.store.reject(proposal, &self.actor).await?;
                Ok(Done::Rejected)
            }
            Command::Cancel { attempt } => {
                self.runner.cancel(attempt).await?;
                Ok(Done::Cancelling)
            }
            Command::EffectChecked { attempt, words } => {
                self.store.effect_checked(attempt, words, &self.actor).await?;
                Ok(Done::Checked(attempt))
            }
            Command::StartRun { incident, alert, sop } => self.start_run(incident, alert, sop).await,
            Command::ProposeSilence { incident, alert, action } => self.propose_silence(incident, alert, action).await,
            Command::Run { run, command } => self.steer_run(run, command).await,
            Command::PatchSop { sop, taken, digest } => self.patch_sop(sop, taken, digest).await,
            Command::SaveDraft { incident, run, name, shown } => self.save_draft(incident, run, &name, &shown).await,
        }
    }
}

fn history(reader: &Reader<'_>, wanted: ChatQuery) -> Result<ChatHistory, StoreError> {
    let ChatQuery { conversation, limit } = wanted;
    let (messages, earlier) = reader.conversation(conversation, limit)?;
    Ok(ChatHistory { conversation, messages, earlier })
}

fn from_build(error: BuildError) -> BackendError {
    match error {
        BuildError::NotRunnable(refusal) => BackendError::Refused(refusal),
        BuildError::NeedsValues(needed) => BackendError::NeedsValues(
            needed
                .into_iter()
                .map(|value| NeededValue { name: value.name, surface: value.surface, problem: value.problem })
                .collect(),
        ),
    }
}

impl Backend for LocalBackend {
    fn load(&self, query: SnapshotQuery) -> BoxFuture<'static, Result<Snapshot, BackendError>> {
        let backend = self.clone();
        Box::pin(async move { backend.snapshot(query).await })
    }

    fn sop(&self, id: SopId) -> BoxFuture<'static, Result<Arc<SopDocument>, BackendError>> {
        let backend = self.clone();
        Box::pin(async move {
            // Parsing a large document takes a while; not on a thread that others wait for.
            tokio::task::spawn_blocking(move || backend.document(&id))
                .await
                .map_err(|error| BackendError::Failed(format!("The SOP could not be read: {error}")))?
        })
    }

    fn sops(&self) -> BoxFuture<'static, Result<Vec<(SopId, String)>, BackendError>> {
        let library = self.library();
        Box::pin(async move {
            Ok(library.summaries().iter().map(|summary| (summary.id.clone(), summary.title.clone())).collect())
        })
    }

    fn search(&self, query: SearchQuery) -> BoxFuture<'static, Result<SearchAnswer, BackendError>> {
        let backend = self.clone();
        Box::pin(async move { backend.keeper.search(backend.library(), query).await })
    }

    fn prepare(&self, ask: Ask) -> BoxFuture<'static, Result<Prepared, BackendError>> {
        let backend = self.clone();
        Box::pin(async move { backend.assistant()?.prepare(ask, backend.library()).await })
    }

    fn prepare_suggestions(&self, run: RunId) -> BoxFuture<'static, Result<Prepared, BackendError>> {
        let backend = self.clone();
        Box::pin(async move { backend.assistant()?.prepare_suggestions(run, backend.library()).await })
    }

    fn answer(&self, id: PreparedId) -> BoxFuture<'static, Result<Answer, BackendError>> {
        let backend = self.clone();
        Box::pin(async move { backend.assistant()?.answer(id).await })
    }

    fn improvement(&self, sop: SopId) -> BoxFuture<'static, Result<Arc<Improvement>, BackendError>> {
        let backend = self.clone();
        Box::pin(async move { backend.improvement_of(sop).await.map(Arc::new) })
    }

    fn draft(&self, incident: IncidentId, run: Option<RunId>) -> BoxFuture<'static, Result<Arc<Draft>, BackendError>> {
        let backend = self.clone();
        Box::pin(async move { backend.draft_of(incident, run).await.map(Arc::new) })
    }

    fn send(&self, command: Command) -> BoxFuture<'static, Result<Done, BackendError>> {
        let backend = self.clone();
        Box::pin(async move { backend.perform(command).await })
    }

    fn follow(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }
}

/// One counter that goes up with any of them.
fn merge(sources: Vec<watch::Receiver<u64>>) -> watch::Receiver<u64> {
    let (sender, receiver) = watch::channel(0);
    let sender = Arc::new(sender);
    for source in sources {
        tokio::spawn(count(source, Arc::clone(&sender)));
    }
    receiver
}

/// Counts every change of `source`, until nobody listens.
async fn count<T>(mut source: watch::Receiver<T>, counter: Arc<watch::Sender<u64>>) {
    while source.changed().await.is_ok() && !counter.is_closed() {
        counter.send_modify(|count| *count += 1);
    }
}
