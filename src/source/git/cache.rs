//! One bare repository per url beneath the cache, holding only the commits that were asked for.
//!
//! A commit comes with its parent's whole tree (`--depth=2`), not as a partial clone: later stages read any file of the base
//! tree, and none of those reads may go to the network.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use walkdir::WalkDir;

use super::{Kind, LOCAL, Location, Objects, Repository, check_url, command, is_full_id, last_line};
use crate::address::shown;
use crate::hash::sha256;
use crate::source::commit::Commit;
use crate::source::{Error, Options};
use crate::{environment, locking, process};

/// For a fetch: all of httpd's history is some hundred megabytes, and lines are slow.
const FETCH: Duration = Duration::from_secs(3600);

/// How much of a history to fetch.
#[derive(Debug, Clone, Copy)]
enum Depth {
    /// The commit and so many before it, itself counted.
    Commits(u32),
    /// Everything that branches and tags reach.
    Whole,
}

/// The cached repository of one url.
#[derive(Debug)]
pub(in crate::source) struct Cache<'a> {
    url: &'a str,
    /// The url for messages: without a password.
    name: String,
    directory: PathBuf,
    offline: bool,
}

impl<'a> Cache<'a> {
    /// The place for `url`; nothing is fetched yet.
    pub(in crate::source) fn of(url: &'a str, options: &Options) -> Result<Cache<'a>, Error> {
        check_url(url)?;
        // Nor does the place depend on a password: what was fetched with one is found without.
        let called = shown(url);
        // The url's last part is for a person who looks into the cache, the digest for uniqueness.
        let last: String = called
            .trim_end_matches('/')
            .rsplit(['/', ':'])
            .next()
            .unwrap_or_default()
            .trim_end_matches(".git")
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_')
            .take(40)
            .collect();
        let directory =
            options.cache.join("git").join(format!("{last}-{}.git", &sha256(called.as_bytes())[..16]));
        Ok(Cache { url, name: called, directory, offline: options.offline })
    }

    /// The place for the branches of `url` with all their history, but without the files' content; nothing is fetched yet.
    pub(in crate::source) fn of_history(url: &'a str, options: &Options) -> Result<Cache<'a>, Error> {
        let cache = Cache::of(url, options)?;
        let directory = cache.directory.with_extension("history.git");
        Ok(Cache { directory, ..cache })
    }

    /// A repository with the branches as they are there now, and the branch that is checked out there.
    pub(in crate::source) fn branches(&self) -> Result<Repository, Error> {
        let local = self.may_fetch(&format!("the history of {}", self.name))?;
        let _lock = self.lock()?;
        self.create()?;
        let repository = self.repository();
        for (name, value) in [
            ("remote.origin.url", self.url),
            ("remote.origin.promisor", "true"),
            // Content of files is most of a history, and no log reads it.
            ("remote.origin.partialCloneFilter", "blob:none"),
            ("extensions.partialClone", "origin"),
            ("core.repositoryFormatVersion", "1"),
        ] {
            let mut command = repository.command();
            process::succeed(command.args(["config", name, value]), LOCAL)?;
        }
        self.clean()?;
        let mut command = self.fetching(local);
        command.args(["--prune", "--filter=blob:none", "--force"]);
        silence_ssh(&mut command)?;
        command.args(["origin", "+refs/heads/*:refs/heads/*"]);
        let output = self.run(&mut command)?;
        if !output.status.success() {
            return Err(self.explain(&String::from_utf8_lossy(&output.stderr)));
        }
        let mut command = repository.command();
        if local {
            command.env("GIT_ALLOW_PROTOCOL", "file");
        }
        silence_ssh(&mut command)?;
        let output = process::output(command.args(["ls-remote", "--symref", "origin", "HEAD"]), FETCH)?;
        let said = String::from_utf8_lossy(&output.stdout);
        let own = said.lines().find_map(|line| line.strip_prefix("ref: ")?.strip_suffix("\tHEAD"));
        if let Some(own) = own.filter(|own| own.starts_with("refs/heads/")) {
            let mut command = repository.command();
            process::succeed(command.args(["symbolic-ref", "HEAD", own]), LOCAL)?;
        }
        // What is missing stays missing: no log needs it.
        Ok(repository.offline(true))
    }

    /// A repository that has the commit of this full id and its first parent's tree.
    pub(in crate::source) fn commit(&self, id: &str) -> Result<Repository, Error> {
        self.ensure(id, true)?;
        Ok(self.repository())
    }

    /// A repository that has the commit which `revision` means, and its full id.
    pub(in crate::source) fn revision(&self, revision: &str) -> Result<(Repository, String), Error> {
        let id = revision.to_ascii_lowercase();
        if is_full_id(&id) {
            self.ensure(&id, false)?;
            return Ok((self.repository(), id));
        }
        if !is_ref_name(revision) {
            return Err(self.unknown_revision(revision));
        }
        let reference = format!("refs/modgraft/names/{revision}");
        let fetched = self.fetch_name(revision, &reference);
        if let Err(reason) = fetched {
            // What was fetched before is the best that can be had offline.
            let known = if self.offline && self.directory.is_dir() {
                self.repository().resolve(&self.name, &reference).ok()
            } else {
                None
            };
            return known.map(|id| (self.repository(), id)).ok_or(reason);
        }
        let id = self.repository().resolve(&self.name, &reference)?;
        Ok((self.repository(), id))
    }

    /// Fetches a branch or tag into `reference`.
    fn fetch_name(&self, name: &str, reference: &str) -> Result<(), Error> {
        let local = self.may_fetch(&format!("revision {name} of {}", self.name))?;
        let _lock = self.lock()?;
        match self.fetch(local, Depth::Commits(1), &[format!("+{name}:{reference}")])? {
            None => Ok(()),
            Some(said) if said.contains("find remote ref") || said.contains("not our ref") => {
                Err(self.unknown_revision(name))
            }
            Some(said) => Err(self.explain(&said)),
        }
    }

    fn repository(&self) -> Repository {
        Repository::at(&self.directory).offline(self.offline)
    }

    fn unknown_revision(&self, revision: &str) -> Error {
        Error::UnknownRevision { repository: self.name.clone(), revision: revision.to_owned() }
    }

    /// Sees to it that the commit, and if asked its parent's tree, are there.
    fn ensure(&self, id: &str, parent: bool) -> Result<(), Error> {
        if self.has(id, parent)? {
            return Ok(());
        }
        let local = self.may_fetch(&format!("commit {id} of {}", self.name))?;
        let _lock = self.lock()?;
        // Another modgraft may have fetched it while this one waited for the lock.
        if self.has(id, parent)? {
            return Ok(());
        }
        let depth = if parent { 2 } else { 1 };
        let wanted = format!("+{id}:refs/modgraft/commits/{id}");
        let Some(said) = self.fetch(local, Depth::Commits(depth), &[wanted])? else { return Ok(()) };
        if said.contains("not our ref") {
            return Err(self.unknown_commit(id));
        }
        // An old server gives only what a branch or tag names, and a plain file server knows no depth.
        let refuses = ["unadvertised object", "find remote ref", "shallow capabilities", "support shallow"];
        if !refuses.iter().any(|words| said.contains(words)) {
            return Err(self.explain(&said));
        }
        let all = ["heads", "tags"].map(|kind| format!("+refs/{kind}/*:refs/modgraft/{kind}/*"));
        if let Some(said) = self.fetch(local, Depth::Whole, &all)? {
            return Err(self.explain(&said));
        }
        if self.has(id, false)? { Ok(()) } else { Err(self.unknown_commit(id)) }
    }

    fn unknown_commit(&self, id: &str) -> Error {
        Error::UnknownCommit { url: self.name.clone(), commit: id.to_owned() }
    }

    /// Whether the commit is there, and if asked its parent's tree.
    fn has(&self, id: &str, parent: bool) -> Result<bool, Error> {
        if !self.directory.is_dir() {
            return Ok(false);
        }
        let mut objects = Objects::open(&self.repository())?;
        let Some(bytes) = objects.get_kind(id, Kind::Commit)? else { return Ok(false) };
        // git writes a commit only after the trees and files it needs, so a parent commit stands for its tree.
        // What a shallow repository says of parents is not asked: the commit's own text has them.
        match Commit::parse(&bytes).parents.first() {
            Some(first) if parent => Ok(objects.get_kind(first, Kind::Commit)?.is_some()),
            _ => Ok(true),
        }
    }

    /// Whether to fetch: `true` where only this machine is asked, an error where the network is needed and forbidden.
    fn may_fetch(&self, what: &str) -> Result<bool, Error> {
        if !self.offline {
            return Ok(false);
        }
        let mut command = command();
        command.args(["ls-remote", "--get-url", self.url]);
        let output = process::succeed(&mut command, LOCAL)?;
        let actual = String::from_utf8_lossy(&output.stdout);
        if actual.starts_with("file://") || Location::of(actual.trim()) == Location::Path {
            return Ok(true);
        }
        Err(Error::Offline {
            what: what.to_owned(),
            help: format!(
                "run once without --offline, or let a copy on this machine stand in: \
                 `git config --global url.PATH.insteadOf {}`",
                self.name
            ),
        })
    }

    /// Fetches into the cache. Returns what git said where it failed.
    fn fetch(&self, local: bool, depth: Depth, wanted: &[String]) -> Result<Option<String>, Error> {
        self.create()?;
        self.clean()?;
        let mut command = self.fetching(local);
        match depth {
            Depth::Commits(count) => {
                command.arg(format!("--depth={count}"));
            }
            Depth::Whole if self.directory.join("shallow").exists() => {
                command.arg("--unshallow");
            }
            Depth::Whole => {}
        }
        silence_ssh(&mut command)?;
        command.arg(self.url).args(wanted);
        let output = self.run(&mut command)?;
        if output.status.success() {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    /// Runs a `git fetch`. What one that failed had got by then helps no other: it goes, as the disk may be full.
    fn run(&self, fetch: &mut Command) -> Result<Output, Error> {
        let output = process::output(fetch, FETCH);
        if !output.as_ref().is_ok_and(|output| output.status.success()) {
            // Why it failed is more to the point than that something stays, which the next fetch removes.
            let _ = self.clean();
        }
        Ok(output?)
    }

    /// `git fetch` with what every fetch needs.
    fn fetching(&self, local: bool) -> Command {
        let mut command = Repository::at(&self.directory).command();
        for setting in [
            "gc.auto=0",
            "maintenance.auto=false",
            "fetch.writeCommitGraph=false",
            "http.lowSpeedLimit=1000",
            "http.lowSpeedTime=120",
        ] {
            command.args(["-c", setting]);
        }
        command.args(["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--update-shallow"]);
        if local {
            command.env("GIT_ALLOW_PROTOCOL", "file");
        }
        command
    }

    /// Makes the empty repository, whole or not at all.
    fn create(&self) -> Result<(), Error> {
        if self.directory.is_dir() {
            return Ok(());
        }
        let parent = self.directory.parent().unwrap_or(Path::new("."));
        let fresh = tempfile::Builder::new().prefix(".new-").tempdir_in(parent)?;
        let mut command = command();
        command
            .env("GIT_DEFAULT_HASH", "sha1")
            .args(["init", "--quiet", "--bare", "--template="])
            .arg(fresh.path());
        process::succeed(&mut command, LOCAL)?;
        fs_err::rename(fresh.keep(), &self.directory)?;
        Ok(())
    }

    /// Removes what a fetch that failed or was killed left behind; the lock of [`Cache::lock`] is held, so nobody is using it.
    fn clean(&self) -> Result<(), Error> {
        let stale = self.directory.join("shallow.lock");
        if stale.exists() {
            fs_err::remove_file(stale)?;
        }
        // Packs in the making, and single objects.
        let files = WalkDir::new(self.directory.join("objects")).min_depth(2).max_depth(2);
        for file in files.into_iter().flatten().filter(|entry| entry.file_type().is_file()) {
            if file.file_name().to_string_lossy().starts_with("tmp_") {
                fs_err::remove_file(file.path())?;
            }
        }
        Ok(())
    }

    /// Keeps other runs of modgraft from fetching into the same repository until the file is dropped.
    fn lock(&self) -> Result<fs_err::File, Error> {
        let parent = self.directory.parent().unwrap_or(Path::new("."));
        fs_err::create_dir_all(parent)?;
        let file = fs_err::File::create(self.directory.with_extension("lock"))?;
        let interrupted = |_| match process::interrupted() {
            true => Err(Error::from(process::Error::Interrupted)),
            false => Ok(()),
        };
        locking::wait(|| file.file().try_lock(), interrupted)?;
        Ok(file)
    }

    /// What git's words mean.
    fn explain(&self, said: &str) -> Error {
        const NETWORK: &[&str] = &[
            "Could not resolve",
            "Connection refused",
            "Connection timed out",
            "Connection reset",
            "Failed to connect",
            "Couldn't connect",
            "unable to connect",
            "Network is unreachable",
            "No route to host",
            "Operation too slow",
            "timed out",
            "early EOF",
            "SSL",
            "TLS",
            "returned error: 5",
        ];
        const REPOSITORY: &[&str] = &[
            "not found",
            "does not appear to be a git repository",
            "does not exist",
            "not a git repository",
            "dubious ownership",
            "Could not read from remote",
            "could not read Username",
            "could not read Password",
            "Authentication failed",
            "Permission denied",
            "returned error: 4",
            "not allowed",
        ];
        // In the C library's words.
        const DISK: &[(&str, io::ErrorKind)] = &[
            ("No space left on device", io::ErrorKind::StorageFull),
            ("Disk quota exceeded", io::ErrorKind::QuotaExceeded),
            ("Read-only file system", io::ErrorKind::ReadOnlyFilesystem),
        ];
        let (url, detail) = (self.name.clone(), last_line(said));
        let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
        // The server may have a full disk, too.
        let own = |words: &str| said.lines().any(|line| !line.starts_with("remote:") && line.contains(words));
        if let Some((_, kind)) = DISK.iter().find(|(words, _)| own(words)) {
            Error::Io(io::Error::new(*kind, format!("git could not fetch from {url}: {detail}")))
        } else if has(NETWORK) {
            Error::Network { url, detail }
        } else if has(REPOSITORY) {
            Error::Repository { url, detail }
        } else {
            Error::Git { action: format!("fetch from {url}"), detail }
        }
    }
}

/// Tells ssh never to ask. It would read from the terminal, which a program in a process group of its own cannot, and
/// stand still for ever. What the user set is kept where an option cannot be added to it.
fn silence_ssh(command: &mut Command) -> Result<(), Error> {
    if environment::var("GIT_SSH_COMMAND").is_some() || environment::var("GIT_SSH").is_some() {
        return Ok(());
    }
    let mut asked = self::command();
    asked.args(["config", "--get", "core.sshCommand"]);
    let output = process::output(&mut asked, LOCAL)?;
    let set = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let ssh = if set.is_empty() { "ssh" } else { &set };
    command.env("GIT_SSH_COMMAND", format!("{ssh} -oBatchMode=yes"));
    Ok(())
}

/// Whether a branch or tag can have this name (what matters of `git check-ref-format`, and no refspec syntax).
fn is_ref_name(name: &str) -> bool {
    let bad_part = |part: &str| {
        part.is_empty() || part.starts_with('.') || part.ends_with(".lock") || part.ends_with('.')
    };
    !name.starts_with(['-', '+'])
        && !name.contains("..")
        && !name.contains("@{")
        && !name.chars().any(|c| c.is_control() || " ~^:?*[\\".contains(c))
        && !name.split('/').any(bad_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_refspec_would_misread_are_no_names() {
        for name in ["2.4.x", "refs/heads/trunk", "feature/x-1", "v2.4.62"] {
            assert!(is_ref_name(name), "{name}");
        }
        for name in [
            "-x", "+x", "a:b", "a..b", "HEAD~1", "HEAD^", "x@{1}", "a b", "a/", "/a", "a//b", ".x", "x.lock",
            "*",
        ] {
            assert!(!is_ref_name(name), "{name}");
        }
    }
}
