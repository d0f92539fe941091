//! Lints of where the source comes from, and of the files beside a recipe.

use std::path::{Component, Path, PathBuf};

use super::{Found, Subject};
use crate::source::{Base, SourceSpec, Unpinned, is_remote};

/// A path as the recipe's folder lists it.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

pub(super) fn file_missing(subject: &Subject) -> Vec<Found> {
    let mut found = Vec::new();
    let mut look = |path: &Path, steps: &[super::places::Step<'_>]| {
        let plain = plain(path);
        // What is outside of the recipe's folder, or hidden in it, is not known here; the source stage looks there.
        let known = |part: Component<'_>| matches!(part, Component::Normal(name) if !name.to_string_lossy().starts_with('.'));
        let there = || subject.files.iter().any(|file| file.starts_with(&plain));
        if plain.components().all(known) && !there() {
            let message = format!("there is no {} beside the recipe", path.display());
            let help = "put the file there, or correct its name; paths are relative to the recipe's folder";
            found.push(subject.found(steps, message, help));
        }
    };
    match &subject.recipe.source {
        SourceSpec::Patches { files, base } => {
            for (number, file) in files.iter().enumerate() {
                look(file, &["source".into(), "patches".into(), number.into()]);
            }
            if let Some(Base::Directory(folder)) = base {
                look(folder, &["source".into(), "base".into()]);
            }
        }
        SourceSpec::Release { tarball, .. } if !tarball.contains("://") => {
            look(Path::new(tarball), &["source".into(), "tarball".into()]);
        }
        SourceSpec::Tree { directory, .. } => look(directory, &["source".into(), "directory".into()]),
        SourceSpec::Commit { .. } | SourceSpec::Release { .. } | SourceSpec::Revision { .. } => {}
    }
    for (number, header) in subject.recipe.headers.iter().enumerate() {
        look(header, &["headers".into(), number.into()]);
    }
    let keys = [
        ("license-files", crate::recipe::DocumentKind::License),
        ("documentation", crate::recipe::DocumentKind::Documentation),
    ];
    for (key, kind) in keys {
        let of_kind = subject.recipe.documents.iter().filter(|document| document.kind == kind);
        for (number, document) in of_kind.enumerate() {
            look(&document.path, &[key.into(), number.into()]);
        }
    }
    found
}

pub(super) fn patch_unused(subject: &Subject) -> Vec<Found> {
    let SourceSpec::Patches { files, .. } = &subject.recipe.source else { return Vec::new() };
    let is_patch = |path: &&PathBuf| {
        path.components().count() == 1
            && path.extension().is_some_and(|ending| ending == "patch" || ending == "diff")
    };
    let named: Vec<PathBuf> = files.iter().map(|file| plain(file)).collect();
    let unused = subject.files.iter().filter(is_patch).filter(|path| !named.contains(path));
    unused
        .map(|path| {
            let message = format!("{} stands beside the recipe, which does not name it", path.display());
            subject.found(
                &["source".into(), "patches".into()],
                message,
                "add it to `patches`, or take it away",
            )
        })
        .collect()
}

pub(super) fn revision_moves(subject: &Subject) -> Vec<Found> {
    let SourceSpec::Patches { base: Some(base), .. } = &subject.recipe.source else { return Vec::new() };
    let Some(Unpinned::Revision { revision, .. }) = base.unpinned() else { return Vec::new() };
    let help =
        "write the commit's 40 digits, in lower case, behind the @: a branch moves, and a tag can be moved";
    let message = format!("the base is {revision}, which may be another commit tomorrow");
    vec![subject.found(&["source".into(), "base".into()], message, help)]
}

pub(super) fn source_local(subject: &Subject) -> Vec<Found> {
    let leaves =
        |path: &Path| path.is_absolute() || path.components().any(|part| part == Component::ParentDir);
    let (key, place) = match &subject.recipe.source {
        SourceSpec::Patches { base: Some(Base::Directory(path)), .. } if leaves(path) => {
            ("base", path.display().to_string())
        }
        SourceSpec::Patches { base: Some(Base::Git { repository, .. }), .. } if !is_remote(repository) => {
            ("base", repository.clone())
        }
        SourceSpec::Commit { url, .. } | SourceSpec::Revision { url, .. } if !is_remote(url) => {
            ("git", url.clone())
        }
        SourceSpec::Release { tarball, .. }
            if tarball.starts_with("file:") || (!tarball.contains("://") && leaves(Path::new(tarball))) =>
        {
            ("tarball", tarball.clone())
        }
        SourceSpec::Tree { directory, .. } if leaves(directory) => {
            ("directory", directory.display().to_string())
        }
        _ => return Vec::new(),
    };
    let help = "name upstream's address with a commit or a digest, or put the files beside the recipe";
    vec![subject.found(&["source".into(), key.into()], format!("{place} is on this machine only"), help)]
}

pub(super) fn source_http(subject: &Subject) -> Vec<Found> {
    let (key, url) = match &subject.recipe.source {
        SourceSpec::Commit { url, .. } | SourceSpec::Revision { url, .. } => ("git", url),
        SourceSpec::Release { tarball, .. } => ("tarball", tarball),
        SourceSpec::Patches { base: Some(Base::Git { repository, .. }), .. } => ("base", repository),
        _ => return Vec::new(),
    };
    if !url.starts_with("http://") && !url.starts_with("git://") {
        return Vec::new();
    }
    let help = "write https://: the digest tells a changed source, but not what one asked for";
    vec![subject.found(&["source".into(), key.into()], "the source is fetched without TLS", help)]
}
