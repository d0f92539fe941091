//! The apxs-equivalent cc call, as data, and what it makes.
//!
//! In: a rendered translation unit and a [`crate::target::Target`]. Out: a [`SharedObject`].

mod assembly;
mod error;
mod exports;
mod flags;
mod help;
mod messages;
mod oracle;
mod origins;
mod probe;
mod split;
mod sysroot;
mod toolchain;

pub use assembly::{Assembly, assembly};
pub(crate) use error::not_shown;
pub use error::{Complaint, Error};
pub use exports::promised;
pub use flags::DroppedFlag;
pub use help::for_message as help_for;
pub use messages::{Message, Note, Place, Severity};
pub use oracle::{language, objections, preprocessed, with_debug_information};
pub use probe::UnknownFlag;
pub use toolchain::{Family, Toolchain};

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use miette::NamedSource;
use serde::Serialize;

use crate::process;
use crate::target::{Provenance, Target};
use flags::TargetFlags;
use origins::Origins;

/// A compiler call as data: what was run, and what `report.json` shows.
#[derive(Debug, Clone, Serialize)]
pub struct CompilerCall {
    /// The compiler.
    pub program: PathBuf,
    /// All arguments in order; the folder of the build, which has another name each time, is `.`, and a sysroot `SYSROOT`.
    pub arguments: Vec<String>,
    /// Flags of apxs that were not passed on.
    pub dropped: Vec<DroppedFlag>,
}

/// A compiled module.
#[derive(Debug, Clone)]
pub struct SharedObject {
    /// `mod_NAME.so`, stripped of debug information.
    pub file: PathBuf,
    /// `mod_NAME.so.debug`, its debug information.
    pub debug_file: PathBuf,
    /// The ELF build id, as bytes.
    pub build_id: Vec<u8>,
    /// The call that made it.
    pub call: CompilerCall,
    /// The compiler's warnings, each as one text: `FILE:LINE:COLUMN: WORDS`.
    pub warnings: Vec<String>,
}

/// What is compiled.
#[derive(Debug, Clone, Copy)]
pub struct Unit<'a> {
    /// `mod_NAME`.
    pub module: &'a str,
    /// The module structure's C name: the first symbol that is exported.
    pub symbol: &'a str,
    /// The whole C file; its `#line` directives tell where each line is from.
    pub text: &'a str,
}

/// How it is compiled.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is exported beside the module structure: see [`promised`].
    pub exports: Vec<String>,
    /// Libraries to link, without `-l`.
    pub libraries: Vec<String>,
    /// The folder that takes the object and its debug information.
    pub out_dir: PathBuf,
    /// `NAME-VERSION-RELEASE.ARCH` of the package: part of the build id, and the name of the folder that debuggers show.
    pub nevra: String,
    /// Seconds since 1970 that `__DATE__` and `__TIME__` stand for.
    pub source_date_epoch: Option<u64>,
    /// The most time that the compiler gets.
    pub limit: Duration,
}

/// How many errors are shown.
const SHOWN: usize = 10;

/// Compiles and links a unit in one call, gives it its build id and splits its debug information off.
///
/// # Errors
/// [`Error::Refused`] with the compiler's errors on upstream's own lines; a compiler or objcopy that cannot be run or takes
/// too long; a full disk.
pub fn compile(
    unit: &Unit<'_>,
    target: &Target,
    toolchain: &Toolchain,
    options: &Options,
) -> Result<SharedObject, Error> {
    compile_without(toolchain.unknown_flags(target)?, unit, target, toolchain, options)
}

/// Leaves out the flags of `unknown`.
fn compile_without(
    unknown: &[UnknownFlag],
    unit: &Unit<'_>,
    target: &Target,
    toolchain: &Toolchain,
    options: &Options,
) -> Result<SharedObject, Error> {
    fs_err::create_dir_all(&options.out_dir)?;
    let scratch = tempfile::Builder::new().prefix(".compile-").tempdir_in(&options.out_dir)?;
    // The compiler writes its folder with all links followed.
    let folder = scratch.path().canonicalize()?;
    let (linked, stripped) = (linked(unit), format!("{}.so", unit.module));
    let debug = format!("{stripped}.debug");
    let (arguments, dropped) = laid_out(unknown, unit, target, toolchain, options, &folder)?;
    let mut command = command(toolchain, &arguments, options, &folder);
    let output = process::output(&mut command, options.limit).map_err(|error| match error {
        process::Error::Missing { program } => {
            Error::NoCompiler { program, help: target.advice.compiler.clone() }
        }
        error => error.into(),
    })?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    let said = messages::parse(&stderr);
    if !output.status.success() || said.iter().any(Message::is_loss) {
        if stderr.contains("No space left on device") {
            return Err(Error::DiskFull { folder: options.out_dir.clone() });
        }
        return Err(refused(unit, &source(unit), target, said, &stderr));
    }

    let build_id = split::seed_build_id(&folder.join(&linked), &options.nevra)?;
    split::split(toolchain, &folder, &linked, &stripped, &debug)?;
    let (file, debug_file) = (options.out_dir.join(&stripped), options.out_dir.join(&debug));
    fs_err::rename(folder.join(&debug), &debug_file)?;
    fs_err::rename(folder.join(&stripped), &file)?;

    let place = folder.to_string_lossy().into_owned();
    let root = target.sysroot().map(|root| root.to_string_lossy().into_owned());
    let record = |argument: &String| {
        let argument = argument.replace(&place, ".");
        root.as_ref().map_or_else(|| argument.clone(), |root| argument.replace(root.as_str(), "SYSROOT"))
    };
    let recorded = toolchain.leading.iter().chain(&arguments).map(record);
    let call = CompilerCall { program: toolchain.program.clone(), arguments: recorded.collect(), dropped };
    Ok(SharedObject { file, debug_file, build_id, call, warnings: warnings(&said) })
}

/// As [`compile`], of a unit to which the compiler may object: there is nothing then, and [`objections`] says why.
///
/// # Errors
/// As [`compile`], but for [`Error::Refused`].
pub fn attempt(
    unit: &Unit<'_>,
    target: &Target,
    toolchain: &Toolchain,
    options: &Options,
) -> Result<Option<SharedObject>, Error> {
    let with = |unknown| match compile_without(unknown, unit, target, toolchain, options) {
        Err(Error::Refused { .. }) => Ok(None),
        made => made.map(Some),
    };
    if let Some(unknown) = toolchain.unknown_so_far() {
        return with(unknown);
    }
    // What compiles and links with all flags needs no other question.
    match with(&[])? {
        Some(made) => Ok(Some(made)),
        None if toolchain.unknown_flags(target)?.is_empty() => Ok(None),
        None => with(toolchain.unknown_flags(target)?),
    }
}

/// The call of the compiler alone, ready to run in `folder`, which gets what it reads: to be measured.
///
/// # Errors
/// Files that cannot be written.
pub fn call(
    unit: &Unit<'_>,
    target: &Target,
    toolchain: &Toolchain,
    options: &Options,
    folder: &Path,
) -> Result<Command, Error> {
    let unknown = toolchain.unknown_flags(target)?;
    let (arguments, _) = laid_out(unknown, unit, target, toolchain, options, folder)?;
    Ok(command(toolchain, &arguments, options, folder))
}

/// Writes into `folder` all that the compiler reads of it, and says what it is to be called with.
fn laid_out(
    unknown: &[UnknownFlag],
    unit: &Unit<'_>,
    target: &Target,
    toolchain: &Toolchain,
    options: &Options,
    folder: &Path,
) -> Result<(Vec<String>, Vec<DroppedFlag>), Error> {
    fs_err::write(folder.join(source(unit)), unit.text)?;
    let exports = [&[unit.symbol.to_owned()], &options.exports[..]].concat().join("; ");
    fs_err::write(folder.join(EXPORTS), format!("{{ global: {exports}; local: *; }};\n"))?;
    let own = sysroot::link_flags(target, folder, &options.libraries)?;
    let apxs = TargetFlags::of(&target.variables, unknown, &|path| flags::find(target, path));
    Ok(arguments(folder, apxs, unit, own, target, toolchain, options))
}

fn command(toolchain: &Toolchain, arguments: &[String], options: &Options, folder: &Path) -> Command {
    let mut command = toolchain.command(folder);
    command.args(arguments);
    if let Some(epoch) = options.source_date_epoch {
        command.env("SOURCE_DATE_EPOCH", epoch.to_string());
    }
    command
}

fn source(unit: &Unit<'_>) -> String {
    format!("{}.c", unit.module)
}

fn linked(unit: &Unit<'_>) -> String {
    format!("{}.so.linked", unit.module)
}

/// The linker's version script, which hides all but the module structure and what the module promises to others. (`-fvisibility=hidden` would hide that as well:
/// httpd's macros for it are empty on Unix.)
const EXPORTS: &str = "exports.map";

fn arguments(
    folder: &Path,
    apxs: TargetFlags,
    unit: &Unit<'_>,
    sysroot: Vec<String>,
    target: &Target,
    toolchain: &Toolchain,
    options: &Options,
) -> (Vec<String>, Vec<DroppedFlag>) {
    let TargetFlags { mut compile, include, link, mut dropped } = apxs;
    compile.extend(toolchain.cflags.iter().cloned());
    if toolchain.silent {
        let (flag, reason) = (flags::SILENT.to_owned(), flags::SILENCES.to_owned());
        dropped.push(DroppedFlag { flag, variable: "the environment".to_owned(), reason });
    }
    let levels = flags::levels(&compile);

    let mut arguments = compile;
    arguments.extend(["-fPIC", "-shared"].map(str::to_owned));
    arguments.extend(levels);
    for flag in flags::own(toolchain) {
        if !arguments.contains(&flag) {
            arguments.push(flag);
        }
    }
    // No path of this build is in the object, not even in its debug information.
    let place = format!("/usr/src/debug/{}", options.nevra);
    arguments.push(flags::prefix_map(toolchain, &folder.to_string_lossy(), &place));
    if let Provenance::Fetched { root, .. } | Provenance::Sysroot { root, .. } = &target.provenance {
        arguments.push(flags::prefix_map(toolchain, &root.to_string_lossy(), ""));
    }
    arguments.extend(header_flags(target, toolchain, include, &options.libraries));
    arguments.extend(sysroot);
    arguments.extend(link);
    for flag in ["-Wl,--as-needed", "-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack", "-Wl,--build-id=sha1"]
    {
        if !arguments.iter().any(|known| known == flag) {
            arguments.push(flag.to_owned());
        }
    }
    arguments.push(format!("-Wl,--version-script={EXPORTS}"));
    let (source, output) = (source(unit), linked(unit));
    arguments.extend(["-o", &output, "-x", "c", &source, "-x", "none"].map(str::to_owned));
    arguments.extend(options.libraries.iter().map(|library| format!("-l{library}")));
    (arguments, dropped)
}

/// Where headers are: the target's own, those of its C library where it has another than the host, and those of libraries
/// that keep them in folders of their own, below the target's root or on this host.
fn header_flags(
    target: &Target,
    toolchain: &Toolchain,
    include: Vec<String>,
    libraries: &[String],
) -> Vec<String> {
    let mut flags = sysroot::compile_flags(target, toolchain);
    flags.extend(target.include_dirs.iter().map(|folder| format!("-I{}", folder.display())));
    flags.extend(include);
    flags.extend(include_flags(target, libraries));
    flags
}

/// Where the headers are of libraries that keep them in folders of their own.
fn include_flags(target: &Target, libraries: &[String]) -> Vec<String> {
    let roots = match &target.provenance {
        Provenance::Sysroot { root, .. } => vec![root.as_path()],
        Provenance::Fetched { root, .. } => vec![root.as_path(), Path::new("/")],
        Provenance::Installed | Provenance::Prefix { .. } => vec![Path::new("/")],
    };
    let mut flags = Vec::new();
    for folder in crate::libraries::include_folders(libraries) {
        let mut places = roots.iter().map(|root| root.join(folder.trim_start_matches('/')));
        flags.extend(places.find(|place| place.is_dir()).map(|place| format!("-I{}", place.display())));
    }
    flags
}

fn warnings(messages: &[Message]) -> Vec<String> {
    let warnings = messages.iter().filter(|message| message.severity == Severity::Warning);
    let text = |message: &Message| match &message.place {
        Some((file, line, column)) => format!("{file}:{line}:{column}: {}", message.text),
        None => message.text.clone(),
    };
    warnings.map(text).collect()
}

/// The error for a unit that the compiler refused, each of its errors on the line that it comes from.
fn refused(unit: &Unit<'_>, source: &str, target: &Target, messages: Vec<Message>, stderr: &str) -> Error {
    let mut errors: Vec<Message> =
        messages.into_iter().filter(|message| message.severity == Severity::Error).collect();
    if errors.is_empty() {
        let text = stderr
            .lines()
            .rfind(|line| !line.trim().is_empty())
            .unwrap_or("it ended with a failure and said nothing");
        errors.push(Message {
            severity: Severity::Error,
            place: None,
            text: text.to_owned(),
            notes: Vec::new(),
        });
    }
    let origins = Origins::of(unit.text, source);
    let shown = errors.iter().take(SHOWN).map(|message| complaint(message, &origins, target)).collect();
    Error::Refused { module: unit.module.to_owned(), count: errors.len(), shown }
}

fn complaint(message: &Message, origins: &Origins<'_>, target: &Target) -> Complaint {
    let help = help::for_message(&message.text, target);
    // An error in a header's macro is shown where the module uses the macro, which the compiler tells in a note.
    let of_unit = |place: &&Place| origins.has(&place.0);
    let expansions = || message.notes.iter().filter(|note| note.text.starts_with("in expansion of macro"));
    let noted = || expansions().filter_map(|note| note.place.as_ref()).find(of_unit);
    let place = message.place.as_ref().filter(of_unit).or_else(noted).or(message.place.as_ref());
    let placed = place.and_then(|(file, line, column)| {
        let text = origins.text(file)?;
        let at = origins::span(&text, *line, *column)?;
        let label = message.notes.iter().find(|note| note.text.starts_with("expected"));
        Some(Complaint::At {
            message: message.text.clone(),
            source_code: NamedSource::new(file, text).with_language("C"),
            at: at.into(),
            label: label.map(|note| note.text.clone()).unwrap_or_default(),
            help: help.clone(),
        })
    });
    placed.unwrap_or_else(|| Complaint::Nowhere {
        message: match &message.place {
            Some((file, line, column)) => format!("{file}:{line}:{column}: {}", message.text),
            None => message.text.clone(),
        },
        help,
    })
}
