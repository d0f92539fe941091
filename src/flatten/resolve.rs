//! Which declarations a name can mean, seen from a file: C's own rules of visibility.

use std::collections::{HashMap, HashSet};

use super::parts::{PartKind, Parts, Site};
use crate::c::{Declaration, DeclarationKind, File, Linkage, directive, lex};

/// The names that the module's own files define.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// Visible in all of them.
    pub shared: HashSet<String>,
    /// Visible in one source only.
    pub private: HashMap<usize, HashSet<String>>,
    /// The module's own headers. Their code is read in the sources, and sees what those define.
    headers: HashSet<usize>,
}

impl Own {
    pub fn of(parts: &Parts) -> Self {
        let mut own = Own::default();
        for (at, part) in parts.own() {
            if part.is_header() {
                own.headers.insert(at);
            }
            for declaration in part.file.declarations().filter(|declaration| defines(declaration)) {
                let private = part.kind == PartKind::Module && is_private(declaration);
                let set = if private { own.private.entry(at).or_default() } else { &mut own.shared };
                set.extend(declaration.names.iter().cloned());
            }
            own.shared.extend(renamed_functions(&part.file));
        }
        own
    }

    /// Whether `name`, used in part `from`, is the module's own.
    pub fn has(&self, from: usize, name: &str) -> bool {
        let seen = || match self.headers.contains(&from) {
            true => self.private.values().any(|names| names.contains(name)),
            false => self.private.get(&from).is_some_and(|names| names.contains(name)),
        };
        self.shared.contains(name) || seen()
    }
}

/// The names under which a source defines functions by way of a macro: `#define yyparse ap_expr_yyparse`, as parser generators
/// do. The head of a scanner's function may be a macro as well, flex's `YY_DECL`.
pub(super) fn renamed_functions(file: &File) -> Vec<String> {
    let text = file.text();
    if !text.contains("#define yy") {
        return Vec::new();
    }
    let is_head = |name: &str| {
        // Line by line: flex writes the macro into the midst of what else belongs to the function.
        text.lines().filter_map(|line| directive::behind(line, "define")).any(|rest| {
            let mut words = lex::words(rest);
            words.next() == Some("YY_DECL") && words.any(|word| word == name)
        })
    };
    let renamed = |found: &Declaration| {
        let code = text.get(found.code..found.range.end)?;
        let mut words = code.trim_start_matches('#').split_whitespace().skip(1);
        let (name, new) = (words.next()?, words.next()?);
        let defined = file.find_outline(name).any(|(_, found)| found.kind == DeclarationKind::Function);
        let function = defined || is_head(name);
        (found.kind == DeclarationKind::Macro && words.next().is_none() && function).then(|| new.to_owned())
    };
    file.declarations().filter_map(renamed).collect()
}

/// Whether a declaration gives its names a meaning, so that no other is looked for.
pub(super) fn defines(declaration: &Declaration) -> bool {
    !declaration.is_dead() && declaration.kind != DeclarationKind::Prototype && !declaration.forward
}

/// Whether no other source file can see it: types and macros of a source, and what is `static`.
pub(super) fn is_private(declaration: &Declaration) -> bool {
    declaration.linkage != Linkage::External || declaration.kind == DeclarationKind::Type
}

/// What `name` can mean.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// In order of the files and of the declarations in them.
    pub sites: Vec<Site>,
    /// Only the file that uses it can see them.
    pub private: bool,
}

/// The declarations of shared files that `name` can mean where part `from` uses it. What the target has matters only
/// where the patches change it.
pub(super) fn candidates(parts: &Parts, from: usize, name: &str, target_has: bool) -> Candidates {
    let found = |at: usize| {
        let part = parts.get(at);
        let all = part.into_iter().flat_map(|part| part.file.find(name));
        let inside = move |piece: &usize| part.is_some_and(|part| part.hunks.inside.contains(piece));
        all.filter(move |(piece, declaration)| !declaration.is_dead() && !inside(piece))
            .map(move |(piece, declaration)| (Site { part: at, piece }, declaration))
    };
    let donor = parts.get(from).is_some_and(|part| part.kind.is_foreign_source());
    if donor {
        let own: Vec<_> = found(from).collect();
        if !own.is_empty() {
            let private = own.iter().all(|(_, declaration)| is_private(declaration));
            return Candidates { sites: own.into_iter().map(|(site, _)| site).collect(), private };
        }
    }
    let mut sites = Vec::new();
    for (at, part) in parts.donors().filter(|(at, _)| !(donor && *at == from)) {
        if target_has && !part.changes(name) {
            continue;
        }
        let visible = |declaration: &Declaration| part.is_header() || !is_private(declaration);
        sites.extend(found(at).filter(|(_, declaration)| visible(declaration)).map(|(site, _)| site));
    }
    Candidates { sites, private: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scanners_function_whose_head_is_a_macro_is_defined() {
        let of = |text: &str| renamed_functions(&File::new(text.into()));
        let head =
            "#define yylex x_yylex\n#ifndef YY_DECL\n#define YY_DECL int yylex YY_PROTO(( void ))\n#endif\n";
        assert_eq!(of(&format!("{head}YY_DECL\n\t{{\n\treturn 0;\n\t}}\n")), ["x_yylex"]);
        assert!(of("#define yylex x_yylex\nextern int yylex(void);\n").is_empty());
        assert!(
            of("#define yytext x_yytext\n#define YY_DECL int yylex(void)\nYY_DECL\n{\n    return 0;\n}\n")
                .is_empty()
        );
    }
}
