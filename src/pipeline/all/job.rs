//! One job: found as it was made before, or made.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use super::basis::{self, Brought, Look};
use super::plan::Planned;
use super::{BuildAll, Caching, Ended, Job, Outcome, Reason};
use crate::cache::{Basis, Entry, Found, Kept, Key};
use crate::compile::Toolchain;
use crate::error::Kind;
use crate::loader;
use crate::parallel;
use crate::paths;
use crate::pipeline::build::{Built, build_signed};
use crate::pipeline::output::{self, Staging};
use crate::pipeline::several::{About, lock};
use crate::pipeline::signing::SigningKey;
use crate::pipeline::{Check, Error, Locks, Packaging, Request};
use crate::recipe::Input;
use crate::report::{Event, Reporter};
use crate::rpm;
use crate::sign::{Keyring, Signer};
use crate::target::Target;

/// A target, for all jobs.
pub(super) struct ForTarget {
    /// As it was named.
    pub name: String,
    target: Target,
    /// The folder of its packages.
    place: PathBuf,
    basis: Basis,
}

impl ForTarget {
    /// # Errors
    /// There is no compiler for it.
    pub fn new(name: &str, target: Target, place: &Path, check: Check) -> Result<Self, crate::Error> {
        let fingerprints = || (target.fingerprint(), loader::fingerprint(&target));
        let ((files, configuration), toolchain) = parallel::both(fingerprints, || Toolchain::find(&target));
        let toolchain = toolchain?;
        let mut basis = Basis::default();
        basis.state("target", name);
        basis.state("target, fingerprint", files);
        basis.state("target, configuration", configuration);
        if check == Check::Run {
            basis.state("target, runner", basis::of_runner(&target));
        }
        basis.state("compiler", serde_json::to_string(&toolchain).expect("it is plain data"));
        basis.state("compiler, programs", toolchain.identity());
        Ok(ForTarget { name: name.to_owned(), target, place: place.to_owned(), basis })
    }
}

/// What all jobs share.
pub(super) struct Bench<'a> {
    request: &'a BuildAll,
    key: &'a SigningKey,
    keyring: Option<Keyring>,
    /// Of the run, or why nothing can be kept.
    basis: Result<Basis, String>,
    look: Look,
    reporter: &'a dyn Reporter,
}

/// What a job's result is known by.
struct Known<'k> {
    basis: Basis,
    /// The part of the recipe, which somebody may change while it is built.
    brought: &'k Brought,
}

/// What a job came to.
struct Done {
    outcome: Outcome,
    packages: Vec<PathBuf>,
}

impl<'a> Bench<'a> {
    pub fn new(
        request: &'a BuildAll,
        key: &'a SigningKey,
        signer: Option<&dyn Signer>,
        locks: Option<Locks>,
        reporter: &'a dyn Reporter,
    ) -> Result<Self, crate::Error> {
        let public = signer.map(|signer| signer.key());
        let shown = Path::new("the signing key");
        let keyring = public.map(|key| Keyring::parse(key.public_key.as_bytes(), shown)).transpose()?;
        let basis = basis::of_run(request, public);
        if let (Err(why), Some(_)) = (&basis, &request.caching) {
            reporter.warning(format!("nothing is kept: {why}"));
        }
        let mut apart = vec![request.packaging.out.clone(), paths::cache()];
        apart.extend(request.caching.iter().map(|caching| caching.cache.folder().to_owned()));
        let look = Look::new(locks, apart);
        Ok(Bench { request, key, keyring, basis, look, reporter })
    }

    /// Runs a job to its end, whatever comes.
    pub fn job(&self, planned: &Planned, target: &ForTarget) -> Ended {
        let start = Instant::now();
        let about = About { module: Some(&planned.name), target: &target.name, reporter: self.reporter };
        let listener = Listener { about, warnings: Mutex::default() };
        let run = || self.attempt(planned, target, &listener);
        // A defect that one module brings to light is that module's.
        let done = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it said nothing");
            Err(Reason::of(&Error::Defect { text: text.to_owned() }.into()))
        });
        let (outcome, reason, packages) = match done {
            Ok(Done { outcome, packages }) => (outcome, None, packages),
            Err(reason) => {
                let outcome = if reason.is_refusal() { Outcome::Refused } else { Outcome::Failed };
                (outcome, Some(reason), Vec::new())
            }
        };
        let job = Job { module: planned.name.clone(), target: target.name.clone() };
        let notes = std::mem::take(&mut *listener.warnings());
        Ended { job, outcome, reason, notes, packages, elapsed: start.elapsed() }
    }

    fn attempt(
        &self,
        planned: &Planned,
        target: &ForTarget,
        listener: &Listener<'_>,
    ) -> Result<Done, Reason> {
        let reporter: &dyn Reporter = listener;
        let brought = planned.brought(&self.look)?;
        let place = target.place.join(&planned.name);
        output::clear(&place).map_err(|error| Reason::of(&Error::from(error).into()))?;
        let known = match (&self.request.caching, brought.and_then(|brought| self.known(brought, target))) {
            (Some(caching), Ok(known)) => Some((caching, known)),
            (Some(_), Err(why)) => {
                not_kept(reporter, &why);
                None
            }
            (None, _) => None,
        };
        if let Some((caching, known)) = &known
            && let Some(done) = self.found(caching, &known.basis, &place, planned, target, reporter)?
        {
            return Ok(done);
        }
        let before = listener.warnings().len();
        let built = self.build(&planned.file, target, &place, reporter);
        if let Some((caching, known)) = known {
            let warnings = listener.warnings()[before..].to_vec();
            let refusal = built.as_ref().err().filter(|reason| reason.is_refusal());
            let refusal = refusal.map(|reason| serde_json::to_string(reason).expect("it is plain data"));
            let kept = Kept {
                module: &planned.name,
                target: &target.name,
                files: built.as_ref().map_or(&[], |built| &built.files),
                packages: built.as_ref().map_or(0, |built| built.packages),
                warnings: &warnings,
                refusal: refusal.as_deref(),
            };
            if built.is_err() && refusal.is_none() {
                // It may go well the next time.
            } else if !planned.still_brings(known.brought, &self.look) {
                not_kept(reporter, "what the recipe brings has changed since the run began");
            } else if let Err(error) = caching.cache.keep(&known.basis, &kept) {
                // The packages are there all the same.
                not_kept(reporter, &error.to_string());
            }
        }
        Ok(Done { outcome: Outcome::Built, packages: built?.into_packages() })
    }

    /// All that a result depends on.
    fn known<'k>(&self, brought: &'k Brought, target: &ForTarget) -> Result<Known<'k>, String> {
        let mut basis = self.basis.clone()?;
        basis.extend(&brought.basis);
        basis.extend(&target.basis);
        Ok(Known { basis, brought })
    }

    /// The packages as they were made before, put in their place where they are not there.
    fn found(
        &self,
        caching: &Caching,
        basis: &Basis,
        place: &Path,
        planned: &Planned,
        target: &ForTarget,
        reporter: &dyn Reporter,
    ) -> Result<Option<Done>, Reason> {
        let key = basis.key();
        let entry = match caching.cache.find(&key) {
            Ok(Found::Entry(entry)) => entry,
            Ok(Found::Nothing) => return Ok(None),
            Ok(Found::Damaged(reason)) => {
                reporter.warning(damaged(&key, &reason));
                return Ok(None);
            }
            Err(error) if error.kind() == Kind::Interrupted => return Err(Reason::of(&error.into())),
            Err(error) => {
                reporter.warning(format!("the cache is not asked: {error}"));
                return Ok(None);
            }
        };
        if let Some(refusal) = entry.refusal() {
            let kept = match serde_json::from_str::<Reason>(refusal) {
                Ok(kept) => kept,
                Err(error) => {
                    drop(entry);
                    return discarded(caching, &key, &error.to_string(), reporter).map(|()| None);
                }
            };
            if caching.verify {
                self.compare_refusal(&kept, &key, planned, target, reporter)?;
            } else {
                entry.warnings().iter().for_each(|warning| reporter.warning(warning.as_str()));
            }
            return Err(kept);
        }
        let names = entry.names();
        let packages: Vec<PathBuf> = names[..entry.packages()].iter().map(|name| place.join(name)).collect();
        // Where it lies in its place already, nobody would look at what is kept.
        let whole = |name: &String| entry.read(name).map(|_| ()).map_err(Put::Entry);
        let kept = if caching.verify { names.iter().try_for_each(whole) } else { Ok(()) };
        match kept.and_then(|()| self.put(&entry, &names, place)) {
            Ok(()) => {}
            Err(Put::Entry(reason)) => {
                // It is held as long as it is there.
                drop(entry);
                return discarded(caching, &key, &reason, reporter).map(|()| None);
            }
            Err(Put::Output(error)) => return Err(Reason::of(&error.into())),
        }
        if caching.verify {
            self.compare(&entry, &names, &key, planned, target, reporter)?;
        } else {
            // They are as true as they were.
            entry.warnings().iter().for_each(|warning| reporter.warning(warning.as_str()));
        }
        Ok(Some(Done { outcome: Outcome::Unchanged, packages }))
    }

    /// Sees to it that what was kept lies in its place, and that the packages are signed as they are to be.
    fn put(&self, entry: &Entry, names: &[String], place: &Path) -> Result<(), Put> {
        let missing: Vec<String> =
            names.iter().filter(|name| !entry.is(name, &place.join(name))).cloned().collect();
        let signed = |path: &Path| match &self.keyring {
            None => Ok(()),
            Some(keys) => rpm::verify(path, keys).map(|_| ()).map_err(|error| Put::Entry(error.to_string())),
        };
        let packages = &names[..entry.packages()];
        if missing.is_empty() {
            packages.iter().try_for_each(|name| signed(&place.join(name)))?;
            // Whoever put them there may have been killed before this.
            return only(place, packages).map_err(|error| Put::Output(error.into()));
        }
        let staging = Staging::new(place).map_err(|error| Put::Output(error.into()))?;
        for name in &missing {
            let bytes = entry.read(name).map_err(Put::Entry)?;
            fs_err::write(staging.path(name), bytes).map_err(|error| Put::Output(error.into()))?;
        }
        for name in packages {
            let there = place.join(name);
            signed(&if missing.contains(name) { staging.path(name) } else { there })?;
        }
        staging.publish(&missing).map_err(Put::Output)?;
        only(place, packages).map_err(|error| Put::Output(error.into()))
    }

    /// Makes what was found all the same, and compares.
    fn compare(
        &self,
        entry: &Entry,
        names: &[String],
        key: &Key,
        planned: &Planned,
        target: &ForTarget,
        reporter: &dyn Reporter,
    ) -> Result<(), Reason> {
        let io = |error: std::io::Error| Reason::of(&Error::from(error).into());
        let folder = crate::pipeline::work::folder().map_err(io)?;
        let built = self.build(&planned.file, target, folder.path(), reporter)?;
        let mut differ: Vec<String> =
            names.iter().filter(|name| !entry.is(name, &folder.path().join(name))).cloned().collect();
        let known = |file: &PathBuf| {
            file.file_name().is_some_and(|name| names.iter().any(|known| name == known.as_str()))
        };
        differ.extend(built.files.iter().filter(|file| !known(file)).map(|file| file.display().to_string()));
        if differ.is_empty() {
            return Ok(());
        }
        let error = Error::KeptOtherwise { key: key.hex().to_owned(), files: differ.join(", ") };
        Err(Reason::of(&error.into()))
    }

    /// As [`compare`](Self::compare), for what was refused.
    fn compare_refusal(
        &self,
        kept: &Reason,
        key: &Key,
        planned: &Planned,
        target: &ForTarget,
        reporter: &dyn Reporter,
    ) -> Result<(), Reason> {
        let folder = crate::pipeline::work::folder();
        let folder = folder.map_err(|error| Reason::of(&Error::from(error).into()))?;
        let differ = match self.build(&planned.file, target, folder.path(), reporter) {
            Err(reason) if reason == *kept => return Ok(()),
            Err(reason) if !reason.is_refusal() => return Err(reason),
            Err(_) => "the refusal".to_owned(),
            Ok(built) => {
                built.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
            }
        };
        Err(Reason::of(&Error::KeptOtherwise { key: key.hex().to_owned(), files: differ }.into()))
    }

    fn build(
        &self,
        file: &Path,
        target: &ForTarget,
        place: &Path,
        reporter: &dyn Reporter,
    ) -> Result<Built, Reason> {
        let all = self.request;
        let request = Request {
            input: Input::Recipe(file.to_owned()),
            module: None,
            target: target.name.clone(),
            requires: Vec::new(),
            base: None,
            accept_risks: all.accept_risks.clone(),
            offline: all.offline,
            line_directives: all.line_directives,
            locked: all.locked.clone(),
        };
        let packaging = Packaging { out: place.to_owned(), ..all.packaging.clone() };
        let built = build_signed(&request, Some(&target.target), &packaging, self.key, reporter);
        let built = built.map_err(|error| Reason::of(&error))?;
        let names: Vec<String> = built.files[..built.packages]
            .iter()
            .filter_map(|file| Some(file.file_name()?.to_string_lossy().into_owned()))
            .collect();
        only(place, &names).map_err(|error| Reason::of(&Error::from(error).into()))?;
        Ok(built)
    }
}

/// What stands in the way of putting what was kept in its place.
enum Put {
    /// It is damaged, in words.
    Entry(String),
    Output(Error),
}

/// Takes away the packages of earlier versions: a repository is made of what lies there.
fn only(place: &Path, packages: &[String]) -> std::io::Result<()> {
    for entry in fs_err::read_dir(place)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".rpm") && !packages.contains(&name) {
            fs_err::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Removes a result that is damaged, and says so.
fn discarded(caching: &Caching, key: &Key, reason: &str, reporter: &dyn Reporter) -> Result<(), Reason> {
    reporter.warning(damaged(key, reason));
    caching.cache.discard(key).map_err(|error| Reason::of(&error.into()))
}

fn not_kept(reporter: &dyn Reporter, why: &str) {
    reporter.warning(format!("the result is not kept: {why}"));
}

fn damaged(key: &Key, reason: &str) -> String {
    format!("the kept result {key} is damaged, and made anew: {reason}")
}

/// Passes on what a job tells, and keeps its warnings for the summary.
struct Listener<'a> {
    about: About<'a>,
    warnings: Mutex<Vec<String>>,
}

impl Listener<'_> {
    fn warnings(&self) -> MutexGuard<'_, Vec<String>> {
        lock(&self.warnings)
    }
}

impl Reporter for Listener<'_> {
    fn event(&self, event: Event) {
        if let Event::Warning { text } = &event {
            self.warnings().push(text.clone());
        }
        self.about.event(event);
    }

    fn failure(&self, error: &crate::Error) {
        self.about.failure(error);
    }
}
