//! Tells alerts to a receiver exactly as Alertmanager does: a webhook of version 4, again until it is confirmed.
//!
//! Owns: writing the wire format. Does not: group alerts or repeat them; whoever calls it does.

use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::alert::{Alert, AlertStatus};
use crate::engine::ports::{AlertPublisher, BoxFuture, SourceError};

/// How long one delivery may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A sender of webhooks.
#[derive(Clone, Debug)]
pub struct WebhookPublisher {
    client: reqwest::Client,
    url: String,
}

impl WebhookPublisher {
    /// A sender to `url`.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(url: String) -> Result<Self, SourceError> {
        let client = crate::adapters::http::loopback_client(TIMEOUT).map_err(|error| SourceError {
            what: format!("no HTTP client could be made: {error}"),
            remedy: "Install the system's CA certificates (package ca-certificates)".to_owned(),
        })?;
        Ok(Self { client, url })
    }

    async fn deliver(&self, alerts: Vec<Alert>) -> Result<(), SourceError> {
        let failed = |what: String| SourceError {
            what: format!("the alert was not delivered to {}: {what}", self.url),
            remedy: "It is sent again at the next measurement".to_owned(),
        };
        let body = serde_json::to_vec(&payload(&alerts)).map_err(|error| failed(error.to_string()))?;
        let request = self.client.post(&self.url).header("content-type", "application/json").body(body);
        let answer = request.send().await.map_err(|error| failed(error.to_string()))?;
        if answer.status().is_success() { Ok(()) } else { Err(failed(format!("it answered {}", answer.status()))) }
    }
}

impl AlertPublisher for WebhookPublisher {
    fn publish(&self, alerts: Vec<Alert>) -> BoxFuture<'_, Result<(), SourceError>> {
        Box::pin(self.deliver(alerts))
    }
}

/// The body as Alertmanager 0.25 writes it.
fn payload(alerts: &[Alert]) -> Value {
    let firing = alerts.iter().any(|alert| alert.status == AlertStatus::Firing);
    json!({
        "version": "4",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
        "status": word(if firing { AlertStatus::Firing } else { AlertStatus::Resolved }),
        "receiver": "aiops",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "",
        "alerts": alerts.iter().map(one).collect::<Vec<_>>(),
    })
}

const fn word(status: AlertStatus) -> &'static str {
    match status {
        AlertStatus::Firing => "firing",
        AlertStatus::Resolved => "resolved",
    }
}

fn one(alert: &Alert) -> Value {
    // Go's zero time stands for "not ended".
    let ends_at = alert.ends_at.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |at| at.to_rfc3339());
    json!({
        "status": word(alert.status),
        "labels": alert.labels,
        "annotations": alert.annotations,
        "startsAt": alert.key.starts_at.to_rfc3339(),
        "endsAt": ends_at,
        "generatorURL": alert.generator_url.as_deref().unwrap_or(""),
        "fingerprint": alert.key.fingerprint,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::alertmanager::WebhookV4;
    use crate::domain::alert::{AlertKey, Labels};
    use crate::domain::time::Timestamp;
    use crate::engine::ports::AlertDecoder as _;

    #[test]
    fn what_it_writes_is_read_back_as_the_same_alerts() {
        let alert = |status, ends_at| Alert {
            key: AlertKey {
                source: "demo".into(),
                fingerprint: "abc".to_owned(),
                starts_at: Timestamp::from_millis(1_772_331_240_123),
            },
            status,
            ends_at,
            labels: Labels::from([("alertname".to_owned(), "DiskFull \"x\"\n".to_owned())]),
            annotations: Labels::from([("summary".to_owned(), "é".to_owned())]),
            generator_url: None,
        };
        let alerts = vec![
            alert(AlertStatus::Firing, None),
            alert(AlertStatus::Resolved, Some(Timestamp::from_millis(1_772_331_250_000))),
        ];
        let body = serde_json::to_vec(&payload(&alerts)).unwrap();
        let read = WebhookV4.decode(&"demo".into(), &body).unwrap();
        assert_eq!(read.batch.alerts, alerts);
    }
}
