//! `sightwire top`: what a running server does, in a terminal or as JSON.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use sightwire_top::{Address, Client, watch, write_json, write_once};

use crate::print::Printer;

/// Has a key, for those who keep none in a file.
const KEY: &str = "SIGHTWIRE_KEY";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sightwire top                                      watch the server on this machine
  sightwire top http://10.0.0.7:8000 --json --once   one reading for a program
  sightwire top https://10.0.0.7:8000 --key-file key a server that asks for a key

Keys: arrows select a stream, s sorts, ? explains, q quits.

With --json each line is one object: {\"at\", \"server\", \"status\", \"streams\"}, the last two
as /api/v1/status and /api/v1/streams say. A server that does not answer is tried again;
with --json or --once that is an error (exit code 1).")]
pub struct TopArgs {
    /// Address of the server.
    #[arg(value_name = "URL", default_value = "http://127.0.0.1:8000")]
    url: Address,
    /// Seconds from one reading to the next.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = parse_interval)]
    interval: Duration,
    /// Print one JSON object for each reading, instead of drawing.
    #[arg(long)]
    json: bool,
    /// Read once, print it, and end.
    #[arg(long)]
    once: bool,
    /// File whose first line is a key of the server, a viewer's or more [default: the key in `SIGHTWIRE_KEY`]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

fn parse_interval(text: &str) -> anyhow::Result<Duration> {
    super::parse_seconds(text, 0.1..=3600.0)
}

/// Not an argument of the command line, which other users of the machine can read.
fn read_key(args: &TopArgs) -> anyhow::Result<Option<String>> {
    let (text, source) = match &args.key_file {
        Some(file) => (super::first_line_of(file)?, file.display().to_string()),
        None => match env::var_os(KEY) {
            Some(text) => (text.to_string_lossy().into_owned(), KEY.to_owned()),
            None => return Ok(None),
        },
    };
    // Of a line such as `key: sw_…`, as the commands print it, what is the key; a token is all of its line.
    let key = text.split_whitespace().find(|word| word.starts_with("sw_")).unwrap_or(text.trim());
    ensure!(!key.is_empty(), "there is no key in {source}");
    Ok(Some(key.to_owned()))
}

pub(super) fn run_top(args: &TopArgs, printer: &Printer) -> anyhow::Result<()> {
    let client = Client::new(args.url.clone(), read_key(args)?.as_deref())?;
    if args.json {
        return write_json(&mut *printer.out(), &client, args.interval, args.once);
    }
    if args.once {
        return write_once(&mut *printer.out(), &client, args.interval);
    }
    if !printer.out_is_terminal() {
        anyhow::bail!(
            "top draws on a terminal, and this is none; use --json for a program, or --once for one reading as text"
        );
    }
    watch(client, args.interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_a_number_of_seconds_that_makes_sense() {
        assert_eq!(parse_interval("0.5").unwrap(), Duration::from_millis(500));
        for wrong in ["0", "-1", "NaN", "inf", "4000", "often"] {
            assert!(parse_interval(wrong).is_err(), "{wrong}");
        }
    }
}
