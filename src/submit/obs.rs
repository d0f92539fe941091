//! The Open Build Service, by osc: spec and sources are committed to a package, and each repository's result is fetched. What
//! the results' XML has is in the service's API documentation (`/build/PROJECT/_result`).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use quick_xml::escape::partial_escape;

use super::{Build, Clients, Engine, Error, Finished, Place, Source, name_of};
use crate::repository::xml::{Item, attribute, walk};
use crate::rpm;
use crate::shell::quoted;

/// A project of an Open Build Service.
#[derive(Debug, Clone)]
pub struct Obs {
    project: String,
    /// The package to commit to; called as the source package is where there is none.
    package: Option<String>,
    /// The service's API, where it is not the client's own choice.
    api: Option<String>,
    /// The client's configuration, where it is not its own.
    config: Option<PathBuf>,
}

/// What has not ended: osc's own list, of `osc results --watch`.
const GOING: [&str; 6] = ["blocked", "scheduled", "dispatching", "building", "signing", "finished"];
/// What was not to be built.
const SKIPPED: [&str; 3] = ["excluded", "disabled", "locked"];

/// What osc says of a commit that changed something.
const COMMITTED: &str = "Committed revision";
/// How long it is waited for the service to take notice of it, and how often it is asked.
const NOTICED: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_secs(1);

/// How a package fares in one repository, for one architecture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Status {
    repository: String,
    arch: String,
    code: String,
    details: String,
    /// The service has yet to look at what was committed.
    dirty: bool,
}

impl Obs {
    /// # Errors
    /// [`Error::Name`].
    pub fn new(
        project: String,
        package: Option<String>,
        api: Option<String>,
        config: Option<PathBuf>,
    ) -> Result<Self, Error> {
        name_of(&project, "OBS project")?;
        if let Some(package) = &package {
            name_of(package, "OBS package")?;
        }
        if let Some(api) = api.as_deref().filter(|api| api.starts_with('-')) {
            return Err(Error::Name { what: "OBS api", name: api.to_owned() });
        }
        let config = config.map(fs_err::canonicalize).transpose()?;
        Ok(Obs { project, package, api, config })
    }

    fn package<'a>(&'a self, source: &'a Source) -> &'a str {
        self.package.as_deref().unwrap_or(&source.name)
    }

    fn command<'c>(
        &self,
        clients: &Clients<'_>,
        with: impl FnOnce(&mut Command) -> &mut Command + 'c,
    ) -> Command {
        clients.command("osc", |osc| {
            if let Some(config) = &self.config {
                osc.arg("--config").arg(config);
            }
            if let Some(api) = &self.api {
                osc.args(["-A", api]);
            }
            with(osc)
        })
    }

    fn build(&self, package: &str, source: &Source) -> Build {
        let path = source.path.to_string_lossy();
        let config = self.config.as_ref().map(|config| config.to_string_lossy());
        let id = format!("{}/{package}", self.project);
        let (mut follow, mut fetch) = (vec!["osc"], vec!["obs", &self.project, "--build", &id]);
        if let Some(config) = &config {
            follow.extend(["--config", config]);
            fetch.extend(["--config", config]);
        }
        if let Some(api) = &self.api {
            follow.extend(["-A", api]);
            fetch.extend(["--api", api]);
        }
        follow.extend(["results", "--watch", &self.project, package]);
        fetch.push(&path);
        let (follow, fetch) = (quoted(&follow), quoted(&fetch));
        Build { engine: "obs", id, source: source.file.clone(), follow, fetch, remote: true }
    }

    /// Checks the package out into `folder`; makes it where the project has none of that name.
    fn check_out(
        &self,
        package: &str,
        source: &Source,
        folder: &Path,
        clients: &Clients<'_>,
    ) -> Result<(), Error> {
        let command = || {
            let words = ["checkout", &self.project, package, "--output-dir"];
            self.command(clients, |osc| osc.args(words).arg(folder))
        };
        match clients.answer(command(), &format!("check out {}/{package}", self.project)) {
            Err(Error::Client { said, .. }) if said.iter().any(|line| line.contains("HTTP Error 404")) => {}
            other => return other.map(|_| ()),
        }
        let meta = clients.folder.join(".meta.xml");
        let text = format!(
            "<package name=\"{package}\" project=\"{}\">\n  <title>{}</title>\n  <description/>\n</package>\n",
            partial_escape(&self.project),
            partial_escape(&source.summary),
        );
        fs_err::write(&meta, text)?;
        let create = self.command(clients, |osc| {
            osc.args(["meta", "pkg", "--file"]).arg(&meta).args([&self.project, package])
        });
        clients.answer(create, &format!("make the package {}/{package}", self.project))?;
        clients.answer(command(), &format!("check out {}/{package}", self.project)).map(|_| ())
    }

    fn results(&self, package: &str, clients: &Clients<'_>) -> Result<Vec<Status>, Error> {
        let words = ["results", "--watch", "--xml", &self.project, package];
        self.statuses(package, &words, clients.limit, clients)
    }

    fn statuses(
        &self,
        package: &str,
        words: &[&str],
        limit: Duration,
        clients: &Clients<'_>,
    ) -> Result<Vec<Status>, Error> {
        let said =
            clients.answer_in(self.command(clients, |osc| osc.args(words)), "follow the build", limit)?;
        // One document each time that something changed.
        let last = said.rfind("<resultlist").map_or("", |start| &said[start..]);
        read(last, package).map_err(|reason| Error::Answer {
            program: "osc".to_owned(),
            what: "how the build fares".to_owned(),
            said: vec![reason],
        })
    }
}

impl Obs {
    /// How the package fares at this moment.
    fn now(&self, package: &str, clients: &Clients<'_>) -> Result<Vec<Status>, Error> {
        let quiet = Clients { tell: &|_| {}, ..*clients };
        self.statuses(package, &["results", "--xml", &self.project, package], NOTICED, &quiet)
    }

    /// Waits until the service has taken notice of a commit: for some seconds it still tells how the one before ended.
    fn await_notice(&self, package: &str, before: &[Status], clients: &Clients<'_>) -> Result<(), Error> {
        let end = Instant::now() + NOTICED;
        while self.now(package, clients)? == before && Instant::now() < end {
            thread::sleep(PAUSE);
        }
        // What it never tells apart is told by the sources of what comes back.
        Ok(())
    }
}

/// What a result list says of a package.
fn read(xml: &str, package: &str) -> Result<Vec<Status>, String> {
    let mut all = Vec::new();
    let (mut of, mut status, mut ours) = (Status::default(), Status::default(), false);
    walk(xml.trim_end().as_bytes(), "resultlist", &mut |item| {
        match item {
            Item::Start("result", element) => {
                let get = |name| Ok::<_, String>(attribute(element, name)?.unwrap_or_default());
                of = Status {
                    repository: get("repository")?,
                    arch: get("arch")?,
                    code: get("code")?,
                    details: get("details")?,
                    dirty: get("dirty")? == "true",
                };
                ours = false;
            }
            Item::Start("status", element) => {
                let code = attribute(element, "code")?.unwrap_or_default();
                status = Status { code, details: String::new(), ..of.clone() };
                ours = attribute(element, "package")?.as_deref() == Some(package);
            }
            Item::End("details", text) => text.clone_into(&mut status.details),
            Item::End("status", _) if ours => all.push(status.clone()),
            Item::End("result", _) if !ours => all.push(of.clone()),
            _ => {}
        }
        Ok(())
    })?;
    Ok(all)
}

impl Engine for Obs {
    fn program(&self) -> &'static str {
        "osc"
    }

    fn submit(&self, source: &Source, clients: &Clients<'_>) -> Result<Vec<Build>, Error> {
        let package = self.package(source);
        let folder = clients.folder.join(".checkout");
        self.check_out(package, source, &folder, clients)?;
        let before = self.now(package, clients)?;
        // What the service itself is told by files (_service, _constraints, _multibuild) stays.
        for entry in fs_err::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if !name.to_string_lossy().starts_with(['.', '_']) && entry.file_type()?.is_file() {
                fs_err::remove_file(entry.path())?;
            }
        }
        rpm::extract(&source.path, &folder).map_err(|error| Error::Damaged {
            package: source.file.clone(),
            reason: error.to_string(),
            fetch: String::new(),
        })?;
        let inside = Clients { folder: &folder, ..*clients };
        let add = self.command(&inside, |osc| osc.arg("addremove"));
        inside.answer(add, &format!("take over the files of {}", source.file))?;
        let message = format!("{} {}", source.name, source.version);
        let words = ["commit", "--noservice", "--message", &message];
        let commit = self.command(&inside, |osc| osc.args(words));
        let said = inside.answer(commit, &format!("commit {}", source.file))?;
        fs_err::remove_dir_all(&folder)?;
        // Of what was there already nothing is committed, and nothing built.
        if said.contains(COMMITTED) {
            self.await_notice(package, &before, clients)?;
        }
        Ok(vec![self.build(package, source)])
    }

    fn known(&self, id: &str, source: &Source) -> Result<Build, Error> {
        let package = id.strip_prefix(&self.project).and_then(|rest| rest.strip_prefix('/'));
        match package {
            Some(package) if name_of(package, "OBS package").is_ok() => Ok(self.build(package, source)),
            _ => Err(Error::Id {
                id: id.to_owned(),
                engine: "obs",
                form: "it is PROJECT/PACKAGE, of this project",
            }),
        }
    }

    fn finish(&self, build: &Build, _: &Source, clients: &Clients<'_>) -> Result<Finished, Error> {
        let package = build.id.rsplit('/').next().unwrap_or_default();
        let end = Instant::now() + clients.limit;
        let statuses = loop {
            let statuses = self.results(package, clients)?;
            let going = |status: &Status| status.dirty || GOING.contains(&&*status.code);
            // osc waits for the next change by itself; what is dirty may look finished to it.
            if !statuses.iter().any(going) || Instant::now() > end {
                break statuses;
            }
        };
        let mut finished = Finished::default();
        for status in statuses.into_iter().filter(|status| !SKIPPED.contains(&&*status.code)) {
            let Status { repository, arch, code, details, .. } = &status;
            let name = format!("{repository}-{arch}");
            name_of(&name, "repository")?;
            let folder = clients.folder.join(&name);
            fs_err::create_dir_all(&folder)?;
            let place = [&self.project, package, repository, arch];
            let failure = if code == "succeeded" {
                // osc 1 calls it otherwise; what has `--debug` there is another option.
                let debug = if self.is_old(clients)? { "--debug" } else { "--debuginfo" };
                let fetch = self.command(clients, |osc| {
                    osc.args(["getbinaries", "--sources", debug, "--destdir"]).arg(&folder).args(place)
                });
                clients.answer(fetch, &format!("fetch the packages of {name}"))?;
                None
            } else {
                let quiet = Clients { tell: &|_| {}, ..*clients };
                let log = self.command(&quiet, |osc| osc.arg("remotebuildlog").args(place));
                // What cannot be resolved has no log.
                if let Ok(log) = quiet.answer(log, "fetch the log") {
                    fs_err::write(folder.join("build.log"), log)?;
                }
                let line = if details.is_empty() { code.clone() } else { format!("{code}: {details}") };
                Some(vec![rpm::plain(&line)])
            };
            finished.places.push(Place { name, failure, listed: Vec::new() });
        }
        Ok(finished)
    }
}

impl Obs {
    /// Whether osc is one before 1.0.
    fn is_old(&self, clients: &Clients<'_>) -> Result<bool, Error> {
        let said = clients.answer(clients.command("osc", |osc| osc.arg("--version")), "say its version")?;
        Ok(said.trim().starts_with("0."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read_by_repository_and_architecture() {
        let xml = r#"<resultlist state="a">
          <result project="p" repository="EL_8" arch="x86_64" code="published" state="published">
            <status package="mod_tiny" code="succeeded"/></result>
          <result project="p" repository="EL_9" arch="x86_64" code="building" state="building" dirty="true">
            <status package="mod_tiny" code="unresolvable"><details>nothing provides httpd-devel</details></status></result>
          <result project="p" repository="broken" arch="x86_64" code="broken" state="broken" details="no config"/>
        </resultlist>"#;
        let status = |repository: &str, code: &str, details: &str, dirty| Status {
            repository: repository.into(),
            arch: "x86_64".into(),
            code: code.into(),
            details: details.into(),
            dirty,
        };
        assert_eq!(
            read(xml, "mod_tiny").unwrap(),
            [
                status("EL_8", "succeeded", "", false),
                status("EL_9", "unresolvable", "nothing provides httpd-devel", true),
                status("broken", "broken", "no config", false),
            ]
        );
        assert!(read("", "mod_tiny").is_err() && read("<resultlist>", "mod_tiny").is_err());
    }
}
