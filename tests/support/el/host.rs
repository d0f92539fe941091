//! Where this machine has its httpd, APR and C library.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::super::{apxs, run};

/// What is asked of the tools once.
#[derive(Debug)]
pub struct Host {
    /// Debian's name of the processor in folders: `x86_64-linux-gnu`.
    pub multiarch: String,
    /// httpd's, without the distribution's release.
    pub httpd_version: String,
    pub apr_version: String,
    pub apu_version: String,
    pub glibc_version: String,
    /// The major module magic number of its headers.
    pub mmn: String,
    pub apr_headers: PathBuf,
    pub apu_headers: PathBuf,
    /// APR's libtool and its scripts.
    pub apr_build: PathBuf,
}

static HOST: LazyLock<Host> = LazyLock::new(|| {
    let ask =
        |program: &str, arguments: &[&str]| run(Command::new(program).args(arguments)).trim().to_owned();
    let header = fs_err::read_to_string(Path::new(&apxs("INCLUDEDIR")).join("ap_mmn.h")).unwrap();
    let mmn = header.lines().find_map(|line| line.strip_prefix("#define MODULE_MAGIC_NUMBER_MAJOR"));
    Host {
        multiarch: ask("gcc", &["-print-multiarch"]),
        httpd_version: apxs("HTTPD_VERSION"),
        apr_version: ask("apr-1-config", &["--version"]),
        apu_version: ask("apu-1-config", &["--version"]),
        glibc_version: ask("getconf", &["GNU_LIBC_VERSION"]).replace("glibc ", ""),
        mmn: mmn.expect("ap_mmn.h has the major number").trim().to_owned(),
        apr_headers: ask("apr-1-config", &["--includedir"]).into(),
        apu_headers: ask("apu-1-config", &["--includedir"]).into(),
        apr_build: ask("apr-1-config", &["--installbuilddir"]).into(),
    }
});

pub fn host() -> &'static Host {
    &HOST
}

impl Host {
    /// A shared library, or another file that the linker finds: `crti.o`.
    pub fn library(&self, name: &str) -> PathBuf {
        let path = PathBuf::from(run(Command::new("cc").arg(format!("-print-file-name={name}"))).trim());
        assert!(path.is_absolute(), "this test needs the library {name}");
        path
    }

    /// A program on the search path.
    pub fn program(&self, name: &str) -> PathBuf {
        let folders = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"].map(Path::new);
        let found = folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
        found.unwrap_or_else(|| panic!("`{name}` is needed by this test"))
    }

    /// The files of a package of this distribution, sorted.
    pub fn package(&self, name: &str) -> Vec<PathBuf> {
        let listed = run(Command::new("dpkg").args(["-L", name]));
        let mut files: Vec<PathBuf> =
            listed.lines().map(PathBuf::from).filter(|path| path.is_file()).collect();
        files.sort();
        files
    }

    /// The path that a header or library of Debian's has where there are no folders by processor: the one in `/usr/include` or
    /// `/usr/lib64`. `None` for anything else.
    pub fn single_arch(&self, path: &Path) -> Option<String> {
        let text = path.to_str().expect("Debian's paths are ASCII");
        let text = text.strip_prefix("/usr").unwrap_or(text);
        if let Some(below) = text.strip_prefix("/include/") {
            let own = below.strip_prefix(&format!("{}/", self.multiarch)).unwrap_or(below);
            return Some(format!("/usr/include/{own}"));
        }
        let below = text.strip_prefix(&format!("/lib/{}/", self.multiarch))?;
        Some(format!("/usr/lib64/{below}"))
    }

    /// A text of httpd's or APR's development files with Red Hat's paths.
    pub fn translate(&self, text: &str) -> String {
        let library = format!("/usr/lib/{}", self.multiarch);
        let compiler = format!("{}-gcc", self.multiarch);
        // Longer paths stand before those that they begin with.
        let paths = [
            (apxs("exp_installbuilddir"), "/usr/lib64/httpd/build"),
            (apxs("exp_libexecdir"), "/usr/lib64/httpd/modules"),
            (apxs("exp_includedir"), "/usr/include/httpd"),
            (self.apr_build.to_string_lossy().into_owned(), "/usr/lib64/apr-1/build"),
            (self.apr_headers.to_string_lossy().into_owned(), "/usr/include/apr-1"),
            (library, "/usr/lib64"),
            (compiler, "gcc"),
        ];
        paths.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }

    /// The libraries that programs and libraries need, those that these need included, without the C library's own.
    pub fn needed_by(&self, files: &[&Path]) -> Vec<(String, PathBuf)> {
        let own = ["libc.so", "libm.so", "libdl.so", "libpthread.so", "librt.so", "libresolv.so", "ld-linux"];
        let mut found: Vec<(String, PathBuf)> = Vec::new();
        let mut rest: Vec<PathBuf> = files.iter().map(|file| (*file).to_owned()).collect();
        while let Some(file) = rest.pop() {
            let dynamic = run(Command::new("readelf").args(["-d", "-W"]).arg(&file));
            let needed = dynamic.lines().filter(|line| line.contains("(NEEDED)"));
            let needed = needed.filter_map(|line| line.split_once('[')?.1.strip_suffix(']'));
            for soname in needed {
                let is_own = own.iter().any(|own| soname.starts_with(own));
                if is_own || found.iter().any(|(known, _)| known == soname) {
                    continue;
                }
                let library = self.library(soname);
                rest.push(library.clone());
                found.push((soname.to_owned(), library));
            }
        }
        found.sort();
        found
    }
}
