//! Finds the built pages to embed. Without them the server still builds, with a page that says how to get them.

#![allow(clippy::expect_used, reason = "a build script fails by panicking")]

use std::path::{Path, PathBuf};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let dist = root.join("ui/dist");
    println!("cargo:rerun-if-changed={}", dist.display());
    let pages = if dist.join("index.html").is_file() {
        dist
    } else {
        println!(
            "cargo:warning=the pages are not built (`cargo xtask setup` does it); the server will say so"
        );
        let folder = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("pages");
        std::fs::create_dir_all(&folder).expect("OUT_DIR can be written");
        let note = "<!doctype html><title>Sightwire</title><p>This build has no pages. <code>cargo xtask demo</code> \
                    builds them. The API and the clients work: <a href=\"/api/v1/status\">status</a>.";
        std::fs::write(folder.join("index.html"), note).expect("OUT_DIR can be written");
        folder
    };
    println!("cargo:rustc-env=SIGHTWIRE_PAGES={}", pages.display());
}
