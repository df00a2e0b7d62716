//! What the terminal really got: every byte that the console wrote.

/// Sequences of two characters: CAN and what follows tidies up, `ESC 7`, `ESC 8`, `ESC >` and `ESC ( B` do too.
const SHORT: [&str; 4] = ["7", "8", ">", "(B"];

/// Fails unless `raw` is printable text, moves of the cursor and the console's own CSI sequences. Nothing was copied, so no
/// OSC is among them.
pub(super) fn assert_clean(raw: &[u8]) {
    let text = std::str::from_utf8(raw).expect("the console writes UTF-8");
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '\u{1b}' {
            let moves = matches!(c, '\r' | '\n' | '\u{8}' | '\u{f}' | '\u{18}');
            assert!(moves || !deceives(c), "{c:?} before {:?}", beginning(rest));
            continue;
        }
        if let Some(short) = SHORT.iter().find(|short| rest.starts_with(**short)) {
            rest = &rest[short.len()..];
            continue;
        }
        let inside = rest.strip_prefix('[').unwrap_or_else(|| panic!("only CSI, not ESC {:?}", beginning(rest)));
        let end = inside.find(|c: char| !matches!(c, '0'..='9' | ';' | '?' | ':')).unwrap_or(inside.len());
        let last = inside[end..].chars().next();
        assert!(last.is_some_and(|c| "ABCDHGdmKJXLMrhl".contains(c)), "CSI {:?}", beginning(inside));
        rest = &inside[end + 1..];
    }
}

fn beginning(text: &str) -> String {
    text.chars().take(20).collect()
}

/// Whether a terminal would obey, hide or reorder by this character. Not taken from the program, which is under test.
fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[test]
fn the_check_finds_what_it_looks_for() {
    assert_clean("a\u{1b}[1;31mb\u{1b}[?25l ü\r\n".as_bytes());
    for bad in ["\u{1b}]52;c;eA==\u{7}", "\u{9b}31m", "\u{202e}", "\u{1b}P1$r", "\u{1b}[6n", "\u{1b}c", "\u{7}"] {
        assert!(std::panic::catch_unwind(|| assert_clean(bad.as_bytes())).is_err(), "{bad:?}");
    }
}
