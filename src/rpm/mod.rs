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
mod signature;
mod write;

pub use error::Error;
pub use read::{
    Change, DigestCheck, FileForm, Identity, InspectedFile, Inspection, Listing, ListingFile, Packed, PayloadInfo, RelationGroup, Scriptlet,
    SignatureInfo, Verdict, each_file, extract, identify, inspect, listing, nevra, verify,
};
pub use resign::{Existing, NewSignature, Staged};
pub use write::{Destinations, Written, WrittenSet, write, write_set};
