//! Recorded answers of the live service decode to the same events however they are cut, and to what they say.

use std::ops::ControlFlow;

use aiops::adapters::gemini::decode::{Answer, Ending};
use aiops::adapters::gemini::frames::Frames;
use aiops::domain::chat::{FinishReason, Usage};
use aiops::engine::ports::ModelEvent;
use proptest::prelude::*;
use serde_json::Value;

use crate::gemini;

/// Part of a recorded answer of the live service; see `fixtures/README.md`.
const EXCERPT: &str = include_str!("fixtures/stream.json");

/// What came out of a stream. Neighbouring pieces of text are one: how they are parted says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
struct Decoded {
    text: String,
    thoughts: String,
    usage: Vec<Usage>,
    ending: Option<Ending>,
    model: String,
    error: Option<String>,
}

fn decoded<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Decoded {
    let (mut frames, mut answer, mut events) = (Frames::default(), Answer::default(), Vec::new());
    let mut error = None;
    let mut sink = |value: &[u8]| match answer.take(value, &mut events) {
        Ok(()) => ControlFlow::Continue(()),
        Err(failure) => ControlFlow::Break(failure.error.to_string()),
    };
    for piece in pieces {
        if let ControlFlow::Break(why) = frames.push(piece, &mut sink).unwrap() {
            error = Some(why);
            break;
        }
    }
    if error.is_none()
        && let ControlFlow::Break(why) = frames.finish(&mut sink).unwrap()
    {
        error = Some(why);
    }
    let mut decoded = Decoded { model: answer.model().to_owned(), error, ..Decoded::default() };
    match answer.end() {
        Ok(ending) => decoded.ending = Some(ending),
        Err(failure) => decoded.error = decoded.error.or(Some(failure.error.to_string())),
    }
    for event in events {
        match event {
            ModelEvent::Text(text) => decoded.text.push_str(&text),
            ModelEvent::Thought(text) => decoded.thoughts.push_str(&text),
            ModelEvent::Usage(usage) => decoded.usage.push(usage),
            other => panic!("{other:?} is not for a decoder to say"),
        }
    }
    decoded
}

/// An answer as it may be sent.
fn forms(chunks: &[Value]) -> Vec<(&'static str, String)> {
    let events = |end: &str| chunks.iter().map(|chunk| format!("data: {chunk}{end}{end}")).collect::<String>();
    let lines = |chunk: &Value| format!("{chunk:#}").lines().map(|line| format!("data: {line}\n")).collect::<String>();
    vec![
        ("CRLF", events("\r\n")),
        ("LF", events("\n")),
        ("CR", events("\r")),
        ("comments", chunks.iter().map(|chunk| format!(": ping\r\n\r\nid: 7\r\ndata:{chunk}\r\n\r\n")).collect()),
        ("many lines", chunks.iter().map(|chunk| format!("{}\n", lines(chunk))).collect()),
        ("list", format!("{:#}", Value::from(chunks.to_vec()))),
        (
            "list with CRLF",
            format!("[{}]", chunks.iter().map(|c| format!("{c:#}")).collect::<Vec<_>>().join("\r\n,\r\n")),
        ),
    ]
}

/// Every recorded answer of this machine, by name, and the excerpt.
fn answers() -> Vec<(String, Vec<Value>)> {
    let excerpt: Vec<Value> = serde_json::from_str(EXCERPT).unwrap();
    let mut answers = vec![("excerpt".to_owned(), excerpt)];
    let Some(place) = gemini() else { return answers };
    for entry in std::fs::read_dir(place.join("recordings")).unwrap() {
        let path = entry.unwrap().path();
        let recorded: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for interaction in recorded["interactions"].as_array().unwrap() {
            // One recorded answer has no body at all.
            let chunks = interaction["response"]["bodySegments"].as_array().cloned().unwrap_or_default();
            let url = interaction["request"]["url"].as_str().unwrap();
            if url.contains("enerateContent") {
                answers.push((path.file_stem().unwrap().to_string_lossy().into_owned(), chunks));
            }
        }
    }
    answers
}

/// What the chunks say, read without the decoder.
fn expected(chunks: &[Value]) -> (String, Option<Usage>, Option<String>) {
    let parts = |chunk: &Value| chunk["candidates"][0]["content"]["parts"].as_array().cloned().unwrap_or_default();
    let text = chunks.iter().flat_map(parts).filter_map(|part| part["text"].as_str().map(str::to_owned)).collect();
    let usage = chunks.iter().rev().find_map(|chunk| chunk["usageMetadata"].as_object().cloned()).map(|usage| {
        let count = |name: &str| usage.get(name).and_then(Value::as_u64).unwrap_or(0);
        Usage {
            prompt: count("promptTokenCount"),
            cached: count("cachedContentTokenCount"),
            output: count("candidatesTokenCount"),
            thoughts: count("thoughtsTokenCount"),
        }
    });
    let finish = chunks.iter().rev().find_map(|chunk| chunk["candidates"][0]["finishReason"].as_str());
    (text, usage, finish.map(str::to_owned))
}

#[test]
fn recorded_answers_say_what_they_say_in_every_form() {
    for (name, chunks) in answers() {
        let (text, usage, finish) = expected(&chunks);
        let calls = chunks.iter().any(|chunk| chunk.to_string().contains("\"functionCall\""));
        for (form, stream) in forms(&chunks) {
            let found = decoded([stream.as_bytes()]);
            assert_eq!((&found.text, found.usage.last().copied()), (&text, usage), "{name} as {form}");
            let reason = match finish.as_deref() {
                Some("STOP") if calls => Some(FinishReason::Malformed("UNEXPECTED_TOOL_CALL".to_owned())),
                Some("STOP") => Some(FinishReason::Stop),
                Some("MAX_TOKENS") => Some(FinishReason::Length),
                Some(other) => panic!("{name} ends for {other}"),
                None => None,
            };
            assert_eq!(found.ending, reason.clone().map(Ending::Done), "{name} as {form}");
            assert_eq!(found.error.is_none(), reason.is_some(), "{name} as {form}: {:?}", found.error);
        }
    }
}

#[test]
fn cuts_never_matter() {
    for (name, chunks) in answers() {
        for (form, stream) in forms(&chunks) {
            let bytes = stream.as_bytes();
            let whole = decoded([bytes]);
            assert_eq!(decoded(bytes.chunks(1)), whole, "{name} as {form}, byte by byte");
            // Every cut of what is streamed; of the single objects, which are large, every seventh.
            let step = if chunks.len() > 1 { 1 } else { 7 };
            for cut in (0..=bytes.len()).step_by(step) {
                assert_eq!(decoded([&bytes[..cut], &bytes[cut..]]), whole, "{name} as {form}, cut at {cut}");
            }
        }
    }
}

#[test]
fn an_answer_that_is_cut_short_is_never_taken_for_a_whole_one() {
    let chunks: Vec<Value> = serde_json::from_str(EXCERPT).unwrap();
    let stream = &forms(&chunks)[0].1;
    let whole = decoded([stream.as_bytes()]);
    let last = stream.trim_end().len();
    for end in 0..last {
        let found = decoded([&stream.as_bytes()[..end]]);
        assert!(found.error.is_some() && found.ending.is_none(), "cut short at {end} of {last}");
        assert!(whole.text.starts_with(&found.text));
    }
    assert_eq!(decoded([&stream.as_bytes()[..last]]), whole, "the blank line behind the last event adds nothing");
}

proptest! {
    #[test]
    fn random_cuts_never_matter(
        form in any::<prop::sample::Index>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let chunks: Vec<Value> = serde_json::from_str(EXCERPT).unwrap();
        let forms = forms(&chunks);
        let bytes = form.get(&forms).1.as_bytes();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
        prop_assert_eq!(decoded(pieces), decoded([bytes]));
    }

    #[test]
    fn any_bytes_end_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..400), size in 1_usize..50) {
        let (mut frames, mut answer, mut events) = (Frames::default(), Answer::default(), Vec::new());
        let mut sink = |value: &[u8]| match answer.take(value, &mut events) {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => ControlFlow::Break(failure),
        };
        let ended = bytes.chunks(size).try_for_each(|piece| match frames.push(piece, &mut sink) {
            Ok(ControlFlow::Continue(())) => Ok(()),
            _ => Err(()),
        });
        if ended.is_ok() {
            prop_assert!(frames.finish(&mut sink).is_err() || answer.end().is_err());
        }
    }
}
