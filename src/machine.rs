//! Processors, and what each tool calls them. The data is `templates/machines.toml`.
//!
//! A [`Machine`] is one of the table's, so two are the same where their names are.

use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize, Serializer};

/// A processor.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Machine {
    /// rpm's name: `%{ARCH}` of a package.
    pub name: String,
    /// Other names of it in rpm's and Debian's packages; none is another machine's.
    pub also: Vec<String>,
    /// `e_machine` of its ELF files.
    pub elf: u16,
    /// Byte order of its ELF files.
    pub little_endian: bool,
    /// `%{__isa_name}`.
    pub isa: String,
    /// `%{__isa_bits}`, and the class of its ELF files.
    pub bits: u8,
    /// The number in a package's lead (`arch_canon` of rpmrc). Nothing reads it any more.
    pub lead: u16,
    /// file(1)'s name.
    pub file: String,
    /// Debian's name.
    pub debian: String,
    /// rustc's target, by which the variables of the crate cc go (`CC_aarch64_unknown_linux_gnu`).
    pub rust: String,
    /// `std::env::consts::ARCH` of a program for it.
    pub rust_arch: String,
    /// GNU's names, which gcc and the binutils for it have in front of theirs. The first is Debian's and Fedora's of a cross
    /// compiler, and what clang is told.
    pub triples: Vec<String>,
    /// Machines whose programs it runs too, by name.
    #[serde(default)]
    pub runs: Vec<String>,
    /// What follows `qemu-` in the name of its emulator of programs.
    pub qemu: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    machine: Vec<Machine>,
}

static MACHINES: LazyLock<Vec<Machine>> = LazyLock::new(|| {
    // The file is part of the program, and a test reads all of it.
    let table: Table = toml::from_str(include_str!("../templates/machines.toml"))
        .expect("the built-in table of processors is well formed");
    table.machine
});

impl Machine {
    /// All that are known.
    pub fn all() -> impl Iterator<Item = &'static Machine> {
        MACHINES.iter()
    }

    /// By rpm's name, or one of the others.
    pub fn named(name: &str) -> Option<&'static Machine> {
        Machine::all().find(|known| known.name == name || known.also.iter().any(|also| also == name))
    }

    /// The processor of an ELF file.
    pub fn of_elf(
        machine: object::elf::Machine,
        little_endian: bool,
        is_64: bool,
    ) -> Option<&'static Machine> {
        let bits = if is_64 { 64 } else { 32 };
        Machine::all().find(|known| {
            known.elf == machine.0 && known.little_endian == little_endian && known.bits == bits
        })
    }

    /// The processor that modgraft itself was compiled for.
    pub fn of_host() -> Option<&'static Machine> {
        let little_endian = cfg!(target_endian = "little");
        Machine::all()
            .find(|known| known.rust_arch == std::env::consts::ARCH && known.little_endian == little_endian)
    }

    /// Whether modgraft itself was compiled for it.
    pub fn is_host(&self) -> bool {
        Machine::of_host() == Some(self)
    }

    /// Whether the processor that modgraft itself was compiled for runs its programs.
    pub fn runs_on_host(&self) -> bool {
        Machine::of_host().is_some_and(|host| host == self || host.runs.contains(&self.name))
    }

    /// The mark of a package for this instruction set: `(x86-64)`, which is `%{?_isa}`.
    pub fn mark(&self) -> String {
        format!("({}-{})", self.isa, self.bits)
    }

    /// What httpd.spec appends to the module magic number (EL7 and later): `x8664`.
    pub fn mmn_mark(&self) -> String {
        format!("{}{}", self.isa, self.bits)
    }

    /// GNU's name of a cross compiler for it.
    pub fn triple(&self) -> &str {
        self.triples.first().map_or(&self.name, String::as_str)
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// As rpm's name.
impl Serialize for Machine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use object::elf;

    use super::*;

    #[test]
    fn names_and_numbers_are_each_one_machine_s() {
        let mut seen = std::collections::BTreeSet::new();
        let mut numbers = Vec::new();
        for machine in Machine::all() {
            for name in [&machine.name].into_iter().chain(&machine.also) {
                assert!(seen.insert(name), "{name}");
                assert_eq!(Machine::named(name), Some(machine));
            }
            let number = (machine.elf, machine.little_endian, machine.bits);
            assert!(!numbers.contains(&number), "{number:?}");
            numbers.push(number);
            assert_eq!(Machine::named(&machine.debian).unwrap_or(machine), machine);
            assert!(machine.triples.iter().all(|triple| triple.contains("-linux")), "{machine}");
            assert!(machine.runs.iter().all(|name| Machine::named(name).is_some()), "{machine}");
            assert!(machine.rust.contains("-unknown-linux-gnu"), "{machine}");
        }
        assert_eq!(Machine::named("pdp11"), None);
    }

    #[test]
    fn instruction_sets_have_rpm_s_marks() {
        let marks = |name: &str| {
            let machine = Machine::named(name).unwrap();
            (machine.mark(), machine.mmn_mark())
        };
        assert_eq!(marks("x86_64"), ("(x86-64)".to_owned(), "x8664".to_owned()));
        assert_eq!(marks("aarch64"), ("(aarch-64)".to_owned(), "aarch64".to_owned()));
        assert_eq!(marks("s390x"), ("(s390-64)".to_owned(), "s39064".to_owned()));
        assert_eq!(marks("i386").0, "(x86-32)");
    }

    #[test]
    fn the_names_are_those_of_rpm_s_own_macros() {
        let mut compared = 0;
        for machine in Machine::all() {
            let file = format!("/usr/lib/rpm/platform/{}-linux/macros", machine.name);
            let Ok(text) = fs_err::read_to_string(file) else { continue };
            let value = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name));
                line.map(|value| value.trim().to_owned()).unwrap_or_default()
            };
            assert_eq!(value("%__isa_name\t"), machine.isa, "{machine}");
            assert_eq!(value("%__isa_bits\t"), machine.bits.to_string(), "{machine}");
            compared += 1;
        }
        assert!(compared > 5, "`rpm` with its macros is needed by this test");
    }

    #[test]
    fn elf_files_tell_their_processor() {
        assert_eq!(Machine::of_elf(elf::EM_AARCH64, true, true).unwrap().name, "aarch64");
        assert_eq!(Machine::of_elf(elf::EM_PPC64, false, true).unwrap().name, "ppc64");
        assert_eq!(Machine::of_elf(elf::EM_RISCV, true, false), None);
        let own = crate::target::elf::header(std::path::Path::new("/proc/self/exe")).unwrap();
        assert_eq!(Machine::of_elf(own.machine, own.little_endian, own.is_64), Machine::of_host());
    }
}
