//! The rules for all but signatures.

use super::{Case, Findings, features};
use crate::profile::acceptance::{Digest, V6};
use crate::rpm::{DigestCheck, PackageForm, Verdict};

/// Where rich dependencies and weak ones are known.
const RICH: (&str, &str) = ("RichDependencies", "4.12.0-1");

pub(super) fn form(case: &Case<'_>, findings: &mut Findings) {
    let (rpm, accepts) = (case.rpm, &case.profile.packaging.accepts);
    if case.package.form == PackageForm::Delta {
        findings.refuse(
            "it is the difference of two packages, which no rpm installs: `applydeltarpm` makes one of it",
        );
    }
    match (case.package.version, accepts.v6) {
        (3, _) if !accepts.v3 => {
            findings.refuse(format!("it has the form of rpm 3, which {rpm} does not read"))
        }
        (3 | 4, _) | (6, V6::Known) => {}
        (6, V6::Unsigned) => {
            findings.note(format!("it is of version 6: {rpm} installs it, and does not find its signatures"));
        }
        (version, _) => findings.refuse(format!("it is of version {version}, which {rpm} does not read")),
    }
}

pub(super) fn payload(case: &Case<'_>, findings: &mut Findings) {
    let (package, rpm, accepts) = (case.package, case.rpm, &case.profile.packaging.accepts);
    if !accepts.compressors.contains(&package.compressor) {
        let compressor = package.compressor.escape_debug();
        findings.refuse(format!("its payload is compressed by {compressor}, which {rpm} cannot read"));
    }
    if accepts.archive_size && !package.sizes.iter().any(|size| [1007, 271].contains(&size.tag)) {
        findings.refuse(format!("it does not state its archive's size (tag 1007), which {rpm} must have"));
    }
}

/// No rpm has any use for a package that was cut off or is otherwise than it says. rpm before 4.14 compares the tag 1000; no release
/// compares 1007, and nothing guards either, so that modgraft refuses more here than rpm does.
pub(super) fn sizes(case: &Case<'_>, findings: &mut Findings) {
    for size in &case.package.sizes {
        let what = if [1000, 270].contains(&size.tag) { "header and payload" } else { "archive" };
        match size.actual {
            Some(actual) if actual != size.stated => findings.refuse(format!(
                "its {what} has {actual} bytes, and tag {} states {}: it was changed",
                size.tag, size.stated
            )),
            _ => {}
        }
    }
}

pub(super) fn signature_header(case: &Case<'_>, findings: &mut Findings) {
    let (package, rpm) = (case.package, case.rpm);
    let most = case.profile.packaging.accepts.signature_header;
    if package.signature_tags > most.tags {
        let tags = package.signature_tags;
        findings.refuse(format!("its signature header has {tags} tags, and {rpm} takes {}", most.tags));
    }
    if package.signature_data > most.data {
        let data = package.signature_data;
        findings.refuse(format!("its signature header has {data} bytes, and {rpm} takes {}", most.data));
    }
}

pub(super) fn digests(case: &Case<'_>, findings: &mut Findings) {
    let rules = &case.profile.packaging.accepts.digests;
    for check in case.package.digests.iter().filter(|check| check.verdict == Verdict::Bad) {
        let words = check.digest.words();
        let holds = if check.digest == Digest::Files { "do not hold" } else { "does not hold" };
        if rules.read.contains(&check.digest) {
            findings.refuse(format!("the {words} {holds}: it was changed"));
        } else {
            findings.note(format!("the {words} {holds}, and {} does not look at it", case.rpm));
        }
    }
    let counts = |check: &DigestCheck| check.verdict != Verdict::Unchecked;
    for group in &rules.needed {
        let there = case.package.digests.iter().any(|check| group.contains(&check.digest) && counts(check));
        if there || group.is_empty() {
            continue;
        }
        let words: Vec<&str> = group.iter().map(|digest| digest.words()).collect();
        let of_header = group.iter().any(|digest| digest.is_of_header());
        let unguarded = if of_header { "header" } else { "payload" };
        findings
            .refuse(format!("it has no {}: nothing guards its {unguarded} there", words.join(" and no ")));
    }
}

pub(super) fn requires(case: &Case<'_>, findings: &mut Findings) {
    let (package, rpm) = (case.package, case.rpm);
    let version = case.profile.packaging.rpm.as_str();
    let compressed = !case.profile.packaging.accepts.compressors.contains(&package.compressor);
    for relation in &package.requires {
        let feature = relation.name.strip_prefix("rpmlib(").and_then(|rest| rest.strip_suffix(')'));
        let missing = feature.is_some_and(|feature| !features::has(version, feature, &relation.version));
        // The payload was told of.
        let told = compressed && feature.is_some_and(|feature| feature.starts_with("PayloadIs"));
        if missing && !told {
            let text = relation.text();
            findings.refuse(format!("it requires {}, which {rpm} does not have", text.escape_debug()));
        }
    }
    if features::has(version, RICH.0, RICH.1) {
        return;
    }
    let required =
        |feature: &str| package.requires.iter().any(|one| one.name == format!("rpmlib({feature})"));
    if let Some(rich) = package.requires.iter().find(|one| one.name.starts_with('('))
        && !required(RICH.0)
    {
        let name = rich.name.escape_debug();
        findings.refuse(format!("it requires `{name}`, and {rpm} does not know rich dependencies"));
    }
    if package.weak_dependencies {
        findings.note(format!("{rpm} does not know what it recommends, suggests or the like"));
    }
}
