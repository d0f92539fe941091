//! The reference module, as a user gets it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{compile_module, run, scratch};

/// The module out of the built package.
#[derive(Debug)]
pub struct Built {
    /// The shared object, taken out of the package's payload.
    pub module: PathBuf,
}

/// Builds the reference module's package, once in a test binary.
pub fn built_package() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    // `from_build_module`, as soon as that command does all of its work.
    BUILT.get_or_init(by_hand)
}

/// As a user builds it, and as an installed package has it.
fn from_build_module() -> Built {
    let folder = scratch("built");
    let printed = run(Command::new(env!("CARGO_BIN_EXE_modgraft"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build-module", "mod_proxy_wstunnel", "--no-check", "--sign-key", "none", "--out"])
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

/// Flattened as simply as this one patch allows.
fn by_hand() -> Built {
    let folder = scratch("built");
    let patch =
        concat!(env!("CARGO_MANIFEST_DIR"), "/modules/mod_proxy_wstunnel/0001-mod_proxy_wstunnel.patch");
    let patch = fs_err::read_to_string(patch).unwrap();
    let module = added(&patch, "modules/proxy/mod_proxy_wstunnel.c");
    let functions =
        added(&patch, "modules/proxy/proxy_util.c").replace("PROXY_DECLARE(", "static PROXY_INLINED(");
    let (before, after) = module.split_once("#include \"apr_want.h\"\n").expect("the module's last include");
    let flat =
        format!("{before}#include \"apr_want.h\"\n#define PROXY_INLINED(type) type\n{functions}\n{after}");
    let source = folder.join("mod_proxy_wstunnel.c");
    fs_err::write(&source, flat).unwrap();
    let module = folder.join("mod_proxy_wstunnel.so");
    compile_module(&source, &module, &[]);
    Built { module }
}

/// The lines that a patch adds to a file.
fn added(patch: &str, path: &str) -> String {
    let start = format!("diff --git a/{path} b/{path}\n");
    let (_, rest) = patch.split_once(&start).expect("the patch has the file");
    let (part, _) = rest.split_once("\ndiff --git ").unwrap_or((rest, ""));
    let hunks = part.split_once("\n@@").expect("the file has a hunk").1;
    hunks.lines().filter_map(|line| line.strip_prefix('+')).map(|line| format!("{line}\n")).collect()
}
