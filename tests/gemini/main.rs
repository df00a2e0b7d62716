//! The wire to Gemini: recorded answers cut at every byte, bodies held against Google's own description, and Google's own
//! client against the stand-in.
//!
//! What is not at hand (recordings, the description, the client) is named and left out; with `AIOPS_REQUIRE_SERVICES=1` the
//! client has to be there, and so has the description where its directory is.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod bodies;
mod leaks;
mod official;
mod program;
mod recordings;
mod stack;
mod wire;

use std::path::PathBuf;

/// The directory with recordings and the interface's description: `AIOPS_GEMINI`, or beside this project.
fn gemini() -> Option<PathBuf> {
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/gemini"));
    let place = std::env::var_os("AIOPS_GEMINI").map_or(beside, PathBuf::from);
    if place.is_dir() {
        return Some(place);
    }
    println!("skipped: {} is not there (set AIOPS_GEMINI)", place.display());
    None
}

/// Whether nothing may be left out for want of a program.
fn required() -> bool {
    std::env::var_os("AIOPS_REQUIRE_SERVICES").is_some_and(|value| value == "1")
}

/// The faults that the tests know.
const FAULTS: &str = include_str!("scenarios/faults.toml");
