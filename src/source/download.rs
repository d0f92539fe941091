//! Files by http, into the cache, keyed by their digest.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{Error, Options, sha256};
use crate::process;

/// The largest download, in bytes.
const MAX_DOWNLOAD: u64 = 256 << 20;
/// For a whole download.
const LIMIT: Duration = Duration::from_secs(1800);

/// The file at `url`, whose digest must be `expected`: from the cache, else by curl or wget.
pub(super) fn fetch(url: &str, expected: &str, options: &Options) -> Result<PathBuf, Error> {
    let folder = options.cache.join("downloads");
    let cached = folder.join(expected);
    if cached.is_file() {
        return Ok(cached);
    }
    if options.offline {
        return Err(Error::Offline {
            what: url.to_owned(),
            help: "run once without --offline, or put the file beside the recipe under its own name"
                .to_owned(),
        });
    }
    fs_err::create_dir_all(&folder)?;
    // Beside its final place, so that the rename cannot cross file systems; removed when anything goes wrong.
    let fresh = tempfile::Builder::new().prefix(".new-").tempfile_in(&folder)?;
    run(url, fresh.path())?;
    let found = sha256(&fs_err::read(fresh.path())?);
    if found != expected {
        return Err(Error::Digest { file: url.to_owned(), expected: expected.to_owned(), found });
    }
    fresh.as_file().sync_all()?;
    fresh.persist(&cached).map_err(|error| error.error)?;
    Ok(cached)
}

fn run(url: &str, to: &Path) -> Result<(), Error> {
    let mut curl = Command::new("curl");
    curl.args(["--fail", "--silent", "--show-error", "--location", "--connect-timeout", "30"])
        .args(["--proto", "=http,https", "--proto-redir", "=http,https"])
        .args(["--max-filesize", &MAX_DOWNLOAD.to_string(), "--output"])
        .arg(to)
        .args(["--url", url]);
    let mut wget = Command::new("wget");
    wget.args(["--quiet", "--timeout=30", "--tries=3"]).arg("--output-document").arg(to).args(["--", url]);
    for mut command in [curl, wget] {
        match process::succeed(&mut command, LIMIT) {
            Ok(_) => return Ok(()),
            Err(process::Error::Missing { .. }) => {}
            Err(process::Error::Failed { program, status, stderr }) => {
                let said = stderr.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
                let detail = if said.is_empty() { format!("{program}: {status}") } else { said.to_owned() };
                return Err(Error::Download { url: url.to_owned(), detail });
            }
            Err(other) => return Err(other.into()),
        }
    }
    Err(Error::NoDownloader { url: url.to_owned() })
}
