//! Files from elsewhere: by http and https, by `file://`, or from a path. The only downloader of the program.
//!
//! In: a list of [`Download`]s. Out: the files, each whole and with the digest that was asked for, or one error. A file is
//! received beside its place (`NAME.part`), where a later run goes on with it, and renamed when it is whole. Several come at
//! once. Proxies are those of the environment (`https_proxy`, `http_proxy`, `all_proxy`, `no_proxy`), certificates those
//! that the system trusts.

mod digest;
mod error;
mod http;
mod part;
mod place;
mod proxy;
mod transfer;

pub use digest::{Algorithm, Digest, Hasher};
pub use error::Error;
pub use place::Place;
pub(crate) use place::decoded;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::process;

/// A file that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// `http://…`, `https://…`, `file:///…` or a path.
    pub url: String,
    /// Where it goes; the folder is made. What is there already is kept where its digest is the one wanted, else replaced.
    pub to: PathBuf,
    /// How long it has to be, where that is known. Bytes.
    pub size: Option<u64>,
    /// What it has to be, where that is known.
    pub digest: Option<Digest>,
    /// How long it may be at most, whatever is said of it. Bytes.
    pub limit: u64,
}

/// A file that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where: `to` of its [`Download`].
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Lower-case hexadecimal, whichever digest was asked for.
    pub sha256: String,
    /// Whether it was fetched now; else it was there already.
    pub fresh: bool,
}

/// How patient a download is.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Files at once.
    pub threads: usize,
    /// How often a file is asked for in a row without getting any further.
    pub tries: u32,
    /// Before the second try; doubled before each one after it.
    pub pause: Duration,
    /// To find the server and reach it.
    pub connect: Duration,
    /// Without a byte from it.
    pub idle: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            threads: 4,
            tries: 4,
            pause: Duration::from_millis(500),
            connect: Duration::from_secs(20),
            idle: Duration::from_secs(30),
        }
    }
}

/// How far the files are, all together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status<'a> {
    /// Whether they begin, go on, or are all here.
    pub step: Step,
    /// The file that moved, by its last name; empty at the end.
    pub file: &'a str,
    /// Files that are here.
    pub files_done: usize,
    /// Files altogether.
    pub files: usize,
    /// Bytes that are here.
    pub bytes_done: u64,
    /// Bytes altogether, once that is known of each file.
    pub bytes: Option<u64>,
}

/// A part of the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The first file is asked for. What is here already is never told of.
    Begin,
    /// Some bytes more.
    Going,
    /// The last file is here.
    End,
}

/// Is told how far the files are. Always called from the thread that asked for them.
pub trait Progress {
    /// Something moved: some hundred times a second, at worst.
    fn progress(&self, status: &Status<'_>);
}

impl<F: Fn(&Status<'_>)> Progress for F {
    fn progress(&self, status: &Status<'_>) {
        self(status);
    }
}

/// Nobody is told.
pub fn quiet(_: &Status<'_>) {}

/// Fetches one file.
///
/// # Errors
/// As [`all`].
pub fn one(download: &Download, progress: &dyn Progress) -> Result<Fetched, Error> {
    let mut fetched = all(std::slice::from_ref(download), progress)?;
    Ok(fetched.swap_remove(0))
}

/// Fetches all files, in the order given as far as several at once have an order. With an error, those that are whole stay,
/// and what came of another stays as its `.part` where a later run can go on with it; nothing wrong is kept.
///
/// # Errors
/// The first [`Error`] of a file; the others are given up then. [`Error::Interrupted`].
pub fn all(downloads: &[Download], progress: &dyn Progress) -> Result<Vec<Fetched>, Error> {
    all_with(downloads, &Settings::default(), progress)
}

/// What a worker tells.
enum Told {
    /// A file is asked for.
    Begun(usize),
    /// So many bytes of it are here, of so many.
    At(usize, u64, Option<u64>),
    /// It ended.
    Done(usize, Result<Fetched, Error>),
}

/// What the workers share.
struct Shared {
    downloads: Vec<Download>,
    next: AtomicUsize,
    stop: AtomicBool,
    client: http::Client,
    settings: Settings,
}

impl Shared {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst) || process::interrupted()
    }
}

/// How often it is looked whether the run is interrupted.
const TICK: Duration = Duration::from_millis(50);
/// For workers to see that they are to stop. One that is just reaching for a server sees it later, and is left behind.
const PARTING: Duration = Duration::from_secs(1);

/// As [`all`], with other patience.
///
/// # Errors
/// As [`all`].
pub fn all_with(
    downloads: &[Download],
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Vec<Fetched>, Error> {
    let shared = Arc::new(Shared {
        downloads: downloads.to_vec(),
        next: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        client: http::Client::new(settings),
        settings: *settings,
    });
    let (tell, told) = mpsc::channel();
    let workers: Vec<_> = (0..settings.threads.clamp(1, downloads.len().max(1)))
        .map(|_| {
            let (shared, tell) = (Arc::clone(&shared), tell.clone());
            thread::spawn(move || work(&shared, &tell))
        })
        .collect();
    drop(tell);
    let outcome = listen(downloads, &told, progress);
    if outcome.is_err() {
        shared.stop.store(true, Ordering::SeqCst);
        shared.client.shut_down();
        let deadline = Instant::now() + PARTING;
        // Disconnected: all have ended.
        while let Some(left) = deadline.checked_duration_since(Instant::now()) {
            if matches!(told.recv_timeout(left), Err(mpsc::RecvTimeoutError::Disconnected)) {
                break;
            }
        }
    }
    for worker in workers.into_iter().filter(|worker| outcome.is_ok() || worker.is_finished()) {
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    }
    outcome
}

fn work(shared: &Shared, tell: &mpsc::Sender<Told>) {
    loop {
        let index = shared.next.fetch_add(1, Ordering::SeqCst);
        let Some(download) = shared.downloads.get(index).filter(|_| !shared.stopped()) else { return };
        let result = transfer::run(download, shared, &|told| {
            // Nobody listens once the files are given up.
            let _ = tell.send(match told {
                transfer::Told::Begun => Told::Begun(index),
                transfer::Told::At(done, of) => Told::At(index, done, of),
            });
        });
        let _ = tell.send(Told::Done(index, result));
    }
}

fn listen(
    downloads: &[Download],
    told: &mpsc::Receiver<Told>,
    progress: &dyn Progress,
) -> Result<Vec<Fetched>, Error> {
    let mut fetched: Vec<Option<Fetched>> = vec![None; downloads.len()];
    let mut sizes: Vec<Option<u64>> = downloads.iter().map(|download| download.size).collect();
    let mut here = vec![0; downloads.len()];
    let (mut begun, mut done) = (false, 0);
    while done < downloads.len() {
        let (index, step) = match told.recv_timeout(TICK) {
            Err(_) if process::interrupted() => return Err(Error::Interrupted),
            Err(mpsc::RecvTimeoutError::Timeout) => continue,
            // Only a worker that panicked leaves files undone; the caller joins it.
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(Error::Interrupted),
            Ok(Told::Begun(_)) if begun => continue,
            Ok(Told::Begun(index)) => {
                begun = true;
                (index, Step::Begin)
            }
            Ok(Told::At(index, bytes, of)) => {
                here[index] = bytes;
                sizes[index] = of.or(sizes[index]);
                (index, Step::Going)
            }
            Ok(Told::Done(index, result)) => {
                let file = result?;
                (here[index], sizes[index]) = (file.size, Some(file.size));
                fetched[index] = Some(file);
                done += 1;
                (index, Step::Going)
            }
        };
        if begun {
            let last = done == downloads.len();
            progress.progress(&Status {
                step: if last { Step::End } else { step },
                file: if last { "" } else { place::name(&downloads[index].url) },
                files_done: done,
                files: downloads.len(),
                bytes_done: here.iter().sum(),
                bytes: sizes.iter().copied().sum(),
            });
        }
    }
    Ok(fetched.into_iter().flatten().collect())
}
