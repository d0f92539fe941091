//! repomd.xml, written: which files the metadata is in.

use crate::repository::repomd::Record;
use crate::repository::xml::{Item, walk};
use crate::xml::Xml;

/// Before a fingerprint: the scheme of urls that name OpenPGP keys.
const KEY: &str = "openpgp4fpr:";

/// The text of repomd.xml. `time` is its revision, and that of each file, Unix seconds. `keys` are the fingerprints of the
/// repository's keys: the signature vouches for what stands here, and for no other file of keys. Clients show such tags, or pass over
/// them.
pub(super) fn render(records: &[Record], time: u64, keys: &[String]) -> String {
    let time = time.to_string();
    let mut xml = Xml::new();
    let namespaces = [
        ("xmlns", "http://linux.duke.edu/metadata/repo"),
        ("xmlns:rpm", "http://linux.duke.edu/metadata/rpm"),
    ];
    xml.start("repomd", &namespaces);
    xml.text("revision", &[], &time);
    if !keys.is_empty() {
        xml.start("tags", &[]);
        for key in keys {
            xml.text("content", &[], &format!("{KEY}{key}"));
        }
        xml.end("tags");
    }
    for record in records {
        xml.start("data", &[("type", &record.kind)]);
        xml.text("checksum", &[("type", record.digest.algorithm.name())], record.digest.hex());
        if let Some(open) = &record.open_digest {
            xml.text("open-checksum", &[("type", open.algorithm.name())], open.hex());
        }
        xml.empty("location", &[("href", &record.href)]);
        xml.text("timestamp", &[], &time);
        let sizes = [("size", record.size), ("open-size", record.open_size)];
        for (name, size) in sizes {
            if let Some(size) = size {
                xml.text(name, &[], &size.to_string());
            }
        }
        xml.end("data");
    }
    xml.end("repomd");
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", xml.finish())
}

/// The fingerprints of the keys that a repomd.xml names.
pub(super) fn keys(text: &[u8]) -> Vec<String> {
    let mut keys = Vec::new();
    let _ = walk(text, "repomd", &mut |item| {
        if let Item::End("content", text) = item {
            keys.extend(text.trim().strip_prefix(KEY).map(str::to_owned));
        }
        Ok(())
    });
    keys
}

/// The revision of a repomd.xml; 0 where it states no number.
pub(super) fn revision(text: &[u8]) -> u64 {
    let mut revision = 0;
    let _ = walk(text, "repomd", &mut |item| {
        if let Item::End("revision", text) = item {
            revision = text.trim().parse().unwrap_or(0);
        }
        Ok(())
    });
    revision
}
