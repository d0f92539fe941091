//! Changes to a piece's text: new names, and `static` in place of what exported it. Lines stay lines.

use std::ops::Range;

use super::names::Renames;
use super::parts::{Part, Parts, Site};
use crate::c::lex::{self, Token, TokenKind};
use crate::c::{Declaration, Role, macros};

/// The text of a piece with its comment, with new names, and `static` where that is asked for.
pub(super) fn piece(parts: &Parts, site: Site, renames: &Renames, make_static: bool) -> String {
    let Some(part) = parts.get(site.part) else { return String::new() };
    let Some(declaration) = part.file.declaration(site.piece) else { return String::new() };
    let text = part.file.text();
    let mut edits = renamed(part, site.part, declaration, renames);
    if make_static {
        edits.extend(to_static(text, declaration));
    }
    edits.sort_by_key(|(range, _)| range.start);
    let edited = apply(text, declaration.range.clone(), &edits);
    let edited = if edits.is_empty() { edited } else { realigned(text, declaration, &edits, edited) };
    without_places(edited)
}

/// Empties the lines in which a parser generator says where its own source is: this file's places are those of `#line`
/// directives of its own, and a compiler that believed both would name lines that nobody finds.
fn without_places(text: String) -> String {
    let says_place = |line: &str| {
        let rest = line.trim_start().strip_prefix('#').map(str::trim_start);
        rest.is_some_and(|rest| {
            rest.strip_prefix("line").is_some_and(|rest| rest.starts_with([' ', '\t']))
                || rest.starts_with(|first: char| first.is_ascii_digit())
        })
    };
    if !text.contains('#') || !text.lines().any(says_place) {
        return text;
    }
    let lines = text.split_inclusive('\n');
    lines
        .map(|line| if says_place(line) { if line.ends_with('\n') { "\n" } else { "" } } else { line })
        .collect()
}

/// The prototype of a function: its head as it is in the unit, without the comment.
pub(super) fn prototype(parts: &Parts, site: Site, renames: &Renames) -> Option<String> {
    let part = parts.get(site.part)?;
    let declaration = part.file.declaration(site.piece)?;
    let text = part.file.text();
    let mut edits = renamed(part, site.part, declaration, renames);
    edits.extend(to_static(text, declaration));
    edits.sort_by_key(|(range, _)| range.start);
    let head = apply(text, declaration.code..declaration.body?, &edits);
    Some(format!("{};\n", head.trim_end()))
}

type Edit = (Range<usize>, String);

fn renamed(part: &Part, at: usize, declaration: &Declaration, renames: &Renames) -> Vec<Edit> {
    if renames.is_empty(at) {
        return Vec::new();
    }
    let text = part.file.text();
    let global = declaration.identifiers.iter().filter(|used| used.role == Role::Global);
    let edits = global.filter_map(|used| {
        let new = renames.of(at, text.get(used.range.clone())?)?;
        Some((used.range.clone(), new.to_owned()))
    });
    edits.collect()
}

/// What is renamed in a piece, old and new, each once.
pub(super) fn renames_in(parts: &Parts, site: Site, renames: &Renames) -> Vec<(String, String)> {
    let Some(part) = parts.get(site.part) else { return Vec::new() };
    let Some(declaration) = part.file.declaration(site.piece) else { return Vec::new() };
    let names = declaration.names.iter();
    names.filter_map(|name| Some((name.clone(), renames.of(site.part, name)?.to_owned()))).collect()
}

/// Takes `PROXY_DECLARE(int)` down to `int` and `extern` away, and puts `static` in front.
fn to_static(text: &str, declaration: &Declaration) -> Vec<Edit> {
    let end = declaration.body.unwrap_or(declaration.range.end);
    let tokens: Vec<Token> = lex::tokens(text, declaration.code..end)
        .filter(|token| token.kind != TokenKind::Comment)
        .take_while(|token| !token.is(b'='))
        .collect();
    let mut edits = Vec::new();
    // Each branch of an `#if` in front of the name may hold a head of its own.
    let mut begins_head = true;
    let mut at = 0;
    while let Some(token) = tokens.get(at).copied() {
        at += 1;
        if token.kind == TokenKind::Directive {
            begins_head = true;
            continue;
        }
        if std::mem::take(&mut begins_head) {
            let line_end = text.get(token.start..end).and_then(|rest| rest.find("\n#"));
            let head = token.start..line_end.map_or(end, |length| token.start + length);
            // The rest of a head whose beginning is common to all branches is no head.
            let column_0 = token.start == 0 || text.as_bytes().get(token.start - 1) == Some(&b'\n');
            if column_0 || token.start == declaration.code {
                edits.extend(head_to_static(text, head, &tokens));
            }
        }
    }
    edits
}

fn head_to_static(text: &str, head: Range<usize>, tokens: &[Token]) -> Vec<Edit> {
    let within: Vec<Token> = tokens.iter().copied().filter(|token| head.contains(&token.start)).collect();
    let mut edits = Vec::new();
    let mut is_static = within.iter().any(|token| token.text(text) == "static");
    for (at, token) in within.iter().enumerate().filter(|(_, token)| token.kind == TokenKind::Identifier) {
        let name = token.text(text);
        let open = within.get(at + 1).filter(|next| next.is(b'('));
        let keyword = || if is_static { "" } else { "static " }.to_owned();
        if let Some(open) = open.filter(|_| macros::wraps(name)) {
            let Some(close) = macros::matching(&within, at + 1).and_then(|close| within.get(close)) else {
                continue;
            };
            edits.push((token.start..open.end, keyword()));
            edits.push((close.range(), String::new()));
            is_static = true;
        } else if name == "extern" {
            let blanks =
                text.get(token.end..).map_or(0, |rest| rest.len() - rest.trim_start_matches(' ').len());
            edits.push((token.start..token.end + blanks, keyword()));
            is_static = true;
        } else if name.ends_with("_DECLARE_DATA") {
            let blanks =
                text.get(token.end..).map_or(0, |rest| rest.len() - rest.trim_start_matches(' ').len());
            edits.push((token.start..token.end + blanks, String::new()));
        }
    }
    if !is_static {
        edits.push((head.start..head.start, "static ".to_owned()));
    }
    edits
}

fn apply(text: &str, range: Range<usize>, edits: &[Edit]) -> String {
    let mut out = String::with_capacity(range.len() + 64);
    let mut at = range.start;
    for (place, new) in edits {
        // An edit outside belongs to another part of the piece.
        if place.start < at || place.end > range.end {
            continue;
        }
        out.push_str(text.get(at..place.start).unwrap_or_default());
        out.push_str(new);
        at = place.end;
    }
    out.push_str(text.get(at..range.end).unwrap_or_default());
    out
}

/// Moves the continued lines of a parameter list with the parenthesis that they are aligned to.
fn realigned(text: &str, declaration: &Declaration, edits: &[Edit], edited: String) -> String {
    let Some(name) = declaration.names.first() else { return edited };
    let mut tokens = lex::tokens(text, declaration.code..declaration.range.end);
    let named = tokens.by_ref().find(|token| token.text(text) == name);
    let (Some(named), Some(open)) = (named, tokens.next()) else { return edited };
    if !open.is(b'(') {
        return edited;
    }
    let line_start = text.get(..open.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let shift: isize = edits
        .iter()
        .filter(|(range, _)| range.start >= line_start && range.end <= named.end)
        .map(|(range, new)| signed(new.len()) - signed(range.len()))
        .sum();
    let column = signed(open.end - line_start);
    let first_line =
        text.get(declaration.range.start..line_start).map_or(0, |before| before.matches('\n').count());
    let mut lines = edited.split_inclusive('\n');
    let mut out = String::with_capacity(edited.len());
    out.extend(lines.by_ref().take(first_line + 1));
    let mut inside = true;
    for line in lines {
        let indent = signed(line.len() - line.trim_start_matches(' ').len());
        // Some are aligned by eye.
        inside &= (indent - column).abs() <= 2 && indent + shift >= 0;
        if inside {
            out.extend(std::iter::repeat_n(' ', usize::try_from(indent + shift).unwrap_or(0)));
            out.push_str(line.trim_start_matches(' '));
        } else {
            out.push_str(line);
        }
    }
    out
}

fn signed(length: usize) -> isize {
    isize::try_from(length).unwrap_or(isize::MAX)
}
