//! What Gemini's errors mean: which kind, whether to ask again, and what a person can do.
//!
//! Owns: reading error bodies in every shape in which they come (an object, a list, with and without details, no JSON at
//! all). Does not: wait or send again; [`super::retry`] decides how long, `exchange` does it.
//!
//! Invariant: what is quoted from the provider is short and one line. It is foreign text all the same.

use std::time::Duration;

use serde_json::Value;

use super::retry::Retry;
use crate::engine::ports::{ModelError, ModelErrorKind};

/// At most so many characters of the provider's own words are quoted.
const LONGEST_QUOTE: usize = 300;

/// A limit of spending is lifted by a person or with the next minutes; sooner there is no use in asking.
const SPENDING_WAIT: Duration = Duration::from_secs(120);

/// A failed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What to tell the person.
    pub error: ModelError,
    /// Whether it is worth another attempt.
    pub retry: Retry,
}

impl Failure {
    /// A failure that needs no reading.
    pub(super) fn new(kind: ModelErrorKind, retry: Retry, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { error: ModelError { kind, what: what.into(), remedy: remedy.into() }, retry }
    }

    /// An answer that is none.
    pub(super) fn garbled(what: impl Into<String>) -> Self {
        let remedy = "Ask again; if it stays so, look whether `model.base_url` is Gemini's own address";
        Self::new(ModelErrorKind::Garbled, Retry::Never, what, remedy)
    }

    /// An answer of which the end is missing.
    pub(super) fn broken_off(what: impl Into<String>) -> Self {
        let remedy = "Ask again; if it stays so, check the network and the proxy";
        Self::new(ModelErrorKind::Garbled, Retry::Never, what, remedy)
    }
}

/// What an error body says, as far as it can be read.
#[derive(Debug, Default)]
struct Said {
    code: Option<u16>,
    status: String,
    message: String,
    /// `ErrorInfo.reason`: `API_KEY_INVALID`.
    reasons: Vec<String>,
    /// `BadRequest.fieldViolations`, each as `field: why`.
    violations: Vec<String>,
    /// `QuotaFailure.violations[].quotaId`.
    quotas: Vec<String>,
    retry_delay: Option<Duration>,
}

/// What the answer with HTTP `status` and `body` means; `retry_after` is the header of that name, in seconds.
#[must_use]
pub fn of_response(status: u16, body: &[u8], retry_after: Option<&str>) -> Failure {
    let value: Option<Value> = serde_json::from_slice(body).ok();
    let mut said = value.as_ref().and_then(error_in).map(read).unwrap_or_default();
    if said.retry_delay.is_none() {
        said.retry_delay = retry_after.and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
    }
    judge(status, &said)
}

/// What an error in the middle of a stream means: the value of `error`, or a body of its own.
#[must_use]
pub fn of_value(value: &Value) -> Failure {
    let said = read(error_in(value).unwrap_or(value));
    judge(said.code.unwrap_or(0), &said)
}

/// The error inside a body: `{"error": …}`, or the first such in a list.
pub(super) fn error_in(value: &Value) -> Option<&Value> {
    match value {
        Value::Object(map) => map.get("error"),
        Value::Array(items) => items.iter().find_map(error_in),
        _ => None,
    }
}

fn read(error: &Value) -> Said {
    // Some proxies, and Google's own sign-in, answer with a word.
    if let Value::String(word) = error {
        return Said { message: word.clone(), ..Said::default() };
    }
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let mut said = Said {
        code: error["code"].as_u64().and_then(|code| u16::try_from(code).ok()),
        status: text(error, "status"),
        message: text(error, "message"),
        ..Said::default()
    };
    for detail in list(error, "details") {
        said.reasons.extend(detail["reason"].as_str().map(str::to_owned));
        for violation in list(&detail, "fieldViolations") {
            let (field, why) = (text(&violation, "field"), text(&violation, "description"));
            said.violations.push(if field.is_empty() { why } else { format!("{field}: {why}") });
        }
        let quotas = list(&detail, "violations");
        said.quotas.extend(quotas.iter().filter_map(|quota| quota["quotaId"].as_str().map(str::to_owned)));
        let delay = detail["retryDelay"].as_str().and_then(seconds);
        said.retry_delay = said.retry_delay.or(delay);
    }
    said.retry_delay = said.retry_delay.or_else(|| retry_in(&said.message));
    said
}

/// A time such as `54s` or `54.8s`.
fn seconds(text: &str) -> Option<Duration> {
    let number: f64 = text.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(number).ok()
}

/// The time in `… retry in 54.8s.`
fn retry_in(message: &str) -> Option<Duration> {
    let (_, rest) = message.split_once("retry in ")?;
    let word = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').next()?;
    let word = word.trim_end_matches('.');
    match word.strip_suffix("ms") {
        Some(millis) => Duration::try_from_secs_f64(millis.parse::<f64>().ok()? / 1000.0).ok(),
        None => seconds(word),
    }
}

fn judge(status: u16, said: &Said) -> Failure {
    let quote = quoted(said);
    let code = if status == 0 { String::new() } else { format!(" (HTTP {status})") };
    let bad_key = said.reasons.iter().any(|reason| reason.starts_with("API_KEY_"))
        || said.message.contains("API key not valid")
        || said.message.contains("API_KEY_INVALID");
    if bad_key {
        let what = format!("Gemini does not accept the key{code}{quote}");
        let remedy = "Set a key that is valid: `model.key`, GOOGLE_API_KEY or GEMINI_API_KEY";
        return Failure::new(ModelErrorKind::Key, Retry::Never, what, remedy);
    }
    match (status, said.status.as_str()) {
        (401, _) | (_, "UNAUTHENTICATED") => Failure::new(
            ModelErrorKind::Key,
            Retry::Never,
            format!("Gemini does not accept the key{code}{quote}"),
            "Set a key that is valid: `model.key`, GOOGLE_API_KEY or GEMINI_API_KEY; a token for Vertex may have expired",
        ),
        (403, _) | (_, "PERMISSION_DENIED") => Failure::new(
            ModelErrorKind::Permission,
            Retry::Never,
            format!("the key may not use this model{code}{quote}"),
            "Enable the Gemini API in the key's project, or use another key or model",
        ),
        (404, _) | (_, "NOT_FOUND") => Failure::new(
            ModelErrorKind::Refused,
            Retry::Never,
            format!("Gemini does not know this model{code}{quote}"),
            "Check `model.name` and `model.api_version`: names that end in -latest exist on v1beta only",
        ),
        (429, _) | (_, "RESOURCE_EXHAUSTED") => quota(said, &code, &quote),
        (408, _) | (500..=599, _) | (_, "UNAVAILABLE" | "INTERNAL" | "DEADLINE_EXCEEDED" | "UNKNOWN") => Failure::new(
            ModelErrorKind::Unserved,
            said.retry_delay.map_or(Retry::Soon, Retry::After),
            format!("Gemini is overloaded or failed{code}{quote}"),
            "Ask again in a few minutes",
        ),
        (300..=399, _) => Failure::new(
            ModelErrorKind::Refused,
            Retry::Never,
            format!("the address of the model redirects elsewhere{code}"),
            "Set `model.base_url` to where it redirects; redirects are not followed because they could carry the key away",
        ),
        _ => refused(said, &code, &quote),
    }
}

fn quota(said: &Said, code: &str, quote: &str) -> Failure {
    let lower = said.message.to_ascii_lowercase();
    let failure = |retry, what: &str, remedy: &str| {
        Failure::new(ModelErrorKind::Quota, retry, format!("{what}{code}{quote}"), remedy)
    };
    if lower.contains("limit: 0") {
        let what = "this key has no quota at all for the model";
        return failure(Retry::Never, what, "Enable billing for the key's project, or choose another model");
    }
    if said.quotas.iter().any(|quota| quota.contains("PerDay")) || lower.contains("per day") {
        let what = "the quota of the key's project for today is spent";
        return failure(Retry::Never, what, "Ask again tomorrow, raise the quota, or choose another model");
    }
    if lower.contains("spend") {
        let remedy = "Raise the limit in the billing settings, or wait some minutes";
        let wait = said.retry_delay.unwrap_or(SPENDING_WAIT);
        return failure(Retry::After(wait), "the spending limit of the key's project is reached", remedy);
    }
    let retry = said.retry_delay.map_or(Retry::Soon, Retry::After);
    failure(retry, "there were too many questions in too short a time", "Wait a minute, then ask again")
}

fn refused(said: &Said, code: &str, quote: &str) -> Failure {
    let lower = said.message.to_ascii_lowercase();
    let (what, remedy) = if lower.contains("location is not supported") {
        ("Gemini does not answer from where this machine is", "Use Vertex (`model.project`) or another address")
    } else if lower.contains("token count") || lower.contains("too long") {
        ("the question is too long for the model", "Ask with less context, or use a model that takes more")
    } else {
        let remedy = "Check `model.name`, `model.api_version` and `model.base_url`; if they are right, this is an error of \
                      this program";
        ("Gemini refuses the question", remedy)
    };
    Failure::new(ModelErrorKind::Refused, Retry::Never, format!("{what}{code}{quote}"), remedy)
}

/// The provider's own words behind a colon, or nothing.
fn quoted(said: &Said) -> String {
    let violations = said.violations.join("; ");
    let words = if violations.is_empty() || said.message.contains(&violations) {
        said.message.clone()
    } else {
        format!("{} {violations}", said.message)
    };
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = words.chars().take(LONGEST_QUOTE).collect();
    match (short.trim_end_matches('.'), words.len() > short.len()) {
        ("", _) => String::new(),
        (short, false) => format!(": {short}"),
        (short, true) => format!(": {short}…"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use ModelErrorKind::{Key, Permission, Quota, Refused, Unserved};

    const SECOND: Duration = Duration::from_secs(1);

    fn details(code: u16, status: &str, message: &str, details: &str) -> String {
        format!(r#"{{"error":{{"code":{code},"status":"{status}","message":"{message}","details":[{details}]}}}}"#)
    }

    const RETRY_INFO: &str = r#"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"54s"}"#;
    const PER_MINUTE: &str = r#"{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}]}"#;
    const PER_DAY: &str = r#"{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}"#;
    const BAD_KEY: &str =
        r#"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}"#;
    const BAD_FIELD: &str = r#"{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"contents[0].parts","description":"must not be empty"}]}"#;

    #[rstest]
    // keys
    #[case(
        400,
        details(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", BAD_KEY),
        Key,
        Retry::Never,
        "does not accept the key (HTTP 400): API key not valid"
    )]
    #[case(400, details(400, "INVALID_ARGUMENT", "API key expired", BAD_KEY), Key, Retry::Never, "does not accept")]
    #[case(400, r#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}"#.to_owned(), Key, Retry::Never, "does not accept")]
    #[case(401, details(401, "UNAUTHENTICATED", "no", ""), Key, Retry::Never, "does not accept")]
    #[case(401, String::new(), Key, Retry::Never, "(HTTP 401)")]
    #[case(401, r#"{"error":"invalid_grant","error_description":"x"}"#.to_owned(), Key, Retry::Never, ": invalid_grant")]
    #[case(
        403,
        details(403, "PERMISSION_DENIED", "API not enabled", ""),
        Permission,
        Retry::Never,
        "may not use this model"
    )]
    // quotas
    #[case(429, details(429, "RESOURCE_EXHAUSTED", "Please retry in 54.8s.", &[PER_MINUTE, RETRY_INFO].join(",")), Quota, Retry::After(54 * SECOND), "too many questions")]
    #[case(
        429,
        details(429, "RESOURCE_EXHAUSTED", "Please retry in 54.8s.", ""),
        Quota,
        Retry::After(Duration::from_millis(54_800)),
        "retry in 54.8s"
    )]
    #[case(
        429,
        details(429, "RESOURCE_EXHAUSTED", "Please retry in 350.5ms.", ""),
        Quota,
        Retry::After(Duration::from_micros(350_500)),
        "too many"
    )]
    #[case(429, details(429, "RESOURCE_EXHAUSTED", "slow down", ""), Quota, Retry::Soon, "slow down")]
    #[case(429, format!("[{}]", details(429, "RESOURCE_EXHAUSTED", "x", RETRY_INFO)), Quota, Retry::After(54 * SECOND), ": x")]
    #[case(429, details(429, "RESOURCE_EXHAUSTED", "retry in 3s", &[PER_DAY, RETRY_INFO].join(",")), Quota, Retry::Never, "for today is spent")]
    #[case(
        429,
        details(429, "RESOURCE_EXHAUSTED", "Quota exceeded, limit: 0, model: x. retry in 3s", PER_MINUTE),
        Quota,
        Retry::Never,
        "no quota at all"
    )]
    #[case(
        429,
        details(429, "RESOURCE_EXHAUSTED", "Your project has exceeded its spending cap", ""),
        Quota,
        Retry::After(SPENDING_WAIT),
        "spending limit"
    )]
    #[case(429, "busy".to_owned(), Quota, Retry::Soon, "(HTTP 429)")]
    // the provider's own trouble
    #[case(408, String::new(), Unserved, Retry::Soon, "(HTTP 408)")]
    #[case(
        500,
        details(500, "INTERNAL", "An internal error has occurred", ""),
        Unserved,
        Retry::Soon,
        "internal error"
    )]
    #[case(503, details(503, "UNAVAILABLE", "The model is overloaded", RETRY_INFO), Unserved, Retry::After(54 * SECOND), "overloaded")]
    #[case(502, "<html><body>Bad gateway</body></html>".to_owned(), Unserved, Retry::Soon, "(HTTP 502)")]
    #[case(504, "null".to_owned(), Unserved, Retry::Soon, "(HTTP 504)")]
    // refusals
    #[case(
        404,
        details(404, "NOT_FOUND", "models/x is not found", ""),
        Refused,
        Retry::Never,
        "does not know this model"
    )]
    #[case(
        400,
        details(400, "INVALID_ARGUMENT", "Invalid request", BAD_FIELD),
        Refused,
        Retry::Never,
        ": Invalid request contents[0].parts: must not be empty"
    )]
    #[case(
        400,
        details(400, "FAILED_PRECONDITION", "User location is not supported for the API use.", ""),
        Refused,
        Retry::Never,
        "from where this machine is"
    )]
    #[case(
        400,
        details(400, "INVALID_ARGUMENT", "The input token count exceeds the maximum", ""),
        Refused,
        Retry::Never,
        "too long"
    )]
    #[case(302, String::new(), Refused, Retry::Never, "redirects")]
    #[case(418, "[]".to_owned(), Refused, Retry::Never, "(HTTP 418)")]
    #[case(400, r#"{"error":7}"#.to_owned(), Refused, Retry::Never, "refuses")]
    fn every_shape_of_error_is_understood(
        #[case] status: u16,
        #[case] body: String,
        #[case] kind: ModelErrorKind,
        #[case] retry: Retry,
        #[case] part: &str,
    ) {
        let failure = of_response(status, body.as_bytes(), None);
        assert_eq!((failure.error.kind, failure.retry), (kind, retry), "{failure:?}");
        assert!(failure.error.what.contains(part), "{}", failure.error);
        assert!(!failure.error.remedy.is_empty());
        if (400..=599).contains(&status) && body.contains("\"status\"") {
            let value: Value = serde_json::from_str(&body).unwrap();
            let in_stream = of_value(&value);
            assert_eq!((in_stream.error.kind, in_stream.retry), (kind, retry), "the same in mid-stream");
        }
    }

    #[test]
    fn the_header_counts_when_the_body_says_nothing() {
        assert_eq!(of_response(503, b"", Some("7")).retry, Retry::After(7 * SECOND));
        assert_eq!(of_response(503, b"", Some("Wed, 21 Oct 2026 07:28:00 GMT")).retry, Retry::Soon);
        let body = details(429, "RESOURCE_EXHAUSTED", "x", RETRY_INFO);
        assert_eq!(of_response(429, body.as_bytes(), Some("7")).retry, Retry::After(54 * SECOND));
    }

    #[test]
    fn quotes_are_short_and_one_line() {
        let body = details(400, "INVALID_ARGUMENT", &format!("a\\n\\n{}", "b ".repeat(1000)), "");
        let what = of_response(400, body.as_bytes(), None).error.what;
        assert!(what.len() < 400 && !what.contains('\n') && what.ends_with('…'), "{what}");
    }

    #[test]
    fn absurd_delays_do_no_harm() {
        for delay in ["1e300s", "-4s", "NaNs", "infs", "s", "54"] {
            let detail = format!(r#"{{"retryDelay":"{delay}"}}"#);
            let body = details(429, "RESOURCE_EXHAUSTED", &format!("retry in {delay}"), &detail);
            assert_eq!(of_response(429, body.as_bytes(), None).retry, Retry::Soon, "{delay}");
        }
    }
}
