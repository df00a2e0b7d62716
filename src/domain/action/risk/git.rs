//! `git`: what its operands say beyond its options.
//!
//! Owns: reference specifications of `push`, paths of `checkout`, names of configuration, and commands that look or change by
//! how many operands they have. Does not: look into aliases: a command that is not in the table is `Unknown`.

use super::Risk;
use super::judge::{Call, Finding};

/// `push [REMOTE [REFSPEC…]]`
pub(super) fn push(call: &Call<'_>) -> Finding {
    if let Some(remote) = call.operands.first().filter(|remote| remote.contains("::")) {
        return call.finding(Risk::Unknown, &format!("{remote} names a program that speaks for the remote"));
    }
    match call.operands.iter().skip(1).find(|spec| spec.starts_with(['+', ':'])) {
        Some(spec) => call.finding(Risk::Destroy, &format!("{spec} removes or overwrites what the remote has")),
        None => call.reads(),
    }
}

/// Commands that ask a remote: one may be a program.
pub(super) fn remote(call: &Call<'_>) -> Finding {
    match call.operands.iter().find(|word| word.contains("::") && !word.contains(']')) {
        Some(remote) => call.finding(Risk::Unknown, &format!("{remote} names a program that speaks for the remote")),
        None => call.reads(),
    }
}

/// `checkout BRANCH` changes, `checkout [TREE] -- PATH…` overwrites what was not committed.
pub(super) fn checkout(call: &Call<'_>) -> Finding {
    let paths = call.arguments.has_dashes()
        || call.operands.len() > 1
        || call.operands.iter().any(|word| word.starts_with('.'));
    let creates = call.arguments.has(&["-b", "--orphan", "-t", "--track"]);
    if paths && !creates {
        call.finding(Risk::Destroy, "what was changed in these files and not committed is lost")
    } else {
        call.reads()
    }
}

/// `config NAME` asks, `config NAME VALUE` sets; some names hold programs.
pub(super) fn config(call: &Call<'_>) -> Finding {
    let asks = ["--get", "--get-all", "--get-regexp", "-l", "--list", "--get-urlmatch"];
    if call.arguments.has(&asks) || call.operands.len() == 1 && !call.arguments.has(&["--unset", "--unset-all"]) {
        return call.reads();
    }
    let name = call.operands.first().map(|name| name.to_ascii_lowercase()).unwrap_or_default();
    let harmless = ["user.name", "user.email", "pull.rebase", "init.defaultbranch", "push.default", "color.ui"];
    match name.as_str() {
        "get" | "list" => call.reads(),
        name if harmless.contains(&name) => call.finding(Risk::Change, "it sets a value"),
        name => call.finding(Risk::Unknown, &format!("{name} may hold a program that later commands run")),
    }
}

/// Commands that list without operands, and make something with one: `tag`, `branch`, `remote`, `bundle`.
pub(super) fn list_or_make(call: &Call<'_>) -> Finding {
    let lists = [
        "-l",
        "--list",
        "-a",
        "--all",
        "-r",
        "--remotes",
        "-v",
        "-vv",
        "--contains",
        "--merged",
        "--no-merged",
        "--show-current",
        "--points-at",
        "-n",
    ];
    if call.operands.is_empty() || call.arguments.has(&lists) {
        call.reads()
    } else {
        call.finding(Risk::Change, "it makes or moves a name")
    }
}
