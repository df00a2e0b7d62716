//! Tests of the spelling: its inverse, and text made to deceive.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

/// The bytes that were spelled as `spelled`: the inverse of `visible_bytes`, which proves that it is injective.
pub(crate) fn original(spelled: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = spelled;
    while let Some(c) = rest.chars().next() {
        if c != '\\' {
            bytes.extend(c.to_string().into_bytes());
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let run = rest.len() - rest.trim_start_matches('\\').len();
        rest = &rest[run..];
        if !rest.starts_with(['u', 'x']) {
            bytes.extend(vec![b'\\'; run]);
            continue;
        }
        // Doubled backslashes of the text; an odd one is that of an escape.
        bytes.extend(vec![b'\\'; run / 2]);
        if run % 2 == 1 {
            let (decoded, length) = escape(rest).expect("an odd run stands before an escape");
            bytes.extend(decoded);
            rest = &rest[length..];
        }
    }
    bytes
}

/// What an escape stands for, and its length without the backslash.
fn escape(rest: &str) -> Option<(Vec<u8>, usize)> {
    if rest.starts_with('x') {
        return Some((vec![u8::from_str_radix(rest.get(1..3)?, 16).ok()?], 3));
    }
    let digits = rest.strip_prefix("u{")?.split_once('}')?.0;
    let c = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
    Some((c.to_string().into_bytes(), digits.len() + 3))
}

/// Fails unless every grapheme of `spelled` shows something and is as wide as its characters are together.
fn assert_harmless(spelled: &str) {
    for grapheme in spelled.graphemes(true) {
        let columns: usize = grapheme.chars().map(|c| c.width().unwrap_or(usize::MAX / 8)).sum();
        assert!(grapheme.width() >= 1, "{grapheme:?} in {spelled:?} is not seen");
        assert_eq!(grapheme.width(), columns, "width of {grapheme:?} in {spelled:?}");
        assert!(!grapheme.chars().any(char::is_control), "{spelled:?}");
    }
}

/// Characters that deceive: all of the ranges named in the module's tables and in reports of attacks.
fn hostile() -> Vec<char> {
    let ranges = [
        0x00..=0x1f,
        0x7f..=0xa0,
        0xad..=0xad,
        0x300..=0x36f,
        0x600..=0x605,
        0x61c..=0x61c,
        0x115f..=0x1160,
        0x1680..=0x1680,
        0x180b..=0x180f,
        0x2000..=0x200f,
        0x2028..=0x202f,
        0x205f..=0x206f,
        0x2800..=0x2800,
        0x3000..=0x3000,
        0x3164..=0x3164,
        0xe000..=0xe020,
        0xfe00..=0xfe0f,
        0xfdd0..=0xfdef,
        0xfeff..=0xfeff,
        0xffa0..=0xffa0,
        0xfff0..=0xfffc,
        0xfffe..=0xffff,
        0x1f1e6..=0x1f1ff,
        0x1f3fb..=0x1f3ff,
        0xe0000..=0xe007f,
        0xe0100..=0xe01ef,
        0xf0000..=0xf0010,
        0x10fff0..=0x10ffff,
    ];
    ranges.into_iter().flatten().filter_map(char::from_u32).collect()
}

#[test]
fn hostile_characters_are_spelled_wherever_they_stand() {
    let hostile = hostile();
    assert!(hostile.len() >= 500, "{}", hostile.len());
    let mut seen = HashSet::new();
    for c in hostile {
        for text in [format!("{c}"), format!("ab{c}cd"), format!("é{c}"), format!("🔥{c}\\"), format!("\\{c}{c}")] {
            let spelled = visible(&text);
            assert!(!spelled.contains(c), "{c:?} shows as {spelled:?}");
            assert_harmless(&spelled);
            assert_eq!(original(&spelled), text.as_bytes());
            assert!(seen.insert(spelled.into_owned()));
        }
    }
}

#[test]
fn every_character_there_is_becomes_harmless() {
    for c in '\0'..=char::MAX {
        let text = if sign(c) == Sign::Spelled { c.to_string() } else { format!("{c}क{c}{c}{c}") };
        let spelled = visible(&text);
        assert_harmless(&spelled);
        assert_eq!(original(&spelled), text.as_bytes());
    }
}

#[test]
fn the_spelling_is_readable() {
    for (text, expected) in [
        ("a\nb\r\tc\u{1b}[31m", r"a\u{a}b\u{d}\u{9}c\u{1b}[31m"),
        ("safe\u{202e}evil", r"safe\u{202e}evil"),
        (r"grep '\.' C:\dir", r"grep '\.' C:\dir"),
        (r"printf 'a\n\t'", r"printf 'a\n\t'"),
        (r"\\ \", r"\\ \"),
        (r"\u{a} \\x41 \", r"\\u{a} \\\\x41 \"),
        ("\\\n", r"\\\u{a}"),
        ("nul\0", r"nul\u{0}"),
        ("cafe\u{301}", r"cafe\u{301}"),
        ("café 漢字 ไทย हिन्दी स्त्री", "café 漢字 ไทย हिन्दी स्त्री"),
        ("ก\u{e31}\u{e31}\u{e31}", "ก\u{e31}\u{e31}\\u{e31}"),
        ("\u{e31}", r"\u{e31}"),
    ] {
        assert_eq!(visible(text), expected);
    }
    assert_eq!(visible_ascii("é\u{7f}"), r"\u{e9}\u{7f}");
    assert_eq!(visible_bytes(b"a\xffb\\\xfe\n"), r"a\xffb\\\xfe\u{a}");
}

#[test]
fn plain_ascii_is_not_copied() {
    assert!(matches!(visible("kubectl get pods -n 'a b'"), Cow::Borrowed(_)));
    assert!(matches!(fit("short", 5), Cow::Borrowed("short")));
}

#[test]
fn output_keeps_its_lines() {
    assert_eq!(visible_lines(b""), Vec::<String>::new());
    assert_eq!(visible_lines(b"\n"), [""]);
    assert_eq!(visible_lines(b"a\r\nb\rc\n\nd"), ["a", r"b\u{d}c", "", "d"]);
    assert_eq!(visible_lines(b"\x1b[1mred\x1b[0m\xe2\x82"), [r"\u{1b}[1mred\u{1b}[0m\xe2\x82"]);
    assert_eq!(visible_lines_in("ü\n".as_bytes(), Repertoire::Ascii), [r"\u{fc}"]);
}

#[test]
fn cutting_counts_columns() {
    assert_eq!(fit("incident", 8), "incident");
    assert_eq!(fit("incident", 5), "inci…");
    assert_eq!(fit_in("incident", 5, Repertoire::Ascii), "inci~");
    assert_eq!(fit("漢字漢字", 6), "漢字…");
    assert_eq!(fit("漢字", 1), "…");
    assert_eq!(fit("ab", 0), "");
}

fn any_text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        4 => any::<char>(),
        2 => proptest::sample::select(hostile()),
        4 => proptest::sample::select(r"\nrteux{}0a9f漢क्षिก".chars().collect::<Vec<_>>()),
    ];
    proptest::collection::vec(character, 0..24).prop_map(|characters| characters.into_iter().collect())
}

/// A piece of a word, which often ends within an escape or a run of backslashes.
fn any_piece() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => Just("\\".to_owned()),
        2 => proptest::sample::select(vec!["u{41}", "u", "x41", "{41}", "\u{202e}", "e\u{301}", "a", ""]).prop_map(str::to_owned),
        1 => any_text(),
    ];
    proptest::collection::vec(part, 0..4).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn spelling_can_be_undone(text in any_text()) {
        let spelled = visible(&text);
        assert_harmless(&spelled);
        prop_assert_eq!(original(&spelled), text.as_bytes());
        let ascii = visible_ascii(&text);
        prop_assert!(ascii.is_ascii());
        prop_assert_eq!(original(&ascii), text.as_bytes());
    }

    #[test]
    fn pieces_read_as_the_whole(pieces in proptest::collection::vec(any_piece(), 1..5)) {
        for repertoire in [Repertoire::Unicode, Repertoire::Narrow, Repertoire::Ascii] {
            let spelled: String = (0..pieces.len())
                .map(|at| visible_before(&pieces[at], &pieces[at + 1..].concat(), repertoire).into_owned())
                .collect();
            prop_assert_eq!(original(&spelled), pieces.concat().into_bytes());
        }
    }

    #[test]
    fn bytes_can_be_restored(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let spelled = visible_bytes(&bytes);
        assert_harmless(&spelled);
        prop_assert_eq!(original(&spelled), bytes);
    }

    #[test]
    fn cut_text_fits(text in any_text(), columns in 0_usize..30) {
        let spelled = visible(&text);
        prop_assert!(width(&fit(&spelled, columns)) <= columns);
    }
}

/// In a font for Chinese, Japanese or Korean the same columns are taken as in any other.
#[test]
fn what_is_narrow_takes_as_many_columns_in_every_font() {
    // Letters, signs and quotation marks of ambiguous width; Chinese, which is wide everywhere; an emoji.
    let text = "naïve Ω я “x” … ● ─ 中文 🙂 a\u{301}";
    let spelled = visible_in(text, Repertoire::Narrow);
    assert_eq!(spelled.width_cjk(), spelled.width(), "{spelled}");
    assert_eq!(original(&spelled), text.as_bytes());
    assert!(spelled.contains("中文 🙂") && spelled.contains(r"\u{201c}x\u{201d} \u{2026} \u{25cf}"), "{spelled}");
    assert_eq!(fit_in("中文中文", 5, Repertoire::Narrow), "中文~");
}

proptest! {
    #[test]
    fn narrow_spelling_can_be_undone(text: String) {
        let spelled = visible_in(&text, Repertoire::Narrow);
        prop_assert_eq!(original(&spelled), text.as_bytes());
        prop_assert_eq!(spelled.width_cjk(), spelled.width());
        assert_harmless(&spelled);
    }
}
