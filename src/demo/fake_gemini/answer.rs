//! Answers as the service writes them: JSON chunks, put into events or a list, and cut into pieces at odd places.
//!
//! Owns: the shape of answers. Does not: choose what is said, or send.
//!
//! Invariant: no comment lines, no `data:` without a blank behind it and no `[DONE]`: Google's own Python client fails on
//! these, so the service does not send them.

use serde_json::{Value, json};

use super::rules::signature;
use super::script::{Call, Fault, FinishIn, Speech};

/// Pieces of these lengths, over and over: they fall inside lines, line ends and characters.
const PIECES: [usize; 8] = [1, 7, 2, 31, 5, 64, 3, 127];

/// Larger pieces for what is large, so that sending takes no longer than it has to.
const LARGE_PIECE: usize = 8_191;

/// An answer from here on is large; in bytes.
const LARGE: usize = 256 * 1024;

/// What stands in every chunk.
pub(super) struct Frame<'a> {
    pub(super) model: &'a str,
    /// Number of the request, for `responseId`.
    pub(super) number: usize,
    /// Tokens of the request.
    pub(super) prompt_tokens: usize,
}

/// A number of tokens that is near enough for text of `bytes` bytes.
pub(super) const fn tokens(bytes: usize) -> usize {
    bytes.div_ceil(4)
}

impl Frame<'_> {
    /// The chunks of `speech`, which says `text`; `token` goes out with its reason to finish.
    pub(super) fn chunks(&self, speech: &Speech, text: &str, token: Option<&str>) -> Vec<Value> {
        let mut parts: Vec<Value> = Vec::new();
        let thoughts = speech.thoughts.trim();
        if !thoughts.is_empty() {
            parts.push(json!({"text": thoughts, "thought": true}));
        }
        parts.extend(split(text, speech.chunk.max(1)).map(|text| json!({"text": text})));
        parts.extend(speech.call.as_ref().map(called));
        if parts.is_empty() {
            parts.push(json!({"text": ""}));
        }
        let last = parts.len() - 1;
        let mut said = 0;
        let chunks = parts.into_iter().enumerate().map(|(index, part)| {
            said += part["text"].as_str().map_or(0, str::len);
            let mut candidate = json!({"content": {"parts": [part], "role": "model"}, "index": 0});
            if index == last || speech.finish_in == FinishIn::All {
                candidate["finishReason"] = Value::from(speech.finish.as_str());
            }
            if let (true, Some(token)) = (index == last, token) {
                candidate["continuationToken"] = Value::from(token);
            }
            self.chunk(json!({"candidates": [candidate]}), tokens(said), tokens(thoughts.len()))
        });
        chunks.collect()
    }

    /// The one chunk of a blocked prompt.
    pub(super) fn blocked(&self, reason: &str) -> Value {
        self.chunk(json!({"promptFeedback": {"blockReason": reason}}), 0, 0)
    }

    fn chunk(&self, mut body: Value, said: usize, thought: usize) -> Value {
        // Counts of a stream are those so far; zeros are left out.
        let output = said.saturating_sub(thought);
        let mut usage = json!({
            "promptTokenCount": self.prompt_tokens,
            "totalTokenCount": self.prompt_tokens + output + thought,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": self.prompt_tokens}],
        });
        for (name, count) in [("candidatesTokenCount", output), ("thoughtsTokenCount", thought)] {
            if count > 0 {
                usage[name] = Value::from(count);
            }
        }
        body["usageMetadata"] = usage;
        body["modelVersion"] = Value::from(self.model);
        body["responseId"] = Value::from(format!("fake-{}", self.number));
        body
    }
}

fn called(call: &Call) -> Value {
    let args = serde_json::to_value(&call.args).unwrap_or_else(|_| json!({}));
    let signature = signature(&call.name, &args);
    json!({"functionCall": {"id": "call-1", "name": call.name, "args": args}, "thoughtSignature": signature})
}

/// `text` in pieces of `length` characters.
fn split(text: &str, length: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = rest.char_indices().nth(length).map_or(rest.len(), |(at, _)| at);
        let (piece, behind) = rest.split_at(end);
        rest = behind;
        (!piece.is_empty()).then_some(piece)
    })
}

/// All chunks in one, as `generateContent` answers.
pub(super) fn joined(chunks: &[Value]) -> Value {
    let mut whole = chunks.last().cloned().unwrap_or_else(|| json!({}));
    let mut parts: Vec<Value> = Vec::new();
    for part in chunks.iter().flat_map(|chunk| chunk["candidates"][0]["content"]["parts"].as_array()).flatten() {
        let mergeable = |one: &Value| one["text"].is_string() && one.get("functionCall").is_none();
        match parts.last_mut() {
            Some(last) if mergeable(last) && mergeable(part) && last.get("thought") == part.get("thought") => {
                let text = format!("{}{}", last["text"].as_str().unwrap_or(""), part["text"].as_str().unwrap_or(""));
                last["text"] = Value::from(text);
            }
            _ => parts.push(part.clone()),
        }
    }
    if !parts.is_empty() {
        whole["candidates"][0]["content"]["parts"] = Value::from(parts);
    }
    whole
}

/// An error body.
pub(super) fn error(fault: &Fault) -> Value {
    let mut details: Vec<Value> = Vec::new();
    let detail = |kind: &str, body: Value| {
        let mut detail = body;
        detail["@type"] = Value::from(format!("type.googleapis.com/google.rpc.{kind}"));
        detail
    };
    if let Some(quota) = &fault.quota {
        details.push(detail("QuotaFailure", json!({"violations": [{"quotaId": quota}]})));
    }
    if let Some(delay) = &fault.retry_delay {
        details.push(detail("RetryInfo", json!({"retryDelay": delay})));
    }
    let mut error = json!({"code": fault.code, "message": fault.message, "status": fault.status});
    if !details.is_empty() {
        error["details"] = Value::from(details);
    }
    let body = json!({"error": error});
    if fault.in_list { json!([body]) } else { body }
}

/// A refusal of a body, with its reasons.
pub(super) fn refusal(reasons: &[String]) -> Value {
    let violations: Vec<Value> = reasons.iter().map(|reason| json!({"description": reason})).collect();
    json!({"error": {
        "code": 400,
        "message": reasons.join("\n"),
        "status": "INVALID_ARGUMENT",
        "details": [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}],
    }})
}

/// How chunks are put into the body of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `alt=sse`
    Events,
    /// A list.
    List,
}

impl Form {
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Events => "text/event-stream",
            Self::List => "application/json; charset=UTF-8",
        }
    }

    /// The bytes of chunk number `index`.
    pub(super) fn bytes(self, index: usize, chunk: &Value) -> Vec<u8> {
        match self {
            Self::Events => format!("data: {chunk}\r\n\r\n").into_bytes(),
            Self::List => format!("{}{chunk:#}\n", if index == 0 { "[" } else { ",\r\n" }).into_bytes(),
        }
    }

    /// The bytes behind the last chunk.
    pub(super) const fn end(self) -> &'static str {
        match self {
            Self::Events => "",
            Self::List => "]\n",
        }
    }
}

/// `bytes` in the pieces in which they are sent.
pub(super) fn pieces(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut lengths = PIECES.iter().copied().cycle();
    let mut rest = bytes;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let wanted = if bytes.len() >= LARGE { LARGE_PIECE } else { lengths.next().unwrap_or(1) };
        let (piece, behind) = rest.split_at(wanted.min(rest.len()));
        pieces.push(piece.to_vec());
        rest = behind;
    }
    pieces
}
