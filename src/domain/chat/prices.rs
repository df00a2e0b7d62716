//! What models cost: a table with dates, and the arithmetic of one call.
//!
//! Owns: reading the table (`assets/models.toml`, and a file of the user over it), the price of a model on a day, costs of
//! usage. Does not: know which model is used, what was spent, or what day it is.
//!
//! Money is counted in millionths of a US dollar, rounded up, so that many small calls are never free.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;

use super::{Thinking, Usage};
use crate::domain::time::Timestamp;

/// The table in the program.
const BUNDLED: &str = include_str!("../../../assets/models.toml");

/// Prices are per so many tokens.
const PER_TOKENS: u128 = 1_000_000;
/// Millionths of a US dollar in a US dollar.
const MICRO: f64 = 1_000_000.0;
/// No token costs more than this, in US dollars per million: a larger number in a file is a mistake in the unit.
const DEAREST: f64 = 100_000.0;

/// What is known of models, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prices {
    models: BTreeMap<String, ModelEntry>,
}

/// What is known of one model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelEntry {
    /// A request may have so many tokens.
    pub input_limit: Option<u64>,
    /// An answer may have so many tokens.
    pub output_limit: Option<u32>,
    /// How long it can be told to think; empty when that is not known.
    pub thinking: Vec<Thinking>,
    /// The first day without the model.
    pub until: Option<Date>,
    prices: Vec<DatedPrice>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DatedPrice {
    from: Option<Date>,
    above: Option<u64>,
    rates: Rates,
}

/// Prices of tokens, in millionths of a US dollar per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rates {
    input: u64,
    output: u64,
    cached: u64,
}

/// What a model costs on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tariff {
    /// By the number of tokens of the request above which they hold, ascending; the first holds from 0.
    tiers: Vec<(u64, Rates)>,
}

/// Why there is no price, as a sentence with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// The table does not know the model.
    #[error(
        "The price of {model} is not known, so no budget can be kept. Add it to the file of [budget] prices, or choose one of: {known}"
    )]
    Unknown {
        /// The model.
        model: String,
        /// Names of models with a price.
        known: String,
    },
    /// The model is known, its price on that day is not.
    #[error(
        "The price of {model} on {day} is not known, so no budget can be kept. Add it to the file of [budget] prices"
    )]
    Unpriced {
        /// The model.
        model: String,
        /// The day, in UTC.
        day: Date,
    },
    /// The provider has retired the model.
    #[error("The model {model} was retired on {until}. Choose another one in [model] name")]
    Retired {
        /// The model.
        model: String,
        /// The first day without it.
        until: Date,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileForm {
    #[serde(default)]
    model: Vec<ModelForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelForm {
    name: String,
    input_limit: Option<u64>,
    output_limit: Option<u32>,
    #[serde(default)]
    thinking: Vec<Thinking>,
    until: Option<Date>,
    #[serde(default)]
    price: Vec<PriceForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceForm {
    from: Option<Date>,
    above: Option<u64>,
    input: f64,
    output: f64,
    cached: f64,
}

impl Prices {
    /// The table in the program.
    #[must_use]
    pub fn bundled() -> Self {
        // A test reads it; a broken table would only mean that no model has a price, and none is asked.
        Self::parse(BUNDLED).unwrap_or_default()
    }

    /// Reads a table.
    ///
    /// # Errors
    /// What is wrong with it, with the line, for the person who wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: FileForm = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut models = BTreeMap::new();
        for form in file.model {
            let name = bare_name(&form.name).to_owned();
            let entry = form.entry().map_err(|why| format!("{name}: {why}"))?;
            if models.insert(name.clone(), entry).is_some() {
                return Err(format!("{name} stands there twice"));
            }
        }
        Ok(Self { models })
    }

    /// This table with `over` over it: a model of `over` replaces the one of the same name as a whole.
    #[must_use]
    pub fn with(mut self, over: Self) -> Self {
        self.models.extend(over.models);
        self
    }

    /// What is known of `model`, whether or not it has a price.
    #[must_use]
    pub fn model(&self, model: &str) -> Option<&ModelEntry> {
        self.models.get(bare_name(model))
    }

    /// What `model` costs at `now`.
    ///
    /// # Errors
    /// A [`PriceError`] when that is not known or the model is no longer there.
    pub fn tariff(&self, model: &str, now: Timestamp) -> Result<Tariff, PriceError> {
        let name = bare_name(model).to_owned();
        let Some(entry) = self.models.get(&name) else {
            let known: Vec<&str> = self
                .models
                .iter()
                .filter(|(_, entry)| !entry.prices.is_empty())
                .map(|(name, _)| name.as_str())
                .collect();
            return Err(PriceError::Unknown { model: name, known: known.join(", ") });
        };
        let day = date_of(now);
        if let Some(until) = entry.until.filter(|until| day >= *until) {
            return Err(PriceError::Retired { model: name, until });
        }
        entry.tariff(day).ok_or(PriceError::Unpriced { model: name, day })
    }
}

impl ModelForm {
    fn entry(self) -> Result<ModelEntry, String> {
        let prices = self.price.into_iter().map(PriceForm::price).collect::<Result<_, _>>()?;
        Ok(ModelEntry {
            input_limit: self.input_limit,
            output_limit: self.output_limit,
            thinking: self.thinking,
            until: self.until,
            prices,
        })
    }
}

impl PriceForm {
    fn price(self) -> Result<DatedPrice, String> {
        let rates = Rates {
            input: micro(self.input, "input")?,
            output: micro(self.output, "output")?,
            cached: micro(self.cached, "cached")?,
        };
        Ok(DatedPrice { from: self.from, above: self.above, rates })
    }
}

impl ModelEntry {
    /// Of each tier the newest price that holds on `day`; `None` without one that holds from the first token on.
    fn tariff(&self, day: Date) -> Option<Tariff> {
        let mut tiers: BTreeMap<u64, DatedPrice> = BTreeMap::new();
        for price in self.prices.iter().filter(|price| price.from.is_none_or(|from| from <= day)) {
            let tier = tiers.entry(price.above.unwrap_or(0)).or_insert(*price);
            if price.from >= tier.from {
                *tier = *price;
            }
        }
        tiers
            .contains_key(&0)
            .then(|| Tariff { tiers: tiers.into_iter().map(|(above, price)| (above, price.rates)).collect() })
    }
}

impl Tariff {
    /// What `usage` costs, in millionths of a US dollar. Thoughts are billed as output.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> u64 {
        let Some((_, rates)) = self.tiers.iter().rev().find(|(above, _)| *above == 0 || usage.prompt > *above) else {
            return u64::MAX;
        };
        let cached = usage.cached.min(usage.prompt);
        let parts = [
            (usage.prompt - cached, rates.input),
            (cached, rates.cached),
            (usage.output.saturating_add(usage.thoughts), rates.output),
        ];
        let sum: u128 = parts.into_iter().map(|(tokens, rate)| u128::from(tokens) * u128::from(rate)).sum();
        u64::try_from(sum.div_ceil(PER_TOKENS)).unwrap_or(u64::MAX)
    }

    /// The most that a call can cost whose request has at most `prompt` tokens and whose answer, thinking included, at most
    /// `output`, whatever tier and cache make of it.
    #[must_use]
    pub fn most(&self, prompt: u64, output: u64) -> u64 {
        // A dearer tier may begin at any smaller size, and a table may have a cache that is dearer than what it saves.
        let ends = self.tiers.iter().flat_map(|(above, _)| [*above, above.saturating_add(1)]);
        let sizes = ends.map(|size| size.min(prompt)).chain([prompt]);
        sizes
            .flat_map(|size| [0, size].map(|cached| Usage { prompt: size, cached, output, thoughts: 0 }))
            .map(|usage| self.cost(&usage))
            .max()
            .unwrap_or(u64::MAX)
    }
}

/// The name without the `models/` that Google puts before it.
fn bare_name(model: &str) -> &str {
    model.strip_prefix("models/").unwrap_or(model)
}

/// The day of `at` in UTC; the last day of all for times that no calendar has.
fn date_of(at: Timestamp) -> Date {
    jiff::Timestamp::from_millisecond(at.as_millis())
        .map_or(Date::MAX, |stamp| stamp.to_zoned(jiff::tz::TimeZone::UTC).date())
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked: at most 10^11, and not negative"
)]
fn micro(usd: f64, what: &str) -> Result<u64, String> {
    if !(0.0..=DEAREST).contains(&usd) {
        return Err(format!("{what} = {usd} is no price in US dollars per million tokens (0 to {DEAREST})"));
    }
    Ok((usd * MICRO).round() as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn at(day: &str) -> Timestamp {
        Timestamp::parse_rfc3339(&format!("{day}T12:00:00Z")).unwrap()
    }

    fn usage(prompt: u64, cached: u64, output: u64, thoughts: u64) -> Usage {
        Usage { prompt, cached, output, thoughts }
    }

    #[rstest]
    #[case("gemini-3.8-flash", "2026-11-22", usage(1_000_000, 0, 0, 0), 750_000)]
    #[case("gemini-3.8-flash", "2026-12-31", usage(0, 0, 1_000_000, 0), 3_750_000)]
    #[case("gemini-3.8-flash", "2027-01-01", usage(1_000_000, 0, 1_000_000, 0), 9_000_000)]
    #[case("models/gemini-3.8-flash", "2026-11-22", usage(1_000_000, 1_000_000, 0, 0), 75_000)]
    #[case("gemini-3.8-flash", "2026-11-22", usage(100, 40, 10, 20), 161)]
    #[case("gemini-3.1-pro-preview", "2026-11-22", usage(200_000, 0, 0, 0), 400_000)]
    #[case("gemini-3.1-pro-preview", "2026-11-22", usage(200_001, 0, 0, 0), 800_004)]
    #[case("gemini-4-argon", "2026-11-30", usage(0, 0, 1_000_000, 0), 10_000_000)]
    #[case("gemini-4-argon", "2026-12-01", usage(0, 0, 1_000_000, 0), 20_000_000)]
    fn costs_follow_day_tier_and_cache(#[case] model: &str, #[case] day: &str, #[case] used: Usage, #[case] cost: u64) {
        assert_eq!(Prices::bundled().tariff(model, at(day)).unwrap().cost(&used), cost);
    }

    #[test]
    fn what_has_no_price_says_so() {
        let prices = Prices::bundled();
        let refused = |model: &str, day: &str| prices.tariff(model, at(day)).unwrap_err().to_string();
        assert!(refused("gemini-9", "2026-11-22").contains("gemini-3.8-flash"));
        assert!(refused("gemini-2.5-pro", "2026-11-22").contains("on 2026-11-22"));
        assert!(refused("gemini-2.5-pro", "2026-12-01").contains("retired"));
    }

    #[test]
    fn a_file_goes_over_the_table_model_by_model() {
        let own =
            "[[model]]\nname = \"local\"\nprice = [{ from = \"2026-11-01\", input = 0, output = 0, cached = 0 }]\n";
        let prices = Prices::bundled().with(Prices::parse(own).unwrap());
        assert_eq!(prices.tariff("local", at("2026-11-22")).unwrap().cost(&usage(9, 0, 9, 9)), 0);
        assert!(prices.tariff("local", at("2026-10-31")).is_err());
        assert!(prices.tariff("gemini-3.8-flash", at("2026-11-22")).is_ok());
    }

    #[rstest]
    #[case("[[model]]\nname = \"a\"\nprize = 1", "prize")]
    #[case("[[model]]\nname = \"a\"\nprice = [{ input = -1, output = 0, cached = 0 }]", "input = -1")]
    #[case("[[model]]\nname = \"a\"\n[[model]]\nname = \"models/a\"", "twice")]
    #[case("[[model]]\nname = \"a\"\nuntil = \"soon\"", "until")]
    fn mistakes_in_a_table_are_named(#[case] text: &str, #[case] part: &str) {
        let told = Prices::parse(text).unwrap_err();
        assert!(told.contains(part), "{told}");
    }

    #[test]
    fn the_bundled_table_is_whole() {
        let prices = Prices::parse(BUNDLED).unwrap();
        let flash = prices.model("gemini-3.8-flash").unwrap();
        assert_eq!((flash.input_limit, flash.output_limit), (Some(1_048_576), Some(65_536)));
        assert_eq!(flash.thinking, [Thinking::Low, Thinking::Medium, Thinking::High]);
    }

    proptest! {
        #[test]
        fn no_usage_within_the_bounds_costs_more_than_the_most(
            (prompt, output) in (0_u64..2_000_000, 0_u64..100_000),
            part in (0_u64..=100, 0_u64..=100, 0_u64..=100),
        ) {
            let tariff = Prices::bundled().tariff("gemini-3.1-pro-preview", at("2026-11-22")).unwrap();
            let used = prompt * part.0 / 100;
            let thoughts = output * part.2 / 100;
            let real = usage(used, used * part.1 / 100, output - thoughts, thoughts);
            prop_assert!(tariff.cost(&real) <= tariff.most(prompt, output));
        }
    }
}
