//! A file of which only the hunks are known, over a whole series: later patches show more of it, or change what earlier ones
//! showed.

use super::parse::{Hunk, Side};
use super::text::{self, Encoding};
use super::{Fragment, FragmentLine};

/// The known lines, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Sketch {
    lines: Vec<Known>,
    /// Removals with no known line beside them: where, and what.
    bare: Vec<(usize, Vec<Vec<u8>>)>,
}

#[derive(Debug, Clone)]
struct Known {
    /// Number in the file as it is now, from 1.
    number: usize,
    text: Box<[u8]>,
    added: bool,
    follows_removal: bool,
    /// Lines that stood beside it before the series.
    removed: Vec<Vec<u8>>,
}

/// A line that an earlier patch of the series left otherwise than a later one expects it.
#[derive(Debug)]
pub(super) struct Contradiction {
    /// Which hunk, from 0.
    pub(super) hunk: usize,
    /// Index of the hunk's line.
    pub(super) line: usize,
    /// Where it stands, from 1.
    pub(super) at: usize,
    /// What stands there.
    pub(super) found: Vec<u8>,
}

impl Sketch {
    /// The sketch after the hunks of one file patch. `strict`: lines that are known must be as the hunks say.
    pub(super) fn apply<'h>(
        &self,
        hunks: impl IntoIterator<Item = &'h Hunk>,
        strict: bool,
    ) -> Result<Sketch, Contradiction> {
        let mut rest = self.lines.iter().cloned().peekable();
        let mut next = Sketch { lines: Vec::with_capacity(self.lines.len()), bare: self.bare.clone() };
        let mut added = 0;
        let mut removed = 0;
        for (index, hunk) in hunks.into_iter().enumerate() {
            let start = if hunk.old_len == 0 { hunk.old_start + 1 } else { hunk.old_start };
            while let Some(known) = rest.next_if(|known| known.number < start) {
                next.push_moved(known, added, removed);
            }
            let mut old_number = start;
            let mut number = (start + added).saturating_sub(removed);
            let mut pending: Vec<Vec<u8>> = Vec::new();
            let mut follows_removal = false;
            let first = next.lines.len();
            for (line_index, line) in hunk.lines.iter().enumerate() {
                let known = match line.side {
                    Side::New => None,
                    Side::Both | Side::Old => rest.next_if(|known| known.number <= old_number),
                };
                if let Some(known) = &known
                    && strict
                    && known.text != line.text
                {
                    let found = known.text.to_vec();
                    return Err(Contradiction { hunk: index, line: line_index, at: old_number, found });
                }
                if line.side != Side::New {
                    old_number += 1;
                }
                if line.side == Side::Old {
                    removed += 1;
                    follows_removal = true;
                    let known = known.unwrap_or(Known {
                        number: 0,
                        text: line.text.clone(),
                        added: false,
                        follows_removal: false,
                        removed: Vec::new(),
                    });
                    pending.extend(known.removed);
                    // What the series itself added and took away again was never in the file.
                    if !known.added {
                        pending.push(known.text.into_vec());
                    }
                    continue;
                }
                let (was_added, followed, mut beside) = match known {
                    Some(known) => (known.added, known.follows_removal, known.removed),
                    None => (line.side == Side::New, false, Vec::new()),
                };
                beside.append(&mut pending);
                next.lines.push(Known {
                    number,
                    text: line.text.clone(),
                    added: was_added,
                    follows_removal: followed || follows_removal,
                    removed: beside,
                });
                follows_removal = false;
                number += 1;
                if line.side == Side::New {
                    added += 1;
                }
            }
            if !pending.is_empty() {
                match next.lines.get_mut(first..).and_then(<[Known]>::last_mut) {
                    Some(last) => last.removed.append(&mut pending),
                    None => next.bare.push((number, pending)),
                }
            }
        }
        for known in rest {
            next.push_moved(known, added, removed);
        }
        Ok(next)
    }

    fn push_moved(&mut self, known: Known, added: usize, removed: usize) {
        self.lines.push(Known { number: (known.number + added).saturating_sub(removed), ..known });
    }

    /// The runs of known lines.
    pub(super) fn fragments(&self) -> (Vec<Fragment>, Encoding) {
        let all = || {
            self.lines.iter().flat_map(|known| known.removed.iter().map(Vec::as_slice).chain([&*known.text]))
        };
        let utf8 = all().chain(self.bare.iter().flat_map(|(_, lines)| lines.iter().map(Vec::as_slice)));
        let encoding = match utf8.clone().all(|line| std::str::from_utf8(line).is_ok()) {
            true => Encoding::Utf8,
            false => Encoding::Latin1,
        };
        let string = |bytes: &[u8]| match encoding {
            Encoding::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            Encoding::Latin1 => text::latin1(bytes),
        };
        let mut fragments: Vec<Fragment> = Vec::new();
        let mut expected = None;
        for known in &self.lines {
            if expected != Some(known.number) {
                let start = u32::try_from(known.number).unwrap_or(u32::MAX);
                fragments.push(Fragment { start, lines: Vec::new(), removed: Vec::new() });
            }
            expected = Some(known.number + 1);
            if let Some(fragment) = fragments.last_mut() {
                fragment.removed.extend(known.removed.iter().map(|line| string(line)));
                fragment.lines.push(FragmentLine {
                    text: string(&known.text),
                    added: known.added,
                    follows_removal: known.follows_removal,
                });
            }
        }
        for (start, removed) in &self.bare {
            fragments.push(Fragment {
                start: u32::try_from(*start).unwrap_or(u32::MAX),
                lines: Vec::new(),
                removed: removed.iter().map(|line| string(line)).collect(),
            });
        }
        fragments.sort_by_key(|fragment| fragment.start);
        (fragments, encoding)
    }
}
