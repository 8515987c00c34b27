//! The release build: the server and the load generator; for the tests, these and all tests.

use anyhow::Result;

use super::{Outcome, Part, Purpose};
use crate::cargo::{cargo_build, turbo};
use crate::process;
use crate::progress::Step;
use crate::project::Project;

/// `target/release/sightwire` and `sightwire-bench`
pub(super) struct Binaries {
    pub(super) purpose: Purpose,
}

impl Part for Binaries {
    fn name(&self) -> &'static str {
        "build"
    }

    fn wanted(&self, project: &Project) -> Result<Option<String>> {
        let there = project.release("sightwire").is_file();
        Ok((!there).then(|| "compile the server (cargo build --release; some minutes the first time)".into()))
    }

    /// Only cargo knows what is stale.
    fn always(&self) -> bool {
        true
    }

    fn bring(&self, project: &Project, step: &mut Step) -> Result<Outcome> {
        let mut build = cargo_build(project, &["build", "--release"]);
        if self.purpose == Purpose::Test {
            // Tests switch features of shared crates on: with them from the start, nothing is compiled twice.
            build.args(["--workspace", "--lib", "--bins", "--tests"]);
        }
        let ended = process::must(project, step, "build", &mut build)?;
        let compiled =
            ended.output.lines().filter(|line| line.trim_start().starts_with("Compiling ")).count();
        let mut words = match compiled {
            0 => "up to date".to_owned(),
            1 => "1 crate compiled".to_owned(),
            n => format!("{n} crates compiled"),
        };
        if !turbo() {
            words.push_str(", without libjpeg-turbo (no cmake)");
        }
        Ok(Outcome::Done(words))
    }
}
