//! What must hold of the module and of what was pulled for it, beside what each name is asked.

use super::parts::{Part, Parts, Site};
use super::reach::Reached;
use super::{Error, Upstream, closure, names};
use crate::c::lex::{self, Token, TokenKind};
use crate::c::{Declaration, DeclarationKind, Linkage};

/// That a copy of a constant is nowhere told by its address, except to find that nothing has that address: then the reason
/// on the record says so.
///
/// # Errors
/// [`Error::Identity`].
pub(super) fn identities(
    parts: &Parts,
    reached: &mut Reached,
    base: Option<&dyn Upstream>,
) -> Result<(), Error> {
    let mut constants: Vec<(Site, String)> = Vec::new();
    for site in reached.picked.keys() {
        let Some(part) = parts.get(site.part) else { continue };
        let Some(found) = part.file.declaration(site.piece) else { continue };
        // What a file keeps to itself, nobody else can compare with.
        let external = found.linkage == Linkage::External && found.kind == DeclarationKind::Variable;
        constants.extend(found.names.iter().filter(|_| external).map(|name| (*site, name.clone())));
    }
    if constants.is_empty() {
        return Ok(());
    }
    let sites = names::in_unit(parts, reached);
    for (constant, name) in constants {
        if !is_announced(parts, base, &name)? {
            continue;
        }
        let mut compared = false;
        for site in &sites {
            let Some(part) = parts.get(site.part) else { continue };
            let Some(user) = part.file.declaration(site.piece) else { continue };
            for (at, only) in addresses(part, user, &name) {
                if !only {
                    let file = parts.get(constant.part).map_or(String::new(), |part| part.path.to_string());
                    let label = match user.names.first() {
                        Some(user) => format!("its address is used by {user}"),
                        None => "its address is used here".to_owned(),
                    };
                    let (source_code, at) = (part.named_source(), (at, name.len()).into());
                    return Err(Error::Identity { name, file, source_code, at, label });
                }
                compared = true;
            }
        }
        if let Some(pick) = reached.picked.get_mut(&constant).filter(|_| compared) {
            pick.reason.push_str(
                "; its address is only compared, and as nothing in the target has the constant, no comparison holds",
            );
        }
    }
    Ok(())
}

/// Whether any header speaks of `name`: else no other file can mean it, although it is not `static`.
fn is_announced(parts: &Parts, base: Option<&dyn Upstream>, name: &str) -> Result<bool, Error> {
    if parts.iter().any(|(_, part)| part.is_header() && closure::mentions(part.file.text(), name)) {
        return Ok(true);
    }
    let Some(base) = base else { return Ok(false) };
    let failed = |reason| Error::Base { path: "include".to_owned(), reason };
    let headers: Vec<String> =
        base.c_files().map_err(failed)?.iter().filter(|path| path.ends_with(".h")).cloned().collect();
    base.preload(&headers).map_err(failed)?;
    for path in headers {
        if base.read(&path).map_err(failed)?.is_some_and(|text| closure::mentions(&text, name)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Where a declaration takes the address of `name`, and whether that is for a comparison alone.
fn addresses(part: &Part, user: &Declaration, name: &str) -> Vec<(usize, bool)> {
    let text = part.file.text();
    let tokens: Vec<Token> = lex::tokens(text, user.code..user.range.end)
        .flat_map(|token| match token.kind {
            TokenKind::Directive => lex::tokens_of_directive(text, token.range()).collect(),
            _ => vec![token],
        })
        .filter(|token| token.kind != TokenKind::Comment)
        .collect();
    let is =
        |at: Option<usize>, sign: u8| at.and_then(|at| tokens.get(at)).is_some_and(|token| token.is(sign));
    let mut all = Vec::new();
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.text(text) == name) {
        let back = |steps: usize| at.checked_sub(steps);
        if !is(back(1), b'&') || is(back(2), b'&') {
            continue;
        }
        let before = is(back(2), b'=') && (is(back(3), b'=') || is(back(3), b'!'));
        let after = (is(Some(at + 1), b'=') || is(Some(at + 1), b'!')) && is(Some(at + 2), b'=');
        all.push((token.start, before || after));
    }
    all
}
