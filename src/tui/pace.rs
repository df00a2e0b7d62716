//! How much may be drawn when: a key's echo at once, everything else at the pace of the line to the person.
//!
//! Over ssh a write never waits: megabytes fit into the buffers behind it, and an echo stands at their end. So the console
//! itself keeps what is under way small. How fast the line is, it learns from the terminal: behind a frame it asks for the
//! terminal's status (`ASK`), and the reply tells when the frame was there. This works through jump hosts and whatever
//! else takes bytes and does not deliver them; mosh replies itself, and paces itself.
//!
//! Owns: what is believed of the line. Invariants: without ssh nothing is paced and nothing is asked; one question at most is
//! open; nothing is asked while nothing is drawn; what waits is drawn at least twice a second. Does not: write, read, or
//! know the clock.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// Asks for the terminal's status (DSR, ECMA-48 8.3.35); every terminal since the VT100 replies.
pub(super) const ASK: &[u8] = b"\x1b[5n";

/// Bytes a second as long as nothing is known: half of 64 kbit/s.
const UNKNOWN: f64 = 4_000.0;
/// No line is taken to be slower, in bytes a second: about 9,600 baud.
const SLOWEST: f64 = 1_000.0;
/// Faster lines are all alike, in bytes a second: a frame takes a millisecond.
const FASTEST: f64 = 4_000_000.0;
/// What no key asked for takes at most this share of the line, so that most echoes find it empty.
const SHARE: f64 = 0.6;
/// The same while somebody types.
const SHARE_OF_TYPING: f64 = 0.3;
/// Who has typed something so recently is taken to go on.
const TYPING: Duration = Duration::from_secs(1);
/// A piece of a frame takes the line about so long, and that is what an echo may have to wait.
const PIECE: Duration = Duration::from_millis(15);
/// Pieces are not cut smaller than this, in bytes: moving there and packing it takes about 60 more.
const SMALLEST: usize = 100;
/// Nor larger; the largest frames of large screens are smaller.
const LARGEST: usize = 65_536;
/// A reply that is later than on an empty line by this says that the line is too full.
const LATE: Duration = Duration::from_millis(40);
/// One that is later by this says that it is another line than was believed.
const VERY_LATE: Duration = Duration::from_millis(250);
/// What one piece has shown counts this much against all those before.
const WEIGHT: f64 = 0.25;
/// At most so much slower, or faster, is believed of the line after one reply.
const SLOWER: f64 = 0.7;
const FASTER: f64 = 2.0;
/// A piece of fewer bytes than this says nothing of the line.
const WORTH_ASKING: usize = 96;
/// After so many bytes in smaller pieces it is asked all the same whether they are late.
const ASKED_AFTER: usize = 512;
/// A question whose reply takes longer than this is given up.
const GIVEN_UP: Duration = Duration::from_secs(3);
/// After so many questions in a row without a reply none is asked.
const UNANSWERED: u32 = 3;
/// How late a reply is on an empty line is measured again after this time: the person may have moved.
const MEASURED_FOR: Duration = Duration::from_secs(30);
/// What waits is drawn after this time, whatever is believed.
const STARVED: Duration = Duration::from_millis(500);
/// Keys that come faster than the line takes their echoes are echoed together when so much is left of those before.
const KEYS_AHEAD: Duration = Duration::from_millis(60);
/// Bytes that a line which cannot be measured may have at once when it was quiet: a page.
const BURST: f64 = 4_096.0;
/// Pieces for such a line, in bytes.
const BLIND_PIECE: usize = 512;

/// What is believed of the line to the person.
#[derive(Clone, Debug)]
pub struct Pace {
    line: Line,
    /// When what was sent should have arrived.
    clear: Option<Instant>,
    /// When something was drawn last that no key asked for.
    drawn: Option<Instant>,
    /// When a key was echoed last.
    typed: Option<Instant>,
}

/// A line.
#[derive(Clone, Debug)]
enum Line {
    /// The terminal is here, and a write waits for it.
    Local,
    /// Far away, and nobody replies for the whole way.
    Blind,
    /// Far away, and the terminal can be asked.
    Asked(Asked),
}

/// What the replies have said.
#[derive(Clone, Debug)]
struct Asked {
    /// Bytes a second.
    rate: f64,
    /// How late a reply is on an empty line, and when that was measured.
    empty: Option<(Duration, Instant)>,
    question: Option<Question>,
    /// Bytes since the last question.
    since: usize,
    unanswered: u32,
}

/// An open question.
#[derive(Clone, Copy, Debug)]
struct Question {
    at: Instant,
    /// Bytes of the piece right before it.
    bytes: usize,
    before: Before,
}

/// What was on the line before a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// Something that was drawn.
    Drawn,
    /// Nothing that was not known to have arrived.
    Nothing,
}

impl Pace {
    /// Reads `SSH_CONNECTION`, `SSH_TTY`, `TMUX` and `STY` from an environment. In tmux and screen the terminal that replies
    /// is not the one at the end of the line.
    #[must_use]
    pub fn of(environment: &BTreeMap<String, String>) -> Self {
        let is_set = |name: &&str| environment.get(*name).is_some_and(|value| !value.is_empty());
        let line = if !["SSH_CONNECTION", "SSH_TTY"].iter().any(is_set) {
            Line::Local
        } else if ["TMUX", "STY"].iter().any(is_set) {
            Line::Blind
        } else {
            Line::Asked(Asked { rate: UNKNOWN, empty: None, question: None, since: 0, unanswered: 0 })
        };
        Self { line, clear: None, drawn: None, typed: None }
    }

    /// Whether there is anything to pace; if not, whole frames are drawn.
    #[must_use]
    pub(super) const fn is_local(&self) -> bool {
        matches!(self.line, Line::Local)
    }

    /// Bytes a second that the line is believed to take.
    fn rate(&self) -> f64 {
        match &self.line {
            Line::Local => FASTEST,
            Line::Blind => UNKNOWN,
            Line::Asked(asked) => asked.rate,
        }
    }

    /// How many bytes the next piece of a frame may have, about.
    #[must_use]
    pub(super) fn piece(&self, now: Instant) -> usize {
        match &self.line {
            Line::Local => usize::MAX,
            Line::Blind => BLIND_PIECE,
            Line::Asked(asked) if asked.is_late(now) => SMALLEST,
            Line::Asked(asked) => bytes(asked.rate, PIECE).clamp(SMALLEST, LARGEST),
        }
    }

    /// From when on the echo of a key may be drawn; in the past when that is at once.
    #[must_use]
    pub(super) fn echo_at(&self, now: Instant) -> Instant {
        match (&self.line, self.clear) {
            (Line::Local, _) | (_, None) => now,
            (Line::Blind | Line::Asked(_), Some(clear)) => clear.checked_sub(KEYS_AHEAD).unwrap_or(now),
        }
    }

    /// From when on the next piece of anything else may be drawn; in the past when that is at once.
    #[must_use]
    pub(super) fn rest_at(&self, now: Instant) -> Instant {
        let Some(clear) = self.clear else { return now };
        let paced = match &self.line {
            Line::Local => return now,
            Line::Blind => clear.checked_sub(Duration::from_secs_f64(BURST / UNKNOWN)).unwrap_or(now),
            Line::Asked(asked) => match (asked.question, asked.empty) {
                (Some(question), Some(_)) if asked.is_late(now) => question.at + GIVEN_UP,
                // Without anything to go by, the first reply is waited for.
                (Some(question), None) if asked.unanswered == 0 => question.at + GIVEN_UP,
                (Some(_) | None, _) => clear,
            },
        };
        self.drawn.map_or(paced, |drawn| paced.min(drawn + STARVED))
    }

    /// `sent` bytes were handed to the terminal, which has taken everything before. Returns whether [`ASK`] has to follow.
    pub(super) fn sent(&mut self, sent: usize, what: Sent, now: Instant) -> bool {
        if self.is_local() || sent == 0 {
            return false;
        }
        let share = match (what, self.typed) {
            (Sent::Echo, _) => 1.0,
            (Sent::Rest, Some(typed)) if now < typed + TYPING => SHARE_OF_TYPING,
            (Sent::Rest, _) => SHARE,
        };
        let takes = Duration::from_secs_f64(sent as f64 / (self.rate() * share));
        self.clear = Some(self.clear.map_or(now, |clear| clear.max(now)) + takes);
        match what {
            Sent::Echo => self.typed = Some(now),
            Sent::Rest => self.drawn = Some(now),
        }
        let Line::Asked(asked) = &mut self.line else { return false };
        asked.since += sent;
        asked.give_up(now);
        let asks = (sent >= WORTH_ASKING || asked.since >= ASKED_AFTER) && asked.may_ask();
        if asks {
            asked.ask(now, sent, Before::Drawn);
        }
        asks
    }

    /// The terminal has replied. Returns whether [`ASK`] has to be sent, on an otherwise empty line.
    pub(super) fn replied(&mut self, now: Instant) -> bool {
        let Line::Asked(asked) = &mut self.line else { return false };
        asked.unanswered = 0;
        // A reply that was given up says only that there are replies.
        let Some(question) = asked.question.take() else { return false };
        asked.learn(question, now);
        // All that was sent before the question has arrived.
        self.clear = Some(now + Duration::from_secs_f64(asked.since as f64 / asked.rate));
        let measured = asked.empty.is_some_and(|(_, at)| now.saturating_duration_since(at) < MEASURED_FOR);
        let asks = !measured && asked.since == 0 && question.before == Before::Drawn;
        if asks {
            asked.ask(now, 0, Before::Nothing);
        }
        asks
    }

    /// Whether a reply is still to come, which nobody else should find among their keys.
    #[must_use]
    pub(super) const fn is_asking(&self) -> bool {
        matches!(&self.line, Line::Asked(Asked { question: Some(_), .. }))
    }

    /// Somebody else had the terminal: no reply is to be expected any more.
    pub(super) fn forget(&mut self) {
        if let Line::Asked(asked) = &mut self.line {
            asked.question = None;
            asked.since = 0;
        }
    }
}

/// Why something was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// A key asked for it.
    Echo,
    /// Nobody did.
    Rest,
}

impl Asked {
    /// Whether a reply should have come: there is more on the line than was believed.
    fn is_late(&self, now: Instant) -> bool {
        matches!((self.question, self.empty), (Some(question), Some((empty, _))) if now > question.at + empty + LATE)
    }

    const fn may_ask(&self) -> bool {
        self.question.is_none() && self.unanswered < UNANSWERED
    }

    const fn ask(&mut self, at: Instant, bytes: usize, before: Before) {
        self.since = 0;
        self.question = Some(Question { at, bytes, before });
    }

    fn give_up(&mut self, now: Instant) {
        if self.question.is_some_and(|question| now > question.at + GIVEN_UP) {
            self.question = None;
            self.unanswered += 1;
            self.rate = self.rate.min(UNKNOWN);
        }
    }

    fn learn(&mut self, question: Question, now: Instant) {
        let took = now.saturating_duration_since(question.at);
        let (empty, at) = match self.empty {
            _ if question.before == Before::Nothing => {
                self.empty = Some((took, now));
                return;
            }
            Some(empty) => empty,
            None => {
                // The first frame is a long one: it tells at once whether the line is slow or fast.
                self.rate = measured(question.bytes, took).clamp(SLOWEST, FASTEST);
                return;
            }
        };
        if took < empty {
            self.empty = Some((took, at));
        }
        let late = took.saturating_sub(empty);
        let rate = if question.bytes >= WORTH_ASKING {
            self.rate + (measured(question.bytes, late) - self.rate) * WEIGHT
        } else if late > LATE {
            self.rate * SLOWER
        } else {
            return;
        };
        // Beside a long time nothing else counts.
        let slowest = if late > VERY_LATE { SLOWEST } else { self.rate * SLOWER };
        let rate = if late > VERY_LATE { measured(question.bytes, late) } else { rate };
        let rate = rate.clamp(slowest, self.rate * FASTER);
        self.rate = rate.clamp(SLOWEST, FASTEST);
    }
}

/// Bytes a second.
fn measured(bytes: usize, took: Duration) -> f64 {
    bytes as f64 / took.as_secs_f64().max(0.000_1)
}

/// What fits into this time.
fn bytes(rate: f64, time: Duration) -> usize {
    let bytes = rate * time.as_secs_f64();
    // Between zero and a hundred thousand, see `FASTEST`.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
    let whole = bytes as usize;
    whole
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod tests;
