//! A package as a list of files, and the spec that the real rpmbuild makes it of.

use std::fmt::Write as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::run;

/// What one rpmbuild makes.
#[derive(Debug, Hash)]
pub struct Source {
    pub name: String,
    pub version: String,
    pub release: String,
    /// rpm's name of the compressor and level: `w2.xzdio`.
    pub payload: &'static str,
    /// Whether its packages are for every processor.
    pub noarch: bool,
    pub packages: Vec<Package>,
}

/// One binary package.
#[derive(Debug, Hash)]
pub struct Package {
    name: String,
    /// Lines of the preamble.
    preamble: Vec<String>,
    /// Sections of the spec behind `%description`, such as triggers.
    sections: Vec<String>,
    entries: Vec<Entry>,
}

#[derive(Debug, Hash)]
struct Entry {
    path: String,
    mark: &'static str,
    what: What,
}

#[derive(Debug, Hash)]
enum What {
    /// A copy of this machine's file: with its size and time, which tell whether it is still the same.
    Copy(PathBuf, u64, i64),
    /// A text and the mode of its file.
    Text(String, u32),
    /// A symbolic link to this.
    Link(String),
    Folder,
}

impl Package {
    pub fn new(name: &str) -> Self {
        Package { name: name.to_owned(), preamble: Vec::new(), sections: Vec::new(), entries: Vec::new() }
    }

    pub fn requires(self, what: &str) -> Self {
        self.line(format!("Requires: {what}"))
    }

    pub fn provides(self, what: &str) -> Self {
        self.line(format!("Provides: {what}"))
    }

    fn line(mut self, line: String) -> Self {
        self.preamble.push(line);
        self
    }

    /// A section such as `%post -n NAME`.
    pub fn section(mut self, text: &str) -> Self {
        self.sections.push(text.to_owned());
        self
    }

    /// A file of this machine.
    pub fn file(mut self, path: &str, from: &Path) -> Self {
        self.add(path, "", copy(from));
        self
    }

    /// All files below a folder of this machine.
    pub fn tree(mut self, path: &str, from: &Path) -> Self {
        for entry in walkdir::WalkDir::new(from).follow_links(true).sort_by_file_name() {
            let entry = entry.unwrap();
            let below = entry.path().strip_prefix(from).unwrap().to_str().expect("headers have ASCII names");
            if entry.file_type().is_file() {
                self.add(&format!("{path}/{below}"), "", copy(entry.path()));
            }
        }
        self
    }

    pub fn text(mut self, path: &str, text: impl Into<String>) -> Self {
        self.add(path, "", What::Text(text.into(), 0o644));
        self
    }

    pub fn script(mut self, path: &str, text: impl Into<String>) -> Self {
        self.add(path, "", What::Text(text.into(), 0o755));
        self
    }

    /// A file that an administrator may change.
    pub fn config(mut self, path: &str, text: impl Into<String>) -> Self {
        self.add(path, "%config(noreplace) ", What::Text(text.into(), 0o644));
        self
    }

    pub fn link(mut self, path: &str, to: &str) -> Self {
        self.add(path, "", What::Link(to.to_owned()));
        self
    }

    pub fn folders(mut self, paths: &[&str]) -> Self {
        for path in paths {
            self.add(path, "%dir ", What::Folder);
        }
        self
    }

    /// A shared library of this machine by its soname: the file with its full version, and the link to it.
    pub fn library(self, folder: &str, soname: &str, from: &Path) -> Self {
        let real = fs_err::canonicalize(from).unwrap();
        let name = real.file_name().unwrap().to_str().expect("libraries have ASCII names").to_owned();
        let package = self.file(&format!("{folder}/{name}"), &real);
        if name == soname { package } else { package.link(&format!("{folder}/{soname}"), &name) }
    }

    fn add(&mut self, path: &str, mark: &'static str, what: What) {
        self.entries.push(Entry { path: path.to_owned(), mark, what });
    }

    /// This machine's files in it.
    pub fn copied(&self) -> impl Iterator<Item = &Path> {
        self.entries.iter().filter_map(|entry| match &entry.what {
            What::Copy(from, ..) => Some(from.as_path()),
            What::Text(..) | What::Link(_) | What::Folder => None,
        })
    }
}

fn copy(from: &Path) -> What {
    let metadata = fs_err::metadata(from).unwrap();
    What::Copy(from.to_owned(), metadata.len(), std::os::unix::fs::MetadataExt::mtime(&metadata))
}

impl Entry {
    fn stage(&self, root: &Path) {
        let path = root.join(self.path.trim_start_matches('/'));
        fs_err::create_dir_all(path.parent().expect("it is below the root")).unwrap();
        let mode = |mode: u32| fs_err::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        match &self.what {
            What::Copy(from, ..) => {
                fs_err::copy(from, &path).unwrap();
                let executable = fs_err::metadata(from).unwrap().permissions().mode() & 0o111 != 0;
                // rpm looks for dependencies in executable files only, and Debian's libraries are none.
                let elf = path.to_string_lossy().contains(".so");
                mode(if executable || elf { 0o755 } else { 0o644 });
            }
            What::Text(text, permissions) => {
                fs_err::write(&path, text).unwrap();
                mode(*permissions);
            }
            What::Link(to) => symlink(to, &path).unwrap(),
            What::Folder => fs_err::create_dir_all(&path).unwrap(),
        }
    }
}

impl Source {
    /// Builds it in `work`, which is this source's own; returns its packages.
    pub fn build(&self, work: &Path) -> Vec<PathBuf> {
        let staged = work.join("staged");
        fs_err::create_dir_all(&staged).unwrap();
        for entry in self.packages.iter().flat_map(|package| &package.entries) {
            entry.stage(&staged);
        }
        let spec = work.join(format!("{}.spec", self.name));
        fs_err::write(&spec, self.spec(&staged)).unwrap();
        let top = work.join("top");
        run(Command::new("rpmbuild")
            .arg("-bb")
            .arg("--define")
            .arg(format!("_topdir {}", top.display()))
            .env("SOURCE_DATE_EPOCH", "1700000000")
            .arg(&spec));
        let made =
            walkdir::WalkDir::new(top.join("RPMS")).into_iter().map(|entry| entry.unwrap().into_path());
        made.filter(|path| path.extension().is_some_and(|extension| extension == "rpm")).collect()
    }

    /// One spec for all of its packages; the one with the source's own name is its main package.
    fn spec(&self, staged: &Path) -> String {
        const TEXT: &str = "Made of the files of the machine that runs modgraft's tests";
        let mut spec = format!(
            "%global debug_package %{{nil}}\n%global _build_id_links none\n%global __os_install_post %{{nil}}\n\
             %global _binary_payload {}\n%global _buildhost reproducible\n\
             %global use_source_date_epoch_as_buildtime 1\n%global clamp_mtime_to_source_date_epoch 1\n\
             Name: {}\nVersion: {}\nRelease: {}\nLicense: various\nSummary: {TEXT}\n",
            self.payload, self.name, self.version, self.release
        );
        if self.noarch {
            spec += "BuildArch: noarch\n";
        }
        let is_main = |package: &&Package| package.name == self.name;
        for line in self.packages.iter().find(is_main).into_iter().flat_map(|main| &main.preamble) {
            writeln!(spec, "{line}").unwrap();
        }
        writeln!(spec, "%description\n{TEXT}.").unwrap();
        let mut files = String::new();
        for package in &self.packages {
            let name = &package.name;
            if is_main(&package) {
                files += "%files\n";
            } else {
                let preamble = package.preamble.join("\n");
                writeln!(spec, "%package -n {name}\nSummary: {TEXT}\n{preamble}").unwrap();
                writeln!(spec, "%description -n {name}\n{TEXT}.").unwrap();
                writeln!(files, "%files -n {name}").unwrap();
            }
            for section in &package.sections {
                writeln!(spec, "{section}").unwrap();
            }
            files += "%defattr(-,root,root,-)\n";
            for entry in &package.entries {
                writeln!(files, "{}\"{}\"", entry.mark, entry.path).unwrap();
            }
        }
        format!(
            "{spec}%install\nmkdir -p %{{buildroot}}\ncp -a '{}/.' %{{buildroot}}/\n{files}",
            staged.display()
        )
    }
}
