//! Durations as people read them.

use std::time::Duration;

/// One unit, so that it changes at most once a minute: `<1m`, `12m`, `3h`, `5d`.
#[must_use]
pub fn coarse(span: Duration) -> String {
    let minutes = span.as_secs() / 60;
    match minutes {
        0 => "<1m".to_owned(),
        1..60 => format!("{minutes}m"),
        60..2_880 => format!("{}h", minutes / 60),
        _ => format!("{}d", minutes / 1_440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_unit_each() {
        let text = |seconds| coarse(Duration::from_secs(seconds));
        assert_eq!(text(0), "<1m");
        assert_eq!(text(59), "<1m");
        assert_eq!(text(60), "1m");
        assert_eq!(text(3_599), "59m");
        assert_eq!(text(3_600), "1h");
        assert_eq!(text(47 * 3_600), "47h");
        assert_eq!(text(48 * 3_600), "2d");
    }
}
