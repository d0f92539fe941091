//! Lists the profiles of distributions, so that a new one is a new file and no code.

#![allow(clippy::disallowed_methods, reason = "a build script has no dependencies; cargo shows what fails")]

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

const FOLDER: &str = "templates/targets";

fn main() {
    println!("cargo::rerun-if-changed={FOLDER}");
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let mut files: Vec<_> = fs::read_dir(FOLDER)
        .expect("the profiles are a part of the source")
        .map(|entry| entry.expect("a folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    let mut list = String::from("&[\n");
    for file in files {
        let name =
            file.file_stem().expect("it has an extension").to_str().expect("profiles have plain names");
        let path = Path::new(&root).join(&file);
        writeln!(list, "    ({name:?}, include_str!({path:?})),").expect("a string takes all");
    }
    list.push_str("]\n");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("profiles.rs"), list).expect("cargo's own folder can be written");
}
