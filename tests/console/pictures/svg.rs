//! A screen as an SVG picture: small, self-contained, and in columns whatever font the reader has.
//!
//! Owns: colours by value, geometry, escaping. Does not: know which screen it is.
//!
//! How columns stay columns: text is cut into runs of one style without two blanks in a row, each placed at its own column
//! and stretched to its own width. A character that the reader's monospaced font may lack is a run of its own. Lines of boxes and
//! half blocks are drawn as shapes, so that they meet.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use vt100::Color;

use super::cells::{Cell, Cells, Style};

/// Size of a cell, in the picture's units. Monospaced fonts advance by 0.6 of their size.
const CELL: (u16, u16) = (8, 18);
/// Size of the letters.
const FONT_SIZE: &str = "13.3";
/// The reader's monospaced font: that of the system, else one that many have.
const FONTS: &str = "ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",\"Liberation Mono\",monospace";
/// Where letters stand below the top of their cell.
const BASELINE: u16 = 13;
/// Around the cells.
const MARGIN: u16 = 14;

/// The colours of a terminal.
pub(super) struct Paper {
    ink: &'static str,
    paper: &'static str,
    edge: &'static str,
    /// The sixteen that have names.
    named: [&'static str; 16],
}

/// A dark terminal.
pub(super) const DARK: Paper = Paper {
    ink: "#d6dde6",
    paper: "#0f141b",
    edge: "#38414c",
    named: [
        "#484f58", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#b1bac4", "#8b949e", "#ff8e86",
        "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#f0f6fc",
    ],
};

/// A light one.
pub(super) const LIGHT: Paper = Paper {
    ink: "#1f2328",
    paper: "#ffffff",
    edge: "#c4ccd6",
    named: [
        "#24292f", "#cf222e", "#116329", "#7d4e00", "#0969da", "#8250df", "#1b7c83", "#6e7781", "#59636e", "#a40e26",
        "#1a7f37", "#633c01", "#218bff", "#8a3ffc", "#136c73", "#424a53",
    ],
};

impl Paper {
    /// The value of a colour; `None` for the default one.
    fn value(&self, color: Color) -> Option<String> {
        match color {
            Color::Default => None,
            Color::Idx(index) => Some(match index {
                0..16 => self.named[usize::from(index)].to_owned(),
                16..232 => {
                    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
                    let cube = index - 16;
                    rgb(level(cube / 36), level(cube / 6 % 6), level(cube % 6))
                }
                232.. => rgb(8 + 10 * (index - 232), 8 + 10 * (index - 232), 8 + 10 * (index - 232)),
            }),
            Color::Rgb(red, green, blue) => Some(rgb(red, green, blue)),
        }
    }

    /// The colours of the letters and of what is behind them, the latter only where it is not the terminal's own.
    fn colours(&self, style: Style) -> (String, Option<String>) {
        let (ink, paper) = (self.value(style.ink), self.value(style.paper));
        if style.reverse {
            return (paper.unwrap_or_else(|| self.paper.to_owned()), Some(ink.unwrap_or_else(|| self.ink.to_owned())));
        }
        (ink.unwrap_or_else(|| self.ink.to_owned()), paper)
    }
}

fn rgb(red: u8, green: u8, blue: u8) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// What is said of a picture to those who do not see it, and to the one who compares it.
pub(super) struct About<'a> {
    pub(super) title: &'a str,
    pub(super) description: &'a str,
    /// What the screen says, to be compared; see `words`.
    pub(super) words: &'a str,
}

/// Draws `cells`.
pub(super) fn draw(cells: &Cells, paper: &Paper, about: &About<'_>) -> String {
    let mut shapes = Shapes::new(paper);
    for (row, line) in cells.rows.iter().enumerate() {
        shapes.row(u16::try_from(row).unwrap(), line);
    }
    let width = cells.columns * CELL.0 + 2 * MARGIN;
    let height = u16::try_from(cells.rows.len()).unwrap() * CELL.1 + 2 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-labelledby=\"t d\" xml:space=\"preserve\">\n"
    );
    let About { title, description, words } = about;
    let _ = writeln!(svg, "<title id=\"t\">{}</title>", escape(title));
    let _ = writeln!(svg, "<desc id=\"d\">{}</desc>", escape(description));
    let _ = writeln!(svg, "<metadata>{}</metadata>", escape(words));
    svg.push_str(&shapes.style_sheet());
    let (edge, back) = (paper.edge, paper.paper);
    let (inner_width, inner_height) = (width - 1, height - 1);
    let _ = writeln!(
        svg,
        "<rect x=\".5\" y=\".5\" width=\"{inner_width}\" height=\"{inner_height}\" rx=\"9\" fill=\"{back}\" stroke=\"{edge}\"/>"
    );
    let _ = writeln!(svg, "<g transform=\"translate({MARGIN} {MARGIN})\">");
    shapes.write(&mut svg);
    svg.push_str("</g>\n</svg>\n");
    svg
}

/// The part of a picture between these tags, unescaped; `None` where there is none.
pub(super) fn part(svg: &str, begin: &str, end: &str) -> Option<String> {
    let (_, rest) = svg.split_once(begin)?;
    let (part, _) = rest.split_once(end)?;
    Some(part.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
}

/// What XML would read as markup is spelled; what it forbids is left out (no cell has it).
fn escape(text: &str) -> String {
    let allowed = |character: &char| !character.is_control() || matches!(character, '\n' | '\t');
    let mut escaped = String::new();
    for character in text.chars().filter(allowed) {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A run of text: where, how many columns, how it looks, what it says.
struct Run {
    row: u16,
    column: u16,
    width: u16,
    class: String,
    text: String,
}

/// What is drawn, by kind; backgrounds first, letters last.
struct Shapes<'a> {
    paper: &'a Paper,
    /// Coloured rectangles: x, y, width, height, colour.
    boxes: Vec<(u16, u16, u16, u16, String)>,
    /// Lines by colour: horizontal ones as (y, from, to), vertical ones as (x, from, to).
    across: BTreeMap<String, Vec<(u16, u16, u16)>>,
    down: BTreeMap<String, Vec<(u16, u16, u16)>>,
    runs: Vec<Run>,
}

impl<'a> Shapes<'a> {
    const fn new(paper: &'a Paper) -> Self {
        Self { paper, boxes: Vec::new(), across: BTreeMap::new(), down: BTreeMap::new(), runs: Vec::new() }
    }

    fn row(&mut self, row: u16, cells: &[Cell]) {
        for cell in cells {
            self.background(row, cell);
        }
        let mut run: Option<Run> = None;
        for cell in cells {
            let shape = self.shape(row, cell);
            let class = if cell.is_blank() && !cell.style.underline { None } else { Some(self.class(cell.style)) };
            let ascii = cell.symbol.is_ascii();
            // A single blank belongs to a run when the run goes on behind it.
            let goes_on = run.as_ref().is_some_and(|run| {
                let gap = cell.column - (run.column + run.width);
                gap <= 1 && class.as_ref() == Some(&run.class) && ascii && run.text.is_ascii()
            });
            match (class, goes_on) {
                _ if shape => self.runs.extend(run.take()),
                (None, _) => {}
                (Some(_), true) => {
                    if let Some(run) = &mut run {
                        if cell.column > run.column + run.width {
                            run.text.push(' ');
                        }
                        run.text.push_str(&cell.symbol);
                        run.width = cell.column + cell.width - run.column;
                    }
                }
                (Some(class), false) => {
                    let text = cell.symbol.clone();
                    self.runs.extend(run.replace(Run { row, column: cell.column, width: cell.width, class, text }));
                }
            }
        }
        self.runs.extend(run);
    }

    fn background(&mut self, row: u16, cell: &Cell) {
        let (_, Some(colour)) = self.paper.colours(cell.style) else { return };
        let (x, y, width) = (cell.column * CELL.0, row * CELL.1, cell.width * CELL.0);
        match self.boxes.last_mut() {
            Some(last) if (last.0 + last.2, last.1, &last.4) == (x, y, &colour) => last.2 += width,
            _ => self.boxes.push((x, y, width, CELL.1, colour)),
        }
    }

    /// Draws the cell as a shape if it is one.
    fn shape(&mut self, row: u16, cell: &Cell) -> bool {
        let (x, y) = (cell.column * CELL.0, row * CELL.1);
        let (ink, _) = self.paper.colours(cell.style);
        if cell.symbol == "▌" {
            self.boxes.push((x, y, CELL.0 / 2, CELL.1, ink));
            return true;
        }
        let Some([up, right, down, left]) = arms(&cell.symbol) else { return false };
        let (middle_x, middle_y) = (x + CELL.0 / 2, y + CELL.1 / 2);
        let across = self.across.entry(ink.clone()).or_default();
        across.extend(left.then_some((middle_y, x, middle_x)));
        across.extend(right.then_some((middle_y, middle_x, x + CELL.0)));
        let vertical = self.down.entry(ink).or_default();
        vertical.extend(up.then_some((middle_x, y, middle_y)));
        vertical.extend(down.then_some((middle_x, middle_y, y + CELL.1)));
        true
    }

    /// The declarations of a style, which name its class until all are known.
    fn class(&self, style: Style) -> String {
        let (ink, _) = self.paper.colours(style);
        let mut class = format!("fill:{ink}");
        let parts = [
            (style.bold, ";font-weight:700"),
            (style.dim, ";opacity:.65"),
            (style.italic, ";font-style:italic"),
            (style.underline, ";text-decoration:underline"),
        ];
        parts.into_iter().filter(|(wanted, _)| *wanted).for_each(|(_, part)| class.push_str(part));
        class
    }

    /// The styles in use, in an order of their own.
    fn classes(&self) -> Vec<&str> {
        let mut classes: Vec<&str> = self.runs.iter().map(|run| run.class.as_str()).collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    }

    fn style_sheet(&self) -> String {
        let mut sheet = String::from("<style>\n");
        let _ = writeln!(sheet, "text{{font-family:{FONTS};font-size:{FONT_SIZE}px;white-space:pre}}");
        for (number, class) in self.classes().iter().enumerate() {
            let _ = writeln!(sheet, ".s{number}{{{class}}}");
        }
        sheet.push_str("</style>\n");
        sheet
    }

    fn write(&self, svg: &mut String) {
        for (x, y, width, height, colour) in &self.boxes {
            let _ =
                writeln!(svg, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{colour}\"/>");
        }
        for (lines, direction) in [(&self.across, Direction::Across), (&self.down, Direction::Down)] {
            for (colour, lines) in lines {
                let path: String = joined(lines.clone()).into_iter().map(|line| direction.command(line)).collect();
                if !path.is_empty() {
                    let _ = writeln!(
                        svg,
                        "<path d=\"{path}\" stroke=\"{colour}\" fill=\"none\" stroke-linecap=\"square\"/>"
                    );
                }
            }
        }
        let classes = self.classes();
        for run in &self.runs {
            let class = classes.binary_search(&run.class.as_str()).unwrap();
            let (x, y) = (run.column * CELL.0, run.row * CELL.1 + BASELINE);
            let length = run.width * CELL.0;
            // Another font than the one meant may have to draw it: then its letters may have another width, too.
            let glyphs = if run.text.is_ascii() { "" } else { " lengthAdjust=\"spacingAndGlyphs\"" };
            let text = escape(&run.text);
            let _ = writeln!(
                svg,
                "<text class=\"s{class}\" x=\"{x}\" y=\"{y}\" textLength=\"{length}\"{glyphs}>{text}</text>"
            );
        }
    }
}

#[derive(Clone, Copy)]
enum Direction {
    Across,
    Down,
}

impl Direction {
    /// Draws (place, from, to).
    fn command(self, (place, from, to): (u16, u16, u16)) -> String {
        match self {
            Self::Across => format!("M{from} {place}h{}", to - from),
            Self::Down => format!("M{place} {from}v{}", to - from),
        }
    }
}

/// The same lines, those that meet as one.
fn joined(mut lines: Vec<(u16, u16, u16)>) -> Vec<(u16, u16, u16)> {
    lines.sort_unstable();
    let mut joined: Vec<(u16, u16, u16)> = Vec::new();
    for line in lines {
        match joined.last_mut() {
            Some(last) if (last.0, last.2) == (line.0, line.1) => last.2 = line.2,
            _ => joined.push(line),
        }
    }
    joined
}

/// In which directions a character of a box goes from its middle: up, right, down, left.
fn arms(symbol: &str) -> Option<[bool; 4]> {
    let arms = match symbol {
        "─" => "rl",
        "│" => "ud",
        "┌" | "╭" => "rd",
        "┐" | "╮" => "dl",
        "└" | "╰" => "ur",
        "┘" | "╯" => "ul",
        "├" => "urd",
        "┤" => "udl",
        "┬" => "rdl",
        "┴" => "url",
        "┼" => "urdl",
        _ => return None,
    };
    Some(['u', 'r', 'd', 'l'].map(|arm| arms.contains(arm)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::cells::shown;
    use super::*;

    fn drawn(columns: u16, rows: u16, bytes: &str) -> String {
        draw(&shown(columns, rows, bytes), &DARK, &About { title: "T", description: "D", words: "w" })
    }

    /// The texts of a picture: class, x, width and what is said.
    fn texts(svg: &str) -> Vec<String> {
        svg.lines().filter(|line| line.starts_with("<text")).map(str::to_owned).collect()
    }

    #[test]
    fn markup_is_text() {
        let svg = drawn(30, 1, "a <b attr=\"x\"> & &amp; ]]>");
        let text = part(&svg, "textLength=\"208\">", "</text>").unwrap();
        assert_eq!(text, "a <b attr=\"x\"> & &amp; ]]>");
        assert_eq!(svg.matches("<text").count(), 1, "{svg}");
        assert_eq!(escape("a\u{1b}\u{0}b\nc"), "ab\nc");
        let about = About { title: "<T>", description: "\"D\" & d", words: "<w>\nv" };
        let svg = draw(&shown(3, 1, ""), &DARK, &about);
        assert!(svg.contains("<title id=\"t\">&lt;T&gt;</title>"), "{svg}");
        assert!(svg.contains("<desc id=\"d\">&quot;D&quot; &amp; d</desc>"), "{svg}");
        assert_eq!(part(&svg, "<metadata>", "</metadata>").unwrap(), "<w>\nv");
    }

    #[rstest]
    #[case("31", DARK.named[1])]
    #[case("91", DARK.named[9])]
    #[case("38;5;12", DARK.named[12])]
    #[case("38;5;16", "#000000")]
    #[case("38;5;208", "#ff8700")]
    #[case("38;5;231", "#ffffff")]
    #[case("38;5;232", "#080808")]
    #[case("38;5;255", "#eeeeee")]
    #[case("38;2;1;2;255", "#0102ff")]
    #[case("39", DARK.ink)]
    #[case("7", DARK.paper)]
    #[case("42;7", DARK.named[2])]
    fn colours_of_every_kind(#[case] sgr: &str, #[case] colour: &str) {
        let svg = drawn(4, 1, &format!("\x1b[{sgr}mx"));
        assert!(svg.contains(&format!(".s0{{fill:{colour}}}")), "{svg}");
    }

    #[test]
    fn what_lies_behind_letters_is_one_rectangle() {
        let svg = drawn(8, 2, "a\x1b[44mb c\x1b[0m\r\n\x1b[7m d\x1b[0m");
        let blue = format!("<rect x=\"8\" y=\"0\" width=\"24\" height=\"18\" fill=\"{}\"/>", DARK.named[4]);
        assert!(svg.contains(&blue), "{svg}");
        let reversed = format!("<rect x=\"0\" y=\"18\" width=\"16\" height=\"18\" fill=\"{}\"/>", DARK.ink);
        assert!(svg.contains(&reversed), "{svg}");
    }

    #[test]
    fn runs_have_one_style_and_stand_at_their_column() {
        let svg = drawn(40, 1, "one two   three\x1b[1mfour\x1b[2;3;4mfive");
        let texts = texts(&svg);
        assert_eq!(texts.len(), 4, "{texts:?}");
        for (text, (x, length, words)) in
            texts.iter().zip([(0, 56, "one two"), (80, 40, "three"), (120, 32, "four"), (152, 32, "five")])
        {
            let expected = format!(" x=\"{x}\" y=\"13\" textLength=\"{length}\">{words}</text>");
            assert!(text.ends_with(&expected), "{text} instead of {expected}");
        }
        for declarations in [";font-weight:700", ";opacity:.65;font-style:italic;text-decoration:underline"] {
            let class = format!("{{fill:{}{declarations}}}", DARK.ink);
            assert!(svg.contains(&class), "{class} in {svg}");
        }
    }

    #[test]
    fn a_wide_character_is_two_columns_wide_and_moves_nothing() {
        let svg = drawn(10, 1, "a日b●c");
        let placed: Vec<String> = texts(&svg)
            .iter()
            .map(|text| {
                let get = |begin| part(text, begin, "\"").unwrap();
                format!("{}+{} {}", get("x=\""), get("textLength=\""), part(text, ">", "</text>").unwrap())
            })
            .collect();
        assert_eq!(placed, ["0+8 a", "8+16 日", "24+8 b", "32+8 ●", "40+8 c"]);
        assert_eq!(svg.matches("spacingAndGlyphs").count(), 2);
    }

    #[test]
    fn lines_of_boxes_are_drawn_and_meet() {
        let svg = drawn(4, 3, "┌──┐\r\n│ab│\r\n└──┘");
        assert_eq!(texts(&svg).len(), 1, "{svg}");
        for path in ["M4 9h24M4 45h24", "M4 9v36M28 9v36"] {
            assert!(svg.contains(&format!("<path d=\"{path}\"")), "{path} in {svg}");
        }
        let cursor = drawn(4, 1, "▌x");
        assert!(cursor.contains("<rect x=\"0\" y=\"0\" width=\"4\" height=\"18\""), "{cursor}");
    }

    #[test]
    fn the_names_of_styles_do_not_depend_on_where_they_are_used() {
        let sheet = |bytes| part(&drawn(20, 1, bytes), "<style>", "</style>").unwrap();
        assert_eq!(sheet("\x1b[31ma\x1b[32mb"), sheet("\x1b[32mother\x1b[31mwords"));
        assert_ne!(sheet("\x1b[31ma\x1b[32mb"), sheet("\x1b[31ma\x1b[33mb"));
    }
}
