//! Packages that were made to do harm: to fill memory or time, or to pass for something that they are not.

use std::io::Read;
use std::path::PathBuf;
use std::time::Instant;

use ::rpm::IndexData;
use modgraft::package::File;
use modgraft::profile::Profile;
use modgraft::profile::acceptance::Digest;
use modgraft::rpm::{Error, Examination, Verdict, examine, inspect};

use crate::edit::{BEGIN, Parts};
use crate::made::Place;
use crate::support::module::Module;

fn numbers(numbers: &[usize]) -> Vec<u8> {
    numbers.iter().flat_map(|number| (*number as u32).to_be_bytes()).collect()
}

/// A header of these entries (tag, type, offset, count).
fn header(entries: &[[usize; 4]], store: &[u8]) -> Vec<u8> {
    let mut bytes = BEGIN.to_vec();
    bytes.extend(numbers(&[0, entries.len(), store.len()]));
    bytes.extend(entries.iter().flat_map(|entry| numbers(entry)));
    bytes.extend(store);
    bytes
}

struct Case {
    place: Place,
    parts: Parts,
}

impl Case {
    fn new() -> Self {
        let place = Place::new();
        let parts = Parts::of(&place.package(&Profile::named("el6").unwrap(), None));
        Case { place, parts }
    }

    fn path(&self) -> PathBuf {
        self.place.path("hostile.rpm")
    }

    fn examined(&self) -> Result<Examination, Error> {
        self.parts.write(&self.path());
        examine(&self.path(), None)
    }

    /// Why it is refused.
    fn damaged(&self) -> String {
        match self.examined() {
            Err(Error::Damaged { reason, .. }) => {
                assert!(matches!(inspect(&self.path()), Err(Error::Damaged { .. })));
                reason
            }
            other => panic!("it is not refused: {other:?}"),
        }
    }
}

fn of_files(examined: &Examination) -> Verdict {
    examined.digests.iter().find(|check| check.digest == Digest::Files).unwrap().verdict
}

#[test]
fn entries_that_share_their_data() {
    let began = Instant::now();
    const SHARED: usize = 1 << 20;
    // Numbers are copied by a parser, 65,535 times a megabyte; the ends of texts are looked for.
    for (kind, count) in [(2, SHARED), (1, SHARED), (8, SHARED)] {
        let entries: Vec<_> = (0..0xffff).map(|number| [10_000 + number, kind, 0, count]).collect();
        let mut case = Case::new();
        case.parts.header = header(&entries, &vec![0; SHARED]);
        case.parts.payload.clear();
        let reason = case.damaged();
        assert!(reason.contains("entry 1 (tag 10001) of the header lies within"), "{reason}");
    }
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

#[test]
fn folders_that_count_for_each_of_their_files() {
    for (folder, count, reason) in [
        (1 << 20, 60_000, "longer path than there can be"),
        (4096, 2, "longer path than there can be"),
        (4000, 70_000, "list of files is longer"),
    ] {
        let mut case = Case::new();
        case.parts.change_header(|entries| {
            entries.retain(|(tag, _)| ![1116, 1117, 1118].contains(tag));
            entries.push((1116, IndexData::Int32(vec![0; count])));
            entries.push((1117, IndexData::StringArray(vec!["x".to_owned(); count])));
            entries.push((1118, IndexData::StringArray(vec!["/".repeat(folder)])));
        });
        let found = case.damaged();
        assert!(found.contains(reason), "{folder} × {count}: {found}");
    }
}

#[test]
fn an_archive_that_states_more_than_is_unpacked() {
    let mut case = Case::new();
    let honest = case.examined().unwrap();
    assert_eq!(of_files(&honest), Verdict::Ok);
    case.parts.without(&[1007]);
    case.parts.put(271, IndexData::Int64(vec![1 << 40]));
    let examined = case.examined().unwrap();
    assert_eq!(of_files(&examined), Verdict::Unchecked);
    let size = examined.sizes.iter().find(|size| size.tag == 271).unwrap();
    assert_eq!((size.stated, size.actual), (1 << 40, None));
}

/// An entry of an archive, and where its content is.
struct Entry {
    name: String,
    front: Vec<u8>,
    content: Vec<u8>,
}

/// The archive of a gzipped payload, without its trailer.
fn entries(parts: &Parts) -> Vec<Entry> {
    let mut archive = Vec::new();
    flate2::read::GzDecoder::new(parts.payload.as_slice()).read_to_end(&mut archive).unwrap();
    let mut entries = Vec::new();
    let mut at = 0;
    loop {
        assert_eq!(&archive[at..at + 6], b"070701");
        // Behind the magic are fields of eight digits each.
        let field = |index: usize| {
            let digits = std::str::from_utf8(&archive[at + 6 + 8 * index..][..8]).unwrap();
            usize::from_str_radix(digits, 16).unwrap()
        };
        let name = String::from_utf8(archive[at + 110..][..field(11) - 1].to_vec()).unwrap();
        if name == "TRAILER!!!" {
            return entries;
        }
        let content = (at + 110 + field(11)).next_multiple_of(4);
        let end = content + field(6);
        entries.push(Entry {
            name,
            front: archive[at..content].to_vec(),
            content: archive[content..end].to_vec(),
        });
        at = end.next_multiple_of(4);
    }
}

/// Puts an archive of other entries in place of the payload, not compressed, and states its digests.
fn put(parts: &mut Parts, entries: &[Entry]) {
    let mut archive = Vec::new();
    let pad = |archive: &mut Vec<u8>| archive.resize(archive.len().next_multiple_of(4), 0);
    for entry in entries {
        archive.extend(&entry.front);
        pad(&mut archive);
        archive.extend(&entry.content);
        pad(&mut archive);
    }
    archive.extend(format!("070701{}0000000B{}TRAILER!!!\0", "0".repeat(88), "0".repeat(8)).bytes());
    pad(&mut archive);
    let size = archive.len() as u32;
    parts.payload = archive;
    parts.change_header(|entries| entries.retain(|(tag, _)| ![5092, 5093, 5097].contains(tag)));
    parts.put(1007, IndexData::Int32(vec![size]));
}

#[test]
fn a_link_whose_content_never_comes() {
    let mut case = Case::new();
    let mut files = entries(&case.parts);
    let file = files.iter_mut().find(|entry| !entry.content.is_empty()).unwrap();
    // Two names, no content.
    file.front[6 + 8 * 4..][..8].copy_from_slice(b"00000002");
    file.front[6 + 8 * 6..][..8].copy_from_slice(b"00000000");
    file.content.clear();
    put(&mut case.parts, &files);
    let examined = case.examined().unwrap();
    assert_eq!(of_files(&examined), Verdict::Bad);
    // It is the file alone that is wrong: the archive is as it states.
    assert!(examined.sizes.iter().all(|size| size.actual == Some(size.stated)), "{:?}", examined.sizes);
}

#[test]
fn links_in_an_archive_that_says_nothing_of_its_entries() {
    let mut module = Module::new();
    module.target.profile = Profile::named("el6").unwrap();
    let mut package = module.packages().binary;
    package.files.push(File::text("/usr/share/x/one", *b"the content"));
    package.files.push(File::hard_link("/usr/share/x/two", "/usr/share/x/one"));
    let place = Place::new();
    let mut parts = Parts::of(&place.write(&package, None));
    // As rpm 6 writes them: each entry has the number of its file in the header, and nothing else.
    let listed = inspect(&place.path("package.rpm")).unwrap().files;
    let mut files = entries(&parts);
    for entry in &mut files {
        let index = listed.iter().position(|file| entry.name.ends_with(&file.path)).unwrap();
        entry.front = format!("07070X{index:08x}").into_bytes();
    }
    put(&mut parts, &files);
    let mut case = Case { place, parts };
    assert_eq!(of_files(&case.examined().unwrap()), Verdict::Ok);
    let linked = files.iter_mut().find(|entry| entry.content == b"the content").unwrap();
    linked.content[0] ^= 1;
    put(&mut case.parts, &files);
    assert_eq!(of_files(&case.examined().unwrap()), Verdict::Bad);
}

#[test]
fn what_cannot_be_decoded_is_not_absent() {
    // In a header that states to be UTF-8.
    let mut case = Case::new();
    case.parts.change_header(|entries| {
        entries.retain(|(tag, _)| *tag != 5062);
        entries.push((5062, IndexData::StringTag("utf-8".to_owned())));
    });
    assert!(!case.examined().unwrap().requires.is_empty());
    let name = b"rpmlib(PayloadFilesHavePrefix)";
    let at = case.parts.header.windows(name.len()).position(|bytes| bytes == name).unwrap();
    case.parts.header[at] = 0xff;
    case.parts.restate();
    let reason = case.damaged();
    assert!(reason.starts_with("its tag 1049"), "{reason}");
}

#[test]
fn tags_of_another_type_are_not_absent() {
    for (tag, data) in [
        (1049, IndexData::Int32(vec![1])),
        (1048, IndexData::StringArray(vec!["1".to_owned()])),
        (1000, IndexData::Bin(vec![1])),
        (5092, IndexData::Bin(vec![1])),
    ] {
        let mut case = Case::new();
        case.parts.change_header(|entries| {
            entries.retain(|(other, _)| *other != tag);
            entries.push((tag, data));
        });
        let reason = case.damaged();
        assert!(reason.contains(&format!("its tag {tag} is of another type")), "{reason}");
    }
    for (tag, data) in [
        (273, IndexData::Int32(vec![1])),
        (1004, IndexData::StringTag("x".to_owned())),
        (1007, IndexData::Bin(vec![1])),
        (268, IndexData::StringTag("x".to_owned())),
        (278, IndexData::Bin(vec![1])),
    ] {
        let mut case = Case::new();
        case.parts.put(tag, data);
        let reason = case.damaged();
        assert!(reason.contains(&format!("its tag {tag} is of another type")), "{reason}");
    }
}
