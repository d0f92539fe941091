//! A target that is a folder: the prefix of httpd's `make install`, or a sysroot, a root into which a distribution's packages
//! were unpacked. Which of the two it is, its contents tell.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use super::elf;
use super::installed::{self, Headers};
use super::libraries::Libraries;
use super::roots::Roots;
use super::variables::Variables;
use super::{Error, Provenance, Target};
use crate::machine::Machine;
use crate::process;
use crate::profile::Profile;

/// What only a prefix has; one of them is enough to take a folder for one.
const PREFIX_FILES: &[&str] = &[VARIABLES, "include/httpd.h"];

/// A prefix has it too, and a root with a link from `/bin` to `/usr/bin`.
const PREFIX_PROGRAM: &str = "bin/httpd";

/// apxs's variables in a prefix; httpd's config.layout for Apache puts them there.
const VARIABLES: &str = "build/config_vars.mk";

/// apr-1-config is a shell script that prints a line.
const APR_CONFIG_LIMIT: Duration = Duration::from_secs(20);

/// Finds the httpd in a folder. `name` is what the target is called; `profile` is taken where it is known, and found out by what
/// is in the folder else.
///
/// # Errors
/// [`Error::NoHttpd`]; [`Error::Incomplete`] with what is to be added; files that do not say what httpd's own say.
pub fn resolve(name: &str, place: &Path, profile: Option<Arc<Profile>>) -> Result<Target, Error> {
    let folder = match fs_err::canonicalize(place) {
        Ok(folder) if folder.is_dir() => folder,
        Ok(_) => return Err(no_httpd(place, "it is no folder")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(no_httpd(place, "there is no such folder"));
        }
        Err(error) => return Err(error.into()),
    };
    let has = |file: &&str| folder.join(file).exists();
    if PREFIX_FILES.iter().any(has) {
        prefix(name, folder, profile)
    } else if has(&"usr") {
        sysroot(name, folder, profile, Given::Folder)
    } else if has(&PREFIX_PROGRAM) {
        prefix(name, folder, profile)
    } else {
        Err(no_httpd(place, "neither httpd nor unpacked packages are in it"))
    }
}

fn no_httpd(folder: &Path, reason: &str) -> Error {
    Error::NoHttpd { folder: folder.to_owned(), reason: reason.to_owned() }
}

fn incomplete(folder: &Path, missing: &str, help: String) -> Error {
    Error::Incomplete { what: format!("{} has", folder.display()), missing: missing.to_owned(), help }
}

/// How a root came to be, which decides what helps where it is not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// By other means: it is a folder of the user's.
    Folder,
    /// From packages, now.
    Packages,
    /// From packages, when the target was added.
    Added,
}

impl Given {
    /// The error for what is missing in `folder`, and is in `source` (`the package httpd`).
    fn lacks(self, name: &str, folder: &Path, missing: &str, source: &str) -> Error {
        let (what, help) = match self {
            Given::Folder => (format!("{} has", folder.display()), format!("unpack {source} there too")),
            Given::Packages => ("the packages have".to_owned(), format!("give {source} too")),
            Given::Added => (
                format!("the target {name} has"),
                format!("its folder in the cache was changed; add it again, with --force and {source}"),
            ),
        };
        Error::Incomplete { what, missing: missing.to_owned(), help }
    }
}

/// The httpd that `make install` put into `folder`.
///
/// # Errors
/// As [`resolve`].
pub fn prefix(name: &str, folder: PathBuf, profile: Option<Arc<Profile>>) -> Result<Target, Error> {
    let profile = profile.unwrap_or_else(installed::host_profile);
    let reinstall = "run `make install` of that httpd again, in the folder where it was built".to_owned();
    let lacks = |missing: &str| incomplete(&folder, missing, reinstall.clone());
    let file = folder.join(VARIABLES);
    if !file.is_file() {
        return Err(lacks(&format!("{VARIABLES} (apxs's variables)")));
    }
    let variables = Variables::parse(&fs_err::read_to_string(&file)?);
    let stated = variables.folder("prefix").unwrap_or_default();
    if fs_err::canonicalize(&stated).ok().as_ref() != Some(&folder) {
        return Err(Error::Malformed {
            path: file,
            reason: format!("this httpd was built for the folder {stated}, and lies in {}", folder.display()),
            help: "put it where it was built for, or build it for the folder where it is".to_owned(),
        });
    }
    let include_dirs = with_apr(installed::include_dirs(&Roots::host(), &variables), &variables)?;
    if let Some(header) = installed::missing_header(&include_dirs) {
        let help = if header.starts_with("ap_") || header == "httpd.h" {
            reinstall.clone()
        } else {
            format!("install the headers of the APR that httpd was built with: {}", profile.advice.httpd)
        };
        return Err(incomplete(&folder, header, help));
    }
    let program = installed::program(&Roots::host(), &variables).ok_or_else(|| lacks("httpd program"))?;
    if let (Some(machine), Some(host)) =
        (elf::header(&program).and_then(elf::Header::machine), Machine::of_host())
        && !machine.runs_on_host()
    {
        return Err(Error::Malformed {
            path: program,
            reason: format!("it is for {machine}, and uses the C library of this machine, which is {host}"),
            help: format!(
                "unpack a distribution's packages for {machine} into a folder, its C library too, and name that"
            ),
        });
    }
    let headers = Headers::new(variables, include_dirs);
    let provenance = Provenance::Prefix { root: folder };
    installed::target(name, &Roots::host(), headers, program, &profile, provenance)
}

/// Where the variables of 2.2 do not tell of APR's headers, its own script does.
fn with_apr(mut folders: Vec<PathBuf>, variables: &Variables) -> Result<Vec<PathBuf>, Error> {
    for (header, variable) in [("apr.h", "APR_CONFIG"), ("apu.h", "APU_CONFIG")] {
        let script = variables.get(variable).filter(|path| path.starts_with('/'));
        if folders.iter().any(|folder| folder.join(header).is_file()) {
            continue;
        }
        let Some(script) = script.map(PathBuf::from).filter(|script| script.is_file()) else { continue };
        let output = process::output(Command::new(script).arg("--includedir"), APR_CONFIG_LIMIT)?;
        let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        if folder.is_absolute() {
            folders.push(folder);
        }
    }
    Ok(folders)
}

/// The httpd among the packages that were unpacked into `folder`.
///
/// # Errors
/// As [`resolve`].
pub fn sysroot(
    name: &str,
    folder: PathBuf,
    profile: Option<Arc<Profile>>,
    given: Given,
) -> Result<Target, Error> {
    let roots = Roots::only(folder.clone());
    let lacks = |missing: &str, source: &str| given.lacks(name, &folder, missing, source);
    let profile = match profile {
        Some(profile) => profile,
        None => found_out(&folder, &roots, given, &lacks)?,
    };
    let packages = &profile.packages;
    let of = |package: &str| format!("the package {package}");
    let variables = profile.httpd.config_vars.iter().find_map(|file| roots.find(file));
    let variables =
        variables.ok_or_else(|| lacks("config_vars.mk (apxs's variables)", &of(&packages.httpd_headers)))?;
    let variables = Variables::parse(&fs_err::read_to_string(variables)?);
    let include_dirs = installed::include_dirs(&roots, &variables);
    if let Some(header) = installed::missing_header(&include_dirs) {
        let package = match header {
            "apr.h" | "apr_version.h" => &packages.apr_headers,
            "apu.h" => &packages.apr_util_headers,
            _ => &packages.httpd_headers,
        };
        return Err(lacks(header, &of(package)));
    }
    let program = installed::program(&roots, &variables)
        .or_else(|| profile.httpd.programs.iter().find_map(|program| roots.find(program)));
    let program = program.ok_or_else(|| lacks("httpd program", &of(&packages.httpd)))?;
    c_library(&roots, &profile, &program, &lacks)?;
    let headers = Headers::new(variables, include_dirs);
    installed::target(
        name,
        &roots,
        headers,
        program,
        &profile,
        Provenance::Sysroot { root: folder, pack: None },
    )
}

/// Makes the error for what is missing, and is in `the package x`.
type Lacks<'a> = dyn Fn(&str, &str) -> Error + 'a;

/// The profile, by the root's own os-release; where that was not unpacked, by where httpd is, if that is enough.
fn found_out(folder: &Path, roots: &Roots, given: Given, lacks: &Lacks<'_>) -> Result<Arc<Profile>, Error> {
    if let Some(distribution) = roots.distribution() {
        return Ok(distribution.profile());
    }
    let has = |files: &[String]| files.iter().any(|file| roots.find(file).is_some());
    let fit: Vec<_> = Profile::all()
        .filter(|profile| has(&profile.httpd.config_vars) && has(&profile.httpd.programs))
        .collect();
    match fit[..] {
        [] if given == Given::Folder => Err(no_httpd(folder, "the packages in it have no httpd")),
        [] => {
            Err(lacks("httpd", "httpd and its development package (httpd-devel, apache2-devel, apache2-dev)"))
        }
        [profile] => Ok(profile.clone()),
        [profile, ..] => {
            let package = &profile.packages.os_release;
            Err(lacks("etc/os-release, which tells the release", package))
        }
    }
}

/// Compiling, linking and running need the C library whole.
fn c_library(roots: &Roots, profile: &Profile, program: &Path, lacks: &Lacks<'_>) -> Result<(), Error> {
    let packages = &profile.packages;
    let missing = lacks;
    let lacks = |missing: &str, package: &str| Err(lacks(missing, &format!("the package {package}")));
    let Some(header) = elf::header(program) else {
        return Err(Error::Malformed {
            path: program.to_owned(),
            reason: "the httpd program is not an ELF file".to_owned(),
            help: format!("unpack the package {} anew", packages.httpd),
        });
    };
    let libraries = Libraries::of(roots, header);
    let named = |name: &str| libraries.named(name).next().is_some();
    if libraries.glibc().is_none() {
        return lacks("libc.so.6 (the C library)", &packages.libc);
    }
    if roots.find("/usr/include/stdio.h").is_none() {
        return lacks("usr/include/stdio.h (the C library's headers)", &packages.libc_headers);
    }
    if roots.find("/usr/include/linux/limits.h").is_none() {
        return lacks("usr/include/linux (the kernel's headers)", &packages.kernel_headers);
    }
    if !named("libc.so") || !named("crti.o") {
        return lacks("libc.so and crti.o, which a module is linked with", &packages.libc_headers);
    }
    if elf::interpreter(program).is_none_or(|loader| roots.find(&loader).is_none()) {
        return lacks("the dynamic linker", &packages.libc);
    }
    let needed = libraries.needed_by(program);
    match needed.iter().find(|library| libraries.find(library).is_none()) {
        Some(library) => Err(missing(
            &format!("{library}, which its httpd needs"),
            &format!("what the package {} requires", packages.httpd),
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A root with a program, apxs's variables and the headers, as Red Hat lays them out; all files have their least.
    fn red_hats() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &[u8]| {
            let file = root.path().join(name);
            fs_err::create_dir_all(file.parent().unwrap()).unwrap();
            fs_err::write(file, content).unwrap();
        };
        // The start of a program for another processor than this one's.
        let other = if cfg!(target_arch = "aarch64") { 62 } else { 183 };
        let mut program = [0; 64];
        program[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
        program[18] = other;
        write("usr/sbin/httpd", &program);
        write(
            "usr/lib64/httpd/build/config_vars.mk",
            b"includedir = /usr/include/httpd\nsbindir = /usr/sbin\nAPR_INCLUDEDIR = /usr/include/apr-1\n",
        );
        for header in ["httpd/httpd.h", "httpd/ap_mmn.h", "httpd/ap_release.h"] {
            write(&format!("usr/include/{header}"), b"");
        }
        for header in ["apr-1/apr.h", "apr-1/apr_version.h", "apr-1/apu.h"] {
            write(&format!("usr/include/{header}"), b"");
        }
        root
    }

    fn resolved(root: &Path) -> Error {
        resolve("x", root, None).unwrap_err()
    }

    #[test]
    fn a_root_that_does_not_tell_its_release_is_refused_where_that_matters() {
        let root = red_hats();
        let error = resolved(root.path());
        assert!(error.to_string().ends_with(" has no etc/os-release, which tells the release"), "{error}");
    }

    #[test]
    fn a_root_for_another_processor_is_looked_into_as_any() {
        let root = red_hats();
        fs_err::create_dir(root.path().join("etc")).unwrap();
        fs_err::write(root.path().join("etc/os-release"), "ID=rocky\nID_LIKE=rhel\nVERSION_ID=8.9\n")
            .unwrap();
        let error = resolved(root.path()).to_string();
        assert!(error.ends_with("has no libc.so.6 (the C library)"), "{error}");
    }

    #[test]
    fn a_prefix_for_another_processor_is_told() {
        let root = red_hats();
        let write = |name: &str, content: &str| fs_err::write(root.path().join(name), content).unwrap();
        fs_err::create_dir(root.path().join("build")).unwrap();
        let prefix = root.path().canonicalize().unwrap();
        let prefix = prefix.display();
        write(
            "build/config_vars.mk",
            &format!(
                "prefix = {prefix}\nincludedir = {prefix}/usr/include/httpd\nsbindir = {prefix}/usr/sbin\n\
                 APR_INCLUDEDIR = {prefix}/usr/include/apr-1\nprogname = httpd\n"
            ),
        );
        let error = resolved(root.path()).to_string();
        assert!(error.contains("usr/sbin/httpd: it is for "), "{error}");
    }
}
