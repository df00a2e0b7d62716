//! How a text gets to the clipboard of the terminal that the person sits at: OSC 52, wrapped for what stands in between.
//!
//! Owns: the bytes. Invariant: whatever is copied, only base64 of it is sent, so that none of it can mean anything to the
//! terminal. Does not: write to the terminal, or know whether it took the text: no terminal says so.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Longest text that is sent, in bytes. Terminals cut or drop sequences of more than 100,000 bytes: eight of them stand
/// around the text (`ESC ] 52 ; c ;` and BEL), and base64 makes four out of three.
pub(super) const LONGEST: usize = 74_994;

/// GNU screen drops device control strings of more than this many bytes (`MAXSTR` in its `screen.h`).
const SCREEN_PIECE: usize = 768;

/// What stands between the console and the terminal, as far as copying is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clipboard {
    /// The terminal has none, or would show the sequence as text.
    None,
    /// Nothing.
    Direct,
    /// tmux. It takes OSC 52 itself with `set-clipboard on`, and hands through what is wrapped for it with
    /// `allow-passthrough on`. Which of the two is set is not known, so that both are sent: the one that is not allowed is
    /// ignored, and the same text twice is the same.
    Tmux,
    /// GNU screen, which hands device control strings through.
    Screen,
}

impl Clipboard {
    /// Reads `TERM`, `TMUX` and `STY` from an environment.
    #[must_use]
    pub fn detect(environment: &BTreeMap<String, String>) -> Self {
        let is_set = |name: &str| environment.get(name).is_some_and(|value| !value.is_empty());
        let term = environment.get("TERM").map(|term| term.to_ascii_lowercase()).unwrap_or_default();
        // Terminals of glass, and the Linux console, which shows what it does not know of an OSC.
        let has_none = ["", "dumb"].contains(&term.as_str())
            || term == "linux"
            || ["linux-", "vt1", "vt2", "vt3", "vt4", "vt5"].iter().any(|start| term.starts_with(start));
        if is_set("TMUX") {
            Self::Tmux
        } else if is_set("STY") {
            Self::Screen
        } else if has_none {
            Self::None
        } else {
            Self::Direct
        }
    }

    /// What to write to the terminal to copy `text`; `None` when it cannot be copied this way.
    #[must_use]
    pub fn sequence(self, text: &[u8]) -> Option<Vec<u8>> {
        if self == Self::None || text.len() > LONGEST {
            return None;
        }
        let osc = format!("\x1b]52;c;{}\x07", STANDARD.encode(text)).into_bytes();
        Some(match self {
            Self::None => return None,
            Self::Direct => osc,
            Self::Tmux => [osc.as_slice(), &for_tmux(&osc)].concat(),
            Self::Screen => for_screen(&osc),
        })
    }
}

/// Wrapped so that tmux hands it through: every ESC twice.
fn for_tmux(sequence: &[u8]) -> Vec<u8> {
    let mut wrapped = b"\x1bPtmux;".to_vec();
    for byte in sequence {
        if *byte == 0x1b {
            wrapped.push(0x1b);
        }
        wrapped.push(*byte);
    }
    wrapped.extend_from_slice(b"\x1b\\");
    wrapped
}

/// Wrapped so that GNU screen hands it through, in pieces: it does not look at what is in them.
fn for_screen(sequence: &[u8]) -> Vec<u8> {
    sequence.chunks(SCREEN_PIECE).flat_map(|piece| [b"\x1bP", piece, b"\x1b\\"].concat()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("TERM=xterm-256color", Clipboard::Direct)]
    #[case("TERM=tmux-256color TMUX=/tmp/tmux-0/default,1,0", Clipboard::Tmux)]
    #[case("TERM=screen TMUX=/tmp/tmux-0/default,1,0", Clipboard::Tmux)]
    #[case("TERM=screen STY=1.pts-0.host", Clipboard::Screen)]
    #[case("TERM=screen", Clipboard::Direct)]
    #[case("TERM=linux", Clipboard::None)]
    #[case("TERM=vt100", Clipboard::None)]
    #[case("", Clipboard::None)]
    fn environments(#[case] environment: &str, #[case] expected: Clipboard) {
        let map = environment.split_whitespace().filter_map(|pair| pair.split_once('='));
        let map = map.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(Clipboard::detect(&map), expected);
    }

    #[test]
    fn the_sequences_are_what_terminals_expect() {
        let sent = |clipboard: Clipboard| String::from_utf8(clipboard.sequence(b"df -h").unwrap()).unwrap();
        assert_eq!(sent(Clipboard::Direct), "\x1b]52;c;ZGYgLWg=\x07");
        assert_eq!(sent(Clipboard::Tmux), "\x1b]52;c;ZGYgLWg=\x07\x1bPtmux;\x1b\x1b]52;c;ZGYgLWg=\x07\x1b\\");
        assert_eq!(sent(Clipboard::Screen), "\x1bP\x1b]52;c;ZGYgLWg=\x07\x1b\\");
        assert_eq!(Clipboard::None.sequence(b"x"), None);
    }

    #[test]
    fn the_limit_of_terminals_is_kept() {
        let longest = vec![b'x'; LONGEST];
        assert_eq!(Clipboard::Direct.sequence(&longest).map(|bytes| bytes.len()), Some(100_000));
        assert_eq!(Clipboard::Direct.sequence(&vec![b'x'; LONGEST + 1]), None);
    }

    proptest! {
        #[test]
        fn nothing_of_the_text_is_sent_as_it_is_and_all_of_it_arrives(text: Vec<u8>) {
            let sent = Clipboard::Direct.sequence(&text).unwrap();
            let inner = sent.strip_prefix(b"\x1b]52;c;").unwrap().strip_suffix(b"\x07").unwrap();
            prop_assert!(inner.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte)));
            prop_assert!(STANDARD.decode(inner).unwrap() == text);
            let screen = Clipboard::Screen.sequence(&text).unwrap();
            let pieces = String::from_utf8(screen).unwrap();
            let joined: String = pieces.split("\x1b\\").map(|piece| piece.strip_prefix("\x1bP").unwrap_or("")).collect();
            prop_assert_eq!(joined.into_bytes(), sent);
        }
    }
}
