//! Which file an `#include` of the files in play means.

use std::collections::HashSet;

use miette::SourceSpan;

use super::parts::{Part, PartKind, Parts, Site};
use super::{Error, Interface, Upstream};
use crate::c::DeclarationKind;
use crate::c::directive::Include;
use crate::libraries;
use crate::source::path::{folder, joined};

/// Standard headers that are now and then included with quotes.
const STANDARD: &[&str] = &[
    "assert.h",
    "ctype.h",
    "errno.h",
    "fcntl.h",
    "inttypes.h",
    "limits.h",
    "math.h",
    "signal.h",
    "stdarg.h",
    "stddef.h",
    "stdint.h",
    "stdio.h",
    "stdlib.h",
    "string.h",
    "strings.h",
    "syslog.h",
    "time.h",
    "unistd.h",
];

/// Folders of httpd's tree that each of its compiler calls searches for headers, as `configure` says by `INCLUDES`.
const SEARCHED: &[&str] = &[
    "os/unix",
    "modules/aaa",
    "modules/arch/unix",
    "modules/cache",
    "modules/core",
    "modules/database",
    "modules/dav/main",
    "modules/filters",
    "modules/generators",
    "modules/http",
    "modules/http2",
    "modules/ldap",
    "modules/loggers",
    "modules/mappers",
    "modules/md",
    "modules/metadata",
    "modules/proxy",
    "modules/session",
    "modules/slotmem",
    "modules/ssl",
    "server",
];

/// Headers that httpd's build makes for the machine that it runs on, and by what.
const GENERATED: &[(&str, &str)] = &[
    ("test_char.h", "server/gen_test_char.c"),
    ("ap_config_auto.h", "configure"),
    ("ap_config_layout.h", "configure"),
];

/// Follows the includes of the module's own files: headers that the patches bring become the module's own; what the
/// target does not have either is taken from the base tree, or refused.
pub(super) fn resolve(
    parts: &mut Parts,
    base: Option<&dyn Upstream>,
    offered: &dyn Interface,
) -> Result<(), Error> {
    let mut waiting: Vec<(usize, bool)> = parts.own().map(|(part, _)| (part, false)).collect();
    waiting.reverse();
    let mut seen = HashSet::new();
    while let Some((part, conditional)) = waiting.pop() {
        if !seen.insert((part, conditional)) {
            continue;
        }
        for (piece, path, inner) in quoted(parts, part) {
            let conditional = conditional || inner;
            if let Some(found) = brought(parts, part, &path, offered) {
                parts.included.insert(Site { part, piece }, found);
                parts.make_own(found);
                waiting.push((found, conditional));
            } else if offered.has_header(&path) || STANDARD.contains(&path.as_str()) {
                // The target's own.
            } else if let Some(found) = in_base(parts, part, &path, base)? {
                parts.included.insert(Site { part, piece }, found);
                parts.make_own(found);
                waiting.push((found, conditional));
            } else if !conditional && libraries::of_header(&path).is_none() {
                return Err(missing(parts, Site { part, piece }, &path, base)?);
            }
        }
    }
    // Of the shared files only what the base tree has beside them: their other headers are the target's business.
    let donors: Vec<usize> = parts.donors().map(|(part, _)| part).collect();
    for part in donors {
        for (_, path, _) in quoted(parts, part) {
            if brought(parts, part, &path, offered).is_none() && !offered.has_header(&path) {
                in_base(parts, part, &path, base)?;
            }
        }
    }
    Ok(())
}

fn quoted(parts: &Parts, part: usize) -> Vec<(usize, String, bool)> {
    let Some(file) = parts.get(part) else { return Vec::new() };
    let found = file.includes().filter_map(|(piece, include, conditional)| match include.0 {
        Include::Quoted(path) => Some((piece, path.to_owned(), conditional)),
        _ => None,
    });
    found.collect()
}

/// The header in play that `path` means: in the includer's folder, or by the end of its path.
fn brought(parts: &Parts, from: usize, path: &str, offered: &dyn Interface) -> Option<usize> {
    let beside = parts.get(from).and_then(|part| joined(folder(&part.path), path));
    let usable = |kind: PartKind, added: bool| match kind {
        PartKind::PrivateHeader => true,
        // A header of httpd that the patches touch is the target's, as long as it has it.
        PartKind::SharedHeader => added && !offered.has_header(path),
        PartKind::BaseHeader => true,
        PartKind::Module | PartKind::SharedSource | PartKind::TreeSource | PartKind::TreeHeader => false,
    };
    let headers = || {
        parts.iter().filter(|(_, part)| {
            usable(part.kind, part.before.is_none() && part.hunks.lines.is_empty())
                && !(offered.has_header(path) && kept_by_target(parts, part, offered))
        })
    };
    headers()
        .find(|(_, part)| beside.as_deref() == Some(&*part.path))
        .or_else(|| headers().find(|(_, part)| ends_with_path(&part.path, path)))
        .map(|(found, _)| found)
}

/// Whether the target, and not the module, provides a function that the header promises: then the target's own header
/// says how it is called there.
fn kept_by_target(parts: &Parts, header: &Part, offered: &dyn Interface) -> bool {
    let promised = header.file.declarations().filter(|one| one.kind == DeclarationKind::Prototype);
    let mut names = promised.flat_map(|one| &one.names);
    names.any(|name| offered.exported_by(name).is_some()) && !is_kept_by_module(parts, header)
}

/// Whether the module's sources define a function that the header promises.
pub(super) fn is_kept_by_module(parts: &Parts, header: &Part) -> bool {
    let sources = || parts.iter().filter(|(_, part)| part.kind == PartKind::Module);
    let defines = |name: &String| {
        let mut all = sources().flat_map(|(_, part)| part.file.find(name));
        all.any(|(_, found)| found.kind != DeclarationKind::Prototype)
    };
    let promised = header.file.declarations().filter(|one| one.kind == DeclarationKind::Prototype);
    promised.flat_map(|one| &one.names).any(defines)
}

fn ends_with_path(whole: &str, end: &str) -> bool {
    let end = end.trim_start_matches("../").trim_start_matches("./");
    whole.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

fn in_base(
    parts: &mut Parts,
    from: usize,
    path: &str,
    base: Option<&dyn Upstream>,
) -> Result<Option<usize>, Error> {
    let Some(base) = base else { return Ok(None) };
    // Beside the includer, then in httpd's public folder, then beside the other files in play.
    let mut folders: Vec<String> =
        parts.get(from).map(|part| folder(&part.path).to_owned()).into_iter().collect();
    folders.push("include".to_owned());
    folders.extend(parts.iter().map(|(_, part)| folder(&part.path).to_owned()));
    folders.extend(SEARCHED.iter().map(|folder| (*folder).to_owned()));
    let mut tried = HashSet::new();
    for candidate in folders.iter().filter_map(|folder| joined(folder, path)) {
        if !tried.insert(candidate.clone()) {
            continue;
        }
        if let Some((found, _)) = parts.iter().find(|(_, part)| *part.path == *candidate && part.is_header())
        {
            return Ok(Some(found));
        }
        let text = base.read(&candidate).map_err(|reason| Error::Base { path: candidate.clone(), reason })?;
        if let Some(text) = text {
            return Ok(Some(parts.push_base_header(&candidate, text)));
        }
    }
    // httpd's own build has a `-I` for most folders of modules: the only header of that name.
    if let [only] = &named(path, base)?[..] {
        if let Some(found) = parts.at_path(only) {
            return Ok(parts.get(found).is_some_and(Part::is_header).then_some(found));
        }
        let text = base.read(only).map_err(|reason| Error::Base { path: only.clone(), reason })?;
        return Ok(text.map(|text| parts.push_base_header(only, text)));
    }
    Ok(None)
}

/// The files of the tree that a path may mean by its end.
fn named(path: &str, base: &dyn Upstream) -> Result<Vec<String>, Error> {
    let all = base.c_files().map_err(|reason| Error::Base { path: path.to_owned(), reason })?;
    Ok(all.iter().filter(|other| ends_with_path(other, path)).cloned().collect())
}

fn missing(parts: &Parts, site: Site, header: &str, base: Option<&dyn Upstream>) -> Result<Error, Error> {
    let name = header.rsplit('/').next().unwrap_or(header);
    let home = parts.get(site.part).map_or("", |part| folder(&part.path));
    let input = joined(home, &format!("{header}.in"));
    let read = |base: &dyn Upstream| match &input {
        Some(path) => base.read(path).map_err(|reason| Error::Base { path: path.clone(), reason }),
        None => Ok(None),
    };
    let help = if let Some((_, maker)) = GENERATED.iter().find(|(generated, _)| *generated == name) {
        format!(
            "httpd's own build makes it by {maker}, and the target's packages do not ship it: what is in it is the target's \
             affair, so it cannot be taken from anywhere else; take the header from the build of the target's httpd into the \
             patch or the recipe's files"
        )
    } else if base.map(read).transpose()?.flatten().is_some() {
        format!(
            "upstream's configure makes it from {header}.in: add the header that it made to the recipe's files"
        )
    } else if let Some(several) = several(header, base)? {
        format!(
            "the base tree has several of that name, and which of them upstream's build means is not known: add one of \
             {several} to the recipe's files"
        )
    } else if base.is_some() {
        "the base tree does not have it either: it may be generated by configure, or belong to a library whose development \
         package is not installed"
            .to_owned()
    } else {
        "give the tree that the patch applies to with --base, or add the header to the recipe's files"
            .to_owned()
    };
    let part = parts.get(site.part);
    let source_code =
        part.map_or_else(|| miette::NamedSource::new("", "".into()), |part| part.named_source());
    let range = part.map_or(0..0, |part| part.file.range(site.piece));
    let text: &str = source_code.inner();
    let written = text.get(range.clone()).unwrap_or_default();
    let start = range.start + written.find(header).unwrap_or(0);
    let at = SourceSpan::new(start.into(), header.len());
    Ok(Error::MissingHeader { header: header.to_owned(), source_code, at, help })
}

/// The headers of that name where the tree has more than one, some of them at least.
fn several(header: &str, base: Option<&dyn Upstream>) -> Result<Option<String>, Error> {
    const SHOWN: usize = 4;
    let named = base.map_or_else(|| Ok(Vec::new()), |base| named(header, base))?;
    Ok((named.len() > 1).then(|| named[..named.len().min(SHOWN)].join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_and_stay_inside() {
        assert_eq!(joined("modules/x", "../y/a.h").as_deref(), Some("modules/y/a.h"));
        assert_eq!(joined("modules/x", "./a.h").as_deref(), Some("modules/x/a.h"));
        assert_eq!(joined("x", "../../a.h"), None);
        assert!(ends_with_path("modules/x/a.h", "a.h"));
        assert!(ends_with_path("modules/x/a.h", "../x/a.h"));
        assert!(!ends_with_path("modules/x/ba.h", "a.h"));
    }
}
