//! Objects by one `git cat-file --batch` process: a read costs a pipe's round trip, not the start of a program.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout, Stdio};

use super::{Repository, last_line};
use crate::process::{self, Running};
use crate::source::Error;

/// The largest object that is read, in bytes.
const MAX_OBJECT: u64 = 64 << 20;

/// Requests that are sent before the first answer is read: few enough for a pipe's buffer (64 KiB), as git stops reading
/// while nobody takes its answers.
const AT_ONCE: usize = 512;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) enum Kind {
    /// A file's content.
    Blob,
    /// A folder.
    Tree,
    /// A commit.
    Commit,
    /// An annotated tag.
    Tag,
}

/// An object as git stores it.
#[derive(Debug)]
pub(in crate::source) struct Object {
    /// What it is.
    pub(in crate::source) kind: Kind,
    /// Its content.
    pub(in crate::source) bytes: Vec<u8>,
}

/// The running process.
#[derive(Debug)]
pub(in crate::source) struct Objects {
    running: Running,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Objects {
    /// Starts the process. That the repository is none shows at the first [`Objects::get`].
    pub(in crate::source) fn open(repository: &Repository) -> Result<Objects, Error> {
        let mut command = repository.command();
        command.args(["cat-file", "--batch"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = Running::start(&mut command)?;
        let child = running.child();
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::Git {
                action: "read objects".to_owned(),
                detail: "its pipes are not there".to_owned(),
            });
        };
        Ok(Objects { running, stdin, stdout: BufReader::new(stdout) })
    }

    /// The object of this full id, or nothing where the repository has none.
    pub(in crate::source) fn get(&mut self, id: &str) -> Result<Option<Object>, Error> {
        // Anything else would be resolved as a revision, and a newline would be a second request.
        if !super::is_full_id(id) {
            return Ok(None);
        }
        if writeln!(self.stdin, "{id}").and_then(|()| self.stdin.flush()).is_err() {
            return Err(self.ended());
        }
        self.answer(id)
    }

    /// The answer to the oldest request that has none yet.
    fn answer(&mut self, id: &str) -> Result<Option<Object>, Error> {
        let mut header = String::new();
        if self.stdout.read_line(&mut header)? == 0 {
            return Err(self.ended());
        }
        let mut fields = header.trim_end().split(' ').skip(1);
        let kind = match fields.next() {
            Some("missing") => return Ok(None),
            Some("blob") => Kind::Blob,
            Some("tree") => Kind::Tree,
            Some("commit") => Kind::Commit,
            Some("tag") => Kind::Tag,
            _ => return Err(self.broken(&header)),
        };
        let Some(size) = fields.next().and_then(|size| size.parse::<u64>().ok()) else {
            return Err(self.broken(&header));
        };
        if size > MAX_OBJECT {
            // Read past it, so that the next answer is the next answer.
            std::io::copy(&mut (&mut self.stdout).take(size + 1), &mut std::io::sink())?;
            return Err(Error::FileTooLarge { path: format!("git object {id}"), limit: MAX_OBJECT });
        }
        let mut bytes = Vec::new();
        (&mut self.stdout).take(size + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != size + 1 {
            return Err(self.ended());
        }
        bytes.pop();
        Ok(Some(Object { kind, bytes }))
    }

    /// As [`Objects::get`] for several objects, asked for at once: one round trip for all of them.
    pub(in crate::source) fn get_many(&mut self, ids: &[String]) -> Result<Vec<Option<Object>>, Error> {
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(AT_ONCE) {
            let asked: String =
                ids.iter().filter(|id| super::is_full_id(id)).map(|id| format!("{id}\n")).collect();
            if self.stdin.write_all(asked.as_bytes()).and_then(|()| self.stdin.flush()).is_err() {
                return Err(self.ended());
            }
            for id in ids {
                found.push(if super::is_full_id(id) { self.answer(id)? } else { None });
            }
        }
        Ok(found)
    }

    /// As [`Objects::get`], for an object that must be of `kind`.
    pub(in crate::source) fn get_kind(&mut self, id: &str, kind: Kind) -> Result<Option<Vec<u8>>, Error> {
        match self.get(id)? {
            Some(object) if object.kind == kind => Ok(Some(object.bytes)),
            Some(_) | None => Ok(None),
        }
    }

    fn broken(&self, header: &str) -> Error {
        Error::Git { action: "read objects".to_owned(), detail: header.trim_end().to_owned() }
    }

    /// The process has ended: its last words say why.
    fn ended(&mut self) -> Error {
        if process::interrupted() {
            return process::Error::Interrupted.into();
        }
        let mut said = String::new();
        if let Some(stderr) = self.running.child().stderr.as_mut() {
            // Bounded, and what cannot be read is not needed: the message only has more detail by it.
            let _ = stderr.take(1 << 16).read_to_string(&mut said);
        }
        Error::Git { action: "read objects".to_owned(), detail: last_line(&said) }
    }
}
