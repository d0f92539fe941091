//! What all of these tests need: the reference module's source package, what real rpmbuild makes of it, and a run of modgraft.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use super::support::rpmbuild::rebuild;
use super::support::{run, scratch};

/// The reference module as its source package, and as rpmbuild has built that.
pub struct Built {
    pub source: PathBuf,
    /// The package, and its debuginfo.
    pub packages: Vec<PathBuf>,
    pub key: PathBuf,
    pub public: PathBuf,
}

/// Made once.
pub fn built() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = scratch("submit");
        let out = folder.join("made");
        let args = ["build-module", "mod_proxy_wstunnel", "--no-check", "--offline", "--out"];
        let printed = run(modgraft(&folder).current_dir(env!("CARGO_MANIFEST_DIR")).args(args).arg(&out));
        let source = printed.lines().find(|line| line.ends_with(".src.rpm")).expect("a source package");
        let packages = rebuild(Path::new(source), &folder.join("top"));
        assert!(packages.len() >= 2, "{packages:?}");
        let data = folder.join("data");
        let files = walkdir::WalkDir::new(&data).into_iter().map(|entry| entry.unwrap().into_path());
        let key = files
            .filter(|path| path.is_file())
            .find(|path| fs_err::read_to_string(path).is_ok_and(|text| text.contains("PRIVATE KEY")));
        Built {
            source: source.into(),
            packages,
            key: key.expect("the development key"),
            public: out.join("modgraft-development-key.asc"),
        }
    })
}

/// A source package of the same name, version and release, of other files.
pub fn other_sources() -> PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    let make = || {
        let folder = scratch("submit-other-sources");
        let args = ["build-module", "mod_proxy_wstunnel", "--no-line", "--no-check", "--offline", "--out"];
        let mut command = modgraft(&folder);
        command.current_dir(env!("CARGO_MANIFEST_DIR")).args(args).arg(folder.join("made"));
        let printed = run(&mut command);
        printed.lines().find(|line| line.ends_with(".src.rpm")).expect("a source package").into()
    };
    MADE.get_or_init(make).clone()
}

fn modgraft(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
    command.env("MODGRAFT_CACHE", folder.join("cache")).env("MODGRAFT_DATA", folder.join("data"));
    command.env("NO_COLOR", "1").env_remove("MODGRAFT_SIGN_KEY").env_remove("SOURCE_DATE_EPOCH");
    command
}

/// A folder to work in, and a home for the clients.
pub struct Place {
    pub folder: tempfile::TempDir,
}

pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs_err::create_dir(folder.path().join("home")).unwrap();
        fs_err::create_dir(folder.path().join("tmp")).unwrap();
        Place { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, text).unwrap();
        path
    }

    /// A program in a folder of its own, which stands first on PATH.
    pub fn program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.write(&format!("bin/{name}"), text);
        fs_err::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        self.path("bin")
    }

    /// `modgraft submit`, with the programs of `bin` and nothing of whoever runs the tests.
    pub fn command(&self, bin: &Path, arguments: &[&str]) -> Command {
        let mut command = modgraft(self.folder.path());
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", bin.display())).env("HOME", self.path("home"));
        command.env("TMPDIR", self.path("tmp")).env_remove("XDG_CONFIG_HOME").current_dir(self.folder.path());
        for proxy in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(proxy);
        }
        command.arg("submit").args(arguments);
        command
    }

    /// As that, signed by the development key.
    pub fn submit(&self, bin: &Path, arguments: &[&str]) -> Ran {
        let mut command = self.command(bin, arguments);
        ran(command.arg("--sign-key").arg(&built().key))
    }

    /// What is beneath a folder, sorted; hidden files too.
    pub fn files(&self, name: &str) -> Vec<String> {
        let root = self.path(name);
        let entries = walkdir::WalkDir::new(&root).sort_by_file_name().into_iter().filter_map(Result::ok);
        let files = entries.filter(|entry| entry.file_type().is_file());
        files.map(|file| file.path().strip_prefix(&root).unwrap().display().to_string()).collect()
    }

    /// Nothing is left of what was under way.
    pub fn is_tidy(&self) -> bool {
        self.files("tmp").is_empty() && !self.files("out").iter().any(|file| file.contains(".modgraft-"))
    }
}

pub fn ran(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

impl Ran {
    pub fn good(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// It failed with this code, and said each of these.
    pub fn bad(self, code: i32, said: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        for words in said {
            assert!(self.stderr.contains(words), "`{words}` in:\n{}", self.stderr);
        }
        self
    }
}

pub fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// What rpm itself says of the packages' signatures, with our key and no other.
pub fn are_signed(place: &Place, printed: &str) -> usize {
    let database = place.path("keys");
    fs_err::create_dir_all(&database).unwrap();
    let rpmkeys = || {
        let mut command = Command::new("rpmkeys");
        command.arg("--dbpath").arg(&database);
        command
    };
    run(rpmkeys().arg("--import").arg(&built().public));
    let packages: Vec<&str> = printed.lines().collect();
    for package in &packages {
        let said = run(rpmkeys().args(["-Kv"]).arg(place.folder.path().join(package)));
        assert!(said.contains("Signature") && !said.contains("NOKEY"), "{said}");
    }
    packages.len()
}
