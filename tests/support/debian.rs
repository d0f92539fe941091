//! Other releases of Debian than the one that runs here: packages and roots with their httpd and C library, and their sources.
//!
//! All comes by apt-get from the mirror that this system's apt uses, is verified by apt, and is kept beneath Cargo's target
//! folder, so that the next run fetches nothing. No network fails the test.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::run;

/// A release of Debian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// 11: httpd 2.4.62, glibc 2.31. Its source is a newer one, by the security updates: mirrors have dropped that of 2.4.62.
    Bullseye,
    /// 12: httpd 2.4.68, or what a later point release has.
    Bookworm,
    /// 13: glibc 2.41.
    Trixie,
}

/// Where packages are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Archive {
    /// The release as it was published last, which changes with point releases only.
    Release,
    /// That and its security updates.
    WithSecurity,
}

/// The keys of Debian's archive, of all releases.
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// What is unpacked into a sysroot beside what apache2-bin needs to run.
const WANTED: &[&str] =
    &["apache2-bin", "apache2-dev", "libapr1-dev", "libaprutil1-dev", "libc6-dev", "linux-libc-dev"];

/// What apache2-bin requires, and its httpd does not.
const LEFT_OUT: &[&str] = &["perl", "libperl", "libgdbm", "debconf", "dpkg", "tar", "libacl1", "libselinux1"];

impl Release {
    fn name(self) -> &'static str {
        match self {
            Release::Bullseye => "bullseye",
            Release::Bookworm => "bookworm",
            Release::Trixie => "trixie",
        }
    }

    /// A folder with this release's packages of httpd and the C library, and all that they need to build a module and run it.
    pub fn packages(self) -> PathBuf {
        self.downloaded("packages", None)
    }

    /// A root with this release's httpd, C library and their headers, as `dpkg-deb -x` leaves it: absolute links lead out of
    /// it. Trixie's has neither os-release nor the links from `/lib` to `/usr/lib`.
    pub fn sysroot(self) -> PathBuf {
        self.unpacked("sysroot", &self.packages())
    }

    /// A root of its own packages only: these and all that they depend on, unpacked. Nothing in it was configured; `build` in it
    /// is an empty folder.
    pub fn root(self, name: &str, packages: &[&str]) -> PathBuf {
        let files = self.made(&format!("packages-of-{name}"), |work, folder| {
            let apt = Apt::new(self, Archive::Release, None, work);
            let mut arguments = vec!["-s", "-y", "--no-install-recommends", "install"];
            arguments.extend(packages);
            let simulated = apt.get(&arguments);
            let all = simulated.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
            run(apt.command("download").args(all).current_dir(folder));
        });
        self.made(&format!("root-of-{name}"), |_, folder| {
            for file in fs_err::read_dir(files).unwrap() {
                run(Command::new("dpkg-deb").arg("-x").arg(file.unwrap().path()).arg(folder));
            }
            for name in ["build", "dev", "proc", "tmp"] {
                fs_err::create_dir_all(folder.join(name)).unwrap();
            }
        })
    }

    /// [`Release::sysroot`] for another architecture, by Debian's name.
    pub fn sysroot_for(self, architecture: &str) -> PathBuf {
        let packages = self.downloaded(&format!("packages-{architecture}"), Some(architecture));
        self.unpacked(&format!("sysroot-{architecture}"), &packages)
    }

    fn unpacked(self, name: &str, packages: &Path) -> PathBuf {
        self.made(name, |_, folder| {
            for file in fs_err::read_dir(packages).unwrap() {
                run(Command::new("dpkg-deb").arg("-x").arg(file.unwrap().path()).arg(folder));
            }
        })
    }

    fn downloaded(self, name: &str, architecture: Option<&str>) -> PathBuf {
        self.made(name, |work, folder| {
            let apt = Apt::new(self, Archive::Release, architecture, work);
            let simulated = apt.get(&["-s", "-y", "--no-install-recommends", "install", "apache2-bin"]);
            let needed = simulated.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
            let mut packages: Vec<&str> =
                needed.filter(|name| !LEFT_OUT.iter().any(|left_out| name.starts_with(left_out))).collect();
            packages.extend(WANTED);
            if self != Release::Trixie {
                packages.push("base-files");
            }
            packages.sort_unstable();
            packages.dedup();
            run(apt.command("download").args(packages).current_dir(folder));
        })
    }

    /// Upstream's archive (`NAME_VERSION.orig.tar.…`) of a source package. Only that is fetched: mirrors drop what Debian added
    /// to superseded versions sooner.
    pub fn upstream_source(self, package: &str) -> PathBuf {
        let archive = match self {
            Release::Bullseye => Archive::WithSecurity,
            Release::Bookworm | Release::Trixie => Archive::Release,
        };
        let folder = self.made(&format!("source-{package}"), |work, folder| {
            let apt = Apt::new(self, archive, None, work);
            let listed = apt.get(&["--print-uris", "--download-only", "source", package]);
            // `'ADDRESS' NAME BYTES SHA256:DIGEST`
            let upstream = listed.lines().find_map(|line| {
                let (address, rest) = line.strip_prefix('\'')?.split_once("' ")?;
                let mut words = rest.split(' ');
                let name = words.next().filter(|name| is_upstream(name))?;
                Some((address, name, words.nth(1)?))
            });
            let (address, name, digest) =
                upstream.unwrap_or_else(|| panic!("apt-get knows no .orig.tar of {package}:\n{listed}"));
            assert!(digest.starts_with("SHA256:"), "{listed}");
            let mut helper = Command::new("/usr/lib/apt/apt-helper");
            helper.arg("-c").arg(apt.folder.join("apt.conf")).args(["download-file", address]);
            run(helper.arg(folder.join(name)).arg(digest));
        });
        let files = fs_err::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let upstream = |file: &PathBuf| is_upstream(&file.file_name().unwrap().to_string_lossy());
        files.into_iter().find(upstream).unwrap_or_else(|| panic!("{} has no .orig.tar", folder.display()))
    }

    /// A folder that is made once; by the first of several tests that run at once. `make` gets another one to work in.
    fn made(self, name: &str, make: impl FnOnce(&Path, &Path)) -> PathBuf {
        let parent = Path::new(env!("CARGO_TARGET_TMPDIR")).join("debian");
        let folder = parent.join(format!("{}-{name}", self.name()));
        fs_err::create_dir_all(&parent).unwrap();
        let lock = fs_err::File::create(folder.with_extension("lock")).unwrap();
        lock.lock().unwrap();
        if !folder.exists() {
            // Gone in the end, and all with it that a failure leaves.
            let work = tempfile::Builder::new().prefix(".apt-").tempdir_in(&parent).unwrap();
            let made = work.path().join("made");
            fs_err::create_dir(&made).unwrap();
            make(work.path(), &made);
            fs_err::rename(&made, &folder).unwrap();
        }
        folder
    }
}

fn is_upstream(name: &str) -> bool {
    name.contains(".orig.tar.") && !name.ends_with(".asc")
}

/// apt-get for one release: with a state of its own, in which nothing is installed.
struct Apt {
    folder: PathBuf,
}

impl Apt {
    fn new(release: Release, archive: Archive, architecture: Option<&str>, folder: &Path) -> Self {
        for name in ["lists/partial", "cache/archives/partial"] {
            fs_err::create_dir_all(folder.join(name)).unwrap();
        }
        let (address, suite) = (address(), release.name());
        let mut sources = String::new();
        for kind in ["deb", "deb-src"] {
            sources += &format!("{kind} [signed-by={KEYS}] {address} {suite} main\n");
            if archive == Archive::WithSecurity {
                sources += &format!("{kind} [signed-by={KEYS}] {address}-security {suite}-security main\n");
            }
        }
        assert!(Path::new(KEYS).exists(), "the package debian-archive-keyring is needed by this test");
        let write = |name: &str, text: &str| fs_err::write(folder.join(name), text).unwrap();
        write("sources.list", &sources);
        write("status", "");
        let architecture = architecture.map_or(String::new(), |name| {
            format!("APT::Architecture \"{name}\";\n#clear APT::Architectures;\nAPT::Architectures {{ \"{name}\"; }};\n")
        });
        let path = folder.to_str().expect("tests have their folders at UTF-8 paths");
        write(
            "apt.conf",
            &format!(
                "Dir::Etc::sourcelist \"{path}/sources.list\";\nDir::Etc::sourceparts \"/dev/null\";\n\
                 Dir::Etc::preferences \"/dev/null\";\nDir::Etc::preferencesparts \"/dev/null\";\n\
                 Dir::State \"{path}\";\nDir::State::status \"{path}/status\";\nDir::State::lists \"{path}/lists\";\n\
                 Dir::Cache \"{path}/cache\";\nDir::Log \"{path}\";\nAPT::Sandbox::User \"root\";\n\
                 APT::Update::Error-Mode \"any\";\nAcquire::Languages \"none\";\nAcquire::Retries \"3\";\n\
                 Acquire::http::Timeout \"30\";\nAcquire::IndexTargets::deb::DEP-11::DefaultEnabled \"false\";\n\
                 #clear APT::Update::Pre-Invoke;\n#clear APT::Update::Post-Invoke;\n\
                 #clear APT::Update::Post-Invoke-Success;\n{architecture}"
            ),
        );
        let apt = Apt { folder: folder.to_owned() };
        let output = apt.command("update").output().expect("`apt-get` is needed by this test");
        assert!(
            output.status.success(),
            "the package lists of Debian {} could not be fetched; is the network there?\n{}",
            release.name(),
            String::from_utf8_lossy(&output.stderr)
        );
        apt
    }

    fn command(&self, action: &str) -> Command {
        let mut command = Command::new("apt-get");
        command.arg("-c").arg(self.folder.join("apt.conf")).args(["-q", action]);
        command
    }

    fn get(&self, arguments: &[&str]) -> String {
        run(Command::new("apt-get").arg("-c").arg(self.folder.join("apt.conf")).arg("-q").args(arguments))
    }
}

/// The address of Debian's archive, of this system's own apt sources.
fn address() -> String {
    let format = ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"];
    let addresses = run(Command::new("apt-get").args(format));
    let archive =
        addresses.lines().map(|line| line.trim_end_matches('/')).find(|line| line.ends_with("/debian"));
    archive
        .unwrap_or_else(|| panic!("apt's sources have no Debian archive (…/debian), but:\n{addresses}"))
        .to_owned()
}
