//! Koji, by its client koji: what its commands print is in their help and in koji_cli/commands.py.

use std::path::PathBuf;
use std::process::Command;

use super::{Build, Clients, Engine, Error, Finished, Place, Source, name_of, number};
use crate::shell::quoted;

/// A build target of a Koji.
#[derive(Debug, Clone)]
pub struct Koji {
    /// The target, which says in which root is built and which tag the build gets.
    pub target: String,
    /// A build that is tried, and not kept there.
    pub scratch: bool,
    /// The client's profile, where it is not `koji`.
    pub profile: Option<String>,
    /// The client's configuration, where it is not its own.
    pub config: Option<PathBuf>,
}

impl Koji {
    /// # Errors
    /// [`Error::Name`].
    pub fn new(
        target: String,
        scratch: bool,
        profile: Option<String>,
        config: Option<PathBuf>,
    ) -> Result<Self, Error> {
        name_of(&target, "Koji target")?;
        if let Some(profile) = &profile {
            name_of(profile, "Koji profile")?;
        }
        let config = config.map(fs_err::canonicalize).transpose()?;
        Ok(Koji { target, scratch, profile, config })
    }

    fn command<'c>(
        &self,
        clients: &Clients<'_>,
        with: impl FnOnce(&mut Command) -> &mut Command + 'c,
    ) -> Command {
        clients.command("koji", |koji| {
            if let Some(profile) = &self.profile {
                koji.args(["--profile", profile]);
            }
            if let Some(config) = &self.config {
                koji.arg("--config").arg(config);
            }
            with(koji)
        })
    }

    fn build(&self, id: u64, source: &Source) -> Build {
        let id = id.to_string();
        let config = self.config.as_ref().map(|config| config.to_string_lossy());
        let (mut follow, mut fetch) = (vec!["koji"], vec!["koji", &self.target, "--build", &id]);
        for words in [&mut follow, &mut fetch] {
            if let Some(profile) = &self.profile {
                words.extend(["--profile", profile]);
            }
            if let Some(config) = &config {
                words.extend(["--config", config]);
            }
        }
        follow.extend(["watch-task", &id]);
        let path = source.path.to_string_lossy();
        fetch.push(&path);
        let (follow, fetch) = (quoted(&follow), quoted(&fetch));
        Build { engine: "koji", id, source: source.file.clone(), follow, fetch, remote: true }
    }
}

impl Engine for Koji {
    fn program(&self) -> &'static str {
        "koji"
    }

    fn submit(&self, source: &Source, clients: &Clients<'_>) -> Result<Vec<Build>, Error> {
        let command = self.command(clients, |koji| {
            koji.args(["build", "--nowait", "--noprogress"]);
            if self.scratch {
                koji.arg("--scratch");
            }
            koji.arg(&self.target).arg(&source.path)
        });
        let said = clients.answer(command, &format!("submit {}", source.file))?;
        let id = said.lines().find_map(|line| line.strip_prefix("Created task:")?.trim().parse().ok());
        let unknown = || Error::Answer {
            program: "koji".to_owned(),
            what: "which task it created".to_owned(),
            said: said.lines().map(str::to_owned).collect(),
        };
        Ok(vec![self.build(id.ok_or_else(unknown)?, source)])
    }

    fn known(&self, id: &str, source: &Source) -> Result<Build, Error> {
        Ok(self.build(number(id, "koji")?, source))
    }

    fn finish(&self, build: &Build, _: &Source, clients: &Clients<'_>) -> Result<Finished, Error> {
        let folder = clients.folder.join(&self.target);
        fs_err::create_dir_all(&folder)?;
        let inside = Clients { folder: &folder, ..*clients };
        let ended = clients.follow(self.command(clients, |koji| koji.args(["watch-task", &build.id])))?;
        let place = |failure| Place { name: self.target.clone(), failure, listed: Vec::new() };
        if ended.success {
            let fetch = ["download-task", "--noprogress", "--nowait", &build.id];
            inside.answer(self.command(&inside, |koji| koji.args(fetch)), "fetch the results")?;
            return Ok(Finished { places: vec![place(None)] });
        }
        // It ends alike where the network is gone.
        let said = clients
            .answer(self.command(clients, |koji| koji.args(["taskinfo", &build.id])), "ask for the task")?;
        let state = said.lines().find_map(|line| line.strip_prefix("State:")).map(str::trim);
        if !matches!(state, Some("failed" | "canceled")) {
            let doing = format!("follow task {}", build.id);
            return Err(Error::Client { program: "koji".to_owned(), doing, said: ended.said });
        }
        let logs = ["download-logs", "--recurse", "--dir", ".", &build.id];
        // Without them there is still what it said of the task.
        let _ = inside.answer(self.command(&inside, |koji| koji.args(logs)), "fetch the logs");
        Ok(Finished { places: vec![place(Some(ended.said))] })
    }
}
