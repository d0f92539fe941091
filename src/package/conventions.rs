//! How packages are made for a family of distributions. The data is `templates/conventions.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::Error;
use crate::sign::Acceptance;

/// The conventions of one family of distributions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Conventions {
    /// The family: `debian`, `el6` to `el10`, `fedora`, `suse`.
    #[serde(default)]
    pub family: String,
    /// The release of rpm whose form the packages have (tag RPMVERSION).
    pub rpm: String,
    /// How the payload is compressed.
    pub payload: Compression,
    /// Whether a second signature covers header and payload (tags 1002, 1005): only rpm before 4.14 needs it.
    pub payload_signature: bool,
    /// Which keys its rpm accepts.
    pub keys: Acceptance,
    /// The package's name, from the module's.
    pub package_name: String,
    /// What a module requires of httpd.
    pub requires: Vec<HttpdRelation>,
    /// The macro of the distribution that has the version to require; empty: there is none.
    pub mmn_macro: String,
    /// The file beneath `%{_includedir}` that has it where the macro is not set.
    pub mmn_file: String,
    /// What has to be there to build.
    pub build_requires: Vec<String>,
    /// Tag PLATFORM.
    pub platform: String,
    /// What debug files have between the module's file name and `.debug`.
    pub debug_suffix: String,
    /// Where documentation goes.
    pub doc_dir: String,
    /// Where licence texts go.
    pub license_dir: String,
    /// Whether its rpm knows `%license`.
    pub license_flag: bool,
    /// Whether the file name of a shared object without soname is among the provides.
    pub soname_provides: bool,
    /// Whether the spec has to have Group, BuildRoot, %clean and %defattr.
    pub legacy_spec: bool,
    /// Compiler flags for the spec, before the distribution's own.
    pub cflags: String,
}

/// How a payload is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Compression {
    /// By what.
    pub compressor: Compressor,
    /// In the compressor's own scale.
    pub level: u32,
}

/// A payload compressor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compressor {
    /// Every rpm reads it.
    Gzip,
    /// rpm 4.8 and later.
    Xz,
    /// rpm 4.14 and later.
    Zstd,
}

/// A relation to httpd, with `{mmn}` and `{isa}` still to be filled in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HttpdRelation {
    /// The capability.
    pub name: String,
    /// The exact version, where it has one.
    pub version: Option<String>,
}

/// rpm's names of an instruction set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arch {
    /// `%{__isa_name}`.
    pub isa: String,
    /// `%{__isa_bits}`.
    pub bits: u8,
    /// The number in a package's lead.
    pub number: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    defaults: toml::Table,
    families: BTreeMap<String, toml::Table>,
    arches: BTreeMap<String, Arch>,
}

struct Known {
    families: BTreeMap<String, Conventions>,
    arches: BTreeMap<String, Arch>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    // The file is part of the program, and a test reads all of it.
    read(include_str!("../../templates/conventions.toml")).expect("the built-in conventions are well formed")
});

fn read(text: &str) -> Result<Known, toml::de::Error> {
    let table: Table = toml::from_str(text)?;
    let families = table.families.into_iter().map(|(name, differences)| {
        let mut all = table.defaults.clone();
        all.extend(differences);
        all.insert("family".into(), toml::Value::String(name.clone()));
        Ok((name, Conventions::deserialize(toml::Value::Table(all))?))
    });
    Ok(Known { families: families.collect::<Result<_, toml::de::Error>>()?, arches: table.arches })
}

impl Conventions {
    /// The conventions of a family.
    ///
    /// # Errors
    /// [`Error::UnknownFamily`].
    pub fn of(family: &str) -> Result<&'static Conventions, Error> {
        KNOWN.families.get(family).ok_or_else(|| Error::UnknownFamily {
            family: family.to_owned(),
            known: Conventions::families().collect::<Vec<_>>().join(", "),
        })
    }

    /// All families that are known.
    pub fn families() -> impl Iterator<Item = &'static str> {
        KNOWN.families.keys().map(String::as_str)
    }
}

impl Arch {
    /// rpm's names of a processor.
    ///
    /// # Errors
    /// [`Error::UnknownArch`].
    pub fn of(name: &str) -> Result<&'static Arch, Error> {
        KNOWN.arches.get(name).ok_or_else(|| Error::UnknownArch { arch: name.to_owned() })
    }

    /// The mark of a package for this instruction set: `(x86-64)`.
    pub fn mark(&self) -> String {
        format!("({}-{})", self.isa, self.bits)
    }
}

impl Compressor {
    /// Tag PAYLOADCOMPRESSOR.
    pub fn name(self) -> &'static str {
        match self {
            Compressor::Gzip => "gzip",
            Compressor::Xz => "xz",
            Compressor::Zstd => "zstd",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_is_well_formed() {
        let families: Vec<_> = Conventions::families().collect();
        assert_eq!(families, ["debian", "el10", "el6", "el7", "el8", "el9", "fedora", "suse"]);
        for family in families {
            let conventions = Conventions::of(family).unwrap();
            assert_eq!(conventions.family, family);
            // zstd is unreadable before 4.14, and there the second signature is all that guards the payload.
            let old = ["el6", "el7"].contains(&family);
            assert_eq!(conventions.payload.compressor == Compressor::Zstd, !old);
            assert_eq!(conventions.payload_signature, old);
        }
        assert!(Conventions::of("plan9").unwrap_err().to_string().contains("plan9"));
    }

    #[test]
    fn instruction_sets_have_rpm_s_marks() {
        assert_eq!(Arch::of("x86_64").unwrap().mark(), "(x86-64)");
        assert_eq!(Arch::of("aarch64").unwrap().mark(), "(aarch-64)");
        assert!(Arch::of("pdp11").is_err());
    }
}
