//! Two ways of doing the same, in turn: whatever else happens on this machine happens to both.

use anyhow::{Context as _, Result};

/// This many, unless others are asked for; the page takes no fewer.
pub(super) const PAIRS: usize = 7;

/// `[--pairs N] [MORE…]`: how many, and what else was said.
pub(super) fn parse_pairs(args: &[String]) -> Result<(usize, &[String])> {
    match args {
        [name, pairs, more @ ..] if name == "--pairs" => {
            Ok((pairs.parse().context("--pairs takes a number")?, more))
        }
        more => Ok((PAIRS, more)),
    }
}

/// Both of a pair; the other one first in each second pair.
pub(super) fn in_turn<T>(
    (pair, pairs): (usize, usize),
    names: [&str; 2],
    one: impl Fn() -> Result<T>,
    other: impl Fn() -> Result<T>,
) -> Result<[T; 2]> {
    let say = |which: usize| eprintln!("pair {} of {pairs}: {}", pair + 1, names[which]);
    if pair % 2 == 0 {
        say(0);
        let first = one()?;
        say(1);
        return Ok([first, other()?]);
    }
    say(1);
    let first = other()?;
    say(0);
    Ok([one()?, first])
}
