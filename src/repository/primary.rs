//! primary.xml: each package with where it lies, what it provides and requires, and its most asked for files.

use std::io::BufRead;
use std::sync::Arc;

use quick_xml::events::BytesStart;

use super::location::{Root, is_name_part};
use super::package::{Entry, Package};
use super::relation::{Relation, Sense, Version};
use super::repomd::digest;
use super::rich::Requirement;
use super::xml::{self, Item};

/// Why primary.xml is refused.
#[derive(Debug)]
pub(super) enum Wrong {
    Malformed(String),
    /// A location that is not gone to.
    Location {
        href: String,
        problem: &'static str,
    },
}

impl From<String> for Wrong {
    fn from(problem: String) -> Self {
        Wrong::Malformed(problem)
    }
}

/// Which list of relations is being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    Provides,
    Requires,
}

/// What is known of a package so far.
#[derive(Default)]
struct Partial {
    name: String,
    arch: String,
    version: Option<Version>,
    algorithm: Option<String>,
    checksum: Option<crate::download::Digest>,
    size: Option<u64>,
    location: Option<(String, Option<String>)>,
    provides: Vec<Relation>,
    requires: Vec<Requirement>,
    files: Vec<String>,
}

/// Reads all packages but sources.
pub(super) fn read(input: impl BufRead, root: &Root, repository: &Arc<str>) -> Result<Vec<Entry>, Wrong> {
    let mut entries = Vec::new();
    let mut current: Option<Partial> = None;
    let mut list = None;
    // Elements of one name stand in several places: `name` in a package and in what it holds.
    let mut within_format = false;
    let mut stray = None;
    let walked = xml::walk(input, "metadata", &mut |item| {
        match (item, current.as_mut()) {
            (Item::Start("package", _), None) => current = Some(Partial::default()),
            (Item::End("package", _), Some(_)) => {
                let Some(package) =
                    current.take().filter(|package| package.arch != "src" && package.arch != "nosrc")
                else {
                    return Ok(());
                };
                match finish(package, root, repository) {
                    Ok(entry) => entries.push(entry),
                    Err(Wrong::Malformed(problem)) => return Err(problem),
                    Err(location) => {
                        stray = Some(location);
                        return Err(String::new());
                    }
                }
            }
            (_, None) => {}
            (Item::Start("format", _), _) => within_format = true,
            (Item::End("format", _), _) => within_format = false,
            (Item::Start("provides", _), _) => list = Some(List::Provides),
            (Item::Start("requires", _), _) => list = Some(List::Requires),
            (Item::End("provides" | "requires", _), _) => list = None,
            (Item::Start("entry", element), Some(package)) => match list {
                Some(List::Provides) => package.provides.push(relation(element)?),
                Some(List::Requires) => package.requires.extend(requirement(element)?),
                None => {}
            },
            (Item::End("file", path), Some(package)) if within_format => package.files.push(path.to_owned()),
            (_, _) if within_format => {}
            (Item::Start("version", element), Some(package)) => package.version = Some(version(element)?),
            (Item::Start("checksum", element), Some(package)) => {
                package.algorithm = Some(xml::required(element, "type")?);
            }
            (Item::Start("size", element), Some(package)) => {
                package.size = Some(xml::number("package", &xml::required(element, "package")?)?);
            }
            (Item::Start("location", element), Some(package)) => {
                package.location =
                    Some((xml::required(element, "href")?, xml::attribute(element, "xml:base")?));
            }
            (Item::End("name", text), Some(package)) => package.name = text.to_owned(),
            (Item::End("arch", text), Some(package)) => package.arch = text.to_owned(),
            (Item::End("checksum", text), Some(package)) => {
                package.checksum = Some(digest(package.algorithm.as_deref(), text)?);
            }
            _ => {}
        }
        Ok(())
    });
    match (stray, walked) {
        (Some(stray), _) => Err(stray),
        (None, Err(problem)) => Err(Wrong::Malformed(problem)),
        (None, Ok(())) => Ok(entries),
    }
}

fn finish(package: Partial, root: &Root, repository: &Arc<str>) -> Result<Entry, Wrong> {
    let name = xml::shortened(&package.name);
    let missing = |what: &str| Wrong::Malformed(format!("the package `{name}` has no {what}"));
    let evr = package.version.ok_or_else(|| missing("version"))?;
    for part in [&package.name, &package.arch, &evr.version, &evr.release] {
        if !is_name_part(part) {
            let problem = format!("a package is called {:?}, which no package is", xml::shortened(part));
            return Err(Wrong::Malformed(problem));
        }
    }
    let (href, base) = package.location.ok_or_else(|| missing("location"))?;
    let url = match root.of(&href, base.as_deref()) {
        Ok(url) => url,
        Err(problem) => {
            return Err(Wrong::Location {
                href: xml::shortened(&base.map_or(href.clone(), |base| format!("{base} {href}"))),
                problem,
            });
        }
    };
    Ok(Entry {
        package: Package {
            evr,
            url,
            size: package.size.ok_or_else(|| missing("size"))?,
            checksum: package.checksum.ok_or_else(|| missing("checksum"))?,
            repository: Arc::clone(repository),
            name: package.name,
            arch: package.arch,
        },
        provides: package.provides,
        requires: package.requires,
        files: package.files,
    })
}

fn version(element: &BytesStart<'_>) -> Result<Version, String> {
    let mut found = Version::default();
    xml::each(element, |key, value| {
        match key {
            "epoch" if !value.is_empty() => found.epoch = xml::number("epoch", value)?,
            "ver" => found.version = value.to_owned(),
            "rel" => found.release = value.to_owned(),
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}

fn relation(element: &BytesStart<'_>) -> Result<Relation, String> {
    let (mut name, mut sense, mut stated) = (None, None, Version::default());
    xml::each(element, |key, value| {
        match key {
            "name" => name = Some(value.to_owned()),
            "flags" => {
                let flags =
                    Sense::parse(value).ok_or_else(|| format!("`{}` are no flags", xml::shortened(value)))?;
                sense = Some(flags);
            }
            "epoch" if !value.is_empty() => stated.epoch = xml::number("epoch", value)?,
            "ver" => stated.version = value.to_owned(),
            "rel" => stated.release = value.to_owned(),
            _ => {}
        }
        Ok(())
    })?;
    let name = name.ok_or("a relation has no name")?;
    // Flags without a version mean nothing.
    let versions = sense.filter(|_| !stated.version.is_empty()).map(|sense| (sense, stated));
    Ok(Relation { name, versions })
}

/// Nothing for what the rpm that installs has to know: nothing here is installed by rpm.
fn requirement(element: &BytesStart<'_>) -> Result<Option<Requirement>, String> {
    let relation = relation(element)?;
    if relation.name.starts_with("rpmlib(") {
        return Ok(None);
    }
    if let Some(rich) = Requirement::parse(&relation.name).filter(|_| relation.name.starts_with('(')) {
        return Ok(Some(rich));
    }
    // A rich one that is malformed is one that nobody provides: told where something needs it, and no harm else.
    Ok(Some(Requirement::Plain(relation)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="2">
<package type="rpm">
  <name>httpd-devel</name>
  <arch>x86_64</arch>
  <version epoch="1" ver="2.4.6" rel="97.el7"/>
  <checksum type="sha256" pkgid="YES">e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855</checksum>
  <summary>Development &amp; headers</summary>
  <size package="204800" installed="1" archive="1"/>
  <location href="Packages/httpd-devel-2.4.6-97.el7.x86_64.rpm"/>
  <format>
    <rpm:license>ASL 2.0</rpm:license>
    <rpm:provides>
      <rpm:entry name="httpd-devel" flags="EQ" epoch="1" ver="2.4.6" rel="97.el7"/>
      <rpm:entry name="config(httpd-devel)"/>
    </rpm:provides>
    <rpm:requires>
      <rpm:entry name="rpmlib(CompressedFileNames)" flags="LE" epoch="0" ver="3.0.4" rel="1"/>
      <rpm:entry name="httpd" flags="EQ" epoch="1" ver="2.4.6"/>
      <rpm:entry name="/usr/bin/perl" pre="1"/>
      <rpm:entry name="(apr-devel or apr1-devel)"/>
    </rpm:requires>
    <rpm:recommends><rpm:entry name="weak"/></rpm:recommends>
    <file>/usr/bin/apxs</file>
    <file type="dir">/etc/httpd</file>
  </format>
</package>
<package type="rpm"><name>x</name><arch>src</arch></package>
</metadata>"#;

    fn read_text(text: &str) -> Result<Vec<Entry>, Wrong> {
        read(text.as_bytes(), &Root::Http("https://x".to_owned()), &"x".into())
    }

    #[test]
    fn packages_are_read() {
        let entries = read_text(TEXT).unwrap();
        assert_eq!(entries.len(), 1);
        let entry = &entries[0];
        assert_eq!(entry.package.nevra(), "httpd-devel-1:2.4.6-97.el7.x86_64");
        assert_eq!(entry.package.file_name(), "httpd-devel-2.4.6-97.el7.x86_64.rpm");
        assert_eq!(entry.package.url, "https://x/Packages/httpd-devel-2.4.6-97.el7.x86_64.rpm");
        assert_eq!(entry.package.size, 204_800);
        let shown = |relations: Vec<String>| relations.join(", ");
        let provides = shown(entry.provides.iter().map(Relation::to_string).collect());
        assert_eq!(provides, "httpd-devel = 1:2.4.6-97.el7, config(httpd-devel)");
        let requires = shown(entry.requires.iter().map(Requirement::to_string).collect());
        assert_eq!(requires, "httpd = 1:2.4.6, /usr/bin/perl, (apr-devel or apr1-devel)");
        assert_eq!(entry.files, ["/usr/bin/apxs", "/etc/httpd"]);
    }

    #[test]
    fn what_lacks_or_lies_is_named() {
        for (from, to, problem) in [
            ("<name>httpd-devel", "<name>../../x", "which no package is"),
            ("ver=\"2.4.6\" rel=\"97.el7\"/>\n  <c", "ver=\"2/4\" rel=\"1\"/>\n  <c", "which no package is"),
            ("<size package=\"204800\"", "<size package=\"x\"", "is no number"),
            ("<size package=\"204800\"", "<size", "no `package`"),
            ("flags=\"EQ\"", "flags=\"XX\"", "`XX` are no flags"),
            ("type=\"sha256\"", "type=\"md5\"", "`md5`"),
            ("</metadata>", "", "ends within"),
            ("<metadata", "<other", "it is no `metadata`"),
        ] {
            match read_text(&TEXT.replacen(from, to, 1)) {
                Err(Wrong::Malformed(found)) => assert!(found.contains(problem), "{from}: {found}"),
                other => panic!("{from}: {other:?}"),
            }
        }
        match read_text(&TEXT.replace("Packages/", "../../")) {
            Err(Wrong::Location { href, .. }) => assert!(href.starts_with("../../"), "{href}"),
            other => panic!("{other:?}"),
        }
        for end in 0..TEXT.len() {
            assert!(read_text(&TEXT[..end]).is_err(), "{end}");
        }
    }
}
