//! A unified diff of one file, with the lines of the patch file that its parts stand in.

/// A hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// Its header's line in the patch file, from 1.
    pub line: u32,
    /// Index of its first old line as the header has it, from 0.
    pub start: usize,
    /// Its lines in order.
    pub lines: Vec<HunkLine>,
    /// How many lines of the patch file it has behind the header.
    length: usize,
}

/// A line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HunkLine {
    /// Which side has it.
    pub side: Side,
    /// With its line end.
    pub text: String,
    /// Its line in the patch file, from 1.
    pub line: u32,
}

/// Which side of a patch has a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Both,
    Old,
    New,
}

impl Hunk {
    /// The lines that the file must have.
    pub fn old(&self) -> impl Iterator<Item = &HunkLine> {
        self.lines.iter().filter(|line| line.side != Side::New)
    }

    /// What it changes, without the context in front and behind.
    pub fn changed(&self) -> (String, String) {
        let differs = |line: &HunkLine| line.side != Side::Both;
        let first = self.lines.iter().position(differs).unwrap_or(0);
        let last = self.lines.iter().rposition(differs).map_or(0, |last| last + 1);
        let within = self.lines.get(first..last).unwrap_or_default();
        let of = |other: Side| {
            within.iter().filter(|line| line.side != other).map(|line| line.text.as_str()).collect::<String>()
        };
        (of(Side::New), of(Side::Old))
    }

    /// Its lines as they stand in the patch file.
    pub fn text(&self, patch: &str) -> String {
        let before = usize::try_from(self.line).unwrap_or(usize::MAX).saturating_sub(1);
        patch.split_inclusive('\n').skip(before).take(1 + self.length).collect()
    }
}

/// Message and hunks.
///
/// # Errors
/// A line of the patch file, from 1, and what is wrong there.
pub fn read(text: &str) -> Result<(String, Vec<Hunk>), (u32, String)> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let number = |index: usize| u32::try_from(index + 1).unwrap_or(u32::MAX);
    let begins = |index: usize, start: &str| lines.get(index).is_some_and(|line| line.starts_with(start));
    let header =
        |index: usize| begins(index, "--- ") && begins(index + 1, "+++ ") && begins(index + 2, "@@ ");
    let Some(first) = (0..lines.len()).find(|index| header(*index)) else {
        return Err((1, "there is no patch in it".to_owned()));
    };
    let message = lines.get(..first).unwrap_or_default().iter().filter(|line| !is_header(line));
    let message: String = message.copied().collect();
    let mut hunks: Vec<Hunk> = Vec::new();
    let mut at = first + 2;
    while let Some(line) = lines.get(at) {
        if begins(at, "--- ") && begins(at + 1, "+++ ") || line.starts_with("diff ") {
            return Err((
                number(at),
                "it changes more than one file, and the flattened module is one".to_owned(),
            ));
        }
        if !line.starts_with("@@ ") {
            // What mail programs put behind a patch.
            at += 1;
            continue;
        }
        let Some((start, old, new)) = ranges(line) else {
            return Err((number(at), "the header of a hunk is `@@ -LINE,COUNT +LINE,COUNT @@`".to_owned()));
        };
        let mut hunk = Hunk { line: number(at), start, lines: Vec::new(), length: 0 };
        let (mut old, mut new) = (old, new);
        at += 1;
        while old > 0 || new > 0 || begins(at, "\\") {
            let Some(line) = lines.get(at) else {
                return Err((number(at.saturating_sub(1)), "the patch ends within a hunk".to_owned()));
            };
            let side = match line.as_bytes().first() {
                Some(b' ' | b'\n') => Side::Both,
                Some(b'-') => Side::Old,
                Some(b'+') => Side::New,
                Some(b'\\') => {
                    // The last line of a C file always gets its end.
                    at += 1;
                    hunk.length += 1;
                    continue;
                }
                _ => {
                    return Err((
                        number(at),
                        "a line of a hunk begins with neither ` `, `+` nor `-`".to_owned(),
                    ));
                }
            };
            let short = (0, "the hunk has more lines than its header says".to_owned());
            old = if side == Side::New {
                old
            } else {
                old.checked_sub(1).ok_or((number(at), short.1.clone()))?
            };
            new = if side == Side::Old { new } else { new.checked_sub(1).ok_or((number(at), short.1))? };
            let mut text = if line.starts_with('\n') { *line } else { line.get(1..).unwrap_or_default() }
                .replace("\r\n", "\n");
            if !text.ends_with('\n') {
                text.push('\n');
            }
            hunk.lines.push(HunkLine { side, text, line: number(at) });
            hunk.length += 1;
            at += 1;
        }
        hunks.push(hunk);
    }
    Ok((message.trim().to_owned(), hunks))
}

/// What git puts between a message and a patch.
fn is_header(line: &str) -> bool {
    line.starts_with("diff --git ") || line.starts_with("index ")
}

/// First old line (from 0), and how many lines either side has.
fn ranges(line: &str) -> Option<(usize, usize, usize)> {
    let (ranges, _) = line.strip_prefix("@@ ")?.split_once(" @@")?;
    let (old, new) = ranges.split_once(' ')?;
    let numbers = |text: &str| -> Option<(usize, usize)> {
        match text.split_once(',') {
            Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
            None => Some((text.parse().ok()?, 1)),
        }
    };
    let (start, old) = numbers(old.strip_prefix('-')?)?;
    let (_, new) = numbers(new.strip_prefix('+')?)?;
    // With no old line, the header names the one in front.
    Some((if old == 0 { start } else { start.saturating_sub(1) }, old, new))
}
