//! Reads the sources and fails on what the architecture forbids: imports against the direction of the layers, adapters
//! named outside the wiring, impure calls in `domain`, files that are too long or say nothing about themselves, and
//! work that was put off.
//!
//! Owns: the rules, as tables. Code that is only compiled for tests may import what it likes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "architecture/dependencies.rs"]
mod dependencies;
#[path = "architecture/paths.rs"]
mod paths;
#[path = "architecture/text.rs"]
mod text;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use paths::paths_in;
use text::{code_of, test_modules_of, without_tests};

/// A file may not be longer; in lines.
const LONGEST_FILE: usize = 800;

/// Which layer may import which: `module` a whole one, `module::part` only that part.
const LAYERS: [(&str, &[&str]); 11] = [
    ("domain", &["domain"]),
    ("failpoint", &["failpoint"]),
    ("store", &["store", "domain", "failpoint"]),
    ("engine", &["engine", "store", "domain", "failpoint"]),
    ("config", &["config", "domain"]),
    ("logging", &["logging"]),
    ("adapters", &["adapters", "engine::ports", "engine::outbound", "config", "domain", "failpoint"]),
    ("tui", &["tui", "engine", "domain"]),
    ("api", &["api", "engine", "domain"]),
    ("cli", &["cli", "config", "engine", "store", "domain"]),
    ("demo", &["demo", "config", "tui", "engine", "store", "domain"]),
];

/// Modules that put the program together: the only ones that may name everything.
const WIRING: [&str; 3] = ["lib", "main", "app"];

/// The crates that `domain` may use: pure computation and data, all of them.
const DOMAIN_CRATES: [&str; 13] = [
    "aho_corasick",
    "base64",
    "jiff",
    "memchr",
    "pulldown_cmark",
    "regex",
    "serde",
    "serde_json",
    "sha2",
    "thiserror",
    "toml",
    "unicode_segmentation",
    "unicode_width",
];

/// The crates that only one layer may use, and which.
const OWNED_CRATES: [(&str, &[&str]); 12] = [
    ("axum", &["api", "demo"]),
    ("clap", &["cli"]),
    ("crossterm", &["tui"]),
    ("hyper", &["api"]),
    ("hyper_util", &["api"]),
    // Signals and terminals, owners of files, locks: below what the standard library has.
    ("nix", &["adapters", "config", "demo", "engine", "failpoint", "store", "tui"]),
    ("ratatui", &["tui"]),
    ("rcgen", &["demo"]),
    // The configuration only reads URLs with it, by the rules of the client that will use them.
    ("reqwest", &["adapters", "config"]),
    ("rusqlite", &["store"]),
    ("rusqlite_migration", &["store"]),
    ("yasna", &["demo"]),
];

/// What of the standard library `domain` may not touch.
const DOMAIN_STD: [&str; 7] = ["fs", "env", "net", "process", "thread", "io", "os"];

/// Names that read a clock.
const CLOCKS: [&str; 2] = ["SystemTime", "Instant"];

/// What only these files may name. It is public because tests of the runner, which are programs of their own, need grants.
const ONLY_IN: [(&str, &[&str]); 1] = [("decide_start", &["domain/action/grant.rs", "store/proposals.rs"])];

/// Where colours and attributes are made: by themes, and by what turns cells into bytes.
const STYLE_MAKERS: [&str; 2] = ["tui/theme", "tui/encoder"];

/// What makes or changes a style, besides the types that [`made_style`] looks for.
const STYLE_CALLS: [&str; 5] = ["Style::new(", "Style::default(", ".add_modifier(", ".fg(", ".bg("];

/// What may stand nowhere, not even in a comment. Spelled so that this file may stand here.
const PUT_OFF: [&str; 5] = [
    concat!("to", "do!"),
    concat!("unimple", "mented!"),
    concat!("FIX", "ME"),
    concat!("TO", "DO"),
    concat!("#[ign", "ore"),
];

/// Where things are shown that are over: code that has no way to act, not even through something that has.
const CANNOT_ACT: [&str; 2] = ["tui/replay", "domain/journal"];

/// What acts, or leads to what does.
const ACTING: [&str; 12] = [
    "Backend",
    "LocalBackend",
    "Runner",
    "ActionRunner",
    "ProcessRunner",
    "Store",
    "Effect",
    "Grant",
    "TerminalLender",
    "spawn",
    "Connection",
    "UnixStream",
];

/// Complains when what cannot act names something that can, or a layer in which that is.
fn acts(path: &Path, code: &str, module: &[String]) -> Vec<String> {
    if !CANNOT_ACT.iter().any(|place| path.with_extension("").starts_with(place)) {
        return Vec::new();
    }
    let words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
    let named =
        words.filter(|word| ACTING.contains(word)).map(|word| format!("it must not act, and so not name {word}"));
    let layers = paths_in(code).into_iter().filter_map(|(line, words)| {
        let texts: Vec<&str> = words.iter().map(String::as_str).collect();
        let target = absolute(module, &words);
        let layer = target.as_ref().and_then(|target| target.first()).map(String::as_str);
        let reaches = matches!(layer, Some("engine" | "store" | "adapters" | "app" | "demo"))
            || matches!(texts.as_slice(), ["std", "process" | "fs" | "net", ..]);
        reaches.then(|| format!("line {line}: it must not act, and so not reach {}", texts.join("::")))
    });
    named.chain(layers).collect()
}

/// Everything that is wrong in one file of `src`.
fn violations(path: &Path, source: &str, crates: &[String]) -> Vec<String> {
    let module = module_of(path);
    let code = without_tests(&code_of(source));
    let layer = module.first().map_or("lib", String::as_str);
    let mut found = Vec::new();
    if !WIRING.contains(&layer) {
        match LAYERS.iter().find(|(name, _)| *name == layer) {
            None => found.push(format!("the layer {layer} has no rule: add it to LAYERS")),
            Some((_, allowed)) => {
                for (line, words) in paths_in(&code) {
                    let problem = forbidden_layer(layer, allowed, &module, &words)
                        .or_else(|| forbidden_crate(layer, &words, crates))
                        .or_else(|| (layer == "domain").then(|| impure(&words)).flatten())
                        .or_else(|| made_style(path, &words));
                    found.extend(problem.map(|problem| format!("line {line}: {problem}")));
                }
            }
        }
    }
    if !makes_styles(path) {
        let calls = STYLE_CALLS.iter().filter(|call| code.contains(**call));
        found.extend(calls.map(|call| format!("styles come from tui/theme.rs, not from {call}")));
    }
    for (name, files) in ONLY_IN {
        let allowed = files.iter().any(|file| path == Path::new(file));
        if !allowed && code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name) {
            found.push(format!("only {} may name {name}", files.join(" and ")));
        }
    }
    found.extend(acts(path, &code, &module));
    found.extend(form(source));
    found
}

/// What is wrong with any file, whichever layer it belongs to.
fn form(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !source.starts_with("//!") {
        found.push("it does not begin with a //! comment that says what it owns".to_owned());
    }
    let length = source.lines().count();
    if length > LONGEST_FILE {
        found.push(format!("it has {length} lines, more than {LONGEST_FILE}"));
    }
    for (number, line) in source.lines().enumerate() {
        found.extend(
            PUT_OFF
                .iter()
                .filter(|word| line.contains(**word))
                .map(|word| format!("line {}: {word} is work that was put off", number + 1)),
        );
    }
    found
}

/// The module path of a file below `src`: empty for `lib.rs`.
fn module_of(path: &Path) -> Vec<String> {
    let mut words: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let file = words.pop().unwrap_or_default();
    let stem = file.trim_end_matches(".rs");
    if stem != "mod" && !(words.is_empty() && stem == "lib") {
        words.push(stem.to_owned());
    }
    words
}

/// Complains when `words` lead out of `layer` to where it must not look.
fn forbidden_layer(layer: &str, allowed: &[&str], module: &[String], words: &[String]) -> Option<String> {
    let target = absolute(module, words)?;
    let first = target.first()?;
    let known = LAYERS.iter().any(|(name, _)| name == first);
    let fits = allowed.iter().any(|rule| {
        let mut parts = rule.split("::");
        parts.next() == Some(first.as_str()) && parts.next().is_none_or(|part| target.get(1).is_some_and(|p| p == part))
    });
    (known && !fits).then(|| format!("{layer} must not import {}", target.join("::")))
}

/// The path from the crate's root that `words` mean in `module`; `None` when they mean something outside the crate or below.
fn absolute(module: &[String], words: &[String]) -> Option<Vec<String>> {
    let first = words.first()?.as_str();
    if matches!(first, "crate" | "aiops") {
        return Some(words[1..].to_vec());
    }
    let up = words.iter().take_while(|word| *word == "super").count();
    let base = module.len().checked_sub(up).filter(|_| up > 0)?;
    Some([&module[..base], &words[up..]].concat())
}

/// Complains when `words` begin with a crate that `layer` may not use.
fn forbidden_crate(layer: &str, words: &[String], crates: &[String]) -> Option<String> {
    let name = words.first().filter(|name| crates.contains(name))?;
    if layer == "domain" && !DOMAIN_CRATES.contains(&name.as_str()) {
        return Some(format!("domain must not use the crate {name}"));
    }
    let (_, owners) = OWNED_CRATES.iter().find(|(owned, _)| owned == name)?;
    let owned = owners.contains(&layer);
    (!owned).then(|| format!("{layer} must not use the crate {name}, which belongs to {}", owners.join(", ")))
}

/// Complains when `words` reach for a file, a clock, a thread or anything else outside.
fn impure(words: &[String]) -> Option<String> {
    let texts: Vec<&str> = words.iter().map(String::as_str).collect();
    let reaches_out = match texts.as_slice() {
        ["std", part, ..] => DOMAIN_STD.contains(part),
        _ => false,
    };
    let clock = texts.iter().any(|word| CLOCKS.contains(word)) || (texts.len() > 1 && texts.last() == Some(&"now"));
    (reaches_out || clock).then(|| format!("domain is pure and must not use {}", texts.join("::")))
}

/// Whether styles may be made in the file at `path`.
fn makes_styles(path: &Path) -> bool {
    STYLE_MAKERS.iter().any(|maker| path.with_extension("").starts_with(maker))
}

/// Complains when `words` reach for what styles are made of.
fn made_style(path: &Path, words: &[String]) -> Option<String> {
    let texts: Vec<&str> = words.iter().map(String::as_str).collect();
    let reaches = match texts.as_slice() {
        ["ratatui", "style", name, ..] => *name != "Style",
        ["ratatui", "prelude", ..] => true,
        _ => false,
    };
    (reaches && !makes_styles(path)).then(|| format!("styles come from tui/theme.rs, not from {}", texts.join("::")))
}

/// Every `.rs` file below `directory`, relative to it, sorted.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_path_buf()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path.strip_prefix(directory).unwrap().to_path_buf());
            }
        }
    }
    found.sort();
    found
}

/// Names of the crates that this package depends on, as they stand in code.
fn dependencies(manifest: &str) -> Vec<String> {
    let manifest: toml::Table = manifest.parse().unwrap();
    let names = |section: &str| -> Vec<String> {
        let table = manifest.get(section).and_then(toml::Value::as_table);
        table.map(|table| table.keys().map(|name| name.replace('-', "_")).collect()).unwrap_or_default()
    };
    [names("dependencies"), names("dev-dependencies")].concat()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_sources_keep_to_the_architecture() {
    let src = root().join("src");
    let crates = dependencies(&fs::read_to_string(root().join("Cargo.toml")).unwrap());
    let files = sources(&src);
    let read = |path: &PathBuf| fs::read_to_string(src.join(path)).unwrap();
    let tests: BTreeSet<PathBuf> = files.iter().flat_map(|path| test_modules_of(path, &read(path))).collect();
    let is_test =
        |path: &Path| path.ancestors().any(|part| tests.contains(part) || tests.contains(&part.with_extension("")));
    let mut found = Vec::new();
    for path in &files {
        let problems = if is_test(path) { form(&read(path)) } else { violations(path, &read(path), &crates) };
        found.extend(problems.into_iter().map(|problem| format!("src/{}: {problem}", path.display())));
    }
    assert!(files.len() > 20, "the sources were not found");
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn tests_and_benches_are_well_formed() {
    let mut found = Vec::new();
    for directory in ["tests", "benches"].map(|name| root().join(name)) {
        if !directory.is_dir() {
            continue;
        }
        for path in sources(&directory) {
            let problems = form(&fs::read_to_string(directory.join(&path)).unwrap());
            found.extend(problems.into_iter().map(|problem| format!("{}: {problem}", path.display())));
        }
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// Folders of this package that pages for people name.
const FOLDERS: [&str; 7] = ["src/", "tests/", "benches/", "assets/", "sops/", "themes/", "docs/"];

/// Every path of this package that a page names in code marks (`` `src/domain` ``).
fn paths_named(page: &str) -> Vec<&str> {
    let marked = page.split('`').skip(1).step_by(2);
    marked.filter(|words| FOLDERS.iter().any(|folder| words.starts_with(folder)) && !words.contains(' ')).collect()
}

#[test]
fn the_paths_that_pages_for_people_name_are_there() {
    let mut checked = 0;
    for page in ["ARCHITECTURE.md", "README.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        for path in paths_named(&text) {
            assert!(root().join(path).exists(), "{page} names {path}, which is not there");
            checked += 1;
        }
    }
    assert!(checked > 10, "the paths were not found");
    assert_eq!(paths_named("`src/a.rs`, src/b.rs, `x` and `sops/`; `src/c d`"), ["src/a.rs", "sops/"]);
}

/// A file that breaks a rule: its path, its text below the opening comment, a part of what is said about it.
const BAD: [(&str, &str, &str); 34] = [
    (
        "tui/replay/a.rs",
        "use crate::engine::backend::SnapshotQuery;",
        "not reach crate::engine::backend::SnapshotQuery",
    ),
    ("tui/replay.rs", "fn f(b: &dyn Backend) {}", "not name Backend"),
    ("tui/replay/a.rs", "use super::super::msg::Effect;", "not name Effect"),
    ("tui/replay/a.rs", "fn f() { std::process::Command::new(\"x\"); }", "not reach std::process::Command::new"),
    ("domain/journal/tape.rs", "fn f(g: Grant) {}", "not name Grant"),
    ("tui/draw/a.rs", "use ratatui::style::{Modifier, Style};", "not from ratatui::style::Modifier"),
    ("tui/look.rs", "use ratatui::prelude::*;", "not from ratatui::prelude"),
    ("tui/theme_of.rs", "fn f() -> S { ratatui::style::Color::Red }", "not from ratatui::style::Color"),
    ("tui/a.rs", "fn f(s: Style) -> Style { s.fg(c) }", "not from .fg("),
    ("domain/a.rs", "use crate::store::Store;", "domain must not import store::Store"),
    ("domain/a/b.rs", "use super::super::super::engine::ports;", "domain must not import engine::ports"),
    ("domain/a.rs", "use crate::{domain::b, engine::{ports}};", "domain must not import engine::ports"),
    ("domain/a.rs", "fn f() { crate::adapters::host::person(); }", "domain must not import adapters::host"),
    ("domain/a.rs", "use tokio::sync::watch;", "domain must not use the crate tokio"),
    ("domain/a.rs", "pub use ::rusqlite as db;", "domain must not use the crate rusqlite"),
    ("domain/a.rs", "fn f() { std::fs::read(\"x\"); }", "must not use std::fs::read"),
    ("domain/a.rs", "use std::{collections::BTreeMap, env};", "must not use std::env"),
    ("domain/a.rs", "use std::time::{Duration, Instant};", "must not use std::time::Instant"),
    ("domain/a.rs", "fn f() { jiff::Timestamp::now(); }", "must not use jiff::Timestamp::now"),
    ("domain/a.rs", "fn f() { std::thread::sleep(d); }", "must not use std::thread::sleep"),
    ("store/a.rs", "use crate::engine::ports::Clock;", "store must not import engine::ports::Clock"),
    ("engine/a.rs", "use crate::adapters::host;", "engine must not import adapters::host"),
    ("engine/a.rs", "use rusqlite::Connection;", "engine must not use the crate rusqlite, which belongs to store"),
    ("adapters/a.rs", "use crate::engine::backend::Backend;", "adapters must not import engine::backend"),
    ("adapters/a/mod.rs", "use super::super::store::view;", "adapters must not import store::view"),
    ("tui/a.rs", "use crate::store::view::Header;", "tui must not import store::view::Header"),
    ("api/mod.rs", "use crate::adapters::alertmanager::webhook;", "api must not import adapters::alertmanager"),
    ("cli/a.rs", "use crate::adapters::host::Host;", "cli must not import adapters::host::Host"),
    ("engine/a.rs", "use reqwest::Client;", "engine must not use the crate reqwest, which belongs to adapters, config"),
    ("api/a.rs", "use nix::unistd::Uid;", "api must not use the crate nix"),
    ("helpers/mod.rs", "", "the layer helpers has no rule"),
    ("engine/a.rs", "use crate::domain::action::grant::{Grant, decide_start};", "may name decide_start"),
    ("engine/a.rs", concat!("fn f() { to", "do!() }"), "put off"),
    ("engine/a.rs", concat!("// FIX", "ME later"), "put off"),
];

/// Files that keep to the rules although they look as if they did not.
const GOOD: [(&str, &str); 13] = [
    ("tui/draw/a.rs", "use ratatui::style::Style;\nfn f(c: &mut Cell, s: Style) { c.set_style(s); }"),
    ("tui/theme/a.rs", "use ratatui::style::{Color, Style};\nfn f() -> Style { Style::new().fg(Color::Red) }"),
    ("tui/encoder/pen.rs", "use ratatui::style::{Color, Modifier};"),
    ("domain/a.rs", "use super::id::SopId;\nuse crate::domain::{alert::Alert, time};\nuse serde::Serialize;"),
    (
        "domain/a.rs",
        "// use crate::store::Store;\n/* std::fs /* nested */ tokio::x */\nconst A: &str = \"tokio::spawn\";",
    ),
    (
        "domain/a.rs",
        "const A: &str = r#\"std::fs \"quoted\" \"#; const B: char = '\"'; fn f<'a>(x: &'a str) { std::mem::drop(x) }",
    ),
    ("domain/a.rs", "#[cfg(test)]\nmod tests { use std::fs; fn f() { crate::store::x(); } }\nfn f() {}"),
    ("domain/a.rs", "fn f(now: Timestamp) { let later = now.plus(d); }"),
    ("engine/a.rs", "use crate::store::view;\nuse super::ports::Clock;"),
    ("adapters/a/b.rs", "use crate::engine::ports::{Clock, SourceError};\nuse super::wire;"),
    ("lib.rs", "use crate::adapters::host::Host;"),
    ("app/wiring.rs", "use crate::adapters::host::Host;"),
    ("store/a.rs", "use rusqlite::Connection;"),
];

fn found_in(path: &str, text: &str) -> Vec<String> {
    let crates = ["tokio", "rusqlite", "serde", "jiff", "reqwest", "nix", "ratatui"].map(str::to_owned);
    violations(Path::new(path), &format!("//! A sample.\n{text}\n"), &crates)
}

#[test]
fn the_checker_finds_what_is_wrong() {
    for (path, text, expected) in BAD {
        let found = found_in(path, text);
        assert!(found.iter().any(|problem| problem.contains(expected)), "{path}: {text}: {found:?}");
    }
    let long = format!("//! A sample.\n{}", "\n".repeat(LONGEST_FILE));
    assert!(form(&long)[0].contains("lines, more than"));
    assert!(form("fn f() {}\n")[0].contains("does not begin"));
}

#[test]
fn the_checker_lets_pass_what_is_right() {
    for (path, text) in GOOD {
        assert_eq!(found_in(path, text), Vec::<String>::new(), "{path}: {text}");
    }
}

#[test]
fn lines_are_those_of_the_file() {
    let found = found_in("domain/a.rs", "/* one\ntwo */\nconst A: &str = \"x\ny\";\nuse std::fs;");
    assert_eq!(found, ["line 6: domain is pure and must not use std::fs"]);
}

#[test]
fn modules_that_are_only_compiled_for_tests_are_known_by_their_path() {
    let source = "//! é\n#[cfg(test)]\nmod tests;\n#[cfg(test)]\npub(crate) mod fakes;\nmod real;\n";
    let names = |path: &str| test_modules_of(Path::new(path), source);
    assert_eq!(names("store/mod.rs"), [PathBuf::from("store/tests"), PathBuf::from("store/fakes")]);
    assert_eq!(names("api/a.rs"), [PathBuf::from("api/a/tests"), PathBuf::from("api/a/fakes")]);
    assert_eq!(names("lib.rs"), [PathBuf::from("tests"), PathBuf::from("fakes")]);
    let elsewhere = "#[cfg(test)]\n#[path = \"a_tests.rs\"]\nmod tests;\n";
    assert_eq!(test_modules_of(Path::new("api/a.rs"), elsewhere), [PathBuf::from("api/a_tests")]);
}
