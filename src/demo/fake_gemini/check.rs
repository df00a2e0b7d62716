//! Refuses what the closed schema of the interface refuses: unknown fields, missing ones, values of another kind.
//!
//! Owns: the JSON rules of the service: both spellings of a name, words in any case or by number, null for "not set". Does
//! not: know rules between fields (see [`super::rules`]).

use serde_json::{Map, Value};

use super::schema::{Kind, Type, type_of};

/// What is wrong with a body, in the service's own words; empty when nothing is.
pub(super) fn check(type_name: &'static str, body: &Value) -> Vec<String> {
    let mut checker = Checker { errors: Vec::new() };
    checker.value(body, Kind::Message(type_name), "", Top::Yes);
    checker.errors
}

/// Whether a message is the whole body; its model then stands in the URL.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Top {
    Yes,
    No,
}

struct Checker {
    errors: Vec<String>,
}

impl Checker {
    fn value(&mut self, value: &Value, kind: Kind, path: &str, top: Top) {
        if value.is_null() || kind == Kind::Any {
            return;
        }
        match (kind, value) {
            (Kind::List(item), Value::Array(values)) => {
                for (index, value) in values.iter().enumerate() {
                    self.value(value, *item, &format!("{path}[{index}]"), Top::No);
                }
            }
            (Kind::List(_), _) => self.wrong(path, "a list", value),
            (_, Value::Array(_)) => {
                let (at, name) = path.rsplit_once('.').unwrap_or(("", path));
                self.errors.push(format!(
                    "Invalid JSON payload received. Unknown name \"{name}\" at '{at}': Proto field is not repeating, cannot \
                     start list."
                ));
            }
            (Kind::Message(name), Value::Object(map)) => match type_of(name) {
                Some(found) => self.message(map, found, path, top),
                None => self.errors.push(format!("the type {name} is not known")),
            },
            (Kind::Map(item), Value::Object(map)) => {
                for (index, value) in map.values().enumerate() {
                    self.value(value, *item, &format!("{path}[{index}].value"), Top::No);
                }
            }
            (Kind::Message(_) | Kind::Map(_), _) => self.wrong(path, "an object", value),
            (kind, value) if fits(kind, value) => {}
            (kind, value) => self.wrong(path, wanted(kind), value),
        }
    }

    fn message(&mut self, map: &Map<String, Value>, found: &Type, path: &str, top: Top) {
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in map {
            let Some((field, kind)) = found.fields.iter().find(|(field, _)| field == name || snake(field) == *name)
            else {
                let at = if path.is_empty() { String::new() } else { format!(" at '{path}'") };
                self.errors
                    .push(format!("Invalid JSON payload received. Unknown name \"{name}\"{at}: Cannot find field."));
                continue;
            };
            if seen.contains(field) {
                self.errors.push(format!("Field '{field}' is given in both spellings at '{path}'"));
            }
            seen.push(field);
            let spelled = snake(field);
            let below = if path.is_empty() { spelled } else { format!("{path}.{spelled}") };
            self.value(value, *kind, &below, Top::No);
        }
        for required in found.required {
            let in_url = top == Top::Yes && *required == "model";
            if !in_url && !seen.contains(required) {
                let at = if path.is_empty() { found.name } else { path };
                self.errors.push(format!("{at}.{}: required field is missing", snake(required)));
            }
        }
    }

    fn wrong(&mut self, path: &str, wanted: &str, value: &Value) {
        let shown: String = value.to_string().chars().take(80).collect();
        self.errors.push(format!("Invalid value at '{path}' ({wanted}), {shown}"));
    }
}

/// `lowerCamelCase` as `snake_case`.
pub(super) fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for c in name.trim_start_matches('_').chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

fn fits(kind: Kind, value: &Value) -> bool {
    match kind {
        Kind::Text => value.is_string(),
        Kind::Bytes => value.as_str().is_some_and(is_base64),
        Kind::Span => value.as_str().is_some_and(is_span),
        Kind::Bool => value.is_boolean(),
        Kind::Int32 => whole(value).is_some_and(|number| (-2_147_483_648.0..2_147_483_648.0).contains(&number)),
        Kind::Int64 => whole(value).is_some_and(|number| number.abs() <= 9_223_372_036_854_775_807.0),
        Kind::Number => value.is_number() || matches!(value.as_str(), Some("NaN" | "Infinity" | "-Infinity")),
        Kind::Word(words) => match value {
            Value::String(word) => words.iter().any(|known| known.eq_ignore_ascii_case(word)),
            number => number.as_u64().is_some_and(|number| number < words.len() as u64),
        },
        Kind::Any | Kind::Message(_) | Kind::List(_) | Kind::Map(_) => true,
    }
}

/// A whole number, also when it is written as a string or as `7.0`.
fn whole(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (number.is_finite() && number.fract() == 0.0).then_some(number)
}

pub(super) fn is_base64(text: &str) -> bool {
    let bare = text.trim_end_matches('=');
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    text.len() - bare.len() <= 2 && bare.bytes().all(alphabet) && bare.len() % 4 != 1
}

/// Seconds with at most nine digits behind the point.
fn is_span(text: &str) -> bool {
    let Some(number) = text.strip_suffix('s') else { return false };
    let number = number.strip_prefix('-').unwrap_or(number);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(fraction) && fraction.len() <= 9
}

const fn wanted(kind: Kind) -> &'static str {
    match kind {
        Kind::Any => "anything",
        Kind::Text => "TYPE_STRING",
        Kind::Bytes => "TYPE_BYTES",
        Kind::Span => "TYPE_DURATION",
        Kind::Bool => "TYPE_BOOL",
        Kind::Int32 => "TYPE_INT32",
        Kind::Int64 => "TYPE_INT64",
        Kind::Number => "TYPE_DOUBLE",
        Kind::Word(_) => "TYPE_ENUM",
        Kind::Message(_) | Kind::Map(_) => "an object",
        Kind::List(_) => "a list",
    }
}
