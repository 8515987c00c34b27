//! Of the requests of a connection at most one byte is changed, a bare LF into a NUL, and the same one however they are split.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/listen/src/head.rs"]
#[allow(dead_code)]
mod head;

use head::Heads;

fuzz_target!(|data: &[u8]| {
    let Some((size, bytes)) = data.split_first() else { return };
    let size = usize::from(*size).max(1);
    let (mut whole, mut pieces) = (bytes.to_vec(), bytes.to_vec());
    Heads::default().follow(&mut whole);
    let mut heads = Heads::default();
    pieces.chunks_mut(size).for_each(|piece| heads.follow(piece));
    assert_eq!(whole, pieces);
    let changed: Vec<usize> = (0..bytes.len()).filter(|at| whole[*at] != bytes[*at]).collect();
    assert!(changed.len() <= 1);
    assert!(changed.iter().all(|at| bytes[*at] == b'\n' && whole[*at] == 0 && (*at == 0 || bytes[*at - 1] != b'\r')));
});
