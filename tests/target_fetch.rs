//! The distribution's packages in place of an installed httpd: real apt-get with a repository of this test's own, whose
//! packages are made of the httpd that is installed here.

use std::env;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use modgraft::target::{self, Options, Provenance};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const CACHE: &str = "MODGRAFT_TEST_CACHE";
const OFFLINE: &str = "MODGRAFT_TEST_OFFLINE";

/// Not a test of its own: the others run it as a process, since apt is told of the repository by the environment.
#[test]
#[ignore = "run by the other tests as a process of its own"]
fn resolve_and_tell() {
    let cache = PathBuf::from(env::var_os(CACHE).expect("the caller names the cache"));
    let options =
        Options { offline: env::var_os(OFFLINE).is_some(), prefer_fetched: true, ..Options::new(cache) };
    match target::resolve("local", &options, &|line| println!("\nnotice: {line}")) {
        Ok(target) => {
            let Provenance::Fetched { packages, root } = &target.provenance else { panic!("{target:?}") };
            println!("\nversion: {}\nmmn: {}\nroot: {}", target.httpd_version, target.mmn, root.display());
            println!("packages: {}", packages.join(", "));
            println!("program: {}", target.program.unwrap().display());
            println!("modules: {}", target.modules_dir.display());
            println!("includes: {}", env::join_paths(target.include_dirs).unwrap().display());
            println!("libraries: {}", env::join_paths(target.library_path).unwrap().display());
        }
        Err(error) => {
            println!("\nerror: {error}\nhelp: {}", miette::Diagnostic::help(&error).unwrap());
        }
    }
}

/// A repository, a cache, and the configuration that makes apt use the repository only.
struct Sandbox {
    folder: TempDir,
}

impl Sandbox {
    /// `source` is a line of sources.list; `REPOSITORY` in it stands for the repository's folder.
    fn new(source: &str) -> Self {
        let sandbox = Sandbox { folder: tempfile::tempdir().unwrap() };
        let repository = sandbox.path("repository");
        fs_err::create_dir(&repository).unwrap();
        fs_err::write(sandbox.path("repository/Packages"), "").unwrap();
        let source = source.replace("REPOSITORY", &repository.to_string_lossy());
        fs_err::write(sandbox.path("sources.list"), source).unwrap();
        let list = sandbox.path("sources.list");
        let text =
            format!("Dir::Etc::sourcelist \"{}\";\nDir::Etc::sourceparts \"/dev/null\";\n", list.display());
        fs_err::write(sandbox.path("apt.conf"), text).unwrap();
        sandbox
    }

    fn with_httpd() -> Self {
        let sandbox = Sandbox::new("deb [trusted=yes] file:REPOSITORY ./\n");
        let headers = ["/usr/include/apache2", "/usr/share/apache2/build"];
        sandbox.add("apache2-dev", "", &headers);
        sandbox.add("libapr1-dev", "", &["/usr/include/apr-1.0"]);
        sandbox.add("libaprutil1-dev", "", &[]);
        sandbox.add(
            "apache2-bin",
            "libapr1, perl-modules-0.1",
            &["/usr/sbin/apache2", "/usr/lib/apache2/modules"],
        );
        let libraries = output("sh", &["-c", "ls /usr/lib/*/libapr-1.so.0* /usr/lib/*/libaprutil-1.so.0*"]);
        sandbox.add("libapr1", "", &libraries.lines().collect::<Vec<_>>());
        sandbox.add("perl-modules-0.1", "", &[]);
        sandbox
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a package of files of this system and adds it to the repository.
    fn add(&self, name: &str, depends: &str, files: &[&str]) {
        let tree = self.path("tree");
        fs_err::create_dir_all(tree.join("DEBIAN")).unwrap();
        let architecture = output("dpkg", &["--print-architecture"]);
        let mut control = format!(
            "Package: {name}\nVersion: 99:2.4-1\nArchitecture: {}\nMaintainer: nobody <nobody@example.org>\n\
             Description: made of this system's files\n",
            architecture.trim()
        );
        if !depends.is_empty() {
            writeln!(control, "Depends: {depends}").unwrap();
        }
        fs_err::write(tree.join("DEBIAN/control"), &control).unwrap();
        for file in files {
            let to = tree.join(file.trim_start_matches('/'));
            fs_err::create_dir_all(to.parent().unwrap()).unwrap();
            output("cp", &["-a", file, &to.to_string_lossy()]);
        }
        let file = self.path(&format!("repository/{name}.deb"));
        output("dpkg-deb", &["-Znone", "-b", &tree.to_string_lossy(), &file.to_string_lossy()]);
        fs_err::remove_dir_all(&tree).unwrap();
        let bytes = fs_err::read(&file).unwrap();
        let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let mut index = fs_err::read_to_string(self.path("repository/Packages")).unwrap();
        write!(index, "{control}Filename: ./{name}.deb\nSize: {}\nSHA256: {digest}\n\n", bytes.len())
            .unwrap();
        fs_err::write(self.path("repository/Packages"), index).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "resolve_and_tell", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env(CACHE, self.path("cache")).env("APT_CONFIG", self.path("apt.conf")).env_remove("APXS");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn resolve(&self) -> Told {
        Told::of(self.command().output().unwrap())
    }
}

/// What the process has told.
struct Told(String);

impl Told {
    fn of(output: Output) -> Self {
        Told(format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ))
    }

    fn all(&self, name: &str) -> Vec<&str> {
        self.0.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
    }

    fn get(&self, name: &str) -> &str {
        self.all(name).first().copied().unwrap_or_else(|| panic!("no {name} in:\n{}", self.0))
    }
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program} is needed for this test: {error}"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_packages_are_fetched_once_and_make_an_httpd_that_runs() {
    let sandbox = Sandbox::with_httpd();
    let told = sandbox.resolve();
    let expected = "fetching apache2-dev 99:2.4-1 and 4 more from this distribution's packages";
    assert!(told.all("notice").iter().any(|line| line.starts_with(expected)), "{}", told.0);
    let packages = ["apache2-dev", "apache2-bin", "libapr1", "libapr1-dev", "libaprutil1-dev"];
    assert_eq!(told.get("packages"), packages.map(|name| format!("{name} 99:2.4-1")).join(", "));

    let root = Path::new(told.get("root"));
    for name in ["program", "modules"] {
        assert!(Path::new(told.get(name)).starts_with(root), "{name} in {}", told.0);
    }
    assert!(env::split_paths(told.get("includes")).all(|folder| folder.starts_with(root)), "{}", told.0);
    let version = Command::new(told.get("program"))
        .arg("-v")
        .env("LD_LIBRARY_PATH", told.get("libraries"))
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&version.stdout).contains(told.get("version")), "{version:?}");

    // Nothing but the cache is needed now: neither repository nor permission.
    fs_err::remove_dir_all(sandbox.path("repository")).unwrap();
    let again = Told::of(sandbox.command().env(OFFLINE, "1").output().unwrap());
    assert_eq!(again.all("notice"), Vec::<&str>::new());
    assert_eq!(again.get("root"), told.get("root"));
}

#[test]
fn two_at_once_fetch_once() {
    let sandbox = Sandbox::with_httpd();
    let both = [sandbox.command().spawn().unwrap(), sandbox.command().spawn().unwrap()];
    let told = both.map(|child| Told::of(child.wait_with_output().unwrap()));
    let fetched =
        told.iter().flat_map(|told| told.all("notice")).filter(|line| line.starts_with("fetching")).count();
    assert_eq!(fetched, 1, "{}\n{}", told[0].0, told[1].0);
    assert_eq!(told[0].get("root"), told[1].get("root"));
    let left =
        fs_err::read_dir(sandbox.path("cache/targets")).unwrap().map(|entry| entry.unwrap().file_name());
    let hidden = left.filter(|name| name.to_string_lossy().starts_with('.')).count();
    assert_eq!(hidden, 0, "no unfinished folder is left");
}

#[test]
fn a_damaged_cache_is_fetched_anew() {
    let sandbox = Sandbox::with_httpd();
    let root = PathBuf::from(sandbox.resolve().get("root"));
    fs_err::write(root.join("usr/include/apache2/ap_mmn.h"), "").unwrap();
    let told = sandbox.resolve();
    assert!(told.all("notice").iter().any(|line| line.starts_with("fetching")), "{}", told.0);
    assert!(told.get("mmn").contains(':'), "{}", told.0);
}

#[test]
fn a_repository_without_the_packages_is_told_with_the_command_that_helps() {
    let sandbox = Sandbox::new("deb [trusted=yes] file:REPOSITORY ./\n");
    let told = sandbox.resolve();
    assert!(
        told.get("error").ends_with("could not be fetched: this system's package sources do not have them"),
        "{}",
        told.0
    );
    assert!(told.get("help").ends_with("apt-get install apache2-dev apache2-bin"), "{}", told.0);
}

#[test]
fn a_server_that_does_not_answer_is_told() {
    // Port 1 of this host: refused at once.
    let sandbox = Sandbox::new("deb [trusted=yes] http://127.0.0.1:1/ ./\n");
    let told = Told::of(sandbox.command().env("http_proxy", "").env("no_proxy", "*").output().unwrap());
    assert!(told.get("error").contains("the distribution's servers could not be reached"), "{}", told.0);
    assert!(told.get("help").starts_with("check the network"), "{}", told.0);
}

#[test]
fn a_package_that_is_not_what_the_index_says_is_refused() {
    let sandbox = Sandbox::with_httpd();
    let package = sandbox.path("repository/apache2-dev.deb");
    let mut bytes = fs_err::read(&package).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs_err::write(&package, bytes).unwrap();
    let told = sandbox.resolve();
    assert!(told.get("error").contains("could not be fetched"), "{}", told.0);
    assert!(!sandbox.path("cache/targets").exists(), "nothing is left");
}

#[test]
fn without_apt_the_error_names_the_command() {
    let sandbox = Sandbox::with_httpd();
    let told = Told::of(sandbox.command().env("PATH", sandbox.path("repository")).output().unwrap());
    assert!(told.get("error").contains("apt-get, which could fetch them, is not there"), "{}", told.0);
    assert_eq!(told.get("help"), "apt-get install apache2-dev apache2-bin");
}
