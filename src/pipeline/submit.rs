//! Source packages built elsewhere: submitted, followed, fetched, compared, signed here, and put into the output folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::output::Staging;
use super::resign::resigned;
use super::{Error, NewSignatures, Resigning, SigningKey};
use crate::Kind;
use crate::profile::Profile;
use crate::report::{Event, Reporter};
use crate::sign::KeySpec;
use crate::submit::{self, Build, Clients, Engine, Fetched, Finished, Source};

/// What is to be built, and where.
pub struct Submitting<'a> {
    /// Source packages.
    pub sources: &'a [PathBuf],
    /// By what.
    pub engine: &'a dyn Engine,
    /// Builds that were submitted before, one for each source package; these are only followed and fetched.
    pub builds: &'a [String],
    /// Whether to follow them.
    pub wait: bool,
    /// Where packages go: OUT/PLACE/*.rpm.
    pub out: &'a Path,
    /// The distribution whose rpm is to accept the signatures: a profile's name or file.
    pub profile: Option<&'a str>,
    /// How long one build is followed.
    pub limit: Duration,
}

/// Submits, and unless it is not to wait, follows and fetches; tells the packages as [`Event::Results`], each build as
/// [`Event::Submitted`] and to `submitted`. A build that fails spoils no other: each failure is told.
///
/// # Errors
/// [`submit::Error::Some`] where some failed; the stages' own for what concerns all; [`submit::Error::Interrupted`] with the
/// builds that go on.
pub fn submit(
    submitting: &Submitting<'_>,
    key: &Arc<SigningKey>,
    reporter: &dyn Reporter,
    submitted: &mut dyn FnMut(&Build) -> Result<(), crate::Error>,
) -> Result<(), crate::Error> {
    let sources: Vec<Source> =
        submitting.sources.iter().map(|path| Source::read(path)).collect::<Result<_, _>>()?;
    alone(&sources)?;
    if let Some(name) = submitting.profile {
        // A name that is wrong is told before hours have passed.
        Profile::find(name, Path::new(""))?;
    }
    let work = super::work::folder().map_err(Error::Io)?;
    let tell = |line: &str| reporter.detail(line);
    let clients = Clients { folder: work.path(), tell: &tell, limit: submitting.limit };
    clients.demand(submitting.engine.program())?;
    if submitting.wait && !matches!(key.spec(), KeySpec::None) {
        // So is a key that cannot be opened; and no passphrase is asked for in the middle of the night.
        key.open(reporter)?;
    }

    let mut run = Run { submitting, key, reporter, failed: Vec::new(), kind: None, files: Vec::new() };
    let builds = run.submit(&sources, &clients, submitted)?;
    if submitting.wait {
        run.finish_all(&builds, &clients)?;
        reporter.event(Event::Results { files: std::mem::take(&mut run.files) });
    }
    let of = builds.len().max(run.failed.len());
    match run.kind {
        None => Ok(()),
        Some(kind) => Err(submit::Error::Some { failed: run.failed, of, kind }.into()),
    }
}

/// Refuses two of one name, whatever their versions: their packages would go into one folder, and into one package of OBS.
fn alone(sources: &[Source]) -> Result<(), submit::Error> {
    for (index, source) in sources.iter().enumerate() {
        let same = |other: &&Source| other.name == source.name;
        if let Some(other) = sources[..index].iter().find(same) {
            return Err(submit::Error::Same {
                first: other.path.clone(),
                second: source.path.clone(),
                name: source.name.clone(),
            });
        }
    }
    Ok(())
}

struct Run<'a> {
    submitting: &'a Submitting<'a>,
    key: &'a Arc<SigningKey>,
    reporter: &'a dyn Reporter,
    /// What failed, in words, and what the first failed of.
    failed: Vec<String>,
    kind: Option<Kind>,
    files: Vec<PathBuf>,
}

impl Run<'_> {
    fn submit<'s>(
        &mut self,
        sources: &'s [Source],
        clients: &Clients<'_>,
        submitted: &mut dyn FnMut(&Build) -> Result<(), crate::Error>,
    ) -> Result<Vec<(Build, &'s Source)>, crate::Error> {
        let engine = self.submitting.engine;
        let mut builds: Vec<(Build, &Source)> = Vec::new();
        let reporter = self.reporter;
        let mut tell = |build: &Build| {
            reporter.event(Event::Submitted { build: build.clone() });
            submitted(build)
        };
        match self.submitting.builds {
            [] => {
                for source in sources {
                    match engine.submit(source, clients) {
                        Ok(more) => {
                            for build in more {
                                tell(&build)?;
                                builds.push((build, source));
                            }
                        }
                        Err(submit::Error::Interrupted { .. }) => {
                            return Err(interrupted(&builds, Some(source)));
                        }
                        Err(error) => self.fail(source.file.clone(), error.into()),
                    }
                }
            }
            known if known.len() == sources.len() => {
                for (id, source) in known.iter().zip(sources) {
                    let build = engine.known(id, source)?;
                    tell(&build)?;
                    builds.push((build, source));
                }
            }
            known => {
                let (builds, sources) = (known.len(), sources.len());
                return Err(submit::Error::Count { builds, sources }.into());
            }
        }
        Ok(builds)
    }

    fn finish_all(&mut self, builds: &[(Build, &Source)], clients: &Clients<'_>) -> Result<(), crate::Error> {
        for (index, (build, source)) in builds.iter().enumerate() {
            match self.finish(build, source, clients) {
                Ok(()) => {}
                Err(crate::Error::Submit(error)) if error.kind() == Kind::Interrupted => {
                    return Err(interrupted(&builds[index..], None));
                }
                Err(error) if error.kind() == Kind::Interrupted => {
                    return Err(interrupted(&builds[index..], None));
                }
                Err(error) => self.fail(build.to_string(), error),
            }
        }
        Ok(())
    }

    /// One build, from its end to its packages in the output folder.
    fn finish(&mut self, build: &Build, source: &Source, clients: &Clients<'_>) -> Result<(), crate::Error> {
        let staging = Staging::new(self.submitting.out).map_err(Error::Io)?;
        let folder = fs_err::canonicalize(staging.path("")).map_err(Error::Io)?;
        let inside = Clients { folder: &folder, ..*clients };
        let finished = self.submitting.engine.finish(build, source, &inside)?;
        let fetched = submit::gather(build, source, &finished, &folder)?;
        self.sign(&fetched)?;
        let mut names: Vec<String> =
            fetched.iter().map(|package| format!("{}/{}", package.place, package.file)).collect();
        let packages = names.len();
        let failures = failures(build, &finished, &folder, &mut names)?;
        let mut published = staging.publish(&names)?;
        let logs = published.split_off(packages);
        self.files.extend(published);
        for (place, said, log) in failures {
            let of_place = |log: &&PathBuf| log.parent().is_some_and(|folder| folder.ends_with(&place));
            let help = match logs.iter().find(of_place).and_then(|log| log.parent()) {
                None => "it left no log; these are the service's own words".to_owned(),
                Some(folder) => format!("its logs are in {}", folder.display()),
            };
            let log = if log.is_empty() { said } else { log };
            self.fail(
                build.to_string(),
                submit::Error::Failed { build: build.to_string(), place, log, help }.into(),
            );
        }
        Ok(())
    }

    fn sign(&self, fetched: &[Fetched]) -> Result<(), crate::Error> {
        if *self.key.spec() == KeySpec::None {
            return Ok(());
        }
        let resigning = Resigning {
            packages: fetched.iter().map(|package| package.path.clone()).collect(),
            signatures: NewSignatures::By(self.key.clone()),
            profile: self.submitting.profile.map(str::to_owned),
            // What the service signed with its own key is signed with ours.
            replace: true,
        };
        resigned(&resigning, self.reporter).map(|_| ())
    }

    fn fail(&mut self, what: String, error: crate::Error) {
        self.reporter.failure(&error);
        self.kind = self.kind.or(Some(error.kind()));
        if !self.failed.contains(&what) {
            self.failed.push(what);
        }
    }
}

/// A place, what the service said of it, and the last lines of its log.
type Failure = (String, Vec<String>, Vec<String>);

/// What failed, with its logs laid out where they are published; their names are added to `names`.
fn failures(
    build: &Build,
    finished: &Finished,
    folder: &Path,
    names: &mut Vec<String>,
) -> Result<Vec<Failure>, crate::Error> {
    let mut all = Vec::new();
    for place in &finished.places {
        let Some(said) = &place.failure else { continue };
        let from = folder.join(&place.name);
        let (files, told) = submit::logs(&from)?;
        for file in files.iter().filter(|_| !place.name.is_empty()) {
            let inside = file.strip_prefix(&from).unwrap_or(file).to_string_lossy();
            let id: String = build.id.replace('/', "-").replace("..", "-");
            let id = if build.remote { format!("{}-{id}", build.engine) } else { build.engine.to_owned() };
            // One folder for each place, whatever folders the client made in it.
            let name = format!("logs/{id}/{}/{}", place.name, inside.replace('/', "-"));
            let to = folder.join(&name);
            let parent = to.parent().unwrap_or(folder);
            fs_err::create_dir_all(parent).map_err(Error::Io)?;
            fs_err::rename(file, &to).map_err(Error::Io)?;
            names.push(name);
        }
        all.push((place.name.clone(), said.clone(), told));
    }
    Ok(all)
}

/// What goes on, and how it is taken up again.
fn interrupted(builds: &[(Build, &Source)], submitting: Option<&Source>) -> crate::Error {
    let going: Vec<Build> =
        builds.iter().filter(|(build, _)| build.remote).map(|(build, _)| build.clone()).collect();
    let mut help: Vec<String> = match submitting {
        Some(source) => {
            vec![format!("look at the service whether {} was submitted", source.file)]
        }
        None => Vec::new(),
    };
    help.extend(going.iter().map(|build| format!("`modgraft submit {}` fetches it", build.fetch)));
    if let Some((build, _)) = builds.iter().find(|(build, _)| !build.remote) {
        help.push(format!("`{}` ends what may be left in its root", build.follow));
    }
    let help = (!help.is_empty()).then(|| help.join("; "));
    submit::Error::Interrupted { builds: going, help }.into()
}
