//! Where cargo puts what the tests start.

use std::path::PathBuf;

/// The program that draws as `sightwire-draw` does, or behaves badly: `child.rs`, an example of this crate.
pub fn file() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let built = test.ancestors().nth(2).unwrap().join("examples/draw-test-child");
    assert!(built.is_file(), "cargo builds it with all tests: {}", built.display());
    built
}
