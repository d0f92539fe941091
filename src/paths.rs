//! Where modgraft keeps what outlives a run, by the XDG base directory specification.

use std::env;
use std::path::PathBuf;

use crate::environment;

/// The folder for what can be fetched or computed again: `$MODGRAFT_CACHE`, `$XDG_CACHE_HOME/modgraft` or
/// `~/.cache/modgraft`; below the system's temporary folder where there is no home.
pub fn cache() -> PathBuf {
    environment::var("MODGRAFT_CACHE").map(PathBuf::from).unwrap_or_else(|| xdg("XDG_CACHE_HOME", ".cache"))
}

/// The folder for what cannot be made again (the development key): `$MODGRAFT_DATA`, `$XDG_DATA_HOME/modgraft` or
/// `~/.local/share/modgraft`.
pub fn data() -> PathBuf {
    environment::var("MODGRAFT_DATA")
        .map(PathBuf::from)
        .unwrap_or_else(|| xdg("XDG_DATA_HOME", ".local/share"))
}

fn xdg(variable: &str, below_home: &str) -> PathBuf {
    // The specification: a relative path in an XDG variable is invalid and must be ignored.
    let set = environment::var(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || env::home_dir().filter(|home| home.is_absolute()).map(|home| home.join(below_home));
    set.or_else(home)
        .unwrap_or_else(|| environment::temporary().join("modgraft-home").join(below_home))
        .join("modgraft")
}
