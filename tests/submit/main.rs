//! `modgraft submit`: source packages built elsewhere, through the services' own clients.
//!
//! osc (Debian's), copr-cli and koji (PyPI's) are the real ones, before servers on the loopback that speak the services' protocols as
//! far as the clients ask. mock is in neither: a script plays its documented command line, and the real rpmbuild builds behind it.

mod copr;
mod http;
mod koji;
mod mock;
mod obs;
mod place;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use place::{Place, built};

/// A package of another source package than the reference module's: rpmbuild's own.
fn other_package() -> PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = support::scratch("submit-other");
        let spec = folder.join("other.spec");
        let text = "Name: other\nVersion: 1\nRelease: 1\nSummary: Another one\nLicense: Apache-2.0\nBuildArch: noarch\n\
                    %description\nAnother one.\n%install\nmkdir -p %{buildroot}/srv\necho x > %{buildroot}/srv/other\n\
                    %files\n/srv/other\n";
        fs_err::write(&spec, text).unwrap();
        let top = format!("_topdir {}", folder.display());
        support::run(Command::new("rpmbuild").args(["-bb", "--define", &top]).arg(&spec));
        folder.join("RPMS/noarch/other-1-1.noarch.rpm")
    })
    .clone()
}

#[test]
fn a_client_that_is_missing_is_named_with_the_packages_that_have_it() {
    let place = Place::new();
    let source = built().source.to_str().unwrap();
    for (arguments, said) in [
        (&["mock", "-r", "epel-8-x86_64", source][..], &["`mock` is not installed", "mock (Fedora)"][..]),
        (&["copr", "modules", source], &["`copr-cli` is not installed", "copr-cli (PyPI)"]),
        (&["koji", "el8", source], &["`koji` is not installed", "koji (Fedora)"]),
        (&["obs", "home:x", source], &["`osc` is not installed", "osc (Debian)", "osc (openSUSE)"]),
    ] {
        let mut command = place.command(Path::new("/"), arguments);
        // Nothing at all is found there.
        command.env("PATH", place.path("home")).args(["--sign-key", "none"]);
        let ran = place::ran(&mut command).bad(5, &["modgraft::submit::no_client"]);
        for words in said {
            assert!(ran.stderr.replace("\n        ", " ").contains(words), "`{words}` in {}", ran.stderr);
        }
        assert!(!place.path("out").exists());
    }
}

#[test]
fn what_is_no_source_package_or_no_name_is_refused_before_anything_is_sent() {
    let place = Place::new();
    let source = built().source.to_str().unwrap();
    let binary = built().packages[0].to_str().unwrap();
    let twice = place.path("again.src.rpm");
    fs_err::copy(source, &twice).unwrap();
    let damaged = place.path("damaged.src.rpm");
    let mut bytes = fs_err::read(source).unwrap();
    let middle = bytes.len() - 200;
    bytes[middle] ^= 1;
    fs_err::write(&damaged, bytes).unwrap();
    let bin = place.program("koji", "#!/bin/sh\necho called >&2\nexit 9\n");
    for (arguments, code, said) in [
        (&["koji", "el8", binary][..], 3, "is no source package"),
        (&["koji", "el8", damaged.to_str().unwrap()], 3, "is damaged"),
        (&["koji", "el8", "missing.src.rpm"], 2, "there is no file missing.src.rpm"),
        (&["koji", "el8", source, twice.to_str().unwrap()], 2, "are both called mod_proxy_wstunnel"),
        (&["koji", "a b", source], 2, "cannot be the name of a Koji target"),
        (&["obs", "home:x/y", source], 2, "cannot be the name of a OBS project"),
        (&["mock", "-r", "..", source], 2, "cannot be the name of a mock configuration"),
        (&["koji", "el8", source, "--for", "el66"], 2, "el66"),
        (&["koji", "el8", source, "--sign-key", "missing.asc"], 9, "missing.asc"),
    ] {
        let ran = if arguments.contains(&"--sign-key") {
            place::ran(&mut place.command(&bin, arguments))
        } else {
            place.submit(&bin, arguments)
        };
        assert_eq!(ran.code, Some(code), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "`{said}` in {}", ran.stderr);
        assert!(!place.path("out").exists() && place.files("tmp").is_empty());
    }
}
