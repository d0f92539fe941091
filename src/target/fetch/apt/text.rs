//! What apt and dpkg write and read: their outputs, the status file, a configuration.

use std::path::Path;

/// The packages that are installed.
pub struct Installed {
    status: String,
}

impl Installed {
    /// Takes dpkg's status.
    pub fn of(status: String) -> Self {
        Installed { status }
    }

    /// The version of an installed package.
    pub fn version(&self, package: &str) -> Option<&str> {
        self.status.split("\n\n").find_map(|stanza| {
            let fields = Fields::of(stanza);
            (fields.package == package && fields.installed).then_some(fields.version)
        })
    }
}

/// What a stanza of dpkg's status says.
#[derive(Default)]
struct Fields<'a> {
    package: &'a str,
    source: Option<&'a str>,
    version: &'a str,
    installed: bool,
}

impl<'a> Fields<'a> {
    fn of(stanza: &'a str) -> Self {
        let mut fields = Fields::default();
        for (name, value) in stanza.lines().filter_map(|line| line.split_once(": ")) {
            match name {
                "Package" => fields.package = value,
                // `Source: apr (1.7.2-3)`, where the version differs.
                "Source" => fields.source = value.split(' ').next(),
                "Version" => fields.version = value,
                "Status" => fields.installed = value.ends_with(" installed"),
                _ => {}
            }
        }
        fields
    }
}

/// dpkg's status without the binaries of some source packages.
pub fn without(status: &str, sources: &[String]) -> String {
    let kept = status.split("\n\n").filter(|stanza| {
        let fields = Fields::of(stanza);
        !sources.iter().any(|source| source == fields.source.unwrap_or(fields.package))
    });
    kept.map(|stanza| format!("{}\n\n", stanza.trim_matches('\n'))).collect()
}

/// A line of `--print-uris`: `'URI' NAME_VERSION_ARCH.deb BYTES DIGEST`.
pub struct File {
    /// Its name, without a folder.
    pub name: String,
    /// The package's name.
    pub package: String,
    /// The package's version.
    pub version: String,
    /// Its size.
    pub bytes: u64,
}

impl File {
    /// Reads a line; others than such give `None`.
    pub fn parse(line: &str) -> Option<Self> {
        let (_, rest) = line.strip_prefix('\'')?.split_once("' ")?;
        let mut words = rest.split_whitespace();
        let name = words.next().filter(|name| !name.contains('/'))?;
        let bytes = words.next()?.parse().ok()?;
        let mut parts = name.strip_suffix(".deb")?.split('_');
        let (package, version) = (parts.next()?, parts.next()?);
        // An epoch's colon is escaped in file names.
        let version = version.replace("%3a", ":");
        Some(File { name: name.to_owned(), package: package.to_owned(), version, bytes })
    }
}

/// A line of a simulated installation, `Inst NAME [OLD] (VERSION ORIGIN [ARCH])`: the name, and `NAME:ARCH=VERSION`.
pub fn simulated_install(line: &str) -> Option<(String, String)> {
    let rest = line.strip_prefix("Inst ")?;
    let name = rest.split_whitespace().next()?;
    let inside = rest.split_once('(')?.1.split_once(')')?.0;
    let version = inside.split_whitespace().next()?;
    let architecture = inside.rsplit_once('[')?.1.strip_suffix(']')?;
    let bare = name.split(':').next()?;
    // Packages of every architecture are downloaded as the native one's.
    let pinned = if architecture == "all" {
        format!("{bare}={version}")
    } else {
        format!("{bare}:{architecture}={version}")
    };
    Some((bare.to_owned(), pinned))
}

/// apt's configuration, read after the system's own. `None` where a path cannot be written in it.
pub fn configuration(state: &Path, status: &Path, lists: &Path) -> Option<String> {
    let quoted = |path: &Path| {
        let text = path.to_str()?;
        (path.is_absolute() && !text.contains(['"', '\\', '\n', ';'])).then(|| format!("\"{text}\""))
    };
    let (state_path, cache) = (quoted(state)?, quoted(&state.join("cache"))?);
    let (status, lists) = (quoted(status)?, quoted(lists)?);
    Some(format!(
        "Dir::State {state_path};\n\
         Dir::State::lists {lists};\n\
         Dir::State::status {status};\n\
         Dir::Cache {cache};\n\
         Dir::Cache::archives \"archives\";\n\
         Dir::Cache::pkgcache \"pkgcache.bin\";\n\
         Dir::Cache::srcpkgcache \"\";\n\
         Dir::Log \"/nonexistent\";\n\
         // As root, apt would fetch as another user, who may not write here.\n\
         APT::Sandbox::User \"root\";\n\
         // Hooks are for the system's state, which does not change.\n\
         #clear APT::Update::Pre-Invoke;\n\
         #clear APT::Update::Post-Invoke;\n\
         #clear APT::Update::Post-Invoke-Success;\n\
         #clear DPkg::Pre-Invoke;\n\
         #clear DPkg::Post-Invoke;\n\
         // Of the lists, only the packages themselves.\n\
         Acquire::Languages \"none\";\n\
         Acquire::IndexTargets::deb::DEP-11::DefaultEnabled \"false\";\n\
         Acquire::IndexTargets::deb::DEP-11-icons-small::DefaultEnabled \"false\";\n\
         Acquire::IndexTargets::deb::DEP-11-icons::DefaultEnabled \"false\";\n\
         Acquire::IndexTargets::deb::DEP-11-icons-hidpi::DefaultEnabled \"false\";\n\
         Acquire::IndexTargets::deb::CNF::DefaultEnabled \"false\";\n\
         Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled \"false\";\n\
         // Kept compressed, they take a fifth of the room.\n\
         Acquire::GzipIndexes \"true\";\n\
         Acquire::Retries \"2\";\n\
         Acquire::http::Timeout \"30\";\n\
         Acquire::https::Timeout \"30\";\n\
         Debug::NoLocking \"true\";\n\
         Dpkg::Use-Pty \"false\";\n"
    ))
}

/// `14 MB`; under one, `0.3 MB`.
pub fn megabytes(bytes: u64) -> String {
    let tenths = (bytes + 50_000) / 100_000;
    if tenths < 10 { format!("0.{tenths} MB") } else { format!("{} MB", (bytes + 500_000) / 1_000_000) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulation_tells_what_would_be_installed() {
        let line = "Inst libapr1 (1.7.2-3+deb12u1 Debian:12.14/oldstable [amd64])";
        let expected = ("libapr1".to_owned(), "libapr1:amd64=1.7.2-3+deb12u1".to_owned());
        assert_eq!(simulated_install(line), Some(expected));
        let line =
            "Inst apache2-data [2.4.60-1] (2.4.62-1 Debian:12.14/oldstable, Debian-Security:12 [all]) []";
        assert_eq!(simulated_install(line).unwrap().1, "apache2-data=2.4.62-1");
        assert_eq!(simulated_install("Conf libapr1 (1.7.2-3 Debian [amd64])"), None);
    }

    #[test]
    fn a_line_of_uris_tells_file_version_and_size() {
        let line = "'http://host/pool/main/a/x_1%3a2.0_amd64.deb' x_1%3a2.0_amd64.deb 329928 SHA256:00";
        let file = File::parse(line).unwrap();
        assert_eq!((&*file.package, &*file.version, file.bytes), ("x", "1:2.0", 329_928));
        assert!(File::parse("'http://host/x' ../../x_1_all.deb 3 SHA256:00").is_none());
        assert!(File::parse("E: nothing").is_none());
    }

    #[test]
    fn httpds_own_packages_are_taken_out_of_the_status() {
        let status = "Package: apache2-bin\nStatus: install ok installed\nSource: apache2\nVersion: 2\n\n\
             Package: libapr1\nStatus: install ok installed\nSource: apr (1.7.2-3)\nVersion: 1\n\n\
             Package: apache2-like\nVersion: 3\n\nPackage: apr\nVersion: 4\n\n";
        let sources = ["apache2".to_owned(), "apr".to_owned()];
        assert_eq!(without(status, &sources).trim(), "Package: apache2-like\nVersion: 3");
        let installed = Installed::of(status.to_owned());
        assert_eq!(installed.version("apache2-bin"), Some("2"));
        assert_eq!(installed.version("apache2-like"), None);
    }

    #[test]
    fn a_path_that_the_configuration_cannot_hold_is_refused() {
        let path = Path::new("/home/a\"b");
        assert_eq!(configuration(path, path, path), None);
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!(megabytes(13_900_000), "14 MB");
        assert_eq!(megabytes(329_928), "0.3 MB");
    }
}
