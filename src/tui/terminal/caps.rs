//! What the terminal can show, as far as the environment tells. The terminal is not asked what it can: over a slow link an
//! answer may come late, and from a serial line never.

use std::collections::BTreeMap;

use super::clipboard::Clipboard;
use crate::domain::text::Repertoire;
use crate::tui::encoder::ColorDepth;

/// Terminals that show 24-bit colours and say so by name only, because `COLORTERM` does not travel over SSH.
const TRUE_COLOR_TERMS: [&str; 6] = ["alacritty", "contour", "foot", "kitty", "ghostty", "wezterm"];

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// How many colours.
    pub depth: ColorDepth,
    /// Which characters arrive as they are and look different from each other.
    pub repertoire: Repertoire,
    /// Whether it cannot address its cursor: no full-screen program works on it.
    pub dumb: bool,
    /// How to copy.
    pub clipboard: Clipboard,
}

impl Caps {
    /// Reads `TERM`, `COLORTERM`, `NO_COLOR`, `STY`, `TMUX`, `LC_ALL`, `LC_CTYPE` and `LANG` from an environment.
    #[must_use]
    pub fn detect(environment: &BTreeMap<String, String>) -> Self {
        let get = |name: &str| environment.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let term = get("TERM").unwrap_or("dumb").to_ascii_lowercase();
        // The first one that is set decides, as in setlocale(3).
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(get).unwrap_or("C").to_ascii_lowercase();
        let depth = if get("NO_COLOR").is_some() {
            ColorDepth::Mono
        } else {
            // GNU screen does not pass 24-bit colours on and mistakes them for attributes. `STY` does not travel over SSH,
            // the name does; tmux may call itself so too, and brings 24-bit colours to what the terminal below can show.
            let in_screen = get("STY").is_some() || term.starts_with("screen") && get("TMUX").is_none();
            let most = if in_screen { ColorDepth::Ansi256 } else { ColorDepth::TrueColor };
            depth(&term, get("COLORTERM")).min(most)
        };
        // A font of the Linux console has at most 512 characters (console_codes(4)). All that it lacks look the same, so
        // that a command with one of them could pass for another.
        let unicode = (locale.contains("utf-8") || locale.contains("utf8")) && !is_linux_console(&term);
        let repertoire = match (unicode, is_east_asian(&locale)) {
            (false, _) => Repertoire::Ascii,
            (true, true) => Repertoire::Narrow,
            (true, false) => Repertoire::Unicode,
        };
        Self { depth, repertoire, dumb: term == "dumb", clipboard: Clipboard::detect(environment) }
    }
}

/// Whether a locale in lower case is one under which terminals may draw characters of ambiguous width in two columns.
fn is_east_asian(locale: &str) -> bool {
    ["zh", "ja", "ko"].iter().any(|language| {
        locale.strip_prefix(language).is_some_and(|rest| rest.is_empty() || rest.starts_with(['_', '.', '@']))
    })
}

/// Whether a name in lower case is the one of the Linux console or of a variant (`linux-16color`).
fn is_linux_console(term: &str) -> bool {
    term == "linux" || term.starts_with("linux-")
}

/// The colours of a terminal by its name, in lower case.
fn depth(term: &str, colorterm: Option<&str>) -> ColorDepth {
    if term == "dumb"
        || term.starts_with("vt1")
        || term.starts_with("vt2")
        || term.ends_with("-m")
        || term.ends_with("-mono")
    {
        ColorDepth::Mono
    } else if is_linux_console(term) {
        ColorDepth::Ansi16
    } else if matches!(colorterm, Some("truecolor" | "24bit"))
        || term.ends_with("-direct")
        || TRUE_COLOR_TERMS.iter().any(|name| term.contains(name))
    {
        ColorDepth::TrueColor
    } else if term.contains("256color") {
        ColorDepth::Ansi256
    } else {
        ColorDepth::Ansi16
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const UNICODE: Repertoire = Repertoire::Unicode;
    const NARROW: Repertoire = Repertoire::Narrow;
    const ASCII: Repertoire = Repertoire::Ascii;

    #[rstest]
    #[case("TERM=xterm-256color LANG=en_US.UTF-8", ColorDepth::Ansi256, UNICODE, false)]
    #[case("TERM=xterm-256color COLORTERM=truecolor LANG=C", ColorDepth::TrueColor, ASCII, false)]
    #[case("TERM=xterm-kitty LC_ALL=de_DE.utf8 LANG=C", ColorDepth::TrueColor, UNICODE, false)]
    #[case("TERM=screen.xterm-256color COLORTERM=truecolor STY=1.pts", ColorDepth::Ansi256, ASCII, false)]
    #[case("TERM=tmux-256color COLORTERM=truecolor LC_CTYPE=C.UTF-8", ColorDepth::TrueColor, UNICODE, false)]
    #[case("TERM=linux LC_ALL=POSIX LANG=en_US.UTF-8", ColorDepth::Ansi16, ASCII, false)]
    #[case("TERM=linux LANG=C.UTF-8", ColorDepth::Ansi16, ASCII, false)]
    #[case("TERM=linux-16color LANG=C.UTF-8", ColorDepth::Ansi16, ASCII, false)]
    #[case("TERM=xterm NO_COLOR=1 LANG=C.UTF-8", ColorDepth::Mono, UNICODE, false)]
    #[case("TERM=xterm NO_COLOR= LANG=", ColorDepth::Ansi16, ASCII, false)]
    #[case("TERM=vt220", ColorDepth::Mono, ASCII, false)]
    #[case("TERM=dumb COLORTERM=truecolor", ColorDepth::Mono, ASCII, true)]
    #[case("", ColorDepth::Mono, ASCII, true)]
    #[case("TERM=screen-256color COLORTERM=truecolor LANG=C.UTF-8", ColorDepth::Ansi256, UNICODE, false)]
    #[case("TERM=screen-256color COLORTERM=truecolor TMUX=/tmp/x LANG=C.UTF-8", ColorDepth::TrueColor, UNICODE, false)]
    #[case("TERM=screen", ColorDepth::Ansi16, ASCII, false)]
    #[case("TERM=xterm-direct LANG=ja_JP.UTF-8", ColorDepth::TrueColor, NARROW, false)]
    #[case("TERM=xterm LANG=zh_CN.UTF-8 LC_ALL=en_US.UTF-8", ColorDepth::Ansi16, UNICODE, false)]
    #[case("TERM=xterm LC_CTYPE=ko.utf8", ColorDepth::Ansi16, NARROW, false)]
    #[case("TERM=xterm LANG=ja_JP.eucJP", ColorDepth::Ansi16, ASCII, false)]
    #[case("TERM=xterm LANG=kok_IN.UTF-8", ColorDepth::Ansi16, UNICODE, false)]
    #[case("TERM=xterm-mono", ColorDepth::Mono, ASCII, false)]
    fn environments(
        #[case] environment: &str,
        #[case] depth: ColorDepth,
        #[case] repertoire: Repertoire,
        #[case] dumb: bool,
    ) {
        let map = environment.split_whitespace().filter_map(|pair| pair.split_once('='));
        let map = map.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let clipboard = Clipboard::detect(&map);
        assert_eq!(Caps::detect(&map), Caps { depth, repertoire, dumb, clipboard });
    }
}
