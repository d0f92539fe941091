//! What a package says of itself, for programs: beside each one an SPDX document with its files and all that it was made
//! from, and an in-toto statement with SLSA provenance. Neither is signed; the package's own signature does not cover them.
//!
//! They have no clock in them and no path of this machine: the same input gives the same bytes.

mod edits;
mod spdx;
mod statement;

pub(super) use statement::{Binding, Resource, Statement};

use std::path::Path;

use super::Error;
use super::graft::{Graft, compiling};
use super::inputs::Inputs;
use crate::compile::SharedObject;
use crate::package::{Package, PackageSet};
use crate::rpm::{self, WrittenSet};

/// The ending of a package's SPDX document.
const SPDX: &str = "spdx.json";
/// The ending of a package's statement.
const INTOTO: &str = "intoto.json";

/// All that there is to tell of a build.
pub struct Build<'a> {
    pub graft: &'a Graft,
    pub inputs: &'a Inputs,
    pub object: &'a SharedObject,
    pub set: &'a PackageSet,
    pub written: &'a WrittenSet,
    /// What else came of it: name and text.
    pub texts: &'a [(String, &'a str)],
}

/// A package as it was written.
struct Told<'a> {
    package: &'a Package,
    /// Of the file.
    sha256: &'a str,
    /// Of its header, which has the payload's: that of the package whoever signs it.
    header: String,
}

/// The file beside a package that has its statement.
pub fn statement_beside(package: &Path) -> std::path::PathBuf {
    package.with_extension(INTOTO)
}

impl Build<'_> {
    /// Name and text of each file, an SPDX document and a statement for each package.
    ///
    /// # Errors
    /// A package or a file of one that cannot be read any more.
    pub fn files(&self) -> Result<Vec<(String, String)>, crate::Error> {
        let mut told = Vec::new();
        for (package, written) in self.set.packages().zip(self.written.packages()) {
            let header = rpm::header_digest(&written.path)?;
            told.push(Told { package, sha256: &written.sha256, header });
        }
        let statement = statement::Common::new(self, &told)?;
        let mut files = Vec::new();
        for one in &told {
            let nevra = one.package.nevra();
            let document = spdx::document(self, one).map_err(Error::from)?;
            files.push((format!("{nevra}.{SPDX}"), text(&document)));
            files.push((format!("{nevra}.{INTOTO}"), text(&statement.about(one))));
        }
        Ok(files)
    }

    /// What [`super::rebuild`] needs beside the source package.
    fn binding(&self) -> Result<Binding, Error> {
        let Graft { ready, required, adapted, .. } = self.graft;
        let options = compiling(ready, &adapted.unit, Path::new(""))?;
        Ok(Binding {
            symbol: ready.module.symbol.clone(),
            exports: options.exports,
            libraries: options.libraries,
            nevra: options.nevra,
            beside: required.iter().map(|required| required.beside.clone()).collect(),
            requires: self.graft.packages_required(),
            call: self.object.call.arguments.clone(),
        })
    }
}

/// Indented JSON with a final newline.
fn text(value: &impl serde::Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("a document is plain data");
    text.push('\n');
    text
}
