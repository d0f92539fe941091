//! What a source package is made of, whoever packed it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::hash::sha256_from;
use crate::rpm;

/// All its files together. Bytes.
const MOST: u64 = 1 << 30;

/// The files of a source package but its spec, which services change: the Open Build Service writes its own release into it.
/// Each by its name, with its SHA-256: a build that is of others is not of this source package, though name and version are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content(BTreeMap<String, String>);

impl Content {
    /// Reads a source package whole.
    ///
    /// # Errors
    /// [`rpm::Error`] where it is damaged.
    pub fn read(package: &Path) -> Result<Self, rpm::Error> {
        let mut files = BTreeMap::new();
        rpm::each_file(package, MOST, &mut |file, content| {
            let name = file.path.trim_start_matches("./");
            if !name.ends_with(".spec") {
                files.insert(name.to_owned(), sha256_from(content)?);
            }
            Ok::<_, rpm::Error>(())
        })?;
        Ok(Content(files))
    }

    /// A file that only one of the two has, or that is another one there; nothing where they are alike.
    pub fn differing<'c>(&'c self, other: &'c Content) -> Option<&'c str> {
        let mut names = self.0.keys().chain(other.0.keys());
        names.find(|name| self.0.get(*name) != other.0.get(*name)).map(String::as_str)
    }
}
