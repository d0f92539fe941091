//! The simulation of loading, compared with a real httpd's `-t` on the same files: the verdict, the whole message, the
//! warnings of modules that are loaded twice, and the order of what is loaded (`-M`).

#[path = "../support/mod.rs"]
mod support;

mod case;
mod fixtures;
mod package;
mod random;
mod table;

use std::sync::OnceLock;

use case::Httpd;
use modgraft::target::{self, Options};
use support::debian::Release;

fn local() -> &'static Httpd {
    static HTTPD: OnceLock<Httpd> = OnceLock::new();
    HTTPD.get_or_init(|| {
        let folder = support::scratch("loader");
        let options = Options { offline: true, ..Options::new(folder.join("cache")) };
        let target = target::resolve("local", &options, &|_| {}).unwrap();
        Httpd::new(target, folder.join("local"))
    })
}

/// All cases in turn; the first few that differ are told together, each whole.
fn compare(httpd: &Httpd, cases: &[table::Case]) {
    let wrong: Vec<String> = cases.iter().filter_map(|case| httpd.compare(case).err()).collect();
    assert!(wrong.is_empty(), "{} of {} cases differ:\n\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
}

/// The httpd in a folder.
fn of_folder(folder: &std::path::Path, name: &str) -> Httpd {
    let cache = support::scratch("loader").join("cache");
    let target = target::resolve(&folder.display().to_string(), &Options::new(cache), &|_| {}).unwrap();
    Httpd::new(target, support::scratch("loader").join(name))
}

/// The httpd of another release, in a root of its own.
fn of_release(release: Release, name: &str) -> Httpd {
    let root = support::scratch("loader").join(format!("{name}-root"));
    support::run(std::process::Command::new("cp").arg("-al").arg(release.sysroot()).arg(&root));
    of_folder(&root, name)
}

#[test]
fn they_agree_with_an_older_releases_httpd() {
    let httpd = of_release(Release::Bullseye, "bullseye");
    compare(&httpd, &table::cases(&httpd));
    compare(&httpd, &random::cases(0x6275_6c6c_7365_7965, 30));
}

#[test]
fn they_agree_with_a_newer_releases_httpd() {
    let httpd = of_release(Release::Trixie, "trixie");
    compare(&httpd, &table::cases(&httpd));
    compare(&httpd, &random::cases(0x7472_6978_6965, 30));
}

/// The folders of `make install` that MODGRAFT_TEST_PREFIXES names, separated by colons.
#[test]
#[ignore = "needs httpd 2.2 and 2.4 built by hand, which no distribution has any more"]
fn they_agree_with_other_versions() {
    let prefixes = std::env::var("MODGRAFT_TEST_PREFIXES").expect("MODGRAFT_TEST_PREFIXES names folders");
    for (index, prefix) in prefixes.split(':').enumerate() {
        let httpd = of_folder(std::path::Path::new(prefix), &format!("prefix{index}"));
        eprintln!("{prefix}: {}", httpd.target.httpd_version);
        compare(&httpd, &table::cases(&httpd));
        compare(&httpd, &random::cases(0x7072_6566_6978, 40));
    }
}

#[test]
fn the_table_agrees_with_the_httpd_of_this_host() {
    let cases = table::cases(local());
    assert!(cases.len() >= 60, "{}", cases.len());
    compare(local(), &cases);
}

#[test]
fn random_orders_agree_with_the_httpd_of_this_host() {
    compare(local(), &random::cases(0x6d6f_6467_7261_6674, 80));
}
