//! One module for several targets: as many builds at a time as there are cores, each into a folder of its own.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::build::{Built, build_signed};
use super::signing::SigningKey;
use super::{Error, Packaging, Request};
use crate::process;
use crate::report::{Event, Reporter};

/// Builds for each of `targets` as [`super::build`] does, into the folder of its name in `packaging.out`. What fails for one
/// is told and hinders no other; the packages are named in the order of the targets.
///
/// # Errors
/// [`Error::Targets`] where one of them failed.
pub fn build_for(
    request: &Request,
    targets: &[String],
    packaging: &Packaging,
    reporter: &dyn Reporter,
) -> Result<(), crate::Error> {
    let folders = folders(targets, &packaging.out)?;
    let key = SigningKey::of(packaging)?;
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<Outcome>>> = targets.iter().map(|_| Mutex::new(None)).collect();
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let (Some(target), Some(out), Some(result)) =
                (targets.get(index), folders.get(index), results.get(index))
            else {
                return;
            };
            if process::interrupted() {
                return;
            }
            let request = Request { target: target.clone(), ..request.clone() };
            let packaging = Packaging { out: out.clone(), ..packaging.clone() };
            let about = About { module: None, target, reporter };
            let built = build_signed(&request, None, &packaging, &key, &about);
            if let Err(error) = &built {
                about.failure(error);
            }
            *lock(result) = Some(built.map(Built::into_packages));
        }
    };
    thread::scope(|scope| {
        for _ in 1..thread::available_parallelism().map_or(1, NonZero::get).min(targets.len()) {
            scope.spawn(work);
        }
        work();
    });
    let (mut files, mut failed, mut kind) = (Vec::new(), Vec::new(), None);
    for (target, result) in targets.iter().zip(results) {
        match result.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            Some(Ok(built)) => files.extend(built),
            Some(Err(error)) => {
                kind = kind.or(Some(error.kind()));
                failed.push(target.clone());
            }
            None => return Err(Error::Interrupted.into()),
        }
    }
    reporter.event(Event::Results { files });
    match kind {
        None => Ok(()),
        Some(kind) => Err(Error::Targets { failed, of: targets.len(), kind }.into()),
    }
}

/// The packages of one target.
type Outcome = Result<Vec<PathBuf>, crate::Error>;

pub(super) fn lock<T>(value: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    value.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The folder of each target: its name, of one that is a folder its last part.
pub(super) fn folders(targets: &[String], out: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut seen = BTreeSet::new();
    let folder = |target: &String| {
        let name = target.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        match name {
            "" | "." | ".." => Err(Error::NamelessTarget { target: target.clone() }),
            name if !seen.insert(name.to_owned()) => Err(Error::SameTarget { name: name.to_owned() }),
            name => Ok(out.join(name)),
        }
    };
    targets.iter().map(folder).collect()
}

/// Tells of one build among several.
pub(super) struct About<'a> {
    /// Where there are several.
    pub module: Option<&'a str>,
    pub target: &'a str,
    pub reporter: &'a dyn Reporter,
}

impl Reporter for About<'_> {
    fn event(&self, event: Event) {
        self.reporter.event(Event::Of {
            module: self.module.map(str::to_owned),
            target: self.target.to_owned(),
            told: Box::new(event),
        });
    }

    fn failure(&self, error: &crate::Error) {
        self.event(Event::Warning { text: "nothing was built for this target:".to_owned() });
        self.reporter.failure(error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_has_a_folder_of_its_own() {
        let folders = |targets: &[&str]| {
            let targets: Vec<String> = targets.iter().map(|target| (*target).to_owned()).collect();
            folders(&targets, Path::new("out")).map_err(|error| error.to_string())
        };
        let expected = ["out/el8", "out/local", "out/httpd"].map(PathBuf::from);
        assert_eq!(folders(&["el8", "local", "/opt/httpd/"]).unwrap(), expected);
        assert!(folders(&["el8", "./el8"]).unwrap_err().contains("`el8`"));
        assert!(folders(&["./.."]).is_err());
    }
}
