//! Keeping what was approved as a read from writing: the kernel's Landlock.
//!
//! Owns: what a confined program may still write to, and how a program is started confined. Does not: decide which actions are
//! confined (see `domain::action::spec::Confinement`), or keep anything from the network or from sockets: a read of a
//! database or a cluster goes through these.
//!
//! Invariant: only the thread that starts the programs is confined, never the supervisor, which has to write the outcome.

use std::io;
use std::path::Path;
use std::thread;

use landlock::{
    ABI, AccessFs, BitFlags, CompatLevel, Compatible as _, PathBeneath, PathFd, PathFdError, Ruleset, RulesetAttr as _,
    RulesetCreated, RulesetCreatedAttr as _, RulesetError, Scope,
};

/// The oldest Landlock that counts: it knows all ways of writing but truncate(2), which the third knows.
const NEEDED: ABI = ABI::V1;
/// What is used of newer ones where they are there: renaming across directories and truncating.
const WANTED: ABI = ABI::V3;
/// Devices that everybody writes to, with no effect.
const SINKS: [&str; 3] = ["/dev/null", "/dev/zero", "/dev/full"];

/// Whether this kernel can keep programs from writing files.
#[must_use]
pub fn is_available() -> bool {
    rules().is_ok()
}

/// Starts programs with `start`, on a thread that can write only below `scratch`: so can what it starts, for ever.
/// Nor can they gain privileges (`sudo`), or signal processes outside, where the kernel knows how to keep them from it.
///
/// # Errors
/// When the kernel cannot do that, or `scratch` is not there; nothing was started then.
pub(super) fn confined<T: Send>(scratch: &Path, start: impl FnOnce() -> T + Send) -> io::Result<T> {
    let on_thread = || -> io::Result<T> {
        restrict(scratch).map_err(|why| io::Error::other(format!("it cannot be kept from writing: {why}")))?;
        Ok(start())
    };
    thread::scope(|scope| scope.spawn(on_thread).join())
        .unwrap_or_else(|_| Err(io::Error::other("the thread that starts confined programs fell over")))
}

fn restrict(scratch: &Path) -> Result<(), Refused> {
    let mut rules = rules()?.add_rule(PathBeneath::new(PathFd::new(scratch)?, writing()))?;
    for sink in SINKS {
        // A container may lack one; nobody writes to it there.
        if let Ok(device) = PathFd::new(sink) {
            rules = rules.add_rule(PathBeneath::new(device, AccessFs::WriteFile | AccessFs::Truncate))?;
        }
    }
    rules.restrict_self()?;
    Ok(())
}

/// All ways of changing files; reading is not touched.
fn writing() -> BitFlags<AccessFs> {
    AccessFs::from_write(WANTED)
}

fn rules() -> Result<RulesetCreated, Refused> {
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_write(NEEDED))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(writing())?
        .scope(Scope::Signal)?;
    Ok(rules.create()?)
}

/// Why the kernel did not do it.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Rules(#[from] RulesetError),
    #[error(transparent)]
    Path(#[from] PathFdError),
}
