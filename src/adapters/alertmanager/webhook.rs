//! The webhook payload, version 4: the only version there has been since Alertmanager 0.5.
//!
//! Owns: reading a body. Does not: trust it. A body is taken whole or not at all; what is wrong with it is said in words.

use serde::Deserialize;

use super::wire::WireAlert;
use crate::domain::alert::{AlertBatch, AlertStatus, BatchOrigin};
use crate::domain::digest::sha256_hex;
use crate::domain::id::SourceId;
use crate::engine::ports::{AlertDecoder, DecodeError, Delivery};

/// The version that this module reads.
const VERSION: &str = "4";

/// Longest reason, in characters.
const MAX_REASON: usize = 200;

/// Reads Alertmanager's webhook payload, version 4.
#[derive(Clone, Copy, Debug, Default)]
pub struct WebhookV4;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    version: Option<String>,
    alerts: Option<Vec<WireAlert<String>>>,
    truncated_alerts: Option<u64>,
}

/// Only the field that says how to read the rest.
#[derive(Deserialize)]
struct Envelope {
    version: Option<String>,
}

impl AlertDecoder for WebhookV4 {
    fn decode(&self, source: &SourceId, body: &[u8]) -> Result<Delivery, DecodeError> {
        parse(source, body).map_err(|reason| DecodeError(shorten(reason)))
    }
}

fn parse(source: &SourceId, body: &[u8]) -> Result<Delivery, String> {
    let payload: Payload = serde_json::from_slice(body).map_err(|error| unreadable(body, &error))?;
    check_version(payload.version.as_deref())?;
    let entries = payload.alerts.ok_or("it has no `alerts`")?;
    let mut alerts = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        let alert = status_of(&entry).and_then(|status| entry.into_alert(source, status));
        alerts.push(alert.map_err(|what| format!("alert {}: {what}", index + 1))?);
    }
    let batch = AlertBatch { source: source.clone(), origin: BatchOrigin::Webhook, alerts, digest: sha256_hex(body) };
    Ok(Delivery { batch, left_out: payload.truncated_alerts.unwrap_or(0) })
}

/// A reason may quote the body: it is to stay readable whatever was sent.
fn shorten(reason: String) -> String {
    match reason.char_indices().nth(MAX_REASON) {
        Some((end, _)) => format!("{}…", &reason[..end]),
        None => reason,
    }
}

fn check_version(version: Option<&str>) -> Result<(), String> {
    match version {
        Some(VERSION) => Ok(()),
        Some(other) => Err(format!("version {other:?} of the webhook payload is not known, only {VERSION:?} is")),
        None => Err("it has no `version`, so it is no webhook of Alertmanager".to_owned()),
    }
}

fn status_of(entry: &WireAlert<String>) -> Result<AlertStatus, String> {
    match entry.status.as_deref() {
        Some("firing") => Ok(AlertStatus::Firing),
        Some("resolved") => Ok(AlertStatus::Resolved),
        Some(other) => Err(format!("its status {other:?} is not known")),
        None => Err("it has no `status`".to_owned()),
    }
}

/// Says why `body` is no payload; a version that is not ours explains an unknown shape better than the shape does.
fn unreadable(body: &[u8], error: &serde_json::Error) -> String {
    let envelope = serde_json::from_slice::<Envelope>(body);
    match envelope.map(|envelope| check_version(envelope.version.as_deref())) {
        Ok(Err(reason)) => reason,
        Ok(Ok(())) | Err(_) => not_json(error),
    }
}

fn not_json(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let place = format!("line {}, column {}", error.line(), error.column());
    match error.classify() {
        Category::Data => format!("it does not have the shape of a webhook payload at {place}: {error}"),
        Category::Eof => format!("it ends in the middle, at {place}"),
        Category::Syntax | Category::Io => format!("it is not JSON at {place}"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::alert::Alert;
    use crate::domain::time::Timestamp;

    /// As sent by Alertmanager 0.25.0 with `max_alerts: 2` for a group of three.
    const TRUNCATED: &str = r#"{"receiver":"hook","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"HighErrorRate","service":"b"},"annotations":{},"startsAt":"2026-11-22T12:38:16.244679188Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"dd9826fec4a75c0d"},{"status":"firing","labels":{"alertname":"HighErrorRate","service":"c"},"annotations":{},"startsAt":"2026-11-22T12:38:16.244679188Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"dd9c26fec4ab44e4"}],"groupLabels":{"alertname":"HighErrorRate"},"commonLabels":{"alertname":"HighErrorRate"},"commonAnnotations":{},"externalURL":"http://vm:39412","version":"4","groupKey":"{}:{alertname=\"HighErrorRate\"}","truncatedAlerts":1}
"#;

    /// One resolved alert beside a firing one, with everything that an alert can have.
    const MIXED: &str = r#"{"receiver":"hook","status":"firing","alerts":[
        {"status":"resolved","labels":{"alertname":"DiskFull","cluster":"eu1","severity":"critical"},
         "annotations":{"summary":"97 % used","runbook_url":"https://runbooks.example/DiskFull"},
         "startsAt":"2026-11-22T13:00:00.5+01:00","endsAt":"2026-11-22T12:10:00Z",
         "generatorURL":"http://prometheus.example:9090/graph?g0.expr=x","fingerprint":"aa01"},
        {"status":"firing","labels":{"alertname":"DiskFull","cluster":"eu2"},
         "annotations":null,"startsAt":"2026-11-22T12:05:00Z","fingerprint":"aa02","new_field":[1,2]}],
        "version":"4"}"#;

    fn read(body: &str) -> Result<Delivery, String> {
        parse(&SourceId::from("am"), body.as_bytes())
    }

    #[test]
    fn a_real_truncated_payload_says_how_many_alerts_are_missing() {
        let delivery = read(TRUNCATED).unwrap();
        assert_eq!(delivery.left_out, 1);
        assert_eq!(delivery.batch.origin, BatchOrigin::Webhook);
        assert_eq!(delivery.batch.digest, sha256_hex(TRUNCATED.as_bytes()));
        let alerts = delivery.batch.alerts;
        assert_eq!(alerts.len(), 2);
        assert_eq!(alerts[0].key.fingerprint, "dd9826fec4a75c0d");
        assert_eq!(Some(alerts[0].key.starts_at), Timestamp::parse_rfc3339("2026-11-22T12:38:16.244Z"));
        assert_eq!((alerts[0].status, alerts[0].ends_at), (AlertStatus::Firing, None));
        assert_eq!(alerts[0].generator_url, None, "an empty link is no link");
        assert_eq!(alerts[1].labels["service"], "c");
    }

    #[test]
    fn a_mixed_group_keeps_the_status_of_each_alert() {
        let delivery = read(MIXED).unwrap();
        assert_eq!(delivery.left_out, 0);
        let [ended, firing]: [Alert; 2] = delivery.batch.alerts.try_into().unwrap();
        assert_eq!(ended.status, AlertStatus::Resolved);
        assert_eq!(ended.ends_at, Timestamp::parse_rfc3339("2026-11-22T12:10:00Z"));
        assert_eq!(Some(ended.key.starts_at), Timestamp::parse_rfc3339("2026-11-22T12:00:00.500Z"));
        assert_eq!(ended.annotations["runbook_url"], "https://runbooks.example/DiskFull");
        assert!(ended.generator_url.is_some());
        assert_eq!((firing.status, firing.ends_at), (AlertStatus::Firing, None));
        assert!(firing.annotations.is_empty());
    }

    #[test]
    fn an_empty_group_is_a_delivery_of_nothing() {
        assert_eq!(read(r#"{"version":"4","alerts":[]}"#).unwrap().batch.alerts, Vec::new());
    }

    #[rstest]
    #[case::empty("", "ends in the middle")]
    #[case::cut(&TRUNCATED[..400], "ends in the middle")]
    #[case::text("hello", "not JSON")]
    #[case::other_json("[]", "does not have the shape")]
    #[case::no_version(r#"{"alerts":[]}"#, "no `version`")]
    #[case::other_shape(r#"{"alerts":{},"version":"5"}"#, "version \"5\"")]
    #[case::grafana(r#"{"version":"1","alerts":[]}"#, "version \"1\"")]
    #[case::number(r#"{"version":4,"alerts":[]}"#, "does not have the shape")]
    #[case::no_alerts(r#"{"version":"4"}"#, "no `alerts`")]
    #[case::alerts_object(r#"{"version":"4","alerts":{}}"#, "does not have the shape")]
    #[case::no_status(
        r#"{"version":"4","alerts":[{"fingerprint":"a","startsAt":"2026-11-22T12:00:00Z"}]}"#,
        "alert 1: it has no `status`"
    )]
    #[case::odd_status(
        r#"{"version":"4","alerts":[{"status":"muted","fingerprint":"a","startsAt":"2026-11-22T12:00:00Z"}]}"#,
        "\"muted\""
    )]
    #[case::no_fingerprint(
        r#"{"version":"4","alerts":[{"status":"firing","startsAt":"2026-11-22T12:00:00Z"}]}"#,
        "no `fingerprint`"
    )]
    #[case::no_start(r#"{"version":"4","alerts":[{"status":"firing","fingerprint":"a"}]}"#, "no `startsAt`")]
    #[case::zero_start(
        r#"{"version":"4","alerts":[{"status":"firing","fingerprint":"a","startsAt":"0001-01-01T00:00:00Z"}]}"#,
        "no `startsAt`"
    )]
    #[case::bad_start(
        r#"{"version":"4","alerts":[{"status":"firing","fingerprint":"a","startsAt":"noon"}]}"#,
        "`startsAt` is not"
    )]
    #[case::bad_end(r#"{"version":"4","alerts":[{"status":"resolved","fingerprint":"a","startsAt":"2026-11-22T12:00:00Z","endsAt":"x"}]}"#, "`endsAt` is not")]
    #[case::label_number(
        r#"{"version":"4","alerts":[{"status":"firing","fingerprint":"a","labels":{"a":1}}]}"#,
        "does not have the shape"
    )]
    #[case::negative_rest(r#"{"version":"4","alerts":[],"truncatedAlerts":-1}"#, "does not have the shape")]
    fn a_body_that_cannot_be_read_says_what_is_wrong(#[case] body: &str, #[case] expected: &str) {
        let reason = read(body).unwrap_err();
        assert!(reason.contains(expected), "{reason:?} should contain {expected:?}");
    }

    #[test]
    fn a_reason_stays_short_whatever_was_sent() {
        for body in [
            format!(r#"{{"version":"{}"}}"#, "ü".repeat(5_000)),
            format!(r#"{{"version":"4","alerts":"{}"}}"#, "ü".repeat(5_000)),
        ] {
            let reason = WebhookV4.decode(&"am".into(), body.as_bytes()).unwrap_err().to_string();
            assert_eq!(reason.chars().count(), MAX_REASON + 1);
        }
    }

    #[test]
    fn no_prefix_of_a_real_payload_is_taken_for_a_whole_one() {
        for end in 0..TRUNCATED.trim_end().len() {
            assert!(read(&TRUNCATED[..end]).is_err(), "cut at byte {end}");
        }
    }
}
