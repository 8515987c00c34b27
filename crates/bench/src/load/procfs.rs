//! What Linux tells about a process: its CPU time and memory, and which process listens on a port.
//!
//! Formats: `proc(5)`. On other systems nothing is found and the report leaves these figures out.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::{Duration, Instant},
};

use serde::Serialize;

/// `USER_HZ`: the unit of the times in `/proc`, which Linux keeps at 100 for user space on every platform.
const TICKS_PER_SECOND: u64 = 100;

/// CPU time and memory of one process at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// When it was taken.
    pub at: Instant,
    /// User and system time of all its threads, the ended ones included.
    pub cpu: Duration,
    /// How much of the machine's memory is its own now.
    pub memory: Memory,
    /// Those that run or wait; at least one.
    pub threads: u64,
    /// Its open file descriptors; 0 where they cannot be counted.
    pub open_files: u64,
}

/// Memory of a process in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Resident pages, shared ones counted in full.
    pub rss_bytes: u64,
    /// Resident pages, shared ones counted by share; 0 where it was not asked for or cannot be read.
    pub pss_bytes: u64,
}

impl Sample {
    /// Everything, `smaps_rollup` included, which walks the page tables (about a millisecond).
    pub fn read_full(pid: u32) -> io::Result<Self> {
        let mut sample = Self::read_quick(pid)?;
        if let Ok(rollup) = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) {
            sample.memory.pss_bytes = kib_field(&rollup, "Pss:").unwrap_or(0) * 1024;
        }
        sample.open_files = fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, |files| files.count() as u64);
        Ok(sample)
    }

    /// CPU time, resident memory and threads only: cheap enough for every second.
    pub fn read_quick(pid: u32) -> io::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let (cpu, threads) = parse_stat(&stat)
            .ok_or_else(|| io::Error::other(format!("/proc/{pid}/stat is not as expected")))?;
        let rss_bytes = kib_field(&status, "VmRSS:").unwrap_or(0) * 1024;
        Ok(Self {
            at: Instant::now(),
            cpu,
            memory: Memory { rss_bytes, pss_bytes: 0 },
            threads,
            open_files: 0,
        })
    }
}

/// CPU time and number of threads from a line of `/proc/PID/stat`. The name in parentheses may itself
/// hold spaces and parentheses, so the fields are counted from its end.
fn parse_stat(stat: &str) -> Option<(Duration, u64)> {
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    let threads = fields.nth(4)?.parse().ok()?;
    Some((Duration::from_millis((user + system) * 1000 / TICKS_PER_SECOND), threads))
}

/// The most memory that a process has had resident, in bytes.
pub fn peak_rss_bytes(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    Ok(kib_field(&status, "VmHWM:").unwrap_or(0) * 1024)
}

/// CPU time of all threads that run now, to the nanosecond: for differences over a time in which none ends.
pub fn exact_cpu(pid: u32) -> Option<Duration> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let times = threads.filter_map(|thread| {
        let stat = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        stat.split_ascii_whitespace().next()?.parse::<u64>().ok()
    });
    Some(Duration::from_nanos(times.sum()))
}

/// The number of a line such as `VmRSS:    1234 kB`.
fn kib_field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse::<u64>().ok()
}

/// Busy CPU time of the whole machine since it started.
pub fn machine_cpu() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    parse_machine_cpu(stat.lines().next()?)
}

/// `cpu user nice system idle iowait irq softirq steal …`; guest time is part of user time.
fn parse_machine_cpu(line: &str) -> Option<Duration> {
    let mut fields = line.split_ascii_whitespace();
    if fields.next() != Some("cpu") {
        return None;
    }
    let times: Vec<u64> = fields.map_while(|field| field.parse().ok()).collect();
    let busy = [0, 1, 2, 5, 6].iter().map(|&i| times.get(i).copied()).sum::<Option<u64>>()?;
    Some(Duration::from_millis(busy * 1000 / TICKS_PER_SECOND))
}

/// The process that listens on `address`, if there is one whose descriptors we may see. Where several
/// share the socket, the one with the lowest id, which is the parent.
pub fn listening_pid(address: SocketAddr) -> Option<u32> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| {
        let table = fs::read_to_string(table).ok()?;
        table.lines().skip(1).find_map(|line| listener_inode(line, address))
    })?;
    let wanted = format!("socket:[{inode}]");
    let holds = |pid: u32| {
        let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else {
            return false;
        };
        files
            .flatten()
            .any(|file| fs::read_link(file.path()).is_ok_and(|link| link.as_os_str() == wanted.as_str()))
    };
    let mut pids: Vec<u32> =
        fs::read_dir("/proc").ok()?.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    pids.into_iter().find(|&pid| holds(pid))
}

/// The inode of a line of `/proc/net/tcp` or `tcp6` if it is a socket that listens on `address`.
fn listener_inode(line: &str, address: SocketAddr) -> Option<u64> {
    const LISTEN: &str = "0A";
    let mut fields = line.split_ascii_whitespace();
    let (ip, port) = fields.nth(1)?.split_once(':')?;
    let listens = fields.nth(1)? == LISTEN;
    let ip = parse_ip(ip)?.to_canonical();
    let same_port = u16::from_str_radix(port, 16).ok()? == address.port();
    if !listens || !same_port || !(ip == address.ip().to_canonical() || ip.is_unspecified()) {
        return None;
    }
    fields.nth(5)?.parse().ok()
}

/// An address as the kernel prints it: 32-bit words in the machine's byte order.
fn parse_ip(hex: &str) -> Option<IpAddr> {
    let word = |i: usize| Some(u32::from_str_radix(hex.get(i * 8..i * 8 + 8)?, 16).ok()?.to_ne_bytes());
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut octets = [0; 16];
            for i in 0..4 {
                octets[i * 4..i * 4 + 4].copy_from_slice(&word(i)?);
            }
            Some(Ipv6Addr::from(octets).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_with_parentheses_does_not_shift_the_fields() {
        let stat = "42 (a) b (c)) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 100 1 2";
        assert_eq!(parse_stat(stat), Some((Duration::from_secs(3), 9)));
        assert_eq!(parse_stat("nonsense"), None);
    }

    #[test]
    fn busy_time_leaves_idle_and_iowait_out() {
        let line = "cpu  100 10 50 9999 77 5 5 0 0 0";
        assert_eq!(parse_machine_cpu(line), Some(Duration::from_millis(1700)));
        assert_eq!(parse_machine_cpu("intr 1 2"), None);
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn listeners_are_read_from_both_tables() {
        let v4 = "   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1";
        let address = "127.0.0.1:8000".parse().unwrap();
        assert_eq!(listener_inode(v4, address), Some(4711));
        assert_eq!(listener_inode(v4, "127.0.0.1:8001".parse().unwrap()), None);
        assert_eq!(listener_inode(&v4.replace(" 0A ", " 01 "), address), None);
        let any = v4.replace("0100007F", "00000000000000000000000000000000");
        assert_eq!(listener_inode(&any, address), Some(4711));
        assert_eq!(parse_ip("00000000000000000000000001000000"), Some(Ipv6Addr::LOCALHOST.into()));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn our_own_listener_and_memory_are_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let pid = std::process::id();
        assert_eq!(listening_pid(listener.local_addr().unwrap()), Some(pid));
        let sample = Sample::read_full(pid).unwrap();
        assert!(sample.memory.rss_bytes > 100_000 && sample.threads >= 1 && sample.open_files >= 3);
    }
}
