//! Sending alerts to a console's receiver over loopback, as Alertmanager does.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};

/// Ports that the tests of this program give out. They lie below those that the kernel gives to whoever asks for any (32768
/// and up, ip(7)): one of those is taken again by the next connection, even by the very connection to that port, which is
/// then connected to itself.
const FIRST_PORT: u16 = 12_000;
/// So many of them.
const PORTS: u16 = 20_000;

/// A port that nobody has and that no other test of this process gets, as long as there are not thousands of them.
pub(crate) fn free_port() -> u16 {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    loop {
        // Processes that run at the same time begin at different places.
        let begin = std::process::id().wrapping_mul(4_099);
        let number = begin.wrapping_add(u32::from(GIVEN.fetch_add(1, Ordering::Relaxed))) % u32::from(PORTS);
        let port = FIRST_PORT + u16::try_from(number).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Sends a body and returns the first line of the answer.
pub(crate) fn post(port: u16, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let request = format!(
        "POST /webhook/alertmanager HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or("").to_owned()
}

/// The body for one alert with these labels.
pub(crate) fn body(status: &str, labels: &[(&str, &str)]) -> String {
    let labels: serde_json::Map<String, serde_json::Value> =
        labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    let name = labels.get("alertname").cloned().unwrap_or_default();
    let ends_at = if status == "firing" { "0001-01-01T00:00:00Z" } else { "2026-03-01T03:00:00Z" };
    serde_json::json!({
        "version": "4", "groupKey": "g", "truncatedAlerts": 0, "status": status, "receiver": "aiops",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "",
        "alerts": [{
            "status": status, "labels": labels, "annotations": {"summary": "from a test"},
            "startsAt": "2026-03-01T02:14:00Z", "endsAt": ends_at, "generatorURL": "",
            "fingerprint": format!("{name}"),
        }],
    })
    .to_string()
}
