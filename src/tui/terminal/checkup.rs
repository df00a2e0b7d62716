//! What is to be said of the terminal before the console is started on it, for `aiops doctor`.
//!
//! Owns: reading the environment and the size. Does not: ask the terminal anything.

use crate::domain::text::Repertoire;
use std::collections::BTreeMap;

use crossterm::terminal;

use super::Caps;
use crate::domain::checkup::Finding;
use crate::tui::encoder::ColorDepth;
use crate::tui::layout::SMALLEST;

/// What is to be said of the terminal that `environment` describes.
#[must_use]
pub fn check_terminal(environment: &BTreeMap<String, String>) -> Vec<Finding> {
    let size = terminal::size().ok();
    check(environment, size)
}

fn check(environment: &BTreeMap<String, String>, size: Option<(u16, u16)>) -> Vec<Finding> {
    let get = |name: &str| environment.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let caps = Caps::detect(environment);
    let term = get("TERM").unwrap_or("not set");
    let colours = match caps.depth {
        ColorDepth::Mono => "no colours",
        ColorDepth::Ansi16 => "16 colours",
        ColorDepth::Ansi256 => "256 colours",
        ColorDepth::TrueColor => "24-bit colours",
    };
    let mut findings = Vec::new();
    findings.push(if caps.dumb {
        let fix = "Set TERM to what the terminal is, for example xterm-256color; full-screen programs need it";
        Finding::fail(format!("TERM is {term}: the cursor cannot be moved"), fix)
    } else {
        Finding::ok(format!("TERM is {term}, {colours}"))
    });
    findings.push(if caps.repertoire == Repertoire::Unicode {
        Finding::ok("characters outside ASCII are shown as they are")
    } else {
        let fix = "Set LANG to a UTF-8 locale, such as C.UTF-8, if the terminal can show it";
        Finding::warn("only ASCII is shown; everything else is spelled out", fix)
    });
    let (columns, rows) = SMALLEST;
    findings.push(match size {
        None => Finding::ok("this is no terminal, its size is not known"),
        Some((0, _) | (_, 0)) => {
            let fix = "Tell it with `stty cols 80 rows 24`, if this is a serial line";
            Finding::warn("the terminal does not know its size", fix)
        }
        Some((wide, high)) if wide < columns || high < rows => {
            let what = format!("the terminal has {wide}x{high}");
            Finding::fail(what, format!("Enlarge it to {columns}x{rows} at least; 120x40 shows two panes"))
        }
        Some((wide, high)) => Finding::ok(format!("the terminal has {wide}x{high}")),
    });
    let tty = get("SSH_TTY").map(|tty| format!("over SSH on {tty}"));
    findings.extend(tty.map(Finding::ok));
    if get("TMUX").is_some() {
        let fix =
            "In tmux.conf: set -g escape-time 10; and set -g set-clipboard on, set -g allow-passthrough on for copying";
        findings.push(Finding {
            level: crate::domain::checkup::Level::Ok,
            what: "inside tmux".to_owned(),
            fix: fix.to_owned(),
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::checkup::Level;

    #[rstest]
    #[case("TERM=xterm-256color LANG=C.UTF-8", Some((120, 40)), Level::Ok, "256 colours")]
    #[case("TERM=xterm LANG=C", Some((120, 40)), Level::Warn, "only ASCII")]
    #[case("TERM=dumb LANG=C.UTF-8", Some((120, 40)), Level::Fail, "TERM is dumb")]
    #[case("LANG=C.UTF-8", None, Level::Fail, "TERM is not set")]
    #[case("TERM=xterm LANG=C.UTF-8", Some((40, 10)), Level::Fail, "40x10")]
    #[case("TERM=xterm LANG=C.UTF-8", Some((0, 0)), Level::Warn, "does not know its size")]
    #[case("TERM=xterm LANG=C.UTF-8 SSH_TTY=/dev/pts/3", Some((80, 24)), Level::Ok, "over SSH on /dev/pts/3")]
    #[case("TERM=tmux-256color LANG=C.UTF-8 TMUX=/tmp/x,1,0", Some((80, 24)), Level::Ok, "inside tmux")]
    fn environments(
        #[case] environment: &str,
        #[case] size: Option<(u16, u16)>,
        #[case] worst: Level,
        #[case] words: &str,
    ) {
        let pairs = environment.split_whitespace().filter_map(|pair| pair.split_once('='));
        let map = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let findings = check(&map, size);
        assert_eq!(findings.iter().map(|finding| finding.level).max(), Some(worst), "{findings:?}");
        assert!(findings.iter().any(|finding| finding.what.contains(words)), "{findings:?}");
        assert!(findings.iter().all(|finding| finding.level == Level::Ok || !finding.fix.is_empty()));
    }
}
