//! The JSON values of an answer, whichever of its forms it has: server-sent events, a JSON list, or a bare object in the
//! middle of events.
//!
//! Owns: which form it is, found in the bytes themselves, since an answer without `alt=sse` is a list and an error may come
//! without an event around it. Does not: read the values.

use std::ops::ControlFlow;

use super::documents::Documents;
pub use super::documents::NoDocument;
use super::sse::{Limits, Piece, SseDecoder, TooLong};

/// An answer whose parts are longer than this is not one that a person reads; in bytes.
pub const LONGEST_VALUE: usize = 4 * 1024 * 1024;

/// Why the bytes are no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// An event of the stream.
    #[error(transparent)]
    Event(#[from] TooLong),
    /// JSON without events.
    #[error(transparent)]
    Document(#[from] NoDocument),
}

/// Cuts one answer into JSON values.
#[derive(Clone, Debug)]
pub struct Frames {
    events: SseDecoder,
    documents: Documents,
}

impl Default for Frames {
    fn default() -> Self {
        let limits = Limits { line: LONGEST_VALUE, event: LONGEST_VALUE };
        Self { events: SseDecoder::new(limits), documents: Documents::new(LONGEST_VALUE) }
    }
}

/// What stopped the decoder inside: the sink, or a document that is none.
enum Stop<B> {
    Sink(B),
    Document(NoDocument),
}

impl Frames {
    /// Takes the next bytes and hands each value to `sink`, which may stop it; the rest of `bytes` is then lost.
    ///
    /// # Errors
    /// When something is too long, or is neither an event nor JSON.
    pub fn push<B>(
        &mut self,
        bytes: &[u8],
        mut sink: impl FnMut(&[u8]) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, FrameError> {
        let Self { events, documents } = self;
        let flow = events.push(bytes, |piece| take(documents, piece, &mut sink))?;
        done(flow)
    }

    /// Takes the end of the answer.
    ///
    /// # Errors
    /// As [`Self::push`], and when the end comes within a bare object.
    pub fn finish<B>(&mut self, mut sink: impl FnMut(&[u8]) -> ControlFlow<B>) -> Result<ControlFlow<B>, FrameError> {
        let Self { events, documents } = self;
        let flow = done(events.finish(|piece| take(documents, piece, &mut sink))?)?;
        if flow.is_continue() {
            documents.finish()?;
        }
        Ok(flow)
    }
}

fn take<B>(
    documents: &mut Documents,
    piece: Piece<'_>,
    sink: &mut impl FnMut(&[u8]) -> ControlFlow<B>,
) -> ControlFlow<Stop<B>> {
    match piece {
        Piece::Event(data) => sink(data).map_break(Stop::Sink),
        Piece::Bare(bytes) => match documents.push(bytes, sink) {
            Ok(flow) => flow.map_break(Stop::Sink),
            Err(error) => ControlFlow::Break(Stop::Document(error)),
        },
    }
}

fn done<B>(flow: ControlFlow<Stop<B>>) -> Result<ControlFlow<B>, FrameError> {
    match flow {
        ControlFlow::Continue(()) => Ok(ControlFlow::Continue(())),
        ControlFlow::Break(Stop::Sink(value)) => Ok(ControlFlow::Break(value)),
        ControlFlow::Break(Stop::Document(error)) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(stream: &[u8]) -> Result<Vec<String>, FrameError> {
        let mut frames = Frames::default();
        let mut found = Vec::new();
        let mut sink = |value: &[u8]| {
            found.push(String::from_utf8(value.to_vec()).unwrap());
            ControlFlow::<()>::Continue(())
        };
        let _ = frames.push(stream, &mut sink)?;
        let _ = frames.finish(&mut sink)?;
        Ok(found)
    }

    #[test]
    fn every_form_of_an_answer_gives_its_values() {
        let wanted = ["{\"a\":1}", "{\"b\":2}"];
        for stream in [
            "data: {\"a\":1}\r\n\r\ndata: {\"b\":2}\r\n\r\n",
            "[{\"a\":1},\n{\"b\":2}]",
            "[{\"a\":1}\r\n,\r\n{\"b\":2}\r\n]\r\n",
            "\n[{\"a\":1},{\"b\":2}]",
            "data: {\"a\":1}\n\n{\"b\":2}",
            "data: {\"a\":1}\n\n[{\"b\":2}]\n",
            "{\"a\":1}{\"b\":2}",
        ] {
            assert_eq!(values(stream.as_bytes()).unwrap(), wanted, "{stream}");
        }
        assert_eq!(values(b"[{\"a\":1},{\"b\""), Err(FrameError::Document(NoDocument::Unfinished)));
        assert_eq!(values(b"[1]"), Err(FrameError::Document(NoDocument::Stray)));
    }

    #[test]
    fn a_sink_can_stop_it() {
        let flow = Frames::default().push(b"data: 1\n\ndata: 2\n\n", |value| ControlFlow::Break(value.to_vec()));
        assert_eq!(flow, Ok(ControlFlow::Break(b"1".to_vec())));
        let flow = Frames::default().push(b"[{},{}]", |value| ControlFlow::Break(value.to_vec()));
        assert_eq!(flow, Ok(ControlFlow::Break(b"{}".to_vec())));
    }
}
