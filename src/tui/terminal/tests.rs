//! Tests in terminals of their own: this test program is started again in a pseudo-terminal, runs one scenario and ends.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::process::Command;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use rstest::rstest;

use super::*;
use crate::domain::text::Repertoire;
use crate::tui::encoder::ColorDepth;

const SCENARIO: &str = "AIOPS_TEST_TERMINAL_SCENARIO";
const THE_SCENARIO: &str = "tui::terminal::tests::scenario";

/// Starts the scenario; `$0` of the shell script that `in_terminal` runs.
const RUN: &str = r#""$0" --exact --nocapture "$SCENARIO_TEST" "#;

/// Runs the script `$1`, with its own `$0`, and waits for a line when it has ended.
const LEADER: &str = r#"bash --norc -c "$1" "$0"; stty sane; printf 'that is %s' all; read -r _"#;
/// What the leader writes last.
const LAST: &[u8] = b"that is all";

fn caps() -> Caps {
    Caps { depth: ColorDepth::Ansi16, repertoire: Repertoire::Unicode, dumb: false, clipboard: super::Clipboard::None }
}

/// Runs a shell script in a new terminal and returns everything that it wrote there.
///
/// Another shell leads the session until all of it was read: when the leader ends, the kernel hangs the terminal up and may
/// drop what is still on its way.
fn in_terminal(scenario: &str, script: &str) -> String {
    let pair = native_pty_system().openpty(PtySize { rows: 24, cols: 80, ..PtySize::default() }).unwrap();
    let mut command = CommandBuilder::new("bash");
    command.args(["--norc", "-c", LEADER]);
    command.arg(std::env::current_exe().unwrap());
    command.arg(script);
    command.env(SCENARIO, scenario);
    command.env("RUST_BACKTRACE", "0");
    command.env("SCENARIO_TEST", THE_SCENARIO);
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().unwrap();
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while !bytes.ends_with(LAST) {
        // The kernel ends a terminal that nobody has open any more with an error.
        let count = reader.read(&mut buffer).unwrap_or(0);
        assert!(count > 0, "the leader ended: {}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&buffer[..count]);
    }
    pair.master.take_writer().unwrap().write_all(b"\n").unwrap();
    child.wait().unwrap();
    bytes.truncate(bytes.len() - LAST.len());
    String::from_utf8_lossy(&bytes).into_owned()
}

fn count(text: &str, sequence: &[u8]) -> usize {
    text.matches(std::str::from_utf8(sequence).unwrap()).count()
}

/// What the screen shows in the end.
fn screen(output: &str) -> vt100::Screen {
    let size = |length| std::num::NonZero::new(length).unwrap();
    // Higher than the terminal was, so that nothing scrolls out.
    let mut parser = vt100::Parser::new(size(500), size(80), 0);
    parser.process(output.as_bytes());
    parser.screen().clone()
}

/// The terminal is as it was: main screen, cursor, no bracketed paste, line editing and echo.
fn assert_restored(output: &str) {
    let screen = screen(output);
    assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste(), "{output}");
    let modes = output.rsplit_once("MODES").map(|(_, modes)| modes).unwrap_or_default();
    let modes: Vec<&str> = modes.split_whitespace().collect();
    for mode in ["icanon", "echo", "opost"] {
        assert!(modes.contains(&mode), "{mode} is off: {output}");
    }
}

/// The other side of the tests below.
#[test]
fn scenario() {
    let Ok(scenario) = std::env::var(SCENARIO) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut signals = Signals::new().unwrap();
        let session = match Session::enter(caps()) {
            Ok(session) => session,
            Err(error) => return println!("refused: {error}"),
        };
        let writer = session.writer().unwrap();
        writer.submit(b"drawn".to_vec());
        assert!(writer.drain(Duration::from_secs(30)));
        match scenario.as_str() {
            "drop" => assert!(matches!(Session::enter(caps()), Err(EnterError::Held))),
            "panic" => panic!("boom"),
            "thread" => drop(thread::spawn(|| panic!("boom")).join()),
            "term" => {
                nix::sys::signal::raise(Signal::SIGTERM).unwrap();
                assert_eq!(signals.next().await, TerminalSignal::Terminate);
            }
            "hangup" => {
                nix::sys::signal::raise(Signal::SIGHUP).unwrap();
                assert_eq!(signals.next().await, TerminalSignal::HangUp);
                assert!(!session.is_held());
            }
            "suspend" => match session.suspend() {
                Ok(()) => {
                    assert_eq!(signals.next().await, TerminalSignal::Continued);
                    session.resume().unwrap();
                    assert!(terminal::is_raw_mode_enabled().unwrap() && session.is_held());
                }
                Err(error) => {
                    assert!(session.is_held());
                    drop(session);
                    return println!("stays: {error}");
                }
            },
            other => panic!("no scenario {other}"),
        }
        if scenario == "thread" {
            // Whoever waits for keys hears of it, also when it happened before.
            session.panicked().await;
            assert!(!session.is_held());
            writer.submit(b"discarded".to_vec());
            assert!(writer.drain(Duration::from_secs(30)));
        }
    });
}

#[rstest]
#[case("drop")]
#[case("panic")]
#[case("thread")]
#[case("term")]
fn the_terminal_is_given_back_once(#[case] scenario: &str) {
    let output = in_terminal(scenario, &format!("{RUN}; echo; echo MODES; stty -a"));
    assert_eq!(count(&output, ENTER), 1, "{output}");
    assert_eq!(count(&output, LEAVE), 1, "{output}");
    assert!(output.contains("drawn") && !output.contains("discarded"));
    assert_restored(&output);
    if output.contains("boom") {
        let leave = std::str::from_utf8(LEAVE).unwrap();
        assert!(output.find(leave) < output.find("boom"), "the message is to be seen: {output}");
        assert!(screen(&output).contents().contains("boom"), "{output}");
    }
}

#[test]
fn a_terminal_without_an_alternate_screen_is_left_clean() {
    let output = in_terminal("drop", &format!("{RUN}; echo behind"));
    let without = output.replace("\x1b[?1049h", "").replace("\x1b[?1049l", "");
    assert!(without.len() < output.len(), "{output}");
    let left = screen(&without).contents();
    assert!(left.contains("behind") && !left.contains("drawn"), "{left}");
}

#[test]
fn nothing_is_written_to_a_terminal_that_hung_up() {
    let output = in_terminal("hangup", RUN);
    assert!(output.contains("drawn") && output.contains("1 passed"), "{output}");
    assert_eq!(count(&output, LEAVE), 0, "{output}");
}

#[test]
fn suspending_gives_the_shell_the_terminal_and_takes_it_again() {
    let script = format!("set -m; {RUN}; echo STOPPED $?; stty -a; fg; echo STATUS $?; echo MODES; stty -a");
    let output = in_terminal("suspend", &script);
    assert_eq!((count(&output, ENTER), count(&output, LEAVE)), (2, 2), "{output}");
    let stopped = output.split_once("STOPPED 147").expect("128 + SIGSTOP").1;
    let meanwhile = stopped.split_once("\x1b[?1049h").unwrap().0;
    assert!(meanwhile.split_whitespace().any(|mode| mode == "icanon"), "{output}");
    assert!(output.contains("STATUS 0"), "{output}");
    assert_restored(&output);
}

#[test]
fn without_a_shell_it_does_not_stop() {
    let output = in_terminal("suspend", &format!("exec {RUN}"));
    assert!(output.contains("stays: Not suspended: no shell"), "{output}");
    assert_eq!((count(&output, ENTER), count(&output, LEAVE)), (1, 1), "{output}");
}

#[test]
fn without_a_terminal_it_says_so() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", THE_SCENARIO])
        .env(SCENARIO, "drop")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("refused: The console needs a terminal"), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
}

#[test]
fn an_empty_environment_is_a_dumb_terminal() {
    assert!(Caps::detect(&BTreeMap::new()).dumb);
}
