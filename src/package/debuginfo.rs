//! The package with the debug information, laid out as rpmbuild's find-debuginfo lays it out.

use super::assemble::{Common, sorted};
use super::binary::own_names;
use super::debugsource::Named;
use super::file::{self, File};
use super::relation::{EQUAL, FIND_PROVIDES};
use super::{Inputs, Package, PackageKind, Relation, features};
use crate::hash::hex;

const ROOT: &str = "/usr/lib/debug";

pub(super) fn package(
    inputs: &Inputs<'_>,
    common: &Common,
    sources: &Named,
    debugsource: Option<&Package>,
) -> Package {
    let module = format!("{}/{}.so", common.places.module_dir, inputs.recipe.name);
    let debug_file = format!("{ROOT}{module}{}.debug", common.path(&common.profile.packaging.debug_suffix));

    let mut files = vec![File::directory(ROOT)];
    // Every folder from the root to the debug file, as find-debuginfo lists them.
    files.extend(
        common
            .places
            .module_dir
            .match_indices('/')
            .skip(1)
            .map(|(end, _)| end)
            .chain([common.places.module_dir.len()])
            .map(|end| File::directory(format!("{ROOT}{}", &common.places.module_dir[..end]))),
    );
    let mut debug = File::disk(&debug_file, &inputs.object.debug_file, 0o444);
    debug.class = "ELF shared object, with debug_info, not stripped".to_owned();
    files.push(debug);

    let mut provides = Vec::new();
    let build_id = hex(&inputs.object.build_id);
    // A build id of one byte would have no file name; the linker's have twenty.
    if let Some((start, rest)) = build_id.split_at_checked(2).filter(|(_, rest)| !rest.is_empty()) {
        let folder = format!("{ROOT}/.build-id/{start}");
        let provided = Relation {
            name: "debuginfo(build-id)".to_owned(),
            version: build_id.clone(),
            flags: EQUAL | FIND_PROVIDES,
        };
        let mut link = File::symlink(format!("{folder}/{rest}.debug"), format!("../../../../..{debug_file}"));
        link.provides = vec![provided.clone()];
        provides.push(provided);
        let made = [
            File::directory(format!("{ROOT}/.build-id")),
            File::directory(&folder),
            File::symlink(format!("{folder}/{rest}"), format!("../../../../..{module}")),
            link,
        ];
        files.extend(made.map(|file| file.flagged(file::ARTIFACT)));
    }

    if debugsource.is_none() {
        files.extend(sources.to_files());
    }

    let mut package = common.package(PackageKind::Debuginfo, format!("{}-debuginfo", common.name), files);
    provides.extend(own_names(&package.name, &package.evr(), common));
    package.provides = sorted(provides);
    package.requires = sorted(features::of(&package));
    package.recommends = debugsource
        .map(|package| Relation::equal(format!("{}{}", package.name, common.machine.mark()), package.evr()))
        .into_iter()
        .collect();
    package.group = "Development/Debug";
    // In the words of rpm's own %debug_package.
    package.summary = format!("Debug information for package {}", common.name);
    package.description = format!(
        "This package provides debug information for package {}.\nDebug information is useful when developing \
         applications that use this\npackage or when debugging this package.",
        common.name
    );
    package
}
