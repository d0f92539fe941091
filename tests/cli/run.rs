//! Runs the built program in a home of its own.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use tempfile::TempDir;

/// The cache of targets is shared by all tests of the run, as a user's is by all builds.
static SHARED: OnceLock<TempDir> = OnceLock::new();

/// A folder to work in, gone at the end of the test.
pub struct Place {
    folder: TempDir,
}

/// What a run printed and left.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    pub fn new() -> Self {
        Place { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().expect("a path below the folder")).expect("a folder");
        fs_err::write(&path, text).expect("a file");
        path
    }

    /// `modgraft` with this folder as the working directory and no settings of the person who runs the tests.
    pub fn command(&self) -> Command {
        let shared = SHARED.get_or_init(|| tempfile::tempdir().expect("a temporary folder"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
        let temporary = self.path("tmp");
        fs_err::create_dir_all(&temporary).expect("a folder");
        command
            .current_dir(self.folder.path())
            .env("TMPDIR", temporary)
            .env("MODGRAFT_CACHE", shared.path().join("cache"))
            .env("MODGRAFT_DATA", shared.path().join("data"))
            .env("NO_COLOR", "1");
        for name in ["CC", "CFLAGS", "SOURCE_DATE_EPOCH", "MODGRAFT_SIGN_KEY", "MODGRAFT_PASSPHRASE"] {
            command.env_remove(name);
        }
        command
    }

    pub fn run<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Run {
        finish(self.command().args(args))
    }

    /// What is in the folder `name`, sorted, hidden files too; empty where there is no such folder.
    pub fn names(&self, name: &str) -> Vec<String> {
        let Ok(entries) = fs_err::read_dir(self.path(name)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }
}

/// Runs `command` to its end.
pub fn finish(command: &mut Command) -> Run {
    let Output { status, stdout, stderr } = command.output().expect("modgraft can be started");
    let text = |bytes| String::from_utf8(bytes).expect("modgraft prints UTF-8");
    Run { code: status.code().expect("modgraft is not killed"), stdout: text(stdout), stderr: text(stderr) }
}

/// The folder of the reference recipe.
pub fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("modules/mod_proxy_wstunnel")
}

/// A git patch that adds `path`.
pub fn added(path: &str, body: &str) -> String {
    let lines: String = body.lines().map(|line| format!("+{line}\n")).collect();
    let count = body.lines().count();
    format!(
        "diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{count} @@\n{lines}"
    )
}
