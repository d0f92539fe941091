//! Repositories like those of Enterprise Linux, made of this machine's real httpd, APR and C library.
//!
//! The files are this machine's own. Where they are, what the packages are called, provide and require, how they are
//! compressed and indexed, is as on EL; rpm's own generators find what ELF files need and provide. They are made once and
//! kept beneath Cargo's target folder, for as long as this machine's files stay as they are.

mod host;
mod httpd;
pub mod machine;
mod package;
mod system;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use package::Source;

use super::run;

/// A release of Enterprise Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Release {
    El7,
    El8,
    El9,
}

/// A repository.
#[derive(Debug, Clone)]
pub struct Repository {
    /// The folder with `repodata` and `Packages`.
    pub folder: PathBuf,
    /// The public key that its packages are signed with.
    pub key: PathBuf,
}

impl Release {
    /// `8`.
    pub fn number(self) -> &'static str {
        match self {
            Release::El7 => "7",
            Release::El8 => "8",
            Release::El9 => "9",
        }
    }

    /// Its profile's name.
    pub fn profile(self) -> String {
        format!("el{}", self.number())
    }

    /// What `httpd-mmn` has to equal there.
    pub fn mmn(self) -> String {
        format!("{}x8664", host::host().mmn)
    }

    /// How its packages are compressed.
    fn payload(self) -> &'static str {
        match self {
            Release::El7 | Release::El8 => "w2.xzdio",
            Release::El9 => "w3.zstdio",
        }
    }

    /// Where httpd-devel puts the macros for packagers.
    pub fn macros_file(self) -> &'static str {
        match self {
            Release::El7 => "/etc/rpm/macros.httpd",
            Release::El8 | Release::El9 => "/usr/lib/rpm/macros.d/macros.httpd",
        }
    }

    /// The flags that its httpd was compiled with.
    fn cflags(self) -> &'static str {
        match self {
            Release::El7 => {
                "-O2 -g -pipe -Wall -Wp,-D_FORTIFY_SOURCE=2 -fexceptions -fstack-protector-strong \
                 --param=ssp-buffer-size=4 -grecord-gcc-switches -m64 -mtune=generic"
            }
            Release::El8 | Release::El9 => {
                "-O2 -g -pipe -Wall -Werror=format-security -Wp,-D_FORTIFY_SOURCE=2 -Wp,-D_GLIBCXX_ASSERTIONS \
                 -fexceptions -fstack-protector-strong -grecord-gcc-switches -m64 -mtune=generic \
                 -fasynchronous-unwind-tables -fstack-clash-protection -fcf-protection"
            }
        }
    }

    /// Files of options that only its own machines have.
    fn specs(self) -> &'static str {
        match self {
            Release::El7 => "",
            Release::El8 | Release::El9 => {
                " -specs=/usr/lib/rpm/redhat/redhat-hardened-cc1 -specs=/usr/lib/rpm/redhat/redhat-annobin-cc1"
            }
        }
    }

    /// How createrepo_c compresses its metadata.
    fn repodata(self) -> &'static [&'static str] {
        match self {
            // yum reads the databases.
            Release::El7 => &["--database", "--compress-type=bz2"],
            Release::El8 => &["--no-database", "--general-compress-type=xz"],
            Release::El9 => &["--no-database", "--zck"],
        }
    }

    /// Its repository; the first of several tests that run at once makes it.
    pub fn repository(self) -> Repository {
        let mut common = system::sources();
        let own = httpd::sources(self);
        // The libraries of all: httpd's modules need some too.
        common.extend(system::libraries(&common.iter().chain(&own).collect::<Vec<_>>()));
        let keys = made("key", 0, make_key);
        let common_folder = made("common", digest(&common), |work, to| build(&common, &keys, work, to));
        let folder = made(&self.profile(), digest(&(self, &common, &own)), |work, to| {
            let packages = to.join("Packages");
            fs_err::create_dir(&packages).unwrap();
            build(&own, &keys, work, &packages);
            for package in fs_err::read_dir(&common_folder).unwrap().map(Result::unwrap) {
                fs_err::hard_link(package.path(), packages.join(package.file_name())).unwrap();
            }
            run(Command::new("createrepo_c").arg("-q").args(self.repodata()).arg(to));
        });
        Repository { folder, key: keys.join("RPM-GPG-KEY-el-like") }
    }

    /// A root into which all of its packages are unpacked.
    pub fn sysroot(self) -> PathBuf {
        let repository = self.repository().folder;
        // The folder's name has the digest of all that is in it.
        made(&format!("{}-sysroot", self.profile()), digest(&repository), |_, to| {
            machine::unpack(&repository.join("Packages"), to);
        })
    }
}

/// Builds sources, signs the packages, and puts them into `to`.
fn build(sources: &[Source], keys: &Path, work: &Path, to: &Path) {
    let packages = sources.iter().flat_map(|source| source.build(&work.join(&source.name)));
    let packages: Vec<PathBuf> = packages.collect();
    run(Command::new("rpmsign")
        .arg("--addsign")
        .args(["--define", "_gpg_name el-like", "--define"])
        .arg(format!("__gpg {}", host::host().program("gpg").display()))
        .arg("--define")
        .arg(format!("_gpg_path {}", keys.join("gnupg").display()))
        .args(&packages));
    stop_agent(keys);
    for package in packages {
        fs_err::rename(&package, to.join(package.file_name().expect("it is a file"))).unwrap();
    }
}

fn make_key(_: &Path, to: &Path) {
    let home = to.join("gnupg");
    fs_err::create_dir(&home).unwrap();
    fs_err::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let gpg = || {
        let mut command = Command::new("gpg");
        command.arg("--homedir").arg(&home).args(["--batch", "--quiet"]);
        command
    };
    run(gpg().args(["--passphrase", "", "--quick-generate-key", "el-like", "rsa2048", "sign", "never"]));
    let public = run(gpg().args(["--armor", "--export", "el-like"]));
    fs_err::write(to.join("RPM-GPG-KEY-el-like"), public).unwrap();
    stop_agent(to);
}

fn stop_agent(keys: &Path) {
    run(Command::new("gpgconf").arg("--homedir").arg(keys.join("gnupg")).args(["--kill", "all"]));
}

fn digest(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// A folder that is made once, by the first of several tests that run at once, and made anew where `digest` is another one.
fn made(name: &str, digest: u64, make: impl FnOnce(&Path, &Path)) -> PathBuf {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR")).join("el");
    let folder = parent.join(format!("{name}-{digest:016x}"));
    fs_err::create_dir_all(&parent).unwrap();
    let lock = fs_err::File::create(parent.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    if !folder.exists() {
        for older in fs_err::read_dir(&parent).unwrap().map(|entry| entry.unwrap().path()) {
            let other = older
                .file_name()
                .and_then(|other| other.to_str()?.strip_prefix(name))
                .is_some_and(|rest| rest.strip_prefix('-').is_some_and(|rest| rest.len() == 16));
            if other {
                fs_err::remove_dir_all(&older).unwrap();
            }
        }
        // Gone in the end, and all with it that a failure leaves. Short: gpg has sockets in its folder.
        let work = tempfile::Builder::new().prefix(".el-").tempdir_in(&parent).unwrap();
        let to = work.path().join("made");
        fs_err::create_dir(&to).unwrap();
        make(&work.path().join("work"), &to);
        fs_err::rename(&to, &folder).unwrap();
    }
    folder
}
