//! The header: every tag that rpmbuild 4.18 writes for such a package, and its type.
//!
//! Left out on purpose: SPEC (5099), the spec as rpmbuild parsed it, which only rpmbuild can know. `tests/rpm_tags.rs`
//! compares tag by tag.

use std::collections::BTreeMap;

use rpm::{HeaderEntry, IndexData, IndexTag};

use super::payload::Payload;
use crate::package::{File, FileKind, Package, PackageKind, Relation};

/// SHA-256 in rpm's numbering (RFC 9580, 9.5).
const SHA256: u32 = 8;

/// The header's entries; the region tag is the crate's business.
pub(super) fn entries(
    package: &Package,
    payload: &Payload,
    source_package_id: Option<[u8; 16]>,
) -> Vec<HeaderEntry> {
    let mut tags = Tags::default();
    identity(&mut tags, package, payload);
    relations(&mut tags, package);
    changelog(&mut tags, package);
    files(&mut tags, package, payload);
    if package.kind == PackageKind::Source {
        tags.add(IndexTag::RPMTAG_SOURCEPACKAGE, int(1));
        // rpmbuild puts each new source in front.
        tags.add(IndexTag::RPMTAG_SOURCE, strings(package.sources.iter().rev()));
    } else {
        tags.add(IndexTag::RPMTAG_SOURCERPM, string(&package.source_rpm));
        tags.add(IndexTag::RPMTAG_PLATFORM, string(&package.platform));
        tags.add(IndexTag::RPMTAG_OPTFLAGS, string(&package.optflags));
        file_classes(&mut tags, package);
        file_dependencies(&mut tags, package);
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

fn identity(tags: &mut Tags, package: &Package, payload: &Payload) {
    tags.number(100, strings(["C"])); // HEADERI18NTABLE
    tags.add(IndexTag::RPMTAG_NAME, string(&package.name));
    tags.add(IndexTag::RPMTAG_VERSION, string(&package.version));
    tags.add(IndexTag::RPMTAG_RELEASE, string(&package.release));
    tags.add(IndexTag::RPMTAG_SUMMARY, i18n(&package.summary));
    tags.add(IndexTag::RPMTAG_DESCRIPTION, i18n(&package.description));
    tags.add(IndexTag::RPMTAG_BUILDTIME, int(seconds(package.time)));
    tags.add(IndexTag::RPMTAG_BUILDHOST, string(package.build_host));
    let size: u64 = payload.records.iter().map(|record| u64::from(record.size)).sum();
    // The archive has all of it and fits 32 bits.
    tags.add(IndexTag::RPMTAG_SIZE, int(u32::try_from(size).unwrap_or(u32::MAX)));
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

fn files(tags: &mut Tags, package: &Package, payload: &Payload) {
    let files = &package.files;
    let count = files.len();
    let mut folders: Vec<&str> = Vec::new();
    let mut folder_of = Vec::with_capacity(count);
    let mut names = Vec::with_capacity(count);
    for file in files {
        let (folder, name) = file.path.split_at(file.path.rfind('/').map_or(0, |slash| slash + 1));
        // Few, and equal ones mostly stand together.
        let index = folders.iter().rposition(|known| *known == folder).unwrap_or_else(|| {
            folders.push(folder);
            folders.len() - 1
        });
        folder_of.push(index as u32);
        names.push(name);
    }
    let each = |value: u32| ints(std::iter::repeat_n(value, count));
    let target = |file: &File| match &file.kind {
        FileKind::Symlink { target } => target.clone(),
        FileKind::Regular(_) | FileKind::Directory => String::new(),
    };
    tags.add(IndexTag::RPMTAG_FILESIZES, ints(payload.records.iter().map(|record| record.size)));
    tags.add(IndexTag::RPMTAG_FILEMODES, IndexData::Int16(files.iter().map(File::mode).collect()));
    tags.add(IndexTag::RPMTAG_FILERDEVS, IndexData::Int16(vec![0; count]));
    tags.add(IndexTag::RPMTAG_FILEMTIMES, each(seconds(package.time)));
    tags.add(IndexTag::RPMTAG_FILEDIGESTS, strings(payload.records.iter().map(|record| &record.digest)));
    tags.add(IndexTag::RPMTAG_FILELINKTOS, strings(files.iter().map(target)));
    tags.add(IndexTag::RPMTAG_FILEFLAGS, ints(files.iter().map(|file| file.flags)));
    tags.add(IndexTag::RPMTAG_FILEUSERNAME, strings(std::iter::repeat_n("root", count)));
    tags.add(IndexTag::RPMTAG_FILEGROUPNAME, strings(std::iter::repeat_n("root", count)));
    tags.add(IndexTag::RPMTAG_FILEVERIFYFLAGS, each(u32::MAX));
    tags.add(IndexTag::RPMTAG_FILEDEVICES, each(1));
    tags.add(IndexTag::RPMTAG_FILEINODES, ints((1..).take(count)));
    tags.add(IndexTag::RPMTAG_FILELANGS, strings(std::iter::repeat_n("", count)));
    tags.add(IndexTag::RPMTAG_DIRINDEXES, ints(folder_of));
    tags.add(IndexTag::RPMTAG_BASENAMES, strings(names));
    tags.add(IndexTag::RPMTAG_DIRNAMES, strings(folders));
    tags.add(IndexTag::RPMTAG_FILEDIGESTALGO, int(SHA256));
}

/// FILECOLORS, and FILECLASS with its dictionary.
fn file_classes(tags: &mut Tags, package: &Package) {
    let mut dictionary: Vec<&str> = Vec::new();
    let classes: Vec<u32> = package
        .files
        .iter()
        .map(|file| {
            let known = dictionary.iter().position(|class| *class == file.class);
            known.unwrap_or_else(|| {
                dictionary.push(&file.class);
                dictionary.len() - 1
            }) as u32
        })
        .collect();
    tags.add(IndexTag::RPMTAG_FILECOLORS, ints(package.files.iter().map(|file| file.color)));
    tags.add(IndexTag::RPMTAG_FILECLASS, ints(classes));
    tags.add(IndexTag::RPMTAG_CLASSDICT, strings(dictionary));
}

/// Which file brings which dependency: FILEDEPENDSX and FILEDEPENDSN index DEPENDSDICT, whose entries are a letter in the
/// highest byte and an index into provides or requires.
fn file_dependencies(tags: &mut Tags, package: &Package) {
    let index =
        |relations: &[Relation]| -> BTreeMap<Relation, u32> { relations.iter().cloned().zip(0..).collect() };
    let (provides, requires) = (index(&package.provides), index(&package.requires));
    let mut dictionary = Vec::new();
    let (mut starts, mut counts) = (Vec::new(), Vec::new());
    for file in &package.files {
        let start = dictionary.len() as u32;
        let of = |letter: u8, relations: &[Relation], index: &BTreeMap<Relation, u32>| -> Vec<u32> {
            relations
                .iter()
                .filter_map(|one| index.get(one))
                .map(|number| u32::from(letter) << 24 | number)
                .collect()
        };
        dictionary.extend(of(b'P', &file.provides, &provides));
        dictionary.extend(of(b'R', &file.requires, &requires));
        let count = dictionary.len() as u32 - start;
        starts.push(if count == 0 { 0 } else { start });
        counts.push(count);
    }
    if !dictionary.is_empty() {
        tags.add(IndexTag::RPMTAG_FILEDEPENDSX, ints(starts));
        tags.add(IndexTag::RPMTAG_FILEDEPENDSN, ints(counts));
        tags.add(IndexTag::RPMTAG_DEPENDSDICT, ints(dictionary));
    }
}

#[derive(Default)]
struct Tags(Vec<HeaderEntry>);

impl Tags {
    fn add(&mut self, tag: IndexTag, data: IndexData) {
        self.number(tag as u32, data);
    }

    fn number(&mut self, tag: u32, data: IndexData) {
        self.0.push(HeaderEntry::new(tag, data));
    }
}

fn seconds(time: u64) -> u32 {
    // The payload was built, so the time fits.
    u32::try_from(time).unwrap_or(u32::MAX)
}

fn int(value: u32) -> IndexData {
    IndexData::Int32(vec![value])
}

fn ints(values: impl IntoIterator<Item = u32>) -> IndexData {
    IndexData::Int32(values.into_iter().collect())
}

fn string(text: &str) -> IndexData {
    IndexData::StringTag(text.to_owned())
}

fn i18n(text: &str) -> IndexData {
    IndexData::I18NString(vec![text.to_owned()])
}

fn strings<S: ToString>(texts: impl IntoIterator<Item = S>) -> IndexData {
    IndexData::StringArray(texts.into_iter().map(|text| text.to_string()).collect())
}
