//! A tap on the wire to the stand-in, and the spellings in which a value could go over it.
//!
//! The tap passes bytes on and keeps what the client sent: request lines, headers and bodies, as they were on the wire. The
//! spellings are made here, by nothing that the program uses to look for them.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A listener on loopback in front of a server.
pub(crate) struct Tap {
    address: SocketAddr,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Tap {
    /// A tap before the server at `url` (`http://ADDRESS`). It works until the test ends.
    pub(crate) fn before(url: &str) -> Self {
        let server: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let sent = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&sent);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(server) else { return };
                let (back, kept) = ((server.try_clone().unwrap(), client.try_clone().unwrap()), Arc::clone(&kept));
                std::thread::spawn(move || pass(client, server, |bytes| kept.lock().unwrap().extend_from_slice(bytes)));
                std::thread::spawn(move || pass(back.0, back.1, |_| ()));
            }
        });
        Self { address, sent }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every byte that clients have sent so far.
    pub(crate) fn sent(&self) -> Vec<u8> {
        self.sent.lock().unwrap().clone()
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, keep: impl Fn(&[u8])) {
    let mut buffer = [0_u8; 16_384];
    // A connection that breaks has no more to say.
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        keep(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// The ways in which a value is spelled.
pub(crate) const WAYS: [&str; 10] = [
    "raw",
    "base64",
    "base64 after one byte",
    "base64 after two bytes",
    "base64url",
    "hex",
    "upper-case hex",
    "URL-encoded",
    "URL-encoded throughout",
    "JSON-escaped",
];

/// `value` spelled in the way `way`.
pub(crate) fn spelled(value: &str, way: &str) -> String {
    let hex = |upper: bool| {
        value.bytes().map(|byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") }).collect::<String>()
    };
    match way {
        "raw" => value.to_owned(),
        "base64" => base64(value.as_bytes(), b"+/"),
        "base64 after one byte" => base64(format!("x{value}").as_bytes(), b"+/"),
        "base64 after two bytes" => base64(format!("xy{value}").as_bytes(), b"+/"),
        "base64url" => base64(value.as_bytes(), b"-_"),
        "hex" => hex(false),
        "upper-case hex" => hex(true),
        "URL-encoded" => {
            let encoded = |byte: u8| match byte.is_ascii_alphanumeric() {
                true => char::from(byte).to_string(),
                false => format!("%{byte:02X}"),
            };
            value.bytes().map(encoded).collect()
        }
        "URL-encoded throughout" => value.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        "JSON-escaped" => value.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect(),
        other => panic!("no way {other}"),
    }
}

/// What of `value`, spelled in the way `way`, must not be seen: without the characters that its neighbours share.
pub(crate) fn telling(value: &str, way: &str) -> Vec<u8> {
    let spelled = spelled(value, way);
    let (from, cut) = match way {
        "base64" | "base64url" => (0, 4),
        "base64 after one byte" => (2, 4),
        "base64 after two bytes" => (3, 4),
        _ => (0, 0),
    };
    spelled.as_bytes()[from..spelled.len() - cut].to_vec()
}

/// Fails when `value` stands in `bytes` in any spelling; `what` says what they are.
pub(crate) fn assert_nowhere(value: &str, bytes: &[u8], what: &str) {
    for way in WAYS {
        let wanted = telling(value, way);
        let found = bytes.windows(wanted.len()).any(|piece| piece == wanted);
        assert!(!found, "{value} stands in {what}, {way}:\n{}", String::from_utf8_lossy(bytes));
    }
}

/// Base64 with padding, written here so that nothing of the program under test has a part in it.
fn base64(bytes: &[u8], last: &[u8; 2]) -> String {
    let alphabet: Vec<u8> = (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9').chain(*last).collect();
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let number = group.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let index = (number >> (18 - 6 * place)) as usize & 63;
            out.push(if place <= group.len() { char::from(alphabet[index]) } else { '=' });
        }
    }
    out
}

#[test]
fn base64_is_base64() {
    for (text, encoded) in [("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob?~", "Zm9vYj9+")] {
        assert_eq!(base64(text.as_bytes(), b"+/"), encoded);
    }
}
