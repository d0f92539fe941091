//! Keys and signatures as text.

use std::collections::HashSet;
use std::path::Path;

use pgp::armor::{self, BlockType};
use pgp::composed::ArmorOptions;
use pgp::packet::{Packet, PacketParser};
use pgp::ser::Serialize;
use pgp::types::KeyDetails;

use super::super::{Error, openpgp};
use super::{Keyring, Unverified};

impl Keyring {
    /// All keys of several, each once: where two have a key in common, the first's counts.
    pub fn joined(rings: impl IntoIterator<Item = Keyring>, shown: &Path) -> Keyring {
        let mut seen = HashSet::new();
        let keys = rings.into_iter().flat_map(|ring| ring.keys);
        let keys = keys.filter(|key| seen.insert(key.key.primary_key.fingerprint())).collect();
        Keyring { keys, path: shown.to_owned() }
    }

    /// The keys' file: an armored block for each, in their order.
    ///
    /// # Errors
    /// [`Error::NotAKeyring`] for a key that cannot be written.
    pub fn armored(&self) -> Result<String, Error> {
        let options = ArmorOptions { headers: None, include_checksum: true };
        let blocks = self.keys.iter().map(|key| {
            key.key.to_armored_string(options.clone()).map_err(|error| Error::NotAKeyring {
                path: self.path.clone(),
                reason: openpgp::refused(&error),
            })
        });
        blocks.collect()
    }

    /// Fingerprints of the primary keys, upper-case hexadecimal, in their order.
    pub fn fingerprints(&self) -> Vec<String> {
        self.keys.iter().map(|key| format!("{:X}", key.key.primary_key.fingerprint())).collect()
    }

    /// Those of these fingerprints, as [`Keyring::fingerprints`] has them.
    #[must_use]
    pub fn only(mut self, fingerprints: &[String]) -> Keyring {
        self.keys.retain(|key| fingerprints.contains(&format!("{:X}", key.key.primary_key.fingerprint())));
        self
    }

    /// Puts the keys after the first in the order of their fingerprints.
    #[must_use]
    pub fn sorted_behind_first(mut self) -> Keyring {
        if let Some((_, rest)) = self.keys.split_first_mut() {
            rest.sort_by_key(|key| format!("{:X}", key.key.primary_key.fingerprint()));
        }
        self
    }
}

/// A signature packet as the text that stands in `.asc` files.
///
/// # Errors
/// [`Unverified::Unreadable`] where it is no signature.
pub fn armored_signature(packet: &[u8]) -> Result<String, Unverified> {
    let unreadable = |reason: String| Unverified::Unreadable(reason);
    if !matches!(PacketParser::new(packet).next(), Some(Ok(Packet::Signature(_)))) {
        return Err(unreadable("it is no OpenPGP signature".to_owned()));
    }
    let mut text = Vec::new();
    armor::write(&Whole(packet), BlockType::Signature, &mut text, None, true)
        .map_err(|error| unreadable(openpgp::refused(&error)))?;
    String::from_utf8(text).map_err(|_| unreadable("its armor is no text".to_owned()))
}

/// The packet as it was made, byte by byte.
struct Whole<'a>(&'a [u8]);

impl Serialize for Whole<'_> {
    fn to_writer<W: std::io::Write>(&self, writer: &mut W) -> pgp::errors::Result<()> {
        writer.write_all(self.0)?;
        Ok(())
    }

    fn write_len(&self) -> usize {
        self.0.len()
    }
}
