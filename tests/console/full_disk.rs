//! A console whose database lies on a disk that is full, and has room again. The disk is a small tmpfs.

use super::pipeline::{eventually, until_accepted};
use super::pty::{Console, Home};
use super::receiver::{body, free_port, post};
use super::small_disk::SmallDisk;

fn alert(name: &str) -> String {
    body("firing", &[("alertname", name), ("severity", "critical"), ("instance", "db-3:9100")])
}

#[test]
fn a_console_on_a_full_disk_says_that_alerts_are_lost_and_comes_right_again() {
    let test = "a_console_on_a_full_disk_says_that_alerts_are_lost_and_comes_right_again";
    let directory = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(directory.path(), "12m", test) else { return };
    let (home, port) = (Home::new(), free_port());
    let config = home.configure(&format!("[receiver]\nlisten = \"127.0.0.1:{port}\"\n")).display().to_string();
    let database = disk.path().join("aiops.db").display().to_string();
    let mut console = Console::start(&home, 100, 30, &["--config", &config, "--db", &database]);
    console.wait_text("No incident is open");
    until_accepted(port, &alert("First"));
    console.wait_text("First");
    disk.fill();
    eventually("a delivery is refused", || post(port, &alert("Refused")).contains("503"));
    let in_header = |screen: &str, words: &str| screen.lines().next().is_some_and(|line| line.contains(words));
    console.wait("the header", |screen| in_header(screen, "alerts are refused") || in_header(screen, "not receiving"));
    console.type_keys("S");
    let screen = console.wait_text("not stored since");
    assert!(screen.contains("disk is full") && !screen.contains("works"), "{screen}");
    // The lease cannot be renewed either.
    console.wait("the loss of the lease", |screen| in_header(screen, "not receiving"));
    disk.make_room();
    console.wait("the end of it", |screen| !in_header(screen, "not receiving") && !in_header(screen, "refused"));
    console.type_keys("S");
    until_accepted(port, &alert("Second"));
    console.wait_text("Second");
    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0);
}
