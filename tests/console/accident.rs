//! Keys and pastes that meant something else, at the real console, within five seconds of a review opening: nothing is
//! approved. And a deliberate yes still is. The full count of kinds and keys is tried on the model of the screen, whose clock
//! a test can move.

use std::time::{Duration, Instant};

use super::demo::F8;
use super::scene::Scene;
use super::support::say;

/// Keys and pastes: all of them, and what is sent every time.
const KEYS: (usize, usize) = (10_000, 240);
/// A review is open for so long before the next one is opened.
const WINDOW: Duration = Duration::from_secs(5);

/// Any key or paste, the chord among them. Not sent is what leaves the console or says no: `Ctrl-C`, `Ctrl-X`, `Ctrl-Z`.
fn haste(number: usize) -> String {
    // The numbers of a linear congruence look random and are the same every time.
    let drawn = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 33;
    let printable = char::from(u8::try_from(0x21 + drawn % 0x5e).unwrap());
    match drawn / 97 % 12 {
        0..=3 => F8.to_owned(),
        4 => "\r".to_owned(),
        // The target's name and a chord, as a clipboard may have it.
        5 => format!("\x1b[200~box{F8}\r\x1b[201~"),
        6 => "\x1b[B".to_owned(),
        7 => "\x1b[6~".to_owned(),
        8 => " ".to_owned(),
        _ => printable.to_string(),
    }
}

#[test]
fn hasty_keys_at_the_real_console_approve_nothing_and_a_deliberate_yes_counts() {
    let all = std::env::var("AIOPS_LONG").is_ok_and(|value| value == "1");
    let wanted = if all { KEYS.0 } else { KEYS.1 };
    let scene = Scene::new();
    scene.release();
    let mut console = scene.start();
    scene.raise_slow_thing(&console);
    Scene::propose_slow_fix(&mut console);
    let (mut sent, mut windows) = (0, 0);
    while sent < wanted {
        console.type_keys("A");
        console.wait_text("Approve proposal");
        let opened = Instant::now();
        // Half of them at once, as from a buffer that was typed ahead; the others come one by one.
        let ahead: String = (sent..sent + 20).map(haste).collect();
        console.type_keys(&ahead);
        sent += 20;
        while sent < wanted && opened.elapsed() < WINDOW {
            console.type_keys(&haste(sent));
            sent += 1;
            std::thread::sleep(Duration::from_millis(u64::try_from(sent * 13 % 90).unwrap()));
        }
        windows += 1;
        console.type_keys("\x1b");
        console.wait("the end of the review", |screen| !screen.contains("Approve proposal"));
        assert_eq!(scene.starts(), 0);
        assert!(scene.supervisors().is_empty());
    }
    assert_eq!(granted(&scene), 0, "nobody approved");
    console.type_keys("A");
    super::demo::approve(&mut console, Some("box"));
    console.wait_text("Attempt 1 exit 0");
    assert_eq!((scene.starts(), granted(&scene)), (1, 1));
    scene.assert_journal_is_whole();
    say(&format!(
        "{sent} keys and pastes (the full count is {}) at the real console in {windows} reviews of at most {WINDOW:?}: 0 \
         approvals; 1 deliberate one accepted",
        KEYS.0
    ));
}

/// How many approvals the journal has.
fn granted(scene: &Scene) -> i64 {
    let database = rusqlite::Connection::open(scene.home.database()).unwrap();
    let query = "SELECT count(*) FROM journal WHERE payload ->> '$.type' = 'granted'";
    database.query_row(query, [], |row| row.get(0)).unwrap()
}
