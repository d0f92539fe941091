//! Package files that were given: which they are, and whether one machine can have them all.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::{Error, Pinned};
use crate::machine::Machine;
use crate::target;
use crate::unpack::{self, Kind, Limits, PackageId};

/// A package file, described.
#[derive(Debug, Clone)]
pub struct Package {
    /// Where it is.
    pub file: PathBuf,
    /// What it is.
    pub id: PackageId,
}

impl Package {
    /// As a lock file has it, `from` being its url or the file's name.
    pub fn pinned(&self, from: String) -> Pinned {
        let PackageId { name, version, arch, sha256, size, .. } = self.id.clone();
        Pinned { name, version, arch, from, size, sha256 }
    }

    fn named(&self) -> String {
        file_name(&self.file)
    }
}

/// A file's last name, as it is shown.
pub fn file_name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The files, those of folders among them; sorted by their packages' names. One that was given twice is there once.
///
/// # Errors
/// A folder without packages; a file that is no package; [`Error::Mixed`].
pub fn read(given: &[PathBuf]) -> Result<Vec<Package>, target::Error> {
    let mut files = Vec::new();
    for path in given {
        match fs_err::metadata(path) {
            Ok(found) if found.is_dir() => files.extend(in_folder(path)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let reason = "there is no such file or folder";
                return Err(Error::NoPackages { place: path.clone(), reason }.into());
            }
            // Whatever else is wrong with it, reading it tells.
            _ => files.push(path.clone()),
        }
    }
    describe(files)
}

/// What each of the files is. As [`read`].
pub fn describe(files: Vec<PathBuf>) -> Result<Vec<Package>, target::Error> {
    let mut packages = Vec::new();
    for file in files {
        let id = unpack::describe(&file, &Limits::default())?;
        packages.push(Package { file, id });
    }
    packages.sort_by(|a, b| (&a.id.name, &a.id.arch, &a.file).cmp(&(&b.id.name, &b.id.arch, &b.file)));
    of_one_kind(&packages)?;
    Ok(once(packages)?)
}

/// The processor that the packages are for: the one wanted, or else their own; the host's where none is for a certain one.
///
/// # Errors
/// [`Error::Mixed`], [`Error::OtherProcessor`], [`Error::UnknownProcessor`].
pub fn machine(packages: &[Package], wanted: Option<&'static Machine>) -> Result<&'static Machine, Error> {
    let mut found: Option<(&Package, &'static Machine)> = None;
    for package in packages.iter().filter(|package| !matches!(&*package.id.arch, "noarch" | "all")) {
        let machine = machine_named(&package.id.arch)?;
        if let Some(wanted) = wanted
            && wanted != machine
        {
            return Err(Error::OtherProcessor {
                what: format!("the package {}", package.named()),
                arch: package.id.arch.clone(),
                wanted: wanted.name.clone(),
            });
        }
        match found {
            Some((other, known)) if known != machine => {
                return Err(Error::Mixed {
                    reason: format!(
                        "{} is for {known}, and {} for {machine}",
                        other.named(),
                        package.named()
                    ),
                    help: "give the packages for one processor; a second target can have the others",
                });
            }
            Some(_) => {}
            None => found = Some((package, machine)),
        }
    }
    let known = found.map(|(_, machine)| machine).or(wanted).or_else(Machine::of_host);
    known.ok_or_else(|| unknown(std::env::consts::ARCH))
}

/// The processor of this name: rpm's, or Debian's.
///
/// # Errors
/// [`Error::UnknownProcessor`].
pub fn machine_named(name: &str) -> Result<&'static Machine, Error> {
    Machine::named(name)
        .or_else(|| Machine::all().find(|machine| machine.debian == name))
        .ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Error {
    let known: Vec<&str> = Machine::all().map(|machine| machine.name.as_str()).collect();
    Error::UnknownProcessor { name: name.to_owned(), known: known.join(", ") }
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        let ends = |kind: Kind| path.extension().is_some_and(|extension| extension == kind.extension());
        // Repositories keep source packages beside the others.
        if (ends(Kind::Rpm) || ends(Kind::Deb)) && !file_name(&path).ends_with(".src.rpm") {
            files.push(path);
        }
    }
    if files.is_empty() {
        Err(Error::NoPackages { place: folder.to_owned(), reason: "it has no packages" })
    } else {
        Ok(files)
    }
}

fn of_one_kind(packages: &[Package]) -> Result<(), Error> {
    let of = |kind| packages.iter().find(|package| package.id.kind == kind);
    match (of(Kind::Rpm), of(Kind::Deb)) {
        (Some(rpm), Some(deb)) => Err(Error::Mixed {
            reason: format!("{} is an RPM, and {} a Debian package", rpm.named(), deb.named()),
            help: "give the packages of one distribution",
        }),
        _ => Ok(()),
    }
}

/// Each package once: the same file twice is no mistake, and two versions cannot be installed at once.
fn once(packages: Vec<Package>) -> Result<Vec<Package>, Error> {
    let mut kept: BTreeMap<(String, String), Package> = BTreeMap::new();
    for package in packages {
        let key = (package.id.name.clone(), package.id.arch.clone());
        match kept.get(&key) {
            Some(other) if other.id == package.id => {}
            Some(other) => {
                let name = &package.id.name;
                let (a, b) = (&other.id.version, &package.id.version);
                let reason = if a == b {
                    format!(
                        "{} and {} are both {name} {a}, and differ",
                        other.file.display(),
                        package.file.display()
                    )
                } else {
                    format!("{name} is there as {a} and as {b}")
                };
                return Err(Error::Mixed { reason, help: "give one of the two" });
            }
            None => {
                kept.insert(key, package);
            }
        }
    }
    Ok(kept.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str, arch: &str, kind: Kind) -> Package {
        let id = PackageId {
            kind,
            name: name.to_owned(),
            version: version.to_owned(),
            arch: arch.to_owned(),
            sha256: format!("{name}{version}"),
            size: 1,
        };
        Package { file: PathBuf::from(format!("/x/{name}-{version}.{arch}.{}", kind.extension())), id }
    }

    #[test]
    fn packages_of_two_kinds_versions_or_processors_are_refused() {
        let rpm = |name: &str, version: &str, arch: &str| package(name, version, arch, Kind::Rpm);
        let same = vec![rpm("a", "1", "noarch"), rpm("a", "1", "noarch"), rpm("b", "1", "x86_64")];
        assert_eq!(once(same.clone()).unwrap().len(), 2);
        assert_eq!(machine(&same, None).unwrap().name, "x86_64");
        let error = once(vec![rpm("a", "1", "x86_64"), rpm("a", "2", "x86_64")]).unwrap_err();
        assert_eq!(error.to_string(), "the packages do not belong together: a is there as 1 and as 2");
        let other = Package { id: PackageId { size: 2, ..same[0].id.clone() }, ..same[0].clone() };
        let error = once(vec![same[0].clone(), other]).unwrap_err();
        assert!(error.to_string().ends_with("are both a 1, and differ"), "{error}");
        let deb = package("b", "1", "amd64", Kind::Deb);
        let error = of_one_kind(&[same[0].clone(), deb.clone()]).unwrap_err();
        assert!(error.to_string().ends_with("a-1.noarch.rpm is an RPM, and b-1.amd64.deb a Debian package"));
        assert_eq!(machine(&[deb], None).unwrap().name, "x86_64");

        let mixed = [rpm("a", "1", "x86_64"), rpm("b", "1", "aarch64")];
        let error = machine(&mixed, None).unwrap_err();
        assert!(error.to_string().contains("a-1.x86_64.rpm is for x86_64, and b-1.aarch64.rpm for aarch64"));
        let error = machine(&mixed[..1], Machine::named("aarch64")).unwrap_err();
        assert!(matches!(error, Error::OtherProcessor { .. }), "{error}");
        let error = machine(&[rpm("a", "1", "pdp11")], None).unwrap_err();
        assert!(matches!(error, Error::UnknownProcessor { .. }), "{error}");
        assert_eq!(machine(&[rpm("a", "1", "noarch")], None).unwrap(), Machine::of_host().unwrap());
    }
}
