//! The console over a link of 64 kbit/s: a real ssh connection through a proxy that lets so much through and no more.
//!
//! How long an echo takes is printed, not asserted; how many bytes arrive between a key and its echo is: that is what
//! the echo had to wait for. And that everything else goes on meanwhile.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;
use tokio::time::MissedTickBehavior;

use super::pty::Console;
use super::scene::Scene;
use super::sshd::{Programs, Sshd};
use super::streaming::{Answering, Stream};

const AIOPS: &str = env!("CARGO_BIN_EXE_aiops");

/// Bytes a second: 64 kbit/s.
const RATE: usize = 8_000;
/// The proxy passes on a share of these this often.
const TICK: Duration = Duration::from_millis(10);
/// Keys of which the echo is measured; they fit on one line of the chat.
const KEYS: usize = 40;
/// A person types a key about this often.
const TYPING: Duration = Duration::from_millis(120);

/// A slow way to a port of this host, as long as its runtime is there.
fn slow_way(runtime: &Runtime, to: u16) -> u16 {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    runtime.spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpSocket::new_v4().unwrap();
            // Like a modem, it has no room for what is to come later: that stays with the sender.
            server.set_recv_buffer_size(2_304).unwrap();
            let server = server.connect(([127, 0, 0, 1], to).into()).await.unwrap();
            // Nothing waits for an acknowledgement.
            client.set_nodelay(true).unwrap();
            server.set_nodelay(true).unwrap();
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
            tokio::spawn(async move {
                let mut ticks = tokio::time::interval(TICK);
                // What was not sent while there was nothing to send is not made up for.
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                let mut piece = [0; RATE / 100];
                loop {
                    ticks.tick().await;
                    match from_server.read(&mut piece).await {
                        Ok(0) | Err(_) => return,
                        Ok(count) => {
                            if to_client.write_all(&piece[..count]).await.is_err() {
                                return;
                            }
                        }
                    }
                }
            });
        }
    });
    port
}

/// Bytes that may arrive between a key and its echo, that included, in 90 of 100 cases: what the line takes in 62 ms.
const AHEAD: usize = RATE / 16;

/// What was measured of some keys.
struct Figures {
    /// How long each echo took, shortest first.
    times: Vec<Duration>,
    /// How many bytes came between each key and its echo, that included, fewest first.
    ahead: Vec<usize>,
    /// Bytes a second in all.
    drawn: usize,
}

impl Figures {
    /// Types `count` keys as a person does; `press` types one and says what shows its echo.
    fn of(console: &mut Console, count: usize, mut press: impl FnMut(&mut Console, usize)) -> Self {
        let (mut times, mut ahead) = (Vec::new(), Vec::new());
        let (begun, written) = (Instant::now(), console.written());
        for number in 1..=count {
            std::thread::sleep(TYPING);
            let (pressed, before) = (Instant::now(), console.written());
            press(console, number);
            times.push(pressed.elapsed());
            ahead.push(console.written() - before);
        }
        times.sort();
        ahead.sort_unstable();
        let millis = usize::try_from(begun.elapsed().as_millis()).unwrap().max(1);
        Self { times, ahead, drawn: (console.written() - written) * 1_000 / millis }
    }

    fn report(&self, what: &str) {
        let at =
            |share: usize| (self.times[self.times.len() * share / 100], self.ahead[self.ahead.len() * share / 100]);
        let ((p50, bytes50), (p99, bytes99)) = (at(50), at(99));
        println!(
            "{what} at {RATE} B/s: echo p50 {p50:?}, p99 {p99:?}; {bytes50} and {bytes99} bytes with it; {} B/s drawn",
            self.drawn
        );
    }

    fn assert_first(&self, what: &str) {
        let ahead = self.ahead[self.ahead.len() * 90 / 100];
        assert!(ahead <= AHEAD, "{what}: echoes came behind {ahead} bytes; all: {:?}", self.ahead);
    }
}

/// Types into the question's field, which has the focus.
fn typing(console: &mut Console) -> Figures {
    Figures::of(console, KEYS, |console, count| {
        console.type_keys("x");
        console.wait("the echo", |screen| screen.contains(&"x".repeat(count)));
    })
}

/// The row of the queue's cursor.
fn cursor(screen: &str) -> Option<usize> {
    screen.lines().position(|line| line.starts_with('▌'))
}

/// Moves in the queue, which has the focus, down and up.
fn moving(console: &mut Console) -> Figures {
    Figures::of(console, KEYS, |console, count| {
        let before = cursor(&console.contents());
        console.type_keys(if count % 2 == 1 { "j" } else { "k" });
        console.wait("the cursor in another row", |screen| cursor(screen).is_some() && cursor(screen) != before);
    })
}

/// A login over the slow line.
struct Far {
    console: Console,
    _sshd: Sshd,
    _line: Runtime,
}

fn far(programs: &Programs, home: &super::pty::Home, config: &str) -> Far {
    let sshd = Sshd::start(programs, home, &[AIOPS, "--config", config]);
    let line = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let console = sshd.login_through(slow_way(&line, sshd.port()), home, 200, 50);
    Far { console, _sshd: sshd, _line: line }
}

/// How often the screen changes in `time` without a key.
fn changes(console: &Console, time: Duration) -> usize {
    let deadline = Instant::now() + time;
    let (mut last, mut changes) = (console.contents(), 0);
    while Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
        let now = console.contents();
        changes += usize::from(now != last);
        last = now;
    }
    changes
}

fn behind_output(test: &str, scene: &Scene) {
    let Some(programs) = Programs::installed(test) else { return };
    let Far { mut console, _sshd, _line } = far(&programs, &scene.home, &scene.config);
    scene.approve_slow_fix(&mut console);
    console.type_keys("3i");
    console.wait_text("> ");
    let figures = typing(&mut console);
    figures.report(test);
    let went_on = changes(&console, Duration::from_secs(3));
    println!("{test}: {went_on} changes in 3 s");
    scene.release();
    console.wait_text("Attempt 1 exit 0");
    assert!(went_on >= 6, "output went on: {went_on}");
    figures.assert_first(test);
}

#[test]
fn echoes_come_before_the_output_of_a_command() {
    behind_output("echoes_come_before_the_output_of_a_command", &Scene::noisy());
}

#[test]
fn echoes_come_before_output_at_full_speed() {
    behind_output("echoes_come_before_output_at_full_speed", &Scene::flooding());
}

fn behind_an_answer(test: &str, stream: Stream) {
    let Some(programs) = Programs::installed(test) else { return };
    let scene = Answering::new(stream);
    let Far { mut console, _sshd, _line } = far(&programs, &scene.home, &scene.config);
    scene.raise(&console, 8);
    console.wait_text("opened with severity");
    Answering::ask(&mut console);
    let before = console.written();
    let typed = typing(&mut console);
    typed.report(&format!("{test}, typing"));
    console.type_keys("\t1");
    let moved = moving(&mut console);
    moved.report(&format!("{test}, moving"));
    assert!(console.written() - before > 10 * 2 * KEYS, "the answer went on");
    typed.assert_first(test);
    moved.assert_first(test);
}

#[test]
fn echoes_come_before_an_answer_at_50_words_a_second() {
    behind_an_answer("echoes_come_before_an_answer_at_50_words_a_second", Stream { words: 2_000, pause: 20 });
}

#[test]
fn echoes_come_before_an_answer_at_200_pieces_a_second() {
    behind_an_answer("echoes_come_before_an_answer_at_200_pieces_a_second", Stream { words: 8_000, pause: 5 });
}

#[test]
fn echoes_come_before_a_storm_and_held_keys_leave_nothing_behind() {
    let test = "echoes_come_before_a_storm_and_held_keys_leave_nothing_behind";
    let Some(programs) = Programs::installed(test) else { return };
    let scene = Answering::new(Stream { words: 10, pause: 20 });
    let Far { mut console, _sshd, _line } = far(&programs, &scene.home, &scene.config);
    scene.raise(&console, 8);
    console.type_keys("3i");
    let figures = std::thread::scope(|threads| {
        threads.spawn(|| (8..STORM).for_each(|number| scene.raise_one(number)));
        typing(&mut console)
    });
    figures.report(test);
    console.wait_text(&format!("{STORM} open"));
    console.type_keys("\t1");
    // A key is held for five seconds.
    let before = console.written();
    for _ in 0..150 {
        console.type_keys("j");
        std::thread::sleep(Duration::from_millis(33));
    }
    let (released, held) = (Instant::now(), console.written());
    let mut last = (held, released);
    while last.1.elapsed() < STILL {
        std::thread::sleep(Duration::from_millis(10));
        if console.written() > last.0 {
            last = (console.written(), Instant::now());
        }
    }
    let (while_held, behind) = (held - before, last.0 - held);
    println!(
        "150 rows down in 5 s at {RATE} B/s: {while_held} bytes, then {behind} more until the screen was still {:?} later",
        last.1 - released
    );
    // What is drawn after the release: the page, its details and document.
    assert!(behind <= RATE, "{behind} bytes came after the key was released");
    figures.assert_first(test);
}

/// Alerts of a storm.
const STORM: usize = 1_000;
/// A screen on which nothing changes for so long is still.
const STILL: Duration = Duration::from_secs(1);
