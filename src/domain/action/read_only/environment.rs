//! Variables in front of a program: which of them leave it what it is.
//!
//! Owns: their names. Any other variable may name a program, a file or a server (`LD_PRELOAD`, `KUBECONFIG`, `GIT_PAGER`).

use super::Stage;

/// Variables that change how things look, by what they are for in locale(7), ncurses and no-color.org.
const LOOKS: [&str; 7] = ["COLUMNS", "LANG", "LANGUAGE", "LINES", "NO_COLOR", "TERM", "TZ"];

/// Names that runbooks give to what they repeat; no program that is judged here reads them.
#[rustfmt::skip]
const NAMES: [&str; 16] = [
    "CLUSTER", "CONTAINER", "DEPLOYMENT", "HOST", "INSTANCE", "NAMESPACE", "NODE", "NODE_NAME", "NS", "POD", "POD_NAME", "PV",
    "PVC", "PVC_NAME", "SERVICE", "SINCE",
];

/// Why it is not known what the variables of `stage` do to its program.
pub(super) fn check(stage: &Stage) -> Result<(), String> {
    let harmless =
        |name: &str| LOOKS.contains(&name) || NAMES.contains(&name) || (name.starts_with("LC_") && name != "LC_");
    match stage.env.keys().find(|name| !harmless(name)) {
        Some(name) => Err(format!("{name} is set for it, and a variable can change what a program does")),
        None => Ok(()),
    }
}
