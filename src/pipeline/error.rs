use std::path::PathBuf;

use miette::Diagnostic;

use crate::error::Kind;
use crate::target::NotRunnable;

/// What no single stage can know.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),

    /// A package cannot be built again.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Rebuild(#[from] super::RebuildError),

    /// The lock file does not have what would be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Locked(#[from] super::LockedError),

    /// A target of which nothing newer can be looked for.
    #[error("{} does not say which repositories the target `{target}` is from", lock.display())]
    #[diagnostic(
        code(modgraft::update::target),
        help(
            "only what `modgraft target add --repo` added can be looked for; the others are added anew with --force"
        )
    )]
    NothingNewer {
        /// Its name.
        target: String,
        /// The lock file.
        lock: PathBuf,
    },

    /// Results have no place to go.
    #[error("stdout cannot be written to: {0}")]
    #[diagnostic(
        code(modgraft::stdout),
        help(
            "send it elsewhere: to a file where there is room, a pipe, or /dev/null; packages that were made are in their folder"
        )
    )]
    Stdout(std::io::Error),

    /// A target that the lock file does not have.
    #[error("{} does not have the target `{target}`", lock.display())]
    #[diagnostic(code(modgraft::update::target), help("{help}"))]
    NotInLock {
        /// As it was asked for.
        target: String,
        /// The lock file, which may be missing.
        lock: PathBuf,
        /// The targets that there are.
        help: String,
    },

    /// A recipe whose text cannot be changed.
    #[error("{} cannot be changed: {reason}", recipe.display())]
    #[diagnostic(
        code(modgraft::update::recipe),
        help("put the commit in by hand, and run `modgraft update --write` again")
    )]
    Repin {
        /// The recipe.
        recipe: PathBuf,
        /// Why not.
        reason: String,
    },

    /// A recipe that a lock file cannot name.
    #[error("{} is not beneath the folder of {}", recipe.display(), lock.display())]
    #[diagnostic(
        code(modgraft::update::lock),
        help("a lock file names recipes by their paths from its folder: name one above them with --lock")
    )]
    NotBeneath {
        /// The recipe.
        recipe: PathBuf,
        /// The lock file.
        lock: PathBuf,
    },

    /// SIGINT or SIGTERM.
    #[error("interrupted; the output folder is as it was")]
    #[diagnostic(code(modgraft::interrupted))]
    Interrupted,

    /// SIGINT or SIGTERM, in the middle of many jobs.
    #[error("interrupted, when {ended} of {of} jobs had ended")]
    #[diagnostic(code(modgraft::interrupted), help("what they made is whole; the next run goes on from it"))]
    Stopped {
        /// How many had ended.
        ended: usize,
        /// How many there were.
        of: usize,
    },

    /// The source brings another module than the recipe names.
    #[error("the recipe is for `{recipe}`, and its source brings `{found}`")]
    #[diagnostic(
        code(modgraft::recipe::other_module),
        help("correct `name`, or `source`: a package called {recipe} with {found}.so in it would mislead")
    )]
    OtherModule {
        /// The recipe's `name`.
        recipe: String,
        /// The module that was found.
        found: String,
    },

    /// `--module` beside a recipe.
    #[error("the recipe is for `{recipe}` already, and --module is for patches that have no recipe")]
    #[diagnostic(
        code(modgraft::module_of_recipe),
        help(
            "leave --module out; for another module of the same source, make a recipe of its own: modgraft new --module"
        )
    )]
    ModuleOfRecipe {
        /// The recipe's `name`.
        recipe: String,
    },

    /// The target's program has the module in it, and would refuse to load another.
    #[error("httpd {version} has `{symbol}` built in, and loads no other in its place")]
    #[diagnostic(
        code(modgraft::built_in),
        help("the module is there already; to have another one needs an httpd that was built without it")
    )]
    BuiltIn {
        /// The module's structure.
        symbol: String,
        /// The target's.
        version: String,
    },

    /// Patches of headers alone, and the target has these itself.
    #[error("the patch changes nothing but {}, and the target has it itself: nothing of it would be in {module}", headers.join(", "))]
    #[diagnostic(
        code(modgraft::headers_of_target),
        help(
            "the target's modules were compiled with its own, which they share: this change needs an httpd that has it"
        )
    )]
    HeadersOfTarget {
        /// Paths of the headers.
        headers: Vec<String>,
        /// The module.
        module: String,
    },

    /// `--release` with something provisional.
    #[error("--release refuses {what}")]
    #[diagnostic(code(modgraft::release))]
    Provisional {
        /// What is provisional.
        what: String,
        /// What to do.
        #[help]
        help: String,
    },

    /// Some of several targets failed; each was told.
    #[error("nothing was built for {} of {of} targets: {}", failed.len(), failed.join(", "))]
    #[diagnostic(
        code(modgraft::targets),
        help("the reasons are above; the packages of the other targets are whole")
    )]
    Targets {
        /// Their names.
        failed: Vec<String>,
        /// How many there were.
        of: usize,
        /// What the first of them failed of.
        kind: Kind,
    },

    /// Some of the jobs of a run have no packages; each was told.
    #[error("no packages for {failed} of {of} jobs")]
    #[diagnostic(
        code(modgraft::jobs),
        help("the reasons are above; the packages of the other jobs are whole")
    )]
    Jobs {
        /// How many.
        failed: usize,
        /// How many there were.
        of: usize,
        /// What the first of them failed of.
        kind: Kind,
    },

    /// Where recipes should be, there are none.
    #[error("there is no recipe in {}", .folder.display())]
    #[diagnostic(
        code(modgraft::recipe::none),
        help("a recipe is FOLDER/NAME/module.toml; `modgraft new` starts one")
    )]
    NoRecipes {
        /// The folder.
        folder: PathBuf,
    },

    /// Two recipes for packages of one name.
    #[error("two recipes are called `{name}`: {} and {}", .first.display(), .second.display())]
    #[diagnostic(
        code(modgraft::recipe::same_name),
        help("their packages would take each other's place: leave one of them out, or rename it")
    )]
    SameModule {
        /// The name.
        name: String,
        /// One.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },

    /// What was kept in the cache is not what is made of the same.
    #[error("what was kept is not what is made of the same input: {files}")]
    #[diagnostic(
        code(modgraft::cache::otherwise),
        help(
            "something goes into the packages that is not part of the key {key}, or the cache was tampered with: \
             `modgraft cache prune --all` empties it; please report the former"
        )
    )]
    KeptOtherwise {
        /// The key.
        key: String,
        /// The files that differ.
        files: String,
    },

    /// A panic, in one of several jobs.
    #[error("modgraft has a defect: {text}")]
    #[diagnostic(code(modgraft::defect), help("please report it with the recipe: no input should do that"))]
    Defect {
        /// What it said.
        text: String,
    },

    /// Two targets whose packages would go into one folder.
    #[error("two targets are called `{name}`")]
    #[diagnostic(
        code(modgraft::same_target),
        help(
            "each target's packages go into a folder of its name: build for the other one in a run of its own"
        )
    )]
    SameTarget {
        /// The name.
        name: String,
    },

    /// A folder that has no name of its own.
    #[error("the target {target} has no name that a folder of packages could have")]
    #[diagnostic(code(modgraft::nameless_target), help("name the folder by its path: `../NAME`"))]
    NamelessTarget {
        /// As it was typed.
        target: String,
    },

    /// Several targets where one is meant.
    #[error("--target was given {given} times, and this command is for one target")]
    #[diagnostic(code(modgraft::one_target), help("build-module builds for several targets"))]
    OneTarget {
        /// How often.
        given: usize,
    },

    /// A key that was tried before in this run.
    #[error("the key that signs could not be used, as was said before; it is not tried again in this run")]
    #[diagnostic(code(modgraft::sign::failed_before), help("the first error says why"))]
    KeyFailed,

    /// There is no folder for a new key.
    #[error("{} cannot be written: there is no folder {}", file.display(), folder.display())]
    #[diagnostic(
        code(modgraft::key::no_folder),
        help("make the folder, so that only you can read it: mkdir -m 700; or name another file with --out")
    )]
    NoKeyFolder {
        /// As it was named.
        file: PathBuf,
        /// Its folder.
        folder: PathBuf,
    },

    /// Nothing that signs was named.
    #[error("it is not said what signs")]
    #[diagnostic(
        code(modgraft::sign::no_key),
        help(
            "--sign-key names a key, --export writes what another machine is to sign; `modgraft resign --remove` leaves packages unsigned"
        )
    )]
    NoKey,

    /// `sign` on a package that is signed.
    #[error("{} is signed already", package.display())]
    #[diagnostic(
        code(modgraft::sign::signed_already),
        help("`modgraft resign` puts a new signature in place of the old one")
    )]
    SignedAlready {
        /// The package.
        package: PathBuf,
    },

    /// Two packages whose exported files would have one name.
    #[error("two of the packages are called `{name}`")]
    #[diagnostic(code(modgraft::sign::same_name), help("export them into two folders"))]
    SameName {
        /// The file name.
        name: String,
    },

    /// A signature that is to be imported is not there.
    #[error("there is no signature {}.sig or .asc", file.display())]
    #[diagnostic(
        code(modgraft::sign::no_signature),
        help(
            "`modgraft sign --export` writes the file, `gpg --detach-sign --digest-algo SHA256 FILE` signs it"
        )
    )]
    NoSignature {
        /// The exported file.
        file: PathBuf,
    },

    /// `key certify` would write over a file.
    #[error("{} is there already", path.display())]
    #[diagnostic(
        code(modgraft::key::exists),
        help(
            "a certificate made anew is another key to everybody who has the old one; keep that, or name another file"
        )
    )]
    CertificateExists {
        /// The file.
        path: PathBuf,
    },

    /// `SOURCE_DATE_EPOCH` is not a number.
    #[error("SOURCE_DATE_EPOCH is {0:?}, which is not a number of seconds")]
    #[diagnostic(code(modgraft::source_date_epoch), help("set it to seconds since 1970, or unset it"))]
    Epoch(String),

    /// The package to be checked is of another module.
    #[error("{} has no {file}", .package.display())]
    #[diagnostic(code(modgraft::check::no_module), help("give the package that was built from this recipe"))]
    NoModule {
        /// The package.
        package: PathBuf,
        /// What it should have.
        file: String,
    },

    /// A module that must be there first is nowhere.
    #[error("{by} requires {name}, which neither the target nor the source has")]
    #[diagnostic(
        code(modgraft::requires::unknown),
        help(
            "write a recipe modules/{name}/module.toml, or take both from a tree that has it (`git` and `commit`, `tarball`, or `base`)"
        )
    )]
    NoRequired {
        /// `mod_NAME`.
        name: String,
        /// The module that requires it.
        by: String,
    },

    /// Recipes that require each other.
    #[error("modules require each other: {chain}")]
    #[diagnostic(code(modgraft::requires::circle), help("one of them must do without `requires`"))]
    RequiresItself {
        /// The way round.
        chain: String,
    },

    /// An overlay needs a place beside a recipe.
    #[error("an overlay belongs to a recipe of yours, and none is named")]
    #[diagnostic(
        code(modgraft::overlay::recipe),
        help(
            "write modules/NAME/module.toml with the patch beside it, and name that recipe; `modgraft schema` prints its keys"
        )
    )]
    OverlayWithoutRecipe,

    /// Nothing may be overwritten that a person may have edited.
    #[error("the folder {} is not empty", .0.display())]
    #[diagnostic(
        code(modgraft::overlay::folder),
        help("save what is in it and remove it, or name another with --dir")
    )]
    OverlayFolder(PathBuf),

    /// The key says for which targets an overlay is.
    #[error("overlays for this target cannot be kept under `{key}`")]
    #[diagnostic(code(modgraft::overlay::key), help("one of: {known}"))]
    OverlayKey {
        /// As it was typed.
        key: String,
        /// Those that there are.
        known: String,
    },

    /// No work tree, or a broken one.
    #[error("{} is no overlay's work tree: {reason}", .dir.display())]
    #[diagnostic(
        code(modgraft::overlay::work_tree),
        help("`modgraft overlay start` makes one; name it with --dir")
    )]
    OverlayTree {
        /// The folder.
        dir: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// The work tree was made for something else.
    #[error("{} is of {found}, and {asked} was asked for", .dir.display())]
    #[diagnostic(
        code(modgraft::overlay::other),
        help("name the recipe and the target that `modgraft overlay start` was given")
    )]
    OverlayOther {
        /// The folder.
        dir: PathBuf,
        /// What it is of.
        found: String,
        /// What was asked for.
        asked: String,
    },

    /// Nothing was edited.
    #[error("nothing was changed in {}", .0.display())]
    #[diagnostic(
        code(modgraft::overlay::unchanged),
        help("edit the file first: README.txt beside it says what is missing")
    )]
    OverlayUnchanged(PathBuf),

    /// The check was asked for, and the target's httpd cannot be started here.
    #[error("the httpd of target `{target}` cannot run here: {why}")]
    #[diagnostic(code(modgraft::check::no_httpd), help("{}", why.help()))]
    NoHttpd {
        /// As it was asked for.
        target: String,
        /// Why not.
        why: NotRunnable,
    },

    /// What is built for others must have been checked.
    #[error(
        "--release checks each package in its target's httpd, and that of target `{target}` cannot run here: {why}"
    )]
    #[diagnostic(
        code(modgraft::check::release_unchecked),
        help("{}; without --release a package is built, and said not to be checked", why.help())
    )]
    ReleaseUnchecked {
        /// As it was asked for.
        target: String,
        /// Why not.
        why: NotRunnable,
    },
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Io(_) | Error::Stdout(_) | Error::NoHttpd { .. } | Error::ReleaseUnchecked { .. } => {
                Kind::Environment
            }
            Error::Interrupted | Error::Stopped { .. } => Kind::Interrupted,
            Error::Rebuild(error) => error.kind(),
            Error::Locked(error) => error.kind(),
            Error::Repin { .. } => Kind::Input,
            Error::OtherModule { .. }
            | Error::NoRequired { .. }
            | Error::BuiltIn { .. }
            | Error::HeadersOfTarget { .. } => Kind::Refused,
            Error::RequiresItself { .. } | Error::SameModule { .. } => Kind::Input,
            Error::Targets { kind, .. } | Error::Jobs { kind, .. } => *kind,
            Error::KeptOtherwise { .. } | Error::Defect { .. } => Kind::Internal,
            Error::KeyFailed => Kind::Key,
            Error::Provisional { .. }
            | Error::SameTarget { .. }
            | Error::NoRecipes { .. }
            | Error::NamelessTarget { .. }
            | Error::OneTarget { .. }
            | Error::Epoch(_)
            | Error::ModuleOfRecipe { .. }
            | Error::NothingNewer { .. }
            | Error::NotInLock { .. }
            | Error::NotBeneath { .. }
            | Error::NoKey
            | Error::NoKeyFolder { .. }
            | Error::SignedAlready { .. }
            | Error::SameName { .. }
            | Error::NoSignature { .. }
            | Error::CertificateExists { .. }
            | Error::NoModule { .. }
            | Error::OverlayWithoutRecipe
            | Error::OverlayFolder(_)
            | Error::OverlayKey { .. }
            | Error::OverlayTree { .. }
            | Error::OverlayOther { .. }
            | Error::OverlayUnchanged(_) => Kind::Usage,
        }
    }
}
