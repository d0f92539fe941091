//! Programs of the Python package index that Debian does not have: each in an environment of its own beneath Cargo's target
//! folder, of one version, made once. No network fails the test.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::run;

/// A folder with these programs. `only` are installed without what they require.
pub fn programs(name: &str, packages: &[&str], only: &[&str]) -> PathBuf {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python");
    fs_err::create_dir_all(&parent).unwrap();
    let said: Vec<&str> = packages.iter().chain(only).copied().collect();
    let folder = parent.join(format!("{name}-{}", said.join("-").replace(['=', '.'], "")));
    let lock = fs_err::File::create(parent.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    let done = folder.join("complete");
    if !done.exists() {
        let _ = fs_err::remove_dir_all(&folder);
        // Its programs have its path in them: it is made where it stays.
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        let pip = |options: &[&str], packages: &[&str]| {
            let mut command = Command::new(folder.join("bin/pip"));
            run(command
                .args(["install", "--quiet", "--disable-pip-version-check"])
                .args(options)
                .args(packages));
        };
        pip(&[], packages);
        if !only.is_empty() {
            pip(&["--no-deps"], only);
        }
        fs_err::write(done, "").unwrap();
    }
    folder.join("bin")
}

/// copr-cli, which fetches with wget.
pub fn copr_cli() -> PathBuf {
    programs("copr-cli", &["copr-cli==2.6"], &[])
}

/// koji; without requests-gssapi, which wants a C compiler and Kerberos for another way to log in.
pub fn koji() -> PathBuf {
    programs(
        "koji",
        &["python-dateutil==2.9.0.post0", "requests==2.32.5", "six==1.17.0", "defusedxml==0.7.1"],
        &["koji==1.36.1"],
    )
}

/// check-jsonschema, which brings the schemas of GitHub's and GitLab's pipelines.
pub fn check_jsonschema() -> PathBuf {
    programs("check-jsonschema", &["check-jsonschema==0.39.0"], &[])
}
