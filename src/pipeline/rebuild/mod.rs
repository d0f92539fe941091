//! A package once more, from its own source package: whether the same bytes come of it.
//!
//! The C file that was compiled is in the source package, so nothing is flattened or adapted again; the statement beside the
//! package ([`super::attest`]) says with what it was compiled and what was known when it was packaged. Both must be those of
//! the package, and the httpd and the compiler of this machine those of the statement.

mod error;
mod source;

pub use error::Error;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::attest::{self, Binding, Resource, Statement};
use super::clock::stage;
use super::inputs;
use super::prepare::resolve;
use super::signing::SigningKey;
use super::summary;
use crate::audit;
use crate::compile::{self, Toolchain};
use crate::hash::sha256_of;
use crate::package::{self, PackageSet};
use crate::report::{Reporter, Stage};
use crate::rpm::{self, Destinations, Difference};
use crate::target::Target;
use source::Unpacked;

/// What is to be built again.
#[derive(Debug, Clone)]
pub struct Rebuilding {
    /// The package: of a module, its debug information or its source.
    pub package: PathBuf,
    /// Its source package; beside it, where it is missing.
    pub srpm: Option<PathBuf>,
    /// Its statement; beside it, where it is missing.
    pub provenance: Option<PathBuf>,
    /// The target; that of the statement, where it is missing.
    pub target: Option<String>,
    /// Nothing may be fetched.
    pub offline: bool,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Rebuilt {
    /// `name-version-release.arch`.
    pub package: String,
    /// Whether all but the signature is the same.
    pub same: bool,
    /// What became of the signature.
    pub signature: Signature,
    /// All in which they differ: the package, and what was built again.
    pub differences: Vec<Difference>,
    /// The version of modgraft that built it, where it was another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub built_by: Option<String>,
}

/// Whether the signature header is the same too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signature {
    /// It is: so is the whole file.
    Same,
    /// It is another one.
    Differs,
    /// The package is signed, and no key was named to make a signature with that it could be compared with.
    NotCompared,
}

/// Builds a package again and compares. With a key, it is signed, and the whole file compared.
///
/// # Errors
/// [`Error`]; those of the stages that compile, audit and package.
pub fn rebuild(
    asked: &Rebuilding,
    key: &SigningKey,
    reporter: &dyn Reporter,
) -> Result<Rebuilt, crate::Error> {
    let failed = |error: Error| crate::Error::from(super::Error::from(error));
    let nevra = rpm::nevra(&asked.package)?;
    let statement = statement(asked).map_err(failed)?;
    let file = demand_subject(asked, &statement)?;
    let srpm = source_package(asked, &statement)?;

    let work = crate::pipeline::work::folder().map_err(super::Error::from)?;
    let target = resolved(asked, &statement, reporter)?;
    let toolchain = Toolchain::find(&target)?;
    demand_same(&statement, &target, &toolchain)?;
    let recipe = work.path().join("recipe");
    fs_err::create_dir(&recipe).map_err(super::Error::from)?;
    let unpacked = source::unpack(&srpm, &recipe)?;
    let set = packaged(&unpacked, &statement, &target, &toolchain, work.path(), reporter)?;

    let signer = key.open(reporter)?;
    let folder = work.path().join("packages");
    fs_err::create_dir(&folder).map_err(super::Error::from)?;
    let destinations = Destinations::of(&set, |name| folder.join(name));
    stage(
        reporter,
        Stage::Package,
        || rpm::write_set(&set, signer, &destinations),
        |written| summary::signed(written.packages().count(), signer.map(|signer| signer.key())),
    )?;
    let again = folder.join(&file);
    if !again.is_file() {
        return Err(failed(Error::Source {
            srpm,
            reason: format!("{file} does not come of it, but {}", names(&set)),
        }));
    }
    let differences = rpm::differences(&asked.package, &again)?;
    let of = |file| sha256_of(file).map_err(super::Error::from);
    let signature = match signer {
        // So it is without a key, too, where the package is not signed.
        _ if of(&asked.package)? == of(&again)? => Signature::Same,
        None => Signature::NotCompared,
        Some(_) => Signature::Differs,
    };
    let then = statement.predicate.run_details.builder.version.get("modgraft").cloned();
    Ok(Rebuilt {
        package: nevra,
        same: differences.is_empty(),
        signature,
        differences,
        built_by: then.filter(|then| then != env!("CARGO_PKG_VERSION")),
    })
}

/// Statements are some hundred kilobytes; what is longer is none. Bytes.
const LONGEST: u64 = 256 << 20;

fn statement(asked: &Rebuilding) -> Result<Statement, Error> {
    let path = asked.provenance.clone().unwrap_or_else(|| attest::statement_beside(&asked.package));
    let wrong = |reason: String| Error::Provenance { path: path.clone(), reason };
    let found = match fs_err::metadata(&path) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::NoProvenance { package: asked.package.clone(), provenance: path });
        }
        Err(error) => return Err(wrong(error.to_string())),
    };
    if !found.is_file() || found.len() > LONGEST {
        return Err(wrong("it is no file of such a length".to_owned()));
    }
    let text = fs_err::read(&path).map_err(|error| wrong(error.to_string()))?;
    let statement: Statement = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    if !statement.is_known() {
        let kind = &statement.predicate.build_definition.build_type;
        return Err(wrong(format!("its build type is `{}`", kind.escape_debug())));
    }
    Ok(statement)
}

/// The file name of the package, which the statement has to be about.
fn demand_subject(asked: &Rebuilding, statement: &Statement) -> Result<String, crate::Error> {
    for subject in &statement.subject {
        if is(subject, &asked.package)? {
            return Ok(subject.name.clone());
        }
    }
    let provenance = asked.provenance.clone().unwrap_or_else(|| attest::statement_beside(&asked.package));
    Err(super::Error::from(Error::OtherPackage { package: asked.package.clone(), provenance }).into())
}

/// Whether a file is the package that a statement names, whoever has signed it since.
fn is(named: &Resource, file: &Path) -> Result<bool, crate::Error> {
    let header = rpm::header_digest(file)?;
    Ok(named.header() == Some(header.as_str())
        || named.digest.get("sha256") == Some(&sha256_of(file).map_err(super::Error::from)?))
}

fn source_package(asked: &Rebuilding, statement: &Statement) -> Result<PathBuf, crate::Error> {
    let failed = |error: Error| crate::Error::from(super::Error::from(error));
    let all = statement.subject.iter().chain(&statement.predicate.run_details.byproducts);
    let named = all.clone().find(|one| one.name.ends_with(".src.rpm"));
    let Some(named) = named else {
        let provenance = asked.provenance.clone().unwrap_or_else(|| attest::statement_beside(&asked.package));
        let reason = "it names no source package".to_owned();
        return Err(failed(Error::Provenance { path: provenance, reason }));
    };
    // A name from outside: its last part only.
    let name = named.name.rsplit('/').next().unwrap_or_default();
    let srpm = match &asked.srpm {
        Some(srpm) => srpm.clone(),
        None if statement.subject.contains(named) => asked.package.clone(),
        None => asked.package.with_file_name(name),
    };
    if !srpm.is_file() {
        return Err(failed(Error::NoSource(srpm)));
    }
    if !is(named, &srpm)? {
        return Err(failed(Error::OtherSource { srpm, package: asked.package.clone() }));
    }
    Ok(srpm)
}

fn resolved(
    asked: &Rebuilding,
    statement: &Statement,
    reporter: &dyn Reporter,
) -> Result<Target, crate::Error> {
    let then = &statement.predicate.build_definition.external_parameters.target;
    // A statement is from outside: of its words only a plain name is taken, never a folder.
    let name = asked.target.clone().or_else(|| then.clone().filter(|name| !name.contains('/')));
    let name = name.ok_or(Error::NoTarget).map_err(super::Error::from)?;
    resolve(&name, asked.offline, reporter)
}

/// Whether httpd, its packages and the compiler are those of the statement.
fn demand_same(statement: &Statement, target: &Target, toolchain: &Toolchain) -> Result<(), super::Error> {
    let here = inputs::surroundings(target, toolchain)?;
    let definition = &statement.predicate.build_definition;
    let own = |name: &str| name.starts_with("target/") || name.starts_with("compiler/");
    let mut then: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in &definition.internal_parameters.values {
        then.insert(name.clone(), value.clone());
    }
    for resource in &definition.resolved_dependencies {
        then.insert(resource.name.clone(), resource.digest.get("sha256").cloned().unwrap_or_default());
    }
    then.retain(|name, _| own(name));
    // A recipe's libraries are compared where the module is linked: there they are the binary's own affair.
    then.retain(|name, _| !name.starts_with("target/library/"));
    let now: BTreeMap<String, String> = here
        .iter()
        .map(|(name, input)| {
            let digest = input.digest.get("sha256").cloned();
            (name.to_owned(), input.value.clone().or(digest).unwrap_or_default())
        })
        .collect();
    let names: std::collections::BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    // Names of packages have their versions in them, so what is told first is what says most: values.
    let mut names: Vec<&String> = names.into_iter().collect();
    names.sort_by_key(|name| order(name));
    for name in names {
        let (old, new) = (then.get(name), now.get(name));
        if old != new {
            let shown = |value: Option<&String>| value.map_or_else(|| "missing".to_owned(), Clone::clone);
            let (then, here) = (shown(old), shown(new));
            return Err(Error::Differs { what: in_words(name), then, here }.into());
        }
    }
    Ok(())
}

/// What says most first.
const WORDS: &[(&str, &str)] = &[
    ("target/arch", "the target's processor"),
    ("target/httpd", "the target's httpd"),
    ("target/mmn", "the target's module magic number"),
    ("target/glibc", "the target's C library"),
    ("compiler/version", "the compiler"),
    ("compiler/binutils", "the compiler's binutils"),
    ("compiler/flags", "CFLAGS"),
    ("target/pack", "the target's pack"),
    ("target/profile", "the target's profile"),
    ("target/variables", "what the target's apxs says"),
    ("target/files", "the target's headers and modules"),
];

fn order(name: &str) -> usize {
    WORDS.iter().position(|(known, _)| *known == name).unwrap_or(WORDS.len())
}

fn in_words(name: &str) -> String {
    match WORDS.iter().find(|(known, _)| *known == name) {
        Some((_, words)) => (*words).to_owned(),
        None => format!("the target's {}", name.trim_start_matches("target/")),
    }
}

/// Compiles and packages what was unpacked.
fn packaged(
    unpacked: &Unpacked,
    statement: &Statement,
    target: &Target,
    toolchain: &Toolchain,
    work: &Path,
    reporter: &dyn Reporter,
) -> Result<PackageSet, crate::Error> {
    let definition = &statement.predicate.build_definition;
    let Binding { symbol, exports, libraries, nevra, beside, requires, .. } =
        &definition.internal_parameters.binding;
    let time = definition.external_parameters.options.get("source-date-epoch");
    let time = time.and_then(|time| time.parse().ok());
    let time: u64 = time.ok_or_else(|| {
        let path = PathBuf::from("the provenance");
        super::Error::from(Error::Provenance { path, reason: "it has no source-date-epoch".to_owned() })
    })?;
    let mut recipe = unpacked.recipe.clone();
    recipe.libraries.clone_from(libraries);
    let options = compile::Options {
        exports: exports.clone(),
        libraries: libraries.clone(),
        out_dir: work.to_owned(),
        nevra: nevra.clone(),
        source_date_epoch: Some(time),
        limit: super::graft::COMPILE_LIMIT,
    };
    let unit = compile::Unit { module: &recipe.name, symbol, text: &unpacked.flat.1 };
    let object = stage(
        reporter,
        Stage::Compile,
        || match compile::attempt(&unit, target, toolchain, &options)? {
            Some(object) => Ok(object),
            None => compile::compile(&unit, target, toolchain, &options),
        },
        summary::compiled,
    )?;
    let expect = audit::Expect { symbol, exports, beside, libraries, headers_of: &[] };
    let audit = stage(reporter, Stage::Audit, || audit::audit(&object, &expect, target), summary::audited)?;
    Ok(package::assemble(&package::Inputs {
        recipe: &recipe,
        target,
        object: &object,
        audit: &audit,
        flat_source: (&unpacked.flat.0, &unpacked.flat.1),
        sources: &unpacked.sources,
        requires,
        upstream: &unpacked.upstream,
        extra_sources: &unpacked.extra,
        notes: &unpacked.notes,
        source_date_epoch: time,
    })?)
}

fn names(set: &PackageSet) -> String {
    set.packages().map(package::Package::file_name).collect::<Vec<_>>().join(", ")
}

impl Rebuilt {
    /// In lines, for a person.
    pub fn text(&self) -> String {
        let mut text = match (self.same, self.signature) {
            (true, Signature::Same) => format!("{}: the same bytes\n", self.package),
            (true, Signature::NotCompared) => {
                format!("{}: the same bytes, but for the signature, which was not compared\n", self.package)
            }
            (true, Signature::Differs) => {
                format!("{}: the same bytes, but for the signature, which is another\n", self.package)
            }
            (false, _) => {
                format!("{}: {}\n", self.package, summary::count(self.differences.len(), "difference"))
            }
        };
        let files = self.differences.iter().any(|one| one.part == rpm::Part::File);
        let follows = |one: &&Difference| files && one.follows_from_files();
        for one in self.differences.iter().filter(|one| !follows(one)) {
            let part = match one.part {
                rpm::Part::Lead => "lead",
                rpm::Part::File => "file",
                rpm::Part::Tag => "tag",
                rpm::Part::Header => "header",
                rpm::Part::Payload => "payload",
            };
            let name = one.name.escape_debug();
            let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
            match (&one.one, &one.other) {
                (None, None) => text.push_str(&format!("  {part} {name}\n")),
                (old, new) => {
                    text.push_str(&format!("  {part} {name}\n    - {}\n    + {}\n", shown(old), shown(new)));
                }
            }
        }
        let more = self.differences.iter().filter(follows).count();
        if more > 0 {
            text.push_str(&format!("  and {more} that follow from the files\n"));
        }
        if let (false, Some(version)) = (self.same, &self.built_by) {
            text.push_str(&format!("  it was built by modgraft {version}, and this is another\n"));
        }
        text
    }

    /// Whether nothing differs that was compared.
    pub fn is_same(&self) -> bool {
        self.same && self.signature != Signature::Differs
    }
}
