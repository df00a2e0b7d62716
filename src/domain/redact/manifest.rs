//! Kubernetes manifests of kind Secret: everything under `data` and `stringData` is secret, whatever it looks like.
//!
//! Owns: finding these values in YAML and in JSON text. Does not: parse YAML; indentation is enough.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem;
use regex::Regex;

use super::Kind;
use super::detect::{Found, RANK_STRUCTURE, floor_boundary};
use super::value::is_placeholder;

/// What a manifest of this kind says of itself, lower case.
pub(super) const KEYWORDS: [&str; 4] =
    ["kind: secret", "kind: \"secret\"", "\"kind\":\"secret\"", "\"kind\": \"secret\""];

/// Of a document around the keyword, so many bytes are looked at in each direction.
const AROUND: usize = 64 * 1024;

static JSON_DATA: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#""(?:data|stringData)"\s*:\s*\{([^{}]*)\}"#).ok());
static JSON_VALUE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#":\s*"((?:[^"\\]|\\.)+)""#).ok());

/// Adds the values of the manifests at whose `kind` the keywords at `hits` stand; `hits` are in order.
///
/// What surrounds several of them is looked at once, so that a list of a thousand takes no longer for each byte than one.
pub(super) fn find(text: &str, hits: &[usize], found: &mut Vec<Found>) {
    let (mut inline, mut blocks): (Vec<Range<usize>>, Vec<Range<usize>>) = (Vec::new(), Vec::new());
    let mut breaks: Option<Vec<usize>> = None;
    for hit in hits {
        let lowest = floor_boundary(text, hit.saturating_sub(AROUND));
        let highest = floor_boundary(text, hit.saturating_add(AROUND));
        if text[*hit..].starts_with('"') {
            widen(&mut inline, lowest..highest);
        } else if is_secret(&text[*hit..highest]) {
            let breaks = breaks.get_or_insert_with(|| memmem::find_iter(text.as_bytes(), "\n---").collect());
            let next = breaks.partition_point(|place| place < hit);
            let start = next.checked_sub(1).map_or(0, |index| breaks[index] + 1);
            let end = breaks.get(next).copied().unwrap_or(text.len());
            widen(&mut blocks, lowest.max(start)..highest.min(end));
        }
    }
    inline.into_iter().for_each(|part| json(text, part.start, part.end, found));
    blocks.into_iter().for_each(|part| yaml(text, part.start, part.end, found));
}

/// `SecretList`, `SecretStore` and the like hold no values themselves.
fn is_secret(from_kind: &str) -> bool {
    let line = from_kind.lines().next().unwrap_or_default();
    line.trim_end().trim_end_matches('"').to_ascii_lowercase().ends_with("secret")
}

/// Adds `part` to `parts`, joined with the last one where they overlap.
fn widen(parts: &mut Vec<Range<usize>>, part: Range<usize>) {
    match parts.last_mut() {
        Some(last) if part.start < last.end => last.end = last.end.max(part.end),
        Some(_) | None => parts.push(part),
    }
}

fn push(text: &str, start: usize, end: usize, found: &mut Vec<Found>) {
    let value = text[start..end].trim();
    if value.is_empty() || is_placeholder(value) && value.starts_with(['<', '$', '{', '*']) {
        return;
    }
    let lead = text[start..end].len() - text[start..end].trim_start().len();
    let span = start + lead..start + lead + value.len();
    found.push(Found { rule: "kubernetes-secret", kind: Kind::SecretData, span, rank: RANK_STRUCTURE });
}

fn json(text: &str, lowest: usize, highest: usize, found: &mut Vec<Found>) {
    let (Some(data), Some(value)) = (&*JSON_DATA, &*JSON_VALUE) else { return };
    for block in data.captures_iter(&text[lowest..highest]).filter_map(|captures| captures.get(1)) {
        for inner in value.captures_iter(block.as_str()).filter_map(|captures| captures.get(1)) {
            let start = lowest + block.start() + inner.start();
            push(text, start, start + inner.len(), found);
        }
    }
}

fn yaml(text: &str, start: usize, end: usize, found: &mut Vec<Found>) {
    // The indentation of `data:`, while inside it.
    let mut within: Option<usize> = None;
    let mut place = start;
    for line in text[start..end].split_inclusive('\n') {
        let here = place;
        place += line.len();
        let body = line.trim_end();
        let indent = body.len() - body.trim_start().len();
        let content = body.trim_start();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        if within.is_some_and(|outer| indent <= outer) {
            within = None;
        }
        if within.is_none() {
            within = matches!(content, "data:" | "stringData:").then_some(indent);
            continue;
        }
        let value = match content.split_once(": ") {
            Some((key, value)) if key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.\"'".contains(&b)) => value,
            // `key: |` and `key:` announce lines that follow.
            _ if content.ends_with(':') => continue,
            Some(_) | None => content,
        };
        if !matches!(value, "|" | ">" | "|-" | ">-" | "|+") {
            push(text, here + body.len() - value.len(), here + body.len(), found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::detect::secrets;

    fn found(text: &str) -> Vec<&str> {
        secrets(text, 0).into_iter().filter(|f| f.rule == "kubernetes-secret").map(|f| &text[f.span]).collect()
    }

    #[test]
    fn yaml_of_a_secret_loses_its_values_before_and_after_its_kind() {
        let text = "apiVersion: v1\ndata:\n  user: YWRtaW4=\n  blob: |\n    AAAA\nkind: Secret\nmetadata:\n  name: x\nstringData:\n  a.b: plain words\n---\nkind: ConfigMap\ndata:\n  k: v\n";
        assert_eq!(found(text), ["YWRtaW4=", "AAAA", "plain words"]);
        assert_eq!(found("kind: SecretStore\ndata:\n  k: v\n"), Vec::<&str>::new());
    }

    #[test]
    fn json_of_a_secret_loses_its_values() {
        let text =
            r#"{"apiVersion":"v1","data":{"user":"YWRtaW4=","b":"eHk="},"kind":"Secret","metadata":{"name":"x"}}"#;
        assert_eq!(found(text), ["YWRtaW4=", "eHk="]);
    }
}
