//! JSON objects out of bytes that come in pieces: the elements of a list that is still being written, or objects that stand
//! one behind the other.
//!
//! Owns: finding where an object begins and ends. Does not: check what is inside; whoever reads the object does.
//!
//! Invariants: the objects are the same however the bytes are cut; each byte is looked at once; no more than the limit is
//! held.

use std::ops::ControlFlow;

/// Why the bytes are no objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDocument {
    /// An object is longer than allowed, in bytes.
    #[error("an object of the answer is longer than {0} bytes")]
    TooLong(usize),
    /// Something that is no object, between objects.
    #[error("the answer is no list of JSON objects")]
    Stray,
    /// The end came within an object.
    #[error("the answer ends in the middle of an object")]
    Unfinished,
}

/// Cuts one stream into objects.
#[derive(Clone, Debug)]
pub(super) struct Documents {
    limit: usize,
    /// The object that has begun.
    held: Vec<u8>,
    /// Open braces and brackets inside that object.
    depth: usize,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Outside,
    String,
    /// Behind a backslash in a string.
    Escape,
}

impl Documents {
    /// Objects of at most `limit` bytes.
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, held: Vec::new(), depth: 0, place: Place::Outside }
    }

    /// Takes the next bytes and hands each object that is complete to `sink`, which may stop it.
    pub(super) fn push<B>(
        &mut self,
        bytes: &[u8],
        sink: &mut impl FnMut(&[u8]) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, NoDocument> {
        let mut begin = 0;
        for (at, byte) in bytes.iter().enumerate() {
            if self.depth == 0 {
                match byte {
                    b'{' => {
                        begin = at;
                        self.depth = 1;
                    }
                    // The list around the objects and what is between them.
                    b'[' | b']' | b',' | b' ' | b'\t' | b'\r' | b'\n' => {}
                    _ => return Err(NoDocument::Stray),
                }
                continue;
            }
            self.step(*byte);
            if self.depth == 0 {
                self.hold(&bytes[begin..=at])?;
                let flow = sink(&self.held);
                self.held.clear();
                if flow.is_break() {
                    return Ok(flow);
                }
            }
        }
        if self.depth > 0 {
            self.hold(&bytes[begin..])?;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Takes the end of the stream.
    pub(super) fn finish(&self) -> Result<(), NoDocument> {
        if self.depth == 0 { Ok(()) } else { Err(NoDocument::Unfinished) }
    }

    /// One byte inside an object.
    fn step(&mut self, byte: u8) {
        match (self.place, byte) {
            (Place::Escape, _) => self.place = Place::String,
            (Place::String, b'\\') => self.place = Place::Escape,
            (Place::String, b'"') => self.place = Place::Outside,
            (Place::String, _) => {}
            (Place::Outside, b'"') => self.place = Place::String,
            (Place::Outside, b'{' | b'[') => self.depth += 1,
            (Place::Outside, b'}' | b']') => self.depth -= 1,
            (Place::Outside, _) => {}
        }
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), NoDocument> {
        if self.held.len() + bytes.len() > self.limit {
            return Err(NoDocument::TooLong(self.limit));
        }
        self.held.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pieces: &[&[u8]]) -> Result<Vec<String>, NoDocument> {
        let mut documents = Documents::new(64);
        let mut found = Vec::new();
        for piece in pieces {
            let _ = documents.push(piece, &mut |object: &[u8]| {
                found.push(String::from_utf8(object.to_vec()).unwrap());
                ControlFlow::<()>::Continue(())
            })?;
        }
        documents.finish().map(|()| found)
    }

    #[test]
    fn objects_are_found_however_they_are_cut() {
        let stream = "[{\"a\":\"}]\\\"é\"}\r\n,\r\n{\"b\":[{},[1]]}\n]{} {\"c\":{\"d\":1}}".as_bytes();
        let wanted = ["{\"a\":\"}]\\\"é\"}", "{\"b\":[{},[1]]}", "{}", "{\"c\":{\"d\":1}}"];
        for cut in 0..=stream.len() {
            assert_eq!(found(&[&stream[..cut], &stream[cut..]]).unwrap(), wanted, "cut at {cut}");
        }
        assert_eq!(found(&stream.chunks(1).collect::<Vec<_>>()).unwrap(), wanted);
    }

    #[test]
    fn what_is_no_list_of_objects_is_refused() {
        assert_eq!(found(&[b"[{\"a\":1},x]"]), Err(NoDocument::Stray));
        assert_eq!(found(&[b"[{\"a\":", b"1"]), Err(NoDocument::Unfinished));
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(64));
        assert_eq!(found(&[long.as_bytes()]), Err(NoDocument::TooLong(64)));
        assert_eq!(found(&long.as_bytes().chunks(1).collect::<Vec<_>>()), Err(NoDocument::TooLong(64)));
    }
}
