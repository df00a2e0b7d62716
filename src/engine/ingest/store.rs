//! What the ingest service needs of the store, as a trait, so that its behaviour in time can be tested without a file.

use std::time::Duration;

use crate::domain::alert::AlertBatch;
use crate::domain::id::SourceId;
use crate::engine::ports::BoxFuture;
use crate::store::view::SourceHealth;
use crate::store::{Fence, INGEST_LEASE, LeaseOutcome, Store, StoreError};

/// Keeps alerts for whoever holds the lease.
pub trait AlertStore: Send + Sync + 'static {
    /// Proof of holding the lease; every write of its holder is checked against it.
    type Fence: Clone + Send + Sync + 'static;

    /// Takes the lease for `ttl` unless another process holds it.
    fn acquire(&self, holder: &str, ttl: Duration) -> BoxFuture<'_, Result<Lease<Self::Fence>, StoreFailure>>;
    /// Holds the lease for another `ttl`.
    fn renew(&self, fence: &Self::Fence, ttl: Duration) -> BoxFuture<'_, Result<(), StoreFailure>>;
    /// Lets go of the lease, so that another process can take it at once.
    fn release(&self, fence: &Self::Fence) -> BoxFuture<'_, Result<(), StoreFailure>>;
    /// Stores a batch; returns once it is durable.
    fn ingest(
        &self,
        fence: &Self::Fence,
        batch: AlertBatch,
        reopen_within: Duration,
    ) -> BoxFuture<'_, Result<(), StoreFailure>>;
    /// Puts a body aside; returns once that is durable.
    fn quarantine(
        &self,
        fence: &Self::Fence,
        source: SourceId,
        reason: String,
        body: Vec<u8>,
    ) -> BoxFuture<'_, Result<(), StoreFailure>>;
    /// Whether the disk has room for more than a few alerts.
    fn has_room(&self) -> bool;
    /// Notes how a channel of a source is.
    fn set_health(&self, fence: &Self::Fence, health: SourceHealth) -> BoxFuture<'_, Result<(), StoreFailure>>;
    /// Forgets the health of all sources but these.
    fn keep_health_of(&self, fence: &Self::Fence, sources: Vec<SourceId>) -> BoxFuture<'_, Result<(), StoreFailure>>;
}

/// Who holds the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lease<F> {
    /// This process.
    Held(F),
    /// Another one.
    HeldBy {
        /// Its process id and host.
        holder: String,
    },
}

/// Why the store did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreFailure {
    /// Another process holds the lease by now; nothing was written.
    #[error("another process receives alerts by now")]
    Fenced,
    /// Anything else, in words for a person.
    #[error("{0}")]
    Failed(String),
}

impl From<StoreError> for StoreFailure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Fenced { .. } => Self::Fenced,
            other => Self::Failed(other.to_string()),
        }
    }
}

impl AlertStore for Store {
    type Fence = Fence;

    fn acquire(&self, holder: &str, ttl: Duration) -> BoxFuture<'_, Result<Lease<Fence>, StoreFailure>> {
        let holder = holder.to_owned();
        Box::pin(async move {
            match self.acquire_lease(INGEST_LEASE, &holder, ttl).await? {
                LeaseOutcome::Held(fence) => Ok(Lease::Held(fence)),
                LeaseOutcome::HeldBy { holder, .. } => Ok(Lease::HeldBy { holder }),
            }
        })
    }

    fn renew(&self, fence: &Fence, ttl: Duration) -> BoxFuture<'_, Result<(), StoreFailure>> {
        let fence = fence.clone();
        Box::pin(async move { Ok(self.renew_lease(&fence, ttl).await?) })
    }

    fn release(&self, fence: &Fence) -> BoxFuture<'_, Result<(), StoreFailure>> {
        let fence = fence.clone();
        Box::pin(async move { Ok(self.release_lease(&fence).await?) })
    }

    fn ingest(
        &self,
        fence: &Fence,
        batch: AlertBatch,
        reopen_within: Duration,
    ) -> BoxFuture<'_, Result<(), StoreFailure>> {
        let fence = fence.clone();
        Box::pin(async move {
            let source = batch.source.clone();
            let report = Self::ingest(self, fence, batch, reopen_within).await?;
            tracing::debug!(%source, ?report, "a batch is stored");
            Ok(())
        })
    }

    fn quarantine(
        &self,
        fence: &Fence,
        source: SourceId,
        reason: String,
        body: Vec<u8>,
    ) -> BoxFuture<'_, Result<(), StoreFailure>> {
        let fence = fence.clone();
        Box::pin(async move { Ok(Self::quarantine(self, &fence, &source, &reason, body).await?) })
    }

    fn has_room(&self) -> bool {
        Self::has_room(self)
    }

    fn set_health(&self, fence: &Fence, health: SourceHealth) -> BoxFuture<'_, Result<(), StoreFailure>> {
        let fence = fence.clone();
        Box::pin(async move { Ok(Self::set_health(self, &fence, health).await?) })
    }

    fn keep_health_of(&self, fence: &Fence, sources: Vec<SourceId>) -> BoxFuture<'_, Result<(), StoreFailure>> {
        let fence = fence.clone();
        Box::pin(async move { Ok(Self::keep_health_of(self, &fence, sources).await?) })
    }
}
