//! An SPDX 2.3 document (spdx.github.io/spdx-spec/v2.3) of one package.

use std::io;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};

use super::edits::sentence;
use super::{Build, Told};
use crate::address::encoded;
use crate::hash::{hex, sha256};
use crate::package::{Content, File, FileKind, Package, PackageKind, file};
use crate::pipeline::inputs::Input;

const NONE: &str = "NOASSERTION";
const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const PACKAGE: &str = "SPDXRef-Package";

/// The document of one of the build's packages.
///
/// # Errors
/// A file of the package that cannot be read any more.
pub fn document(build: &Build<'_>, told: &Told<'_>) -> io::Result<Value> {
    let package = told.package;
    let tool = concat!("Tool: modgraft-", env!("CARGO_PKG_VERSION"));
    let created = time(package);
    let files = files(package)?;
    let license = License::of(&package.license);
    let mut relations = vec![relation(DOCUMENT, "DESCRIBES", PACKAGE)];
    relations.extend(files.iter().map(|file| relation(PACKAGE, "CONTAINS", &file.id)));
    let mut packages = vec![described(told, &files, &license, &created)];
    let materials = build.inputs.iter().filter(|(name, input)| is_element(name, input));
    for (number, (name, input)) in materials.enumerate() {
        let id = format!("SPDXRef-Input-{}", number + 1);
        relations.push(match role(name) {
            Role::Origin => relation(PACKAGE, "GENERATED_FROM", &id),
            Role::Tool => relation(&id, "BUILD_TOOL_OF", PACKAGE),
            Role::Dependency => relation(&id, "BUILD_DEPENDENCY_OF", PACKAGE),
        });
        packages.push(element(&id, name, input));
    }
    let annotation = |edit| {
        json!({
            "annotationDate": created,
            "annotationType": "OTHER",
            "annotator": tool,
            "comment": sentence(edit),
        })
    };
    let annotations: Vec<Value> = build.graft.adapted.edits.iter().map(annotation).collect();
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": package.nevra(),
        // Another one for other bytes, the same for the same.
        "documentNamespace": format!("https://spdx.org/spdxdocs/{}-{}", escaped(&package.nevra()), told.sha256),
        "creationInfo": { "created": created, "creators": [tool] },
        "packages": packages,
        "files": files.iter().map(Listed::json).collect::<Vec<_>>(),
        "relationships": relations,
    });
    if !annotations.is_empty() {
        document["packages"][0]["annotations"] = annotations.into();
    }
    if let Some(words) = license.extracted {
        document["hasExtractedLicensingInfos"] =
            json!([{ "licenseId": LICENSE, "name": words, "extractedText": words }]);
    }
    Ok(document)
}

fn described(told: &Told<'_>, files: &[Listed], license: &License<'_>, created: &str) -> Value {
    let package = told.package;
    let purpose = match package.kind {
        PackageKind::Binary => "LIBRARY",
        PackageKind::Source => "SOURCE",
        PackageKind::Debuginfo | PackageKind::Debugsource => "OTHER",
    };
    let arch = if package.kind == PackageKind::Source { "src" } else { &package.arch };
    let locator = format!("pkg:rpm/{}@{}?arch={arch}", escaped(&package.name), escaped(&package.evr()));
    let mut described = json!({
        "SPDXID": PACKAGE,
        "name": package.name,
        "versionInfo": package.evr(),
        "packageFileName": package.file_name(),
        "summary": package.summary,
        "description": package.description,
        "downloadLocation": NONE,
        "filesAnalyzed": !files.is_empty(),
        "checksums": [{ "algorithm": "SHA256", "checksumValue": told.sha256 }],
        "licenseConcluded": NONE,
        "licenseDeclared": license.expression,
        "copyrightText": NONE,
        "primaryPackagePurpose": purpose,
        "builtDate": created,
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": locator,
        }],
    });
    if let Some(url) = &package.url {
        described["homepage"] = url.as_str().into();
    }
    if !files.is_empty() {
        described["packageVerificationCode"] = json!({ "packageVerificationCodeValue": code(files) });
    }
    described
}

/// Clause 7.9: SHA-1 of the files' SHA-1, sorted.
fn code(files: &[Listed]) -> String {
    let mut all: Vec<&str> = files.iter().map(|file| file.sha1.as_str()).collect();
    all.sort_unstable();
    hex(&Sha1::digest(all.concat()))
}

/// A regular file of the package.
struct Listed {
    id: String,
    path: String,
    sha1: String,
    sha256: String,
    kind: &'static str,
}

impl Listed {
    fn json(&self) -> Value {
        json!({
            "SPDXID": self.id,
            "fileName": self.path,
            "fileTypes": [self.kind],
            "checksums": [
                { "algorithm": "SHA1", "checksumValue": self.sha1 },
                { "algorithm": "SHA256", "checksumValue": self.sha256 },
            ],
            "licenseConcluded": NONE,
            "licenseInfoInFiles": [NONE],
            "copyrightText": NONE,
        })
    }
}

fn files(package: &Package) -> io::Result<Vec<Listed>> {
    let mut listed = Vec::new();
    for one in &package.files {
        let bytes: &[u8] = match &one.kind {
            FileKind::Regular(Content::Memory(bytes)) => bytes,
            FileKind::Regular(Content::Disk(path)) => &fs_err::read(path)?,
            FileKind::Directory | FileKind::Symlink { .. } | FileKind::HardLink { .. } => continue,
        };
        listed.push(Listed {
            id: format!("SPDXRef-File-{}", listed.len() + 1),
            path: format!("./{}", one.path.trim_start_matches('/')),
            sha1: hex(&Sha1::digest(bytes)),
            sha256: sha256(bytes),
            kind: kind(package, one),
        });
    }
    Ok(listed)
}

fn kind(package: &Package, one: &File) -> &'static str {
    let ends = |ending: &str| one.path.ends_with(ending);
    match () {
        () if one.color > 0 || ends(".so") || ends(".debug") => "BINARY",
        () if ends(".tar") => "ARCHIVE",
        () if ends(".c") || ends(".h") || ends(".patch") || ends(".diff") => "SOURCE",
        () if one.flags & (file::DOC | file::LICENSE) != 0 => "DOCUMENTATION",
        () if package.kind == PackageKind::Source && ends(".spec") => "SOURCE",
        () => "TEXT",
    }
}

/// How an input takes part in a build.
enum Role {
    Origin,
    Tool,
    Dependency,
}

fn role(name: &str) -> Role {
    // Behind `requires/MODULE/` stand the same names.
    let own = match name.strip_prefix("requires/").and_then(|rest| rest.split_once('/')) {
        Some((_, own)) => own,
        None => name,
    };
    match own.split('/').next() {
        Some("rules" | "modgraft" | "compiler") => Role::Tool,
        Some("target") => Role::Dependency,
        _ => Role::Origin,
    }
}

/// Whether an input is a thing: content, or a program by its version.
fn is_element(name: &str, input: &Input) -> bool {
    let programs = ["compiler/version", "compiler/binutils", "modgraft/version"];
    !input.digest.is_empty() || programs.contains(&name)
}

fn element(id: &str, name: &str, input: &Input) -> Value {
    let mut element = json!({
        "SPDXID": id,
        "name": name,
        "downloadLocation": input.location().unwrap_or_else(|| NONE.to_owned()),
        "filesAnalyzed": false,
        "licenseConcluded": NONE,
        "licenseDeclared": NONE,
        "copyrightText": NONE,
    });
    if let Some(version) = input.value.as_ref().or(input.digest.get("gitCommit")) {
        element["versionInfo"] = version.as_str().into();
    }
    if let Some(sha256) = input.digest.get("sha256") {
        element["checksums"] = json!([{ "algorithm": "SHA256", "checksumValue": sha256 }]);
    }
    // Software Heritage's identifiers are git's own.
    let heritage = [("gitCommit", "rev"), ("gitTree", "dir")].into_iter().filter_map(|(kind, what)| {
        let id = input.digest.get(kind)?;
        Some(json!({
            "referenceCategory": "PERSISTENT-ID",
            "referenceType": "swh",
            "referenceLocator": format!("swh:1:{what}:{id}"),
        }))
    });
    let heritage: Vec<Value> = heritage.collect();
    if !heritage.is_empty() {
        element["externalRefs"] = heritage.into();
    }
    element
}

const LICENSE: &str = "LicenseRef-declared";

/// The declared licence; words that are no SPDX expression stand in the document as they are.
struct License<'a> {
    expression: &'a str,
    extracted: Option<&'a str>,
}

impl<'a> License<'a> {
    fn of(words: &'a str) -> Self {
        match spdx::Expression::parse(words) {
            Ok(_) => License { expression: words, extracted: None },
            Err(_) => License { expression: LICENSE, extracted: Some(words) },
        }
    }
}

fn relation(one: &str, kind: &str, other: &str) -> Value {
    json!({ "spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other })
}

/// The time of the build, in UTC.
fn time(package: &Package) -> String {
    let seconds = i64::try_from(package.time).unwrap_or_default();
    Timestamp::from_second(seconds).unwrap_or_default().to_string()
}

/// As it stands in a url's path or a purl.
fn escaped(text: &str) -> String {
    encoded(text, ":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_spdx_expression_stands_as_it_is() {
        let known = License::of("Apache-2.0 OR MIT");
        assert_eq!((known.expression, known.extracted), ("Apache-2.0 OR MIT", None));
        let other = License::of("ASL 2.0");
        assert_eq!((other.expression, other.extracted), (LICENSE, Some("ASL 2.0")));
    }

    #[test]
    fn versions_are_escaped() {
        assert_eq!(escaped("1.0+git~1^2-3"), "1.0%2Bgit~1%5E2-3");
    }

    #[test]
    fn inputs_take_part_as_what_they_are() {
        assert!(matches!(role("source/patch/a.patch"), Role::Origin));
        assert!(matches!(role("requires/mod_a/rules/common.toml"), Role::Tool));
        assert!(matches!(role("target/package/httpd"), Role::Dependency));
    }
}
