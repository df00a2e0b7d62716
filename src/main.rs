//! Parses arguments, calls the library, maps errors to exit codes.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    match arguments.as_slice() {
        [_, command, directory] if command == "supervise" => aiops::adapters::process::supervise(Path::new(directory)),
        _ => ExitCode::FAILURE,
    }
}
