//! Fetching by `dnf download`, or by yumdownloader where there is no dnf. Neither needs root.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{Missing, NO_SPACE, Package, Request, in_short, last_lines};
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
        Missing::Headers => {
            (pin(&fetch.headers, fetch.program.first().and_then(|name| installed(name))), Vec::new())
        }
        Missing::Program => {
            (Vec::new(), pin(&fetch.program, fetch.headers.first().and_then(|name| installed(name))))
        }
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
        command.args(&program[1..]).arg("--destdir").arg(request.into).args(extra);
        command.arg(format!("--setopt=cachedir={}", request.state.join("dnf").display()));
        command.arg("--setopt=install_weak_deps=False");
        if resolve {
            command.arg("--resolve");
        }
        command.args(packages).env("LC_ALL", "C").current_dir(request.into);
        match process::output(&mut command, LIMIT) {
            Ok(output) if output.status.success() => return Ok(()),
            // `dnf download` is a plugin, which small images lack.
            Ok(output) if memchr::memmem::find(&output.stderr, b"No such command").is_some() => {}
            Ok(output) => return Err(failed(request, packages, &output.stderr)),
            Err(process::Error::Missing { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::not_installed(
        request.missing.in_words(),
        "neither `dnf download` (of dnf-plugins-core) nor yumdownloader, which could fetch them, is there",
        &request.profile.advice,
    ))
}

fn failed(request: &Request<'_>, packages: &[String], stderr: &[u8]) -> Error {
    let advice = &request.profile.advice.httpd;
    let text = String::from_utf8_lossy(stderr);
    let has = |texts: &[&str]| texts.iter().any(|known| text.contains(known));
    let (reason, help) = if has(&["No space left", "enough free space"]) {
        (NO_SPACE.0, NO_SPACE.1.to_owned())
    } else if has(&[
        "Failed to download metadata",
        "Errors during downloading",
        "Curl error",
        "Cannot download",
    ]) {
        (
            "the distribution's repositories could not be reached",
            format!("check the network and try again, or have an administrator run: {advice}"),
        )
    } else {
        (
            "this system's repositories do not have them",
            format!(
                "enable the distribution's repositories (on RHEL also CodeReady Builder), or have an administrator \
                 run: {advice}"
            ),
        )
    };
    Error::Fetch { packages: packages.join(", "), reason: reason.to_owned(), said: last_lines(stderr), help }
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
    let mut paths: Vec<PathBuf> =
        fs_err::read_dir(request.into)?.flatten().map(|entry| entry.path()).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Distribution;

    #[test]
    fn names_and_versions_are_read_from_file_names() {
        let package = package(Path::new("/x/apr-util-devel-1.6.3-1.el9.x86_64.rpm")).unwrap();
        assert_eq!((&*package.name, &*package.version), ("apr-util-devel", "1.6.3-1.el9"));
        assert_eq!(super::package(Path::new("/x/odd.rpm")), None);
    }

    const SPEC: &str = "\
Name: httpd
Version: 2.4.62
Release: 7.el9
Summary: stands for httpd
License: Apache-2.0
BuildArch: noarch
Requires: httpd-core
%description
x
%package core
Summary: what httpd needs
%description core
x
%package devel
Summary: headers
Requires: something-huge
%description devel
x
%package -n apr-devel
Summary: headers
%description -n apr-devel
x
%package -n apr-util-devel
Summary: headers
%description -n apr-util-devel
x
%install
mkdir -p %{buildroot}/usr/sbin %{buildroot}/usr/include/httpd %{buildroot}/usr/include/apr-1 %{buildroot}/usr/lib64
echo program > %{buildroot}/usr/sbin/httpd
echo library > %{buildroot}/usr/lib64/libcore.so.0.1
ln -s libcore.so.0.1 %{buildroot}/usr/lib64/libcore.so.0
echo header > %{buildroot}/usr/include/httpd/httpd.h
echo header > %{buildroot}/usr/include/apr-1/apr.h
echo header > %{buildroot}/usr/include/apr-1/apu.h
%files
/usr/sbin/httpd
%files core
/usr/lib64/libcore.so.*
%files devel
/usr/include/httpd
%files -n apr-devel
/usr/include/apr-1/apr.h
%files -n apr-util-devel
/usr/include/apr-1/apu.h
";

    fn run(program: &str, arguments: &[&str], folder: &Path) {
        let output = Command::new(program).args(arguments).current_dir(folder).output();
        let output = output.unwrap_or_else(|error| panic!("{program} is needed for this test: {error}"));
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }

    #[test]
    fn packages_of_a_real_repository_are_fetched_and_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let define = format!("_topdir {}", folder.path().display());
        fs_err::write(path("httpd.spec"), SPEC).unwrap();
        run(
            "rpmbuild",
            &["-bb", "--define", &define, "--define", "_build_id_links none", "httpd.spec"],
            folder.path(),
        );
        run("createrepo_c", &["-q", "RPMS"], folder.path());

        let profile = Distribution::parse("ID=rhel\n").profile();
        let fetch = profile.fetch.clone().unwrap();
        for name in ["into", "state"] {
            fs_err::create_dir(path(name)).unwrap();
        }
        let said = std::cell::RefCell::new(Vec::new());
        let request = Request {
            profile: &profile,
            fetch: &fetch,
            missing: Missing::Both { although_installed: false },
            state: &path("state"),
            into: &path("into"),
            notify: &|line| said.borrow_mut().push(line.to_owned()),
        };
        let extra = |repository: &str| -> Vec<OsString> {
            let from = format!("--repofrompath=local,file://{}", path(repository).display());
            [
                &from,
                "--repo=local",
                "--releasever=9",
                "--setopt=reposdir=/nonexistent",
                "--setopt=local.gpgcheck=0",
            ]
            .map(OsString::from)
            .to_vec()
        };
        let packages = download(&request, &extra("RPMS")).unwrap();
        let names: Vec<&str> = packages.iter().map(|package| &*package.name).collect();
        assert_eq!(names, ["apr-devel", "apr-util-devel", "httpd", "httpd-core", "httpd-devel"]);
        assert_eq!(packages[2].version, "2.4.62-7.el9");
        let expected = "fetching httpd-devel and 3 more from this distribution's packages into the cache";
        assert_eq!(said.take(), [expected]);

        super::super::unpack(&packages, &path("root")).unwrap();
        let content = |name: &str| fs_err::read_to_string(path("root").join(name)).unwrap();
        assert_eq!(content("usr/lib64/libcore.so.0"), "library\n");
        assert_eq!(content("usr/include/httpd/httpd.h"), "header\n");

        fs_err::create_dir(path("empty")).unwrap();
        run("createrepo_c", &["-q", "empty"], folder.path());
        let error = download(&request, &extra("empty")).unwrap_err();
        assert!(error.to_string().contains("this system's repositories do not have them"), "{error}");
        let error = download(&request, &extra("none")).unwrap_err();
        assert!(error.to_string().contains("repositories could not be reached"), "{error}");
    }

    #[test]
    fn an_rpm_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x-1-1.noarch.rpm");
        fs_err::write(&file, "<html>").unwrap();
        let package = super::package(&file).unwrap();
        let error = super::super::unpack(&[package], &folder.path().join("root")).unwrap_err();
        assert!(matches!(error, Error::Unpack(_)), "{error:?}");
    }
}
