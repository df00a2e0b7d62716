//! Moving the terminal's cursor with the fewest bytes.
//!
//! Only what xterm, tmux, screen and the Linux console agree on: CUP, CUU, CUD, CUF, CUB, CHA, VPA, CR, LF and BS. After the
//! last column has been written terminals disagree about where the cursor is; from there only CR and CUP are used.

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
    out.extend_from_slice(shortest(from, x, y).as_slice());
}

/// Bytes of [`move_to`].
pub(super) fn move_len(from: At, x: u16, y: u16) -> usize {
    shortest(from, x, y).len
}

/// A short run of bytes; nothing is allocated for it, since many are tried and few are sent.
#[derive(Clone, Copy, Default)]
struct Sequence {
    bytes: [u8; Self::LONGEST],
    len: usize,
}

impl Sequence {
    /// CUP with two numbers of five digits has 14; two moves along the axes have at most 18.
    const LONGEST: usize = 20;

    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = byte;
            self.len += 1;
        }
    }

    fn number(&mut self, value: u16) {
        let mut rest = value;
        for at in (0..digits(value)).rev() {
            let power = 10_u16.pow(u32::try_from(at).unwrap_or(0));
            self.push(b'0' + u8::try_from(rest / power).unwrap_or(0));
            rest %= power;
        }
    }

    /// `CSI count last`, without a count of 1.
    fn csi(count: u16, last: u8) -> Self {
        let mut sequence = Self::default();
        sequence.push(0x1b);
        sequence.push(b'[');
        if count != 1 {
            sequence.number(count);
        }
        sequence.push(last);
        sequence
    }

    fn single(byte: u8) -> Self {
        let mut sequence = Self::default();
        sequence.push(byte);
        sequence
    }

    /// `byte`, `count` times; not more often than could be the shortest way.
    fn repeated(byte: u8, count: u16) -> Option<Self> {
        let mut sequence = Self::default();
        (count <= 6).then(|| (0..count).for_each(|_| sequence.push(byte)))?;
        Some(sequence)
    }

    fn then(mut self, other: Self) -> Self {
        other.as_slice().iter().for_each(|byte| self.push(*byte));
        self
    }

    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// The shorter one; of equals this.
    fn or(self, other: Option<Self>) -> Self {
        other.filter(|other| other.len < self.len).unwrap_or(self)
    }
}

fn shortest(from: At, x: u16, y: u16) -> Sequence {
    let (margin, column, row) = match from {
        At::Unknown => return absolute(x, y),
        At::PastEnd(row) => (Sequence::single(b'\r'), 0, row),
        At::Cell(column, row) => (Sequence::default(), column, row),
    };
    let vertical = vertical(row, y);
    absolute(x, y)
        .or(Some(margin.then(vertical).then(horizontal(column, x))))
        .or(Some(Sequence::single(b'\r').then(vertical).then(horizontal(0, x))))
}

/// From one row to another in the same column.
fn vertical(row: u16, y: u16) -> Sequence {
    if row == y {
        Sequence::default()
    } else if y > row {
        Sequence::csi(y + 1, b'd').or(Some(Sequence::csi(y - row, b'B'))).or(Sequence::repeated(b'\n', y - row))
    } else {
        Sequence::csi(y + 1, b'd').or(Some(Sequence::csi(row - y, b'A')))
    }
}

/// From one column to another in the same row.
fn horizontal(column: u16, x: u16) -> Sequence {
    if column == x {
        Sequence::default()
    } else if x > column {
        Sequence::csi(x - column, b'C').or(Some(Sequence::csi(x + 1, b'G')))
    } else {
        Sequence::csi(x + 1, b'G').or(Some(Sequence::csi(column - x, b'D'))).or(Sequence::repeated(b'\x08', column - x))
    }
}

/// CUP, without the parts that are 1.
fn absolute(x: u16, y: u16) -> Sequence {
    let mut sequence = Sequence::default();
    sequence.push(0x1b);
    sequence.push(b'[');
    if y > 0 {
        sequence.number(y + 1);
    }
    if x > 0 {
        sequence.push(b';');
        sequence.number(x + 1);
    }
    sequence.push(b'H');
    sequence
}

/// `CSI count final`, without a count of 1.
pub(super) fn csi(count: u16, last: u8) -> Vec<u8> {
    Sequence::csi(count, last).as_slice().to_vec()
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
    #[case(At::Cell(5, 5), 5, 4, "\x1b[A")]
    #[case(At::Cell(5, 5), 5, 1, "\x1b[2d")]
    #[case(At::Cell(6, 5), 5, 6, "\n\x08")]
    #[case(At::Cell(40, 5), 8, 6, "\n\x1b[9G")]
    #[case(At::Cell(5, 5), 0, 20, "\x1b[21H")]
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
