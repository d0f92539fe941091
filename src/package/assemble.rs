//! From all stages before to the packages.

use std::sync::Arc;

use super::debugsource::Named;
use super::documents::Documents;
use super::text;
use super::{
    Change, Error, File, Inputs, Package, PackageKind, PackageSet, Relation, binary, debuginfo, dropin,
    source,
};
use crate::compile::CompilerCall;
use crate::libraries;
use crate::machine::Machine;
use crate::profile::{HttpdRelation, Packaging, Profile};
use crate::recipe::ChangelogEntry;
use crate::spec;
use crate::target::Layout;

/// The build host in packages: a constant, since which machine it was is nobody's concern and would change the bytes.
pub(super) const BUILD_HOST: &str = "reproducible";
/// Since nobody sorts packages by groups any more.
pub(super) const GROUP: &str = "Unspecified";

/// Makes the packages. Nothing is written; of the compiled files the dependencies and the names of sources are read.
///
/// # Errors
/// Texts, names, versions, directives or documents of the recipe that no package can have.
pub fn assemble(inputs: &Inputs<'_>) -> Result<PackageSet, Error> {
    let common = Common::new(inputs)?;
    let documents =
        Documents::read(&inputs.recipe.documents, &inputs.recipe.directory, inputs.notes, &common)?;
    let drop_ins =
        dropin::render(inputs, &common.symbol, common.places.load_file == common.places.directives_file)?;
    let binary = binary::package(inputs, &common, &drop_ins, &documents)?;
    let named = Named::find(inputs, &common)?;
    let debugsource = named.package(&common);
    let debuginfo = debuginfo::package(inputs, &common, &named, debugsource.as_ref());
    let listed = source::list(inputs, &common, &drop_ins, &documents)?;
    let spec_name = format!("{}.spec", common.name);
    let spec_text = spec::render(&spec::View {
        binary: &binary,
        sources: &listed,
        symbol: &common.symbol,
        exports: &inputs.audit.exports,
        module: &inputs.recipe.name,
        libraries: &inputs.recipe.libraries,
        places: &common.places,
        load_prefix: &inputs.target.layout.load_prefix,
        mmn: (inputs.target.mmn.major, &common.mmn),
        of_httpd: &common.of_httpd,
        build_requires: &common.build_requires,
        documents: &documents,
    })?;
    let source = source::package(&common, listed, &spec_name, &spec_text, debugsource.as_ref());
    Ok(PackageSet { binary, debuginfo, debugsource, source, spec: (spec_name, spec_text) })
}

/// What all packages say alike.
pub(super) struct Common {
    pub name: String,
    pub version: String,
    pub release: String,
    pub machine: &'static Machine,
    pub summary: String,
    pub description: String,
    pub license: String,
    pub url: Option<String>,
    pub changelog: Vec<Change>,
    pub time: u64,
    pub optflags: String,
    pub profile: Arc<Profile>,
    /// What has to be there to build: the distribution's, and the libraries' development packages.
    pub build_requires: Vec<String>,
    /// The module structure's C name.
    pub symbol: String,
    pub places: Places,
    /// What `httpd-mmn` has to equal.
    pub mmn: String,
    /// What is required of httpd, and how a spec writes it where the distribution has macros for it.
    pub of_httpd: Vec<(Relation, Option<String>)>,
}

/// Where the files of this module go on the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// `/usr/lib64/httpd/modules`.
    pub module_dir: String,
    /// `/etc/httpd/conf.modules.d/10-x.conf`.
    pub load_file: String,
    /// `/etc/httpd/conf.d/x.conf`; may be the same.
    pub directives_file: String,
}

impl Places {
    fn new(layout: &Layout, short_name: &str, order: u8) -> Result<Self, Error> {
        let place = |what: &'static str, path: String| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "._+-/".contains(c);
            let parts = || path.split('/').skip(1);
            if path.starts_with('/')
                && path.chars().all(plain)
                && parts().all(|part| !part.is_empty() && part != "." && part != "..")
            {
                Ok(path)
            } else {
                Err(Error::Layout { what, path })
            }
        };
        Ok(Places {
            module_dir: place("module folder", layout.module_dir.clone())?,
            load_file: place("load file", layout.load_file_for(short_name, order))?,
            directives_file: place("directives file", layout.directives_file_for(short_name))?,
        })
    }
}

impl Common {
    fn new(inputs: &Inputs<'_>) -> Result<Self, Error> {
        let recipe = inputs.recipe;
        let profile = inputs.target.profile.clone();
        let packaging = &profile.packaging;
        let module = text::name(&recipe.name)?;
        let version = text::version("version", &recipe.version, &packaging.rpm)?;
        let release = text::version("release", &recipe.release, &packaging.rpm)?;
        let symbol = inputs
            .audit
            .exports
            .first()
            .map_or_else(|| format!("{}_module", dropin::short_name(&module)), |symbol| symbol.clone());
        let places =
            Places::new(&inputs.target.layout, dropin::short_name(&module), inputs.audit.load_order)?;
        Ok(Common {
            name: text::name(&packaging.package_named(&module))?,
            machine: inputs.target.machine,
            summary: text::line("summary", &recipe.summary)?,
            description: match text::paragraphs("description", &recipe.description)? {
                empty if empty.is_empty() => text::line("summary", &recipe.summary)?,
                description => description,
            },
            license: text::line("license", &recipe.license)?,
            url: recipe.url.as_deref().map(text::url).transpose()?,
            changelog: recipe.changelog.iter().map(change).collect::<Result<_, _>>()?,
            time: inputs.source_date_epoch,
            optflags: optflags(&inputs.object.call),
            of_httpd: of_httpd(inputs),
            mmn: inputs.target.layout.mmn_requirement.clone(),
            build_requires: build_requires(packaging, &recipe.libraries),
            profile,
            symbol,
            places,
            version,
            release,
        })
    }

    /// A package with what all have; the rest is the caller's.
    pub(super) fn package(&self, kind: PackageKind, name: String, files: Vec<File>) -> Package {
        let mut files = files;
        // By bytes, as rpmbuild does; rpm looks files up by bisection.
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Package {
            kind,
            name,
            epoch: None,
            version: self.version.clone(),
            release: self.release.clone(),
            arch: self.machine.name.clone(),
            summary: self.summary.clone(),
            description: self.description.clone(),
            license: self.license.clone(),
            url: self.url.clone(),
            group: if self.profile.packaging.legacy_spec { "System Environment/Daemons" } else { GROUP },
            build_host: BUILD_HOST,
            time: self.time,
            source_rpm: format!("{}-{}-{}.src.rpm", self.name, self.version, self.release),
            optflags: self.optflags.clone(),
            platform: self.profile.packaging.platform.replace("{arch}", &self.machine.name),
            provides: Vec::new(),
            requires: Vec::new(),
            conflicts: Vec::new(),
            obsoletes: Vec::new(),
            recommends: Vec::new(),
            suggests: Vec::new(),
            scriptlets: Vec::new(),
            changelog: self.changelog.clone(),
            files,
            sources: Vec::new(),
            lead_arch: self.machine.lead,
            profile: self.profile.clone(),
        }
    }

    /// A path of the profile with this package's names.
    pub(super) fn path(&self, template: &str) -> String {
        template
            .replace("{name}", &self.name)
            .replace("{version}", &self.version)
            .replace("{release}", &self.release)
            .replace("{arch}", &self.machine.name)
    }
}

/// What no package provides must not be required.
fn of_httpd(inputs: &Inputs<'_>) -> Vec<(Relation, Option<String>)> {
    let target = inputs.target;
    let mmn = target.mmn.major.to_string();
    let fill =
        |text: &str| text.replace("{mmn}", &mmn).replace("{httpd-mmn}", &target.layout.mmn_requirement);
    let stated = target.profile.packaging.requires.iter().filter(|_| target.layout.httpd_is_packaged);
    let relation = |stated: &HttpdRelation| match &stated.version {
        Some(version) => Relation::equal(fill(&stated.name), fill(version)),
        None => Relation::any(fill(&stated.name)),
    };
    stated.map(|stated| (relation(stated), stated.spec.clone())).collect()
}

/// Sorted and each once, as rpmbuild has them.
pub(super) fn sorted(mut relations: Vec<Relation>) -> Vec<Relation> {
    relations.sort();
    relations.dedup();
    relations
}

fn build_requires(packaging: &Packaging, linked: &[String]) -> Vec<String> {
    let libraries = libraries::development_packages(linked, packaging.library_packages);
    packaging.build_requires.iter().cloned().chain(libraries.into_iter().map(str::to_owned)).collect()
}

fn change(entry: &ChangelogEntry) -> Result<Change, Error> {
    let author = text::line("changelog's author", &entry.author)?;
    let title = match &entry.version {
        Some(version) => format!("{author} - {}", text::line("changelog's version", version)?),
        None => author,
    };
    let notes = entry.notes.iter().map(|note| {
        let note = text::paragraphs("changelog", note)?;
        Ok(format!("- {}", note.replace('\n', "\n  ")))
    });
    let notes: Vec<String> = notes.collect::<Result<_, Error>>()?;
    // rpm dates an entry by noon, so that no time zone moves it to another day.
    let noon = entry
        .date
        .at(12, 0, 0, 0)
        .to_zoned(jiff::tz::TimeZone::UTC)
        .map_or(0, |noon| noon.timestamp().as_second());
    Ok(Change {
        time: u32::try_from(noon).unwrap_or(0),
        day: entry.date.strftime("%a %b %d %Y").to_string(),
        title,
        text: text::paragraphs("changelog", &notes.join("\n"))?,
    })
}

/// The flags that shape the code; neither paths nor what only warns.
fn optflags(call: &CompilerCall) -> String {
    let wanted = |argument: &&String| {
        ["-O", "-g", "-f", "-m", "-D_FORTIFY"].iter().any(|start| argument.starts_with(start))
            && !argument.contains(['/', ' '])
    };
    call.arguments.iter().filter(wanted).map(String::as_str).collect::<Vec<_>>().join(" ")
}
