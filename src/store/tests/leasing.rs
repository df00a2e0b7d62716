//! The ingest lease: one holder, take-over, fencing.

use std::sync::Arc;
use std::time::Duration;

use super::support::{Bench, TTL, fence_of, firing, identity};
use crate::domain::alert::BatchOrigin;
use crate::domain::journal::Payload;
use crate::store::view::LeaseView;
use crate::store::{INGEST_LEASE, Identity, LeaseOutcome, OpenOptions, Store, StoreError};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn one_holds_it_and_the_other_learns_who() {
    let bench = Bench::new();
    let other = bench.open_again(2);
    let fence = bench.fence().await;
    let outcome = other.acquire_lease(INGEST_LEASE, "2@test", TTL).await.unwrap();
    assert_eq!(outcome, LeaseOutcome::HeldBy { holder: "1@test".to_owned(), expires_at: bench.clock.now().plus(TTL) });
    let seen = |is_self| Some(LeaseView { holder: "1@test".to_owned(), is_self, fence: fence.token() });
    assert_eq!(bench.store.header().await.unwrap().receiver, seen(true));
    assert_eq!(other.header().await.unwrap().receiver, seen(false));
    assert!(matches!(bench.journal().await.last(), Some(Payload::LeaseTaken { fence: 1, .. })));
}

#[tokio::test]
async fn after_its_end_it_is_taken_over_and_the_old_holder_is_fenced() {
    let bench = Bench::new();
    let other = bench.open_again(2);
    let fence = bench.fence().await;
    bench.clock.advance(TTL - SECOND);
    bench.store.renew_lease(&fence, TTL).await.unwrap();
    bench.clock.advance(TTL - SECOND);
    assert!(matches!(other.acquire_lease(INGEST_LEASE, "2@test", TTL).await.unwrap(), LeaseOutcome::HeldBy { .. }));
    bench.clock.advance(2 * SECOND);
    assert_eq!(bench.store.header().await.unwrap().receiver, None);
    // Late, but nobody took it: the holder may still write.
    bench.ingest(&fence, vec![firing("Disk", "a", 1)]).await;
    let taken = fence_of(&other, "2@test").await;
    assert_eq!(taken.token(), fence.token() + 1);
    let fenced = StoreError::Fenced { name: INGEST_LEASE.to_owned() };
    let late = bench.try_ingest(&fence, BatchOrigin::Webhook, vec![firing("Net", "b", 1)]).await;
    assert_eq!(late.unwrap_err(), fenced);
    assert_eq!(bench.store.renew_lease(&fence, TTL).await.unwrap_err(), fenced);
    // Giving back what was taken over does not take it from the new holder.
    bench.store.release_lease(&fence).await.unwrap();
    other.renew_lease(&taken, TTL).await.unwrap();
    assert_eq!(bench.store.header().await.unwrap().unresolved_total(), 1);
}

#[tokio::test]
async fn a_holder_that_is_gone_is_followed_at_once() {
    let bench = Bench::new();
    let other = bench.open_again(2);
    let fence = bench.fence().await;
    assert!(matches!(other.acquire_lease(INGEST_LEASE, "2@test", TTL).await.unwrap(), LeaseOutcome::HeldBy { .. }));
    // Nothing is given back: as when it is killed, only the kernel closes its files.
    let (_directory, _clock) = bench.close();
    assert_eq!(other.header().await.unwrap().receiver, None);
    let taken = fence_of(&other, "2@test").await;
    assert_eq!(taken.token(), fence.token() + 1);
    // Not even the same process id and holder's name make the old token worth anything.
    assert!(other.renew_lease(&fence, TTL).await.is_err());
}

#[tokio::test]
async fn a_holder_that_was_overtaken_shows_nothing_of_the_new_one() {
    let bench = Bench::new();
    let other = bench.open_again(2);
    let _first = bench.fence().await;
    bench.clock.advance(TTL + SECOND);
    let taken = fence_of(&other, "2@test").await;
    // The first one, stopped meanwhile, ends: the second one is there all the same.
    let third = bench.open_again(3);
    drop(bench.store);
    assert!(matches!(third.acquire_lease(INGEST_LEASE, "3@test", TTL).await.unwrap(), LeaseOutcome::HeldBy { .. }));
    other.release_lease(&taken).await.unwrap();
    assert_eq!(fence_of(&third, "3@test").await.token(), taken.token() + 1);
}

#[tokio::test]
async fn a_lease_that_could_not_be_stored_is_in_nobodys_way() {
    let bench = Bench::new();
    let other = bench.open_again(2);
    bench
        .raw()
        .execute_batch("CREATE TRIGGER full BEFORE INSERT ON lease BEGIN SELECT RAISE(ABORT, 'no space'); END;")
        .unwrap();
    bench.store.acquire_lease(INGEST_LEASE, "1@test", TTL).await.unwrap_err();
    bench.raw().execute_batch("DROP TRIGGER full").unwrap();
    let taken = fence_of(&other, "2@test").await;
    other.release_lease(&taken).await.unwrap();
    assert!(bench.fence().await.token() > taken.token());
}

#[tokio::test]
async fn giving_it_back_lets_the_next_one_in_at_once() {
    let bench = Bench::new();
    let other = bench.open_again(2);
    let fence = bench.fence().await;
    bench.store.release_lease(&fence).await.unwrap();
    assert_eq!(bench.store.header().await.unwrap().receiver, None);
    let late = bench.try_ingest(&fence, BatchOrigin::Webhook, vec![firing("Net", "b", 1)]).await;
    assert!(matches!(late, Err(StoreError::Fenced { .. })));
    assert_eq!(fence_of(&other, "2@test").await.token(), 2);
}

#[tokio::test]
async fn asking_again_makes_the_own_older_token_worthless() {
    let bench = Bench::new();
    let first = bench.fence().await;
    let second = bench.fence().await;
    assert!(second.token() > first.token());
    assert!(bench.store.renew_lease(&first, TTL).await.is_err());
    bench.store.renew_lease(&second, TTL).await.unwrap();
}

#[tokio::test]
async fn a_reboot_ends_it() {
    let bench = Bench::new();
    let _fence = bench.fence().await;
    let now = bench.clock.now();
    let options = OpenOptions {
        identity: Identity { boot_id: "boot-2".to_owned(), ..identity(2) },
        // Time since boot begins anew.
        now: Arc::new(move || (now, SECOND)),
    };
    let rebooted = Store::open(&bench.path(), options).unwrap();
    assert_eq!(rebooted.header().await.unwrap().receiver, None);
    assert_eq!(fence_of(&rebooted, "2@test").await.token(), 2);
}
