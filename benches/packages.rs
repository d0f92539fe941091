//! How long a package takes to write, beside rpmbuild and rpmsign: `cargo bench --bench packages`.
//!
//! A small package is built and signed by the same key. One of 500 MB, half of which cannot be compressed, is not signed, and
//! zstd-3 compresses it for both. rpmbuild runs once as it does by itself, and once spared all that it can be: its file is linked
//! into the buildroot and not copied, no scripts look at it and nobody searches it for dependencies. All take until their package is on
//! disk, which modgraft waits for itself. In each round they run one after the other, each when nothing is left to be written
//! of what ran before, so that a machine whose speed drifts drifts for all; what counts are the ratios, and the memory that
//! modgraft took at most. None is written over an older one: to free 250 MB takes the kernel long enough to be seen.

mod table;

use std::ffi::OsStr;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use modgraft::machine::Machine;
use modgraft::package::{About, Architecture, Contents, File, Package};
use modgraft::profile::Profile;
use modgraft::rpm;
use modgraft::sign::{self, KeySpec, Signer};
use rand::{RngCore, SeedableRng};

const SMALL_ROUNDS: usize = 15;
const LARGE_ROUNDS: usize = 5;
const LARGE: usize = 500_000_000;
const TIME: u64 = 1_371_081_600;
/// The argument with which this program is a process that writes one package.
const WRITE: &str = "write-package";

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().as_deref() == Some(OsStr::new(WRITE)) {
        let [name, file, out, keys] = [(); 4].map(|()| arguments.next().expect("four arguments"));
        let keys = Some(keys).filter(|keys| !keys.is_empty()).map(PathBuf::from);
        return write(&name.to_string_lossy(), Path::new(&file), Path::new(&out), keys.as_deref());
    }
    let work = tempfile::tempdir().expect("a temporary folder");
    small(work.path());
    large(work.path());
}

/// A process that writes one package, and says on stdout how much memory it took at most, in KiB.
fn write(name: &str, file: &Path, out: &Path, keys: Option<&Path>) {
    let key = keys.map(|keys| sign::open(&KeySpec::Development, keys).expect("a key").expect("a key"));
    let package = package(name, file);
    rpm::write(&package, key.as_deref().map(|key| key as &dyn Signer), &out.join(package.file_name()))
        .expect("a package");
    let status = fs_err::read_to_string("/proc/self/status").expect("Linux");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux");
    println!("{}", peak.trim().trim_end_matches(" kB"));
}

fn package(name: &str, file: &Path) -> Package {
    let about = About {
        name: name.to_owned(),
        version: "1.0".to_owned(),
        release: "1".to_owned(),
        summary: "To be measured".to_owned(),
        license: "Apache-2.0".to_owned(),
        ..About::default()
    };
    let contents = Contents {
        architecture: Architecture::Of(Machine::of_host().expect("a processor that is known")),
        files: vec![File::disk(place(name), file, 0o644)],
        ..Contents::default()
    };
    let profile: Arc<Profile> = Profile::named("debian").expect("it is built in");
    Package::new(about, contents, &profile, TIME).expect("a package")
}

fn place(name: &str) -> String {
    format!("/usr/share/{name}/file")
}

/// The file of a small package: a shared object's size, some of it compressible.
fn small(work: &Path) {
    let (name, file) = ("small", work.join("small"));
    fill(&file, 40_000);
    let home = Home::new(work);
    let usual = Rpmbuild::new(work, name, &file, Manner::Usual);
    let spared = Rpmbuild::new(work, name, &file, Manner::Spared);
    let (mut theirs, mut at_best, mut ours) = (Vec::new(), Vec::new(), Vec::new());
    // The first round fills the caches, and is not counted.
    for round in 0..=SMALL_ROUNDS {
        let [built, built_at_best] = [&usual, &spared].map(|rpmbuild| {
            time(|| {
                let package = rpmbuild.run();
                home.sign(&package);
                on_disk(&package);
            })
        });
        let (written, _) = modgraft(name, &file, work, home.keys.as_os_str());
        if round > 0 {
            theirs.push(built);
            at_best.push(built_at_best);
            ours.push(written);
        }
    }
    println!("a small package, signed by RSA-4096; {SMALL_ROUNDS} rounds, whole processes, milliseconds");
    table::print(&[
        ("rpmbuild -bb, rpmsign --addsign", &theirs),
        ("rpmbuild -bb, spared, rpmsign --addsign", &at_best),
        ("modgraft", &ours),
    ]);
}

fn large(work: &Path) {
    let (name, file) = ("large", work.join("large"));
    fill(&file, LARGE);
    let usual = Rpmbuild::new(work, name, &file, Manner::Usual);
    let spared = Rpmbuild::new(work, name, &file, Manner::Spared);
    let (mut theirs, mut at_best, mut ours, mut peak) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for round in 0..=LARGE_ROUNDS {
        let [built, built_at_best] = [&usual, &spared].map(|rpmbuild| {
            let took = time(|| on_disk(&rpmbuild.run()));
            remove(&rpmbuild.package);
            took
        });
        let (written, memory) = modgraft(name, &file, work, OsStr::new(""));
        remove(&work.join(usual.package.file_name().expect("it has a name")));
        if round > 0 {
            theirs.push(built);
            at_best.push(built_at_best);
            ours.push(written);
            peak = peak.max(memory);
        }
    }
    println!(
        "a payload of {} MB, zstd-3, unsigned; {LARGE_ROUNDS} rounds, whole processes, milliseconds",
        LARGE / 1_000_000
    );
    table::print(&[("rpmbuild -bb", &theirs), ("rpmbuild -bb, spared", &at_best), ("modgraft", &ours)]);
    println!("modgraft took at most {:.0} MB of memory", peak as f64 * 1024.0 / 1e6);
}

/// Half random, half text, in turns of 64 KiB.
fn fill(file: &Path, size: usize) {
    let mut random = rand::rngs::StdRng::seed_from_u64(1);
    let mut out = BufWriter::new(fs_err::File::create(file).expect("a file"));
    let mut left = size;
    let mut block = vec![0; 64 << 10];
    for turn in 0.. {
        if turn % 2 == 0 {
            random.fill_bytes(&mut block);
        } else {
            let line =
                |number: usize| format!("line {number} of turn {turn}: what is written here is a text\n");
            let text: String = (0..2000).map(line).collect();
            block.copy_from_slice(&text.as_bytes()[..64 << 10]);
        }
        let part = &block[..left.min(block.len())];
        out.write_all(part).expect("a file");
        left -= part.len();
        if left == 0 {
            break;
        }
    }
    out.into_inner().expect("a file").sync_all().expect("a file");
}

/// modgraft's process, timed, and its memory in KiB.
fn modgraft(name: &str, file: &Path, out: &Path, keys: &OsStr) -> (Duration, u64) {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args([OsStr::new(WRITE), OsStr::new(name), file.as_os_str(), out.as_os_str(), keys]);
    let mut said = String::new();
    let time = time(|| said = run(&mut command));
    (time, said.trim().parse().expect("a number"))
}

/// How rpmbuild works.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// As by itself.
    Usual,
    /// With nothing to do but to package.
    Spared,
}

/// A spec with one file, ready to be built.
struct Rpmbuild {
    spec: PathBuf,
    top: PathBuf,
    package: PathBuf,
}

impl Rpmbuild {
    fn new(work: &Path, name: &str, file: &Path, manner: Manner) -> Self {
        let (kind, preamble, install) = match manner {
            Manner::Usual => ("usual", "", "install -p -m 0644"),
            Manner::Spared => ("spared", "AutoReqProv: no\n%global __os_install_post %{nil}\n", "ln"),
        };
        let (spec, top) = (work.join(format!("{name}-{kind}.spec")), work.join("rpmbuild"));
        let (place, file) = (place(name), file.display());
        let text = format!(
            "Name: {name}\nVersion: 1.0\nRelease: 1\nSummary: To be measured\nLicense: Apache-2.0\n{preamble}%description\nTo be measured.\n%install\n\
             mkdir -p %{{buildroot}}/usr/share/{name}\n{install} {file} %{{buildroot}}{place}\n%files\n{place}\n"
        );
        fs_err::write(&spec, text).expect("a spec");
        let arch = &Machine::of_host().expect("a processor that is known").name;
        let package = top.join(format!("RPMS/{arch}/{name}-1.0-1.{arch}.rpm"));
        Rpmbuild { spec, top, package }
    }

    fn run(&self) -> PathBuf {
        run(Command::new("rpmbuild")
            .args(["-bb", "--define", "_binary_payload w3.zstdio", "--define"])
            .arg(format!("_topdir {}", self.top.display()))
            .env("SOURCE_DATE_EPOCH", TIME.to_string())
            .arg(&self.spec));
        self.package.clone()
    }
}

/// A home of gpg's own with the key that modgraft signs with, too. Its agent ends with it.
struct Home {
    keys: PathBuf,
    folder: tempfile::TempDir,
}

impl Home {
    fn new(work: &Path) -> Self {
        let keys = work.join("keys");
        sign::open(&KeySpec::Development, &keys).expect("a key");
        // Short, since the agent's socket is in it.
        let folder = tempfile::Builder::new().prefix("g").tempdir_in("/tmp").expect("a folder");
        let secret = fs_err::read_dir(&keys).expect("the key's folder").flatten().map(|entry| entry.path());
        let secret = secret.filter(|path| path.is_file()).collect::<Vec<_>>();
        run(Command::new("gpg")
            .args(["--batch", "--quiet", "--import"])
            .args(secret)
            .env("GNUPGHOME", folder.path()));
        Home { keys, folder }
    }

    fn sign(&self, package: &Path) {
        run(Command::new("rpmsign")
            // Debian's macros name it without its folder, and rpmsign looks for none.
            .args(["--addsign", "--define", "__gpg /usr/bin/gpg", "--define", "_gpg_name modgraft"])
            .arg(package)
            .env("GNUPGHOME", self.folder.path()));
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ =
            Command::new("gpgconf").arg("--homedir").arg(self.folder.path()).args(["--kill", "all"]).status();
    }
}

fn run(command: &mut Command) -> String {
    let output = command
        .stderr(Stdio::piped())
        .output()
        .unwrap_or_else(|error| panic!("{command:?} is needed by this benchmark: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn remove(package: &Path) {
    fs_err::remove_file(package).expect("a package");
}

fn on_disk(file: &Path) {
    fs_err::File::open(file).and_then(|file| file.sync_all()).expect("a file");
}

fn time(work: impl FnOnce()) -> Duration {
    rustix::fs::sync();
    let start = Instant::now();
    work();
    start.elapsed()
}
