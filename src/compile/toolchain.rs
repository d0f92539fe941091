//! The C compiler for a target's processor, found as the crate cc finds it, and the objcopy that goes with it.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use serde::Serialize;

use super::Error;
use super::flags;
use super::probe::{self, UnknownFlag};
use crate::environment;
use crate::machine::Machine;
use crate::memo::Memo;
use crate::parallel;
use crate::process;
use crate::profile::Advice;
use crate::target::{Provenance, Target, stamp, stamp_beneath};

/// A compiler answers such questions in 2 ms.
const PROBE_LIMIT: Duration = Duration::from_secs(20);

/// Which compiler there is for a machine, under a name or as the variables have it.
static COMPILERS: Memo<(&'static str, Option<PathBuf>), Toolchain> = Memo::new();

/// Where a compiler has its own headers.
static HEADERS: Memo<(PathBuf, Vec<String>), Vec<PathBuf>> = Memo::new();

/// The compiler and its companion.
#[derive(Debug, Clone, Serialize)]
pub struct Toolchain {
    /// The compiler, or a wrapper as in `CC="ccache gcc"`.
    pub program: PathBuf,
    /// What stands before all other arguments: the compiler behind a wrapper, and what clang is told of the processor.
    pub leading: Vec<String>,
    /// The flags of the variable CFLAGS.
    pub cflags: Vec<String>,
    /// Whether CC or CFLAGS had `-w` among them, which is not passed on.
    pub silent: bool,
    /// Which compiler it is.
    pub family: Family,
    /// Its version: `[12, 2]`.
    pub version: [u32; 2],
    /// What it says of itself, with the distribution's own release: `gcc (Debian 12.2.0-14) 12.2.0`.
    pub said: String,
    /// What its binutils, the linker among them, say of themselves: `(GNU Binutils for Debian) 2.40`.
    pub binutils: String,
    /// objcopy.
    pub objcopy: PathBuf,
    /// The folders of the compiler's own headers (stddef.h), which it needs where the target has headers of its own for all
    /// else.
    pub headers: Vec<PathBuf>,
    /// Flags of the target's own build that this compiler does not take, once it was asked.
    #[serde(skip)]
    unknown: OnceLock<Vec<UnknownFlag>>,
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

impl Family {
    /// `gcc`, `clang`.
    pub fn words(self) -> &'static str {
        match self {
            Family::Gcc => "gcc",
            Family::Clang => "clang",
        }
    }
}

impl Toolchain {
    /// Finds the compiler for the target's processor: the variables that the crate cc reads (CC and CFLAGS, with their forms
    /// for a target, such as `CC_aarch64_unknown_linux_gnu`); else `cc`, or for another processor than this machine's
    /// `TRIPLE-gcc`, or clang where it can link for it. What it is is asked of the compiler itself (some 20 ms, once a run).
    ///
    /// # Errors
    /// No compiler, one that does not work, one for another processor, or no objcopy.
    pub fn find(target: &Target) -> Result<Self, Error> {
        let machine = target.machine;
        let named = is_named(machine);
        let mut toolchain = if named || machine.is_host() {
            Self::read(machine, None, &target.advice)?
        } else {
            Self::cross(machine, &target.advice)?
        };
        if toolchain.family == Family::Clang && probe::machine(&toolchain, target)? != Some(machine) {
            toolchain.leading.push(clang_target(machine));
        }
        let apxs_s_own = matches!(target.provenance, Provenance::Installed | Provenance::Fetched { .. });
        if named || !machine.is_host() || !toolchain.cflags.is_empty() {
            // It may well be one for another processor, which is told before anything is compiled.
            toolchain.unknown_flags(target)?;
        } else if apxs_s_own {
            toolchain.unknown = OnceLock::from(Vec::new());
        }
        if target.sysroot().is_some() {
            let question = (toolchain.program.clone(), toolchain.leading.clone());
            toolchain.headers = HEADERS.once(question, || toolchain.own_headers(target))?;
        }
        Ok(toolchain)
    }

    /// What tells it from what was installed under the same names before: path, size and time of the compiler, of the
    /// assembler and the linker that it finds, and of all that CFLAGS has it read.
    pub fn identity(&self) -> String {
        let programs = [self.program.as_path(), &self.objcopy, Path::new("as"), Path::new("ld")];
        let behind = self.leading.iter().take(1).map(Path::new);
        let stamps = programs.into_iter().chain(behind).map(|program| {
            let found =
                if program.components().count() > 1 { None } else { program.to_str().and_then(on_path) };
            stamp(&found.unwrap_or_else(|| program.to_owned()))
        });
        let named = self.leading.iter().chain(&self.cflags).filter_map(|flag| named_path(flag));
        let named = named.map(|path| if path.is_dir() { stamp_beneath(path) } else { stamp(path) });
        stamps.chain(named).collect::<Vec<_>>().join("\n")
    }

    /// Flags of the target's own build that this compiler does not take. The first time, it is asked, which takes 50 ms.
    ///
    /// # Errors
    /// A compiler that does not work, or makes objects of another processor.
    pub fn unknown_flags(&self, target: &Target) -> Result<&[UnknownFlag], Error> {
        match self.unknown.get() {
            Some(unknown) => Ok(unknown),
            None => {
                let unknown = probe::unknown_flags(self, target)?;
                Ok(self.unknown.get_or_init(|| unknown))
            }
        }
    }

    /// What [`unknown_flags`](Self::unknown_flags) said, where it was asked.
    pub(super) fn unknown_so_far(&self) -> Option<&[UnknownFlag]> {
        self.unknown.get().map(Vec::as_slice)
    }

    /// What is installed for another processor than this machine's.
    fn cross(machine: &'static Machine, advice: &Advice) -> Result<Self, Error> {
        let programs = machine.triples.iter().map(|triple| format!("{triple}-gcc"));
        if let Some(program) = programs.into_iter().find_map(|program| on_path(&program)) {
            return Self::read(machine, Some(&program), advice);
        }
        if let Some(clang) = on_path("clang") {
            let mut toolchain = Self::read(machine, Some(&clang), advice)?;
            toolchain.leading.push(clang_target(machine));
            for linker in [None, Some("-fuse-ld=lld")] {
                let mut toolchain = toolchain.clone();
                toolchain.leading.extend(linker.map(str::to_owned));
                if probe::links(&toolchain, machine)? {
                    return Ok(toolchain);
                }
            }
        }
        Err(Error::NoCrossCompiler {
            machine: machine.name.clone(),
            tried: format!("{}-gcc", machine.triple()),
            help: help(machine, advice),
        })
    }

    /// The compiler that the crate cc finds, or this one with the flags that the crate finds.
    fn read(machine: &'static Machine, program: Option<&Path>, advice: &Advice) -> Result<Self, Error> {
        let question = (machine.name.as_str(), program.map(Path::to_owned));
        COMPILERS.once(question, || Self::ask(machine, program, advice))
    }

    fn ask(machine: &'static Machine, program: Option<&Path>, advice: &Advice) -> Result<Self, Error> {
        let scratch = tempfile::tempdir()?;
        let mut build = cc::Build::new();
        build
            .cargo_output(false)
            .cargo_metadata(false)
            .cargo_warnings(false)
            .emit_rerun_if_env_changed(false)
            .inherit_rustflags(false)
            // apxs's own flags take the place of what the crate would add.
            .no_default_flags(true)
            .warnings(false)
            .extra_warnings(false)
            .target(&machine.rust)
            .host(&Machine::of_host().unwrap_or(machine).rust)
            .opt_level(2)
            .out_dir(scratch.path());
        if let Some(program) = program {
            build.compiler(program);
        }
        let tool = build.try_get_compiler().map_err(|error| Error::BadCompiler {
            program: PathBuf::from(environment::var("CC").unwrap_or_else(|| "cc".into())),
            reason: error.to_string(),
            help: help(machine, advice),
        })?;
        let call = tool.to_command();
        let program = PathBuf::from(call.get_program());
        let arguments: Vec<String> = call.get_args().map(text).collect();
        let own = arguments.len().saturating_sub(tool.args().len());
        // Told to add no flags for warnings, the crate adds the one that switches all off; a person's would do the same.
        let silent = arguments.iter().filter(|flag| *flag == flags::SILENT).count() > 1;
        let speaking = |arguments: &[String]| -> Vec<String> {
            arguments.iter().filter(|flag| *flag != flags::SILENT).cloned().collect()
        };
        let (leading, cflags) = arguments.split_at(own);
        let (leading, cflags) = (speaking(leading), speaking(cflags));
        let help = || help(machine, advice);
        let objcopy = objcopy(tool.path(), machine).ok_or_else(|| Error::NoObjcopy {
            help: if machine.is_host() { advice.binutils.clone() } else { help() },
        })?;
        // Nothing can be planned before they have answered.
        let (version, (said, binutils)) = parallel::both(
            || version(&program, &leading, &help),
            || parallel::both(|| first_line(&program, &leading), || first_line(&objcopy, &[])),
        );
        let (version, said, binutils) = (version?, said?, binutils?);
        let family = if tool.is_like_clang() { Family::Clang } else { Family::Gcc };
        Ok(Toolchain {
            // gcc puts the name in front that it was called by, and objcopy its own.
            said: match (family, said.split_once(' ')) {
                (Family::Gcc, Some((_, rest))) => format!("gcc {rest}"),
                (_, Some((first, rest))) => format!("{first} {rest}"),
                (_, None) => format!("{} {}.{}", family.words(), version[0], version[1]),
            },
            binutils: binutils.split_once("objcopy ").map_or("", |(_, rest)| rest).to_owned(),
            objcopy,
            family,
            version,
            leading,
            cflags,
            silent,
            program,
            headers: Vec::new(),
            unknown: OnceLock::new(),
        })
    }

    #[cfg(test)]
    pub(super) fn of(family: Family, version: [u32; 2]) -> Self {
        Toolchain {
            program: "cc".into(),
            leading: Vec::new(),
            cflags: Vec::new(),
            silent: false,
            family,
            version,
            said: String::new(),
            binutils: String::new(),
            objcopy: "objcopy".into(),
            headers: Vec::new(),
            unknown: OnceLock::new(),
        }
    }

    /// A call of the compiler in a folder, which also takes its temporary files, so that they go with it. Nothing of the
    /// caller's environment changes what it finds or says.
    pub fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.leading).current_dir(folder);
        command.env("LC_ALL", "C").env("PWD", folder).env("TMPDIR", folder).env_remove("GCC_COLORS");
        // What these name would be looked into before the target's own folders, and differs from host to host.
        for variable in ["CPATH", "C_INCLUDE_PATH", "LIBRARY_PATH", "LD_RUN_PATH"] {
            command.env_remove(variable);
        }
        command
    }

    /// The folders of the compiler's own headers; gcc before 13 has a second one for some.
    fn own_headers(&self, target: &Target) -> Result<Vec<PathBuf>, Error> {
        let mut folders = Vec::new();
        for name in ["include", "include-fixed"] {
            let mut command = self.command(Path::new("/"));
            command.arg(format!("-print-file-name={name}")).env_remove("PWD").env_remove("TMPDIR");
            let output = process::output(&mut command, PROBE_LIMIT)?;
            let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
            // What is not there is printed as it was asked for.
            folders.extend(Some(folder).filter(|folder| folder.is_absolute() && folder.is_dir()));
        }
        if folders.iter().any(|folder| folder.join("stddef.h").is_file()) {
            return Ok(folders);
        }
        Err(Error::BadCompiler {
            program: self.program.clone(),
            reason: "it does not tell where its own headers are (-print-file-name=include)".to_owned(),
            help: help(target.machine, &target.advice),
        })
    }
}

/// Whether a variable names the compiler, by the rules of the crate cc.
fn is_named(machine: &Machine) -> bool {
    let triple = machine.rust.replace(['-', '.'], "_");
    let kind = if machine.is_host() { "HOST_CC" } else { "TARGET_CC" };
    let names = [format!("CC_{}", machine.rust), format!("CC_{triple}"), kind.to_owned(), "CC".to_owned()];
    names.iter().any(|name| environment::var(name).is_some())
}

/// What to do where there is no compiler for a processor, or none of use.
pub fn help(machine: &Machine, advice: &Advice) -> String {
    if machine.is_host() {
        return format!("unset CC, or install a compiler: {}", advice.compiler);
    }
    format!(
        "{}; or name a compiler for it in the variable CC_{}",
        advice.cross_compiler(machine),
        machine.rust.replace('-', "_")
    )
}

fn clang_target(machine: &Machine) -> String {
    format!("--target={}", machine.triple())
}

/// What a flag has the compiler read: `-I/opt/lua/include`, `-include` `/opt/fix.h`, `-specs=/opt/x`.
fn named_path(flag: &str) -> Option<&Path> {
    let start = flag.find('/')?;
    let path = Path::new(flag[start..].split(',').next()?);
    (path.exists() && path != Path::new("/")).then_some(path)
}

/// The file of a program.
fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn text(argument: &OsStr) -> String {
    argument.to_string_lossy().into_owned()
}

/// The first line of what a program says of its version.
fn first_line(program: &Path, leading: &[String]) -> Result<String, Error> {
    let output = process::output(
        Command::new(program).args(leading).arg("--version").env("LC_ALL", "C"),
        PROBE_LIMIT,
    )?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().trim().to_owned())
}

/// `-dumpfullversion` is gcc's since 7; the others take `-dumpversion` only, and gcc prints what it understands first.
fn version(program: &Path, leading: &[String], help: &dyn Fn() -> String) -> Result<[u32; 2], Error> {
    let bad = |reason: String| Error::BadCompiler { program: program.to_owned(), reason, help: help() };
    let mut answer = String::new();
    for flags in [&["-dumpfullversion", "-dumpversion"][..], &["-dumpversion"]] {
        let mut command = Command::new(program);
        command.args(leading).args(flags).env("LC_ALL", "C");
        let output = process::output(&mut command, PROBE_LIMIT).map_err(|error| match error {
            process::Error::Missing { program } => Error::NoCompiler { program, help: help() },
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

/// The compiler's own objcopy (`x86_64-linux-gnu-gcc` has `x86_64-linux-gnu-objcopy` beside it), the processor's, or for this
/// machine's the one on `PATH`; else LLVM's, which is for all.
fn objcopy(compiler: &Path, machine: &Machine) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let name = compiler.file_name()?.to_string_lossy().into_owned();
    let prefix = ["gcc", "clang", "cc"].iter().find_map(|kind| name.find(kind).map(|at| &name[..at]));
    // clang is a link to where the rest of LLVM is.
    let real = compiler.canonicalize().unwrap_or_default();
    let beside = [compiler, &real].into_iter().filter_map(Path::parent).filter(|folder| folder.is_absolute());
    let folders: Vec<PathBuf> = beside.map(Path::to_owned).chain(env::split_paths(&path)).collect();
    let own = prefix.into_iter().chain(machine.is_host().then_some("")).map(str::to_owned);
    let triples = machine.triples.iter().map(|triple| format!("{triple}-"));
    let mut names: Vec<String> = own.filter(|prefix| machine.is_host() || !prefix.is_empty()).collect();
    names.extend(triples.filter(|_| !machine.is_host()));
    names.push("llvm-".to_owned());
    let find = |prefix: &String| {
        folders.iter().map(|folder| folder.join(format!("{prefix}objcopy"))).find(|file| file.is_file())
    };
    names.iter().find_map(find)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> &'static Machine {
        Machine::of_host().expect("the tests run on a processor that is known")
    }

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
        let found = |compiler: &str| objcopy(&folder.path().join(compiler), host()).unwrap();
        assert_eq!(found("x-gcc-12"), folder.path().join("x-objcopy"));
        assert_eq!(found("cc"), folder.path().join("objcopy"));
    }

    #[test]
    fn an_objcopy_of_another_processor_has_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine::all().find(|machine| !machine.is_host() && machine.name != "aarch64").unwrap();
        let own = format!("{}-objcopy", machine.triple());
        for name in [&own, "objcopy"] {
            fs_err::write(folder.path().join(name), "").unwrap();
        }
        let found = |compiler: &str| objcopy(&folder.path().join(compiler), machine).unwrap();
        assert_eq!(found("clang"), folder.path().join(&own));
    }
}
