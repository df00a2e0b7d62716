//! Secrets that a layer of base64 hides.
//!
//! Owns: finding runs of base64 and looking into what they decode to. Does not: judge what is binary; random bytes decode
//! to something that is no text, and such a run is left alone here.

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::detect::{Found, RANK_ENCODED, secrets};

/// Shorter runs do not hold a secret with what gives it away.
const SHORTEST: usize = 16;

const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);

/// The text that `run` encodes, when it is text: UTF-8 without control characters other than white space.
pub(super) fn decode(run: &str) -> Option<String> {
    let url_safe = run.contains(['-', '_']);
    if url_safe && run.contains(['+', '/']) {
        return None;
    }
    // A run that was cut off may end within a group: what is whole is looked at.
    let whole = if run.len() % 4 == 1 { &run[..run.len() - 1] } else { run };
    let engine = if url_safe { &URL_SAFE } else { &STANDARD };
    // Most runs of letters are words: they show in the first bytes.
    let head = engine.decode(whole.get(..12)?).ok()?;
    if head.iter().any(|byte| is_control(*byte)) {
        return None;
    }
    let text = String::from_utf8(engine.decode(whole).ok()?).ok()?;
    (!text.bytes().any(is_control)).then_some(text)
}

fn is_control(byte: u8) -> bool {
    (byte < 0x20 && !matches!(byte, b'\n' | b'\r' | b'\t')) || byte == 0x7f
}

/// Adds the runs of base64 in `text` in which a secret is found.
pub(super) fn find(text: &str, layers: u8, found: &mut Vec<Found>) {
    for run in runs(text) {
        let Some(inner) = decode(&text[run.clone()]) else { continue };
        if let Some(first) = secrets(&inner, layers).into_iter().next() {
            found.push(Found { rule: first.rule, kind: first.kind, span: run, rank: RANK_ENCODED });
        }
    }
}

/// True when the words that `hex` spells, with a zero byte between each (as the kernel's audit writes a command line), hold a
/// secret.
pub(super) fn hex_holds_secret(hex: &str) -> bool {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes: Option<Vec<u8>> =
        hex.as_bytes().chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).map(|text| text.replace('\0', " "));
    text.is_some_and(|text| !secrets(&text, 0).is_empty())
}

/// Words of the alphabets of base64, with padding, that mix capitals, small letters or digits as base64 does.
fn runs(text: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut next = 0;
    std::iter::from_fn(move || {
        while next < bytes.len() {
            let start = next + bytes[next..].iter().position(|byte| ALPHABET[usize::from(*byte)])?;
            let length =
                bytes[start..].iter().position(|byte| !ALPHABET[usize::from(*byte)]).unwrap_or(bytes.len() - start);
            let padding = bytes[start + length..].iter().take(2).take_while(|byte| **byte == b'=').count();
            next = start + length + padding;
            if length >= SHORTEST && is_mixed(&bytes[start..start + length]) {
                return Some(start..next);
            }
        }
        None
    })
}

/// Which bytes belong to one of the alphabets.
const ALPHABET: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'+' | b'/' | b'-' | b'_');
        byte += 1;
    }
    table
};

fn is_mixed(run: &[u8]) -> bool {
    run.iter().any(u8::is_ascii_uppercase) && run.iter().any(u8::is_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

    use super::*;

    #[test]
    fn text_is_decoded_and_other_bytes_are_not() {
        let text = "user:pässwort and more";
        assert_eq!(decode(&BASE64_STANDARD.encode(text)).as_deref(), Some(text));
        assert_eq!(decode(&BASE64_URL_SAFE_NO_PAD.encode(text)).as_deref(), Some(text));
        assert_eq!(decode(&BASE64_STANDARD.encode([0_u8, 1, 2, 200, 255, 3, 4, 5, 6, 7, 8, 9])), None);
        assert_eq!(decode("short"), None);
    }

    #[test]
    fn a_secret_is_found_through_two_layers() {
        let once = BASE64_STANDARD.encode("db:\n  password: hunter2-Xy9\n");
        let twice = BASE64_STANDARD.encode(&once);
        for hidden in [once, twice] {
            let text = format!("blob {hidden} end");
            let found = secrets(&text, 2);
            assert_eq!(found.iter().map(|found| &text[found.span.clone()]).collect::<Vec<_>>(), [hidden]);
        }
    }
}
