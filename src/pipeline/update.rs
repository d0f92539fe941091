//! What upstream and the distributions have by now that recipes and the lock file do not, and taking it.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::all::planned;
use super::locked::name_of;
use super::{Error, lock_file};
use crate::beneath::at;
use crate::changeset::{self, Class};
use crate::paths;
use crate::recipe::{self, Recipe};
use crate::report::{Downloads, Reporter};
use crate::source::{self, Base, History, Pinned, SourceSpec, Sources, Upcoming};
use crate::target;
use crate::target::store::{self, Change, LockFile, Name, Store};

pub use crate::target::store::NewPackage;

/// What is to be looked for.
#[derive(Debug, Clone)]
pub struct Update {
    /// Folders of recipes, recipes' folders, or names in `modules`; all in `modules`, where there are none.
    pub recipes: Vec<String>,
    /// Targets of the lock file; all that are from repositories, where there are none.
    pub targets: Vec<String>,
    /// The lock file; the one that belongs to the recipes, where it is missing.
    pub lock: Option<PathBuf>,
    /// Upstream's branch; the one that has the commits, where it is missing.
    pub branch: Option<String>,
    /// The public keys that the packages of targets must be signed with.
    pub key: Option<PathBuf>,
    /// Whether recipes, the lock file and the targets are changed.
    pub write: bool,
    /// Nothing may be downloaded.
    pub offline: bool,
}

/// What there is.
#[derive(Debug, Clone, Serialize)]
pub struct Updates {
    /// In the order in which they were named.
    pub recipes: Vec<RecipeNews>,
    /// By name.
    pub targets: Vec<TargetNews>,
    /// The files that were changed.
    pub written: Vec<PathBuf>,
}

/// What there is of a recipe's source.
#[derive(Debug, Clone, Serialize)]
pub struct RecipeNews {
    /// Its `module.toml`.
    pub recipe: PathBuf,
    /// `mod_NAME`.
    pub name: String,
    /// The repository; nothing where nothing newer can be looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<String>,
    /// The branch that was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The commit that the recipe names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The files that were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// What came later, newest first.
    pub newer: Vec<Upcoming>,
    /// Why nothing newer was looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What there is of a target.
#[derive(Debug, Clone, Serialize)]
pub struct TargetNews {
    /// Its name.
    pub target: String,
    /// By name.
    pub packages: Vec<NewPackage>,
}

/// Looks for newer commits and packages, and with `write` takes them: recipes first, once all that they name then could be had, then the
/// lock file, then targets.
///
/// # Errors
/// A recipe that is wrong; what cannot be asked, because it is not there or the network is not; a lock file that is damaged; with
/// `write`, newer packages and no key, where those that are locked were checked by one.
pub fn update(asked: &Update, reporter: &dyn Reporter) -> Result<Updates, crate::Error> {
    let files = planned(&asked.recipes, reporter)?;
    let lock = match (&asked.lock, files.first()) {
        (Some(lock), _) => lock.clone(),
        (None, Some(first)) => lock_file(&first.with_file_name("..")),
        (None, None) => store::LOCK_FILE.into(),
    };
    let known = LockFile::read(&lock).map_err(target::Error::from)?.unwrap_or_default();
    let mut updates = Updates { recipes: Vec::new(), targets: Vec::new(), written: Vec::new() };
    for file in &files {
        updates.recipes.push(of_recipe(asked, file)?);
    }
    let targets = targets(asked, &known, &lock)?;
    for name in &targets {
        updates.targets.push(of_target(asked, name, &known, &lock, reporter)?);
    }
    if asked.write {
        for news in updates.targets.iter().filter(|news| !news.packages.is_empty()) {
            if let Some((name, locked)) = known.targets().find(|(name, _)| name.as_str() == news.target) {
                // Before anything is written; adding it would refuse as well.
                locked.demand_key(name, &lock, asked.key.as_deref()).map_err(target::Error::from)?;
            }
        }
        write(asked, &targets, &known, &lock, &mut updates, reporter)?;
    }
    Ok(updates)
}

fn options(asked: &Update) -> source::Options {
    source::Options { cache: paths::cache(), offline: asked.offline }
}

fn fetched(asked: &Update, recipe: &Recipe) -> Result<Sources, crate::Error> {
    Ok(source::fetch(&recipe.source, &recipe.directory, &options(asked))?)
}

fn of_recipe(asked: &Update, file: &Path) -> Result<RecipeNews, crate::Error> {
    let recipe = recipe::read(file)?;
    let mut news = RecipeNews {
        recipe: file.to_owned(),
        name: recipe.name.clone(),
        git: None,
        branch: None,
        commit: None,
        files: Vec::new(),
        newer: Vec::new(),
        note: None,
    };
    let (url, commit, files) = match &recipe.source {
        SourceSpec::Revision { url, commit, files } => (url, commit, files.clone()),
        SourceSpec::Commit { url, commit } => (url, commit, own_files(&fetched(asked, &recipe)?, &recipe)?),
        SourceSpec::Release { .. } => return Ok(noted(news, "a release is final: name a newer one by hand")),
        SourceSpec::Patches { base: Some(Base::Git { .. }), .. } => {
            return Ok(noted(
                news,
                "the patches are the recipe's own; --write locks the tree that they apply to",
            ));
        }
        SourceSpec::Patches { .. } | SourceSpec::Tree { .. } => {
            return Ok(noted(news, "the source is the recipe's own"));
        }
    };
    let History { branch, commits } =
        source::newer(url, commit, &files, asked.branch.as_deref(), &recipe.directory, &options(asked))?;
    news.git = Some(url.clone());
    news.branch = Some(branch);
    news.commit = Some(commit.clone());
    news.files = files;
    news.newer = commits;
    Ok(news)
}

fn noted(news: RecipeNews, note: &str) -> RecipeNews {
    RecipeNews { note: Some(note.to_owned()), ..news }
}

/// The module's own files: those among what a commit touches, and those that the build system lists. Its main one is the first.
fn own_files(sources: &Sources, recipe: &Recipe) -> Result<Vec<String>, crate::Error> {
    let changeset = changeset::read(sources, &recipe.rules)?;
    let wanted = recipe.symbol.as_deref().unwrap_or(&recipe.name);
    let base = sources.base.as_ref();
    let module = changeset::single_module(&changeset, base, Some(wanted))?;
    let listing = changeset::listing(&changeset, base, &module)?;
    let own = |class| matches!(class, Class::ModuleSource | Class::PrivateHeader);
    let focused = changeset.focused_on(&module)?.listed(listing.as_ref(), base)?;
    let mut files = vec![module.file.clone()];
    let others = focused.files.iter().filter(|file| own(file.class) && file.path != module.file);
    files.extend(others.map(|file| file.path.clone()));
    Ok(files)
}

/// The targets to look at.
fn targets(asked: &Update, known: &LockFile, lock: &Path) -> Result<Vec<Name>, crate::Error> {
    if asked.targets.is_empty() {
        let from_repositories = known.targets().filter(|(_, locked)| !locked.repositories.is_empty());
        return Ok(from_repositories.map(|(name, _)| name.clone()).collect());
    }
    let mut names = Vec::new();
    for target in &asked.targets {
        let name = Name::parse(target).map_err(target::Error::from)?;
        match known.get(&name) {
            Some(locked) if !locked.repositories.is_empty() => names.push(name),
            locked => {
                let (target, lock) = (target.clone(), lock.to_owned());
                return Err(match locked {
                    Some(_) => Error::NothingNewer { target, lock },
                    None => Error::NotInLock { target, lock, help: others(known) },
                }
                .into());
            }
        }
    }
    Ok(names)
}

/// What to name in place of a target that the lock file does not have.
fn others(known: &LockFile) -> String {
    let names: Vec<&str> = known.names().map(Name::as_str).collect();
    match &names[..] {
        [] => "`modgraft target add` locks targets".to_owned(),
        names => format!("it has {}; `modgraft target add` locks another", names.join(", ")),
    }
}

fn of_target(
    asked: &Update,
    name: &Name,
    known: &LockFile,
    lock: &Path,
    reporter: &dyn Reporter,
) -> Result<TargetNews, crate::Error> {
    let Some(locked) = known.get(name) else {
        return Ok(TargetNews { target: name.to_string(), packages: Vec::new() });
    };
    let store = Store::of(&paths::cache());
    let progress = Downloads::new(reporter, format!("packages of {name}"));
    let packages = store::newer(&store, name, locked, lock, asked.key.as_deref(), asked.offline, &progress)?;
    Ok(TargetNews { target: name.to_string(), packages })
}

fn write(
    asked: &Update,
    targets: &[Name],
    known: &LockFile,
    lock: &Path,
    updates: &mut Updates,
    reporter: &dyn Reporter,
) -> Result<(), crate::Error> {
    let taken: Vec<Taken> =
        updates.recipes.iter().map(|news| taken(asked, news, lock, reporter)).collect::<Result<_, _>>()?;
    for (recipe, text) in taken.iter().filter_map(|one| Some((&one.recipe, one.text.as_ref()?))) {
        put(recipe, text).map_err(Error::from)?;
        reporter.note(format!(
            "{}: version, release and changelog stay as they are: say there what is new",
            recipe.display()
        ));
        updates.written.push(recipe.clone());
    }
    let set = |content: &mut LockFile| {
        for one in taken {
            content.set_sources(&one.name, one.pinned);
        }
    };
    if Change::with(lock, set)?.publish().map_err(Error::from)? {
        updates.written.push(lock.to_owned());
    }
    for name in targets {
        let news = updates.targets.iter().find(|news| news.target == name.as_str());
        // With a key for the first time, what is locked is checked by it, and the lock file says so from now on.
        let unchecked = asked.key.is_some() && known.get(name).is_some_and(|locked| locked.keys.is_empty());
        if unchecked || news.is_some_and(|news| !news.packages.is_empty()) {
            add_anew(asked, name, lock, reporter)?;
            if !updates.written.iter().any(|written| written == lock) {
                updates.written.push(lock.to_owned());
            }
        }
    }
    Ok(())
}

/// What a recipe is to be: nothing is written before all of them can be.
struct Taken {
    recipe: PathBuf,
    /// The recipe's new text, where it names another commit.
    text: Option<String>,
    /// Its name in the lock file.
    name: String,
    /// What it names from outside.
    pinned: Vec<Pinned>,
}

fn taken(
    asked: &Update,
    news: &RecipeNews,
    lock: &Path,
    reporter: &dyn Reporter,
) -> Result<Taken, crate::Error> {
    let file = &news.recipe;
    let folder = file.parent().unwrap_or(Path::new(""));
    let Some(name) = name_of(lock, folder) else {
        let (recipe, lock) = (file.clone(), lock.to_owned());
        return Err(Error::NotBeneath { recipe, lock }.into());
    };
    let mut recipe = recipe::read(file)?;
    let mut text = None;
    if let Some(newest) = news.newer.first() {
        // Of a module that the build system lists, its main file is enough.
        let main = &news.files[..1.min(news.files.len())];
        let changed = recipe::repin(&recipe.text, &newest.commit, main)
            .map_err(|reason| Error::Repin { recipe: file.clone(), reason })?;
        recipe = recipe::parse(&changed, &file.display().to_string(), recipe.directory)?;
        text = Some(changed);
    }
    // That commit may have other files.
    let sources = fetched(asked, &recipe).inspect_err(|_| {
        if let (Some(_), Some(newest)) = (&text, news.newer.first()) {
            reporter.warning(format!(
                "{} cannot go on to {}; nothing is written",
                file.display(),
                newest.commit
            ));
        }
    })?;
    let mut pinned = sources.pinned(&recipe.source)?;
    pinned.retain(Pinned::is_outside);
    Ok(Taken { recipe: file.clone(), text, name, pinned })
}

/// Adds a target again from its repositories, which locks its packages.
fn add_anew(asked: &Update, name: &Name, lock: &Path, reporter: &dyn Reporter) -> Result<(), crate::Error> {
    let known = LockFile::read(lock).map_err(target::Error::from)?.unwrap_or_default();
    let Some(locked) = known.get(name) else { return Ok(()) };
    let own = locked.profile.contains('/') || locked.profile.ends_with(".toml");
    let beside = lock.parent().unwrap_or(Path::new("")).join(&locked.profile);
    let profile = if own { beside.display().to_string() } else { locked.profile.clone() };
    let request = store::Request {
        name: name.clone(),
        profile: Some(profile),
        source: store::Source::Repositories { places: locked.repositories.clone(), key: asked.key.clone() },
        machine: Some(locked.machine),
        force: true,
        lock: Some(lock.to_owned()),
        locked: false,
        offline: asked.offline,
    };
    super::add_target(&request, reporter)
}

/// Writes a file beside its place, with the permissions of the old one, and renames it.
fn put(path: &Path, text: &str) -> std::io::Result<()> {
    let place = fs_err::canonicalize(path)?;
    let folder = place.parent().unwrap_or(Path::new("/"));
    let mut new = tempfile::Builder::new().prefix(".modgraft-").tempfile_in(folder)?;
    new.write_all(text.as_bytes())?;
    new.as_file().set_permissions(fs_err::metadata(&place)?.permissions())?;
    new.as_file().sync_all()?;
    new.persist(&place).map_err(|error| at(path, error.error))?;
    Ok(())
}

/// A subject is cut to this many characters for a person: some commits have all of their message in it.
const SUBJECT: usize = 100;

impl Updates {
    /// In lines, for a person.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for news in &self.recipes {
            let name = news.recipe.parent().unwrap_or(&news.recipe).display();
            match (&news.note, &news.branch, news.newer.len()) {
                (Some(note), ..) => text.push_str(&format!("{name}: {note}\n")),
                (None, branch, 0) => {
                    text.push_str(&format!(
                        "{name}: nothing newer on {}\n",
                        branch.as_deref().unwrap_or("it")
                    ));
                }
                (None, branch, count) => {
                    let branch = branch.as_deref().unwrap_or("it");
                    let commits = super::summary::count(count, "newer commit");
                    text.push_str(&format!("{name}: {commits} on {branch}\n"));
                }
            }
            for one in &news.newer {
                let short = one.commit.get(..12).unwrap_or(&one.commit);
                let subject: String = one.subject.chars().take(SUBJECT).collect();
                let cut = if one.subject.chars().nth(SUBJECT).is_some() { "…" } else { "" };
                text.push_str(&format!("  {short} {} {}{cut}\n", one.date, subject.escape_debug()));
            }
        }
        for news in &self.targets {
            match news.packages.len() {
                0 => text.push_str(&format!("target {}: nothing newer\n", news.target)),
                count => {
                    let packages = super::summary::count(count, "other package");
                    text.push_str(&format!("target {}: {packages}\n", news.target));
                }
            }
            for one in &news.packages {
                let shown = |evr: &Option<String>| evr.clone().unwrap_or_else(|| "none".to_owned());
                let (old, new) = (shown(&one.old), shown(&one.new));
                text.push_str(&format!("  {} {old} → {new}\n", one.name));
            }
        }
        for file in &self.written {
            text.push_str(&format!("wrote {}\n", file.display()));
        }
        text
    }
}
