//! `APLOG_USE_MODULE` says under whose name the code logs. A unit can say it once.

use crate::c::{Declaration, lex};
use crate::flatten::ModuleId;
use crate::flatten::parts::{Part, PartKind, Parts, Site};

/// Which declaration says it for all.
#[derive(Debug)]
pub(super) struct LogModule {
    keeper: Option<Site>,
}

impl LogModule {
    /// `AP_DECLARE_MODULE` says it too and has to stay; else the first that names the module, else the first.
    pub fn of(parts: &Parts, module: &ModuleId) -> Self {
        let mut all: Vec<(Site, &str, Option<&str>)> = Vec::new();
        for (at, part) in parts.own() {
            for piece in part.solid() {
                if let Some((name, argument)) = part.file.declaration(piece).and_then(|one| call(part, one)) {
                    all.push((Site { part: at, piece }, name, argument));
                }
            }
        }
        let own =
            |argument: &Option<&str>| argument.is_some_and(|name| format!("{name}_module") == module.symbol);
        let keeper = all
            .iter()
            .find(|(_, name, _)| *name == "AP_DECLARE_MODULE")
            .or_else(|| all.iter().find(|(_, _, argument)| own(argument)))
            .or_else(|| all.first());
        // A header's own is read by every source that includes it: each source had exactly one.
        let sources = parts.own().filter(|(_, part)| part.kind == PartKind::Module).count();
        let keeper = keeper.filter(|_| sources > 1 || all.len() > 1).map(|(site, ..)| *site);
        LogModule { keeper }
    }

    /// What stands in place of a declaration that would say it again.
    pub fn instead(&self, site: Site, part: &Part, declaration: &Declaration) -> Option<String> {
        if self.keeper.is_none_or(|keeper| keeper == site) {
            return None;
        }
        let (name, argument) = call(part, declaration)?;
        let argument = argument.filter(|_| name == "APLOG_USE_MODULE")?;
        let lines =
            part.file.text().get(declaration.range.clone()).map_or(1, |text| text.matches('\n').count());
        Some(format!("extern module AP_MODULE_DECLARE_DATA {argument}_module;{}", "\n".repeat(lines.max(1))))
    }
}

/// The macro and its argument.
fn call<'t>(part: &'t Part, declaration: &Declaration) -> Option<(&'t str, Option<&'t str>)> {
    if !declaration.macro_call || declaration.is_dead() {
        return None;
    }
    let text = part.file.text();
    let mut tokens = lex::tokens(text, declaration.code..declaration.range.end);
    let name = tokens.next()?.text(text);
    let argument = tokens.nth(1).filter(|token| token.kind == lex::TokenKind::Identifier);
    matches!(name, "APLOG_USE_MODULE" | "AP_DECLARE_MODULE")
        .then(|| (name, argument.map(|token| token.text(text))))
}
