//! Bytes to text without moving anything: what is no UTF-8 is replaced byte by byte, so that every offset stays true.
//!
//! Owns: the replacement and the table of lines. Does not: interpret the text.

/// A byte order mark, which some editors put in front of UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Control characters that may stand for a byte that is no UTF-8, most fitting (SUBSTITUTE) first.
const STAND_INS: [u8; 12] = [0x1a, 0x1c, 0x1d, 0x1e, 0x1f, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x7f];

/// A document as text of the same length as its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text: byte `n` of it stands where byte `n` of the document stands.
    pub text: String,
    /// Where the first byte is that was no UTF-8.
    pub first_invalid: Option<usize>,
    /// Where the first NUL is.
    pub first_nul: Option<usize>,
    /// The character put in place of each byte that was no UTF-8; one that the document does not have itself, or `?`.
    pub stand_in: char,
    line_starts: Vec<usize>,
}

impl Decoded {
    /// The line of the byte at `offset`, from 1. An offset past the end is on the last line.
    #[must_use]
    pub fn line(&self, offset: usize) -> u32 {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        u32::try_from(line).unwrap_or(u32::MAX)
    }

    /// Where the text begins: after a byte order mark.
    #[must_use]
    pub fn start(&self) -> usize {
        if self.text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 }
    }

    /// `text`, a part of this document, with stand-ins shown as U+FFFD.
    #[must_use]
    pub fn shown(&self, text: &str) -> String {
        if self.first_invalid.is_some() && self.stand_in != '?' {
            text.replace(self.stand_in, "\u{fffd}")
        } else {
            text.to_owned()
        }
    }
}

/// Reads `bytes` as UTF-8.
#[must_use]
pub fn decode(bytes: &[u8]) -> Decoded {
    let stand_in = STAND_INS.iter().copied().find(|byte| !bytes.contains(byte)).map_or('?', char::from);
    let mut text = String::with_capacity(bytes.len());
    let mut first_invalid = None;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            first_invalid.get_or_insert(text.len());
            text.extend(chunk.invalid().iter().map(|_| stand_in));
        }
    }
    let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    Decoded {
        line_starts: std::iter::once(0).chain(starts).collect(),
        first_nul: bytes.iter().position(|byte| *byte == 0),
        first_invalid,
        stand_in,
        text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn invalid_bytes_keep_their_places() {
        let decoded = decode(b"a\xff\xfeb\n\xe4c");
        assert_eq!(decoded.text, "a\u{1a}\u{1a}b\n\u{1a}c");
        assert_eq!(decoded.first_invalid, Some(1));
        assert_eq!(decoded.line(4), 1);
        assert_eq!(decoded.line(5), 2);
        assert_eq!(decoded.line(999), 2);
        assert_eq!(decoded.shown("x\u{1a}"), "x\u{fffd}");
    }

    #[test]
    fn a_stand_in_is_never_a_character_of_the_document() {
        assert_eq!(decode(b"\x1a\xff").text, "\u{1a}\u{1c}");
        assert_eq!(decode(b"\x1a").shown("\u{1a}"), "\u{1a}");
    }

    proptest! {
        #[test]
        fn length_and_valid_text_are_kept(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let decoded = decode(&bytes);
            prop_assert_eq!(decoded.text.len(), bytes.len());
            prop_assert_eq!(decoded.first_invalid.is_none(), std::str::from_utf8(&bytes).is_ok());
            for (at, (new, old)) in decoded.text.bytes().zip(&bytes).enumerate() {
                prop_assert!(new == *old || decoded.stand_in == char::from(new), "byte {at}");
            }
        }
    }
}
