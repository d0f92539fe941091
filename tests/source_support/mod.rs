//! Real git repositories to fetch from.
#![allow(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};
use std::process::Command;

use modgraft::source::Options;

/// Runs git in `directory` and returns what it says, trimmed. Neither the developer's settings nor the clock take part.
pub fn git(directory: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .envs([("GIT_AUTHOR_NAME", "A U Thor"), ("GIT_AUTHOR_EMAIL", "author@example.org")])
        .envs([("GIT_COMMITTER_NAME", "C O Mitter"), ("GIT_COMMITTER_EMAIL", "committer@example.org")])
        .envs([("GIT_AUTHOR_DATE", "1371131313 +0200"), ("GIT_COMMITTER_DATE", "1371131313 +0200")])
        .args(args)
        .output()
        .expect("git must be installed for this test");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// A repository with a short history of an httpd-like tree.
pub struct Upstream {
    pub path: PathBuf,
    /// The first commit, which has no parent.
    pub root: String,
    /// Its child: brings mod_example. Tagged `v1`.
    pub module: String,
    /// The next one: changes it.
    pub change: String,
    /// The tip of `main`: a merge of a branch that added a file, whose first parent is `change`.
    pub merge: String,
}

pub const MODULE: &str = "/* mod_example: an example */\nmodule AP_MODULE_DECLARE_DATA example_module = {\n    STANDARD20_MODULE_STUFF\n};\n";

pub fn write(root: &Path, path: &str, text: impl AsRef<[u8]>) {
    let path = root.join(path);
    fs_err::create_dir_all(path.parent().expect("beneath a root")).expect("a folder can be made");
    fs_err::write(path, text).expect("a file can be written");
}

fn commit(path: &Path, message: &str) -> String {
    git(path, &["add", "-A"]);
    git(path, &["commit", "-q", "--no-gpg-sign", "-m", message]);
    git(path, &["rev-parse", "HEAD"])
}

/// Makes the repository below `parent`.
pub fn upstream(parent: &Path) -> Upstream {
    let path = parent.join("httpd");
    fs_err::create_dir(&path).expect("a folder can be made");
    git(&path, &["init", "-q", "-b", "main", "."]);
    let lines: String = (1..=60).map(|n| format!("int shared_{n};\n")).collect();
    write(&path, "server/util.c", &lines);
    write(&path, "include/httpd.h", "struct request_rec;\n");
    write(&path, "CHANGES", "Changes with Apache 2.4.5\n\n  *) Nothing yet.\n");
    let root = commit(&path, "Begin");
    write(&path, "modules/examples/mod_example.c", MODULE);
    write(&path, "modules/examples/config.m4", "APACHE_MODULE(example)\n");
    write(&path, "server/util.c", lines.replace("int shared_30;\n", "int shared_30;\nint brought;\n"));
    let module = commit(&path, "mod_example: Add an example.\n\nIt does\nnothing.\n---\ndiff --git a/x b/x");
    git(&path, &["tag", "-a", "-m", "one", "v1"]);
    write(&path, "modules/examples/mod_example.c", MODULE.replace("an example", "a better one"));
    let change = commit(&path, "Better");
    git(&path, &["checkout", "-q", "-b", "side", &root]);
    write(&path, "modules/examples/mod_side.c", MODULE.replace("example", "side"));
    commit(&path, "On the side");
    git(&path, &["checkout", "-q", "main"]);
    git(&path, &["merge", "-q", "--no-ff", "--no-gpg-sign", "-m", "Merge side", "side"]);
    let merge = git(&path, &["rev-parse", "HEAD"]);
    Upstream { path, root, module, change, merge }
}

pub fn options(cache: &Path) -> Options {
    Options { cache: cache.to_owned(), offline: false }
}

/// Runs the calling test again, alone in a process of its own with this environment, and reports whether this *is* that
/// process. What the process printed is returned to the outer one.
///
/// The stage runs git with the environment it finds; changing that of a process with threads is not safe.
pub fn in_own_process(test: &str, environment: &[(&str, &Path)]) -> Option<String> {
    if std::env::var_os("MODGRAFT_TEST_INNER").is_some() {
        return None;
    }
    let output = Command::new(std::env::current_exe().expect("a test has a program"))
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env("MODGRAFT_TEST_INNER", "1")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env_remove("XDG_CONFIG_HOME")
        .envs(environment.iter().copied())
        .output()
        .expect("a test can run itself");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{test} in its own process:\n{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(said)
}

/// The folder that the outer process made for the inner one.
pub fn inner_folder() -> PathBuf {
    std::env::var_os("HOME").expect("set by the outer process").into()
}
