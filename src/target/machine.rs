//! Names of processors: ELF's number, rpm's name, and the suffix that httpd's RPMs put on the module magic number.

use object::elf;

/// A processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    elf: elf::Machine,
    little_endian: bool,
    /// rpm's name.
    pub name: &'static str,
    /// `%{__isa_name}%{__isa_bits}`, as httpd.spec appends it (EL7 and later).
    pub isa: &'static str,
}

const MACHINES: &[Machine] = &[
    Machine { elf: elf::EM_X86_64, little_endian: true, name: "x86_64", isa: "x8664" },
    Machine { elf: elf::EM_AARCH64, little_endian: true, name: "aarch64", isa: "aarch64" },
    Machine { elf: elf::EM_PPC64, little_endian: true, name: "ppc64le", isa: "ppc64" },
    Machine { elf: elf::EM_S390, little_endian: false, name: "s390x", isa: "s39064" },
    Machine { elf: elf::EM_RISCV, little_endian: true, name: "riscv64", isa: "riscv64" },
    Machine { elf: elf::EM_LOONGARCH, little_endian: true, name: "loongarch64", isa: "loongarch64" },
    Machine { elf: elf::EM_386, little_endian: true, name: "i686", isa: "x8632" },
    Machine { elf: elf::EM_ARM, little_endian: true, name: "armv7hl", isa: "armv732" },
];

/// The processor of an ELF file.
pub fn of_elf(machine: elf::Machine, little_endian: bool) -> Option<Machine> {
    MACHINES.iter().find(|known| known.elf == machine && known.little_endian == little_endian).copied()
}

/// The processor that modgraft itself was compiled for.
pub fn of_host() -> Option<Machine> {
    let name = match std::env::consts::ARCH {
        "x86" => "i686",
        "arm" => "armv7hl",
        "powerpc64" => "ppc64le",
        name => name,
    };
    MACHINES.iter().find(|known| known.name == name).copied()
}
