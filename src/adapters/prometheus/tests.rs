//! The API as it is recorded, and answers that are none. The real one is asked in `tests/services`.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use tokio::net::TcpListener;

use super::*;
use crate::domain::run::reading::Reading;

fn prometheus(url: &str) -> Prometheus {
    let connection = Connection {
        id: "prometheus".into(),
        url: url.to_owned(),
        access: Access::Open,
        timeout: Duration::from_secs(5),
    };
    Prometheus::new(connection).unwrap()
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// A server that answers every query with `status` and `body`.
async fn answering(status: u16, body: &str) -> Prometheus {
    let (status, body) = (StatusCode::from_u16(status).unwrap(), body.to_owned());
    prometheus(&serve(Router::new().fallback(move || async move { (status, body) })).await)
}

const AT: Timestamp = Timestamp::from_millis(1_772_331_240_123);

async fn refused(status: u16, body: &str) -> String {
    answering(status, body).await.instant("up", AT).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_vector_a_scalar_and_values_that_are_no_numbers_are_read() {
    let vector = r#"{"status":"success","data":{"resultType":"vector","result":[
        {"metric":{"__name__":"up","job":"a"},"value":[1772331240.123,"1"]},
        {"metric":{},"value":[1772331240.123,"NaN"]},{"metric":{},"value":[1772331240.123,"+Inf"]}]},
        "warnings":["partial"],"infos":[]}"#;
    let source = answering(200, vector).await;
    let answer = source.instant("up", AT).await.unwrap();
    let values: Vec<String> = answer.samples.iter().map(|sample| sample.value.to_string()).collect();
    assert_eq!(values, ["1", "NaN", "+Inf"]);
    assert_eq!(answer.samples[0].labels.get("job").map(String::as_str), Some("a"));
    assert_eq!(answer.warnings, ["partial"]);
    let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[1772331240.123,"2.5"]}}"#;
    let source = answering(200, scalar).await;
    assert_eq!(source.instant("2.5", AT).await.unwrap().samples[0].value, Reading(2.5));
}

#[tokio::test]
async fn the_query_is_sent_as_it_is_with_its_moment_and_its_limit() {
    let empty = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
    let expected = "query=up%7Ba%3D%22b+%26+c%22%7D&time=1772331240.123&timeout=4500ms";
    let answer = move |body: String| async move {
        if body == expected { (StatusCode::OK, empty.to_owned()) } else { (StatusCode::IM_A_TEAPOT, body) }
    };
    let url = serve(Router::new().route("/prefix/api/v1/query", post(answer))).await;
    let source = prometheus(&format!("{url}/prefix/"));
    assert!(source.instant(r#"up{a="b & c"}"#, AT).await.unwrap().samples.is_empty());
}

#[tokio::test]
async fn ranges_are_read_and_bounded() {
    let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[
        {"metric":{"job":"a"},"values":[[1772331240,"1"],[1772331255,"2"]]}]}}"#;
    let source = answering(200, matrix).await;
    let mut query = RangeQuery {
        query: "up".to_owned(),
        from: AT,
        until: AT.plus(Duration::from_secs(60)),
        step: Duration::from_secs(15),
    };
    let answer = source.range(&query).await.unwrap();
    let expected = vec![
        (Timestamp::from_millis(1_772_331_240_000), Reading(1.0)),
        (Timestamp::from_millis(1_772_331_255_000), Reading(2.0)),
    ];
    assert_eq!(answer.series[0].points, expected);
    query.step = Duration::from_millis(1);
    assert!(source.range(&query).await.unwrap_err().to_string().contains("too many points"));
    query.step = Duration::ZERO;
    assert!(source.range(&query).await.unwrap_err().to_string().contains("no length"));
    assert!(source.instant("up[1m]", AT).await.unwrap_err().to_string().contains("spans of time"));
}

#[tokio::test]
async fn a_refusal_says_why_and_what_is_no_answer_is_none() {
    let parse = r#"{"status":"error","errorType":"bad_data","error":"1:4: parse error: unexpected end"}"#;
    assert!(refused(400, parse).await.contains("refused the query (bad_data): 1:4: parse error"));
    let long = format!(r#"{{"status":"error","errorType":"execution","error":"{}"}}"#, "x".repeat(5_000));
    assert!(refused(422, &long).await.len() < 600);
    assert!(refused(200, "<html>").await.contains("does not answer like a Prometheus"));
    assert!(refused(502, "<html>").await.contains("answered HTTP 502"));
    assert!(refused(401, "").await.contains("Set `token`"));
    assert!(refused(404, "404 page not found").await.contains("without /api"));
    let histogram =
        r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[1,{}]}]}}"#;
    assert!(refused(200, histogram).await.contains("histogram"));
    let text = r#"{"status":"success","data":{"resultType":"string","result":[1,"x"]}}"#;
    assert!(refused(200, text).await.contains("with a text"));
    let value = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"many"]}]}}"#;
    assert!(refused(200, value).await.contains("no number"));
    let time = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1e300,"1"]}]}}"#;
    assert!(refused(200, time).await.contains("a time that is none"));
    assert!(refused(200, r#"{"status":"success"}"#).await.contains("no `data`"));
}

#[tokio::test]
async fn nobody_there_and_too_slow_are_said() {
    // Bound and dropped: nobody listens there now.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = prometheus(&format!("http://127.0.0.1:{port}")).instant("up", AT).await.unwrap_err().to_string();
    assert!(error.contains("refused the connection. Check that Prometheus runs"), "{error}");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let connection = Connection {
        id: "prometheus".into(),
        url: format!("http://{}", silent.local_addr().unwrap()),
        access: Access::Open,
        timeout: Duration::from_millis(200),
    };
    let error = Prometheus::new(connection).unwrap().instant("up", AT).await.unwrap_err().to_string();
    assert!(error.contains("did not answer within 0.2 s"), "{error}");
}

#[tokio::test]
async fn readiness_is_told_by_its_page_or_else_by_the_smallest_query() {
    answering(200, "Prometheus Server is Ready.").await.is_ready().await.unwrap();
    let not_yet = answering(503, "Service Unavailable").await.is_ready().await.unwrap_err().to_string();
    assert!(not_yet.contains("not ready yet"), "{not_yet}");
    assert!(answering(401, "").await.is_ready().await.is_err());
    assert!(answering(404, "no such page").await.is_ready().await.is_err(), "nothing there speaks the API either");
    let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[1772331240.123,"1"]}}"#;
    let mimir = Router::new().route("/api/v1/query", axum::routing::post(move || async move { scalar }));
    prometheus(&serve(mimir).await).is_ready().await.unwrap();
}
