//! Starts the program anew where the library has to find something in its environment.
//!
//! oneDNN takes from a variable which instructions it may use. A process cannot safely set a variable for itself, but it can
//! become the same program again with the variable set: process number, streams and arguments stay.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use sightwire_config::TRY_NETWORKS;
use sightwire_engine::cpu::Cpu;

use crate::print::{Printer, note};

/// Returns where the CPU can do what it announces, and where the variable is set already. Where the program cannot be
/// started anew, networks run at f32 alone (the engine sees to that).
pub fn where_the_cpu_promises_too_much(printer: &Printer) {
    let mut args = std::env::args_os();
    let name = args.next().unwrap_or_else(|| "sightwire".into());
    let args: Vec<_> = args.collect();
    // A trial shows what its parent may do only with its parent's environment.
    if args.first().is_some_and(|first| first == TRY_NETWORKS) {
        return;
    }
    let Some((variable, value)) = Cpu::here().cap(|name| std::env::var_os(name)) else { return };
    // By its own name, so that it is found under it among the processes; if its file was replaced, it is still this program.
    let itself = PathBuf::from("/proc/self/exe");
    let program = std::env::current_exe().ok().filter(|path| path.exists()).unwrap_or(itself);
    let error = Command::new(&program).arg0(name).args(args).env(variable, value).exec();
    note!(
        printer,
        "warning: {} cannot be started anew with {variable}={value}: {error}; networks run at f32 alone",
        program.display()
    );
}
