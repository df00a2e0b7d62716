//! What both wire formats share: the parts of an alert and how they become one.
//!
//! Tolerant where nothing is lost by it (absent or `null` annotations, links, unknown fields), strict about identity: an
//! alert without fingerprint or start cannot be told from another one.

use serde::Deserialize;

use crate::domain::alert::{Alert, AlertKey, AlertStatus, Labels};
use crate::domain::id::SourceId;
use crate::domain::time::Timestamp;

/// The fields of an alert that the webhook and the API both have; `S` is the form of `status`, which differs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireAlert<S> {
    pub(super) status: Option<S>,
    labels: Option<Labels>,
    annotations: Option<Labels>,
    starts_at: Option<String>,
    ends_at: Option<String>,
    #[serde(rename = "generatorURL")]
    generator_url: Option<String>,
    fingerprint: Option<String>,
}

impl<S> WireAlert<S> {
    /// The alert as the domain knows it; `Err` names the field that is missing or wrong.
    pub(super) fn into_alert(self, source: &SourceId, status: AlertStatus) -> Result<Alert, String> {
        let fingerprint = self.fingerprint.filter(|text| !text.is_empty()).ok_or("it has no `fingerprint`")?;
        let starts_at = required_time("startsAt", self.starts_at.as_deref())?;
        let ends_at = match status {
            // While it fires this is the zero time of Go (webhook) or the moment at which it would lapse (API).
            AlertStatus::Firing => None,
            AlertStatus::Resolved => optional_time("endsAt", self.ends_at.as_deref())?,
        };
        Ok(Alert {
            key: AlertKey { source: source.clone(), fingerprint, starts_at },
            status,
            ends_at,
            labels: self.labels.unwrap_or_default(),
            annotations: self.annotations.unwrap_or_default(),
            generator_url: self.generator_url.filter(|url| !url.is_empty()),
        })
    }
}

fn required_time(name: &str, text: Option<&str>) -> Result<Timestamp, String> {
    optional_time(name, text)?.ok_or_else(|| format!("it has no `{name}`"))
}

/// `None` for an absent time and for the zero time of Go (`0001-01-01T00:00:00Z`), which means the same.
fn optional_time(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, String> {
    let Some(text) = text.filter(|text| !text.is_empty() && !text.starts_with("0001-01-01T00:00:00")) else {
        return Ok(None);
    };
    Timestamp::parse_rfc3339(text).map(Some).ok_or_else(|| format!("its `{name}` is not an RFC 3339 time"))
}
