//! A console whose database was damaged while it was closed: it starts, says what is lost, and goes on working.

use std::fs;

use super::pipeline::{eventually, until_accepted};
use super::pty::{Console, Home};
use super::receiver::{body, free_port};

#[test]
fn a_console_with_a_damaged_database_starts_says_what_is_lost_and_receives_again() {
    let (home, port) = (Home::new(), free_port());
    let config = home.configure(&format!("[receiver]\nlisten = \"127.0.0.1:{port}\"\n")).display().to_string();
    let start = || Console::start(&home, 100, 30, &["--config", &config]);
    let disk = body("firing", &[("alertname", "DiskFull"), ("severity", "critical")]);
    let mut console = start();
    until_accepted(port, &disk);
    console.wait_text("DiskFull");
    // The console that receives makes the first backup by itself.
    let listed = || String::from_utf8(home.run(&["backup", "list", "--json"]).stdout).unwrap();
    eventually("a backup", || listed().contains("\"path\""));
    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0);

    let mut bytes = fs::read(home.database()).unwrap();
    bytes[..4096].fill(0x5a);
    fs::write(home.database(), &bytes).unwrap();
    let mut console = start();
    let said = console.wait_text("has been restored");
    assert!(said.contains("LOST: whatever was done between") && said.contains("damaged"), "{said}");
    console.type_keys("q");
    // What the backup did not have comes back from its source.
    until_accepted(port, &disk);
    console.wait_text("DiskFull");
    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0);
    let verified = home.run(&["journal", "verify"]);
    assert!(verified.status.success(), "{verified:?}");
    let checked = home.run(&["backup", "check"]);
    assert!(checked.status.success() && String::from_utf8_lossy(&checked.stdout).starts_with("good"), "{checked:?}");
}
