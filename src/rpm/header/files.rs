//! What a header says of the package's files: an array each, in the order of their paths.

use std::collections::BTreeMap;

use rpm::{IndexData, IndexTag};

use super::super::payload::Summary;
use super::SHA256;
use super::tags::{Tags, int, ints, seconds, strings};
use crate::package::{File, FileKind, Package, PackageKind, Relation};

/// All of it. A package without files has but the kind of their digests.
pub(super) fn files(tags: &mut Tags, package: &Package, payload: &Summary) {
    tags.add(IndexTag::RPMTAG_FILEDIGESTALGO, int(SHA256));
    if package.files.is_empty() {
        return;
    }
    attributes(tags, package, payload);
    if package.kind != PackageKind::Source {
        classes(tags, package);
        dependencies(tags, package);
    }
}

fn attributes(tags: &mut Tags, package: &Package, payload: &Summary) {
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
        FileKind::Regular(_) | FileKind::Directory | FileKind::HardLink { .. } => String::new(),
    };
    tags.add(IndexTag::RPMTAG_FILESIZES, ints(payload.records.iter().map(|record| record.size)));
    tags.add(IndexTag::RPMTAG_FILEMODES, IndexData::Int16(files.iter().map(File::mode).collect()));
    tags.add(IndexTag::RPMTAG_FILERDEVS, IndexData::Int16(vec![0; count]));
    tags.add(IndexTag::RPMTAG_FILEMTIMES, each(seconds(package.time)));
    tags.add(IndexTag::RPMTAG_FILEDIGESTS, strings(payload.records.iter().map(|record| &record.digest)));
    tags.add(IndexTag::RPMTAG_FILELINKTOS, strings(files.iter().map(target)));
    tags.add(IndexTag::RPMTAG_FILEFLAGS, ints(files.iter().map(|file| file.flags)));
    tags.add(IndexTag::RPMTAG_FILEUSERNAME, strings(files.iter().map(|file| &file.owner)));
    tags.add(IndexTag::RPMTAG_FILEGROUPNAME, strings(files.iter().map(|file| &file.group)));
    tags.add(IndexTag::RPMTAG_FILEVERIFYFLAGS, ints(files.iter().map(|file| file.verify)));
    tags.add(IndexTag::RPMTAG_FILEDEVICES, each(1));
    tags.add(IndexTag::RPMTAG_FILEINODES, ints(payload.links.inodes()));
    tags.add(IndexTag::RPMTAG_FILELANGS, strings(files.iter().map(|file| &file.languages)));
    tags.add(IndexTag::RPMTAG_DIRINDEXES, ints(folder_of));
    tags.add(IndexTag::RPMTAG_BASENAMES, strings(names));
    tags.add(IndexTag::RPMTAG_DIRNAMES, strings(folders));
    if files.iter().any(|file| !file.capabilities.is_empty()) {
        tags.add(IndexTag::RPMTAG_FILECAPS, strings(files.iter().map(|file| &file.capabilities)));
    }
}

/// FILECOLORS, and FILECLASS with its dictionary.
fn classes(tags: &mut Tags, package: &Package) {
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
fn dependencies(tags: &mut Tags, package: &Package) {
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
