use std::path::PathBuf;

use miette::Diagnostic;

use super::Build;
use crate::error::Kind;
use crate::process;

/// Why a build elsewhere gave nothing.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),

    /// A program is not there.
    #[error("`{program}` is not installed")]
    #[diagnostic(code(modgraft::submit::no_client), help("{help}"))]
    Missing {
        /// Its name.
        program: String,
        /// Which package of which distribution has it.
        help: String,
    },

    /// A client that could not be run, or took too long.
    #[error("{0}")]
    #[diagnostic(code(modgraft::submit::client))]
    Process(process::Error),

    /// A client that refused or failed.
    #[error("`{program}` could not {doing}{}", lines(.said))]
    #[diagnostic(
        code(modgraft::submit::client_failed),
        help("these are its own words; what it logs in with stands in its own configuration")
    )]
    Client {
        /// Its name.
        program: String,
        /// What it was to do.
        doing: String,
        /// Its last lines.
        said: Vec<String>,
    },

    /// A client whose answer is not understood.
    #[error("`{program}` did not say {what}{}", lines(.said))]
    #[diagnostic(
        code(modgraft::submit::answer),
        help("look at the service itself whether the build is there, before it is submitted again")
    )]
    Answer {
        /// Its name.
        program: String,
        /// What was looked for.
        what: String,
        /// Its last lines.
        said: Vec<String>,
    },

    /// A package that is not a source package.
    #[error("{} is no source package", path.display())]
    #[diagnostic(code(modgraft::submit::not_a_source), help("name the file that ends in .src.rpm"))]
    NotASource {
        /// The file.
        path: PathBuf,
    },

    /// A name that a client or a folder could take for something else.
    #[error("`{}` cannot be the name of a {what}", name.escape_debug())]
    #[diagnostic(
        code(modgraft::submit::name),
        help("it may not begin with `-` or `.`, nor have blanks or slashes in it")
    )]
    Name {
        /// What it is to name.
        what: &'static str,
        /// As it was given.
        name: String,
    },

    /// `--build` as often as there are source packages.
    #[error("--build was given {builds} times, for {sources} source packages")]
    #[diagnostic(
        code(modgraft::submit::count),
        help("name each build's source package, in the same order: packages are compared with it")
    )]
    Count {
        /// How often.
        builds: usize,
        /// How many source packages.
        sources: usize,
    },

    /// No id of a build of this service.
    #[error("`{}` is no build of {engine}", id.escape_debug())]
    #[diagnostic(code(modgraft::submit::id), help("{form}"))]
    Id {
        /// As it was typed.
        id: String,
        /// The service.
        engine: &'static str,
        /// What it would be.
        form: &'static str,
    },

    /// Two source packages that would be one build.
    #[error("{} and {} are both called {name}", first.display(), second.display())]
    #[diagnostic(
        code(modgraft::submit::same),
        help("their packages would go into one folder: submit them in two runs, with two --out")
    )]
    Same {
        /// The one.
        first: PathBuf,
        /// The other.
        second: PathBuf,
        /// Their name.
        name: String,
    },

    /// The build was made and failed.
    #[error("{build} failed{}{}", for_place(.place), lines(.log))]
    #[diagnostic(code(modgraft::submit::failed), help("{help}"))]
    Failed {
        /// In words.
        build: String,
        /// The chroot or repository, where there are several.
        place: String,
        /// The last lines of its log.
        log: Vec<String>,
        /// Where the logs are.
        help: String,
    },

    /// It was made well, and has no package.
    #[error("{build} ended well, and has no package{}", for_place(.place))]
    #[diagnostic(
        code(modgraft::submit::nothing),
        help("nothing was signed or kept; look at the service itself what it says of the build")
    )]
    Nothing {
        /// In words.
        build: String,
        /// The chroot or repository.
        place: String,
    },

    /// A package that the service lists did not come.
    #[error("{build} has {package}, which was not fetched")]
    #[diagnostic(
        code(modgraft::submit::incomplete),
        help("nothing was signed or kept; fetch it again: modgraft submit {fetch}")
    )]
    Incomplete {
        /// In words.
        build: String,
        /// Its name.
        package: String,
        /// The arguments that fetch it.
        fetch: String,
    },

    /// A package of another build.
    #[error("{package} is of {of}, and {source_package} was submitted")]
    #[diagnostic(
        code(modgraft::submit::foreign),
        help("nothing was signed or kept; a project or tag that others build into gives what is theirs")
    )]
    Foreign {
        /// Its file's name.
        package: String,
        /// The source package that it says it was made of.
        of: String,
        /// The one that was submitted.
        source_package: String,
    },

    /// The build is of another source package of the same name and version.
    #[error("{package} is not what was submitted: its {file} is not that of {source_package}")]
    #[diagnostic(
        code(modgraft::submit::other_sources),
        help(
            "nothing was signed or kept; somebody else submitted another one, or the service still has the build before: look \
             there, and submit yours again, or fetch it when it is built"
        )
    )]
    Other {
        /// The source package that came.
        package: String,
        /// The first of its files that differs.
        file: String,
        /// The one that was submitted.
        source_package: String,
    },

    /// A package that came damaged.
    #[error("{package}, as it was fetched, is damaged: {reason}")]
    #[diagnostic(
        code(modgraft::submit::damaged),
        help("nothing was signed or kept; fetch it again: modgraft submit {fetch}")
    )]
    Damaged {
        /// Its file's name.
        package: String,
        /// What is wrong.
        reason: String,
        /// The arguments that fetch it.
        fetch: String,
    },

    /// Some builds failed; each was told.
    #[error("{} of {of} builds gave nothing: {}", failed.len(), failed.join(", "))]
    #[diagnostic(
        code(modgraft::submit::some),
        help("the reasons are above; the packages of the other builds are whole")
    )]
    Some {
        /// In words.
        failed: Vec<String>,
        /// How many there were.
        of: usize,
        /// What the first of them failed of.
        kind: Kind,
    },

    /// Ctrl-C or SIGTERM.
    #[error("interrupted{}", going(.builds))]
    #[diagnostic(code(modgraft::interrupted))]
    Interrupted {
        /// Builds that nobody follows any more.
        builds: Vec<Build>,
        /// How to go on, where there is something to go on with.
        #[help]
        help: Option<String>,
    },
}

fn lines(said: &[String]) -> String {
    said.iter().map(|line| format!("\n  {line}")).collect()
}

fn for_place(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!(" for {place}") }
}

fn going(builds: &[Build]) -> String {
    builds.iter().map(|build| format!("\n  {build} goes on: {}", build.follow)).collect()
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Io(_)
            | Error::Missing { .. }
            | Error::Process(_)
            | Error::Client { .. }
            | Error::Answer { .. }
            | Error::Incomplete { .. } => Kind::Environment,
            Error::NotASource { .. }
            | Error::Foreign { .. }
            | Error::Other { .. }
            | Error::Damaged { .. } => Kind::Input,
            Error::Name { .. } | Error::Count { .. } | Error::Id { .. } | Error::Same { .. } => Kind::Usage,
            Error::Failed { .. } | Error::Nothing { .. } => Kind::Refused,
            Error::Some { kind, .. } => *kind,
            Error::Interrupted { .. } => Kind::Interrupted,
        }
    }
}
