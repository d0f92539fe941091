//! One bit changed, in each byte that says how the headers are built and at 200 places more for each profile: real rpm and
//! modgraft refuse each change that matters.

use std::path::PathBuf;

use modgraft::profile::Profile;
use modgraft::profile::acceptance::Digest;

use crate::edit::{header_start, size};
use crate::made::{Place, real};
use crate::support::key;

const FLIPS: usize = 200;

/// Marsaglia's xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// What a byte of a package is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// Nobody reads more of it than the first bytes, and the kind.
    Lead,
    /// How long the signature header is, and its mark.
    Introduction,
    /// Its index, or its data, of this tag.
    Signature(u32),
    /// A tag in its index. Under another one nobody finds the entry, as if it had been left out; where it is one that is known, there are
    /// two of it, or it is of another type, which rpm overlooks in part.
    Tag,
    /// How many entries its region says to have. Where they are fewer, the others were added later, to rpm and to modgraft.
    RegionSize,
    /// Between the entries' data, and behind it.
    Padding,
    Header,
    Payload,
}

/// What each byte in front of the main header is for.
fn parts(bytes: &[u8]) -> Vec<Part> {
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let mut parts = vec![Part::Lead; 96];
    parts.resize(header_start(bytes), Part::Padding);
    parts[96..112].fill(Part::Introduction);
    let entries = number(104) as usize;
    let data = 112 + 16 * entries;
    for entry in (0..entries).map(|index| 112 + 16 * index) {
        let [tag, kind, offset, count] = [0, 4, 8, 12].map(|field| number(entry + field));
        parts[entry..entry + 16].fill(Part::Signature(tag));
        let start = data + offset as usize;
        let length = match kind {
            4 => 4 * count as usize,
            6 => bytes[start..].iter().position(|byte| *byte == 0).unwrap() + 1,
            7 => count as usize,
            other => panic!("tag {tag} is of type {other}"),
        };
        parts[start..start + length].fill(Part::Signature(tag));
        match tag {
            62 => parts[start + 8..start + 12].fill(Part::RegionSize),
            _ => parts[entry..entry + 4].fill(Part::Tag),
        }
    }
    parts
}

/// The bytes that say how the header that begins at `start` is built: its introduction, its entries, and the data of its region, which
/// is the last of all.
fn form(bytes: &[u8], start: usize) -> impl Iterator<Item = usize> {
    let entries = u32::from_be_bytes(bytes[start + 8..start + 12].try_into().unwrap()) as usize;
    let end = start + size(&bytes[start..]);
    (start..start + 16 + 16 * entries).chain(end - 16..end)
}

/// Of the main header's, those of its introduction and its region: digests guard it as a whole.
fn main_form(bytes: &[u8], start: usize) -> impl Iterator<Item = usize> {
    let end = start + size(&bytes[start..]);
    form(bytes, start).filter(move |at| *at < start + 32 || *at >= end - 16)
}

/// The tags of a signature header, and the digests that they are of.
const DIGESTS: [(u32, Digest); 3] =
    [(269, Digest::HeaderSha1), (273, Digest::HeaderSha256), (1004, Digest::Md5)];

#[test]
fn every_flip_that_matters_is_refused() {
    let (mut both, mut wrong) = (0, Vec::new());
    for (seed, family) in (1..).zip(Profile::all()) {
        let place = Place::new();
        let package = place.package(family, Some(&**key()));
        assert!(place.real(&package).0);
        let whole = fs_err::read(&package).unwrap();
        let front = parts(&whole);
        let header = front.len();
        let payload = header + size(&whole[header..]);
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ seed);
        let anywhere = (0..FLIPS)
            .map(|_| {
                // The lead, now and then; the signature header, half of which is reserved; header; payload.
                let at = match random.below(16) {
                    0 => random.below(96),
                    1..=7 => 96 + random.below(header - 96),
                    8..=11 => header + random.below(payload - header),
                    _ => payload + random.below(whole.len() - payload),
                };
                (at, 1 << random.below(8))
            })
            .collect::<Vec<(usize, u8)>>();
        let built = form(&whole, 96).chain(main_form(&whole, header));
        let built = built.flat_map(|at| (0..8).map(move |bit| (at, 1 << bit)));
        let flips: Vec<(usize, u8, PathBuf)> = anywhere
            .into_iter()
            .chain(built)
            .map(|(at, bit)| {
                let path = place.path(&format!("{at}-{bit}.rpm"));
                let mut bytes = whole.clone();
                bytes[at] ^= bit;
                fs_err::write(&path, bytes).unwrap();
                (at, bit, path)
            })
            .collect();
        let files: Vec<PathBuf> = flips.iter().map(|(_, _, path)| path.clone()).collect();
        let (_, said) = real(&place.path("rpmdb"), &files);
        let keys = place.keyring();
        for (at, bit, path) in flips {
            let part = match front.get(at) {
                Some(part) => *part,
                None if at < payload => Part::Header,
                None => Part::Payload,
            };
            let good = format!("{}: digests signatures OK", path.display());
            // Where a header cannot be read at all, the line of that file has no end.
            let theirs = said.lines().any(|line| line.ends_with(&good));
            let ours = modgraft::rpm::examine(&path, Some(&keys)).map(|examined| {
                let profiles = Profile::all().map(|profile| &**profile);
                modgraft::verify::Verified::of(path.clone(), examined, true, profiles)
            });
            let accepted = |name: &str| match &ours {
                Ok(verified) => verified.releases.iter().any(|one| one.release == name && one.accepted),
                Err(_) => false,
            };
            let place = format!("{} byte {at} ({part:?}) bit {bit:#x}", family.name);
            let own = accepted(&family.name);
            match (theirs, accepted("debian")) {
                (false, false) => both += 1,
                (false, true) => wrong.push(format!("{place} is refused by rpm alone")),
                _ if matches!(part, Part::Tag | Part::RegionSize) => continue,
                (true, true) => {
                    // Where a package has two signatures, and one is found no more, the other still covers every byte; the
                    // releases that two are made for refuse.
                    let other = [268, 1002].map(Part::Signature);
                    let still_signed = other.contains(&part) && other.iter().all(|part| front.contains(part));
                    if !(reserved(part) || still_signed && !own) {
                        wrong.push(format!("{place} is refused by nobody"));
                    }
                }
                // No rpm of today compares sizes with what is there, and nothing guards them.
                (true, false) => {
                    if ![1000, 1007].map(Part::Signature).contains(&part) {
                        wrong.push(format!("{place} is refused by modgraft alone"));
                    }
                }
            }
            // The release that the package is for looks at less, or at more, than the rpm that is here.
            let looks = match (part, DIGESTS.into_iter().find(|(tag, _)| part == Part::Signature(*tag))) {
                (_, Some((_, digest))) => family.packaging.accepts.digests.read.contains(&digest),
                (part, None) => !reserved(part),
            };
            if own && looks {
                wrong.push(format!("{place} is accepted by {}", family.name));
            }
            if !own && !looks && theirs {
                wrong.push(format!("{place} is refused by {} for nothing", family.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(both > 1000, "{both}");
}

/// What may be anything: most of the lead, the room for later signatures, and what fills up to a multiple of eight.
fn reserved(part: Part) -> bool {
    matches!(part, Part::Lead | Part::Padding | Part::Signature(1008))
}
