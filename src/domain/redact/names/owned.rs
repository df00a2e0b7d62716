//! Which domain is one's own, judged by the name of a host that is.
//!
//! Owns: the rule, and the suffixes below which everybody may have a name. Does not: know the whole list of public suffixes; in
//! doubt no domain is derived, and the host alone is known. A domain that is missed can be configured.

use super::common::is_public;
use super::host::{INTERNAL, is_host};

/// Top-level domains for everybody, besides those of two letters, which belong to countries.
const GENERIC: [&str; 22] = [
    "com", "net", "org", "edu", "gov", "mil", "int", "info", "biz", "name", "dev", "app", "cloud", "online", "site",
    "tech", "xyz", "shop", "store", "systems", "host", "arpa",
];

/// What stands before a country's domain where names are registered below both (`co.uk`, `com.au`). Those of at most three
/// letters are all taken for such, since `or.jp` cannot be told from `db.de`.
const CATEGORIES: [&str; 14] = [
    "info", "gouv", "asso", "govt", "firm", "name", "mobi", "school", "police", "conf", "geek", "maori", "presse",
    "store",
];

/// Domains of providers below which their customers' hosts stand, whosever they are.
const SHARED: [&str; 44] = [
    "akamaized.net",
    "aivencloud.com",
    "aliyuncs.com",
    "appspot.com",
    "azmk8s.io",
    "azurecontainer.io",
    "azurefd.net",
    "azurewebsites.net",
    "cloudapp.net",
    "cloudfunctions.net",
    "confluent.cloud",
    "contaboserver.net",
    "digitaloceanspaces.com",
    "duckdns.org",
    "edgekey.net",
    "edgesuite.net",
    "fly.dev",
    "googleusercontent.com",
    "herokuapp.com",
    "herokudns.com",
    "hetzner.cloud",
    "hetzner.com",
    "linode.com",
    "linodeobjects.com",
    "linodeusercontent.com",
    "mongodb.net",
    "myqcloud.com",
    "netlify.app",
    "ngrok.app",
    "ngrok.io",
    "nip.io",
    "ondigitalocean.app",
    "onrender.com",
    "oraclecloud.com",
    "ovh.net",
    "pages.dev",
    "run.app",
    "scw.cloud",
    "sslip.io",
    "ts.net",
    "vercel.app",
    "vultrusercontent.com",
    "workers.dev",
    "your-server.de",
];

/// True when names of different owners stand below `name` (`com`, `co.uk`), as far as is known here.
#[must_use]
pub fn is_public_suffix(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let country = |label: &str| label.len() == 2 && label.bytes().all(|byte| byte.is_ascii_alphabetic());
    match lower.split_once('.') {
        None => country(&lower) || GENERIC.contains(&lower.as_str()),
        Some((category, top)) => {
            SHARED.contains(&lower.as_str()) || country(top) && (category.len() <= 3 || CATEGORIES.contains(&category))
        }
    }
}

/// The domain that the owner of `host` has registered (`mycompany.io` of `db1.eu.mycompany.io`), in lower case. `None` when the
/// name has no domain, when its end is a public suffix, a provider's or one that everybody uses, and when hosts of that domain
/// are found anyway.
#[must_use]
pub fn own_domain(host: &str) -> Option<String> {
    let lower = host.trim_end_matches('.').to_ascii_lowercase();
    let labels: Vec<&str> = lower.split('.').collect();
    let top = labels.last()?;
    let is_top = top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic()) || top.starts_with("xn--");
    if !is_host(&lower) || !is_top || INTERNAL.contains(top) {
        return None;
    }
    let last = |count: usize| labels.len().checked_sub(count).map(|from| labels[from..].join("."));
    let two = last(2)?;
    if SHARED.contains(&two.as_str()) {
        return None;
    }
    let domain = if is_public_suffix(&two) { last(3)? } else { two };
    (!is_public(&domain)).then_some(domain)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("db1.mycompany.io", Some("mycompany.io"))]
    #[case("DB1.eu.MyCompany.com.", Some("mycompany.com"))]
    #[case("mycompany.com", Some("mycompany.com"))]
    #[case("db1.mycompany.co.uk", Some("mycompany.co.uk"))]
    #[case("db1.mycompany.com.au", Some("mycompany.com.au"))]
    #[case("db1.xn--mller-kva.de", Some("xn--mller-kva.de"))]
    #[case("mycompany.co.uk", Some("mycompany.co.uk"))]
    // A domain of two or three letters below a country cannot be told from a public suffix: its hosts share nothing shorter.
    #[case("a.db1.acm.de", Some("db1.acm.de"))]
    #[case("co.uk", None)]
    #[case("com", None)]
    #[case("db1", None)]
    #[case("ec2-1-2-3-4.eu-west-1.compute.amazonaws.com", None)]
    #[case("app.herokuapp.com", None)]
    #[case("x.github.io", None)]
    #[case("ip-10-0-0-1.ec2.internal", None)]
    #[case("web.default.svc.cluster.local", None)]
    #[case("v1.2.3", None)]
    #[case("10.1.2.3", None)]
    #[case("", None)]
    #[case("..", None)]
    fn the_registered_domain_is_one_s_own(#[case] host: &str, #[case] domain: Option<&str>) {
        assert_eq!(own_domain(host).as_deref(), domain);
        assert!(own_domain(host).is_none_or(|domain| !is_public_suffix(&domain)), "{host}");
    }
}
