//! Upstream's own files of a module that no patch brings, as one archive for the source package.

use std::sync::Arc;

use super::graft::Graft;
use crate::source::Error;

/// A file's name and bytes.
type Named = (String, Arc<[u8]>);

/// The archive. Nothing where patches bring the module: those are in the source package themselves.
///
/// A release has some 60 MiB, of which a package with one module needs none but what went into its C file: those files are
/// there as they are upstream, byte by byte, under their own paths.
///
/// # Errors
/// [`Error`] where the tree cannot be read any more.
pub fn archive(graft: &Graft, time: u64) -> Result<Option<Named>, Error> {
    let Some(tree) = graft.ready.sources.base.as_ref().filter(|_| graft.ready.sources.patches.is_empty())
    else {
        return Ok(None);
    };
    let top = format!("{}-{}-upstream", graft.ready.recipe.name, graft.ready.recipe.version);
    let mut archive = tar::Builder::new(Vec::new());
    for path in graft.adapted.unit.sources.keys() {
        let Some(bytes) = tree.read(path)? else { continue };
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(time);
        archive.append_data(&mut header, format!("{top}/{path}"), &*bytes)?;
    }
    Ok(Some((format!("{top}.tar"), archive.into_inner()?.into())))
}
