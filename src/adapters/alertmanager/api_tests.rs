//! Tests of the API adapter against a small server on a real loopback socket.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::RawQuery;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use rstest::rstest;
use tokio::net::TcpListener;

use super::*;
use crate::adapters::alertmanager::{Access, WebhookV4};
use crate::engine::ports::AlertDecoder as _;

/// As answered by Alertmanager 0.25.0; the same alert as in [`WEBHOOK`].
const ALERTS: &str = r#"[{"annotations":{"summary":"5xx at 7 %"},"endsAt":"2026-11-22T12:43:16.244Z","fingerprint":"ee5f850364b6cc47","receivers":[{"name":"hook"}],"startsAt":"2026-11-22T12:00:00.123Z","status":{"inhibitedBy":[],"silencedBy":["x"],"state":"suppressed"},"updatedAt":"2026-11-22T12:38:16.244Z","generatorURL":"http://prometheus.example:9090/graph?g0.expr=x","labels":{"alertname":"HighErrorRate","cluster":"eu1","service":"payments","severity":"critical"}}]
"#;

/// As sent by Alertmanager 0.25.0.
const WEBHOOK: &str = r#"{"receiver":"hook","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"HighErrorRate","cluster":"eu1","service":"payments","severity":"critical"},"annotations":{"summary":"5xx at 7 %"},"startsAt":"2026-11-22T12:00:00.123999789Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus.example:9090/graph?g0.expr=x","fingerprint":"ee5f850364b6cc47"}],"version":"4","truncatedAlerts":0}"#;

/// The relevant part of what Alertmanager 0.25.0 answers.
const STATUS: &str = r#"{"cluster":{"peers":[],"status":"disabled"},"uptime":"2026-11-22T12:38:14.260Z","versionInfo":{"version":"0.25.0"}}"#;

fn connection(url: String, access: Access) -> Connection {
    Connection { id: "am".into(), url, access, timeout: Duration::from_secs(5) }
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A server that answers the question for alerts with `status` and `body`.
async fn answering(status: StatusCode, body: &'static str) -> Alertmanager {
    let router = Router::new().route("/api/v2/alerts", get(move || async move { (status, body) }));
    let address = serve(router).await;
    Alertmanager::new(connection(format!("http://{address}/"), Access::Open)).unwrap()
}

#[tokio::test]
async fn asks_for_every_alert_and_reads_the_answer() {
    let alerts = |RawQuery(query): RawQuery| async move {
        let complete = query.as_deref() == Some("active=true&silenced=true&inhibited=true&unprocessed=true");
        if complete { ALERTS.into_response() } else { StatusCode::BAD_REQUEST.into_response() }
    };
    let router = Router::new()
        .route("/prefix/api/v2/alerts", get(alerts))
        .route("/prefix/api/v2/status", get(|| async { STATUS }));
    let address = serve(router).await;
    let source = Alertmanager::new(connection(format!("http://{address}/prefix/"), Access::Open)).unwrap();
    let fetched = source.fetch().await.unwrap();
    assert_eq!(fetched.running_since, Timestamp::parse_rfc3339("2026-11-22T12:38:14.260Z"));
    assert_eq!(fetched.digest, sha256_hex(ALERTS.as_bytes()));
    let sent = WebhookV4.decode(&"am".into(), WEBHOOK.as_bytes()).unwrap().batch.alerts;
    assert_eq!(fetched.alerts, sent, "both ways give the same alert, silenced or not");
}

#[tokio::test]
async fn a_missing_status_page_does_not_hide_the_alerts() {
    let fetched = answering(StatusCode::OK, ALERTS).await.fetch().await.unwrap();
    assert_eq!((fetched.alerts.len(), fetched.running_since), (1, None));
}

#[rstest]
#[case::bearer(Access::Bearer("s3cret".to_owned().into()), "Bearer s3cret")]
#[case::basic(Access::Basic { username: "ops".to_owned(), password: "s3cret".to_owned().into() }, "Basic b3BzOnMzY3JldA==")]
#[tokio::test]
async fn credentials_are_sent_and_never_shown(#[case] access: Access, #[case] expected: &'static str) {
    let alerts = move |headers: HeaderMap| async move {
        let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if sent == Some(expected) { (StatusCode::OK, "[]") } else { (StatusCode::UNAUTHORIZED, "") }
    };
    let address = serve(Router::new().route("/api/v2/alerts", get(alerts))).await;
    let connection = connection(format!("http://{address}"), access);
    assert!(!format!("{connection:?}").contains("s3cret"));
    assert_eq!(Alertmanager::new(connection).unwrap().fetch().await.unwrap().alerts, Vec::new());
}

#[rstest]
#[case(StatusCode::UNAUTHORIZED, "", "HTTP 401", "Set `token`")]
#[case(StatusCode::NOT_FOUND, "", "HTTP 404", "path prefix")]
#[case(StatusCode::BAD_GATEWAY, "", "HTTP 502", "log")]
#[case(StatusCode::OK, "<html>", "does not answer like an Alertmanager", "Check that the URL")]
#[case(StatusCode::OK, "{}", "does not answer like an Alertmanager", "Check that the URL")]
#[case(StatusCode::OK, r#"[{"fingerprint":"a"}]"#, "alert 1: it has no `startsAt`", "Check that the URL")]
#[tokio::test]
async fn an_answer_that_does_not_help_says_what_to_do(
    #[case] status: StatusCode,
    #[case] body: &'static str,
    #[case] what: &str,
    #[case] remedy: &str,
) {
    let error = answering(status, body).await.fetch().await.unwrap_err();
    assert!(error.what.contains(what), "{error:?}");
    assert!(error.remedy.contains(remedy), "{error:?}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = |headers: HeaderMap| async move {
        assert!(!headers.contains_key(header::AUTHORIZATION), "credentials were carried away");
        "[]"
    };
    let router = Router::new()
        .route("/api/v2/alerts", get(|| async { axum::response::Redirect::temporary("/elsewhere") }))
        .route("/elsewhere", get(elsewhere));
    let url = format!("http://{}", serve(router).await);
    let source = Alertmanager::new(connection(url, Access::Bearer("s3cret".to_owned().into()))).unwrap();
    let error = source.fetch().await.unwrap_err();
    assert!(error.what.contains("HTTP 307"), "{error:?}");
    assert!(error.remedy.contains("not followed"), "{error:?}");
}

#[tokio::test]
async fn a_closed_port_is_a_refused_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let source = Alertmanager::new(connection(format!("http://{address}"), Access::Open)).unwrap();
    let error = source.fetch().await.unwrap_err();
    assert!(error.what.contains("refused the connection"), "{error:?}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let connection = Connection { timeout: Duration::from_millis(100), ..connection(url, Access::Open) };
    let error = Alertmanager::new(connection).unwrap().fetch().await.unwrap_err();
    assert!(error.what.contains("did not answer within 0.1 s"), "{error:?}");
}

#[tokio::test]
async fn https_against_a_plain_server_points_at_the_scheme() {
    let address = serve(Router::new()).await;
    let source = Alertmanager::new(connection(format!("https://{address}"), Access::Open)).unwrap();
    let error = source.fetch().await.unwrap_err();
    assert!(error.remedy.contains("http or https") || error.remedy.contains("ca-certificates"), "{error:?}");
}

#[rstest]
#[case("alertmanager:9093", "not an http:// or https:// URL")]
#[case("http//x", "cannot be read")]
#[case("ftp://x", "not an http:// or https:// URL")]
#[case("http://ops:pw@x:9093", "credentials")]
#[case("http://x:9093/?a=b", "query")]
fn a_wrong_url_is_refused_with_a_remedy(#[case] url: &str, #[case] expected: &str) {
    let error = Alertmanager::new(connection(url.to_owned(), Access::Open)).unwrap_err();
    assert!(error.what.contains(expected), "{error:?}");
    assert!(!error.to_string().contains("pw"), "{error:?}");
}

#[test]
fn dates_of_http_are_read() {
    let expected = crate::domain::time::Timestamp::parse_rfc3339("1994-11-06T08:49:37Z");
    assert_eq!(super::http_date("Sun, 06 Nov 1994 08:49:37 GMT"), expected);
    assert_eq!(super::http_date("soon"), None);
}
