//! Keeping the store well, in the background: ballast, hourly backups, the disk budget.
//!
//! Owns: when what is done, and what is told of it. Does not: know how a backup is made or what a file of an attempt is called;
//! the store and whoever keeps outputs do.
//!
//! Invariants: nothing is done before the first frame. Backups and erasures are made by the process that receives, so that of
//! many consoles of a file one does it. What cannot be done is told once, and again only after it worked in between.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::ingest::Role;
use super::ports::Outputs;
use crate::domain::keeping::{Erasable, Erased, Retention, Usage, bytes_for_people, is_backup_due};
use crate::domain::time::Timestamp;
use crate::store::{Store, StoreError, backups_of};

/// How often it is looked whether something is due.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// After a backup that failed, the next one is tried no sooner than this.
const RETRY_BACKUP: Duration = Duration::from_secs(10 * 60);

/// The budget is looked at so often: measuring walks the directories of all attempts.
const MEASURE_EVERY: Duration = Duration::from_secs(10 * 60);

/// How the store is to be kept.
#[derive(Clone, Debug)]
pub struct KeepPlan {
    /// Which backups are kept; `None` when none are made.
    pub backups: Option<Retention>,
    /// Bytes of ballast; 0: none.
    pub ballast: u64,
    /// Bytes that the store may take up; `None` for as many as there are.
    pub budget: Option<u64>,
    /// Outputs are kept at least this long.
    pub outputs_for: Duration,
    /// Details of alerts are kept at least this long after their incident was resolved.
    pub details_for: Duration,
}

/// The service.
pub struct Keeping {
    store: Store,
    plan: KeepPlan,
    outputs: Arc<dyn Outputs>,
    tell: Box<dyn Fn(String) + Send + Sync>,
    told: Told,
}

/// What was told already, by subject.
#[derive(Debug, Default)]
struct Told {
    backup: bool,
    budget: bool,
    used_up: bool,
}

impl Keeping {
    /// A service that has not begun; `tell` gets what the person should know.
    pub fn new(
        store: Store,
        plan: KeepPlan,
        outputs: Arc<dyn Outputs>,
        tell: impl Fn(String) + Send + Sync + 'static,
    ) -> Self {
        Self { store, plan, outputs, tell: Box::new(tell), told: Told::default() }
    }

    /// Keeps the store well for as long as the process lives. To be called after the first frame.
    pub async fn run(mut self, role: watch::Receiver<Role>) {
        let (mut backup_after, mut measure_after) = (tokio::time::Instant::now(), tokio::time::Instant::now());
        loop {
            self.lay_ballast().await;
            let is_holder = matches!(*role.borrow(), Role::Holder { .. });
            let now = tokio::time::Instant::now();
            if is_holder && now >= backup_after && !self.back_up_if_due().await {
                backup_after = tokio::time::Instant::now() + RETRY_BACKUP;
            }
            if is_holder && now >= measure_after {
                self.keep_budget().await;
                measure_after = tokio::time::Instant::now() + MEASURE_EVERY;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn lay_ballast(&self) {
        let (store, bytes) = (self.store.clone(), self.plan.ballast);
        let laid = tokio::task::spawn_blocking(move || store.lay_ballast(bytes)).await;
        if let Ok(Err(error)) = laid {
            tracing::warn!(%error, "the ballast could not be laid down");
        }
    }

    /// Makes a backup if one is due; `false` when that failed.
    async fn back_up_if_due(&mut self) -> bool {
        let Some(retention) = self.plan.backups else { return true };
        let newest = backups_of(self.store.path()).first().map(|backup| backup.at);
        if !is_backup_due(newest, self.store.now()) {
            return true;
        }
        match self.store.back_up(retention).await {
            Ok(made) => {
                if let Some(made) = made {
                    tracing::info!(path = %made.path.display(), bytes = made.bytes, "a backup was made");
                }
                self.told.backup = false;
                true
            }
            Err(error) => {
                tracing::error!(%error, "no backup was made");
                if !std::mem::replace(&mut self.told.backup, true) {
                    (self.tell)(format!("No backup: {error}"));
                }
                false
            }
        }
    }

    /// Erases what may go while the store takes up more than its budget, and says so.
    async fn keep_budget(&mut self) {
        let Some(budget) = self.plan.budget else { return };
        match self.make_room(budget).await {
            Ok((erased, usage)) => {
                self.say(budget, &erased, usage);
                self.told.budget = false;
            }
            Err(error) => {
                tracing::error!(%error, "the disk budget could not be kept");
                if !std::mem::replace(&mut self.told.budget, true) {
                    (self.tell)(format!("The disk budget could not be kept: {error}"));
                }
            }
        }
    }

    fn say(&mut self, budget: u64, erased: &[Erased], usage: Usage) {
        if !erased.is_empty() {
            let parts: Vec<String> = erased
                .iter()
                .map(|one| format!("{} ({}, {})", one.what.name(), one.count, bytes_for_people(one.bytes)))
                .collect();
            (self.tell)(format!(
                "The disk budget of {} was used up: {} erased. Raise keep.budget to keep more",
                bytes_for_people(budget),
                parts.join(", ")
            ));
        }
        if usage.over(budget) == 0 {
            self.told.used_up = false;
        } else if !std::mem::replace(&mut self.told.used_up, true) {
            (self.tell)(format!(
                "The store takes up {}, more than its budget of {}, and nothing more may be erased: the journal, what was \
                 approved and how it ended always stay. Raise keep.budget, or choose another disk with --db",
                bytes_for_people(usage.total()),
                bytes_for_people(budget)
            ));
        }
    }

    /// What was erased, and what the store takes up then.
    async fn make_room(&self, budget: u64) -> Result<(Vec<Erased>, Usage), StoreError> {
        let mut usage = self.usage().await?;
        let mut all = Vec::new();
        if usage.has_room_for_index(budget) && self.store.allow_search_index().await? {
            tracing::info!("there is room for the search index again");
        }
        for what in Erasable::ORDER {
            let over = usage.over(budget);
            if over == 0 {
                break;
            }
            if let Some(erased) = self.erase(what, over).await? {
                all.push(erased);
                usage = self.usage().await?;
            }
        }
        Ok((all, usage))
    }

    async fn usage(&self) -> Result<Usage, StoreError> {
        let outputs = Arc::clone(&self.outputs);
        // A walk that was cut off by the end of the process measures nothing.
        let bytes = tokio::task::spawn_blocking(move || outputs.bytes()).await.unwrap_or_default();
        self.store.usage(bytes).await
    }

    /// Erases so much of one kind that `over` bytes are free, or all of it that may go.
    async fn erase(&self, what: Erasable, over: u64) -> Result<Option<Erased>, StoreError> {
        const WHY: &str = "the disk budget was used up";
        match what {
            Erasable::SearchIndex => self.store.drop_search_index(WHY).await,
            Erasable::Outputs => self.erase_outputs(over, WHY).await,
            Erasable::Backups => self.store.erase_old_backups(over, WHY).await,
            Erasable::Details => {
                let mut total: Option<Erased> = None;
                while let Some(erased) = self.store.erase_details(self.plan.details_for, WHY).await? {
                    let sum = total.get_or_insert(Erased { count: 0, bytes: 0, ..erased });
                    sum.count += erased.count;
                    sum.bytes += erased.bytes;
                    if sum.bytes >= over {
                        break;
                    }
                }
                Ok(total)
            }
        }
    }

    async fn erase_outputs(&self, over: u64, reason: &str) -> Result<Option<Erased>, StoreError> {
        let before = self.store.now().minus(self.plan.outputs_for);
        let mut after = Timestamp::from_millis(i64::MIN);
        let mut erased = Erased { what: Erasable::Outputs, count: 0, bytes: 0 };
        while erased.bytes < over {
            let old = self.store.old_outputs(after, before).await?;
            let Some(last) = old.last() else { break };
            after = last.ended_at;
            let directories = old.into_iter().map(|output| PathBuf::from(output.directory)).collect();
            let (gone, bytes) = self.choose_outputs(directories, over - erased.bytes).await;
            if gone.is_empty() {
                continue;
            }
            let count = gone.len() as u64;
            self.store.erasing_outputs(count, bytes, reason).await?;
            let outputs = Arc::clone(&self.outputs);
            let erasing = tokio::task::spawn_blocking(move || {
                for directory in &gone {
                    if let Err(error) = outputs.erase(directory) {
                        tracing::warn!(directory = %directory.display(), %error, "an output could not be erased");
                    }
                }
            });
            if erasing.await.is_err() {
                break;
            }
            erased.count += count;
            erased.bytes += bytes;
        }
        Ok((erased.count > 0).then_some(erased))
    }

    /// Those of `directories`, from the first on, that hold an output and together free `needed` bytes; and how many they free.
    async fn choose_outputs(&self, directories: Vec<PathBuf>, needed: u64) -> (Vec<PathBuf>, u64) {
        let outputs = Arc::clone(&self.outputs);
        let choosing = tokio::task::spawn_blocking(move || {
            let (mut chosen, mut bytes) = (Vec::new(), 0);
            for directory in directories {
                if bytes >= needed {
                    break;
                }
                let size = outputs.bytes_of(&directory);
                if size > 0 {
                    bytes += size;
                    chosen.push(directory);
                }
            }
            (chosen, bytes)
        });
        choosing.await.unwrap_or_default()
    }
}

#[cfg(test)]
#[path = "keeping_tests.rs"]
mod tests;
