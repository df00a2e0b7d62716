//! The colours that really reach a terminal: themes by key and from a file, mistakes in such a file, and none at all.

use super::pty::{Console, Home};

const QUIET: &str = "[receiver]\nenabled = false\n";

/// A theme of one's own: the dark one with another colour of what is in focus.
fn own_theme(focus: &str) -> String {
    let dark = include_str!("../../themes/dark.toml");
    assert!(dark.contains("focus = \"cyan\""));
    dark.replace("focus = \"cyan\"", &format!("focus = \"{focus}\""))
}

/// A home whose configuration has these lines below `[console]`.
fn home(console: &str) -> (Home, String) {
    let home = Home::new();
    let config = home.configure(&format!("{QUIET}[console]\n{console}")).display().to_string();
    (home, config)
}

/// The same, with a theme file of one's own.
fn home_with_theme(focus: &str) -> (Home, String) {
    let home = Home::new();
    let theme = home.path().join("mine.toml");
    std::fs::write(&theme, own_theme(focus)).unwrap();
    let console = format!("{QUIET}[console]\ntheme_file = \"{}\"\ncolors = \"truecolor\"\n", theme.display());
    let config = home.configure(&console).display().to_string();
    (home, config)
}

/// The foreground colours of the cells of the word `text` on the screen.
fn colours_of(console: &Console, text: &str) -> Vec<vt100::Color> {
    console.with_screen(|screen| {
        let (rows, columns) = (screen.size().0.get(), screen.size().1.get());
        let line = |row: u16| screen.contents_between(row, 0, row, columns);
        let row = (0..rows).find(|row| line(*row).contains(text)).unwrap_or_else(|| panic!("no {text} on the screen"));
        let words = line(row);
        let before = words[..words.find(text).unwrap()].chars().count();
        let first = u16::try_from(before).unwrap();
        let last = first + u16::try_from(text.chars().count()).unwrap();
        (first..last).map(|column| screen.cell(row, column).unwrap().fgcolor()).collect()
    })
}

#[test]
fn the_theme_key_changes_the_colours_on_the_terminal() {
    let (home, config) = home("theme = \"dark\"\ncolors = \"truecolor\"\n");
    let mut console = Console::start(&home, 120, 40, &["--config", &config]);
    console.wait_text("No incident is open");
    let dark = colours_of(&console, "1 Incidents");
    let (written, frame) = (console.raw().len(), console.contents());
    console.type_keys("\x14");
    console.wait_text("light");
    super::pipeline::eventually("other colours of the title", || colours_of(&console, "1 Incidents") != dark);
    let bytes = console.raw()[written..].to_vec();
    assert!(super::manners::colours(&bytes), "colours are set: {}", String::from_utf8_lossy(&bytes));
    let same = |screen: &str| screen.lines().zip(frame.lines()).filter(|(now, then)| now == then).count();
    assert!(same(&console.contents()) + 2 >= frame.lines().count(), "nothing but colours and one message changed");
    console.type_keys("q");
    assert_eq!(console.wait_exit(), 0);
}

#[test]
fn a_theme_file_is_worn() {
    let (home, config) = home_with_theme("#123456");
    let console = Console::start(&home, 120, 40, &["--config", &config]);
    console.wait_text("No incident is open");
    let colours = colours_of(&console, "1 Incidents");
    assert!(colours.contains(&vt100::Color::Rgb(0x12, 0x34, 0x56)), "{colours:?}");
}

#[test]
fn a_mistake_in_a_theme_file_is_told_with_file_line_and_key() {
    let (home, config) = home_with_theme("purplish");
    let line = 1 + own_theme("purplish").lines().position(|line| line.starts_with("focus")).unwrap();
    // The check itself worked, and found something.
    for (arguments, code) in [(vec!["--config", &config], 2), (vec!["--config", &config, "config", "check"], 1)] {
        let output = home.run(&arguments);
        let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(code), "{told}");
        for part in [format!("mine.toml, line {line}:"), "focus".to_owned(), "purplish".to_owned()] {
            assert!(told.contains(&part), "{part}: {told}");
        }
    }
}

#[test]
fn without_colours_no_colour_is_ever_set_whatever_the_theme() {
    let (home, config) = home("theme = \"light\"\n");
    let environment = [("NO_COLOR", "1"), ("COLORTERM", "truecolor")];
    let mut console = Console::start_with(&home, 120, 40, &["--config", &config], &environment);
    console.wait_text("No incident is open");
    for _ in 0..8 {
        let before = console.raw().len();
        console.type_keys("\x14");
        super::pipeline::eventually("an answer to the key", || console.raw().len() > before);
    }
    console.type_keys("2?");
    console.wait_text("Everywhere");
    let raw = String::from_utf8_lossy(&console.raw()).into_owned();
    assert!(!super::manners::colours(raw.as_bytes()), "{raw}");
}
