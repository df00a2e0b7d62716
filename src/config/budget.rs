//! Reads `[budget]`: what may be spent on models, and a table of prices over the built-in one.

use std::path::Path;

use super::BudgetSection;
use super::document::Raw;
use super::forms::{Form, Wrong, quote, text_of};
use super::paths::FilePath;
use super::reader::Scope;
use crate::domain::chat::budget::Budget;

/// Amounts that are taken, in millionths of a US dollar: nothing, which means that no model is asked, to 1,000 US dollars.
const MOST: u64 = 1_000_000_000;

pub(super) fn read(section: &mut Scope<'_, '_>, home: &Path) -> BudgetSection {
    let default = Budget::default();
    let budget = BudgetSection {
        limits: Budget {
            per_call: section.read("per_call", &Usd, default.per_call),
            per_incident: section.read("per_incident", &Usd, default.per_incident),
            per_day: section.read("per_day", &Usd, default.per_day),
        },
        prices: section.read_optional("prices", &FilePath { home }),
    };
    if budget.limits.per_call > budget.limits.per_incident.min(budget.limits.per_day) && section.is_set("per_call") {
        let problem = "this is more than budget.per_incident or budget.per_day, so that it could never be reached";
        section.mistake("per_call", problem, "at most budget.per_incident and budget.per_day");
    }
    budget
}

/// An amount in US dollars, such as `"0.10"`, held in millionths. In quotes, so that what is written is what counts.
struct Usd;

impl Form for Usd {
    type Value = u64;

    fn allowed(&self) -> String {
        "an amount in US dollars from \"0\" to \"1000\", in quotes, with at most six decimals, such as \"0.10\""
            .to_owned()
    }

    fn read(&self, raw: &Raw) -> Result<u64, Wrong> {
        let text = match raw {
            Raw::Integer(number) => number.to_string(),
            other => text_of(other)?.trim().to_owned(),
        };
        let amount = micro_usd(&text).ok_or_else(|| Wrong::new(format!("{} is no amount", quote(&text))))?;
        if amount > MOST {
            return Err(Wrong::new(format!("{} is too much", quote(&text))));
        }
        Ok(amount)
    }

    fn show(&self, value: &u64) -> String {
        let (whole, rest) = (value / 1_000_000, format!("{:06}", value % 1_000_000));
        let decimals = rest.trim_end_matches('0');
        quote(&format!("{whole}.{decimals:0<2}"))
    }
}

/// The amount that `text` says in decimal digits; `None` when it says none.
fn micro_usd(text: &str) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(decimals) || decimals.len() > 6 || text.ends_with('.') {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let part: u64 = format!("{decimals:0<6}").parse().ok()?;
    whole.checked_mul(1_000_000)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("0.10", Some(100_000))]
    #[case("5", Some(5_000_000))]
    #[case("0", Some(0))]
    #[case("0.000001", Some(1))]
    #[case("0.0000001", None)]
    #[case("-1", None)]
    #[case("1.", None)]
    #[case(".5", None)]
    #[case("1e3", None)]
    #[case("99999999999999999999", None)]
    fn amounts(#[case] text: &str, #[case] amount: Option<u64>) {
        assert_eq!(micro_usd(text), amount);
    }

    #[test]
    fn amounts_are_shown_as_they_can_be_written() {
        for amount in [0, 1, 100_000, 5_000_000, 1_234_567] {
            let shown = Usd.show(&amount);
            assert_eq!(micro_usd(shown.trim_matches('"')), Some(amount), "{shown}");
        }
        assert_eq!(Usd.show(&100_000), "\"0.10\"");
    }
}
