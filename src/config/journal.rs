//! Reads `[journal]`: where heads of the journal are kept outside of it, and how often.

use std::path::{Path, PathBuf};

use super::document::Raw;
use super::forms::{Form, Wrong, quote, text_of};
use super::load::span;
use super::paths::FilePath;
use super::reader::Scope;
use super::{AnchorPlace, JournalSection};

const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);

pub(super) fn read(section: &mut Scope<'_, '_>, home: &Path, default: PathBuf) -> JournalSection {
    JournalSection {
        anchor: section.read("anchor", &Place { home }, AnchorPlace::File(default)),
        every: section.read("every", &span(MINUTE, 24 * 60 * MINUTE), 5 * MINUTE),
    }
}

/// A log of the system, a file, or nowhere.
struct Place<'a> {
    home: &'a Path,
}

impl Form for Place<'_> {
    type Value = AnchorPlace;

    fn allowed(&self) -> String {
        "\"journald\", \"syslog\", \"off\", or the absolute path of a file, at best on another machine".to_owned()
    }

    fn read(&self, raw: &Raw) -> Result<AnchorPlace, Wrong> {
        Ok(match text_of(raw)? {
            "off" => AnchorPlace::Off,
            "syslog" => AnchorPlace::Syslog,
            "journald" => AnchorPlace::Journald,
            _ => AnchorPlace::File(FilePath { home: self.home }.read(raw)?),
        })
    }

    fn show(&self, value: &AnchorPlace) -> String {
        match value {
            AnchorPlace::Off => quote("off"),
            AnchorPlace::Syslog => quote("syslog"),
            AnchorPlace::Journald => quote("journald"),
            AnchorPlace::File(path) => quote(&path.to_string_lossy()),
        }
    }

    fn doubt(&self, value: &AnchorPlace) -> Option<String> {
        matches!(value, AnchorPlace::Off).then(|| {
            "heads of the journal are kept nowhere: nobody can tell later whether its end was cut off".to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<AnchorPlace, Wrong> {
        Place { home: Path::new("/home/ada") }.read(&Raw::Text(text.to_owned()))
    }

    #[test]
    fn places_are_read_and_shown_as_they_are_written() {
        let file = |path: &str| AnchorPlace::File(PathBuf::from(path));
        for (text, place) in [
            ("off", AnchorPlace::Off),
            ("syslog", AnchorPlace::Syslog),
            ("journald", AnchorPlace::Journald),
            ("/mnt/audit/anchors", file("/mnt/audit/anchors")),
            ("~/anchors", file("/home/ada/anchors")),
        ] {
            assert_eq!(read(text).unwrap(), place, "{text}");
        }
        let shown = Place { home: Path::new("/") }.show(&AnchorPlace::Journald);
        assert_eq!(shown, "\"journald\"");
        assert!(read("jurnald").is_err() && read("/tmp/").is_err());
    }

    #[test]
    fn keeping_heads_nowhere_is_doubtful() {
        let place = Place { home: Path::new("/") };
        assert!(place.doubt(&AnchorPlace::Off).is_some());
        assert_eq!(place.doubt(&AnchorPlace::Syslog), None);
    }
}
