//! The themes that come with the program, and the list of those that a person can go through.
//!
//! Owns: names and order. Does not: keep the choice (that stands in the configuration) or know what styles are for.

use super::Styles;
use crate::tui::settings::SettingsError;

/// A theme that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bundled {
    /// For dark terminals.
    Dark,
    /// For light terminals.
    Light,
    /// For dark terminals, every colour at least 7:1 against black.
    HighContrast,
    /// For light terminals, every colour at least 7:1 against white.
    HighContrastLight,
    /// For dark terminals and eyes that lack one kind of cones.
    ColourBlind,
    /// For light terminals and eyes that lack one kind of cones.
    ColourBlindLight,
    /// For any terminal: the sixteen colours of its own palette.
    Sixteen,
}

impl Bundled {
    /// All of them, in the order in which they are gone through.
    pub const ALL: [Self; 7] = [
        Self::Dark,
        Self::Light,
        Self::HighContrast,
        Self::HighContrastLight,
        Self::ColourBlind,
        Self::ColourBlindLight,
        Self::Sixteen,
    ];

    /// The name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::HighContrast => "high-contrast",
            Self::HighContrastLight => "high-contrast-light",
            Self::ColourBlind => "colour-blind",
            Self::ColourBlindLight => "colour-blind-light",
            Self::Sixteen => "sixteen",
        }
    }

    /// The theme with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.name() == name)
    }

    /// Its file.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Dark => include_str!("../../../themes/dark.toml"),
            Self::Light => include_str!("../../../themes/light.toml"),
            Self::HighContrast => include_str!("../../../themes/high-contrast.toml"),
            Self::HighContrastLight => include_str!("../../../themes/high-contrast-light.toml"),
            Self::ColourBlind => include_str!("../../../themes/colour-blind.toml"),
            Self::ColourBlindLight => include_str!("../../../themes/colour-blind-light.toml"),
            Self::Sixteen => include_str!("../../../themes/sixteen.toml"),
        }
    }

    /// Its styles.
    ///
    /// # Errors
    /// Never with the files as they were built in; see [`Styles::parse`].
    pub fn styles(self) -> Result<Styles, SettingsError> {
        Styles::parse(&format!("themes/{}.toml (bundled)", self.name()), self.text())
    }
}

/// The themes that a person can go through, and the one that is worn.
#[derive(Clone, Debug, Default)]
pub struct Themes {
    all: Vec<(String, Styles)>,
    worn: usize,
    /// Why no colour of any of them is shown, as a sentence with what to do; `None` when colours are.
    pub colourless: Option<&'static str>,
}

impl Themes {
    /// The bundled ones, `first` worn.
    ///
    /// # Errors
    /// Never with the files as they were built in.
    pub fn bundled(first: Bundled) -> Result<Self, SettingsError> {
        let all = Bundled::ALL.into_iter().map(|theme| Ok((theme.name().to_owned(), theme.styles()?)));
        let all = all.collect::<Result<Vec<_>, SettingsError>>()?;
        let worn = Bundled::ALL.iter().position(|theme| *theme == first).unwrap_or(0);
        Ok(Self { all, worn, colourless: None })
    }

    /// These and one of the person's own before them, which is worn.
    #[must_use]
    pub fn with_own(mut self, name: String, styles: Styles) -> Self {
        self.all.insert(0, (name, styles));
        self.worn = 0;
        self
    }

    /// Goes on to the next one, from the last to the first.
    pub fn next(&mut self) {
        self.worn = (self.worn + 1) % self.all.len().max(1);
    }

    /// The one that is worn: its name and its styles. `None` when there are none.
    #[must_use]
    pub fn worn(&self) -> Option<(&str, &Styles)> {
        self.all.get(self.worn).map(|(name, styles)| (name.as_str(), styles))
    }

    /// Their names, in the order in which they are gone through.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|(name, _)| name.as_str())
    }

    /// Wears the one with this name. Returns whether there is one.
    pub fn wear(&mut self, name: &str) -> bool {
        let found = self.all.iter().position(|(known, _)| known == name);
        self.worn = found.unwrap_or(self.worn);
        found.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_through_comes_back_to_the_first() {
        let mut themes =
            Themes::bundled(Bundled::Light).unwrap().with_own("mine".to_owned(), Bundled::Dark.styles().unwrap());
        let mut seen = Vec::new();
        for _ in 0..=Bundled::ALL.len() {
            seen.push(themes.worn().unwrap().0.to_owned());
            themes.next();
        }
        assert_eq!(themes.names().collect::<Vec<_>>(), seen);
        assert_eq!((themes.worn().unwrap().0, seen.len()), ("mine", 8));
        assert!(themes.wear("sixteen") && !themes.wear("mauve"));
        assert_eq!(themes.worn().unwrap(), ("sixteen", &Bundled::Sixteen.styles().unwrap()));
        let mut none = Themes::default();
        none.next();
        assert!(none.worn().is_none());
    }
}
