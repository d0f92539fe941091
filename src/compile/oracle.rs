//! The compiler asked what it would object to, without making anything: the truth about what a target has.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use super::flags::{self, TargetFlags};
use super::messages::{self, Message};
use super::toolchain::{Family, Toolchain};
use super::{Error, Unit, header_flags};
use crate::process;
use crate::target::Target;

/// What the compiler needs besides, so that its text can be read (FACTS-httpd.md, "The compiler as oracle") and it does not
/// stop at the twentieth error.
fn readable(family: Family) -> [&'static str; 3] {
    match family {
        Family::Gcc => ["-fsyntax-only", "-fno-diagnostics-show-caret", "-fmax-errors=0"],
        Family::Clang => ["-fsyntax-only", "-fno-caret-diagnostics", "-ferror-limit=0"],
    }
}

/// The flags that decide what a unit means to the target's compiler, without those that make something of it; `libraries`
/// are those that the module is linked with.
///
/// # Errors
/// A compiler that cannot be asked which flags it takes.
pub fn language(target: &Target, toolchain: &Toolchain, libraries: &[String]) -> Result<Vec<String>, Error> {
    let unknown = toolchain.unknown_flags(target)?;
    let TargetFlags { mut compile, include, .. } =
        TargetFlags::of(&target.variables, unknown, &|path| flags::find(target, path));
    compile.extend(toolchain.cflags.iter().cloned());
    compile.extend(flags::own(toolchain));
    compile.extend(header_flags(target, toolchain, include, libraries));
    Ok(compile)
}

/// Everything that the compiler objects to in a unit, in its order, with the flags of the real call. Places of the unit are
/// those of its text, under the name `MODULE.c`, as long as it has no `#line`.
///
/// # Errors
/// A compiler that cannot be run, or takes longer than `limit`.
pub fn objections(
    unit: &Unit<'_>,
    target: &Target,
    toolchain: &Toolchain,
    libraries: &[String],
    limit: Duration,
) -> Result<Vec<Message>, Error> {
    let folder = tempfile::tempdir()?;
    let output =
        called(unit, target, toolchain, libraries, &readable(toolchain.family), folder.path(), limit)?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    let said = messages::parse(&stderr);
    let silent = !said.iter().any(|message| message.severity == messages::Severity::Error);
    if !output.status.success() && silent {
        return Err(Error::BadCompiler {
            program: toolchain.program.clone(),
            reason: stderr.lines().last().unwrap_or("it failed and said nothing").to_owned(),
            help: format!("unset CC, or install a compiler: {}", target.advice.compiler),
        });
    }
    Ok(said)
}

/// Compiles a unit that declares only, and returns an object with debug information of all its types, used or not. It is
/// linked, so that nothing is left to be relocated in it, but with nothing.
///
/// # Errors
/// A compiler that cannot be run, takes longer than `limit`, or refuses the unit.
pub fn with_debug_information(
    unit: &Unit<'_>,
    target: &Target,
    toolchain: &Toolchain,
    limit: Duration,
) -> Result<Vec<u8>, Error> {
    const OBJECT: &str = "probe.so";
    let folder = tempfile::tempdir()?;
    let mut flags = vec!["-w", "-g", "-fno-eliminate-unused-debug-types", "-gno-split-dwarf"];
    flags.extend(["-fPIC", "-shared", "-nostdlib", "-nostartfiles", "-o", OBJECT]);
    if toolchain.family == Family::Clang {
        flags.push("-fstandalone-debug");
    }
    let output = called(unit, target, toolchain, &[], &flags, folder.path(), limit)?;
    accepted(&output, toolchain, target)?;
    Ok(fs_err::read(folder.path().join(OBJECT))?)
}

/// A unit's text behind the preprocessor, with all directives that define macros.
///
/// # Errors
/// As [`with_debug_information`].
pub fn preprocessed(
    unit: &Unit<'_>,
    target: &Target,
    toolchain: &Toolchain,
    limit: Duration,
) -> Result<String, Error> {
    let folder = tempfile::tempdir()?;
    let output = called(unit, target, toolchain, &[], &["-w", "-E", "-dD"], folder.path(), limit)?;
    accepted(&output, toolchain, target)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn accepted(output: &Output, toolchain: &Toolchain, target: &Target) -> Result<(), Error> {
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let said = messages::parse(&stderr).into_iter().find(|said| said.severity == messages::Severity::Error);
    Err(Error::BadCompiler {
        program: toolchain.program.clone(),
        reason: said.map_or_else(|| "it failed and said nothing".to_owned(), |said| said.text),
        help: format!("unset CC and CFLAGS, or install a compiler: {}", target.advice.compiler),
    })
}

/// Calls the compiler in `folder` on a unit, with the flags of the real call that decide what it means, and `flags`.
fn called(
    unit: &Unit<'_>,
    target: &Target,
    toolchain: &Toolchain,
    libraries: &[String],
    flags: &[&str],
    folder: &Path,
    limit: Duration,
) -> Result<Output, Error> {
    let mut arguments = language(target, toolchain, libraries)?;
    arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
    run(unit, target, toolchain, arguments, folder, limit)
}

/// Calls the compiler in `folder` on a unit.
pub(super) fn run(
    unit: &Unit<'_>,
    target: &Target,
    toolchain: &Toolchain,
    arguments: Vec<String>,
    folder: &Path,
    limit: Duration,
) -> Result<Output, Error> {
    let source = format!("{}.c", unit.module);
    fs_err::write(folder.join(&source), unit.text)?;
    let mut command = toolchain.command(folder);
    command.args(arguments).args(["-x", "c", &source]);
    process::output(&mut command, limit).map_err(|error| match error {
        process::Error::Missing { program } => {
            Error::NoCompiler { program, help: target.advice.compiler.clone() }
        }
        error => error.into(),
    })
}
