//! A disk that is full while alerts come in and questions are asked, and that has room again later. It is a small tmpfs.

use super::super::pipeline::until_accepted;
use super::super::pty::Home;
use super::super::receiver::{body, post};
use super::super::small_disk::SmallDisk;
use super::desk::{Desk, Setup, in_one_line, is_busy};

fn alert(number: usize) -> String {
    let name = format!("Alert{number}");
    body("firing", &[("alertname", name.as_str()), ("severity", "critical"), ("padding", &"x".repeat(2_000))])
}

#[test]
fn on_a_full_disk_nothing_is_confirmed_that_is_not_kept_and_everything_goes_on_when_there_is_room() {
    let test = "on_a_full_disk_nothing_is_confirmed_that_is_not_kept_and_everything_goes_on_when_there_is_room";
    let home = Home::new();
    let directory = home.database().parent().unwrap().to_owned();
    let Some(disk) = SmallDisk::mount(&directory, "6m", test) else { return };
    let mut desk = Desk::open_at(home, &Setup::default());
    until_accepted(desk.port, &alert(0));
    desk.console.wait_text("Alert0");
    desk.sit_down();
    desk.goes_on();
    disk.fill();

    // What has room in the files that are there already is kept; then comes one that is not confirmed, and is not lost.
    let refused = (1..).find(|number| !post(desk.port, &alert(*number)).starts_with("HTTP/1.1 200")).unwrap();
    let answer = post(desk.port, &alert(refused));
    assert!(answer.starts_with("HTTP/1.1 503"), "the sender has to try again: {answer}");
    desk.console.wait("that alerts are not taken, why, and what to do", |screen| {
        let line = in_one_line(screen);
        line.contains("Alerts are refused with 503, since they cannot be stored")
            && line.contains("the disk is full, nothing was stored. Free some space on that file system")
    });

    // A question cannot be stored, and is not sent: it stays where it was typed.
    let asked = desk.fake.received().len();
    desk.console.type_keys("what is full?");
    desk.console.wait_text("> what is full?");
    desk.console.type_keys("\r");
    desk.console.wait("that the disk is full, and what to do", |screen| {
        in_one_line(screen).contains("the disk is full, nothing was stored. Free some space on that file system")
    });
    assert_eq!(desk.fake.received().len(), asked, "nothing was sent");
    // Keys are echoed, and what is stored is there.
    desk.console.type_keys(" echo");
    desk.console.wait_text("> what is full? echo");
    desk.console.wait("that it was not asked", |screen| !is_busy(screen));
    desk.console.type_keys("\x15\t1");
    desk.console.wait_text("Alert0");
    desk.console.type_keys("a");
    desk.console.wait("that it is not acknowledged, and why", |screen| {
        in_one_line(screen).contains("the disk is full, nothing was stored.")
    });

    disk.make_room();
    for number in refused..refused + 2 {
        until_accepted(desk.port, &alert(number));
        desk.console.wait_text(&format!("Alert{number}"));
    }
    desk.console.wait_text("Alerts are stored again.");
    // Each that was confirmed is there.
    desk.console.wait_text(&format!("{} open", refused + 2));
    desk.sit_down();
    desk.goes_on();
    desk.leave();
}
