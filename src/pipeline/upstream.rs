//! Upstream's own files of a module: what debuggers show, and what the source package has beside the C file.

use std::sync::Arc;

use super::graft::Graft;
use crate::package::Upstream;
use crate::source::Error;

/// The files that lines of the C file are from. A release has some 60 MiB, of which a package with one module needs none but
/// these.
///
/// Of a module that no patch brings they are as they are upstream, byte by byte. Where patches bring it, they are as the patches
/// leave them: whole where the base tree is there, else with the lines that the hunks show.
///
/// # Errors
/// [`Error`] where the tree cannot be read any more.
pub fn files(graft: &Graft) -> Result<Upstream, Error> {
    let sources = &graft.adapted.unit.sources;
    let tree = graft.ready.sources.base.as_ref().filter(|_| graft.ready.sources.patches.is_empty());
    let Some(tree) = tree else {
        let text = |(path, text): (&Arc<str>, &Arc<str>)| (path.to_string(), Arc::from(text.as_bytes()));
        return Ok(Upstream { files: sources.iter().map(text).collect(), pristine: false });
    };
    let mut upstream = Upstream { pristine: true, ..Upstream::default() };
    for path in sources.keys() {
        if let Some(bytes) = tree.read(path)? {
            upstream.files.insert(path.to_string(), bytes);
        }
    }
    Ok(upstream)
}
