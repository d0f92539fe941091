//! A recipe to start from.

use std::path::{Component, Path, PathBuf};

use super::clock::stage;
use crate::address;
use crate::changeset::{self, ModuleFound};
use crate::paths;
use crate::report::{Event, Reporter, Stage};
use crate::scaffold::{self, Draft, Known, TreeFacts};
use crate::source::{self, Base, Snapshot, SourceSpec, Tree};

/// What a recipe is started from.
#[derive(Debug, Clone)]
pub enum Beginning {
    /// Patch files, which are copied beside the recipe, and the tree that they apply to.
    Patches {
        /// In order.
        files: Vec<PathBuf>,
        /// A folder or a revision.
        base: Option<Base>,
    },
    /// One commit.
    Commit(Base),
    /// A whole tree.
    Tree {
        /// Which.
        tree: Snapshot,
        /// As it was typed, for its name.
        called: String,
        /// The C file of the module in it; looked for where it is missing.
        file: Option<String>,
    },
}

/// Starting a recipe.
#[derive(Debug, Clone)]
pub struct NewRecipe {
    /// What from.
    pub beginning: Beginning,
    /// The folder in which the recipe's folder is made.
    pub out: PathBuf,
    /// The module, where the source brings several: its name or its symbol.
    pub module: Option<String>,
    /// Whether the network is forbidden.
    pub offline: bool,
}

/// Makes the recipe's folder, with its `module.toml` and what belongs beside it; tells the path of the file.
///
/// # Errors
/// What the source stage refuses; [`scaffold::Error`]. Nothing is left behind then.
pub fn new_recipe(new: &NewRecipe, reporter: &dyn Reporter) -> Result<(), crate::Error> {
    let options = source::Options { cache: paths::cache(), offline: new.offline };
    let begun =
        stage(reporter, Stage::Source, || begin(&new.beginning, &options), |begun| begun.spec_words.clone())?;
    let sources = source::fetch(&begun.spec, Path::new(""), &options)?;
    let changeset = changeset::read(&sources, &[])?;
    let base = sources.base.as_ref();
    let module = changeset::single_module(&changeset, base, new.module.as_deref())?;
    let listing = changeset::listing(&changeset, base, &module)?;
    let changeset = changeset.focused_on(&module)?.listed(listing.as_ref(), base)?;
    let facts = changeset::describe(&changeset, &module, listing.as_ref());
    let whole = begun.tree.as_ref().map(|(tree, _)| tree).or(sources.base.as_ref());
    let of_httpd = match whole {
        Some(tree) => source::httpd_version(tree)?.is_some(),
        None => module.file.starts_with("modules/"),
    };
    let tree = match (&begun.tree, whole) {
        (Some((tree, called)), _) if !of_httpd => TreeFacts::read(tree, &module, called)?,
        (_, Some(tree)) if of_httpd => TreeFacts::of_httpd(tree)?,
        _ => TreeFacts::default(),
    };
    let texts: Vec<_> = changeset
        .files
        .iter()
        .filter(|file| matches!(file.class, changeset::Class::ModuleSource | changeset::Class::PrivateHeader))
        .map(|file| match &file.text {
            changeset::FileText::Whole { after, .. } => after.clone(),
            changeset::FileText::Fragments(fragments) => {
                let lines = fragments.iter().flat_map(|fragment| &fragment.lines);
                lines.map(|line| line.text.as_str()).collect::<String>().into()
            }
        })
        .collect();
    let headers = match &begun.tree {
        Some((tree, _)) if !of_httpd => {
            let sources = changeset.files.iter().filter(|file| !file.class.is_stripped());
            let included = sources.filter_map(|file| match &file.text {
                changeset::FileText::Whole { after, .. } => Some(changeset::included(&file.path, after)),
                changeset::FileText::Fragments(_) => None,
            });
            scaffold::made_by_configure(tree, &included.flatten().collect())?
        }
        _ => Vec::new(),
    };
    let folder = new.out.join(&module.name);
    let spec = beside(&begun.spec, &folder).map_err(scaffold::Error::from)?;
    let known = Known {
        module: &module,
        of_httpd,
        facts: &facts,
        listing: listing.as_ref(),
        texts: &texts,
        tree: &tree,
        headers: &headers,
        source: &spec,
    };
    let draft = scaffold::draft(&known);
    let file = write(&draft, &tree, &headers, &begun.spec, &folder)?;
    tell(&module, &draft, reporter);
    reporter.event(Event::Results { files: vec![file] });
    Ok(())
}

/// A source that is exact, and its tree where it is a whole one.
struct Begun {
    spec: SourceSpec,
    spec_words: String,
    tree: Option<(Tree, String)>,
}

fn begin(beginning: &Beginning, options: &source::Options) -> Result<Begun, crate::Error> {
    match beginning {
        Beginning::Patches { files, base } => {
            let base = match base {
                Some(Base::Git { repository, .. }) => Some(Base::Git {
                    repository: repository.clone(),
                    revision: commit_of(base.clone(), options)?.1,
                }),
                other => other.clone(),
            };
            let spec_words =
                files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ");
            Ok(Begun { spec: SourceSpec::Patches { files: files.clone(), base }, spec_words, tree: None })
        }
        Beginning::Commit(base) => {
            let (url, commit) = commit_of(Some(base.clone()), options)?;
            let spec_words = format!("commit {commit} of {}", address::shown(&url));
            Ok(Begun { spec: SourceSpec::Commit { url, commit }, spec_words, tree: None })
        }
        Beginning::Tree { tree: snapshot, called, file } => {
            let named: Vec<String> = file.iter().cloned().collect();
            let spec = snapshot.pin(&named, options)?;
            let tree = source::tree(&spec, Path::new(""), options)?.ok_or(scaffold::Error::Nothing)?;
            let spec = match file {
                Some(_) => spec,
                None => spec.with_files(vec![scaffold::main_file(&tree)?]),
            };
            Ok(Begun { spec, spec_words: called.clone(), tree: Some((tree, called.clone())) })
        }
    }
}

/// Repository and full commit id of a revision.
fn commit_of(base: Option<Base>, options: &source::Options) -> Result<(String, String), crate::Error> {
    let base = base.ok_or(scaffold::Error::Nothing)?;
    match Snapshot::Tree(base).pin(&[], options)? {
        SourceSpec::Revision { url, commit, .. } => Ok((url, commit)),
        _ => Err(scaffold::Error::Nothing.into()),
    }
}

/// The source as a recipe in `folder` names it: what goes there by its name, folders by the way to them.
fn beside(spec: &SourceSpec, folder: &Path) -> std::io::Result<SourceSpec> {
    let name = |path: &Path| PathBuf::from(path.file_name().unwrap_or(path.as_os_str()));
    Ok(match spec.clone().shown() {
        SourceSpec::Patches { files, base } => SourceSpec::Patches {
            files: files.iter().map(|file| name(file)).collect(),
            base: match base {
                Some(Base::Directory(directory)) => Some(Base::Directory(way(folder, &directory)?)),
                other => other,
            },
        },
        SourceSpec::Release { tarball, sha256, files } if !tarball.contains("://") => SourceSpec::Release {
            tarball: name(Path::new(&tarball)).to_string_lossy().into_owned(),
            sha256,
            files,
        },
        SourceSpec::Tree { directory, files } => {
            SourceSpec::Tree { directory: way(folder, &directory)?, files }
        }
        other => other,
    })
}

/// The relative way from a folder, which need not be there, to another.
fn way(from: &Path, to: &Path) -> std::io::Result<PathBuf> {
    let real = |path: &Path| -> std::io::Result<PathBuf> {
        let path = std::path::absolute(path)?;
        let there = path.ancestors().find_map(|outer| Some((outer, fs_err::canonicalize(outer).ok()?)));
        Ok(match there {
            Some((outer, real)) => real.join(path.strip_prefix(outer).unwrap_or(Path::new(""))),
            None => path,
        })
    };
    let (from, to) = (real(from)?, real(to)?);
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    let down = to.components().skip(common);
    let way: PathBuf = up.chain(down).collect();
    Ok(if way.as_os_str().is_empty() { PathBuf::from(".") } else { way })
}

/// Writes all files into a folder beside the place, and moves that there.
fn write(
    draft: &Draft,
    tree: &TreeFacts,
    headers: &[scaffold::Header],
    spec: &SourceSpec,
    folder: &Path,
) -> Result<PathBuf, scaffold::Error> {
    let parent = folder.parent().unwrap_or(Path::new("."));
    if fs_err::symlink_metadata(folder).is_ok() {
        return Err(scaffold::Error::Exists(folder.to_owned()));
    }
    fs_err::create_dir_all(parent)?;
    let work = tempfile::Builder::new().prefix(".modgraft-new-").tempdir_in(parent)?;
    let made = work.path().join("recipe");
    fs_err::create_dir(&made)?;
    for paper in tree.licenses.iter().chain(&tree.documentation) {
        fs_err::write(made.join(&paper.name), &paper.bytes)?;
    }
    for header in headers {
        let place = made.join(&header.path);
        fs_err::create_dir_all(place.parent().unwrap_or(&made))?;
        fs_err::write(place, &header.text)?;
    }
    let copied: Vec<PathBuf> = match spec {
        SourceSpec::Patches { files, .. } => files.clone(),
        SourceSpec::Release { tarball, .. } if !tarball.contains("://") => vec![PathBuf::from(tarball)],
        _ => Vec::new(),
    };
    for file in copied {
        if let Some(name) = file.file_name() {
            fs_err::copy(&file, made.join(name))?;
        }
    }
    let name = "module.toml";
    let mut out = fs_err::File::create_new(made.join(name))?;
    std::io::Write::write_all(&mut out, draft.text.as_bytes())?;
    out.sync_all()?;
    // A folder that has come meanwhile, and is not empty, is not replaced by rename(2).
    match fs_err::rename(&made, folder) {
        Ok(()) => Ok(folder.join(name)),
        Err(_) if folder.exists() => Err(scaffold::Error::Exists(folder.to_owned())),
        Err(error) => Err(error.into()),
    }
}

fn tell(module: &ModuleFound, draft: &Draft, reporter: &dyn Reporter) {
    reporter.note(format!("{} defines {}", module.file, module.symbol));
    for left in &draft.left {
        reporter.note(format!("left to write: {left}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_a_folder_is_relative() {
        let here = tempfile::tempdir().unwrap();
        fs_err::create_dir_all(here.path().join("third/src")).unwrap();
        let way = |from: &str, to: &str| way(&here.path().join(from), &here.path().join(to)).unwrap();
        assert_eq!(way("modules/mod_x", "third/src"), Path::new("../../third/src"));
        assert_eq!(way("third", "third/src"), Path::new("src"));
        assert_eq!(way("third", "third"), Path::new("."));
    }
}
