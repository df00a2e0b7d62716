//! That the stand-in is honest: it refuses what the service refuses, knows the fields that the service knows, and sends what
//! the service sends.

use std::path::PathBuf;
use std::process::Command;

use rstest::rstest;
use serde_json::{Value, json};

use super::check::check;
use super::rules::{Generation, camel, refusals, signature};
use super::schema::{Kind, TYPES};
use super::script::DEMO;
use crate::domain::chat::citation::Source;
use crate::domain::chat::statements;

/// Where Google's own description of the interface is, if it is at hand.
fn described() -> Option<PathBuf> {
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/gemini"));
    let place = std::env::var_os("AIOPS_GEMINI").map_or(beside, PathBuf::from);
    let found = place.join("generativelanguage.v1beta.plus.json").exists();
    if !found {
        println!("skipped: {} is not there (set AIOPS_GEMINI)", place.display());
    }
    found.then_some(place)
}

fn errors(body: &Value, model: &str) -> Vec<String> {
    let errors = check("GenerateContentRequest", body);
    if errors.is_empty() { refusals(&camel(body), Generation::of(model)) } else { errors }
}

fn user(parts: &Value) -> Value {
    json!({"contents": [{"role": "user", "parts": parts}]})
}

/// A conversation with a call, its answer, and whatever is merged into the part with the call.
fn conversation(signed: &Value, answer: &Value) -> Value {
    let mut part = json!({"functionCall": {"id": "c1", "name": "query", "args": {"q": "up"}}});
    part.as_object_mut().unwrap().extend(signed.as_object().unwrap().clone());
    json!({"contents": [
        {"role": "user", "parts": [{"text": "why?"}]},
        {"role": "model", "parts": [part]},
        {"role": "user", "parts": [answer]},
    ]})
}

fn answered() -> Value {
    json!({"functionResponse": {"id": "c1", "name": "query", "response": {"result": 1}}})
}

/// Bodies, and a part of the reason for which each is refused; none for those that are not.
fn bodies() -> Vec<(Value, &'static str)> {
    let hello = || json!([{"text": "hello"}]);
    let with = |name: &str, value: Value| {
        let mut body = user(&json!([{"text": "hello"}]));
        body[name] = value;
        body
    };
    let config = |value: Value| with("generationConfig", value);
    let declared = |value: Value| with("tools", json!([{"functionDeclarations": [value]}]));
    let issued = signature("query", &json!({"q": "up"}));
    let signed = json!({"thoughtSignature": "c2lnLWNhbGw="});
    vec![
        (user(&hello()), ""),
        (json!({"contents": [{"parts": hello()}]}), ""),
        (json!({"contents": [{"parts": hello()}], "tools": null}), ""),
        (with("system_instruction", json!({"parts": [{"text": "x"}]})), ""),
        (json!({}), "required field is missing"),
        (json!({"contents": []}), "contents is not specified"),
        (json!({"contents": {}}), "a list"),
        (json!({"contents": [[]]}), "not repeating"),
        (json!({"contents": ["x"]}), "an object"),
        (with("contentz", json!(1)), "Unknown name \"contentz\""),
        (with("systemInstruction", json!("x")), "an object"),
        (with("store", json!("yes")), "TYPE_BOOL"),
        (with("continuationToken", json!("not base64!")), "TYPE_BYTES"),
        (with("labels", json!({"a": 1})), "TYPE_STRING"),
        (with("safetySettings", json!([{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}])), ""),
        (with("safetySettings", json!([{"category": "harm_category_harassment", "threshold": 5}])), ""),
        (with("safetySettings", json!([{"category": "HARM_CATEGORY_HARASSMENT"}])), "threshold: required"),
        (with("safetySettings", json!([{"category": "MISCHIEF", "threshold": "OFF"}])), "TYPE_ENUM"),
        (json!({"contents": [], "Contents": []}), "Unknown name \"Contents\""),
        (config(json!({"maxOutputTokens": 10, "max_output_tokens": 10})), "both spellings"),
        (config(json!({"maxOutputTokens": "900"})), ""),
        (config(json!({"maxOutputTokens": 900.0})), ""),
        (config(json!({"maxOutputTokens": 900.5})), "TYPE_INT32"),
        (config(json!({"maxOutputTokens": 3_000_000_000_u64})), "TYPE_INT32"),
        (config(json!({"maxOutputTokens": true})), "TYPE_INT32"),
        (config(json!({"temperature": 0.2})), "generation_config.temperature"),
        (config(json!({"topP": 0.2})), "generation_config.top_p"),
        (config(json!({"top_k": 3})), "generation_config.top_k"),
        (config(json!({"candidateCount": 1})), "generation_config.candidate_count"),
        (config(json!({"thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": true}})), ""),
        (config(json!({"thinkingConfig": {"thinkingLevel": "DEEP"}})), "TYPE_ENUM"),
        (config(json!({"thinkingConfig": {"thinkingLevel": "LOW", "thinkingBudget": 1}})), "only one of"),
        (config(json!({"responseJsonSchema": {}})), "response_mime_type"),
        (config(json!({"responseMimeType": "application/json", "responseJsonSchema": {"$ref": "x"}})), ""),
        (
            config(json!({"responseMimeType": "x", "responseJsonSchema": {}, "responseSchema": {}})),
            "one response schema",
        ),
        (user(&json!([])), "parts must not be empty"),
        (user(&json!([{}])), "initialized field"),
        (user(&json!([{"text": "a", "inlineData": {"mimeType": "image/png", "data": "aGk="}}])), "initialized field"),
        (user(&json!([{"inlineData": {"mimeType": "image/png", "data": "aGk="}}, {"text": "a"}])), ""),
        (user(&json!([{"inlineData": {"data": "?"}}])), "TYPE_BYTES"),
        (user(&json!([{"text": 7}])), "TYPE_STRING"),
        (user(&json!([{"text": "a", "videoMetadata": {"startOffset": "1.5s", "fps": 2}}])), ""),
        (user(&json!([{"text": "a", "videoMetadata": {"startOffset": "1.5"}}])), "TYPE_DURATION"),
        (json!({"contents": [{"role": "assistant", "parts": hello()}]}), "valid role"),
        (json!({"contents": [{"parts": hello()}, {"role": "model", "parts": hello()}]}), "ending with a model turn"),
        (declared(json!({"name": "query", "description": "d", "parametersJsonSchema": {"type": ["a", "b"]}})), ""),
        (
            declared(
                json!({"name": "query", "parameters": {"type": "OBJECT", "properties": {"q": {"type": "string"}}}}),
            ),
            "",
        ),
        (declared(json!({"name": "query", "parameters": {"additionalProperties": false}})), "additionalProperties"),
        (declared(json!({"name": "query", "parameters": {"type": ["string", "null"]}})), "not repeating"),
        (declared(json!({"name": "query", "parameters": {"properties": {"q": {"$ref": "#/x"}}}})), "$ref"),
        (declared(json!({"name": "query", "parameters": {"properties": {"q": {"const": 1}}}})), "const"),
        (declared(json!({"name": "query", "parameters": {}, "parametersJsonSchema": {}})), "or both"),
        (declared(json!({"name": "2 queries"})), "invalid function name"),
        (declared(json!({"description": "d"})), "name: required"),
        (
            with("toolConfig", json!({"functionCallingConfig": {"mode": "VALIDATED", "allowedFunctionNames": ["a"]}})),
            "",
        ),
        (conversation(&signed, &answered()), ""),
        (conversation(&json!({"thought_signature": "c2lnLWNhbGw="}), &answered()), ""),
        (conversation(&json!({}), &answered()), "missing a thought_signature"),
        (conversation(&json!({"thoughtSignature": issued}), &answered()), ""),
        (conversation(&signed, &json!({"text": "it is up"})), "number of function response parts"),
        (
            conversation(&signed, &json!({"functionResponse": {"id": "c1", "name": "c1", "response": {}}})),
            "names differ",
        ),
        (
            conversation(&signed, &json!({"functionResponse": {"id": "c2", "name": "query", "response": {}}})),
            "no function response with that id",
        ),
        (
            conversation(&signed, &json!({"functionResponse": {"id": "c1", "name": "query", "response": "up"}})),
            "an object",
        ),
        (user(&json!([{"functionResponse": {"name": "q", "response": {}}}, {"text": "a"}])), "text after"),
    ]
}

#[test]
fn it_refuses_what_the_service_refuses() {
    for (body, part) in bodies() {
        let found = errors(&body, "gemini-3.8-flash").join("\n");
        assert!(if part.is_empty() { found.is_empty() } else { found.contains(part) }, "{body}\n{part}: {found}");
    }
}

#[test]
fn it_agrees_with_the_checker_of_the_interface() {
    let Some(place) = described() else { return };
    let directory = tempfile::tempdir().unwrap();
    for (number, (body, _)) in bodies().iter().enumerate() {
        let path = directory.path().join(format!("{number}.json"));
        std::fs::write(&path, body.to_string()).unwrap();
        let checker = Command::new("python3")
            .arg(place.join("validate_request.py"))
            .args(["--lint", "generateContent"])
            .arg(&path)
            .output()
            .unwrap();
        let ours = errors(body, "gemini-3.8-flash");
        let theirs = String::from_utf8_lossy(&checker.stdout);
        assert_eq!(ours.is_empty(), checker.status.success(), "{body}\nours: {ours:?}\ntheirs: {theirs}");
    }
}

#[test]
fn its_fields_are_those_of_the_interface() {
    let Some(place) = described() else { return };
    let text = std::fs::read_to_string(place.join("generativelanguage.v1beta.plus.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    for ours in TYPES {
        let theirs = match ours.name {
            "ResponseTextFormat" => &document["schemas"]["ResponseFormatConfig"]["properties"]["text"],
            name => &document["schemas"][name],
        };
        let empty = serde_json::Map::new();
        let properties = theirs["properties"].as_object().unwrap_or(&empty);
        assert!(theirs.is_object(), "{} is not known there", ours.name);
        let mut names: Vec<&str> = ours.fields.iter().map(|(name, _)| *name).collect();
        let mut known: Vec<&str> = properties.keys().map(String::as_str).collect();
        names.sort_unstable();
        known.sort_unstable();
        assert_eq!(names, known, "{}", ours.name);
        for (name, kind) in ours.fields {
            if let Kind::Word(words) = kind {
                let property = &properties[*name];
                let named = property["$ref"].as_str().map(|name| &document["schemas"][name]);
                let known = named.unwrap_or(property)["enum"].as_array();
                let items = property["items"]["enum"].as_array();
                let known: Vec<&str> = known.or(items).unwrap().iter().map(|word| word.as_str().unwrap()).collect();
                assert_eq!(*words, known, "{}.{name}", ours.name);
            }
        }
    }
}

#[rstest]
#[case("gemini-2.5-flash", json!({"thinkingLevel": "LOW"}), "Thinking level is not supported")]
#[case("gemini-2.5-flash", json!({"thinkingBudget": 1024}), "")]
#[case("gemini-3.1-flash-lite", json!({"thinkingLevel": "LOW"}), "")]
fn thinking_is_judged_by_the_model(#[case] model: &str, #[case] thinking: Value, #[case] part: &str) {
    let mut body = user(&json!([{"text": "a"}]));
    body["generationConfig"] = json!({"thinkingConfig": thinking});
    let found = errors(&body, model).join("\n");
    assert!(if part.is_empty() { found.is_empty() } else { found.contains(part) }, "{found}");
    body["generationConfig"] = json!({"temperature": 0.5});
    assert!(errors(&body, model).is_empty(), "older models take a temperature");
}

#[test]
fn a_signature_belongs_to_its_call() {
    let moved = signature("query", &json!({"q": "down"}));
    let body = conversation(&json!({"thoughtSignature": moved}), &answered());
    assert!(errors(&body, "gemini-3.8-flash").join("").contains("Corrupted thought signature"));
    let unsigned = conversation(&json!({}), &answered());
    assert_eq!(errors(&unsigned, "gemini-2.5-flash"), Vec::<String>::new(), "only from 3 on they are needed");
    // Calls before the last question need none.
    let mut older = unsigned;
    older["contents"].as_array_mut().unwrap().push(json!({"role": "user", "parts": [{"text": "and?"}]}));
    assert_eq!(errors(&older, "gemini-3.8-flash"), Vec::<String>::new());
}

/// The demo shows what good answers look like.
#[test]
fn every_statement_of_the_demo_s_answers_names_a_source() {
    let script: toml::Table = toml::from_str(DEMO).unwrap();
    let mut statements_in_all = 0;
    for scenario in script["scenario"].as_array().unwrap() {
        for reply in scenario["reply"].as_array().unwrap() {
            let Some(text) = reply.get("text").and_then(toml::Value::as_str) else { continue };
            // How a run goes on is answered in JSON, in which each suggestion has citations of its own.
            if let Ok(answer) = serde_json::from_str::<serde_json::Value>(text) {
                let all = answer["suggestions"].as_array().unwrap();
                assert!(all.iter().all(|one| !one["cites"].as_array().unwrap().is_empty()), "{answer}");
                continue;
            }
            let check = statements::check(text, |source| matches!(source, Source::Sop { .. } | Source::Incident));
            statements_in_all += check.statements;
            let without: Vec<&str> = check.unsupported.iter().map(|at| &text[*at..]).collect();
            assert!(without.is_empty(), "{}: {without:#?}", scenario["name"]);
        }
    }
    assert!(statements_in_all >= 10, "{statements_in_all}");
}
