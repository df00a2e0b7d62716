//! Reads `[redact]`: which domains are one's own, so that their hosts never leave by name.

use super::RedactSection;
use super::document::Raw;
use super::forms::{Form, Wrong, quote, quote_list, texts_of};
use super::reader::Scope;
use crate::domain::redact::is_public_suffix;

/// The longest name of a domain; RFC 1035.
const LONGEST: usize = 253;

pub(super) fn read(section: &mut Scope<'_, '_>) -> RedactSection {
    RedactSection { domains: section.read("domains", &DomainNames, Vec::new()) }
}

/// Domains, without a dot before them, in lower case.
struct DomainNames;

impl Form for DomainNames {
    type Value = Vec<String>;

    fn allowed(&self) -> String {
        "a list of domains of your own, such as [\"example.com\"]; not one that others have names below, such as \"com\""
            .to_owned()
    }

    fn read(&self, raw: &Raw) -> Result<Vec<String>, Wrong> {
        let mut domains: Vec<String> = Vec::new();
        for (text, line) in texts_of(raw, ',')? {
            let wrong = |problem: &str| Wrong { problem: format!("{} {problem}", quote(&text)), line };
            let domain = text.trim_start_matches("*.").trim_matches('.').to_ascii_lowercase();
            if !is_domain(&domain) {
                return Err(wrong("is not a domain"));
            }
            if is_public_suffix(&domain) {
                return Err(wrong("is everybody's"));
            }
            if !domains.contains(&domain) {
                domains.push(domain);
            }
        }
        Ok(domains)
    }

    fn show(&self, value: &Vec<String>) -> String {
        quote_list(value.iter().map(String::as_str))
    }
}

fn is_domain(name: &str) -> bool {
    let is_label = |label: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (1..=63).contains(&label.len()) && label.chars().all(fits) && !label.starts_with('-') && !label.ends_with('-')
    };
    name.len() <= LONGEST && name.split('.').all(is_label) && name.contains(|c: char| c.is_ascii_alphabetic())
}
