//! `aiops redact`: standard input without secrets and names.
//!
//! Owns: reading, printing, and the draw of a key for the tokens. The input is read to its end before anything is printed,
//! because a name may give itself away in the last line; it takes about four times its size of memory. Does not: restore
//! anything, so the key is forgotten; the tokens of two runs differ.

use std::fs::File;
use std::io::{self, Read, Write};

use clap::Args;
use color_eyre::eyre::{Report, WrapErr as _};
use serde::Serialize;

use super::incidents::Streams;
use super::{Exit, Format, json_line};
use crate::domain::redact::{Finding, Names, Pseudonyms, RedactedBytes, redact_bytes};

/// How to redact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct RedactCommand {
    /// Leave addresses, hosts, accounts and mail addresses as they are; remove secrets only
    #[arg(long)]
    pub keep_names: bool,
    /// Hosts of this domain are one's own, and get tokens, like those of redact.domains in the configuration (may be repeated)
    #[arg(long = "domain", value_name = "DOMAIN")]
    pub domains: Vec<String>,
}

/// What `--json` prints: what was replaced, and the text that is left.
#[derive(Serialize)]
struct Printed<'a> {
    findings: &'a [Finding],
    /// Bytes that are not UTF-8 are shown as U+FFFD here; without `--json` they come out as they were.
    text: std::borrow::Cow<'a, str>,
}

/// Copies the input to the output without secrets, and with tokens for names. `configured` are one's own domains besides those
/// of the command.
///
/// # Errors
/// When the input cannot be read, the output cannot be written, or no key can be drawn.
pub fn run(
    command: &RedactCommand,
    configured: &[String],
    format: Format,
    streams: Streams<'_>,
) -> Result<Exit, Report> {
    let Streams { input, out } = streams;
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).wrap_err("The input cannot be read")?;
    let redacted = if command.keep_names {
        redact_bytes(&bytes, Names::Keep)
    } else {
        let mut names = Pseudonyms::new(
            drawn_key().wrap_err("/dev/urandom cannot be read, so no tokens can be made; try --keep-names")?,
        );
        configured.iter().chain(&command.domains).for_each(|domain| names.add_domain(domain));
        redact_bytes(&bytes, Names::Replace(&mut names))
    };
    drop(bytes);
    print(&redacted, format, out)?;
    Ok(Exit::Done)
}

fn print(redacted: &RedactedBytes, format: Format, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Text => out.write_all(&redacted.bytes)?,
        Format::Json => {
            json_line(out, &Printed { findings: &redacted.findings, text: String::from_utf8_lossy(&redacted.bytes) })?;
        }
    }
    out.flush()
}

/// Thirty-two random bytes. With a key that others know, they could try addresses until a token fits.
fn drawn_key() -> io::Result<[u8; 32]> {
    let mut key = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut key)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUT: &[u8] = b"\xffdb01: PGPASSWORD=hunter2 psql -h 10.1.2.3\n";

    fn output(command: &RedactCommand, format: Format) -> Vec<u8> {
        let mut out = Vec::new();
        assert_eq!(run(command, &[], format, Streams { input: &mut &INPUT[..], out: &mut out }).unwrap(), Exit::Done);
        out
    }

    #[test]
    fn secrets_go_and_other_bytes_stay() {
        let kept = output(&RedactCommand { keep_names: true, ..RedactCommand::default() }, Format::Text);
        assert_eq!(kept, b"\xffdb01: PGPASSWORD=[REDACTED:password] psql -h 10.1.2.3\n");
        let replaced = output(&RedactCommand::default(), Format::Text);
        assert!(!replaced.windows(8).any(|piece| piece == b"10.1.2.3"));
    }

    #[test]
    fn domains_of_the_configuration_and_of_the_command_are_one_s_own() {
        let command = RedactCommand { domains: vec!["acme.io".to_owned()], ..RedactCommand::default() };
        let (mut input, mut out) = (&b"www.acme.io wiki.corp.example\n"[..], Vec::new());
        let streams = Streams { input: &mut input, out: &mut out };
        run(&command, &["corp.example".to_owned()], Format::Text, streams).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(!out.contains("acme") && !out.contains("wiki"), "{out}");
    }

    #[test]
    fn json_names_rule_kind_and_place_but_never_the_value() {
        let out = output(&RedactCommand { keep_names: true, ..RedactCommand::default() }, Format::Json);
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let finding = &value["findings"][0];
        assert_eq!(finding["kind"], "password");
        let place = |edge| usize::try_from(finding["span"][edge].as_u64().unwrap()).unwrap();
        assert_eq!(&INPUT[place("start")..place("end")], b"hunter2");
        assert!(!String::from_utf8(out).unwrap().contains("hunter2"));
    }
}
