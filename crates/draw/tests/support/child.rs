//! Draws as `sightwire draw` does, or behaves badly in a way that is named.
#![forbid(unsafe_code)]
#![allow(clippy::print_stderr, clippy::panic, missing_docs)]

use std::io::{Read, Write};
use std::time::Duration;

fn main() {
    let fate = std::env::args().nth(1).unwrap_or_default();
    let mut head = [0; sightwire_pages::request::LENGTH];
    let confined = |head: &mut [u8; sightwire_pages::request::LENGTH]| {
        std::io::stdin().read_exact(head).unwrap_or_default();
        let request = sightwire_pages::request::Request::decode(head);
        request.map(|request| sightwire_draw::confine::this_process(&request))
    };
    match fate.as_str() {
        "draw" => sightwire_draw::run().unwrap_or_default(),
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
        "write" => {
            confined(&mut head);
            let file = std::fs::File::create("/tmp/x");
            std::process::exit(if file.is_err() { 44 } else { 45 });
        }
        _ => panic!("unknown fate"),
    }
}
