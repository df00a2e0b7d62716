//! Parses arguments, calls the library, maps errors to exit codes.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use aiops::cli::{Cli, Command, Exit};
use clap::Parser as _;
use color_eyre::config::{HookBuilder, Theme};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match &cli.command {
        Some(Command::Supervise { directory, digest }) => return aiops::supervise(directory, digest),
        Some(Command::DemoPart(part)) => return aiops::play_demo_part(part),
        _ => {}
    }
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let theme = if colours { Theme::dark() } else { Theme::new() };
    // It can only fail when a hook is installed already, and then there is one.
    let _ = HookBuilder::default().theme(theme).display_env_section(false).install();
    let exit = aiops::run(&cli).unwrap_or_else(|report| {
        let exit = aiops::exit_of(&report);
        if exit != Exit::Done {
            // A person who closed the standard error stream does not want to know.
            let _ = writeln!(io::stderr(), "aiops: {}", aiops::words_of(&report));
        }
        exit
    });
    exit.into()
}
