//! Writes and reads RPM files: payload, header, signature; streamed and atomic.

mod beside;
mod compress;
mod cpio;
mod digest;
mod error;
mod header;
mod lead;
mod links;
mod payload;
mod read;
mod resign;
mod sha256;
mod signature;
mod write;

pub use error::Error;
pub use read::{
    Change, Difference, DigestCheck, Examination, ExaminedSignature, FileForm, Identity, InspectedFile,
    Inspection, Judged, Listing, ListingFile, PackageForm, Packed, Part, PayloadInfo, RelationGroup,
    Scriptlet, SignatureInfo, SizeCheck, Verdict, differences, each_file, examine, extract, header_digest,
    identify, inspect, listing, nevra, sources, verify,
};
pub(crate) use read::{digest_line, plain, signature_line};
pub use resign::{Existing, NewSignature, Staged};
pub use write::{Destinations, Written, WrittenSet, write, write_set};
