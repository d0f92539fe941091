//! Whether the rpm of a distribution accepts a key; the profile has what it accepts.

use super::{Algorithm, Error, Key};
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
    match refusal(acceptance, key.algorithm, key.primary, key.sha1_self_signature) {
        Some(reason) => refuse(reason),
        None => Ok(()),
    }
}

/// Why an rpm does not take signatures by such a key; nothing where it does.
pub fn refusal(
    acceptance: &Acceptance,
    algorithm: Algorithm,
    primary: bool,
    sha1_self_signature: bool,
) -> Option<String> {
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
        .then(|| "the key certifies itself by SHA-1".to_owned())
}

/// Whether an rpm verifies signatures by this algorithm, as [`Algorithm::word`] has it.
pub fn takes(acceptance: &Acceptance, algorithm: &str) -> bool {
    acceptance.algorithms.iter().any(|accepted| accepted == algorithm)
}
