//! The strings of a JSON document, each with where it stands.
//!
//! Owns: the walk. Relies on its caller for the document being valid JSON.

use std::borrow::Cow;
use std::ops::Range;

use super::Kind;

/// One string of a document.
pub(super) struct Literal<'a> {
    /// Bytes of the document, with the quotes.
    pub(super) span: Range<usize>,
    /// What it says.
    pub(super) text: Cow<'a, str>,
    /// The key whose value it is; none for keys, and for items of lists.
    pub(super) key: Option<Cow<'a, str>>,
    /// It is bytes, not text: an attachment's data or a model's signature, which has to go back as it came.
    pub(super) is_opaque: bool,
    /// What it is, and by which rule, when the object around it says that it is secret.
    pub(super) secret: Option<(Kind, &'static str)>,
}

/// Something that is open at a place of the document.
enum Open<'a> {
    List,
    Object {
        /// The key of the value that comes next; none while a key is expected.
        key: Option<Cow<'a, str>>,
        /// It says that its kind is Secret.
        is_secret: bool,
        /// Strings below its `data` and `stringData`.
        data: Vec<usize>,
        /// It says `"sensitive": true`, as an output of Terraform.
        is_sensitive: bool,
        /// Strings below its `value`.
        values: Vec<usize>,
    },
}

impl Open<'_> {
    fn object() -> Self {
        Self::Object { key: None, is_secret: false, data: Vec::new(), is_sensitive: false, values: Vec::new() }
    }
}

/// All strings of `json`, keys included, in order; `None` when one cannot be decoded.
pub(super) fn literals(json: &str) -> Option<Vec<Literal<'_>>> {
    let bytes = json.as_bytes();
    let mut found: Vec<Literal<'_>> = Vec::new();
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut place = 0;
    while let Some(byte) = bytes.get(place) {
        match byte {
            b'{' => open.push(Open::object()),
            b'[' => open.push(Open::List),
            b'}' | b']' => {
                if let Some(Open::Object { is_secret, data, is_sensitive, values, .. }) = open.pop() {
                    let mut mark = |index: usize, kind, rule| found[index].secret = Some((kind, rule));
                    values
                        .into_iter()
                        .filter(|_| is_sensitive)
                        .for_each(|index| mark(index, Kind::Secret, "sensitive-value"));
                    data.into_iter()
                        .filter(|_| is_secret)
                        .for_each(|index| mark(index, Kind::SecretData, "kubernetes-secret"));
                }
            }
            b',' => {
                if let Some(Open::Object { key, .. }) = open.last_mut() {
                    *key = None;
                }
            }
            b't' => {
                if let Some(Open::Object { key: Some(key), is_sensitive, .. }) = open.last_mut() {
                    *is_sensitive |= key == "sensitive";
                }
            }
            b'"' => {
                let end = end_of(bytes, place)?;
                let raw = &json[place..end];
                let text = match raw.contains('\\') {
                    true => Cow::Owned(serde_json::from_str(raw).ok()?),
                    false => Cow::Borrowed(&raw[1..raw.len() - 1]),
                };
                found.push(Literal { span: place..end, text, key: None, is_opaque: false, secret: None });
                place_in(&mut open, &mut found);
                place = end;
                continue;
            }
            _ => {}
        }
        place += 1;
    }
    Some(found)
}

/// The end of the string that begins at `start`.
fn end_of(bytes: &[u8], start: usize) -> Option<usize> {
    let mut place = start + 1;
    loop {
        place += memchr::memchr2(b'"', b'\\', bytes.get(place..)?)?;
        if bytes[place] == b'"' {
            return Some(place + 1);
        }
        place += 2;
    }
}

/// Tells the last string of `found` where it stands.
fn place_in<'a>(open: &mut [Open<'a>], found: &mut [Literal<'a>]) {
    let index = found.len() - 1;
    let Some(literal) = found.last_mut() else { return };
    let opaque = is_opaque(open);
    let within = open.len();
    match open.last_mut() {
        Some(Open::Object { key: key @ None, .. }) => {
            *key = Some(literal.text.clone());
            return;
        }
        Some(Open::Object { key: Some(key), is_secret, .. }) => {
            *is_secret |= key == "kind" && literal.text == "Secret";
            literal.key = Some(key.clone());
        }
        Some(Open::List) => {
            // The items of a list belong to the key of the list.
            literal.key = within.checked_sub(2).and_then(|outer| key_of(&open[outer]));
        }
        None => {}
    }
    literal.is_opaque = opaque;
    for (depth, outer) in open.iter_mut().rev().enumerate() {
        let Open::Object { key: Some(key), data, values, .. } = outer else { continue };
        match key.as_ref() {
            "data" | "stringData" if depth > 0 => data.push(index),
            "value" => values.push(index),
            _ => {}
        }
    }
}

fn key_of<'a>(open: &Open<'a>) -> Option<Cow<'a, str>> {
    match open {
        Open::Object { key, .. } => key.clone(),
        Open::List => None,
    }
}

/// True in `contents[].parts[].inlineData.data` and `contents[].parts[].thoughtSignature`, and nowhere else: what a tool
/// returned may use the same keys deeper down.
fn is_opaque(open: &[Open<'_>]) -> bool {
    /// No path to such a place is longer.
    const LONGEST: usize = 6;
    let mut path = [""; LONGEST];
    let Some(path) = path.get_mut(..open.len()) else { return false };
    for (step, open) in path.iter_mut().zip(open) {
        *step = match open {
            Open::List => "[]",
            Open::Object { key, .. } => key.as_deref().unwrap_or_default(),
        };
    }
    let parts = match &*path {
        ["contents", "[]", "parts", "[]", rest @ ..] => rest,
        ["systemInstruction" | "system_instruction", "parts", "[]", rest @ ..] => rest,
        _ => return false,
    };
    matches!(parts, ["inlineData" | "inline_data", "data"] | ["thoughtSignature" | "thought_signature"])
}
