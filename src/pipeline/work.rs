//! Folders for what is needed during one run and is no result.

use std::io;

use tempfile::TempDir;

use crate::report::Reporter;

/// One that goes with the value.
pub(super) fn folder() -> io::Result<TempDir> {
    builder().tempdir()
}

/// One that may be kept, which is told.
pub(super) fn folder_kept(keep: bool, reporter: &dyn Reporter) -> io::Result<TempDir> {
    let folder = builder().disable_cleanup(keep).tempdir()?;
    if keep {
        reporter.note(format!("the work folder stays: {}", folder.path().display()));
    }
    Ok(folder)
}

fn builder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("modgraft-");
    builder
}
