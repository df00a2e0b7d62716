//! Logs of this host: files, which are read here, and journald, which a command of the gate reads.
//!
//! Files are a query: opened, read from the end and closed, without a process. `journalctl` is a process, and a query never
//! is one; so it is proposed, shown, approved and recorded like every other command that looks, and [`journal`] only writes
//! its words and reads what it printed.

pub mod files;
pub mod journal;

pub use files::LogFiles;
