//! The way to the stand-in for a model, and what can go wrong on it: no HTTP, no answer, far too much of it.
//!
//! The last paragraph of a question says what it is to do; everything else it hands on.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};

/// Bytes of an answer that nobody reads to its end.
const ENORMOUS: usize = 50 * 1024 * 1024;

/// A listener on loopback. It serves until the process ends.
pub(super) struct Peer {
    address: SocketAddr,
}

impl Peer {
    /// Hands on to `behind`.
    pub(super) fn before(behind: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || {
                    // The console may go away at any time.
                    let _ = serve(stream, behind);
                });
            }
        });
        Self { address }
    }

    pub(super) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Serves one request.
fn serve(mut stream: TcpStream, behind: SocketAddr) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let question = question(&body);
    let asked = |words: &str| question.contains(words);
    if asked("please speak no http") {
        return stream.write_all(&[0x16, 0x03, 0x01, 0xff, 0xfe, 0x00, 0x1b, b'[', b'2', b'J', b'\r', b'\n']);
    }
    if asked("please hang up") {
        return Ok(());
    }
    if asked("please answer half a head") {
        return stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-ty");
    }
    if asked("please exaggerate") {
        return send_enormously(&mut stream);
    }
    hand_on(&mut stream, &head, &body, behind)
}

/// The last paragraph of what is asked.
fn question(body: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let last = value["contents"].as_array().and_then(|turns| turns.last()).map(|turn| &turn["parts"]);
    let text = last.and_then(|parts| parts.as_array()?.last()?["text"].as_str()).unwrap_or_default();
    text.trim_end().rsplit("\n\n").next().unwrap_or_default().to_owned()
}

/// Chunks of an answer, in events, for as long as somebody reads them.
fn send_enormously(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")?;
    // A model that thinks this much says it in thoughts, of which none is kept for ever: only the bytes count.
    let part = serde_json::json!({"text": "blah ".repeat(12_000), "thought": true});
    let chunk = serde_json::json!({"candidates": [{"content": {"parts": [part], "role": "model"}, "index": 0}]});
    let event = format!("data: {chunk}\r\n\r\n");
    let mut sent = 0;
    while sent < ENORMOUS {
        stream.write_all(event.as_bytes())?;
        sent += event.len();
    }
    Ok(())
}

/// Hands the request on, alone on its connection, and the answer back.
fn hand_on(stream: &mut TcpStream, head: &str, body: &[u8], behind: SocketAddr) -> std::io::Result<()> {
    let mut other = TcpStream::connect(behind)?;
    other.write_all(head.as_bytes())?;
    other.write_all(b"connection: close\r\n\r\n")?;
    other.write_all(body)?;
    let mut piece = [0; 65_536];
    loop {
        match other.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => stream.write_all(&piece[..count])?,
            // A connection that breaks is handed on, too.
            Err(error) => return Err(error),
        }
    }
}
