//! Lists the profiles of distributions, so that a new one is a new file and no code; and all templates, so that a record of a
//! build can name them by a digest.

#![allow(clippy::disallowed_methods, reason = "a build script has no dependencies; cargo shows what fails")]

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

const FOLDER: &str = "templates/targets";
const TEMPLATES: &str = "templates";

fn main() {
    println!("cargo::rerun-if-changed={FOLDER}");
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
        writeln!(list, "    ({name:?}, include_str!({})),", path(&file)).expect("a string takes all");
    }
    list.push_str("]\n");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    let out = Path::new(&out);
    fs::write(out.join("profiles.rs"), list).expect("cargo's own folder can be written");
    fs::write(out.join("templates.rs"), templates()).expect("cargo's own folder can be written");
}

/// What the compiler evaluates to the path of `file`: a build script does not run again for a checkout that was moved with its
/// target folder, and what it wrote then would name files that are gone.
fn path(file: &Path) -> String {
    format!("concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/\", {file:?})")
}

/// Name and bytes of each file beneath the folder of templates, by name.
fn templates() -> String {
    println!("cargo::rerun-if-changed={TEMPLATES}");
    let mut files = Vec::new();
    let mut open = vec![Path::new(TEMPLATES).to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("the templates are a part of the source") {
            let path = entry.expect("a folder can be read").path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let mut list = String::from("&[\n");
    for file in files {
        writeln!(list, "    ({file:?}, include_bytes!({})),", path(&file)).expect("a string takes all");
    }
    list.push_str("]\n");
    list
}
