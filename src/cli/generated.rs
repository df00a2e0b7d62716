//! `aiops completions` and `aiops man`: made from the definition of the command line, so that they cannot disagree with it.

use std::io::{self, Write};

use clap::{Command, CommandFactory as _, ValueEnum};

use super::Cli;

/// A shell that completes words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
}

/// Prints the completions for a shell.
///
/// # Errors
/// When `out` cannot be written.
pub fn completions(shell: Shell, out: &mut dyn Write) -> io::Result<()> {
    let generator = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut command = public();
    // The generator panics when its output cannot be written; memory always can.
    let mut script = Vec::new();
    clap_complete::generate(generator, &mut command, "aiops", &mut script);
    out.write_all(&script)
}

/// Prints the manual page of the program and all its commands, as roff.
///
/// # Errors
/// When `out` cannot be written.
pub fn manual(out: &mut dyn Write) -> io::Result<()> {
    let mut command = public();
    command.build();
    let page = clap_mangen::Man::new(command.clone()).section("1");
    page.render_title(out)?;
    page.render_name_section(out)?;
    page.render_synopsis_section(out)?;
    page.render_description_section(out)?;
    page.render_options_section(out)?;
    writeln!(out, ".SH COMMANDS")?;
    for inner in visible(&command) {
        subcommand(inner, "aiops", out)?;
    }
    writeln!(out, ".SH EXIT STATUS")?;
    for (number, meaning) in [
        (0, "done"),
        (1, "failed, refused by the rules, or found what it was to look for"),
        (2, "called or configured wrongly"),
        (3, "refused by policy"),
        (4, "waiting for approval"),
        (5, "a source cannot be reached"),
    ] {
        writeln!(out, ".TP\n{number}\n{meaning}")?;
    }
    Ok(())
}

/// The command line without what only the program itself calls.
fn public() -> Command {
    let command = Cli::command();
    let about = command.get_long_about().or(command.get_about()).cloned().unwrap_or_default();
    Command::new("aiops")
        .version(env!("CARGO_PKG_VERSION"))
        .about(command.get_about().cloned().unwrap_or_default())
        .long_about(about)
        .args(command.get_arguments().cloned())
        .subcommands(visible(&command).cloned())
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help")
}

/// A subcommand with its options, or what is below it.
fn subcommand(command: &Command, above: &str, out: &mut dyn Write) -> io::Result<()> {
    let name = format!("{above} {}", command.get_name());
    if visible(command).next().is_some() {
        for inner in visible(command) {
            subcommand(inner, &name, out)?;
        }
        return Ok(());
    }
    writeln!(out, ".SS {}", name.replace('-', "\\-"))?;
    let page = clap_mangen::Man::new(command.clone());
    let mut text = Vec::new();
    page.render_synopsis_section(&mut text)?;
    writeln!(text, ".PP")?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    // The headings of a page of its own would end the section that this stands in.
    for line in String::from_utf8_lossy(&text)
        .lines()
        .filter(|line| ![".SH", ".ie", ".el"].iter().any(|one| line.starts_with(one)))
    {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Shell::Bash, "complete -F _aiops")]
    #[case(Shell::Zsh, "#compdef aiops")]
    #[case(Shell::Fish, "complete -c aiops")]
    fn completions_know_the_commands_and_none_that_is_internal(#[case] shell: Shell, #[case] sign: &str) {
        let mut out = Vec::new();
        completions(shell, &mut out).unwrap();
        let script = String::from_utf8(out).unwrap();
        assert!(script.contains(sign) && script.contains("incidents") && script.contains("suppress"), "{script}");
        assert!(!script.contains("supervise") && !script.contains("demo-filler"), "{script}");
    }

    #[test]
    fn the_manual_has_every_command_once_and_none_that_is_internal() {
        let mut out = Vec::new();
        manual(&mut out).unwrap();
        let page = String::from_utf8(out).unwrap();
        for name in ["aiops incidents list", "aiops journal export", "aiops config init", "aiops doctor", "aiops demo"]
        {
            assert_eq!(page.matches(&format!(".SS {name}\n")).count(), 1, "{name}\n{page}");
        }
        assert!(page.contains(".TH aiops 1") && page.contains(".SH EXIT STATUS"), "{page}");
        assert!(!page.contains("supervise") && !page.contains("demo\\-filler"), "{page}");
    }
}
