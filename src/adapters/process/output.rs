//! Collecting the output of all processes of an attempt into one file of limited size.
//!
//! Invariant: the pipe is always drained, whatever happens to the file, so that no process hangs on a full pipe because
//! of the limit or of a full disk.

use std::fs::File;
use std::io::Write as _;

use super::mask::Mask;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;
use tokio_util::sync::CancellationToken;

/// Bytes read at once: the capacity of a pipe on Linux (pipe(7)).
const CHUNK: usize = 64 * 1024;

/// What was collected.
#[derive(Debug, Default)]
pub(super) struct Collected {
    /// Bytes that were not kept.
    pub(super) dropped: u64,
    /// Why the file could not be written to.
    pub(super) error: Option<String>,
}

/// Reads `pipe` through `mask` into `file` until all its writers have closed it, or, once `stop` is cancelled, until it is empty. The file
/// has it all then, and the disk has it after [`LimitedFile::finish`].
pub(super) async fn collect(
    mut pipe: Receiver,
    file: File,
    limit: u64,
    mut mask: Mask,
    stop: CancellationToken,
) -> LimitedFile {
    let mut sink = LimitedFile { file, left: limit, limit, collected: Collected::default() };
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = tokio::select! {
            biased;
            read = pipe.read(&mut chunk) => read,
            () = stop.cancelled() => break,
        };
        match read {
            Ok(0) => break,
            Ok(length) => sink.take(&mask.pass(chunk.get(..length).unwrap_or_default())),
            Err(error) => {
                sink.fail(&error);
                break;
            }
        }
    }
    sink.take(&mask.finish());
    sink
}

/// A file that takes a limited number of bytes.
#[derive(Debug)]
pub(super) struct LimitedFile {
    file: File,
    left: u64,
    limit: u64,
    collected: Collected,
}

impl LimitedFile {
    fn take(&mut self, bytes: &[u8]) {
        let fitting = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        let (kept, dropped) = bytes.split_at(fitting);
        if self.collected.error.is_some() {
            self.collected.dropped += bytes.len() as u64;
            return;
        }
        if let Err(error) = self.file.write_all(kept) {
            self.fail(&error);
            self.collected.dropped += bytes.len() as u64;
            return;
        }
        self.left -= kept.len() as u64;
        if !dropped.is_empty() && self.collected.dropped == 0 {
            let line = format!("\naiops: the output limit of {} bytes is reached, the rest is dropped\n", self.limit);
            if let Err(error) = self.file.write_all(line.as_bytes()) {
                self.fail(&error);
            }
        }
        self.collected.dropped += dropped.len() as u64;
    }

    fn fail(&mut self, error: &std::io::Error) {
        self.collected.error.get_or_insert_with(|| format!("output was lost: {error}"));
    }

    /// Brings it onto the disk.
    pub(super) fn finish(mut self) -> Collected {
        if let Err(error) = self.file.sync_all() {
            self.fail(&error);
        }
        self.collected
    }
}
