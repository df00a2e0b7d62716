//! What has to hold for every command that is known.

use proptest::prelude::*;

use super::judge::{self, Context};
use super::*;

/// Commands that are more than a read, by several kinds of tables and checks.
const HARMFUL: &[&[&str]] = &[
    &["rm", "-rf", "/srv/old"],
    &["kubectl", "delete", "ns", "shop"],
    &["kubectl", "drain", "node-7", "--force"],
    &["find", ".", "-delete"],
    &["find", ".", "-exec", "rm", "{}", ";"],
    &["psql", "-c", "drop table t"],
    &["curl", "-X", "DELETE", "http://es:9200/logs"],
    &["systemctl", "isolate", "rescue.target"],
    &["iptables", "-F"],
    &["kill", "-9", "4711"],
    &["tar", "-xf", "a.tar", "--to-command=sh"],
    &["git", "reset", "--hard"],
    &["ssh", "web-3", "reboot"],
    &["bash", "-c", "reboot"],
    &["./cat", "x"],
    &["dd", "if=/dev/zero", "of=/dev/sda"],
    &["redis-cli", "flushall"],
    &["terraform", "destroy"],
    &["docker", "rm", "-f", "web"],
    &["xargs", "rm"],
    &["sed", "1e id", "x"],
    &["awk", "{system($0)}", "x"],
    &["mysql", "-e", "drop table t"],
    &["aws", "ec2", "terminate-instances", "--instance-ids", "i-0abc"],
];

/// Words that ask a program only to show what it would do, where a table says so.
fn only_shows(word: &str) -> bool {
    ["dry", "help", "version", "list", "check", "simulate", "assumeno", "test", "recon", "just-print", "no-act"]
        .iter()
        .any(|part| word.contains(part))
}

fn risk_of(words: &[&str]) -> Risk {
    judge::words(words, &Context::default()).risk
}

/// Names of programs and their options, as the tables have them.
fn options_of(tool: &tool::Tool) -> Vec<String> {
    tool.rule.table.flags()
}

proptest! {
    /// Whatever is added to a command that takes something away, it is no read.
    #[test]
    fn more_words_make_nothing_harmless(at in 0..HARMFUL.len(), words in prop::collection::vec("[-a-z0-9=/.]{1,12}", 1..4)) {
        prop_assume!(!words.iter().any(|word| only_shows(word) || (word.starts_with('-') && word.len() < 4)));
        let mut all = HARMFUL[at].to_vec();
        all.extend(words.iter().map(String::as_str));
        prop_assert!(risk_of(&all) > Risk::Read, "{all:?}");
    }

    /// An option that no table has makes any command unknown, wherever it stands among the words of its program.
    #[test]
    fn an_unknown_option_is_unknown(name in "zq[a-z]{3,8}", pick in any::<prop::sample::Index>()) {
        let known: Vec<&str> = tool::all()
            .filter(|(name, tool)| tool.style != options::Style::Raw && !name.contains('/'))
            .map(|(name, _)| name)
            .collect();
        let program = *pick.get(&known);
        let option = format!("--{name}");
        prop_assert_eq!(risk_of(&[program, &option]), Risk::Unknown, "{} {}", program, option);
        let read = ["ls", "cat", "grep", "kubectl get", "systemctl status", "docker ps", "git log", "df", "ss", "journalctl"];
        let words: Vec<&str> = read[pick.index(read.len())].split(' ').chain([option.as_str(), "x"]).collect();
        prop_assert_eq!(risk_of(&words), Risk::Unknown, "{:?}", words);
    }

    /// Options that take no value may stand in any order.
    #[test]
    fn the_order_of_flags_does_not_matter(pick in any::<prop::sample::Index>(), seed in any::<u64>(), count in 2_usize..5) {
        let tools: Vec<(&str, &tool::Tool)> = tool::all()
            .filter(|(name, tool)| tool.style != options::Style::Raw && !name.contains('/') && options_of(tool).len() > 2)
            .collect();
        let (name, tool) = *pick.get(&tools);
        let flags = options_of(tool);
        let mut chosen: Vec<&str> = (0..count).map(|n| flags[(seed as usize).wrapping_mul(31).wrapping_add(n * 7) % flags.len()].as_str()).collect();
        let forward: Vec<&str> = std::iter::once(name).chain(chosen.iter().copied()).collect();
        let first = risk_of(&forward);
        chosen.reverse();
        let backward: Vec<&str> = std::iter::once(name).chain(chosen.iter().copied()).collect();
        prop_assert_eq!(first, risk_of(&backward), "{:?}", forward);
    }

    /// Any words at all: a judgement, no panic; and what wraps a command is at least what it wraps.
    #[test]
    fn wrapping_makes_nothing_less(at in 0..HARMFUL.len(), wrapper in 0_usize..8, garbage in prop::collection::vec(".{0,12}", 0..5)) {
        const WRAPPERS: [&[&str]; 8] = [
            &["sudo"], &["timeout", "5"], &["nice", "-n", "5"], &["env", "X=1"], &["nohup"], &["sudo", "-u", "app", "--"],
            &["kubectl", "exec", "web-0", "--"], &["docker", "exec", "web"],
        ];
        let all: Vec<&str> = WRAPPERS[wrapper].iter().chain(HARMFUL[at]).copied().collect();
        prop_assert!(risk_of(&all).min(Risk::Destroy) >= risk_of(HARMFUL[at]).min(Risk::Destroy), "{all:?}");
        let garbage: Vec<&str> = garbage.iter().map(String::as_str).collect();
        let finding = judge::words(&garbage, &Context::default());
        prop_assert!(!finding.why.is_empty());
        for name in ["sed", "awk", "jq", "psql", "curl", "find", "tar", "ip", "git", "mongosh"] {
            let words: Vec<&str> = std::iter::once(name).chain(garbage.iter().copied()).collect();
            judge::words(&words, &Context::default());
        }
        for text in &garbage {
            judge::words(&["psql", "-c", text], &Context::default());
            judge::words(&["sed", text], &Context::default());
            judge::words(&["awk", text], &Context::default());
            judge::words(&["mongosh", "--eval", text], &Context::default());
            judge::words(&["bash", "-c", text], &Context::default());
        }
    }
}
