//! Hunks on a file whose text is known: every line must match; only the place may have moved, and only to one other.

use super::parse::{Hunk, Side};
use super::text;

/// Why hunks do not fit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    /// Which hunk, from 0.
    pub(super) hunk: usize,
    /// How.
    pub(super) how: How,
}

/// How a hunk does not fit.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum How {
    /// Its lines are nowhere in the file.
    Nowhere {
        /// Index of the hunk's line that is not there.
        line: usize,
        /// Where that line would stand, from 1.
        at: usize,
        /// What stands there instead; nothing past the end.
        found: Option<Vec<u8>>,
        /// Whether the file has the lines after the change there already.
        done: bool,
    },
    /// Its lines are in the file, but not behind the end of the hunk before it.
    Crossed {
        /// Where they stand, from 1.
        at: usize,
        /// The hunk before it: line of its header in the patch.
        earlier: u32,
        /// Where its header says that it stands, from 1.
        stated: usize,
        /// Where it was found, from 1.
        found: usize,
    },
    /// Its lines are at several places, and not at the one that its header names.
    Several(Vec<usize>),
}

/// The text after the hunks, and by how many lines each one's place had moved.
pub(super) fn apply<'h>(
    image: &[u8],
    hunks: impl IntoIterator<Item = &'h Hunk>,
) -> Result<(Vec<u8>, Vec<i64>), Mismatch> {
    let lines = text::lines(image);
    let mut out = Vec::with_capacity(image.len() + 1024);
    let mut offsets = Vec::new();
    let mut done = 0;
    let mut moved: i64 = 0;
    let mut last: Option<(&Hunk, usize)> = None;
    for (index, hunk) in hunks.into_iter().enumerate() {
        let stated = if hunk.old_len == 0 { hunk.old_start } else { hunk.old_start.saturating_sub(1) };
        let expected = usize::try_from(signed(stated) + moved).unwrap_or(0);
        let at = find(&lines, hunk, expected, done)
            .map_err(|how| match how {
                How::Nowhere { done: false, .. } => crossed(&lines, hunk, done, last).unwrap_or(how),
                how => how,
            })
            .map_err(|how| Mismatch { hunk: index, how })?;
        moved = signed(at) - signed(stated);
        offsets.push(moved);
        let (before, after) = (&lines[done..at], at + hunk.old_len);
        before.iter().for_each(|line| out.extend_from_slice(line));
        hunk.new_side().for_each(|line| out.extend_from_slice(&line.text));
        done = after;
        last = Some((hunk, at));
    }
    lines[done..].iter().for_each(|line| out.extend_from_slice(line));
    Ok((out, offsets))
}

fn signed(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX / 2)
}

/// Where the hunk's old lines stand, `from` or later.
fn find(lines: &[&[u8]], hunk: &Hunk, expected: usize, from: usize) -> Result<usize, How> {
    let old: Vec<&[u8]> = hunk.old_side().map(|line| &*line.text).collect();
    let fits = |at: usize| lines.get(at..at + old.len()).is_some_and(|there| there == old.as_slice());
    if expected >= from && expected <= lines.len() && fits(expected) {
        return Ok(expected);
    }
    // Without old lines any place would fit: the header's is the only one.
    let places: Vec<usize> = match old.first() {
        Some(_) => (from..lines.len()).filter(|&at| fits(at)).collect(),
        None => Vec::new(),
    };
    match places.as_slice() {
        [only] => Ok(*only),
        [] => Err(nowhere(lines, hunk, expected.max(from))),
        _ => Err(How::Several(places.iter().map(|at| at + 1).collect())),
    }
}

/// That the hunk's lines stand in front of `from`, where the one before it ends: its place is right by itself, and the two
/// contradict each other.
fn crossed(lines: &[&[u8]], hunk: &Hunk, from: usize, last: Option<(&Hunk, usize)>) -> Option<How> {
    let (earlier, found) = last?;
    let old: Vec<&[u8]> = hunk.old_side().map(|line| &*line.text).collect();
    let at =
        (0..from).find(|&at| !old.is_empty() && lines.get(at..at + old.len()) == Some(old.as_slice()))?;
    Some(How::Crossed { at: at + 1, earlier: earlier.at.line, stated: earlier.old_start, found: found + 1 })
}

/// The first line that is not as expected, at the place where most of the hunk's beginning fits.
fn nowhere(lines: &[&[u8]], hunk: &Hunk, expected: usize) -> How {
    let old: Vec<(usize, &[u8])> = (hunk.lines.iter().enumerate())
        .filter(|(_, line)| line.side != Side::New)
        .map(|(index, line)| (index, &*line.text))
        .collect();
    let matching = |at: usize| {
        old.iter()
            .zip(lines.get(at..).unwrap_or_default())
            .take_while(|((_, old), there)| old == *there)
            .count()
    };
    let agreeing = |at: usize| {
        old.iter().zip(lines.get(at..).unwrap_or_default()).filter(|((_, old), there)| old == *there).count()
    };
    // The stated place wins unless more lines agree elsewhere: there the reader sees what the change was made against.
    // Only for a message, so not worth looking through what a hostile patch could make of it.
    let at_expected = agreeing(expected);
    let worth_it = lines.len().saturating_mul(old.len()) < 10_000_000;
    let best = (0..if worth_it { lines.len() } else { 0 })
        .map(|at| (agreeing(at), at))
        .filter(|(count, _)| *count > at_expected);
    let at = best.max_by_key(|(count, at)| (*count, std::cmp::Reverse(*at))).map_or(expected, |(_, at)| at);
    let count = matching(at);
    let (line, at_line) = match old.get(count) {
        Some((index, _)) => (*index, at + count),
        None => (0, at),
    };
    let new: Vec<&[u8]> = hunk.new_side().map(|line| &*line.text).collect();
    let done =
        !new.is_empty() && (0..lines.len()).any(|at| lines.get(at..at + new.len()) == Some(new.as_slice()));
    How::Nowhere { line, at: at_line + 1, found: lines.get(at_line).map(|line| line.to_vec()), done }
}
