//! Every recipe for every target.
//!
//! A job is one recipe for one target. What it makes lies in `OUT/TARGET/MODULE`, each file whole, and of a job that fails there is
//! none; what it is made of is its key in the cache, so that a job of which nothing has changed is a look at a few files. Jobs share
//! the key that signs and the targets, and nothing else: what goes wrong in one is told with it.

mod alone;
mod basis;
mod job;
mod modgraft;
mod outcome;
mod plan;
mod tokens;

pub use outcome::{Ended, Job, Outcome, Outcomes, Reason};

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Instant, SystemTime};

use super::prepare::resolve;
use super::several::{folders, lock};
use super::signing::SigningKey;
use super::{Error, Locks, Packaging};
use crate::cache::{Cache, Limits};
use crate::report::{Event, Reporter};
use crate::{parallel, process};
use alone::Alone;
use job::{Bench, ForTarget};
use plan::Planned;
use tokens::Tokens;

/// What is to be built.
#[derive(Debug, Clone)]
pub struct BuildAll {
    /// Folders of recipes, recipes' folders, or names in `modules`.
    pub recipes: Vec<String>,
    /// Names or folders, as `--target` takes them.
    pub targets: Vec<String>,
    /// For all jobs; `out` is the folder above the targets'.
    pub packaging: Packaging,
    /// Never use the network.
    pub offline: bool,
    /// Whether the C files have `#line` directives.
    pub line_directives: bool,
    /// Rules that may change what a module does, beside those that the recipes accept.
    pub accept_risks: Vec<String>,
    /// The lock file that must have every input from outside; `None`: none is asked.
    pub locked: Option<PathBuf>,
    /// How many at once; one more than there are cores where it is missing.
    pub jobs: Option<NonZero<usize>>,
    /// Whether nothing is begun any more once something has failed.
    pub fail_fast: bool,
    /// Where results are kept.
    pub caching: Option<Caching>,
}

/// How results are kept.
#[derive(Debug, Clone)]
pub struct Caching {
    /// Where.
    pub cache: Cache,
    /// How many bytes.
    pub size: u64,
    /// Whether what is found is made all the same, and compared.
    pub verify: bool,
}

/// The recipes that words mean, as [`BuildAll::recipes`] has them: each `module.toml`.
///
/// # Errors
/// A word that means nothing; two recipes of one module.
pub(super) fn planned(words: &[String], reporter: &dyn Reporter) -> Result<Vec<PathBuf>, crate::Error> {
    Ok(plan::recipes(words, reporter)?.into_iter().map(|planned| planned.file).collect())
}

/// Also what is found in the cache must be locked, and nothing is begun where something is not.
fn demand_locked(request: &BuildAll, planned: &[Planned]) -> Result<Option<Locks>, crate::Error> {
    let Some(lock) = &request.locked else { return Ok(None) };
    let locks = Locks::read(lock)?;
    // What is wrong with a recipe is told with its job.
    for recipe in planned.iter().filter_map(|planned| planned.recipe.as_ref().ok()) {
        locks.demand_spec(&recipe.directory, recipe.source.clone()).map_err(Error::from)?;
    }
    request.targets.iter().try_for_each(|target| locks.demand_target(target))?;
    Ok(Some(locks))
}

/// Builds all, and tells of each as it ends.
///
/// # Errors
/// What concerns all of them: no recipe, two of one name, an unknown target, a key that cannot be opened; a signal. What
/// concerns one is in the outcomes.
pub fn build_all(request: &BuildAll, reporter: &dyn Reporter) -> Result<Outcomes, crate::Error> {
    let start = Instant::now();
    let planned = plan::recipes(&request.recipes, reporter)?;
    let locks = demand_locked(request, &planned)?;
    let places = folders(&request.targets, &request.packaging.out)?;
    let key = SigningKey::of(&request.packaging)?;
    // What it takes to open a key and what it takes to look at targets have nothing to do with each other.
    let (targets, signer) = parallel::both(|| targets(request, &places, reporter), || key.open(reporter));
    let (signer, targets) = (signer?, targets?);
    let _out = Alone::in_folder(&request.packaging.out, reporter)?;
    let bench = Bench::new(request, &key, signer, locks, reporter)?;

    let jobs: Vec<(&Planned, &ForTarget)> =
        planned.iter().flat_map(|recipe| targets.iter().map(move |target| (recipe, target))).collect();
    reporter.event(Event::Planned { jobs: jobs.len() });
    let ended = run(request, &jobs, &bench, reporter)?;
    if let Some(caching) = &request.caching {
        let limits = Limits { size: caching.size, unused: None };
        match caching.cache.prune(limits, SystemTime::now()) {
            Ok((0, _)) => {}
            Ok((gone, freed)) => reporter.detail(format!("{gone} kept results went, {freed} bytes")),
            Err(error) => reporter.warning(format!("the cache was not kept within its bounds: {error}")),
        }
    }
    let outcomes = Outcomes { ended, elapsed: start.elapsed() };
    let files = outcomes.ended.iter().flat_map(|ended| ended.packages.iter().cloned()).collect();
    reporter.event(Event::Summary { lines: outcomes.lines() });
    reporter.event(Event::Results { files });
    Ok(outcomes)
}

/// Finds each target once, for all jobs.
fn targets(
    request: &BuildAll,
    places: &[PathBuf],
    reporter: &dyn Reporter,
) -> Result<Vec<ForTarget>, crate::Error> {
    let named = request.targets.iter().zip(places);
    let found = parallel::map(named, |(name, place)| {
        let about = super::several::About { module: None, target: name, reporter };
        let target = resolve(name, request.offline, &about)?;
        ForTarget::new(name, target, place, request.packaging.check)
    });
    found.into_iter().collect()
}

/// Runs the jobs on as many threads as there may be, and returns them in their order.
fn run(
    request: &BuildAll,
    jobs: &[(&Planned, &ForTarget)],
    bench: &Bench<'_>,
    reporter: &dyn Reporter,
) -> Result<Vec<Ended>, crate::Error> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    // While one waits, for the disk or for what an httpd that is checked does, another one has a core.
    let threads = request.jobs.map_or(cores + 1, NonZero::get).min(jobs.len());
    let tokens = Tokens::of_environment();
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let ended: Vec<Mutex<Option<Ended>>> = jobs.iter().map(|_| Mutex::new(None)).collect();
    let wanted = || next.load(Ordering::Relaxed) < jobs.len() && !process::interrupted();
    let work = |first: bool| {
        loop {
            // The first thread has the token that make gave this process itself.
            let Some(_token) = tokens.take(first, wanted) else { return };
            let index = next.fetch_add(1, Ordering::Relaxed);
            let (Some((recipe, target)), Some(place)) = (jobs.get(index), ended.get(index)) else { return };
            if process::interrupted() {
                return;
            }
            let one = if request.fail_fast && failed.load(Ordering::Relaxed) {
                Ended::skipped(&recipe.name, &target.name)
            } else {
                bench.job(recipe, target)
            };
            if process::interrupted() {
                // What went wrong now is a consequence of that.
                return;
            }
            if one.outcome.is_failure() {
                failed.store(true, Ordering::Relaxed);
            }
            reporter.event(Event::Job(Box::new(one.clone())));
            *lock(place) = Some(one);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| work(false));
        }
        work(true);
    });
    let of = jobs.len();
    let ended: Vec<Ended> = ended.into_iter().filter_map(|ended| lock(&ended).take()).collect();
    if ended.len() == of { Ok(ended) } else { Err(Error::Stopped { ended: ended.len(), of }.into()) }
}
