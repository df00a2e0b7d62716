//! The stand-in as a program: `aiops demo-model` prints its address, answers, and ends with its standard input.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// A program that does not outlive its test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // After a test that passed it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_answers_until_its_standard_input_ends() {
    let directory = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gemini/scenarios/faults.toml");
    // The last scenario of that file answers everything, so that those of the demo are never reached.
    let words = ["demo-model", "--key", "k1", "--script", script];
    let mut command = Command::new(env!("CARGO_BIN_EXE_aiops"));
    command.args(words).env_clear().env("HOME", directory.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut program = Program(command.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(program.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("http://").unwrap().to_owned();

    let body = r#"{"contents":[{"parts":[{"text":"how are you?"}]}]}"#;
    let mut stream = TcpStream::connect(&address).unwrap();
    write!(
        stream,
        "POST /v1/models/gemini-3.8-flash:generateContent HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         x-goog-api-key: k1\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("You asked: how are you?"), "{answer}");

    drop(program.0.stdin.take());
    assert!(program.0.wait().unwrap().success());
}
