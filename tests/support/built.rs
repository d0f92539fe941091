//! The reference module, as a user gets it.

use std::path::PathBuf;
use std::sync::OnceLock;

use super::{compile_module, scratch};

/// The module out of the built package.
#[derive(Debug)]
pub struct Built {
    /// The shared object, taken out of the package's payload.
    pub module: PathBuf,
}

/// Builds the reference module's package, once in a test binary.
pub fn built_package() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(build)
}

/// Until build-module is wired: flattened as simply as this one patch allows.
fn build() -> Built {
    let folder = scratch(&format!("built-{}", std::process::id()));
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
