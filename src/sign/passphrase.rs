//! The passphrase or PIN: from a file, a descriptor or a variable; never from the command line, never printed, wiped after
//! use.

use std::ffi::OsString;
use std::fmt;
use std::io::{IsTerminal, Read};
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

use rustix::io::FdFlags;
use zeroize::Zeroizing;

use super::Error;
use crate::environment;

/// More than anybody types. Bytes.
const LONGEST: usize = 4096;

/// A passphrase, or none. Its `Debug` form does not show it.
#[derive(Clone, Default)]
pub struct Passphrase(Option<Zeroizing<String>>);

/// Where a passphrase is.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    Variable(&'static str),
    File(PathBuf),
    Descriptor(RawFd),
}

impl Passphrase {
    /// From `$MODGRAFT_PASSPHRASE`, the file that `$MODGRAFT_PASSPHRASE_FILE` names or the descriptor
    /// `$MODGRAFT_PASSPHRASE_FD`; none where none of them is set. An empty variable counts as not set, since that is what a
    /// CI system gives for a secret that it does not have.
    ///
    /// # Errors
    /// As [`Passphrase::find`].
    pub fn from_environment() -> Result<Self, Error> {
        Passphrase::find(None, None)
    }

    /// As [`Passphrase::from_environment`], with what was typed. A descriptor is closed after reading (0, stdin, stays open).
    ///
    /// # Errors
    /// [`Error::TwoPassphrases`]; [`Error::PassphraseSource`] where it cannot be read or is empty.
    pub fn find(file: Option<&Path>, descriptor: Option<RawFd>) -> Result<Self, Error> {
        match source(file, descriptor, &environment::var)? {
            None => Ok(Passphrase(None)),
            Some((_, Source::Variable(name))) => {
                let text = environment::text(name)
                    .map(Zeroizing::new)
                    .ok_or_else(|| unusable(name.to_owned(), "it is not UTF-8"))?;
                Ok(Passphrase(Some(text)))
            }
            Some((_, Source::File(path))) => Passphrase::from_file(&path),
            Some((name, Source::Descriptor(descriptor))) => from_descriptor(&name, descriptor),
        }
    }

    /// The first line of a file.
    ///
    /// # Errors
    /// [`Error::PassphraseSource`].
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let file = fs_err::File::open(path).map_err(|error| unusable(name.clone(), error.to_string()))?;
        first_line(file, &name)
    }

    pub(super) fn get(&self) -> Option<&str> {
        self.0.as_ref().map(|text| text.as_str())
    }
}

/// The one place that a passphrase is to come from, and its name.
fn source(
    file: Option<&Path>,
    descriptor: Option<RawFd>,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Option<(String, Source)>, Error> {
    let variable = |name: &'static str| Some((name, variable(name)?));
    let mut found = Vec::new();
    found.extend(file.map(|path| ("--passphrase-file".to_owned(), Source::File(path.to_owned()))));
    found.extend(descriptor.map(|number| ("--passphrase-fd".to_owned(), Source::Descriptor(number))));
    found.extend(variable("MODGRAFT_PASSPHRASE").map(|(name, _)| (name.to_owned(), Source::Variable(name))));
    found.extend(
        variable("MODGRAFT_PASSPHRASE_FILE").map(|(name, path)| (name.to_owned(), Source::File(path.into()))),
    );
    if let Some((name, number)) = variable("MODGRAFT_PASSPHRASE_FD") {
        let number = number.to_str().and_then(|text| text.trim().parse().ok());
        let number = number.ok_or_else(|| unusable(name.to_owned(), "it is no number of a descriptor"))?;
        found.push((name.to_owned(), Source::Descriptor(number)));
    }
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some((first, _)), Some((second, _))) => Err(Error::TwoPassphrases { first, second }),
        (found, _) => Ok(found),
    }
}

fn from_descriptor(name: &str, number: RawFd) -> Result<Passphrase, Error> {
    let refuse = |reason: &str| unusable(format!("{name} {number}"), reason);
    if number == 0 {
        if std::io::stdin().is_terminal() {
            return Err(refuse("it is a terminal, where everybody could read along"));
        }
        return first_line(Stdin, &format!("{name} 0"));
    }
    if number < 3 {
        return Err(refuse("1 and 2 are for what modgraft writes"));
    }
    // SAFETY: the number is not -1, and the descriptor is borrowed for this one call, which fails where it is not open.
    let flags = rustix::io::fcntl_getfd(unsafe { BorrowedFd::borrow_raw(number) })
        .map_err(|_| refuse("it is not open"))?;
    if flags.contains(FdFlags::CLOEXEC) {
        return Err(refuse("it was not handed down"));
    }
    // SAFETY: it is open, and nobody in this process owns it: what the process opens itself has close-on-exec set, and what
    // it was started with cannot have.
    let owned = unsafe { OwnedFd::from_raw_fd(number) };
    if owned.is_terminal() {
        return Err(refuse("it is a terminal, where everybody could read along"));
    }
    first_line(std::fs::File::from(owned), &format!("{name} {number}"))
}

/// The standard library's own keeps what it reads in a buffer that nobody wipes.
struct Stdin;

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        Ok(rustix::io::read(std::io::stdin(), buffer)?)
    }
}

/// All that is read goes into one buffer, which is wiped.
fn first_line(input: impl Read, name: &str) -> Result<Passphrase, Error> {
    let refuse = |reason: &str| unusable(name.to_owned(), reason);
    // With room for all of it, so that it never moves and leaves a copy behind.
    let mut bytes = Zeroizing::new(vec![0; LONGEST + 1]);
    let mut input = input;
    let mut length = 0;
    while length < bytes.len() {
        match input.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(refuse(&error.to_string())),
        }
        if bytes[..length].contains(&b'\n') {
            break;
        }
    }
    let line = bytes[..length].split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        _ if line.len() > LONGEST => Err(refuse("its first line is too long for a passphrase")),
        Err(_) => Err(refuse("it is not UTF-8")),
        Ok("") => Err(refuse("its first line is empty")),
        Ok(text) => Ok(Passphrase(Some(Zeroizing::new(text.to_owned())))),
    }
}

fn unusable(place: String, reason: impl Into<String>) -> Error {
    Error::PassphraseSource { place, reason: reason.into() }
}

impl From<&str> for Passphrase {
    fn from(text: &str) -> Self {
        Passphrase(Some(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Passphrase(…)" } else { "Passphrase(none)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        |name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
    }

    #[test]
    fn one_source_only() {
        assert_eq!(source(None, None, &with(&[])).unwrap(), None);
        let found = source(None, None, &with(&[("MODGRAFT_PASSPHRASE_FD", "7")])).unwrap().unwrap();
        assert_eq!(found.1, Source::Descriptor(7));
        let error = source(Some(Path::new("x")), None, &with(&[("MODGRAFT_PASSPHRASE", "y")])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "two places are named for the passphrase: --passphrase-file and MODGRAFT_PASSPHRASE"
        );
        assert!(source(None, None, &with(&[("MODGRAFT_PASSPHRASE_FD", "x")])).is_err());
        assert!(source(None, Some(3), &with(&[("MODGRAFT_PASSPHRASE_FILE", "x")])).is_err());
    }

    #[test]
    fn the_first_line_counts() {
        let read = |text: &[u8]| first_line(text, "x").map(|read| read.get().unwrap().to_owned());
        for text in ["secret", "secret\n", "secret\r\n", "secret\nmore"] {
            assert_eq!(read(text.as_bytes()).unwrap(), "secret");
        }
        assert_eq!(read(&[b'x'; LONGEST]).unwrap().len(), LONGEST);
        for bad in [&b""[..], b"\nsecret", b"\xff\n", &[b'x'; LONGEST + 1]] {
            let error = read(bad).unwrap_err();
            assert!(matches!(&error, Error::PassphraseSource { .. }), "{error:?}");
        }
    }

    #[test]
    fn descriptors_that_are_none() {
        for number in [1, 2, -1, 999] {
            assert!(from_descriptor("--passphrase-fd", number).is_err(), "{number}");
        }
        // Opened by this process, not handed down.
        let file = tempfile::tempfile().unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&file);
        let error = from_descriptor("--passphrase-fd", number).unwrap_err();
        assert!(error.to_string().contains("not handed down"), "{error}");
    }
}
