//! Programs of other packages that tests run: the system's packages, unpacked and not installed, because installing one starts a
//! service, now and at every start of the machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{Outcome, Part, apt};
use crate::process;
use crate::progress::Step;
use crate::project::{Project, on_path, remove_path};

/// Packages of Debian's, unpacked into one folder in `.sightwire` unless the machine has their programs.
struct Unpacked {
    /// Of the folder, and for readers of what setup prints.
    name: &'static str,
    /// Those with the programs, and with libraries that most machines lack.
    packages: &'static [&'static str],
    /// Where Debian has the programs, which is not always on everybody's `PATH`.
    folder: &'static str,
    programs: &'static [&'static str],
    /// With which each of them says its version and does nothing else.
    version: &'static str,
    /// The first number of that version, at least.
    least: Option<u32>,
    /// What is lost without it.
    without: &'static str,
}

/// `e2e/js/nginx.mjs` looks in the same places.
const NGINX: Unpacked = Unpacked {
    name: "nginx",
    packages: &["nginx"],
    folder: "usr/sbin",
    programs: &["nginx"],
    version: "-v",
    least: None,
    without: "the test through nginx fails until you install it",
};

/// Tests take the first that runs: the folders of `PATH`, `/usr/sbin`, and `.sightwire/haproxy/usr/sbin`, where it runs with all
/// folders in `.sightwire/haproxy/usr/lib` as `LD_LIBRARY_PATH`. In JavaScript that is `e2e/js/haproxy.mjs`.
const HAPROXY: Unpacked = Unpacked {
    name: "haproxy",
    packages: &["haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1"],
    folder: "usr/sbin",
    programs: &["haproxy"],
    version: "-v",
    least: Some(2),
    without: "the tests of several processes behind HAProxy fail until you install it",
};

/// `e2e/js/prometheus.mjs` looks in the same places.
const PROMETHEUS: Unpacked = Unpacked {
    name: "prometheus",
    packages: &["prometheus"],
    folder: "usr/bin",
    programs: &["prometheus", "promtool"],
    version: "--version",
    least: None,
    without: "the tests of deploy/prometheus fail until you install it",
};

/// Tests look for `redis-server` in this order, and take the first that is of version 7 or newer: what `SIGHTWIRE_REDIS_SERVER`
/// names (it runs as it is); the folders of `PATH`; `/usr/bin`; `.sightwire/redis/usr/bin`, where it runs with all folders in
/// `.sightwire/redis/usr/lib` as `LD_LIBRARY_PATH`. In JavaScript that is `e2e/js/redis.mjs`.
///
/// `redis-server` of Debian is but a link to a program of `redis-tools`.
const REDIS: Unpacked = Unpacked {
    name: "redis",
    packages: &["redis-server", "redis-tools", "libjemalloc2", "liblzf1"],
    folder: "usr/bin",
    programs: &["redis-server", "redis-cli"],
    version: "--version",
    least: Some(7),
    without: "the tests of several processes over Redis fail until you install it (7 or newer)",
};

pub(super) fn nginx_part() -> Part {
    NGINX.part()
}

pub(super) fn haproxy_part() -> Part {
    HAPROXY.part()
}

pub(super) fn prometheus_part() -> Part {
    PROMETHEUS.part()
}

pub(super) fn redis_part() -> Part {
    REDIS.part()
}

impl Unpacked {
    fn part(&'static self) -> Part {
        Part::new(
            self.name,
            |project, _| self.describe_wanted(project),
            |project, _, step| self.unpack(project, step),
        )
    }

    fn is_there(&self, project: &Project) -> bool {
        let own = project.own_path(self.name);
        let libraries = format!("LD_LIBRARY_PATH={}", library_folders(&own));
        self.programs.iter().all(|program| {
            let mut installed =
                on_path(program).into_iter().chain([Path::new("/").join(self.folder).join(program)]);
            let unpacked = own.join(self.folder).join(program);
            installed.any(|file| self.is_runnable(&[], &file)) || self.is_runnable(&[&libraries], &unpacked)
        })
    }

    /// Whether a program runs with these variables, and is new enough.
    fn is_runnable(&self, variables: &[&str], program: &Path) -> bool {
        let program = program.to_string_lossy();
        let Some(said) = process::command_output("env", &[variables, &[&*program, self.version]].concat())
        else {
            return false;
        };
        self.least.is_none_or(|least| first_number(&said).is_some_and(|number| number >= least))
    }

    fn describe_wanted(&self, project: &Project) -> Option<String> {
        let Self { name, without, .. } = self;
        let will = if on_path("apt-get").is_some() {
            format!(
                "unpack {name} into .sightwire/{name} (apt-get download; nothing is installed or started)"
            )
        } else {
            format!("do without {name} (no apt-get on this system); {without}")
        };
        (!self.is_there(project)).then_some(will)
    }

    fn unpack(&self, project: &Project, step: &mut Step) -> Result<Outcome> {
        if on_path("apt-get").is_none() {
            return Ok(Outcome::Without("no apt-get on this system".into()));
        }
        let folder = project.own_path(self.name);
        remove_path(&folder)?;
        std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        let mut unpack = Command::new("sh");
        unpack.args(["-c", &self.fetch_script()]).current_dir(&folder);
        let unpacked = process::run_required(project, step, self.name, &mut unpack).and_then(|_| {
            ensure!(
                self.is_there(project),
                "this system's packages have no {} that runs alone{}",
                self.name,
                self.least.map(|least| format!(" and is of version {least} or newer")).unwrap_or_default()
            );
            Ok(())
        });
        Outcome::or_without(unpacked, "unpacked", |error| format!("{}: {error:#}", self.without))
    }

    /// The system's lists of packages may be missing or old: they are fetched where that is allowed without a question.
    fn fetch_script(&self) -> String {
        let fetch = format!("apt-get download {}", self.packages.join(" "));
        let again = match apt::sudo_prefix() {
            Ok(rights) if rights != apt::ASKING => format!(" || {{ {rights}apt-get update && {fetch}; }}"),
            _ => String::new(),
        };
        format!(
            "{{ {fetch}{again}; }} && for package in *.deb; do dpkg-deb -x \"$package\" . || exit; done && rm *.deb"
        )
    }
}

/// The folders of libraries in an unpacked package, as the system's loader takes them.
fn library_folders(unpacked: &Path) -> String {
    let folders = std::fs::read_dir(unpacked.join("usr/lib")).into_iter().flatten().flatten();
    let folders: Vec<PathBuf> = folders.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    std::env::join_paths(folders).unwrap_or_default().to_string_lossy().into_owned()
}

/// In "Redis server v=7.0.15 …" it is 7.
fn first_number(text: &str) -> Option<u32> {
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_told_by_its_first_number() {
        assert_eq!(first_number("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0"), Some(7));
        assert_eq!(first_number("redis-cli 10.2"), Some(10));
        assert_eq!(first_number("none"), None);
    }
}
