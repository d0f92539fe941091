//! `report.json`: everything that was decided in a build, with its reason, and the digests of what came of it.
//!
//! It has no times and no paths of the machine, so the same input gives the same bytes.

use serde::Serialize;

use super::graft::Graft;
use super::inputs::Inputs;
use crate::adapt::Edit;
use crate::audit::Audit;
use crate::changeset::{Action, Class, FileChange, HunkRecord};
use crate::check::{CheckResult, Outcome};
use crate::compile::{CompilerCall, SharedObject};
use crate::flatten::Fate;
use crate::hash::{hex, sha256};
use crate::machine::Machine;
use crate::package::Package;
use crate::sign::Key;
use crate::target::{Provenance, Target};

/// The whole report.
#[derive(Debug, Serialize)]
pub struct Record<'a> {
    /// The version of modgraft that built.
    pub modgraft: &'static str,
    /// All that went into it, by its digest.
    pub inputs: &'a Inputs,
    pub module: Module<'a>,
    pub source: Source<'a>,
    pub changeset: Vec<File<'a>>,
    pub target: Httpd<'a>,
    pub flatten: Flat<'a>,
    /// What was changed so that the module fits the target.
    pub adapt: Fitted<'a>,
    pub compile: Compiled<'a>,
    pub audit: &'a Audit,
    pub packages: Vec<PackageFile>,
    pub signed_by: Option<&'a Key>,
    /// The checks that a real httpd answered; `None` where they were left out.
    pub checks: Option<Vec<Answer<'a>>>,
    /// Why they were left out.
    pub not_checked: Option<&'a str>,
}

#[derive(Debug, Serialize)]
pub struct Module<'a> {
    pub name: &'a str,
    pub symbol: &'a str,
    pub version: &'a str,
    pub release: &'a str,
    pub license: &'a str,
    /// What was worked out and not stated.
    pub assumptions: &'a [String],
}

#[derive(Debug, Serialize)]
pub struct Source<'a> {
    pub description: &'a str,
    pub patches: Vec<Patch<'a>>,
    /// Of a module that no patch brings: upstream's files that are in the C file.
    pub files: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
pub struct Patch<'a> {
    pub name: &'a str,
    pub sha256: &'a str,
    pub commit: Option<&'a str>,
}

#[derive(Debug, Serialize)]
pub struct File<'a> {
    pub path: &'a str,
    pub renamed_from: Option<&'a str>,
    pub action: Action,
    pub class: Class,
    pub rule: &'a str,
    pub why: &'a str,
    pub hunks: &'a [HunkRecord],
}

#[derive(Debug, Serialize)]
pub struct Httpd<'a> {
    pub name: &'a str,
    pub arch: &'static Machine,
    pub httpd: &'a str,
    pub mmn: String,
    pub glibc: String,
    /// `installed`, `a prefix`, `a sysroot`, `a pack, ID`, or the distribution's packages that were fetched.
    pub provenance: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct Flat<'a> {
    pub file: String,
    pub lines: usize,
    pub declarations: &'a [Fate],
}

#[derive(Debug, Serialize)]
pub struct Fitted<'a> {
    /// How often the compiler was asked.
    pub rounds: usize,
    pub edits: &'a [Edit],
    /// Rules that were allowed to change what the module does, used or not.
    pub accepted: &'a [String],
    pub overlays: Vec<Overlay<'a>>,
    /// Modules that must be there first, and that the target does not have.
    pub requires: Vec<String>,
}

/// A patch that a person made of the flattened file.
#[derive(Debug, Serialize)]
pub struct Overlay<'a> {
    pub file: &'a str,
    pub sha256: String,
    pub message: &'a str,
}

#[derive(Debug, Serialize)]
pub struct Compiled<'a> {
    pub call: &'a CompilerCall,
    pub warnings: &'a [String],
    pub build_id: String,
}

/// A package that was written.
#[derive(Debug, Serialize)]
pub struct PackageFile {
    pub file: String,
    pub size: u64,
    pub sha256: String,
    pub requires: Vec<String>,
    pub provides: Vec<String>,
}

impl PackageFile {
    pub fn new(package: &Package, size: u64, sha256: String) -> Self {
        let words = |relations: &[crate::package::Relation]| {
            relations.iter().map(crate::package::Relation::text).collect()
        };
        PackageFile {
            file: package.file_name(),
            size,
            sha256,
            requires: words(&package.requires),
            provides: words(&package.provides),
        }
    }
}

#[derive(Debug, Serialize)]
pub struct Answer<'a> {
    pub name: &'a str,
    pub outcome: &'a Outcome,
}

impl<'a> Record<'a> {
    /// Brings together what the stages returned.
    pub fn new(
        graft: &'a Graft,
        inputs: &'a Inputs,
        object: &'a SharedObject,
        audit: &'a Audit,
        packages: Vec<PackageFile>,
        signed_by: Option<&'a Key>,
        checks: Result<&'a CheckResult, &'a str>,
    ) -> Self {
        let recipe = &graft.ready.recipe;
        Record {
            modgraft: env!("CARGO_PKG_VERSION"),
            inputs,
            module: Module {
                name: &recipe.name,
                symbol: &graft.ready.module.symbol,
                version: &recipe.version,
                release: &recipe.release,
                license: &recipe.license,
                assumptions: &recipe.assumptions,
            },
            source: Source {
                description: &graft.ready.sources.description,
                patches: graft.ready.sources.patches.iter().map(patch).collect(),
                files: whole_files(graft),
            },
            changeset: graft.ready.changeset.files.iter().map(file).collect(),
            target: httpd(&graft.ready.target),
            flatten: Flat {
                file: graft.file_name(),
                lines: graft.text.lines().count(),
                declarations: &graft.adapted.unit.record,
            },
            adapt: Fitted {
                rounds: graft.adapted.rounds,
                edits: &graft.adapted.edits,
                accepted: &graft.accepted,
                overlays: graft
                    .overlays
                    .iter()
                    .map(|overlay| Overlay {
                        file: &overlay.path,
                        sha256: sha256(overlay.text.as_bytes()),
                        message: &overlay.message,
                    })
                    .collect(),
                requires: graft.packages_required(),
            },
            compile: Compiled {
                call: &object.call,
                warnings: &object.warnings,
                build_id: hex(&object.build_id),
            },
            audit,
            packages,
            signed_by,
            not_checked: checks.err(),
            checks: checks.ok().map(|result| {
                result
                    .checks
                    .iter()
                    .map(|check| Answer { name: &check.name, outcome: &check.outcome })
                    .collect()
            }),
        }
    }

    /// Pretty-printed JSON with a final newline.
    pub fn json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a report is plain data");
        text.push('\n');
        text
    }
}

fn whole_files(graft: &Graft) -> Vec<&str> {
    let none = !graft.ready.sources.patches.is_empty();
    graft.adapted.unit.sources.keys().filter(|_| !none).map(|path| &**path).collect()
}

fn patch(patch: &crate::source::PatchFile) -> Patch<'_> {
    Patch { name: &patch.name, sha256: &patch.sha256, commit: patch.commit.as_deref() }
}

fn file(file: &FileChange) -> File<'_> {
    File {
        path: &file.path,
        renamed_from: file.renamed_from.as_deref(),
        action: file.action,
        class: file.class,
        rule: &file.reason.rule,
        why: &file.reason.why,
        hunks: &file.hunks,
    }
}

fn httpd(target: &Target) -> Httpd<'_> {
    Httpd {
        // A sysroot may be anywhere; a prefix is where it is on the target.
        name: target.sysroot().map_or(&target.name, |_| "sysroot"),
        arch: target.machine,
        httpd: &target.httpd_version,
        mmn: target.mmn.to_string(),
        glibc: target.glibc.to_string(),
        provenance: match &target.provenance {
            Provenance::Installed => vec!["installed".to_owned()],
            Provenance::Fetched { packages, .. } => packages.clone(),
            Provenance::Prefix { .. } => vec!["a prefix".to_owned()],
            Provenance::Sysroot { pack: Some(pack), .. } => vec![format!("a pack, {}", pack.id)],
            Provenance::Sysroot { pack: None, .. } => vec!["a sysroot".to_owned()],
        },
    }
}
