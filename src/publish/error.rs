use std::path::{Path, PathBuf};

use miette::Diagnostic;

use crate::error::Kind;
use crate::shell::quoted;
use crate::{rpm, sign};

/// Why a repository could not be published or checked.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// A file could not be read or written; the message names it. It is its own cause, by which it is known what helps.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),
    /// A package that is none, or damaged, or not by a key of the repository's.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Rpm(#[from] rpm::Error),
    /// A key that cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Key(#[from] sign::Error),
    /// What cannot be a repository's name.
    #[error("`{}` is no repository's name", name.escape_debug())]
    #[diagnostic(
        code(modgraft::publish::name),
        help("letters, digits, `.`, `_` and `-`, as it stands in brackets in a .repo file: --name NAME")
    )]
    Name {
        /// As it was typed.
        name: String,
    },
    /// What cannot be the place of a repository or of a key.
    #[error("`{}` cannot be the url in a .repo file: {reason}", url.escape_debug())]
    #[diagnostic(code(modgraft::publish::url), help("write it as clients reach it: https://HOST/PATH"))]
    Url {
        /// As it was typed, without a login.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A secret in what everybody reads.
    #[error("a user or password stands in the url of {url}, and it would be published")]
    #[diagnostic(
        code(modgraft::publish::login),
        help(
            "leave it out: clients log in by `username=` and `password=` in their .repo files, or by variables of theirs in the url, as in https://$mods_user:$mods_password@HOST/PATH (/etc/dnf/vars)"
        )
    )]
    Login {
        /// Without it.
        url: String,
    },
    /// DIR is a file.
    #[error("{} is no folder", path.display())]
    #[diagnostic(
        code(modgraft::publish::no_folder),
        help("name the folder that the web server serves; it is made where it is missing")
    )]
    NoFolder {
        /// As it was named.
        path: PathBuf,
    },
    /// Somebody else is publishing.
    #[error("{} is being published to{}", path.display(), by(.holder))]
    #[diagnostic(
        code(modgraft::publish::locked),
        help("wait until that is done, or let --wait do so; nothing was changed")
    )]
    Locked {
        /// The repository.
        path: PathBuf,
        /// Process and host, as it says of itself; may be empty.
        holder: String,
    },
    /// A package without a signature in a signed repository.
    #[error("{} is not signed, and the repository is", path.display())]
    #[diagnostic(
        code(modgraft::publish::unsigned),
        help(
            "its clients would refuse it (gpgcheck=1): sign it, or publish with --allow-unsigned, which takes that check from all of them"
        )
    )]
    Unsigned {
        /// The package.
        path: PathBuf,
    },
    /// A package with a signature that is not by one of the repository's keys, or does not hold.
    #[error("{} is not to be trusted: {reason}", path.display())]
    #[diagnostic(
        code(modgraft::publish::untrusted),
        help(
            "where it is another key's that you trust, name that public key, which clients are given then: --key FILE; or sign the package with the repository's own: modgraft resign {}; where it was changed, fetch it again", quoted(&[&path.to_string_lossy()])
        )
    )]
    Untrusted {
        /// The package.
        path: PathBuf,
        /// What is wrong with its signature.
        reason: String,
    },
    /// A package for other releases than those that are served.
    #[error("none of the releases that are served takes {}", path.display())]
    #[diagnostic(
        code(modgraft::publish::not_served),
        help(
            "{reasons}; build it for one of these, publish it into a repository of its own, or say with --for what this one serves"
        )
    )]
    NotServed {
        /// The package.
        path: PathBuf,
        /// Each release with its reason.
        reasons: String,
    },
    /// A repository that was signed, and would be no more.
    #[error("{} is signed, and no key is given", path.display())]
    #[diagnostic(
        code(modgraft::publish::no_key),
        help(
            "its clients would refuse it (repo_gpgcheck=1): name the key with --sign-key, or publish with --allow-unsigned"
        )
    )]
    NoKey {
        /// The repository.
        path: PathBuf,
    },
    /// A repository that another key signs, and no key is given.
    #[error("{} is signed by {known}, and would be signed by the development key", path.display())]
    #[diagnostic(
        code(modgraft::publish::development_key),
        help("its clients do not know the development key: name the repository's key with --sign-key")
    )]
    DevelopmentKey {
        /// The repository.
        path: PathBuf,
        /// The keys that clients know, by their fingerprints.
        known: String,
    },
    /// Metadata that would be signed again, and is not by a key that is named.
    #[error("{} is not as it was published: repodata/repomd.xml.asc: {problem}", path.display())]
    #[diagnostic(
        code(modgraft::publish::not_trusted),
        help(
            "nothing was changed; where the repository's key has changed, name the old public key, too: --key FILE, a copy of your own, for whoever writes there can change that in the folder; --take-over believes nothing of it: each package is read, and has to be signed by a key that is named"
        )
    )]
    NotTrusted {
        /// The repository.
        path: PathBuf,
        /// What is wrong with its signature.
        problem: String,
    },
    /// A package at a place that metadata cannot name.
    #[error("{} cannot be published where it lies: {problem}", path.display())]
    #[diagnostic(
        code(modgraft::publish::place),
        help("give it another name, or move it out of the repository and publish it from there")
    )]
    Place {
        /// The package.
        path: PathBuf,
        /// What is wrong with its path in the repository.
        problem: &'static str,
    },
    /// A package that is not there.
    #[error("there is no file {}", path.display())]
    #[diagnostic(code(modgraft::publish::no_file), help("name packages, or folders of them"))]
    NoFile {
        /// As it was named.
        path: PathBuf,
    },
    /// A package that claims what no package has.
    #[error("{} claims the file `{}`, which {reason}", path.display(), claimed.escape_debug())]
    #[diagnostic(
        code(modgraft::publish::claims),
        help("it was made to do harm, or by a broken tool; it was not published")
    )]
    Claims {
        /// The package.
        path: PathBuf,
        /// As its header has it.
        claimed: String,
        /// What is wrong with that.
        reason: &'static str,
    },
    /// A package whose name, version or architecture cannot be a file's name.
    #[error("{} is called `{}`, which no package is", path.display(), name.escape_debug())]
    #[diagnostic(
        code(modgraft::publish::called),
        help("it was made to do harm, or by a broken tool; it was not published")
    )]
    Called {
        /// The package.
        path: PathBuf,
        /// As its header has it.
        name: String,
    },
    /// Two files that say to be one package.
    #[error("{nevra} is given twice, and the two differ: {} and {}", first.display(), second.display())]
    #[diagnostic(
        code(modgraft::publish::twice),
        help("publish one of them; a new build takes a new release")
    )]
    Twice {
        /// What both say to be.
        nevra: String,
        /// The one.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// Another file says to be a package that was published.
    #[error("{nevra} is published already, and {} is another file", path.display())]
    #[diagnostic(
        code(modgraft::publish::replaced),
        help(
            "whoever installed it would not get the new one: give a new build a new release; --replace publishes it all the same"
        )
    )]
    Replaced {
        /// What both say to be.
        nevra: String,
        /// The new one.
        path: PathBuf,
    },
    /// What is to be removed is not there.
    #[error("there is no package `{name}` in {}", path.display())]
    #[diagnostic(code(modgraft::publish::unknown), help("{}", alike(.similar)))]
    Unknown {
        /// As it was typed.
        name: String,
        /// The repository.
        path: PathBuf,
        /// Names that are like it.
        similar: Vec<String>,
    },
    /// A package that is listed, and not there.
    #[error("{} is listed, and is not there", path.display())]
    #[diagnostic(
        code(modgraft::publish::gone),
        help("{}", put_right(.repository, .file))
    )]
    Gone {
        /// Where it should be.
        path: PathBuf,
        /// As it was named.
        repository: PathBuf,
        /// As it is listed.
        file: String,
    },
    /// A package that is listed, and damaged.
    #[error("{} is published, and is damaged: {reason}", path.display())]
    #[diagnostic(code(modgraft::publish::damaged), help("{}", put_right(.repository, .file)))]
    Damaged {
        /// Where it lies.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
        /// As it was named.
        repository: PathBuf,
        /// As it is listed.
        file: String,
    },
    /// A folder with no package in it.
    #[error("there is no package in {}", path.display())]
    #[diagnostic(code(modgraft::publish::empty), help("packages are the files whose names end in .rpm"))]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// Metadata that cannot be read.
    #[error("the metadata in {} cannot be read: {file}: {problem}", path.display())]
    #[diagnostic(
        code(modgraft::publish::metadata),
        help("nothing was changed; move {}/repodata away and publish the folder anew: modgraft repo publish {0} {0}", path.display())
    )]
    Metadata {
        /// The repository.
        path: PathBuf,
        /// Which file.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// A package that changed while it was read.
    #[error("{} changed while it was published", path.display())]
    #[diagnostic(code(modgraft::publish::changed), help("publish again, with nothing else writing there"))]
    Changed {
        /// The package.
        path: PathBuf,
    },
    /// A signature that was made and cannot be used.
    #[error("repomd.xml could not be signed: its signature {reason}")]
    #[diagnostic(code(modgraft::publish::signature), help("try the key with `modgraft build-module`"))]
    Signature {
        /// Why.
        reason: crate::sign::Unverified,
    },
    /// No repository at all.
    #[error("{} is no repository: it has no repodata/repomd.xml", path.display())]
    #[diagnostic(code(modgraft::publish::none), help("`modgraft repo publish` makes one"))]
    None {
        /// As it was named.
        path: PathBuf,
    },
    /// The built-in page does not fit the data.
    #[error("{what} could not be rendered: {reason}")]
    #[diagnostic(code(modgraft::publish::template), help("this is a defect of modgraft"))]
    Template {
        /// `index.html`.
        what: &'static str,
        /// In the library's words.
        reason: String,
    },
    /// Ctrl-C or SIGTERM.
    #[error("interrupted; the repository is as it was")]
    #[diagnostic(code(modgraft::interrupted))]
    Interrupted,
}

fn by(holder: &str) -> String {
    if holder.is_empty() { String::new() } else { format!(" by {holder}") }
}

/// What helps where a published file is not what it was.
fn put_right(repository: &Path, file: &str) -> String {
    format!(
        "publish the right file again, which takes its place: modgraft repo publish {} FILE; or take it out of the list with --remove {}",
        quoted(&[&repository.to_string_lossy()]),
        quoted(&[file])
    )
}

fn alike(names: &[String]) -> String {
    match names {
        [] => "name it as `rpm -qp FILE` does, or by its file's name".to_owned(),
        names => format!("like it are: {}", names.join(", ")),
    }
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Io(_) | Error::Locked { .. } | Error::Changed { .. } | Error::Signature { .. } => {
                Kind::Environment
            }
            Error::Rpm(error) => error.kind(),
            Error::Key(error) => error.kind(),
            Error::Name { .. }
            | Error::Url { .. }
            | Error::Login { .. }
            | Error::NoFolder { .. }
            | Error::NoKey { .. }
            | Error::DevelopmentKey { .. }
            | Error::NoFile { .. }
            | Error::Unknown { .. }
            | Error::Empty { .. }
            | Error::None { .. } => Kind::Usage,
            Error::Unsigned { .. }
            | Error::Untrusted { .. }
            | Error::NotServed { .. }
            | Error::Claims { .. }
            | Error::Called { .. }
            | Error::Twice { .. }
            | Error::Gone { .. }
            | Error::Damaged { .. }
            | Error::NotTrusted { .. }
            | Error::Place { .. }
            | Error::Metadata { .. } => Kind::Input,
            Error::Replaced { .. } => Kind::Refused,
            Error::Template { .. } => Kind::Internal,
            Error::Interrupted => Kind::Interrupted,
        }
    }
}
