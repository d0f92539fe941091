//! The files of metadata: what repomd.xml says of them, and which packages they list.

use std::collections::HashMap;
use std::io::BufRead;

use super::said::Said;
use super::{Problem, ProblemKind, View};
use crate::download::Digest;
use crate::publish::KINDS;
use crate::publish::arrive::digest_of;
use crate::publish::current::file_name;
use crate::repository::repomd::{Record, digest};
use crate::repository::xml::{self, Item};
use crate::repository::{location, metadata};

/// A package as the metadata lists it.
#[derive(Debug)]
pub(super) struct Listed {
    pub nevra: String,
    pub href: String,
    pub size: u64,
    pub checksum: Digest,
    /// What primary, filelists and other say; nothing where one of them does not have it.
    pub said: [Option<Said>; 3],
}

/// Checks the files, and reads what they say.
pub(super) fn check(view: &View<'_>, problems: &mut Vec<Problem>) -> Vec<Listed> {
    for record in view.records {
        if let Err(problem) = sum_holds(view, record) {
            problems.push(Problem::new(ProblemKind::Metadata, &record.href, problem));
        }
    }
    let mut read = KINDS.iter().map(|kind| {
        let record = view.records.iter().find(|record| record.kind == *kind);
        let Some(record) = record else {
            let problem = format!("it names no `{kind}`");
            return Err(Problem::new(ProblemKind::Metadata, "repodata/repomd.xml", problem));
        };
        let wrong = |problem: String| Problem::new(ProblemKind::Metadata, &record.href, problem);
        let name = file_name(record).ok_or_else(|| wrong("it lies elsewhere".to_owned()))?;
        let path = view.folder.join(super::in_repodata(name));
        let limits = if *kind == KINDS[0] { metadata::PRIMARY } else { metadata::FILELISTS };
        metadata::read(&path, record, limits, |input| each(input, kind)).map_err(wrong)
    });
    let mut take = || match read.next() {
        Some(Ok(packages)) => packages,
        Some(Err(problem)) => {
            problems.push(problem);
            Vec::new()
        }
        None => Vec::new(),
    };
    let [primary, filelists, other] = [take(), take(), take()];
    listed(primary, [filelists, other], problems)
}

/// Whether a file is there, as long as is said, and has the sum that is said.
fn sum_holds(view: &View<'_>, record: &Record) -> Result<(), String> {
    let name = file_name(record).ok_or("it lies elsewhere")?;
    let path = view.folder.join(super::in_repodata(name));
    let found = fs_err::metadata(&path).map_err(|_| "it is not there".to_owned())?;
    if record.size.is_some_and(|size| size != found.len()) {
        return Err(format!("it has {} bytes, and should have {}", found.len(), record.size.unwrap_or(0)));
    }
    let sum = digest_of(&path, record.digest.algorithm).map_err(|error| error.to_string())?;
    if sum == record.digest { Ok(()) } else { Err("its sum does not hold".to_owned()) }
}

/// A package in one of the three files.
#[derive(Default)]
struct Found {
    said: Said,
    id: String,
    name: String,
    arch: String,
    version: String,
    algorithm: Option<String>,
    size: Option<u64>,
    href: Option<String>,
}

/// All packages of a file.
fn each(input: impl BufRead, kind: &str) -> Result<Vec<Found>, String> {
    let root = match kind {
        "primary" => "metadata",
        "other" => "otherdata",
        kind => kind,
    };
    let mut packages = Vec::new();
    let mut current: Option<Found> = None;
    let (mut stated, mut within_format) = (None, false);
    xml::walk(input, root, &mut |item| {
        match (&item, &mut current) {
            (Item::Start(name, element), None) if *name == root => {
                stated = xml::attribute(element, "packages")?;
                return Ok(());
            }
            (Item::Start("package", element), None) => {
                let id = xml::attribute(element, "pkgid")?.unwrap_or_default();
                current = Some(Found { id, ..Found::default() });
            }
            (_, None) => return Ok(()),
            (Item::Start("format", _), _) => within_format = true,
            (Item::End("format", _), _) => within_format = false,
            (_, Some(_)) if within_format => {}
            (Item::Start("version", element), Some(package)) => {
                let part = |name| xml::required(element, name);
                let epoch = part("epoch")?;
                let epoch = if epoch == "0" { String::new() } else { format!("{epoch}:") };
                package.version = format!("{epoch}{}-{}", part("ver")?, part("rel")?);
            }
            (Item::Start("checksum", element), Some(package)) => {
                package.algorithm = Some(xml::required(element, "type")?);
            }
            (Item::Start("size", element), Some(package)) => {
                package.size = Some(xml::number("package", &xml::required(element, "package")?)?);
            }
            (Item::Start("location", element), Some(package)) => {
                package.href = Some(xml::required(element, "href")?);
            }
            (Item::End("checksum", text), Some(package)) => package.id = (*text).to_owned(),
            (Item::End("name", text), Some(package)) => package.name = (*text).to_owned(),
            (Item::End("arch", text), Some(package)) => package.arch = (*text).to_owned(),
            _ => {}
        }
        let ends = matches!(item, Item::End("package", _));
        if let Some(package) = &mut current {
            package.said.take(&item)?;
        }
        if ends {
            packages.extend(current.take());
        }
        Ok(())
    })?;
    match stated.map(|stated| xml::number::<usize>("packages", &stated)).transpose()? {
        Some(stated) if stated != packages.len() => {
            Err(format!("it has {} packages, and says to have {stated}", packages.len()))
        }
        _ => Ok(packages),
    }
}

/// Puts together what the three say of each package.
fn listed(primary: Vec<Found>, others: [Vec<Found>; 2], problems: &mut Vec<Problem>) -> Vec<Listed> {
    let mut others = others.map(|packages| {
        packages.into_iter().map(|package| (package.id, package.said)).collect::<HashMap<_, _>>()
    });
    let mut listed = Vec::with_capacity(primary.len());
    let mut seen: HashMap<String, String> = HashMap::new();
    for package in primary {
        let nevra = format!("{}-{}.{}", package.name, package.version, package.arch);
        let mut wrong =
            |problem: String| problems.push(Problem::new(ProblemKind::Metadata, nevra.clone(), problem));
        let checksum = match digest(package.algorithm.as_deref(), &package.id) {
            Ok(checksum) => checksum,
            Err(problem) => {
                wrong(problem);
                continue;
            }
        };
        let (Some(href), Some(size)) = (package.href, package.size) else {
            wrong("it has no location or no size".to_owned());
            continue;
        };
        if let Err(problem) = location::beneath(&href) {
            wrong(format!("its location `{}` is not gone to: {problem}", xml::shortened(&href)));
            continue;
        }
        if let Some(first) = seen.insert(nevra.clone(), href.clone()) {
            wrong(format!("it is listed twice: {first} and {href}"));
        }
        let [filelists, other] = others.each_mut().map(|said| said.remove(&package.id));
        for (kind, said) in KINDS.iter().skip(1).zip([&filelists, &other]) {
            if said.is_none() {
                wrong(format!("it is not in {kind}"));
            }
        }
        let said = [Some(package.said), filelists, other];
        listed.push(Listed { nevra, href, size, checksum, said });
    }
    for (kind, left) in KINDS.iter().skip(1).zip(others) {
        if !left.is_empty() {
            let problem = format!("{} packages in it are not in primary", left.len());
            problems.push(Problem::new(ProblemKind::Metadata, *kind, problem));
        }
    }
    listed
}
