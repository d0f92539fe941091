//! The form that every rpm accepts, from 4.8 to 6: what stands where in the packages for EL6 and EL7, byte by byte, since the
//! releases that need it are not at hand.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use modgraft::profile::{Compressor, Profile};
use modgraft::rpm::{Destinations, write_set};
use rpm::IndexData;
use support::gnupg::Gnupg;
use support::module::Module;
use support::tags::{header, signature};
use support::{key, run};

/// The profiles whose rpm needs it.
const OLD: [&str; 3] = ["el6", "el7", "amazon2"];

/// What rpm up to 4.14 takes of a signature header: tags, and bytes of data (`sigh` in lib/package.c and lib/signature.c).
const MOST_TAGS: u32 = 32;
const MOST_DATA: u32 = 8192;

fn packages(profile: &str, folder: &Path) -> Vec<PathBuf> {
    let mut module = Module::of_upstream();
    module.target.profile = Profile::named(profile).unwrap();
    let set = module.packages();
    let path = |package: &modgraft::package::Package| folder.join(package.file_name());
    let to = Destinations {
        binary: path(&set.binary),
        debuginfo: path(&set.debuginfo),
        source: path(&set.source),
    };
    write_set(&set, Some(&**key()), &to).unwrap().packages().map(|written| written.path.clone()).collect()
}

/// A package in its parts, by what the format says of their lengths and by nothing else.
struct Parts {
    signature: [u32; 2],
    header: Vec<u8>,
    payload: Vec<u8>,
}

impl Parts {
    fn of(path: &Path) -> Self {
        let bytes = fs_err::read(path).unwrap();
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        let length = |at: usize| {
            assert_eq!(bytes[at..at + 8], [0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0], "a header begins at {at}");
            16 + 16 * number(at + 8) as usize + number(at + 12) as usize
        };
        let start = (96 + length(96)).next_multiple_of(8);
        let end = start + length(start);
        Parts {
            signature: [number(104), number(108)],
            header: bytes[start..end].to_vec(),
            payload: bytes[end..].to_vec(),
        }
    }

    fn whole(&self) -> Vec<u8> {
        [&self.header[..], &self.payload].concat()
    }
}

/// What a tool prints of a file, up to the first blank.
fn sum(tool: &str, bytes: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs_err::write(file.path(), bytes).unwrap();
    run(Command::new(tool).arg(file.path())).split(' ').next().unwrap().to_owned()
}

fn bytes(tags: &BTreeMap<u32, IndexData>, tag: u32) -> &[u8] {
    match tags.get(&tag) {
        Some(IndexData::Bin(bytes)) => bytes,
        other => panic!("{tag}: {other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn each_digest_and_signature_is_there_and_holds() {
    for profile in OLD {
        let folder = tempfile::tempdir().unwrap();
        for path in packages(profile, folder.path()) {
            let (parts, tags) = (Parts::of(&path), signature(&path));
            let (whole, public_key) = (parts.whole(), &key().key().public_key);
            // 62 is the region itself, 1008 the room for other signatures. No 278, which rpm 4.18 would leave stale.
            let there: BTreeSet<u32> = tags.keys().copied().collect();
            assert_eq!(there, [62, 268, 269, 273, 1000, 1002, 1004, 1007, 1008].into(), "{profile}");
            let said = Gnupg::verifies(public_key, &parts.header, bytes(&tags, 268));
            assert!(said.contains("GOODSIG"), "268: {said}");
            let said = Gnupg::verifies(public_key, &whole, bytes(&tags, 1002));
            assert!(said.contains("GOODSIG"), "1002: {said}");
            assert_eq!(tags[&269], IndexData::StringTag(sum("sha1sum", &parts.header)));
            assert_eq!(tags[&273], IndexData::StringTag(sum("sha256sum", &parts.header)));
            assert_eq!(hex(bytes(&tags, 1004)), sum("md5sum", &whole));
            assert_eq!(tags[&1000], IndexData::Int32(vec![whole.len() as u32]));
            let archive = Command::new("rpm2cpio").arg(&path).output().expect("`rpm2cpio` is needed");
            assert_eq!(tags[&1007], IndexData::Int32(vec![archive.stdout.len() as u32]));
            assert_eq!(bytes(&tags, 1008).len(), 4128);

            // gzip, and digests that later releases ask for.
            let tags = header(&path);
            assert_eq!(parts.payload[..2], [0x1f, 0x8b]);
            assert_eq!(tags[&1125], IndexData::StringTag("gzip".into()));
            assert_eq!(tags[&5011], IndexData::Int32(vec![8]), "SHA-256 of files");
            assert_eq!(tags[&5092], IndexData::StringArray(vec![sum("sha256sum", &parts.payload)]));
            assert_eq!(tags[&5097], IndexData::StringArray(vec![sum("sha256sum", &archive.stdout)]));
            // Neither weak (5046 to 5057) nor rich dependencies.
            assert_eq!(tags.range(5046..=5057).next(), None);
            for tag in [1047, 1049, 1054] {
                let Some(IndexData::StringArray(names)) = tags.get(&tag) else { continue };
                assert!(names.iter().all(|name| !name.starts_with('(')), "{names:?}");
            }
        }
    }
}

#[test]
fn signature_headers_stay_within_what_old_releases_take() {
    for profile in Profile::all() {
        let folder = tempfile::tempdir().unwrap();
        for path in packages(&profile.name, folder.path()) {
            let [tags, data] = Parts::of(&path).signature;
            assert!(tags <= MOST_TAGS && data <= MOST_DATA, "{}: {tags} tags, {data} bytes", profile.name);
            let two = OLD.contains(&profile.name.as_str());
            assert_eq!(signature(&path).contains_key(&1002), two, "{}", profile.name);
            assert_eq!(profile.packaging.payload.compressor == Compressor::Gzip, two);
        }
    }
}
