//! `sightwire-draw`: draws a page of a file, confined; started by Sightwire's other programs alone.
#![forbid(unsafe_code)]

use std::io::{self, Write as _};
use std::process::ExitCode;

use sightwire_documents::program::version_line;
use sightwire_draw::DrawError;

fn main() -> ExitCode {
    // It is started by its open file, whose number would be its name among the processes.
    let _ = rustix::thread::set_name(c"sightwire-draw");
    let done = match std::env::args_os().nth(1) {
        None => sightwire_draw::run_drawing(),
        Some(arg) if arg == "--version" || arg == "-V" => {
            writeln!(io::stdout(), "{}", version_line()).map_err(DrawError::Stream)
        }
        Some(_) => Err(DrawError::Request),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}
