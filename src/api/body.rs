//! Reading a body without giving its sender more memory or time than it may have.
//!
//! Owns: the limits of one body and the budget that all bodies in flight share. Does not: understand a body or answer.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use futures_util::StreamExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How much of a body that is too large is kept for a person to look at.
pub(super) const HEAD_KEPT: usize = 64 * 1024;

/// Bytes of bodies in flight, over all requests.
#[derive(Clone)]
pub(super) struct ByteBudget(Arc<Semaphore>);

/// A part of the budget; given back when dropped.
pub(super) struct Reservation(OwnedSemaphorePermit);

impl ByteBudget {
    /// A budget of `bytes`.
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    fn reserve(&self, bytes: usize) -> Option<Reservation> {
        let permits = u32::try_from(bytes).ok()?;
        Arc::clone(&self.0).try_acquire_many_owned(permits).ok().map(Reservation)
    }

    /// Makes `held` at least `bytes` large.
    fn grow(&self, held: &mut Reservation, bytes: usize) -> Option<()> {
        let more = bytes.saturating_sub(held.0.num_permits());
        if more > 0 {
            held.0.merge(self.reserve(more)?.0);
        }
        Some(())
    }
}

/// A body that was read.
pub(super) enum Arrived {
    /// Whole. The reservation is to be kept until the bytes are gone.
    Whole(Vec<u8>, Reservation),
    /// Larger than allowed.
    TooLarge {
        /// The first [`HEAD_KEPT`] bytes.
        head: Vec<u8>,
        /// How many bytes arrived; fewer than it has when time ran out.
        length: u64,
        /// For `head`.
        reservation: Reservation,
    },
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyFailure {
    /// The budget is used up by other requests.
    Overloaded,
    /// It did not arrive in time.
    TooSlow,
    /// The connection broke.
    Broken,
}

/// Reads `body`, at most `limit` bytes of it, within `patience`.
///
/// A body that announces its length reserves all of it first, so that an overload is answered before anything is read.
/// What is beyond the limit is read and thrown away, because a sender that is cut off never sees the answer.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    patience: Duration,
    budget: &ByteBudget,
) -> Result<Arrived, BodyFailure> {
    let announced = content_length(headers);
    let cap = if announced.is_some_and(|length| length > limit as u64) { HEAD_KEPT.min(limit) } else { limit };
    let first = announced.map_or(0, |length| usize::try_from(length).unwrap_or(cap).min(cap));
    let reservation = budget.reserve(first).ok_or(BodyFailure::Overloaded)?;
    let mut reading = Reading { kept: Vec::with_capacity(first), length: 0, limit, cap, reservation };
    match tokio::time::timeout(patience, reading.run(body, budget)).await {
        Ok(result) => result?,
        // What is known to be too large by now is not worth a second delivery.
        Err(_) if reading.is_too_large() => {}
        Err(_) => return Err(BodyFailure::TooSlow),
    }
    Ok(reading.finish())
}

struct Reading {
    kept: Vec<u8>,
    length: u64,
    limit: usize,
    /// How many bytes are kept; falls to [`HEAD_KEPT`] when the body turns out to be too large.
    cap: usize,
    reservation: Reservation,
}

impl Reading {
    async fn run(&mut self, body: Body, budget: &ByteBudget) -> Result<(), BodyFailure> {
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            self.take(&chunk.map_err(|_| BodyFailure::Broken)?, budget)?;
        }
        Ok(())
    }

    fn is_too_large(&self) -> bool {
        self.length > self.limit as u64
    }

    fn finish(self) -> Arrived {
        if self.is_too_large() {
            Arrived::TooLarge { head: self.kept, length: self.length, reservation: self.reservation }
        } else {
            Arrived::Whole(self.kept, self.reservation)
        }
    }

    fn take(&mut self, chunk: &Bytes, budget: &ByteBudget) -> Result<(), BodyFailure> {
        self.length += chunk.len() as u64;
        if self.is_too_large() && self.cap > HEAD_KEPT {
            self.cap = HEAD_KEPT;
            self.kept.truncate(HEAD_KEPT);
            self.kept.shrink_to_fit();
            let surplus = self.reservation.0.num_permits().saturating_sub(HEAD_KEPT);
            drop(self.reservation.0.split(surplus));
        }
        let room = self.cap.saturating_sub(self.kept.len()).min(chunk.len());
        budget.grow(&mut self.reservation, self.kept.len() + room).ok_or(BodyFailure::Overloaded)?;
        self.kept.extend_from_slice(&chunk[..room]);
        Ok(())
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    const LIMIT: usize = 200 * 1024;

    fn chunked(sizes: &[usize]) -> Body {
        let chunks: Vec<_> = sizes.iter().map(|size| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; *size]))).collect();
        Body::from_stream(stream::iter(chunks))
    }

    async fn read_with(headers: &HeaderMap, body: Body, budget: &ByteBudget) -> Result<Arrived, BodyFailure> {
        read(headers, body, LIMIT, Duration::from_secs(5), budget).await
    }

    fn announcing(length: usize) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_LENGTH, length.to_string().parse().unwrap())])
    }

    #[tokio::test]
    async fn a_body_holds_its_bytes_until_it_is_dropped() {
        let budget = ByteBudget::new(1_000);
        let Ok(Arrived::Whole(bytes, reservation)) = read_with(&HeaderMap::new(), chunked(&[300, 300]), &budget).await
        else {
            panic!("not read")
        };
        assert_eq!((bytes.len(), budget.0.available_permits()), (600, 400));
        drop(reservation);
        assert_eq!(budget.0.available_permits(), 1_000);
    }

    #[tokio::test]
    async fn an_announced_length_is_reserved_before_anything_is_read() {
        let budget = ByteBudget::new(1_000);
        let never = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let failure = read_with(&announcing(1_001), never, &budget).await.err();
        assert_eq!(failure, Some(BodyFailure::Overloaded));
        assert_eq!(budget.0.available_permits(), 1_000);
    }

    #[tokio::test]
    async fn chunks_beyond_the_budget_are_an_overload_and_give_everything_back() {
        let budget = ByteBudget::new(1_000);
        let failure = read_with(&HeaderMap::new(), chunked(&[600, 600]), &budget).await.err();
        assert_eq!(failure, Some(BodyFailure::Overloaded));
        assert_eq!(budget.0.available_permits(), 1_000);
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_keeps_its_head_only() {
        for headers in [HeaderMap::new(), announcing(LIMIT + 100_001)] {
            let budget = ByteBudget::new(2 * LIMIT);
            let body = chunked(&[LIMIT, 1, 100_000]);
            let Ok(Arrived::TooLarge { head, length, reservation }) = read_with(&headers, body, &budget).await else {
                panic!("not too large")
            };
            assert_eq!((head.len(), length), (HEAD_KEPT, LIMIT as u64 + 100_001));
            assert_eq!(budget.0.available_permits(), 2 * LIMIT - HEAD_KEPT);
            drop(reservation);
            assert_eq!(budget.0.available_permits(), 2 * LIMIT);
        }
    }

    #[tokio::test]
    async fn a_body_of_exactly_the_limit_is_whole() {
        let budget = ByteBudget::new(LIMIT);
        let arrived = read_with(&announcing(LIMIT), chunked(&[LIMIT]), &budget).await;
        assert!(matches!(arrived, Ok(Arrived::Whole(bytes, _)) if bytes.len() == LIMIT));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_too_large_and_never_ends_is_not_asked_for_again() {
        let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 1024])))
            .take(LIMIT / 1024 + 1)
            .chain(stream::pending());
        let budget = ByteBudget::new(LIMIT);
        let arrived = read_with(&HeaderMap::new(), Body::from_stream(endless), &budget).await;
        assert!(matches!(arrived, Ok(Arrived::TooLarge { head, .. }) if head.len() == HEAD_KEPT));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up() {
        let budget = ByteBudget::new(1_000);
        let never = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let failure = read_with(&announcing(10), never, &budget).await.err();
        assert_eq!(failure, Some(BodyFailure::TooSlow));
        assert_eq!(budget.0.available_permits(), 1_000);
    }
}
