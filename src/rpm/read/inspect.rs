//! What is in a package, for a person ([`Inspection::text`]) and for programs (serde).

use std::path::Path;

use rpm::IndexTag;
use serde::Serialize;

use super::digests::DigestCheck;
use super::files;
use super::pass;
use super::signatures::{self, SignatureInfo};
use super::{Error, Opened};
use crate::package::Relation;

/// All that a package says of itself, and what came of checking it.
#[derive(Debug, Clone, Serialize)]
pub struct Inspection {
    /// `name-[epoch:]version-release.arch`.
    pub nevra: String,
    /// Whether it is a source package.
    pub is_source: bool,
    /// Name.
    pub name: String,
    /// Where it has one.
    pub epoch: Option<u64>,
    /// Version.
    pub version: String,
    /// Release.
    pub release: String,
    /// Of a source package, the processor it was made on.
    pub arch: String,
    /// One line.
    pub summary: String,
    /// Lines.
    pub description: String,
    /// As stated.
    pub license: String,
    /// The project's page.
    pub url: Option<String>,
    /// RPM group.
    pub group: Option<String>,
    /// Who gives it out.
    pub vendor: Option<String>,
    /// Who made it.
    pub packager: Option<String>,
    /// Unix seconds.
    pub build_time: Option<u64>,
    /// Where it was built.
    pub build_host: Option<String>,
    /// The source package's file name.
    pub source_rpm: Option<String>,
    /// The release of rpm that made it.
    pub rpm_version: Option<String>,
    /// Of the file, in bytes.
    pub file_size: u64,
    /// Of all files that it installs, in bytes.
    pub installed_size: u64,
    /// Provides, requires and so on.
    pub relations: Vec<RelationGroup>,
    /// In the header's order.
    pub files: Vec<InspectedFile>,
    /// Newest first.
    pub changelog: Vec<Change>,
    /// Programs that run at install and erase.
    pub scriptlets: Vec<Scriptlet>,
    /// How the files are packed.
    pub payload: PayloadInfo,
    /// Each digest that it states, checked.
    pub digests: Vec<DigestCheck>,
    /// Who says to have signed it; not checked against any key.
    pub signatures: Vec<SignatureInfo>,
}

/// All relations of one kind.
#[derive(Debug, Clone, Serialize)]
pub struct RelationGroup {
    /// `provides`.
    pub kind: &'static str,
    /// As in a spec.
    pub relations: Vec<String>,
}

/// One file.
#[derive(Debug, Clone, Serialize)]
pub struct InspectedFile {
    /// Absolute; in a source package the bare name.
    pub path: String,
    /// `-rw-r--r--`.
    pub mode: String,
    /// User.
    pub user: String,
    /// Group.
    pub group: String,
    /// In bytes.
    pub size: u64,
    /// Unix seconds.
    pub time: u64,
    /// `config`, `noreplace`, `doc`, `license`, `ghost`, `spec`, `artifact`.
    pub flags: Vec<&'static str>,
    /// Lower-case hexadecimal; empty for what is no regular file.
    pub digest: String,
    /// Where a symbolic link points.
    pub target: Option<String>,
}

/// One entry of the changelog.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// Unix seconds.
    pub time: u64,
    /// Who, and for which version.
    pub title: String,
    /// Lines.
    pub text: String,
}

/// A program that runs at install or erase.
#[derive(Debug, Clone, Serialize)]
pub struct Scriptlet {
    /// `%post`.
    pub kind: &'static str,
    /// Its interpreter with arguments.
    pub program: Vec<String>,
    /// Its text.
    pub body: String,
}

/// How the files are packed.
#[derive(Debug, Clone, Serialize)]
pub struct PayloadInfo {
    /// `cpio`.
    pub format: String,
    /// `zstd`.
    pub compressor: String,
    /// The compressor's level.
    pub flags: String,
    /// Compressed, in bytes.
    pub size: u64,
    /// Of the archive, as stated, in bytes.
    pub archive_size: Option<u64>,
}

/// Reads a package and checks its digests.
///
/// # Errors
/// [`Error::NotAPackage`], [`Error::Damaged`], [`Error::Io`]. A digest that does not hold is no error but a finding.
pub fn inspect(path: &Path) -> Result<Inspection, Error> {
    let package = Opened::open(path)?;
    let listed = files::list(&package)?;
    let field = |tag| package.text(tag).map(Option::unwrap_or_default);
    let is_source = package.metadata.is_source_package();
    let (name, version, release) =
        (field(IndexTag::RPMTAG_NAME)?, field(IndexTag::RPMTAG_VERSION)?, field(IndexTag::RPMTAG_RELEASE)?);
    if name.is_empty() {
        return Err(package.damaged("it has no name"));
    }
    let arch = field(IndexTag::RPMTAG_ARCH)?;
    let epoch = package.integer(IndexTag::RPMTAG_EPOCH)?;
    let shown_epoch = epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
    let shown_arch = if is_source { "src" } else { &arch };
    let number = |tag| package.integer(tag);
    Ok(Inspection {
        nevra: format!("{name}-{shown_epoch}{version}-{release}.{shown_arch}"),
        is_source,
        epoch,
        summary: field(IndexTag::RPMTAG_SUMMARY)?,
        description: field(IndexTag::RPMTAG_DESCRIPTION)?,
        license: field(IndexTag::RPMTAG_LICENSE)?,
        url: package.text(IndexTag::RPMTAG_URL)?,
        group: package.text(IndexTag::RPMTAG_GROUP)?,
        vendor: package.text(IndexTag::RPMTAG_VENDOR)?,
        packager: package.text(IndexTag::RPMTAG_PACKAGER)?,
        build_time: number(IndexTag::RPMTAG_BUILDTIME)?,
        build_host: package.text(IndexTag::RPMTAG_BUILDHOST)?,
        source_rpm: package.text(IndexTag::RPMTAG_SOURCERPM)?,
        rpm_version: package.text(IndexTag::RPMTAG_RPMVERSION)?,
        file_size: package.size,
        installed_size: number(IndexTag::RPMTAG_LONGSIZE)?.or(number(IndexTag::RPMTAG_SIZE)?).unwrap_or(0),
        relations: relations(&package)?,
        changelog: changelog(&package)?,
        scriptlets: scriptlets(&package)?,
        payload: PayloadInfo {
            format: field(IndexTag::RPMTAG_PAYLOADFORMAT)?,
            compressor: field(IndexTag::RPMTAG_PAYLOADCOMPRESSOR)?,
            flags: field(IndexTag::RPMTAG_PAYLOADFLAGS)?,
            size: package.size.saturating_sub(package.payload_start),
            archive_size: package.signature_entry(1007)?,
        },
        digests: pass::read(&package, Some(&listed), &[])?.digests,
        signatures: signatures::list(&package)?,
        files: listed.into_iter().map(shown).collect(),
        name,
        version,
        release,
        arch,
    })
}

fn relations(package: &Opened) -> Result<Vec<RelationGroup>, Error> {
    use IndexTag as T;
    let kinds = [
        ("provides", T::RPMTAG_PROVIDENAME, T::RPMTAG_PROVIDEFLAGS, T::RPMTAG_PROVIDEVERSION),
        ("requires", T::RPMTAG_REQUIRENAME, T::RPMTAG_REQUIREFLAGS, T::RPMTAG_REQUIREVERSION),
        ("conflicts", T::RPMTAG_CONFLICTNAME, T::RPMTAG_CONFLICTFLAGS, T::RPMTAG_CONFLICTVERSION),
        ("obsoletes", T::RPMTAG_OBSOLETENAME, T::RPMTAG_OBSOLETEFLAGS, T::RPMTAG_OBSOLETEVERSION),
        ("recommends", T::RPMTAG_RECOMMENDNAME, T::RPMTAG_RECOMMENDFLAGS, T::RPMTAG_RECOMMENDVERSION),
        ("suggests", T::RPMTAG_SUGGESTNAME, T::RPMTAG_SUGGESTFLAGS, T::RPMTAG_SUGGESTVERSION),
        ("supplements", T::RPMTAG_SUPPLEMENTNAME, T::RPMTAG_SUPPLEMENTFLAGS, T::RPMTAG_SUPPLEMENTVERSION),
        ("enhances", T::RPMTAG_ENHANCENAME, T::RPMTAG_ENHANCEFLAGS, T::RPMTAG_ENHANCEVERSION),
    ];
    let mut groups = Vec::new();
    for (kind, names, flags, versions) in kinds {
        let (flags, versions) = (package.integers(flags)?, package.texts(versions)?);
        let relations = package.texts(names)?.into_iter().enumerate().map(|(index, name)| {
            let version = versions.get(index).cloned().unwrap_or_default();
            let flags = flags.get(index).map_or(0, |flags| *flags as u32);
            Relation { name, version, flags }.text()
        });
        groups.push(RelationGroup { kind, relations: relations.collect() });
    }
    groups.retain(|group| !group.relations.is_empty());
    Ok(groups)
}

pub(super) fn changelog(package: &Opened) -> Result<Vec<Change>, Error> {
    let times = package.integers(IndexTag::RPMTAG_CHANGELOGTIME)?;
    let (titles, texts) =
        (package.texts(IndexTag::RPMTAG_CHANGELOGNAME)?, package.texts(IndexTag::RPMTAG_CHANGELOGTEXT)?);
    let changes = times.into_iter().zip(titles).zip(texts);
    Ok(changes.map(|((time, title), text)| Change { time, title, text }).collect())
}

fn scriptlets(package: &Opened) -> Result<Vec<Scriptlet>, Error> {
    use IndexTag as T;
    let kinds = [
        ("%pretrans", T::RPMTAG_PRETRANS, T::RPMTAG_PRETRANSPROG),
        ("%pre", T::RPMTAG_PREIN, T::RPMTAG_PREINPROG),
        ("%post", T::RPMTAG_POSTIN, T::RPMTAG_POSTINPROG),
        ("%preun", T::RPMTAG_PREUN, T::RPMTAG_PREUNPROG),
        ("%postun", T::RPMTAG_POSTUN, T::RPMTAG_POSTUNPROG),
        ("%posttrans", T::RPMTAG_POSTTRANS, T::RPMTAG_POSTTRANSPROG),
        ("%verifyscript", T::RPMTAG_VERIFYSCRIPT, T::RPMTAG_VERIFYSCRIPTPROG),
    ];
    let mut scriptlets = Vec::new();
    for (kind, body, program) in kinds {
        let (body, program) = (package.text(body)?, package.texts(program)?);
        if body.is_some() || !program.is_empty() {
            scriptlets.push(Scriptlet { kind, program, body: body.unwrap_or_default() });
        }
    }
    let triggers = [
        ("%trigger", T::RPMTAG_TRIGGERSCRIPTS, T::RPMTAG_TRIGGERSCRIPTPROG),
        ("%filetrigger", T::RPMTAG_FILETRIGGERSCRIPTS, T::RPMTAG_FILETRIGGERSCRIPTPROG),
        ("%transfiletrigger", T::RPMTAG_TRANSFILETRIGGERSCRIPTS, T::RPMTAG_TRANSFILETRIGGERSCRIPTPROG),
    ];
    for (kind, bodies, programs) in triggers {
        let programs = package.texts(programs)?;
        let triggers = package.texts(bodies)?.into_iter().enumerate();
        scriptlets.extend(triggers.map(|(index, body)| {
            let program = programs.get(index).cloned().into_iter().collect();
            Scriptlet { kind, program, body }
        }));
    }
    Ok(scriptlets)
}

/// Flags by their bits (lib/rpmfiles.h).
const FLAGS: [(u32, &str); 9] = [
    (0, "config"),
    (1, "doc"),
    (3, "missingok"),
    (4, "noreplace"),
    (5, "spec"),
    (6, "ghost"),
    (7, "license"),
    (8, "readme"),
    (12, "artifact"),
];

fn shown(file: files::Listed) -> InspectedFile {
    InspectedFile {
        mode: mode(file.mode),
        flags: FLAGS
            .into_iter()
            .filter(|(bit, _)| file.flags >> bit & 1 == 1)
            .map(|(_, name)| name)
            .collect(),
        target: (!file.target.is_empty()).then_some(file.target),
        path: file.path,
        user: file.user,
        group: file.group,
        size: file.size,
        time: file.time,
        digest: file.digest,
    }
}

/// As `ls -l` shows it.
fn mode(mode: u16) -> String {
    let kind = match mode & 0o170_000 {
        0o040_000 => 'd',
        0o120_000 => 'l',
        0o060_000 => 'b',
        0o020_000 => 'c',
        0o010_000 => 'p',
        0o140_000 => 's',
        _ => '-',
    };
    let bits = [
        (0o400, 'r', None),
        (0o200, 'w', None),
        (0o100, 'x', Some((0o4000, 's', 'S'))),
        (0o040, 'r', None),
        (0o020, 'w', None),
        (0o010, 'x', Some((0o2000, 's', 'S'))),
        (0o004, 'r', None),
        (0o002, 'w', None),
        (0o001, 'x', Some((0o1000, 't', 'T'))),
    ];
    let permissions = bits.into_iter().map(|(bit, letter, special)| match (mode & bit != 0, special) {
        (true, Some((bit, with, _))) if mode & bit != 0 => with,
        (false, Some((bit, _, without))) if mode & bit != 0 => without,
        (true, _) => letter,
        (false, _) => '-',
    });
    std::iter::once(kind).chain(permissions).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn modes_read_as_ls_shows_them() {
        for (mode, text) in [
            (0o100_644, "-rw-r--r--"),
            (0o100_755, "-rwxr-xr-x"),
            (0o040_755, "drwxr-xr-x"),
            (0o120_777, "lrwxrwxrwx"),
            (0o104_755, "-rwsr-xr-x"),
            (0o041_777, "drwxrwxrwt"),
            (0o104_644, "-rwSr--r--"),
        ] {
            assert_eq!(super::mode(mode), text);
        }
    }
}
