//! Real packages in real repositories: rpmbuild makes the ones, createrepo_c the others.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use modgraft::download::{Algorithm, Hasher};

use super::run;

/// Packages in the order of a spec: name, version, and lines of relations and files.
pub struct Spec {
    text: String,
    files: String,
    install: String,
}

impl Spec {
    pub fn new() -> Self {
        let text = "Name: modgraft-test\nVersion: 1\nRelease: 1\nSummary: Test\nLicense: MIT\n\
                    %description\nTest.\n"
            .to_owned();
        Spec { text, files: String::new(), install: String::new() }
    }

    /// Adds a package. `tags` are lines such as `Requires: apr`; `files` are paths.
    #[must_use]
    pub fn package(mut self, name: &str, version: &str, tags: &[&str], files: &[&str]) -> Self {
        let tags: String = tags.iter().map(|tag| format!("{tag}\n")).collect();
        write!(
            self.text,
            "%package -n {name}\nVersion: {version}\nSummary: {name}\n{tags}%description -n {name}\nTest.\n"
        )
        .unwrap();
        writeln!(self.files, "%files -n {name}").unwrap();
        for file in files {
            writeln!(self.files, "{file}").unwrap();
            writeln!(
                self.install,
                "mkdir -p $(dirname %{{buildroot}}{file}); echo {name} > %{{buildroot}}{file}"
            )
            .unwrap();
        }
        self
    }

    /// Builds all packages into `folder`.
    pub fn build(&self, folder: &Path) {
        fs_err::create_dir_all(folder).unwrap();
        let topdir = tempfile::tempdir().unwrap();
        let spec = topdir.path().join("test.spec");
        let text = format!("{}%install\n{}\n{}", self.text, self.install, self.files);
        fs_err::write(&spec, text).unwrap();
        run(Command::new("rpmbuild")
            .args(["-bb", "--quiet", "--target", "x86_64-linux"])
            .arg("--define")
            .arg(format!("_topdir {}", topdir.path().display()))
            .arg("--define")
            .arg(format!("_rpmdir {}", folder.display()))
            .args(["--define", "_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm"])
            .args(["--define", "_build_id_links none", "--define", "debug_package %{nil}"])
            .arg(&spec));
    }
}

/// Indexes a folder by the real createrepo_c.
pub fn createrepo(folder: &Path, arguments: &[&str]) {
    run(Command::new("createrepo_c").arg("-q").args(arguments).arg(folder));
}

/// A folder's packages, sorted.
pub fn rpms(folder: &Path) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "rpm")).collect();
    found.sort();
    found
}

/// Makes metadata of our own from createrepo_c's: `change` gets primary.xml, and gives what is to be there instead. The sums
/// are right unless `open_size` lies.
pub fn rewrite(folder: &Path, change: impl FnOnce(String) -> String, open_size: Option<u64>) {
    rewrite_packed(folder, pack, change, open_size);
}

/// As [`rewrite`], with another way to compress: the ending of the name, and the bytes.
pub fn rewrite_packed(
    folder: &Path,
    pack: fn(String) -> (&'static str, Vec<u8>),
    change: impl FnOnce(String) -> String,
    open_size: Option<u64>,
) {
    createrepo(folder, &["--general-compress-type=gz"]);
    let repodata = folder.join("repodata");
    let file = |kind: &str| {
        let ending = format!("-{kind}.xml.gz");
        let mut entries = fs_err::read_dir(&repodata).unwrap().map(|entry| entry.unwrap().path());
        entries.find(|path| path.to_string_lossy().ends_with(&ending)).unwrap()
    };
    let open = |kind: &str| run(Command::new("gzip").arg("-dc").arg(file(kind)));
    let (primary, filelists) = (change(open("primary")), open("filelists"));
    let mut text = "<repomd xmlns=\"http://linux.duke.edu/metadata/repo\">".to_owned();
    for (kind, xml) in [("primary", primary), ("filelists", filelists)] {
        let sum = sha256(xml.as_bytes());
        let size = xml.len() as u64;
        let open_size = open_size.filter(|_| kind == "primary").unwrap_or(size);
        let (name, packed) = pack(xml);
        let packed_sum = sha256(&packed);
        let name = format!("{kind}.xml{name}");
        write!(
            text,
            "<data type=\"{kind}\"><checksum type=\"sha256\">{packed_sum}</checksum>\
             <open-checksum type=\"sha256\">{sum}</open-checksum><location href=\"repodata/{name}\"/>\
             <size>{}</size><open-size>{open_size}</open-size></data>",
            packed.len()
        )
        .unwrap();
        fs_err::write(repodata.join(name), packed).unwrap();
    }
    fs_err::write(repodata.join("repomd.xml"), text + "</repomd>").unwrap();
}

/// What is long is compressed, since that is the point of it; the rest is plain, which createrepo_c never makes.
fn pack(xml: String) -> (&'static str, Vec<u8>) {
    use std::io::Write as _;
    if xml.len() < 1 << 20 {
        return ("", xml.into_bytes());
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(xml.as_bytes()).unwrap();
    (".gz", encoder.finish().unwrap())
}

/// Compresses by zstd.
pub fn zstd(xml: String) -> (&'static str, Vec<u8>) {
    (".zst", zstd::encode_all(xml.as_bytes(), 3).unwrap())
}

/// Lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(bytes);
    hasher.finish().hex().to_owned()
}

/// How large packages are that fill a repository.
#[derive(Clone, Copy)]
pub struct Size {
    pub files: usize,
    /// Each.
    pub bytes: usize,
    pub libraries: usize,
}

impl Size {
    /// As little as a package can have.
    pub const LEAST: Size = Size { files: 1, bytes: 6, libraries: 0 };
    /// As those of a module have in the mean: 24 KB.
    pub const MODULE: Size = Size { files: 8, bytes: 2400, libraries: 8 };
}

/// Packages, each of which provides something that the next one requires.
pub fn fill(folder: &Path, numbers: std::ops::Range<usize>, size: Size) {
    let first = numbers.start;
    let content = "filler".repeat(size.bytes.div_ceil(6));
    for number in numbers {
        let name = format!("filler-{number}");
        let mut package = rpm::PackageBuilder::new(&name, "1.0", "MIT", "noarch", "fills a repository");
        // The same bytes each time: where metadata is divided is a matter of the packages' digests.
        let config = rpm::BuildConfig::default().compression(rpm::CompressionType::None);
        package.using_config(config.source_date(1_371_081_600_u32));
        package.provides(rpm::Dependency::any(format!("filler({number})")));
        package.requires(rpm::Dependency::any(format!("filler({})", first.max(number.saturating_sub(1)))));
        for library in 0..size.libraries {
            package.requires(rpm::Dependency::any(format!("libfiller{library}.so.0()(64bit)")));
        }
        for file in 0..size.files {
            let file = rpm::FileOptions::new(format!("/usr/share/filler/{number}/{file}"));
            package.with_file_contents(content.as_bytes(), file).expect("a file of a package");
        }
        let package = package.build().expect("a package");
        package.write_file(folder.join(format!("{name}-1.0-1.noarch.rpm"))).expect("a package's file");
    }
}
