//! What a simulation says.

use serde::Serialize;

use super::linker::{Bound, Refusal};

/// A line of a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file's path on the target; `-C/-c directives` for lines of the command line.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
}

/// The two directives that load something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Directive {
    /// `LoadModule`.
    LoadModule,
    /// `LoadFile`.
    LoadFile,
}

/// A file that the configuration asks for, in the order in which httpd comes to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Load {
    /// By which directive.
    pub directive: Directive,
    /// The module structure that LoadModule names.
    pub module: Option<String>,
    /// The file's path on the target.
    pub file: String,
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
    /// What became of it.
    pub outcome: Outcome,
    /// How many files were read so far, this one included: [`Simulation::files`] has them.
    #[serde(skip)]
    pub files_before: usize,
}

/// What became of a load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was loaded.
    Loaded {
        /// What it took from modules and files that were loaded before.
        bound: Vec<Bound>,
    },
    /// A module of that name is there already: a warning.
    Skipped,
    /// httpd ends here.
    Refused,
}

/// What `httpd -t` would say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing is wrong with what is loaded, and in which order.
    Accepted,
    /// It would end with an error.
    Refused(Refused),
}

/// The error with which httpd would end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The line that it is about, the innermost.
    pub place: Option<Place>,
    /// The whole message, as httpd prints it; where it would crash, what happens then.
    pub said: String,
    /// Its last part: what is wrong.
    pub message: String,
    /// Of what sort it is.
    pub cause: Cause,
    /// What to do next.
    pub advice: String,
}

/// Of what sort an error is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "cause", content = "detail", rename_all = "kebab-case")]
pub enum Cause {
    /// The dynamic linker would not load a file.
    Linker(Refusal),
    /// The file has no structure of that name.
    NoStructure {
        /// The name.
        module: String,
    },
    /// What is under that name is no module structure, or one of another httpd.
    Garbled,
    /// The module was compiled for another major MMN.
    Mmn {
        /// The module's.
        found: u32,
        /// httpd's.
        expected: u32,
    },
    /// The module is a part of the program.
    BuiltIn,
    /// There are more modules than httpd has room for.
    TooMany,
    /// No MPM is loaded, or more than one.
    Mpm,
    /// An error in the configuration itself: an unclosed section, a file that is not there.
    Configuration,
    /// httpd would end with a signal.
    Crash,
}

/// What became of a target's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Simulation {
    /// The main configuration file.
    pub config: String,
    /// All configuration files, in the order in which they were read; a file may be read more than once.
    pub files: Vec<String>,
    /// The module structures that are part of the program.
    pub built_in: Vec<String>,
    /// What was loaded, in order, up to the first error.
    pub loads: Vec<Load>,
    /// What httpd warns of, as it prints it.
    pub warnings: Vec<String>,
    /// What httpd does not say, and somebody should know: a module of newer headers, a symbol that another module displaces.
    pub notes: Vec<String>,
    /// What was not looked at, and may change the verdict.
    pub limits: Vec<String>,
    /// The end.
    #[serde(flatten)]
    pub verdict: Verdict,
}

impl Simulation {
    /// The error, where there is one.
    pub fn refused(&self) -> Option<&Refused> {
        match &self.verdict {
            Verdict::Accepted => None,
            Verdict::Refused(refused) => Some(refused),
        }
    }

    /// The structures of the modules that were loaded, in order, as `httpd -M` lists those that are `(shared)`.
    pub fn modules(&self) -> impl Iterator<Item = &str> {
        let loaded = self.loads.iter().filter(|load| matches!(load.outcome, Outcome::Loaded { .. }));
        loaded.filter_map(|load| load.module.as_deref())
    }
}
