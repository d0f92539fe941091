//! The passphrase: from the environment or a file, never from the command line, never printed.

use std::env;
use std::fmt;
use std::path::Path;

use super::Error;

/// A passphrase, or none. Its `Debug` form does not show it.
#[derive(Clone, Default)]
pub struct Passphrase(Option<String>);

impl Passphrase {
    /// `$MODGRAFT_PASSPHRASE`, or the first line of the file that `$MODGRAFT_PASSPHRASE_FILE` names.
    ///
    /// # Errors
    /// Where that file cannot be read.
    pub fn from_environment() -> Result<Self, Error> {
        if let Ok(passphrase) = env::var("MODGRAFT_PASSPHRASE") {
            return Ok(Passphrase(Some(passphrase)));
        }
        match env::var_os("MODGRAFT_PASSPHRASE_FILE") {
            Some(path) => Passphrase::from_file(Path::new(&path)),
            None => Ok(Passphrase(None)),
        }
    }

    /// The first line of a file.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let text = fs_err::read_to_string(path)?;
        Ok(Passphrase(Some(text.lines().next().unwrap_or_default().to_owned())))
    }

    pub(super) fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl From<&str> for Passphrase {
    fn from(text: &str) -> Self {
        Passphrase(Some(text.to_owned()))
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Passphrase(…)" } else { "Passphrase(none)" })
    }
}
