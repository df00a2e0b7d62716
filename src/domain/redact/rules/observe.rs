//! Keys of monitoring, logging and paging services.

use super::Rule;
use crate::domain::redact::Kind::{ApiKey, Token, Webhook};

pub(super) const RULES: &[Rule] = &[
    Rule::context(
        "datadog-key",
        ApiKey,
        &["dd_api_key", "dd_app_key", "dd-api-key", "dd-application-key", "datadog"],
        r#"(?i:dd[_-]api[_-]key|dd[_-]app(?:lication)?[_-]key|datadog[\w. -]{0,20}?key)\\*["']?[\s:=,]+\\*["']?([a-f0-9]{32}(?:[a-f0-9]{8})?)"#,
    ),
    Rule::key("datadog-new-key", ApiKey, &["ddapp_", "ddapi_", "ddpat_"], r"dd(?:app|api|pat)_[A-Za-z0-9]{30,60}"),
    Rule::key("grafana-token", Token, &["glsa_", "glc_"], r"(?:glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_[A-Za-z0-9+/]{32,}={0,2})"),
    Rule::context(
        "pagerduty-key",
        ApiKey,
        &["routing_key", "routing-key", "routingkey", "routing key", "service_key", "servicekey", "integration_key", "integration key", "integrationkey", "pagerduty"],
        r#"(?i:routing[_ -]?key|service_?key|integration[_ -]?key|pagerduty[\w. -]{0,24}(?:key|token))\\*["'`]?\s*(?:[:=,]|is|=>)*\s*\\*["'`]?([A-Za-z0-9+_-]{20,32})"#,
    ).check(mixed_key),
    Rule::key("pagerduty-user-token", Token, &["u+"], r"u\+[A-Za-z0-9_+-]{18}"),
    Rule::context(
        "pagerduty-event-key",
        ApiKey,
        &["events.pagerduty.com/integration/"],
        r"events\.pagerduty\.com/integration/([A-Za-z0-9]{32})",
    ),
    Rule::context("genie-key", ApiKey, &["geniekey", "opsgenie"], r#"(?i:GenieKey|opsgenie[\w. -]{0,20}key)\\*["']?[\s:=,]+\\*["']?([a-f0-9]{8}-(?:[a-f0-9]{4}-){3}[a-f0-9]{12})"#),
    Rule::context(
        "victorops-url",
        Webhook,
        &["alert.victorops.com/integrations/"],
        r"alert\.victorops\.com/integrations/generic/\d+/alert/([A-Za-z0-9-]{36}(?:/[^\s/\x22']+)?)",
    ),
    Rule::key("newrelic-key", ApiKey, &["NRAK-", "NRJS-", "NRII-", "NRRA-", "NRAA-", "NRSP-"], r"NR(?:AK|JS|II|RA|AA|SP)-[A-Za-z0-9_-]{19,42}"),
    Rule::key("newrelic-license", ApiKey, &["NRAL"], r"[a-z0-9]{36}NRAL").back(36),
    Rule::key("newrelic-regional-license", ApiKey, &["eu01xx", "us01xx", "gov01xx"], r"(?:eu|us|gov)01xx[a-f0-9]{29,34}(?:NRAL)?"),
    Rule::key("sentry-token", Token, &["sntrys_", "sntryu_"], r"sntry[su]_[A-Za-z0-9+/=_]{50,400}"),
    Rule::context("sentry-dsn", ApiKey, &["://"], r"://([a-f0-9]{32})(?::[a-f0-9]{32})?@[\w.-]+/\d"),
    Rule::key("honeycomb-key", ApiKey, &["hcaik_", "hcbik_", "hcxik_", "hcalk_"], r"hc[abx][a-z]k_[a-z0-9]{50,70}"),
    Rule::key("dynatrace-token", Token, &["dt0c01.", "dt0s01.", "dt0s16."], r"dt0[cs]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    Rule::context(
        "splunk-hec-token",
        Token,
        &["splunk"],
        r#"(?i:(?:authorization:\s*)?splunk[\w. -]{0,20}?(?:token)?)\\*["']?[\s:=]+\\*["']?([A-Fa-f0-9]{8}-(?:[A-Fa-f0-9]{4}-){3}[A-Fa-f0-9]{12})"#,
    ),
    Rule::key("logfire-token", Token, &["pylf_"], r"pylf_v\d_[a-z]{2}_[A-Za-z0-9]{30,60}"),
    Rule::key("axiom-token", Token, &["xaat-", "xapt-"], r"xa(?:at|pt)-[a-f0-9]{8}-(?:[a-f0-9]{4}-){3}[a-f0-9]{12}"),
    Rule::key("healthchecks-url", Token, &["hc-ping.com/"], r"hc-ping\.com/([a-f0-9]{8}-(?:[a-f0-9]{4}-){3}[a-f0-9]{12}|[A-Za-z0-9_-]{22}/)"),
    Rule::key("posthog-key", ApiKey, &["phx_", "phc_"], r"ph[xc]_[A-Za-z0-9]{40,60}"),
    Rule::key("incident-io-key", Token, &["inc_"], r"inc_[a-z]{0,10}_?[a-f0-9]{40,64}"),
    Rule::key("zabbix-session", Token, &["zbx_sessionid"], r#"zbx_sessionid\s*[=:]\s*["']?([a-f0-9]{32})"#),
];

/// A key of a pager has digits and letters; `node` in `topology routing key: node` has not.
fn mixed_key(value: &str) -> bool {
    super::is_value(value)
        && value.contains(|c: char| c.is_ascii_digit())
        && value.contains(|c: char| c.is_ascii_alphabetic())
}
