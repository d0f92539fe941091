//! One case: its files, what the real httpd says of them, and what the simulation says.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

use modgraft::loader::{self, Cause, Options, Simulation, Verdict};
use modgraft::target::Target;

use crate::fixtures::Fixtures;
use crate::support::run;
use crate::table::Case;

/// A real httpd and its fixtures.
pub struct Httpd {
    pub target: Target,
    pub fixtures: Fixtures,
    folder: PathBuf,
    next: AtomicUsize,
}

impl Httpd {
    pub fn new(target: Target, folder: PathBuf) -> Self {
        let fixtures = Fixtures::new(&target, &folder.join("m"));
        let httpd = Httpd { target, fixtures, folder, next: AtomicUsize::new(0) };
        httpd.mirror(&httpd.fixtures.folder);
        httpd.mirror(&httpd.target.modules_dir);
        httpd
    }

    /// In a sysroot nothing of this host is seen, and the real httpd sees this host: a folder is put there by hard links, at the
    /// path that it has here.
    fn mirror(&self, folder: &Path) -> Option<PathBuf> {
        let into = self.target.sysroot()?.join(folder.strip_prefix("/").unwrap());
        fs_err::create_dir_all(into.parent().unwrap()).unwrap();
        run(Command::new("cp").arg("-alT").arg(folder).arg(&into));
        Some(into)
    }

    pub fn is_2_4(&self) -> bool {
        self.target.httpd_version.starts_with("2.4")
    }

    /// A module of the target's own.
    pub fn own_module(&self, name: &str) -> PathBuf {
        self.target.modules_dir.join(name)
    }

    /// The text of a case's file: `{base}` is what any httpd needs, `{m}` the fixtures, `{own}` the target's own modules,
    /// `{root}` the case's folder.
    fn filled(&self, text: &str, root: &Path) -> String {
        let mpm = self.own_module("mod_mpm_event.so");
        let base = if mpm.is_file() {
            format!("ServerName localhost\nLoadModule mpm_event_module {}\n", mpm.display())
        } else {
            "ServerName localhost\n".to_owned()
        };
        text.replace("{base}", &base)
            .replace("{mpm}", &base)
            .replace("{m}", &self.fixtures.folder.display().to_string())
            .replace("{own}", &self.target.modules_dir.display().to_string())
            .replace("{root}", &root.display().to_string())
    }

    /// Runs the real httpd, and compares.
    pub fn compare(&self, case: &Case) -> Result<(), String> {
        let root = self.folder.join(format!("case{}", self.next.fetch_add(1, Ordering::Relaxed)));
        for folder in ["conf", "logs"] {
            fs_err::create_dir_all(root.join(folder)).unwrap();
        }
        for (name, text) in &case.files {
            let file = root.join(name);
            if let Some(folder) = name.strip_suffix('/') {
                fs_err::create_dir_all(root.join(folder)).unwrap();
            } else if let Some(target) = text.strip_prefix("-> ") {
                fs_err::create_dir_all(file.parent().unwrap()).unwrap();
                std::os::unix::fs::symlink(target, file).unwrap();
            } else {
                fs_err::create_dir_all(file.parent().unwrap()).unwrap();
                fs_err::write(file, self.filled(text, &root)).unwrap();
            }
        }
        let arguments: Vec<String> = case.arguments.iter().map(|text| self.filled(text, &root)).collect();
        let real = Real::of(self, &root, &arguments);
        let mirrored = self.mirror(&root);
        let simulated = self.simulated(&root, &arguments);
        if let Some(folder) = mirrored {
            fs_err::remove_dir_all(folder).unwrap();
        }
        let differences = real.differences(&simulated);
        if differences.is_empty() {
            fs_err::remove_dir_all(&root).unwrap();
            return Ok(());
        }
        Err(format!(
            "case `{}` ({}):\n{}\n  real: {real:?}\n  simulated: {:?}\n  limits: {:?}",
            case.name,
            root.display(),
            differences.join("\n"),
            simulated.refused().map(|refused| &refused.said),
            simulated.limits,
        ))
    }

    fn simulated(&self, root: &Path, arguments: &[String]) -> Simulation {
        let mut options = Options {
            config: Some(root.join("conf/httpd.conf").display().to_string()),
            root: Some(root.display().to_string()),
            ..Options::default()
        };
        for pair in arguments.chunks_exact(2) {
            match pair[0].as_str() {
                "-D" => options.defines.push(pair[1].clone()),
                "-C" => options.before.push(pair[1].clone()),
                "-c" => options.after.push(pair[1].clone()),
                "-E" => {
                    let (name, value) = pair[1].split_once('=').unwrap();
                    options.environment.insert(name.to_owned(), value.to_owned());
                }
                other => panic!("unknown argument {other}"),
            }
        }
        loader::simulate(&self.target, &options).unwrap()
    }
}

/// What the real httpd said.
#[derive(Debug)]
struct Real {
    accepted: bool,
    crashed: bool,
    /// All but warnings.
    said: String,
    /// Those of modules that are loaded twice.
    warnings: Vec<String>,
    /// In order; where it was accepted.
    modules: Vec<String>,
}

impl Real {
    fn of(httpd: &Httpd, root: &Path, arguments: &[String]) -> Self {
        let output = |more: &[&str]| -> Output {
            let mut command = httpd.command();
            command
                .env_clear()
                .env("LC_ALL", "C")
                .arg("-d")
                .arg(root)
                .arg("-f")
                .arg(root.join("conf/httpd.conf"));
            for pair in arguments.chunks_exact(2) {
                match pair[0].as_str() {
                    "-E" => {
                        let (name, value) = pair[1].split_once('=').unwrap();
                        command.env(name, value);
                    }
                    option => {
                        command.args([option, &pair[1]]);
                    }
                }
            }
            command
                .args(more)
                .output()
                .unwrap_or_else(|error| panic!("httpd is needed by this test: {error}"))
        };
        let tested = output(&["-t"]);
        let text = String::from_utf8_lossy(&tested.stderr).into_owned();
        // `[time] [so:warn] [pid 1:tid 1] AH01574: module …`, in 2.2 `[time] [warn] module …`.
        let (logged, plain): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with('['));
        let message = |line: &&str| line.rsplit("] ").next().unwrap_or_default().to_owned();
        let warnings = logged.iter().map(message).filter(|text| text.contains("already loaded")).collect();
        let accepted = tested.status.success();
        let modules = if accepted {
            let listed = output(&["-t", "-D", "DUMP_MODULES"]);
            let text = [listed.stdout, listed.stderr]
                .map(|text| String::from_utf8_lossy(&text).into_owned())
                .concat();
            let shared = text.lines().filter_map(|line| line.trim().strip_suffix(" (shared)"));
            shared.map(str::to_owned).collect()
        } else {
            Vec::new()
        };
        Real {
            accepted,
            crashed: tested.status.signal().is_some(),
            said: plain.join("\n"),
            warnings,
            modules,
        }
    }

    fn differences(&self, simulated: &Simulation) -> Vec<String> {
        let mut all = Vec::new();
        let refused = match &simulated.verdict {
            Verdict::Accepted => None,
            Verdict::Refused(refused) => Some(refused),
        };
        let crashes = refused.is_some_and(|refused| refused.cause == Cause::Crash);
        if (self.accepted, self.crashed) != (refused.is_none(), crashes) {
            all.push("  the verdict differs".to_owned());
        } else if let Some(refused) = refused.filter(|_| !crashes) {
            let (real, said) = (normalised(&self.said), normalised(&refused.said));
            if real != said {
                all.push(format!("  the message differs:\n    {real}\n    {said}"));
            }
        }
        if self.warnings != simulated.warnings && !self.crashed {
            all.push(format!("  the warnings differ: {:?}", simulated.warnings));
        }
        let modules: Vec<&str> = simulated.modules().collect();
        if self.accepted && self.modules != modules {
            all.push(format!("  the modules differ: {modules:?}"));
        }
        all
    }
}

/// Without the folders of the C library's files, which differ by how the program was started.
fn normalised(message: &str) -> String {
    let words = message.split(' ').map(|word| {
        let name = word.rsplit('/').next().unwrap_or(word);
        if name.starts_with("libc.so.6") { name.to_owned() } else { word.to_owned() }
    });
    words.collect::<Vec<_>>().join(" ")
}

impl Httpd {
    /// The program, started as it has to be.
    fn command(&self) -> Command {
        let program = self.target.program.as_ref().unwrap();
        let Some(loader) = &self.target.loader else { return Command::new(program) };
        let path = std::env::join_paths(&self.target.library_path).unwrap();
        let mut command = Command::new(loader);
        command.arg("--library-path").arg(path);
        command.arg(program);
        command
    }
}
