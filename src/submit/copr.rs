//! Copr, by copr-cli: what it prints and how it ends is in copr-cli(1); 4 is a build that failed.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Build, Clients, Engine, Error, Finished, Place, Source, name_of, number};
use crate::shell::quoted;

/// A project of Copr.
#[derive(Debug, Clone)]
pub struct Copr {
    /// `NAME`, `OWNER/NAME` or `@GROUP/NAME`.
    project: String,
    /// Those to build in; all of the project's where there is none.
    chroots: Vec<String>,
    /// The client's configuration, where it is not ~/.config/copr.
    config: Option<PathBuf>,
}

/// What Copr says of a chroot's packages (results.json).
#[derive(Debug, Deserialize)]
struct Results {
    packages: Vec<Nevra>,
}

#[derive(Debug, Deserialize)]
struct Nevra {
    name: String,
    version: String,
    release: String,
    arch: String,
}

impl Copr {
    /// # Errors
    /// [`Error::Name`].
    pub fn new(project: String, chroots: Vec<String>, config: Option<PathBuf>) -> Result<Self, Error> {
        for part in project.splitn(2, '/') {
            name_of(part, "Copr project")?;
        }
        for chroot in &chroots {
            name_of(chroot, "chroot")?;
        }
        let config = config.map(fs_err::canonicalize).transpose()?;
        Ok(Copr { project, chroots, config })
    }

    fn command(&self, clients: &Clients<'_>, arguments: &[&str], last: &[&Path]) -> std::process::Command {
        clients.command("copr-cli", |copr| {
            if let Some(config) = &self.config {
                copr.arg("--config").arg(config);
            }
            copr.args(arguments).args(last)
        })
    }

    fn build(&self, id: u64, source: &Source) -> Build {
        let id = id.to_string();
        let config = self.config.as_ref().map(|config| config.to_string_lossy());
        let mut follow = vec!["copr-cli"];
        let mut fetch = vec!["copr", &self.project, "--build", &id];
        if let Some(config) = &config {
            follow.extend(["--config", config]);
            fetch.extend(["--config", config]);
        }
        follow.extend(["watch-build", &id]);
        let path = source.path.to_string_lossy();
        fetch.push(&path);
        let (follow, fetch) = (quoted(&follow), quoted(&fetch));
        Build { engine: "copr", id, source: source.file.clone(), follow, fetch, remote: true }
    }
}

impl Engine for Copr {
    fn program(&self) -> &'static str {
        "copr-cli"
    }

    fn submit(&self, source: &Source, clients: &Clients<'_>) -> Result<Vec<Build>, Error> {
        let mut arguments = vec!["build", "--nowait"];
        for chroot in &self.chroots {
            arguments.extend(["-r", chroot]);
        }
        arguments.push(&self.project);
        let command = self.command(clients, &arguments, &[&source.path]);
        let said = clients.answer(command, &format!("submit {}", source.file))?;
        let id = said.lines().find_map(|line| line.strip_prefix("Created builds:")?.trim().parse().ok());
        let unknown = || Error::Answer {
            program: "copr-cli".to_owned(),
            what: "which build it created".to_owned(),
            said: said.lines().map(str::to_owned).collect(),
        };
        Ok(vec![self.build(id.ok_or_else(unknown)?, source)])
    }

    fn known(&self, id: &str, source: &Source) -> Result<Build, Error> {
        Ok(self.build(number(id, "copr")?, source))
    }

    fn finish(&self, build: &Build, _: &Source, clients: &Clients<'_>) -> Result<Finished, Error> {
        let ended = clients.follow(self.command(clients, &["watch-build", &build.id], &[]))?;
        if !ended.success {
            // It ends alike where the network is gone.
            let said =
                clients.answer(self.command(clients, &["status", &build.id], &[]), "ask for the build")?;
            if !["failed", "canceled", "cancelled"].contains(&said.trim()) {
                let doing = format!("follow build {}", build.id);
                return Err(Error::Client { program: "copr-cli".to_owned(), doing, said: ended.said });
            }
        }
        let mut arguments = vec!["download-build", "--dest", "."];
        for chroot in &self.chroots {
            arguments.extend(["-r", chroot]);
        }
        arguments.push(&build.id);
        let fetched = clients.answer(self.command(clients, &arguments, &[]), "fetch the results");
        if ended.success {
            fetched?;
        }
        let mut names = Vec::new();
        for entry in fs_err::read_dir(clients.folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        let mut places = Vec::new();
        for name in names {
            let listed = listed(&clients.folder.join(&name))?;
            // Of a build that failed for one chroot, the others have their packages and their list.
            let failure = (!ended.success && listed.is_empty()).then(|| ended.said.clone());
            places.push(Place { name, failure, listed });
        }
        if places.is_empty() && !ended.success {
            // The source package itself was refused.
            places.push(Place { name: String::new(), failure: Some(ended.said), listed: Vec::new() });
        }
        Ok(Finished { places })
    }
}

/// The packages that a chroot's results.json names, by their files' names.
fn listed(folder: &Path) -> Result<Vec<String>, Error> {
    let file = folder.join("results.json");
    if !file.is_file() {
        return Ok(Vec::new());
    }
    let text = fs_err::read_to_string(&file)?;
    let results: Results = serde_json::from_str(&text).map_err(|error| Error::Answer {
        program: "copr-cli".to_owned(),
        what: "which packages were built".to_owned(),
        said: vec![format!("results.json: {error}")],
    })?;
    let name = |package: Nevra| {
        let Nevra { name, version, release, arch } = package;
        format!("{name}-{version}-{release}.{arch}.rpm")
    };
    Ok(results.packages.into_iter().map(name).collect())
}
