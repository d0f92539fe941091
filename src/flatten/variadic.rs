//! The one difference between two prototypes that no compiler reports where a function is called: a list of further
//! arguments that the other one did not have (`ap_cookie_write`, between httpd 2.3 and 2.4).

use std::collections::HashSet;

use super::parts::Parts;
use super::reach::Reached;
use super::{Error, Interface, Upstream, names};
use crate::c::Role;

/// That no call in the unit gives fewer arguments than the target's function reads.
pub(super) fn check(
    parts: &Parts,
    reached: &Reached,
    base: Option<&dyn Upstream>,
    offered: &dyn Interface,
) -> Result<(), Error> {
    let mut asked: HashSet<&str> = HashSet::new();
    for site in names::in_unit(parts, reached) {
        let Some(part) = parts.get(site.part) else { continue };
        let Some(declaration) = part.file.declaration(site.piece) else { continue };
        let text = part.file.text();
        let global =
            declaration.identifiers.iter().filter(|used| used.role == Role::Global && !used.conditional);
        for used in global {
            let Some(name) = text.get(used.range.clone()) else { continue };
            let called = text.get(used.range.end..).is_some_and(|rest| rest.trim_start().starts_with('('));
            if !called || !asked.insert(name) || reached.own.has(site.part, name) {
                continue;
            }
            let Some(header) = offered.declared_in(name) else { continue };
            let Some(theirs) = offered.read_header(&header).and_then(|text| prototype(&text, name)) else {
                continue;
            };
            if !theirs.contains("...") {
                continue;
            }
            let Some((file, ours)) = upstream_prototype(parts, base, &header, name)? else { continue };
            if !ours.contains("...") {
                return Err(Error::Variadic {
                    name: name.to_owned(),
                    file,
                    source_code: part.named_source(),
                    at: (used.range.start, used.range.len()).into(),
                    user: declaration.names.first().cloned().unwrap_or_else(|| "the module".to_owned()),
                });
            }
        }
    }
    Ok(())
}

/// The prototype as the module's authors had it: in a header of the patches, or in httpd's public folder of the base tree.
fn upstream_prototype(
    parts: &Parts,
    base: Option<&dyn Upstream>,
    header: &str,
    name: &str,
) -> Result<Option<(String, String)>, Error> {
    for (_, part) in parts.iter().filter(|(_, part)| part.is_header()) {
        if let Some(found) = prototype(part.file.text(), name) {
            return Ok(Some((part.path.to_string(), found)));
        }
    }
    let Some(base) = base else { return Ok(None) };
    let path = format!("include/{header}");
    let text = base.read(&path).map_err(|reason| Error::Base { path: path.clone(), reason })?;
    Ok(text.and_then(|text| prototype(&text, name)).map(|found| (path, found)))
}

/// From the name to the semicolon. Text is enough here: most headers are asked for one name among hundreds.
fn prototype(text: &str, name: &str) -> Option<String> {
    memchr::memmem::find_iter(text.as_bytes(), name.as_bytes()).find_map(|at| {
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let before = at.checked_sub(1).and_then(|at| text.as_bytes().get(at));
        let rest = text.get(at + name.len()..)?;
        if before.is_some_and(word) || !rest.trim_start().starts_with('(') {
            return None;
        }
        // A macro's definition, however many lines it has, and a mention in a comment, end otherwise or nowhere near.
        let before = text.get(..at)?;
        let mut lines = before.rsplit('\n');
        let line = lines.next()?;
        let first = lines.take_while(|line| line.trim_end().ends_with('\\')).last().unwrap_or(line);
        if [line, first].iter().any(|line| line.trim_start().starts_with(['#', '*', '/'])) {
            return None;
        }
        // A call within an inline function stands behind no type.
        if !before.trim_end().ends_with(|c: char| c.is_ascii_alphanumeric() || "_)*".contains(c)) {
            return None;
        }
        rest.split_once(';').map(|(found, _)| found.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prototypes_are_told_from_mentions() {
        let text = "/* ap_f(x); */\n#define ap_f(x) g(x);\nint my_ap_f(void);\nint ap_f(int a,\n ...);\n";
        assert_eq!(prototype(text, "ap_f").as_deref(), Some("(int a,\n ...)"));
        assert_eq!(prototype(text, "g"), None);
        let within = "#define LOG(a) \\\n  do { \\\n    ap_f(a, \\\n  1); } while (0)\nstatic int g(void) { ap_f(1); }\n";
        assert_eq!(prototype(within, "ap_f"), None);
    }
}
