//! The bodies that this program writes pass Google's own description; the bodies that Google's clients write pass the stand-in.

use std::process::Command;

use aiops::adapters::gemini::{Endpoint, Gemini, Key, Patience, Settings};
use aiops::config::{Secret, SecretSource};
use aiops::demo::fake_gemini::{FakeGemini, Script};
use aiops::domain::chat::{ModelRequest, Role, Thinking, Turn};
use aiops::engine::ports::Model as _;
use serde_json::Value;

use crate::{FAULTS, gemini, required};

fn client(model: &str) -> Gemini {
    let endpoint = Endpoint::studio("https://generativelanguage.googleapis.com", "v1").unwrap();
    let (model, patience, retries) = (model.to_owned(), Patience::default(), Default::default());
    let key = Key::new(Secret::new("model.key", SecretSource::Environment("SURELY_NOT_SET".to_owned())));
    Gemini::new(Settings { model, endpoint, patience, retries }, key)
}

/// Requests of every shape, with text that JSON has to escape.
fn requests() -> Vec<ModelRequest> {
    let turn = |role, text: &str| Turn { role, text: text.to_owned() };
    let question = turn(Role::User, "\u{0}\u{1f}\"\\ \u{2028} é 📈 \u{202e} why?");
    let talk = vec![turn(Role::User, "why?"), turn(Role::Model, "because"), question.clone()];
    let thinking = [Thinking::Low, Thinking::Medium, Thinking::High];
    let shapes = [("", vec![question]), ("You help on-call engineers.", talk)];
    let make = |thinking| {
        shapes.iter().map(move |(system, turns)| {
            ModelRequest::new((*system).to_owned(), turns.clone(), 8_192, thinking).unwrap()
        })
    };
    thinking.into_iter().flat_map(make).collect()
}

#[test]
fn our_bodies_are_what_the_interface_takes() {
    let Some(place) = gemini() else { return };
    let checker = place.join("validate_request.py");
    if !required() && Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: python3 is not installed");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("body.json");
    for model in ["gemini-3.8-flash", "gemini-2.5-flash-lite", "gemini-2.0-flash", "gemini-flash-latest"] {
        for request in requests() {
            let body = client(model).encode(&request).unwrap();
            let continued = [&body[..body.len() - 1], b",\"continuationToken\":\"dG9r\"}"].concat();
            for body in [body, continued] {
                std::fs::write(&path, &body).unwrap();
                let checked = Command::new("python3")
                    .arg(&checker)
                    .args(["--lint", "generateContent"])
                    .arg(&path)
                    .output()
                    .unwrap();
                let said = String::from_utf8_lossy(&checked.stdout).into_owned();
                assert!(checked.status.success(), "{model}: {said}\n{}", String::from_utf8_lossy(&body));
            }
        }
    }
}

#[tokio::test]
async fn the_stand_in_takes_our_bodies_and_those_of_googles_clients() {
    let fake = FakeGemini::start(Script::parse(FAULTS).unwrap(), "test-key", 0).await.unwrap();
    // A second installation fails and the first one stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
    let post = |path: String, body: Vec<u8>| {
        let url = format!("{}{path}", fake.base_url());
        let request = http.post(url).header("x-goog-api-key", "test-key").body(body);
        async move {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        }
    };
    for model in ["gemini-3.8-flash", "gemini-2.5-flash-lite"] {
        for request in requests() {
            let path = format!("/v1/models/{model}:streamGenerateContent?alt=sse");
            let (status, text) = post(path, client(model).encode(&request).unwrap()).await;
            assert_eq!(status, 200, "{text}");
            assert!(text.contains("\r\n\r\n") && !text.contains("\n:") && !text.contains("[DONE]"), "{text}");
        }
    }
    let Some(place) = gemini() else { return };
    for line in std::fs::read_to_string(place.join("sdk_requests.jsonl")).unwrap().lines() {
        let sent: Value = serde_json::from_str(line).unwrap();
        let path = sent["path"].as_str().unwrap();
        // Embeddings are not what it stands in for, and one model was made up.
        let wanted = if path.contains("Embed") || path.contains("busy") { 404 } else { 200 };
        let (status, text) = post(path.to_owned(), sent["body"].to_string().into_bytes()).await;
        assert_eq!(status, wanted, "{path}: {text}");
    }
}
