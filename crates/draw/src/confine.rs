//! What a process that reads hostile bytes takes from itself before it sees them.

use std::io;

use rustix::process::{Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit};
use sightwire_documents::request::Request;

use crate::syscalls;

/// Standard input, output and error: no other file can be opened, nor a connection.
const OPEN_FILES: u64 = 3;

/// Limits memory and CPU time as the request says, and everything else to nothing: no files, no connections, no core dump, and
/// no system call but those that computing takes.
///
/// The process goes when its parent does, and before it where memory runs out.
pub fn this_process(request: &Request) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // Not everywhere is it allowed.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    for (resource, most) in [
        (Resource::As, request.memory),
        (Resource::Cpu, request.cpu_s.saturating_add(1)),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, OPEN_FILES),
    ] {
        // An own limit that is lower still stays.
        let most = getrlimit(resource).maximum.map_or(most, |now| now.min(most));
        // At the lower limit of time the signal says what it is for; at the upper one it is the end.
        let current = if resource == Resource::Cpu { most.saturating_sub(1) } else { most };
        setrlimit(resource, Rlimit { current: Some(current), maximum: Some(most) })?;
    }
    // A kernel without filters, or a container that allows none, still has the limits.
    syscalls::give_up();
    Ok(())
}
