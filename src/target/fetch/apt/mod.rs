//! Fetching by apt-get, with apt's lists and state in modgraft's cache: no root, and no `apt-get update` before.
//!
//! The system's sources, keys, preferences and proxies are used as they are; only where apt writes is changed. apt verifies
//! what it fetches against its signed lists.

mod text;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{Missing, NO_SPACE, Package, Request, in_short, last_lines};
use crate::process;
use crate::target::Error;
use text::{File, Installed};

const STATUS: &str = "/var/lib/dpkg/status";
const SYSTEM_LISTS: &str = "/var/lib/apt/lists";

/// Working out what to fetch reads lists of some 60,000 packages: one or two seconds.
const PLAN_LIMIT: Duration = Duration::from_secs(120);
/// Lists and packages are some 40 MB together; a slow line may take long, a dead one must not take for ever.
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(1800);

/// Fetches the packages.
pub fn download(request: &Request<'_>) -> Result<Vec<Package>, Error> {
    let status = status(request)?;
    let installed =
        Installed::of(String::from_utf8_lossy(&fs_err::read(STATUS).unwrap_or_default()).into_owned());
    let system = Apt::new(request, &status, Path::new(SYSTEM_LISTS))?;
    // Lists that are there already save the update; where they are too old for what the archive has, they do not help.
    let first = if has_lists(Path::new(SYSTEM_LISTS)) { system.attempt(&installed) } else { Ok(None) };
    forget_index(request.state);
    match first {
        Ok(Some(packages)) => return Ok(packages),
        Err(error @ (Error::Process(process::Error::Interrupted) | Error::Io(_))) => return Err(error),
        _ => {}
    }
    let lists = request.state.join("lists");
    fs_err::create_dir_all(lists.join("partial"))?;
    let own = Apt::new(request, &status, &lists)?;
    let update = own.update()?;
    let found = own.attempt(&installed);
    forget_index(request.state);
    match found {
        Ok(Some(packages)) => Ok(packages),
        Ok(None) => Err(own.failed(&update)),
        Err(error) => Err(error),
    }
}

/// Removes apt's index of all packages: it takes more room than the lists, and only calls that follow each other need it.
fn forget_index(state: &Path) {
    let _ = fs_err::remove_file(state.join("cache/pkgcache.bin"));
}

/// apt-get with a configuration of its own.
struct Apt<'a> {
    request: &'a Request<'a>,
    configuration: PathBuf,
}

/// dpkg's status for apt: the system's own, or a copy without httpd where fetched packages are wanted although it is
/// installed.
fn status(request: &Request<'_>) -> Result<PathBuf, Error> {
    if request.missing != (Missing::Both { although_installed: true }) {
        return Ok(PathBuf::from(STATUS));
    }
    let text = fs_err::read(STATUS)?;
    let kept = text::without(&String::from_utf8_lossy(&text), &request.fetch.sources);
    let file = request.state.join("status");
    fs_err::write(&file, kept)?;
    Ok(file)
}

fn has_lists(folder: &Path) -> bool {
    fs_err::read_dir(folder).is_ok_and(|entries| {
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
    })
}

impl<'a> Apt<'a> {
    fn new(request: &'a Request<'a>, status: &Path, lists: &Path) -> Result<Self, Error> {
        let state = request.state;
        fs_err::create_dir_all(state.join("cache/archives/partial"))?;
        let configuration = state.join(if lists.starts_with(state) { "own.conf" } else { "system.conf" });
        let text = text::configuration(state, status, lists).ok_or_else(|| Error::Fetch {
            packages: "the distribution's packages".to_owned(),
            reason: format!("apt cannot be told of a folder of this name: {}", state.display()),
            said: String::new(),
            help: "name another folder in the variable MODGRAFT_CACHE".to_owned(),
        })?;
        fs_err::write(&configuration, text)?;
        Ok(Apt { request, configuration })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("apt-get");
        command.arg("-c").arg(&self.configuration).args(arguments);
        // Messages are looked at; and nothing may ask.
        command.env("LC_ALL", "C").env("DEBIAN_FRONTEND", "noninteractive").current_dir(self.request.into);
        command
    }

    fn run(&self, arguments: &[&str], limit: Duration) -> Result<std::process::Output, Error> {
        process::output(&mut self.command(arguments), limit).map_err(|error| match error {
            process::Error::Missing { .. } => Error::not_installed(
                self.request.missing.in_words(),
                "apt-get, which could fetch them, is not there",
                &self.request.profile.advice,
            ),
            error => error.into(),
        })
    }

    /// Fetches the package lists; what apt said of sources that it could not reach.
    fn update(&self) -> Result<Vec<u8>, Error> {
        (self.request.notify)("reading this distribution's package lists into the cache");
        let output = self.run(&["-q", "update"], DOWNLOAD_LIMIT)?;
        Ok(output.stderr)
    }

    /// Plans and downloads; `None` where these lists do not have what is needed.
    fn attempt(&self, installed: &Installed) -> Result<Option<Vec<Package>>, Error> {
        let Some(planned) = self.plan(installed)? else { return Ok(None) };
        let short = planned.in_short();
        (self.request.notify)(&format!(
            "fetching {short} from this distribution's packages ({}) into the cache",
            text::megabytes(planned.files.iter().map(|file| file.bytes).sum())
        ));
        let mut arguments = vec!["-q", "download"];
        arguments.extend(planned.wanted.iter().map(String::as_str));
        let output = self.run(&arguments, DOWNLOAD_LIMIT)?;
        if !output.status.success() {
            return Err(self.failed_with(&short, &output.stderr));
        }
        Ok(Some(planned.packages(self.request.into)))
    }

    /// What to fetch. What is fetched for an httpd that is half installed must be of its version; where the archive does
    /// not have that any more, both halves are fetched.
    fn plan(&self, installed: &Installed) -> Result<Option<Plan>, Error> {
        let fetch = self.request.fetch;
        let version = |packages: &[String]| packages.first().and_then(|package| installed.version(package));
        let pinned = match self.request.missing {
            Missing::Headers => {
                version(&fetch.program).map(|version| (pin(&fetch.headers, version), Vec::new()))
            }
            Missing::Program => {
                version(&fetch.headers).map(|version| (Vec::new(), pin(&fetch.program, version)))
            }
            Missing::Both { .. } => None,
        };
        if let Some((headers, program)) = pinned
            && let Some(plan) = self.resolve(&headers, &program)?
        {
            return Ok(Some(plan));
        }
        self.resolve(&fetch.headers, &fetch.program)
    }

    /// The headers' packages as they are named, and the program's with what it needs and this host lacks.
    fn resolve(&self, headers: &[String], program: &[String]) -> Result<Option<Plan>, Error> {
        let mut wanted: BTreeSet<String> = headers.iter().cloned().collect();
        if !program.is_empty() {
            let mut arguments = vec!["-s", "-q", "-y", "--no-install-recommends", "install"];
            arguments.extend(program.iter().map(String::as_str));
            let output = self.run(&arguments, PLAN_LIMIT)?;
            if output.status.success() {
                let simulated = String::from_utf8_lossy(&output.stdout).into_owned();
                let lines = simulated.lines().filter_map(text::simulated_install);
                wanted.extend(
                    lines.filter(|(name, _)| !self.request.fetch.leaves_out(name)).map(|(_, pinned)| pinned),
                );
            }
            // A system with broken dependencies refuses to simulate; and what is installed is not in a simulation.
            let named = |package: &String| {
                let name = package.split('=').next().unwrap_or_default();
                wanted.iter().any(|wanted| wanted.split([':', '=']).next() == Some(name))
            };
            let missing: Vec<String> = program.iter().filter(|package| !named(package)).cloned().collect();
            wanted.extend(missing);
        }
        let mut arguments = vec!["-q", "--print-uris", "download"];
        arguments.extend(wanted.iter().map(String::as_str));
        let output = self.run(&arguments, PLAN_LIMIT)?;
        if !output.status.success() {
            return Ok(None);
        }
        let mut files: Vec<File> =
            String::from_utf8_lossy(&output.stdout).lines().filter_map(File::parse).collect();
        if files.len() < wanted.len() {
            return Ok(None);
        }
        // The message names what was asked for first.
        let first = headers.iter().chain(program).next().and_then(|package| package.split('=').next());
        files.sort_by(|a, b| {
            (Some(&*a.package) != first, &a.package).cmp(&(Some(&*b.package) != first, &b.package))
        });
        Ok(Some(Plan { wanted, files }))
    }

    /// The error where the lists do not have the packages, or could not be fetched.
    fn failed(&self, stderr: &[u8]) -> Error {
        let packages: Vec<String> =
            self.request.fetch.headers.iter().chain(&self.request.fetch.program).cloned().collect();
        self.failed_with(&in_short(&packages), stderr)
    }

    fn failed_with(&self, packages: &str, stderr: &[u8]) -> Error {
        let advice = &self.request.profile.advice.httpd;
        let text = String::from_utf8_lossy(stderr);
        let has = |texts: &[&str]| texts.iter().any(|known| text.contains(known));
        let (reason, help) = if has(&["No space left", "enough free space"]) {
            (NO_SPACE.0, NO_SPACE.1.to_owned())
        } else if has(&[
            "Could not resolve",
            "Temporary failure",
            "Could not connect",
            "Failed to fetch",
            "onnection failed",
        ]) {
            (
                "the distribution's servers could not be reached",
                format!("check the network and try again, or have an administrator run: {advice}"),
            )
        } else {
            (
                "this system's package sources do not have them",
                format!(
                    "add the distribution's main archive to apt's sources, or have an administrator run: {advice}"
                ),
            )
        };
        Error::Fetch {
            packages: packages.to_owned(),
            reason: reason.to_owned(),
            said: last_lines(stderr),
            help,
        }
    }
}

struct Plan {
    /// As apt-get download takes them: `libapr1:amd64=1.7.2-3`.
    wanted: BTreeSet<String>,
    files: Vec<File>,
}

impl Plan {
    fn in_short(&self) -> String {
        let names: Vec<String> =
            self.files.iter().map(|file| format!("{} {}", file.package, file.version)).collect();
        in_short(&names)
    }

    fn packages(&self, folder: &Path) -> Vec<Package> {
        let package = |file: &File| Package {
            name: file.package.clone(),
            version: file.version.clone(),
            file: folder.join(&file.name),
        };
        self.files.iter().map(package).collect()
    }
}

/// The first package is httpd's own and gets the version; the others follow versions of their own.
fn pin(packages: &[String], version: &str) -> Vec<String> {
    let pinned =
        |(index, name): (usize, &String)| if index == 0 { format!("{name}={version}") } else { name.clone() };
    packages.iter().enumerate().map(pinned).collect()
}
