//! What a build for another release leaves, looked at with other programs.

use std::path::{Path, PathBuf};
use std::process::Command;

use modgraft::target::GlibcVersion;

use super::run;

/// The folder of the reference recipe.
pub fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("modules/mod_proxy_wstunnel")
}

/// The symbol versions of glibc that the module in the packages of `out` needs, by readelf.
pub fn versions(out: &Path) -> Vec<(GlibcVersion, String)> {
    let package = fs_err::read_dir(out).unwrap().map(|entry| entry.unwrap().path()).find(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.ends_with(".rpm") && !name.ends_with(".src.rpm") && !name.contains("-debuginfo-")
    });
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("payload.tgz");
    run(Command::new("rpm2archive")
        .arg("-")
        .stdin(fs_err::File::open(package.unwrap()).unwrap().into_file())
        .stdout(fs_err::File::create(&archive).unwrap().into_file()));
    run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(folder.path()));
    let files = walkdir::WalkDir::new(folder.path()).into_iter().map(|entry| entry.unwrap().into_path());
    let module = files.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "so"));
    let symbols = run(Command::new("readelf").args(["--dyn-syms", "-W"]).arg(module.unwrap()));
    let word = |line: &str| line.split_whitespace().nth(7).map(str::to_owned);
    let names = symbols.lines().filter_map(word);
    names.filter_map(|name| Some((GlibcVersion::of_symbol(name.split_once('@')?.1)?, name.clone()))).collect()
}
