//! How colours look to different eyes, to prove what the themes promise. Compiled for tests only.
//!
//! Sources:
//! - contrast: WCAG 2.1, "relative luminance" and "contrast ratio" (4.5:1 is level AA, 7:1 level AAA);
//! - protanopia and deuteranopia: Viénot, Brettel and Mollon, "Digital video colourmaps for checking the legibility of
//!   displays by dichromats", Color Research and Application 24 (1999);
//! - tritanopia: Brettel, Viénot and Mollon, "Computerized simulation of color appearance for dichromats", JOSA A 14
//!   (1997); both as matrices over linear sRGB, as libDaltonLens computes them;
//! - difference: CIE 1976 L*a*b* (CIE 15), Euclidean; a difference of about 2.3 is just noticed side by side, small signs
//!   far apart need several times that.

use ratatui::style::Color;

/// Red, green and blue, linear, from 0 to 1.
pub(super) type Linear = [f64; 3];

/// Kinds of eyes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Eyes {
    Usual,
    Protanopia,
    Deuteranopia,
    Tritanopia,
}

impl Eyes {
    pub(super) const ALL: [Self; 4] = [Self::Usual, Self::Protanopia, Self::Deuteranopia, Self::Tritanopia];
}

const PROTAN: [Linear; 3] = [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]];
const DEUTAN: [Linear; 3] = [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]];
/// Tritanopia needs two planes; which one, the side of [`TRITAN_NORMAL`] decides.
const TRITAN: [[Linear; 3]; 2] = [
    [[1.01277, 0.13548, -0.14826], [-0.01243, 0.86812, 0.14431], [0.07589, 0.80500, 0.11911]],
    [[0.93678, 0.18979, -0.12657], [0.06154, 0.81526, 0.12320], [-0.37562, 1.12767, 0.24796]],
];
const TRITAN_NORMAL: Linear = [0.03901, -0.02788, -0.01113];

/// From linear sRGB to CIE XYZ (IEC 61966-2-1), each row divided by its white (D65).
const TO_XYZ: [Linear; 3] = [
    [0.412_456_4 / 0.950_47, 0.357_576_1 / 0.950_47, 0.180_437_5 / 0.950_47],
    [0.212_672_9, 0.715_152_2, 0.072_175_0],
    [0.019_333_9 / 1.088_83, 0.119_192_0 / 1.088_83, 0.950_304_1 / 1.088_83],
];

fn dot(row: Linear, color: Linear) -> f64 {
    row.iter().zip(color).map(|(factor, value)| factor * value).sum()
}

fn apply(matrix: [Linear; 3], color: Linear) -> Linear {
    matrix.map(|row| dot(row, color))
}

/// A colour of a theme, linear. Only 24-bit colours look the same everywhere; the others have no value here.
pub(super) fn linear(color: Color) -> Option<Linear> {
    let Color::Rgb(r, g, b) = color else { return None };
    Some([r, g, b].map(|level| {
        let level = f64::from(level) / 255.0;
        if level <= 0.04045 { level / 12.92 } else { ((level + 0.055) / 1.055).powf(2.4) }
    }))
}

/// What these eyes see.
pub(super) fn seen(color: Linear, eyes: Eyes) -> Linear {
    let matrix = match eyes {
        Eyes::Usual => return color,
        Eyes::Protanopia => PROTAN,
        Eyes::Deuteranopia => DEUTAN,
        Eyes::Tritanopia if dot(TRITAN_NORMAL, color) >= 0.0 => TRITAN[0],
        Eyes::Tritanopia => TRITAN[1],
    };
    apply(matrix, color).map(|level| level.clamp(0.0, 1.0))
}

/// Contrast of two colours, from 1 to 21.
pub(super) fn contrast(one: Linear, other: Linear) -> f64 {
    let luminance = |color| dot([0.2126, 0.7152, 0.0722], color);
    let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
    one.max(other) / one.min(other)
}

fn lab(color: Linear) -> Linear {
    let f = |t: f64| if t > 216.0 / 24_389.0 { t.cbrt() } else { (24_389.0 / 27.0 * t + 16.0) / 116.0 };
    let [x, y, z] = apply(TO_XYZ, color).map(f);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// How different two colours are.
pub(super) fn difference(one: Linear, other: Linear) -> f64 {
    lab(one).iter().zip(lab(other)).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::alert::Severity;
    use crate::tui::theme::{Bundled, Palette, Styles};

    const BLACK: Linear = [0.0; 3];
    const WHITE: Linear = [1.0; 3];

    fn rgb(hex: u32) -> Linear {
        let [_, r, g, b] = hex.to_be_bytes();
        linear(Color::Rgb(r, g, b)).unwrap()
    }

    fn close(one: f64, other: f64) -> bool {
        (one - other).abs() < 0.05
    }

    /// Values that WebAIM's contrast checker and Lindbloom's calculator give.
    #[test]
    fn contrast_and_difference_are_the_published_ones() {
        assert!(close(contrast(BLACK, WHITE), 21.0) && close(contrast(rgb(0x0077_7777), WHITE), 4.48));
        assert!(close(difference(BLACK, WHITE), 100.0));
        let [l, a, b] = lab(rgb(0x00ff_0000));
        assert!(close(l, 53.24) && close(a, 80.09) && close(b, 67.20), "{l} {a} {b}");
    }

    /// Greys look the same to all eyes; each kind confuses the colours that it is known to confuse.
    #[test]
    fn each_kind_of_eyes_confuses_what_it_is_known_to() {
        for eyes in Eyes::ALL {
            assert!(difference(seen(rgb(0x0080_8080), eyes), rgb(0x0080_8080)) < 0.5, "{eyes:?}");
        }
        let apart = |one, other, eyes| difference(seen(rgb(one), eyes), seen(rgb(other), eyes));
        // Dark red and black (protanopia), red and olive (deuteranopia), blue and teal (tritanopia).
        for (one, other, eyes) in [
            (0x0060_0000, 0x0020_2000, Eyes::Protanopia),
            (0x00c0_5000, 0x0086_7a00, Eyes::Deuteranopia),
            (0x0000_7080, 0x0000_74a0, Eyes::Tritanopia),
        ] {
            assert!(apart(one, other, eyes) < apart(one, other, Eyes::Usual) / 2.0, "{eyes:?}");
        }
    }

    /// The background that a theme is for, and what it promises against it.
    fn promised(theme: Bundled) -> Option<(Linear, f64)> {
        match theme {
            Bundled::HighContrast => Some((BLACK, 7.0)),
            Bundled::HighContrastLight => Some((WHITE, 7.0)),
            Bundled::ColourBlind => Some((BLACK, 4.5)),
            Bundled::ColourBlindLight => Some((WHITE, 4.5)),
            // Their colours are the terminal's own: what they look like is the person's choice.
            Bundled::Dark | Bundled::Light | Bundled::Sixteen => None,
        }
    }

    /// A style's colour; the terminal's own foreground is taken for the opposite of the background.
    fn ink(style: ratatui::style::Style, background: Linear) -> Linear {
        let own = if background == BLACK { WHITE } else { BLACK };
        match style.fg {
            None | Some(Color::Reset) => own,
            Some(color) => linear(color).unwrap_or_else(|| panic!("{color:?} looks different on every terminal")),
        }
    }

    fn severities(styles: &Styles) -> Vec<ratatui::style::Style> {
        Severity::ALL.iter().map(|severity| styles.severity(*severity)).collect()
    }

    #[rstest]
    fn every_colour_stands_out_from_its_background(
        #[values(Bundled::HighContrast, Bundled::HighContrastLight, Bundled::ColourBlind, Bundled::ColourBlindLight)]
        theme: Bundled,
    ) {
        let (background, least) = promised(theme).unwrap();
        for (name, style) in Palette::parse(theme.name(), theme.text()).unwrap().roles() {
            let found = contrast(ink(style, background), background);
            assert!(found >= least, "{}: {name} has {found:.2}:1", theme.name());
        }
    }

    /// Small signs in one column: this many times what is just noticed.
    const APART: f64 = 15.0;

    #[rstest]
    fn what_must_be_told_apart_is_told_apart_by_all_eyes(
        #[values(Bundled::ColourBlind, Bundled::ColourBlindLight)] theme: Bundled,
    ) {
        let background = promised(theme).unwrap().0;
        let styles = theme.styles().unwrap();
        let ranks = [Severity::Critical, Severity::High, Severity::Warning, Severity::Low, Severity::Info];
        let groups = [
            ranks.map(|severity| styles.severity(severity)).to_vec(),
            vec![styles.good, styles.bad, styles.warning, styles.muted, styles.text],
            vec![styles.command, styles.foreign, styles.text],
            vec![styles.cursor, styles.text, styles.muted],
        ];
        for eyes in Eyes::ALL {
            for group in &groups {
                for (at, one) in group.iter().enumerate() {
                    for other in &group[at + 1..] {
                        let [a, b] = [one, other].map(|style| seen(ink(*style, background), eyes));
                        let found = difference(a, b);
                        assert!(found >= APART, "{}, {eyes:?}: {one:?} {other:?}: {found:.1}", theme.name());
                    }
                }
            }
        }
    }

    /// A page looks like a critical alert, only louder.
    #[test]
    fn severities_differ_in_every_theme() {
        for theme in Bundled::ALL {
            let found = severities(&theme.styles().unwrap());
            for pair in found[..6].windows(2) {
                assert_ne!(pair[0], pair[1], "{}", theme.name());
            }
        }
    }
}
