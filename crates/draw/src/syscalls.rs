//! Which system calls the process may make once it has its request: what its memory, its threads and its standard streams take,
//! and no other. There is no file to open, no connection to make, no process to look at or to start.

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

/// Calls that are allowed with any arguments.
const ALLOWED: [libc::c_long; 31] = [
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_prlimit64,
    libc::SYS_uname,
];

/// All others are answered as by a kernel that does not have them: what can do without them does. Threads are made by `clone`,
/// whose arguments can be looked at, since `clone3` is not there.
fn build_filter() -> Result<BpfProgram, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    let argument = |index, length, operator, value| {
        SeccompRule::new(vec![SeccompCondition::new(index, length, operator, value)?])
    };
    // A thread, not a process.
    let thread = libc::CLONE_THREAD as u64;
    let is_thread = argument(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(thread), thread)?;
    rules.insert(libc::SYS_clone, vec![is_thread]);
    // What it is called, and what its memory is; nothing else of a process.
    let called = argument(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, libc::PR_SET_NAME as u64)?;
    let memory = argument(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, libc::PR_SET_VMA as u64)?;
    rules.insert(libc::SYS_prctl, vec![called, memory]);
    // To end itself.
    let own = u64::from(std::process::id());
    let itself = argument(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, own)?;
    rules.insert(libc::SYS_tgkill, vec![itself]);
    let arch = std::env::consts::ARCH.try_into()?;
    let not_there = SeccompAction::Errno(libc::ENOSYS as u32);
    SeccompFilter::new(rules, not_there, SeccompAction::Allow, arch)?.try_into()
}

/// Gives up all other system calls, for all threads that begin later, where the kernel can do that; whether it can.
pub fn give_up() -> bool {
    build_filter().is_ok_and(|filter| seccompiler::apply_filter(&filter).is_ok())
}
