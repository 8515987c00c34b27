//! This program and the machine that it runs on.

use std::env::consts;
use std::fs;
use std::path::Path;

use rustix::system::uname;
use sightwire_base::memory::budget::Budget;
use sightwire_documents::Drawing;
use sightwire_engine::cpu::{self, Cpu};
use sightwire_engine::quota;
use sightwire_server::config::Config;
use sightwire_server::files;

use super::report::Check;
use crate::print::format_count;

/// Of which version and build it is.
pub(super) fn check_program() -> [Check; 1] {
    let features = [("turbo", cfg!(feature = "turbo")), ("jemalloc", cfg!(feature = "jemalloc"))];
    let features: Vec<&str> = features.iter().filter(|(_, is_on)| *is_on).map(|(name, _)| *name).collect();
    let features = if features.is_empty() { "no features".to_owned() } else { features.join(", ") };
    let (version, build) =
        (env!("CARGO_PKG_VERSION"), if cfg!(debug_assertions) { "debug" } else { "release" });
    let says = format!("sightwire {version} ({features}; {build}; {}-{})", consts::ARCH, consts::OS);
    [if cfg!(debug_assertions) {
        Check::warn("version", says).cure("a debug build is slow; build it with --release")
    } else {
        Check::ok("version", says)
    }]
}

/// What draws PDF, AVIF and HEIC; starts it once.
pub(super) fn check_drawing(config: &Config) -> Vec<Check> {
    let drawing = match config.reader.pages.find_program(&|| true) {
        Drawing::Ready(file) => {
            Check::ok("drawing", format!("PDF, AVIF and HEIC are drawn by {}", file.display()))
        }
        Drawing::Lacking(why) => Check::warn("drawing", format!("PDF, AVIF and HEIC cannot be read: {why}")),
        Drawing::Unknown => Check::warn(
            "drawing",
            "the program that draws PDF, AVIF and HEIC did not say its version in time",
        ),
    };
    let unfiltered = (!Path::new("/proc/sys/kernel/seccomp/actions_avail").exists()).then(|| {
        let says = "the kernel filters no system calls (seccomp): what draws has limits, but runs as this user with all calls";
        Check::warn("drawing", says)
    });
    [Some(drawing), unfiltered].into_iter().flatten().collect()
}

pub(super) fn check_machine(config: &Config) -> [Check; 4] {
    [check_system(), of_cpu(), check_memory(config), of_files(config)]
}

fn check_system() -> Check {
    let name = uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    let kernel = [name.sysname(), name.release(), name.machine()].map(text).join(" ");
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let pretty = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let pretty = pretty.map_or_else(String::new, |name| format!(", {}", name.trim_matches('"')));
    let marks = ["/.dockerenv", "/run/.containerenv"];
    let container = if marks.iter().any(|mark| Path::new(mark).exists()) { ", in a container" } else { "" };
    Check::ok("system", format!("{kernel}{pretty}{container}"))
}

fn of_cpu() -> Check {
    let cpu = Cpu::this_machine();
    let quota = quota::quota_of_this_process();
    let quota =
        quota.map_or_else(String::new, |cores| format!(", of which the control group allows {cores:.2}"));
    let says = format!(
        "{}; {}{quota} ({})",
        cpu.name,
        format_count(quota::available_cpus(), "core"),
        cpu.extensions
    );
    match cpu::cpu_warning() {
        None => Check::ok("cpu", says),
        Some(warning) => Check::warn("cpu", format!("{says}; {warning}")),
    }
}

fn check_memory(config: &Config) -> Check {
    let budget = Budget::for_machine(config.server.memory_bytes);
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = available.and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    let available = kib.map_or_else(String::new, |kib| format!("; {} MiB are available now", kib >> 10));
    let says = format!("{budget}{available}");
    match budget.warning() {
        None => Check::ok("memory", says),
        Some(warning) => Check::warn("memory", says).cure(warning),
    }
}

fn of_files(config: &Config) -> Check {
    let (needed, limit) = (files::needed_files(config), files::highest_limit());
    let allows = limit.map_or_else(|| "any number".to_owned(), |limit| limit.to_string());
    let says = format!("{needed} may be open at once, the system allows {allows}");
    match files::limit_warning(config, limit) {
        None => Check::ok("files", says),
        Some(warning) => Check::warn("files", says).cure(warning),
    }
}
