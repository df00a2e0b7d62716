//! Wrong input: a clear message that says what to do, nothing lost, nothing panics.

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
    let console = Console::start(&home, 120, 40, &["--config", &config.display().to_string()]);
    console.wait("the receiver to be down", |screen| screen.contains("webhook down"));
}

#[test]
fn an_unreachable_alertmanager_is_said() {
    let home = Home::new();
    let config = home.configure(&format!(
        "[receiver]\nlisten = \"127.0.0.1:{}\"\n[[alertmanager]]\nname = \"am\"\nurl = \"http://127.0.0.1:{}\"\n",
        free_port(),
        free_port()
    ));
    let console = Console::start(&home, 120, 40, &["--config", &config.display().to_string()]);
    console.wait("the API to be down", |screen| screen.contains("am api down"));
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
