//! Hunks as lines: that their headers can be read, and that they are as long as these say.

use super::scan::{Scanner, push};
use super::{Error, forms};

/// Where a hunk stands in its patch file.
#[derive(Debug, Clone)]
pub(super) struct HunkLines {
    /// Line of its header, from 1.
    pub(super) line: u32,
    /// Before which of its lines (by index) a `\ No newline` line stands in the patch file.
    markers: Vec<usize>,
}

impl HunkLines {
    /// Line in the patch file of the hunk's line `index` (from 0).
    pub(super) fn line_of(&self, index: usize) -> u32 {
        let markers = self.markers.iter().filter(|&&before| before <= index).count();
        self.line.saturating_add(u32::try_from(index + markers + 1).unwrap_or(u32::MAX))
    }
}

const AGAIN: &str =
    "the patch was cut or edited by hand: make it again, or let `recountdiff` of patchutils mend the numbers";

/// `@@ -OLD,COUNT +NEW,COUNT @@`: the two counts.
fn counts(line: &[u8]) -> Option<(u64, u64)> {
    let text = std::str::from_utf8(line.get(..line.len().min(120))?).unwrap_or_else(|error| {
        // The function name behind the second @@ may be of any encoding.
        std::str::from_utf8(&line[..error.valid_up_to()]).unwrap_or_default()
    });
    let (ranges, _) = text.strip_prefix("@@ -")?.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let count = |range: &str| -> Option<u64> {
        let (start, count) = range.split_once(',').unwrap_or((range, "1"));
        // Numbers that a line number cannot be are no hunk; they would overflow later.
        let start: u32 = start.parse().ok()?;
        let count: u32 = count.parse().ok()?;
        start.checked_add(count)?;
        Some(u64::from(count))
    };
    Some((count(old)?, count(new)?))
}

/// Whether the line is a hunk header that can be read.
pub(super) fn is_header(line: &[u8]) -> bool {
    counts(line).is_some()
}

/// Reads a hunk to its end, and adds it to `text`.
pub(super) fn read(scanner: &mut Scanner<'_>, text: &mut Vec<u8>) -> Result<HunkLines, Error> {
    let start = scanner.at;
    let header = scanner.peek(0).unwrap_or_default();
    let Some((old, new)) = counts(header) else {
        if header.starts_with(b"@@@") {
            return Err(forms::merge(scanner));
        }
        return Err(Error::syntax(
            scanner.place(start),
            "a hunk header that cannot be read",
            "`@@ -LINE,COUNT +LINE,COUNT @@` is expected",
            AGAIN,
        ));
    };
    push(text, header);
    scanner.at += 1;
    let mut hunk = HunkLines { line: scanner.number(start), markers: Vec::new() };
    let (mut seen_old, mut seen_new, mut seen) = (0, 0, 0);
    while seen_old < old || seen_new < new {
        let line = scanner.peek(0);
        match line.map(|line| line.first().copied().unwrap_or(b' ')) {
            Some(b' ') if seen_old < old && seen_new < new => {
                seen_old += 1;
                seen_new += 1;
            }
            Some(b'-') if seen_old < old => seen_old += 1,
            Some(b'+') if seen_new < new => seen_new += 1,
            Some(b'\\') if seen > 0 => {
                marker(scanner, text, &mut hunk, seen);
                continue;
            }
            other => {
                let message = format!(
                    "the hunk of line {} has {} where its header says {}",
                    hunk.line,
                    sides(seen_old, seen_new),
                    sides(old, new),
                );
                return Err(match other {
                    None => Error::truncated(
                        scanner.place(start),
                        format!("the patch ends in the middle of a hunk: {message}"),
                        "this hunk is not whole",
                        "the download or copy stopped too early: get the patch again",
                    ),
                    Some(_) => Error::syntax(scanner.place(scanner.at), message, "the hunk ends here", AGAIN),
                });
            }
        }
        if scanner.is_cut() {
            return Err(Error::truncated(
                scanner.place(scanner.at),
                format!("the patch ends in the middle of a line of the hunk of line {}", hunk.line),
                "there is no line end",
                "the download or copy stopped too early: get the patch again",
            ));
        }
        match line {
            // A blank that stood here alone was trimmed on the way.
            Some(b"") => push(text, b" "),
            Some(line) => push(text, line),
            None => {}
        }
        seen += 1;
        scanner.at += 1;
    }
    if seen > 0 && scanner.starts(0, b"\\ ") {
        marker(scanner, text, &mut hunk, seen);
    }
    Ok(hunk)
}

/// `\ No newline at end of file`, in whatever language.
fn marker(scanner: &mut Scanner<'_>, text: &mut Vec<u8>, hunk: &mut HunkLines, seen: usize) {
    push(text, b"\\ No newline at end of file");
    hunk.markers.push(seen);
    scanner.at += 1;
}

fn sides(old: u64, new: u64) -> String {
    format!("{old} old and {new} new lines")
}

/// Refuses lines behind a hunk that look as if they still belonged to it.
pub(super) fn check_end(scanner: &Scanner<'_>, last: Option<&HunkLines>) -> Result<(), Error> {
    let (Some(last), Some(line)) = (last, scanner.peek(0)) else { return Ok(()) };
    let signature = line.trim_ascii_end() == b"--";
    let next_file = line.starts_with(b"--- ") && scanner.starts(1, b"+++ ");
    if signature
        || next_file
        || !matches!(line.first(), Some(b' ' | b'+' | b'-'))
        || line.trim_ascii().is_empty()
    {
        return Ok(());
    }
    Err(Error::syntax(
        scanner.place(scanner.at),
        format!("the hunk of line {} goes on beyond the lines that its header counts", last.line),
        "one line too many",
        AGAIN,
    ))
}

/// A hunk that belongs to no file.
pub(super) fn orphan(scanner: &Scanner<'_>, section: Option<u32>) -> Error {
    let message = match section {
        None => "a hunk with no file header above it".to_owned(),
        Some(line) => format!("a hunk cut off from its file (that of line {line}) by other text"),
    };
    let help = "the patch was cut or edited by hand: the lines `--- OLD` and `+++ NEW` must stand right above the first hunk, \
                and nothing between hunks";
    Error::syntax(scanner.place(scanner.at), message, "this hunk would be lost", help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_or_not() {
        for (line, expected) in [
            ("@@ -1,2 +3,4 @@", Some((2, 4))),
            ("@@ -1 +3 @@ static int f(", Some((1, 1))),
            ("@@ -0,0 +1,7 @@", Some((0, 7))),
            ("@@ -1,2 +3,4", None),
            ("@@ -1,-2 +3,4 @@", None),
            ("@@ -99999999999,2 +3,4 @@", None),
            ("@@ -4294967295,1 +3,4 @@", None),
            ("@@@ -1,2 -1,2 +1,2 @@@", None),
            ("@@", None),
        ] {
            assert_eq!(counts(line.as_bytes()), expected, "{line}");
        }
        assert_eq!(counts(b"@@ -1,2 +3,4 @@ caf\xe9"), Some((2, 4)));
    }
}
