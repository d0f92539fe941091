//! What primary, filelists and other say of one package: the same as createrepo_c's, which the tests compare.
//!
//! Written by quick-xml: the crate rpmrepo_metadata, which `repository` does without for reading, cannot keep what stands
//! there of a package that did not change.

mod relations;

use std::fmt::Write as _;

use relations::Entry;

use crate::repository::filelists::in_primary;
use crate::rpm::{FileForm, Listing};
use crate::xml::Xml;

/// Entries of a changelog, the newest: as many as createrepo_c takes by default.
const CHANGES: usize = 10;

/// Where a package lies, and what it is as a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lying<'a> {
    /// From the repository's folder.
    pub href: &'a str,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: &'a str,
    /// Unix seconds.
    pub time: u64,
}

/// What primary, filelists and other say, in this order.
pub(super) fn of(package: &Listing, lying: Lying<'_>) -> [String; 3] {
    [primary(package, lying), filelists(package, lying), other(package, lying)]
}

fn primary(package: &Listing, lying: Lying<'_>) -> String {
    let mut xml = Xml::new();
    xml.start("package", &[("type", "rpm")]);
    xml.text("name", &[], &package.name);
    xml.text("arch", &[], &package.arch);
    version(&mut xml, package);
    xml.text("checksum", &[("type", "sha256"), ("pkgid", "YES")], lying.sha256);
    xml.text("summary", &[], &package.summary);
    xml.text("description", &[], &package.description);
    xml.text("packager", &[], &package.packager);
    xml.text("url", &[], &package.url);
    let [time, build] = [lying.time, package.build_time].map(|time| time.to_string());
    xml.empty("time", &[("file", &time), ("build", &build)]);
    let sizes = [package.file_size, package.installed_size, package.archive_size];
    let [file, installed, archive] = sizes.map(|size| size.to_string());
    xml.empty("size", &[("package", &file), ("installed", &installed), ("archive", &archive)]);
    xml.empty("location", &[("href", lying.href)]);
    xml.start("format", &[]);
    xml.text("rpm:license", &[], &package.license);
    xml.text("rpm:vendor", &[], &package.vendor);
    xml.text("rpm:group", &[], &package.group);
    xml.text("rpm:buildhost", &[], &package.build_host);
    xml.text("rpm:sourcerpm", &[], &package.source_rpm);
    let (start, end) = package.header_range;
    xml.empty("rpm:header-range", &[("start", &start.to_string()), ("end", &end.to_string())]);
    let (requires, mut recommends) = relations::required(package);
    recommends.extend(relations::plain(&package.recommends));
    related(&mut xml, "rpm:provides", &relations::plain(&package.provides));
    related(&mut xml, "rpm:requires", &requires);
    related(&mut xml, "rpm:conflicts", &relations::plain(&package.conflicts));
    related(&mut xml, "rpm:obsoletes", &relations::plain(&package.obsoletes));
    related(&mut xml, "rpm:suggests", &relations::plain(&package.suggests));
    related(&mut xml, "rpm:enhances", &relations::plain(&package.enhances));
    related(&mut xml, "rpm:recommends", &recommends);
    related(&mut xml, "rpm:supplements", &relations::plain(&package.supplements));
    files(&mut xml, package, in_primary);
    xml.end("format");
    xml.end("package");
    xml.finish()
}

fn filelists(package: &Listing, lying: Lying<'_>) -> String {
    let mut xml = Xml::new();
    named(&mut xml, package, lying);
    files(&mut xml, package, |_| true);
    xml.end("package");
    xml.finish()
}

fn other(package: &Listing, lying: Lying<'_>) -> String {
    let mut xml = Xml::new();
    named(&mut xml, package, lying);
    // The oldest first. Those of one day have one time; each later one is told as a second later, so that clients that sort
    // keep their order.
    let mut last: Option<(u64, u64)> = None;
    for change in package.changelog.iter().take(CHANGES).rev() {
        let time = match last {
            Some((stated, told)) if change.time == stated || change.time == told => told.saturating_add(1),
            _ => change.time,
        };
        last = Some((change.time, time));
        let author = change.title.trim_end_matches(' ');
        xml.text("changelog", &[("author", author), ("date", &time.to_string())], &change.text);
    }
    xml.end("package");
    xml.finish()
}

fn named(xml: &mut Xml, package: &Listing, lying: Lying<'_>) {
    let attributes = [("pkgid", lying.sha256), ("name", &package.name), ("arch", &package.arch)];
    xml.start("package", &attributes);
    version(xml, package);
}

fn version(xml: &mut Xml, package: &Listing) {
    let epoch = package.epoch.to_string();
    xml.empty("version", &[("epoch", &epoch), ("ver", &package.version), ("rel", &package.release)]);
}

fn related(xml: &mut Xml, name: &str, entries: &[Entry<'_>]) {
    if entries.is_empty() {
        return;
    }
    xml.start(name, &[]);
    for entry in entries {
        let mut attributes = vec![("name", entry.name)];
        if let Some(flags) = entry.flags {
            attributes.push(("flags", flags));
            let parts = [("epoch", entry.epoch), ("ver", entry.version), ("rel", entry.release)];
            attributes.extend(parts.into_iter().filter(|(_, part)| !part.is_empty()));
        }
        if entry.pre {
            attributes.push(("pre", "1"));
        }
        xml.empty("rpm:entry", &attributes);
    }
    xml.end(name);
}

fn files(xml: &mut Xml, package: &Listing, wanted: impl Fn(&str) -> bool) {
    for file in package.files.iter().filter(|file| wanted(&file.path)) {
        let attributes: &[(&str, &str)] = match file.kind {
            FileForm::File => &[],
            FileForm::Folder => &[("type", "dir")],
            FileForm::Ghost => &[("type", "ghost")],
        };
        xml.text("file", attributes, &file.path);
    }
}

/// How each of the three begins, for so many packages.
pub(super) fn beginnings(packages: usize) -> [String; 3] {
    let begin = |root: &str, namespaces: &[(&str, &str)]| {
        let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
        write!(text, "<{root}").expect("writing into memory cannot fail");
        for (prefix, name) in namespaces {
            write!(text, " xmlns{prefix}=\"http://linux.duke.edu/metadata/{name}\"")
                .expect("writing into memory cannot fail");
        }
        text + &format!(" packages=\"{packages}\">\n")
    };
    [
        begin("metadata", &[("", "common"), (":rpm", "rpm")]),
        begin("filelists", &[("", "filelists")]),
        begin("otherdata", &[("", "other")]),
    ]
}

/// How each of the three ends.
pub(super) const ENDS: [&str; 3] = ["</metadata>\n", "</filelists>\n", "</otherdata>\n"];
