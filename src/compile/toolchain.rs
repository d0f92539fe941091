//! The C compiler of this host, found as the crate cc finds it, and the objcopy that goes with it.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::Serialize;

use super::Error;
use crate::process;
use crate::profile::Advice;

/// A compiler answers such questions in 2 ms.
const PROBE_LIMIT: Duration = Duration::from_secs(20);

/// The compiler and its companion.
#[derive(Debug, Clone, Serialize)]
pub struct Toolchain {
    /// The compiler, or a wrapper as in `CC="ccache gcc"`.
    pub program: PathBuf,
    /// The wrapper's arguments, where there is one.
    pub leading: Vec<String>,
    /// The flags of the variable CFLAGS.
    pub cflags: Vec<String>,
    /// Which compiler it is.
    pub family: Family,
    /// Its version: `[12, 2]`.
    pub version: [u32; 2],
    /// objcopy.
    pub objcopy: PathBuf,
}

/// Compilers that take the same flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// gcc.
    Gcc,
    /// clang, and others that take its flags.
    Clang,
}

impl Toolchain {
    /// Finds the compiler: the variables that the crate cc reads (CC and CFLAGS, with their forms for a target), else `cc`.
    /// It runs the compiler three times (some 20 ms), and needs nothing of the earlier stages but `advice`: so it may run
    /// beside them.
    ///
    /// # Errors
    /// No compiler, one that does not work, or no objcopy.
    pub fn find(advice: &Advice) -> Result<Self, Error> {
        let triple = format!("{}-unknown-linux-gnu", env::consts::ARCH);
        let scratch = tempfile::tempdir()?;
        let tool = cc::Build::new()
            .cargo_output(false)
            .cargo_metadata(false)
            .cargo_warnings(false)
            .emit_rerun_if_env_changed(false)
            .inherit_rustflags(false)
            // apxs's own flags take the place of what the crate would add.
            .no_default_flags(true)
            .warnings(false)
            .extra_warnings(false)
            .target(&triple)
            .host(&triple)
            .opt_level(2)
            .out_dir(scratch.path())
            .try_get_compiler()
            .map_err(|error| Error::BadCompiler {
                program: PathBuf::from(env::var_os("CC").unwrap_or_else(|| "cc".into())),
                reason: error.to_string(),
                help: format!("unset CC, or install a compiler: {}", advice.compiler),
            })?;
        let call = tool.to_command();
        let program = PathBuf::from(call.get_program());
        let arguments: Vec<String> = call.get_args().map(text).collect();
        let own = arguments.len().saturating_sub(tool.args().len());
        let (leading, cflags) = arguments.split_at(own);
        // Told to add no flags for warnings, the crate adds the one that switches all off.
        let mut cflags = cflags.to_vec();
        if let Some(at) = cflags.iter().position(|flag| flag == "-w") {
            cflags.remove(at);
        }
        let version = version(&program, leading, advice)?;
        Ok(Toolchain {
            objcopy: objcopy(tool.path())
                .ok_or_else(|| Error::NoObjcopy { help: advice.binutils.clone() })?,
            family: if tool.is_like_clang() { Family::Clang } else { Family::Gcc },
            version,
            leading: leading.to_vec(),
            cflags,
            program,
        })
    }
}

fn text(argument: &OsStr) -> String {
    argument.to_string_lossy().into_owned()
}

/// `-dumpfullversion` is gcc's since 7; the others take `-dumpversion` only, and gcc prints what it understands first.
fn version(program: &Path, leading: &[String], advice: &Advice) -> Result<[u32; 2], Error> {
    let bad = |reason: String| Error::BadCompiler {
        program: program.to_owned(),
        reason,
        help: format!("unset CC, or install a compiler: {}", advice.compiler),
    };
    let mut answer = String::new();
    for flags in [&["-dumpfullversion", "-dumpversion"][..], &["-dumpversion"]] {
        let mut command = Command::new(program);
        command.args(leading).args(flags).env("LC_ALL", "C");
        let output = process::output(&mut command, PROBE_LIMIT).map_err(|error| match error {
            process::Error::Missing { program } => {
                Error::NoCompiler { program, help: advice.compiler.clone() }
            }
            error => error.into(),
        })?;
        answer = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if output.status.success()
            && let Some(version) = parse_version(&answer)
        {
            return Ok(version);
        }
        if let Some(line) =
            String::from_utf8_lossy(&output.stderr).lines().find(|line| !line.trim().is_empty())
        {
            answer = line.to_owned();
        }
    }
    Err(bad(format!("asked for its version, it said `{answer}`")))
}

/// `12.2.0`, `14`.
fn parse_version(text: &str) -> Option<[u32; 2]> {
    let mut parts = text.lines().next()?.split('.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
    Some([major, minor])
}

/// The compiler's own objcopy (`x86_64-linux-gnu-gcc` has `x86_64-linux-gnu-objcopy` beside it), else the one on `PATH`.
fn objcopy(compiler: &Path) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let name = compiler.file_name()?.to_string_lossy().into_owned();
    let prefix =
        ["gcc", "clang", "cc"].iter().find_map(|kind| name.find(kind).map(|at| &name[..at])).unwrap_or("");
    let beside = compiler.parent().filter(|folder| folder.is_absolute()).map(Path::to_owned);
    let folders: Vec<PathBuf> = beside.into_iter().chain(env::split_paths(&path)).collect();
    let names = [format!("{prefix}objcopy"), "objcopy".to_owned(), "llvm-objcopy".to_owned()];
    names.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_gcc_and_clang_are_read() {
        assert_eq!(parse_version("12.2.0\n"), Some([12, 2]));
        assert_eq!(parse_version("4.4.7"), Some([4, 4]));
        assert_eq!(parse_version("14"), Some([14, 0]));
        assert_eq!(parse_version("no"), None);
    }

    #[test]
    fn objcopy_is_found_by_the_compilers_prefix() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["x-objcopy", "objcopy"] {
            fs_err::write(folder.path().join(name), "").unwrap();
        }
        let found = |compiler: &str| objcopy(&folder.path().join(compiler)).unwrap();
        assert_eq!(found("x-gcc-12"), folder.path().join("x-objcopy"));
        assert_eq!(found("cc"), folder.path().join("objcopy"));
    }
}
