//! Values in a query of metrics.
//!
//! Owns: putting the values of parameters into PromQL so that they stay values. Does not: ask anything.
//!
//! Invariant: a value goes only between the quotes of a string, escaped for it, and in a regular expression so that it
//! matches itself. Elsewhere it could be read as a part of the query, so a parameter there is refused.

use std::collections::BTreeMap;

use crate::domain::alert::Labels;
use crate::domain::procedure::params::{self, ParamForm};
use crate::domain::text::pattern_of;

/// The query with the values that `labels` give.
///
/// # Errors
/// Why it cannot be asked, as a clause.
pub fn bind(promql: &str, labels: &Labels) -> Result<String, String> {
    let uses = params::find(promql);
    let bindings = params::bind(&uses, labels, &BTreeMap::new());
    let mut bound = String::with_capacity(promql.len());
    let mut at = 0;
    for used in uses {
        let (Some(before), Some(after)) = (promql.get(at..used.span.start), promql.get(used.span.end..)) else {
            return Err("its parameters cannot be told apart".to_owned());
        };
        bound.push_str(before);
        at = promql.len() - after.len();
        let place = place(promql.get(..used.span.start).unwrap_or_default());
        if place == Place::Outside && used.form() == ParamForm::Variable {
            return Err(format!("{} is a variable of another tool", used.surface));
        }
        let value =
            bindings.iter().find(|binding| binding.name == used.name).and_then(|binding| binding.value.as_ref());
        let value = value.ok_or_else(|| format!("{} has no value", used.surface))?;
        match place {
            Place::Outside => return Err(format!("{} stands outside a quoted text", used.surface)),
            Place::Text => bound.push_str(&escaped(value)),
            Place::Regex => bound.push_str(&escaped(&pattern_of(value))),
        }
    }
    bound.push_str(promql.get(at..).unwrap_or_default());
    Ok(bound.trim().to_owned())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Outside,
    Text,
    Regex,
}

/// Where the end of `before` stands. A text in backquotes has no escapes, so nothing can be put there safely.
fn place(before: &str) -> Place {
    let mut open: Option<(char, Place)> = None;
    let mut escape = false;
    let mut last = ['\0'; 2];
    for c in before.chars() {
        match open {
            Some((quote, _)) if !escape && c == quote => open = None,
            Some((quote, _)) => escape = c == '\\' && !escape && quote != '`',
            None if matches!(c, '"' | '\'' | '`') => {
                let place = match (c, last) {
                    ('`', _) => Place::Outside,
                    (_, ['=' | '!', '~']) => Place::Regex,
                    _ => Place::Text,
                };
                open = Some((c, place));
                escape = false;
            }
            None => {}
        }
        if !c.is_whitespace() {
            last = [last[1], c];
        }
    }
    open.map_or(Place::Outside, |(_, place)| place)
}

/// As it stands between quotes (Go's rules, which PromQL has).
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\\' | '"' | '\'' => text.extend(['\\', c]),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn values_stay_values_whatever_is_in_them() {
        let evil = labels(&[("instance", r#"a"} or vector(1) #\"#)]);
        let bound = bind(r#"up{instance="<instance>"}"#, &evil).unwrap();
        assert_eq!(bound, r#"up{instance="a\"} or vector(1) #\\"}"#);
        let bound = bind(r#"up{instance=~"<instance>.*"}"#, &labels(&[("instance", "db.1")])).unwrap();
        assert_eq!(bound, r#"up{instance=~"db\\.1.*"}"#);
    }

    #[test]
    fn a_parameter_elsewhere_or_without_a_value_is_refused() {
        let given = labels(&[("metric", "up"), ("instance", "db-1")]);
        assert!(bind("<metric> > 1", &given).unwrap_err().contains("outside"));
        assert!(bind("up{instance=`<instance>`}", &given).unwrap_err().contains("outside"));
        assert!(bind(r#"up{job="<job>"}"#, &given).unwrap_err().contains("no value"));
        assert!(bind("rate(x[$__rate_interval])", &given).is_err());
    }

    #[test]
    fn a_query_without_parameters_stays_as_it_is() {
        let query = "sum by (rcode) (rate(coredns_dns_responses_total[5m]))";
        assert_eq!(bind(query, &Labels::new()), Ok(query.to_owned()));
    }
}
