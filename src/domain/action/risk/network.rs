//! Programs of the network with a syntax of their own: `ip`, `tc`, `iptables`, `openssl`, `nc`, `socat`.

use super::judge::{Call, Finding, Input};
use super::{Risk, wrappers};

/// Whether `word` is `full` or begins it, as `ip` takes abbreviations.
fn short_for(word: &str, full: &str) -> bool {
    !word.is_empty() && full.starts_with(word)
}

/// Options of `ip` that say how to print.
const IP_FLAGS: [&str; 31] = [
    "-s",
    "-stats",
    "-statistics",
    "-d",
    "-details",
    "-h",
    "-human",
    "-human-readable",
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
    "-Numeric",
    "-c",
    "-color",
    "-ts",
    "-t",
    "-timestamp",
    "-tshort",
    "-r",
    "-resolve",
    "-iec",
    "-0",
    "-V",
];

/// What `ip` is about.
const IP_OBJECTS: [&str; 22] = [
    "address",
    "link",
    "route",
    "neighbour",
    "rule",
    "maddress",
    "mroute",
    "netns",
    "ntable",
    "tunnel",
    "vrf",
    "xfrm",
    "addrlabel",
    "netconf",
    "tcp_metrics",
    "token",
    "macsec",
    "nexthop",
    "stats",
    "neighbor",
    "l2tp",
    "mptcp",
];

/// `ip [OPTION…] OBJECT [COMMAND …]`
pub(super) fn ip(call: &Call<'_>) -> Finding {
    let mut words = call.words;
    while let [word, rest @ ..] = words {
        match *word {
            "-n" | "-netns" | "-f" | "-family" | "-l" | "-loops" => words = rest.get(1..).unwrap_or_default(),
            word if IP_FLAGS.contains(&word) || word.starts_with("-c=") || word.starts_with("-color=") => words = rest,
            word if word.starts_with('-') => return Finding::not_known(call.name, word),
            _ => break,
        }
    }
    let [object, rest @ ..] = words else { return call.reads() };
    match (*object, rest) {
        ("netns", ["exec", _, command @ ..]) => return wrappers::inner(command, 0, call.context),
        ("vrf", ["exec", _, command @ ..]) => return wrappers::inner(command, 0, call.context),
        ("monitor" | "mo" | "mon", _) => return call.reads(),
        _ => {}
    }
    if !IP_OBJECTS.iter().any(|known| short_for(object, known)) {
        return Finding::not_known(call.name, object);
    }
    let rest = match rest {
        // `ip xfrm state flush`: one word more.
        [_, rest @ ..] if matches!(*object, "xfrm" | "stats") => rest,
        rest => rest,
    };
    by_verb(call, object, rest)
}

fn by_verb(call: &Call<'_>, object: &str, rest: &[&str]) -> Finding {
    let Some((verb, tail)) = rest.split_first() else { return call.reads() };
    let any = |names: &[&str]| names.iter().any(|full| short_for(verb, full));
    let link = short_for(object, "link");
    let route = object.starts_with('r') && !object.starts_with("ru");
    if any(&["show", "list", "lst", "sh", "ls"])
        && !matches!(*verb, "s" if link && tail.iter().any(|word| matches!(*word, "up" | "down")))
    {
        // `s` is `set` for a link, and `show` elsewhere.
        return if *verb == "s" && link { set_link(call, tail) } else { call.reads() };
    }
    match *verb {
        "s" if link => set_link(call, tail),
        _ if any(&["get", "help", "count", "save", "identify", "pids", "list-id", "monitor"]) => call.reads(),
        _ if any(&["flush"]) && short_for(object, "neighbour") => {
            call.finding(Risk::Change, "neighbours are learned again")
        }
        _ if any(&["flush", "delete", "deleteall"])
            && (route || verb.starts_with('f') || link || object.starts_with('a') || object == "xfrm") =>
        {
            call.finding(Risk::Destroy, &format!("{verb} of {object} can cut connections off"))
        }
        _ if any(&["delete", "remove"]) => call.finding(Risk::Destroy, &format!("{verb} of {object} takes it away")),
        _ if link && any(&["set"]) => set_link(call, tail),
        _ if any(&["set", "add", "replace", "change", "append", "prepend", "attach"]) => {
            call.finding(Risk::Change, &format!("{verb} of {object} changes the network"))
        }
        verb => Finding::not_known(call.name, verb),
    }
}

fn set_link(call: &Call<'_>, words: &[&str]) -> Finding {
    match words.iter().find(|word| matches!(**word, "down" | "netns")) {
        Some(word) => call.finding(Risk::Destroy, &format!("with {word} an interface is cut off")),
        None => call.finding(Risk::Change, "it sets an interface"),
    }
}

/// `tc [OPTION…] OBJECT COMMAND`
pub(super) fn tc(call: &Call<'_>) -> Finding {
    const FLAGS: [&str; 14] =
        ["-s", "-stats", "-d", "-details", "-r", "-raw", "-i", "-iec", "-g", "-j", "-json", "-p", "-pretty", "-nm"];
    let mut words: Vec<&str> = call.words.iter().copied().skip_while(|word| FLAGS.contains(word)).collect();
    if words.first() == Some(&"-n") {
        words.drain(..words.len().min(2));
    }
    match words.as_slice() {
        [] | ["monitor", ..] => call.reads(),
        [object, ..] if object.starts_with('-') => Finding::not_known(call.name, object),
        [_] | [_, "show" | "list" | "ls" | "get", ..] => call.reads(),
        [_, "add" | "change" | "replace", ..]
            if words.iter().any(|word| matches!(*word, "loss" | "corrupt" | "drop" | "blackhole")) =>
        {
            call.finding(Risk::Destroy, "it loses packets")
        }
        [_, "add" | "change" | "replace" | "del" | "delete" | "link", ..] => {
            call.finding(Risk::Change, "it changes how packets are queued")
        }
        [_, verb, ..] => Finding::not_known(call.name, verb),
    }
}

/// `iptables [-t TABLE] COMMAND …`
pub(super) fn iptables(call: &Call<'_>) -> Finding {
    let mut finding: Option<Finding> = None;
    for word in call.words {
        let (level, what) = match *word {
            "-F" | "--flush" => (Risk::Destroy, "it removes all rules of a chain"),
            "-P" | "--policy" => (Risk::Destroy, "it decides about everything that no rule names"),
            "-X" | "--delete-chain" => (Risk::Destroy, "it removes a chain"),
            "-A" | "--append" | "-I" | "--insert" | "-D" | "--delete" | "-R" | "--replace" | "-N" | "--new-chain"
            | "-E" | "--rename-chain" | "-Z" | "--zero" => (Risk::Change, "it changes rules"),
            "-C" | "--check" | "-L" | "--list" | "-S" | "--list-rules" | "-V" | "--version" | "-h" | "--help" => {
                (Risk::Read, "it lists rules")
            }
            "-n" | "-v" | "-x" | "-w" | "-4" | "-6" | "--line-numbers" | "--numeric" | "--verbose" | "--exact"
            | "--wait" | "-t" | "--table" => continue,
            // Flags of listing, behind one dash: -nvL.
            word if word.starts_with('-')
                && !word.starts_with("--")
                && word.len() > 2
                && word.chars().skip(1).all(|c| "nvxwtL46SZ".contains(c)) =>
            {
                if word.contains('Z') {
                    (Risk::Change, "it sets counters to zero")
                } else {
                    (Risk::Read, "it lists rules")
                }
            }
            _ => continue,
        };
        let next = call.finding(level, what);
        finding = Some(finding.map_or(next.clone(), |finding| finding.or_higher(next)));
    }
    match finding {
        // What a rule says may name modules and files; only listing has to be read to its end.
        Some(finding) if finding.risk > Risk::Read => broad(call).or_higher(finding),
        Some(_) if only_lists(call.words) => call.reads(),
        _ => call.finding(Risk::Unknown, "what it does to the rules is not clear"),
    }
}

/// A rule that drops everything.
fn broad(call: &Call<'_>) -> Finding {
    let adds =
        call.words.iter().any(|word| matches!(*word, "-A" | "-I" | "-R" | "--append" | "--insert" | "--replace"));
    let drops = call.words.iter().any(|word| matches!(*word, "DROP" | "REJECT"));
    let narrow =
        ["-s", "--source", "-d", "--destination", "--dport", "--sport", "--src", "--dst", "--dports", "--sports"];
    let bounded = call.words.iter().any(|word| narrow.contains(word)) && !call.words.contains(&"0.0.0.0/0");
    if adds && drops && !bounded {
        call.finding(Risk::Destroy, "the rule drops what it does not name")
    } else {
        call.reads()
    }
}

fn only_lists(words: &[&str]) -> bool {
    words.iter().all(|word| {
        !word.starts_with("--")
            || matches!(
                *word,
                "--line-numbers"
                    | "--list"
                    | "--list-rules"
                    | "--numeric"
                    | "--verbose"
                    | "--exact"
                    | "--table"
                    | "--check"
                    | "--wait"
                    | "--version"
                    | "--help"
                    | "--dport"
                    | "--sport"
                    | "--source"
                    | "--destination"
                    | "--protocol"
                    | "--jump"
                    | "--match"
                    | "--state"
                    | "--ctstate"
                    | "--set-match"
            )
    })
}

/// `nft [OPTION…] COMMAND …`
pub(super) fn nft(call: &Call<'_>) -> Finding {
    let joined = call.operands.join(" ");
    if joined.contains([';', '\n', '{']) && !joined.starts_with("add") && !joined.starts_with("insert") {
        return call.finding(Risk::Unknown, "it has several commands in one text");
    }
    let mut words = joined.split_whitespace();
    match words.next() {
        Some("list" | "monitor" | "describe" | "get" | "export") => call.reads(),
        Some("add" | "insert" | "create" | "replace" | "reset" | "rename") => {
            call.finding(Risk::Change, "it changes rules")
        }
        Some("delete") if words.next() == Some("rule") => call.finding(Risk::Change, "it removes one rule"),
        Some("delete" | "flush" | "destroy") => call.finding(Risk::Destroy, "it removes rules"),
        Some(word) => Finding::not_known(call.name, word),
        None if call.arguments.has(&["-v", "--version", "-V"]) => call.reads(),
        None => call.finding(Risk::Unknown, "it has no command"),
    }
}

/// `nslookup NAME [SERVER]`
pub(super) fn nslookup(call: &Call<'_>) -> Finding {
    const KNOWN: [&str; 7] = ["-type=", "-query=", "-timeout=", "-port=", "-retry=", "-class=", "-debug"];
    if !call.words.iter().any(|word| !word.starts_with('-')) || call.words.first() == Some(&"-") {
        return call.finding(Risk::Unknown, "without a name it reads commands");
    }
    let unknown = |word: &&&str| word.starts_with('-') && !KNOWN.iter().any(|known| word.starts_with(known));
    call.words.iter().find(unknown).map_or_else(|| call.reads(), |word| Finding::not_known(call.name, word))
}

/// `dig`: what begins with `+` says how an answer is printed.
pub(super) fn dig(call: &Call<'_>) -> Finding {
    match call.arguments.values(&["-f", "-k"]).find(|file| super::judge::is_device(file)) {
        Some(file) => call.finding(Risk::Unknown, &format!("it reads {file}")),
        None => call.reads(),
    }
}

/// `openssl s_client`: a handshake is like a HEAD request, but what it reads is sent as it is.
pub(super) fn s_client(call: &Call<'_>) -> Finding {
    match &call.context.input {
        Input::Nothing => call.reads(),
        Input::Text(text) if matches!(text.trim(), "" | "Q" | "QUIT" | "quit" | "x") => call.reads(),
        Input::Text(text) => request(call, text),
        Input::Content => call.finding(Risk::Unknown, "it sends on what another command gives it"),
    }
}

/// What is sent to a service as it is: orders that only ask are known.
fn request(call: &Call<'_>, text: &str) -> Finding {
    let word = text.split_whitespace().next().unwrap_or_default();
    match word {
        "" | "QUIT" | "quit" | "exit" | "Q" | "GET" | "HEAD" | "OPTIONS" | "stat" | "ruok" | "mntr" | "srvr"
        | "conf" | "envi" | "cons" | "isro" | "dump" | "wchs" | "stats" | "version" | "PING" | "INFO" | "EHLO"
        | "HELO" | "show" | "help" | "info" => call.reads(),
        "kill" | "flush_all" | "FLUSHALL" | "SHUTDOWN" | "shutdown" => {
            call.finding(Risk::Destroy, &format!("it sends {word}"))
        }
        "set" | "enable" | "disable" | "clear" | "add" | "del" => {
            call.finding(Risk::Change, &format!("it sends {word}"))
        }
        word => call.finding(Risk::Unknown, &format!("what {word} does there is not known")),
    }
}

/// `nc HOST PORT`, `telnet HOST PORT`
pub(super) fn netcat(call: &Call<'_>) -> Finding {
    if call.arguments.has(&["-l", "--listen"]) {
        return call.finding(Risk::Change, "it opens a port");
    }
    match (&call.context.input, call.arguments.has(&["-z", "-h", "--version"])) {
        (_, true) | (Input::Nothing, _) => call.reads(),
        (Input::Text(text), _) => each_line(call, text),
        (Input::Content, _) => call.finding(Risk::Unknown, "it sends on what another command gives it"),
    }
}

fn each_line(call: &Call<'_>, text: &str) -> Finding {
    // A request of HTTP has headers after its first line.
    if ["GET ", "HEAD "].iter().any(|method| text.starts_with(method)) && text.contains("HTTP/") {
        return call.reads();
    }
    text.lines().flat_map(|line| line.split(';')).map(|line| request(call, line)).fold(call.reads(), Finding::or_higher)
}

/// `socat ADDRESS ADDRESS`: one end is our own, the other a socket.
pub(super) fn socat(call: &Call<'_>) -> Finding {
    let [one, other] = call.operands else {
        return if call.operands.is_empty() {
            call.reads()
        } else {
            call.finding(Risk::Unknown, "it has not two addresses")
        };
    };
    let kind = |address: &str| address.split([':', ',']).next().unwrap_or_default().to_ascii_uppercase();
    let own = |address: &str| matches!(kind(address).as_str(), "-" | "STDIO" | "STDIN" | "STDOUT");
    let peer = |address: &str| {
        let kind = kind(address);
        matches!(
            kind.as_str(),
            "UNIX-CONNECT"
                | "UNIX"
                | "UNIX-CLIENT"
                | "TCP"
                | "TCP4"
                | "TCP6"
                | "TCP-CONNECT"
                | "UDP"
                | "OPENSSL"
                | "SSL"
        ) || address.starts_with('/') && !address.starts_with("/dev/")
    };
    let far = match (own(one), own(other)) {
        (true, false) => other,
        (false, true) => one,
        (true, true) | (false, false) => {
            let listens = [one, other].iter().any(|address| kind(address).contains("LISTEN"));
            let connects = [one, other].iter().any(|address| peer(address));
            let risk = if listens && connects { Risk::Change } else { Risk::Unknown };
            return call.finding(risk, "it connects two others with each other");
        }
    };
    if kind(far).contains("LISTEN") {
        return call.finding(Risk::Change, "it opens a port");
    }
    if !peer(far) || far.to_ascii_uppercase().contains("EXEC") || far.to_ascii_uppercase().contains("SYSTEM") {
        return call.finding(Risk::Unknown, &format!("what {far} is, is not known"));
    }
    match &call.context.input {
        Input::Nothing => call.reads(),
        Input::Text(text) if text.starts_with("shutdown") => call.finding(Risk::Destroy, "it sends shutdown"),
        Input::Text(text) => each_line(call, text),
        Input::Content => call.finding(Risk::Unknown, "it sends on what another command gives it"),
    }
}
