//! Programs whose words have rules of their own, and which no other file of this folder is about.
//!
//! Owns: one function for each; most look at one kind of operand, and leave the rest to the tables.

use super::Risk;
use super::judge::{self, Call, Finding};

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
        Some(word)
            if ["core_pattern", "modprobe", "hotplug", "poweroff_cmd"].iter().any(|name| word.contains(name)) =>
        {
            call.finding(Risk::Unknown, &format!("{word} names a program that the kernel will run"))
        }
        Some(word) => call.finding(Risk::Change, &format!("{word} sets a parameter of the kernel")),
        None => call.reads(),
    }
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
        "sshd",
        "ssh",
        "NetworkManager",
        "systemd-networkd",
        "network",
        "networking",
        "dbus",
        "systemd-logind",
        "wpa_supplicant",
        "polkit",
        "teleport",
        "systemd-udevd",
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
        [".ini", ".yml", ".yaml", ".cfg", ".toml", ",", "/"].iter().any(|end| path.ends_with(end))
            || matches!(path, "hosts" | "/etc/ansible/hosts")
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

/// `yq -i`, and what evaluates further files; its language reads files only with `load`.
pub(super) fn yq(call: &Call<'_>) -> Finding {
    match call
        .operands
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

/// `apt-get install NAME…`: a name with a dash behind it is removed.
pub(super) fn packages(call: &Call<'_>) -> Finding {
    match call.operands.iter().find(|name| name.ends_with('-')) {
        Some(name) => call.finding(Risk::Destroy, &format!("{name} asks to remove a package")),
        None if call.command == ["autoremove"] => call.finding(Risk::Change, "it removes what nothing needs"),
        None => call.reads(),
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
