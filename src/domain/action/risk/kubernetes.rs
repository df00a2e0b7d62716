//! `kubectl` and `oc`: what their operands and values say beyond the tables.
//!
//! Owns: which objects are deleted, what a patch removes, formats of output, files from the network.

use super::judge::{Call, Finding};
use super::{Risk, wrappers};

/// `get`, `describe`: formats that come from the command line alone or from a file that is only read.
pub(super) fn get(call: &Call<'_>) -> Finding {
    match call.operands.iter().find(|word| word.to_ascii_lowercase().contains("secret")) {
        Some(word) => {
            Finding::of(Risk::Read, call.name, &format!("{word} may put secrets into the output, which is kept"))
        }
        None if call.operands.is_empty() && !call.arguments.has(&["--raw", "-f", "--filename", "-k"]) => {
            call.finding(Risk::Unknown, "no kind of object is named")
        }
        None => remote_file(call),
    }
}

/// A file that is fetched from elsewhere says what happens.
fn remote_file(call: &Call<'_>) -> Finding {
    match call
        .arguments
        .values(&["-f", "--filename", "-k", "--kustomize"])
        .find(|file| file.contains("://") || *file == "-")
    {
        Some("-") => call.finding(Risk::Unknown, "what it reads from its input is not known"),
        Some(url) => call.finding(Risk::Unknown, &format!("what {url} holds is not known")),
        None => call.reads(),
    }
}

/// `apply`, `create`, `replace`: a named file, or what another command wrote.
pub(super) fn apply(call: &Call<'_>) -> Finding {
    match (&call.context.input, call.arguments.values(&["-f", "--filename"]).any(|file| file == "-")) {
        (super::judge::Input::Content, true) => {
            // What `--dry-run=client -o yaml` or a template prints is judged by that command.
            Finding::of(Risk::Unknown, call.name, "what it reads from its input is not known")
        }
        _ => remote_file(call),
    }
}

/// `delete`: one pod by its name comes back by itself where something controls it; anything else is gone.
pub(super) fn delete(call: &Call<'_>) -> Finding {
    let by_name = !call.arguments.has(&[
        "--all",
        "-l",
        "--selector",
        "--field-selector",
        "-A",
        "--all-namespaces",
        "-f",
        "--filename",
        "-k",
        "--kustomize",
        "--raw",
        "--force",
        "--grace-period",
        "--now",
        "--cascade",
        "-R",
        "--recursive",
    ]);
    let pod = |kind: &str| matches!(kind, "po" | "pod" | "pods");
    let one = match call.operands {
        [kind, name] => pod(kind) && !name.contains('/') && *name != wrappers::ITEM,
        [name] => name.split_once('/').is_some_and(|(kind, _)| pod(kind)),
        _ => false,
    };
    if by_name && one {
        call.finding(Risk::Change, "a pod that something controls comes back")
    } else {
        call.finding(Risk::Destroy, "what it deletes does not come back by itself")
    }
}

/// `patch`, `annotate`, `label`: what guards an object from being deleted must stay.
pub(super) fn patch(call: &Call<'_>) -> Finding {
    let mut texts = call.arguments.values(&["-p", "--patch"]).chain(call.operands.iter().copied());
    let guards = |text: &str| text.contains("finalizers") || text.contains("\"remove\"") && text.contains("/metadata");
    match texts.find(|text| guards(text)) {
        Some(_) => call.finding(Risk::Destroy, "without its finalizers an object goes without being cleaned up"),
        None => call.reads(),
    }
}

/// `oc debug NODE -- COMMAND…`: it makes a pod, and runs the command there.
pub(super) fn debug(call: &Call<'_>) -> Finding {
    call.finding(Risk::Change, "it starts a pod of its own").or_higher(wrappers::after_dashes(call))
}
