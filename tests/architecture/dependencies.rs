//! Checks the tree of dependencies against `deny.toml` (licences, bans, sources) with nothing but cargo itself.
//!
//! Does not: look for advisories, which needs cargo-deny and a network.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What `deny.toml` allows.
struct Rules {
    licences: BTreeSet<String>,
    /// Further licences by crate.
    exceptions: BTreeMap<String, BTreeSet<String>>,
    banned: BTreeSet<String>,
    registries: BTreeSet<String>,
}

/// One crate of the tree.
struct Package {
    name: String,
    licence: Option<String>,
    /// `None` for this package itself.
    source: Option<String>,
}

fn texts(value: &toml::Value) -> BTreeSet<String> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

impl Rules {
    fn parse(text: &str) -> Self {
        let file: toml::Table = text.parse().unwrap();
        let crate_of = |entry: &toml::Value| entry["crate"].as_str().unwrap().to_owned();
        let entries = |value: &toml::Value| value.as_array().unwrap().clone();
        Self {
            licences: texts(&file["licenses"]["allow"]),
            exceptions: entries(&file["licenses"]["exceptions"])
                .iter()
                .map(|entry| (crate_of(entry), texts(&entry["allow"])))
                .collect(),
            banned: entries(&file["bans"]["deny"]).iter().map(crate_of).collect(),
            registries: texts(&file["sources"]["allow-registry"]),
        }
    }

    /// Everything that is wrong with `packages`, and every rule that none of them needs.
    fn check(&self, packages: &[Package]) -> Vec<String> {
        let mut found = Vec::new();
        let mut used: BTreeSet<String> = BTreeSet::new();
        for Package { name, licence, source } in packages {
            if self.banned.contains(name) {
                found.push(format!("{name} is banned"));
            }
            match source.as_deref().map(|source| source.strip_prefix("registry+")) {
                None => {}
                Some(Some(registry)) if self.registries.contains(registry) => {}
                Some(_) => found.push(format!("{name} comes from {}", source.as_deref().unwrap_or_default())),
            }
            let own = self.exceptions.get(name);
            let allowed = |one: &str| self.licences.contains(one) || own.is_some_and(|own| own.contains(one));
            match licence {
                None => found.push(format!("{name} names no licence")),
                Some(expression) if satisfied(expression, &allowed) => {
                    used.extend(licences_in(expression));
                }
                Some(expression) => found.push(format!("{name} is under {expression}, which is not allowed")),
            }
        }
        for (name, _) in self.exceptions.iter().filter(|(name, _)| !packages.iter().any(|one| one.name == **name)) {
            found.push(format!("the exception for {name} is not needed"));
        }
        found.extend(self.licences.difference(&used).map(|licence| format!("no crate is under {licence}")));
        found
    }
}

/// The words of an SPDX expression; `/` is the old way to write OR.
fn words_of(expression: &str) -> Vec<String> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    spaced.split_whitespace().map(str::to_owned).collect()
}

fn licences_in(expression: &str) -> impl Iterator<Item = String> {
    words_of(expression).into_iter().filter(|word| !["OR", "AND", "WITH", "(", ")"].contains(&word.as_str()))
}

/// Whether some choice that the SPDX `expression` leaves consists of allowed licences. What cannot be read is not.
///
/// A licence WITH an exception counts as one licence under its full name.
fn satisfied(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let words = words_of(expression);
    let mut at = 0;
    let result = any_of(&words, &mut at, allowed);
    at == words.len() && result == Some(true)
}

fn take(words: &[String], at: &mut usize, word: &str) -> bool {
    let found = words.get(*at).is_some_and(|next| next == word);
    *at += usize::from(found);
    found
}

fn any_of(words: &[String], at: &mut usize, allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let mut result = all_of(words, at, allowed)?;
    while take(words, at, "OR") {
        result |= all_of(words, at, allowed)?;
    }
    Some(result)
}

fn all_of(words: &[String], at: &mut usize, allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let mut result = one_of(words, at, allowed)?;
    while take(words, at, "AND") {
        result &= one_of(words, at, allowed)?;
    }
    Some(result)
}

fn one_of(words: &[String], at: &mut usize, allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    if take(words, at, "(") {
        let result = any_of(words, at, allowed)?;
        return take(words, at, ")").then_some(result);
    }
    let mut licence = words.get(*at)?.clone();
    *at += 1;
    if take(words, at, "WITH") {
        licence = format!("{licence} WITH {}", words.get(*at)?);
        *at += 1;
    }
    Some(allowed(&licence))
}

fn output_of(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{program} {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The crates that are built on this host, those for tests included.
fn packages() -> Vec<Package> {
    let version = output_of("rustc", &["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let words = ["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform", host];
    let metadata: Value = serde_json::from_str(&output_of(env!("CARGO"), &words)).unwrap();
    let built: BTreeSet<&str> =
        metadata["resolve"]["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap()).collect();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let all = metadata["packages"].as_array().unwrap().iter();
    all.filter(|package| built.contains(package["id"].as_str().unwrap()))
        .map(|package| Package {
            name: text(&package["name"]).unwrap(),
            licence: text(&package["license"]),
            source: text(&package["source"]),
        })
        .collect()
}

#[test]
fn every_dependency_is_one_that_we_allow() {
    let rules = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deny.toml")).unwrap();
    let packages = packages();
    assert!(packages.len() > 100, "the tree was not found");
    let found = Rules::parse(&rules).check(&packages);
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn the_checker_finds_what_is_wrong() {
    let rules = Rules::parse(
        "[licenses]\nallow = [\"MIT\", \"Zlib\"]\nexceptions = [{ crate = \"odd\", allow = [\"MPL-2.0\"] }]\n\
         [bans]\ndeny = [{ crate = \"openssl\" }]\n[sources]\nallow-registry = [\"https://good\"]\n",
    );
    let package = |name: &str, licence: Option<&str>, source: Option<&str>| Package {
        name: name.to_owned(),
        licence: licence.map(str::to_owned),
        source: source.map(str::to_owned),
    };
    let good = Some("registry+https://good");
    let found = rules.check(&[
        package("fine", Some("GPL-3.0 OR MIT"), good),
        package("odd", Some("MPL-2.0"), good),
        package("viral", Some("GPL-3.0"), good),
        package("even", Some("MPL-2.0"), good),
        package("silent", None, good),
        package("openssl", Some("MIT"), good),
        package("fork", Some("MIT"), Some("git+https://elsewhere")),
        package("copy", Some("MIT"), Some("registry+https://bad")),
    ]);
    assert_eq!(
        found,
        [
            "viral is under GPL-3.0, which is not allowed",
            "even is under MPL-2.0, which is not allowed",
            "silent names no licence",
            "openssl is banned",
            "fork comes from git+https://elsewhere",
            "copy comes from registry+https://bad",
            "no crate is under Zlib",
        ]
    );
}

#[test]
fn licence_expressions_are_read_with_their_precedence() {
    let allowed = |one: &str| ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].contains(&one);
    for good in
        ["MIT", "GPL OR MIT", "MIT/GPL", "(GPL OR MIT) AND ISC", "GPL OR MIT AND ISC", "Apache-2.0 WITH LLVM-exception"]
    {
        assert!(satisfied(good, &allowed), "{good}");
    }
    for bad in ["", "GPL", "MIT AND GPL", "(GPL OR MIT", "MIT OR", "Apache-2.0", "MIT ISC", "GPL AND MIT OR GPL"] {
        assert!(!satisfied(bad, &allowed), "{bad}");
    }
}
