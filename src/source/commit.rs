//! One upstream commit as a patch in mail form, with its parent as the base tree.

use std::borrow::Cow;
use std::path::Path;

use jiff::tz::{Offset, TimeZone};

use super::git::cache::Cache;
use super::git::{Kind, Location, Objects, Repository, is_full_id};
use super::{Error, MAX_PATCH_BYTES, Options, PatchFile, Sources, Tree};
use crate::address::shown;

/// The tree without entries, which every git knows.
const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// Fetches `commit` of `url`; a relative path is taken from `recipe_dir`.
pub(super) fn fetch(url: &str, commit: &str, recipe_dir: &Path, options: &Options) -> Result<Sources, Error> {
    let repository_name = shown(url);
    let id = commit.to_ascii_lowercase();
    if !is_full_id(&id) {
        return Err(Error::CommitId { commit: commit.to_owned() });
    }
    super::git::check_url(url)?;
    let repository = match Location::of(url) {
        Location::Remote => Cache::of(url, options)?.commit(&id)?,
        Location::Path => {
            let path = recipe_dir.join(url);
            if !path.is_dir() {
                let detail = format!("there is no folder {}", path.display());
                return Err(Error::Repository { url: repository_name, detail });
            }
            Repository::at(&path).offline(options.offline)
        }
    };
    let mut objects = Objects::open(&repository)?;
    let Some(raw) = objects.get_kind(&id, Kind::Commit)? else {
        return Err(Error::UnknownCommit { url: repository_name, commit: id });
    };
    let read = Commit::parse(&raw);
    // Of a merge, the change against the first parent: what it brings to its branch. Upstream's git is made from svn, and what
    // svn calls a merge of revisions (how 2.4.x gets its modules) is a merge commit there.
    let parent = read.parents.first().map(String::as_str);
    let base = match parent {
        None => Tree::memory(format!("the empty tree before {id}"), Default::default()),
        Some(parent) => {
            let Some(raw) = objects.get_kind(parent, Kind::Commit)? else {
                return Err(Error::NoParent { url: repository_name, commit: id, parent: parent.to_owned() });
            };
            Tree::git_with(objects, parent, &Commit::parse(&raw).tree)
        }
    };
    let difference = difference(&repository, parent.unwrap_or(EMPTY_TREE), &id)?;
    let name = format!("{id}.patch");
    let Some(difference) = difference else {
        return Err(Error::PatchTooLarge { name, limit: MAX_PATCH_BYTES });
    };
    if difference.is_empty() {
        return Err(Error::CommitEmpty { url: repository_name, commit: id });
    }
    let mut bytes = read.mail_header(&id).into_bytes();
    bytes.extend_from_slice(&difference);
    let merge = if read.parents.len() > 1 { ", a merge, as the change to its first parent" } else { "" };
    let description = format!("commit {} of {repository_name}{merge}", &id[..12]);
    Ok(Sources {
        patches: vec![PatchFile::new(name, bytes, Some(id))],
        base: Some(base),
        files: Vec::new(),
        description,
    })
}

/// The change in git's form. Every setting and option that could alter a byte of it is stated.
fn difference(repository: &Repository, parent: &str, commit: &str) -> Result<Option<Vec<u8>>, Error> {
    let mut command = repository.command();
    for setting in [
        "core.quotePath=true",
        "diff.suppressBlankEmpty=false",
        "diff.renameLimit=1000",
        "core.bigFileThreshold=512m",
        "core.precomposeUnicode=false",
    ] {
        command.args(["-c", setting]);
    }
    command.args([
        "diff-tree",
        "-r",
        "-p",
        "--binary",
        "--full-index",
        "--find-renames=50%",
        "--unified=3",
        "--inter-hunk-context=0",
        "--diff-algorithm=myers",
        "--indent-heuristic",
        "--src-prefix=a/",
        "--dst-prefix=b/",
        "--no-color",
        "--no-ext-diff",
        "--no-textconv",
        "--no-relative",
        "--submodule=short",
        "--ignore-submodules=none",
        "-O/dev/null",
        parent,
        commit,
        "--",
    ]);
    Repository::bounded(&mut command, &format!("show the change of {commit}"), MAX_PATCH_BYTES)
}

/// What the text of a commit object says.
#[derive(Debug, Default)]
pub(super) struct Commit {
    /// Id of its tree.
    pub(super) tree: String,
    /// Ids of its parents.
    pub(super) parents: Vec<String>,
    author: String,
    message: String,
}

impl Commit {
    /// Reads a commit object. Lines that are not known (signatures, merge tags) are passed over.
    pub(super) fn parse(bytes: &[u8]) -> Commit {
        let text = decode(bytes);
        let (header, message) = text.split_once("\n\n").unwrap_or((&text, ""));
        let mut commit = Commit { message: message.to_owned(), ..Commit::default() };
        for line in header.lines() {
            match line.split_once(' ') {
                Some(("tree", id)) => commit.tree = id.to_owned(),
                Some(("parent", id)) => commit.parents.push(id.to_owned()),
                Some(("author", author)) => commit.author = author.to_owned(),
                _ => {}
            }
        }
        commit
    }

    /// The head of a mail that `git am` reads, with the lines in the order in which `git format-patch` has them.
    ///
    /// Made here and not by `git format-patch`, which signs with its own version and obeys a dozen settings: the same commit
    /// must be the same bytes everywhere.
    fn mail_header(&self, id: &str) -> String {
        let (who, when) =
            self.author.rsplit_once("> ").unwrap_or((self.author.trim_end_matches('>'), "0 +0000"));
        let close = if who.contains('<') { ">" } else { "" };
        let mut paragraphs = self.message.trim_start_matches('\n').splitn(2, "\n\n");
        let subject =
            paragraphs.next().unwrap_or_default().split('\n').map(str::trim).collect::<Vec<_>>().join(" ");
        let body = paragraphs.next().unwrap_or_default();
        let mut mail = format!(
            "From {id} Mon Sep 17 00:00:00 2001\nFrom: {who}{close}\nDate: {}\nSubject: [PATCH] {}\n\
             MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n",
            date(when),
            subject.trim(),
        );
        for line in body.trim_end().lines() {
            // These would end the message in the eyes of whoever applies the mail.
            let ends = ["---", "diff ", "Index: ", "From "].iter().any(|start| line.starts_with(start));
            mail.push_str(if ends { " " } else { "" });
            mail.push_str(line.trim_end_matches('\r'));
            mail.push('\n');
        }
        mail.push_str("---\n\n");
        mail
    }
}

/// `1371131313 +0200` as a mail's date.
fn date(raw: &str) -> String {
    let (seconds, zone) = raw.split_once(' ').unwrap_or((raw, "+0000"));
    let offset = zone
        .parse::<i32>()
        .ok()
        .and_then(|hhmm| Offset::from_seconds(hhmm / 100 * 3600 + hhmm % 100 * 60).ok());
    let second = seconds.parse::<i64>().unwrap_or_default();
    let zoned = jiff::Timestamp::from_second(second)
        .unwrap_or_default()
        .to_zoned(TimeZone::fixed(offset.unwrap_or(Offset::UTC)));
    jiff::fmt::rfc2822::to_string(&zoned).unwrap_or_else(|_| "Thu, 1 Jan 1970 00:00:00 +0000".to_owned())
}

/// UTF-8 where it is, Latin-1 else: commit messages of the svn age are either.
fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|&byte| char::from(byte)).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: &[u8] = b"tree 1111111111111111111111111111111111111111\n\
        parent 2222222222222222222222222222222222222222\n\
        author Jim \xc3\x89x <jim@example.org> 1371131313 +0200\n\
        committer C <c@example.org> 1371131313 +0000\n\
        gpgsig -----BEGIN PGP SIGNATURE-----\n parent nonsense\n -----END PGP SIGNATURE-----\n\
        \nAdd mod_example\nfor all.\n\n---\ndiff --git a/x b/x\nThe end.\n\n";

    #[test]
    fn a_commit_object_is_read() {
        let commit = Commit::parse(RAW);
        assert_eq!(commit.tree, "1".repeat(40));
        assert_eq!(commit.parents, ["2".repeat(40)]);
    }

    #[test]
    fn the_mail_cannot_be_ended_by_the_message() {
        insta::assert_snapshot!(Commit::parse(RAW).mail_header("abc"), @r"
        From abc Mon Sep 17 00:00:00 2001
        From: Jim Éx <jim@example.org>
        Date: Thu, 13 Jun 2013 15:48:33 +0200
        Subject: [PATCH] Add mod_example for all.
        MIME-Version: 1.0
        Content-Type: text/plain; charset=UTF-8
        Content-Transfer-Encoding: 8bit

         ---
         diff --git a/x b/x
        The end.
        ---
        ");
    }

    #[test]
    fn an_odd_date_or_author_does_no_harm() {
        for raw in ["", "x y", "99999999999999999 +9999", "-1 -0030"] {
            assert!(!date(raw).is_empty());
        }
        assert!(Commit::parse(b"author nobody\n\n").mail_header("x").contains("From: nobody\n"));
        assert!(Commit::parse(b"").mail_header("x").contains("Subject: [PATCH] \n"));
    }
}
