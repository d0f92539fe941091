//! What a compiler makes of an empty file: for which processor, and which of the target's flags it takes.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::Error;
use super::flags::{self, TargetFlags};
use super::toolchain::{Toolchain, help};
use crate::machine::Machine;
use crate::process;
use crate::target::{Target, elf};

/// An empty file is compiled in 10 ms, and linked in 30.
const LIMIT: Duration = Duration::from_secs(20);

const SOURCE: &str = "probe.c";
const OUTPUT: &str = "probe.o";

/// What makes a shared object of an empty file, of nothing but the compiler and the linker.
const LINK: &[&str] = &["-fPIC", "-shared", "-nostdlib"];

/// A flag of the target's own build that the compiler here does not take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnknownFlag {
    /// The flag, with its argument where that is a word of its own.
    pub flag: String,
    /// What the compiler or the linker says of it.
    pub said: String,
}

/// Whether a compiler that was found by a name alone can link for the machine.
///
/// # Errors
/// It cannot be run.
pub fn links(toolchain: &Toolchain, machine: &'static Machine) -> Result<bool, Error> {
    let probe = Probe::new(toolchain)?;
    // A module needs the compiler's own library at times.
    let linked = probe.run(&words(&[LINK, &["-lgcc"]].concat()))?;
    Ok(linked.is_ok() && probe.machine() == Some(machine))
}

/// The processor that the compiler makes objects for.
///
/// # Errors
/// [`Error::BadCompiler`] where it makes none.
pub fn machine(toolchain: &Toolchain, target: &Target) -> Result<Option<&'static Machine>, Error> {
    let probe = Probe::new(toolchain)?;
    match probe.run(&words(&["-c"]))? {
        Ok(()) => Ok(probe.machine()),
        Err(said) => Err(bad(toolchain, target, format!("it does not compile an empty file: {said}"))),
    }
}

/// The flags of the target's variables that the compiler does not take. It was made for another compiler: one of another
/// release, another make, or another processor's.
///
/// # Errors
/// [`Error::OtherProcessor`], [`Error::BadCompiler`].
pub fn unknown_flags(toolchain: &Toolchain, target: &Target) -> Result<Vec<UnknownFlag>, Error> {
    let TargetFlags { compile, link, .. } =
        TargetFlags::of(&target.variables, &[], &|path| flags::find(target, path));
    let probe = Probe::new(toolchain)?;
    let all = [&compile[..], &words(LINK), &link].concat();
    if probe.run(&all)?.is_ok() && probe.machine() == Some(target.machine) {
        return Ok(Vec::new());
    }
    let made = machine(toolchain, target)?;
    if made != Some(target.machine) {
        return Err(Error::OtherProcessor {
            program: toolchain.program.clone(),
            makes: made.map_or("a processor that is not known", |machine| &machine.name).to_owned(),
            wanted: target.machine.name.clone(),
            help: help(target.machine, &target.advice),
        });
    }
    if let Err(said) = probe.run(&words(LINK))? {
        return Err(bad(toolchain, target, format!("it does not link for {}: {said}", target.machine)));
    }
    let mut unknown = Vec::new();
    for (flags, with) in [(compile, &["-c"][..]), (link, LINK)] {
        for group in flags::grouped(flags) {
            if let Err(said) = probe.run(&[group.clone(), words(with)].concat())? {
                unknown.push(UnknownFlag { flag: group.join(" "), said });
            }
        }
    }
    Ok(unknown)
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn bad(toolchain: &Toolchain, target: &Target, reason: String) -> Error {
    Error::BadCompiler {
        program: toolchain.program.clone(),
        reason,
        help: help(target.machine, &target.advice),
    }
}

struct Probe<'a> {
    toolchain: &'a Toolchain,
    folder: tempfile::TempDir,
}

impl<'a> Probe<'a> {
    fn new(toolchain: &'a Toolchain) -> Result<Self, Error> {
        let folder = tempfile::tempdir()?;
        fs_err::write(folder.path().join(SOURCE), "")?;
        Ok(Probe { toolchain, folder })
    }

    /// Compiles the empty file with these flags and the user's own; inside, what the compiler said where it failed.
    fn run(&self, flags: &[String]) -> Result<Result<(), String>, Error> {
        let mut command = self.toolchain.command(self.folder.path());
        command.args(flags).args(&self.toolchain.cflags).args(["-o", OUTPUT, "-x", "c", SOURCE]);
        let output = process::output(&mut command, LIMIT)?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        Ok(if output.status.success() { Ok(()) } else { Err(said(&stderr)) })
    }

    /// Of what was made last.
    fn machine(&self) -> Option<&'static Machine> {
        elf::header(&self.folder.path().join(OUTPUT)).and_then(elf::Header::machine)
    }
}

/// The first line that says what is wrong, without the name of the program that says it.
fn said(stderr: &str) -> String {
    let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    // A linker's line begins with its path, and the driver sums up what the linker said before.
    let linker = |line: &&str| line.split_once(": ").is_some_and(|(name, _)| Path::new(name).is_absolute());
    let errors = || lines().filter(|line| line.contains("error: "));
    let line = lines().find(linker).or_else(|| errors().next()).or_else(|| lines().next());
    let line = line.unwrap_or("it failed and said nothing");
    let text = line.split_once("error: ").map_or(line, |(_, text)| text);
    text.split_once(": ").filter(|_| linker(&text)).map_or(text, |(_, text)| text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_taken_out_of_what_was_said() {
        assert_eq!(
            said("cc: error: unrecognized command-line option '-m64'\n"),
            "unrecognized command-line option '-m64'"
        );
        assert_eq!(said("In file\n/tmp/x.c:1:1: error: bad value\nnote: valid are\n"), "bad value");
        assert_eq!(
            said(
                "/usr/bin/ld: unrecognized option '--none'\n/usr/bin/ld: use --help\ncollect2: error: ld returned 1 exit status\n"
            ),
            "unrecognized option '--none'"
        );
        assert_eq!(said(""), "it failed and said nothing");
    }
}
