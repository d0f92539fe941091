//! What a person is told of each stage's value, and at the end.

use crate::adapt::Adapted;
use crate::adapt::pack::Risk;
use crate::audit::Audit;
use crate::changeset::Changeset;
use crate::check::CheckResult;
use crate::compile::SharedObject;
use crate::flatten::{Outcome, TranslationUnit};
use crate::package::{PackageSet, Relation};
use crate::sign::Key;
use crate::target::{Provenance, Target};

use super::graft::Graft;
use crate::changeset::Class;

/// `16 files, 38 hunks: kept 3; stripped 11 (build system), 2 (documentation)`.
pub fn changeset(changeset: &Changeset) -> String {
    let hunks: usize = changeset.files.iter().map(|file| file.hunks.len()).sum();
    let of = |class| changeset.files.iter().filter(|file| file.class == class).count();
    let classes = [
        (Class::BuildSystem, "build system"),
        (Class::Documentation, "documentation"),
        (Class::Test, "tests"),
    ];
    let stripped: Vec<String> = classes
        .into_iter()
        .filter(|(class, _)| of(*class) > 0)
        .map(|(class, words)| format!("{} ({words})", of(class)))
        .collect();
    let kept = changeset.files.iter().filter(|file| !file.class.is_stripped()).count();
    if hunks == 0 && changeset.files.iter().all(|file| file.hunks.is_empty()) {
        let headers = of(Class::PrivateHeader);
        return format!(
            "{} of the module, {}",
            count(of(Class::ModuleSource), "source"),
            count(headers, "header")
        );
    }
    let stripped = if stripped.is_empty() { "none".to_owned() } else { stripped.join(", ") };
    format!(
        "{}, {}: kept {kept}, stripped {stripped}",
        count(changeset.files.len(), "file"),
        count(hunks, "hunk")
    )
}

/// `local: httpd 2.4.68, MMN 20120211:141, glibc 2.36, x86_64`.
pub fn target(target: &Target) -> String {
    let from = match &target.provenance {
        Provenance::Installed | Provenance::Prefix { .. } | Provenance::Sysroot { .. } => "",
        Provenance::Fetched { .. } => ", from the cache",
    };
    format!(
        "{}: httpd {}, MMN {}, glibc {}, {}{from}",
        target.name, target.httpd_version, target.mmn, target.glibc, target.machine
    )
}

/// `702 lines; inlined 2 from proxy_util.c`.
pub fn flattened(unit: &TranslationUnit) -> String {
    let lines: usize = unit.pieces.iter().map(|piece| piece.text.lines().count()).sum();
    let inlined: Vec<String> = inlined_by_file(unit)
        .into_iter()
        .map(|(file, names)| format!("{} from {file}", names.len()))
        .collect();
    match inlined.as_slice() {
        [] => format!("{lines} lines, nothing inlined"),
        inlined => format!("{lines} lines, inlined {}", inlined.join(", ")),
    }
}

/// `2 rounds, 9 edits by 5 rules; 1 loses a function`.
pub fn adapted(adapted: &Adapted) -> String {
    let rules: std::collections::BTreeSet<&str> =
        adapted.edits.iter().map(|edit| edit.rule.as_str()).collect();
    if rules.is_empty() {
        return "fits as it is".to_owned();
    }
    let mut text = format!(
        "{} by {}, {}",
        count(adapted.edits.len(), "edit"),
        count(rules.len(), "rule"),
        count(adapted.rounds, "round")
    );
    for risk in [Risk::LosesFunction, Risk::ChangesBehaviour] {
        match adapted.edits.iter().filter(|edit| edit.risk == risk).count() {
            0 => {}
            number => text.push_str(&format!("; {number} {}", risk.words())),
        }
    }
    text
}

/// The file names that declarations were inlined from, with the declarations' names.
fn inlined_by_file(unit: &TranslationUnit) -> Vec<(&str, Vec<&str>)> {
    let mut files: Vec<(&str, Vec<&str>)> = Vec::new();
    for fate in unit.record.iter().filter(|fate| fate.outcome == Outcome::Inlined) {
        let file = fate.file.rsplit('/').next().unwrap_or(&fate.file);
        match files.iter_mut().find(|(known, _)| *known == file) {
            Some((_, names)) => names.push(&fate.name),
            None => files.push((file, vec![&fate.name])),
        }
    }
    files
}

/// `cc, no warnings`.
pub fn compiled(object: &SharedObject) -> String {
    let program =
        object.call.program.file_name().unwrap_or(object.call.program.as_os_str()).to_string_lossy();
    match object.warnings.len() {
        0 => format!("{program}, no warnings"),
        warnings => format!("{program}, {}", count(warnings, "warning")),
    }
}

/// `exports proxy_wstunnel_module; needs proxy_module loaded before it; nothing above GLIBC_2.34`.
pub fn audited(audit: &Audit) -> String {
    let mut parts = vec![format!("exports {}", audit.exports.join(", "))];
    if !audit.load_after.is_empty() {
        let modules: Vec<&str> = audit.load_after.iter().map(|module| module.symbol.as_str()).collect();
        parts.push(format!("needs {} loaded before it", modules.join(", ")));
    }
    if let Some(glibc) = audit.glibc {
        parts.push(format!("nothing above GLIBC_{glibc}"));
    }
    parts.join("; ")
}

/// `3 packages signed by 4F2A 91C0 (development key)`.
pub fn signed(count: usize, key: Option<&Key>) -> String {
    match key {
        None => format!("{count} packages, unsigned"),
        Some(key) if key.development => {
            format!("{count} packages signed by {} (development key)", key.short_id())
        }
        Some(key) => format!("{count} packages signed by {}", key.short_id()),
    }
}

/// `httpd loads it; 4 of 4 checks answered`.
pub fn checked(result: &CheckResult) -> String {
    match result.checks.len() {
        0 => "httpd loads it; the recipe has no checks".to_owned(),
        all => format!("httpd loads it; {} of {all} checks answered", result.passed()),
    }
}

/// The end of a good build: hunks stripped, what was inlined from where, what the package requires.
pub fn lines(graft: &Graft, set: &PackageSet, not_checked: Option<&str>) -> Vec<String> {
    let stripped: usize = graft
        .ready
        .changeset
        .files
        .iter()
        .flat_map(|file| &file.hunks)
        .filter(|hunk| hunk.class.is_stripped())
        .count();
    let hunks: usize = graft.ready.changeset.files.iter().map(|file| file.hunks.len()).sum();
    let mut lines = Vec::new();
    if hunks > 0 {
        lines.push(format!("stripped {stripped} of {}", count(hunks, "hunk")));
    }
    for (file, names) in inlined_by_file(&graft.adapted.unit) {
        lines.push(format!("inlined from {file}: {}", names.join(", ")));
    }
    let requires = set.binary.requires.iter().map(Relation::text);
    let requires: Vec<String> = requires.filter(|name| !name.starts_with("rpmlib(")).collect();
    lines.push(format!("requires {}", requires.join(", ")));
    for name in graft.packages_required() {
        lines.push(format!("{name} must be installed with it: build its package too"));
    }
    if let Some(command) = graft.ready.target.layout.enable.as_deref() {
        let name = graft.ready.recipe.name.strip_prefix("mod_").unwrap_or(&graft.ready.recipe.name);
        lines.push(format!("after the installation: {}", command.replace("{name}", name)));
    }
    if let Some(reason) = not_checked {
        lines.push(format!("not checked in a real httpd: {reason}"));
    }
    lines
}

pub fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}
