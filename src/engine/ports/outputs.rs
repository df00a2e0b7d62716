//! Outputs of attempts as something that takes up room on the disk.
//!
//! Owns: the port. Does not: say which outputs may be erased (`engine::keeping` does).

use std::io;
use std::path::Path;

/// Where the outputs of attempts are. All calls block.
pub trait Outputs: Send + Sync + 'static {
    /// Bytes that all of them take up, records included.
    fn bytes(&self) -> u64;
    /// Bytes of the output in the directory of one attempt; 0 when there is none.
    fn bytes_of(&self, directory: &Path) -> u64;
    /// Erases the output in the directory of one attempt, and nothing else there. One that is not there is erased.
    ///
    /// # Errors
    /// When it is there and cannot be erased.
    fn erase(&self, directory: &Path) -> io::Result<()>;
}
