//! A light first reading of a patch file: where its file patches and hunks begin, and whether they are whole.
//!
//! The crate diffy then parses each file patch. It keeps no line numbers, passes over what it does not know, and stumbles over
//! CRLF headers; so this reading finds the lines, refuses what would be passed over, and hands on clean text.

use super::error::Place;
use super::hunk::{self, HunkLines};
use super::mail::{self, Message};
use super::{Error, forms, text};
use crate::source::PatchFile;

/// A file patch, as lines.
#[derive(Debug)]
pub(super) struct Section {
    /// Line of its first header, from 1.
    pub(super) line: u32,
    /// The number of the mail that it stands in, from 0; all 0 where the file is no mail.
    pub(super) unit: u32,
    /// What it begins with.
    pub(super) form: Form,
    /// Headers and hunks as diffy reads them: LF only, nothing else between.
    pub(super) text: Vec<u8>,
    /// Its hunks in order.
    pub(super) hunks: Vec<HunkLines>,
    /// Line of the binary marker, from 1.
    pub(super) binary: Option<u32>,
}

/// What a file patch begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// `diff --git`.
    Git {
        /// Whether its paths have prefixes, as `a/` and `b/`.
        prefixed: bool,
    },
    /// `---` and `+++` alone, or below `Index:` or `diff`.
    Unified,
    /// Only named by `Index:` or `Binary files`: a change of properties, an empty file, a binary file.
    Named(Vec<u8>),
}

/// All of a patch file.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// In order.
    pub(super) sections: Vec<Section>,
    /// What the mails say, by [`Section::unit`]; at most one for a file that is no mail.
    pub(super) messages: Vec<Message>,
}

/// Lines that stand between `diff --git` and the first hunk, in git, hg and svn.
const GIT_HEADERS: &[&[u8]] = &[
    b"old mode ",
    b"new mode ",
    b"new file mode ",
    b"deleted file mode ",
    b"rename from ",
    b"rename to ",
    b"copy from ",
    b"copy to ",
    b"similarity index ",
    b"dissimilarity index ",
    b"index ",
];

/// The lines of a patch file, and where the reading stands.
pub(super) struct Scanner<'a> {
    pub(super) patch: &'a PatchFile,
    lines: Vec<&'a [u8]>,
    pub(super) at: usize,
}

impl<'a> Scanner<'a> {
    /// The line `ahead` of the present one, without LF or CRLF.
    pub(super) fn peek(&self, ahead: usize) -> Option<&'a [u8]> {
        let line = *self.lines.get(self.at.checked_add(ahead)?)?;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// The line before the present one.
    pub(super) fn before(&self) -> Option<&'a [u8]> {
        self.lines.get(self.at.checked_sub(1)?).map(|line| line.trim_ascii_end())
    }

    /// Whether the present line is the file's last and has no end: more of it may be missing, in which case all counts are
    /// right, and the line is not.
    pub(super) fn is_cut(&self) -> bool {
        self.lines.get(self.at).is_some_and(|line| !line.ends_with(b"\n"))
    }

    /// Number of the line `index`, from 1.
    pub(super) fn number(&self, index: usize) -> u32 {
        u32::try_from(index + 1).unwrap_or(u32::MAX)
    }

    /// The place of the line `index`.
    pub(super) fn place(&self, index: usize) -> Place {
        Place::line(self.patch, self.number(index))
    }

    pub(super) fn starts(&self, ahead: usize, prefix: &[u8]) -> bool {
        self.peek(ahead).is_some_and(|line| line.starts_with(prefix))
    }

    /// Whether `---` and `+++` stand here.
    pub(super) fn at_pair(&self) -> bool {
        self.starts(0, b"--- ") && self.starts(1, b"+++ ")
    }
}

/// Reads `patch`.
pub(super) fn scan(patch: &PatchFile) -> Result<Scan, Error> {
    let bytes = patch.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&patch.bytes);
    let mut scanner = Scanner { patch, lines: text::lines(bytes), at: 0 };
    let mut scan = Scan::default();
    let mut index: Option<(usize, &[u8])> = None;
    let mut unit = 0;
    while let Some(line) = scanner.peek(0) {
        if let Some(message) = mail::read(&mut scanner)? {
            finish(&mut scan, &scanner, &mut index, unit);
            unit = u32::try_from(scan.messages.len()).unwrap_or(u32::MAX);
            scan.messages.push(message);
        } else if line.starts_with(b"diff --git ") {
            scan.sections.push(git_section(&mut scanner, unit, index.is_some())?);
            index = None;
        } else if scanner.at_pair() {
            if let Some(section) = unified_section(&mut scanner, unit, index.is_some())? {
                scan.sections.push(section);
                index = None;
            }
        } else if let Some(path) = line.strip_prefix(b"Index: ") {
            finish(&mut scan, &scanner, &mut index, unit);
            index = Some((scanner.at, path));
            scanner.at += 1;
        } else if let Some(path) = binary_path(line) {
            index = None;
            scan.sections.push(Section {
                line: scanner.number(scanner.at),
                unit,
                form: Form::Named(path.to_owned()),
                text: Vec::new(),
                hunks: Vec::new(),
                binary: Some(scanner.number(scanner.at)),
            });
            scanner.at += 1;
        } else if line.starts_with(b"Cannot display: file marked as a binary type") && index.is_some() {
            let marker = scanner.number(scanner.at);
            finish(&mut scan, &scanner, &mut index, unit);
            if let Some(section) = scan.sections.last_mut() {
                section.binary = Some(marker);
            }
            scanner.at += 1;
        } else {
            forms::refuse(&scanner, scan.sections.is_empty())?;
            if hunk::is_header(line) {
                return Err(hunk::orphan(&scanner, scan.sections.last().map(|section| section.line)));
            }
            scanner.at += 1;
        }
    }
    finish(&mut scan, &scanner, &mut index, unit);
    if scan.sections.is_empty() {
        return Err(forms::nothing(&scanner));
    }
    Ok(scan)
}

/// A file that svn only names by `Index:` has changed all the same.
fn finish(scan: &mut Scan, scanner: &Scanner<'_>, index: &mut Option<(usize, &[u8])>, unit: u32) {
    if let Some((at, path)) = index.take() {
        scan.sections.push(Section {
            line: scanner.number(at),
            unit,
            form: Form::Named(path.to_owned()),
            text: Vec::new(),
            hunks: Vec::new(),
            binary: None,
        });
    }
}

/// The new path in `Binary files OLD and NEW differ`, the old one where the file is deleted.
fn binary_path(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"Binary files ")?.strip_suffix(b" differ")?;
    let middle = memchr::memmem::find(rest, b" and ")?;
    let (old, new) = (&rest[..middle], &rest[middle + 5..]);
    Some(if new == b"/dev/null" { old } else { new })
}

/// `named`: below an `Index:` line, where svn may have a change of properties to show and nothing else.
fn git_section(scanner: &mut Scanner<'_>, unit: u32, named: bool) -> Result<Section, Error> {
    let start = scanner.at;
    let first = header(scanner)?;
    let mut section = Section {
        line: scanner.number(start),
        unit,
        form: Form::Git { prefixed: is_prefixed(first.strip_prefix(b"diff --git ").unwrap_or_default()) },
        text: Vec::new(),
        hunks: Vec::new(),
        binary: None,
    };
    push(&mut section.text, first);
    scanner.at += 1;
    while scanner.peek(0).is_some_and(|line| GIT_HEADERS.iter().any(|header| line.starts_with(header))) {
        push(&mut section.text, header(scanner)?);
        scanner.at += 1;
    }
    if let Some(line) = scanner.peek(0).filter(|line| line.starts_with(b"Binary files ")) {
        section.binary = Some(scanner.number(scanner.at));
        push(&mut section.text, line);
        scanner.at += 1;
    } else if scanner.peek(0) == Some(b"GIT binary patch") {
        section.binary = Some(scanner.number(scanner.at));
        binary_blocks(scanner, &mut section)?;
    } else if scanner.at_pair() {
        headers_and_hunks(scanner, &mut section, named)?;
    } else if scanner.starts(0, b"--- ") || scanner.starts(0, b"+++ ") {
        return Err(Error::syntax(
            scanner.place(scanner.at),
            "one of the two header lines `---` and `+++` is missing",
            "only one of them",
            "the patch was cut or edited here: make it again",
        ));
    } else if scanner.at == start + 1 && !named {
        return Err(Error::syntax(
            scanner.place(start),
            "a file header with nothing below it",
            "no mode, name, index or hunk follows",
            "the patch was cut or edited here: make it again",
        ));
    }
    Ok(section)
}

/// The present line, where it is of a length that a header can have. (Two paths of 4,096 bytes, the longest that Linux takes;
/// splitting a line of blanks into two paths takes time by its square.)
fn header<'a>(scanner: &Scanner<'a>) -> Result<&'a [u8], Error> {
    const MAX: usize = 2 * 4096 + 64;
    let line = scanner.peek(0).unwrap_or_default();
    if line.len() > MAX {
        return Err(Error::syntax(
            scanner.place(scanner.at),
            format!("a header line of {} bytes", line.len()),
            "no path is that long",
            "the patch is damaged here: get it again",
        ));
    }
    // In quotes it is an escape. Without them diffy stumbles, and its words would puzzle.
    if line.contains(&b'\\') && !line.contains(&b'"') {
        return Err(Error::path(
            scanner.place(scanner.at),
            "a path has a backslash in it",
            "written on Windows",
            "write the paths of the patch with `/`",
        ));
    }
    Ok(line)
}

/// `literal` and `delta` blocks, each up to an empty line.
fn binary_blocks(scanner: &mut Scanner<'_>, section: &mut Section) -> Result<(), Error> {
    let start = scanner.at;
    push(&mut section.text, b"GIT binary patch");
    scanner.at += 1;
    let mut blocks = 0;
    while scanner.starts(0, b"literal ") || scanner.starts(0, b"delta ") {
        blocks += 1;
        while let Some(line) = scanner.peek(0) {
            push(&mut section.text, line);
            scanner.at += 1;
            if line.is_empty() {
                break;
            }
        }
    }
    // `git apply` wants the first; the second, for the way back, is left out by some tools, and diffy wants it.
    match blocks {
        0 => Err(Error::truncated(
            scanner.place(start),
            "a binary change without its data",
            "no `literal` or `delta` follows",
            "the patch was cut here: make it again",
        )),
        1 => {
            push(&mut section.text, b"literal 0\nKcmV+b0RR6000031\n");
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Nothing where it is only a property change of svn (`named`: below an `Index:` line).
fn unified_section(scanner: &mut Scanner<'_>, unit: u32, named: bool) -> Result<Option<Section>, Error> {
    let mut section = Section {
        line: scanner.number(scanner.at),
        unit,
        form: Form::Unified,
        text: Vec::new(),
        hunks: Vec::new(),
        binary: None,
    };
    headers_and_hunks(scanner, &mut section, named)?;
    Ok(if section.hunks.is_empty() { None } else { Some(section) })
}

/// The two header lines and all hunks below them.
fn headers_and_hunks(
    scanner: &mut Scanner<'_>,
    section: &mut Section,
    may_be_empty: bool,
) -> Result<(), Error> {
    let start = scanner.at;
    for _ in 0..2 {
        push(&mut section.text, without_note(header(scanner)?));
        scanner.at += 1;
    }
    while scanner.starts(0, b"@@") {
        section.hunks.push(hunk::read(scanner, &mut section.text)?);
    }
    if section.hunks.is_empty() && !may_be_empty {
        return Err(Error::truncated(
            scanner.place(start),
            "a file header with no hunk below it",
            "no `@@` line follows",
            "the patch was cut here: make it again",
        ));
    }
    hunk::check_end(scanner, section.hunks.last())
}

/// The line without what svn notes behind a path, where its tab became a blank on the way, and without what a commit's mail has
/// there in place of it: ` (original)`, ` (added)`, ` (removed)` or the time.
fn without_note(line: &[u8]) -> &[u8] {
    if line.contains(&b'\t') {
        return line;
    }
    let notes: [&[u8]; 6] =
        [b" (revision ", b" (working copy)", b" (nonexistent)", b" (original)", b" (added)", b" (removed)"];
    let time = line.len().checked_sub(TIME.len()).filter(|at| is_time(&line[*at..]));
    let cut = notes.iter().filter_map(|note| memchr::memmem::rfind(line, note)).chain(time).min();
    line[..cut.unwrap_or(line.len())].trim_ascii_end()
}

/// A blank and a time as C's `ctime` writes it; `0` for a digit or a blank, `a` for a letter.
const TIME: &[u8] = b" aaa aaa 00 00:00:00 0000";

fn is_time(text: &[u8]) -> bool {
    let fits = |(byte, form): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit() || *byte == b' ',
        b'a' => byte.is_ascii_alphabetic(),
        _ => byte == form,
    };
    text.len() == TIME.len() && text.iter().zip(TIME).all(fits)
}

/// Whether the two paths behind `diff --git` have prefixes. `x x` has none; `a/x b/x`, and what else differs in its first part
/// alone, has. Of two different files (a rename, whose own lines have no prefixes) only git's usual letters tell.
fn is_prefixed(paths: &[u8]) -> bool {
    let middle = paths.len() / 2;
    if paths.len() % 2 == 1 && paths[middle] == b' ' && paths[..middle] == paths[middle + 1..] {
        return false;
    }
    let bare = |path: &[u8]| path.iter().position(|&byte| byte == b'/').map(|slash| path[slash..].to_vec());
    let mut splits = memchr::memchr_iter(b' ', paths).map(|at| (&paths[..at], &paths[at + 1..]));
    let unquoted = paths.strip_prefix(b"\"").unwrap_or(paths);
    [b'a', b'i', b'c', b'o', b'w'].iter().any(|letter| unquoted.starts_with(&[*letter, b'/']))
        || splits.any(|(old, new)| bare(old).is_some_and(|rest| Some(rest) == bare(new)))
}

/// Adds a line.
pub(super) fn push(text: &mut Vec<u8>, line: &[u8]) {
    text.extend_from_slice(line);
    text.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_behind_a_path_come_off() {
        for (line, expected) in [
            ("--- a/x.c", "--- a/x.c"),
            ("--- x.c (revision 12)", "--- x.c"),
            ("--- httpd/httpd/trunk/x.c (original)", "--- httpd/httpd/trunk/x.c"),
            ("--- httpd/httpd/trunk/x.c (added)", "--- httpd/httpd/trunk/x.c"),
            ("+++ httpd/httpd/trunk/x.c (removed)", "+++ httpd/httpd/trunk/x.c"),
            ("+++ httpd/httpd/trunk/x.c Fri Mar  7 18:35:02 2014", "+++ httpd/httpd/trunk/x.c"),
            ("+++ x.c\tFri Mar  7 18:35:02 2014", "+++ x.c\tFri Mar  7 18:35:02 2014"),
            ("+++ notes of Fri Mar", "+++ notes of Fri Mar"),
        ] {
            assert_eq!(String::from_utf8_lossy(without_note(line.as_bytes())), expected);
        }
    }

    #[test]
    fn prefixes_are_told_by_the_first_line() {
        for (paths, expected) in [
            ("a/x.c b/x.c", true),
            ("i/x.c w/x.c", true),
            ("old/modules/x.c new/modules/x.c", true),
            ("a/x y.c b/x y.c", true),
            ("\"a/\\303.c\" \"b/\\303.c\"", true),
            ("a/old.c b/new.c", true),
            ("x.c x.c", false),
            ("modules/x.c modules/x.c", false),
            ("x y.c x y.c", false),
            ("modules/old.c modules/new.c", false),
            ("", false),
        ] {
            assert_eq!(is_prefixed(paths.as_bytes()), expected, "{paths}");
        }
    }
}
