//! How many secrets are found, how much is found that is none, and that nothing which may not leave does.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod by_hand;
mod clean;
mod draw;
mod in_words;
mod names;
mod operations;
mod properties;
mod vendors;
mod worded;

use aiops::domain::redact::{Names, Pseudonyms, redact_text};
use draw::Draw;

/// Lines that stand around a sample, as a log, a chat or a document would.
const SURROUNDINGS: [(&str, &str); 5] = [
    ("", ""),
    ("Jan 12 03:04:05 web-01 app[812]: starting\n", "\nJan 12 03:04:06 web-01 app[812]: ready\n"),
    ("# Runbook\n\nFirst look at the pods.\n\n```sh\n", "\n```\n\nThen wait.\n"),
    ("alice: see this\n> ", "\nbob: thanks\n"),
    ("{\"unrelated\": true}\n", "\n---\nnext: document\n"),
];

fn around(text: &str, d: &mut Draw) -> String {
    let (before, after) = SURROUNDINGS[d.below(SURROUNDINGS.len())];
    format!("{before}{text}{after}")
}

/// True when nothing of `secret` can be read in `text`: no eight bytes of it, or all of a shorter one.
fn is_gone(text: &str, secret: &str) -> bool {
    let window = secret.len().min(8);
    secret.as_bytes().windows(window).all(|piece| memchr::memmem::find(text.as_bytes(), piece).is_none())
}

fn redacted(text: &str) -> (String, String) {
    let kept = redact_text(text, Names::Keep).text;
    let replaced = redact_text(text, Names::Replace(&mut Pseudonyms::new([9; 32]))).text;
    (kept, replaced)
}

#[test]
fn secrets_of_operations_are_found() {
    let mut d = Draw::new(20_261_122);
    let (mut all, mut found) = (0_usize, 0_usize);
    let mut missed = Vec::new();
    println!("secrets of operations, found of 25 each:");
    for (kind, make) in operations::KINDS {
        let mut of_kind = 0;
        for _ in 0..25 {
            let sample = make(&mut d);
            let text = around(&sample.text, &mut d);
            let (kept, replaced) = redacted(&text);
            if is_gone(&kept, &sample.secret) && is_gone(&replaced, &sample.secret) {
                of_kind += 1;
            } else {
                missed.push(format!(
                    "{kind}: {}\n   became {}",
                    sample.text,
                    redact_text(&sample.text, Names::Keep).text
                ));
            }
        }
        println!("  {kind:24} {of_kind}");
        all += 25;
        found += of_kind;
    }
    println!("recall on secrets of operations: {found} of {all}");
    assert!(found >= operations::FOUND_AT_LEAST, "{found} of {all}\n{}", missed.join("\n"));
}

#[test]
fn keys_in_the_formats_of_vendors_are_found() {
    let mut d = Draw::new(7);
    let (mut all, mut found) = (0_usize, 0_usize);
    let mut missed = Vec::new();
    for (name, template) in vendors::FORMATS {
        for _ in 0..20 {
            let (key, longest) = vendors::key(template, &mut d);
            let text = around(&vendors::place(&key, &mut d), &mut d);
            let (kept, _) = redacted(&text);
            all += 1;
            if is_gone(&kept, &longest) {
                found += 1;
            } else {
                missed.push(format!("{name}: {text}\n   became {kept}"));
            }
        }
    }
    println!("recall on the formats of {} vendors: {found} of {all}", vendors::FORMATS.len());
    assert!(found * 1000 >= all * 995, "{found} of {all}\n{}", missed.join("\n"));
}

/// How many of `cases` are found, and what became of the others.
fn found_of(cases: &[by_hand::Case]) -> (usize, String) {
    let mut missed = Vec::new();
    for (name, secrets, text) in cases {
        assert!(secrets.iter().all(|secret| text.contains(secret)), "{name} lacks what it is about");
        let (kept, replaced) = redacted(text);
        if !secrets.iter().all(|secret| is_gone(&kept, secret) && is_gone(&replaced, secret)) {
            missed.push(format!("{name}: {text}\n   became {kept}"));
        }
    }
    (cases.len() - missed.len(), missed.join("\n"))
}

#[test]
fn secrets_that_were_written_down_by_hand_are_found() {
    let (found, missed) = found_of(&by_hand::CASES);
    println!("recall on texts written down by hand: {found} of {}\n{missed}", by_hand::CASES.len());
    assert!(found >= by_hand::FOUND_AT_LEAST, "{found}\n{missed}");
    let (found, missed) = found_of(&by_hand::LATER);
    println!("recall on those written down later: {found} of {}\n{missed}", by_hand::LATER.len());
    assert!(found >= by_hand::LATER_AT_LEAST, "{found}\n{missed}");
}

#[test]
fn secrets_that_stand_in_words_are_found() {
    let (found, missed) = found_of(&in_words::CASES);
    let all = in_words::CASES.len();
    println!("recall on secrets in words: {found} of {all}, at first {}\n{missed}", in_words::FIRST_TRY);
    assert!(found >= in_words::FOUND_AT_LEAST, "{found}\n{missed}");
    let (found, missed) = found_of(&in_words::AFTERWARDS);
    println!("recall on those written down afterwards: {found} of {}\n{missed}", in_words::AFTERWARDS.len());
    assert!(found >= in_words::AFTERWARDS_AT_LEAST, "{found}\n{missed}");
}

#[test]
fn sentences_with_the_same_words_stay() {
    let changed = changed_of(&in_words::SENTENCES);
    let (all, wrong, first) = (in_words::SENTENCES.len(), changed.len(), in_words::SENTENCES_CHANGED_AT_FIRST);
    println!("false positives on sentences: {wrong} of {all}, at first {first}\n{}", changed.join("\n"));
    assert!(wrong <= first, "{wrong} of {all}\n{}", changed.join("\n"));
}

/// What became of those of `texts` that did not stay as they are.
fn changed_of(texts: &[&str]) -> Vec<String> {
    let now = |text: &&str| {
        let kept = redact_text(text, Names::Keep).text;
        (kept != **text).then(|| format!("{text}\n   became {kept}"))
    };
    texts.iter().filter_map(now).collect()
}

#[test]
fn clean_lines_that_were_written_down_by_hand_stay() {
    let changed = changed_of(&by_hand::CLEAN);
    let (all, wrong) = (by_hand::CLEAN.len(), changed.len());
    println!("false positives on clean lines written down by hand: {wrong} of {all}\n{}", changed.join("\n"));
    assert_eq!(wrong, 0, "of {all}\n{}", changed.join("\n"));
}
