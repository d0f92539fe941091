//! Macros that a module's build files give to the compiler.

use std::collections::HashSet;
use std::sync::Arc;

use crate::c::{directive, lex, macros};

/// The macros that a build file has behind `-D`, as a recipe would: `NAME`, or `NAME=…` where it gives a value, which may be put
/// together by the file; each as often as it is there. Lines that are comments are passed over.
pub(super) fn given(text: &str) -> impl Iterator<Item = String> {
    let lines = text.lines().filter(|line| !is_comment(line));
    lines.flat_map(|line| line.match_indices("-D").filter_map(|(at, _)| define(&line[..at], &line[at + 2..])))
}

/// The macro of a `-D` that stands between the two.
fn define(before: &str, behind: &str) -> Option<String> {
    let begins = before.chars().next_back().is_none_or(|c| c.is_whitespace() || "\"'=:,([`".contains(c));
    let end = behind.find(|letter| !lex::is_identifier_part(letter)).unwrap_or(behind.len());
    let (name, rest) = behind.split_at(end);
    // Java's properties (`-Da.b=c`) are no macros, and what a variable goes on with is no name.
    let ends = rest.chars().next().is_none_or(|c| c.is_whitespace() || "=\"'`,;:|&)]\\".contains(c));
    let is_name = ends && name.starts_with(|first: char| !first.is_ascii_digit());
    let value = if rest.starts_with('=') { "=…" } else { "" };
    (begins && is_name).then(|| format!("{name}{value}"))
}

/// Those of them that a module's texts ask for and do not define themselves.
pub(super) fn asked_for<'g>(given: &'g [String], texts: &[Arc<str>]) -> Vec<&'g str> {
    let words: HashSet<&str> = texts.iter().flat_map(|text| lex::words(text)).collect();
    let defined: HashSet<&str> = texts.iter().flat_map(|text| text.lines().filter_map(defined)).collect();
    let is_asked_for = |define: &&str| {
        let name = define.trim_end_matches("=…");
        words.contains(name) && !defined.contains(name) && !macros::is_reserved(name)
    };
    given.iter().map(String::as_str).filter(is_asked_for).collect()
}

/// Of make, the shell, and m4.
fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('#') || line.starts_with("dnl")
}

/// The macro that a line of C defines.
fn defined(line: &str) -> Option<&str> {
    let rest = directive::behind(line, "define")?;
    rest.split_whitespace().next()?.split('(').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_d_is_given() {
        let text = "# -DNOT\nCFLAGS = -O2 -DA -DV=\\\\\\\"x/$(VERSION)\\\\\\\" -DA no-DB -D$(C) -D@D@\n\
                    dnl -DNOR\nAC_SUBST(DEFS, \"-DE -DF=1\")\nx=\"-D1\" -Wl,-DG\njava \"-Dtest.dir=x\" -DNO$(X)\n";
        assert_eq!(given(text).collect::<Vec<_>>(), ["A", "V=…", "A", "E", "F=…", "G"]);
    }

    #[test]
    fn what_no_text_asks_for_is_left_out() {
        let given = ["A", "V=…", "MINE", "AP_DEBUG", "GONE"].map(str::to_owned);
        let texts =
            ["#ifdef A\n#endif\nf(V, AP_DEBUG);", "#ifndef MINE\n# define MINE 1\n#endif\nint GONE_BY;"];
        assert_eq!(asked_for(&given, &texts.map(Arc::from)), ["A", "V=…"]);
    }
}
