//! Programs that look at the host: processes, memory, logs, services, devices.
//!
//! The options are those of procps 4, util-linux 2.38, iproute2 6.1, lsof 4.95, systemd 252 and sysstat 12.6.

use super::options::Arguments;
use super::{Operands, Options, Rule, checked, known, not_known, options};

pub(super) fn rule(name: &str) -> Option<Rule> {
    match name {
        "uname" => {
            known("asnrvmpio", &["all", "kernel-release", "kernel-name", "machine", "nodename"], Operands::AtMost(0))
        }
        "arch" | "nproc" | "whoami" | "groups" | "tty" | "logname" | "lscpu" | "lsmod" | "lspci" => {
            known("", &["all"], Operands::AtMost(0))
        }
        // An operand would set the name.
        "hostname" => known(
            "fisdIaAy",
            &["fqdn", "long", "ip-address", "all-ip-addresses", "short", "domain"],
            Operands::AtMost(0),
        ),
        // An operand without + would set the clock.
        "date" => checked(
            "d:r:RuI::",
            &["date=", "reference=", "utc", "universal", "iso-8601?", "rfc-3339=", "rfc-email"],
            |a| {
                let sets = a.operands.iter().find(|operand| !operand.starts_with('+'));
                sets.map_or(Ok(()), |word| Err(format!("{word} would set the clock")))
            },
        ),
        "uptime" => known("ps", &["pretty", "since"], Operands::AtMost(0)),
        "id" => known("agGnruzZ", &["group", "groups", "name", "real", "user"], Operands::Any),
        "who" => known("abdHlmpqrTtu", &["all", "boot", "count", "heading"], Operands::Any),
        "w" => known("hsfoi", &["no-header", "short", "from"], Operands::Any),
        "last" => known("adFhiRwxn:s:t:p:0123456789", &["limit=", "since=", "until=", "fulltimes"], Operands::Any),
        "getent" => known("s:", &["service="], Operands::Any),
        "printenv" => known("0", &["null"], Operands::Any),
        "which" => known("a", &[], Operands::Any),
        "sleep" => checked("", &[], |a| {
            let endless = a.operands.iter().find(|operand| !operand.starts_with(|c: char| c.is_ascii_digit()));
            endless.map_or(Ok(()), |word| Err(not_known(word)))
        }),
        "sysctl" => checked("anNeb", &["all", "names", "values", "ignore"], |a| {
            let sets = a.operands.iter().find(|operand| operand.contains('='));
            sets.map_or(Ok(()), |word| Err(format!("{word} would set a parameter of the kernel")))
        }),
        "ps" | "pgrep" | "free" | "top" | "lsof" => processes(name),
        "vmstat" => {
            checked("adnstwS:", &["active", "disk", "forks", "slabs", "stats", "timestamp", "wide", "unit="], ends)
        }
        "iostat" => checked("cdhkmNpstxyzo:", &["human", "dec="], ends),
        "mpstat" => checked("AunI:P:", &[], ends),
        "pidstat" => checked("dhHIlRrstUuvwC:p:T:", &["human", "dec="], ends),
        "sar" => checked("ABbdFhHpqruSvWwyzn:P:", &["human", "dec=", "pretty"], ends),
        "lsblk" => known(
            "abdDe:fI:iJlmnMo:OpPrsStTx:z",
            &[
                "all",
                "bytes",
                "fs",
                "json",
                "list",
                "nodeps",
                "noheadings",
                "output=",
                "output-all",
                "pairs",
                "paths",
                "tree?",
            ],
            Operands::Any,
        ),
        "findmnt" => known(
            "AaDfiJlnO:o:PRrS:T:t:uv",
            &["all", "df", "json", "list", "noheadings", "output=", "raw", "source=", "target=", "types=", "submounts"],
            Operands::Any,
        ),
        // With operands it mounts.
        "mount" => known("lt:", &[], Operands::AtMost(0)),
        "dmesg" | "journalctl" => logs(name),
        "systemctl" => checked(SYSTEMCTL.short, SYSTEMCTL.long, systemctl),
        "timedatectl" | "hostnamectl" => checked("", &["no-pager"], |a| match a.operands.as_slice() {
            [] | ["status" | "show"] => Ok(()),
            [word, ..] => Err(not_known(word)),
        }),
        "ss" => known(
            "nralemoptuwxiTHsdS460Of:A:",
            &[
                "numeric",
                "resolve",
                "all",
                "listening",
                "options",
                "extended",
                "memory",
                "processes",
                "info",
                "summary",
                "tcp",
                "udp",
                "raw",
                "unix",
                "ipv4",
                "ipv6",
                "no-header",
                "oneline",
                "family=",
                "query=",
            ],
            Operands::Any,
        ),
        "netstat" => known(
            "altunpeorsviWg46",
            &["all", "listening", "tcp", "udp", "numeric", "programs", "route", "statistics", "interfaces"],
            Operands::Any,
        ),
        "ip" => Some(Rule::Own(ip)),
        _ => None,
    }
}

fn processes(name: &str) -> Option<Rule> {
    match name {
        "ps" => known(
            "AaCcdeFfg:G:HjLlMmo:O:p:q:rs:t:TuU:VwxyZ",
            &[
                "forest",
                "no-headers",
                "headers",
                "sort=",
                "pid=",
                "ppid=",
                "user=",
                "User=",
                "cols=",
                "columns=",
                "width=",
                "format=",
                "sid=",
                "tty=",
                "deselect",
                "group=",
            ],
            Operands::Any,
        ),
        "pgrep" => known(
            "acd:flF:g:G:inoP:r:s:t:u:U:vwx",
            &[
                "list-name",
                "list-full",
                "full",
                "newest",
                "oldest",
                "count",
                "inverse",
                "exact",
                "ignore-case",
                "parent=",
                "euid=",
                "uid=",
                "group=",
                "pgroup=",
                "session=",
                "terminal=",
                "delimiter=",
            ],
            Operands::Any,
        ),
        // Not -s without -c: it would not end.
        "free" => known(
            "bkmghltvw",
            &["bytes", "kilo", "kibi", "mega", "mebi", "giga", "gibi", "human", "lohi", "total", "wide", "si"],
            Operands::AtMost(0),
        ),
        "top" => checked("bcHiSn:d:o:p:u:U:w::1", &[], |a| {
            let ends = a.has(&["b"]) && a.has(&["n"]);
            if ends { Ok(()) } else { Err("without -b and -n it needs a terminal and does not end".to_owned()) }
        }),
        "lsof" => checked("nPlabRUtc:d:F::i::p:s::u:", &[], |a| {
            let known =
                |word: &&&str| !word.starts_with('+') || matches!(**word, "+D" | "+d") || word.starts_with("+L");
            a.operands.iter().find(|word| !known(word)).map_or(Ok(()), |word| Err(not_known(word)))
        }),
        _ => None,
    }
}

fn logs(name: &str) -> Option<Rule> {
    match name {
        // Not -c, -C (clear), -n (console level), -D, -E (console on and off), -w, -W (follow).
        "dmesg" => known(
            "def:kLl:PrTtux",
            &[
                "ctime",
                "decode",
                "facility=",
                "kernel",
                "level=",
                "notime",
                "nopager",
                "raw",
                "reltime",
                "show-delta",
                "time-format=",
                "userspace",
                "color?",
            ],
            Operands::AtMost(0),
        ),
        // Not -f (follows), --vacuum-*, --rotate, --flush, --sync, --relinquish-var, --cursor-file, --setup-keys.
        "journalctl" => known(
            "aelmqrxkNb::c:D:F:g:n::o:p:S:t:U:u:0123456789",
            &[
                "all",
                "no-pager",
                "no-full",
                "full",
                "pager-end",
                "quiet",
                "reverse",
                "catalog",
                "no-hostname",
                "utc",
                "system",
                "user",
                "merge",
                "dmesg",
                "boot?",
                "list-boots",
                "since=",
                "until=",
                "unit=",
                "user-unit=",
                "identifier=",
                "priority=",
                "facility=",
                "grep=",
                "case-sensitive?",
                "lines?",
                "output=",
                "output-fields=",
                "disk-usage",
                "header",
                "fields",
                "field=",
                "directory=",
                "file=",
                "after-cursor=",
                "cursor=",
                "show-cursor",
                "verify",
                "no-tail",
                "truncate-newline",
            ],
            Operands::Any,
        ),
        _ => None,
    }
}

/// Not -H and -M (another machine), --root, --image.
const SYSTEMCTL: Options = Options {
    short: "aln:o:p:qt:",
    long: &[
        "all",
        "full",
        "no-pager",
        "plain",
        "no-legend",
        "failed",
        "quiet",
        "state=",
        "type=",
        "property=",
        "value",
        "lines=",
        "output=",
        "user",
        "system",
        "recursive",
        "reverse",
        "after",
        "before",
        "timestamp=",
        "with-dependencies",
    ],
};

fn systemctl(arguments: &Arguments<'_>) -> Result<(), String> {
    match arguments.operands.first() {
        None
        | Some(
            &("status" | "show" | "is-active" | "is-failed" | "is-enabled" | "is-system-running" | "list-units"
            | "list-timers" | "list-sockets" | "list-unit-files" | "list-dependencies" | "list-jobs" | "cat"
            | "get-default"),
        ) => Ok(()),
        Some(verb) => Err(not_known(verb)),
    }
}

/// An interval without a count repeats without end.
fn ends(arguments: &Arguments<'_>) -> Result<(), String> {
    let numbers = arguments.operands.iter().filter(|word| word.bytes().all(|b| b.is_ascii_digit())).count();
    if numbers == 1 { Err("an interval without a count does not end".to_owned()) } else { Ok(()) }
}

fn ip(words: &[&str]) -> Result<(), String> {
    const KNOWN: [&str; 18] = [
        "-s",
        "-stats",
        "-statistics",
        "-d",
        "-details",
        "-h",
        "-human",
        "-4",
        "-6",
        "-o",
        "-oneline",
        "-br",
        "-brief",
        "-j",
        "-json",
        "-p",
        "-pretty",
        "-N",
    ];
    let rest: Vec<&str> = words.iter().copied().skip_while(|word| KNOWN.contains(word)).collect();
    let object = matches!(
        rest.first(),
        Some(&("a" | "addr" | "address" | "l" | "link" | "r" | "route" | "n" | "neigh" | "neighbour" | "ru" | "rule"))
    );
    match (object, rest.get(1)) {
        (true, None | Some(&("show" | "list" | "ls"))) => Ok(()),
        (true, Some(&"get")) if rest.first().is_some_and(|object| object.starts_with('r')) => Ok(()),
        (true, Some(word)) => Err(not_known(word)),
        (false, _) => Err(not_known(rest.first().copied().unwrap_or("the lack of arguments"))),
    }
}

/// Checks arguments that a verb of a larger program takes.
pub(super) fn verb(known: &Options, words: &[&str], operands: Operands) -> Result<(), String> {
    options::parse(known, words)
        .map_err(|word| not_known(&word))
        .and_then(|arguments| operands.check(&arguments.operands))
}
