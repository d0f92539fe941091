use std::sync::Arc;

use super::super::location::Root;
use super::super::package::Entry;
use super::super::relation::{Sense, Version};
use super::*;
use crate::download::{Algorithm, Digest, quiet};

/// `a < 1-2` or `a` or `(a if b)`.
fn requirement(text: &str) -> Requirement {
    Requirement::parse(&format!("({text})")).unwrap_or_else(|| panic!("{text}"))
}

/// Repositories from lines of `name version-release[.arch]: requires, … ; provides, …`; an empty line begins another one.
fn repositories(text: &str) -> Vec<Repository> {
    let one = |number: usize, lines: &str| {
        let place: Arc<str> = format!("repository{number}").into();
        let entries = lines.lines().map(|line| entry(line.trim(), &place)).collect();
        let root = Root::Folder("/nowhere".into());
        Repository { place, root, folder: "/nowhere".into(), entries, filelists: None }
    };
    text.trim().split("\n\n").enumerate().map(|(number, lines)| one(number, lines)).collect()
}

fn entry(line: &str, place: &Arc<str>) -> Entry {
    let (head, rest) = line.split_once(": ").unwrap_or((line, ""));
    let (requires, provides) = rest.split_once(';').unwrap_or((rest, ""));
    let (name, version) = head.split_once(' ').unwrap();
    let (version, arch) = version.split_once('@').unwrap_or((version, "x86_64"));
    let evr = Version::parse(version).unwrap();
    let list = |text: &str| -> Vec<String> {
        text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    };
    let mut provided = vec![Relation { name: name.to_owned(), versions: Some((Sense::Equal, evr.clone())) }];
    let (files, others): (Vec<String>, Vec<String>) =
        list(provides).into_iter().partition(|provided| provided.starts_with('/'));
    provided.extend(others.iter().map(|text| match requirement(text) {
        Requirement::Plain(relation) => relation,
        other => panic!("{other}"),
    }));
    let digest = Digest::new(Algorithm::Sha256, &format!("{:064x}", line.len())).unwrap();
    Entry {
        package: Package {
            name: name.to_owned(),
            evr,
            arch: arch.to_owned(),
            url: format!("{place}/{line}"),
            size: 1,
            checksum: digest,
            repository: Arc::clone(place),
        },
        provides: provided,
        requires: list(requires)
            .iter()
            .map(
                |text| {
                    if text.starts_with('(') { Requirement::parse(text).unwrap() } else { requirement(text) }
                },
            )
            .collect(),
        files,
    }
}

fn wanted(names: &[&str], leave_out: &[&str]) -> Wanted {
    Wanted {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        arch: "x86_64".to_owned(),
        leave_out: leave_out.iter().map(|pattern| Glob::new(pattern).unwrap()).collect(),
    }
}

/// The chosen ones as `a-1-1 b-1-1`.
fn names(text: &str, wanted: &Wanted) -> String {
    let chosen = choose(&repositories(text), wanted, &quiet).unwrap();
    assert_eq!(chosen.unresolved, [], "{text}");
    shown(&chosen)
}

fn shown(chosen: &Chosen) -> String {
    let names = chosen.packages.iter().map(|choice| {
        let package = &choice.package;
        format!("{}-{}", package.name, package.evr)
    });
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn all_that_is_required_comes_along() {
    let text = "
        httpd-devel 2-1: httpd = 2-1, apr-devel, libssl.so.3()(64bit), /usr/bin/sh
        httpd 2-1: httpd-filesystem
        httpd 1-1
        httpd-filesystem 2-1@noarch
        apr-devel 1-1: apr = 1
        apr 1-1
        openssl-libs 3-1: ;libssl.so.3()(64bit)
        bash 5-1: ;/usr/bin/sh
        unrelated 1-1";
    let expected =
        "apr-1-1 apr-devel-1-1 bash-5-1 httpd-2-1 httpd-devel-2-1 httpd-filesystem-2-1 openssl-libs-3-1";
    assert_eq!(names(text, &wanted(&["httpd-devel"], &[])), expected);
    let chosen = choose(&repositories(text), &wanted(&["httpd-devel"], &[]), &quiet).unwrap();
    let because: Vec<&str> = chosen.packages.iter().map(|choice| choice.because.as_str()).collect();
    assert_eq!(because[0], "apr = 1, for apr-devel-1-1.x86_64");
    assert_eq!(because[4], "asked for");
}

#[test]
fn an_earlier_repository_goes_before_a_higher_version() {
    let text = "
        a 1-1

        a 2-1
        a 3-1
        b 2-1
        b 10-1
        b 1:1-1";
    assert_eq!(names(text, &wanted(&["a", "b"], &[])), "a-1-1 b-1:1-1");
}

#[test]
fn another_version_is_taken_where_one_is_required() {
    // `a` is chosen before it is known that b needs the older one.
    let text = "
        a 2-1
        a 1-1: old
        old 1-1
        b 1-1: a = 1
        c 1-1: a
        d 1-1: b";
    assert_eq!(names(text, &wanted(&["c", "d"], &[])), "a-1-1 b-1-1 c-1-1 d-1-1 old-1-1");
    // Across repositories, too.
    let text = "
        apr 1.6-1

        apr 1.7-1
        apr-devel 1.7-1: apr = 1.7-1
        httpd 2-1: apr";
    assert_eq!(names(text, &wanted(&["httpd", "apr-devel"], &[])), "apr-1.7-1 apr-devel-1.7-1 httpd-2-1");
}

#[test]
fn two_that_cannot_be_together_are_told() {
    let text = "
        a 1-1
        a 2-1
        b 1-1: a = 1
        c 1-1: a = 2";
    let chosen = choose(&repositories(text), &wanted(&["b", "c"], &[]), &quiet).unwrap();
    assert_eq!(chosen.unresolved.len(), 1, "{chosen:?}");
    assert!(["a = 1", "a = 2"].contains(&chosen.unresolved[0].requirement.as_str()));
}

#[test]
fn only_the_processor_s_own_and_noarch_packages_are_taken() {
    let text = "
        a 1-1@i686: ;liba
        a 1-1@x86_64: ;liba
        b 2-1@i686
        b 1-1@noarch
        c 1-1: liba, b";
    let chosen = choose(&repositories(text), &wanted(&["c"], &[]), &quiet).unwrap();
    assert!(chosen.packages.iter().all(|choice| choice.package.arch != "i686"), "{chosen:?}");
    assert_eq!(shown(&chosen), "a-1-1 b-1-1 c-1-1");
}

#[test]
fn what_is_left_out_is_not_followed() {
    let text = "
        glibc 2-1: glibc-langpack = 2-1, perl(strict), systemd
        glibc-langpack-en 2-1: ;glibc-langpack = 2-1
        glibc-langpack-de 2-1: ;glibc-langpack = 2-1
        systemd 1-1: missing";
    let wanted = wanted(&["glibc"], &["glibc-langpack-*", "perl(*", "systemd"]);
    let chosen = choose(&repositories(text), &wanted, &quiet).unwrap();
    assert_eq!(shown(&chosen), "glibc-2-1");
    assert_eq!(chosen.unresolved, []);
    assert_eq!(chosen.left_out, ["glibc-langpack-de", "glibc-langpack-en", "perl(strict)", "systemd"]);
    // But what is asked for is taken.
    let asked = Wanted { names: vec!["glibc".to_owned(), "systemd".to_owned()], ..wanted };
    assert_eq!(shown(&choose(&repositories(text), &asked, &quiet).unwrap()), "glibc-2-1 systemd-1-1");
}

#[test]
fn rich_requirements_are_understood() {
    for (requires, expected) in [
        ("(b or c)", "b-1-1"),
        ("(none or c)", "c-1-1"),
        ("(b or c), c", "b-1-1 c-1-1"),
        ("c, (b or c)", "c-1-1"),
        ("(b and c)", "b-1-1 c-1-1"),
        ("(b if c)", ""),
        ("(b if c), c", "b-1-1 c-1-1"),
        ("(b if c else d)", "d-1-1"),
        ("(b if c else d), c", "b-1-1 c-1-1"),
        ("(b unless c)", "b-1-1"),
        ("(b unless c), c", "c-1-1"),
        ("(b unless c else d), c", "c-1-1 d-1-1"),
        // One condition's outcome is the next one's condition.
        ("(b if c), (c if d), d", "b-1-1 c-1-1 d-1-1"),
        ("(b unless c), (c if d), d", "c-1-1 d-1-1"),
        ("(v >= 1 with v < 2)", "v-1-1"),
        ("(v without new)", "v-1-1"),
        ("((none or b) and (c or none))", "b-1-1 c-1-1"),
    ] {
        let text = format!("a 1-1: {requires}\nb 1-1\nc 1-1\nd 1-1\nv 1-1\nv 3-1: ; new");
        let found = names(&text, &wanted(&["a"], &[]));
        assert_eq!(found.trim_start_matches("a-1-1").trim_start(), expected, "{requires}");
    }
}

#[test]
fn what_nobody_provides_is_told_with_who_requires_it() {
    let text = "
        a 1-1: gone >= 2, b
        b 1-1: gone >= 2, (x or y), c > 1
        c 1-1";
    let chosen = choose(&repositories(text), &wanted(&["a"], &[]), &quiet).unwrap();
    let told: Vec<(String, String)> = chosen
        .unresolved
        .into_iter()
        .map(|unresolved| (unresolved.requirement, unresolved.by.join(" ")))
        .collect();
    let one = |requirement: &str, by: &str| (requirement.to_owned(), by.to_owned());
    assert_eq!(
        told,
        [
            one("(x or y)", "b-1-1.x86_64"),
            one("c > 1", "b-1-1.x86_64"),
            one("gone >= 2", "a-1-1.x86_64 b-1-1.x86_64"),
        ]
    );
}

#[test]
fn an_unknown_name_is_an_error_with_names_like_it() {
    let text = "
        httpd-devel 2-1
        httpd 2-1
        libapr-devel 1-1
        only32 1-1@i686";
    let unknown = |name: &str| match choose(&repositories(text), &wanted(&[name], &[]), &quiet) {
        Err(Error::Unknown { similar, other_archs, .. }) => (similar, other_archs),
        other => panic!("{other:?}"),
    };
    assert_eq!(unknown("htpd-devel").0[0], "httpd-devel");
    assert_eq!(unknown("apr-devel").0[0], "libapr-devel");
    assert_eq!(unknown("only32").1, ["i686"]);
    assert!(unknown("zlib").0.is_empty());
}

#[test]
fn names_may_be_what_packages_provide_and_paths() {
    let text = "
        httpd24 2-1: ;httpd = 2-1, /usr/sbin/httpd
        bash 5-1: ;/usr/bin/bash
        a 1-1: /bin/bash, /usr/sbin/bash";
    assert_eq!(names(text, &wanted(&["httpd"], &[])), "httpd24-2-1");
    assert_eq!(names(text, &wanted(&["/usr/sbin/httpd"], &[])), "httpd24-2-1");
    // Where the folders of the two were merged since, the path is another and the file the same.
    assert_eq!(names(text, &wanted(&["a"], &[])), "a-1-1 bash-5-1");
}

#[test]
fn a_circle_ends() {
    let text = "
        a 1-1: b
        b 1-1: c
        c 1-1: a";
    assert_eq!(names(text, &wanted(&["a"], &[])), "a-1-1 b-1-1 c-1-1");
}
