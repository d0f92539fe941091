use std::path::PathBuf;

use super::*;

const GOOD: &str = r#"
name = "mod_x"
summary = "Says hello"
description = "A paragraph."
license = "Apache-2.0"
url = "https://example.org/mod_x"
version = "1.0"
release = "1"
license-files = ["LICENSE"]

[source]
patches = ["0001.patch"]

[[check]]
name = "says hello"
request = { path = "/" }

[[changelog]]
date = 2026-11-22
author = "A Person <a@example.org>"
version = "1.0-1"
notes = ["First package."]
"#;

/// The names of the lints that find something.
fn found(text: &str) -> Vec<&'static str> {
    let recipe = recipe::parse(text, "module.toml", PathBuf::from(".")).unwrap();
    let files = ["module.toml", "LICENSE", "0001.patch"].map(PathBuf::from).into();
    let subject = Subject { recipe, shown: "module.toml".to_owned(), files };
    findings(&subject).into_iter().map(|finding| finding.lint.name).collect()
}

/// Each lint, and a change of a good recipe that it finds; nothing else finds it.
const CASES: &[(&str, &str, &str)] = &[
    ("license-expression", "Apache-2.0", "Apache 2"),
    ("license-expression", "Apache-2.0", "ASL 2.0"),
    ("license-expression", "Apache-2.0", "MIT AND"),
    ("license-deprecated", "Apache-2.0", "GPL-2.0"),
    ("license-files", "license-files = [\"LICENSE\"]", ""),
    (
        "summary-long",
        "Says hello",
        "Says hello to all those who come along and ask for it, again and again and again, ever",
    ),
    ("summary-stop", "Says hello", "Says hello."),
    ("summary-name", "Says hello", "mod_x says hello"),
    ("summary-name", "Says hello", "x says hello"),
    ("summary-case", "Says hello", "says hello"),
    ("description-missing", "description = \"A paragraph.\"", ""),
    (
        "description-wide",
        "A paragraph.",
        "A paragraph that goes on and on and on until no terminal can show it in one of its lines, and then some",
    ),
    ("url-missing", "url = \"https://example.org/mod_x\"", ""),
    ("url-http", "https://example.org/mod_x", "http://example.org/mod_x"),
    ("left-to-write", "[source]", "# to write: a thing\n[source]"),
    ("file-missing", "[\"LICENSE\"]", "[\"LICENSE\", \"NOTICE\"]"),
    (
        "file-missing",
        "patches = [\"0001.patch\"]",
        "tarball = \"./x-1.tar.gz\"\nsha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"\nfiles = [\"mod_x.c\"]",
    ),
    ("file-missing", "patches = [\"0001.patch\"]", "directory = \"src\"\nfiles = [\"mod_x.c\"]"),
    ("file-missing", "[\"0001.patch\"]", "[\"0001.patch\"]\nbase = \"httpd\""),
    (
        "revision-moves",
        "[\"0001.patch\"]",
        "[\"0001.patch\"]\nbase = \"https://example.org/httpd@ABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCD\"",
    ),
    ("revision-moves", "[\"0001.patch\"]", "[\"0001.patch\"]\nbase = \"https://example.org/httpd@2.4.x\""),
    ("source-local", "[\"0001.patch\"]", "[\"0001.patch\"]\nbase = \"/home/me/httpd\""),
    (
        "source-http",
        "patches = [\"0001.patch\"]",
        "tarball = \"http://example.org/x.tar.gz\"\nsha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"\nfiles = [\"mod_x.c\"]",
    ),
    ("checks-missing", "[[check]]\nname = \"says hello\"\nrequest = { path = \"/\" }", ""),
    ("checks-only-parsed", "request = { path = \"/\" }", "directive = \"X on\""),
    (
        "checks-same-name",
        "[[changelog]]",
        "[[check]]\nname = \"says hello\"\nrequest = { path = \"/\" }\n[[changelog]]",
    ),
    ("changelog-version", "\"1.0-1\"", "\"1.0-2\""),
    ("changelog-author", "A Person <a@example.org>", "A Person"),
    ("release-form", "release = \"1\"", "release = \"el9\""),
];

#[test]
fn a_good_recipe_has_no_findings() {
    assert_eq!(found(GOOD), [""; 0]);
    for source in [
        "patches = [\"./0001.patch\"]",
        "patches = [\"0001.patch\"]\nbase = \"https://example.org/httpd@abcdefabcdefabcdefabcdefabcdefabcdefabcd\"",
        "directory = \".\"\nfiles = [\"mod_x.c\"]",
        "directory = \".src\"\nfiles = [\"mod_x.c\"]",
    ] {
        assert_eq!(found(&GOOD.replace("patches = [\"0001.patch\"]", source)), [""; 0], "{source}");
    }
}

#[test]
fn each_finds_its_own() {
    for (lint, from, to) in CASES {
        assert!(GOOD.contains(from), "{from}");
        let others: &[&str] = if *lint == "release-form" { &["changelog-version"] } else { &[] };
        let mut names = found(&GOOD.replace(from, to));
        names.retain(|name| !others.contains(name));
        assert_eq!(names, [*lint], "{to}");
    }
    let no_changelog = &GOOD[..GOOD.find("[[changelog]]").unwrap()];
    assert_eq!(found(no_changelog), ["changelog-missing"]);
    let older = "\n[[changelog]]\ndate = 2027-01-01\nauthor = \"A Person <a@example.org>\"\nnotes = []\n";
    assert_eq!(found(&format!("{GOOD}{older}")), ["changelog-order"]);
    let letters = GOOD.replace("\"1.0\"", "\"v1\"").replace("1.0-1", "v1-1");
    assert_eq!(found(&letters), ["version-form"]);
    let risky = GOOD.replace("[source]", &format!("accept-risks = [\"{}\"]\n[source]", risky_rule()));
    assert_eq!(found(&risky), ["risk-accepted"]);
}

fn risky_rule() -> String {
    let rules = crate::adapt::pack::built_in().iter().flat_map(|pack| &pack.rules);
    let risky = rules.max_by_key(|rule| rule.risk);
    risky.expect("there are rules").id.clone()
}

#[test]
fn a_patch_that_is_not_named_is_found() {
    let recipe = recipe::parse(GOOD, "module.toml", PathBuf::from(".")).unwrap();
    let files = ["LICENSE", "0001.patch", "0002.patch", "src/0003.patch"].map(PathBuf::from).into();
    let subject = Subject { recipe, shown: "module.toml".to_owned(), files };
    let all = findings(&subject);
    let [finding] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(finding.lint.name, "patch-unused");
    assert!(finding.to_string().starts_with("0002.patch stands"), "{finding}");
}

#[test]
fn every_lint_has_a_case_and_can_be_allowed() {
    let elsewhere = ["changelog-missing", "changelog-order", "version-form", "risk-accepted", "patch-unused"];
    for lint in LINTS {
        let has_case = CASES.iter().any(|(name, ..)| *name == lint.name);
        assert!(has_case || elsewhere.contains(&lint.name), "no case for {}", lint.name);
        assert!(!lint.about.ends_with('.') && lint.why.ends_with('.'), "{}", lint.name);
    }
    for (lint, from, to) in CASES {
        let allowed =
            format!("{}[lint]\nallow = [\"{lint}\", \"changelog-version\"]\n", GOOD.replace(from, to));
        assert_eq!(found(&allowed), [""; 0], "{lint}");
    }
}

#[test]
fn names_are_told_apart() {
    let mut names: Vec<&str> = LINTS.iter().map(|lint| lint.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), LINTS.len());
    assert_eq!(nearest("sumary-long"), "did you mean `summary-long`?");
    assert!(nearest("quite-another-thing").contains("--explain"));
}

#[test]
fn an_unknown_name_is_refused_with_its_place() {
    let text = format!("{GOOD}[lint]\nallow = [\"sumary-long\"]\n");
    let error = recipe::parse(&text, "module.toml", PathBuf::from(".")).unwrap_err();
    assert_eq!(error.to_string(), "there is no lint `sumary-long`");
    assert_eq!(miette::Diagnostic::help(&error).unwrap().to_string(), "did you mean `summary-long`?");
}

#[test]
fn findings_have_their_places() {
    let recipe =
        recipe::parse(&GOOD.replace("hello\"\nd", "hello.\"\nd"), "module.toml", PathBuf::from(".")).unwrap();
    let files = ["LICENSE", "0001.patch"].map(PathBuf::from).into();
    let subject = Subject { recipe, shown: "module.toml".to_owned(), files };
    let json: serde_json::Value = serde_json::from_str(&findings(&subject)[0].json()).unwrap();
    assert_eq!((json["line"].as_u64(), json["column"].as_u64()), (Some(3), Some(11)), "{json}");
    assert_eq!(json["severity"], "warning");
}
