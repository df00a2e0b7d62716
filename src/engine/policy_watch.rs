//! Looking after the policy while a console is open, so that a person knows at once that it broke, changed or is mended.
//!
//! Owns: when it is looked at. Invariant: nothing is decided here; whoever proposes, approves or starts asks the policy anew
//! inside the transaction. Does not: read files; whoever plugs it in hands in how the policy stands.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// How often it is looked: a few system calls on local disks, and soon enough for somebody who has just saved a file.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How the policy stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyState {
    /// The hash of all files that are in force.
    pub hash: String,
    /// Why it fails closed, one sentence for each file, with what to do; none when it does not. May hold foreign text.
    pub complaints: Vec<String>,
}

/// Tells `sender` of every change of what `look` gives, which may block. Ends when nobody listens any more.
pub async fn watch(look: Arc<dyn Fn() -> PolicyState + Send + Sync>, sender: watch::Sender<PolicyState>) {
    loop {
        let look = Arc::clone(&look);
        let Ok(now) = tokio::task::spawn_blocking(move || look()).await else { return };
        sender.send_if_modified(|known| {
            let is_other = *known != now;
            if is_other {
                *known = now;
            }
            is_other
        });
        tokio::select! {
            () = sender.closed() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn state(hash: &str, complaints: &[&str]) -> PolicyState {
        PolicyState { hash: hash.to_owned(), complaints: complaints.iter().map(|one| (*one).to_owned()).collect() }
    }

    #[tokio::test(start_paused = true)]
    async fn every_change_is_told_once_and_the_watch_ends_with_its_listeners() {
        let current = Arc::new(Mutex::new(state("a", &[])));
        let (sender, mut listener) = watch::channel(state("a", &[]));
        let shared = Arc::clone(&current);
        let watching = tokio::spawn(watch(Arc::new(move || shared.lock().unwrap().clone()), sender));
        for next in [state("b", &["broken"]), state("c", &[])] {
            *current.lock().unwrap() = next.clone();
            listener.changed().await.unwrap();
            assert_eq!(*listener.borrow_and_update(), next);
        }
        drop(listener);
        watching.await.unwrap();
    }
}
