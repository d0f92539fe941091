//! One file, from the first try to its place.

use std::io::{ErrorKind, Read};
use std::path::Path;
use std::thread;
use std::time::Instant;

use super::http::Failure;
use super::part::{self, Part};
use super::{Download, Error, Fetched, Place, Shared, TICK};
use crate::address::shown;

/// What a file's transfer tells.
pub(super) enum Told {
    /// It is not here yet, and asked for now.
    Begun,
    /// So many bytes are here, of so many.
    At(u64, Option<u64>),
}

/// A try that gets this much further is not counted. Bytes.
const FURTHER: u64 = 1 << 20;

/// Fetches one file.
pub(super) fn run(download: &Download, shared: &Shared, tell: &dyn Fn(Told)) -> Result<Fetched, Error> {
    let place = Place::parse(&download.url)?;
    if let Some(size) = download.size.filter(|size| *size > download.limit) {
        return Err(Error::TooLarge { url: shown(&download.url), size: Some(size), limit: download.limit });
    }
    if let Some(present) = part::present(download)? {
        return Ok(present);
    }
    let mut part = Part::open(download, &|| shared.stopped())?;
    // Another process may have fetched it while this one waited.
    if let Some(present) = part::present(download)? {
        part.remove();
        return Ok(present);
    }
    tell(Told::Begun);
    let resumed = part.length > 0;
    let mut outcome = fill(&place, download, shared, &mut part, tell);
    if resumed && matches!(outcome, Err(Error::Digest { .. } | Error::Size { .. })) {
        // What an earlier run left was of another file.
        part.restart()?;
        outcome = fill(&place, download, shared, &mut part, tell);
    }
    match outcome {
        Ok(()) if shared.stopped() => Err(Error::Interrupted),
        Ok(()) => part.finish(&download.to),
        Err(error) => {
            let goes_on =
                matches!(error, Error::Unreachable { .. } | Error::Status { .. } | Error::Interrupted);
            if !goes_on || part.length == 0 || download.digest.is_none() {
                part.remove();
            }
            Err(error)
        }
    }
}

/// Receives what is missing, in as many tries as are due, and checks the whole.
fn fill(
    place: &Place,
    download: &Download,
    shared: &Shared,
    part: &mut Part,
    tell: &dyn Fn(Told),
) -> Result<(), Error> {
    match place {
        Place::File(path) => copy(path, download, shared, part, tell)?,
        Place::Http(url) => {
            let (mut tries, mut furthest, mut etag) = (0, part.length, None);
            while download.size.is_none_or(|size| part.length < size) || part.length == 0 {
                let result = receive(url, download, shared, part, &mut etag, tell);
                if shared.stopped() {
                    return Err(Error::Interrupted);
                }
                let error = match result {
                    Ok(()) => break,
                    Err(Failure::Final(error)) => return Err(error),
                    Err(Failure::Passing(error)) => Some(error),
                    Err(Failure::Anew) => {
                        part.restart()?;
                        None
                    }
                };
                // A server that begins anew each time would go on for ever: only new ground counts.
                if part.length > furthest + FURTHER {
                    tries = 0;
                }
                furthest = furthest.max(part.length);
                tries += 1;
                if tries >= shared.settings.tries {
                    return Err(error.unwrap_or_else(|| Error::Unreachable {
                        url: shown(url),
                        detail: "it sends other parts of the file than were asked for".to_owned(),
                    }));
                }
                if error.is_some() {
                    rest(shared, tries)?;
                }
            }
        }
    }
    if let Some(expected) = download.size.filter(|size| *size != part.length) {
        return Err(Error::Size { url: shown(&download.url), expected, found: Some(part.length) });
    }
    match &download.digest {
        Some(expected) if part.digest() != *expected => {
            Err(Error::Digest { url: shown(&download.url), expected: expected.clone(), found: part.digest() })
        }
        _ => Ok(()),
    }
}

/// Waits before the next try.
fn rest(shared: &Shared, tries: u32) -> Result<(), Error> {
    let until = Instant::now() + shared.settings.pause * 2_u32.saturating_pow(tries - 1);
    while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        if shared.stopped() {
            return Err(Error::Interrupted);
        }
        thread::sleep(left.min(TICK));
    }
    Ok(())
}

/// One request, and all that comes of it.
fn receive(
    url: &str,
    download: &Download,
    shared: &Shared,
    part: &mut Part,
    etag: &mut Option<String>,
    tell: &dyn Fn(Told),
) -> Result<(), Failure> {
    let guarded = download.digest.is_some();
    // Without either, nobody would see that the two halves are not of one file.
    if !guarded && etag.is_none() {
        part.restart()?;
    }
    let mut answer = shared.client.get(url, part.length, etag.as_deref(), guarded)?;
    if answer.offset == 0 && part.length > 0 {
        part.restart()?;
    }
    *etag = answer.etag.take();
    if let Some(total) = answer.total {
        bounded(download, Some(total), total)?;
        if let Some(expected) = download.size.filter(|size| *size != total) {
            return Err(Error::Size { url: shown(url), expected, found: Some(total) }.into());
        }
    }
    let total = answer.total.or(download.size);
    let mut buffer = vec![0; 64 << 10];
    loop {
        tell(Told::At(part.length, total));
        let read = answer.read(&mut buffer)?;
        if shared.stopped() {
            return Err(Error::Interrupted.into());
        }
        if read == 0 {
            break;
        }
        bounded(download, None, part.length + read as u64)?;
        part.write(&buffer[..read])?;
    }
    match total {
        Some(total) if part.length < total => {
            let detail = format!("the connection ended after {} of {total} bytes", part.length);
            Err(Failure::Passing(Error::Unreachable { url: shown(url), detail }))
        }
        _ => Ok(()),
    }
}

/// Refuses what is longer than stated, or than anything may be. `announced` is for the message.
fn bounded(download: &Download, announced: Option<u64>, length: u64) -> Result<(), Error> {
    let url = || shown(&download.url);
    match download.size {
        Some(expected) if length > expected => Err(Error::Size { url: url(), expected, found: announced }),
        _ if length > download.limit => {
            Err(Error::TooLarge { url: url(), size: announced, limit: download.limit })
        }
        _ => Ok(()),
    }
}

/// Copies a file of this machine, from its beginning.
fn copy(
    path: &Path,
    download: &Download,
    shared: &Shared,
    part: &mut Part,
    tell: &dyn Fn(Told),
) -> Result<(), Error> {
    part.restart()?;
    let named = || path.display().to_string();
    let found = match fs_err::metadata(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Err(Error::Missing { url: named(), status: None });
        }
        other => other?,
    };
    if !found.is_file() {
        let what = if found.is_dir() { "a folder" } else { "a pipe or a device" };
        return Err(Error::NoFile { path: named(), what });
    }
    bounded(download, Some(found.len()), found.len())?;
    let mut file = fs_err::File::open(path)?;
    let mut buffer = vec![0; 256 << 10];
    loop {
        tell(Told::At(part.length, Some(found.len())));
        let read = file.read(&mut buffer)?;
        if shared.stopped() {
            return Err(Error::Interrupted);
        }
        if read == 0 {
            return Ok(());
        }
        bounded(download, None, part.length + read as u64)?;
        part.write(&buffer[..read])?;
    }
}
