//! Programs on files and devices whose words have rules of their own.
//!
//! Owns: what is overwritten, moved, packed and made shorter, and where. Does not: programs that only read files, for which a
//! table is enough.

use super::Risk;
use super::judge::{self, Call, Finding, Input};

/// Places whose contents everything else needs.
fn is_vital(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    matches!(
        path,
        "" | "/bin"
            | "/sbin"
            | "/usr"
            | "/etc"
            | "/lib"
            | "/lib64"
            | "/var"
            | "/boot"
            | "/dev"
            | "/proc"
            | "/sys"
            | "/root"
            | "/home"
            | "/usr/bin"
            | "/usr/lib"
            | "/usr/sbin"
            | "."
            | ".."
    )
}

/// Where a file is written: over a device, or into the kernel, it is not just a file.
pub(super) fn written(call: &Call<'_>, path: &str) -> Finding {
    if matches!(path, "/dev/null" | "-" | "/dev/stdout" | "/dev/stderr" | "/dev/tty") {
        call.reads()
    } else if path.starts_with("/proc/sysrq") || judge::is_device(path) {
        call.finding(Risk::Destroy, &format!("it overwrites {path}"))
    } else {
        call.finding(Risk::Change, &format!("it writes {path}"))
    }
}

/// `tee FILE…`: a file that is there is overwritten.
pub(super) fn tee(call: &Call<'_>) -> Finding {
    let appends = call.arguments.has(&["-a", "--append"]);
    call.operands.iter().map(|path| written(call, path)).fold(call.reads(), |finding, next| {
        let kernel = call.operands.iter().any(|path| path.starts_with("/proc/") || path.starts_with("/sys/"));
        let loses = !appends && !kernel && next.risk == Risk::Change && call.context.input == Input::Nothing;
        let lost = call.finding(if loses { Risk::Destroy } else { Risk::Read }, "it empties the file");
        finding.or_higher(next).or_higher(lost)
    })
}

/// `cp`, `mv`, `install`: where it leads.
pub(super) fn copy(call: &Call<'_>) -> Finding {
    let from_nothing = call.operands.first() == Some(&"/dev/null");
    let (into, what) = match call.arguments.values(&["-t", "--target-directory"]).last() {
        Some(into) => (Some(into), call.operands),
        None => (call.operands.last().copied(), call.operands.split_last().map_or(call.operands, |(_, rest)| rest)),
    };
    match into {
        _ if from_nothing => call.finding(Risk::Destroy, "it empties a file"),
        Some("/dev/null") => call.finding(Risk::Destroy, "what goes into /dev/null is gone"),
        Some(path) if judge::is_device(path) => call.finding(Risk::Destroy, &format!("it overwrites {path}")),
        _ if call.name == "mv" && what.iter().any(|path| is_vital(path)) => {
            call.finding(Risk::Destroy, "everything else needs that place")
        }
        _ => call.reads(),
    }
}

/// `chmod`, `chown`, `chgrp`: recursively over what everything needs, it cannot be put back.
pub(super) fn permissions(call: &Call<'_>) -> Finding {
    let recursive = call
        .words
        .iter()
        .any(|word| *word == "--recursive" || word.starts_with('-') && !word.starts_with("--") && word.contains('R'));
    let paths: Vec<&str> = call.words.iter().copied().filter(|word| !word.starts_with('-')).skip(1).collect();
    match paths.iter().find(|path| is_vital(path)) {
        Some(path) if recursive => call.finding(Risk::Destroy, &format!("what {path} had before is lost")),
        _ => call.finding(Risk::Change, "it changes who may do what"),
    }
}

/// `dd if=FILE of=FILE`
pub(super) fn dd(call: &Call<'_>) -> Finding {
    const KNOWN: [&str; 14] =
        ["if", "of", "bs", "ibs", "obs", "cbs", "count", "skip", "seek", "iflag", "oflag", "conv", "status", "iseek"];
    let pairs: Vec<(&str, &str)> = call.words.iter().filter_map(|word| word.split_once('=')).collect();
    let strange = call.words.iter().find(|word| !word.split_once('=').is_some_and(|(name, _)| KNOWN.contains(&name)));
    if let Some(word) = strange {
        return match *word {
            "--version" | "--help" => call.reads(),
            word => Finding::not_known(call.name, word),
        };
    }
    match pairs.iter().rev().find(|(name, _)| *name == "of") {
        None | Some((_, "/dev/null")) => call.reads(),
        Some((_, path)) => call.finding(Risk::Destroy, &format!("it overwrites {path}")),
    }
}

/// `tar`: the first word may lack its dash.
pub(super) fn tar(call: &Call<'_>) -> Finding {
    let Some((first, rest)) = call.words.split_first() else { return call.finding(Risk::Unknown, "it has no command") };
    let mut words: Vec<String> = Vec::new();
    if first.starts_with('-') {
        words.push((*first).to_owned());
    } else {
        words.push(format!("-{first}"));
    }
    words.extend(rest.iter().map(|word| (*word).to_owned()));
    // With the old form, values follow the letters in their order; only one of them may take a value, to be sure which is whose.
    let old = !first.starts_with('-') && first.chars().filter(|c| "fCbTXLgVHKN".contains(*c)).count() > 1;
    if old
        || (!first.starts_with('-') && !first.ends_with(['f', 'C']) && first.contains(['f', 'C']))
            && !first.contains('f')
    {
        return call.finding(Risk::Unknown, "which value belongs to which letter is not clear");
    }
    if !first.starts_with('-') && first.contains('f') {
        // The file is the next word, wherever the letter stands.
        let letters: String = first.chars().filter(|c| *c != 'f').collect();
        words = vec![format!("-{letters}")];
        words.push("-f".to_owned());
        words.extend(rest.iter().map(|word| (*word).to_owned()));
        if letters.is_empty() {
            words.remove(0);
        }
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    judge::by_table("tar/dashed", call.name, &words, &call.context.inner())
}

/// What `tar` does, once its options are known.
pub(super) fn tar_mode(call: &Call<'_>) -> Finding {
    let has = |names: &[&str]| call.arguments.has(names);
    let programs = call.arguments.values(&["-I", "--use-compress-program"]).find(|program| !compresses(program));
    if let Some(program) = programs {
        return call.finding(Risk::Unknown, &format!("{program} is run"));
    }
    let file = call.arguments.values(&["-f", "--file"]).last();
    if file.is_some_and(|file| file.contains(':')) {
        return call.finding(Risk::Unknown, "its archive is on another host, through a program");
    }
    if has(&["--remove-files", "--recursive-unlink", "--delete"]) {
        return call.finding(Risk::Destroy, "it removes files");
    }
    if has(&["-t", "--list", "-d", "--diff", "--compare", "--version", "--help"]) {
        return call.reads();
    }
    if has(&["-c", "--create"]) {
        return match file {
            None | Some("-" | "/dev/null") => call.reads(),
            Some(path) => written(call, path),
        };
    }
    if has(&["-x", "--extract", "--get"]) {
        return if has(&["-O", "--to-stdout"]) { call.reads() } else { call.finding(Risk::Change, "it writes files") };
    }
    if has(&["-r", "--append", "-u", "--update", "-A", "--catenate", "--concatenate"]) {
        return call.finding(Risk::Change, "it writes an archive");
    }
    call.finding(Risk::Unknown, "it has no command")
}

fn compresses(program: &str) -> bool {
    let first = program.split_whitespace().next().unwrap_or_default();
    matches!(first, "gzip" | "pigz" | "bzip2" | "xz" | "zstd" | "lz4" | "lzop" | "pbzip2" | "zstdmt")
}

/// `gzip [-c] FILE`: without `-c` files are replaced.
pub(super) fn compressing(call: &Call<'_>) -> Finding {
    let prints = call.arguments.has(&[
        "-c",
        "--stdout",
        "--to-stdout",
        "-l",
        "--list",
        "-t",
        "--test",
        "-V",
        "--version",
        "-h",
        "--help",
    ]);
    if prints || call.operands.iter().all(|word| *word == "-") {
        judge::files(call.name, call.operands)
    } else {
        call.finding(Risk::Change, "it replaces files")
    }
}

/// `unzip`: `-l`, `-p`, `-t`, `-v`, `-Z` only look.
pub(super) fn unzip(call: &Call<'_>) -> Finding {
    if call.arguments.has(&["-l", "-p", "-t", "-v", "-Z", "-z", "-c"]) {
        call.reads()
    } else {
        call.finding(Risk::Change, "it writes files")
    }
}

/// `truncate -s SIZE`: only a growing file loses nothing.
pub(super) fn truncate(call: &Call<'_>) -> Finding {
    match call.arguments.values(&["-s", "--size"]).last() {
        Some(size) if size.starts_with(['+', '>']) => call.finding(Risk::Change, "the file grows"),
        _ => call.finding(Risk::Destroy, "what stands behind the new end is lost"),
    }
}

/// `rsync SOURCE… TARGET`: with one place it lists.
pub(super) fn rsync(call: &Call<'_>) -> Finding {
    match call.operands {
        [_] => call.reads(),
        [.., target] if judge::is_device(target) => call.finding(Risk::Destroy, "it overwrites a device"),
        [] if call.arguments.has(&["--version", "--help"]) => call.reads(),
        _ => call.finding(Risk::Change, "it writes files"),
    }
}
