//! From the C file to packages in the output folder: compile, audit, package, check, publish.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::assumed::with_required;
use super::clock::stage;
use super::graft::{Graft, Next, compiling, graft};
use super::output::Staging;
use super::prepare::Ready;
use super::record::{PackageFile, Record};
use super::signing::{DEVELOPMENT_KEY, SigningKey};
use super::simulate::simulated;
use super::{Check, Error, Packaging, Request, attest, epoch, graft_notes, summary, upstream, work};
use crate::audit::{self, Audit};
use crate::check::{self, CheckResult};
use crate::compile::{self, SharedObject};
use crate::flatten;
use crate::libraries;
use crate::lint;
use crate::package::{self, Package, PackageSet};
use crate::recipe::Recipe;
use crate::report::{Event, Reporter, Stage};
use crate::rpm::{self, Destinations};
use crate::target::Target;

/// How long the checks of one package may take together.
const CHECK_LIMIT: Duration = Duration::from_secs(120);

const REPORT: &str = "report.json";

/// The main job: leaves packages, spec, C file and report in `packaging.out`, and tells the packages' paths as
/// [`Event::Results`].
///
/// # Errors
/// Any stage's; the output folder is then as it was.
pub fn build(request: &Request, packaging: &Packaging, reporter: &dyn Reporter) -> Result<(), crate::Error> {
    let built = build_signed(request, None, packaging, &SigningKey::of(packaging)?, reporter)?;
    reporter.event(Event::Results { files: built.into_packages() });
    Ok(())
}

/// What a build has left in its output folder.
pub(super) struct Built {
    /// The packages, and then all else.
    pub files: Vec<PathBuf>,
    /// How many packages there are.
    pub packages: usize,
}

impl Built {
    pub fn into_packages(mut self) -> Vec<PathBuf> {
        self.files.truncate(self.packages);
        self.files
    }
}

/// As [`build`], with a key that other builds use too, and for a target that may be known already. Whoever calls it tells of the
/// packages.
pub(super) fn build_signed(
    request: &Request,
    target: Option<&Target>,
    packaging: &Packaging,
    key: &SigningKey,
    reporter: &dyn Reporter,
) -> Result<Built, crate::Error> {
    with_required(request, reporter, |request| build_once(request, target, packaging, key, reporter))
}

fn build_once(
    request: &Request,
    target: Option<&Target>,
    packaging: &Packaging,
    key: &SigningKey,
    reporter: &dyn Reporter,
) -> Result<Built, crate::Error> {
    let work = work::folder_kept(packaging.keep, reporter).map_err(Error::from)?;
    let graft = graft(request, target, Next::Compile, work.path(), reporter)?;
    demand_written_recipe(packaging, &graft)?;
    let not_checked = reason_not_to_check(packaging, &graft, reporter)?;
    let signer = key.open(reporter)?;
    let (object, audit) = compiled(&graft, work.path(), reporter)?;

    let staging = Staging::new(&packaging.out).map_err(Error::from)?;
    let notes = graft_notes::text(&graft);
    let set = assembled(&graft, &object, &audit, &notes)?;
    simulated(&graft, &set, &audit, reporter)?;
    let written = stage(
        reporter,
        Stage::Package,
        || rpm::write_set(&set, signer, &Destinations::of(&set, |name| staging.path(name))),
        |written| summary::signed(written.packages().count(), signer.map(|signer| signer.key())),
    )?;
    let checks = match not_checked {
        None => Ok(checked(&graft, &audit, &written.binary.path, work.path(), packaging.keep, reporter)?),
        Some(reason) => Err(reason),
    };

    let files: Vec<PackageFile> = set
        .packages()
        .zip(written.packages())
        .map(|(package, file)| PackageFile::new(package, file.size, file.sha256.clone()))
        .collect();
    let key = signer.map(|signer| signer.key());
    let inputs = graft.inputs(request)?;
    let record =
        Record::new(&graft, &inputs, &object, &audit, files, key, checks.as_ref().map_err(String::as_str));
    let report = record.json();
    let attested = attest::Build {
        graft: &graft,
        inputs: &inputs,
        object: &object,
        set: &set,
        written: &written,
        texts: &[
            (graft.file_name(), &graft.text),
            (set.spec.0.clone(), &set.spec.1),
            (graft_notes::NAME.to_owned(), &notes),
        ],
    }
    .files()?;
    let mut names: Vec<String> = set.packages().map(Package::file_name).collect();
    let packages = names.len();
    let mut texts = vec![
        (graft.file_name(), &graft.text),
        (set.spec.0.clone(), &set.spec.1),
        (REPORT.to_owned(), &report),
        (graft_notes::NAME.to_owned(), &notes),
    ];
    texts.extend(attested.iter().map(|(name, text)| (name.clone(), text)));
    if let Some(key) = key.filter(|key| key.development) {
        texts.push((DEVELOPMENT_KEY.to_owned(), &key.public_key));
    }
    for (name, text) in texts {
        fs_err::write(staging.path(&name), text).map_err(Error::from)?;
        names.push(name);
    }
    let files = staging.publish(&names)?;
    reporter.event(Event::Summary {
        lines: summary::lines(&graft, &set, checks.as_ref().err().map(String::as_str)),
    });
    Ok(Built { files, packages })
}

/// Stops after the C file, and writes it into the folder `out`.
///
/// # Errors
/// As [`build`], up to that stage.
pub fn flatten(request: &Request, out: &Path, reporter: &dyn Reporter) -> Result<(), crate::Error> {
    let work = work::folder().map_err(Error::from)?;
    let graft = graft(request, None, Next::Stop, work.path(), reporter)?;
    let staging = Staging::new(out).map_err(Error::from)?;
    let name = graft.file_name();
    fs_err::write(staging.path(&name), &graft.text).map_err(Error::from)?;
    let files = staging.publish(&[name])?;
    reporter.event(Event::Results { files });
    Ok(())
}

/// Runs the recipe's checks with the module of the package `file`, or of one that is built for it and not kept.
///
/// # Errors
/// As [`build`].
pub fn check(
    request: &Request,
    file: Option<&Path>,
    keep: bool,
    reporter: &dyn Reporter,
) -> Result<(), crate::Error> {
    with_required(request, reporter, |request| check_once(request, file, keep, reporter))
}

fn check_once(
    request: &Request,
    file: Option<&Path>,
    keep: bool,
    reporter: &dyn Reporter,
) -> Result<(), crate::Error> {
    let work = work::folder_kept(keep, reporter).map_err(Error::from)?;
    let graft = graft(request, None, Next::Compile, work.path(), reporter)?;
    let (object, audit) = compiled(&graft, work.path(), reporter)?;
    let built;
    let file = match file {
        Some(file) => file,
        None => {
            let set = assembled(&graft, &object, &audit, &graft_notes::text(&graft))?;
            built = work.path().join(set.binary.file_name());
            rpm::write(&set.binary, None, &built)?;
            &built
        }
    };
    checked(&graft, &audit, file, work.path(), keep, reporter)?;
    Ok(())
}

fn demand_written_recipe(packaging: &Packaging, graft: &Graft) -> Result<(), Error> {
    let Recipe { assumptions, text, .. } = &graft.ready.recipe;
    if packaging.release && !assumptions.is_empty() {
        return Err(Error::Provisional {
            what: "a recipe that was worked out from the patch".to_owned(),
            help: "write a module.toml beside the patch; the source package of a build without --release has one to start from"
                .to_owned(),
        });
    }
    // A header of configure's that nobody has filled in compiles, too: without what upstream's has.
    if packaging.release
        && let Some((_, what)) = lint::left(text).next()
    {
        return Err(Error::Provisional {
            what: format!("a recipe that leaves to write: {what}"),
            help: lint::LEFT_HELP.to_owned(),
        });
    }
    Ok(())
}

/// Why the package will not be checked, if it will not. A target whose httpd cannot run here is told of at once; what is
/// built for others is refused then.
fn reason_not_to_check(
    packaging: &Packaging,
    graft: &Graft,
    reporter: &dyn Reporter,
) -> Result<Option<String>, Error> {
    let target = &graft.ready.target;
    match (packaging.check, target.runner()) {
        (Check::Skip, _) => Ok(Some("--no-check was given; `modgraft check` does it".to_owned())),
        (Check::Run, Ok(_)) => Ok(None),
        (Check::Run, Err(why)) if packaging.release => {
            Err(Error::ReleaseUnchecked { target: target.name.clone(), why })
        }
        (Check::Run, Err(why)) => {
            reporter.warning(format!("the package will not be checked: {why} ({})", why.help()));
            Ok(Some(why.to_string()))
        }
    }
}

pub(super) fn compiled(
    graft: &Graft,
    work: &Path,
    reporter: &dyn Reporter,
) -> Result<(SharedObject, Audit), crate::Error> {
    let options = compiling(&graft.ready, &graft.adapted.unit, work)?;
    let object = match &graft.compiled {
        Some((object, elapsed)) => {
            reporter.event(Event::Started { stage: Stage::Compile });
            let (stage, summary) = (Stage::Compile, summary::compiled(object));
            reporter.event(Event::Finished { stage, summary, elapsed: *elapsed });
            object.clone()
        }
        None => stage(
            reporter,
            Stage::Compile,
            || {
                let Ready { target, toolchain, .. } = &graft.ready;
                compile::compile(&graft.ready.unit(&graft.text), target, toolchain, &options)
            },
            summary::compiled,
        )?,
    };
    reporter.detail(format!("{} {}", object.call.program.display(), object.call.arguments.join(" ")));
    for dropped in &object.call.dropped {
        reporter.detail(format!("left out {} of {}: {}", dropped.flag, dropped.variable, dropped.reason));
    }
    for warning in &object.warnings {
        reporter.warning(warning.as_str());
    }
    let beside: Vec<audit::Beside> = graft.required.iter().map(|required| required.beside.clone()).collect();
    let headers_of = headers_of(&graft.text);
    let expect = audit::Expect {
        headers_of: &headers_of,
        symbol: &graft.ready.module.symbol,
        exports: &options.exports,
        beside: &beside,
        libraries: &graft.ready.recipe.libraries,
    };
    let audit = || {
        audit::audit(&object, &expect, &graft.ready.target)
            .map_err(|error| missing_module(&error, graft).unwrap_or_else(|| error.into()))
    };
    let audit = stage(reporter, Stage::Audit, audit, summary::audited)?;
    Ok((object, audit))
}

/// The libraries, as behind `-l`, whose headers a unit includes.
fn headers_of(text: &str) -> Vec<String> {
    libraries::of_includes(text).into_iter().flat_map(|library| library.link.iter().cloned()).collect()
}

/// The module that has what the audit did not find.
fn missing_module(error: &audit::Error, graft: &Graft) -> Option<crate::Error> {
    let audit::Error::Findings { findings, .. } = error else { return None };
    let undefined = findings.iter().filter_map(|finding| match finding {
        audit::Finding::Undefined { symbol } => Some(symbol.as_str()),
        _ => None,
    });
    flatten::awaited_module(&graft.adapted.unit.awaited, &undefined.collect()).map(Into::into)
}

pub(super) fn assembled(
    graft: &Graft,
    object: &SharedObject,
    audit: &Audit,
    notes: &str,
) -> Result<PackageSet, crate::Error> {
    let name = graft.file_name();
    let time = epoch::of(&graft.ready.recipe)?;
    let notes = [(graft_notes::NAME.to_owned(), Arc::from(notes.as_bytes()))];
    let extra = extra_sources(graft);
    let set = package::assemble(&package::Inputs {
        recipe: &graft.ready.recipe,
        target: &graft.ready.target,
        object,
        audit,
        flat_source: (&name, &graft.text),
        sources: &graft.ready.sources,
        requires: &graft.packages_required(),
        upstream: &upstream::files(graft)?,
        extra_sources: &extra,
        notes: &notes,
        source_date_epoch: time,
    })?;
    Ok(set)
}

/// The rules that were used and the overlays: with them another machine can make the C file again.
fn extra_sources(graft: &Graft) -> Vec<(String, Arc<[u8]>)> {
    let recipe = &graft.ready.recipe;
    let bytes = |text: &str| Arc::from(text.as_bytes());
    let mut all: Vec<(String, Arc<[u8]>)> =
        recipe.compat.files.iter().map(|(name, text)| (name.clone(), bytes(text))).collect();
    let used: BTreeSet<&str> = graft
        .adapted
        .edits
        .iter()
        .filter_map(|edit| edit.rule.split_once('/'))
        .map(|(pack, _)| pack)
        .collect();
    let built_in = used.into_iter().filter_map(crate::adapt::pack::built_in_file);
    all.extend(built_in.map(|(name, text)| (format!("compat-{name}"), bytes(text))));
    let overlays = graft.overlays.iter();
    all.extend(overlays.map(|overlay| (overlay.path.replace('/', "-"), bytes(&overlay.text))));
    for header in &recipe.headers {
        // The tree has it, or the source stage would have refused it.
        let path = header.to_string_lossy();
        let tree = graft.ready.sources.base.as_ref();
        if let Some(bytes) = tree.and_then(|tree| tree.read(&path).ok().flatten()) {
            all.push((path.into_owned(), bytes));
        }
    }
    all
}

/// Takes the module and its drop-ins out of the package's payload, and lets a real httpd load them.
pub(super) fn checked(
    graft: &Graft,
    audit: &Audit,
    package: &Path,
    work: &Path,
    keep: bool,
    reporter: &dyn Reporter,
) -> Result<CheckResult, crate::Error> {
    let target = &graft.ready.target;
    let runner = target.runner().map_err(|why| Error::NoHttpd { target: target.name.clone(), why })?;
    let root = work.join("payload");
    let run = || -> Result<CheckResult, crate::Error> {
        fs_err::create_dir_all(&root).map_err(Error::from)?;
        let files = rpm::extract(package, &root)?;
        let module_name = format!("{}.so", graft.ready.recipe.name);
        let module_file = files.iter().find(|file| file.ends_with(&module_name));
        let module_file =
            module_file.ok_or_else(|| Error::NoModule { package: package.to_owned(), file: module_name })?;
        let plan = check::Plan {
            httpd: check::Httpd {
                runner,
                modules_dir: target.modules_dir.clone(),
                version: target.httpd_version.clone(),
            },
            module_file: module_file.clone(),
            symbol: graft.ready.module.symbol.clone(),
            load_after: load_after(graft, audit),
            beside: graft.required.iter().filter_map(|one| Some(one.made.as_ref()?.file.clone())).collect(),
            drop_ins: drop_ins(graft, audit, &root, &files)?,
            limit: CHECK_LIMIT,
            keep_in: keep.then(|| work.join("httpd")),
        };
        Ok(check::run(&graft.ready.recipe.checks, &plan)?)
    };
    stage(reporter, Stage::Check, run, summary::checked)
}

/// All modules that are loaded before, each behind what it needs itself.
fn load_after(graft: &Graft, audit: &Audit) -> Vec<audit::Prerequisite> {
    let mut all: Vec<audit::Prerequisite> = Vec::new();
    for required in &graft.required {
        all.extend(required.made.iter().flat_map(|made| made.load_after.iter().cloned()));
        all.push(required.beside.module.clone());
    }
    all.extend(audit.load_after.iter().cloned());
    let mut seen = BTreeSet::new();
    all.retain(|module| seen.insert(module.symbol.clone()));
    all
}

/// The configuration files among the package's, those that load the module first, as httpd reads them.
fn drop_ins(
    graft: &Graft,
    audit: &Audit,
    root: &Path,
    files: &[PathBuf],
) -> Result<Vec<check::DropIn>, Error> {
    let layout = &graft.ready.target.layout;
    let name = graft.ready.recipe.name.strip_prefix("mod_").unwrap_or(&graft.ready.recipe.name);
    let places = [layout.load_file_for(name, audit.load_order), layout.directives_file_for(name)];
    let folders = places.map(|file| root.join(file.trim_start_matches('/')).parent().map(Path::to_owned));
    let mut found = Vec::new();
    let beside = |file: &&PathBuf| folders.iter().any(|folder| folder.as_deref() == file.parent());
    for file in files.iter().filter(beside).filter(|file| file.is_file()) {
        let path = format!("/{}", file.strip_prefix(root).unwrap_or(file).display());
        found.push(check::DropIn { text: fs_err::read_to_string(file)?, path });
    }
    found.sort_by_key(|file| !file.text.contains("LoadModule "));
    if layout.loaded_by_tool {
        // What the distribution's tool would write.
        let symbol = &graft.ready.module.symbol;
        let text = format!("LoadModule {symbol} {}/{}.so\n", layout.load_prefix, graft.ready.recipe.name);
        found.insert(0, check::DropIn { path: "/loadmodule.conf".to_owned(), text });
    }
    Ok(found)
}
