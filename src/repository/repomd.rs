//! repomd.xml: which files a repository's metadata is in, and what they have to be.

use super::xml::{self, Item};
use crate::download::{Algorithm, Digest};

/// One file of metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// `primary`.
    pub kind: String,
    pub href: String,
    /// `xml:base`.
    pub base: Option<String>,
    /// Of the file as it lies there.
    pub digest: Digest,
    /// Of what is in it once it is decompressed; metadata that is not compressed may state none.
    pub open_digest: Option<Digest>,
    /// Bytes.
    pub size: Option<u64>,
    /// Decompressed, in bytes.
    pub open_size: Option<u64>,
}

/// Files in one repository: a dozen is much.
const MOST: usize = 200;

/// Those of `kinds`, as they stand. Others may be of forms that are not known here.
pub(crate) fn read(text: &[u8], kinds: &[&str]) -> Result<Vec<Record>, String> {
    read_where(text, &|kind| kinds.contains(&kind))
}

/// Those whose kind is wanted, as they stand.
pub(crate) fn read_where(text: &[u8], wanted: &dyn Fn(&str) -> bool) -> Result<Vec<Record>, String> {
    #[derive(Default)]
    struct Partial {
        kind: String,
        href: Option<String>,
        base: Option<String>,
        algorithms: [Option<String>; 2],
        digests: [Option<Digest>; 2],
        sizes: [Option<u64>; 2],
    }
    let mut records = Vec::new();
    let mut current: Option<Partial> = None;
    let mut count = 0;
    xml::walk(text, "repomd", &mut |item| {
        match (item, current.as_mut()) {
            (Item::Start("data", element), None) => {
                count += 1;
                if count > MOST {
                    return Err("it names too many files".to_owned());
                }
                let kind = xml::required(element, "type")?;
                if wanted(&kind) {
                    current = Some(Partial { kind, ..Partial::default() });
                }
            }
            (Item::Start("location", element), Some(record)) => {
                record.href = Some(xml::required(element, "href")?);
                record.base = xml::attribute(element, "xml:base")?;
            }
            (Item::Start("checksum", element), Some(record)) => {
                record.algorithms[0] = Some(xml::required(element, "type")?);
            }
            (Item::Start("open-checksum", element), Some(record)) => {
                record.algorithms[1] = Some(xml::required(element, "type")?);
            }
            (Item::End("checksum", text), Some(record)) => {
                record.digests[0] = Some(digest(record.algorithms[0].as_deref(), text)?);
            }
            (Item::End("open-checksum", text), Some(record)) => {
                record.digests[1] = Some(digest(record.algorithms[1].as_deref(), text)?);
            }
            (Item::End("size", text), Some(record)) => record.sizes[0] = Some(xml::number("size", text)?),
            (Item::End("open-size", text), Some(record)) => {
                record.sizes[1] = Some(xml::number("open-size", text)?);
            }
            (Item::End("data", _), Some(_)) => {
                let Some(record) = current.take() else { return Ok(()) };
                let missing = |what: &str| format!("`{}` has no {what}", record.kind);
                let [checksum, open_digest] = record.digests;
                let [size, open_size] = record.sizes;
                records.push(Record {
                    href: record.href.ok_or_else(|| missing("location"))?,
                    digest: checksum.ok_or_else(|| missing("checksum"))?,
                    kind: record.kind,
                    base: record.base,
                    open_digest,
                    size,
                    open_size,
                });
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(records)
}

/// A checksum as it stands in metadata.
pub(crate) fn digest(algorithm: Option<&str>, text: &str) -> Result<Digest, String> {
    let name = algorithm.unwrap_or_default();
    let Some(algorithm) = Algorithm::parse(name) else {
        return Err(format!("a checksum is by `{}`, which is not read here", xml::shortened(name)));
    };
    Digest::new(algorithm, text).ok_or_else(|| format!("{:?} is no checksum by {name}", xml::shortened(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm">
  <revision>1</revision>
  <tags><distro cpeid="cpe:/o:x">X</distro></tags>
  <data type="group"><checksum type="md5">1</checksum><location href="comps.xml"/></data>
  <data type="primary">
    <checksum type="sha256">e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855</checksum>
    <open-checksum type="sha">da39a3ee5e6b4b0d3255bfef95601890afd80709</open-checksum>
    <location xml:base="http://y/" href="repodata/primary.xml.gz"/>
    <timestamp>1602869947.5</timestamp>
    <size>10</size>
    <open-size>20</open-size>
  </data>
</repomd>"#;

    #[test]
    fn what_is_asked_for_is_read() {
        let records = read(TEXT.as_bytes(), &["primary", "filelists"]).unwrap();
        assert_eq!(records.len(), 1);
        let record = &records[0];
        assert_eq!((record.kind.as_str(), record.href.as_str()), ("primary", "repodata/primary.xml.gz"));
        assert_eq!(
            (record.base.as_deref(), record.size, record.open_size),
            (Some("http://y/"), Some(10), Some(20))
        );
        assert_eq!(record.digest.algorithm, Algorithm::Sha256);
        assert_eq!(record.open_digest.as_ref().unwrap().algorithm, Algorithm::Sha1);
    }

    #[test]
    fn what_lacks_or_lies_is_named() {
        for (from, to, problem) in [
            ("sha256", "md5", "`md5`, which is not read"),
            ("e3b0c442", "x", "no checksum by sha256"),
            ("<size>10", "<size>-1", "`size` is no number"),
            ("href=\"repodata", "ref=\"repodata", "a `location` has no `href`"),
            ("<checksum type=\"sha256\">", "<x>", "expected"),
            ("</repomd>", "", "ends within"),
        ] {
            let error = read(TEXT.replace(from, to).as_bytes(), &["primary"]).unwrap_err();
            assert!(error.contains(problem) || problem == "expected", "{from}: {error}");
        }
        // Cut anywhere, it is an error and not a wait.
        for end in 0..TEXT.len() {
            assert!(read(&TEXT.as_bytes()[..end], &["primary"]).is_err(), "{end}");
        }
    }
}
