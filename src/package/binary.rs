//! The module's own package.

use super::assemble::{Common, sorted};
use super::documents::Documents;
use super::dropin::DropIns;
use super::file::{self, File};
use super::relation::CONFIG;
use super::{Error, Inputs, Package, PackageKind, Relation, elf, features};

pub(super) fn package(
    inputs: &Inputs<'_>,
    common: &Common,
    drop_ins: &DropIns,
    documents: &Documents,
) -> Result<Package, Error> {
    let file_name = format!("{}.so", inputs.recipe.name);
    let found = elf::read(&inputs.object.file, &file_name, common.profile.packaging.soname_provides)?;
    let path = format!("{}/{file_name}", common.places.module_dir);
    // rpm looks for dependencies in executable files only.
    let mut module = File::disk(path, &inputs.object.file, 0o755);
    module.class = found.class;
    module.color = found.color;
    module.provides = found.provides;
    module.requires = found.requires;

    let drop_in =
        |path: &str, text: &str| File::text(path, text.as_bytes()).flagged(file::CONFIG | file::NOREPLACE);
    let mut files = vec![module, drop_in(&common.places.load_file, &drop_ins.load)];
    files.extend(drop_ins.directives.as_ref().map(|text| drop_in(&common.places.directives_file, text)));
    files.extend(documents.to_files());

    let mut package = common.package(PackageKind::Binary, common.name.clone(), files);
    let evr = package.evr();
    let config = || Relation::equal(format!("config({})", package.name), &evr).with(CONFIG);
    let in_files =
        |of: fn(&File) -> &[Relation]| package.files.iter().flat_map(of).cloned().collect::<Vec<_>>();
    let mut requires = in_files(|file| &file.requires);
    requires.extend(common.of_httpd.iter().map(|(relation, _)| relation.clone()));
    let package_name = |module: &String| common.profile.packaging.package_named(module);
    requires.extend(inputs.requires.iter().map(|module| Relation::any(package_name(module))));
    requires.extend(features::of(&package));
    requires.push(config());
    let mut provides = in_files(|file| &file.provides);
    provides.extend(own_names(&package.name, &evr, common));
    provides.push(config());
    package.requires = sorted(requires);
    package.provides = sorted(provides);
    Ok(package)
}

/// What every package provides: its name, and its name with the instruction set.
pub(super) fn own_names(name: &str, evr: &str, common: &Common) -> [Relation; 2] {
    [Relation::equal(name, evr), Relation::equal(format!("{name}{}", common.machine.mark()), evr)]
}
