//! Refuses what no schema states and the service refuses all the same: rules on turns, parts, tools, signatures, and on
//! settings that a model does not take.
//!
//! Owns: these rules. Does not: look at kinds of values; what comes here has passed [`super::check`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::domain::digest::sha256_hex;

/// What can stand in a part; exactly one of them has to.
const PART_DATA: [&str; 9] = [
    "text",
    "inlineData",
    "functionCall",
    "functionResponse",
    "fileData",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
];

/// Settings that models from 3.6 on do not take.
const SAMPLING: [&str; 4] = ["temperature", "topP", "topK", "candidateCount"];

/// Signatures that were issued here begin so, and have to come back for the call that they were issued for.
const SIGNED: &str = "call-";

/// A model's generation, from its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Generation(u32, u32);

impl Generation {
    /// That of `gemini-3.8-flash`; names without a number are those of the newest models.
    pub(super) fn of(model: &str) -> Self {
        let version = model.strip_prefix("gemini-").and_then(|rest| rest.split('-').next()).unwrap_or_default();
        let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
        match (major.parse(), minor.parse()) {
            (Ok(major), Ok(minor)) => Self(major, minor),
            _ => Self(u32::MAX, 0),
        }
    }
}

/// The signature that a model issues with a call.
pub(super) fn signature(name: &str, args: &Value) -> String {
    STANDARD.encode(format!("{SIGNED}{}", sha256_hex(format!("{name} {args}").as_bytes())))
}

/// `body` with all names of the interface in lowerCamelCase. What a caller named (arguments, schemas, labels) may change, too;
/// the rules do not look there.
pub(super) fn camel(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(map.iter().map(|(name, value)| (camel_name(name), camel(value))).collect()),
        Value::Array(items) => Value::Array(items.iter().map(camel).collect()),
        other => other.clone(),
    }
}

fn camel_name(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut name, part| {
        let mut letters = part.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.push_str(letters.as_str());
        name
    })
}

/// What is wrong with a `generateContent` body (as [`camel`] gives it), in the service's own words.
pub(super) fn refusals(body: &Value, generation: Generation) -> Vec<String> {
    let mut found = Vec::new();
    let contents = list(body, "contents");
    if contents.is_empty() {
        found.push("* GenerateContentRequest.contents: contents is not specified".to_owned());
    }
    let last_question = contents.iter().rposition(is_question);
    for (index, content) in contents.iter().enumerate() {
        turn(index, content, &mut found);
        let after_question = last_question.is_none_or(|question| index > question);
        calls(index, content, contents.get(index + 1), after_question, generation, &mut found);
    }
    if contents.last().is_some_and(|content| role(content) == "model") {
        found.push("Requests ending with a model turn are not supported".to_owned());
    }
    if let Some(system) = body.get("systemInstruction").filter(|system| !system.is_null())
        && list(system, "parts").is_empty()
    {
        found.push("* GenerateContentRequest.system_instruction.parts: parts must not be empty.".to_owned());
    }
    let empty = Map::new();
    let config = body.get("generationConfig").and_then(Value::as_object).unwrap_or(&empty);
    configuration(config, generation, &mut found);
    declarations(body, &mut found);
    found
}

fn turn(index: usize, content: &Value, found: &mut Vec<String>) {
    let at = format!("* GenerateContentRequest.contents[{index}]");
    let parts = list(content, "parts");
    if !matches!(role(content), "user" | "model") {
        found.push(format!("{at}: Please use a valid role: user, model."));
    }
    if parts.is_empty() {
        found.push(format!("{at}.parts: contents.parts must not be empty."));
    }
    for (number, part) in parts.iter().enumerate() {
        if PART_DATA.iter().filter(|name| set(part, name)).count() != 1 {
            found.push(format!(
                "{at}.parts[{number}].data: required oneof field 'data' must have one initialized field"
            ));
        }
    }
    let answers: Vec<bool> = parts.iter().map(|part| part.get("functionResponse").is_some()).collect();
    if !answers.is_sorted() {
        found.push(format!(
            "{at}: Requests ending with a model turn are not supported (text after a function response)"
        ));
    }
}

/// Calls of the model: each is answered in the next turn, and the first of a step still has its signature.
fn calls(
    index: usize,
    content: &Value,
    next: Option<&Value>,
    after_question: bool,
    generation: Generation,
    found: &mut Vec<String>,
) {
    let at = format!("* GenerateContentRequest.contents[{index}]");
    let parts = list(content, "parts");
    let calling: Vec<&Value> = parts.iter().filter(|part| set(part, "functionCall")).collect();
    let Some(first) = calling.first() else { return };
    let calls: Vec<&Value> = calling.iter().map(|part| &part["functionCall"]).collect();
    let answers = next.map(|next| list(next, "parts")).unwrap_or_default();
    let answers: Vec<&Value> =
        answers.iter().map(|part| &part["functionResponse"]).filter(|one| !one.is_null()).collect();
    let sorted = |all: &[&Value]| {
        let mut names: Vec<String> = all.iter().map(|one| text(one, "name").to_owned()).collect();
        names.sort();
        names
    };
    if calls.len() != answers.len() {
        found.push(format!(
            "{at}: Please ensure that the number of function response parts is equal to the number of function call parts of \
             the function call turn."
        ));
    } else if sorted(&calls) != sorted(&answers) {
        found.push(format!("{at}: function response names differ from the function call names"));
    }
    let unanswered = |call: &&&Value| set(call, "id") && !answers.iter().any(|answer| answer["id"] == call["id"]);
    if calls.iter().any(|call| unanswered(&call)) {
        found.push(format!("{at}: a function call id has no function response with that id"));
    }
    if after_question && generation >= Generation(3, 0) {
        let call = &first["functionCall"];
        match text(first, "thoughtSignature") {
            "" => found.push(format!("{at}: Function call {} is missing a thought_signature", text(call, "name"))),
            given if !is_good(given, call) => found.push(format!("{at}: Corrupted thought signature.")),
            _ => {}
        }
    }
}

/// A signature that was issued here is that of this very call; others cannot be checked.
fn is_good(given: &str, call: &Value) -> bool {
    let issued_here = STANDARD.decode(given).is_ok_and(|bytes| bytes.starts_with(SIGNED.as_bytes()));
    let args = call.get("args").cloned().unwrap_or_else(|| Value::Object(Map::new()));
    !issued_here || given == signature(text(call, "name"), &args)
}

fn configuration(config: &Map<String, Value>, generation: Generation, found: &mut Vec<String>) {
    let has = |name: &str| config.contains_key(name);
    let schemas = usize::from(has("responseSchema")) + usize::from(has("responseJsonSchema"));
    if schemas > 1 || schemas == 1 && !has("responseMimeType") {
        found.push("generation_config: one response schema at most, and it needs response_mime_type".to_owned());
    }
    let thinking = config.get("thinkingConfig").and_then(Value::as_object);
    let thinking = |name: &str| thinking.is_some_and(|thinking| thinking.contains_key(name));
    if thinking("thinkingBudget") && thinking("thinkingLevel") {
        found.push("thinking_config: set only one of thinking_budget and thinking_level".to_owned());
    }
    if thinking("thinkingLevel") && generation < Generation(3, 0) {
        found.push("Thinking level is not supported for this model.".to_owned());
    }
    for name in SAMPLING {
        if has(name) && generation >= Generation(3, 6) {
            let name = super::check::snake(name);
            found.push(format!("generation_config.{name}: not for Gemini 3.6 and later"));
        }
    }
}

fn declarations(body: &Value, found: &mut Vec<String>) {
    let tools = list(body, "tools");
    for declared in tools.iter().flat_map(|tool| list(tool, "functionDeclarations")) {
        let name = text(declared, "name");
        let both = declared.get("parameters").is_some() && declared.get("parametersJsonSchema").is_some();
        if !is_function_name(name) || both {
            found.push(format!("'{name}': invalid function name, or both parameters and parameters_json_schema"));
        }
    }
}

fn is_function_name(name: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let later = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-');
    name.len() <= 128 && name.starts_with(first) && name.chars().all(later)
}

/// Whether this turn asks something, rather than answering calls.
fn is_question(content: &Value) -> bool {
    role(content) == "user" && !list(content, "parts").iter().any(|part| part.get("functionResponse").is_some())
}

fn role(content: &Value) -> &str {
    content.get("role").and_then(Value::as_str).unwrap_or("user")
}

fn set(value: &Value, name: &str) -> bool {
    value.get(name).is_some_and(|value| !value.is_null())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
