//! A public key with what it says of itself.
//!
//! Its own signatures are checked once, when it is read, and not with each of the packages that it signed: for an RSA key that
//! would be three times the work.

use pgp::composed::SignedPublicKey;
use pgp::packet::{PublicSubkey, RevocationCode, Signature, SignatureType};
use pgp::types::KeyDetails;

use super::{Attested, SignedBy, Unverified, id, time};
use crate::sign::KeyForm;
use crate::sign::validity::{algorithm, day, end, may_sign, names, newest_self_signature};

/// A key that vouches for itself.
#[derive(Debug, Clone)]
pub(super) struct Certified {
    pub key: SignedPublicKey,
    /// The newest signature by which it does.
    own: Signature,
    /// Those by which it was given up.
    revocations: Vec<Signature>,
    subkeys: Vec<Subkey>,
}

/// What the key says of one of its subkeys.
#[derive(Debug, Clone)]
pub(super) struct Subkey {
    pub key: PublicSubkey,
    /// Nothing where it does not vouch for it.
    binding: Option<Signature>,
    revocations: Vec<Signature>,
}

/// A (sub)key by which a signature may be.
#[derive(Clone, Copy)]
pub(super) enum Signing<'a> {
    Primary,
    Subkey(&'a Subkey),
}

impl Certified {
    /// Nothing where it does not vouch for itself: anybody can write any name and any date on it then.
    pub fn new(key: SignedPublicKey) -> Option<Self> {
        let primary = &key.primary_key;
        let own = newest_self_signature(&key.details, primary)?.clone();
        let revocations = key.details.revocation_signatures.iter();
        let revocations = revocations.filter(|one| one.verify_key(primary).is_ok()).cloned().collect();
        let subkeys = key.public_subkeys.iter().map(|subkey| {
            let valid = |kind: SignatureType| {
                let of_kind = subkey.signatures.iter().filter(move |one| one.typ() == Some(kind));
                of_kind.filter(|one| one.verify_subkey_binding(primary, &subkey.key).is_ok())
            };
            Subkey {
                key: subkey.key.clone(),
                binding: valid(SignatureType::SubkeyBinding).max_by_key(|one| one.created()).cloned(),
                revocations: valid(SignatureType::SubkeyRevocation).cloned().collect(),
            }
        });
        Some(Certified { own, revocations, subkeys: subkeys.collect(), key })
    }

    /// Which of its keys the signature says to be by.
    pub fn named_by(&self, signature: &Signature) -> Option<Signing<'_>> {
        if names(signature, &self.key.primary_key) {
            return Some(Signing::Primary);
        }
        self.subkeys.iter().find(|subkey| names(signature, &subkey.key)).map(Signing::Subkey)
    }

    /// Whether that key was alive when it made the signature, and may sign.
    ///
    /// # Errors
    /// [`Unverified::Revoked`], [`Unverified::OutOfTime`], [`Unverified::NotForSigning`].
    pub fn demand_good(&self, signing: Signing<'_>, signature: &Signature) -> Result<(), Unverified> {
        let primary = &self.key.primary_key;
        not_revoked(&self.revocations, signature, primary)?;
        in_time(primary, &self.own, signature)?;
        let subkey = match signing {
            Signing::Subkey(subkey) => subkey,
            Signing::Primary if may_sign(&self.own, algorithm(primary.public_params())) => return Ok(()),
            Signing::Primary => return Err(Unverified::NotForSigning { key_id: id(primary) }),
        };
        // A subkey has to be given the right to sign expressly.
        let Some(binding) = subkey.binding.as_ref().filter(|binding| binding.key_flags().sign()) else {
            return Err(Unverified::NotForSigning { key_id: id(&subkey.key) });
        };
        not_revoked(&subkey.revocations, signature, &subkey.key)?;
        in_time(&subkey.key, binding, signature)
    }

    /// What a signature that holds tells.
    pub fn attested(&self, signing: Signing<'_>, signature: &Signature) -> Attested {
        let primary = &self.key.primary_key;
        let key: &dyn KeyDetails = match signing {
            Signing::Primary => primary,
            Signing::Subkey(subkey) => &subkey.key,
        };
        let user = self.key.details.users.first();
        Attested {
            by: SignedBy {
                fingerprint: format!("{:X}", primary.fingerprint()),
                key_id: id(key),
                user_id: user
                    .map(|user| String::from_utf8_lossy(user.id.id()).into_owned())
                    .unwrap_or_default(),
                time: time(signature),
            },
            form: KeyForm::of(&self.key, key, &self.own),
            created: u64::from(key.created_at().as_secs()),
        }
    }
}

/// A key that was given up in peace keeps what it signed before; one that was lost, or gives no reason, keeps nothing.
fn not_revoked(
    revocations: &[Signature],
    signature: &Signature,
    key: &impl KeyDetails,
) -> Result<(), Unverified> {
    let counts = |revocation: &Signature| {
        let peaceful = matches!(
            revocation.revocation_reason_code(),
            Some(RevocationCode::KeySuperseded | RevocationCode::KeyRetired)
        );
        !peaceful || revocation.created() <= signature.created()
    };
    match revocations.iter().any(counts) {
        true => Err(Unverified::Revoked { key_id: id(key) }),
        false => Ok(()),
    }
}

/// Whether the key had not expired. That it was made at all by then, [`Attested`] tells.
fn in_time(key: &impl KeyDetails, own: &Signature, signature: &Signature) -> Result<(), Unverified> {
    let (made, created) = (time(signature), u64::from(key.created_at().as_secs()));
    let validity = match end(created, own) {
        Some(end) if made >= end => format!("it expired on {}", day(end)),
        _ => return Ok(()),
    };
    Err(Unverified::OutOfTime { key_id: id(key), made: day(made), validity })
}
