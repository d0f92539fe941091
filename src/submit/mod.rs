//! Builds of source packages elsewhere: by mock, Copr, Koji and the Open Build Service, each through its own client.
//!
//! A source package stands alone: its spec builds with the distribution's own httpd-devel. What comes back is believed only
//! after its source package was compared with ours, file by file, and all of it was read. Tokens and passwords stay in the clients' configuration:
//! none of them is known here.

mod client;
mod content;
mod copr;
mod error;
mod koji;
mod mock;
mod obs;
mod results;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

pub use client::Clients;
pub use content::Content;
pub use copr::Copr;
pub use error::Error;
pub use koji::Koji;
pub use mock::Mock;
pub use obs::Obs;
pub use results::{Fetched, gather, logs};

use crate::rpm;

/// A source package that is to be built.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file, absolute.
    pub path: PathBuf,
    /// The file's name.
    pub file: String,
    /// The package's name.
    pub name: String,
    /// Its version, without the release: that is the build service's, which may count its builds in it.
    pub version: String,
    /// Its summary.
    pub summary: String,
    /// Its files.
    pub content: Content,
}

impl Source {
    /// Reads a source package, in every byte.
    ///
    /// # Errors
    /// [`Error::NotASource`]; [`rpm::Error`] where it is none or damaged.
    pub fn read(path: &Path) -> Result<Self, crate::Error> {
        let package = rpm::Existing::open(path)?;
        drop(package);
        let inspection = rpm::inspect(path)?;
        if !inspection.is_source {
            return Err(Error::NotASource { path: path.to_owned() }.into());
        }
        let content = Content::read(path)?;
        let path = fs_err::canonicalize(path).map_err(Error::from)?;
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let rpm::Inspection { name, version, summary, .. } = inspection;
        name_of(&name, "package")?;
        Ok(Source { path, file, name, version, summary, content })
    }
}

/// A build that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Build {
    /// `copr`.
    pub engine: &'static str,
    /// What the service calls it: a number, or PROJECT/PACKAGE.
    pub id: String,
    /// The source package's file name.
    pub source: String,
    /// A command that follows it.
    pub follow: String,
    /// What `modgraft submit` is given to follow and fetch it.
    pub fetch: String,
    /// Whether it goes on when nobody follows it.
    pub remote: bool,
}

impl fmt::Display for Build {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} build {} of {}", self.engine, self.id, self.source)
    }
}

/// How a build ended.
#[derive(Debug, Default)]
pub struct Finished {
    /// The folders of what was fetched, by their names beneath the folder that was given.
    pub places: Vec<Place>,
}

/// A chroot, repository or configuration that was built for.
#[derive(Debug)]
pub struct Place {
    /// The folder.
    pub name: String,
    /// Why it has no packages; the service's own words.
    pub failure: Option<Vec<String>>,
    /// Packages that the service says it has, by their files' names.
    pub listed: Vec<String>,
}

/// A build service.
pub trait Engine {
    /// The program that speaks to it.
    fn program(&self) -> &'static str;

    /// Asks for the builds of a source package.
    ///
    /// # Errors
    /// Where the client fails.
    fn submit(&self, source: &Source, clients: &Clients<'_>) -> Result<Vec<Build>, Error>;

    /// A build that was asked for before.
    ///
    /// # Errors
    /// [`Error::Id`].
    fn known(&self, id: &str, source: &Source) -> Result<Build, Error>;

    /// Waits for a build's end, and lays down its packages and logs beneath `clients.folder`: each place's in a folder.
    ///
    /// # Errors
    /// Where the client fails. A build that failed is none.
    fn finish(&self, build: &Build, source: &Source, clients: &Clients<'_>) -> Result<Finished, Error>;
}

/// Refuses what a client would take for an option, or what could not be a folder's name.
///
/// # Errors
/// [`Error::Name`].
pub fn name_of(name: &str, what: &'static str) -> Result<(), Error> {
    let plain = |letter: char| !letter.is_whitespace() && !letter.is_control() && letter != '/';
    let good = !name.is_empty() && !name.starts_with(['-', '.']) && name.chars().all(plain);
    if good { Ok(()) } else { Err(Error::Name { what, name: name.to_owned() }) }
}

/// The number that an id is.
fn number(id: &str, engine: &'static str) -> Result<u64, Error> {
    id.parse().map_err(|_| Error::Id {
        id: id.to_owned(),
        engine,
        form: "it is a number, as the service counts",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_be_options_or_paths_are_refused() {
        for bad in ["", "-r", ".", "..", "a/b", "a b", "a\n"] {
            assert!(name_of(bad, "chroot").is_err(), "{bad:?}");
        }
        for good in ["epel-8-x86_64", "home:user:modules", "@group", "openSUSE_Leap_15.6"] {
            assert!(name_of(good, "chroot").is_ok(), "{good:?}");
        }
    }
}
