//! A script as a person would type it.
//!
//! Owns: one text for each script, with every word quoted where a shell would take it for more than a word. Does not: make
//! foreign characters visible (see `domain::text`); the review shows words one by one instead.
//!
//! Invariant: `grammar::parse` reads the text back as the same script, but for where its words came from.

use super::spec::{Connector, Pipeline, Redirect, Script, Stage, Word};

/// The whole script on one line, unless a word has a line break in it.
#[must_use]
pub fn script(script: &Script) -> String {
    let leading = leading_variables(script);
    let mut text = String::new();
    for name in &leading {
        if let Some(variable) = script.leaves.variables.get(*name) {
            separate(&mut text, "; ");
            text.push_str(&setting(name, &variable.value, variable.exported));
        }
    }
    let mut directory: Option<String> = None;
    let mut conditional = false;
    for (at, (connector, pipeline)) in script.parts.iter().enumerate() {
        separate(&mut text, if at == 0 { "; " } else { sign(*connector) });
        let here = pipeline.directory.as_ref().map(Word::text);
        if here != directory
            && let Some(path) = &here
        {
            text.push_str(&format!("cd {}", quoted(path)));
            conditional = *connector == Connector::AndThen;
            text.push_str(if conditional { " && " } else { "; " });
        }
        directory = here;
        text.push_str(&of_pipeline(pipeline, script, &leading));
    }
    trailing(&mut text, script, &leading, directory.as_deref(), conditional);
    text
}

/// What is left and has not been said before the programs.
fn trailing(text: &mut String, script: &Script, leading: &[&str], directory: Option<&str>, conditional: bool) {
    // Behind a directory that was changed to on a condition, only the same chain knows it.
    let between = if conditional { " && " } else { "; " };
    for (name, variable) in &script.leaves.variables {
        if !leading.contains(&name.as_str()) {
            separate(text, between);
            text.push_str(&setting(name, &variable.value, variable.exported));
        }
    }
    if let Some(left) = script.leaves.directory.as_ref().map(Word::text)
        && directory != Some(left.as_str())
    {
        separate(text, between);
        text.push_str(&format!("cd {}", quoted(&left)));
    }
}

/// Variables that can be set before everything without changing what any program gets.
fn leading_variables(script: &Script) -> Vec<&str> {
    let variables = script.leaves.variables.iter();
    let same_everywhere = |name: &str, value: &Word| {
        script.stages().all(|stage| stage.env.get(name).is_some_and(|here| here.text() == value.text()))
    };
    let leading = variables.filter(|(name, variable)| !variable.exported || same_everywhere(name, &variable.value));
    leading.map(|(name, _)| name.as_str()).collect()
}

fn separate(text: &mut String, between: &str) {
    if !text.is_empty() {
        text.push_str(between);
    }
}

const fn sign(connector: Connector) -> &'static str {
    match connector {
        Connector::Always => "; ",
        Connector::AndThen => " && ",
        Connector::OrElse => " || ",
    }
}

fn setting(name: &str, value: &Word, exported: bool) -> String {
    let value = value.text();
    let value = if value.is_empty() { String::new() } else { quoted(&value) };
    format!("{}{name}={value}", if exported { "export " } else { "" })
}

fn of_pipeline(pipeline: &Pipeline, script: &Script, leading: &[&str]) -> String {
    let said = |name: &str| {
        leading.contains(&name) && script.leaves.variables.get(name).is_some_and(|variable| variable.exported)
    };
    let stages = pipeline.stages.iter().map(|stage| {
        let env = stage.env.iter().filter(|(name, _)| !said(name)).map(|(name, value)| setting(name, value, false));
        env.chain([of_stage(stage)]).collect::<Vec<_>>().join(" ")
    });
    stages.collect::<Vec<_>>().join(" | ")
}

/// A program with its arguments and redirections, without its variables.
fn of_stage(stage: &Stage) -> String {
    let words = stage.argv.iter().map(|word| quoted(&word.text()));
    let redirects = stage.redirects.iter().map(|redirect| {
        let sign = match redirect {
            Redirect::OutToNull => ">/dev/null",
            Redirect::ErrToNull => "2>/dev/null",
            Redirect::ErrToOut => "2>&1",
            Redirect::OutToErr => ">&2",
        };
        sign.to_owned()
    });
    words.chain(redirects).collect::<Vec<_>>().join(" ")
}

/// `word` as one word of a shell: as it is when nothing in it means anything to a shell, else in single quotes.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { quoted_always(word) }
}

/// `word` in single quotes.
#[must_use]
pub(super) fn quoted_always(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::action::spec::Origin;

    #[test]
    fn commands_read_as_one_would_type_them() {
        let stage = |words: &[&str]| Stage {
            redirects: vec![Redirect::ErrToNull],
            ..Stage::new(words.iter().map(|word| Word::new(word, Origin::Sop)).collect())
        };
        let pipeline = Pipeline::new(vec![stage(&["find", "/srv", "-name", "*.log"]), stage(&["wc", "it's"])]);
        let parts = vec![(Connector::Always, pipeline.clone()), (Connector::AndThen, pipeline)];
        let half = r"find /srv -name '*.log' 2>/dev/null | wc 'it'\''s' 2>/dev/null";
        assert_eq!(script(&Script::new(parts)), format!("{half} && {half}"));
    }
}
