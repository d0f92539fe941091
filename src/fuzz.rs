//! The readers of outside input, each fed with bytes as a file of that kind would feed it. The fuzzers call them (`fuzz/`), and
//! the tests do with what the fuzzers once found (`tests/fuzz_regressions.rs`).
//!
//! What a reader returns is its own business; none may panic, hang, or take memory that the input does not account for.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{MemfdFlags, memfd_create};

use crate::profile::Profile;
use crate::sign::{self, Certificate, KeySpec, Keyring, Passphrase};
use crate::source::{PatchFile, Sources};
use crate::unpack::{Leave, Limits, Tree};
use crate::verify::Verified;
use crate::{c, changeset, recipe, repository, rpm, unpack};

/// A target of the fuzzers.
pub struct Target {
    /// Of its fuzzer and its folder of regressions.
    pub name: &'static str,
    /// Reads.
    pub read: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "package", read: package },
    Target { name: "key", read: key },
    Target { name: "patch", read: patch },
    Target { name: "split", read: split },
    Target { name: "recipe", read: recipe },
    Target { name: "repodata", read: repodata },
    Target { name: "deb", read: deb },
];

/// An RPM: what `inspect`, `check`, `target add` and `repo` do with one.
pub fn package(data: &[u8]) {
    let file = in_memory(data);
    let _ = rpm::identify(&file.path);
    if let Ok(found) = rpm::inspect(&file.path) {
        found.text();
    }
    if let Ok(examined) = rpm::examine(&file.path, None) {
        Verified::of(file.path.clone(), examined, false, Profile::all().map(Arc::as_ref)).text();
    }
    extracted(|folder| {
        let _ = rpm::extract(&file.path, folder);
    });
}

/// Keys, public and secret, and signatures.
pub fn key(data: &[u8]) {
    let file = in_memory(data);
    if let Ok(keys) = Keyring::open(&file.path) {
        let _ = keys.verify(data, &|| Ok(Box::new(data)));
        let _ = keys.verify_detached(data, &|| Ok(Box::new(data)));
    }
    let profiles: Vec<&Profile> = Profile::all().map(Arc::as_ref).collect();
    if let Ok(lint) = sign::lint(&file.path, &profiles, 0) {
        lint.text();
    }
    if let Ok(certificate) = Certificate::open(&file.path) {
        let _ = certificate.verify_detached(&file.path, data, data);
    }
    // To unlock one takes as long as whoever made the key has wished: that is no matter of reading it.
    let environment = sign::Environment { passphrase: Passphrase::default(), ..Default::default() };
    let _ = sign::open_with(&KeySpec::File(file.path.clone()), Path::new("/nonexistent"), &environment);
}

/// A patch: read, classified, and with no tree that it applies to.
pub fn patch(data: &[u8]) {
    let sources = Sources {
        patches: vec![PatchFile::new("fuzz.patch", data, None)],
        base: None,
        files: Vec::new(),
        description: String::new(),
    };
    let _ = changeset::read(&sources, &[]);
}

/// A C file: cut into pieces, which follow each other and are all of it.
pub fn split(data: &[u8]) {
    let text: Arc<str> = String::from_utf8_lossy(data).into();
    let file = c::File::new(text.clone());
    let mut end = 0;
    for piece in (0..file.len()).map(|at| file.range(at)) {
        assert_eq!(piece.start, end, "a gap between two pieces");
        end = piece.end;
    }
    assert_eq!(end, text.len(), "a piece is missing");
    file.includes().for_each(drop);
    file.into_declarations();
}

/// A recipe.
pub fn recipe(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = recipe::parse(text, "module.toml", PathBuf::from("/nonexistent"));
    }
}

/// A repository's metadata, behind its decompression: any of the files that there are.
pub fn repodata(data: &[u8]) {
    repository::parse(data);
}

/// A Debian package.
pub fn deb(data: &[u8]) {
    const LIMITS: Limits = Limits { package: 1 << 20, file: 4 << 20, all: 16 << 20, entries: 1000 };
    let file = in_memory(data);
    let _ = unpack::describe(&file.path, &LIMITS);
    extracted(|folder| {
        if let Ok(mut tree) = Tree::create(folder, Leave::DocumentationAndDebug, LIMITS) {
            let _ = unpack::unpack(&file.path, &mut tree);
            let _ = tree.finish();
        }
    });
}

/// A file that is on no disk.
struct InMemory {
    path: PathBuf,
    _file: File,
}

fn in_memory(data: &[u8]) -> InMemory {
    let make = || -> io::Result<InMemory> {
        let mut file = File::from(memfd_create("fuzz", MemfdFlags::CLOEXEC)?);
        file.write_all(data)?;
        Ok(InMemory { path: PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd())), _file: file })
    };
    make().expect("memory for a file, and /proc")
}

/// Lets something be written into a folder, and looks that nothing was beside it.
fn extracted(write: impl FnOnce(&Path)) {
    let outer = tempfile::tempdir().expect("a temporary folder");
    let inner = outer.path().join("in");
    fs_err::create_dir(&inner).expect("a folder");
    write(&inner);
    let beside = fs_err::read_dir(outer.path()).expect("the folder").count();
    assert_eq!(beside, 1, "something was written outside of the folder");
}
