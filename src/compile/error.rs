use std::path::PathBuf;
use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};

use crate::error::Kind;
use crate::process;

/// Why this stage could not do its work.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// There is no C compiler.
    #[error("there is no C compiler: `{program}` is not installed")]
    #[diagnostic(code(modgraft::compile::no_compiler), help("{help}"))]
    NoCompiler {
        /// As it was looked for.
        program: String,
        /// What to do next.
        help: String,
    },
    /// There is a compiler, but it does not answer as one.
    #[error("`{}` is no C compiler that works: {reason}", program.display())]
    #[diagnostic(code(modgraft::compile::bad_compiler), help("{help}"))]
    BadCompiler {
        /// The program.
        program: PathBuf,
        /// What it did.
        reason: String,
        /// What to do next.
        help: String,
    },
    /// There is no compiler for the target's processor.
    #[error("there is no C compiler for {machine}, the target's processor: {tried} is not installed")]
    #[diagnostic(code(modgraft::compile::no_cross_compiler), help("{help}"))]
    NoCrossCompiler {
        /// rpm's name of the processor.
        machine: String,
        /// What was looked for: `aarch64-linux-gnu-gcc`.
        tried: String,
        /// What to do next.
        help: String,
    },
    /// A compiler that makes objects for another processor than the target's.
    #[error("`{}` makes objects for {makes}, and the target's processor is {wanted}", program.display())]
    #[diagnostic(code(modgraft::compile::other_processor), help("{help}"))]
    OtherProcessor {
        /// The compiler.
        program: PathBuf,
        /// rpm's name of the processor that it compiles for.
        makes: String,
        /// rpm's name of the target's.
        wanted: String,
        /// What to do next.
        help: String,
    },
    /// There is no objcopy.
    #[error("the debug information cannot be split off: objcopy is not installed")]
    #[diagnostic(code(modgraft::compile::no_objcopy), help("{help}"))]
    NoObjcopy {
        /// What to do next.
        help: String,
    },
    /// The compiler refused the translation unit.
    #[error("the C compiler refused {module}: {count} error{}{}", plural(*count), not_shown(*count, shown.len()))]
    #[diagnostic(code(modgraft::compile::refused))]
    Refused {
        /// `mod_NAME`.
        module: String,
        /// How many errors there were.
        count: usize,
        /// The first of them.
        #[related]
        shown: Vec<Complaint>,
    },
    /// There is no room for what the compiler or objcopy writes.
    #[error("no space is left for the compiler's files in {}", folder.display())]
    #[diagnostic(
        code(modgraft::compile::disk_full),
        help("make room there, or choose another place: TMPDIR says where temporary files go")
    )]
    DiskFull {
        /// The folder.
        folder: PathBuf,
    },
    /// What was linked is not as it should be.
    #[error("the linker's output is of no use: {reason}")]
    #[diagnostic(code(modgraft::compile::output), help("{help}"))]
    Output {
        /// What is wrong with it.
        reason: String,
        /// What to do next.
        help: String,
    },
    /// A program could not be run, or modgraft was asked to stop.
    #[error(transparent)]
    #[diagnostic(code(modgraft::compile::process))]
    Process(#[from] process::Error),
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),
}

/// One error of the compiler or linker, or what the stage before makes of one.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Complaint {
    /// In a source text.
    #[error("{message}")]
    #[diagnostic(severity(error))]
    At {
        /// The compiler's own words.
        message: String,
        /// The file that the line comes from: upstream's own, or a header.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// The place.
        #[label("{label}")]
        at: SourceSpan,
        /// What the compiler noted beside it; may be empty.
        label: String,
        /// What to do next.
        #[help]
        help: Option<String>,
    },
    /// Of no place: the linker's, or one about flags.
    #[error("{message}")]
    #[diagnostic(severity(error))]
    Nowhere {
        /// The program's own words.
        message: String,
        /// What to do next.
        #[help]
        help: Option<String>,
    },
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// The end of a message that counts more than it shows.
pub(crate) fn not_shown(count: usize, shown: usize) -> String {
    match count.saturating_sub(shown) {
        0 => String::new(),
        rest => format!(", of which {rest} more are not shown"),
    }
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Refused { .. } | Error::Output { .. } => Kind::Compile,
            Error::Process(process::Error::Interrupted) => Kind::Interrupted,
            _ => Kind::Environment,
        }
    }
}
