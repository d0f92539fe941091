//! Fetching by `dnf download`, or by yumdownloader where there is no dnf. Neither needs root.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{Missing, Package, Request, in_short, last_lines};
use crate::process;
use crate::target::Error;

/// The repositories' metadata of a Fedora are some 100 MB.
const LIMIT: Duration = Duration::from_secs(1800);

/// The programs that fetch, with the arguments before the options; both know `--destdir` and `--resolve`.
const PROGRAMS: &[&[&str]] = &[&["dnf", "download"], &["yumdownloader"]];

/// Fetches the packages; `extra` are options that choose repositories.
pub fn download(request: &Request<'_>, extra: &[OsString]) -> Result<Vec<Package>, Error> {
    let fetch = request.fetch;
    let all: Vec<String> = fetch.headers.iter().chain(&fetch.program).cloned().collect();
    (request.notify)(&format!(
        "fetching {} from this distribution's packages into the cache",
        in_short(&all)
    ));
    let installed = |package: &str| version(package);
    let (headers, program) = match request.missing {
        Missing::Both { .. } => (fetch.headers.clone(), fetch.program.clone()),
        Missing::Headers => (pin(&fetch.headers, fetch.program.first().and_then(|name| installed(name))), Vec::new()),
        Missing::Program => (Vec::new(), pin(&fetch.program, fetch.headers.first().and_then(|name| installed(name)))),
    };
    let fetched = run(request, extra, &headers, false).and_then(|()| run(request, extra, &program, true));
    match (fetched, request.missing) {
        (Ok(()), _) => {}
        // The repositories may not have the installed version any more: then both halves are fetched.
        (Err(Error::Fetch { .. }), Missing::Headers | Missing::Program) => {
            run(request, extra, &fetch.headers, false)?;
            run(request, extra, &fetch.program, true)?;
        }
        (Err(error), _) => return Err(error),
    }
    files(request)
}

/// Downloads packages, and what they need and this host lacks where `resolve`.
fn run(request: &Request<'_>, extra: &[OsString], packages: &[String], resolve: bool) -> Result<(), Error> {
    if packages.is_empty() {
        return Ok(());
    }
    for program in PROGRAMS {
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).arg("--quiet").arg("--destdir").arg(request.into).args(extra);
        command.arg(format!("--setopt=cachedir={}", request.state.join("dnf").display()));
        command.arg("--setopt=install_weak_deps=False");
        if resolve {
            command.arg("--resolve");
        }
        command.args(packages).env("LC_ALL", "C").current_dir(request.into);
        match process::output(&mut command, LIMIT) {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => return Err(failed(request, packages, &last_lines(&output.stderr))),
            Err(process::Error::Missing { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(request
        .family
        .not_installed(request.missing.in_words(), "neither dnf nor yumdownloader, which could fetch them, is there"))
}

fn failed(request: &Request<'_>, packages: &[String], said: &str) -> Error {
    let advice = &request.family.advice.httpd;
    let has = |texts: &[&str]| texts.iter().any(|text| said.contains(text));
    let (reason, help) = if has(&["No space left", "enough free space"]) {
        ("no space is left in the cache folder", "free some space there, or name another folder in the variable MODGRAFT_CACHE".to_owned())
    } else if has(&["No package", "No match", "Unable to find a match", "no enabled repositories", "not available"]) {
        ("this system's repositories do not have them", format!("enable the distribution's repositories (on RHEL also CodeReady Builder), or have an administrator run: {advice}"))
    } else {
        ("the distribution's repositories could not be reached", format!("check the network and try again, or have an administrator run: {advice}"))
    };
    Error::Fetch { packages: packages.join(", "), reason: reason.to_owned(), said: said.to_owned(), help }
}

/// The installed version and release of a package.
fn version(package: &str) -> Option<String> {
    let mut command = Command::new("rpm");
    command.args(["-q", "--qf", "%{VERSION}-%{RELEASE}", package]);
    let output = process::succeed(&mut command, Duration::from_secs(30)).ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The first package is httpd's own and gets the version; the others follow versions of their own.
fn pin(packages: &[String], version: Option<String>) -> Vec<String> {
    let mut packages = packages.to_vec();
    if let (Some(first), Some(version)) = (packages.first_mut(), version) {
        *first = format!("{first}-{version}");
    }
    packages
}

/// The packages that were fetched, without those that are left out, by name.
fn files(request: &Request<'_>) -> Result<Vec<Package>, Error> {
    let mut paths: Vec<PathBuf> = fs_err::read_dir(request.into)?.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rpm"));
    paths.sort();
    let packages = paths.iter().filter_map(|path| package(path));
    Ok(packages.filter(|package| !request.fetch.leaves_out(&package.name)).collect())
}

/// Name and version of `NAME-VERSION-RELEASE.ARCH.rpm`.
fn package(path: &Path) -> Option<Package> {
    let stem = path.file_stem()?.to_str()?;
    let (nvr, _architecture) = stem.rsplit_once('.')?;
    let (rest, release) = nvr.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    Some(Package { name: name.to_owned(), version: format!("{version}-{release}"), file: path.to_owned() })
}
