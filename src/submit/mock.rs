//! mock: builds here, in a root made of the distribution's packages. What it writes and how it ends: mock(1), and the exit
//! codes of mockbuild/exception.py.

use std::path::Path;

use super::{Build, Clients, Engine, Error, Finished, Place, Source, name_of};
use crate::shell::quoted;

/// mock, for one or more of its configurations.
#[derive(Debug, Clone)]
pub struct Mock {
    configurations: Vec<String>,
    more: Vec<String>,
}

impl Mock {
    /// For these configurations: names of /etc/mock, or files (with a `/` in their names). `more` are arguments of mock's own.
    ///
    /// # Errors
    /// [`Error::Name`] where one would be taken for something else, or two would share a folder.
    pub fn new(configurations: Vec<String>, more: Vec<String>) -> Result<Self, Error> {
        let configurations: Vec<String> =
            configurations.into_iter().map(absolute).collect::<Result<_, _>>()?;
        let mut places: Vec<&str> = Vec::new();
        for configuration in &configurations {
            let place = place(configuration);
            name_of(place, "mock configuration")?;
            if places.contains(&place) {
                return Err(Error::Name { what: "second mock configuration", name: place.to_owned() });
            }
            places.push(place);
        }
        Ok(Mock { configurations, more })
    }

    fn build(&self, configuration: &str, source: &Source) -> Build {
        Build {
            engine: "mock",
            id: configuration.to_owned(),
            source: source.file.clone(),
            follow: quoted(&["mock", "-r", configuration, "--orphanskill"]),
            fetch: quoted(&["mock", "-r", configuration, &source.path.to_string_lossy()]),
            remote: false,
        }
    }
}

/// A file keeps being that file where mock runs in another folder.
fn absolute(configuration: String) -> Result<String, Error> {
    if !configuration.contains('/') {
        return Ok(configuration);
    }
    Ok(fs_err::canonicalize(&configuration)?.to_string_lossy().into_owned())
}

/// `epel-8-x86_64`, of a file its name without `.cfg`.
fn place(configuration: &str) -> &str {
    let name = Path::new(configuration).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if configuration.contains('/') { name.strip_suffix(".cfg").unwrap_or(name) } else { configuration }
}

impl Engine for Mock {
    fn program(&self) -> &'static str {
        "mock"
    }

    /// One for each configuration; nothing runs yet.
    fn submit(&self, source: &Source, _: &Clients<'_>) -> Result<Vec<Build>, Error> {
        Ok(self.configurations.iter().map(|configuration| self.build(configuration, source)).collect())
    }

    fn known(&self, id: &str, _: &Source) -> Result<Build, Error> {
        let form = "mock builds here, and what it has built is in its own result folder";
        Err(Error::Id { id: id.to_owned(), engine: "mock", form })
    }

    fn finish(&self, build: &Build, source: &Source, clients: &Clients<'_>) -> Result<Finished, Error> {
        let place = place(&build.id);
        let results = clients.folder.join(place);
        let ended = clients.follow(clients.command("mock", |mock| {
            mock.args(["-r", &build.id, "--resultdir"]).arg(&results);
            mock.args(&self.more).arg("--rebuild").arg(&source.path)
        }))?;
        // Without any log it has not begun: a configuration that is not there, a user who may not.
        let began = ["root.log", "build.log"].iter().any(|log| results.join(log).is_file());
        if !ended.success && !began {
            let doing = format!("build for {place}");
            return Err(Error::Client { program: "mock".to_owned(), doing, said: ended.said });
        }
        let failure = (!ended.success).then_some(ended.said);
        Ok(Finished { places: vec![Place { name: place.to_owned(), failure, listed: Vec::new() }] })
    }
}
