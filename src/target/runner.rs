//! How the target's httpd is started on this host: as it is, by its own dynamic linker, or by an emulator of its processor.

use std::env;
use std::path::{Path, PathBuf};

use super::{Provenance, Target, elf};
use crate::machine::Machine;

/// What starts the target's httpd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runner {
    /// The program.
    pub program: PathBuf,
    /// Folders with libraries that it needs beside the system's.
    pub library_path: Vec<PathBuf>,
    /// The dynamic linker that has to start it, where its C library is not the system's.
    pub loader: Option<PathBuf>,
    /// The emulator that has to run it, where its processor is another and the kernel does not know of one.
    pub emulator: Option<PathBuf>,
}

impl Runner {
    /// For a program of this machine, with its own C library.
    pub fn native(program: PathBuf) -> Self {
        Runner { program, library_path: Vec::new(), loader: None, emulator: None }
    }
}

/// Why the target's httpd cannot be started on this host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRunnable {
    /// Of the httpd there are symbols at most.
    #[error("the target has no httpd program")]
    NoProgram,
    /// There are its symbols and no code.
    #[error("the target came from a pack, which has no code of its httpd")]
    Packed,
    /// What starts its programs was not unpacked.
    #[error("the target has no dynamic linker, which would start its httpd")]
    NoLoader,
    /// Nothing runs programs for its processor.
    #[error("its httpd is for {machine}, and {emulator} is not installed")]
    NoEmulator {
        /// rpm's name of the processor.
        machine: String,
        /// `qemu-aarch64`.
        emulator: String,
        /// The command that installs it.
        install: String,
    },
}

impl NotRunnable {
    /// What to do so that it can be.
    pub fn help(&self) -> String {
        match self {
            NotRunnable::NoProgram | NotRunnable::NoLoader | NotRunnable::Packed => {
                "add the target from packages that have httpd itself and its C library".to_owned()
            }
            NotRunnable::NoEmulator { install, .. } => install.clone(),
        }
    }
}

impl Target {
    /// What starts its httpd here.
    ///
    /// # Errors
    /// Why it cannot be started.
    pub fn runner(&self) -> Result<Runner, NotRunnable> {
        if matches!(self.provenance, Provenance::Sysroot { pack: Some(_), .. }) {
            return Err(NotRunnable::Packed);
        }
        // What stands in for a program that is not there has its symbols, and nothing that starts it.
        let program = self.program.clone().filter(|program| elf::interpreter(program).is_some());
        let program = program.ok_or(NotRunnable::NoProgram)?;
        if matches!(self.provenance, Provenance::Sysroot { .. }) && self.loader.is_none() {
            return Err(NotRunnable::NoLoader);
        }
        let emulator = if self.machine.runs_on_host() || kernel_runs(self.machine, Path::new(BINFMT)) {
            None
        } else {
            let path = env::var_os("PATH").unwrap_or_default();
            let found = emulator(self.machine, &env::split_paths(&path).collect::<Vec<_>>());
            Some(found.ok_or_else(|| NotRunnable::NoEmulator {
                machine: self.machine.name.clone(),
                emulator: emulator_name(self.machine),
                install: self.advice.emulator.clone(),
            })?)
        };
        Ok(Runner { program, library_path: self.library_path.clone(), loader: self.loader.clone(), emulator })
    }
}

/// Where the kernel tells which programs it hands to an interpreter (Documentation/admin-guide/binfmt-misc.rst).
const BINFMT: &str = "/proc/sys/fs/binfmt_misc";

/// Whether the kernel hands programs for the machine to an emulator, under the name that Debian, Fedora and qemu's own
/// script give it.
fn kernel_runs(machine: &Machine, binfmt: &Path) -> bool {
    let on = |name: &str| {
        let text = fs_err::read_to_string(binfmt.join(name)).unwrap_or_default();
        text.lines().next() == Some("enabled")
    };
    on("status") && on(&emulator_name(machine))
}

fn emulator_name(machine: &Machine) -> String {
    format!("qemu-{}", machine.qemu)
}

/// qemu's emulator of programs; some distributions have the static one alone.
fn emulator(machine: &Machine, folders: &[PathBuf]) -> Option<PathBuf> {
    let name = emulator_name(machine);
    let names = [name.clone(), format!("{name}-static")];
    names.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign() -> &'static Machine {
        Machine::all().find(|machine| !machine.runs_on_host()).expect("there is another processor")
    }

    #[test]
    fn an_emulator_is_found_by_its_name() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let folders = [one.path().to_owned(), two.path().to_owned()];
        assert_eq!(emulator(foreign(), &folders), None);
        let fixed = one.path().join(format!("qemu-{}-static", foreign().qemu));
        fs_err::write(&fixed, "").unwrap();
        assert_eq!(emulator(foreign(), &folders), Some(fixed));
        let plain = two.path().join(format!("qemu-{}", foreign().qemu));
        fs_err::write(&plain, "").unwrap();
        assert_eq!(emulator(foreign(), &folders), Some(plain));
    }

    #[test]
    fn the_kernel_s_own_interpreters_count_where_they_are_on() {
        let binfmt = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs_err::write(binfmt.path().join(name), text).unwrap();
        assert!(!kernel_runs(foreign(), binfmt.path()));
        write("status", "enabled\n");
        write(&emulator_name(foreign()), "enabled\ninterpreter /usr/bin/qemu\nflags: F\n");
        assert!(kernel_runs(foreign(), binfmt.path()));
        write("status", "disabled\n");
        assert!(!kernel_runs(foreign(), binfmt.path()));
    }
}
