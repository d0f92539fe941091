//! The sources that the debug information names, where a debugger looks for them: `/usr/src/debug/NAME-VERSION-RELEASE.ARCH`, as
//! rpmbuild's find-debuginfo lays them out. By distribution they are a package of their own or part of the debuginfo package.
//!
//! They are the flat C file, and upstream's files that its `#line` directives name. Of a file of which patches show parts only,
//! these parts stand on their own lines, and the lines between are empty: nobody has the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};
use std::sync::Arc;

use super::assemble::{Common, sorted};
use super::binary::own_names;
use super::file::File;
use super::{Error, Inputs, Package, PackageKind, features};
use crate::layout::debug_sources;
use crate::profile::DebugSources;

const ROOT: &str = "/usr/src/debug";

/// Upstream's files, from which the lines of the flat C file are.
#[derive(Debug, Clone, Default)]
pub struct Upstream {
    /// Path in upstream's tree, and bytes; line N is line N of upstream's file.
    pub files: BTreeMap<String, Arc<[u8]>>,
    /// Whether they are whole, as upstream has them; else they have been patched, and may be known in parts.
    pub pristine: bool,
}

/// What a debugger shows of a module.
pub(super) struct Named {
    folder: String,
    files: BTreeMap<String, Arc<[u8]>>,
}

impl Named {
    /// Of the files at hand those that the debug information names.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Elf`] where it cannot be read.
    pub(super) fn find(inputs: &Inputs<'_>, common: &Common) -> Result<Self, Error> {
        let path = &inputs.object.debug_file;
        let content = fs_err::read(path)?;
        let named = debug_sources(&content)
            .map_err(|reason| Error::Elf { path: path.clone(), reason })?
            .into_iter()
            .collect::<BTreeSet<String>>();
        let (flat_name, flat_text) = inputs.flat_source;
        let flat = (flat_name.to_owned(), Arc::from(flat_text.as_bytes()));
        // The flat file's name is its own, whatever upstream has in its top folder.
        let at_hand =
            upstream_files(&inputs.upstream.files).map(|(path, bytes)| (path.clone(), bytes.clone()));
        let files = at_hand.chain([flat]).filter(|(path, _)| named.contains(path)).collect();
        Ok(Named {
            folder: format!(
                "{ROOT}/{}-{}-{}.{}",
                common.name, common.version, common.release, common.machine.name
            ),
            files,
        })
    }

    /// With all folders. rpm keeps no class for them.
    pub(super) fn to_files(&self) -> Vec<File> {
        if self.files.is_empty() {
            return Vec::new();
        }
        let mut folders = BTreeSet::from([self.folder.clone()]);
        for path in self.files.keys() {
            folders
                .extend(path.match_indices('/').map(|(end, _)| format!("{}/{}", self.folder, &path[..end])));
        }
        let files = self.files.iter().map(|(path, bytes)| File {
            class: String::new(),
            ..File::text(format!("{}/{path}", self.folder), bytes.clone())
        });
        folders.into_iter().map(File::directory).chain(files).collect()
    }

    /// The package of their own, where the distribution has one.
    pub(super) fn package(&self, common: &Common) -> Option<Package> {
        if common.profile.packaging.debug_sources != DebugSources::Debugsource || self.files.is_empty() {
            return None;
        }
        let name = format!("{}-debugsource", common.name);
        let mut package = common.package(PackageKind::Debugsource, name, self.to_files());
        package.provides = sorted(own_names(&package.name, &package.evr(), common).into());
        package.requires = sorted(features::of(&package));
        package.group = "Development/Debug";
        // In the words of rpm's own %debug_package.
        package.summary = format!("Debug sources for package {}", common.name);
        package.description = format!(
            "This package provides debug sources for package {}.\nDebug sources are useful when developing \
             applications that use this\npackage or when debugging this package.",
            common.name
        );
        Some(package)
    }
}

/// Those whose paths stay beneath the folder that they are put into.
pub(super) fn upstream_files(
    files: &BTreeMap<String, Arc<[u8]>>,
) -> impl Iterator<Item = (&String, &Arc<[u8]>)> {
    let plain = |path: &str| {
        !path.is_empty()
            && !path.chars().any(char::is_control)
            && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
            && !path.contains("//")
            && !path.ends_with('/')
    };
    files.iter().filter(move |(path, _)| plain(path))
}
