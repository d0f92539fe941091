//! Macros that a module's build files give to the compiler.

use std::collections::HashSet;
use std::sync::Arc;

use crate::c::macros;

/// The macros that a build file has behind `-D`, as a recipe would: `NAME`, or `NAME=…` where it gives a value, which may be put
/// together by the file. Lines that are comments are passed over.
pub(super) fn given(text: &str) -> Vec<String> {
    let mut given = Vec::new();
    for line in text.lines().filter(|line| !is_comment(line)) {
        for (at, _) in line.match_indices("-D") {
            let before = line[..at].chars().next_back();
            let begins = before.is_none_or(|c| c.is_whitespace() || "\"'=:,([`".contains(c));
            let rest = &line[at + 2..];
            let name = &rest[..rest.find(|c: char| !is_part(c)).unwrap_or(rest.len())];
            if !begins || name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
                continue;
            }
            let value = if rest[name.len()..].starts_with('=') { "=…" } else { "" };
            let define = format!("{name}{value}");
            if !given.contains(&define) {
                given.push(define);
            }
        }
    }
    given
}

/// Those of them that a module's texts ask for and do not define themselves.
pub(super) fn asked_for<'g>(given: &'g [String], texts: &[Arc<str>]) -> Vec<&'g str> {
    let words: HashSet<&str> = texts.iter().flat_map(|text| text.split(|c: char| !is_part(c))).collect();
    let defined: HashSet<&str> = texts.iter().flat_map(|text| text.lines().filter_map(defined)).collect();
    let is_asked_for = |define: &&str| {
        let name = define.trim_end_matches("=…");
        words.contains(name) && !defined.contains(name) && !macros::is_reserved(name)
    };
    given.iter().map(String::as_str).filter(is_asked_for).collect()
}

fn is_part(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// Of make, the shell, and m4.
fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('#') || line.starts_with("dnl")
}

/// The macro that a line of C defines.
fn defined(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix('#')?.trim_start().strip_prefix("define")?;
    rest.split_whitespace().next()?.split('(').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_d_is_given() {
        let text = "# -DNOT\nCFLAGS = -O2 -DA -DV=\\\\\\\"x/$(VERSION)\\\\\\\" -DA no-DB -D$(C) -D@D@\n\
                    dnl -DNOR\nAC_SUBST(DEFS, \"-DE -DF=1\")\nx=\"-D1\" -Wl,-DG\n";
        assert_eq!(given(text), ["A", "V=…", "E", "F=…", "G"]);
    }

    #[test]
    fn what_no_text_asks_for_is_left_out() {
        let given = ["A", "V=…", "MINE", "AP_DEBUG", "GONE"].map(str::to_owned);
        let texts =
            ["#ifdef A\n#endif\nf(V, AP_DEBUG);", "#ifndef MINE\n# define MINE 1\n#endif\nint GONE_BY;"];
        assert_eq!(asked_for(&given, &texts.map(Arc::from)), ["A", "V=…"]);
    }
}
