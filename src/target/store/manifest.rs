//! What the cache says of an added target: `target.toml` beside its root.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Error;
use crate::profile::Profile;
use crate::target::Target;

/// The form of `target.toml`. Another one is told as such.
const VERSION: u32 = 1;

/// Written last into the folder of a target, so that its presence means that the target is whole.
pub const FILE: &str = "target.toml";

/// An added target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    version: u32,
    /// As `--target` takes it.
    pub name: String,
    /// The profile that it follows.
    pub profile: String,
    /// The profile's text, where it is none of modgraft's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile_text: Option<String>,
    /// rpm's name of the processor.
    pub arch: String,
    /// What was found in it.
    pub found: Found,
    /// Where it came from.
    pub origin: Origin,
    /// What was unpacked, sorted; empty for a prefix.
    #[serde(default, rename = "package")]
    pub packages: Vec<Pinned>,
}

/// What a list tells of a target, as it was when it was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Found {
    /// `2.4.62`.
    pub httpd: String,
    /// `20120211:141`.
    pub mmn: String,
    /// `2.31`.
    pub glibc: String,
}

impl Found {
    /// Of a target.
    pub fn of(target: &Target) -> Self {
        let Target { httpd_version, mmn, glibc, .. } = target;
        Found { httpd: httpd_version.clone(), mmn: mmn.to_string(), glibc: glibc.to_string() }
    }
}

/// Where a target came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "kind")]
pub enum Origin {
    /// Files of packages.
    Packages,
    /// Repositories.
    Repository {
        /// Their addresses, in order.
        from: Vec<String>,
    },
    /// A target pack.
    Pack {
        /// SHA-256 of the pack, in lower-case hexadecimal digits.
        sha256: String,
    },
    /// A `make install` of httpd, which stays where it is.
    Prefix {
        /// Its folder.
        folder: PathBuf,
    },
}

impl Origin {
    /// For a list: `packages`, `/opt/httpd`.
    pub fn in_short(&self) -> String {
        match self {
            Origin::Packages => "packages".to_owned(),
            Origin::Repository { from } => from.join(" "),
            Origin::Pack { sha256 } => format!("pack {}", sha256.get(..12).unwrap_or(sha256)),
            Origin::Prefix { folder } => folder.display().to_string(),
        }
    }
}

/// A package, by its content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Pinned {
    /// `httpd-devel`.
    pub name: String,
    /// With epoch and release: `0:2.4.37-51.el8`, `2.4.62-1~deb11u1`.
    pub version: String,
    /// As the package states it: `x86_64`, `amd64`, `noarch`.
    pub arch: String,
    /// Its url; of a file that was given, the name.
    pub from: String,
    /// Bytes.
    pub size: u64,
    /// Of the file, in lower-case hexadecimal digits.
    pub sha256: String,
}

impl Pinned {
    /// Whether it can be downloaded.
    pub fn is_remote(&self) -> bool {
        self.from.contains("://")
    }
}

impl Manifest {
    /// Of a target that was added now. `profile_text` is that of a profile which is none of modgraft's own.
    pub fn new(
        target: &Target,
        profile: String,
        profile_text: Option<String>,
        origin: Origin,
        packages: Vec<Pinned>,
    ) -> Self {
        Manifest {
            version: VERSION,
            name: target.name.clone(),
            profile,
            profile_text,
            arch: target.machine.name.clone(),
            found: Found::of(target),
            origin,
            packages,
        }
    }

    /// The profile that it follows.
    ///
    /// # Errors
    /// This modgraft has no profile of that name, or reads profiles otherwise.
    pub fn profile(&self) -> Result<Arc<Profile>, Error> {
        Ok(match &self.profile_text {
            Some(text) => Profile::parse(&self.profile, text, FILE)?,
            None => Profile::named(&self.profile)?,
        })
    }

    /// Reads the manifest of a target's folder. `None`: there is no such target.
    ///
    /// # Errors
    /// [`Error::Manifest`].
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let file = folder.join(FILE);
        let wrong = |reason: String| Error::Manifest { path: file.clone(), reason };
        let text = match fs_err::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrong(error.to_string())),
        };
        /// What all forms have.
        #[derive(Deserialize)]
        struct Form {
            version: u32,
        }
        let first =
            |error: toml::de::Error| wrong(error.message().lines().next().unwrap_or_default().to_owned());
        let form: Form = toml::from_str(&text).map_err(first)?;
        if form.version != VERSION {
            return Err(wrong(format!(
                "it has the form {}, and this modgraft reads {VERSION}",
                form.version
            )));
        }
        toml::from_str(&text).map(Some).map_err(first)
    }

    /// As text.
    pub fn text(&self) -> String {
        toml::to_string(self).expect("texts, numbers and tables of such can be written as TOML")
    }
}
