//! An httpd as it lies in one or more roots: which of its parts are there, and the [`Target`] that they make.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::elf;
use super::interface::Contents;
use super::libraries::Libraries;
use super::roots::Roots;
use super::variables::{self, Variables};
use super::{Error, GlibcVersion, Layout, Mmn, Provenance, Target};
use crate::c::directive;
use crate::machine::Machine;
use crate::profile::Profile;

/// The parts of an httpd that were found.
#[derive(Debug)]
pub struct Parts {
    /// Where they are.
    pub roots: Roots,
    /// Variables and headers, which are of use together only.
    pub headers: Option<Headers>,
    /// The httpd program.
    pub program: Option<PathBuf>,
}

/// httpd's development files.
#[derive(Debug)]
pub struct Headers {
    variables: Variables,
    include_dirs: Vec<PathBuf>,
}

/// Where distributions put APR's headers, asked where the variables do not tell (httpd 2.2).
const APR_FOLDERS: &[&str] = &["/usr/include/apr-1", "/usr/include/apr-1.0"];

/// Looks for the parts of an httpd.
///
/// # Errors
/// `$APXS` names no apxs, or a file cannot be read.
pub fn find(roots: Roots, profile: &Profile) -> Result<Parts, Error> {
    let variables = variables::find(&roots, &profile.httpd.config_vars)?;
    let program = match &variables {
        Some(variables) => program(&roots, variables),
        None => profile.httpd.programs.iter().find_map(|program| roots.find(program)),
    };
    let headers = variables.and_then(|variables| {
        let include_dirs = include_dirs(&roots, &variables);
        missing_header(&include_dirs).is_none().then(|| Headers::new(variables, include_dirs))
    });
    Ok(Parts { roots, headers, program })
}

/// The httpd program that the variables tell of.
pub fn program(roots: &Roots, variables: &Variables) -> Option<PathBuf> {
    let folder = variables.folder("sbindir")?;
    roots.find(&format!("{folder}/{}", program_name(variables)))
}

/// The first of the headers that a target must have which is in none of the folders.
pub fn missing_header(include_dirs: &[PathBuf]) -> Option<&'static str> {
    let has = |header: &str| include_dirs.iter().any(|folder| folder.join(header).is_file());
    ["httpd.h", "ap_mmn.h", "ap_release.h", "apr.h", "apr_version.h", "apu.h"]
        .into_iter()
        .find(|header| !has(header))
}

fn program_name(variables: &Variables) -> String {
    variables.get("progname").filter(|name| !name.is_empty()).unwrap_or_else(|| "httpd".to_owned())
}

/// httpd's, APR's and APR-util's header folders, in the order of apxs.
pub fn include_dirs(roots: &Roots, variables: &Variables) -> Vec<PathBuf> {
    let mut names: Vec<String> = Vec::new();
    names.extend(variables.folder("includedir"));
    for variable in ["APR_INCLUDEDIR", "APU_INCLUDEDIR"] {
        names.extend(variables.get(variable).filter(|path| path.starts_with('/')));
    }
    if names.len() < 2 {
        for variable in ["EXTRA_INCLUDES", "INCLUDES"] {
            let flags = variables.get(variable).unwrap_or_default();
            names.extend(
                flags
                    .split_whitespace()
                    .filter_map(|flag| flag.strip_prefix("-I/"))
                    .map(|path| format!("/{path}")),
            );
        }
        names.extend(APR_FOLDERS.iter().map(|folder| (*folder).to_owned()));
        names.retain(|name| name != "/usr/include");
    }
    let mut folders = Vec::new();
    for folder in names.iter().filter_map(|name| roots.find(name)) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders
}

impl Headers {
    /// Headers that are whole ([`missing_header`]), and the variables of the same httpd.
    pub fn new(variables: Variables, include_dirs: Vec<PathBuf>) -> Self {
        Headers { variables, include_dirs }
    }

    /// The httpd version that the headers are of.
    pub fn version(&self) -> Result<String, Error> {
        let header = Defines::read(&self.include_dirs, "ap_release.h")?;
        let part = |name: &str| header.number(name);
        let (major, minor) = (part("AP_SERVER_MAJORVERSION_NUMBER")?, part("AP_SERVER_MINORVERSION_NUMBER")?);
        Ok(format!("{major}.{minor}.{}", part("AP_SERVER_PATCHLEVEL_NUMBER")?))
    }

    /// Whether they lie in this root.
    pub fn are_below(&self, root: &Path) -> bool {
        self.include_dirs.iter().all(|folder| folder.starts_with(root))
    }

    /// httpd's configuration folder on the target.
    pub fn sysconfdir(&self) -> Option<String> {
        self.variables.folder("sysconfdir")
    }

    /// Where the httpd program should be.
    pub fn program(&self) -> PathBuf {
        let folder = self.variables.folder("sbindir").unwrap_or_default();
        Path::new(&folder).join(program_name(&self.variables))
    }

    fn apr_version(&self) -> Result<String, Error> {
        let header = Defines::read(&self.include_dirs, "apr_version.h")?;
        let part = |name: &str| header.number(name);
        Ok(format!(
            "{}.{}.{}",
            part("APR_MAJOR_VERSION")?,
            part("APR_MINOR_VERSION")?,
            part("APR_PATCH_VERSION")?
        ))
    }
}

/// The version that an httpd program states of itself: the first `Apache/2.4.62` in its text.
pub fn program_version(program: &Path) -> Result<Option<String>, Error> {
    let content = fs_err::read(program)?;
    let versions = memchr::memmem::find_iter(&content, b"Apache/").filter_map(|at| {
        let rest = &content[at + b"Apache/".len()..];
        let end = rest.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.')?;
        let version = std::str::from_utf8(&rest[..end]).ok()?;
        (version.split('.').filter(|part| !part.is_empty()).count() == 3).then(|| version.to_owned())
    });
    Ok(versions.into_iter().next())
}

/// Makes the target of the parts; `profile` is the distribution's.
///
/// # Errors
/// Headers or variables that do not say what httpd's own say.
pub fn target(
    name: &str,
    roots: &Roots,
    headers: Headers,
    program: PathBuf,
    profile: &Profile,
    provenance: Provenance,
) -> Result<Target, Error> {
    let advice = host_profile().advice.clone();
    let mmn = Defines::read(&headers.include_dirs, "ap_mmn.h")?;
    let cookie = mmn.number("MODULE_MAGIC_COOKIE")?;
    let mmn = Mmn {
        major: mmn.number("MODULE_MAGIC_NUMBER_MAJOR")?,
        minor: mmn.number("MODULE_MAGIC_NUMBER_MINOR")?,
    };

    let binary = elf::header(&program).ok_or_else(|| Error::Malformed {
        path: program.clone(),
        reason: "the httpd program is not an ELF file".to_owned(),
        help: format!("install it anew: {}", profile.advice.httpd),
    })?;
    let machine = binary.machine().ok_or_else(|| Error::Malformed {
        path: program.clone(),
        reason: format!("its processor (ELF machine {}) is not known", binary.machine.0),
        help: "report this as a defect of modgraft".to_owned(),
    })?;
    let libraries = Libraries::of(roots, binary);
    let libraries = match &provenance {
        Provenance::Prefix { root } => libraries.searching_first(own_folders(root, &program)),
        Provenance::Installed | Provenance::Fetched { .. } | Provenance::Sysroot { .. } => libraries,
    };
    let glibc = libraries.glibc().unwrap_or(GlibcVersion { major: 2, minor: 0 });

    let folder = |name: &str| {
        headers.variables.folder(name).ok_or_else(|| Error::Malformed {
            path: PathBuf::from("config_vars.mk"),
            reason: format!("httpd's variables do not state `{name}`"),
            help: profile.advice.httpd.clone(),
        })
    };
    let (libexecdir, sysconfdir) = (folder("libexecdir")?, folder("sysconfdir")?);
    let modules_dir = roots.find(&libexecdir).ok_or_else(|| Error::Malformed {
        path: PathBuf::from(&libexecdir),
        reason: "httpd's folder of modules is not there".to_owned(),
        help: profile.advice.httpd.clone(),
    })?;
    let library_path = match &provenance {
        Provenance::Installed | Provenance::Prefix { .. } => Vec::new(),
        Provenance::Fetched { root, .. } | Provenance::Sysroot { root, .. } => libraries.below(root),
    };
    let loader = match &provenance {
        Provenance::Sysroot { .. } => elf::interpreter(&program).and_then(|name| roots.find(&name)),
        Provenance::Installed | Provenance::Prefix { .. } | Provenance::Fetched { .. } => None,
    };
    let httpd_version = headers.version()?;
    let profile = profile.for_httpd(&sysconfdir, &httpd_version);
    let requirement = mmn_requirement(&headers.include_dirs, &profile.packaging.httpd_mmn, mmn, machine);
    let mut layout = Layout::of(&profile, &libexecdir, &sysconfdir, requirement);
    layout.httpd_is_packaged = !matches!(provenance, Provenance::Prefix { .. });
    Ok(Target {
        name: name.to_owned(),
        machine,
        cookie,
        profile: Arc::new(profile),
        httpd_version,
        apr_version: headers.apr_version()?,
        variables: headers.variables.expanded(),
        layout,
        mmn,
        include_dirs: headers.include_dirs,
        modules_dir,
        program: Some(program),
        library_path,
        loader,
        libraries,
        glibc,
        advice,
        provenance,
        contents: Contents::default(),
    })
}

/// The profile of this host.
pub fn host_profile() -> Arc<Profile> {
    Roots::host().distribution().map_or_else(Profile::local, |distribution| distribution.profile())
}

/// The folders with libraries that an httpd in a prefix of its own brings along: those that the program names, and `lib`.
fn own_folders(prefix: &Path, program: &Path) -> Vec<PathBuf> {
    let named = elf::parse_without_symbols(program).unwrap_or_default().run_paths;
    let origin = program.parent().unwrap_or(Path::new("/")).to_string_lossy();
    let folders = named.iter().flat_map(|(_, path)| path.split(':'));
    let folders = folders.map(|folder| Libraries::with_origin(folder, &origin).into());
    folders.chain([prefix.join("lib")]).filter(|folder: &PathBuf| folder.is_dir()).collect()
}

/// What `httpd-mmn` must equal: `.mmn` beside httpd's headers, where the distribution has it, has the exact form; else the
/// profile says the form.
fn mmn_requirement(include_dirs: &[PathBuf], form: &str, mmn: Mmn, machine: &Machine) -> String {
    let stated = include_dirs.iter().find_map(|folder| fs_err::read_to_string(folder.join(".mmn")).ok());
    let stated = stated.map(|text| text.trim().to_owned());
    stated
        .filter(|text| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
        .unwrap_or_else(|| {
            form.replace("{mmn}", &mmn.major.to_string()).replace("{isa}", &machine.mmn_mark())
        })
}

/// The numbers that a header defines.
struct Defines {
    path: PathBuf,
    text: String,
}

impl Defines {
    fn read(include_dirs: &[PathBuf], header: &str) -> Result<Self, Error> {
        let path = include_dirs.iter().map(|folder| folder.join(header)).find(|path| path.is_file());
        let path = path.unwrap_or_else(|| Path::new(header).to_owned());
        let bytes = fs_err::read(&path)?;
        Ok(Defines { path, text: String::from_utf8_lossy(&bytes).into_owned() })
    }

    /// The value of `#define NAME 123`, or `0x41503234UL`.
    fn number(&self, name: &str) -> Result<u32, Error> {
        number(&self.text, name).ok_or_else(|| Error::Malformed {
            path: self.path.clone(),
            reason: format!("it does not define `{name}` as a number"),
            help: "install httpd's and APR's headers anew".to_owned(),
        })
    }
}

fn number(text: &str, name: &str) -> Option<u32> {
    text.lines().find_map(|line| {
        let line = directive::behind(line, "define")?;
        let value = line.trim_start().strip_prefix(name)?;
        let value = value
            .strip_prefix([' ', '\t'])?
            .split_whitespace()
            .next()?
            .trim_end_matches(['U', 'L', 'u', 'l']);
        match value.strip_prefix("0x") {
            Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok(),
            None => value.parse().ok(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_whichever_way_they_are_written() {
        let text =
            "#define A 20120211\n# define\tB 0x41503234UL /* \"AP24\" */\n#define AB 3\n#define C NAME\n";
        assert_eq!(number(text, "A"), Some(20_120_211));
        assert_eq!(number(text, "B"), Some(0x4150_3234));
        assert_eq!(number(text, "C"), None);
        assert_eq!(number(text, "D"), None);
    }

    #[test]
    fn a_program_states_its_version() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let version = |content: &[u8]| {
            fs_err::write(file.path(), content).unwrap();
            program_version(file.path()).unwrap()
        };
        assert_eq!(version(b"\0Apache/%s\0Apache/2.4.62\0Apache/9.9.9\0").as_deref(), Some("2.4.62"));
        assert_eq!(version(b"Apache/2.4"), None);
    }

    #[test]
    fn the_mmn_file_of_the_distribution_decides_the_form() {
        let folder = tempfile::tempdir().unwrap();
        let dirs = [folder.path().to_owned()];
        let machine = Machine::of_host().unwrap();
        let mmn = Mmn { major: 20_120_211, minor: 3 };
        let requirement = |form: &str| mmn_requirement(&dirs, form, mmn, machine);
        assert_eq!(requirement("{mmn}{isa}"), format!("20120211{}", machine.mmn_mark()));
        assert_eq!(requirement("{mmn}"), "20120211");
        fs_err::write(folder.path().join(".mmn"), "20051115\n").unwrap();
        assert_eq!(requirement("{mmn}{isa}"), "20051115");
        fs_err::write(folder.path().join(".mmn"), "%(rm -rf)\n").unwrap();
        assert_eq!(requirement("{mmn}{isa}"), format!("20120211{}", machine.mmn_mark()));
    }
}
