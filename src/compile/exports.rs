//! What a module exports beside its structure: the functions that its own headers promise to other modules.

use std::collections::BTreeSet;

use crate::c::{Declaration, DeclarationKind, File, Linkage};

/// The names that these headers declare for others (`X_DECLARE(…)`, `X_DECLARE_DATA`, a hook) and that the unit itself defines,
/// sorted. What a header declares plainly is for the module's own files, and stays hidden.
pub fn promised<'h>(headers: impl IntoIterator<Item = &'h str>, unit: &str) -> Vec<String> {
    let mut promises: BTreeSet<String> = BTreeSet::new();
    for header in headers {
        let file = File::new(header.into());
        for declaration in file.declarations().filter(|declaration| for_others(declaration, header)) {
            promises.extend(declaration.names.iter().cloned());
        }
    }
    if promises.is_empty() {
        return Vec::new();
    }
    let file = File::new(unit.into());
    let defined: BTreeSet<&String> =
        file.declarations().filter(|found| defines(found)).flat_map(|found| &found.names).collect();
    promises.iter().filter(|name| defined.contains(name)).cloned().collect()
}

/// Whether a declaration is marked as one that other modules use.
fn for_others(declaration: &Declaration, text: &str) -> bool {
    let announces = match declaration.kind {
        DeclarationKind::Prototype => true,
        DeclarationKind::Variable => declaration.forward,
        _ => false,
    };
    // Of the macro calls that announce, those of hooks define functions for others; optional functions are asked for by name.
    if !announces || declaration.is_dead() {
        return false;
    }
    let code = text.get(declaration.code..declaration.range.end).unwrap_or_default();
    let mut words =
        code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    declaration.macro_call
        || words.any(|word| {
            ["_DECLARE", "_DECLARE_NONSTD", "_DECLARE_DATA"].iter().any(|ending| word.ends_with(ending))
        })
}

/// Whether a declaration is a definition that the linker sees.
fn defines(declaration: &Declaration) -> bool {
    match declaration.kind {
        DeclarationKind::Function => declaration.linkage == Linkage::External,
        DeclarationKind::Variable => declaration.linkage == Linkage::External && !declaration.forward,
        DeclarationKind::MacroCall => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_header_promises_and_the_unit_keeps_is_exported() {
        let header = "#ifndef X_H\n#define X_H\n#define X_DECLARE(type) type\n\
                      X_DECLARE(int) x_get(int a);\nX_DECLARE_NONSTD(void) x_log(const char *f, ...);\n\
                      int x_internal(void);\nX_DECLARE(int) x_elsewhere(void);\nX_DECLARE(int) x_hidden(void);\n\
                      extern X_DECLARE_DATA int x_count;\n\
                      APR_DECLARE_EXTERNAL_HOOK(x, X, int, load, (request_rec *r))\n#endif\n";
        let unit = "static int x_hidden(void) { return 1; }\nint x_get(int a) { return a; }\n\
                    X_DECLARE_NONSTD(void) x_log(const char *f, ...) { }\nint x_internal(void) { return 2; }\nint x_count = 1;\n\
                    APR_IMPLEMENT_EXTERNAL_HOOK_RUN_FIRST(x, X, int, load, (request_rec *r), (r), DECLINED)\n\
                    int other(void) { return 3; }\n";
        assert_eq!(
            promised([header], unit),
            ["x_count", "x_get", "x_hook_get_load", "x_hook_load", "x_log", "x_run_load"]
        );
        assert_eq!(promised(["int x_internal(void);\n"], unit), [] as [&str; 0]);
    }
}
