//! What a worker gives up before it looks at a file: memory, time, files, the network, other
//! programs.
//!
//! The limits hold everywhere. Landlock and seccomp are Linux's, and old or odd kernels lack them;
//! then the worker runs with what there is, and [`leaks`] says what is missing.

use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::process::Command;

use rlimit::{Resource, setrlimit};

use crate::limits::Limits;

/// The stack of the parser. Documents nest deeper than a usual stack allows.
pub(crate) const STACK: usize = 256 * 1024 * 1024;
/// The program's own address space where the system doesn't tell.
const PROGRAM: u64 = 512 * 1024 * 1024;

/// Limits memory and time, and forbids to write files. For the very start of the process.
pub(crate) fn limit(limits: &Limits) -> io::Result<()> {
    let space = own_space().unwrap_or(PROGRAM) + STACK as u64 + limits.memory_bytes;
    setrlimit(Resource::CORE, 0, 0)?;
    setrlimit(Resource::FSIZE, 0, 0)?;
    setrlimit(Resource::CPU, limits.seconds, limits.seconds + 1)?;
    // Some systems have no limit on address space; the parent's clock still runs there.
    match setrlimit(Resource::AS, space, space) {
        Err(error) if cfg!(target_os = "linux") => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Gives up everything else, for all threads, for good. Returns what this kernel can't give up.
pub(crate) fn seal() -> Vec<String> {
    let mut missing = Vec::new();
    missing.extend(no_files().err().map(|why| format!("landlock: {why}")));
    // No new file, socket or pipe can be opened, and no process begun, even where a filter is missing.
    missing.extend(
        setrlimit(Resource::NOFILE, 0, 0).err().map(|why| format!("limit on files: {why}")),
    );
    missing.extend(
        setrlimit(Resource::NPROC, 0, 0).err().map(|why| format!("limit on processes: {why}")),
    );
    missing.extend(no_calls().err().map(|why| format!("seccomp: {why}")));
    missing
}

/// What a sealed worker could still do and should not. Tries it.
pub(crate) fn leaks() -> Vec<String> {
    let mut leaks = Vec::new();
    if File::open("/etc/passwd").is_ok() || fs::read_dir("/").is_ok() {
        leaks.push("the worker can open files".to_owned());
    }
    if TcpListener::bind("127.0.0.1:0").is_ok() {
        leaks.push("the worker can open sockets".to_owned());
    }
    if Command::new("/bin/true").spawn().is_ok() {
        leaks.push("the worker can run programs".to_owned());
    }
    leaks
}

/// How much address space the program takes by itself.
fn own_space() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// No file can be opened, listed, written or run; no TCP port bound or connected to.
#[cfg(target_os = "linux")]
fn no_files() -> Result<(), String> {
    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetStatus,
    };
    let told = |error: landlock::RulesetError| error.to_string();
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V5))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(ABI::V5)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self)
        .map_err(told)?;
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err("this kernel lacks it".to_owned());
    }
    Ok(())
}

/// A list of the system calls that reading, thinking, allocating and writing need; all others fail.
#[cfg(target_os = "linux")]
fn no_calls() -> Result<(), String> {
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, apply_filter_all_threads,
    };
    let free = [
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_readv,
        libc::SYS_writev,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_lseek,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_mprotect,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_nanosleep,
        libc::SYS_clock_nanosleep,
        libc::SYS_clock_gettime,
        libc::SYS_getrandom,
        libc::SYS_gettid,
        libc::SYS_getpid,
        libc::SYS_restart_syscall,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_set_robust_list,
        libc::SYS_rseq,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    let build = || -> Result<BpfProgram, seccompiler::BackendError> {
        let mut rules: std::collections::BTreeMap<_, _> =
            free.into_iter().map(|call| (call, vec![])).collect();
        // A process ends itself by a signal to itself; signals to others are nobody's business.
        let myself = SeccompCondition::new(
            0,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::Eq,
            u64::from(std::process::id()),
        )?;
        rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![myself])?]);
        let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
        SeccompFilter::new(rules, refuse, SeccompAction::Allow, std::env::consts::ARCH.try_into()?)?
            .try_into()
    };
    let filter = build().map_err(|error| error.to_string())?;
    apply_filter_all_threads(&filter).map_err(|error| error.to_string())
}

#[cfg(not(target_os = "linux"))]
fn no_files() -> Result<(), String> {
    Err("this system lacks it".to_owned())
}

#[cfg(not(target_os = "linux"))]
fn no_calls() -> Result<(), String> {
    Err("this system lacks it".to_owned())
}
