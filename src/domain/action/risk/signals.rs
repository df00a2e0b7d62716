//! `kill` and its like: which signal goes to which processes.

use super::Risk;
use super::judge::{Call, Finding};

/// What a signal does to a program that was written for it.
fn of_signal(signal: &str) -> Risk {
    let upper = signal.to_ascii_uppercase();
    match upper.strip_prefix("SIG").unwrap_or(&upper) {
        "0" => Risk::Read,
        "HUP" | "1" | "INT" | "2" | "QUIT" | "3" | "USR1" | "10" | "USR2" | "12" | "TERM" | "15" | "CONT" | "18"
        | "STOP" | "19" | "TSTP" | "20" | "WINCH" | "28" => Risk::Change,
        _ => Risk::Destroy,
    }
}

/// `kill [-SIGNAL | -s SIGNAL | -n NUMBER] PID…`
pub(super) fn kill(call: &Call<'_>) -> Finding {
    let mut signal = "TERM";
    let mut targets: Vec<&str> = Vec::new();
    let mut rest = call.words.iter().copied();
    let mut only_targets = false;
    while let Some(word) = rest.next() {
        match word {
            _ if only_targets => targets.push(word),
            "--" => only_targets = true,
            "-l" | "-L" | "--list" | "--table" => return call.reads(),
            "-s" | "-n" | "--signal" => match rest.next() {
                Some(name) => signal = name,
                None => return call.finding(Risk::Unknown, "the signal is missing"),
            },
            "-v" | "--verbose" => {}
            word => match (word.strip_prefix("--signal="), word.strip_prefix('-')) {
                (Some(name), _) => signal = name,
                (None, Some(name)) if name.strip_prefix('s').is_some_and(is_signal) => {
                    signal = name.trim_start_matches('s');
                }
                // A second word with a dash is a process group.
                (None, Some(name)) if targets.is_empty() && signal == "TERM" && !name.starts_with('-') => signal = name,
                (None, _) => targets.push(word),
            },
        }
    }
    match targets.as_slice() {
        [] => call.finding(Risk::Unknown, "no process is named"),
        targets => by_targets(call, of_signal(signal), signal, targets),
    }
}

fn by_targets(call: &Call<'_>, risk: Risk, signal: &str, targets: &[&str]) -> Finding {
    let broad = |target: &&&str| target.starts_with('-') || matches!(**target, "0" | "1");
    match targets.iter().find(broad) {
        _ if risk == Risk::Read => call.reads(),
        Some(target) if risk < Risk::Destroy && *target != "1" => {
            call.finding(Risk::Destroy, &format!("{target} stands for many processes"))
        }
        Some(target) if risk < Risk::Destroy && !matches!(signal, "HUP" | "1" | "SIGHUP") => {
            call.finding(Risk::Destroy, &format!("process {target} is the first of all"))
        }
        _ if ends(signal) && targets.len() > 1 => call.finding(Risk::Destroy, "it ends several processes"),
        _ => call.finding(risk, &format!("it sends {signal}")),
    }
}

/// Whether a program that does not expect the signal ends or stops.
fn ends(signal: &str) -> bool {
    let upper = signal.to_ascii_uppercase();
    !matches!(
        upper.strip_prefix("SIG").unwrap_or(&upper),
        "0" | "HUP" | "1" | "USR1" | "10" | "USR2" | "12" | "CONT" | "18" | "WINCH" | "28"
    )
}

/// `pkill`, `killall`: the signal is an option, the processes are chosen by name.
pub(super) fn by_name(call: &Call<'_>) -> Finding {
    let mut signal = "TERM";
    let mut broad = false;
    let mut names = 0_usize;
    let mut rest = call.words.iter().copied();
    while let Some(word) = rest.next() {
        match word {
            "-l" | "--list" if call.name == "killall" => return call.reads(),
            "-s" | "--signal" => match rest.next() {
                Some(name) => signal = name,
                None => return call.finding(Risk::Unknown, "the signal is missing"),
            },
            "-u" | "-U" | "-t" | "-g" | "-G" | "-P" | "--user" | "--euid" | "--uid" | "--terminal" | "--pgroup"
            | "--group" | "--session" | "--parent" | "-v" | "--inverse"
                if call.name == "pkill" || matches!(word, "-u" | "--user") =>
            {
                if !matches!(word, "-v" | "--inverse") && rest.next().is_none() {
                    return call.finding(Risk::Unknown, &format!("the value of {word} is missing"));
                }
                broad = true;
            }
            "-F" | "--pidfile" => {
                if rest.next().is_none() {
                    return call.finding(Risk::Unknown, "the file is missing");
                }
                names += 1;
            }
            "-f" | "-x" | "-n" | "-o" | "-e" | "-i" | "-w" | "-q" | "-I" | "--full" | "--exact" | "--newest"
            | "--oldest" | "--echo" | "--ignore-case" | "--wait" | "--quiet" | "-V" | "--version" => {}
            word => match (word.strip_prefix("--signal="), word.strip_prefix('-')) {
                (Some(name), _) => signal = name,
                (None, Some(name)) if is_signal(name) => signal = name,
                (None, Some(_)) => return Finding::not_known(call.name, word),
                (None, None) => names += 1,
            },
        }
    }
    match of_signal(signal) {
        Risk::Read => call.reads(),
        risk if broad => {
            call.finding(risk.max(Risk::Destroy), "it ends processes of a whole user, terminal or session")
        }
        _ if names == 0 => call.finding(Risk::Unknown, "no process is named"),
        _ if ends(signal) => call.finding(Risk::Destroy, "it ends all processes of that name"),
        risk => call.finding(risk, &format!("it sends {signal}")),
    }
}

fn is_signal(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty()
        || (name.len() > 2 && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()))
}
