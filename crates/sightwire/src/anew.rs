//! Starts the program anew where the library has to find something in its environment.
//!
//! oneDNN takes from a variable which instructions it may use, and glibc how many heaps it may have. A process cannot safely set a
//! variable for itself, but it can become the same program again with the variable set: process number, streams and arguments stay.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use sightwire_engine::cpu::Cpu;
use sightwire_server::config::TRY_NETWORKS;
use sightwire_server::config::dot_env;

use crate::print::{Printer, note};

/// What runs networks takes its memory from glibc, which gives each thread a heap of its own and keeps in it what a session had that
/// was let go. Sessions are made by whichever thread needs one: with as many heaps as glibc likes (8 for each core), a server
/// grew by 35 MB in 45 switches of its model and back. With two it does not.
const HEAPS: (&str, &str) = ("MALLOC_ARENA_MAX", "2");
/// From that many bytes on, what a library takes is mapped by itself, and the system's again as soon as it is let go. Left alone,
/// glibc raises this when something large is let go, and keeps what is smaller: 50 MB after some sessions for text.
const MAPPED: (&str, &str) = ("MALLOC_MMAP_THRESHOLD_", "262144");
/// oneDNN, inside of OpenVINO, keeps what it compiled for the last 1,024 steps of networks, whether their sessions are there or not:
/// 6 MB for each size of picture in which lines were looked for. This many are enough for readers of lines to share theirs.
const COMPILED: (&str, &str) = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "384");
/// Where glibc finds the same, under another name.
const TUNABLE: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.arena_max");
/// What libraries alone read is taken out of `.env`, too: the driver of the GPU looks only into the environment.
const DRIVERS: &str = "CUDA_VISIBLE_DEVICES";
/// The process that was started anew: glibc may have taken away again what it was told, where the program has rights by its file.
const ANEW: &str = "STARTED_ANEW";

/// Returns where the CPU can do what it announces and the command ends soon, and where the variables are set already. Where the
/// program cannot be started anew, networks run at f32 alone (the engine sees to that), and memory is what glibc makes of it.
pub fn where_a_library_has_to_be_told(printer: &Printer) {
    let mut args = std::env::args_os();
    let name = args.next().unwrap_or_else(|| "sightwire".into());
    let args: Vec<_> = args.collect();
    // A trial shows what its parent may do only with its parent's environment.
    if args.first().is_some_and(|first| first == TRY_NETWORKS) {
        return;
    }
    let me = std::process::id().to_string();
    if std::env::var(ANEW).is_ok_and(|process| process == me) {
        return;
    }
    let cap = Cpu::this_machine().cap_variable(|name| std::env::var_os(name));
    let stays = args.first().is_some_and(|first| first == "serve");
    let is_told = std::env::var_os(HEAPS.0).is_some()
        || std::env::var(TUNABLE.0).is_ok_and(|tunables| tunables.contains(TUNABLE.1));
    // With another allocator, glibc's heaps are for libraries alone.
    let heaps = (cfg!(feature = "jemalloc") && stays && !is_told).then_some([HEAPS, MAPPED, COMPILED]);
    // A file that cannot be read is told of where all of it is read.
    let lines = || dot_env(".env".as_ref()).unwrap_or_default();
    let is_set = std::env::var_os(DRIVERS).is_some();
    let gpus = if is_set { None } else { lines().into_iter().rfind(|(name, _)| name == DRIVERS) };
    if cap.is_none() && heaps.is_none() && gpus.is_none() {
        return;
    }
    // By its own name, so that it is found under it among the processes; if its file was replaced, it is still this program.
    let itself = PathBuf::from("/proc/self/exe");
    let program = std::env::current_exe().ok().filter(|path| path.exists()).unwrap_or(itself);
    let error = Command::new(&program)
        .arg0(name)
        .args(args)
        .envs(cap)
        .envs(heaps.into_iter().flatten())
        .envs(gpus)
        .env(ANEW, me)
        .exec();
    if let Some((variable, value)) = cap {
        note!(
            printer,
            "warning: {} cannot be started anew with {variable}={value}: {error}; networks run at f32 alone",
            program.display()
        );
    }
}
