//! What a unit becomes under one target's headers and under another's, so that the two can be compared.

use std::collections::BTreeMap;
use std::time::Duration;

use super::flags::{self, TargetFlags};
use super::messages::{self, Message, Severity};
use super::toolchain::Toolchain;
use super::{Error, Unit, oracle, sysroot};
use crate::target::Target;

/// The assembly of a unit's functions and data, by their names. Numbers of local labels are as the compiler chose them.
pub type Assembly = BTreeMap<String, Vec<String>>;

/// Compiles a unit to assembly with the httpd and APR headers and the macros of `headers`, and all else of `around`: its C
/// library, and its flags for the processor. So what differs between two targets' `headers` is of httpd and APR alone.
/// `optimisation` is `0` to `3`: where it is high, which register gcc chooses depends on declarations that have no bearing on
/// the code; where it is 0, on how a macro puts it.
///
/// # Errors
/// A compiler that cannot be run, or takes longer than `limit`. What the compiler objects to is no error, but the inner one.
pub fn assembly(
    unit: &Unit<'_>,
    headers: &Target,
    around: &Target,
    toolchain: &Toolchain,
    libraries: &[String],
    optimisation: u8,
    limit: Duration,
) -> Result<Result<Assembly, Vec<Message>>, Error> {
    let unknown = toolchain.unknown_flags(around)?;
    let of = |target: &Target| {
        TargetFlags::of(&target.variables, unknown, &|path| flags::find(target, path)).compile
    };
    let is_macro = |flag: &String| flag.starts_with("-D") || flag.starts_with("-U");
    // How calls of the C library are checked is a matter of the build, not of httpd.
    let fortifies = |flag: &String| flag.contains("_FORTIFY_SOURCE");
    let mut arguments: Vec<String> = of(around).into_iter().filter(|flag| !is_macro(flag)).collect();
    arguments.extend(of(headers).into_iter().filter(|flag| is_macro(flag) && !fortifies(flag)));
    arguments.extend(toolchain.cflags.iter().filter(|flag| !fortifies(flag)).cloned());
    arguments.extend(flags::own(toolchain));
    arguments.extend(["-U_FORTIFY_SOURCE", "-fPIC", "-g0", "-w"].map(str::to_owned));
    arguments.push(format!("-O{optimisation}"));
    arguments.extend(headers.include_dirs.iter().map(|folder| format!("-I{}", folder.display())));
    arguments.extend(super::include_flags(around, libraries));
    arguments.extend(sysroot::compile_flags(around, toolchain));
    arguments.extend(["-S", "-o", "-"].map(str::to_owned));
    let output = oracle::run(unit, around, toolchain, arguments, tempfile::tempdir()?.path(), limit)?;
    if output.status.success() {
        return Ok(Ok(parts(&String::from_utf8_lossy(&output.stdout))));
    }
    let said = messages::parse(&String::from_utf8_lossy(&output.stderr));
    Ok(Err(said.into_iter().filter(|message| message.severity == Severity::Error).collect()))
}

/// Cuts an assembler text at its global labels. The labels of constants give way to what they stand for, those of jumps to
/// numbers of the function's own; what the compiler tells of itself, of the file and of the place is left out.
fn parts(text: &str) -> Assembly {
    let constants = constants(text);
    let mut parts = Assembly::new();
    let (mut name, mut in_constant) = (String::new(), false);
    let mut jumps: BTreeMap<String, usize> = BTreeMap::new();
    for line in text.lines() {
        let told = line.trim();
        match label(line) {
            Some(label) => {
                in_constant = constants.contains_key(label);
                if !label.starts_with('.') {
                    name = label.to_owned();
                    parts.entry(name.clone()).or_default();
                    jumps.clear();
                    continue;
                }
            }
            None if told.is_empty() || told.starts_with('#') || is_of_no_concern(told) => continue,
            None => {}
        }
        if !in_constant {
            let line = without_labels(told, &constants, &mut jumps);
            parts.entry(name.clone()).or_default().push(line);
        }
    }
    parts
}

/// The label that a line defines.
fn label(line: &str) -> Option<&str> {
    line.strip_suffix(':').filter(|label| !label.is_empty() && !label.contains([' ', '\t', '"']))
}

/// What stands behind the labels of constants (`.LC0`), which no source names.
fn constants(text: &str) -> BTreeMap<&str, String> {
    let mut constants: BTreeMap<&str, String> = BTreeMap::new();
    let mut open = None;
    for line in text.lines() {
        let told = line.trim();
        if let Some(label) = label(line) {
            open = Some(label).filter(|label| label.starts_with(".LC"));
            if let Some(label) = open {
                constants.insert(label, String::new());
            }
        } else if is_of_no_concern(told) {
            // A constant ends with its section.
            open = open.filter(|_| !told.starts_with(".section") && told != ".text");
        } else if let Some(constant) = open.and_then(|label| constants.get_mut(label)) {
            constant.push_str(told);
        }
    }
    constants
}

fn without_labels(
    line: &str,
    constants: &BTreeMap<&str, String>,
    jumps: &mut BTreeMap<String, usize>,
) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(".L") {
        let end = rest[at + 1..].find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'));
        let end = end.map_or(rest.len(), |end| at + 1 + end);
        text.push_str(&rest[..at]);
        let label = &rest[at..end];
        match constants.get(label) {
            Some(constant) => text.push_str(constant),
            None => {
                let next = jumps.len();
                text.push_str(&format!(".L{}", jumps.entry(label.to_owned()).or_insert(next)));
            }
        }
        rest = &rest[end..];
    }
    text + rest
}

fn is_of_no_concern(line: &str) -> bool {
    const NONE: &[&str] = &[
        ".file", ".ident", ".cfi_", ".loc", ".section", ".text", ".data", ".bss", ".align", ".p2align",
        ".globl", ".type",
    ];
    NONE.iter().any(|directive| line.starts_with(directive))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assembly_is_cut_at_its_labels_and_numbers_do_not_count() {
        let of = |constant: &str, jump: &str, said: &str| {
            parts(&format!(
                "\t.file\t\"a.c\"\n\t.text\nf:\n\tmovl\t8(%rdi), %eax\n\tje\t{jump}\n\tleaq\t{constant}(%rip), %rdi\n{jump}:\n\
                 \tret\n\n\t.section\t.rodata\n{constant}:\n\t.string\t\"{said}\"\n\t.data\n\t.globl x\nx:\n\t.long\t1\n"
            ))
        };
        let one = of(".LC0", ".L7", "said");
        assert_eq!(
            one["f"],
            ["movl\t8(%rdi), %eax", "je\t.L0", "leaq\t.string\t\"said\"(%rip), %rdi", ".L0:", "ret"]
        );
        assert_eq!(one["x"], [".long\t1"]);
        assert_eq!(of(".LC3", ".L9", "said"), one);
        assert_ne!(of(".LC0", ".L7", "other"), one);
    }
}
