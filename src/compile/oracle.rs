//! The compiler asked what it would object to, without making anything: the truth about what a target has.

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
pub fn language(target: &Target, toolchain: &Toolchain, libraries: &[String]) -> Vec<String> {
    let TargetFlags { mut compile, include, .. } =
        TargetFlags::of(&target.variables, &toolchain.unknown, &|path| flags::find(target, path));
    compile.extend(toolchain.cflags.iter().cloned());
    compile.extend(flags::own(toolchain));
    compile.extend(header_flags(target, toolchain, include, libraries));
    compile
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
    let source = format!("{}.c", unit.module);
    fs_err::write(folder.path().join(&source), unit.text)?;
    let mut command = toolchain.command(folder.path());
    command.args(language(target, toolchain, libraries)).args(readable(toolchain.family));
    command.args(["-x", "c", &source]);
    let output = process::output(&mut command, limit).map_err(|error| match error {
        process::Error::Missing { program } => {
            Error::NoCompiler { program, help: target.advice.compiler.clone() }
        }
        error => error.into(),
    })?;
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
