//! mock: neither Debian nor PyPI has it, so that a script plays its documented command line and exit codes (mock(1),
//! mockbuild/exception.py), with the names of its logs. Behind that the real rpmbuild builds the source package; what is not
//! shown is mock's own work: a root made of the distribution's packages.

use super::place::{Place, are_signed, built};

/// `epel-9-x86_64` fails in rpmbuild, `epel-7-x86_64` before that; `nowhere` is no configuration.
const MOCK: &str = r#"#!/bin/sh
set -e
while [ $# -gt 0 ]; do
    case $1 in
    --version) echo 6.3; exit 0;;
    -r) root=$2; shift;;
    --resultdir) results=$2; shift;;
    --rebuild) mode=rebuild;;
    --define) defined=$2; shift;;
    -*) echo "usage: mock" >&2; exit 5;;
    *) source=$1;;
    esac
    shift
done
[ "$mode" = rebuild ] && [ -f "$source" ]
[ "$root" != nowhere ] || { echo "ERROR: Could not find required config file: /etc/mock/nowhere.cfg" >&2; exit 3; }
mkdir -p "$results"
echo "INFO: Start: build phase for ${source##*/}"
echo "Mock Version: 6.3" > "$results/build.log"
echo "installing httpd-devel" > "$results/root.log"
case $root in
epel-7*) echo "No matching package to install: 'httpd-devel'" >> "$results/root.log"; exit 30;;
epel-9*) echo "error: Bad exit status from /var/tmp/rpm-tmp (%build)" > "$results/build.log"; exit 10;;
esac
rpmbuild --rebuild --nodeps --define "_topdir $results/top" --define "$defined" "$source" > "$results/build.log" 2>&1
mv "$results"/top/RPMS/*/*.rpm "$results"
cp "$source" "$results"
rm -rf "$results/top"
echo "INFO: Done($source)"
"#;

#[test]
fn mock_builds_for_each_configuration_and_what_fails_shows_its_log() {
    let place = Place::new();
    let bin = place.program("mock", MOCK);
    let source = built().source.to_str().unwrap();
    let own = place.write("own.cfg", "config_opts['root'] = 'own'\n");
    let more = ["-r", "epel-9-x86_64", "-r", "epel-7-x86_64", "-r", own.to_str().unwrap(), source];
    let mut arguments = vec!["mock", "-r", "epel-8-x86_64"];
    arguments.extend(more);
    let key = built().key.to_str().unwrap();
    arguments.extend(["--sign-key", key, "--for", "el8", "--", "--define", "modgraft_test 1"]);
    let ran = super::place::ran(&mut place.command(&bin, &arguments));
    let ran = ran.bad(
        4,
        &[
            "Bad exit status from /var/tmp/rpm-tmp (%build)",
            "No matching package to install: 'httpd-devel'",
            "2 of 4 builds gave nothing",
            "logs/mock/epel-9-x86_64",
        ],
    );
    assert_eq!(are_signed(&place, &ran.stdout), 2 * (built().packages.len() + 1));
    let files = place.files("out");
    for file in [
        "epel-8-x86_64/mod_proxy_wstunnel-1.0.0-1.x86_64.rpm",
        "own/mod_proxy_wstunnel-1.0.0-1.x86_64.rpm",
        "logs/mock/epel-9-x86_64/build.log",
        "logs/mock/epel-7-x86_64/root.log",
    ] {
        assert!(files.iter().any(|there| there == file), "{file} in {files:?}");
    }
    assert!(place.is_tidy(), "{files:?}");
}

#[test]
fn packages_may_stay_as_mock_made_them_and_a_missing_configuration_is_mocks_own_word() {
    let place = Place::new();
    let bin = place.program("mock", MOCK);
    let source = built().source.to_str().unwrap();
    let good = ["mock", "-r", "fedora-43-x86_64", source, "--sign-key", "none", "--", "--define", "x 1"];
    let ran = super::place::ran(&mut place.command(&bin, &good)).good();
    let package = place.folder.path().join(ran.stdout.lines().find(|line| line.ends_with("64.rpm")).unwrap());
    let form = ["-qp", "--nosignature", "--qf", "%{RSAHEADER:pgpsig}"];
    assert_eq!(super::support::run(std::process::Command::new("rpm").args(form).arg(package)), "(none)");
    place
        .submit(&bin, &["mock", "-r", "nowhere", source])
        .bad(5, &["modgraft::submit::client_failed", "Could not find required config file"]);
    place.submit(&bin, &["mock", "-r", "one", "-r", "one", source]).bad(2, &["second mock configuration"]);
}
