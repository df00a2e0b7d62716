//! Commands that need a person at a terminal.
//!
//! Owns: the programs and options that tell. Does not: parse the command: it looks at words between separators.
//!
//! What only goes on until somebody ends it (`tail -f`, `kubectl get -w`, `ping`, a port-forward) is not interactive: it
//! needs nobody's keys, so that it runs with its output recorded, and can be cancelled.

/// Programs that take the whole terminal, whatever their arguments.
const FULL_SCREEN: &[&str] = &[
    "atop", "emacs", "glances", "htop", "iftop", "iotop", "irssi", "less", "man", "mc", "more", "nano", "screen",
    "telnet", "tmux", "vi", "view", "vim", "vimdiff", "vipw", "visudo", "watch",
];

/// Whether `script` needs a terminal.
pub(super) fn is_interactive(script: &str) -> bool {
    script
        .split(['\n', ';', '|', '&'])
        .map(|command| command.split_whitespace().collect::<Vec<_>>())
        .any(|words| needs_terminal(&words))
}

fn needs_terminal(words: &[&str]) -> bool {
    let skip = words
        .iter()
        .take_while(|word| matches!(**word, "sudo" | "env" | "time") || super::words::is_assignment(word))
        .count();
    let Some((program, arguments)) = words.get(skip..).and_then(<[&str]>::split_first) else {
        // `sudo` alone is nothing; `sudo -i` has its option behind it.
        return false;
    };
    let has = |option: &str| arguments.contains(&option);
    let name = program.rsplit('/').next().unwrap_or(program);
    if words.first() == Some(&"sudo") && matches!(*program, "-i" | "-s" | "su") {
        return true;
    }
    match name {
        _ if FULL_SCREEN.contains(&name) => true,
        "kubectl" | "oc" | "k" => kubernetes(arguments),
        "docker" | "podman" | "crictl" | "nerdctl" => {
            (has("exec") || has("run")) && arguments.iter().any(|word| is_terminal_option(word)) || has("attach")
        }
        "su" => !has("-c"),
        "chroot" => arguments.len() < 2,
        "top" => !arguments.iter().any(|word| is_short_option(word, 'b')),
        "ssh" | "tsh" => positional(arguments, &["-o", "-i", "-p", "-l", "-F", "-J"]) < 2,
        "crontab" => has("-e"),
        "systemctl" => has("edit"),
        "psql" | "gitlab-psql" => {
            !arguments.iter().any(|word| is_query_option(word, &["-c", "-f", "-l", "--command", "--file", "--list"]))
        }
        "mysql" => !arguments.iter().any(|word| is_query_option(word, &["-e", "--execute"])) && !has("<"),
        "bash" | "sh" | "zsh" => arguments.is_empty() || has("-i") || prompts(words),
        "virtctl" => has("console") || has("vnc") || has("ssh"),
        _ => prompts(words),
    }
}

/// `read -p …`, also within `bash -c '…'`: it asks a person.
fn prompts(words: &[&str]) -> bool {
    words.windows(2).any(|pair| {
        matches!(pair, [read, option] if read.trim_start_matches(['\'', '"']) == "read" && is_short_option(option, 'p'))
    })
}

fn kubernetes(arguments: &[&str]) -> bool {
    let has = |word: &str| arguments.contains(&word);
    // What stands behind `--` are the options of the program in the container: `df -i` counts inodes there.
    let remote = arguments.iter().position(|word| *word == "--");
    let (own, command) = arguments.split_at(remote.unwrap_or(arguments.len()));
    let remote_command = remote.is_some();
    let shell_asked_for = matches!(command.get(1), Some(&("bash" | "sh" | "zsh"))) && command.contains(&"-i");
    (has("exec") || has("run") || has("attach")) && (shell_asked_for || own.iter().any(|word| is_terminal_option(word)))
        || has("edit")
        || (has("debug") && !remote_command)
        || (has("rsh") && !remote_command && positional(arguments, &["-c", "--container", "-n", "--namespace"]) <= 2)
        || (has("login") && !arguments.iter().any(|word| word.starts_with("--token") || word.starts_with("-p")))
}

/// How many words are neither options nor values of `with_value`; a substitution counts as one word.
fn positional(arguments: &[&str], with_value: &[&str]) -> usize {
    let mut count = 0;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if with_value.contains(word) {
            words.next();
        } else if !word.starts_with('-') {
            count += 1;
            if word.starts_with("$(") && !word.ends_with(')') {
                words.by_ref().find(|word| word.ends_with(')'));
            }
        }
    }
    count
}

/// `-it`, `-ti`, `-t`, `-i`, `--tty`, `--stdin`.
fn is_terminal_option(word: &str) -> bool {
    matches!(word, "-it" | "-ti" | "-t" | "-i" | "--tty" | "--stdin" | "--interactive" | "--tty=true" | "--stdin=true")
}

fn is_short_option(word: &str, letter: char) -> bool {
    word.starts_with('-') && !word.starts_with("--") && word.contains(letter)
}

fn is_query_option(word: &str, options: &[&str]) -> bool {
    options.iter().any(|option| word.starts_with(option))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("kubectl exec -it <pod> -- sh")]
    #[case("kubectl exec -i -t <pod> -- sh")]
    #[case("oc debug node/<node>")]
    #[case("kubectl exec <pod> -- bash -i")]
    #[case("kubectl exec <pod> -t df")]
    #[case("oc rsh <pod>")]
    #[case("oc rsh -c etcdctl -n openshift-etcd $(oc get pod -l app=etcd -oname | awk -F/ '{ print $2 }')")]
    #[case("ssh -o BatchMode=yes host")]
    #[case("kubectl edit deploy x")]
    #[case("ls && vim /etc/hosts")]
    #[case("sudo -i")]
    #[case("sudo vi x")]
    #[case("su - postgres")]
    #[case("psql -d x")]
    #[case("ssh host")]
    #[case("top")]
    #[case("crontab -e")]
    #[case("kubectl attach -it <pod>")]
    #[case("read -p 'sure? ' answer && rm -r /srv/old")]
    #[case("bash -c 'read -rp sure? answer; echo $answer'")]
    fn needs_a_person(#[case] script: &str) {
        assert!(is_interactive(script));
    }

    #[rstest]
    #[case("kubectl exec <pod> -- df -h")]
    #[case("kubectl exec <pod> -- df -i /data")]
    #[case("kubectl exec <pod> -- grep -i error /log")]
    #[case("oc debug node/<node> -- chroot /host df -h")]
    #[case("oc rsh <pod> df")]
    #[case("kubectl get pods -o wide")]
    #[case("psql -c 'select 1'")]
    #[case("tail -n 100 x")]
    #[case("journalctl -u x --no-pager")]
    #[case("ssh host uptime")]
    #[case("ssh -o BatchMode=yes host uptime")]
    #[case("ping -c 3 host")]
    #[case("top -b -n 1")]
    #[case("sudo systemctl restart x")]
    #[case("kubectl -n a port-forward svc/x 80")]
    #[case("kubectl logs -f <pod>")]
    #[case("kubectl get pods --watch")]
    #[case("kubectl attach <pod>")]
    #[case("tail -f /var/log/syslog")]
    #[case("journalctl -fu x")]
    #[case("ping host")]
    #[case("tcpdump -ni eth0")]
    #[case("while read -r line; do echo $line; done")]
    #[case("")]
    fn runs_alone(#[case] script: &str) {
        assert!(!is_interactive(script));
    }
}
