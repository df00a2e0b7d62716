//! Tests of what the bytes of a terminal mean.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

const NONE: KeyModifiers = KeyModifiers::NONE;
const ALT: KeyModifiers = KeyModifiers::ALT;
const CONTROL: KeyModifiers = KeyModifiers::CONTROL;
const SHIFT: KeyModifiers = KeyModifiers::SHIFT;

fn decode(bytes: &[u8]) -> Vec<Input> {
    Decoder::default().decode(bytes, Behind::Nothing)
}

#[rstest]
#[case(b"j", KeyCode::Char('j'), NONE)]
#[case(b"G", KeyCode::Char('G'), SHIFT)]
#[case("ß".as_bytes(), KeyCode::Char('ß'), NONE)]
#[case("漢".as_bytes(), KeyCode::Char('漢'), NONE)]
#[case("🔥".as_bytes(), KeyCode::Char('🔥'), NONE)]
#[case(b"\r", KeyCode::Enter, NONE)]
#[case(b"\n", KeyCode::Char('j'), CONTROL)]
#[case(b"\t", KeyCode::Tab, NONE)]
#[case(b"\x7f", KeyCode::Backspace, NONE)]
#[case(b"\x08", KeyCode::Char('h'), CONTROL)]
#[case(b"\x1a", KeyCode::Char('z'), CONTROL)]
#[case(b"\x00", KeyCode::Char(' '), CONTROL)]
#[case(b"\x1c", KeyCode::Char('4'), CONTROL)]
#[case(b"\x1b", KeyCode::Esc, NONE)]
#[case(b"\x1bc", KeyCode::Char('c'), ALT)]
#[case(b"\x1b\x14", KeyCode::Char('t'), ALT | CONTROL)]
#[case(b"\x1b\r", KeyCode::Enter, ALT)]
#[case(b"\x1b[A", KeyCode::Up, NONE)]
#[case(b"\x1bOB", KeyCode::Down, NONE)]
#[case(b"\x1b[1;2D", KeyCode::Left, SHIFT)]
#[case(b"\x1b[1;5C", KeyCode::Right, CONTROL)]
#[case(b"\x1b[Z", KeyCode::BackTab, SHIFT)]
#[case(b"\x1b[1~", KeyCode::Home, NONE)]
#[case(b"\x1b[8~", KeyCode::End, NONE)]
#[case(b"\x1b[3~", KeyCode::Delete, NONE)]
#[case(b"\x1b[6;3~", KeyCode::PageDown, ALT)]
#[case(b"\x1bOP", KeyCode::F(1), NONE)]
#[case(b"\x1b[[B", KeyCode::F(2), NONE)]
#[case(b"\x1b[15~", KeyCode::F(5), NONE)]
#[case(b"\x1b[19~", KeyCode::F(8), NONE)]
#[case(b"\x1b[24~", KeyCode::F(12), NONE)]
#[case(b"\x1b[1;2R", KeyCode::F(3), SHIFT)]
#[case(b"\x1b[97;5u", KeyCode::Char('a'), CONTROL)]
#[case(b"\x1b[13;2u", KeyCode::Enter, SHIFT)]
fn keys(#[case] bytes: &[u8], #[case] code: KeyCode, #[case] modifiers: KeyModifiers) {
    assert_eq!(decode(bytes), [key(code, modifiers)]);
}

#[rstest]
#[case(b"\x1b[<0;20;10M", MouseEventKind::Down(MouseButton::Left), 19, 9, NONE)]
#[case(b"\x1b[<0;20;10m", MouseEventKind::Up(MouseButton::Left), 19, 9, NONE)]
#[case(b"\x1b[<65;1;300M", MouseEventKind::ScrollDown, 0, 299, NONE)]
#[case(b"\x1b[<68;1;1M", MouseEventKind::ScrollUp, 0, 0, SHIFT)]
#[case(b"\x1b[M0\x60\x70", MouseEventKind::Down(MouseButton::Left), 63, 79, CONTROL)]
fn the_mouse(
    #[case] bytes: &[u8],
    #[case] kind: MouseEventKind,
    #[case] column: u16,
    #[case] row: u16,
    #[case] modifiers: KeyModifiers,
) {
    assert_eq!(decode(bytes), [Input::Event(Event::Mouse(MouseEvent { kind, column, row, modifiers }))]);
}

#[test]
fn the_reply_is_told_from_keys() {
    assert_eq!(decode(b"\x1b[0n"), [Input::Arrived]);
    let typed = |c| key(KeyCode::Char(c), NONE);
    assert_eq!(decode(b"a\x1b[0nb"), [typed('a'), Input::Arrived, typed('b')]);
}

#[test]
fn no_part_of_what_is_not_known_passes_for_keys() {
    let typed = [key(KeyCode::Char('x'), NONE)];
    for unknown in [
        &b"\x1b[?64;1;2c"[..],
        b"\x1b[?2026;2$y",
        b"\x1b[8;24;80t",
        b"\x1b[>1;2;3c",
        b"\x1b[99~",
        b"\x1b[1;2",
        b"\x1b[99999999999999999999~",
        b"\x1bOz",
        b"\xff",
        b"\xc3(",
    ] {
        let bytes = [unknown, b"\x1b[5~x"].concat();
        let got = decode(&bytes);
        assert_eq!(got.last(), typed.last(), "{unknown:?}");
        let strange = got.iter().filter(|input| **input != key(KeyCode::PageUp, NONE)).count();
        // A byte that begins no character is followed by one that is.
        let expected = if unknown.ends_with(b"(") { 2 } else { 1 };
        assert_eq!(strange, expected, "{unknown:?}: {got:?}");
    }
    let endless = [b"\x1b[".as_slice(), &[b'1'; 200], b"mx"].concat();
    assert_eq!(decode(&endless).last(), typed.last());
}

#[test]
fn a_paste_is_one_event_and_nothing_of_it_is_a_key() {
    let text = "q\x1b[0n\x1b[19~\r\nüber";
    let bytes = [PASTE_BEGINS, text.as_bytes(), PASTE_ENDS, b"j"].concat();
    let expected = vec![Input::Event(Event::Paste(text.to_owned())), key(KeyCode::Char('j'), NONE)];
    assert_eq!(decode(&bytes), expected);
    // However it arrives.
    for size in 1..bytes.len() {
        let mut decoder = Decoder::default();
        let got: Vec<Input> = bytes.chunks(size).flat_map(|piece| decoder.decode(piece, Behind::More)).collect();
        assert_eq!(got, expected, "pieces of {size}");
    }
}

#[test]
fn an_escape_waits_only_when_more_can_be_read() {
    let mut decoder = Decoder::default();
    assert_eq!(decoder.decode(b"\x1b", Behind::More), []);
    assert_eq!(decoder.decode(b"[0n", Behind::Nothing), [Input::Arrived]);
    assert_eq!(decode(b"\x1b\x1b"), [key(KeyCode::Esc, NONE), key(KeyCode::Esc, NONE)]);
}

proptest! {
    /// However bytes are cut, they mean the same, as long as no cut says that nothing follows.
    #[test]
    fn cuts_change_nothing(bytes: Vec<u8>, cuts in proptest::collection::vec(1_usize..5, 0..40)) {
        let mut whole = Decoder::default();
        let expected = whole.decode(&bytes, Behind::More);
        let (mut decoder, mut got, mut rest) = (Decoder::default(), Vec::new(), bytes.as_slice());
        for cut in cuts {
            let (piece, behind) = rest.split_at(cut.min(rest.len()));
            got.extend(decoder.decode(piece, Behind::More));
            rest = behind;
        }
        got.extend(decoder.decode(rest, Behind::More));
        prop_assert_eq!(got, expected);
    }

    /// What is typed comes through as it is.
    #[test]
    fn text_comes_through(text in "[^\\p{Cc}]*") {
        let got: String = decode(text.as_bytes()).into_iter().map(|input| match input {
            Input::Event(Event::Key(KeyEvent { code: KeyCode::Char(c), .. })) => c,
            other => panic!("{other:?}"),
        }).collect();
        prop_assert_eq!(got, text);
    }
}
