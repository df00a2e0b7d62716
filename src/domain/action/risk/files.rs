//! Programs on files, devices and the host whose words have rules of their own.

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

/// `grep PATTERN FILE…`: the first operand is the pattern, unless an option gives it.
pub(super) fn grep(call: &Call<'_>) -> Finding {
    let given = call.arguments.has(&["-e", "--regexp", "-f", "--file"]);
    judge::files(call.name, call.operands.get(usize::from(!given)..).unwrap_or_default())
}

/// `test`, `[`: the last word of `[` closes it.
pub(super) fn test(call: &Call<'_>) -> Finding {
    if call.name == "[" && call.words.last() != Some(&"]") {
        return call.finding(Risk::Unknown, "it has no closing bracket");
    }
    call.reads()
}

/// `date [+FORMAT]`: another operand sets the clock.
pub(super) fn date(call: &Call<'_>) -> Finding {
    match call.operands.iter().find(|word| !word.starts_with('+')) {
        Some(word) => call.finding(Risk::Change, &format!("{word} would set the clock")),
        None => call.reads(),
    }
}

/// `sysctl NAME=VALUE` sets.
pub(super) fn sysctl(call: &Call<'_>) -> Finding {
    match call.operands.iter().find(|word| word.contains('=')) {
        Some(word) if ["core_pattern", "modprobe", "hotplug", "poweroff_cmd"].iter().any(|name| word.contains(name)) => {
            call.finding(Risk::Unknown, &format!("{word} names a program that the kernel will run"))
        }
        Some(word) => call.finding(Risk::Change, &format!("{word} sets a parameter of the kernel")),
        None => call.reads(),
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

/// `python3 -m MODULE`: modules that only look.
pub(super) fn python(call: &Call<'_>) -> Finding {
    match call.words {
        ["-V" | "--version" | "-VV" | "-h" | "--help"] => call.reads(),
        ["-m", "json.tool", rest @ ..] => {
            let files = rest.iter().filter(|word| !word.starts_with("--") && !matches!(**word, "-h")).count();
            let numbers = rest.contains(&"--indent");
            let strange = rest.iter().find(|word| {
                word.starts_with('-')
                    && !matches!(
                        **word,
                        "--sort-keys" | "--indent" | "--json-lines" | "--no-ensure-ascii" | "--compact" | "--tab"
                    )
            });
            match (strange, files > 1 + usize::from(numbers)) {
                (Some(word), _) => Finding::not_known(call.name, word),
                (None, true) => call.finding(Risk::Change, "it writes a file"),
                (None, false) => call.reads(),
            }
        }
        ["-m", "zipfile" | "tarfile", "-l" | "-t" | "--list" | "--test", _] => call.reads(),
        ["-m", "zipfile" | "tarfile", "-e" | "-c" | "--extract" | "--create", ..] => {
            call.finding(Risk::Change, "it writes files")
        }
        ["-m", "venv", ..] => call.finding(Risk::Change, "it makes a directory"),
        ["-m", "pip", rest @ ..] => {
            let words: Vec<&str> = std::iter::once("pip").chain(rest.iter().copied()).collect();
            judge::words(&words, &call.context.inner())
        }
        ["-m", "http.server", ..] => call.finding(Risk::Change, "it opens a port"),
        _ => call.finding(Risk::Unknown, "it runs code"),
    }
}

/// `usermod -G GROUPS` without `-a` takes all other groups away.
pub(super) fn usermod(call: &Call<'_>) -> Finding {
    if call.arguments.has(&["-G"]) && !call.arguments.has(&["-a"]) && call.name == "usermod" {
        call.finding(Risk::Destroy, "without -a it takes all other groups away")
    } else {
        call.reads()
    }
}

/// `systemctl stop UNIT`, and what else makes a unit end: some are the way in.
pub(super) fn units(call: &Call<'_>) -> Finding {
    const WAY_IN: [&str; 12] = [
        "sshd", "ssh", "NetworkManager", "systemd-networkd", "network", "networking", "dbus", "systemd-logind", "wpa_supplicant", "polkit",
        "teleport", "systemd-udevd",
    ];
    let ends = matches!(call.command, ["stop" | "disable" | "mask" | "kill"]);
    let name = |unit: &str| unit.split(['.', '@']).next().unwrap_or_default().to_owned();
    match call.operands.iter().find(|unit| WAY_IN.contains(&name(unit).as_str())) {
        Some(unit) if ends => call.finding(Risk::Destroy, &format!("{unit} is a way into this host")),
        _ => call.reads(),
    }
}

/// An inventory that is a program is run.
pub(super) fn inventory(call: &Call<'_>) -> Finding {
    let plain = |path: &str| {
        [".ini", ".yml", ".yaml", ".cfg", ".toml", ",", "/"].iter().any(|end| path.ends_with(end)) || matches!(path, "hosts" | "/etc/ansible/hosts")
    };
    match call.arguments.values(&["-i", "--inventory"]).find(|path| !plain(path)) {
        Some(path) => call.finding(Risk::Unknown, &format!("{path} may be a program that lists hosts")),
        None => call.reads(),
    }
}

/// `ansible HOSTS -m MODULE -a ARGUMENTS`
pub(super) fn ansible(call: &Call<'_>) -> Finding {
    if call.arguments.has(&["--list-hosts", "--version"]) {
        return call.reads();
    }
    let hosts = inventory(call);
    if hosts.risk > Risk::Read {
        return hosts;
    }
    let given = call.arguments.values(&["-m", "--module-name"]).last().unwrap_or("command");
    let module = given.strip_prefix("ansible.builtin.").unwrap_or(given);
    let text = call.arguments.values(&["-a", "--args"]).last().unwrap_or_default();
    match module {
        "ping" | "setup" | "stat" | "debug" | "gather_facts" | "service_facts" | "package_facts" | "slurp"
        | "getent" | "wait_for" | "find" => call.reads(),
        "command" | "shell" | "raw" => super::shell::text(text, call.context),
        "file" if text.contains("state=absent") => call.finding(Risk::Destroy, "it removes a file"),
        "apt" | "yum" | "dnf" | "package" | "user" | "group"
            if text.contains("state=absent") || text.contains("state=removed") =>
        {
            call.finding(Risk::Destroy, "it removes something")
        }
        "reboot" => call.finding(Risk::Destroy, "it restarts hosts"),
        "systemd" | "service" | "copy" | "template" | "file" | "lineinfile" | "blockinfile" | "apt" | "yum" | "dnf"
        | "package" | "user" | "group" | "cron" | "sysctl" | "hostname" | "fetch" | "unarchive" | "get_url" | "git"
        | "pip" | "replace" | "mount" => call.finding(Risk::Change, &format!("the module {module} changes hosts")),
        module => call.finding(Risk::Unknown, &format!("what the module {module} does is not known")),
    }
}

/// `crontab FILE` replaces the table, `-` reads a new one.
pub(super) fn crontab(call: &Call<'_>) -> Finding {
    match call.operands {
        [] if call.arguments.has(&["-l", "-e", "-r"]) => call.reads(),
        [] | ["-"] => call.finding(Risk::Unknown, "which jobs it reads is not known"),
        _ => call.finding(Risk::Destroy, "the jobs that were there are replaced"),
    }
}

/// `less +COMMAND FILE`, `vi +COMMAND FILE`: what they do first.
pub(super) fn started(call: &Call<'_>) -> Finding {
    let harmless = |command: &str| {
        let place = command.strip_prefix('/').unwrap_or(command);
        command.starts_with('/') && !place.contains(['!', '\n', '|'])
            || matches!(command, "" | "G" | "F" | "g")
            || command.bytes().all(|byte| byte.is_ascii_digit())
    };
    match call.operands.iter().filter_map(|word| word.strip_prefix('+')).find(|command| !harmless(command)) {
        Some(command) => call.finding(Risk::Unknown, &format!("+{command} is a command that it runs first")),
        None => call.reads(),
    }
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

/// `yq -i`, and what evaluates further files; its language reads files only with `load`.
pub(super) fn yq(call: &Call<'_>) -> Finding {
    let words: Vec<&str> = call.operands.iter().copied().collect();
    match words
        .iter()
        .find(|word| ["load", "env(", "envsubst", "strenv", "eval("].iter().any(|name| word.contains(name)))
    {
        Some(word) => call.finding(Risk::Unknown, &format!("{word} uses more than its files")),
        None => call.reads(),
    }
}

/// `jq`: its own language.
pub(super) fn jq(call: &Call<'_>) -> Finding {
    if matches!(call.words, ["--version" | "-V" | "--help" | "-h"]) {
        return call.reads();
    }
    match super::jq::check(call.words) {
        Ok(()) => call.reads(),
        Err(why) => call.finding(Risk::Unknown, &why),
    }
}

/// `truncate -s SIZE`: only a growing file loses nothing.
pub(super) fn truncate(call: &Call<'_>) -> Finding {
    match call.arguments.values(&["-s", "--size"]).last() {
        Some(size) if size.starts_with(['+', '>']) => call.finding(Risk::Change, "the file grows"),
        _ => call.finding(Risk::Destroy, "what stands behind the new end is lost"),
    }
}

/// `apt-get install NAME…`: a name with a dash behind it is removed.
pub(super) fn packages(call: &Call<'_>) -> Finding {
    match call.operands.iter().find(|name| name.ends_with('-')) {
        Some(name) => call.finding(Risk::Destroy, &format!("{name} asks to remove a package")),
        None if call.command == ["autoremove"] => call.finding(Risk::Change, "it removes what nothing needs"),
        None => call.reads(),
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

/// `gdb -batch -ex COMMAND…`
pub(super) fn gdb(call: &Call<'_>) -> Finding {
    if !call.arguments.has(&["-batch"]) {
        return if call.arguments.has(&["-version", "-v", "-help"]) {
            call.reads()
        } else {
            call.finding(Risk::Unknown, "what will be typed is not known")
        };
    }
    let commands = call.arguments.values(&["-ex", "-eval-command"]).map(|text| {
        let word = text.split_whitespace().next().unwrap_or_default();
        match word {
            "bt" | "backtrace" | "where" | "info" | "thread" | "list" | "frame" | "x" | "disassemble" | "show"
            | "detach" | "quit" => {
                let inner = text.to_ascii_lowercase();
                if inner.contains("apply") && !inner.contains(" bt") && !inner.contains("backtrace") {
                    call.finding(Risk::Unknown, "what it applies is not known")
                } else {
                    call.reads()
                }
            }
            "set" if !text.contains('(') => call.finding(Risk::Change, "it sets a variable of a process"),
            "generate-core-file" | "gcore" => call.finding(Risk::Change, "it writes a file"),
            "kill" | "call" | "signal" => call.finding(Risk::Unknown, "it makes a process do something"),
            _ => call.finding(Risk::Unknown, &format!("what {text:?} does to a process is not known")),
        }
    });
    commands.fold(call.reads(), Finding::or_higher)
}
