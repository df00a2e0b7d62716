//! The budget for models: what may be spent, and whether one more call fits.
//!
//! Owns: the three limits and the decision. Does not: count (the store does, inside the transaction that reserves) or know
//! prices. Money is in millionths of a US dollar.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Usage;
use crate::domain::id::IncidentId;

/// What may be spent at most, in millionths of a US dollar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// For one call.
    pub per_call: u64,
    /// For all calls about one incident, ever. The conversation about nothing in particular has only the other two limits.
    pub per_incident: u64,
    /// For all calls of a day in UTC, by all consoles that share the database.
    pub per_day: u64,
}

impl Default for Budget {
    /// 0.20, 1.00 and 5.00 US dollars: a long night with the default model, and no surprise on the bill. The longest question
    /// that the console puts together may cost 0.07 with the default model, and 0.13 from 2027 on.
    fn default() -> Self {
        Self { per_call: 200_000, per_incident: 1_000_000, per_day: 5_000_000 }
    }
}

/// What counts as spent already, in millionths of a US dollar. Calls in flight count with all that they may cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// For the incident in question; 0 without one.
    pub incident: u64,
    /// Today, in UTC.
    pub day: u64,
}

/// One of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Of one call.
    Call,
    /// Of one incident.
    Incident,
    /// Of one day.
    Day,
}

/// Why a call does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverBudget {
    /// The limit that is reached first.
    pub limit: Limit,
    /// What the call may cost at most.
    pub wanted_micro_usd: u64,
    /// What is left of the limit.
    pub left_micro_usd: u64,
}

impl fmt::Display for OverBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (wanted, left) = (usd(self.wanted_micro_usd), usd(self.left_micro_usd));
        match self.limit {
            Limit::Call => write!(
                f,
                "The question may cost up to {wanted}, and a single one may cost {left}. Ask something shorter, or raise \
                 [budget] per_call"
            ),
            Limit::Incident => write!(
                f,
                "The question may cost up to {wanted}, and {left} is left for this incident. Raise [budget] per_incident, \
                 or ask outside the incident"
            ),
            Limit::Day => write!(
                f,
                "The question may cost up to {wanted}, and {left} is left for today (until 00:00 UTC). Raise [budget] \
                 per_day, or ask tomorrow"
            ),
        }
    }
}

/// May a question be sent that needs at most `calls` calls, each of which costs at most `each`? What to reserve for all.
///
/// # Errors
/// [`OverBudget`] when it could go beyond a limit. Nothing may be sent then.
pub fn decide_reserve(
    budget: &Budget,
    spent: &Spent,
    about: Option<IncidentId>,
    each: u64,
    calls: u32,
) -> Result<u64, OverBudget> {
    let wanted = each.saturating_mul(u64::from(calls));
    let over = |limit: Limit, left: u64| OverBudget { limit, wanted_micro_usd: wanted, left_micro_usd: left };
    if each > budget.per_call {
        return Err(OverBudget { wanted_micro_usd: each, ..over(Limit::Call, budget.per_call) });
    }
    let left = budget.per_incident.saturating_sub(spent.incident);
    if about.is_some() && wanted > left {
        return Err(over(Limit::Incident, left));
    }
    let left = budget.per_day.saturating_sub(spent.day);
    if wanted > left {
        return Err(over(Limit::Day, left));
    }
    Ok(wanted)
}

/// An amount for people: cents from ten of them on (`US$12.34`, `US$0.22`), below that two digits that say something
/// (`US$0.041`, `US$0.0024`): single calls cost less than a cent, and what is not nothing is never shown as nothing. Rounded up: it often stands for
/// what something may cost at most.
#[must_use]
pub fn usd(micro: u64) -> String {
    const WHOLE: u64 = 1_000_000;
    let places = match micro {
        1..100 => 6,
        100..1_000 => 5,
        1_000..10_000 => 4,
        10_000..100_000 => 3,
        0 | 100_000.. => 2,
    };
    let unit = 10_u64.pow(6 - places);
    let units = micro.div_ceil(unit);
    let (width, whole) = (usize::try_from(places).unwrap_or(2), WHOLE / unit);
    format!("US${}.{:0width$}", units / whole, units % whole)
}

/// A call that is about to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRequest {
    /// About which incident.
    pub incident: Option<IncidentId>,
    /// The model.
    pub model: String,
    /// Where the bytes go; no key in it.
    pub destination: String,
    /// SHA-256 of the bytes.
    pub digest: String,
    /// How many values were replaced in them, by kind.
    pub replaced: BTreeMap<String, usize>,
    /// What one call may cost at most.
    pub each_micro_usd: u64,
    /// So many calls may be needed: the first, and those by which a provider wants to be asked to go on.
    pub calls: u32,
}

/// How a call ended, as far as money goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// Nothing was sent, or the provider refused before it did anything: it costs nothing.
    Released {
        /// What happened, as a clause.
        outcome: String,
    },
    /// It cost this much.
    Settled {
        /// What happened, as a clause.
        outcome: String,
        /// Tokens, if the provider said.
        usage: Option<Usage>,
        /// The cost; `None` when it is not known, and then all that was reserved counts.
        cost_micro_usd: Option<u64>,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_limit_that_is_reached_is_named() {
        let budget = Budget { per_call: 10, per_incident: 20, per_day: 30 };
        let incident = Some(IncidentId(1));
        let limit = |about, spent: Spent, wanted| {
            decide_reserve(&budget, &spent, about, wanted, 1).err().map(|over| over.limit)
        };
        assert_eq!(limit(incident, Spent::default(), 11), Some(Limit::Call));
        assert_eq!(limit(incident, Spent { incident: 11, day: 11 }, 10), Some(Limit::Incident));
        assert_eq!(limit(None, Spent { incident: 11, day: 11 }, 10), None);
        assert_eq!(limit(None, Spent { incident: 0, day: 21 }, 10), Some(Limit::Day));
        assert_eq!(limit(incident, Spent { incident: 10, day: 20 }, 10), None);
        assert_eq!(decide_reserve(&budget, &Spent::default(), incident, 10, 2), Ok(20));
        assert!(decide_reserve(&budget, &Spent::default(), incident, 10, 3).is_err());
    }

    #[test]
    fn amounts_are_rounded_up_and_refusals_say_what_to_do() {
        assert_eq!([usd(0), usd(1), usd(41_201), usd(5_000_000)], ["US$0.00", "US$0.000001", "US$0.042", "US$5.00"]);
        let over = OverBudget { limit: Limit::Day, wanted_micro_usd: 50_000, left_micro_usd: 0 };
        assert!(over.to_string().contains("[budget] per_day"), "{over}");
    }

    proptest! {
        #[test]
        fn whatever_is_asked_in_a_row_stays_within_the_day(wanted in proptest::collection::vec(0_u64..200, 0..50)) {
            let budget = Budget { per_call: 150, per_incident: 500, per_day: 1_000 };
            let mut spent = Spent::default();
            for wanted in wanted {
                if decide_reserve(&budget, &spent, Some(IncidentId(1)), wanted, 1).is_ok() {
                    spent.day += wanted;
                    spent.incident += wanted;
                }
            }
            prop_assert!(spent.day <= budget.per_day && spent.incident <= budget.per_incident);
        }
    }
}
