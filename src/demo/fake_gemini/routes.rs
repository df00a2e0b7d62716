//! Requests of the fake: who may ask, what for, and what comes back.
//!
//! Owns: paths, keys, refusals, the course of a streamed answer. Does not: know the shape of chunks (see [`super::answer`]).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::{Value, json};

use super::answer::{Form, Frame, error, joined, pieces, refusal, tokens};
use super::check::check;
use super::rules::{Generation, camel, list, refusals};
use super::script::{Ending, Fault, Reply, Speech, filled};
use super::{OWN_NAME, REMEMBERED, Received, Shared};

/// What the service takes at most with data inside the body; in bytes.
const LARGEST_BODY: usize = 20 * 1024 * 1024;

/// The models that are known, and what they take and put out at most, in tokens.
const MODELS: [&str; 10] = [
    OWN_NAME,
    "gemini-3.8-flash",
    "gemini-3.5-flash-lite",
    "gemini-3.1-flash-lite",
    "gemini-3.1-pro-preview",
    "gemini-4-argon",
    "gemini-2.5-pro",
    "gemini-2.5-flash",
    "gemini-2.5-flash-lite",
    "gemini-flash-latest",
];

/// The member of a request and of a candidate that continues an answer.
const TOKEN: &str = "continuationToken";

/// What a path asks for.
#[derive(Debug, PartialEq, Eq)]
struct Asked<'a> {
    version: &'a str,
    vertex: bool,
    /// Empty for the list of models.
    model: &'a str,
    /// Empty for the description of a model.
    method: &'a str,
}

impl<'a> Asked<'a> {
    fn read(path: &'a str) -> Option<Self> {
        let (version, rest) = path.strip_prefix('/')?.split_once('/')?;
        let (vertex, rest) = match rest.split_once("/publishers/google/") {
            Some((place, rest)) if place.starts_with("projects/") && place.contains("/locations/") => (true, rest),
            Some(_) => return None,
            None => (false, rest),
        };
        if rest == "models" {
            return Some(Self { version, vertex, model: "", method: "" });
        }
        let named = rest.strip_prefix("models/")?;
        let (model, method) = named.split_once(':').unwrap_or((named, ""));
        (!model.contains('/')).then_some(Self { version, vertex, model, method })
    }

    fn is_known(&self) -> bool {
        let latest = self.model.ends_with("-latest");
        self.model.is_empty() || MODELS.contains(&self.model) && (!latest || self.version == "v1beta")
    }
}

/// Answers any request.
pub(super) async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return refused(&["Request payload size exceeds the limit: 20971520 bytes.".to_owned()]);
    };
    let asked = Asked::read(&path);
    let key = key_of(&head.headers, asked.as_ref().is_some_and(|asked| asked.vertex));
    let number = {
        let mut memory = shared.memory();
        let path = head.uri.path_and_query().map_or_else(|| path.clone(), ToString::to_string);
        memory.received.push(Received { path, key: key.clone(), body: body.to_vec() });
        if memory.received.len() > REMEMBERED {
            memory.received.remove(0);
        }
        memory.count += 1;
        memory.count
    };
    let Some(asked) = asked.filter(|asked| matches!(asked.version, "v1" | "v1beta" | "v1alpha" | "v1beta1")) else {
        return fault(404, "NOT_FOUND", "Requested entity was not found.");
    };
    if let Some(refusal) = stranger(&shared, key.as_deref(), asked.vertex) {
        return refusal;
    }
    if !asked.is_known() {
        let message = format!("models/{} is not found for API version {}.", asked.model, asked.version);
        return fault(404, "NOT_FOUND", &message);
    }
    let form = if head.uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse")) {
        Form::Events
    } else {
        Form::List
    };
    match (head.method, asked.method) {
        (Method::GET, "") => models(asked.model),
        (Method::POST, "countTokens") => count(&asked, &body),
        (Method::POST, "generateContent") => generate(&shared, &asked, &body, number, None).await,
        (Method::POST, "streamGenerateContent") => generate(&shared, &asked, &body, number, Some(form)).await,
        _ => fault(404, "NOT_FOUND", "Requested entity was not found."),
    }
}

fn key_of(headers: &HeaderMap, vertex: bool) -> Option<String> {
    let (name, prefix) = if vertex { ("authorization", "Bearer ") } else { ("x-goog-api-key", "") };
    let value = headers.get(name)?.to_str().ok()?;
    value.strip_prefix(prefix).map(str::to_owned)
}

/// The refusal of someone without the right key.
fn stranger(shared: &Shared, key: Option<&str>, vertex: bool) -> Option<Response> {
    if key == Some(shared.key.as_str()) {
        return None;
    }
    Some(match (key, vertex) {
        (_, true) => fault(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
        (None, false) => fault(
            403,
            "PERMISSION_DENIED",
            "Method doesn't allow unregistered callers (callers without established identity).",
        ),
        (Some(_), false) => {
            let message = "API key not valid. Please pass a valid API key.";
            let detail = json!({
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "API_KEY_INVALID",
                "domain": "googleapis.com",
                "metadata": {"service": "generativelanguage.googleapis.com"},
            });
            let error = json!({"code": 400, "message": message, "status": "INVALID_ARGUMENT", "details": [detail]});
            json_answer(400, &json!({"error": error}))
        }
    })
}

fn models(name: &str) -> Response {
    let described = |name: &str| {
        json!({
            "name": format!("models/{name}"),
            "displayName": name,
            "inputTokenLimit": 1_048_576,
            "outputTokenLimit": 65_536,
            "supportedGenerationMethods": ["generateContent", "countTokens"],
        })
    };
    let body = if name.is_empty() {
        json!({"models": MODELS.iter().map(|name| described(name)).collect::<Vec<_>>()})
    } else {
        described(name)
    };
    json_answer(200, &body)
}

/// The body as JSON that the schema allows, or the refusal.
fn checked(type_name: &'static str, body: &[u8]) -> Result<Value, Box<Response>> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| Box::new(refused(&[format!("Invalid JSON payload received. {error}")])))?;
    match check(type_name, &value) {
        errors if errors.is_empty() => Ok(value),
        errors => Err(Box::new(refused(&errors))),
    }
}

fn count(asked: &Asked<'_>, body: &[u8]) -> Response {
    let value = match checked("CountTokensRequest", body) {
        Ok(value) => camel(&value),
        Err(refusal) => return *refusal,
    };
    let inner = value.get("generateContentRequest").filter(|inner| !inner.is_null());
    if let Some(errors) = inner.map(|inner| refusals(inner, Generation::of(asked.model))).filter(|e| !e.is_empty()) {
        return refused(&errors);
    }
    let total = tokens(text_of(inner.unwrap_or(&value)).len());
    json_answer(200, &json!({"totalTokens": total, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": total}]}))
}

async fn generate(shared: &Shared, asked: &Asked<'_>, body: &[u8], number: usize, form: Option<Form>) -> Response {
    let mut value = match checked("GenerateContentRequest", body) {
        Ok(value) => camel(&value),
        Err(refusal) => return *refusal,
    };
    let errors = refusals(&value, Generation::of(asked.model));
    if !errors.is_empty() {
        return refused(&errors);
    }
    let token = value.as_object_mut().and_then(|map| map.remove(TOKEN));
    if let Some(token) = token.filter(|token| !token.is_null()) {
        let issued = shared.memory().issued.get(token.as_str().unwrap_or_default()).cloned();
        if issued != Some(essence(&value)) {
            return refused(&["continuation_token: this token does not belong to this request.".to_owned()]);
        }
    }
    let said = said(&value);
    let Some((name, reply)) = next_reply(shared, &said) else {
        return fault(500, "INTERNAL", "The script has no answer to this request.");
    };
    let frame = Frame { model: asked.model, number, prompt_tokens: tokens(text_of(&value).len()) };
    match reply {
        Reply::Error(fault) => json_answer(fault.code, &error(&fault)),
        Reply::Hang {} => std::future::pending().await,
        Reply::Blocked { reason } => send(&[frame.blocked(&reason)], &Speech::default(), form),
        Reply::Raw { content_type, text } => {
            let body = Body::from(filled(&text, &said));
            Response::builder().header(header::CONTENT_TYPE, content_type).body(body).unwrap_or_default()
        }
        Reply::Answer(speech) => {
            let token = (speech.finish == "CONTINUATION").then(|| issue(shared, &name, essence(&value)));
            let text = filled(speech.text.trim_end_matches('\n'), &said).repeat(speech.repeat);
            send(&frame.chunks(&speech, &text, token.as_deref()), &speech, form)
        }
    }
}

/// The next reply of the scenario for what was `said`, and that scenario's name.
fn next_reply(shared: &Shared, said: &str) -> Option<(String, Reply)> {
    let scenario = shared.script.choose(said)?;
    let mut memory = shared.memory();
    let used = memory.used.entry(scenario.name.clone()).or_default();
    let reply = scenario.replies.get(*used).or_else(|| scenario.replies.last())?;
    *used += 1;
    Some((scenario.name.clone(), reply.clone()))
}

/// A token for the rest of the answer to `body`.
fn issue(shared: &Shared, scenario: &str, body: Vec<u8>) -> String {
    use base64::Engine as _;
    let mut memory = shared.memory();
    let name = format!("{scenario}-{}", memory.issued.len());
    let token = base64::engine::general_purpose::STANDARD.encode(name);
    memory.issued.insert(token.clone(), body);
    token
}

/// What a body says, apart from members that are empty: Google's own client puts an empty `generationConfig` beside the token.
fn essence(body: &Value) -> Vec<u8> {
    let mut body = body.clone();
    if let Some(map) = body.as_object_mut() {
        map.retain(|_, value| !value.is_null() && value.as_object().is_none_or(|inner| !inner.is_empty()));
    }
    body.to_string().into_bytes()
}

/// Sends `chunks` in `form`, or in one when there is none.
fn send(chunks: &[Value], speech: &Speech, form: Option<Form>) -> Response {
    let Some(form) = form else { return whole(chunks, speech) };
    let mut events: Vec<Vec<u8>> = chunks.iter().enumerate().map(|(index, chunk)| form.bytes(index, chunk)).collect();
    let unfinished = |events: &mut Vec<Vec<u8>>| {
        // The chunk with the reason never comes.
        if events.len() > 1 { events.pop() } else { None }
    };
    let overloaded = json!({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}});
    let mut last = Last::Close;
    match speech.ending {
        Ending::Whole => events.push(form.end().as_bytes().to_vec()),
        Ending::Silent => {
            unfinished(&mut events);
            events.push(form.end().as_bytes().to_vec());
        }
        Ending::Cut => {
            if let Some(event) = unfinished(&mut events) {
                events.push(event[..event.len() / 2].to_vec());
            }
        }
        Ending::Broken => {
            unfinished(&mut events);
            last = Last::Break;
        }
        Ending::Hang => {
            unfinished(&mut events);
            last = Last::Hang;
        }
        Ending::ErrorEvent => {
            unfinished(&mut events);
            events.push(form.bytes(events.len(), &overloaded));
            events.push(form.end().as_bytes().to_vec());
        }
        Ending::BareError => {
            unfinished(&mut events);
            events.push(format!("{overloaded:#}\n").into_bytes());
        }
        Ending::Garbage => {
            unfinished(&mut events);
            events.push(b"data: <html>Bad gateway</html>\r\n\r\n".to_vec());
        }
    }
    let pause = Duration::from_millis(speech.pause_ms);
    let body = Body::from_stream(course(events, pause, last));
    Response::builder().header(header::CONTENT_TYPE, form.content_type()).body(body).unwrap_or_default()
}

/// What comes behind the last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Close,
    Break,
    Hang,
}

/// The pieces of `events`, with a pause before each event but the first.
fn course(
    events: Vec<Vec<u8>>,
    pause: Duration,
    last: Last,
) -> impl stream::Stream<Item = Result<Vec<u8>, std::io::Error>> {
    let pieces = stream::iter(events.into_iter().enumerate()).flat_map(move |(index, event)| {
        stream::iter(pieces(&event).into_iter().enumerate()).then(move |(number, piece)| async move {
            if number == 0 && index > 0 && !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            // The server sends what it has whenever there is nothing more for the moment.
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(piece)
        })
    });
    let end = stream::once(async move {
        match last {
            Last::Close => None,
            Last::Break => Some(Err(std::io::Error::other("the connection breaks"))),
            Last::Hang => std::future::pending().await,
        }
    });
    pieces.map(|Ok(piece)| Ok(piece)).chain(end.filter_map(std::future::ready))
}

/// The answer of `generateContent`.
fn whole(chunks: &[Value], speech: &Speech) -> Response {
    let text = joined(chunks).to_string();
    match speech.ending {
        Ending::Whole => json_answer(200, &joined(chunks)),
        Ending::ErrorEvent | Ending::BareError => fault(503, "UNAVAILABLE", "The model is overloaded."),
        Ending::Silent | Ending::Cut | Ending::Broken | Ending::Hang | Ending::Garbage => {
            let half = text.as_bytes()[..text.len() / 2].to_vec();
            Response::builder()
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(half))
                .unwrap_or_default()
        }
    }
}

/// All text of the user: a question is about what was said before it, too. The last paragraph is the end of the last turn.
fn said(value: &Value) -> String {
    let texts = |content: &Value| -> String {
        list(content, "parts").iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n")
    };
    let answered = |content: &&Value| list(content, "parts").iter().any(|part| part.get("functionResponse").is_some());
    let contents = list(value, "contents").iter();
    let users: Vec<&Value> = contents.filter(|content| content["role"].as_str().unwrap_or("user") == "user").collect();
    match users.last() {
        // Answers to calls are their own words, so that a script can go on after them.
        Some(last) if answered(last) => last.to_string(),
        _ => users.into_iter().map(texts).collect::<Vec<_>>().join("\n\n"),
    }
}

/// Everything that counts as text of a request.
fn text_of(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let inner = map.iter().map(|(name, value)| match value {
                Value::String(text) if name == "text" => text.clone(),
                Value::String(_) => String::new(),
                other => text_of(other),
            });
            inner.collect()
        }
        Value::Array(items) => items.iter().map(text_of).collect(),
        _ => String::new(),
    }
}

fn refused(reasons: &[String]) -> Response {
    json_answer(400, &refusal(reasons))
}

fn fault(code: u16, status: &str, message: &str) -> Response {
    let (status, message) = (status.to_owned(), message.to_owned());
    let fault = Fault { code, status, message, retry_delay: None, quota: None, in_list: false };
    json_answer(code, &error(&fault))
}

fn json_answer(code: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = Body::from(format!("{body:#}\n"));
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json; charset=UTF-8")
        .body(body)
        .unwrap_or_default()
}
