//! `aiops keys`.

use std::io::{self, Write};

use serde::Serialize;

use super::{Exit, Format, json_line};

/// A binding of the console's keymap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Key {
    /// Where it holds.
    pub context: &'static str,
    /// The key as it is written in keymap files.
    pub key: String,
    /// What it means, by its name in keymap files.
    pub intent: &'static str,
    /// The same in words.
    pub help: &'static str,
    /// `bundled` or `user`.
    pub origin: &'static str,
    /// The file that binds it.
    pub file: String,
    /// The line there, from 1.
    pub line: usize,
}

/// Prints `keys`, which are grouped by context.
///
/// # Errors
/// When `out` cannot be written.
pub fn run(keys: &[Key], format: Format, out: &mut dyn Write) -> io::Result<Exit> {
    match format {
        Format::Json => keys.iter().try_for_each(|key| json_line(out, key))?,
        Format::Text => text(keys, out)?,
    }
    Ok(Exit::Done)
}

fn text(keys: &[Key], out: &mut dyn Write) -> io::Result<()> {
    let mut context = "";
    for key in keys {
        if key.context != context {
            let blank = if context.is_empty() { "" } else { "\n" };
            writeln!(out, "{blank}[{}]", key.context)?;
            context = key.context;
        }
        writeln!(out, "{:<11}{:<17}{:<27}{}:{}", key.key, key.intent, key.help, key.file, key.line)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(context: &'static str, key: &str, line: usize) -> Key {
        let (intent, help) = ("run", "propose the command");
        Key { context, key: key.to_owned(), intent, help, origin: "user", file: "/k.toml".to_owned(), line }
    }

    fn printed(format: Format) -> String {
        let mut out = Vec::new();
        run(&[key("sop", "r", 2), key("sop", "x", 3), key("output", "y", 5)], format, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn people_see_them_by_context() {
        let expected = "[sop]\nr          run              propose the command        /k.toml:2\nx          run              \
                        propose the command        /k.toml:3\n\n[output]\ny          run              propose the command        \
                        /k.toml:5\n";
        assert_eq!(printed(Format::Text), expected);
    }

    #[test]
    fn programs_get_a_line_each() {
        let text = printed(Format::Json);
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(
            (&lines[2]["context"], &lines[2]["key"], &lines[2]["line"]),
            (&"output".into(), &"y".into(), &5.into())
        );
        assert_eq!((&lines[0]["origin"], &lines[0]["file"]), (&"user".into(), &"/k.toml".into()));
    }
}
