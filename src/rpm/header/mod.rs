//! The header: every tag that rpmbuild 4.18 writes for such a package, and its type.
//!
//! Left out on purpose: SPEC (5099), the spec as rpmbuild parsed it, which only rpmbuild can know. `tests/rpm_tags.rs`
//! compares tag by tag.

mod files;
mod tags;

use rpm::{HeaderEntry, IndexData, IndexTag};

use super::payload::Summary;
use crate::package::{Package, PackageKind, When};
use tags::{Tags, i18n, int, ints, seconds, string, strings};

/// SHA-256 in rpm's numbering (RFC 9580, 9.5).
const SHA256: u32 = 8;

/// The header's entries; the region tag is the crate's business.
pub(super) fn entries(
    package: &Package,
    payload: &Summary,
    source_package_id: Option<[u8; 16]>,
) -> Vec<HeaderEntry> {
    let mut tags = Tags::default();
    identity(&mut tags, package, payload);
    relations(&mut tags, package);
    changelog(&mut tags, package);
    scriptlets(&mut tags, package);
    files::files(&mut tags, package, payload);
    if package.kind == PackageKind::Source {
        tags.add(IndexTag::RPMTAG_SOURCEPACKAGE, int(1));
        // rpmbuild puts each new source in front.
        tags.add(IndexTag::RPMTAG_SOURCE, strings(package.sources.iter().rev()));
    } else {
        tags.add(IndexTag::RPMTAG_SOURCERPM, string(&package.source_rpm));
        tags.add(IndexTag::RPMTAG_PLATFORM, string(&package.platform));
        tags.add(IndexTag::RPMTAG_OPTFLAGS, string(&package.optflags));
        if let Some(id) = source_package_id {
            tags.add(IndexTag::RPMTAG_SOURCESIGMD5, IndexData::Bin(id.to_vec()));
        }
    }
    tags.add(IndexTag::RPMTAG_PAYLOADFORMAT, string("cpio"));
    tags.add(IndexTag::RPMTAG_PAYLOADCOMPRESSOR, string(package.profile.packaging.payload.compressor.name()));
    tags.add(IndexTag::RPMTAG_PAYLOADFLAGS, string(&package.profile.packaging.payload.level.to_string()));
    // Under their later names: PAYLOADDIGEST, PAYLOADDIGESTALGO, PAYLOADDIGESTALT.
    tags.number(5092, strings([&payload.digest]));
    tags.number(5093, int(SHA256));
    tags.number(5097, strings([&payload.archive_digest]));
    tags.0
}

fn identity(tags: &mut Tags, package: &Package, payload: &Summary) {
    tags.number(100, strings(["C"])); // HEADERI18NTABLE
    tags.add(IndexTag::RPMTAG_NAME, string(&package.name));
    tags.add(IndexTag::RPMTAG_VERSION, string(&package.version));
    tags.add(IndexTag::RPMTAG_RELEASE, string(&package.release));
    if let Some(epoch) = package.epoch {
        tags.add(IndexTag::RPMTAG_EPOCH, int(epoch));
    }
    tags.add(IndexTag::RPMTAG_SUMMARY, i18n(&package.summary));
    tags.add(IndexTag::RPMTAG_DESCRIPTION, i18n(&package.description));
    tags.add(IndexTag::RPMTAG_BUILDTIME, int(seconds(package.time)));
    tags.add(IndexTag::RPMTAG_BUILDHOST, string(package.build_host));
    // The archive has all of it but what is a ghost, and fits 32 bits.
    tags.add(IndexTag::RPMTAG_SIZE, int(u32::try_from(payload.installed_size()).unwrap_or(u32::MAX)));
    tags.add(IndexTag::RPMTAG_LICENSE, string(&package.license));
    tags.add(IndexTag::RPMTAG_GROUP, i18n(package.group));
    if let Some(url) = &package.url {
        tags.add(IndexTag::RPMTAG_URL, string(url));
    }
    tags.add(IndexTag::RPMTAG_OS, string("linux"));
    tags.add(IndexTag::RPMTAG_ARCH, string(&package.arch));
    tags.add(IndexTag::RPMTAG_RPMVERSION, string(&package.profile.packaging.rpm));
    tags.add(IndexTag::RPMTAG_COOKIE, string(&format!("{} {}", package.build_host, package.time)));
    tags.add(IndexTag::RPMTAG_ENCODING, string("utf-8"));
}

fn relations(tags: &mut Tags, package: &Package) {
    let kinds = [
        (
            &package.provides,
            [IndexTag::RPMTAG_PROVIDENAME, IndexTag::RPMTAG_PROVIDEFLAGS, IndexTag::RPMTAG_PROVIDEVERSION],
        ),
        (
            &package.requires,
            [IndexTag::RPMTAG_REQUIRENAME, IndexTag::RPMTAG_REQUIREFLAGS, IndexTag::RPMTAG_REQUIREVERSION],
        ),
        (
            &package.conflicts,
            [IndexTag::RPMTAG_CONFLICTNAME, IndexTag::RPMTAG_CONFLICTFLAGS, IndexTag::RPMTAG_CONFLICTVERSION],
        ),
        (
            &package.obsoletes,
            [IndexTag::RPMTAG_OBSOLETENAME, IndexTag::RPMTAG_OBSOLETEFLAGS, IndexTag::RPMTAG_OBSOLETEVERSION],
        ),
        (
            &package.recommends,
            [
                IndexTag::RPMTAG_RECOMMENDNAME,
                IndexTag::RPMTAG_RECOMMENDFLAGS,
                IndexTag::RPMTAG_RECOMMENDVERSION,
            ],
        ),
        (
            &package.suggests,
            [IndexTag::RPMTAG_SUGGESTNAME, IndexTag::RPMTAG_SUGGESTFLAGS, IndexTag::RPMTAG_SUGGESTVERSION],
        ),
    ];
    for (relations, [name, flags, version]) in kinds {
        if !relations.is_empty() {
            tags.add(name, strings(relations.iter().map(|relation| &relation.name)));
            tags.add(flags, ints(relations.iter().map(|relation| relation.flags)));
            tags.add(version, strings(relations.iter().map(|relation| &relation.version)));
        }
    }
}

fn changelog(tags: &mut Tags, package: &Package) {
    let changes = &package.changelog;
    if !changes.is_empty() {
        tags.add(IndexTag::RPMTAG_CHANGELOGTIME, ints(changes.iter().map(|change| change.time)));
        tags.add(IndexTag::RPMTAG_CHANGELOGNAME, strings(changes.iter().map(|change| &change.title)));
        tags.add(IndexTag::RPMTAG_CHANGELOGTEXT, strings(changes.iter().map(|change| &change.text)));
    }
}

fn scriptlets(tags: &mut Tags, package: &Package) {
    for scriptlet in &package.scriptlets {
        let (text, program) = match scriptlet.when {
            When::BeforeInstall => (IndexTag::RPMTAG_PREIN, IndexTag::RPMTAG_PREINPROG),
            When::AfterInstall => (IndexTag::RPMTAG_POSTIN, IndexTag::RPMTAG_POSTINPROG),
            When::BeforeRemoval => (IndexTag::RPMTAG_PREUN, IndexTag::RPMTAG_PREUNPROG),
            When::AfterRemoval => (IndexTag::RPMTAG_POSTUN, IndexTag::RPMTAG_POSTUNPROG),
        };
        if !scriptlet.text.is_empty() {
            tags.add(text, string(&scriptlet.text));
        }
        tags.add(program, string(&scriptlet.program));
    }
}
