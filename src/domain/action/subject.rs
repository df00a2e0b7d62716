//! The alert that an action is for.
//!
//! Owns: what binds an action to one firing, how that alert is named in a review, and whether it is about another host than
//! the one that the action runs on. Does not: say whether the alert fires (the store knows).
//!
//! Invariant: only [`Subject::key`] binds. The rest is foreign text for the eye and no part of the digest: labels that the
//! action does not use may change.

use serde::{Deserialize, Serialize};

use super::spec::Target;
use crate::domain::alert::{AlertKey, Labels};
use crate::domain::time::Timestamp;

/// Labels that name the host an alert is about, the plainest first: `instance` is often the address of an exporter.
const HOST_LABELS: [&str; 4] = ["host", "hostname", "node", "instance"];

/// Labels named in a title at most; a review is read on small screens too.
const TITLE_LABELS: usize = 6;

/// The alert that an action is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Which firing. Its end, or that the alert fires again after it, voids the action, whatever else fires (see `tie`).
    pub key: AlertKey,
    /// Name and telling labels when the action was proposed. Foreign text.
    pub title: String,
    /// Hosts that its labels named then, without ports, the plainest label first. Foreign text.
    pub hosts: Vec<String>,
}

impl Subject {
    /// The alert `key` with `labels`, among `others` of the same incident.
    #[must_use]
    pub fn new<'a>(key: AlertKey, labels: &Labels, others: impl IntoIterator<Item = &'a Labels>) -> Self {
        let hosts = HOST_LABELS.iter().filter_map(|name| labels.get(*name)).filter_map(|value| host_of(value));
        let hosts = hosts.map(str::to_owned).collect();
        Self { key, title: title(labels, others), hosts }
    }

    /// For actions that were stored before they were bound to an alert: no firing has this key, so they are void.
    #[must_use]
    pub(in crate::domain) fn unbound() -> Self {
        let key = AlertKey { source: "".into(), fingerprint: String::new(), starts_at: Timestamp::from_millis(0) };
        Self { key, title: String::new(), hosts: Vec::new() }
    }

    /// A warning when the alert names hosts and none of them is `target`; `None` otherwise. It contains foreign text.
    #[must_use]
    pub fn elsewhere(&self, target: &Target) -> Option<String> {
        // A pod is on no host that a label could be compared with.
        if matches!(target, Target::Container(_)) {
            return None;
        }
        let name = target.name();
        let first = self.hosts.first()?;
        if self.hosts.iter().any(|host| same_host(host, name)) {
            return None;
        }
        Some(format!("The alert is about {first}; this runs on {name}."))
    }
}

/// The alert's name, the labels that name its host, and those in which it differs from others of its incident.
fn title<'a>(labels: &Labels, others: impl IntoIterator<Item = &'a Labels>) -> String {
    let others: Vec<&Labels> = others.into_iter().collect();
    let differs = |name: &str, value: &String| others.iter().any(|other| other.get(name) != Some(value));
    let telling: Vec<String> = labels
        .iter()
        .filter(|(name, _)| *name != "alertname")
        .filter(|(name, value)| HOST_LABELS.contains(&name.as_str()) || differs(name, value))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut words = vec![labels.get("alertname").map_or("(no alertname)", String::as_str).to_owned()];
    let more = telling.len().saturating_sub(TITLE_LABELS);
    words.extend(telling.into_iter().take(TITLE_LABELS));
    if more > 0 {
        words.push(format!("and {more} more labels"));
    }
    words.join(" ")
}

/// The host in a label's value: `db-9`, `db-9:9100`, `[::1]:9100`, `http://db-9:9100/metrics`. `None` when there is none.
pub(super) fn host_of(value: &str) -> Option<&str> {
    let value = value.trim();
    let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let host = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        // More than one colon is an address of IPv6 without brackets, which has no port.
        None if rest.matches(':').count() > 1 => rest,
        None => rest.split(':').next().unwrap_or_default(),
    };
    let host = host.trim_end_matches('.');
    (!host.is_empty()).then_some(host)
}

/// Whether two names are of one host as far as names tell: equal, or the short form of each other.
pub(super) fn same_host(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim_end_matches('.').to_lowercase(), other.trim_end_matches('.').to_lowercase());
    let short_of = |short: &str, long: &str| {
        !short.contains('.') && !is_address(long) && long.split('.').next().is_some_and(|first| first == short)
    };
    one == other || short_of(&one, &other) || short_of(&other, &one)
}

/// Whether this is an address rather than a name; the first number of an address is no short form of it.
fn is_address(host: &str) -> bool {
    host.contains(':') || host.chars().all(|c| c.is_ascii_digit() || c == '.')
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn subject(pairs: &[(&str, &str)], others: &[Labels]) -> Subject {
        Subject::new(Subject::unbound().key, &labels(pairs), others)
    }

    #[rstest]
    #[case::no_host(&[("alertname", "Disk")], "bastion", None)]
    #[case::same(&[("instance", "db-9")], "db-9", None)]
    #[case::port(&[("instance", "db-9:9100")], "db-9", None)]
    #[case::case_differs(&[("host", "DB-9")], "db-9", None)]
    #[case::short_target(&[("instance", "db-9.example.org:9100")], "db-9", None)]
    #[case::short_label(&[("instance", "db-9:9100")], "db-9.example.org", None)]
    #[case::root(&[("node", "db-9.example.org.")], "db-9.example.org", None)]
    #[case::url(&[("instance", "https://ada@db-9:9100/metrics?x=1")], "db-9", None)]
    #[case::one_of_several(&[("instance", "blackbox:9115"), ("host", "db-9")], "db-9", None)]
    #[case::empty(&[("instance", "")], "bastion", None)]
    #[case::only_port(&[("instance", ":9100")], "bastion", None)]
    #[case::other_label(&[("pod", "db-9")], "bastion", None)]
    #[case::address6(&[("instance", "[2001:db8::1]:9100")], "2001:DB8::1", None)]
    #[case::other(&[("instance", "db-9:9100")], "bastion", Some("db-9"))]
    #[case::other_domain(&[("instance", "db-9.a.org")], "db-9.b.org", Some("db-9.a.org"))]
    #[case::longer_name(&[("instance", "db-90")], "db-9", Some("db-90"))]
    #[case::address(&[("instance", "10.0.0.3:9100")], "10", Some("10.0.0.3"))]
    #[case::bare_address6(&[("instance", "2001:db8::1")], "2001", Some("2001:db8::1"))]
    #[case::plainest(&[("instance", "blackbox:9115"), ("host", "db-9")], "bastion", Some("db-9"))]
    fn another_host_is_noticed(#[case] pairs: &[(&str, &str)], #[case] target: &str, #[case] about: Option<&str>) {
        let target = Target::ThisHost { name: target.to_owned() };
        let expected = about.map(|about| format!("The alert is about {about}; this runs on {}.", target.name()));
        assert_eq!(subject(pairs, &[]).elsewhere(&target), expected);
    }

    #[test]
    fn a_title_names_what_tells_the_alert_from_others() {
        let mine = [("alertname", "Disk"), ("instance", "web-1"), ("mountpoint", "/srv"), ("severity", "page")];
        assert_eq!(subject(&mine, &[]).title, "Disk instance=web-1");
        let other = labels(&[("alertname", "Disk"), ("instance", "web-1"), ("mountpoint", "/"), ("severity", "page")]);
        assert_eq!(subject(&mine, &[labels(&mine), other]).title, "Disk instance=web-1 mountpoint=/srv");
        assert_eq!(subject(&[], &[]).title, "(no alertname)");
    }

    #[test]
    fn a_title_says_how_much_it_leaves_out() {
        let names: Vec<String> = (0..8).map(|number| format!("l{number}")).collect();
        let mine: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
        let title = subject(&mine, &[Labels::new()]).title;
        assert!(title.ends_with("l5=x and 2 more labels"), "{title}");
    }
}
