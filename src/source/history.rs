//! What came after a commit: the commits of upstream's branch that touch some files.

use std::path::Path;

use super::git::cache::Cache;
use super::git::{Location, Repository, check_url, is_full_id};
use super::{Error, Options};
use crate::address::shown;

/// What a log may have at most. Bytes.
const LONGEST: u64 = 64 << 20;

/// What came after a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The branch that was looked at.
    pub branch: String,
    /// Newest first.
    pub commits: Vec<Upcoming>,
}

/// A commit that came later.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Upcoming {
    /// Full id.
    pub commit: String,
    /// The day of the commit: `2013-06-13`.
    pub date: String,
    /// Its first line.
    pub subject: String,
}

/// The commits after `commit` that touch `files`, on `branch`: where it is not named, on the repository's own where that has the
/// commit, else on that of the branches with the commit which was worked on last. A merge counts as what it brings to the branch.
/// A relative path of a repository is taken from `recipe_dir`.
///
/// # Errors
/// [`Error::Offline`]; a repository that cannot be fetched; a commit or branch that it does not have, or a commit that is not on
/// the branch.
pub fn newer(
    url: &str,
    commit: &str,
    files: &[String],
    branch: Option<&str>,
    recipe_dir: &Path,
    options: &Options,
) -> Result<History, Error> {
    check_url(url)?;
    let commit = commit.to_ascii_lowercase();
    if !is_full_id(&commit) {
        return Err(Error::CommitId { commit });
    }
    let name = shown(url);
    let repository = match Location::of(url) {
        Location::Remote => Cache::of_history(url, options)?.branches()?,
        Location::Path => {
            let path = recipe_dir.join(url);
            if !path.is_dir() {
                let detail = format!("there is no folder {}", path.display());
                return Err(Error::Repository { url: name, detail });
            }
            Repository::at(&path).offline(options.offline)
        }
    };
    if repository.resolve(&name, &commit).is_err() {
        return Err(Error::UnknownCommit { url: name, commit });
    }
    let having = with(&repository, &commit)?;
    let branch = match branch {
        Some(branch) if having.iter().any(|known| known == branch) => branch.to_owned(),
        Some(branch) => {
            repository.resolve(&name, &format!("refs/heads/{branch}"))?;
            let detail = format!("the branch {branch} does not have the commit {commit}");
            return Err(Error::Repository { url: name, detail });
        }
        None => {
            let own = own_branch(&repository)?;
            let known = having.iter().find(|branch| Some(*branch) == own.as_ref()).or(having.first());
            known.cloned().ok_or_else(|| Error::Repository {
                url: name,
                detail: format!("no branch has the commit {commit}"),
            })?
        }
    };
    let commits = log(&repository, &commit, &branch, files)?;
    Ok(History { branch, commits })
}

fn text(repository: &Repository, arguments: &[&str], action: &str) -> Result<String, Error> {
    let mut command = repository.command();
    command.args(arguments);
    match Repository::bounded(&mut command, action, LONGEST)? {
        Some(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        None => Err(Error::Git { action: action.to_owned(), detail: "it says too much".to_owned() }),
    }
}

/// The branches that have a commit, those that were worked on last first.
fn with(repository: &Repository, commit: &str) -> Result<Vec<String>, Error> {
    let contains = format!("--contains={commit}");
    let arguments = [
        "for-each-ref",
        "--sort=refname",
        "--sort=-committerdate",
        "--format=%(refname)",
        &contains,
        "refs/heads",
    ];
    let said = text(repository, &arguments, "list branches")?;
    Ok(said.lines().filter_map(|line| line.strip_prefix("refs/heads/")).map(str::to_owned).collect())
}

/// The branch that a clone would check out.
fn own_branch(repository: &Repository) -> Result<Option<String>, Error> {
    // Of a HEAD that is no branch it fails, and there is none.
    let said = text(repository, &["rev-parse", "--symbolic-full-name", "HEAD"], "find its branch");
    Ok(said.ok().and_then(|said| said.trim().strip_prefix("refs/heads/").map(str::to_owned)))
}

fn log(
    repository: &Repository,
    commit: &str,
    branch: &str,
    files: &[String],
) -> Result<Vec<Upcoming>, Error> {
    let range = format!("{commit}..refs/heads/{branch}");
    let mut arguments = vec![
        "--literal-pathspecs",
        "-c",
        "log.showSignature=false",
        "log",
        "--first-parent",
        "--no-color",
        "--no-decorate",
        "--date=short",
        "--format=%H%x00%cd%x00%s",
        &range,
        "--",
    ];
    arguments.extend(files.iter().map(String::as_str));
    let said = text(repository, &arguments, "list newer commits")?;
    let upcoming = said.lines().filter_map(|line| {
        let mut parts = line.splitn(3, '\0').map(str::to_owned);
        Some(Upcoming { commit: parts.next()?, date: parts.next()?, subject: parts.next()? })
    });
    Ok(upcoming.collect())
}
