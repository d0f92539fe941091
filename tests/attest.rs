//! What packages say of themselves: SPDX documents and in-toto statements, compared with what rpm says; and packages built again
//! from their source packages.

#[path = "cli/run.rs"]
mod run;
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use run::{Place, Run, added, finish, reference};
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// Uses httpd 2.2's name of an address, and what no httpd has; has a header of its own, which promises a function.
const SOURCE: &str = r#"#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"

static int fit_handler(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, "fit")) {
        return DECLINED;
    }
    ap_rprintf(r, "from %s, %d\n", r->connection->remote_ip, FIT_INVENTED);
    return OK;
}

static void fit_hooks(apr_pool_t *p)
{
    ap_hook_handler(fit_handler, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(fit) = { STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, fit_hooks };
"#;

const RECIPE: &str = r##"name = "mod_fit"
summary = "Fits *nearly*"
license = "ASL 2.0"
version = "1.0+git^1"
license-files = ["legal/LICENSE"]
documentation = ["NOTES.md"]
compat = ["rules/own.toml"]
accept-risks = ["own/invented"]
[source]
patches = ["patches/0001-fit.patch"]
[drop-in]
directives = "# {{symbol}}\n"
[[changelog]]
date = 2026-11-22
author = "A. Packager <packager@example.org>"
notes = ["First package."]
"##;

const NAME: &str = "mod_fit-1.0+git^1-1";

fn module(place: &Place) {
    place.write("modules/mod_fit/module.toml", RECIPE);
    place.write("modules/mod_fit/legal/LICENSE", "Do what you like.\n");
    place.write("modules/mod_fit/NOTES.md", "# Notes\n");
    place.write("modules/mod_fit/patches/0001-fit.patch", added("modules/fit/mod_fit.c", SOURCE));
    place.write("modules/mod_fit/rules/own.toml", include_str!("fixtures/invented-pack.toml"));
}

/// Builds it, unsigned unless `more` says otherwise.
fn built() -> Place {
    let place = Place::new();
    module(&place);
    good(&place.run(["build-module", "mod_fit", "--no-check", "--sign-key", "none"]));
    place
}

fn good(run: &Run) {
    assert_eq!(run.code, 0, "{}", run.stderr);
}

fn refused(run: &Run, code: i32, parts: &[&str]) {
    assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{}", run.stderr);
    let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in parts {
        assert!(said.contains(part), "{part:?} is not in:\n{}", run.stderr);
    }
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs_err::read(path).unwrap()).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256(path: &Path) -> String {
    hex(&Sha256::digest(fs_err::read(path).unwrap()))
}

fn packages(out: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs_err::read_dir(out).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|ending| ending == "rpm"));
    found.sort();
    found
}

fn queried(package: &Path, format: &str) -> String {
    support::run(Command::new("rpm").args(["-qp", "--nosignature", "--qf", format]).arg(package))
}

#[test]
fn each_package_has_an_spdx_document_of_its_files_and_its_origin() {
    let place = built();
    let all = packages(&place.path("out"));
    assert_eq!(all.len(), 3, "{all:?}");
    for package in all {
        let document = json(&package.with_extension("spdx.json"));
        assert_eq!(
            [&document["spdxVersion"], &document["dataLicense"], &document["SPDXID"]],
            ["SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT"]
        );
        assert_eq!(document["creationInfo"]["created"], "2026-11-22T00:00:00Z");
        let sum = sha256(&package);
        assert!(document["documentNamespace"].as_str().unwrap().ends_with(&sum));
        let own = &document["packages"][0];
        assert_eq!(own["packageFileName"].as_str(), package.file_name().and_then(|name| name.to_str()));
        assert_eq!(own["checksums"][0]["checksumValue"], sum.as_str());
        let of_rpm = queried(&package, "%{NAME}\n%{VERSION}-%{RELEASE}\n%{SUMMARY}");
        let expected =
            [&own["name"], &own["versionInfo"], &own["summary"]].map(|value| value.as_str().unwrap());
        assert_eq!(of_rpm.lines().collect::<Vec<_>>(), expected);
        // `ASL 2.0` is no expression.
        assert_eq!(own["licenseDeclared"], "LicenseRef-declared");
        assert_eq!(document["hasExtractedLicensingInfos"][0]["extractedText"], "ASL 2.0");
        let purl = own["externalRefs"][0]["referenceLocator"].as_str().unwrap();
        assert!(purl.contains("@1.0%2Bgit%5E1-1?arch="), "{purl}");

        // The files are rpm's, with rpm's digests; the code is what clause 7.9 says.
        let listed = queried(&package, "[%{FILENAMES} %{FILEDIGESTS}\\n]");
        let of_rpm: BTreeMap<String, String> = listed
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(_, digest)| !digest.is_empty())
            .map(|(path, digest)| (format!("./{}", path.trim_start_matches('/')), digest.to_owned()))
            .collect();
        let files = document["files"].as_array().unwrap();
        let sum_of = |file: &Value, kind: &str| {
            let all = file["checksums"].as_array().unwrap();
            let one = all.iter().find(|sum| sum["algorithm"] == kind).unwrap();
            one["checksumValue"].as_str().unwrap().to_owned()
        };
        let stated: BTreeMap<String, String> = files
            .iter()
            .map(|file| (file["fileName"].as_str().unwrap().to_owned(), sum_of(file, "SHA256")))
            .collect();
        assert_eq!(stated, of_rpm);
        let mut sums: Vec<String> = files.iter().map(|file| sum_of(file, "SHA1")).collect();
        sums.sort();
        let code = &own["packageVerificationCode"]["packageVerificationCodeValue"];
        assert_eq!(*code, hex(&Sha1::digest(sums.concat())));

        // Every element is there once, and every relation is between elements that are there.
        let mut ids = vec!["SPDXRef-DOCUMENT"];
        for kind in ["packages", "files"] {
            ids.extend(document[kind].as_array().unwrap().iter().map(|one| one["SPDXID"].as_str().unwrap()));
        }
        let mut once = ids.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), ids.len());
        let relations = document["relationships"].as_array().unwrap();
        for relation in relations {
            for end in ["spdxElementId", "relatedSpdxElement"] {
                assert!(ids.contains(&relation[end].as_str().unwrap()), "{relation}");
            }
        }
        assert_eq!(relations.len(), ids.len() - 1, "each element has one relation to the package");
        let inputs = document["packages"].as_array().unwrap();
        let patch = inputs.iter().find(|one| one["name"] == "source/patch/0001-fit.patch").unwrap();
        let on_disk = sha256(&place.path("modules/mod_fit/patches/0001-fit.patch"));
        assert_eq!(patch["checksums"][0]["checksumValue"], on_disk.as_str());
        let edits = own["annotations"].as_array().unwrap();
        let invented = edits.iter().map(|edit| edit["comment"].as_str().unwrap());
        assert_eq!(invented.filter(|text| text.starts_with("own/invented at modules/fit/")).count(), 1);
    }
}

#[test]
fn each_package_has_a_statement_with_every_input_and_every_edit() {
    let place = built();
    for package in packages(&place.path("out")) {
        let statement = json(&package.with_extension("intoto.json"));
        assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
        assert_eq!(statement["predicateType"], "https://slsa.dev/provenance/v1");
        let name = package.file_name().unwrap().to_str().unwrap();
        let [subject] = &statement["subject"].as_array().unwrap()[..] else { panic!("{statement}") };
        assert_eq!(
            (subject["name"].as_str(), &subject["digest"]["sha256"]),
            (Some(name), &sha256(&package).into())
        );
        let definition = &statement["predicate"]["buildDefinition"];
        assert!(definition["buildType"].as_str().unwrap().starts_with("urn:modgraft:"));
        assert_eq!(definition["externalParameters"]["target"], "local");
        let values = &definition["internalParameters"]["values"];
        let compiler = support::run(Command::new("gcc").arg("--version"));
        let (_, version) = compiler.lines().next().unwrap().split_once(' ').unwrap();
        assert_eq!(values["compiler/version"], format!("gcc {version}"));
        assert_eq!(values["modgraft/version"], env!("CARGO_PKG_VERSION"));
        let materials: BTreeMap<&str, &str> = definition["resolvedDependencies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["name"].as_str().unwrap(), one["digest"]["sha256"].as_str().unwrap()))
            .collect();
        for (name, file) in [
            ("recipe/module.toml", "module.toml"),
            ("recipe/legal/LICENSE", "legal/LICENSE"),
            ("recipe/NOTES.md", "NOTES.md"),
            ("recipe/rules/own.toml", "rules/own.toml"),
            ("source/patch/0001-fit.patch", "patches/0001-fit.patch"),
        ] {
            assert_eq!(
                materials.get(name),
                Some(&&*sha256(&place.path("modules/mod_fit").join(file))),
                "{name}"
            );
        }
        for name in
            ["modgraft/templates", "rules/common.toml", "target/profile", "target/variables", "target/files"]
        {
            assert!(materials.contains_key(name), "{name}: {materials:?}");
        }
        let run = &statement["predicate"]["runDetails"];
        let edits = run["modgraft_graft"]["edits"].as_array().unwrap();
        let edit = edits.iter().find(|edit| edit["rule"] == "own/invented").unwrap();
        assert_eq!((&edit["file"], &edit["line"]), (&"modules/fit/mod_fit.c".into(), &10.into()));
        // What else came of the build: its other packages, the C file, the spec.
        let byproducts = run["byproducts"].as_array().unwrap();
        assert_eq!(byproducts.len(), 5, "{byproducts:?}");
        for one in byproducts {
            let file = place.path("out").join(one["name"].as_str().unwrap());
            assert_eq!(one["digest"]["sha256"], sha256(&file).as_str());
        }
    }
}

#[test]
fn a_commit_and_its_tree_are_inputs() {
    let place = Place::new();
    let upstream = place.path("upstream");
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(&upstream).env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.args(["-c", "user.name=A", "-c", "user.email=a@example.org"]).args(args);
        support::run(&mut command).trim().to_owned()
    };
    fs_err::create_dir(&upstream).unwrap();
    git(&["init", "-q", "-b", "main", "."]);
    let source = SOURCE.replace("r->connection->remote_ip, FIT_INVENTED", "r->uri, 7");
    place.write("upstream/modules/fit/mod_fit.c", source);
    git(&["add", "-A"]);
    git(&["commit", "-q", "--no-gpg-sign", "-m", "mod_fit: bring it"]);
    let (commit, tree) = (git(&["rev-parse", "HEAD"]), git(&["rev-parse", "HEAD^{tree}"]));
    let url = format!("file://{}", upstream.display());
    let source = format!("git = \"{url}\"\ncommit = \"{commit}\"\nfiles = [\"modules/fit/mod_fit.c\"]");
    let recipe = format!(
        "name = \"mod_fit\"\nsummary = \"x\"\nlicense = \"MIT\"\nversion = \"1\"\n[source]\n{source}\n"
    );
    place.write("modules/mod_fit/module.toml", recipe);
    good(&place.run(["build-module", "mod_fit", "--no-check", "--sign-key", "none"]));
    let package = place.path("out/mod_fit-1-1.x86_64.rpm");
    let statement = json(&package.with_extension("intoto.json"));
    let all = statement["predicate"]["buildDefinition"]["resolvedDependencies"].as_array().unwrap();
    let input = all.iter().find(|one| one["name"] == "source/commit").unwrap();
    assert_eq!(input["uri"], format!("git+{url}@{commit}"));
    assert_eq!(input["digest"], serde_json::json!({ "gitCommit": commit, "gitTree": tree }));
    let document = json(&package.with_extension("spdx.json"));
    let all = document["packages"].as_array().unwrap();
    let input = all.iter().find(|one| one["name"] == "source/commit").unwrap();
    assert_eq!(input["externalRefs"][0]["referenceLocator"], format!("swh:1:rev:{commit}"));

    // Whole files, and no changelog: from a source package of another form.
    let run = place.run([Path::new("rebuild"), &package]);
    good(&run);
    assert!(run.stdout.ends_with(": the same bytes\n"), "{}", run.stdout);
}

#[test]
fn a_package_is_built_again_from_its_source_package_alone() {
    let place = built();
    // Nothing of the recipe is there any more.
    fs_err::remove_dir_all(place.path("modules")).unwrap();
    for package in packages(&place.path("out")) {
        let run = place.run([Path::new("rebuild"), &package, Path::new("--json")]);
        good(&run);
        let said: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!((&said["same"], &said["differences"]), (&true.into(), &serde_json::json!([])), "{said}");
        // Nor is there one in the package.
        assert_eq!(said["signature"], "same");
    }
    assert_eq!(place.names("tmp"), [] as [&str; 0]);
}

#[test]
fn with_the_key_the_signature_is_compared_too() {
    let place = Place::new();
    good(&place.run(["key", "new", "--out", "key.asc"]));
    let key = place.path("key.asc");
    let mut build = place.command();
    build.args(["build-module", "--no-check", "--sign-key"]).arg(&key);
    good(&finish(&mut build));
    let package = place.path("out/mod_proxy_wstunnel-1.0.0-1.x86_64.rpm");
    let mut again = place.command();
    again.arg("rebuild").arg(&package).arg("--sign-key").arg(&key);
    let run = finish(&mut again);
    good(&run);
    assert_eq!(run.stdout, "mod_proxy_wstunnel-1.0.0-1.x86_64: the same bytes\n");
    let run = place.run([Path::new("rebuild"), &package]);
    good(&run);
    assert!(run.stdout.contains("but for the signature, which was not compared"), "{}", run.stdout);

    // Another signature is no other package, but it is told.
    good(&place.run([Path::new("resign"), Path::new("--remove"), &package]));
    good(&place.run([Path::new("rebuild"), &package]));
    let run = finish(&mut again);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stdout.contains("but for the signature, which is another"), "{}", run.stdout);
}

#[test]
fn what_differs_is_told_by_file_and_tag() {
    let place = built();
    let package = place.path(&format!("out/{NAME}.x86_64.rpm"));
    let statement = package.with_extension("intoto.json");
    let text = fs_err::read_to_string(&statement).unwrap();
    // As if the compiler had been given another name for the debug information.
    let changed =
        text.replace(&format!("\"nevra\": \"{NAME}.x86_64\""), &format!("\"nevra\": \"{NAME}.x86_65\""));
    assert_ne!(text, changed);
    fs_err::write(&statement, changed).unwrap();
    let run = place.run([Path::new("rebuild"), &package]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    for part in [
        "differences",
        "file /usr/lib/apache2/modules/mod_fit.so\n    - 100755",
        "that follow from the files",
    ] {
        assert!(run.stdout.contains(part), "{part}:\n{}", run.stdout);
    }
    assert!(!run.stdout.contains("LICENSE"), "{}", run.stdout);
}

#[test]
fn what_cannot_be_built_again_is_refused_with_the_reason() {
    let place = built();
    let package = place.path(&format!("out/{NAME}.x86_64.rpm"));
    let srpm = place.path(&format!("out/{NAME}.src.rpm"));
    let statement = package.with_extension("intoto.json");
    let text = fs_err::read_to_string(&statement).unwrap();
    let rebuild = || place.run([Path::new("rebuild"), &package]);
    let with = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        fs_err::write(&statement, text.replace(from, to)).unwrap();
        rebuild()
    };

    let gcc = text.split("\"compiler/version\": \"").nth(1).unwrap().split('"').next().unwrap();
    refused(
        &with(gcc, "gcc (Invented) 3.4.6"),
        5,
        &["the compiler was `gcc (Invented) 3.4.6`, and here it is `gcc"],
    );
    refused(
        &with("\"target/mmn\": \"20120211:", "\"target/mmn\": \"20120211:9"),
        5,
        &["the target's module magic number was"],
    );
    refused(
        &with("urn:modgraft:build-module:v1", "https://example.org/other/v1"),
        3,
        &["its build type is `https://example.org/other/v1`"],
    );
    let sum = sha256(&package);
    let header =
        json(&statement)["subject"][0]["annotations"]["rpmHeaderSha256"].as_str().unwrap().to_owned();
    let other = text.replace(&sum, &"0".repeat(64)).replace(&header, &"0".repeat(64));
    fs_err::write(&statement, other).unwrap();
    refused(&rebuild(), 3, &["is not the package that"]);
    fs_err::write(&statement, &text[..text.len() / 2]).unwrap();
    refused(&rebuild(), 3, &["is no provenance of modgraft's"]);
    fs_err::remove_file(&statement).unwrap();
    refused(&rebuild(), 2, &["is not there, so it is not known what", "--provenance"]);
    fs_err::write(&statement, &text).unwrap();

    let whole = fs_err::read(&srpm).unwrap();
    fs_err::write(&srpm, &whole[..whole.len() - 100]).unwrap();
    refused(&rebuild(), 3, &["is damaged", "src.rpm"]);
    fs_err::write(&srpm, &whole[..200]).unwrap();
    refused(&rebuild(), 3, &["src.rpm"]);
    fs_err::remove_file(&srpm).unwrap();
    refused(&rebuild(), 2, &["the source package", "is not there", "--srpm"]);
    let mut other = place.command();
    other.args(["build-module", "--no-check", "--sign-key", "none", "--out", "other"]).arg(reference());
    good(&finish(&mut other));
    let other = place.path("other/mod_proxy_wstunnel-1.0.0-1.src.rpm");
    refused(
        &place.run([Path::new("rebuild"), &package, Path::new("--srpm"), &other]),
        3,
        &["is not the source package that"],
    );
    refused(&place.run([Path::new("rebuild"), &statement]), 3, &["is no RPM package"]);
    assert_eq!(place.names("tmp"), [] as [&str; 0]);
}
