//! rpm's names of processors. The data is `templates/arches.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::Error;

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

static KNOWN: LazyLock<BTreeMap<String, Arch>> = LazyLock::new(|| {
    // The file is part of the program, and a test reads it.
    toml::from_str(include_str!("../../templates/arches.toml"))
        .expect("the built-in processors are well formed")
});

impl Arch {
    /// rpm's names of a processor.
    ///
    /// # Errors
    /// [`Error::UnknownArch`].
    pub fn of(name: &str) -> Result<&'static Arch, Error> {
        KNOWN.get(name).ok_or_else(|| Error::UnknownArch { arch: name.to_owned() })
    }

    /// The mark of a package for this instruction set: `(x86-64)`.
    pub fn mark(&self) -> String {
        format!("({}-{})", self.isa, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instruction_sets_have_rpm_s_marks() {
        assert_eq!(Arch::of("x86_64").unwrap().mark(), "(x86-64)");
        assert_eq!(Arch::of("aarch64").unwrap().mark(), "(aarch-64)");
        assert!(Arch::of("pdp11").is_err());
    }
}
