//! The source package: all that another machine needs to build the same, without modgraft.

use std::sync::Arc;

use super::assemble::{Common, sorted};
use super::debugsource::upstream_files;
use super::documents::Documents;
use super::dropin::DropIns;
use super::file;
use super::names::Unique;
use super::{Error, File, Inputs, Package, PackageKind, Relation, features};

/// One source, in the spec's order.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Plain file name.
    pub name: String,
    /// What it is to the build.
    pub role: Role,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
}

/// What a source is to the build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// The flattened C file, which is compiled.
    Flat,
    /// Installed as the file that loads the module.
    Load,
    /// Installed as the file with the directives.
    Directives,
    /// The document with this number, installed.
    Document(usize),
    /// An archive of upstream's files that its lines are from, unpacked beside it for debuggers.
    Upstream,
    /// There for people, and to make it all again: recipe, patches, rules.
    Origin,
}

pub(super) fn list(
    inputs: &Inputs<'_>,
    common: &Common,
    drop_ins: &DropIns,
    documents: &Documents,
) -> Result<Vec<Listed>, Error> {
    let mut names = Unique::default();
    // Never another source's name.
    names.take(&format!("{}.spec", common.name));
    let mut listed = Vec::new();
    let mut add = |name: &str, role: Role, bytes: Arc<[u8]>| {
        listed.push(Listed { name: names.take(name), role, bytes });
    };
    let base = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let (flat_name, flat_text) = inputs.flat_source;
    add(flat_name, Role::Flat, flat_text.as_bytes().into());
    add(&base(&common.places.load_file), Role::Load, drop_ins.load.as_bytes().into());
    if let Some(text) = &drop_ins.directives {
        add(&base(&common.places.directives_file), Role::Directives, text.as_bytes().into());
    }
    for (index, document) in documents.files.iter().enumerate() {
        add(&document.name, Role::Document(index), document.bytes.clone());
    }
    add("module.toml", Role::Origin, inputs.recipe.text.as_bytes().into());
    for patch in &inputs.sources.patches {
        // Only the last part: a series may name its files with folders.
        add(&base(&patch.name), Role::Origin, patch.bytes.clone());
    }
    for (name, bytes) in inputs.extra_sources {
        add(&base(name), Role::Origin, bytes.clone());
    }
    if let Some((name, bytes)) = upstream(inputs, common)? {
        add(&name, Role::Upstream, bytes);
    }
    Ok(listed)
}

/// A file's name and its bytes.
type Named = (String, Arc<[u8]>);

/// One archive of upstream's files, under their own paths in a folder of the archive's name. Its name says whether they are
/// upstream's byte by byte, as for a module that no patch brings.
fn upstream(inputs: &Inputs<'_>, common: &Common) -> Result<Option<Named>, Error> {
    let (flat, _) = inputs.flat_source;
    let mut files = upstream_files(&inputs.upstream.files).filter(|(path, _)| *path != flat).peekable();
    if files.peek().is_none() {
        return Ok(None);
    }
    let what = if inputs.upstream.pristine { "upstream" } else { "sources" };
    let top = format!("{}-{}-{what}", inputs.recipe.name, common.version);
    let mut archive = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(common.time);
        archive.append_data(&mut header, format!("{top}/{path}"), &**bytes)?;
    }
    Ok(Some((format!("{top}.tar"), archive.into_inner()?.into())))
}

pub(super) fn package(
    common: &Common,
    listed: Vec<Listed>,
    spec_name: &str,
    spec_text: &str,
    debugsource: Option<&Package>,
) -> Package {
    let sources = listed.iter().map(|source| source.name.clone()).collect();
    let mut files: Vec<File> =
        listed.into_iter().map(|source| File::text(source.name, source.bytes)).collect();
    files.push(File::text(spec_name, spec_text.as_bytes()).flagged(file::SPEC));
    let mut package = common.package(PackageKind::Source, common.name.clone(), files);
    let evr = package.evr();
    let mut requires: Vec<Relation> = common.build_requires.iter().map(Relation::any).collect();
    requires.extend(features::of(&package));
    package.requires = sorted(requires);
    // The packages that the spec makes.
    let mut made = vec![common.name.clone(), format!("{}-debuginfo", common.name)];
    made.extend(debugsource.map(|package| package.name.clone()));
    package.provides = sorted(made.into_iter().map(|name| Relation::equal(name, &evr)).collect());
    package.sources = sources;
    package
}
