//! Forms of change that are not read, each recognised and named.

use super::Error;
use super::scan::Scanner;

const AS_UNIFIED: &str =
    "make it again as a unified diff: `diff -u`, `git diff`, `git format-patch` or `svn diff`";

/// Refuses a line that begins a form which is not read. `first`: no file patch was found yet.
pub(super) fn refuse(scanner: &Scanner<'_>, first: bool) -> Result<(), Error> {
    let line = scanner.peek(0).unwrap_or_default();
    let place = || scanner.place(scanner.at);
    if line.starts_with(b"*** ") && scanner.starts(1, b"--- ") && scanner.starts(2, b"***************") {
        return Err(Error::form(
            place(),
            "this is a context diff",
            "`***` begins a context diff",
            AS_UNIFIED,
        ));
    }
    if line.starts_with(b"diff --cc ") || line.starts_with(b"diff --combined ") {
        return Err(merge(scanner));
    }
    if !line.first().is_some_and(u8::is_ascii_digit) {
        return Ok(());
    }
    let below_diff = scanner.before().is_some_and(|line| line.starts_with(b"diff -"));
    match command(line) {
        Some(Command::Normal) if scanner.starts(1, b"< ") || scanner.starts(1, b"> ") => Err(Error::form(
            place(),
            "this is a diff without context",
            "a command of `diff` without -u",
            AS_UNIFIED,
        )),
        Some(Command::Ed) if first || below_diff => Err(Error::form(
            place(),
            "this is an ed script, which modgraft never runs",
            "a command of ed",
            AS_UNIFIED,
        )),
        _ => Ok(()),
    }
}

/// The change of a merge, against several parents at once.
pub(super) fn merge(scanner: &Scanner<'_>) -> Error {
    Error::form(
        scanner.place(scanner.at),
        "this is the combined diff of a merge",
        "a header of a combined diff",
        "make it against one parent: `git diff COMMIT^1 COMMIT`",
    )
}

/// There is no file patch in the whole file.
pub(super) fn nothing(scanner: &Scanner<'_>) -> Error {
    let bytes = scanner.patch.bytes.trim_ascii_start();
    let start = &bytes[..bytes.len().min(512)];
    let has = |needle: &[u8]| memchr::memmem::find(start, needle).is_some();
    let (label, help) = if start.first() == Some(&b'<') || has(b"<!DOCTYPE") || has(b"<html") {
        (
            "a web page",
            "the link led to a page about the patch: download the patch itself (on many sites: add `.patch`)",
        )
    } else if let Some(patch) = listed(start) {
        let help = "name the patches that it lists, in its order, in place of it";
        return Error::form(
            super::error::Place::line(scanner.patch, 1),
            format!("{} is no patch, but a list of patches, as quilt has it", scanner.patch.name),
            format!("the patch {patch} is another file"),
            help,
        );
    } else if has(b"#include") || start.starts_with(b"/*") {
        ("a source file", "whole files are taken by a recipe with `directory` and `files` under [source]")
    } else {
        ("no `diff --git` and no pair of `---` and `+++` lines in it", AS_UNIFIED)
    };
    Error::form(
        super::error::Place::line(scanner.patch, 1),
        format!("{} is no patch", scanner.patch.name),
        label,
        help,
    )
}

/// The first patch that a text names, where all its lines name one: quilt's `series`.
fn listed(text: &[u8]) -> Option<&str> {
    let text = str::from_utf8(text).ok()?;
    let is_patch = |line: &str| {
        let name = line.split_whitespace().next().unwrap_or_default();
        [".patch", ".diff"].iter().any(|end| name.ends_with(end))
    };
    // The last line may be cut.
    let whole = text.rfind('\n').map_or(text, |end| &text[..end]);
    let mut lines =
        whole.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).peekable();
    let first = *lines.peek()?;
    lines.all(is_patch).then_some(first)
}

/// The commands that diff writes without -u.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    /// `12,14c`: of ed.
    Ed,
    /// `12,14c12`: of `diff` alone.
    Normal,
}

fn command(line: &[u8]) -> Option<Command> {
    let digits = |rest: &[u8]| rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let range = |rest: &[u8]| -> Option<usize> {
        let first = digits(rest);
        if first == 0 {
            return None;
        }
        match rest.get(first) {
            Some(b',') => match digits(rest.get(first + 1..)?) {
                0 => None,
                second => Some(first + 1 + second),
            },
            _ => Some(first),
        }
    };
    let end = range(line)?;
    if !matches!(line.get(end), Some(b'a' | b'c' | b'd' | b'i' | b's')) {
        return None;
    }
    let rest = line.get(end + 1..)?;
    if rest.is_empty() {
        return Some(Command::Ed);
    }
    (range(rest) == Some(rest.len())).then_some(Command::Normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_of_quilt_is_recognised() {
        assert_eq!(listed(b"# ours\n0001-a.patch\n0002-b.diff -p1\n"), Some("0001-a.patch"));
        for other in ["", "\n# nothing\n", "a.patch\nsome text\n", "some.patch.txt\n"] {
            assert_eq!(listed(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn commands_are_recognised() {
        for (line, expected) in [
            ("12c", Some(Command::Ed)),
            ("12,14d", Some(Command::Ed)),
            ("12,14c12", Some(Command::Normal)),
            ("5a6,8", Some(Command::Normal)),
            ("5a6,8 and more", None),
            ("12 lines", None),
            ("1,c", None),
            ("12", None),
        ] {
            assert_eq!(command(line.as_bytes()), expected, "{line}");
        }
    }
}
