//! Server-sent events out of bytes that come in pieces of any size.
//!
//! Owns: the event stream format of the HTML standard: lines that end with LF, CR or CRLF, several `data` lines of one
//! event, comments, a byte order mark at the start, fields that are not known. Of the fields only `data` is kept: `event`,
//! `id` and `retry` mean nothing here. Does not: know what an event says.
//!
//! Invariants: the events are the same however the bytes are cut; each byte is looked at once and copied at most twice, so
//! time is linear in the input; no more than [`Limits`] is held. Bytes stay bytes: a cut inside a character does no harm.
//! One thing goes beyond the standard: a line that begins with `{` or `[` is no field but bare JSON, which this provider
//! sends when it fails in mid-stream; everything from there on is handed out as [`Piece::Bare`].

use std::ops::ControlFlow;

use memchr::memchr2;

/// The byte order mark in UTF-8, which may stand before the first line.
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// What is held at most while an event is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest line, in bytes.
    pub line: usize,
    /// The most data of one event, in bytes.
    pub event: usize,
}

/// What was found in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// The data of an event; its lines are joined by LF.
    Event(&'a [u8]),
    /// Bytes that are no event stream; more may follow.
    Bare(&'a [u8]),
}

/// Something was longer than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooLong {
    /// A line.
    #[error("a line of the answer is longer than {0} bytes")]
    Line(usize),
    /// The data of one event.
    #[error("an event of the answer is longer than {0} bytes")]
    Event(usize),
}

/// Where the decoder stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Before the first line.
    Start,
    /// In the stream.
    Lines,
    /// In the stream, behind a CR: an LF that comes first belongs to it.
    BehindReturn,
    /// In bare JSON.
    Bare,
}

/// Decodes one stream.
#[derive(Clone, Debug)]
pub struct SseDecoder {
    limits: Limits,
    mode: Mode,
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
    /// The data of the event so far, with an LF behind each line.
    data: Vec<u8>,
}

impl SseDecoder {
    /// A decoder at the start of a stream.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits, mode: Mode::Start, line: Vec::new(), data: Vec::new() }
    }

    /// Takes the next bytes and hands what is complete to `sink`, which may stop it; the rest of `bytes` is then lost.
    ///
    /// # Errors
    /// When a line or an event is too long. What `sink` broke with is `Ok(Break(_))`.
    pub fn push<B>(
        &mut self,
        mut bytes: &[u8],
        mut sink: impl FnMut(Piece<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, TooLong> {
        while !bytes.is_empty() {
            if self.mode == Mode::Bare {
                return Ok(sink(Piece::Bare(bytes)));
            }
            if self.mode == Mode::BehindReturn {
                self.mode = Mode::Lines;
                if bytes[0] == b'\n' {
                    bytes = &bytes[1..];
                    continue;
                }
            }
            let end = memchr2(b'\r', b'\n', bytes);
            if self.line.len() + end.unwrap_or(bytes.len()) > self.limits.line {
                return Err(TooLong::Line(self.limits.line));
            }
            let Some(end) = end else {
                self.line.extend_from_slice(bytes);
                if self.line.first().is_some_and(|byte| is_bare(*byte)) {
                    return Ok(self.go_bare(&[], &mut sink));
                }
                return Ok(ControlFlow::Continue(()));
            };
            let whole = std::mem::take(&mut self.line);
            let flow = if whole.is_empty() {
                self.line(&bytes[..end], &bytes[end..], &mut sink)?
            } else {
                let mut whole = whole;
                whole.extend_from_slice(&bytes[..end]);
                let flow = self.line(&whole, &bytes[end..], &mut sink)?;
                // Keeps what was allocated for the next line.
                whole.clear();
                self.line = whole;
                flow
            };
            if flow.is_break() || self.mode == Mode::Bare {
                return Ok(flow);
            }
            self.mode = if bytes[end] == b'\r' { Mode::BehindReturn } else { Mode::Lines };
            bytes = &bytes[end + 1..];
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Takes the end of the stream: an event whose blank line is missing counts, since the reader of its data sees whether it is
    /// whole.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn finish<B>(&mut self, mut sink: impl FnMut(Piece<'_>) -> ControlFlow<B>) -> Result<ControlFlow<B>, TooLong> {
        if self.mode == Mode::Bare {
            return Ok(ControlFlow::Continue(()));
        }
        let line = std::mem::take(&mut self.line);
        let flow = self.line(&line, &[], &mut sink)?;
        if flow.is_break() {
            return Ok(flow);
        }
        Ok(self.dispatch(&mut sink))
    }

    /// Takes a line without its end; `rest` are the bytes behind it, its end included.
    fn line<B>(
        &mut self,
        line: &[u8],
        rest: &[u8],
        sink: &mut impl FnMut(Piece<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, TooLong> {
        let line = if self.mode == Mode::Start { line.strip_prefix(BOM).unwrap_or(line) } else { line };
        match line.first() {
            None => return Ok(self.dispatch(sink)),
            Some(first) if is_bare(*first) => {
                self.line = line.to_vec();
                return Ok(self.go_bare(rest, sink));
            }
            Some(_) => {}
        }
        let Some(value) = data_of(line) else { return Ok(ControlFlow::Continue(())) };
        if self.data.len() + value.len() + 1 > self.limits.event {
            return Err(TooLong::Event(self.limits.event));
        }
        self.data.extend_from_slice(value);
        self.data.push(b'\n');
        Ok(ControlFlow::Continue(()))
    }

    /// The event is over. One without data is none.
    fn dispatch<B>(&mut self, sink: &mut impl FnMut(Piece<'_>) -> ControlFlow<B>) -> ControlFlow<B> {
        let Some((_, data)) = self.data.split_last() else { return ControlFlow::Continue(()) };
        let flow = sink(Piece::Event(data));
        self.data.clear();
        flow
    }

    /// From the line on that is being held, nothing is an event any more.
    fn go_bare<B>(&mut self, rest: &[u8], sink: &mut impl FnMut(Piece<'_>) -> ControlFlow<B>) -> ControlFlow<B> {
        let flow = self.dispatch(sink);
        if flow.is_break() {
            return flow;
        }
        self.mode = Mode::Bare;
        let line = std::mem::take(&mut self.line);
        let flow = sink(Piece::Bare(&line));
        if flow.is_break() || rest.is_empty() {
            return flow;
        }
        sink(Piece::Bare(rest))
    }
}

/// Whether a line that begins so is JSON without an event around it; no field's name does.
const fn is_bare(byte: u8) -> bool {
    matches!(byte, b'{' | b'[')
}

/// The value of a `data` field; `None` for every other line.
fn data_of(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"data")?;
    match rest.first() {
        None => Some(rest),
        Some(b':') => Some(rest[1..].strip_prefix(b" ").unwrap_or(&rest[1..])),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const LIMITS: Limits = Limits { line: 1 << 20, event: 1 << 20 };

    /// Events, and the bare bytes behind them, of a stream that comes in these pieces.
    fn decoded(pieces: &[&[u8]]) -> (Vec<String>, String) {
        let mut decoder = SseDecoder::new(LIMITS);
        let (mut events, mut bare) = (Vec::new(), Vec::new());
        let mut sink = |piece: Piece<'_>| {
            match piece {
                Piece::Event(data) => events.push(String::from_utf8(data.to_vec()).unwrap()),
                Piece::Bare(bytes) => bare.extend_from_slice(bytes),
            }
            ControlFlow::<()>::Continue(())
        };
        for piece in pieces {
            assert_eq!(decoder.push(piece, &mut sink), Ok(ControlFlow::Continue(())));
        }
        assert_eq!(decoder.finish(&mut sink), Ok(ControlFlow::Continue(())));
        (events, String::from_utf8(bare).unwrap())
    }

    #[rstest]
    #[case("data: a\n\ndata: b\n\n", &["a", "b"])]
    #[case("data: a\r\n\r\ndata: b\r\n\r\n", &["a", "b"])]
    #[case("data: a\r\rdata: b\r\r", &["a", "b"])]
    #[case("data: a\r\n\ndata: b\n\r\ndata: c\r\n\r", &["a", "b", "c"])]
    // several lines of data
    #[case("data: a\ndata: b\n\n", &["a\nb"])]
    #[case("data\n\ndata\ndata\n\n", &["", "\n"])]
    #[case("data:a\ndata:  b\n\n", &["a\n b"])]
    // what is not data
    #[case(": hello\n\ndata: a\n:x\n\n", &["a"])]
    #[case("event: x\nid: 7\nretry: 3\ndata: a\nunknown\n\n", &["a"])]
    #[case("datum: a\ndatax\n\n\n\n", &[])]
    // marks and ends
    #[case("\u{feff}data: a\n\n", &["a"])]
    #[case("data: a\n\n\u{feff}data: b\n\n", &["a"])]
    #[case("data: a\n\ndata: b\n", &["a", "b"])]
    #[case("data: a\n\ndata: b", &["a", "b"])]
    #[case("data: é\u{1F600}\n\n", &["é\u{1F600}"])]
    #[case("", &[])]
    fn streams_are_read_as_the_standard_says_however_they_are_cut(#[case] stream: &str, #[case] expected: &[&str]) {
        let bytes = stream.as_bytes();
        let wanted = (expected.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(), String::new());
        assert_eq!(decoded(&[bytes]), wanted);
        for cut in 0..=bytes.len() {
            assert_eq!(decoded(&[&bytes[..cut], &bytes[cut..]]), wanted, "cut at {cut}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(decoded(&single), wanted);
    }

    #[test]
    fn bare_json_in_the_stream_is_handed_out_as_it_is() {
        let stream = b"data: a\n\n{\"error\":\n\n{\"code\": 503}}\n";
        let wanted = (vec!["a".to_owned()], "{\"error\":\n\n{\"code\": 503}}\n".to_owned());
        for cut in 0..=stream.len() {
            assert_eq!(decoded(&[&stream[..cut], &stream[cut..]]), wanted, "cut at {cut}");
        }
        assert_eq!(decoded(&stream.chunks(1).collect::<Vec<_>>()), wanted);
    }

    #[test]
    fn what_is_too_long_is_an_error_and_is_not_held() {
        let limits = Limits { line: 10, event: 12 };
        let sink = |_: Piece<'_>| ControlFlow::<()>::Continue(());
        let mut decoder = SseDecoder::new(limits);
        assert!(decoder.push(b"data: 1234\n", sink).is_ok());
        assert_eq!(decoder.push(b"data: 12345", sink), Err(TooLong::Line(10)));
        let mut decoder = SseDecoder::new(limits);
        assert!(decoder.push(b"data:12345\ndata:12345\n", sink).is_ok());
        assert_eq!(decoder.push(b"data:1\n", sink), Err(TooLong::Event(12)));
        let mut decoder = SseDecoder::new(limits);
        for _ in 0..10 {
            assert!(decoder.push(b"x", sink).is_ok());
        }
        assert_eq!(decoder.push(b"x", sink), Err(TooLong::Line(10)));
        assert!(decoder.line.capacity() < 100);
    }

    proptest! {
        #[test]
        fn cuts_never_matter(
            lines in prop::collection::vec("(data: ?|data|: |id:|\u{feff})?[a-zé{\\[ ]{0,6}(\r\n|\r|\n)", 0..12),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let stream = lines.concat();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &stream.as_bytes()[pair[0]..pair[1]]).collect();
            prop_assert_eq!(decoded(&pieces), decoded(&[stream.as_bytes()]));
        }
    }
}
