//! Draws as `sightwire-draw` does, or behaves badly in a way that is named; which version it is, its folder's name says.
#![forbid(unsafe_code)]
#![allow(clippy::print_stderr, clippy::panic, missing_docs)]

use std::io::{Read, Write};
use std::time::Duration;

fn main() {
    let mut args = std::env::args();
    let (name, fate) = (args.next().unwrap_or_default(), args.next().unwrap_or_default());
    let mut head = [0; sightwire_documents::request::LENGTH];
    let confined = |head: &mut [u8; sightwire_documents::request::LENGTH]| {
        std::io::stdin().read_exact(head).unwrap_or_default();
        let request = sightwire_documents::request::Request::decode(head);
        request.map(|request| sightwire_draw::confine::this_process(&request))
    };
    match fate.as_str() {
        "--version" => say_version(),
        "draw" => sightwire_draw::run_drawing().unwrap_or_default(),
        "hang" => std::thread::sleep(Duration::from_secs(600)),
        "spin" => {
            confined(&mut head);
            loop {
                std::hint::spin_loop();
            }
        }
        "allocate" => {
            confined(&mut head);
            let mut all = Vec::new();
            loop {
                all.push(vec![1_u8; 16 << 20]);
            }
        }
        "hold" => {
            confined(&mut head);
            let held = vec![1_u8; 200 << 20];
            std::thread::sleep(Duration::from_secs(600));
            drop(held);
        }
        "flood" => loop {
            if std::io::stdout().write_all(&[2; 1 << 12]).is_err() {
                return;
            }
        },
        "crash" => std::process::abort(),
        "babble" => print!("hello"),
        "shout" => {
            for _ in 0..100_000 {
                eprintln!("line after line of something that nobody wants to read");
            }
            std::process::exit(3);
        }
        "tell" => {
            let (variables, folder) =
                (std::env::vars_os().count(), std::env::current_dir().unwrap_or_default());
            // The process that runs the tests may leave others open.
            let own = std::fs::read_link("/proc/self/exe").ok();
            let files = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
            let is_held = files.map(|file| std::fs::read_link(file.path()).ok()).any(|file| file == own);
            let held = if is_held { "held" } else { "not held" };
            eprintln!("{name} at {}: {variables} variables, its file {held}", folder.display());
            std::process::exit(3);
        }
        "write" => {
            confined(&mut head);
            let file = std::fs::File::create("/tmp/x");
            std::process::exit(if file.is_err() { 44 } else { 45 });
        }
        // What a process of the same user could do to its parent without a filter, and what it still needs.
        "touch" => {
            let parent = rustix::process::getppid();
            confined(&mut head);
            let reaches = parent.is_none_or(|parent| rustix::process::test_kill_process(parent).is_ok());
            let starts = std::process::Command::new("/bin/true").spawn().is_ok();
            let threads = std::thread::spawn(|| 5).join().is_ok_and(|five| five == 5);
            std::process::exit(40 + i32::from(reaches) + 2 * i32::from(starts) + 4 * i32::from(!threads));
        }
        _ => panic!("unknown fate"),
    }
}

fn say_version() {
    let file = std::fs::read_link("/proc/self/exe").unwrap_or_default();
    let folder = file.parent().and_then(|folder| folder.file_name()).unwrap_or_default();
    match folder.to_str() {
        Some("older") => println!("sightwire-draw 0.0.9 (protocol 0)"),
        Some("sick") if !file.with_extension("healed").exists() => std::process::abort(),
        _ => println!("{}", sightwire_documents::program::version_line()),
    }
}
