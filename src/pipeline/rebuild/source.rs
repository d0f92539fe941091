//! What a source package of modgraft's holds, laid out as packaging reads it.
//!
//! Its files stand in a fixed order (`package::source`), by which each is known: names may have been changed where two were
//! alike.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Component, Path};
use std::sync::Arc;

use super::Error;
use crate::beneath::Beneath;
use crate::package::Upstream;
use crate::recipe::{self, Recipe};
use crate::rpm;
use crate::source::{PatchFile, Sources};

/// All its files together. Bytes.
const MOST: u64 = 1 << 30;

const MANIFEST: &str = "module.toml";

/// How many documents modgraft writes: GRAFT.md.
const NOTES: usize = 1;

/// What packages are made of, beside the object.
pub struct Unpacked {
    pub recipe: Recipe,
    /// Name and text of the C file.
    pub flat: (String, String),
    pub sources: Sources,
    /// Rules and overlays.
    pub extra: Vec<(String, Arc<[u8]>)>,
    /// Documents that modgraft wrote.
    pub notes: Vec<(String, Arc<[u8]>)>,
    pub upstream: Upstream,
}

/// Name and bytes.
type Named = (String, Arc<[u8]>);

/// Reads a source package; `folder`, which is empty, gets the recipe's own files.
///
/// # Errors
/// A package that is damaged, or holds other files than modgraft puts there.
pub fn unpack(srpm: &Path, folder: &Path) -> Result<Unpacked, crate::Error> {
    let order = rpm::sources(srpm)?;
    let wrong = |reason: String| -> crate::Error {
        super::super::Error::from(Error::Source { srpm: srpm.to_owned(), reason }).into()
    };
    let files = read(srpm)?;
    let mut listed = Vec::new();
    for name in order {
        let bytes = files.get(&name).cloned().ok_or_else(|| wrong(format!("`{name}` is not in it")))?;
        listed.push((name, bytes));
    }
    let at = listed.iter().position(|(name, _)| name == MANIFEST);
    let at = at.ok_or_else(|| wrong(format!("it has no {MANIFEST}, so modgraft did not make it")))?;
    let mut behind = listed.split_off(at + 1);
    let manifest = text(&listed.pop().unwrap_or_default()).map_err(wrong)?;
    let keys = Keys::read(&manifest).map_err(wrong)?;

    // In front of the recipe: the C file, drop-ins, the recipe's documents, modgraft's notes.
    let Some(documents) =
        listed.len().checked_sub(keys.documents.len() + NOTES).filter(|_| listed.len() > NOTES)
    else {
        return Err(wrong("documents that its recipe names are not in it".to_owned()));
    };
    let mut own_documents = listed.split_off(documents);
    let notes = own_documents.split_off(keys.documents.len());
    let flat = listed.first().ok_or_else(|| wrong("it has no C file".to_owned()))?;
    let flat = (flat.0.clone(), text(flat).map_err(wrong)?);

    // Behind it: patches, rules and overlays, upstream's files.
    if behind.len() < keys.patches.len() {
        return Err(wrong("patches that its recipe names are not in it".to_owned()));
    }
    let mut extra = behind.split_off(keys.patches.len());
    let patches = behind.into_iter().map(|(name, bytes)| PatchFile::new(name, bytes, None)).collect();
    if extra.len() < keys.compat.len() {
        return Err(wrong("rules that its recipe names are not in it".to_owned()));
    }
    let is_archive = |named: &Named| named.0.ends_with("-upstream.tar") || named.0.ends_with("-sources.tar");
    let archive = extra.pop_if(|last| is_archive(last));
    let upstream = match archive {
        Some((name, bytes)) => from_archive(&name, &bytes).map_err(|error| wrong(error.to_string()))?,
        None => Upstream::default(),
    };

    let beside = keys.documents.iter().zip(&own_documents).chain(keys.compat.iter().zip(&extra));
    let lay_out = || -> std::io::Result<()> {
        let beneath = Beneath::open(folder)?;
        let mut laid = std::collections::BTreeSet::new();
        let own = [(MANIFEST.to_owned(), Arc::from(manifest.as_bytes()))];
        let all = beside.map(|(path, (_, bytes))| (path, bytes));
        for (path, bytes) in all.chain(own.iter().map(|(name, bytes)| (name, bytes))) {
            // A document may be named twice.
            if laid.insert(path) {
                beneath.create(Path::new(path), 0o600)?.write_all(bytes)?;
            }
        }
        Ok(())
    };
    lay_out().map_err(|error| wrong(error.to_string()))?;
    let recipe = recipe::read(&folder.join(MANIFEST))?;
    let sources =
        Sources { patches, base: None, files: Vec::new(), description: "source package".to_owned() };
    Ok(Unpacked { recipe, flat, sources, extra, notes, upstream })
}

fn read(srpm: &Path) -> Result<BTreeMap<String, Arc<[u8]>>, rpm::Error> {
    let mut files = BTreeMap::new();
    rpm::each_file(srpm, MOST, &mut |file, content| {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        files.insert(file.path.trim_start_matches("./").to_owned(), Arc::from(bytes));
        Ok::<_, rpm::Error>(())
    })?;
    Ok(files)
}

/// The recipe's keys that say which files are whose.
struct Keys {
    documents: Vec<String>,
    compat: Vec<String>,
    /// How many patches, by their names.
    patches: Vec<String>,
}

impl Keys {
    fn read(manifest: &str) -> Result<Self, String> {
        let table: toml::Table =
            toml::from_str(manifest).map_err(|error| format!("its {MANIFEST}: {}", error.message()))?;
        let list = |value: Option<&toml::Value>| -> Result<Vec<String>, String> {
            let all = value.and_then(toml::Value::as_array).into_iter().flatten();
            all.filter_map(toml::Value::as_str)
                .map(|path| {
                    let inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
                    let plain: std::path::PathBuf = Path::new(path).components().collect();
                    match plain.to_str().filter(|_| Path::new(path).components().all(inside)) {
                        Some(plain) => Ok(plain.to_owned()),
                        None => Err(format!("its recipe names the file `{}`", path.escape_debug())),
                    }
                })
                .collect()
        };
        let source = table.get("source");
        let of_source = |key: &str| source.and_then(|source| source.get(key));
        let commit = of_source("commit").and_then(toml::Value::as_str);
        let patches = match (commit, of_source("files")) {
            // A commit is there as the patch that was made of it.
            (Some(commit), None) => vec![commit.to_owned()],
            _ => of_source("patches")
                .and_then(toml::Value::as_array)
                .into_iter()
                .flatten()
                .map(toml::Value::to_string)
                .collect(),
        };
        let mut documents = list(table.get("license-files"))?;
        documents.extend(list(table.get("documentation"))?);
        Ok(Keys { documents, compat: list(table.get("compat"))?, patches })
    }
}

fn text((name, bytes): &Named) -> Result<String, String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| format!("`{name}` is no UTF-8"))
}

/// The files beneath the archive's top folder.
fn from_archive(name: &str, bytes: &[u8]) -> std::io::Result<Upstream> {
    let mut upstream = Upstream { pristine: name.ends_with("-upstream.tar"), ..Upstream::default() };
    let mut archive = tar::Archive::new(bytes);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        // The folder has the version's own letters, of which the file's name may have lost some.
        if let Some((_, path)) = path.split_once('/') {
            upstream.files.insert(path.to_owned(), content.into());
        }
    }
    Ok(upstream)
}
