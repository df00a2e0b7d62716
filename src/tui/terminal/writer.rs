//! Sending frames from a thread of its own, so that a slow link never blocks the console.
//!
//! Owns: the bytes between the encoder and the terminal. Invariants: bytes leave in the order in which they were
//! submitted, and none is dropped as long as writing works, because each frame builds on the one before it.
//! Does not: decide when to draw; whoever draws waits for [`Writer::is_idle`], so that no more than one frame waits.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::Notify;

/// The thread that writes, seen from the console.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    slot: Mutex<Slot>,
    /// Something was submitted, written or given up.
    changed: Condvar,
    /// The same for the event loop.
    settled: Notify,
}

#[derive(Debug, Default)]
struct Slot {
    waiting: Vec<u8>,
    state: State,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    Writing,
    /// Writing failed for this reason; nothing is written any more.
    Failed(String),
    /// The console has gone.
    Closed,
}

impl Shared {
    /// A panic of the writing thread leaves plain data behind, which is still good.
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    /// Starts the thread that writes to `output`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(output: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let thread_shared = Arc::clone(&shared);
        thread::Builder::new().name("terminal".to_owned()).spawn(move || run(&thread_shared, output))?;
        Ok(Self { shared })
    }

    /// Hands bytes over; never blocks. What is submitted while a frame is being written waits; what is submitted after a
    /// failure is discarded.
    pub fn submit(&self, frame: Vec<u8>) {
        let mut slot = self.shared.slot();
        if frame.is_empty() || !matches!(slot.state, State::Idle | State::Writing) {
            return;
        }
        if slot.waiting.is_empty() {
            slot.waiting = frame;
        } else {
            slot.waiting.extend_from_slice(&frame);
        }
        drop(slot);
        self.shared.changed.notify_all();
    }

    /// Whether everything was written (or never will be): the time to draw the next frame.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let slot = self.shared.slot();
        slot.waiting.is_empty() && slot.state != State::Writing
    }

    /// Why nothing is written any more; `None` while all is well.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        match &self.shared.slot().state {
            State::Failed(reason) => Some(reason.clone()),
            State::Idle | State::Writing | State::Closed => None,
        }
    }

    /// Returns each time that the writer has become idle or has failed. May return once too often; safe to cancel.
    pub async fn settled(&self) {
        self.shared.settled.notified().await;
    }

    /// Waits until everything was written, at most `limit`. Returns whether it was.
    pub fn drain(&self, limit: Duration) -> bool {
        let is_busy = |slot: &mut Slot| !slot.waiting.is_empty() || slot.state == State::Writing;
        let waited = self.shared.changed.wait_timeout_while(self.shared.slot(), limit, is_busy);
        let (slot, _) = waited.unwrap_or_else(PoisonError::into_inner);
        slot.waiting.is_empty() && slot.state == State::Idle
    }
}

impl Drop for Writer {
    /// Lets the thread end after what it is writing. It is not waited for: it may be stuck in a dead terminal.
    fn drop(&mut self) {
        self.shared.slot().state = State::Closed;
        self.shared.changed.notify_all();
    }
}

fn run(shared: &Shared, mut output: impl Write) {
    while let Some(frame) = next_frame(shared) {
        let result = output.write_all(&frame).and_then(|()| output.flush());
        let mut slot = shared.slot();
        if slot.state == State::Closed {
            return;
        }
        slot.state = match result {
            Ok(()) => State::Idle,
            Err(error) => {
                slot.waiting.clear();
                State::Failed(error.to_string())
            }
        };
        let settled = slot.waiting.is_empty();
        drop(slot);
        shared.changed.notify_all();
        if settled {
            shared.settled.notify_one();
        }
    }
}

/// Waits for bytes and takes them; `None` when the thread is to end.
fn next_frame(shared: &Shared) -> Option<Vec<u8>> {
    let has_nothing = |slot: &mut Slot| slot.waiting.is_empty() && slot.state == State::Idle;
    let waited = shared.changed.wait_while(shared.slot(), has_nothing);
    let mut slot = waited.unwrap_or_else(PoisonError::into_inner);
    match slot.state {
        State::Idle | State::Writing => {
            slot.state = State::Writing;
            Some(std::mem::take(&mut slot.waiting))
        }
        State::Failed(_) | State::Closed => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// An output that writes only when it is told to, and tells what it wrote.
    struct Gate {
        may_write: mpsc::Receiver<io::Result<()>>,
        written: mpsc::Sender<Vec<u8>>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.may_write.recv().unwrap_or(Ok(()))?;
            let _ = self.written.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn gate() -> (Writer, mpsc::Sender<io::Result<()>>, mpsc::Receiver<Vec<u8>>) {
        let (open, may_write) = mpsc::channel();
        let (written, wrote) = mpsc::channel();
        (Writer::new(Gate { may_write, written }).unwrap(), open, wrote)
    }

    const LONG: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_stuck_terminal_blocks_nobody_and_loses_nothing() {
        let (writer, open, wrote) = gate();
        assert!(writer.is_idle());
        for frame in [b"one".as_slice(), b"two", b"three"] {
            writer.submit(frame.to_vec());
        }
        assert!(!writer.is_idle());
        assert!(!writer.drain(Duration::from_millis(1)));
        (0..3).for_each(|_| open.send(Ok(())).unwrap());
        assert!(writer.drain(LONG));
        writer.settled().await;
        assert_eq!(wrote.try_iter().flatten().collect::<Vec<u8>>(), b"onetwothree");
        assert!(writer.is_idle());
    }

    #[tokio::test]
    async fn a_failure_is_reported_and_later_frames_are_discarded() {
        let (writer, open, wrote) = gate();
        writer.submit(b"lost".to_vec());
        open.send(Err(io::Error::other("terminal has gone"))).unwrap();
        writer.settled().await;
        assert_eq!(writer.failure().as_deref(), Some("terminal has gone"));
        writer.submit(b"later".to_vec());
        assert!(writer.is_idle());
        // The thread has ended: its side of the channel is closed.
        assert!(wrote.recv_timeout(LONG).is_err());
    }

    #[test]
    fn dropping_ends_the_thread() {
        let (writer, _open, wrote) = gate();
        drop(writer);
        assert_eq!(wrote.recv_timeout(LONG), Err(mpsc::RecvTimeoutError::Disconnected));
    }
}
