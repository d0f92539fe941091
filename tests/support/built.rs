//! The reference module, as a user gets it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{run, scratch};

/// The module out of the built package.
#[derive(Debug)]
pub struct Built {
    /// The shared object, taken out of the package's payload.
    pub module: PathBuf,
}

/// Builds the reference module's package, once in a test binary.
pub fn built_package() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(build_module)
}

/// As a user builds it, and as an installed package has it.
fn build_module() -> Built {
    let folder = scratch("built");
    let printed = run(Command::new(env!("CARGO_BIN_EXE_modgraft"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("MODGRAFT_CACHE", folder.join("cache"))
        .args([
            "build-module",
            "mod_proxy_wstunnel",
            "--no-check",
            "--sign-key",
            "none",
            "--offline",
            "--out",
        ])
        .arg(&folder));
    let rpm = printed
        .lines()
        .find(|path| !path.ends_with(".src.rpm") && path.ends_with(".rpm") && !path.contains("-debuginfo-"))
        .unwrap_or_else(|| panic!("build-module names no package: {printed}"));
    let module = unpack(Path::new(rpm), &folder)
        .into_iter()
        .find(|path| path.ends_with("mod_proxy_wstunnel.so"))
        .unwrap_or_else(|| panic!("{rpm} has no module"));
    Built { module }
}

/// Unpacks a package's payload with rpm's own program, and returns its files.
fn unpack(rpm: &Path, folder: &Path) -> Vec<PathBuf> {
    let archive = folder.join("payload.tgz");
    let root = folder.join("payload");
    fs_err::create_dir_all(&root).unwrap();
    run(Command::new("rpm2archive")
        .arg("-")
        .stdin(fs_err::File::open(rpm).unwrap().into_file())
        .stdout(fs_err::File::create(&archive).unwrap().into_file()));
    run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&root));
    let files = walkdir::WalkDir::new(&root).into_iter().map(|entry| entry.unwrap());
    files.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}
