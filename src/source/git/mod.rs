//! The real git, called so that neither the user's settings nor a terminal can change what comes out.

pub(super) mod cache;
mod objects;
pub(super) mod tree;

pub(super) use objects::{Kind, Objects};

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::Error;
use crate::address::{shown, shown_in};
use crate::process::{self, Running};

/// For what only reads local objects, in seconds.
const LOCAL: Duration = Duration::from_secs(120);

/// Where a repository is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Location {
    /// On this machine, by path.
    Path,
    /// By url or `host:path`.
    Remote,
}

impl Location {
    /// By git's own rule: a url has `://`, `host:path` a colon before any slash; all else is a path.
    pub(super) fn of(text: &str) -> Location {
        let scp = text.find(':').is_some_and(|colon| !text[..colon].contains('/'));
        if text.contains("://") || scp { Location::Remote } else { Location::Path }
    }
}

/// Refuses what git would read as an option or as the name of a helper program (`ext::sh -c …`).
pub(super) fn check_url(url: &str) -> Result<(), Error> {
    let refuse = |problem| Err(Error::Url { url: shown(url), problem });
    if url.is_empty() {
        return refuse("it is empty");
    }
    if url.starts_with('-') {
        return refuse("it begins with `-`");
    }
    if url.chars().any(char::is_control) {
        return refuse("it has a control character in it");
    }
    if let Some((scheme, _)) = url.split_once("::")
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    {
        return refuse("`NAME::` would run a program to fetch with");
    }
    if let Some((scheme, _)) = url.split_once("://")
        && !["https", "http", "ssh", "git", "file", "git+ssh", "ssh+git"].contains(&scheme)
    {
        return refuse("its scheme is unknown");
    }
    Ok(())
}

/// A repository on this machine.
#[derive(Debug, Clone)]
pub(super) struct Repository {
    path: PathBuf,
    bare: bool,
    offline: bool,
}

impl Repository {
    /// The repository that `path` is, or is the working tree of.
    pub(super) fn at(path: &Path) -> Repository {
        // Named outright, a bare repository is accepted where `safe.bareRepository` forbids to find one.
        let bare = path.join("HEAD").is_file() && path.join("objects").is_dir();
        Repository { path: path.to_owned(), bare, offline: false }
    }

    /// The same, forbidden to fetch what a partial clone has not got (git 2.44 and later can be told so).
    pub(super) fn offline(self, offline: bool) -> Repository {
        Repository { offline, ..self }
    }

    /// `git` in this repository.
    pub(super) fn command(&self) -> Command {
        let mut command = command();
        if self.bare {
            let mut option = std::ffi::OsString::from("--git-dir=");
            option.push(&self.path);
            command.arg(option);
        } else {
            command.arg("-C").arg(&self.path);
        }
        if self.offline {
            command.env("GIT_NO_LAZY_FETCH", "1");
        }
        command
    }

    /// The full id of the commit that `revision` means here. `name` is the repository in the user's words.
    pub(super) fn resolve(&self, name: &str, revision: &str) -> Result<String, Error> {
        let mut command = self.command();
        command
            .args(["rev-parse", "--verify", "--quiet", "--end-of-options"])
            .arg(format!("{revision}^{{commit}}"));
        let output = process::output(&mut command, LOCAL)?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if output.status.success() && is_full_id(&text) {
            return Ok(text);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        match said.trim() {
            "" => Err(Error::UnknownRevision { repository: name.to_owned(), revision: revision.to_owned() }),
            said if said.contains("Needed a single revision") => {
                Err(Error::UnknownRevision { repository: name.to_owned(), revision: revision.to_owned() })
            }
            said => Err(Error::Repository { url: name.to_owned(), detail: last_line(said) }),
        }
    }

    /// What `command` writes, `limit` bytes at most (`None`: it was more).
    pub(super) fn bounded(command: &mut Command, action: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = Running::start(command)?;
        let (stdout, stderr) = (running.child().stdout.take(), running.child().stderr.take());
        let mut bytes = Vec::new();
        if let Some(stdout) = stdout {
            stdout.take(limit + 1).read_to_end(&mut bytes)?;
        }
        if bytes.len() as u64 > limit {
            return Ok(None);
        }
        // git's plumbing writes far less on stderr than a pipe holds, so this order cannot lock up.
        let mut said = String::new();
        if let Some(mut stderr) = stderr {
            stderr.read_to_string(&mut said)?;
        }
        let status = running.child().wait()?;
        if process::interrupted() {
            return Err(process::Error::Interrupted.into());
        }
        if !status.success() {
            return Err(Error::Git { action: action.to_owned(), detail: last_line(&said) });
        }
        Ok(Some(bytes))
    }
}

/// `git` with an environment that cannot redirect it, ask for a password, or change its words.
///
/// The user's own settings are read all the same: `url.*.insteadOf`, proxies, credentials and `safe.directory` are theirs to
/// decide. What would alter a result is switched off by name.
pub(super) fn command() -> Command {
    let mut command = Command::new("git");
    // Set by git where modgraft runs inside a hook, or by a user for another repository or another way to show diffs.
    for name in [
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_NAMESPACE",
        "GIT_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_EXTERNAL_DIFF",
        "GIT_DIFF_OPTS",
        "GIT_ATTR_SOURCE",
        "GIT_GRAFT_FILE",
        "GIT_SHALLOW_FILE",
        "GIT_REPLACE_REF_BASE",
    ] {
        command.env_remove(name);
    }
    command.envs([
        ("LC_ALL", "C"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_ASKPASS", "true"),
        ("SSH_ASKPASS_REQUIRE", "never"),
        ("GCM_INTERACTIVE", "never"),
        ("GIT_NO_REPLACE_OBJECTS", "1"),
        ("GIT_ATTR_NOSYSTEM", "1"),
        ("GIT_OPTIONAL_LOCKS", "0"),
    ]);
    command.args([
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "core.attributesFile=/dev/null",
        "-c",
        "core.fsmonitor=false",
    ]);
    command
}

/// Whether `text` is a full SHA-1 commit id in lower case.
pub(super) fn is_full_id(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The line of git's stderr that says what was wrong: the first `fatal:` one, else the last. A url in it may be one that the
/// user's settings put in place of ours: it has no password either.
pub(super) fn last_line(stderr: &str) -> String {
    let mut lines = stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let fatal = lines.clone().find(|line| line.starts_with("fatal:"));
    fatal.or_else(|| lines.next_back()).map_or_else(|| "it gave no reason".to_owned(), shown_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_told_apart_as_git_does() {
        for (text, location) in [
            ("https://example.org/httpd.git", Location::Remote),
            ("git@example.org:httpd.git", Location::Remote),
            ("file:///srv/httpd.git", Location::Remote),
            ("/srv/httpd.git", Location::Path),
            ("../httpd", Location::Path),
            ("./odd:name", Location::Path),
        ] {
            assert_eq!(Location::of(text), location, "{text}");
        }
    }

    #[test]
    fn urls_that_run_programs_or_are_options_are_refused() {
        for url in ["", "--upload-pack=x", "ext::sh -c id", "fd::3", "https://x/\n", "rsync://x/y"] {
            assert!(matches!(check_url(url), Err(Error::Url { .. })), "{url:?}");
        }
        for url in ["https://example.org/x", "git@example.org:x", "/srv/x", "file:///srv/x"] {
            assert!(check_url(url).is_ok(), "{url}");
        }
    }
}
