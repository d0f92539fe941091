//! Writes what dnf, yum and zypper install from: a folder that any web server serves. `repository` reads such folders.
//!
//! In: packages, and a signer. Out: the folder, with
//!
//! ```text
//! repodata/            repomd.xml with its signature and the keys, what it names, and what older ones named
//! Packages/            the packages that came from elsewhere; others stay where they lie in the folder
//! NAME.repo            for /etc/yum.repos.d
//! RPM-GPG-KEY-NAME     what signatures are checked with
//! index.html           how to install, for people
//! ```
//!
//! # What a client sees that comes in between
//!
//! A publication writes a whole new `repodata` beside the old one, waits until it is on disk, and exchanges the two folders in one
//! step (renameat2 with RENAME_EXCHANGE). repomd.xml, its signature and its keys change together, which two renames of files
//! cannot do; and the folder stays one, of plain files, which every web server serves and every tool copies, where a symbolic
//! link in its place would ask both to follow it. On a file system that cannot exchange folders it takes two renames, and a
//! warning.
//!
//! A client reads repomd.xml, its signature, then the files that it names, then packages. Their names begin with their
//! checksums, so a new file never takes an old one's name; those that the last repomd.xml files named are in the new
//! folder too (hard links), and packages that are replaced or removed stay until no kept metadata names them. So a client that
//! has begun finishes with what it began. One thing is left that no publisher can help: whoever asks for repomd.xml just before
//! the exchange and for its signature just after it gets two that do not fit, says so, and has to ask again.
//!
//! # What is believed of the folder
//!
//! Others may write to it: a web server's users, a sync job, whoever broke into it. `trust` says whether the metadata is signed by a key
//! that is named now; only then is anything that it says of packages believed, and signed again. Of the keys beside it, which no signature
//! covers, only those count that repomd.xml names. What is noted in `modgraft.json` is neither: its settings count, but none of them makes
//! a package good, and it can name nothing outside of the folder.
//!
//! # What is left of a publication that was broken off
//!
//! A publication that is broken off at any moment leaves the old state or the new one, and beside it things that no metadata names,
//! in `.modgraft-staging` or as packages that are listed there; the next publication removes them.

mod arrive;
mod check;
mod current;
mod entry;
mod error;
mod fragment;
mod keys;
mod lock;
mod own;
mod packed;
mod page;
mod piece;
mod readable;
mod remove;
mod repo_file;
mod repomd;
mod request;
mod run;
mod served;
mod settings;
mod staging;
mod state;
mod swap;
mod trust;

pub use check::{Checked, Problem, ProblemKind, check};
pub use error::Error;
pub use repo_file::{Checks, RepoFile, check_id};
pub use request::{Published, Request};
pub use run::publish;

/// The three files that each repository has, in the order in which they are written.
const KINDS: [&str; 3] = ["primary", "filelists", "other"];
