//! Moving the terminal's cursor with the fewest bytes.
//!
//! Only what xterm, tmux, screen and the Linux console agree on: CUP, CUF, CUB, CHA, VPA, CR, LF and BS. After the last
//! column has been written terminals disagree about where the cursor is; from there only CR and CUP are used.

/// Where the terminal's cursor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// Not known: only an absolute move helps.
    Unknown,
    /// On this column and row, from 0.
    Cell(u16, u16),
    /// Behind the last column of this row, the wrap pending.
    PastEnd(u16),
}

/// Appends the shortest sequence that moves the cursor from `from` to column `x` of row `y`.
pub(super) fn move_to(out: &mut Vec<u8>, from: At, x: u16, y: u16) {
    if from == At::Cell(x, y) {
        return;
    }
    let mut best = absolute(x, y);
    let mut consider = |candidate: Vec<u8>| {
        if candidate.len() < best.len() {
            best = candidate;
        }
    };
    match from {
        At::Unknown => {}
        At::PastEnd(row) if y >= row => consider(from_margin(x, y - row)),
        At::PastEnd(_) => {}
        At::Cell(column, row) => {
            if y >= row {
                consider(from_margin(x, y - row));
            }
            if y == row {
                consider(csi(x + 1, b'G'));
                if x > column {
                    consider(csi(x - column, b'C'));
                } else {
                    consider(csi(column - x, b'D'));
                    consider(vec![b'\x08'; usize::from(column - x)]);
                }
            } else if x == column {
                consider(csi(y + 1, b'd'));
                if y > row {
                    consider(vec![b'\n'; usize::from(y - row)]);
                }
            }
        }
    }
    out.extend_from_slice(&best);
}

/// CUP, without the parts that are 1.
fn absolute(x: u16, y: u16) -> Vec<u8> {
    let mut out = b"\x1b[".to_vec();
    if y > 0 {
        write_number(&mut out, y + 1);
    }
    if x > 0 {
        out.push(b';');
        write_number(&mut out, x + 1);
    }
    out.push(b'H');
    out
}

/// Carriage return, `down` line feeds, and forward to column `x`. There are that many rows below: nothing scrolls.
fn from_margin(x: u16, down: u16) -> Vec<u8> {
    let mut out = vec![b'\r'];
    out.extend(std::iter::repeat_n(b'\n', usize::from(down)));
    if x > 0 {
        out.extend(csi(x, b'C'));
    }
    out
}

/// `CSI count final`, without a count of 1.
pub(super) fn csi(count: u16, last: u8) -> Vec<u8> {
    let mut out = b"\x1b[".to_vec();
    if count != 1 {
        write_number(&mut out, count);
    }
    out.push(last);
    out
}

/// Bytes of [`csi`].
pub(super) fn csi_len(count: u16) -> usize {
    3 + if count == 1 { 0 } else { digits(count) }
}

/// Decimal digits of `value`.
pub(super) fn digits(value: u16) -> usize {
    value.checked_ilog10().map_or(1, |log| log as usize + 1)
}

/// Appends `value` in decimal digits.
pub(super) fn write_number(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(value.to_string().as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(At::Cell(5, 5), 5, 5, "")]
    #[case(At::Unknown, 0, 0, "\x1b[H")]
    #[case(At::Unknown, 0, 9, "\x1b[10H")]
    #[case(At::Unknown, 9, 0, "\x1b[;10H")]
    #[case(At::Cell(5, 5), 0, 6, "\r\n")]
    #[case(At::Cell(5, 5), 5, 6, "\n")]
    #[case(At::Cell(5, 5), 5, 4, "\x1b[5d")]
    #[case(At::Cell(5, 5), 3, 5, "\x08\x08")]
    #[case(At::Cell(70, 5), 20, 5, "\x1b[21G")]
    #[case(At::Cell(5, 5), 6, 5, "\x1b[C")]
    #[case(At::PastEnd(5), 0, 6, "\r\n")]
    #[case(At::PastEnd(5), 79, 5, "\r\x1b[79C")]
    #[case(At::PastEnd(5), 79, 4, "\x1b[5;80H")]
    fn moves_are_short(#[case] from: At, #[case] x: u16, #[case] y: u16, #[case] expected: &str) {
        let mut out = Vec::new();
        move_to(&mut out, from, x, y);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    proptest! {
        #[test]
        fn every_move_arrives(from: (u16, u16), to: (u16, u16), past_end: bool) {
            let (columns, rows) = (90, 30);
            let (start, goal) = ((from.0 % columns, from.1 % rows), (to.0 % columns, to.1 % rows));
            let mut screen = super::super::tests::emulator(columns, rows);
            let mut bytes = Vec::new();
            let at = if past_end {
                move_to(&mut bytes, At::Unknown, columns - 1, start.1);
                bytes.push(b'x');
                At::PastEnd(start.1)
            } else {
                move_to(&mut bytes, At::Unknown, start.0, start.1);
                At::Cell(start.0, start.1)
            };
            move_to(&mut bytes, at, goal.0, goal.1);
            screen.process(&bytes);
            prop_assert_eq!(screen.screen().cursor_position(), (goal.1, goal.0));
        }
    }
}
