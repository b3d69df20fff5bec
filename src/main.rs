//! The `nightdesk` program: argv in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    nightdesk::cli::main()
}
