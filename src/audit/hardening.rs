//! What the loader's program headers and flags say about safety.

use object::elf::{PT_GNU_RELRO, PT_GNU_STACK, PT_LOAD};

use super::finding::Finding;
use crate::target::elf::Dynamic;

/// Checks the object; the properties that hold, in words, and what does not.
pub fn check(object: &Dynamic, findings: &mut Vec<Finding>) -> Vec<String> {
    let before = findings.len();
    let has_relro = object.segments.iter().any(|segment| segment.kind == PT_GNU_RELRO);
    let missing: Vec<&str> =
        [(!has_relro).then_some("no RELRO segment"), (!object.bind_now).then_some("not bound at load time")]
            .into_iter()
            .flatten()
            .collect();
    if !missing.is_empty() {
        findings.push(Finding::Relro { missing: missing.join(", ") });
    }
    // Without the header, the kernel takes the stack to be executable.
    let stack = object.segments.iter().find(|segment| segment.kind == PT_GNU_STACK);
    if stack.is_none_or(|segment| segment.executable) {
        findings.push(Finding::ExecutableStack);
    }
    if object.text_relocations {
        findings.push(Finding::TextRelocations);
    }
    for segment in &object.segments {
        if segment.kind == PT_LOAD && segment.writable && segment.executable {
            findings.push(Finding::WritableCode { address: segment.address });
        }
    }
    for (tag, path) in &object.run_paths {
        findings.push(Finding::RunPath { tag, path: path.clone() });
    }
    if findings.len() > before {
        return Vec::new();
    }
    ["full RELRO", "NX", "no text relocations", "no RPATH", "no writable code"].map(str::to_owned).to_vec()
}
