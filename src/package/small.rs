//! Any package that is not made of a module: a key, a configuration, a handful of files.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::assemble::{BUILD_HOST, GROUP, sorted};
use super::relation::CONFIG;
use super::{Change, Error, File, FileKind, Package, PackageKind, Relation, Scriptlet, features, file, text};
use crate::machine::Machine;
use crate::profile::Profile;

/// What a package says of itself. Texts are folded and checked as a recipe's are.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// RPM name.
    pub name: String,
    /// Before the version where versions are compared; `None` is the rule.
    pub epoch: Option<u32>,
    /// RPM version.
    pub version: String,
    /// RPM release.
    pub release: String,
    /// One line.
    pub summary: String,
    /// Lines.
    pub description: String,
    /// SPDX expression.
    pub license: String,
    /// The project's page.
    pub url: Option<String>,
    /// Newest first.
    pub changelog: Vec<Change>,
}

/// What a package is made of, beside what it says of itself.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// What it is for.
    pub architecture: Architecture,
    /// In any order.
    pub files: Vec<File>,
    /// Beside what follows from the rest.
    pub relations: Relations,
    /// What is run.
    pub scriptlets: Vec<Scriptlet>,
}

/// What a package is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Architecture {
    /// Any processor: it has no program in it.
    #[default]
    Noarch,
    /// This one.
    Of(&'static Machine),
}

/// Relations beside those that follow from name, files and scriptlets, in any order.
#[derive(Debug, Clone, Default)]
pub struct Relations {
    /// Beside its own name and its `%config` files.
    pub provides: Vec<Relation>,
    /// Beside rpm's features, interpreters and its `%config` files.
    pub requires: Vec<Relation>,
    /// What cannot be installed with it.
    pub conflicts: Vec<Relation>,
    /// What it takes the place of.
    pub obsoletes: Vec<Relation>,
    /// What is installed with it where it can be.
    pub recommends: Vec<Relation>,
    /// What may be of use with it.
    pub suggests: Vec<Relation>,
}

/// The first rpm that knows weak dependencies.
const WEAK_SINCE: (u32, u32) = (4, 12);
/// The lead of a noarch package has the number of the processor that built it; it is read by nobody, so it is always this.
const NOARCH_LEAD: u16 = 1;

impl Package {
    /// A package of any files, with what rpmbuild would add: its name and `config(NAME)` among the provides, rpm's features
    /// and interpreters among the requires. `time` is that of the build and of every file, in seconds since 1970. Nothing is
    /// read or written: [`crate::rpm::write`] does that.
    ///
    /// A name of a source package is among its tags, since rpm takes what names none for a source package; there need not be
    /// one.
    ///
    /// ```
    /// use modgraft::package::{About, Contents, File, Package, file};
    /// use modgraft::profile::Profile;
    ///
    /// let about = About {
    ///     name: "example-release".into(),
    ///     version: "1".into(),
    ///     release: "1".into(),
    ///     summary: "Where Example's packages are".into(),
    ///     license: "Apache-2.0".into(),
    ///     ..About::default()
    /// };
    /// let settings = File::text("/etc/yum.repos.d/example.repo", *b"[example]\n");
    /// let settings = File { flags: file::CONFIG | file::NOREPLACE, ..settings };
    /// let contents = Contents { files: vec![settings], ..Contents::default() };
    /// let package = Package::new(about, contents, &Profile::named("el8")?, 1_371_081_600)?;
    /// assert_eq!(package.file_name(), "example-release-1-1.noarch.rpm");
    /// # Ok::<(), modgraft::Error>(())
    /// ```
    ///
    /// # Errors
    /// Names, versions, texts and paths that no package can have; weak dependencies where the profile's rpm knows none.
    pub fn new(about: About, contents: Contents, profile: &Arc<Profile>, time: u64) -> Result<Self, Error> {
        let Contents { architecture, mut files, relations, scriptlets } = contents;
        let packaging = &profile.packaging;
        // By bytes, as rpmbuild does; rpm looks files up by bisection.
        files.sort_by(|a, b| a.path.cmp(&b.path));
        check_files(&files)?;
        check_relations(&relations, &packaging.rpm)?;
        for scriptlet in &scriptlets {
            check_path("scriptlet's program", &scriptlet.program)?;
        }
        let name = text::name(&about.name)?;
        let version = text::version("version", &about.version, &packaging.rpm)?;
        let release = text::version("release", &about.release, &packaging.rpm)?;
        let summary = text::line("summary", &about.summary)?;
        let (arch, lead_arch) = match architecture {
            Architecture::Noarch => ("noarch".to_owned(), NOARCH_LEAD),
            Architecture::Of(machine) => (machine.name.clone(), machine.lead),
        };
        let mut package = Package {
            kind: PackageKind::Binary,
            epoch: about.epoch,
            description: match text::paragraphs("description", &about.description)? {
                empty if empty.is_empty() => summary.clone(),
                description => description,
            },
            license: text::line("license", &about.license)?,
            url: about.url.as_deref().map(text::url).transpose()?,
            group: GROUP,
            build_host: BUILD_HOST,
            time,
            source_rpm: format!("{name}-{version}-{release}.src.rpm"),
            optflags: String::new(),
            platform: packaging.platform.replace("{arch}", &arch),
            provides: Vec::new(),
            requires: Vec::new(),
            conflicts: sorted(relations.conflicts),
            obsoletes: sorted(relations.obsoletes),
            recommends: sorted(relations.recommends),
            suggests: sorted(relations.suggests),
            scriptlets,
            changelog: about.changelog,
            files,
            sources: Vec::new(),
            lead_arch,
            profile: profile.clone(),
            name,
            version,
            release,
            arch,
            summary,
        };
        let evr = package.evr();
        let mut provides = relations.provides;
        provides.push(Relation::equal(&package.name, &evr));
        if let Architecture::Of(machine) = architecture {
            provides.push(Relation::equal(format!("{}{}", package.name, machine.mark()), &evr));
        }
        let mut requires = relations.requires;
        requires.extend(package.scriptlets.iter().map(Scriptlet::requirement));
        requires.extend(features::of(&package));
        for file in &package.files {
            provides.extend(file.provides.iter().cloned());
            requires.extend(file.requires.iter().cloned());
        }
        if package.files.iter().any(|file| file.flags & file::CONFIG != 0) {
            let config = Relation::equal(format!("config({})", package.name), &evr).with(CONFIG);
            provides.push(config.clone());
            requires.push(config);
        }
        package.provides = sorted(provides);
        package.requires = sorted(requires);
        Ok(package)
    }
}

fn check_files(files: &[File]) -> Result<(), Error> {
    let by_path: BTreeMap<&str, &File> = files.iter().map(|file| (file.path.as_str(), file)).collect();
    for pair in files.windows(2) {
        if let [a, b] = pair
            && a.path == b.path
        {
            return Err(Error::File { path: a.path.clone(), reason: "it is there twice".to_owned() });
        }
    }
    for file in files {
        check_path("file", &file.path)?;
        let wrong = |reason: &str| Error::File { path: file.path.clone(), reason: reason.to_owned() };
        if file.permissions > 0o7777 {
            return Err(wrong("its permissions have more than twelve bits"));
        }
        for name in [&file.owner, &file.group] {
            if name.is_empty() || name.chars().any(|c| c.is_control() || c.is_whitespace() || c == ':') {
                return Err(wrong("its user or group is no name"));
            }
        }
        for text in [&file.languages, &file.capabilities] {
            if text.chars().any(char::is_control) {
                return Err(wrong("a control character is in its languages or capabilities"));
            }
        }
        match &file.kind {
            FileKind::Symlink { target } if target.is_empty() || target.contains('\0') => {
                return Err(wrong("the link points nowhere"));
            }
            FileKind::HardLink { .. } if file.is_ghost() => {
                return Err(wrong("a ghost has no other names"));
            }
            FileKind::HardLink { to } => {
                let linked = by_path.get(to.as_str()).filter(|linked| !linked.is_ghost());
                if !linked.is_some_and(|linked| matches!(linked.kind, FileKind::Regular(_))) {
                    return Err(wrong("it is another name of what is no regular file of the package"));
                }
            }
            FileKind::Regular(_) | FileKind::Directory | FileKind::Symlink { .. } => {}
        }
    }
    Ok(())
}

/// Absolute, and nothing in it that would lead elsewhere.
fn check_path(what: &'static str, path: &str) -> Result<(), Error> {
    let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    let good = path.strip_prefix('/').is_some_and(|path| path.split('/').all(plain))
        && !path.chars().any(char::is_control);
    if good {
        Ok(())
    } else {
        Err(Error::File { path: path.to_owned(), reason: format!("the {what} has no absolute, plain path") })
    }
}

fn check_relations(relations: &Relations, rpm: &str) -> Result<(), Error> {
    let Relations { provides, requires, conflicts, obsoletes, recommends, suggests } = relations;
    let weak = recommends.iter().chain(suggests).next();
    if let Some(weak) = weak.filter(|_| text::release_of(rpm) < WEAK_SINCE) {
        return Err(Error::WeakDependency { relation: weak.text(), rpm: rpm.to_owned() });
    }
    let all = [provides, requires, conflicts, obsoletes, recommends, suggests];
    for relation in all.into_iter().flatten() {
        let plain = |text: &str| !text.chars().any(|c| c.is_control() || c.is_whitespace());
        if relation.name.is_empty() || !plain(&relation.name) || !plain(&relation.version) {
            return Err(Error::Relation { relation: relation.text() });
        }
    }
    Ok(())
}
