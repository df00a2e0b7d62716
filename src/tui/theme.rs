//! Colours: a small palette of roles in a file, expanded into the styles of all components here and nowhere else; nothing
//! else in the console makes a colour or an attribute.
//!
//! Invariants: every role has a value; the terminal's own background is kept (a role has no background), so that blanks
//! can be erased and transparent terminals stay so; the row under the cursor is marked in the gutter, not by a bar.
//! Does not: reduce colours to what the terminal can show (see `encoder`).

mod bundled;
#[cfg(test)]
mod vision;

use ratatui::style::{Color, Modifier, Style};

pub use bundled::{Bundled, Themes};

use super::settings::{SettingsError, entries};
use crate::domain::action::risk::Risk;
use crate::domain::alert::Severity;
use crate::domain::incident::IncidentState;
use crate::engine::backend::HealthState;
use crate::tui::chat::text::CodeKind;

/// Defines the roles of a palette with their names in files.
macro_rules! palette {
    ($($(#[$doc:meta])+ $role:ident,)+) => {
        /// What a theme file gives: a style for each role.
        #[derive(Clone, Copy, Debug, Default)]
        struct Palette {
            $($(#[$doc])+ $role: Style,)+
        }

        impl Palette {
            const ROLES: &'static [&'static str] = &[$(stringify!($role),)+];

            fn role_mut(&mut self, name: &str) -> Option<&mut Style> {
                match name {
                    $(stringify!($role) => Some(&mut self.$role),)+
                    _ => None,
                }
            }

            /// Every role with its name.
            #[cfg(test)]
            fn roles(&self) -> Vec<(&'static str, Style)> {
                vec![$((stringify!($role), self.$role),)+]
            }
        }
    };
}

palette! {
    /// Text.
    text,
    /// What matters less.
    muted,
    /// Lines between panes.
    border,
    /// What has the focus: its border, the cursor, keys.
    focus,
    /// Titles.
    title,
    /// Severity page.
    page,
    /// Severity critical.
    critical,
    /// Severity high.
    high,
    /// Severity warning.
    warning,
    /// Severity low.
    low,
    /// Severity info and none.
    info,
    /// What went well.
    good,
    /// What went wrong.
    bad,
    /// What wants attention.
    attention,
    /// Commands.
    command,
    /// Text from alerts, logs or people in a command.
    foreign,
    /// Comments in code.
    comment,
    /// Strings in code.
    string,
    /// Keywords in code.
    keyword,
    /// Numbers and other constants in code.
    number,
    /// Functions and commands in code.
    function,
    /// Variables, keys and parameters in code.
    variable,
}

/// Roles that a theme may leave out, and the one that they look like then.
const OPTIONAL: [(&str, &str); 6] = [
    ("comment", "muted"),
    ("string", "good"),
    ("keyword", "focus"),
    ("number", "attention"),
    ("function", "command"),
    ("variable", "text"),
];

/// The styles of every component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Styles {
    /// Text of panes.
    pub text: Style,
    /// What matters less: times, counts, explanations.
    pub muted: Style,
    /// Border of a pane without focus.
    pub border: Style,
    /// Border of the pane in focus.
    pub border_focused: Style,
    /// Title of a pane without focus.
    pub title: Style,
    /// Title of the pane in focus.
    pub title_focused: Style,
    /// The header's program name.
    pub brand: Style,
    /// The sign of the row under the cursor.
    pub cursor: Style,
    /// The title of the row under the cursor; its first word at most, because every cell costs bytes.
    pub selected: Style,
    /// A key in hints and help.
    pub key: Style,
    /// What a key does.
    pub key_help: Style,
    /// Headings in SOPs.
    pub heading: Style,
    /// Commands in SOPs and reviews.
    pub command: Style,
    /// Pieces of a command that came from outside.
    pub foreign: Style,
    /// Words that look like something else.
    pub suspicious: Style,
    /// Output of commands.
    pub output: Style,
    /// Warnings in SOPs, marks of what is missing.
    pub warning: Style,
    /// What matches a filter.
    pub found: Style,
    /// A message that all is well.
    pub good: Style,
    /// A message that something failed.
    pub bad: Style,
    /// Proposals that wait.
    pub attention: Style,
    /// Text in prompts.
    pub input: Style,
    /// Links in answers.
    pub link: Style,
    /// What an answer cites.
    pub citation: Style,
    /// Who said something in the chat.
    pub author: Style,
    /// Comments, strings, keywords, numbers, functions, variables in code.
    code: [Style; 6],
    severities: [Style; 7],
}

impl Palette {
    /// Reads a theme file; see [`Styles::parse`].
    fn parse(file: &str, text: &str) -> Result<Self, SettingsError> {
        let mut palette = Self::default();
        let mut seen = Vec::new();
        for entry in entries(file, text)? {
            let error = |message| SettingsError { file: file.to_owned(), line: Some(entry.line), message };
            if entry.table != "palette" {
                return Err(error(format!("there is no table `{}`; there is palette", entry.table)));
            }
            let style = parse_style(&entry.value).map_err(|problem| error(format!("`{}`: {problem}", entry.key)))?;
            let role = palette.role_mut(&entry.key).ok_or_else(|| {
                error(format!("there is no role `{}`; there are {}", entry.key, Self::ROLES.join(", ")))
            })?;
            *role = style;
            seen.push(entry.key);
        }
        for (role, like) in OPTIONAL {
            if !seen.iter().any(|key| key == role) {
                let style = palette.role_mut(like).copied().unwrap_or_default();
                if let Some(role) = palette.role_mut(role) {
                    *role = style;
                }
                seen.push(role.to_owned());
            }
        }
        match Self::ROLES.iter().find(|role| !seen.iter().any(|key| key == *role)) {
            None => Ok(palette),
            Some(role) => Err(SettingsError {
                file: file.to_owned(),
                line: None,
                message: format!("the role `{role}` has no value; add `{role} = \"default\"` below [palette]"),
            }),
        }
    }
}

impl Styles {
    /// Reads a theme file: a table `[palette]` with a value for each role, such as `"bright-red bold"`, `"default"`,
    /// `"208"` or `"#ff8800 underline"`.
    ///
    /// # Errors
    /// When the file cannot be read as TOML, a role is missing or unknown, or a value is not understood; the error names
    /// the role and the line.
    pub fn parse(file: &str, text: &str) -> Result<Self, SettingsError> {
        Palette::parse(file, text).map(|palette| Self::expand(&palette))
    }

    fn expand(palette: &Palette) -> Self {
        let p = palette;
        Self {
            text: p.text,
            muted: p.muted,
            border: p.border,
            border_focused: p.focus,
            title: p.title,
            title_focused: p.focus.add_modifier(Modifier::BOLD),
            brand: p.title.add_modifier(Modifier::BOLD),
            cursor: p.focus,
            selected: p.text.add_modifier(Modifier::BOLD),
            key: p.focus,
            key_help: p.muted,
            heading: p.title.add_modifier(Modifier::BOLD),
            command: p.command,
            foreign: p.foreign.add_modifier(Modifier::UNDERLINED),
            suspicious: p.bad.add_modifier(Modifier::REVERSED),
            output: p.text,
            warning: p.attention,
            found: p.attention.add_modifier(Modifier::UNDERLINED),
            good: p.good,
            bad: p.bad,
            attention: p.attention.add_modifier(Modifier::BOLD),
            input: p.text.add_modifier(Modifier::UNDERLINED),
            link: p.text.add_modifier(Modifier::UNDERLINED),
            citation: p.focus.add_modifier(Modifier::UNDERLINED),
            author: p.title.add_modifier(Modifier::BOLD),
            code: [p.comment, p.string, p.keyword, p.number, p.function, p.variable],
            severities: [p.page, p.critical, p.high, p.warning, p.low, p.info, p.info],
        }
    }

    /// `style` where the cursor stands on text, or on what can be chosen.
    #[must_use]
    pub const fn under_cursor(style: Style) -> Style {
        style.add_modifier(Modifier::REVERSED)
    }

    /// `style` where something was found: it shows without colours, too.
    #[must_use]
    pub const fn hit(style: Style) -> Style {
        style.add_modifier(Modifier::BOLD)
    }

    /// `style` where words are emphasised.
    #[must_use]
    pub const fn emphasised(style: Style) -> Style {
        style.add_modifier(Modifier::ITALIC)
    }

    /// `style` where words are strong.
    #[must_use]
    pub const fn strong(style: Style) -> Style {
        style.add_modifier(Modifier::BOLD)
    }

    /// The style of a severity's sign.
    #[must_use]
    pub const fn severity(&self, severity: Severity) -> Style {
        let [page, critical, high, warning, low, info, none] = self.severities;
        match severity {
            Severity::Page => page,
            Severity::Critical => critical,
            Severity::High => high,
            Severity::Warning => warning,
            Severity::Low => low,
            Severity::Info => info,
            Severity::None => none,
        }
    }

    /// The style of a piece of code.
    #[must_use]
    pub const fn code(&self, kind: CodeKind) -> Style {
        let [comment, string, keyword, number, function, variable] = self.code;
        match kind {
            CodeKind::Comment => comment,
            CodeKind::String => string,
            CodeKind::Keyword => keyword,
            CodeKind::Number => number,
            CodeKind::Function => function,
            CodeKind::Variable => variable,
            CodeKind::Plain => self.text,
        }
    }

    /// The style of a risk's name. What is not known looks like what destroys.
    #[must_use]
    pub const fn risk(&self, risk: Risk) -> Style {
        match risk {
            Risk::Query => self.muted,
            Risk::Read => self.good,
            Risk::Change => self.warning,
            Risk::Destroy | Risk::Unknown => self.bad,
        }
    }

    /// The style of a source's sign.
    #[must_use]
    pub const fn health(&self, state: HealthState) -> Style {
        match state {
            HealthState::Ok => self.good,
            HealthState::Waiting => self.muted,
            HealthState::Degraded => self.warning,
            HealthState::Down => self.bad,
        }
    }

    /// The style of an incident's title.
    #[must_use]
    pub const fn incident(&self, state: IncidentState) -> Style {
        match state {
            IncidentState::Open => self.text,
            IncidentState::Acknowledged | IncidentState::Resolved => self.muted,
        }
    }
}

const COLORS: [(&str, Color); 17] = [
    ("default", Color::Reset),
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("white", Color::Gray),
    ("bright-black", Color::DarkGray),
    ("bright-red", Color::LightRed),
    ("bright-green", Color::LightGreen),
    ("bright-yellow", Color::LightYellow),
    ("bright-blue", Color::LightBlue),
    ("bright-magenta", Color::LightMagenta),
    ("bright-cyan", Color::LightCyan),
    ("bright-white", Color::White),
];

const ATTRIBUTES: [(&str, Modifier); 5] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underline", Modifier::UNDERLINED),
    ("reverse", Modifier::REVERSED),
];

/// A colour and attributes, separated by spaces.
fn parse_style(value: &str) -> Result<Style, String> {
    let mut color = None;
    let mut style = Style::new();
    for word in value.split_whitespace() {
        if let Some((_, modifier)) = ATTRIBUTES.iter().find(|(name, _)| *name == word) {
            style = style.add_modifier(*modifier);
        } else if let Some(found) = parse_color(word) {
            if color.replace(found).is_some() {
                return Err(format!("`{value}` has two colours"));
            }
        } else {
            let names = COLORS.map(|(name, _)| name).join(", ");
            let attributes = ATTRIBUTES.map(|(name, _)| name).join(", ");
            return Err(format!("`{word}` is neither a colour ({names}, 0 to 255, #rrggbb) nor one of {attributes}"));
        }
    }
    Ok(style.fg(color.unwrap_or(Color::Reset)))
}

fn parse_color(word: &str) -> Option<Color> {
    if let Some((_, color)) = COLORS.iter().find(|(name, _)| *name == word) {
        return Some(*color);
    }
    if let Some(digits) = word.strip_prefix('#') {
        let is_rgb = digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let [_, r, g, b] = u32::from_str_radix(digits, 16).ok().filter(|_| is_rgb)?.to_be_bytes();
        return Some(Color::Rgb(r, g, b));
    }
    word.parse().ok().map(Color::Indexed)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn bundled_themes_are_complete_and_keep_the_background() {
        for theme in Bundled::ALL {
            let styles = theme.styles().unwrap();
            assert_ne!(styles.severity(Severity::Critical), styles.severity(Severity::Info));
            assert_eq!(styles.risk(Risk::Unknown), styles.risk(Risk::Destroy));
            for style in [styles.text, styles.selected, styles.cursor, styles.border, styles.severity(Severity::Page)] {
                assert_eq!(style.bg, None);
            }
            assert_eq!(Bundled::from_name(theme.name()), Some(theme));
        }
    }

    #[test]
    fn sixteen_needs_no_more_than_the_colours_of_the_terminal() {
        for theme in [Bundled::Sixteen, Bundled::Dark] {
            for (name, style) in Palette::parse("it", theme.text()).unwrap().roles() {
                assert!(!matches!(style.fg, Some(Color::Indexed(_) | Color::Rgb(..))), "{}: {name}", theme.name());
            }
        }
    }

    #[rstest]
    #[case("red bold", Style::new().fg(Color::Red).add_modifier(Modifier::BOLD))]
    #[case("208", Style::new().fg(Color::Indexed(208)))]
    #[case("underline #0a0B0c", Style::new().fg(Color::Rgb(10, 11, 12)).add_modifier(Modifier::UNDERLINED))]
    #[case("", Style::new().fg(Color::Reset))]
    fn values_are_read(#[case] value: &str, #[case] style: Style) {
        assert_eq!(parse_style(value), Ok(style));
    }

    #[rstest]
    #[case(
        "border = \"bright-black\"",
        "border = \"mauve\"",
        "`border`: `mauve` is neither a colour (default, black, "
    )]
    #[case("border = \"bright-black\"", "border = \"red blue\"", "`border`: `red blue` has two colours")]
    #[case("border = \"bright-black\"", "border = \"256\"", "`256` is neither")]
    #[case("border = \"bright-black\"", "border = \"#ff\"", "`#ff` is neither")]
    #[case("border = \"bright-black\"", "broder = \"red\"", "there is no role `broder`; there are text, ")]
    fn mistakes_name_key_and_line(#[case] line: &str, #[case] wrong: &str, #[case] message: &str) {
        let text = Bundled::Dark.text();
        let number = text.lines().position(|candidate| candidate == line).unwrap() + 1;
        let error = Styles::parse("mine", &text.replace(line, wrong)).unwrap_err();
        assert_eq!(error.line, Some(number), "{error}");
        assert!(error.message.contains(message), "{error}");
    }

    #[test]
    fn a_missing_role_is_named() {
        let error = Styles::parse("mine", "[palette]\ntext = \"default\"\n").unwrap_err();
        assert!(error.message.contains("`muted` has no value"), "{error}");
    }
}
