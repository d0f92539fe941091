//! Whether the rpm of a distribution accepts a key; the profile has what it accepts.

use super::{Algorithm, Error, Key, KeyForm};
use crate::profile::Acceptance;

/// Refuses a key whose signatures the rpm of `distribution` would not accept: better here than at the user's.
///
/// # Errors
/// [`Error::NotAccepted`] with the reason.
pub fn check_accepted(key: &Key, distribution: &str, acceptance: &Acceptance) -> Result<(), Error> {
    let refuse = |reason: String| {
        Err(Error::NotAccepted {
            key: key.fingerprint.clone(),
            distribution: distribution.to_owned(),
            reason,
        })
    };
    match refusal(acceptance, key.form()) {
        Some(reason) => refuse(reason),
        None => Ok(()),
    }
}

/// Why an rpm does not take signatures by such a key, `it` being the rpm; nothing where it does.
pub fn refusal(acceptance: &Acceptance, form: KeyForm) -> Option<String> {
    let KeyForm { algorithm, primary, sha1_self_signature, critical_subpackets, v6 } = form;
    if critical_subpackets && !acceptance.critical_subpackets {
        return Some("it does not import the key, for subpackets marked as critical".to_owned());
    }
    if v6 && !acceptance.v6 {
        return Some("it does not import the key, which is of version 6".to_owned());
    }
    if !takes(acceptance, algorithm.word()) {
        let accepted = acceptance.algorithms.join(" or ");
        return Some(format!("it takes {accepted}, and this is {}", algorithm.word()));
    }
    if let Algorithm::Rsa { bits } = algorithm
        && bits < acceptance.rsa_bits
    {
        return Some(format!("the key has {bits} bits, and {} is the least", acceptance.rsa_bits));
    }
    if !primary && !acceptance.subkeys {
        return Some("it knows signatures by a primary key only, and here a subkey signs".to_owned());
    }
    (sha1_self_signature && !acceptance.sha1_self_signature)
        .then(|| "the key certifies itself by SHA-1 or MD5".to_owned())
}

/// Whether an rpm verifies signatures by this algorithm, as [`Algorithm::word`] has it.
pub fn takes(acceptance: &Acceptance, algorithm: &str) -> bool {
    acceptance.algorithms.iter().any(|accepted| accepted == algorithm)
}
