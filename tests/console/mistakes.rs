//! Wrong input: a clear message that says what to do, nothing lost, nothing panics.

use std::os::unix::fs::PermissionsExt as _;

use super::pty::{Console, Home};
use super::receiver::{body, free_port, post};

fn refused(home: &Home, arguments: &[&str]) -> String {
    let output = home.run(arguments);
    assert!(!output.status.success());
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!message.contains("panicked"), "{message}");
    message
}

#[test]
fn a_broken_configuration_names_file_line_key_and_what_is_allowed() {
    let home = Home::new();
    let config = home.configure("[receiver]\nlisten = \"nowhere\"\nlimit = 3\n");
    let config = config.display().to_string();
    let message = refused(&home, &["--config", &config]);
    for part in [config.as_str(), "receiver.listen", "2", "127.0.0.1"] {
        assert!(message.contains(part), "{part:?} is missing in\n{message}");
    }
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let home = Home::new();
    let config = home.configure(&format!("[receiver]\nlisten = \"127.0.0.1:{}\"\n", free_port()));
    let mut console = Console::start(&home, 80, 24, &["--config", &config.display().to_string()]);
    console.wait_text("No incident is open");
    console.type_keys("q");
    console.wait_exit();
    let connection = rusqlite::Connection::open(home.database()).unwrap();
    connection.execute_batch("PRAGMA user_version = 9999; PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
    drop(connection);
    let before = std::fs::read(home.database()).unwrap();
    let message = refused(&home, &["journal", "verify"]);
    assert!(message.contains("newer"), "{message}");
    assert_eq!(std::fs::read(home.database()).unwrap(), before);
    let said = refused_console(&home);
    assert!(said.contains("newer") && said.contains("--db"), "{said}");
    assert_eq!(std::fs::read(home.database()).unwrap(), before);
}

/// What a console says that does not open; the terminal stays as it was.
fn refused_console(home: &Home) -> String {
    let mut console = Console::start(home, 250, 24, &[]);
    assert_ne!(console.wait_exit(), 0, "{}", console.contents());
    let said = console.wait("what is wrong", |screen| screen.contains("aiops: "));
    assert!(!said.contains("panicked"), "{said}");
    assert!(!console.raw().windows(8).any(|bytes| bytes == b"\x1b[?1049h"), "it never took the terminal: {said}");
    said
}

#[test]
fn a_database_that_may_only_be_read_keeps_the_console_from_opening() {
    let home = Home::new();
    let config = home.configure("[receiver]\nenabled = false\n").display().to_string();
    let mut console = Console::start(&home, 80, 24, &["--config", &config]);
    console.wait_text("No incident is open");
    console.type_keys("q");
    console.wait_exit();
    let directory = home.database().parent().unwrap().to_owned();
    let mode = |mode| std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(mode)).unwrap();
    for file in std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
    {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o400)).unwrap();
    }
    mode(0o500);
    if nix::unistd::Uid::effective().is_root() {
        // Permissions do not bind root, and a file system that is mounted for reading cannot be had in every sandbox:
        // the console has to open then, and the refusal is tested when another user runs the tests.
        let mut console = Console::start(&home, 80, 24, &["--config", &config]);
        console.wait_text("No incident is open");
        console.type_keys("q");
        console.wait_exit();
    } else {
        let said = refused_console(&home);
        assert!(said.contains("writable") && said.contains("--db"), "{said}");
    }
    mode(0o700);
}

/// Opens the page of the sources and waits until it says `remedy`, which may be broken over lines.
fn read_remedy(console: &mut Console, remedy: &str) {
    console.type_keys("S");
    console.wait(&format!("the remedy {remedy:?}"), |screen| {
        screen.contains("Sources") && in_one_line(screen).contains(remedy)
    });
}

/// The words of a page without its frame and its breaks.
fn in_one_line(screen: &str) -> String {
    screen.split(|c: char| c.is_whitespace() || c == '│').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_secret_that_others_can_read_is_said_with_its_remedy_and_tried_again() {
    let home = Home::new();
    let token = home.path().join("token");
    std::fs::write(&token, "hunter2\n").unwrap();
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
    let config = home.configure(&format!(
        "[receiver]\nlisten = \"127.0.0.1:{}\"\ntoken = {{ file = \"{token}\" }}\n\
         [[alertmanager]]\nname = \"am\"\nurl = \"http://127.0.0.1:{}\"\ntoken = {{ file = \"{token}\" }}\n",
        free_port(),
        free_port(),
        token = token.display()
    ));
    let check = home.run(&["config", "check", "--config", &config.display().to_string()]);
    let said = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(!check.status.success());
    for part in ["config.toml:3: receiver.token: ", "config.toml:7: alertmanager.token: ", "chmod 600"] {
        assert!(said.contains(part) && !said.contains("hunter2"), "{part:?} is missing in\n{said}");
    }
    let mut console = Console::start(&home, 120, 40, &["--config", &config.display().to_string()]);
    console.wait("both to be down", |screen| screen.contains("webhook down") && screen.contains("api down"));
    read_remedy(&mut console, "Run: chmod 600");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    console.wait("the receiver to be open", |screen| in_one_line(screen).contains("nothing was delivered yet"));
    assert!(!console.contents().contains("hunter2"));
}

#[test]
fn a_broken_keymap_names_its_line_and_where_the_file_is_named() {
    let home = Home::new();
    let keymap = home.path().join("keys.toml");
    std::fs::write(&keymap, "[global]\n\nx = \"frobnicate\"\n").unwrap();
    let config = home.configure(&format!("[console]\nkeymap = \"{}\"\n", keymap.display())).display().to_string();
    let start = home.run(&["--config", &config]);
    assert_eq!(start.status.code(), Some(2), "it is a matter of usage");
    let check = home.run(&["config", "check", "--config", &config]);
    assert_eq!(check.status.code(), Some(1));
    for said in [start.stderr, check.stdout] {
        let said = String::from_utf8_lossy(&said).into_owned();
        for part in ["config.toml:2: console.keymap: ", "keys.toml, line 3", "frobnicate"] {
            assert!(said.contains(part), "{part:?} is missing in\n{said}");
        }
    }
}

#[test]
fn an_unknown_theme_is_a_mistake_of_the_configuration() {
    let home = Home::new();
    let config = home.configure("[console]\nutc = true\ntheme = \"solar\"\n").display().to_string();
    let message = refused(&home, &["config", "show", "--config", &config]);
    for part in ["config.toml:3: console.theme: ", "solar", "dark", "light"] {
        assert!(message.contains(part), "{part:?} is missing in\n{message}");
    }
}

#[test]
fn a_keymap_that_is_a_pipe_is_refused_and_not_waited_for() {
    let home = Home::new();
    let pipe = home.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    let config = home.configure(&format!("[console]\nkeymap = \"{}\"\n", pipe.display()));
    let message = refused(&home, &["--config", &config.display().to_string()]);
    assert!(message.contains("console.keymap") && message.contains("no regular file"), "{message}");
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let home = Home::new();
    std::fs::create_dir_all(home.database().parent().unwrap()).unwrap();
    std::fs::write(home.database(), "this is not a database, it is a letter to my mother".repeat(100)).unwrap();
    let before = std::fs::read(home.database()).unwrap();
    let message = refused(&home, &["journal", "verify"]);
    assert!(message.contains("aiops.db"), "{message}");
    assert_eq!(std::fs::read(home.database()).unwrap(), before);
}

#[test]
fn a_port_in_use_is_said_and_the_console_works_without_it() {
    let home = Home::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let config = home.configure(&format!("[receiver]\nlisten = \"127.0.0.1:{port}\"\n"));
    let mut console = Console::start(&home, 120, 40, &["--config", &config.display().to_string()]);
    console.wait("the receiver to be down", |screen| screen.contains("webhook down"));
    read_remedy(&mut console, "stop that program or change `receiver.listen`");
}

#[test]
fn an_unreachable_alertmanager_is_said() {
    let home = Home::new();
    let config = home.configure(&format!(
        "[receiver]\nlisten = \"127.0.0.1:{}\"\n[[alertmanager]]\nname = \"am\"\nurl = \"http://127.0.0.1:{}\"\n",
        free_port(),
        free_port()
    ));
    let mut console = Console::start(&home, 120, 40, &["--config", &config.display().to_string()]);
    console.wait("the API to be down", |screen| screen.contains("am api down"));
    read_remedy(&mut console, "Check that Alertmanager runs and that host and port are right");
}

#[test]
fn a_malformed_webhook_is_confirmed_kept_and_shown() {
    let home = Home::new();
    let port = free_port();
    let config = home.configure(&format!("[receiver]\nlisten = \"127.0.0.1:{port}\"\n"));
    let console = Console::start(&home, 120, 40, &["--config", &config.display().to_string()]);
    super::pipeline::until_accepted(port, &body("firing", &[("alertname", "Good"), ("severity", "low")]));
    let answer = post(port, "{\"version\": \"4\", \"alerts\": [{\"status\": ");
    assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
    console.wait_text("1 unreadable");
    console.wait_text("Good");
}

#[test]
fn a_broken_sop_still_opens_and_counts_its_problems() {
    let home = Home::new();
    let sops = home.path().join("runbooks");
    std::fs::create_dir_all(&sops).unwrap();
    let mut text =
        b"# Broken\n\n## Diagnosis\n\n1. Look:\n\n```sh\nls /srv\n\n## Mitigation\n\ninvalid \xff\xfe bytes\n".to_vec();
    text.extend_from_slice(b"\n2. Do it\n");
    std::fs::write(sops.join("Broken.md"), text).unwrap();
    let port = free_port();
    let config = home.configure(&format!(
        "[receiver]\nlisten = \"127.0.0.1:{port}\"\n[sops]\ndirectories = [\"{}\"]\n",
        sops.display()
    ));
    let mut console = Console::start(&home, 120, 40, &["--config", &config.display().to_string()]);
    console.wait_text("No incident is open");
    console.type_keys("s");
    console.wait_text("Broken");
    console.type_keys("Broken\r");
    console.wait_text("problems");
    console.wait_text("ls /srv");
}
