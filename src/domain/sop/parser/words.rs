//! Word lists: verbs that begin steps and programs that begin commands.
//!
//! Owns: the lists, taken from runbooks in use. Does not: read anything.

use crate::domain::procedure::StepMode;

/// Verbs that look.
#[rustfmt::skip]
const CHECK_VERBS: &[&str] = &[
    "analyse", "analyze", "ask", "assess", "browse", "check", "compare", "confirm", "count", "describe", "determine",
    "display", "ensure", "establish", "evaluate", "examine", "find", "gather", "get", "identify", "inspect",
    "investigate", "learn", "list", "locate", "look", "measure", "monitor", "note", "observe", "query", "read",
    "record", "review", "search", "see", "show", "study", "test", "troubleshoot", "understand", "use", "validate",
    "verify", "view", "watch",
];

/// Verbs that change something or begin work.
#[rustfmt::skip]
const DO_VERBS: &[&str] = &[
    "access", "add", "adjust", "allocate", "apply", "archive", "attach", "back", "block", "change", "choose", "clean",
    "clear", "click", "close", "collect", "configure", "connect", "consider", "copy", "cordon", "create", "deallocate",
    "debug", "decrease", "delete", "deploy", "detach", "disable", "drain", "drop", "edit", "enable", "evict", "execute",
    "expand", "export", "extend", "failover", "fix", "follow", "force", "free", "go", "hot-reload", "import", "improve",
    "increase", "install", "isolate", "issue", "kill", "launch", "limit", "log", "login", "make", "manually", "mark",
    "migrate", "mount", "move", "mute", "navigate", "obtain", "open", "optimise", "optimize", "patch", "pause",
    "perform", "proceed", "promote", "provision", "prune", "pull", "purge", "push", "put", "re-create", "re-run",
    "reboot", "rebuild", "recover", "recreate", "redeploy", "reduce", "refer", "reinstall", "release", "reload",
    "remove", "rename", "renew", "repair", "repeat", "replace", "rerun", "reset", "resize", "resolve", "restart",
    "restore", "resume", "retry", "return", "revert", "roll", "rotate", "rsh", "run", "save", "scale", "schedule",
    "select", "send", "set", "shorten", "shut", "shutdown", "silence", "skip", "split", "ssh", "start", "stop",
    "switch", "sync", "take", "terminate", "throttle", "transfer", "trigger", "truncate", "try", "tune", "turn",
    "uncordon", "undo", "unmount", "update", "upgrade", "upload", "write",
];

/// Verbs of waiting.
#[rustfmt::skip]
const WAIT_VERBS: &[&str] = &[
    "allow", "await", "sleep", "wait",
];

/// Verbs of handing over.
const ESCALATE_VERBS: &[&str] =
    &["call", "contact", "engage", "escalate", "file", "inform", "notify", "page", "raise", "report"];

/// Words before a verb that leave it what it is.
#[rustfmt::skip]
const ADVERBS: &[&str] = &[
    "also", "always", "and", "can", "finally", "first", "in", "must", "next", "now", "otherwise", "please", "secondly",
    "should", "simply", "then", "to", "you",
];

/// What the first verb of `text` asks for; `None` when it does not begin like an order.
pub(super) fn mode_of(text: &str) -> Option<StepMode> {
    let verb = first_verb(text)?;
    [
        (CHECK_VERBS, StepMode::Check),
        (DO_VERBS, StepMode::Do),
        (WAIT_VERBS, StepMode::Wait),
        (ESCALATE_VERBS, StepMode::Escalate),
    ]
    .iter()
    .find(|(verbs, _)| verbs.contains(&verb.as_str()))
    .map(|(_, mode)| *mode)
}

fn first_verb(text: &str) -> Option<String> {
    text.split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '-').to_lowercase())
        .filter(|word| !word.is_empty())
        .take(3)
        .find(|word| !ADVERBS.contains(&word.as_str()))
}

/// Whether `word` (lower case) asks to look.
pub(super) fn is_check_verb(word: &str) -> bool {
    CHECK_VERBS.contains(&word)
}

/// Programs that commands in runbooks begin with.
#[rustfmt::skip]
const PROGRAMS: &[&str] = &[
    "amtool", "ansible", "apt", "apt-get", "awk", "aws", "az", "base64", "bash", "brctl", "brew", "bridge", "bundle",
    "bzip2", "cat", "cd", "ceph", "certbot", "chef", "chef-client", "chmod", "chown", "chronyc", "chroot", "conntrack",
    "consul", "controller-runtime", "cp", "crictl", "crontab", "ctr", "curator", "curl", "cut", "date", "dd", "df",
    "dig", "dmesg", "docker", "dpkg", "du", "echo", "elasticsearch", "env", "etcdctl", "ethtool", "exit", "export",
    "exportfs", "fdisk", "find", "for", "free", "fsck", "fuser", "gcloud", "getent", "git", "gitlab-ctl", "gitlab-psql",
    "gitlab-rails", "gitlab-rake", "gitlab-redis-cli", "glsh", "gpg", "grep", "gsutil", "gzip", "hdparm", "head",
    "helm", "host", "hostname", "htop", "http", "id", "if", "ifconfig", "iostat", "iotop", "ip", "ipmitool", "iptables",
    "journalctl", "jq", "kill", "killall", "knife", "konnectivity", "kubeadm", "kubectl", "kustomize", "last",
    "ldapsearch", "less", "ln", "logrotate", "ls", "lsblk", "lsof", "lvextend", "lvm", "lvs", "make", "mco", "mdadm",
    "mimirtool", "mkdir", "mongo", "mount", "mtr", "multipath", "must-gather", "mv", "mysql", "mysqladmin", "nc",
    "netstat", "nfsstat", "nft", "nginx", "nmap", "nmcli", "nodetool", "nslookup", "ntpq", "nvme", "oc", "odf", "omc",
    "openssl", "ovn-nbctl", "ovn-sbctl", "ovs-vsctl", "patronictl", "pg_ctl", "pg_dump", "pgbouncer", "pgrep", "ping",
    "pip", "pkill", "podman", "promtool", "ps", "psql", "pvcreate", "pvs", "python", "python3", "rabbitmqctl", "rados",
    "rails", "rbd", "redis-cli", "resize2fs", "rm", "rmdir", "rpcinfo", "rpm", "rpm-ostree", "rsync", "sar", "scp",
    "sed", "sensors", "service", "sh", "skopeo", "sleep", "smartctl", "sort", "ss", "ssh", "ssh-keygen", "stat",
    "strace", "su", "sudo", "supervisorctl", "swapoff", "swapon", "sysctl", "systemctl", "tail", "tar", "tc", "tcpdump",
    "tctl", "tee", "telnet", "terraform", "thanos", "timedatectl", "timeout", "top", "touch", "tr", "traceroute",
    "true", "truncate", "tsh", "umount", "uname", "until", "uptime", "vault", "velero", "vgs", "vi", "vim", "virtctl",
    "vmstat", "w", "watch", "wc", "wget", "which", "while", "xargs", "xfs_growfs", "yum", "zcat", "zfs", "zgrep",
    "zpool",
];

/// Programs whose names are also plain English, so that a sentence may begin with them.
#[rustfmt::skip]
const ENGLISH: &[&str] = &[
    "bridge", "bundle", "cat", "chef", "cut", "date", "exit", "export", "find", "for", "free", "head", "host", "http",
    "id", "if", "install", "kill", "last", "less", "make", "mount", "multipath", "rails", "service", "sleep", "sort",
    "stat", "tail", "time", "timeout", "top", "touch", "true", "truncate", "until", "vault", "velero", "w", "watch",
    "which", "while", "who",
];

/// The known program that `line` begins with, after assignments and `sudo`.
pub(super) fn program_of(line: &str) -> Option<&str> {
    let word = line.split_whitespace().find(|word| !is_assignment(word) && *word != "sudo" && *word != "time")?;
    let name = word.rsplit('/').next().unwrap_or(word);
    (PROGRAMS.contains(&name) || word.starts_with("./") || (word.starts_with('/') && word.contains("bin/")))
        .then_some(name)
}

/// Whether `line` is a command and not an English sentence that begins with the name of a program.
pub(super) fn is_surely_command(line: &str) -> bool {
    let Some(program) = program_of(line) else {
        return false;
    };
    let looks_technical = |word: &str| {
        word.contains(['-', '/', '$', '<', '=', '|', '*', '"', '\'', '{']) || word.contains(char::is_numeric)
    };
    !ENGLISH.contains(&program) || line.split_whitespace().skip(1).take(2).any(looks_technical)
}

/// Whether `word` is `NAME=value`.
pub(super) fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Check the logs", Some(StepMode::Check))]
    #[case("Then, restart it", Some(StepMode::Do))]
    #[case("Wait 5 minutes", Some(StepMode::Wait))]
    #[case("Escalate to the owner", Some(StepMode::Escalate))]
    #[case("The disk is full", None)]
    #[case("", None)]
    fn modes(#[case] text: &str, #[case] mode: Option<StepMode>) {
        assert_eq!(mode_of(text), mode);
    }

    #[rstest]
    #[case("kubectl get pods", true)]
    #[case("sudo FOO=1 systemctl restart x", true)]
    #[case("find /var -size +1M", true)]
    #[case("find the biggest file", false)]
    #[case("/usr/bin/whatever x", true)]
    #[case("the kubectl command", false)]
    fn commands(#[case] line: &str, #[case] expected: bool) {
        assert_eq!(is_surely_command(line), expected);
    }
}
