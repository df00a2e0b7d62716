//! Tests of the pace over lines that are made up, in time that is made up.

use super::*;

/// A line to a terminal.
struct Wire {
    /// Bytes a second.
    rate: f64,
    /// One way.
    latency: Duration,
    replies: Replies,
    /// When it has taken everything.
    free: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Replies {
    Come,
    Never,
}

/// What was seen of a line to which somebody always has more to draw.
#[derive(Default)]
struct Seen {
    /// For each piece: when it was sent, its bytes, how long an echo right behind it would have waited.
    pieces: Vec<(Duration, usize, Duration)>,
    asked: usize,
}

impl Wire {
    fn new(rate: f64, latency: u64, replies: Replies) -> Self {
        Self { rate, latency: Duration::from_millis(latency), replies, free: Instant::now() }
    }

    /// Sends; returns when a reply comes back to what stands at the end.
    fn send(&mut self, bytes: usize, now: Instant) -> Instant {
        self.free = self.free.max(now) + Duration::from_secs_f64(bytes as f64 / self.rate);
        self.free + self.latency * 2
    }

    /// Draws a frame of 5,000 bytes and then pieces for so many seconds.
    fn watch(mut self, pace: &mut Pace, seconds: u64) -> Seen {
        let begun = self.free;
        let (mut now, mut seen, mut reply) = (begun, Seen::default(), None);
        let mut next = 5_000;
        while now < begun + Duration::from_secs(seconds) {
            if reply.is_some_and(|at| at <= now) {
                reply = None;
                if pace.replied(now) {
                    seen.asked += 1;
                    reply = Some(self.send(ASK.len(), now));
                }
            }
            if pace.rest_at(now) <= now {
                let asks = pace.sent(next, Sent::Rest, now);
                let arrives = self.send(next, now);
                seen.pieces.push((now - begun, next, self.free - now));
                if asks {
                    seen.asked += 1;
                    reply = (self.replies == Replies::Come).then_some(arrives);
                }
                next = pace.piece(now);
            }
            now += Duration::from_millis(1);
        }
        seen
    }
}

impl Seen {
    fn bytes_after(&self, second: u64) -> usize {
        self.after(second).map(|(_, bytes, _)| bytes).sum()
    }

    fn after(&self, second: u64) -> impl Iterator<Item = (Duration, usize, Duration)> {
        self.pieces.iter().copied().filter(move |(at, ..)| *at >= Duration::from_secs(second))
    }
}

fn far(extra: &[(&str, &str)]) -> Pace {
    let mut environment = BTreeMap::from([("SSH_TTY".to_owned(), "/dev/pts/1".to_owned())]);
    environment.extend(extra.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Pace::of(&environment)
}

#[test]
fn an_echo_never_waits_long_on_a_slow_line_and_the_line_is_used() {
    for latency in [1, 50, 200] {
        let seen = Wire::new(8_000.0, latency, Replies::Come).watch(&mut far(&[]), 30);
        let longest = seen.after(3).map(|(.., wait)| wait).max().unwrap();
        assert!(longest <= Duration::from_millis(60), "{latency} ms away: {longest:?}");
        let share = seen.bytes_after(3) as f64 / (27.0 * 8_000.0);
        assert!(share > 0.3, "{latency} ms away: {share}");
    }
}

#[test]
fn a_fast_line_is_found_to_be_fast() {
    for (latency, within) in [(0, 2), (20, 5), (150, 12)] {
        let mut pace = far(&[]);
        let seen = Wire::new(2_000_000.0, latency, Replies::Come).watch(&mut pace, within);
        assert!(
            pace.piece(Instant::now()) >= 2_000,
            "{latency} ms away: {} after {} pieces",
            pace.piece(Instant::now()),
            seen.pieces.len()
        );
    }
}

#[test]
fn a_line_that_becomes_slow_is_found_to_be_slow() {
    let mut pace = far(&[]);
    Wire::new(2_000_000.0, 10, Replies::Come).watch(&mut pace, 5);
    let mut slow = Wire::new(8_000.0, 10, Replies::Come);
    slow.free += Duration::from_secs(6);
    let seen = slow.watch(&mut pace, 20);
    let longest = seen.after(10).map(|(.., wait)| wait).max().unwrap();
    assert!(longest <= Duration::from_millis(60), "{longest:?}");
}

#[test]
fn a_terminal_that_never_replies_is_asked_three_times_and_starves_nobody() {
    let seen = Wire::new(1_000_000.0, 1, Replies::Never).watch(&mut far(&[]), 40);
    assert_eq!(seen.asked, 3);
    for second in 0..39 {
        let drawn = seen.after(second).take_while(|(at, ..)| *at < Duration::from_secs(second + 1)).count();
        assert!(drawn >= 2 || second == 0, "{drawn} in second {second}");
    }
    let bytes = seen.bytes_after(20) / 20;
    assert!((1_000..=4_000).contains(&bytes), "{bytes} B/s");
}

#[test]
fn in_tmux_nothing_is_asked_a_page_comes_at_once_and_a_stream_takes_half_of_a_slow_line() {
    let mut pace = far(&[("TMUX", "/tmp/x")]);
    let now = Instant::now();
    let mut page = 0;
    while pace.rest_at(now) <= now {
        page += pace.piece(now);
        assert!(!pace.sent(pace.piece(now), Sent::Rest, now));
    }
    assert!((2_000..=5_000).contains(&page), "{page}");
    let seen = Wire::new(8_000.0, 1, Replies::Come).watch(&mut pace, 20);
    assert_eq!(seen.asked, 0);
    assert!((1_000..=4_000).contains(&(seen.bytes_after(5) / 15)), "{}", seen.bytes_after(5) / 15);
}

#[test]
fn without_ssh_nothing_is_paced_and_nothing_is_asked() {
    let mut pace = Pace::of(&BTreeMap::from([("TERM".to_owned(), "xterm".to_owned())]));
    let now = Instant::now();
    for _ in 0..1_000 {
        assert!(pace.is_local() && pace.rest_at(now) <= now && pace.echo_at(now) <= now);
        assert!(!pace.sent(5_000, Sent::Rest, now));
    }
}

#[test]
fn keys_that_come_faster_than_the_line_are_echoed_together() {
    let mut pace = far(&[]);
    let now = Instant::now();
    assert!(pace.echo_at(now) <= now);
    // A second of the line.
    pace.sent(4_000, Sent::Echo, now);
    let wait = pace.echo_at(now) - now;
    assert!(wait > Duration::from_millis(500) && wait < Duration::from_secs(1), "{wait:?}");
}

#[test]
fn nothing_is_asked_while_nothing_is_drawn_and_little_echoes_ask_nothing() {
    let mut pace = far(&[]);
    let mut now = Instant::now();
    for _ in 0..5 {
        assert!(!pace.sent(40, Sent::Echo, now));
        now += Duration::from_secs(60);
    }
    assert!(!pace.replied(now), "a reply to no question");
    assert!(!pace.is_asking());
}
