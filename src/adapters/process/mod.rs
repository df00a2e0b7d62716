//! Running actions on this host: a small supervisor process per attempt, and the runner that starts and finds it.
//!
//! Owns: the attempt's directory and everything in it, process groups, output, exit statuses. Does not: decide whether an
//! action may run (that is the [`Grant`](crate::domain::action::grant::Grant)) or remember attempts (that is the store).
//!
//! Invariants:
//! - Nothing is started before `supervisor.json` is on the disk, and one directory is supervised at most once. So when that
//!   file is missing after the supervisor's end, nothing of the action ever ran.
//! - The supervisor lives in a session of its own: the end of the console, of its terminal or of its process group does
//!   not reach it. Where a logout would, it lives in a systemd scope of its own. It writes `outcome.json` after the last
//!   process of the action, and before that, as soon as it knows how the action ended, a note that outlives its own sudden
//!   end.
//! - The supervisor of an interactive action stays in the console's session, because the terminal belongs to that, and
//!   leads the process group in the foreground. It survives what ends the programs (Ctrl-C, a hang-up), to record it.
//! - An action that is confined to reading is started by a thread that the kernel keeps from writing, or not at all.
//! - Secrets reach the programs that are to have them through descriptors, and nothing else of the attempt.
//! - What runs has the digest that was approved; the supervisor computes it anew.
//!
//! Not done: processes that leave the session on purpose (daemons) are neither waited for nor ended.

mod away;
mod command;
mod confine;
mod execute;
mod files;
mod handed;
mod identity;
mod logind;
mod mask;
mod output;
mod outputs;
mod pod;
mod remarks;
mod remote;
mod runner;
mod scope;
mod session;
mod ssh_key;
mod supervisor;
mod terminal;

pub use confine::is_available as reads_can_be_confined;
pub use files::{OUTPUT as OUTPUT_FILE, OutcomeRecord, PartRecord, StageStatus, output_beginning, output_digest};
pub use handed::Secrets;
pub use identity::start_ticks;
pub use logind::{AfterLogout, Logind, after_logout};
pub use outputs::AttemptOutputs;
pub use runner::{DEFAULT_GRACE, DEFAULT_OUTPUT_LIMIT, ProcessRunner};
pub use scope::{Manager, Scope};
pub use ssh_key::key_of_session;
pub use supervisor::supervise;
