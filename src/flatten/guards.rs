//! What must hold of the module and of what was pulled for it, beside what each name is asked.

use std::collections::BTreeSet;

use super::parts::{Part, PartKind, Parts, Site};
use super::reach::Reached;
use super::{Error, Interface, Upstream, closure, conditions, names};
use crate::c::lex::{self, Token, TokenKind};
use crate::c::{Declaration, DeclarationKind, Linkage, Role, macros};

/// That no `#error` of the module's own is certain to be met.
///
/// # Errors
/// [`Error::SaysNo`].
pub(super) fn says_no(parts: &Parts, offered: &dyn Interface) -> Result<(), Error> {
    for (_, part) in parts.own() {
        for piece in part.solid().filter(|piece| is_error(part.file.code(*piece))) {
            let Some(declaration) = part.file.declaration(piece) else { continue };
            let met =
                |condition: &String| conditions::value(condition, offered).is_some_and(|value| value != 0);
            if declaration.conditions.iter().all(met) {
                let code = part.file.code(piece);
                let words = code.split_once("error").map_or(code, |(_, words)| words).trim();
                return Err(Error::SaysNo {
                    words: words.trim_matches('"').to_owned(),
                    source_code: part.named_source(),
                    at: (declaration.code, code.len()).into(),
                    label: "active in this target".to_owned(),
                });
            }
        }
    }
    Ok(())
}

fn is_error(code: &str) -> bool {
    code.strip_prefix('#').is_some_and(|rest| rest.trim_start().starts_with("error"))
}

/// That what the unit asks of others at run time is known to them: optional functions and groups of providers.
///
/// # Errors
/// [`Error::NobodyRegisters`], [`Error::NobodyAsks`].
pub(super) fn asked_at_run_time(
    parts: &Parts,
    reached: &Reached,
    base: Option<&dyn Upstream>,
    offered: &dyn Interface,
) -> Result<(), Error> {
    let sites = names::in_unit(parts, reached);
    let own: BTreeSet<&str> = sites
        .iter()
        .flat_map(|site| calls(parts, *site, &["APR_REGISTER_OPTIONAL_FN"]))
        .filter_map(|call| call.arguments.first().copied())
        .collect();
    let known = |name: &str| {
        offered.declared_in(name).is_some()
            || offered.exported_by(name).is_some()
            || offered.provided_by(name).is_some()
    };
    for site in &sites {
        for call in calls(parts, *site, &["APR_RETRIEVE_OPTIONAL_FN"]) {
            let Some(name) = call.arguments.first().copied() else { continue };
            // What the module declares itself is its own risk; of another module's header it is a promise.
            let promised = parts.iter().find(|(_, part)| {
                matches!(part.kind, PartKind::BaseHeader | PartKind::TreeHeader | PartKind::SharedHeader)
                    && part.file.find(name).any(|(_, found)| found.macro_call)
            });
            let Some((_, header)) = promised else { continue };
            if !known(name) && !own.contains(name) {
                let (name, file) = (name.to_owned(), header.path.to_string());
                let (source_code, at) = (call.part.named_source(), (call.at, name.len()).into());
                if let Some(base) = base
                    && let Some(module) = closure::other_module(base, offered, &file)?
                {
                    return Err(Error::needs(
                        &module,
                        &BTreeSet::from([name]),
                        (source_code, at, call.label()),
                    ));
                }
                return Err(Error::NobodyRegisters { name, file, source_code, at, label: call.label() });
            }
        }
        for call in calls(parts, *site, &["ap_register_provider", "ap_register_auth_provider"]) {
            let Some(name) = call.arguments.get(1).copied().filter(|name| is_word(name)) else { continue };
            let pulled = reached.picked.keys().find_map(|site| {
                let part = parts.get(site.part)?;
                let found = part.file.declaration(site.piece)?;
                found.names.iter().any(|own| own == name).then_some(part)
            });
            let Some(part) = pulled else { continue };
            let asked = calls_anywhere(parts, reached, "ap_lookup_provider", name);
            if !known(name) && !asked {
                let (name, file) = (name.to_owned(), part.path.to_string());
                let (source_code, at) = (call.part.named_source(), (call.at, name.len()).into());
                return Err(Error::NobodyAsks { name, file, source_code, at, label: call.label() });
            }
        }
    }
    Ok(())
}

fn calls_anywhere(parts: &Parts, reached: &Reached, function: &str, name: &str) -> bool {
    let mut sites = names::in_unit(parts, reached).into_iter();
    sites.any(|site| calls(parts, site, &[function]).iter().any(|call| call.arguments.contains(&name)))
}

/// A call in the unit.
struct Call<'a> {
    part: &'a Part,
    user: &'a Declaration,
    /// Where its first argument stands.
    at: usize,
    arguments: Vec<&'a str>,
}

impl Call<'_> {
    fn label(&self) -> String {
        self.user.names.first().map_or_else(|| "used here".to_owned(), |name| format!("used by {name}"))
    }
}

/// The calls of these functions or macros in a piece that are compiled whatever the conditions.
fn calls<'a>(parts: &'a Parts, site: Site, functions: &[&str]) -> Vec<Call<'a>> {
    let Some(part) = parts.get(site.part) else { return Vec::new() };
    let text: &str = part.file.text();
    if !functions.iter().any(|name| part.file.code(site.piece).contains(name)) {
        return Vec::new();
    }
    let Some(user) = part.file.declaration(site.piece).filter(|found| found.conditions.is_empty()) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    let mut named = user.identifiers.iter().filter(|used| used.role == Role::Global && !used.conditional);
    for used in named.by_ref() {
        if !text.get(used.range.clone()).is_some_and(|name| functions.contains(&name)) {
            continue;
        }
        let tokens: Vec<Token> = lex::tokens(text, used.range.end..user.range.end)
            .filter(|token| !matches!(token.kind, TokenKind::Comment | TokenKind::Directive))
            .collect();
        let Some(close) = crate::c::macros::matching(&tokens, 0) else { continue };
        let inner = tokens.get(1..close).unwrap_or_default();
        let at = inner.first().map_or(used.range.start, |token| token.start);
        all.push(Call { part, user, at, arguments: macros::arguments(text, inner) });
    }
    all
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && text.starts_with(|first: char| !first.is_ascii_digit())
}

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
