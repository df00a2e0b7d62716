//! Colours and attributes: reducing them to what the terminal can show, and the shortest sequence from one to the next.

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

/// How many colours the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ColorDepth {
    /// None: bold, underline and reverse only.
    Mono,
    /// The eight colours of old and their bright variants.
    Ansi16,
    /// The 256 colours of xterm's palette.
    Ansi256,
    /// 24 bits.
    TrueColor,
}

/// The attributes that are sent. Blinking and hidden text are not: the one disturbs, the other deceives.
const SENT: Modifier = Modifier::BOLD
    .union(Modifier::DIM)
    .union(Modifier::ITALIC)
    .union(Modifier::UNDERLINED)
    .union(Modifier::REVERSED)
    .union(Modifier::CROSSED_OUT);

/// The attributes that show where there is no ink.
const SEEN_ON_BLANK: Modifier = Modifier::UNDERLINED.union(Modifier::REVERSED).union(Modifier::CROSSED_OUT);

const INTENSITY: Modifier = Modifier::BOLD.union(Modifier::DIM);

/// The usual values of the sixteen colours (xterm's defaults), to find the one nearest to another colour.
const ANSI_RGB: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

/// The levels of the 6×6×6 colour cube of xterm's palette.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// A colour as it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Paint {
    /// The terminal's own.
    #[default]
    Default,
    /// An entry of the palette of 256; the first sixteen are the ANSI colours.
    Palette(u8),
    /// Red, green and blue.
    Rgb(u8, u8, u8),
}

impl Paint {
    fn of(color: Color, depth: ColorDepth) -> Self {
        if depth == ColorDepth::Mono {
            return Self::Default;
        }
        let paint = match color {
            Color::Reset => return Self::Default,
            Color::Black => Self::Palette(0),
            Color::Red => Self::Palette(1),
            Color::Green => Self::Palette(2),
            Color::Yellow => Self::Palette(3),
            Color::Blue => Self::Palette(4),
            Color::Magenta => Self::Palette(5),
            Color::Cyan => Self::Palette(6),
            Color::Gray => Self::Palette(7),
            Color::DarkGray => Self::Palette(8),
            Color::LightRed => Self::Palette(9),
            Color::LightGreen => Self::Palette(10),
            Color::LightYellow => Self::Palette(11),
            Color::LightBlue => Self::Palette(12),
            Color::LightMagenta => Self::Palette(13),
            Color::LightCyan => Self::Palette(14),
            Color::White => Self::Palette(15),
            Color::Indexed(index) => Self::Palette(index),
            Color::Rgb(r, g, b) => Self::Rgb(r, g, b),
        };
        match (paint, depth) {
            (Self::Rgb(r, g, b), ColorDepth::Ansi256) => Self::Palette(nearest_256((r, g, b))),
            (Self::Rgb(r, g, b), ColorDepth::Ansi16) => Self::Palette(nearest_16((r, g, b))),
            (Self::Palette(index @ 16..), ColorDepth::Ansi16) => Self::Palette(nearest_16(palette_rgb(index))),
            _ => paint,
        }
    }

    /// The SGR parameters that select it; `base` is 30 for the foreground, 40 for the background.
    fn parameters(self, base: u8, list: &mut Parameters) {
        match self {
            Self::Default => list.push(base + 9),
            Self::Palette(index @ 0..=7) => list.push(base + index),
            Self::Palette(index @ 8..=15) => list.push(base + 60 + index - 8),
            Self::Palette(index) => list.extend(&[base + 8, 5, index]),
            Self::Rgb(r, g, b) => list.extend(&[base + 8, 2, r, g, b]),
        }
    }
}

/// How a character is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Pen {
    pub(super) fg: Paint,
    pub(super) bg: Paint,
    pub(super) modifier: Modifier,
}

impl Pen {
    pub(super) fn of(cell: &Cell, depth: ColorDepth) -> Self {
        let mut modifier = cell.modifier & SENT;
        if modifier.contains(INTENSITY) {
            // Terminals disagree about text that is both; bold is the louder one.
            modifier.remove(Modifier::DIM);
        }
        Self { fg: Paint::of(cell.fg, depth), bg: Paint::of(cell.bg, depth), modifier }
    }

    /// What of the pen is seen on a blank: pens that agree in this draw the same blank.
    pub(super) fn on_blank(self) -> Self {
        if self.modifier.intersects(SEEN_ON_BLANK) {
            self
        } else {
            Self { fg: Paint::Default, bg: self.bg, modifier: Modifier::empty() }
        }
    }

    /// Whether erasing with this pen leaves the terminal's own background.
    pub(super) fn erases(self) -> bool {
        self.on_blank() == Self::default()
    }

    /// Appends the shortest sequence that changes `from` to `self`; `None` when the terminal's pen is not known.
    pub(super) fn select(self, from: Option<Self>, out: &mut Vec<u8>) {
        if let Some(parameters) = self.shortest(from) {
            parameters.write(out);
        }
    }

    /// Bytes of [`Self::select`].
    pub(super) fn select_len(self, from: Option<Self>) -> usize {
        self.shortest(from).map_or(0, |parameters| parameters.text_len() + 3)
    }

    /// `None` when there is nothing to change.
    fn shortest(self, from: Option<Self>) -> Option<Parameters> {
        if from == Some(self) {
            return None;
        }
        let mut anew = Parameters::default();
        if self != Self::default() {
            anew.push(0);
            self.changes(Self::default(), &mut anew);
        }
        let mut list = Parameters::default();
        match from {
            Some(from) => self.changes(from, &mut list),
            None => list = anew,
        }
        Some(if anew.text_len() < list.text_len() { anew } else { list })
    }

    /// The parameters that change `from` to `self` without a reset.
    fn changes(self, from: Self, list: &mut Parameters) {
        let gone = from.modifier - self.modifier;
        let mut new = self.modifier - from.modifier;
        if gone.intersects(INTENSITY) {
            // One parameter ends both bold and dim.
            list.push(22);
            new |= self.modifier & INTENSITY;
        }
        let switches = [
            (Modifier::BOLD, 1, None),
            (Modifier::DIM, 2, None),
            (Modifier::ITALIC, 3, Some(23)),
            (Modifier::UNDERLINED, 4, Some(24)),
            (Modifier::REVERSED, 7, Some(27)),
            (Modifier::CROSSED_OUT, 9, Some(29)),
        ];
        for (modifier, on, off) in switches {
            if new.contains(modifier) {
                list.push(on);
            }
            if let Some(off) = off.filter(|_| gone.contains(modifier)) {
                list.push(off);
            }
        }
        if self.fg != from.fg {
            self.fg.parameters(30, list);
        }
        if self.bg != from.bg {
            self.bg.parameters(40, list);
        }
    }
}

/// SGR parameters: at most one for a reset, one for intensity, six attributes and two colours of five.
#[derive(Clone, Copy, Default)]
struct Parameters {
    values: [u8; 18],
    count: usize,
}

impl Parameters {
    fn push(&mut self, value: u8) {
        if let Some(slot) = self.values.get_mut(self.count) {
            *slot = value;
            self.count += 1;
        }
    }

    fn extend(&mut self, values: &[u8]) {
        values.iter().for_each(|value| self.push(*value));
    }

    fn as_slice(&self) -> &[u8] {
        self.values.get(..self.count).unwrap_or_default()
    }

    /// Bytes between `CSI` and `m`.
    fn text_len(&self) -> usize {
        let digits: usize = self.as_slice().iter().map(|value| super::motion::digits(u16::from(*value))).sum();
        digits + self.count.saturating_sub(1)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\x1b[");
        for (at, value) in self.as_slice().iter().enumerate() {
            if at > 0 {
                out.push(b';');
            }
            super::motion::write_number(out, u16::from(*value));
        }
        out.push(b'm');
    }
}

/// How far `found` looks from `wanted`: Riemersma's "low-cost approximation" (<https://www.compuphase.com/cmetric.htm>). The
/// eye is most sensitive to green; how much to red and to blue depends on how red the colour is.
fn distance(wanted: (u8, u8, u8), found: (u8, u8, u8)) -> u32 {
    let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    let (red, blue) = if wanted.0 < 128 { (2, 3) } else { (3, 2) };
    red * square(wanted.0, found.0) + 4 * square(wanted.1, found.1) + blue * square(wanted.2, found.2)
}

/// The values of an entry of the palette of 256.
fn palette_rgb(index: u8) -> (u8, u8, u8) {
    let level = |at: u8| CUBE.get(usize::from(at % 6)).copied().unwrap_or(255);
    match index {
        0..=15 => ANSI_RGB.get(usize::from(index)).copied().unwrap_or_default(),
        16..=231 => (level((index - 16) / 36), level((index - 16) / 6), level(index - 16)),
        232..=255 => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
    }
}

fn nearest_16(rgb: (u8, u8, u8)) -> u8 {
    (0..16).min_by_key(|index| distance(rgb, palette_rgb(*index))).unwrap_or(7)
}

/// The nearest entry of the cube or the greys; the first sixteen are left out, because people redefine them.
fn nearest_256(rgb: (u8, u8, u8)) -> u8 {
    // The weights depend on the wanted colour alone, so that each level of the cube can be chosen by itself.
    let level =
        |value: u8| (0..6_u8).min_by_key(|at| CUBE.get(usize::from(*at)).map_or(255, |level| level.abs_diff(value)));
    let [r, g, b] = [rgb.0, rgb.1, rgb.2].map(|value| level(value).unwrap_or(0));
    let cube = 16 + 36 * r + 6 * g + b;
    std::iter::once(cube).chain(232..=255).min_by_key(|index| distance(rgb, palette_rgb(*index))).unwrap_or(cube)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn pen(fg: Color, modifier: Modifier) -> Pen {
        let mut cell = Cell::default();
        cell.set_fg(fg);
        cell.modifier = modifier;
        Pen::of(&cell, ColorDepth::TrueColor)
    }

    #[rstest]
    #[case(Color::Reset, Modifier::empty(), Color::Red, Modifier::BOLD, "1;31")]
    #[case(Color::Red, Modifier::BOLD, Color::Reset, Modifier::empty(), "")]
    #[case(Color::Red, Modifier::BOLD, Color::Red, Modifier::empty(), "22")]
    #[case(Color::Red, Modifier::BOLD, Color::Red, Modifier::DIM, "22;2")]
    #[case(Color::Red, Modifier::BOLD, Color::LightBlue, Modifier::BOLD, "94")]
    #[case(Color::Reset, Modifier::REVERSED, Color::Indexed(208), Modifier::UNDERLINED, "0;4;38;5;208")]
    #[case(Color::Red, Modifier::all(), Color::Green, Modifier::empty(), "0;32")]
    #[case(Color::Reset, Modifier::empty(), Color::Rgb(1, 2, 3), Modifier::empty(), "38;2;1;2;3")]
    fn changes_are_short(
        #[case] from: Color,
        #[case] from_modifier: Modifier,
        #[case] to: Color,
        #[case] to_modifier: Modifier,
        #[case] parameters: &str,
    ) {
        let mut out = Vec::new();
        pen(to, to_modifier).select(Some(pen(from, from_modifier)), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), format!("\x1b[{parameters}m"));
    }

    #[test]
    fn an_unknown_pen_is_reset_first() {
        let mut out = Vec::new();
        pen(Color::Red, Modifier::empty()).select(None, &mut out);
        Pen::default().select(None, &mut out);
        assert_eq!(out, b"\x1b[0;31m\x1b[m");
    }

    #[test]
    fn colours_are_reduced_to_the_nearest() {
        let reduce = |color, depth| Paint::of(color, depth);
        assert_eq!(reduce(Color::Rgb(250, 10, 10), ColorDepth::Ansi16), Paint::Palette(9));
        assert_eq!(reduce(Color::Rgb(250, 10, 10), ColorDepth::Ansi256), Paint::Palette(196));
        assert_eq!(reduce(Color::Indexed(196), ColorDepth::Ansi16), Paint::Palette(9));
        assert_eq!(reduce(Color::Indexed(196), ColorDepth::TrueColor), Paint::Palette(196));
        assert_eq!(reduce(Color::Green, ColorDepth::Mono), Paint::Default);
        assert_eq!(reduce(Color::Rgb(8, 8, 8), ColorDepth::Ansi256), Paint::Palette(232));
    }

    #[test]
    fn the_nearest_of_256_is_the_nearest_of_all() {
        for red in (0..=255).step_by(17) {
            for green in (0..=255).step_by(15) {
                for blue in (0..=255).step_by(13) {
                    let rgb = (red, green, blue);
                    let best = (16..=255).map(|index| distance(rgb, palette_rgb(index))).min();
                    assert_eq!(Some(distance(rgb, palette_rgb(nearest_256(rgb)))), best, "{rgb:?}");
                }
            }
        }
    }

    /// The palette of Okabe and Ito stays apart with 256 colours.
    #[test]
    fn colours_that_are_apart_stay_apart_with_256() {
        let palette = [0x00d5_5e00, 0x00e6_9f00, 0x00f0_e442, 0x0000_9e73, 0x0056_b4e9, 0x0000_72b2, 0x00cc_79a7_u32];
        let reduced = palette.map(|hex| {
            let [_, r, g, b] = hex.to_be_bytes();
            nearest_256((r, g, b))
        });
        assert_eq!(reduced, [166, 178, 221, 35, 74, 25, 175]);
    }

    #[test]
    fn every_palette_entry_beyond_the_first_sixteen_is_nearest_to_itself() {
        for index in 16..=255_u8 {
            let rgb = palette_rgb(index);
            assert_eq!(palette_rgb(nearest_256(rgb)), rgb);
        }
    }
}
