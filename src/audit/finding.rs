//! What an audit can find.

use miette::Diagnostic;

use crate::target::{GlibcVersion, Mmn};

/// A reason not to package an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Diagnostic)]
pub enum Finding {
    /// It was made for another processor.
    #[error("it is made for another processor than the target's httpd")]
    #[diagnostic(
        code(modgraft::audit::machine),
        help("take the target's own compiler (variable CC), without -m32 or the like in CFLAGS")
    )]
    Machine,
    /// LoadModule would not find the module.
    #[error("it does not export `{symbol}`, which LoadModule would look for")]
    #[diagnostic(
        code(modgraft::audit::no_module),
        help(
            "the module structure must be a global variable: AP_DECLARE_MODULE, not static; or state its name in the recipe (`symbol`)"
        )
    )]
    NoModule {
        /// The module structure.
        symbol: String,
    },
    /// What is exported under the name is no module structure.
    #[error("`{symbol}` is no module structure: {reason}")]
    #[diagnostic(code(modgraft::audit::bad_module), help("{help}"))]
    BadModule {
        /// The module structure.
        symbol: String,
        /// What it is instead.
        reason: String,
        /// What to do next.
        help: String,
    },
    /// It was compiled with other headers.
    #[error("`{symbol}` has the module magic number {found}, and the target's httpd has {expected}")]
    #[diagnostic(
        code(modgraft::audit::mmn),
        help("it was compiled with the headers of another httpd: look for -I in CFLAGS")
    )]
    Mmn {
        /// The module structure.
        symbol: String,
        /// The number in the object.
        found: Mmn,
        /// The number of the target's headers.
        expected: Mmn,
    },
    /// More than the module structure is visible to other modules.
    #[error("it exports more than `{symbol}`: {}", listed(extra))]
    #[diagnostic(
        code(modgraft::audit::exports),
        help("other modules would be bound to these names: make them static")
    )]
    Exports {
        /// The module structure.
        symbol: String,
        /// All else.
        extra: Vec<String>,
    },
    /// A symbol that nobody has.
    #[error("nothing that the target loads has the symbol `{symbol}`")]
    #[diagnostic(
        code(modgraft::audit::undefined),
        help(
            "httpd would refuse to start: bring the definition with the patch or its base tree, or name the library that has it in the recipe (`libraries`)"
        )
    )]
    Undefined {
        /// The symbol.
        symbol: String,
    },
    /// Symbols of a library whose headers the module includes, and that it does not link.
    #[error("it needs {} of the library {library}, which it is not linked with", listed(symbols))]
    #[diagnostic(
        code(modgraft::audit::not_linked),
        help(
            "httpd would refuse to start: name the library in the recipe, `libraries = [\"{library}\"]`, with any others"
        )
    )]
    NotLinked {
        /// As behind `-l`.
        library: String,
        /// What it has of what nobody else has.
        symbols: Vec<String>,
    },
    /// A library that the target lacks.
    #[error("it needs the library {library}, which the target does not have")]
    #[diagnostic(
        code(modgraft::audit::library),
        help("install it on the target, or link another version of it")
    )]
    Library {
        /// Its soname.
        library: String,
    },
    /// A version of a library that the target lacks.
    #[error("it needs {version} of {library}, which the target's does not have")]
    #[diagnostic(code(modgraft::audit::version), help("build with the target's own version of that library"))]
    Version {
        /// Its soname.
        library: String,
        /// The version.
        version: String,
    },
    /// A newer C library than the target's.
    #[error("it needs glibc {needed} ({}), and the target has {target}", listed(symbols))]
    #[diagnostic(
        code(modgraft::audit::glibc),
        help("build on a system with the target's glibc, or an older one")
    )]
    Glibc {
        /// The highest version that is needed.
        needed: GlibcVersion,
        /// The target's.
        target: GlibcVersion,
        /// The symbols that are too new.
        symbols: Vec<String>,
    },
    /// Internals of the C library.
    #[error("it uses internals of the C library: {}", listed(symbols))]
    #[diagnostic(
        code(modgraft::audit::glibc_private),
        help("they differ between any two versions: use the public functions")
    )]
    GlibcPrivate {
        /// The symbols of version GLIBC_PRIVATE.
        symbols: Vec<String>,
    },
    /// The tables of addresses stay writable.
    #[error("its relocations stay writable: {missing}")]
    #[diagnostic(
        code(modgraft::audit::relro),
        help("link with -Wl,-z,relro -Wl,-z,now; look for -z norelro or -z lazy in CFLAGS")
    )]
    Relro {
        /// What full RELRO lacks.
        missing: String,
    },
    /// The stack would be executable.
    #[error("it asks for an executable stack")]
    #[diagnostic(
        code(modgraft::audit::stack),
        help(
            "link with -Wl,-z,noexecstack; nested functions of gcc whose address is taken need such a stack"
        )
    )]
    ExecutableStack,
    /// Code would be written to at load time.
    #[error("its code has relocations (TEXTREL)")]
    #[diagnostic(
        code(modgraft::audit::textrel),
        help("all of it must be compiled with -fPIC, assembler code too")
    )]
    TextRelocations,
    /// A segment is writable and executable.
    #[error("it has a segment that is writable and executable, at {address:#x}")]
    #[diagnostic(code(modgraft::audit::writable_code), help("look for linker scripts, -z and -N in CFLAGS"))]
    WritableCode {
        /// The segment's address.
        address: u64,
    },
    /// It would search folders of its own for libraries.
    #[error("it has the {tag} `{path}`")]
    #[diagnostic(
        code(modgraft::audit::run_path),
        help("libraries must come from the system's folders: look for -rpath in CFLAGS and LD_RUN_PATH")
    )]
    RunPath {
        /// `RPATH` or `RUNPATH`.
        tag: &'static str,
        /// Its value.
        path: String,
    },
}

/// The first few names, and how many more.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let first = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => first,
        rest => format!("{first} and {rest} more"),
    }
}
