//! Hours, days and the time zone in which a layer counts them.
//!
//! Owns: reading and comparing them. Does not: know what time it is, or look a zone up in the system's database.

use jiff::civil::Weekday;
use jiff::tz::{Offset, TimeZone};

use crate::domain::time::Timestamp;

/// The zone of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    zone: TimeZone,
}

/// A moment as the clock on the wall shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Minutes since midnight, 0 to 1439.
    pub minute_of_day: u16,
    /// The day.
    pub weekday: Weekday,
    /// The same for people.
    pub text: String,
}

impl Default for Calendar {
    fn default() -> Self {
        Self { zone: TimeZone::UTC }
    }
}

impl Calendar {
    /// That of a zone.
    #[must_use]
    pub const fn of(zone: TimeZone) -> Self {
        Self { zone }
    }

    /// Reads `UTC` or an offset such as `+01:00`, which have no rules that change; `None` for anything else.
    #[must_use]
    pub fn fixed(name: &str) -> Option<Self> {
        if name == "UTC" {
            return Some(Self::default());
        }
        let (sign, rest) = match name.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        let minutes = i32::from(clock(rest)?);
        let offset = Offset::from_seconds(sign * minutes * 60).ok()?;
        Some(Self { zone: TimeZone::fixed(offset) })
    }

    /// The moment `at` in this zone.
    #[must_use]
    pub fn at(&self, at: Timestamp) -> Moment {
        // Beyond the years that can be written there is no wall clock; the epoch stands for them.
        let stamp = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let local = stamp.to_zoned(self.zone.clone());
        let minute = i16::from(local.hour()) * 60 + i16::from(local.minute());
        Moment {
            minute_of_day: minute.unsigned_abs(),
            weekday: local.weekday(),
            text: local.strftime("%a %Y-%m-%d %H:%M %:z").to_string(),
        }
    }
}

/// Minutes since midnight in `23:59`; `None` when the text is no time. `24:00` is the end of the day.
fn clock(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two = |part: &str| -> Option<u16> {
        (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse().ok()).flatten()
    };
    let (hour, minute) = (two(hour)?, two(minute)?);
    (minute < 60 && (hour < 24 || (hour == 24 && minute == 0))).then_some(hour * 60 + minute)
}

/// Hours of the day, which may go over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    from: u16,
    to: u16,
}

impl Hours {
    /// Reads `22:00-06:00`: from the first minute on and before the second. `None` when the text is none, or both are the
    /// same.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let (from, to) = (clock(from.trim())?, clock(to.trim())?);
        (from != to && from < 24 * 60).then_some(Self { from, to })
    }

    /// Whether a minute of the day lies in it.
    #[must_use]
    pub const fn contain(self, minute: u16) -> bool {
        if self.from < self.to {
            minute >= self.from && minute < self.to
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

/// Days of the week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Days(Vec<Weekday>);

impl Days {
    /// Reads `mon`, `sat` or `mon-fri`, each item of a list. `None` when one is no day.
    #[must_use]
    pub fn parse(items: &[String]) -> Option<Self> {
        let mut days = Vec::new();
        for item in items {
            let (from, to) = item.split_once('-').unwrap_or((item, item));
            let (mut day, last) = (weekday(from.trim())?, weekday(to.trim())?);
            days.push(day);
            while day != last {
                day = day.next();
                days.push(day);
            }
        }
        (!days.is_empty()).then_some(Self(days))
    }

    /// Whether a day is one of them.
    #[must_use]
    pub fn contain(&self, day: Weekday) -> bool {
        self.0.contains(&day)
    }
}

fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "mon" => Weekday::Monday,
        "tue" => Weekday::Tuesday,
        "wed" => Weekday::Wednesday,
        "thu" => Weekday::Thursday,
        "fri" => Weekday::Friday,
        "sat" => Weekday::Saturday,
        "sun" => Weekday::Sunday,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[rstest]
    #[case("08:00-18:00", "08:00", true)]
    #[case("08:00-18:00", "18:00", false)]
    #[case("08:00-18:00", "07:59", false)]
    #[case("22:00-06:00", "23:59", true)]
    #[case("22:00-06:00", "05:59", true)]
    #[case("22:00-06:00", "06:00", false)]
    #[case("00:00-24:00", "12:00", true)]
    fn hours_go_over_midnight(#[case] hours: &str, #[case] minute: &str, #[case] expected: bool) {
        assert_eq!(Hours::parse(hours).unwrap().contain(clock(minute).unwrap()), expected);
    }

    #[rstest]
    #[case("8-18")]
    #[case("08:00")]
    #[case("08:00-08:00")]
    #[case("08:60-09:00")]
    #[case("24:00-25:00")]
    #[case("+8:00-18:00")]
    fn what_is_no_hours_is_refused(#[case] text: &str) {
        assert_eq!(Hours::parse(text), None);
    }

    #[test]
    fn days_are_single_or_spans_which_go_over_the_week() {
        let days = |items: &[&str]| Days::parse(&items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>());
        let weekend = days(&["fri-mon", "wed"]).unwrap();
        let inside = [Weekday::Friday, Weekday::Saturday, Weekday::Sunday, Weekday::Monday, Weekday::Wednesday];
        assert!(inside.into_iter().all(|day| weekend.contain(day)));
        assert!(!weekend.contain(Weekday::Tuesday) && !weekend.contain(Weekday::Thursday));
        assert_eq!((days(&["Monday"]), days(&[])), (None, None));
    }

    #[test]
    fn a_moment_is_that_of_the_zone() {
        let utc = Calendar::default().at(at("2026-03-01T23:30:00Z"));
        assert_eq!((utc.minute_of_day, utc.weekday), (23 * 60 + 30, Weekday::Sunday));
        let east = Calendar::fixed("+01:00").unwrap().at(at("2026-03-01T23:30:00Z"));
        assert_eq!((east.minute_of_day, east.weekday), (30, Weekday::Monday));
        let west = Calendar::fixed("-03:30").unwrap().at(at("2026-03-01T02:00:00Z"));
        assert_eq!((west.minute_of_day, west.weekday), (22 * 60 + 30, Weekday::Saturday));
        assert_eq!(Calendar::fixed("Europe/Berlin"), None);
    }

    #[test]
    fn a_zone_with_summer_time_is_followed() {
        // The rules of central Europe as POSIX writes them, so that the test needs no database.
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let calendar = Calendar::of(zone);
        assert_eq!(calendar.at(at("2026-01-15T07:00:00Z")).minute_of_day, 8 * 60);
        assert_eq!(calendar.at(at("2026-07-15T07:00:00Z")).minute_of_day, 9 * 60);
    }
}
