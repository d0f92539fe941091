use std::path::PathBuf;

use miette::Diagnostic;

use crate::error::Kind;
use crate::process;

/// Why the sources could not be brought together.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),

    /// A program that this stage runs hung, or could not be started.
    #[error(transparent)]
    #[diagnostic(code(modgraft::source::program))]
    Program(process::Error),

    /// git is not installed.
    #[error("git is not installed, and this source needs it")]
    #[diagnostic(
        code("modgraft::source::git-missing"),
        help(
            "`apt-get install git` or `dnf install git`; or name patch files and an unpacked base tree, which need none"
        )
    )]
    GitMissing,

    /// The list of patches is empty.
    #[error("no patch file is named")]
    #[diagnostic(code("modgraft::source::no-patches"), help("name at least one patch file"))]
    NoPatches,

    /// There is no such patch file.
    #[error("there is no patch file `{}`", path.display())]
    #[diagnostic(
        code("modgraft::source::patch-missing"),
        help(
            "paths in a recipe are relative to the recipe's own folder, paths on the command line to the current one"
        )
    )]
    PatchMissing {
        /// As it was looked for.
        path: PathBuf,
    },

    /// A folder, pipe, socket or device where a patch file was expected.
    #[error("`{}` is {what}, not a patch file", path.display())]
    #[diagnostic(code("modgraft::source::patch-special"), help("{help}"))]
    PatchSpecial {
        /// The path.
        path: PathBuf,
        /// `a folder`, `a pipe`, …
        what: &'static str,
        /// What to do instead.
        help: String,
    },

    /// Nothing in it.
    #[error("the patch file `{}` is empty", path.display())]
    #[diagnostic(
        code("modgraft::source::patch-empty"),
        help("a download or a `git diff` that came to nothing leaves such a file: make the patch again")
    )]
    PatchEmpty {
        /// The path.
        path: PathBuf,
    },

    /// A commit with the same tree as its parent.
    #[error("the commit {commit} of {url} changes no file")]
    #[diagnostic(
        code("modgraft::source::commit-empty"),
        help(
            "name the commit that brings the module; the commit of a release most often changes nothing, and the sources that are in it are taken by `modgraft new --from {url}@{commit} modules/FOLDER/mod_NAME.c`"
        )
    )]
    CommitEmpty {
        /// The repository, as a recipe names it.
        url: String,
        /// The full commit id.
        commit: String,
    },

    /// More than modgraft reads.
    #[error("the patch `{name}` has more than {} MiB", limit >> 20)]
    #[diagnostic(
        code("modgraft::source::patch-too-large"),
        help(
            "no module is that large: leave generated and bundled files out of the patch, or name the whole files with \
             a release or tree source"
        )
    )]
    PatchTooLarge {
        /// The patch.
        name: String,
        /// In bytes.
        limit: u64,
    },

    /// Compressed, or in an encoding that no patch tool reads.
    #[error("the patch file `{}` is {what}, not plain text", path.display())]
    #[diagnostic(code("modgraft::source::patch-encoding"), help("{help}"))]
    PatchEncoding {
        /// The path.
        path: PathBuf,
        /// `compressed by gzip`, `in UTF-16`, …
        what: &'static str,
        /// How to make it plain.
        help: &'static str,
    },

    /// Two patches of the series have one name.
    #[error("two patch files are named `{name}`")]
    #[diagnostic(
        code("modgraft::source::patch-name"),
        help("the source package holds all patches in one folder: give each a name of its own")
    )]
    PatchNameTwice {
        /// The file name.
        name: String,
    },

    /// A patch's file name cannot stand in a spec.
    #[error("the patch file name {name:?} has a control character in it")]
    #[diagnostic(code("modgraft::source::patch-name"), help("rename the file"))]
    PatchNameControl {
        /// The file name.
        name: String,
    },

    /// The base folder is missing or no folder.
    #[error("the base tree `{}` {problem}", path.display())]
    #[diagnostic(
        code(modgraft::source::base),
        help("a base is the folder of an unpacked httpd source, or GIT@REV: `--base ../httpd@2.4.62`")
    )]
    Base {
        /// The path.
        path: PathBuf,
        /// `does not exist`, `is not a folder`.
        problem: &'static str,
    },

    /// `GIT@REV` without a usable part.
    #[error("`{text}` is no base: {problem}")]
    #[diagnostic(
        code(modgraft::source::base),
        help(
            "a base is a folder, or GIT@REV where GIT is a url or path of a repository and REV a branch, tag or commit"
        )
    )]
    BaseText {
        /// As typed.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },

    /// What `--from` names is none of its forms.
    #[error("`{text}` is no tree to take a module from: {problem}")]
    #[diagnostic(
        code("modgraft::source::from"),
        help(
            "--from takes a release's tarball (with #sha256=DIGEST behind a url), GIT@REV where GIT is a url or path of a \
             repository and REV a branch, tag or commit, or the folder of an unpacked release"
        )
    )]
    SnapshotText {
        /// As typed.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },

    /// The folder of `--from` is not there.
    #[error("the tree to take a module from, `{}`, {problem}", path.display())]
    #[diagnostic(
        code("modgraft::source::from"),
        help(
            "--from takes a release's tarball, GIT@REV, or the folder of an unpacked release: `--from ../httpd@2.4.62`"
        )
    )]
    SnapshotMissing {
        /// The path.
        path: PathBuf,
        /// `does not exist`, `is not a folder`.
        problem: &'static str,
    },

    /// A tarball by url without its digest.
    #[error("{url} is named without its digest")]
    #[diagnostic(
        code("modgraft::source::from"),
        help(
            "what comes over the network is checked: put #sha256= and the 64 digits that upstream publishes beside the release \
             behind the url, or download and verify it, and name the file"
        )
    )]
    SnapshotDigest {
        /// As typed.
        url: String,
    },

    /// The tree is of something else.
    #[error("{tree} is no source tree of httpd: it has no include/ap_release.h that states a version")]
    #[diagnostic(
        code("modgraft::source::no-httpd"),
        help(
            "--from takes httpd's own releases; a third party's tree is named in a recipe: `directory` or `tarball`, and `files`"
        )
    )]
    NotHttpd {
        /// The tree, in words.
        tree: String,
    },

    /// Not a full commit id.
    #[error("`{commit}` is no full commit id")]
    #[diagnostic(
        code("modgraft::source::commit-id"),
        help(
            "a recipe names a commit by all 40 hexadecimal digits, so that it means the same for ever: `git rev-parse {commit}`"
        )
    )]
    CommitId {
        /// As written.
        commit: String,
    },

    /// A url that is not handed to git.
    #[error("`{url}` is no repository url: {problem}")]
    #[diagnostic(
        code(modgraft::source::url),
        help(
            "use https://, ssh://, git:// or file://, host:path, or the path of a repository on this machine"
        )
    )]
    Url {
        /// As written.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },

    /// The repository has no such commit.
    #[error("{url} has no commit {commit}")]
    #[diagnostic(
        code("modgraft::source::unknown-commit"),
        help(
            "compare the id with upstream's log; a commit that was rewritten or only lives in a fork is not there"
        )
    )]
    UnknownCommit {
        /// The repository.
        url: String,
        /// The full id.
        commit: String,
    },

    /// The repository has no such revision.
    #[error("{repository} has no revision `{revision}`")]
    #[diagnostic(
        code("modgraft::source::unknown-revision"),
        help(
            "of a url: a branch, a tag, or all 40 digits of a commit id; of a repository on this machine: whatever `git rev-parse` takes"
        )
    )]
    UnknownRevision {
        /// The repository.
        repository: String,
        /// As written.
        revision: String,
    },

    /// The commit is there, its parent is not.
    #[error("{url} has commit {commit}, but not its parent {parent}")]
    #[diagnostic(
        code("modgraft::source::no-parent"),
        help(
            "the repository is a shallow copy that ends there: `git fetch --deepen=1` in it, or name the full one"
        )
    )]
    NoParent {
        /// The repository.
        url: String,
        /// The full id.
        commit: String,
        /// The full id of the parent.
        parent: String,
    },

    /// The server cannot be reached.
    #[error("{url} cannot be reached: {detail}")]
    #[diagnostic(
        code(modgraft::source::network),
        help(
            "check the network and proxy; a copy on this machine can stand in: `git config --global url.PATH.insteadOf {url}`"
        )
    )]
    Network {
        /// The repository.
        url: String,
        /// In git's words.
        detail: String,
    },

    /// There is a server, and no such repository or no access to it.
    #[error("{url} is no git repository that can be read: {detail}")]
    #[diagnostic(
        code(modgraft::source::repository),
        help(
            "check the spelling of the url, and that `git ls-remote {url}` works without asking for a password"
        )
    )]
    Repository {
        /// The repository.
        url: String,
        /// In git's words.
        detail: String,
    },

    /// git said something else.
    #[error("git could not {action}: {detail}")]
    #[diagnostic(
        code(modgraft::source::git),
        help("if the cached copy is damaged, remove the `git` folder of modgraft's cache and try again")
    )]
    Git {
        /// What was tried.
        action: String,
        /// In git's words.
        detail: String,
    },

    /// The network is needed, and forbidden.
    #[error("{what} is not cached, and --offline forbids to fetch it")]
    #[diagnostic(code(modgraft::source::offline), help("{help}"))]
    Offline {
        /// What is needed.
        what: String,
        /// How to have it without.
        help: String,
    },

    /// `sha256` in the recipe is no digest.
    #[error("`{text}` is no SHA-256 digest")]
    #[diagnostic(
        code("modgraft::source::digest-malformed"),
        help(
            "64 hexadecimal digits, as `sha256sum FILE` prints them and upstream publishes them beside the release"
        )
    )]
    DigestMalformed {
        /// As written.
        text: String,
    },

    /// The tarball is not what the recipe names.
    #[error(
        "{file} is not the file the recipe names\n  expected sha256 {expected}\n  found    sha256 {found}"
    )]
    #[diagnostic(
        code(modgraft::source::digest),
        help("nothing of it was unpacked; compare both with the digest that upstream signs")
    )]
    Digest {
        /// Path or url.
        file: String,
        /// From the recipe.
        expected: String,
        /// Of the file.
        found: String,
    },

    /// No such tarball.
    #[error("there is no release tarball `{}`", path.display())]
    #[diagnostic(
        code("modgraft::source::tarball-missing"),
        help("`tarball` is a url, or a path relative to the recipe's folder")
    )]
    TarballMissing {
        /// As it was looked for.
        path: PathBuf,
    },

    /// Download failed.
    #[error("the release could not be downloaded: {detail}")]
    #[diagnostic(
        code(modgraft::source::download),
        help("download it by hand and put it beside the recipe: a file of that name there is taken instead")
    )]
    Download {
        /// In the downloader's words, with the url.
        detail: String,
    },

    /// The archive cannot be read to its end.
    #[error("{file} cannot be unpacked: {problem}")]
    #[diagnostic(
        code(modgraft::source::tarball),
        help("a tar archive, plain or compressed by gzip, bzip2, xz or zstd, is expected")
    )]
    Tarball {
        /// Path or url.
        file: String,
        /// Why.
        problem: String,
    },

    /// An entry that would leave its folder.
    #[error("{file} has an unsafe entry {entry:?}: {problem}")]
    #[diagnostic(
        code("modgraft::source::tarball-unsafe"),
        help("an honest release has no such entry; nothing was unpacked")
    )]
    TarballUnsafe {
        /// Path or url.
        file: String,
        /// The entry's path.
        entry: String,
        /// Why.
        problem: &'static str,
    },

    /// `files` is empty.
    #[error("the source names no files")]
    #[diagnostic(
        code("modgraft::source::no-files"),
        help("list the module's own C files and headers: `files = [\"mod_example.c\"]`")
    )]
    NoFiles,

    /// A recipe has `headers`, and its source is patches alone.
    #[error("the recipe has headers for its source's tree, and the source has no tree")]
    #[diagnostic(
        code("modgraft::source::headers"),
        help("name the tree that the patches apply to (`base`), or put the headers into a patch")
    )]
    HeadersWithoutTree,

    /// A header of the recipe cannot be read.
    #[error("the recipe's header {path} cannot be read")]
    #[diagnostic(
        code("modgraft::source::headers"),
        help("put it beside module.toml, under the path that it would have in the source's tree")
    )]
    Header {
        /// As the recipe has it.
        path: String,
        /// Why.
        #[source]
        reason: std::io::Error,
    },

    /// A wanted file is not in the tree.
    #[error("{tree} has no file `{file}`")]
    #[diagnostic(code("modgraft::source::file-missing"), help("{help}"))]
    FileMissing {
        /// The tree, in words.
        tree: String,
        /// The path.
        file: String,
        /// A near miss, where there is one.
        help: String,
    },

    /// A path that is absolute, has `..`, or goes through a link out of the tree.
    #[error("`{path}` {problem}")]
    #[diagnostic(
        code(modgraft::source::outside),
        help("only files beneath the tree itself are read: copy the file into it, or name its real place")
    )]
    Outside {
        /// The path.
        path: String,
        /// `leaves the tree`, …
        problem: String,
    },

    /// A file of the tree that is too large to be source.
    #[error("`{path}` has more than {} MiB and is not read", limit >> 20)]
    #[diagnostic(
        code("modgraft::source::file-too-large"),
        help("no C source is that large: check what the file is")
    )]
    FileTooLarge {
        /// The path.
        path: String,
        /// In bytes.
        limit: u64,
    },
}

impl From<process::Error> for Error {
    fn from(error: process::Error) -> Self {
        match error {
            process::Error::Missing { program } if program == "git" => Error::GitMissing,
            other => Error::Program(other),
        }
    }
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Program(process::Error::Interrupted) => Kind::Interrupted,
            Error::Io(_)
            | Error::Program(_)
            | Error::GitMissing
            | Error::Network { .. }
            | Error::Repository { .. }
            | Error::Git { .. }
            | Error::Offline { .. }
            | Error::Download { .. } => Kind::Environment,
            Error::NoPatches
            | Error::PatchSpecial { .. }
            | Error::Base { .. }
            | Error::BaseText { .. }
            | Error::SnapshotText { .. }
            | Error::SnapshotMissing { .. }
            | Error::SnapshotDigest { .. } => Kind::Usage,
            // A patch that is missing on the command line is found before: this one is named by a recipe.
            Error::PatchMissing { .. }
            | Error::TarballMissing { .. }
            | Error::PatchEmpty { .. }
            | Error::CommitEmpty { .. }
            | Error::PatchTooLarge { .. }
            | Error::PatchEncoding { .. }
            | Error::PatchNameTwice { .. }
            | Error::PatchNameControl { .. }
            | Error::CommitId { .. }
            | Error::Url { .. }
            | Error::UnknownCommit { .. }
            | Error::UnknownRevision { .. }
            | Error::NoParent { .. }
            | Error::DigestMalformed { .. }
            | Error::Digest { .. }
            | Error::Tarball { .. }
            | Error::TarballUnsafe { .. }
            | Error::NoFiles
            | Error::HeadersWithoutTree
            | Error::Header { .. }
            | Error::FileMissing { .. }
            | Error::NotHttpd { .. }
            | Error::Outside { .. }
            | Error::FileTooLarge { .. } => Kind::Input,
        }
    }
}
