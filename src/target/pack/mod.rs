//! A target in one file, to be built for on another machine without its packages and without the network.
//!
//! `modgraft target pack NAME` writes it, `modgraft target add NAME --pack FILE` takes it. It is a tar archive under zstd, and
//! the same target gives the same bytes: entries are sorted, times and owners are zero. Its id is the SHA-256 of the file; the
//! first twelve digits of it end the file's name, as far as nobody renamed it.
//!
//! | entry | what it is |
//! |---|---|
//! | `pack.toml` | the first: `format`, and what was found in the target ([`Facts`]) |
//! | `profile.toml` | the distribution's conventions, whole |
//! | `layouts.json` | the public types ([`crate::layout::Layouts`]) |
//! | `root/…` | the part of the target's root that a build reads, at the target's own paths |
//!
//! Of `root` there are: all headers, and what links among them lead to; apxs's variables; httpd, its modules and the shared libraries, as stubs ([`stub`]) with
//! symbols, versions, relocations and what they need, but without code; what is linked in statically (`crti.o`,
//! `libc_nonshared.a`, linker scripts); the configuration that loads modules; what tells the release and the library
//! folders. All that a build asks of it is answered as by the whole root, so the packages are the same, byte by byte. Its httpd
//! cannot run, so no check can.
//!
//! A pack whose `format` is greater than [`FORMAT`] is of a newer modgraft, and one whose is less, of an older one. What is in a pack is not trusted: its sizes are
//! bounded, and none of its paths leads out of its folder.

mod choose;
mod error;
mod read;
mod stub;
mod write;

pub use error::Error;
pub use read::{Pack, layouts_of, open};
pub use write::{Written, write};

use serde::{Deserialize, Serialize};

use super::Target;

/// The form of packs that this modgraft writes, and the only one that it reads: a profile of before lacks what is asked of it now. It goes up with whatever an older modgraft would not
/// take: another entry, and another key of `pack.toml`, of profiles or of layouts.
pub const FORMAT: u32 = 2;

/// What a pack's file name ends with.
pub const EXTENSION: &str = "modgraft-pack";

/// So many digits of its id are in a pack's file name.
const DIGITS: usize = 12;

const FACTS: &str = "pack.toml";
const PROFILE: &str = "profile.toml";
/// The public types, in the pack and in the folder of the target that was added from it.
pub const LAYOUTS: &str = "layouts.json";
const ROOT: &str = "root";

/// What was found in a target, by which its pack is known without unpacking it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Facts {
    /// [`FORMAT`].
    pub format: u32,
    /// The profile's name.
    pub profile: String,
    /// rpm's name of the processor.
    pub arch: String,
    /// `2.4.62`.
    pub httpd: String,
    /// `20120211:141`.
    pub mmn: String,
    /// `1.7.2`.
    pub apr: String,
    /// `2.31`.
    pub glibc: String,
    /// What `httpd-mmn` must equal.
    pub httpd_mmn: String,
    /// Files and links below `root`.
    pub files: u64,
}

impl Facts {
    fn of(target: &Target, files: u64) -> Self {
        Facts {
            format: FORMAT,
            profile: target.profile.name.clone(),
            arch: target.machine.name.clone(),
            httpd: target.httpd_version.clone(),
            mmn: target.mmn.to_string(),
            apr: target.apr_version.clone(),
            glibc: target.glibc.to_string(),
            httpd_mmn: target.layout.mmn_requirement.clone(),
            files,
        }
    }
}
