use std::io::Write;
use std::path::Path;

use super::args::build_all::{BuildAll, Caching};
use crate::cache::Cache;
use crate::pipeline::{self, Check, Outcomes, Packaging};
use crate::report::{Reporter, annotations, junit, markdown};
use crate::{Error, paths, sign};

pub fn run(args: &BuildAll, reporter: &dyn Reporter) -> Result<(), Error> {
    let packaging = Packaging {
        out: args.out.clone(),
        key: args.key.spec()?.unwrap_or(sign::KeySpec::Development),
        environment: args.key.environment()?,
        release: args.release,
        check: if args.no_check { Check::Skip } else { Check::Run },
        keep: false,
    };
    let request = pipeline::BuildAll {
        recipes: args.recipes.clone(),
        targets: args.targets.clone(),
        packaging,
        offline: args.offline,
        line_directives: !args.no_line,
        accept_risks: args.accept_risk.clone(),
        locked: args.locked.then(|| lock(args)),
        jobs: args.jobs,
        fail_fast: args.fail_fast,
        caching: caching(&args.caching),
    };
    demand_folders(args).map_err(pipeline::Error::from)?;
    let outcomes = pipeline::build_all(&request, reporter)?;
    let written = write_reports(args, &outcomes).map_err(pipeline::Error::from);
    match (outcomes.failure(), written) {
        (Some(failed), written) => {
            if let Err(error) = written {
                reporter.warning(format!("not all reports are written: {error}"));
            }
            Err(failed.into())
        }
        (None, written) => Ok(written?),
    }
}

/// Looks for the folders of the reports, before there is an hour's work to report.
fn demand_folders(args: &BuildAll) -> std::io::Result<()> {
    for file in [&args.junit, &args.summary, &args.annotations].into_iter().flatten() {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) {
            let kind = std::io::ErrorKind::NotFound;
            return Err(std::io::Error::new(kind, format!("{}: there is no such folder", file.display())));
        }
    }
    Ok(())
}

/// The lock file that was named, or that of the first recipes that were.
fn lock(args: &BuildAll) -> std::path::PathBuf {
    let first = args.recipes.first().map_or("modules", String::as_str);
    // A folder of recipes has the lock file in it, or above.
    let first = Path::new(first);
    let recipes = if first.join("module.toml").is_file() { first.join("..") } else { first.to_owned() };
    args.lock.clone().unwrap_or_else(|| pipeline::lock_file(&recipes))
}

fn caching(args: &Caching) -> Option<pipeline::Caching> {
    let folder = match &args.cache {
        Some(folder) if folder == Path::new("none") => return None,
        Some(folder) => folder.clone(),
        None => results(),
    };
    Some(pipeline::Caching { cache: Cache::new(folder), size: args.cache_size, verify: args.verify_cache })
}

/// Where results are kept if nothing is said.
pub fn results() -> std::path::PathBuf {
    paths::cache().join("results")
}

/// For the pages of those who run this, also where something has failed: then more than ever.
fn write_reports(args: &BuildAll, outcomes: &Outcomes) -> std::io::Result<()> {
    if let Some(file) = &args.junit {
        fs_err::write(file, junit::render(outcomes))?;
    }
    if let Some(file) = &args.summary {
        let mut file = fs_err::OpenOptions::new().create(true).append(true).open(file)?;
        file.write_all(markdown::render(outcomes).as_bytes())?;
    }
    if let (Some(file), Some(job)) = (&args.annotations, &args.job_url) {
        fs_err::write(file, annotations::render(outcomes, job))?;
    }
    Ok(())
}
