//! Packages as others make them: entries of a header changed or left out.

use std::path::Path;

use md5::Md5;
use rpm::{Header, HeaderEntry, IndexData, IndexSignatureTag, IndexTag, PackageMetadata};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// A package taken apart.
pub struct Parts {
    pub metadata: PackageMetadata,
    /// As it lies in the file.
    pub header: Vec<u8>,
    pub payload: Vec<u8>,
}

pub const BEGIN: [u8; 4] = [0x8e, 0xad, 0xe8, 0x01];

/// Where the main header begins: the signature header's size is in its introduction.
pub fn header_start(bytes: &[u8]) -> usize {
    (96 + size(&bytes[96..])).next_multiple_of(8)
}

/// Of a header that begins here.
pub fn size(bytes: &[u8]) -> usize {
    assert_eq!(bytes[..4], BEGIN);
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    16 + 16 * number(8) + number(12)
}

impl Parts {
    pub fn of(path: &Path) -> Self {
        let bytes = fs_err::read(path).unwrap();
        let start = header_start(&bytes);
        let end = start + size(&bytes[start..]);
        Parts {
            metadata: PackageMetadata::parse(&mut &bytes[..]).unwrap(),
            header: bytes[start..end].to_vec(),
            payload: bytes[end..].to_vec(),
        }
    }

    fn entries(&self) -> Vec<(u32, IndexData)> {
        let all = self.metadata.signature.get_all_entries().unwrap();
        all.into_iter().filter(|(tag, _)| *tag != 62).collect()
    }

    /// Leaves tags of the signature header out.
    pub fn without(&mut self, tags: &[u32]) {
        let kept: Vec<_> = self.entries().into_iter().filter(|(tag, _)| !tags.contains(tag)).collect();
        self.sign_with(kept);
    }

    /// Puts a tag into the signature header, in place of what is there.
    pub fn put(&mut self, tag: u32, data: IndexData) {
        self.without(&[tag]);
        let mut entries = self.entries();
        entries.push((tag, data));
        self.sign_with(entries);
    }

    fn sign_with(&mut self, entries: Vec<(u32, IndexData)>) {
        let entries = entries.into_iter().map(|(tag, data)| HeaderEntry::new(tag, data));
        self.metadata.signature =
            Header::<IndexSignatureTag>::from_entries(entries, IndexSignatureTag::HEADER_SIGNATURES);
    }

    /// Changes the main header, and states its digests and those of all anew. Its signatures are left out.
    pub fn change_header(&mut self, change: impl FnOnce(&mut Vec<(u32, IndexData)>)) {
        let all = self.metadata.header.get_all_entries().unwrap();
        let mut entries: Vec<_> = all.into_iter().filter(|(tag, _)| *tag != 63).collect();
        change(&mut entries);
        let entries = entries.into_iter().map(|(tag, data)| HeaderEntry::new(tag, data));
        self.metadata.header = Header::<IndexTag>::from_entries(entries, IndexTag::RPMTAG_HEADERIMMUTABLE);
        self.header = self.metadata.header_bytes().unwrap();
        self.restate();
    }

    /// States the digests of header and payload, as they are now, and leaves signatures out.
    pub fn restate(&mut self) {
        self.without(&[267, 268, 1002, 1005]);
        self.put(269, IndexData::StringTag(hex(&Sha1::digest(&self.header))));
        self.put(273, IndexData::StringTag(hex(&Sha256::digest(&self.header))));
        let md5 = Md5::new().chain_update(&self.header).chain_update(&self.payload).finalize();
        self.put(1004, IndexData::Bin(md5.to_vec()));
        self.put(1000, IndexData::Int32(vec![(self.header.len() + self.payload.len()) as u32]));
    }

    pub fn write(&self, to: &Path) {
        let mut bytes = Vec::new();
        self.metadata.write(&mut bytes).unwrap();
        let original = header_start(&bytes);
        bytes.truncate(original);
        bytes.extend(&self.header);
        bytes.extend(&self.payload);
        fs_err::write(to, bytes).unwrap();
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
