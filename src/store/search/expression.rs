//! A query in the language of FTS5.
//!
//! Owns: the spelling. Invariant: every word stands in quotes and consists of letters and digits only, so that nothing that
//! a person types is an operator or a mistake.

use crate::domain::search::{Ending, Query, Term};

/// How the terms of a query are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Each has to be found.
    All,
    /// One is enough.
    Any,
}

/// The expression for `query`, which has terms; at least one of them has to stand in one of the columns `own`.
pub(super) fn expression(query: &Query, own: &str, needs: Needs) -> String {
    let terms: Vec<String> = query.terms.iter().map(term).collect();
    let any = terms.join(" OR ");
    match needs {
        Needs::All if terms.len() == 1 => format!("{{{own}}} : ({any})"),
        Needs::All => format!("({{{own}}} : ({any})) AND {}", terms.join(" AND ")),
        Needs::Any => format!("{{{own}}} : ({any})"),
    }
}

fn term(term: &Term) -> String {
    let end = match term.ending {
        Ending::Open => " *",
        Ending::Closed => "",
    };
    format!("\"{}\"{end}", term.parts.join(" "))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("5xx", Needs::All, r#"{a b} : ("5xx" *)"#)]
    #[case("5xx db-0 ", Needs::All, r#"({a b} : ("5xx" OR "db 0")) AND "5xx" AND "db 0""#)]
    #[case("pods \"NOT", Needs::Any, r#"{a b} : ("pod" OR "not" *)"#)]
    fn words_stand_in_quotes(#[case] text: &str, #[case] needs: Needs, #[case] expected: &str) {
        assert_eq!(expression(&Query::parse(text), "a b", needs), expected);
    }
}
