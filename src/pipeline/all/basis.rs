//! All that the packages of a job are made of.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::BuildAll;
use super::modgraft;
use crate::cache::Basis;
use crate::hash::{ListHash, sha256_of};
use crate::memo::Memo;
use crate::pipeline::required::{around, recipe_file, required_in};
use crate::pipeline::{Check, Locks};
use crate::recipe::{self, Recipe};
use crate::sign::Key;
use crate::source::Unpinned;
use crate::target::{Target, stamp};

/// Variables that count: the one that dates packages, those of the compiler's that
/// [`Toolchain::command`](crate::compile::Toolchain::command) leaves as they are, and the one that a checked httpd gets too.
const VARIABLES: &[&str] = &["SOURCE_DATE_EPOCH", "COMPILER_PATH", "GCC_EXEC_PREFIX", "LD_LIBRARY_PATH"];

/// What is the same for all jobs of a run.
///
/// # Errors
/// In words: why nothing can be kept.
pub(super) fn of_run(request: &BuildAll, key: Option<&Key>) -> Result<Basis, String> {
    let mut basis = Basis::default();
    let modgraft = modgraft::identity().map_err(|error| format!("modgraft's own program: {error}"))?;
    basis.state("modgraft", format!("{} {modgraft}", env!("CARGO_PKG_VERSION")));
    basis.state("key", key.map_or("none".to_owned(), signing));
    basis.state("check", if request.packaging.check == Check::Run { "run" } else { "skip" });
    basis.state("release", request.packaging.release.to_string());
    basis.state("line-directives", request.line_directives.to_string());
    basis.state("accept-risks", request.accept_risks.join(" "));
    for name in VARIABLES {
        // As it is: to gcc, an empty path is the current folder.
        if let Some(value) = std::env::var_os(name) {
            basis.state(format!("environment {name}"), value.to_string_lossy());
        }
    }
    Ok(basis)
}

/// A key that has a new subkey signs otherwise, and is the same one to a person.
fn signing(key: &Key) -> String {
    format!("{} by {}", key.fingerprint, key.key_id)
}

/// How a target's httpd is started for the checks, or why it cannot be: what was not checked for want of an emulator is not
/// what would be made now that there is one. All else that starts it is the target's own.
pub(super) fn of_runner(target: &Target) -> String {
    match target.runner() {
        Ok(runner) => runner.emulator.map_or("none is needed".to_owned(), |emulator| stamp(&emulator)),
        Err(why) => why.to_string(),
    }
}

/// What a recipe brings.
#[derive(Debug)]
pub(super) struct Brought {
    pub basis: Basis,
    /// The stamps of the files that the basis has the digests of, from before these were made.
    stamps: Basis,
}

/// How recipes are looked at.
pub(super) struct Look {
    locks: Option<Locks>,
    /// The folders that runs write into. What lies there goes into nothing, also where they are in the tree of a module, as on
    /// a CI system.
    apart: Vec<PathBuf>,
    /// By folder, what the recipes in it require.
    required: Memo<PathBuf, Arc<BTreeSet<String>>>,
}

/// What is said of a file: its digest, or its stamp.
type Say = fn(&Path) -> io::Result<String>;

impl Look {
    /// `locks` say what a recipe's source is, where there are some; `apart` are the folders for what is made.
    pub fn new(locks: Option<Locks>, apart: Vec<PathBuf>) -> Self {
        Look { locks, apart, required: Memo::new() }
    }

    /// What a recipe brings: its folder, what it names outside of that, and the recipes that it requires.
    ///
    /// # Errors
    /// In words: why nothing that is made of it can be kept.
    pub fn of_recipe(&self, recipe: &Recipe, file: &Path) -> Result<Brought, String> {
        let stamps = self.stamps(recipe, file)?;
        if fs_err::read(file).map_err(|error| error.to_string())? != recipe.text.as_bytes() {
            return Err(format!("{} has changed since it was read", file.display()));
        }
        let mut basis = self.basis(recipe, file, sha256_of)?;
        basis.state("required by a recipe beside", self.is_required_beside(recipe).to_string());
        Ok(Brought { basis, stamps })
    }

    /// Whether a recipe beside requires the module: what nobody of the target asks for is refused otherwise.
    fn is_required_beside(&self, recipe: &Recipe) -> bool {
        let Some(folder) = around(&recipe.directory) else { return false };
        self.required.get(&folder, || Arc::new(required_in(&folder))).contains(&recipe.name)
    }

    /// Whether all is as it was when `brought` was found: what a build has read since is what the basis states.
    pub fn still_brings(&self, brought: &Brought, recipe: &Recipe, file: &Path) -> bool {
        self.stamps(recipe, file).is_ok_and(|now| now == brought.stamps)
    }

    fn stamps(&self, recipe: &Recipe, file: &Path) -> Result<Basis, String> {
        let mut stamps = self.basis(recipe, file, stamp_of_change)?;
        if let Some(locks) = &self.locks {
            let lock = stamp_of_change(locks.path()).map_err(|error| error.to_string())?;
            stamps.state("lock file", lock);
        }
        Ok(stamps)
    }

    fn basis(&self, recipe: &Recipe, file: &Path, say: Say) -> Result<Basis, String> {
        let mut basis = Basis::default();
        self.state(&mut basis, recipe, file, &[], say)?;
        Ok(basis)
    }

    /// `above` are the recipes that this one is required by. A name may be another recipe's in another folder, so each is told
    /// with them.
    fn state(
        &self,
        basis: &mut Basis,
        recipe: &Recipe,
        file: &Path,
        above: &[&str],
        say: Say,
    ) -> Result<(), String> {
        if above.contains(&recipe.name.as_str()) {
            // The build refuses that.
            return Ok(());
        }
        let chain = [above, &[recipe.name.as_str()]].concat();
        let name = chain.join(", ");
        let folder = &recipe.directory;
        let words = |error: io::Error| error.to_string();
        basis.state(format!("recipe {name}"), self.tree(folder, say)?);
        basis.state(format!("recipe {name}, file"), file.file_name().unwrap_or_default().to_string_lossy());
        let source = match &self.locks {
            None => recipe.source.clone(),
            Some(locks) => {
                let source = locks.demand_spec(folder, recipe.source.clone());
                source.map_err(|error| error.to_string())?
            }
        };
        if source != recipe.source {
            // What the recipe leaves open stands nowhere else.
            basis.state(format!("recipe {name}, locked source"), format!("{source:?}"));
        }
        for unpinned in source.unpinned() {
            match unpinned {
                // All in the recipe's folder is stated already.
                Unpinned::File(path) | Unpinned::Folder(path) if is_beneath(folder, path) => {}
                Unpinned::File(path) => {
                    let said = say(&folder.join(path)).map_err(words)?;
                    basis.state(format!("recipe {name}, file {}", path.display()), said);
                }
                Unpinned::Folder(path) => {
                    let said = self.tree(&folder.join(path), say)?;
                    basis.state(format!("recipe {name}, folder {}", path.display()), said);
                }
                Unpinned::Revision { repository, revision } => {
                    return Err(format!(
                        "{revision} of {repository} may move: a full commit id would pin it"
                    ));
                }
            }
        }
        for required in &recipe.requires {
            // What is no recipe is made of this one's source.
            if let Some(file) = recipe_file(folder, required) {
                let other = recipe::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
                self.state(basis, &other, &file, &chain, say)?;
            }
        }
        Ok(())
    }

    /// What is said of all files beneath a folder, each with its path, links as what they lead to. What git keeps of its own
    /// goes into nothing.
    fn tree(&self, folder: &Path, say: Say) -> Result<String, String> {
        let mut list = ListHash::default();
        let entries = walkdir::WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter();
        let identity = |found: &std::fs::Metadata| (found.dev(), found.ino());
        // Not all of them need be there.
        let apart = self.apart.iter().filter_map(|folder| fs_err::metadata(folder).ok());
        let apart: Vec<(u64, u64)> = apart.map(|found| identity(&found)).collect();
        let is_apart = |entry: &walkdir::DirEntry| {
            entry.file_type().is_dir()
                && entry.metadata().is_ok_and(|found| apart.contains(&identity(&found)))
        };
        let counts = |entry: &walkdir::DirEntry| {
            entry.depth() == 0 || (entry.file_name() != ".git" && !is_apart(entry))
        };
        for entry in entries.filter_entry(counts) {
            let entry = entry.map_err(|error| error.to_string())?;
            if entry.file_type().is_dir() {
                continue;
            }
            let path = entry.path();
            list.add(path.strip_prefix(folder).unwrap_or(path).as_os_str().as_encoded_bytes());
            list.add(say(path).map_err(|error| error.to_string())?);
        }
        Ok(list.hex())
    }
}

/// What is another one once somebody has written to a file, or put another in its place, whatever times they gave it.
fn stamp_of_change(file: &Path) -> io::Result<String> {
    let found = fs_err::metadata(file)?;
    let (changed, modified) = ((found.ctime(), found.ctime_nsec()), (found.mtime(), found.mtime_nsec()));
    Ok(format!("{} {} {} {changed:?} {modified:?}", found.dev(), found.ino(), found.len()))
}

fn is_beneath(folder: &Path, path: &Path) -> bool {
    let whole = |path: &Path| fs_err::canonicalize(path).ok();
    match (whole(folder), whole(&folder.join(path))) {
        (Some(folder), Some(path)) => path.starts_with(folder),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Content, Pinned};
    use crate::target::store::LockFile;

    fn recipe(folder: &Path, source: &str) -> (Recipe, PathBuf) {
        let file = folder.join("module.toml");
        let text = format!(
            "name = \"mod_x\"\nsummary = \"X\"\nlicense = \"Apache-2.0\"\nversion = \"1\"\nrelease = \"1\"\n{source}\n"
        );
        fs_err::write(&file, text).unwrap();
        (recipe::read(&file).unwrap(), file)
    }

    fn look() -> Look {
        Look::new(None, Vec::new())
    }

    fn key(recipe: &(Recipe, PathBuf)) -> String {
        look().of_recipe(&recipe.0, &recipe.1).unwrap().basis.key().hex().to_owned()
    }

    #[test]
    fn each_file_of_a_recipe_counts_and_its_place_does_not() {
        let here = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let folder = here.path().join(name);
            fs_err::create_dir_all(folder.join("overlays")).unwrap();
            fs_err::write(folder.join("a.patch"), "1").unwrap();
            folder
        };
        let (one, two) = (folder("one"), folder("two"));
        let source = "[source]\npatches = [\"a.patch\"]";
        let first = key(&recipe(&one, source));
        assert_eq!(first, key(&recipe(&two, source)));
        fs_err::write(two.join("overlays/x"), "").unwrap();
        let more = key(&recipe(&two, source));
        assert_ne!(first, more);
        fs_err::rename(two.join("overlays/x"), two.join("overlays/y")).unwrap();
        assert_ne!(more, key(&recipe(&two, source)));
        fs_err::write(one.join("a.patch"), "2").unwrap();
        assert_ne!(first, key(&recipe(&one, source)));
        assert_ne!(first, key(&recipe(&folder("one"), "[source]\npatches = [\"./a.patch\"]")));
    }

    /// A provider that nobody of the target asks for is refused, unless a recipe beside requires it.
    #[test]
    fn who_requires_a_module_counts_for_it() {
        let here = tempfile::tempdir().unwrap();
        let folder = here.path().join("mod_x");
        fs_err::create_dir(&folder).unwrap();
        fs_err::write(folder.join("a.patch"), "1").unwrap();
        let source = "[source]\npatches = [\"a.patch\"]";
        let beside = |requires: &str| {
            let folder = here.path().join("mod_y");
            fs_err::create_dir_all(&folder).unwrap();
            let text = format!(
                "name = \"mod_y\"\nversion = \"1\"\nsummary = \"Y\"\nlicense = \"MIT\"\n{requires}\n{source}\n"
            );
            fs_err::write(folder.join("module.toml"), text).unwrap();
        };
        let alone = key(&recipe(&folder, source));
        beside("requires = [\"mod_z\"]");
        assert_eq!(alone, key(&recipe(&folder, source)));
        beside("requires = [\"mod_x\"]");
        assert_ne!(alone, key(&recipe(&folder, source)));
    }

    #[test]
    fn what_lies_outside_counts_and_what_moves_cannot_be_kept() {
        let here = tempfile::tempdir().unwrap();
        let folder = here.path().join("mod_x");
        fs_err::create_dir(&folder).unwrap();
        fs_err::write(here.path().join("a.patch"), "1").unwrap();
        let outside = recipe(&folder, "[source]\npatches = [\"../a.patch\"]");
        let before = key(&outside);
        fs_err::write(here.path().join("a.patch"), "2").unwrap();
        assert_ne!(before, key(&outside));
        fs_err::write(folder.join("b.patch"), "1").unwrap();
        let moving =
            recipe(&folder, "[source]\npatches = [\"b.patch\"]\nbase = \"https://x.example/r@trunk\"");
        let why = look().of_recipe(&moving.0, &moving.1).unwrap_err();
        assert!(why.contains("trunk") && why.contains("may move"), "{why}");

        // Where it is locked, it is known by the commit.
        let lock = here.path().join("modgraft.lock");
        let locked = |digit: &str| {
            let commit = digit.repeat(40);
            let pinned = Pinned {
                role: "base".to_owned(),
                from: Some("https://x.example/r".to_owned()),
                asked: Some("trunk".to_owned()),
                content: Content::Tree { commit: commit.clone(), tree: commit },
            };
            let mut content = LockFile::default();
            content.set_sources("mod_x", vec![pinned]);
            fs_err::write(&lock, content.text()).unwrap();
            let look = Look::new(Some(Locks::read(&lock).unwrap()), Vec::new());
            look.of_recipe(&moving.0, &moving.1).unwrap().basis.key()
        };
        assert_eq!(locked("1"), locked("1"));
        assert_ne!(locked("1"), locked("2"));
    }

    #[test]
    fn what_is_outside_is_told_with_the_recipe_that_names_it() {
        let here = tempfile::tempdir().unwrap();
        let source = "[source]\ndirectory = \"../src\"\nfiles = [\"a.c\"]";
        let folder = |name: &str| {
            let folder = here.path().join(name);
            fs_err::create_dir_all(&folder).unwrap();
            folder
        };
        // Two trees by the same words: the recipe's own, and that of the one that it requires, which is a link.
        let (one, other) = (folder("modules/mod_x"), folder("elsewhere/mod_y"));
        let trees = [folder("modules/src"), folder("elsewhere/src")];
        trees.iter().for_each(|tree| fs_err::write(tree.join("a.c"), "1").unwrap());
        fs_err::write(here.path().join("elsewhere/mod_y/module.toml"), "").unwrap();
        let text = |name: &str, more: &str| {
            format!(
                "name = \"{name}\"\nsummary = \"X\"\nlicense = \"Apache-2.0\"\nversion = \"1\"\n{more}\n{source}\n"
            )
        };
        fs_err::write(other.join("module.toml"), text("mod_y", "")).unwrap();
        fs_err::write(one.join("module.toml"), text("mod_x", "requires = [\"mod_y\"]")).unwrap();
        std::os::unix::fs::symlink("../elsewhere/mod_y", here.path().join("modules/mod_y")).unwrap();
        let file = one.join("module.toml");
        let key = || {
            let recipe = recipe::read(&file).unwrap();
            look().of_recipe(&recipe, &file).unwrap().basis.key().hex().to_owned()
        };
        let mut seen = vec![key()];
        for tree in &trees {
            fs_err::write(tree.join("a.c"), "2").unwrap();
            seen.push(key());
        }
        seen.dedup();
        assert_eq!(seen.len(), 3);
    }

    #[test]
    fn what_changes_meanwhile_is_noticed_whatever_its_time_says() {
        let here = tempfile::tempdir().unwrap();
        let (folder, out) = (here.path().join("mod_x"), here.path().join("mod_x/out"));
        fs_err::create_dir(&folder).unwrap();
        let patch = folder.join("a.patch");
        fs_err::write(&patch, "1").unwrap();
        let (recipe, file) = recipe(&folder, "[source]\npatches = [\"a.patch\"]");
        let look = Look::new(None, vec![out.clone()]);
        let brought = look.of_recipe(&recipe, &file).unwrap();
        // What is built lies there, which was not there before.
        fs_err::create_dir(&out).unwrap();
        fs_err::write(out.join("x.rpm"), "").unwrap();
        assert!(look.still_brings(&brought, &recipe, &file));
        // The file system's clock has ticks of a few milliseconds.
        std::thread::sleep(std::time::Duration::from_millis(20));
        let time = fs_err::metadata(&patch).unwrap().modified().unwrap();
        fs_err::write(&patch, "2").unwrap();
        fs_err::write(&patch, "1").unwrap();
        fs_err::File::options().write(true).open(&patch).unwrap().file().set_modified(time).unwrap();
        assert!(!look.still_brings(&brought, &recipe, &file));
        let brought = look.of_recipe(&recipe, &file).unwrap();
        fs_err::write(folder.join("b"), "").unwrap();
        assert!(!look.still_brings(&brought, &recipe, &file));
        fs_err::write(&file, "name = 1").unwrap();
        assert!(look.of_recipe(&recipe, &file).unwrap_err().contains("has changed since it was read"));
    }

    #[test]
    fn a_subkey_that_signs_counts() {
        let key = |key_id: &str| Key {
            fingerprint: "A".repeat(40),
            key_id: key_id.to_owned(),
            user_id: String::new(),
            algorithm: crate::sign::Algorithm::Ed25519,
            created: 0,
            primary: false,
            sha1_self_signature: false,
            critical_subpackets: false,
            v6: false,
            development: false,
            public_key: String::new(),
        };
        assert_ne!(signing(&key("0123456789ABCDEF")), signing(&key("FEDCBA9876543210")));
    }
}
